//! What is written, and that it is read back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_plugin::TransportFailureKind;
use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cassette::{
    Age, Answer, BODY_LIMIT, Cassette, DraftAbout, DraftEntry, ProvenanceKind, Scheme, WhenExpired, read, read_draft,
};
use crate::wire::{WireAnswer, WireReply, WireRequest};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a.har")
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn exchange(target: &str, content_type: &str, body: impl Into<Vec<u8>>, answer: WireAnswer) -> DraftEntry {
    let request = WireRequest {
        method: "POST".to_owned(),
        host: Some("api.example".to_owned()),
        target: target.to_owned(),
        headers: vec![header("Content-Type", content_type)],
        body: body.into(),
    };
    let started = "2026-01-31T12:00:00.000123Z".parse().expect("a time");
    DraftEntry::new(request, Scheme::Https, answer, started, Duration::from_micros(80_123))
}

fn reply(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> WireAnswer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| header(name, value)).collect();
    WireAnswer::Reply(WireReply { status: 201, headers: headers.into(), body: body.into().into() })
}

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const FORM: &str = "application/x-www-form-urlencoded";

fn about() -> DraftAbout {
    DraftAbout::new(ProvenanceKind::Recorded, "a test", "acme", "Exchanges of a test")
}

fn ours(entries: Vec<DraftEntry>) -> Draft {
    Draft { about: Some(about()), entries }
}

#[track_caller]
fn written(folder: &Folder, draft: &Draft) -> Cassette {
    match write(&folder.path(), draft, &Redaction::new()) {
        Ok(_) => read(&folder.path()).expect("was written by us"),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(draft: &Draft, expected: &str) {
    let folder = Folder::new();
    match write(&folder.path(), draft, &Redaction::new()) {
        Ok(written) => panic!("{written:?}"),
        Err(error) => assert!(error.to_string().contains(expected), "{error}\nexpected: {expected}"),
    }
    assert!(folder.files().is_empty(), "{:?}", folder.files());
}

fn json_of(folder: &Folder) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path()).expect("a file")).expect("is JSON")
}

