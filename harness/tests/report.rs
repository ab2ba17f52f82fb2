//! `--report`, from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use countersign_harness::report::JSON_SCHEMA;
use scraper::{Html, Selector};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

struct Ran {
    exit: i32,
    out: String,
    errors: String,
}

fn replay<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(PROGRAM).arg("replay").args(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text");
    Ran { exit: status.code().expect("ends by itself"), out: text(stdout), errors: text(stderr) }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A folder with one case that passes, one that fails, one file that is no cassette and one cassette without a case.
fn mixed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (fixture, name) in [
        ("totp/vectors-sha1.har", "good.har"),
        ("twilio-verify/wrong-code-then-right.har", "wrong.har"),
        ("demo/call.har", "none.har"),
    ] {
        let fixture = countersign_fixtures::cassette(fixture).expect("is embedded");
        let mut har: Value = serde_json::from_slice(fixture.bytes).expect("is JSON");
        if name == "wrong.har" {
            har["log"]["_countersign"]["case"]["operations"][3]["input"]["code"] = "808182".into();
            har["log"]["_countersign"]["title"] = "<script>alert(1)</script>".into();
        }
        fs::write(folder.path().join(name), har.to_string()).expect("a file");
    }
    fs::write(folder.path().join("bad.har"), "{").expect("a file");
    folder
}

/// `--report KIND=FILE` for a file of this name in the folder.
fn target(kind: &str, folder: &Path, name: &str) -> [String; 2] {
    ["--report".to_owned(), format!("{kind}={}", folder.join(name).display())]
}

fn all_three(cassettes: &Path, folder: &Path) -> Ran {
    let mut arguments = vec![cassettes.display().to_string()];
    for (kind, name) in [("junit", "r.xml"), ("html", "r.html"), ("json", "r.json")] {
        arguments.extend(target(kind, folder, name));
    }
    replay(&arguments)
}

fn json(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("r.json")).expect("is written")).expect("is JSON")
}

