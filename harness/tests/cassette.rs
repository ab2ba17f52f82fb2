//! The `cassette` commands and the hardness of the reader, from outside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");
const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(path)
}

struct Ran {
    exit: i32,
    text: String,
}

fn run(arguments: &[&str]) -> Ran {
    let output: Output = Command::new(PROGRAM).args(arguments).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ran { exit: output.status.code().expect("it ends by itself"), text }
}

fn cassette(command: &str, paths: &[&Path], more: &[&str]) -> Ran {
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().expect("UTF-8")).collect();
    run(&[&["cassette", command], &paths[..], more].concat())
}

/// A folder, and a file in it.
fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.har");
    fs::write(&path, content).expect("a file");
    (folder, path)
}

fn har(changes: &[(&str, Value)]) -> Value {
    let text = fs::read(fixture("twilio-verify/start-then-approved.har")).expect("a file");
    let mut har: Value = serde_json::from_slice(&text).expect("JSON");
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a parent");
        har.pointer_mut(parent).expect("it is there")[name] = value.clone();
    }
    har
}

/// The file is refused by `validate`, `replay` and `serve`, each in one line with path and place.
#[track_caller]
fn refused(path: &Path, expected: &str) {
    let name = path.to_str().expect("UTF-8");
    for arguments in [
        vec!["cassette", "validate", name],
        vec!["cassette", "show", name],
        vec!["replay", name],
        vec!["serve", "--cassette", name],
    ] {
        let ran = run(&arguments);
        assert_eq!(ran.exit, 2, "{}", ran.text);
        let bad: Vec<_> = ran.text.lines().filter(|line| line.starts_with("BAD ")).collect();
        assert_eq!(bad.len(), 1, "{}", ran.text);
        assert!(bad[0].starts_with(&format!("BAD   {name}: ")) && bad[0].contains(expected), "{}", ran.text);
        assert!(bad[0].len() < 400 + name.len(), "{}", ran.text);
    }
}

#[test]
fn what_is_no_cassette_is_refused_in_one_line_with_its_place() {
    for (content, expected) in [
        (b"no JSON".to_vec(), "is not JSON: expected ident at line 1 column 2"),
        (b"".to_vec(), "is not JSON"),
        (vec![0xff; 64], "is not JSON"),
        (b"{}".to_vec(), "missing field `log`"),
        (b"{\"log\": {\"entries\": [{\"request\": 1}]}}".to_vec(), "at `log.entries[0].request`"),
        ("[".repeat(1_000_000).into_bytes(), "is not "),
        (
            har(&[("/log/_countersign/version", json!("2.0"))]).to_string().into_bytes(),
            "version 2.0, this reader knows 1.0",
        ),
        (
            har(&[("/log/entries/1/request/postData/text", json!("VerificationSid=x&Code=1"))])
                .to_string()
                .into_bytes(),
            "entry 1: request.postData.text and request.postData.params disagree about `Code`",
        ),
        (
            har(&[("/log/entries/0/response/content/text", json!("x".repeat(15_000_000)))]).to_string().into_bytes(),
            "entry 0: the response body has 15000000 bytes, it may have 1048576",
        ),
        (
            har(&[("/log/entries/0/comment", json!("x".repeat(17_000_000)))]).to_string().into_bytes(),
            "bytes, a cassette may have 16777216",
        ),
    ] {
        let (_folder, path) = file(content);
        refused(&path, expected);
    }
}

/// A file of 1 GB that holds nothing takes no room on the disk, and must take no memory either.
#[test]
fn a_file_of_one_gigabyte_is_refused_without_being_read() {
    let (_folder, path) = file("");
    File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    refused(&path, "has 1073741824 bytes, a cassette may have 16777216; split it");
    refused(path.parent().expect("a folder").join("none.har").as_path(), "cannot be read");
}

