//! What is recorded, what goes live, and what stays when something fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign::secrets::{Secret, Secrets};
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::{Endpoint, Reply, SecretRef, TransportFailureKind};
use jiff::Timestamp;
use url::Url;

use super::recorder::Course;
use super::*;
use crate::cassette::{DraftAbout, DraftEntry, Player, ProvenanceKind, Scheme, read};
use crate::redact::Redaction;
use crate::replay::ReplayTransport;
use crate::wire::{WireAnswer, WireReply, WireRequest};

const TOKEN: &str = "canary-9f8e7d6c5b4a39281706";

fn settings(path: &Path, mode: Mode) -> Settings {
    let about = DraftAbout::new(ProvenanceKind::Recorded, "a test (synthetic)", "api.example", "a test");
    Settings { path: path.to_owned(), mode, live: mode != Mode::None, about, redaction: Redaction::new() }
}

fn cassette() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recorded.har");
    (folder, path)
}

fn entry(target: &str, body: &str) -> DraftEntry {
    let request = WireRequest {
        method: "GET".to_owned(),
        host: Some("api.example".to_owned()),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let reply = WireReply { status: 200, headers: Arc::new([]), body: body.as_bytes().into() };
    let time = Timestamp::UNIX_EPOCH;
    DraftEntry::new(request, Scheme::Https, WireAnswer::Reply(reply), time, Duration::from_millis(5))
}

fn course(recorder: &Recorder, target: &str) -> Course {
    let origin = Url::parse("https://api.example/").expect("an address");
    recorder.course(|request| crate::serve::sent(request, &origin, true), &entry(target, ""))
}

fn recorded(path: &Path, targets: &[&str]) {
    let recorder = Recorder::start(settings(path, Mode::All)).expect("it begins");
    targets.iter().for_each(|target| recorder.keep(entry(target, "old")));
    assert!(recorder.finish().expect("it is written").is_complete());
}

fn targets(path: &Path) -> Vec<String> {
    let cassette = read(path).expect("a cassette");
    cassette.entries().iter().map(|entry| entry.request.url.path().to_owned()).collect()
}

#[test]
fn modes_say_what_goes_live() {
    // Which of a recorded and an unrecorded request is replayed, goes live, is refused.
    #[track_caller]
    fn check(mode: Mode, exists: bool, expected: Option<[&str; 2]>) {
        let (_folder, path) = cassette();
        if exists {
            recorded(&path, &["/old"]);
        }
        let found = Recorder::start(settings(&path, mode)).ok().map(|recorder| {
            ["/old", "/new"].map(|target| match course(&recorder, target) {
                Course::Replay(_) => "replay",
                Course::Live => "live",
                Course::Refuse(_) => "refuse",
            })
        });
        assert_eq!(found, expected, "{mode} {exists}");
    }
    check(Mode::None, false, None);
    check(Mode::None, true, Some(["replay", "refuse"]));
    check(Mode::Once, false, Some(["live", "live"]));
    check(Mode::Once, true, Some(["replay", "refuse"]));
    check(Mode::New, false, Some(["live", "live"]));
    check(Mode::New, true, Some(["replay", "live"]));
    check(Mode::All, false, Some(["live", "live"]));
    check(Mode::All, true, Some(["live", "live"]));
}

#[test]
fn nothing_goes_live_unasked() {
    #[track_caller]
    fn check(mode: Mode, live: bool, exists: bool, expected: &str) {
        let (_folder, path) = cassette();
        if exists {
            recorded(&path, &["/old"]);
        }
        let told = Recorder::start(Settings { live, ..settings(&path, mode) }).map(|_| ());
        let told = told.map_or_else(|error| error.to_string(), |()| "begins".to_owned());
        assert!(told.contains(expected), "{told}");
        assert_eq!(told.lines().count(), 1);
    }
    check(Mode::Once, false, false, "there is no such cassette yet; nothing goes live unasked: add --live");
    check(Mode::Once, false, true, "begins");
    check(Mode::New, false, true, "add --live");
    check(Mode::All, false, true, "add --live");
    check(Mode::None, true, true, "add --mode once, new or all");
    check(Mode::None, false, false, "only replays; record it by --mode once --live");
}

#[test]
fn a_mode_says_what_becomes_of_the_file() {
    #[track_caller]
    fn check(mode: Mode, expected: &[&str]) {
        let (_folder, path) = cassette();
        recorded(&path, &["/old"]);
        let recorder = Recorder::start(settings(&path, mode)).expect("it begins");
        recorder.keep(entry("/new", "new"));
        assert_eq!(targets(&path), ["/old"], "nothing changes before the end");
        assert_eq!(recorder.finish().expect("it is written").recorded, 1);
        assert_eq!(targets(&path), expected);
    }
    check(Mode::New, &["/old", "/new"]);
    check(Mode::All, &["/new"]);
}

#[test]
fn nothing_recorded_leaves_the_file_alone() {
    let (folder, path) = cassette();
    recorded(&path, &["/old"]);
    let summary = Recorder::start(settings(&path, Mode::All)).expect("it begins").finish().expect("it ends");
    assert!(summary.written.is_none() && summary.is_complete());
    assert_eq!(targets(&path), ["/old"]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing stays beside it");
}

#[test]
fn what_was_recorded_is_on_the_disk_before_the_end_and_is_not_overwritten() {
    let (_folder, path) = cassette();
    let recorder = Recorder::start(settings(&path, Mode::Once)).expect("it begins");
    recorder.keep(entry("/first", "{}"));
    drop(recorder);
    let unfinished = path.with_file_name("recorded.unfinished.har");
    assert_eq!(targets(&unfinished), ["/first"]);
    assert!(!path.exists());
    let told = Recorder::start(settings(&path, Mode::Once)).expect_err("it would be lost").to_string();
    assert!(told.contains("recorded.unfinished.har: holds what an earlier recording had"), "{told}");
}

#[test]
fn what_appears_meanwhile_is_not_overwritten() {
    let (_folder, path) = cassette();
    let recorder = Recorder::start(settings(&path, Mode::Once)).expect("it begins");
    recorder.keep(entry("/mine", "{}"));
    recorded_elsewhere(&path);
    let told = recorder.finish().expect_err("somebody's file").to_string();
    assert!(told.contains("appeared while it was being recorded"), "{told}");
    assert_eq!(targets(&path), ["/theirs"]);
    assert_eq!(targets(&path.with_file_name("recorded.unfinished.har")), ["/mine"]);
}

fn recorded_elsewhere(path: &Path) {
    let other = path.with_file_name("other.har");
    recorded(&other, &["/theirs"]);
    std::fs::rename(other, path).expect("it moves");
}

#[test]
fn what_cannot_be_recorded_is_left_out_and_told_without_its_secret() {
    let (_folder, path) = cassette();
    let mut settings = settings(&path, Mode::Once);
    settings.redaction = Redaction::new().with_known(Secret::new(TOKEN)).expect("is long");
    let recorder = Recorder::start(settings).expect("it begins");
    recorder.keep(entry("/good", TOKEN));
    // Base64 of a text around the secret is not replaced, and is found.
    use base64::Engine as _;
    let hidden = base64::engine::general_purpose::STANDARD.encode(format!("x{TOKEN}x"));
    recorder.keep(entry("/bad", &hidden));
    let summary = recorder.finish().expect("the rest is written");
    assert_eq!((summary.recorded, summary.left_out.len(), summary.is_complete()), (1, 1, false));
    let told = summary.left_out[0].to_string();
    assert!(told.starts_with("GET /bad: not recorded: entry 1: the response body still holds"), "{told}");
    assert!(!told.contains("canary"), "{told}");
    assert_eq!(targets(&path), ["/good"]);
    let file = std::fs::read_to_string(&path).expect("a file");
    assert!(!file.contains("canary") && !file.contains(&hidden), "{file}");
}

/// Answers everything alike, and counts.
struct Live {
    asked: AtomicUsize,
    answer: Result<&'static str, TransportFailureKind>,
}

impl Live {
    fn saying(answer: Result<&'static str, TransportFailureKind>) -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), answer })
    }
}

#[async_trait]
impl Transport for Live {
    async fn send(&self, _: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        self.answer
            .map(|body| Reply::new(200, body.as_bytes().to_vec()).with_headers(headers))
            .map_err(|kind| TransportFailure::new(kind, "as the test wants"))
    }
}

fn send(transport: &dyn Transport, to: &str) -> Result<Reply, TransportFailure> {
    let token = SecretRef::named("auth_token");
    let request = Request::post(Endpoint::new("https://api.example").path(["send"]))
        .basic_auth("AC00000000000000000000000000000001", &token)
        .form([("To", to)])
        .form([("Key", &token)]);
    let secrets: Secrets = [("auth_token".to_owned(), Secret::new(TOKEN))].into_iter().collect();
    let url = Url::parse(&request.url).expect("an address");
    let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left: Duration::from_secs(1) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(transport.send(outgoing))
}

#[test]
fn around_the_engine_references_are_recorded_and_replayed() {
    let (_folder, path) = cassette();
    let live = Live::saying(Ok(r#"{"to": "+14155552671", "echo": "canary-9f8e7d6c5b4a39281706"}"#));
    let recorder = Recorder::start(settings(&path, Mode::Once)).expect("it begins");
    let transport = RecordingTransport::new(live.clone(), recorder);
    let reply = send(&transport, "+14155552671").expect("it is answered");
    assert_eq!(reply.json::<serde_json::Value>().expect("JSON")["to"], "+14155552671", "the engine hears the truth");
    assert!(transport.finish().expect("it is written").is_complete());
    let file = std::fs::read_to_string(&path).expect("a file");
    assert!(!file.contains("canary") && !file.contains("4155552671"), "{file}");
    assert!(file.contains("Key=%5Bauth_token%5D"), "{file}");

    // Who sends the number again means what was recorded, in this transport as in one that only replays.
    let recorder = Recorder::start(settings(&path, Mode::None)).expect("it begins");
    let again = RecordingTransport::new(live.clone(), recorder);
    let reply = send(&again, "+14155552671").expect("it is replayed");
    let to = reply.json::<serde_json::Value>().expect("JSON")["to"].as_str().expect("text").to_owned();
    assert!(to.starts_with("+1500555"), "{to}");
    assert_eq!(live.asked.load(Ordering::Relaxed), 1);
    assert_eq!(again.finish().expect("it ends").replayed, 1);
    let player = ReplayTransport::new(Player::new(vec![read(&path).expect("a cassette")]));
    assert!(send(&player, &to).is_ok(), "with the number that the cassette has");
}

#[test]
fn what_replay_does_not_know_never_reaches_the_live_transport() {
    let (_folder, path) = cassette();
    recorded(&path, &["/old"]);
    let live = Live::saying(Ok("{}"));
    let transport =
        RecordingTransport::new(live.clone(), Recorder::start(settings(&path, Mode::None)).expect("it begins"));
    let failure = send(&transport, "+14155552671").expect_err("is not recorded");
    assert_eq!(failure.kind, TransportFailureKind::Refused);
    assert_eq!(live.asked.load(Ordering::Relaxed), 0);
    assert_eq!(transport.finish().expect("it ends").refused.len(), 1);
}

#[test]
fn failures_are_passed_on_and_not_recorded() {
    let (_folder, path) = cassette();
    let recorder = Recorder::start(settings(&path, Mode::Once)).expect("it begins");
    let transport = RecordingTransport::new(Live::saying(Err(TransportFailureKind::NoAnswer)), recorder);
    let failure = send(&transport, "+14155552671").expect_err("it fails");
    assert_eq!(failure.kind, TransportFailureKind::NoAnswer);
    let summary = transport.finish().expect("it ends");
    assert_eq!((summary.recorded, summary.unanswered.len(), summary.is_complete()), (0, 1, false));
    assert!(!path.exists());
}
