//! Random and mutated replies: none approves that should not, none panics, none makes us talk.

use countersign_plugin::{Checked, Data, Failure, Reply, Scope, testing};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Any JSON, rich in the words that matter.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["approved", "pending", "APPROVED", "true", "canceled", "x"]).prop_map(Value::from),
        prop::sample::select(vec![SID, OTHER_SID, SERVICE, NUMBER, OTHER_NUMBER, CODE]).prop_map(Value::from),
        prop::sample::select(vec![20003, 20404, 20429, 60200, 60202, 60410, 20500]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["sid", "to", "status", "valid", "code", "message", "send_code_attempts", "date_created"])
        .prop_map(str::to_owned)
}

/// A body that approves or was just started, some of whose fields are replaced.
fn mutated() -> impl Strategy<Value = Value> {
    let good = prop_oneof![Just(verification("approved", true)), Just(verification("pending", false))];
    let likely = prop::sample::select(vec![("to", OTHER_NUMBER), ("sid", OTHER_SID), ("status", "canceled")])
        .prop_map(|(field, value)| (field.to_owned(), Some(json!(value))));
    let change = prop_oneof![likely, (field(), prop::option::of(value()))];
    (good, prop::collection::vec(change, 0..3)).prop_map(|(good, changes)| {
        changes.into_iter().fold(good, |body, (field, value)| match value {
            Some(value) => with(body, &field, value),
            None => without(body, &field),
        })
    })
}

/// Bytes: JSON as it should be, cut off, with a byte changed, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![mutated(), value()].prop_map(|value| value.to_string().into_bytes());
    prop_oneof![
        4 => json.clone(),
        1 => (json.clone(), any::<prop::sample::Index>()).prop_map(|(mut bytes, at)| {
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
        1 => (json, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let status = prop_oneof![3 => 200_u16..=204, 1 => 100_u16..=599];
    let wait = prop::option::of(prop::sample::select(vec!["0", "5", "x", "99999999999999999999", NUMBER]));
    (status, body(), wait).prop_map(|(status, body, wait)| {
        let reply = Reply::new(status, body);
        if let Some(wait) = wait { reply.with_header("Retry-After", wait) } else { reply }
    })
}

/// What must hold for an approval, read by another parser than the plugin's.
fn approves(reply: &Reply) -> bool {
    let body = serde_json::from_slice::<Value>(reply.body.as_slice()).unwrap_or_default();
    (200..=299).contains(&reply.status)
        && body["status"] == json!("approved")
        && body["valid"] == json!(true)
        && body["sid"] == json!(SID)
        && body["to"] == json!(NUMBER)
}

/// What must hold for a start, read by another parser than the plugin's.
fn starts(reply: &Reply) -> bool {
    let body = serde_json::from_slice::<Value>(reply.body.as_slice()).unwrap_or_default();
    let name = body["sid"].as_str().unwrap_or_default();
    let named = name.strip_prefix("VE").is_some_and(|digits| digits.len() == 32);
    (200..=299).contains(&reply.status) && named && body["to"] == json!(NUMBER) && body["status"] == json!("pending")
}

/// The bench tells of a panic as of a failure.
#[track_caller]
fn unbroken<T>(outcome: &Result<T, Failure>) {
    if let Err(failure) = outcome {
        assert_ne!(failure.kind, FailureKind::PluginFault, "{failure}");
    }
}

/// Neither the number nor the code may stand in anything that is shown or logged.
#[track_caller]
fn silent(what: &str) {
    for secret in [CODE, &NUMBER[1..], &OTHER_NUMBER[1..]] {
        assert!(!what.contains(secret), "{secret} in {what}");
    }
}

proptest! {
    #[test]
    fn no_reply_approves_unless_all_four_fields_do(reply in reply()) {
        let expected = approves(&reply);
        let ran = bench().host().raw_reply(reply).check(check_input(CODE));
        unbroken(&ran.outcome);
        prop_assert_eq!(matches!(ran.outcome, Ok(Checked::Approved { .. })), expected);
        silent(&format!("{:?} {:?}", ran.outcome, ran.logs));
    }

    #[test]
    fn what_approves_for_one_person_approves_for_nobody_else(reply in reply()) {
        let delivery = Some(Data::from_json(1, json!({"sid": OTHER_SID})));
        let ran = bench().host().raw_reply(reply.clone()).check(check_input(CODE).delivery(delivery));
        if matches!(ran.outcome, Ok(Checked::Approved { .. })) {
            prop_assert!(!approves(&reply));
        }
    }

    #[test]
    fn a_start_succeeds_only_with_our_number_and_something_to_cancel(reply in reply()) {
        let expected = starts(&reply);
        let ran = bench().host().raw_reply(reply).start(testing::start("sms"));
        unbroken(&ran.outcome);
        if let Ok(started) = &ran.outcome {
            prop_assert!(expected);
            let kept = ran.kept.last().map(|(scope, data)| (*scope, Some(data.clone())));
            prop_assert_eq!(kept, Some((Scope::Delivery, started.delivery.clone())));
            prop_assert!(started.expires_in_seconds.is_none_or(|seconds| (1..=600).contains(&seconds)));
        }
        silent(&format!("{:?} {:?} {:?}", ran.outcome, ran.logs, ran.kept));
    }

    #[test]
    fn the_other_operations_survive_any_reply(reply in reply()) {
        let bench = bench();
        let cancel = bench.host().raw_reply(reply.clone()).cancel(cancel_input());
        let status = bench.host().raw_reply(reply.clone()).status(status_input());
        let test = bench.host().raw_reply(reply).test_credentials();
        for outcome in [&cancel.outcome.map(|_| ()), &status.outcome.map(|_| ()), &test.outcome.map(|_| ())] {
            unbroken(outcome);
            silent(&format!("{outcome:?}"));
        }
        silent(&format!("{:?} {:?} {:?}", cancel.logs, status.logs, test.logs));
    }

    #[test]
    fn only_digits_are_ever_sent(code in "\\PC{0,12}") {
        let ran = bench().host().check(check_input(&code));
        if !ran.requests.is_empty() {
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