/// An entry of 1 GB in a file of its own, beside a small cassette.
#[test]
fn a_body_of_one_gigabyte_beside_the_cassette_is_refused_without_being_read() {
    let note = json!({"seq": 0, "body": {"response": {"sha256": "0".repeat(64), "file": "large.body"}}});
    let (folder, path) = file(har(&[("/log/entries/0/_countersign", note)]).to_string());
    let large = File::create(folder.path().join("large.body")).expect("a file");
    large.set_len(1 << 30).expect("a sparse file");
    refused(&path, "entry 0: the response body has 1073741824 bytes, it may have 1048576");
}

#[test]
fn every_problem_of_a_file_is_told() {
    let har = har(&[
        ("/log/_countersign/titel", json!("x")),
        ("/log/entries/0/request/method", json!("post")),
        ("/log/entries/1/response/status", json!(42)),
    ]);
    let (_folder, path) = file(har.to_string());
    let ran = cassette("validate", &[&path, &fixture("totp"), Path::new("none")], &[]);
    assert_eq!(ran.exit, 2);
    for expected in [
        "a.har: log._countersign has no key `titel`; did you mean `title`?",
        "a.har: entry 0: request.method is empty or not upper case: post",
        "a.har: entry 1: response.status is 42, which is no HTTP status",
        "BAD   none: cannot be read",
        " good, 2 bad",
    ] {
        assert!(ran.text.contains(expected), "{expected} in {}", ran.text);
    }
}