#[test]
fn a_file_has_all_that_har_demands_and_its_mirrors_come_from_one_truth() {
    let folder = Folder::new();
    let mut entry = exchange("/send?a=b%20c", FORM, "To=x&Text=a+b", reply(&JSON, "{\"b\":1,  \"a\":2}"));
    entry.request.headers.push(header("Cookie", "one=1111; two=2222"));
    entry.port = Some(8443);
    entry.comment = Some("send".to_owned());
    let written = written(&folder, &ours(vec![entry]));
    assert_eq!(written.recorded_at().map(|time| time.to_string()).as_deref(), Some("2026-01-31T12:00:00.000123Z"));
    let inspection = crate::cassette::inspect(&folder.path());
    assert!(inspection.problems.is_empty() && inspection.missing.is_empty(), "{inspection:?}");
    let har = json_of(&folder);
    assert_eq!(har["log"]["_countersign"]["redaction"]["profile"], "default-1");
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["time"], 80.123);
    assert_eq!(entry["request"]["url"], "https://api.example:8443/send?a=b%20c");
    assert_eq!(entry["request"]["queryString"], json!([{"name": "a", "value": "b c"}]));
    assert_eq!(entry["request"]["cookies"].as_array().map(Vec::len), Some(2));
    assert_eq!(entry["request"]["postData"]["text"], "To=x&Text=a+b");
    assert_eq!(entry["request"]["postData"]["params"][1], json!({"name": "Text", "value": "a b"}));
    assert_eq!(entry["response"]["content"]["text"], "{\"b\":1,  \"a\":2}");
    assert_eq!(entry["response"]["statusText"], "Created");
    assert_eq!(entry["_countersign"]["seq"], 0);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let large = vec![b'x'; INLINE_LIMIT + 1];
    let written =
        write(&folder.path(), &ours(vec![exchange("/", "text/plain", large, reply(&[], ""))]), &Redaction::new());
    let written = written.expect("is written");
    assert_eq!(written.sides.len(), 1);
    for path in written.sides.iter().chain([&written.path]) {
        assert_eq!(std::fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn large_bodies_lie_beside_the_cassette_and_are_checked() {
    let folder = Folder::new();
    let large = vec![b'x'; INLINE_LIMIT + 1];
    let draft = ours(vec![exchange("/", "text/plain", large.clone(), reply(&JSON, large.clone()))]);
    let cassette = written(&folder, &draft);
    let Answer::Reply(reply) = &cassette.entries()[0].answer else { panic!("{cassette:?}") };
    assert_eq!(reply.body, large);
    let files = folder.files();
    let side = files.iter().find(|name| name.starts_with("a.") && name.ends_with(".body")).expect("a file of its own");
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(std::fs::metadata(folder.path()).expect("a file").len() < 4096);

    std::fs::write(folder.0.path().join(side), vec![b'y'; INLINE_LIMIT + 1]).expect("a file");
    let error = read(&folder.path()).expect_err("was changed").to_string();
    assert!(error.contains("entry 0: _countersign.body.request.sha256 is "), "{error}");
    std::fs::remove_file(folder.0.path().join(side)).expect("a file");
    let error = read(&folder.path()).expect_err("is gone").to_string();
    assert!(error.contains(".body cannot be read (entity not found)"), "{error}");
    let mut plain = draft.clone();
    plain.about = None;
    let _ = written(&Folder::new(), &plain);
}

#[test]
fn files_of_bodies_have_names_that_can_be_read_again() {
    let folder = Folder::new();
    let path = folder.0.path().join("2026-01-31T12:00.har");
    let large = ours(vec![exchange("/", "text/plain", vec![b'x'; INLINE_LIMIT + 1], reply(&[], ""))]);
    let _ = write(&path, &large, &Redaction::new()).expect("is written");
    assert!(read(&path).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_body_is_not_followed() {
    let folder = Folder::new();
    let large = ours(vec![exchange("/", "text/plain", vec![b'x'; INLINE_LIMIT + 1], reply(&[], ""))]);
    let written = write(&folder.path(), &large, &Redaction::new()).expect("is written");
    let (side, elsewhere) = (&written.sides[0], folder.0.path().join("elsewhere"));
    std::fs::rename(side, &elsewhere).expect("is moved");
    std::os::unix::fs::symlink(&elsewhere, side).expect("is linked");
    assert!(read(&folder.path()).is_err());
}

#[test]
fn an_export_is_redacted_whatever_the_cassette_says() {
    let folder = Folder::new();
    let mut draft = ours(vec![exchange("/", FORM, "email=ada%40corp.org", reply(&[], ""))]);
    draft.about.as_mut().expect("has one").redacted = true;
    let _ = export(&folder.path(), &draft, &Redaction::new()).expect("is written");
    let text = std::fs::read_to_string(folder.path()).expect("a file");
    assert!(!text.contains("corp.org") && !text.contains("_countersign"), "{text}");
}

#[test]
fn what_is_printed_for_debugging_holds_no_variable() {
    let mut about = about();
    about.variables = vec![("code".to_owned(), "482913".to_owned())];
    let told = format!("{about:?}");
    assert!(told.contains("code") && !told.contains("482913"), "{told}");
}

#[test]
fn files_of_bodies_stay_in_the_folder_of_the_cassette() {
    let folder = Folder::new();
    let _ = written(&folder, &ours(vec![exchange("/", "text/plain", vec![b'x'; INLINE_LIMIT + 1], reply(&[], ""))]));
    for name in ["../x", "/etc/passwd", "", ".", "a/../../x", "a\\b", "c:x"] {
        let mut har = json_of(&folder);
        har["log"]["entries"][0]["_countersign"]["body"]["request"]["file"] = json!(name);
        std::fs::write(folder.path(), har.to_string()).expect("a file");
        let error = read(&folder.path()).expect_err("leads out").to_string();
        assert!(error.contains("write the name of a file in the cassette's folder or below it"), "{name}: {error}");
    }
    let mut har = json_of(&folder);
    har["log"]["entries"][0]["_countersign"]["body"]["request"]["file"] = json!("a.har");
    har["log"]["entries"][0]["request"]["postData"]["text"] = json!("x");
    std::fs::write(folder.path(), har.to_string()).expect("a file");
    let error = read(&folder.path()).expect_err("two bodies").to_string();
    assert!(error.contains("the request body stands in the cassette, and"), "{error}");
    let error = crate::cassette::parse("a.har".as_ref(), har.to_string().as_bytes()).expect_err("no file").to_string();
    assert!(error.contains("this cassette was not read from a file"), "{error}");
}

#[test]
fn compressed_bodies_are_written_decoded() {
    let text = "{\"status\": \"pending\"}";
    let encoded = |encoder: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        encoder.read_to_end(&mut bytes).expect("is encoded");
        bytes
    };
    let level = Compression::default();
    for (encoding, body) in [
        ("gzip", encoded(&mut GzEncoder::new(text.as_bytes(), level))),
        ("deflate", encoded(&mut ZlibEncoder::new(text.as_bytes(), level))),
        ("deflate", encoded(&mut DeflateEncoder::new(text.as_bytes(), level))),
        ("identity", text.as_bytes().to_vec()),
        ("gzip, gzip", encoded(&mut GzEncoder::new(&*encoded(&mut GzEncoder::new(text.as_bytes(), level)), level))),
    ] {
        let headers = [JSON[0], ("Content-Encoding", encoding)];
        let folder = Folder::new();
        let cassette = written(&folder, &ours(vec![exchange("/", "text/plain", "", reply(&headers, body))]));
        let Answer::Reply(reply) = &cassette.entries()[0].answer else { panic!("{cassette:?}") };
        assert_eq!(reply.body, text.as_bytes(), "{encoding}");
    }
    let answer = |encoding: &str, body: Vec<u8>| {
        ours(vec![exchange("/", "text/plain", "", reply(&[("Content-Encoding", encoding)], body))])
    };
    refused(
        &answer("br", b"x".to_vec()),
        "entry 0: the response body has content encoding `br`, which cannot be undone",
    );
    refused(&answer("gzip", b"x".to_vec()), "is said to have content encoding `gzip`, and cannot be decoded by it");
    let zeros = vec![0; BODY_LIMIT + 1];
    let bomb = encoded(&mut GzEncoder::new(&*zeros, level));
    refused(&answer("gzip", bomb), "the response body has more than 1048576 bytes, decoded");
}

#[test]
fn what_cannot_be_replayed_is_not_written() {
    let good = || exchange("/", "text/plain", "", reply(&[], ""));
    let changed = |change: &dyn Fn(&mut DraftEntry)| {
        let mut entry = good();
        change(&mut entry);
        ours(vec![good(), entry])
    };
    refused(&changed(&|entry| entry.request.host = None), "entry 1: the request has no host");
    refused(&changed(&|entry| entry.request.target = "*".to_owned()), "entry 1: the request's target is no path");
    refused(&changed(&|entry| entry.request.target = "/a#b".to_owned()), "entry 1: the request's target is no path");
    refused(
        &changed(&|entry| entry.request.method = "post".to_owned()),
        "entry 1: request.method is empty or not upper",
    );
    refused(&changed(&|entry| entry.request.host = Some("a b".to_owned())), "entry 1: request.url is no http or https");
    let odd = WireAnswer::Reply(WireReply { status: 42, headers: Arc::new([]), body: Arc::new([]) });
    refused(&changed(&|entry| entry.answer = odd.clone()), "entry 1: response.status is 42");
    let large = vec![b'x'; BODY_LIMIT + 1];
    refused(
        &changed(&|entry| entry.request.body.clone_from(&large)),
        "entry 1: the request body has more than 1048576",
    );
    let folder = Folder::new();
    let nowhere = folder.0.path().join("none/a.har");
    let error = write(&nowhere, &ours(vec![good()]), &Redaction::new()).expect_err("no folder").to_string();
    assert!(error.ends_with("none/a.har: cannot be written (entity not found)"), "{error}");
    let error = write(folder.0.path(), &ours(vec![good()]), &Redaction::new()).expect_err("a folder").to_string();
    assert!(error.ends_with("is no file name"), "{error}");
}

#[test]
fn what_was_there_is_kept_until_the_new_one_is_whole() {
    let folder = Folder::new();
    let _ = written(&folder, &ours(vec![exchange("/one", "text/plain", "", reply(&[], ""))]));
    let before = std::fs::read(folder.path()).expect("a file");
    let bad = ours(vec![exchange("none", "text/plain", "", reply(&[], ""))]);
    assert!(write(&folder.path(), &bad, &Redaction::new()).is_err());
    assert_eq!(std::fs::read(folder.path()).expect("a file"), before);
    let _ = written(&folder, &ours(vec![exchange("/two", "text/plain", "", reply(&[], ""))]));
    assert_ne!(std::fs::read(folder.path()).expect("a file"), before);
    assert_eq!(folder.files(), ["a.har"]);
}

#[test]
fn added_entries_leave_the_others_as_they_are() {
    let folder = Folder::new();
    let entry = |target: &str| exchange(target, "text/plain", "x", reply(&JSON, "{}"));
    let add = |targets: &[&str]| {
        let entries = targets.iter().map(|target| entry(target)).collect();
        append(&folder.path(), &ours(entries), &Redaction::new()).expect("is added")
    };
    let _ = add(&["/1"]);
    let before = std::fs::read_to_string(folder.path()).expect("a file");
    let _ = add(&["/2", "/3"]);
    let after = std::fs::read_to_string(folder.path()).expect("a file");
    let kept = before.strip_suffix("\n    ]\n  }\n}\n").expect("ends so");
    assert!(after.starts_with(kept) && after.ends_with("\n    ]\n  }\n}\n"), "{after}");
    let cassette = read(&folder.path()).expect("is a cassette");
    let found: Vec<_> =
        cassette.entries().iter().map(|entry| (entry.request.url.path().to_owned(), entry.seq)).collect();
    assert_eq!(found, [("/1".to_owned(), Some(0)), ("/2".to_owned(), Some(1)), ("/3".to_owned(), Some(2))]);

    std::fs::write(folder.path(), "{\"log\":{\"entries\":[]}}").expect("a file");
    let _ = add(&["/plain"]);
    let har = json_of(&folder);
    assert!(har["log"]["entries"][0].get("_countersign").is_none(), "{har}");
    std::fs::write(folder.path(), "no JSON").expect("a file");
    let error = append(&folder.path(), &ours(vec![entry("/4")]), &Redaction::new()).expect_err("no cassette");
    assert!(error.to_string().contains("a.har: cannot be added to: is not JSON"), "{error}");
}

#[test]
fn an_age_is_written_and_read() {
    let folder = Folder::new();
    let mut draft = ours(vec![exchange("/", "text/plain", "", reply(&[], ""))]);
    let age = Age { days: 30, then: WhenExpired::Fail };
    if let Some(about) = &mut draft.about {
        about.expires = Some(age);
    }
    let cassette = written(&folder, &draft);
    assert_eq!(cassette.expiry().map(|expiry| expiry.age), Some(age));
}

fn any_headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![Just("Accept".to_owned()), Just("accept".to_owned()), "X-[A-Z][a-z]{0,3}"];
    proptest::collection::vec((name, "[ -~]{0,8}"), 0..4)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..40),
        "[ -~é]{0,40}".prop_map(String::into_bytes),
        Just(b"{\"a\" : [1,\n 2]}".to_vec()),
        Just(vec![b'y'; INLINE_LIMIT + 1]),
    ]
}

