//! "Test credentials" says which setting is wrong, and no more than can be known.

use countersign_plugin::Health::{Bad, Good, Unknown};
use countersign_plugin::http::Method;
use countersign_plugin::{Effect, FailureKind, Health, TransportFailureKind};
use serde_json::{Value, json};

use super::*;

fn service() -> Value {
    json!({"sid": SERVICE, "account_sid": AUTH_ID, "friendly_name": "ACME", "code_length": 6, "psd2_enabled": false})
}

#[track_caller]
fn finds(http: u16, body: Value, expected: [Health; 3]) {
    let ran = bench().host().reply(http, body).test_credentials();
    let findings = ran.outcome.unwrap().findings;
    let subjects = findings.iter().map(|finding| finding.subject.as_str()).collect::<Vec<_>>();
    assert_eq!(subjects, ["auth_id", "auth_token", "service_sid"]);
    assert_eq!(findings.iter().map(|finding| finding.state).collect::<Vec<_>>(), expected);
    for finding in findings {
        assert_eq!(finding.remedy.is_some(), finding.state == Bad, "{finding:?}");
    }
    assert_eq!((ran.requests.len(), ran.requests[0].effect, ran.requests[0].method), (1, Effect::Read, Method::Get));
}

#[test]
fn each_setting_gets_a_finding() {
    finds(200, service(), [Good, Good, Good]);
    finds(200, with(service(), "sid", json!(format!("VA{}", SERVICE[2..].to_uppercase()))), [Good, Good, Good]);
    finds(200, with(service(), "psd2_enabled", json!(true)), [Good, Good, Bad]);
    finds(200, without(service(), "psd2_enabled"), [Good, Good, Good]);
    finds(401, error(20003, 401), [Bad, Bad, Unknown]);
    finds(401, json!({}), [Bad, Bad, Unknown]);
    finds(403, error(20008, 403), [Bad, Bad, Unknown]);
    finds(403, error(20005, 403), [Bad, Unknown, Unknown]);
    finds(400, error(10001, 400), [Bad, Unknown, Unknown]);
    finds(403, error(20403, 403), [Bad, Good, Unknown]);
    finds(404, error(20404, 404), [Good, Good, Bad]);
    finds(400, error(20423, 400), [Unknown, Unknown, Bad]);
    finds(404, json!("<html>"), [Unknown, Unknown, Unknown]);
}

#[test]
fn a_404_without_twilios_code_points_to_the_address() {
    let findings = bench().host().reply(404, json!({})).test_credentials().outcome.unwrap().findings;
    assert!(findings.iter().all(|finding| finding.message.contains("`base_url`")), "{findings:?}");
}

#[test]
fn what_says_nothing_about_the_settings_is_a_failure() {
    #[track_caller]
    fn check(http: u16, body: Value, kind: FailureKind) {
        let failure = bench().host().reply(http, body).test_credentials().outcome.unwrap_err();
        assert_eq!(failure.kind, kind);
    }
    check(200, with(service(), "sid", json!("VAffffffffffffffffffffffffffffffff")), FailureKind::MalformedReply);
    check(200, json!({}), FailureKind::MalformedReply);
    check(429, error(20429, 429), FailureKind::RateLimited);
    check(503, error(20503, 503), FailureKind::Unavailable);
    check(403, json!({}), FailureKind::Misconfigured);
    // A 401 that is not about these credentials.
    check(401, error(60603, 401), FailureKind::Misconfigured);
    let ran = bench().host().no_reply(TransportFailureKind::NotSent).test_credentials();
    assert_eq!(ran.outcome.unwrap_err().kind, FailureKind::Unavailable);
}
