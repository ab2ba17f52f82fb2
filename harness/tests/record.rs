//! `countersign-harness record`, from outside, against servers on this machine.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use countersign_harness::cassette::{ProvenanceKind, read};
use countersign_harness::serve::{Authority, Cassettes, Server, Tls};
use countersign_harness::wire::{Responder, WireAnswer, WireReply, WireRequest};
use jiff::Timestamp;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");
const TOKEN: &str = "canary0123456789abcdef0123456789";

/// Says what it heard, and sets a cookie on the way elsewhere.
struct Echo;

impl Responder for Echo {
    fn respond(&self, request: &WireRequest) -> WireAnswer {
        if request.target.starts_with("/base/away") {
            let headers = [("Location".to_owned(), "https://elsewhere.example/".to_owned())];
            return WireAnswer::Reply(WireReply { status: 302, headers: Arc::new(headers), body: Arc::new([]) });
        }
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        WireAnswer::Reply(WireReply::json(
            201,
            &serde_json::json!({"target": request.target, "headers": headers, "body": body, "to": "+14155552671"}),
        ))
    }
}

/// Serves until the test's process ends.
fn upstream(tls: Option<Tls>) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
            let server = match tls {
                Some(tls) => server.with_tls(tls),
                None => server,
            };
            sender.send(server.address()).expect("somebody waits");
            server.run(Arc::new(Echo), std::future::pending()).await;
        });
    });
    receiver.recv().expect("it listens")
}

fn program(upstream: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["record", "--upstream", upstream, "--out"]).arg(out).args(more);
    command.env_remove("CI").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

struct Recording {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Recording {
    #[track_caller]
    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}"));
        Self { child, out, address: address.to_owned() }
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        write!(
            socket,
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nAccept-Encoding: br, gzip\r\n\
             Connection: close, X-Hop\r\nX-Hop: 1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            self.address
        )
        .expect("it is sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("text");
        answer
    }

    fn end(mut self) -> (i32, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        let mut text = String::new();
        self.out.read_to_string(&mut text).expect("text");
        (self.child.wait().expect("it ends").code().expect("by itself"), text)
    }
}

fn refused(mut command: Command) -> (i32, String) {
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().expect("by itself"), text)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recorded.har");
    (folder, path)
}

#[test]
fn what_is_said_through_the_proxy_is_recorded_redacted_and_can_be_replayed() {
    let (folder, path) = place();
    let base = format!("http://{}/base", upstream(None));
    let recording = Recording::of(program(&base, &path, &["--live", "--redact", "flavour", "--source", "synthetic"]));
    let answer = recording.ask("POST", "/send?flavour=vanilla", "To=%2B14155552671&Code=314159");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let heard: serde_json::Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(heard["target"], "/base/send?flavour=vanilla");
    assert_eq!(heard["body"], "To=%2B14155552671&Code=314159");
    let host = base.trim_start_matches("http://").trim_end_matches("/base");
    let headers: Vec<&str> =
        heard["headers"].as_array().expect("a list").iter().filter_map(|line| line.as_str()).collect();
    for expected in [&*format!("authorization: Bearer {TOKEN}"), "accept-encoding: gzip", &*format!("host: {host}")] {
        assert!(headers.contains(&expected), "{expected} in {headers:?}");
    }
    assert!(!headers.iter().any(|line| line.starts_with("x-hop") || line.starts_with("connection")), "{headers:?}");
    let away = recording.ask("GET", "/away", "");
    assert!(away.starts_with("HTTP/1.1 302 ") && away.contains("https://elsewhere.example/"), "not followed: {away}");
    let unfinished = std::fs::read_to_string(folder.path().join("recorded.unfinished.har")).expect("is there already");
    assert!(!unfinished.contains("canary"), "{unfinished}");
    let (exit, text) = recording.end();
    assert_eq!(exit, 0, "{text}");
    assert!(
        text.contains("recorded.har: 2 exchanges written, replaced ") && text.contains("phone number: 1"),
        "{text}"
    );

    let file = std::fs::read_to_string(&path).expect("a file");
    for secret in ["canary", "4155552671", "314159", "vanilla"] {
        assert!(!file.contains(secret), "{secret} in {file}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing stays beside it");
    let cassette = read(&path).expect("a cassette");
    let provenance = cassette.provenance().expect("says where it comes from");
    assert_eq!(provenance.kind, ProvenanceKind::Recorded);
    assert!(provenance.source.starts_with("synthetic (HTTP exchanges with http://127.0.0.1:"), "{provenance}");
    assert!(cassette.recorded_at().expect("says when") > Timestamp::now() - jiff::SignedDuration::from_hours(1));

    // The same requests again, of the real client: replayed, and nothing else is.
    let recording = Recording::of(program(&base, &path, &["--mode", "none"]));
    let answer = recording.ask("POST", "/send?flavour=vanilla", "To=%2B14155552671&Code=314159");
    assert!(answer.starts_with("HTTP/1.1 501 "), "the added name is not in the redaction of this run: {answer}");
    let away = recording.ask("GET", "/away", "");
    assert!(away.starts_with("HTTP/1.1 302 "), "{away}");
    let (exit, text) = recording.end();
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("MISS  no recorded exchange answers POST") && text.contains("1 requests were answered"));

    let recording = Recording::of(program(&base, &path, &["--mode", "none", "--redact", "flavour"]));
    let answer = recording.ask("POST", "/send?flavour=vanilla", "To=%2B14155552671&Code=314159");
    assert!(answer.starts_with("HTTP/1.1 201 ") && !answer.contains("4155552671"), "{answer}");
    assert_eq!(recording.end().0, 0);

    // And in the carrier that only replays.
    let unused = Cassettes::new(vec![read(&path).expect("a cassette")]).finish().expect_err("nothing was asked");
    assert_eq!(unused.entries.len(), 2);
}

