//! Every outcome and every refusal, as a host would see it.

mod diagnosis;
mod hostile;
mod outcomes;
mod refusals;

use countersign_plugin::testing::{self, Bench};
use countersign_plugin::{AskStatus, CancelChallenge, CheckCode, Data, FailureKind, Manifest, Recipient};
use serde_json::{Value, json};

use crate::TwilioVerify;

const AUTH_ID: &str = "AC0123456789abcdef0123456789abcdef";
const SERVICE: &str = "VA0123456789abcdef0123456789abcdef";
const SID: &str = "VE0123456789abcdef0123456789abcdef";
const OTHER_SID: &str = "VEffffffffffffffffffffffffffffffff";
const NUMBER: &str = "+15005550006";
const OTHER_NUMBER: &str = "+15005550007";
const CODE: &str = "481516";

fn settings() -> Value {
    json!({"auth_id": AUTH_ID, "auth_token": {"secret": "auth_token"}, "service_sid": SERVICE})
}

fn bench() -> Bench<TwilioVerify> {
    Bench::open(settings()).manifest(include_bytes!("../manifest.json"))
}

/// A verification as Twilio's documents show it.
fn verification(status: &str, valid: bool) -> Value {
    json!({
        "sid": SID,
        "service_sid": SERVICE,
        "account_sid": AUTH_ID,
        "to": NUMBER,
        "channel": "sms",
        "status": status,
        "valid": valid,
        "date_created": "2015-07-30T20:00:00Z",
        "date_updated": "2015-07-30T20:00:00Z",
        "lookup": {},
        "amount": null,
        "payee": null,
        "send_code_attempts": [
            {"time": "2015-07-30T20:00:00Z", "channel": "SMS", "attempt_sid": "VL0123456789abcdef0123456789abcdef"}
        ],
        "sna": null,
        "url": format!("https://verify.twilio.com/v2/Services/{SERVICE}/Verifications/{SID}"),
    })
}

/// `body` with one field replaced.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// `body` without one field.
fn without(mut body: Value, field: &str) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.remove(field);
    }
    body
}

fn error(code: u32, status: u16) -> Value {
    json!({
        "code": code,
        "message": format!("Invalid parameter `To`: {NUMBER}"),
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status,
    })
}

fn delivery() -> Option<Data> {
    Some(Data::from_json(1, json!({"sid": SID})))
}

fn check_input(code: &str) -> CheckCode {
    testing::check("sms", code).delivery(delivery())
}

fn cancel_input() -> CancelChallenge {
    CancelChallenge::new("sms").delivery(delivery())
}

fn status_input() -> AskStatus {
    let recipient = Some(Recipient::Phone(testing::phone()));
    AskStatus::new("sms").recipient(recipient).delivery(delivery())
}

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<TwilioVerify>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_service_names_the_account_whoever_authenticates() {
    // The account's token and each of its API keys are handed the same verification.
    let manifest = Manifest::parse(include_bytes!("../manifest.json")).unwrap();
    assert_eq!(manifest.account, ["service_sid"]);
}

#[test]
fn every_request_stays_within_the_egress_of_the_manifest() {
    let manifest = Manifest::parse(include_bytes!("../manifest.json")).unwrap();
    let [egress] = manifest.egress.as_slice() else { panic!("one place is enough") };
    let inside = format!("{}{}/", egress.base, egress.paths[0]);
    let bench = bench();
    let urls = [
        bench.host().start(testing::start("sms")).requests,
        bench.host().check(check_input(CODE)).requests,
        bench.host().cancel(cancel_input()).requests,
        bench.host().status(status_input()).requests,
        bench.host().test_credentials().requests,
    ];
    for request in urls.iter().flatten() {
        assert!(request.url.starts_with(&inside), "{}", request.url);
        assert!(!request.url.contains(CODE) && !request.url.contains("5550006"), "{}", request.url);
    }
    assert_eq!(urls.iter().flatten().count(), 5);
}

#[test]
fn a_base_url_replaces_the_address_of_twilio() {
    let bench = Bench::<TwilioVerify>::open(with(settings(), "base_url", json!("http://127.0.0.1:8080/twilio/")));
    let ran = bench.host().test_credentials();
    assert_eq!(ran.requests[0].url, format!("http://127.0.0.1:8080/twilio/v2/Services/{SERVICE}"));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    #[track_caller]
    fn check(field: &str, value: Value) {
        let Err(failure) = Bench::<TwilioVerify>::try_open(with(settings(), field, value)) else {
            panic!("must be refused")
        };
        assert_eq!(failure.kind, FailureKind::Misconfigured);
        assert!(failure.operator.contains(&format!("`{field}`")), "{failure}");
    }
    for bad in ["", "AC", "VA0123456789abcdef0123456789abcdef", "AC0123456789abcdef0123456789abcdeg"] {
        check("auth_id", json!(bad));
    }
    for bad in [
        "AC0123456789abcdef0123456789abcdef",
        "VA0123456789abcdef0123456789abcde",
        "VA0123456789abcdef0123456789abcdef0",
        "VA0123456789abcdef0123456789abcdef\n",
        "VA../../../../../../../../../../..",
    ] {
        check("service_sid", json!(bad));
    }
    for bad in [
        "",
        "verify.twilio.com",
        "ftp://x",
        "https://",
        "https:///v2",
        "https://x?y",
        "https://x#y",
        "https://u:p@x",
        "https://x y",
    ] {
        check("base_url", json!(bad));
    }
    check("servise_sid", json!(SERVICE));
}

#[test]
fn an_api_key_does_as_well_as_an_account() {
    let key = with(settings(), "auth_id", json!("SK0123456789abcdef0123456789ABCDEF"));
    assert!(Bench::<TwilioVerify>::try_open(key).is_ok());
}
