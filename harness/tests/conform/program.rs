//! The program from outside: what it prints, and how it ends.

use std::process::{Command, Output};

use super::*;

fn conform(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("conform").args(arguments).output().expect("the program starts")
}

#[track_caller]
fn ends(output: &Output, exit: i32, facts: &[&str]) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{text}");
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} is not in: {text}");
    }
    text
}

fn shown(id: &str) -> String {
    file(id).display().to_string()
}

#[test]
fn the_list_names_every_check_with_its_level_and_reason() {
    let text = ends(&conform(&["--list"]), 0, &[]);
    assert_eq!(text.lines().count(), conform::catalogue().len());
    for (line, check) in text.lines().zip(conform::catalogue()) {
        assert!(
            line.contains(check.id) && line.contains(check.reason) && line.starts_with(check.level.as_str()),
            "{line}"
        );
    }
    let json: serde_json::Value = serde_json::from_str(&ends(&conform(&["--list", "--json"]), 0, &[])).expect("JSON");
    assert_eq!(json[0]["id"], "file-whole");
}

#[test]
fn a_plugin_that_passes_ends_with_0_and_says_whose_replies_they_were() {
    let text = ends(
        &conform(&[&shown("twilio-verify"), "--only", "egress"]),
        0,
        &["1 passed, 0 failed, 0 warnings, 0 skipped"],
    );
    assert!(text.contains("pass  egress") && text.contains("[replies: emulator]"), "{text}");
    ends(&conform(&[&shown("twofold"), "--only", "egress"]), 0, &["[replies: grown by the kit]"]);
    let cassette = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/twilio-verify/check-approved-200.har");
    let cassette = cassette.display().to_string();
    let arguments = [&shown("twilio-verify"), "--cassettes", &cassette, "--only", "egress"];
    ends(&conform(&arguments), 0, &["[replies: cassettes]"]);
}

#[test]
fn a_must_that_fails_ends_with_1_and_says_what_to_do() {
    let facts = ["FAIL  egress", "`start` on `sms`", "→ declare the place in `egress`", "1 failed"];
    ends(&conform(&[&shown("bad-egress"), "--only", "egress"]), 1, &facts);
    let json = ends(&conform(&[&shown("bad-egress"), "--only", "egress", "--json"]), 1, &[]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["checks"][0]["verdict"], "failed");
    assert_eq!(json["checks"][0]["level"], "must");
    assert_eq!(json["name"], "bad-egress 0.1.0");
}

#[test]
fn a_should_that_fails_is_a_warning() {
    ends(&conform(&[&shown("bad-person"), "--only", "person-text"]), 0, &["warn  person-text", "0 failed, 1 warnings"]);
}

#[test]
fn what_is_no_plugin_or_no_check_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("notes.txt");
    fs::write(&text, "no plugin").expect("is written");
    ends(&conform(&["/no/such/file.so"]), 2, &["BAD", "/no/such/file.so"]);
    ends(&conform(&[&text.display().to_string()]), 2, &["it is not an ELF file"]);
    ends(&conform(&[&shown("totp"), "--only", "egres"]), 2, &["there is no check `egres`; did you mean `egress`?"]);
    ends(&conform(&[&shown("totp"), "--reproduce", "odd"]), 2, &["is no token"]);
    ends(&conform(&[]), 2, &["PLUGIN"]);
    let settings = folder.path().join("settings.json");
    fs::write(&settings, "[]").expect("is written");
    let settings = settings.display().to_string();
    ends(&conform(&[&shown("totp"), "--settings", &settings]), 2, &["no JSON object"]);
    ends(&conform(&[&shown("totp"), "--settings", "/no/such.json"]), 2, &["cannot be read"]);
    ends(&conform(&[&shown("totp"), "--cassettes", "/no/such.har"]), 2, &["cannot be read"]);
}

#[test]
fn given_settings_take_the_place_of_the_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("settings.json");
    let settings = |text: &str| {
        fs::write(&path, text).expect("is written");
        conform(&[&shown("bad-nothing"), "--settings", &path.display().to_string(), "--only", "settings-examples"])
    };
    let good = settings(r#"{"sender": "Kit", "token": {"secret": "token"}}"#);
    ends(&good, 0, &["pass  settings-examples", "1 sets of settings"]);
    let bad = settings(r#"{"sender": "Kit 1", "token": {"secret": "token"}}"#);
    ends(&bad, 1, &["the schema refuses the given settings", "sender"]);
}

#[test]
fn a_report_has_a_case_for_each_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let wanted = format!("json={}", path.display());
    let plugin = shown("bad-egress");
    ends(&conform(&[&plugin, "--only", "egress", "--only", "describes-itself", "--report", &wanted]), 1, &[]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("is written")).expect("JSON");
    assert_eq!(report["plugins"][0]["id"], "bad-egress");
    let cases = report["suites"][0]["cases"].as_array().expect("cases");
    let verdicts: Vec<_> =
        cases.iter().map(|case| (case["id"].as_str(), case["verdict"]["verdict"].as_str())).collect();
    assert_eq!(verdicts, [(Some("describes-itself"), Some("passed")), (Some("egress"), Some("failed"))]);
    let text = report.to_string();
    assert!(text.contains("declare the place in `egress`"), "{text}");
    let nowhere = format!("html={}", folder.path().join("none/r.html").display());
    ends(&conform(&[&plugin, "--only", "egress", "--report", &nowhere]), 2, &["the report cannot be written there"]);
}
