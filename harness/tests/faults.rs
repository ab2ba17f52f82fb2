//! Every fixture under every fault, and a judge that finds what a bad plugin does.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use countersign::bootstrap::Plugins;
use countersign::registry::RegistryOptions;
use countersign_harness::cassette::parse;
use countersign_harness::fault::matrix::Matrix;
use countersign_harness::fault::{CATALOG, Chosen};
use countersign_harness::suite::Suite;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

fn program<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(PROGRAM).args(arguments).output().expect("the program starts");
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().expect("ends by itself"), text)
}

fn fixtures(below: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(below);
    folder.display().to_string()
}

#[track_caller]
fn check((exit, text): (i32, String), expected: i32, parts: &[&str]) {
    assert_eq!(exit, expected, "{text}");
    for part in parts {
        assert!(text.contains(part), "{text}\nexpected: {part}");
    }
}

#[test]
fn the_plugins_withstand_every_fault_in_every_exchange() {
    let (exit, text) = program(["replay", &fixtures(""), "--faults", "all", "--seed", "1"]);
    assert_eq!(exit, 0, "{text}");
    let summary = text.lines().last().expect("a summary");
    let numbers: Vec<usize> =
        summary.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    let [exchanges, faults, passed, failed, nothing, bad] = numbers.as_slice() else { panic!("{summary}") };
    assert_eq!((*faults, *failed, *bad), (CATALOG.len(), 0, 0), "{summary}");
    assert_eq!(passed + nothing, exchanges * faults, "{summary}");
    assert!(*exchanges >= 190 && nothing * 6 < *passed, "{summary}");
}