#[test]
fn all_fixtures_are_good_and_lack_nothing() {
    let ran = cassette("validate", &[&fixture("")], &[]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(!ran.text.contains("warn ") && ran.text.contains(" good, 0 bad"), "{}", ran.text);
}

#[test]
fn what_other_tools_would_miss_is_told_as_a_warning() {
    let (_folder, path) = file(
        "{\"log\": {\"entries\": [{\"request\": {\"method\": \"GET\", \"url\": \"https://x.example/\"}, \"response\": {\"status\": 200}}]}}",
    );
    let ran = cassette("validate", &[&path], &[]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    for member in ["log.version", "log.creator", "log.entries[0].timings", "log.entries[0].response.content"] {
        assert!(ran.text.contains(&format!("a.har: {member} is missing; ")), "{member} in {}", ran.text);
    }
}

#[test]
fn a_cassette_is_shown_decoded_and_masked() {
    let path = fixture("twilio-verify/start-then-approved.har");
    for more in [&[][..], &["--yaml"]] {
        let ran = cassette("show", &[&path], more);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        for expected in ["A code is sent, and checked with the right one", "transcribed: ", "Channel: sms", "approved"]
        {
            assert!(ran.text.contains(expected), "{expected} in {}", ran.text);
        }
        for secret in ["135790", "5005550006", "[auth_token]", "QUNhY"] {
            assert!(!ran.text.contains(secret), "{secret} in {}", ran.text);
        }
    }
    let one = cassette("show", &[&path], &["--entry", "1"]);
    assert!(one.text.contains("VerificationCheck") && !one.text.contains("/Verifications\n"), "{}", one.text);
    let none = cassette("show", &[&path], &["--entry", "2"]);
    assert_eq!(none.exit, 2);
    assert!(none.text.contains("has 2 entries, counted from 0; there is no such one"), "{}", none.text);
}

#[test]
fn recordings_are_compared_by_shape() {
    let old = fixture("twilio-verify/start-then-approved.har");
    let same = cassette("diff", &[&old, &old], &[]);
    assert_eq!((same.exit, same.text.trim_end()), (0, "0 error, 0 warn, 0 info"));
    let body = "{\"sid\": \"x\", \"status\": 5, \"brand_new\": 1}";
    let content = json!({"size": body.len(), "mimeType": "application/json", "text": body});
    let changes = [("/log/entries/0/response/content", content), ("/log/entries/0/response/status", json!(200))];
    let (_folder, new) = file(har(&changes).to_string());
    let worse = cassette("diff", &[&old, &new], &[]);
    assert_eq!(worse.exit, 1);
    for expected in [
        "error entry 0, response status: was 201, is 200",
        "error entry 0, response body /status: was text, is number",
        "warn  entry 0, response body /service_sid: removed",
        "info  entry 0, response body /brand_new: added",
    ] {
        assert!(worse.text.contains(expected), "{expected} in {}", worse.text);
    }
    let bad = cassette("diff", &[&old, Path::new("none.har")], &[]);
    assert_eq!(bad.exit, 2, "{}", bad.text);
}

fn recording() -> Value {
    har(&[
        (
            "/log/entries/0/request/headers",
            json!([{"name": "Authorization", "value": "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpteS1ob3VzZS1wYXNzd29yZA=="}]),
        ),
        ("/log/entries/0/request/postData/params/0/value", json!("+4915112345678")),
        ("/log/entries/0/comment", json!(format!("with {TOKEN}"))),
    ])
}

#[test]
fn a_cassette_is_redacted_and_still_plays() {
    let (folder, path) = file(recording().to_string());
    let (out, secret) = (folder.path().join("out.har"), folder.path().join("token"));
    fs::write(&secret, format!("{TOKEN}\n")).expect("a file");
    let out_name = out.to_str().expect("UTF-8");
    let more = ["--out", out_name, "--redact", "VerificationSid", "--secret-file", secret.to_str().expect("UTF-8")];
    let ran = cassette("redact", &[&path], &more);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(
        ran.text.contains("replaced resource id: 1, phone number: 1, code: 1, credential: 1, added secret: 2"),
        "{}",
        ran.text
    );
    let text = fs::read_to_string(&out).expect("a file");
    for secret in [TOKEN, "4915112345678", "135790", "QUMwMTIz", "my-house"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let written: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        written["log"]["_countersign"]["redaction"],
        json!({"profile": "default-1", "names": ["VerificationSid"]})
    );
    // The code of the case is that of the exchange.
    let case = &written["log"]["_countersign"]["case"]["operations"][1]["input"]["code"];
    assert_eq!(written["log"]["entries"][1]["request"]["postData"]["params"][1]["value"], *case);
    let good = cassette("validate", &[&out], &[]);
    assert_eq!(good.exit, 0, "{}", good.text);
    let exported = folder.path().join("plain.har");
    let ran = cassette("export", &[&out], &["--out", exported.to_str().expect("UTF-8")]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let plain: Value = serde_json::from_str(&fs::read_to_string(&exported).expect("a file")).expect("JSON");
    assert!(!plain.to_string().contains("_countersign"), "{plain}");
    // It is redacted once more, whatever the cassette says of itself, so codes differ and all else is the same.
    let (before, after) = (&written["log"]["entries"][1]["request"], &plain["log"]["entries"][1]["request"]);
    for same in ["method", "url", "headers", "bodySize"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let code = |request: &Value| request["postData"]["params"][1]["value"].as_str().map(str::to_owned).expect("a code");
    assert!(code(after) != code(before) && code(after).len() == code(before).len());
    let nothing = cassette("validate", &[&exported], &[]);
    assert!(nothing.exit == 0 && !nothing.text.contains("warn "), "{}", nothing.text);
}

/// Redaction keeps what a plugin looks at, in every exchange that we have.
#[test]
fn every_fixture_passes_its_case_after_it_was_redacted() {
    use countersign_harness::cassette::{read_draft, write};
    use countersign_harness::redact::Redaction;

    let folder = tempfile::tempdir().expect("a folder");
    let mut written = 0;
    for provider in ["twilio-verify", "twilio-voice", "totp"] {
        for entry in fs::read_dir(fixture(provider)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let out = folder.path().join(format!("{provider}-{}", path.file_name().expect("a name").to_string_lossy()));
            let draft = read_draft(&path).expect("is a cassette");
            if let Err(error) = write(&out, &draft, &Redaction::new()) {
                panic!("{error}");
            }
            written += 1;
        }
    }
    let ran = run(&["replay", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(ran.text.contains(&format!("{written} passed, 0 failed")), "{}", ran.text);
}

#[test]
fn secrets_that_would_be_left_and_bad_secret_files_are_told_without_them() {
    // In base64 of a body, where replacing does not look.
    let body = "eDBmMWUyZDNjNGI1YTY5Nzg4Nzk2YTViNGMzZDJlMWYwIQ==";
    let content = json!({"size": body.len(), "mimeType": "text/plain", "text": body});
    let (folder, path) = file(har(&[("/log/entries/0/response/content", content)]).to_string());
    let (out, secret) = (folder.path().join("out.har"), folder.path().join("token"));
    let out_name = out.to_str().expect("UTF-8").to_owned();
    let redact = |content: &str| {
        fs::write(&secret, content).expect("a file");
        cassette("redact", &[&path], &["--out", &out_name, "--secret-file", secret.to_str().expect("UTF-8")])
    };
    let left = redact(TOKEN);
    assert_eq!(left.exit, 1, "{}", left.text);
    assert!(
        left.text.contains("out.har: entry 0: the response body still holds an added secret in base64"),
        "{}",
        left.text
    );
    assert!(!left.text.contains(TOKEN) && !out.exists(), "{}", left.text);
    let short = redact("abc\n");
    assert_eq!(short.exit, 2, "{}", short.text);
    assert!(short.text.contains("token: a secret of 3 characters would be found in other words"), "{}", short.text);
    let ran = cassette("redact", &[&path], &["--out", &out_name, "--secret-file", "none"]);
    assert!(ran.exit == 2 && ran.text.contains("BAD   none: cannot be read"), "{}", ran.text);
}

#[test]
fn an_expired_cassette_warns_or_fails_as_it_says() {
    let aged = |then: &str, recorded_at: &str| {
        let provenance = json!({"kind": "recorded", "source": "a test", "recorded_at": recorded_at});
        let age = json!({"days": 30, "then": then});
        file(har(&[("/log/_countersign/provenance", provenance), ("/log/_countersign/age", age)]).to_string())
    };
    let replay = |path: &Path| run(&["replay", path.to_str().expect("UTF-8")]);
    let (_folder, path) = aged("warn", "2001-01-01T00:00:00Z");
    let warned = replay(&path);
    assert_eq!(warned.exit, 0, "{}", warned.text);
    assert!(
        warned.text.contains("a.har: recorded at 2001-01-01T00:00:00Z, ") && warned.text.contains("1 passed"),
        "{}",
        warned.text
    );
    let (_folder, path) = aged("fail", "2001-01-01T00:00:00Z");
    let failed = replay(&path);
    assert_eq!(failed.exit, 1, "{}", failed.text);
    assert!(failed.text.contains("log._countersign.age allows 30; record it anew"), "{}", failed.text);
    let served = run(&["serve", "--cassette", path.to_str().expect("UTF-8")]);
    assert!(served.exit == 2 && served.text.contains("BAD   "), "{}", served.text);
    let (_folder, path) = aged("fail", "9999-01-01T00:00:00Z");
    assert_eq!(replay(&path).exit, 0);
    for (pointer, value, expected) in [
        ("/log/_countersign/age", json!({"days": 0}), "log._countersign.age.days is 0; write at least 1"),
        ("/log/_countersign/age", json!({"days": 1}), "which is missing; add it"),
        ("/log/_countersign/age", json!({"days": 1, "then": "wran"}), "did you mean `warn`?"),
        ("/log/_countersign/provenance/recorded_at", json!("today"), "recorded_at is no RFC 3339 time"),
    ] {
        let har = match expected {
            "did you mean `warn`?" => {
                har(&[("/log/_countersign/provenance/recorded_at", json!("2001-01-01T00:00:00Z")), (pointer, value)])
            }
            _ => har(&[(pointer, value)]),
        };
        let (_folder, path) = file(har.to_string());
        refused(&path, expected);
    }
}
