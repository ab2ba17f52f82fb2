//! Cases against a provider that is linked in: everything but loading a file.

use std::path::Path;

use countersign_plugin::abi::Instances;
use countersign_plugin::step::Opened;
use countersign_plugin::{
    CheckCode, Checked, Context, Data, Endpoint, Failure, FailureKind, Fault, FaultKind, Manifest, Provider, Request,
    Scope, SecretRef, StartChallenge, Started, schemars,
};
use serde::Deserialize;

use super::*;
use crate::cassette::parse;

/// Sends a number, keeps what it got, and checks a code.
struct Sample {
    token: SecretRef,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Settings {
    token: SecretRef,
}

impl Provider for Sample {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        Ok(Self { token: settings.token })
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let number = input.recipient.ok_or_else(|| Failure::new(FailureKind::InvalidRecipient, "nobody"))?;
        let request = Request::post(Endpoint::new("https://sample.example").path(["send"]));
        let request = request.basic_auth("user", &self.token).form([("To", &number.phone()?.e164)]);
        let reply = cx.http(request).await?;
        if !reply.is_success() {
            return Err(Failure::new(FailureKind::Blocked, "refused").code(reply.status.to_string()));
        }
        let nonce = cx.random(4).await?;
        let data = Data::new(1, &serde_json::json!({"nonce": nonce, "at": cx.now().as_secs()}))?;
        cx.keep(Scope::Delivery, data).await?;
        Ok(Started::default())
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        let data = input.delivery.ok_or_else(|| Failure::new(FailureKind::Expired, "nothing was kept"))?;
        if cx.now().as_secs() > data.read::<At>()?.at + 600 {
            return Err(Failure::new(FailureKind::Expired, "too late"));
        }
        let request = Request::post(Endpoint::new("https://sample.example").path(["check"]));
        let reply = cx.http(request.basic_auth("user", &self.token).form([("Code", input.code.as_str())])).await?;
        Ok(if reply.is_success() { Checked::approved() } else { Checked::WrongCode })
    }
}

#[derive(Deserialize)]
struct At {
    at: u64,
}

const MANIFEST: &[u8] = br#"{
    "manifest": 1, "id": "sample", "version": "1.0.0", "vendor": {"name": "test"}, "delivery_type": "hosted-service",
    "labels": {"en": {"name": "Sample"}}, "settings": {},
    "channels": [{"channel": "sms", "code_made_by": "provider", "code_checked_by": "provider", "destination": "phone",
        "operations": ["start", "check"]}],
    "egress": [{"base": "https://sample.example", "paths": ["/send", "/check"]}]
}"#;

struct Linked {
    instances: Instances<Sample>,
    instance: u64,
    manifest: Manifest,
}

fn bytes(entry: countersign_plugin::abi::Bytes) -> Result<Vec<u8>, Fault> {
    let fault = |bytes: &[u8]| Fault::new(FaultKind::Unknown, String::from_utf8_lossy(bytes));
    entry.into_result().map(|bytes| bytes.to_vec()).map_err(|bytes| fault(&bytes))
}

impl Linked {
    fn open(settings: &Value) -> Arc<Self> {
        let instances = Instances::new(MANIFEST);
        let opened = bytes(instances.open(settings.to_string().as_bytes())).expect("settings are right");
        let opened: Opened = serde_json::from_slice(&opened).expect("names its instance");
        let manifest = Manifest::parse(MANIFEST).expect("is a manifest");
        Arc::new(Self { instances, instance: opened.instance, manifest })
    }
}

impl Instance for Linked {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        bytes(self.instances.begin(self.instance, call))
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        bytes(self.instances.resume(handle, reply))
    }

    fn end(&self, handle: u64) {
        let _ = bytes(self.instances.end(handle));
    }
}

