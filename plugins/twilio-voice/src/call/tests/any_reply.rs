//! Replies of any shape: none panics, none starts or approves what it must not.

use countersign_plugin::{Phone, Recipient, Reply, StartChallenge, Status, testing};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CODE, call, cancel, field, start, status as ask};
use crate::tests::{CA, TO, bench, call_settings, must_not_tell, with};

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
    prop_oneof![json_value(), (key, json_value()).prop_map(|(key, value)| with(call("queued"), key, value))]
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic_or_start_somebody_elses_call(status in prop_oneof![Just(201u16), 100u16..600], body in body()) {
        let good = (200..300).contains(&status) && body["to"] == TO
            && body["sid"] == CA && (body["status"].is_string() || body["status"].is_null());
        let ran = bench(call_settings()).host().reply(status, body.clone()).start(start());
        if ran.outcome.is_ok() {
            prop_assert!(good, "{status} {body}");
        }
        let _ = bench(call_settings()).host().reply(status, body.clone()).cancel(cancel());
        let asked = bench(call_settings()).host().reply(status, body.clone()).status(ask()).outcome;
        prop_assert!(asked != Ok(Status::Approved) && asked != Ok(Status::Denied));
        let _ = bench(call_settings()).host().reply(status, body.clone()).reply(status, body.clone())
            .reply(status, body).test_credentials();
    }

    #[test]
    fn no_bytes_make_it_panic(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..64)) {
        let reply = Reply { status, headers: vec![], body: body.into() };
        let ran = bench(call_settings()).host().raw_reply(reply).start(start());
        prop_assert!(ran.outcome.is_err());
        must_not_tell(&ran.outcome, CODE);
    }

    #[test]
    fn every_number_enters_the_form_as_it_is(e164 in "\\+[1-9][0-9]{6,14}") {
        let phone = Phone { e164: e164.clone(), ..testing::phone() };
        let input = StartChallenge { recipient: Some(Recipient::Phone(phone)), ..start() };
        let ran = bench(call_settings()).host().reply(201, with(call("queued"), "to", json!(e164))).start(input);
        prop_assert_eq!(field(&ran.requests[0], "To"), e164);
        prop_assert!(ran.outcome.is_ok());
    }
}
