//! Mode `call`: what `test_credentials` finds.

use countersign_plugin::testing::Ran;
use countersign_plugin::{Diagnosis, Effect, FailureKind as Kind, Health, Retry, TransportFailureKind};
use serde_json::{Value, json};

use crate::tests::{AC, CANARY, SK, bench, call_settings, must_not_tell, with};

const LIVE_TOKEN: &str = "f00dfeedf00dfeedf00dfeedf00dfeed";

fn account(status: &str, kind: &str) -> Value {
    json!({"sid": AC, "status": status, "type": kind, "auth_token": LIVE_TOKEN, "friendly_name": "ACME"})
}

fn numbers(voice: Option<bool>) -> Value {
    let own = json!({"phone_number": "+15017122661", "capabilities": {"voice": voice, "sms": true}});
    json!({"incoming_phone_numbers": [{"phone_number": "+150171226610"}, own], "end": 0})
}

fn no_numbers() -> Value {
    json!({"incoming_phone_numbers": []})
}

fn calls() -> Value {
    json!({"calls": [{"sid": "CA0123456789abcdef0123456789abcdef", "status": "completed"}], "page_size": 1})
}

fn caller_ids(number: &str) -> Value {
    json!({"outgoing_caller_ids": [{"phone_number": number}]})
}

fn with_key() -> Value {
    with(with(call_settings(), "auth_id", json!(SK)), "account_sid", json!(AC))
}

fn run(settings: Value, replies: &[(u16, Value)]) -> Ran<Diagnosis> {
    let host = bench(settings).host();
    let ran = replies.iter().fold(host, |host, (status, body)| host.reply(*status, body.clone())).test_credentials();
    assert_eq!(ran.unused_replies, 0);
    for request in &ran.requests {
        assert_eq!((request.method.as_str(), request.effect), ("GET", Effect::Read));
    }
    must_not_tell(&ran, LIVE_TOKEN);
    must_not_tell(&ran.outcome, CANARY);
    ran
}

#[track_caller]
fn finds(settings: Value, replies: &[(u16, Value)], expected: &[(&str, Health)]) {
    let diagnosis = run(settings, replies).outcome.expect("a diagnosis");
    for finding in diagnosis.findings.iter().filter(|finding| finding.state == Health::Bad) {
        assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{finding:?}");
    }
    let found: Vec<_> = diagnosis.findings.iter().map(|finding| (finding.subject.as_str(), finding.state)).collect();
    assert_eq!(found, expected, "{diagnosis:#?}");
}

const ACCEPTED: [(&str, Health); 2] = [("auth_id", Health::Good), ("auth_token", Health::Good)];
const REFUSED: [(&str, Health); 3] = [("auth_id", Health::Bad), ("auth_token", Health::Bad), ("from", Health::Unknown)];