fn entry(path: &str, form: &str, status: u16, note: &Value) -> Value {
    json!({
        "request": {
            "method": "POST", "url": format!("https://sample.example{path}"),
            "headers": [{"name": "Authorization", "value": "Basic dXNlcjo="}],
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": form},
        },
        "response": {"status": status, "content": {"text": "{}"}},
        "_countersign": note,
    })
}

/// Start, a wrong code, the right code.
fn cassette() -> Value {
    let code = |guard: &str| json!({"bind": {"code": {"in": "form", "name": "Code"}}, "require": {"code": guard}});
    json!({"log": {
        "entries": [
            entry("/send", "To=%2B15005550006", 201, &json!({"sent": {"to": "+15005550006", "channel": "sms", "text": "1234"}})),
            entry("/check", "Code=0000", 400, &code("other")),
            entry("/check", "Code=1234", 200, &code("same")),
        ],
        "_countersign": {
            "version": "1.0", "provider": "sample", "title": "t", "provenance": {"kind": "synthetic", "source": "test"},
            "variables": {"code": "1234"},
            "case": {
                "plugin": "sample", "channel": "sms", "settings": {"token": {"secret": "token"}},
                "clock": "2026-01-31T12:00:00Z", "seed": 7,
                "operations": [
                    {"operation": "start", "input": {"recipient": {"phone": {"e164": "+15005550006", "country_code": "1", "national": "5005550006"}}},
                        "expect": {"outcome": {}, "messages": [{"to": "+15005550006", "channel": "sms", "text": "1234"}]}},
                    {"operation": "check", "after_seconds": 300, "input": {"code": "0000"}, "expect": {"outcome": "wrong_code"}},
                    {"operation": "check", "after_seconds": 300, "input": {"code": "1234"}, "expect": {"outcome": {"approved": {}}}},
                ],
            },
        },
    }})
}

fn run_with(change: impl FnOnce(&mut Value)) -> Result<Verdict, CaseError> {
    let mut har = cassette();
    change(&mut har);
    let cassette = parse(Path::new("test.har"), har.to_string().as_bytes()).expect("is a cassette");
    let settings = settings(cassette.case().expect("has a case"))?;
    run(&cassette, Linked::open(&settings))
}