fn any_type() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        Just(None),
        Just(Some("application/json; charset=utf-8")),
        Just(Some(FORM)),
        Just(Some("text/html")),
        Just(Some("application/octet-stream")),
    ]
}

fn any_answer() -> impl Strategy<Value = WireAnswer> {
    let reply = (200_u16..599, any_headers(), any_type(), any_body()).prop_map(|(status, mut headers, typed, body)| {
        headers.extend(typed.map(|typed| header("Content-Type", typed)));
        WireAnswer::Reply(WireReply { status, headers: headers.into(), body: body.into() })
    });
    let failure = prop_oneof![
        Just(TransportFailureKind::NoAnswer),
        Just(TransportFailureKind::NotSent),
        Just(TransportFailureKind::TooLarge),
        Just(TransportFailureKind::Refused),
        Just(TransportFailureKind::Deadline),
    ];
    prop_oneof![5 => reply, 1 => failure.prop_map(WireAnswer::Failure)]
}

prop_compose! {
    fn any_entry()(
        method in "[A-Z]{1,6}", host in "[a-z]{1,5}\\.example", path in "(/[a-z%+,;:@=]{0,3}){1,4}", query in "(\\?[a-z=&+%.]{0,9})?",
        mut headers in any_headers(), typed in any_type(), body in any_body(), answer in any_answer(),
        https in any::<bool>(), port in proptest::option::of(1000_u16..9999), micros in 0_u64..100_000_000, seconds in 0_i64..4_000_000_000,
        comment in proptest::option::of("[a-z ]{1,9}"),
    ) -> DraftEntry {
        headers.extend(typed.map(|typed| header("Content-Type", typed)));
        let request = WireRequest { method, host: Some(host), target: format!("{path}{query}"), headers, body };
        let started = jiff::Timestamp::from_second(seconds).expect("is in range");
        let scheme = if https { Scheme::Https } else { Scheme::Http };
        let mut entry = DraftEntry::new(request, scheme, answer, started, Duration::from_micros(micros));
        (entry.port, entry.comment) = (port, comment);
        entry
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was written is read back, byte for byte and in its order, as redaction left it.
    #[test]
    fn any_draft_is_read_back_as_it_was_written(entries in proptest::collection::vec(any_entry(), 0..6), cut in 0_usize..6) {
        let draft = ours(entries);
        let redacted = Redaction::new().apply(&draft).draft;
        let folder = Folder::new();
        prop_assert!(write(&folder.path(), &draft, &Redaction::new()).is_ok());
        let mut back = read_draft(&folder.path()).expect("was written by us");
        if let Some(about) = &mut back.about {
            (about.recorded_at, about.redacted) = (None, false);
        }
        prop_assert_eq!(&back.about, &redacted.about);
        prop_assert_eq!(back.entries.len(), redacted.entries.len());
        for (back, redacted) in back.entries.iter().zip(&redacted.entries) {
            prop_assert!(back == redacted, "{back:?}\n{redacted:?}");
        }
        // Written in two goes it is the same.
        let (first, second) = redacted.entries.split_at(cut.min(redacted.entries.len()));
        let other = Folder::new();
        for part in [first, second] {
            prop_assert!(append(&other.path(), &ours(part.to_vec()), &Redaction::new()).is_ok());
        }
        prop_assert!(read_draft(&other.path()).expect("was written by us").entries == back.entries);
    }
}