fn accepted(more: &[(&'static str, Health)]) -> Vec<(&'static str, Health)> {
    [&ACCEPTED, more].concat()
}

#[test]
fn an_active_account_and_its_own_voice_number_are_good() {
    let replies = [(200, account("active", "Full")), (200, numbers(Some(true)))];
    finds(call_settings(), &replies, &accepted(&[("auth_id", Health::Good), ("from", Health::Good)]));
    let ran = run(call_settings(), &replies);
    let base = "https://api.twilio.com/2010-04-01/Accounts";
    assert_eq!(ran.requests[0].url, format!("{base}/{AC}.json"));
    assert_eq!(ran.requests[1].url, format!("{base}/{AC}/IncomingPhoneNumbers.json?PhoneNumber=%2B15017122661"));
}

#[test]
fn the_standing_of_the_account_is_told() {
    let trial = [(200, account("active", "Trial")), (200, numbers(Some(true)))];
    finds(call_settings(), &trial, &accepted(&[("auth_id", Health::Notice), ("from", Health::Good)]));
    let new = [(200, account("frozen", "Full")), (200, numbers(Some(true)))];
    finds(call_settings(), &new, &accepted(&[("auth_id", Health::Notice), ("from", Health::Good)]));
    for status in ["suspended", "closed"] {
        let replies = [(200, account(status, "Full"))];
        finds(call_settings(), &replies, &accepted(&[("auth_id", Health::Bad), ("from", Health::Unknown)]));
        let subaccount = with(call_settings(), "account_sid", json!(AC.replace('0', "1")));
        let other = with(account(status, "Full"), "sid", json!(AC.replace('0', "1")));
        let expected = accepted(&[("account_sid", Health::Bad), ("from", Health::Unknown)]);
        finds(subaccount, &[(200, other)], &expected);
    }
}

#[test]
fn a_refused_pair_is_named_as_a_pair() {
    finds(call_settings(), &[(401, json!({"code": 20003, "detail": CANARY}))], &REFUSED);
    finds(call_settings(), &[(401, json!(null))], &REFUSED);
    finds(call_settings(), &[(403, json!({"code": 20008}))], &REFUSED);
    let replies = [(404, json!({"code": 20404}))];
    finds(call_settings(), &replies, &accepted(&[("auth_id", Health::Bad), ("from", Health::Unknown)]));
}

#[test]
fn a_refusal_that_a_setting_can_mend_is_a_finding_and_an_outage_is_not() {
    let expected = [("auth_id", Health::Bad), ("from", Health::Unknown)];
    finds(call_settings(), &[(403, json!({"code": 20005}))], &expected);
    finds(call_settings(), &[(403, json!({"code": 20006}))], &expected);
    finds(call_settings(), &[(403, json!(null))], &expected);
    finds(call_settings(), &[(400, json!({"code": 99999}))], &expected);
    let of_key = [("account_sid", Health::Bad), ("from", Health::Unknown)];
    finds(with_key(), &[(403, json!({"code": 20005}))], &of_key);
    for (status, body, kind) in [
        (503, json!({}), Kind::Unavailable),
        (429, json!({"code": 20429}), Kind::RateLimited),
        (200, with(account("active", "Full"), "sid", json!(SK)), Kind::MalformedReply),
        (200, json!({"sid": AC}), Kind::MalformedReply),
    ] {
        let failure = run(call_settings(), &[(status, body)]).outcome.expect_err("no diagnosis");
        assert_eq!(failure.kind, kind);
    }
}

#[test]
fn the_caller_id_is_looked_for_among_numbers_then_among_verified_ones() {
    let active = || (200, account("active", "Full"));
    let from = |state| accepted(&[("auth_id", Health::Good), ("from", state)]);
    finds(call_settings(), &[active(), (200, numbers(Some(false)))], &from(Health::Bad));
    finds(call_settings(), &[active(), (200, numbers(None))], &from(Health::Notice));
    let verified = [active(), (200, no_numbers()), (200, caller_ids("+15017122661"))];
    finds(call_settings(), &verified, &from(Health::Good));
    let strange = [active(), (200, no_numbers()), (200, caller_ids("+150171226610"))];
    finds(call_settings(), &strange, &from(Health::Bad));
    finds(call_settings(), &[active(), (500, json!({}))], &from(Health::Unknown));
    finds(call_settings(), &[active(), (200, json!({}))], &from(Health::Unknown));
    finds(call_settings(), &[active(), (200, no_numbers()), (403, json!({}))], &from(Health::Unknown));
}

#[test]
fn a_key_that_may_do_no_more_than_call_is_judged_by_the_calls() {
    for first in [(401, json!({"code": 20003})), (403, json!({"code": 20403})), (403, json!({}))] {
        let finds = |more: &[(u16, Value)], expected: &[(&str, Health)]| {
            finds(with_key(), &[std::slice::from_ref(&first), more].concat(), expected);
        };
        let works = |from| accepted(&[("account_sid", Health::Notice), ("from", from)]);
        finds(&[(200, calls()), (200, numbers(Some(true)))], &works(Health::Good));
        // A key that may read no numbers, either, is as it should be.
        for closed in [(401, json!({"code": 20003})), (403, json!({"code": 20006})), (403, json!(null))] {
            finds(&[(200, calls()), closed.clone()], &works(Health::Unknown));
            finds(&[(200, calls()), (200, no_numbers()), closed], &works(Health::Unknown));
        }
        let from = ("from", Health::Unknown);
        let bad = ("auth_id", Health::Bad);
        finds(&[(401, json!({"code": 20003}))], &[bad, ("auth_token", Health::Unknown), from]);
        finds(&[(403, json!({"code": 20006}))], &[("account_sid", Health::Bad), from]);
        finds(&[(404, json!({"code": 20404}))], &accepted(&[("account_sid", Health::Bad), from]));
        finds(&[(404, json!(null))], &[("auth_id", Health::Unknown), ("auth_token", Health::Unknown), from]);
    }
    let ran = run(with_key(), &[(401, json!({})), (200, calls()), (200, numbers(Some(true)))]);
    let calls = format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Calls.json?PageSize=1");
    assert_eq!(ran.requests[1].url, calls);
}

#[test]
fn a_refused_key_may_be_a_wrong_one_or_one_without_the_permission() {
    let diagnosis = run(with_key(), &[(401, json!({"code": 20003})), (401, json!({"code": 20003}))]).outcome.unwrap();
    let text = format!("{:?}", diagnosis.findings[0]);
    for part in ["not one of this account", "its secret is another one", "may not read calls"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn an_outage_while_a_key_is_examined_is_no_diagnosis() {
    for (status, body, kind) in [
        (503, json!({}), Kind::Unavailable),
        (429, json!({"code": 20429}), Kind::RateLimited),
        (200, json!({"sid": AC}), Kind::MalformedReply),
    ] {
        let failure = run(with_key(), &[(401, json!({})), (status, body)]).outcome.expect_err("no diagnosis");
        assert_eq!(failure.kind, kind);
    }
}

#[test]
fn a_404_that_is_not_twilios_says_nothing_of_the_account() {
    let unknown = [("auth_id", Health::Unknown), ("auth_token", Health::Unknown), ("from", Health::Unknown)];
    for settings in [call_settings(), with_key()] {
        finds(settings.clone(), &[(404, json!({}))], &unknown);
        let diagnosis = run(settings, &[(404, json!("<html>"))]).outcome.expect("a diagnosis");
        assert!(diagnosis.findings[0].message.contains("`base_url`"), "{diagnosis:?}");
    }
}

#[test]
fn a_provider_that_cannot_be_reached_is_unavailable() {
    let ran = bench(call_settings()).host().no_reply(TransportFailureKind::NotSent).test_credentials();
    let failure = ran.outcome.expect_err("no diagnosis");
    assert_eq!((failure.kind, failure.retry), (Kind::Unavailable, Retry::After { seconds: 5 }));
}
