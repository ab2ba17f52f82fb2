//! Redaction of any draft: well-formed, of the same shape, and without what was secret.

use proptest::prelude::*;

use super::*;

fn any_name() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "code",
        "token",
        "otp",
        "to",
        "phone_number",
        "cellphone",
        "country_code",
        "auth_token",
        "password",
        "secret",
        "friendly_name",
        "caller_name",
        "login",
        "identity",
        "name",
        "status",
        "sid",
        "message",
        "url",
        "data",
    ])
    .prop_map(str::to_owned)
}

fn any_scalar() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~é]{0,12}".prop_map(Value::from),
        "[0-9]{1,12}".prop_map(Value::from),
        "\\+[1-9][0-9]{6,14}".prop_map(Value::from),
        "[A-Z]{2}[0-9a-f]{32}".prop_map(Value::from),
        "[a-z]{1,5}@[a-z]{1,5}\\.[a-z]{2}".prop_map(Value::from),
        "https://x\\.example/\\?To=%2B1[0-9]{10}&api_key=[a-z]{1,9}".prop_map(Value::from),
    ]
}

fn same_shape(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (one, other) {
        (Object(one), Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same_shape(value, other)))
        }
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_shape(one, other))
        }
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A body that was JSON is JSON afterwards, with the same members of the same types, as often as it is redacted.
    #[test]
    fn bodies_keep_their_shape(members in proptest::collection::vec((any_name(), any_scalar()), 0..8), nested in any::<bool>()) {
        let json: serde_json::Map<String, serde_json::Value> = members.into_iter().collect();
        let json = serde_json::Value::Object(json);
        let json = if nested { serde_json::json!({"user": [json.clone(), json]}) } else { json };
        let redacted = Redaction::new().apply(&draft([Exchange::reply(JSON, &json.to_string())]));
        let WireAnswer::Reply(reply) = &redacted.draft.entries[0].answer else { panic!("was one") };
        let after: serde_json::Value = serde_json::from_slice(&reply.body).expect("is JSON still");
        prop_assert!(same_shape(&json, &after), "{json}\n{after}");
        prop_assert!(redacted.scan(&reply.body).is_ok(), "{json}\n{after}");
    }

    /// Whatever the secret and however it is written: after redaction it is in no form in what is written.
    #[test]
    fn no_secret_survives(
        secret in "[ -~]{6,24}", escaped in proptest::collection::vec(any::<bool>(), 24), json in any::<bool>(),
    ) {
        let quoted = |c: char| serde_json::to_string(&c).expect("is JSON");
        let mixed: String = secret.chars().zip(escaped).map(|(c, escape)| match (json, escape) {
            (true, true) => format!("\\u{:04x}", u32::from(c)),
            (true, false) => quoted(c)[1..quoted(c).len() - 1].to_owned(),
            (false, false) if c.is_ascii_alphanumeric() => c.to_string(),
            (false, true) => format!("%{:02X}", u32::from(c)),
            (false, false) => format!("%{:02x}", u32::from(c)),
        }).collect();
        let exchange = if json {
            Exchange::request(JSON, &format!("{{\"a\": \"{mixed}\"}}"))
        } else {
            Exchange::request(FORM, &format!("a={mixed}"))
        };
        let redaction = Redaction::new().with_known(Secret::new(secret.clone())).expect("is long enough");
        let reply = serde_json::json!({"b": secret}).to_string();
        let redacted = redaction.apply(&draft([exchange.with(JSON, &reply)]));
        let after = text(&redacted);
        prop_assert!(redacted.scan(after.as_bytes()).is_ok(), "{after}");
        let body = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("is JSON still");
        let entry = &redacted.draft.entries[0];
        let WireAnswer::Reply(reply) = &entry.answer else { panic!("was one") };
        let there = body(&reply.body)["b"].as_str().expect("text").to_owned();
        let sent = if json {
            body(&entry.request.body)["a"].as_str().expect("text").to_owned()
        } else {
            url::form_urlencoded::parse(&entry.request.body).next().expect("a field").1.into_owned()
        };
        prop_assert_ne!(&there, &secret);
        // One value has one pseudonym, however it was written.
        prop_assert_eq!(there, sent);
    }
}
