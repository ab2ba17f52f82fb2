//! The replay program, and every embedded cassette, through the real plugin files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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
            Ran::Case { verdict: Verdict::Passed(_), .. } => passed += 1,
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
    check(replay([&path]), 2, &["it does not take these settings", "service_sid"]);

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

/// Digest and path of each case, as `--steps` writes them.
fn steps(report: &str) -> BTreeMap<&str, &str> {
    let cases = report.lines().filter_map(|line| line.strip_prefix("pass  ").or_else(|| line.strip_prefix("FAIL  ")));
    let digests = cases.map(|line| {
        let (digest, line) = line.split_once("  ").expect("a digest before the path");
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        let path = line.split(": ").next().expect("a path");
        (path.rsplit("fixtures/").next().expect("some text"), digest)
    });
    digests.collect()
}

#[test]
fn operations_give_the_same_steps_in_eight_fresh_processes() {
    let start = |process: usize| {
        // What a plugin could look at by itself shall differ.
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(PROGRAM);
        command.args(["replay", "--steps"]).arg(fixtures()).current_dir(folder.path());
        command.env("TZ", format!("UTC+{process}")).env("LANG", ["C", "de_DE.UTF-8"][process % 2]);
        (folder, command.stdout(Stdio::piped()).spawn().expect("the program starts"))
    };
    // All at once, so that neither their numbers nor their times are the same.
    let processes: Vec<_> = (0..8).map(start).collect();
    let reports: Vec<Output> =
        processes.into_iter().map(|(_folder, process)| process.wait_with_output().expect("ends")).collect();
    let [first, others @ ..] = reports.as_slice() else { panic!("eight") };
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stdout));
    let report = std::str::from_utf8(&first.stdout).expect("is text");
    for other in others {
        for (line, other) in report.lines().zip(String::from_utf8_lossy(&other.stdout).lines()) {
            assert_eq!(line, other);
        }
        assert!(other.stdout == first.stdout, "one report is longer");
    }

    let steps = steps(report);
    let cases = countersign_fixtures::cassettes().iter().filter(|fixture| !fixture.path.starts_with("demo")).count();
    assert_eq!(steps.len(), cases);
    let distinct: BTreeSet<_> = steps.values().collect();
    assert!(distinct.len() * 10 > cases * 9, "{} of {cases}: they tell cases apart", distinct.len());
    // Another answer with the same meaning: the plugin asks and says the same.
    assert_eq!(steps["twilio-verify/check-approved-200.har"], steps["twilio-verify/check-approved-201.har"]);
    assert_eq!(steps["totp/vectors-sha1.har"], steps["totp/vectors-sha512.har"]);
    assert_ne!(steps["twilio-verify/check-gone.har"], steps["twilio-verify/check-canceled.har"]);
}

#[test]
fn the_digest_is_of_the_steps_alone_and_of_all_of_them() {
    let digest = |fixture: &str, change: fn(&mut Value)| {
        let (_folder, path) = changed(fixture, change);
        let (exit, text) = replay(["--steps".as_ref(), path.as_os_str()]);
        assert_eq!(exit, 0, "{text}");
        let steps = steps(&text);
        (*steps.values().next().expect("one case")).to_owned()
    };
    let as_it_is: fn(&mut Value) = |_| {};
    let (_, report) = replay(["--steps".as_ref(), fixtures().as_os_str()]);
    let in_the_folder = steps(&report);
    for fixture in ["totp/enroll-with-defaults.har", "twilio-voice/authy-register-call-check.har"] {
        assert_eq!(digest(fixture, as_it_is), in_the_folder[fixture], "whatever ran before it");
    }
    let sms = "twilio-verify/start-then-approved.har";
    let other_title: fn(&mut Value) = |har| har["log"]["_countersign"]["title"] = "another".into();
    assert_eq!(digest(sms, other_title), digest(sms, as_it_is));
    let other_code: fn(&mut Value) = |har| {
        har["log"]["_countersign"]["case"]["operations"][1]["input"]["code"] = "246802".into();
        har["log"]["entries"][1]["request"]["postData"]["params"][1]["value"] = "246802".into();
    };
    assert_ne!(digest(sms, other_code), digest(sms, as_it_is));
    let app = "totp/enroll-with-defaults.har";
    let other_seed: fn(&mut Value) = |har| {
        let case = &mut har["log"]["_countersign"]["case"];
        case["seed"] = 8.into();
        case["operations"] = serde_json::json!([case["operations"][0]]);
        case["operations"][0]["expect"]["outcome"] = serde_json::json!({});
    };
    let same_seed: fn(&mut Value) = |har| {
        let case = &mut har["log"]["_countersign"]["case"];
        case["operations"] = serde_json::json!([case["operations"][0]]);
    };
    assert_ne!(digest(app, other_seed), digest(app, same_seed));
    assert_ne!(digest(app, same_seed), digest(app, as_it_is), "an operation more");
}

#[test]
fn without_being_asked_for_no_digest_is_written_and_help_says_what_it_is() {
    let (_folder, path) = changed("totp/vectors-sha1.har", |_| {});
    let (exit, text) = replay([&path]);
    assert!(exit == 0 && text.starts_with(&format!("pass  {}", path.display())), "{text}");
    check(replay(["--help"]), 0, &["--steps", "SHA-256", "byte for byte"]);
}
