//! The replay program, and every embedded cassette, through the real plugin files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use countersign::bootstrap::Plugins;
use countersign::registry::RegistryOptions;
use countersign_harness::case::Verdict;
use countersign_harness::cassette::parse;
use countersign_harness::suite::{Ran, Suite};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

fn replay<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(PROGRAM).arg("replay").args(arguments).output().expect("the program starts");
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().expect("ends by itself"), text)
}

/// The folder of the embedded cassettes.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A folder with one embedded cassette in it, changed.
fn changed(fixture: &str, change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, PathBuf) {
    let fixture = countersign_fixtures::cassette(fixture).expect("is embedded");
    let mut har: Value = serde_json::from_slice(fixture.bytes).expect("is JSON");
    change(&mut har);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.har");
    fs::write(&path, har.to_string()).expect("a file");
    (folder, path)
}

#[track_caller]
fn check((exit, text): (i32, String), expected: i32, parts: &[&str]) {
    assert_eq!(exit, expected, "{text}");
    for part in parts {
        assert!(text.contains(part), "{text}\nexpected: {part}");
    }
}

#[test]
fn every_embedded_case_passes_against_its_plugin_file() {
    let mut options = RegistryOptions::default();
    options.probe_program = Some(PROGRAM.into());
    let mut suite = Suite::new(Plugins::default(), options);
    let mut passed = 0;
    for fixture in countersign_fixtures::cassettes() {
        let cassette = parse(fixture.path, fixture.bytes).unwrap_or_else(|error| panic!("{error}"));
        match suite.run(&cassette) {
            Ran::Case(Verdict::Passed(_)) => passed += 1,
            Ran::NoCase => assert!(fixture.path.starts_with("demo"), "{}", fixture.path.display()),
            ran => panic!("{}: {ran:?}", fixture.path.display()),
        }
    }
    assert!(passed >= 130, "{passed}");
}

#[test]
fn a_folder_is_replayed_and_each_line_names_file_title_and_provenance() {
    let transcribed = "start-then-approved.har: A code is sent, and checked with the right one [transcribed: ";
    let synthetic = "check-gone.har: The verification expired, was used or canceled: a new code is needed [synthetic: ";
    check(
        replay([fixtures()]),
        0,
        &["pass  ", transcribed, synthetic, "none  ", "demo/call.har", " 0 failed, 7 without a case, 0 bad"],
    );
}

#[test]
fn a_case_that_fails_names_the_nearest_entry_and_the_reason() {
    let (_folder, path) = changed("twilio-verify/wrong-code-then-right.har", |har| {
        har["log"]["entries"][0]["comment"] = "the start".into();
        let data = &mut har["log"]["entries"][0]["request"]["postData"];
        data["text"] = "To=%2B15005550006&Channel=whatsapp".into();
        data["params"] = Value::Null;
    });
    let nearest = "changed.har entry 0 (the start): form field `Channel`: recorded `whatsapp`, sent `sms`";
    check(
        replay([&path]),
        1,
        &["FAIL  ", "operation 0: no recorded exchange answers POST", nearest, "0 passed, 1 failed"],
    );
}

#[test]
fn bad_files_plugins_and_cases_end_with_two_and_name_the_file() {
    let (folder, path) =
        changed("twilio-verify/wrong-code-then-right.har", |har| har["log"]["_countersign"]["tilte"] = "x".into());
    check(replay([&path]), 2, &["BAD   ", "changed.har: log._countersign has no key `tilte`; did you mean `title`?"]);
    check(replay([folder.path().join("none.har")]), 2, &["none.har: cannot be read", "1 bad"]);
    check(replay([&PathBuf::from("/dev/null")]), 2, &["is not a regular file"]);

    let (_folder, path) = changed("twilio-verify/wrong-code-then-right.har", |har| {
        har["log"]["_countersign"]["case"]["plugin"] = "no-such-plugin".into();
    });
    check(replay([&path]), 2, &["BAD   ", "no-such-plugin", "0 passed, 0 failed"]);

    let (_folder, path) = changed("twilio-verify/wrong-code-then-right.har", |har| {
        har["log"]["_countersign"]["case"]["settings"]["service_sid"] = "nonsense".into();
    });
    check(replay([&path]), 2, &["it cannot be opened with these settings", "service_sid"]);

    let (_folder, path) = changed("demo/call.har", |_| {});
    check(replay([&path]), 2, &["the cassette has no log._countersign.case to run"]);
}

#[test]
fn a_bad_file_spoils_no_other() {
    let (bad, _) = changed("twilio-verify/wrong-code-then-right.har", |har| har["log"]["version"] = "9.9".into());
    let (good, _) = changed("totp/vectors-sha1.har", |_| {});
    check(
        replay([bad.path(), good.path()]),
        2,
        &["BAD   ", "log.version is 9.9", "1 passed, 0 failed, 0 without a case, 1 bad"],
    );
}

#[test]
fn wrong_usage_ends_with_two() {
    check(replay::<&str>([]), 2, &["Usage"]);
    check(replay(["--plugins"]), 2, &["--plugins"]);
}

#[test]
fn plugins_are_looked_for_where_the_command_line_says() {
    let empty = tempfile::tempdir().expect("a folder");
    let (_folder, path) = changed("totp/vectors-sha1.har", |_| {});
    let searched = empty.path().to_string_lossy().into_owned();
    check(replay(["--plugins".as_ref(), empty.path().as_os_str(), path.as_os_str()]), 2, &[&searched]);
}

#[test]
fn the_report_shows_no_code_and_no_number() {
    let (_folder, path) = changed("twilio-verify/wrong-code-then-right.har", |har| {
        har["log"]["_countersign"]["case"]["operations"][3]["input"]["code"] = "808182".into();
    });
    let (exit, text) = replay([&path]);
    assert_eq!(exit, 1, "{text}");
    for secret in ["808182", "135790", "5005550006"] {
        assert!(!text.contains(secret), "{text}");
    }
}