#[track_caller]
fn fails(expected: &str, change: impl FnOnce(&mut Value)) {
    match run_with(change) {
        Ok(Verdict::Failed(problems)) => {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert!(texts[0].contains(expected), "{texts:?}\nexpected: {expected}");
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[track_caller]
fn cannot_run(expected: &str, change: impl FnOnce(&mut Value)) {
    match run_with(change) {
        Err(error) => assert!(error.to_string().contains(expected), "{error}\nexpected: {expected}"),
        Ok(verdict) => panic!("{verdict:?}"),
    }
}

fn case(har: &mut Value) -> &mut Value {
    &mut har["log"]["_countersign"]["case"]
}

#[test]
fn a_case_passes_and_its_receipt_says_what_was_served() {
    let Ok(Verdict::Passed(receipt)) = run_with(|_| {}) else {
        panic!("{:?}", run_with(|_| {}));
    };
    assert_eq!(receipt.entries.iter().map(|entry| entry.played).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(run_with(|_| {}) == Ok(Verdict::Passed(receipt)), "every run is the same");
}

#[test]
fn a_case_may_say_what_was_remembered() {
    fails("operation 1: `check` failed (expired): too late", |har| {
        case(har)["operations"][1]["input"]["delivery"] = json!({"version": 1, "value": {"at": 1}});
    });
    fails("operation 1: `check` failed (expired): nothing was kept", |har| {
        case(har)["operations"][1]["input"]["delivery"] = Value::Null;
    });
}

#[test]
fn a_new_start_forgets_the_delivery_before() {
    fails("operation 2: `check` failed (expired): nothing was kept", |har| {
        let mut refused = har["log"]["entries"][0].clone();
        refused["response"]["status"] = json!(403);
        har["log"]["entries"].as_array_mut().expect("a list").insert(1, refused);
        let operations = case(har)["operations"].as_array_mut().expect("a list");
        let again =
            json!({"operation": "start", "input": operations[0]["input"], "expect": {"failure": {"kind": "blocked"}}});
        operations[1] = again;
    });
}

#[test]
fn the_clock_moves_by_the_case_alone() {
    fails("operation 2: `check` failed (expired): too late", |har| {
        case(har)["operations"][2]["after_seconds"] = json!(301);
    });
}

#[test]
fn other_requests_fail_with_the_nearest_entry() {
    fails(
        "operation 0: no recorded exchange answers POST https://sample.example/send\n  nearest: test.har entry 0",
        |har| {
            case(har)["operations"][0]["input"]["recipient"]["phone"]["e164"] = json!("+15005550007");
        },
    );
}

#[test]
fn other_outcomes_failures_and_messages_fail() {
    fails("operation 1: `check`: /outcome: expected {approved}, found wrong_code", |har| {
        case(har)["operations"][1]["expect"] = json!({"outcome": {"approved": {}}});
    });
    fails("operation 1: `check` should have failed, but its outcome is wrong_code", |har| {
        case(har)["operations"][1]["expect"] = json!({"failure": {"kind": "expired"}});
    });
    fails("operation 0: `start` failed (blocked): refused (provider code 403)", |har| {
        har["log"]["entries"][0]["response"]["status"] = json!(403);
    });
    fails("/failure/provider_code: expected 4031, found 403", |har| {
        har["log"]["entries"][0]["response"]["status"] = json!(403);
        case(har)["operations"][0]["expect"] = json!({"failure": {"kind": "blocked", "provider_code": "4031"}});
    });
    fails("operation 0: `start`: /messages: expected [], found", |har| {
        case(har)["operations"][0]["expect"]["messages"] = json!([]);
    });
}

#[test]
fn what_is_recorded_and_not_asked_for_fails() {
    fails("a recorded exchange was not asked for\n  test.har entry 1", |har| {
        case(har)["operations"].as_array_mut().expect("a list").remove(1);
    });
}

#[test]
fn a_failing_transport_is_a_failure_of_the_operation() {
    let verdict = run_with(|har| {
        har["log"]["entries"][0]["response"] = Value::Null;
        har["log"]["entries"][0]["_countersign"] = json!({"failure": "not_sent", "repeat": 2});
        har["log"]["entries"].as_array_mut().expect("a list").truncate(1);
        case(har)["operations"].as_array_mut().expect("a list").truncate(1);
        case(har)["operations"][0]["expect"] = json!({"failure": {"kind": "unavailable", "nothing_left": true}});
    });
    assert!(matches!(verdict, Ok(Verdict::Passed(_))), "{verdict:?}");
}

#[test]
fn cases_that_cannot_be_run_say_why() {
    cannot_run("the case is for plugin `other`, not for `sample`", |har| case(har)["plugin"] = json!("other"));
    cannot_run("plugin `sample` has no channel `voice` in mode `x`; it has `sms`", |har| {
        case(har)["channel"] = json!("voice");
        case(har)["mode"] = json!("x");
    });
    cannot_run("case.mode is `x`, but case.settings.mode is `\"y\"`", |har| {
        case(har)["mode"] = json!("x");
        case(har)["settings"]["mode"] = json!("y");
    });
    cannot_run("operations[1].input is none of `check`: missing field `code`", |har| {
        case(har)["operations"][1]["input"] = json!({});
    });
    cannot_run("operations[1].input: `check` does not know `/check/cod`", |har| {
        case(har)["operations"][1]["input"]["cod"] = json!("1");
    });
    cannot_run("expect of `check` has no key `outcom`", |har| {
        case(har)["operations"][2]["expect"] = json!({"outcom": "wrong_code"});
    });
    cannot_run("expect of `start` needs either outcome or failure", |har| {
        case(har)["operations"][0]["expect"] = json!({"messages": []});
    });
}