#[test]
fn each_fault_means_something_in_some_exchange() {
    let mut options = RegistryOptions::default();
    options.probe_program = Some(PROGRAM.into());
    let mut suite = Suite::new(Plugins::default(), options);
    let fixture = countersign_fixtures::cassette("twilio-verify/start-then-approved.har").expect("is embedded");
    let cassette = parse(fixture.path, fixture.bytes).expect("is a cassette");
    let instance = suite.open(cassette.case().expect("a case")).expect("opens");
    for fault in CATALOG {
        let matrix = Matrix::new(vec![Chosen::new(fault)], 1).expect("a runtime");
        let score = matrix.run(&cassette, &instance).expect("runs");
        assert!(score.passed > 0 && score.failures.is_empty(), "{}: {score:?}", fault.id);
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_the_seed_is_always_told() {
    let (_folder, path) = misbehaving("quote_reply");
    let run = |seed: &str| program(["replay", &path, "--faults", "all", "--seed", seed]);
    let ((exit, first), (_, again)) = (run("7"), run("7"));
    assert_eq!(exit, 1, "{first}");
    assert_eq!(first, again);
    assert!(first.starts_with("seed 7\n"), "{first}");
    let (_, unseeded) = program(["replay", &fixtures("totp"), "--faults", "delay"]);
    let seed = unseeded.lines().next().and_then(|line| line.strip_prefix("seed ")).expect("the first line");
    assert!(seed.parse::<u64>().is_ok(), "{unseeded}");
}

#[test]
fn the_faults_are_listed_for_people_and_for_programs() {
    let (exit, text) = program(["faults"]);
    assert_eq!(exit, 0);
    let (json_exit, json) = program(["faults", "--json"]);
    assert_eq!(json_exit, 0);
    let listed: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    assert_eq!(listed.len(), CATALOG.len());
    for (fault, listed) in CATALOG.iter().zip(&listed) {
        assert_eq!((&listed["id"], &listed["effect"]), (&json!(fault.id), &json!(fault.harm.to_string())));
        assert!(text.contains(fault.id) && text.contains(fault.summary), "{text}");
    }
    assert!(text.contains("seconds: how late, in seconds; 2 if not given, 0 to 3600"), "{text}");
}

#[test]
fn unknown_faults_and_bad_files_end_with_two() {
    let totp = fixtures("totp");
    check(
        program(["replay", &totp, "--faults", "http-402"]),
        2,
        &["there is no fault `http-402`; did you mean `http-4"],
    );
    check(
        program(["replay", &totp, "--faults", "delay,xyzzy"]),
        2,
        &["there is no fault `xyzzy`; `countersign-harness"],
    );
    check(program(["replay", "/no/such", "--faults", "all"]), 2, &["/no/such: cannot be read", "1 bad"]);
    check(program(["replay", &fixtures("demo/call.har"), "--faults", "all"]), 2, &["has no log._countersign.case"]);
    check(program(["replay", &totp, "--seed", "1"]), 2, &["--faults"]);
    check(program(["replay", &totp, "--faults", "all", "--steps"]), 2, &["--steps"]);
}

#[test]
fn a_served_certificate_has_its_fault_and_only_faults_of_connections_are_taken() {
    let demo = fixtures("demo/sms.har");
    let serve = |fault: &str| program(["serve", "--cassette", &demo, "--tls-fault", fault]);
    check(serve("http-503"), 2, &["it is not a fault of a connection; those are tls-expired"]);
    check(serve("tls-expierd"), 2, &["did you mean `tls-expired`?"]);
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("authority.pem");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--cassette", &demo, "--tls-fault", "tls-wrong-name", "--tls-ca-out"]).arg(&authority);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    let read = BufReader::new(child.stdout.take().expect("is piped")).read_line(&mut line);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    read.expect("a line");
    assert!(line.starts_with("listening on https://127.0.0.1:"), "{line}");
    assert!(fs::read_to_string(&authority).expect("is written").starts_with("-----BEGIN CERTIFICATE-----"));
}

/// A cassette for the test plugin that misbehaves as its settings say.
fn misbehaving(fault: &str) -> (tempfile::TempDir, String) {
    answered(fault, &json!({"id": "7"}))
}

/// The same with this answer to the order of a message.
fn answered(fault: &str, ordered: &Value) -> (tempfile::TempDir, String) {
    let json_body = |value: Value| json!({"mimeType": "application/json", "text": value.to_string()});
    let answer = |status: u16, value: &Value| {
        let header = json!({"name": "Content-Type", "value": "application/json"});
        json!({"status": status, "headers": [header], "content": json_body(value.clone())})
    };
    let bearer = json!([{"name": "Authorization", "value": "Bearer x"}]);
    let base = "https://misbehave.example/v1/messages";
    let number = json!({"phone": {"e164": "+15005550006", "country_code": "1", "national": "5005550006"}});
    let har = json!({"log": {
        "version": "1.2",
        "entries": [
            {
                "request": {"method": "POST", "url": base, "headers": bearer,
                            "postData": json_body(json!({"to": "+15005550006"}))},
                "response": answer(201, ordered),
                "_countersign": {"sent": {"to": "+15005550006", "channel": "sms", "text": "135790 is your code."}},
            },
            {
                "request": {"method": "POST", "url": format!("{base}/7/checks"), "headers": bearer,
                            "postData": json_body(json!({"code": "135790"}))},
                "response": answer(200, &json!({"approved": true})),
            },
        ],
        "_countersign": {
            "version": "1.0",
            "provenance": {"kind": "synthetic", "source": "made for this test"},
            "provider": "misbehave",
            "title": "A code is sent and checked",
            "case": {
                "plugin": "misbehave", "channel": "sms", "clock": "2026-01-01T00:00:00Z", "seed": 1,
                "settings": {"token": {"secret": "token"}, "fault": fault},
                "operations": [
                    {"operation": "start", "input": {"recipient": number},
                     "expect": {"outcome": {"delivery": {"version": 1, "value": {"id": "7"}}}}},
                    {"operation": "check", "input": {"code": "135790"}, "expect": {"outcome": {"approved": {}}}},
                ],
            },
        },
    }});
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("misbehaves.har");
    fs::write(&path, har.to_string()).expect("a file");
    let path = path.display().to_string();
    (folder, path)
}

/// What the plugin does wrong, under which fault that shows, and what the judge says of it.
#[track_caller]
fn caught(misbehavior: &str, fault: &str, verdict: &str) {
    let (_folder, path) = misbehaving(misbehavior);
    fails(&path, fault, verdict);
}

#[track_caller]
fn fails(path: &str, fault: &str, verdict: &str) {
    let (exit, text) = program(["replay", path, "--faults", fault, "--seed", "1"]);
    assert_eq!(exit, 1, "{text}");
    let line = text.lines().find(|line| line.starts_with("FAIL  ")).expect("a line that fails");
    assert!(line.contains(&format!("× {fault}: ")) && line.contains(verdict), "{text}");
    for private in ["135790", "5005550006", "replayed token"] {
        assert!(!text.contains(private), "{text}");
    }
}

#[test]
fn a_plugin_that_does_nothing_wrong_withstands_all_of_it() {
    let (_folder, path) = misbehaving("none");
    check(program(["replay", &path, "--faults", "all"]), 0, &["2 exchanges × ", " 0 failed"]);
}

#[test]
fn approvals_that_nothing_proves_are_caught() {
    for fault in ["malformed-json", "html-page", "empty-200", "deep-json", "duplicate-keys"] {
        let verdict = "exchange 1 (POST /v1/messages/7/checks)";
        caught("approve_any_success", fault, verdict);
        caught("approve_any_success", fault, "operation 1 `check` ended `approved`, although nothing proves it");
    }
}

#[test]
fn messages_that_are_sent_twice_are_caught() {
    for fault in ["time-out", "reset-in-body", "truncated-body", "huge-body"] {
        caught("resend", fault, "operation 0 `start` sent POST /v1/messages 2 times, where 1 may be");
    }
}

#[test]
fn messages_that_the_engine_is_led_to_send_twice_are_caught() {
    for fault in ["time-out", "reset-before-headers", "reset-in-body", "truncated-body", "trickle"] {
        caught("send_as_idempotent", fault, "operation 0 `start` sent POST /v1/messages 2 times, where 1 may be");
    }
}

#[test]
fn an_outage_that_is_taken_for_a_wrong_code_is_caught() {
    for fault in ["time-out", "tls-expired", "http-500", "http-503", "html-page", "empty-200", "deep-json"] {
        caught("call_wrong_code", fault, "operation 1 `check` ended `wrong_code`, although nothing proves it");
    }
    let (_folder, path) = misbehaving("call_wrong_code");
    check(program(["replay", &path, "--faults", "http-404,approved-not-valid", "--seed", "1"]), 0, &[" 0 failed"]);
}

#[test]
fn who_judges_nothing_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("plain.har");
    fs::write(&plain, json!({"log": {"version": "1.2", "entries": []}}).to_string()).expect("a file");
    let path = folder.path().display().to_string();
    let text = ["none  ", "plain.har: carries no case to run", "0 exchanges × ", "BAD   nothing was judged"];
    check(program(["replay", &path, "--faults", "all", "--seed", "1"]), 2, &text);
}

#[test]
fn a_cassette_that_is_named_twice_is_judged_once() {
    let (folder, path) = misbehaving("none");
    let whole = folder.path().display().to_string();
    check(
        program(["replay", &path, &whole, &path, "--faults", "delay", "--seed", "1"]),
        0,
        &["2 exchanges × 1 faults"],
    );
}

#[test]
fn credentials_that_are_called_good_without_an_answer_are_caught() {
    let har = json!({"log": {
        "version": "1.2",
        "entries": [{
            "request": {"method": "GET", "url": "https://misbehave.example/v1/account",
                        "headers": [{"name": "Authorization", "value": "Bearer x"}]},
            "response": {"status": 200, "content": {"mimeType": "application/json", "text": "{}"}},
        }],
        "_countersign": {
            "version": "1.0",
            "provenance": {"kind": "synthetic", "source": "made for this test"},
            "provider": "misbehave",
            "title": "Credentials are tested",
            "case": {
                "plugin": "misbehave", "channel": "sms", "clock": "2026-01-01T00:00:00Z", "seed": 1,
                "settings": {"token": {"secret": "token"}, "fault": "call_good"},
                "operations": [{"operation": "test_credentials", "input": {},
                                "expect": {"outcome": {"findings": [{"state": "good"}, {"state": "unknown"}]}}}],
            },
        },
    }});
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials.har");
    fs::write(&path, har.to_string()).expect("a file");
    for fault in ["time-out", "http-401", "html-page"] {
        let verdict = "operation 0 `test_credentials` ended `findings`, although nothing proves it";
        fails(&path.display().to_string(), fault, verdict);
    }
}

#[test]
fn a_plugin_that_keeps_a_state_is_caught() {
    let (_folder, path) = misbehaving("remember_sent");
    let verdict = "asks 2 times in one run and 1 times in the next, both without any fault: it keeps a state";
    check(program(["replay", &path, "--faults", "all", "--seed", "1"]), 1, &["FAIL  ", verdict]);
}

#[test]
fn a_report_shows_what_went_over_the_wire_where_a_pair_is_broken() {
    let (folder, path) = misbehaving("resend");
    let report = folder.path().join("r.json");
    let target = format!("json={}", report.display());
    let (exit, text) = program(["replay", &path, "--faults", "time-out,http-503", "--seed", "1", "--report", &target]);
    assert_eq!(exit, 1, "{text}");
    let report: Value = serde_json::from_slice(&fs::read(report).expect("is written")).expect("is JSON");
    let cases = report["suites"][0]["cases"].as_array().expect("one suite");
    let broken = cases.iter().find(|case| case["id"] == "misbehaves, exchange 0 × time-out").expect("is a case");
    let reason = broken["verdict"]["reasons"][0].as_str().expect("a reason");
    assert!(reason.contains("sent POST /v1/messages 2 times, where 1 may be"), "{reason}");
    let exchanges = broken["exchanges"].as_array().expect("a list");
    assert!(exchanges.len() >= 2, "{broken:#}");
    assert_eq!(exchanges[0]["fault"]["name"], "time-out");
    assert_eq!(exchanges[0]["answer"]["kind"], "failure");
    assert_eq!(exchanges[1]["request"], exchanges[0]["request"], "the message that was sent again");
    assert!(exchanges[1..].iter().all(|one| one["fault"].is_null()), "{broken:#}");
    let passed: Vec<_> = cases.iter().filter(|case| case["verdict"]["verdict"] == "passed").collect();
    assert!(!passed.is_empty() && passed.iter().all(|case| case["exchanges"] == json!([])));
}

#[test]
fn messages_that_nothing_proves_to_be_sent_or_not_are_caught() {
    caught("ignore_failures", "time-out", "operation 0 `start` ended `delivery`, although nothing proves it");
    for fault in ["time-out", "reset-before-headers", "malformed-json", "http-500"] {
        caught("call_undelivered", fault, "operation 0 `start` says that nothing was delivered");
    }
}

#[test]
fn private_words_in_texts_and_logs_are_caught() {
    caught("quote_reply", "http-401", "stands in the text for the operator");
    caught("quote_reply", "html-page", "stands in the text for the operator");
    caught("log_code", "delay", "stands in the log");
}

#[test]
fn answers_about_somebody_else_that_are_taken_are_caught() {
    // This plugin does not look at the number of an answer.
    let (_folder, path) = answered("none", &json!({"id": "7", "to": "+15005550006"}));
    fails(&path, "other-number", "operation 0 `start` ended `delivery`, although nothing proves it");
}

#[test]
fn panics_and_broken_contracts_are_caught() {
    caught("panic_on_bad_reply", "malformed-json", "operation 0 `start`: the plugin panicked");
}

#[test]
fn other_outcomes_after_a_harmless_fault_are_caught() {
    caught(
        "heed_content_type",
        "wrong-content-type",
        "must end as without the fault, `delivery`, but ended in failure",
    );
}

#[test]
fn a_case_that_fails_without_any_fault_is_no_ground_for_a_verdict() {
    let (_folder, path) = misbehaving("panic");
    check(program(["replay", &path, "--faults", "delay"]), 1, &["FAIL  ", "fails without any fault"]);
}
