//! Mode `authy`: what `test_credentials` finds.

use countersign_plugin::{Diagnosis, Effect, FailureKind as Kind, Health, Level, testing::Ran};
use serde_json::{Value, json};

use super::{error, is};
use crate::tests::{authy_settings, bench, with};

fn details() -> Value {
    json!({"app": {"name": "ACME", "phone_calls_enabled": true, "app_id": 11111}, "success": true})
}

fn run(status: u16, body: Value) -> Ran<Diagnosis> {
    bench(authy_settings()).host().reply(status, body).test_credentials()
}

#[track_caller]
fn finds(status: u16, body: Value, expected: &[(&str, Health)]) {
    let ran = run(status, body);
    is(&ran.requests[0], "GET", "app/details", Effect::Read);
    assert_eq!(ran.logs.iter().map(|line| line.level).collect::<Vec<_>>(), [Level::Warn]);
    let findings = ran.outcome.expect("a diagnosis").findings;
    for finding in findings.iter().filter(|finding| finding.state == Health::Bad) {
        assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{finding:?}");
    }
    let found: Vec<_> = findings.iter().map(|finding| (finding.subject.as_str(), finding.state)).collect();
    // The last one says that the service is closed to new customers.
    assert_eq!(found, [expected, &[("mode", Health::Notice)]].concat());
}

#[test]
fn a_key_that_works_shows_whether_the_application_may_call() {
    let key = ("authy_api_key", Health::Good);
    finds(200, details(), &[key, ("mode", Health::Good)]);
    finds(200, with(details(), "app", json!({"phone_calls_enabled": false})), &[key, ("mode", Health::Bad)]);
    finds(200, with(details(), "app", json!({"name": "ACME"})), &[key, ("mode", Health::Notice)]);
}

#[test]
fn a_refusal_names_the_setting() {
    for code in [60001, 60047] {
        finds(401, error(code), &[("authy_api_key", Health::Bad)]);
    }
    finds(401, json!({"success": "false"}), &[("authy_api_key", Health::Bad)]);
    finds(403, json!({}), &[("mode", Health::Bad)]);
    finds(404, json!(null), &[("mode", Health::Bad)]);
    finds(503, error(60060), &[("mode", Health::Bad)]);
}

#[test]
fn an_outage_or_an_answer_without_success_is_no_diagnosis() {
    for (status, body, kind) in [
        (503, json!(null), Kind::Unavailable),
        (429, error(60003), Kind::RateLimited),
        (200, with(details(), "success", json!(false)), Kind::MalformedReply),
        (200, json!({"success": true}), Kind::MalformedReply),
    ] {
        assert_eq!(run(status, body).outcome.map_err(|failure| failure.kind), Err(kind));
    }
}