#[test]
fn every_kind_is_written_also_when_cases_fail_and_nothing_else_changes() {
    let (cassettes, folder) = (mixed(), tempfile::tempdir().expect("a folder"));
    let ran = all_three(cassettes.path(), folder.path());
    let without = replay([cassettes.path()]);
    assert_eq!((ran.exit, &*ran.out, &*ran.errors), (2, &*without.out, ""), "{}", without.out);
    assert!(ran.out.ends_with("1 passed, 1 failed, 1 without a case, 1 bad\n"), "{}", ran.out);

    let report = json(folder.path());
    let schema: Value = serde_json::from_str(JSON_SCHEMA).expect("is JSON");
    jsonschema::validate(&schema, &report).expect("fits the schema");
    let cases = report["suites"][0]["cases"].as_array().expect("one suite");
    let verdicts: Vec<_> = cases.iter().map(|case| (&case["id"], &case["verdict"]["verdict"])).collect();
    let expected = [("bad", "bad"), ("good", "passed"), ("none", "without_case"), ("wrong", "failed")];
    assert_eq!(
        format!("{verdicts:?}"),
        format!("{:?}", expected.map(|(id, word)| (Value::from(id), Value::from(word))))
    );
    assert_eq!(report["plugins"].as_array().expect("a list").len(), 2);

    let junit = fs::read_to_string(folder.path().join("r.xml")).expect("is written");
    assert!(junit.contains(r#"tests="4" failures="1" errors="1" skipped="1""#), "{junit}");
    assert!(junit.contains(r#"<failure message="operation 3: no recorded exchange answers POST"#), "{junit}");

    let html = fs::read_to_string(folder.path().join("r.html")).expect("is written");
    let page = Html::parse_document(&html);
    let failed = Selector::parse("details.failed[open]").expect("a selector");
    let shown: String = page.select(&failed).next().expect("one failed").text().collect();
    for part in
        ["<script>alert(1)</script>", "No recorded exchange answers this.", "synthetic: that a wrong code is 2xx"]
    {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn the_exchanges_of_a_case_stand_in_order_with_request_reply_and_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = all_three(&fixtures().join("twilio-verify/wrong-code-then-right.har"), folder.path());
    assert_eq!(ran.exit, 0, "{}", ran.out);
    let report = json(folder.path());
    let case = &report["suites"][0]["cases"][0];
    let exchanges = case["exchanges"].as_array().expect("a list");
    let told: Vec<_> = exchanges
        .iter()
        .map(|one| {
            let entry = one["played_by"]["entry"].as_u64().expect("was played");
            (one["operation"].as_u64().expect("is of an operation"), entry, one["answer"]["status"].as_u64())
        })
        .collect();
    let expected = [(0, 0, 201), (1, 1, 200), (2, 1, 200), (3, 2, 200), (4, 3, 404)];
    assert_eq!(told, expected.map(|(operation, entry, status)| (operation, entry, Some(status))));
    let request = &exchanges[1]["request"];
    assert_eq!(request["method"], "POST");
    assert_eq!(request["headers"][0]["value"], "Basic ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:[auth_token]");
    assert_eq!(request["body"]["content"][1], serde_json::json!({"name": "Code", "value": "(6 hidden characters)"}));
    assert_eq!(exchanges[0]["answer"]["body"]["bytes"], 627);
    let refused = exchanges[4]["answer"]["body"]["content"].as_str().expect("JSON as text");
    assert!(refused.contains("\"code\": 20404"), "{refused}");
    let ended: Vec<_> = case["operations"].as_array().expect("a list").iter().map(|one| &one["as_expected"]).collect();
    assert_eq!(ended, [true; 5]);
    let values = case["operations"][4]["values"].as_array().expect("a list");
    let code = values.iter().find(|value| value["pointer"] == "/failure/provider_code").expect("is expected");
    assert_eq!((&code["found"], &code["same"]), (&"20404".into(), &true.into()));
}

#[test]
fn under_faults_each_exchange_under_each_fault_is_a_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let cassette = fixtures().join("twilio-verify/start-then-approved.har").display().to_string();
    let faults = ["--faults", "http-503,empty-200,duplicate-keys", "--seed", "7"].map(str::to_owned);
    let target = target("json", folder.path(), "r.json");
    let ran = replay(faults.iter().chain(&target).chain([&cassette]));
    assert_eq!((ran.exit, &*ran.errors), (0, ""), "{}", ran.out);
    let report = json(folder.path());
    let schema: Value = serde_json::from_str(JSON_SCHEMA).expect("is JSON");
    jsonschema::validate(&schema, &report).expect("fits the schema");
    assert_eq!(report["seed"], 7);
    let cases = report["suites"][0]["cases"].as_array().expect("one suite");
    let ids: Vec<_> = cases.iter().map(|case| case["id"].as_str().expect("text")).collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
    for exchange in [0, 1] {
        for fault in ["http-503", "empty-200", "duplicate-keys"] {
            let id = format!("start-then-approved, exchange {exchange} × {fault}");
            assert!(ids.contains(&&*id), "{id}: {ids:?}");
        }
    }
    for case in cases {
        assert!(["passed", "skipped"].contains(&case["verdict"]["verdict"].as_str().expect("a word")), "{case}");
        assert_eq!(case["provenance"]["kind"], "transcribed");
    }
}

#[test]
fn what_fails_without_any_fault_is_one_case() {
    let (cassettes, folder) = (mixed(), tempfile::tempdir().expect("a folder"));
    let cassettes = [cassettes.path().display().to_string(), "--faults".to_owned(), "all".to_owned()];
    let ran = replay(cassettes.iter().chain(&target("json", folder.path(), "r.json")));
    assert_eq!(ran.exit, 2, "{}", ran.out);
    let report = json(folder.path());
    let cases = report["suites"][0]["cases"].as_array().expect("one suite");
    let told: Vec<_> = cases.iter().map(|case| (&case["id"], &case["verdict"]["verdict"])).collect();
    let expected = [("bad", "bad"), ("wrong", "failed")].map(|(id, word)| (Value::from(id), Value::from(word)));
    assert_eq!(format!("{told:?}"), format!("{expected:?}"));
    let why = cases[1]["verdict"]["reasons"][0].as_str().expect("a reason");
    assert!(why.starts_with("fails without any fault"), "{why}");
}

/// The codes, numbers, addresses and seeds of a cassette, by where a case has them.
fn to_hide(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| to_hide(value, name, found)),
        Value::Array(items) => items.iter().for_each(|item| to_hide(item, name, found)),
        // The names of settings stand where their secrets would, and words are no seed.
        Value::String(text) if matches!(&**text, "auth_token" | "authy_api_key" | "not Base32") => {}
        Value::String(text)
            if matches!(name, "code" | "e164" | "national" | "account" | "key" | "secret" | "uri")
                && text.len() > 3 =>
        {
            found.insert(text.clone());
        }
        _ => {}
    }
}

#[test]
fn no_report_holds_a_code_a_number_an_address_or_a_seed() {
    let mut hidden = BTreeSet::new();
    for fixture in countersign_fixtures::cassettes() {
        let har: Value = serde_json::from_slice(fixture.bytes).expect("is JSON");
        to_hide(&har["log"]["_countersign"]["case"], "", &mut hidden);
        to_hide(&har["log"]["_countersign"]["variables"], "", &mut hidden);
    }
    assert!(hidden.len() > 40, "{hidden:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let ran = all_three(&fixtures(), folder.path());
    assert_eq!(ran.exit, 0, "{}", ran.out);
    for name in ["r.xml", "r.html", "r.json"] {
        let text = fs::read_to_string(folder.path().join(name)).expect("is written");
        // How far the clock of a test vector moves may have the digits of a code.
        let text: String = text.lines().filter(|line| !line.contains("\"after_seconds\"")).collect();
        let told: Vec<_> = hidden.iter().filter(|secret| text.contains(&**secret)).collect();
        assert!(told.is_empty(), "{name}: {told:?}");
    }
}

#[track_caller]
fn refused(arguments: &[String], parts: &[&str]) {
    let good = fixtures().join("totp/vectors-sha1.har").display().to_string();
    let ran = replay(arguments.iter().chain([&good]));
    let text = ran.out + &ran.errors;
    assert_eq!(ran.exit, 2, "{text}");
    assert!(!text.contains("pass  "), "something was run: {text}");
    for part in parts {
        assert!(text.contains(part), "{text}\nexpected: {part}");
    }
}

#[test]
fn what_cannot_be_written_ends_with_two_before_anything_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    refused(
        &target("html", path, "none/r.html"),
        &["none/r.html: the report cannot be written there", "a folder that exists"],
    );
    // A folder in which nobody, whatever they may do elsewhere, can make a file.
    #[cfg(target_os = "linux")]
    refused(&["--report".into(), "html=/proc/r.html".into()], &["/proc/r.html: the report cannot be written there"]);
    refused(&target("json", path, ""), &["is no regular file"]);
    refused(&["--report".into(), "junit=/dev/null".into()], &["/dev/null", "is no regular file"]);
    let twice = [target("html", path, "r"), target("json", path, "../r")].concat();
    let twice = [twice[0].clone(), twice[1].clone(), twice[2].clone(), twice[3].replace("..", ".")];
    refused(&twice, &["two reports would be written there"]);
    refused(&["--report".into(), "pdf=r.pdf".into()], &["`pdf`", "junit, html, json"]);
    refused(&["--report".into(), "r.html".into()], &["`r.html` is no KIND=FILE"]);
    refused(&["--report".into(), "html=".into()], &["html= names no file"]);
    assert_eq!(fs::read_dir(path).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn a_report_takes_the_place_of_an_older_one_also_behind_a_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::create_dir(path.join("elsewhere")).expect("a folder");
    fs::write(path.join("elsewhere/real.json"), "old").expect("a file");
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere/real.json", path.join("r.json")).expect("a link");
    #[cfg(not(unix))]
    fs::write(path.join("r.json"), "old").expect("a file");
    let good = [fixtures().join("totp/vectors-sha1.har").display().to_string()];
    let ran = replay(target("json", path, "r.json").iter().chain(&good));
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert_eq!(json(path)["suites"][0]["cases"][0]["id"], "vectors-sha1");
    #[cfg(unix)]
    assert!(path.join("r.json").is_symlink());
    let left: Vec<_> = fs::read_dir(path.join("elsewhere")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "no draft is left behind: {left:?}");
}