#[test]
fn tls_is_spoken_with_servers_that_the_system_trusts_and_with_no_others() {
    let (folder, path) = place();
    let authority = Authority::new(&["localhost".to_owned()], Timestamp::now()).expect("a certificate");
    let port = upstream(Some(authority.tls("localhost").expect("a name"))).port();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).expect("a file");
    let upstream = format!("https://localhost:{port}");

    let mut trusting = program(&upstream, &path, &["--live"]);
    trusting.env("SSL_CERT_FILE", &roots).env_remove("SSL_CERT_DIR");
    let recording = Recording::of(trusting);
    let answer = recording.ask("GET", "/x", "");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let (exit, text) = recording.end();
    assert_eq!(exit, 0, "{text}");
    let recorded = read(&path).expect("a cassette");
    assert_eq!(recorded.entries()[0].request.url.as_str(), format!("{upstream}/x"));

    let other = Authority::new(&["localhost".to_owned()], Timestamp::now()).expect("a certificate");
    std::fs::write(&roots, other.pem()).expect("a file");
    let mut doubting = program(&upstream, &path, &["--live", "--mode", "new"]);
    doubting.env("SSL_CERT_FILE", &roots).env_remove("SSL_CERT_DIR");
    let recording = Recording::of(doubting);
    let answer = recording.ask("GET", "/y", "");
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("no connection with `localhost`"), "{answer}");
    let (exit, text) = recording.end();
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("MISS  GET /y: no answer: ") && text.contains("nothing was recorded"), "{text}");
}

#[test]
fn nothing_goes_live_without_a_flag_and_in_ci_without_a_mode() {
    let (folder, path) = place();
    let server = format!("http://{}", upstream(None));
    #[track_caller]
    fn check(command: Command, expected: &str) {
        let (exit, text) = refused(command);
        assert_eq!(exit, 2, "{text}");
        assert!(text.contains(expected) && !text.contains("listening"), "{text}");
    }
    check(program(&server, &path, &[]), "nothing goes live unasked: add --live");
    check(program(&server, &path, &["--mode", "all"]), "add --live");
    check(program("http://192.0.2.1", &path, &["--live"]), "use https");
    check(program("https://a:b@example.com", &path, &["--live"]), "leave it to the client");
    check(program(&server, &folder.path().join("none/x.har"), &["--live"]), "nothing can be written there");
    let mut ci = program(&server, &path, &["--live"]);
    ci.env("CI", "true");
    check(ci, "add --mode once, new or all");
    let mut ci = program(&server, &path, &[]);
    ci.env("CI", "true");
    check(ci, "only replays");
    check(program(&server, &path, &["--live", "--known-secret-file", "/none/secret"]), "/none/secret: cannot be read");
}
