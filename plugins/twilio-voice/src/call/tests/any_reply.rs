//! Replies of any shape: none panics, none starts or approves what it must not.

use countersign_plugin::{Health, Recipient, Reply, Status, testing};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CODE, call, cancel, field, start, status as ask};
use crate::tests::{AC, CA, SK, TO, bench, call_settings, must_not_tell, unbroken, with};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z+0-9]{0,12}".prop_map(Value::from),
        Just(json!(CA)),
        Just(json!(TO)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![Just("sid"), Just("to"), Just("status"), Just("code"), Just("type")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Any JSON, or a good reply with one member spoiled.
fn body() -> impl Strategy<Value = Value> {
    let key = prop_oneof![Just("sid"), Just("to"), Just("status"), Just("new")];
    let likely =
        prop::sample::select(vec![("to", "+15005550007"), ("sid", TO), ("status", "failed"), ("status", "new")]);
    prop_oneof![
        json_value(),
        (key, json_value()).prop_map(|(key, value)| with(call("queued"), key, value)),
        likely.prop_map(|(key, value)| with(call("queued"), key, json!(value))),
    ]
}

/// What the requests of `test_credentials` are answered with, or any JSON.
fn examined() -> impl Strategy<Value = Value> {
    let number = || json!({"phone_number": "+15017122661", "capabilities": {"voice": true}});
    prop_oneof![
        Just(json!({"sid": AC, "status": "active", "type": "Full"})),
        Just(json!({"calls": []})),
        Just(json!({"incoming_phone_numbers": [number()]})),
        Just(json!({"incoming_phone_numbers": []})),
        Just(json!({"outgoing_caller_ids": [number()]})),
        prop::sample::select(vec![20003, 20005, 20006, 20008, 20404, 20429]).prop_map(|code| json!({"code": code})),
        json_value(),
    ]
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic_or_start_somebody_elses_call(status in prop_oneof![Just(201u16), 100u16..600], body in body()) {
        let good = (200..300).contains(&status) && body["to"] == TO
            && body["sid"] == CA && (body["status"].is_string() || body["status"].is_null());
        let ran = bench(call_settings()).host().reply(status, body.clone()).start(start());
        if unbroken(ran.outcome).is_ok() {
            prop_assert!(good, "{status} {body}");
        }
        let host = || bench(call_settings()).host().reply(status, body.clone());
        let canceled = unbroken(host().cancel(cancel()).outcome);
        prop_assert!(canceled.is_err() || body["sid"] == CA || body["code"].is_number() || body["code"].is_string());
        let asked = unbroken(host().status(ask()).outcome);
        prop_assert!(asked != Ok(Status::Approved) && asked != Ok(Status::Denied));
    }

    #[test]
    fn no_replies_make_the_test_of_credentials_panic(
        replies in prop::collection::vec((prop_oneof![3 => Just(200u16), 1 => Just(401u16), 1 => 100u16..600], examined()), 4),
        key in any::<bool>(),
    ) {
        let settings = if key {
            with(with(call_settings(), "auth_id", json!(SK)), "account_sid", json!(AC))
        } else {
            call_settings()
        };
        let host = replies.iter().fold(bench(settings).host(), |host, (status, body)| host.reply(*status, body.clone()));
        let ran = host.test_credentials();
        for finding in unbroken(ran.outcome).into_iter().flat_map(|diagnosis| diagnosis.findings) {
            prop_assert_eq!(finding.remedy.is_some(), finding.state == Health::Bad, "{:?}", finding);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..64)) {
        let reply = Reply::new(status, body);
        let host = || bench(call_settings()).host().raw_reply(reply.clone());
        let started = unbroken(host().start(start()).outcome);
        prop_assert!(started.is_err());
        must_not_tell(&started, CODE);
        let _any = unbroken(host().cancel(cancel()).outcome);
        let _any = unbroken(host().status(ask()).outcome);
        let _any = unbroken(host().test_credentials().outcome);
    }

    #[test]
    fn every_number_enters_the_form_as_it_is(e164 in "\\+[1-9][0-9]{6,14}") {
        let mut phone = testing::phone();
        phone.e164.clone_from(&e164);
        let input = start().recipient(Recipient::Phone(phone));
        let ran = bench(call_settings()).host().reply(201, with(call("queued"), "to", json!(e164))).start(input);
        prop_assert_eq!(field(&ran.requests[0], "To"), e164);
        prop_assert!(ran.outcome.is_ok());
    }
}
