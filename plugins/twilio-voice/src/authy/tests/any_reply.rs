//! Replies and codes of any shape: none panics, none approves what it must not.

use countersign_plugin::{Checked, Reply, testing};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CODE, called, check, check_answers, delivery, enrollment, start, user, valid};
use crate::tests::{authy_settings, bench, must_not_tell, unbroken, with};

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        Just(json!("true")),
        Just(json!("is valid")),
        Just(json!("60020")),
        "[a-z ]{0,9}".prop_map(Value::from),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(Value::from),
        Just(json!({"id": 7})),
    ]
}

/// A good reply of one of the calls, with any members spoiled.
fn body() -> impl Strategy<Value = Value> {
    let good = prop_oneof![Just(valid()), Just(called()), Just(user()), Just(json!({}))];
    let key = prop_oneof![Just("success"), Just("token"), Just("error_code"), Just("ignored"), Just("user")];
    (good, prop::collection::vec((key, leaf()), 0..4))
        .prop_map(|(good, spoiled)| spoiled.into_iter().fold(good, |body, (key, value)| with(body, key, value)))
}

proptest! {
    #[test]
    fn a_yes_is_http_200_with_a_valid_token_and_success(
        status in prop_oneof![Just(200u16), 100u16..600], body in body(),
    ) {
        let success = body["success"] == true || body["success"] == "true";
        let good = status == 200 && body["token"] == "is valid" && success;
        let approved = unbroken(check_answers(status, body.clone()).outcome) == Ok(Checked::approved());
        prop_assert_eq!(approved, good, "{} {}", status, body);
    }

    #[test]
    fn a_no_is_an_error_code_for_it_or_http_401_with_a_failure_without_code(
        status in prop_oneof![Just(200u16), Just(401u16), 100u16..600], body in body(),
    ) {
        let code = &body["error_code"];
        let coded = code == 60020 || code == 60019 || code == "60020";
        let oldest = status == 401 && body["success"] == false && code.is_null();
        let wrong = unbroken(check_answers(status, body.clone()).outcome) == Ok(Checked::WrongCode);
        prop_assert_eq!(wrong, status != 200 && coded || oldest, "{} {}", status, body);
    }

    #[test]
    fn only_a_success_of_the_last_reply_starts_a_call(
        replies in prop::collection::vec((prop_oneof![Just(200u16), 100u16..600], body()), 3),
        known in any::<bool>(),
    ) {
        let input = start().enrollment(known.then(enrollment).flatten());
        let host = bench(authy_settings()).host();
        let host = replies.iter().fold(host, |host, (status, body)| host.reply(*status, body.clone()));
        let ran = host.start(input);
        if unbroken(ran.outcome).is_ok() {
            let (status, body) = &replies[ran.requests.len() - 1];
            let success = body["success"] == true || body["success"] == "true";
            prop_assert!(*status == 200 && success, "{} {}", status, body);
        }
        let (status, body) = replies[0].clone();
        let _any = unbroken(bench(authy_settings()).host().reply(status, body).test_credentials().outcome);
    }

    #[test]
    fn no_bytes_approve(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..64)) {
        let reply = Reply::new(status, body);
        let host = || bench(authy_settings()).host().raw_reply(reply.clone());
        let checked = unbroken(host().check(check()).outcome);
        prop_assert!(checked.is_err());
        must_not_tell(&checked, CODE);
        prop_assert!(unbroken(host().start(start()).outcome).is_err());
        let _any = unbroken(host().test_credentials().outcome);
    }

    #[test]
    fn a_typed_text_stays_in_its_segment_or_is_not_sent(code in "[0-9./%\\\\ a-z]{0,14}") {
        let input = testing::check("voice", &code).delivery(delivery());
        let ran = bench(authy_settings()).host().reply(200, valid()).check(input);
        let _any = unbroken(ran.outcome);
        for request in &ran.requests {
            let expected = format!("https://api.authy.com/protected/json/verify/{code}/1000?force=true");
            prop_assert_eq!(&request.url, &expected);
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
