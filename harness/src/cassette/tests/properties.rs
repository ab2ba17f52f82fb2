//! Rules with many cases.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Difference, Field, Sent, SentBody, parse};
use super::{Player, entry, form, har, load, player, reply};

/// Any JSON, with keys that lead deep into a HAR file.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop_oneof![
            Just("1.0"),
            Just("1.2"),
            Just("any"),
            Just("form"),
            Just("base64"),
            Just("application/json"),
            Just("POST"),
            Just("https://x.example/a?b=c"),
            Just("Basic QTpC"),
            Just("same"),
            Just("no_answer"),
            Just("recorded"),
        ]
        .prop_map(Value::from),
    ];
    let key = prop_oneof![
        4 => prop_oneof![
            Just("log"), Just("entries"), Just("request"), Just("response"), Just("_countersign"), Just("url"), Just("method"),
            Just("status"), Just("content"), Just("text"), Just("encoding"), Just("headers"), Just("name"), Just("value"),
            Just("postData"), Just("params"), Just("mimeType"), Just("bind"), Just("in"), Just("version"), Just("repeat"),
        ]
        .prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(key.clone(), inner, 0..5).prop_map(Value::from_iter),
        ]
    })
}

/// All places of a JSON value.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                pointers(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[A-Za-z]{1,3}", ".{0,6}"), 1..8)
}

fn recorded(fields: &[(String, String)], note: &Value) -> Value {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    entry("/x", &fields, &json!({}), note)
}

fn sent(fields: Vec<(String, String)>) -> Sent {
    Sent { body: SentBody::Form(fields), ..form("/x", &[]) }
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics_the_reader(value in any_json()) {
        let _ = load(&value);
        let _ = load(&json!({"log": {"version": "1.2", "entries": [{"request": value}]}}));
    }

    #[test]
    fn arbitrary_bytes_never_panic_the_reader(bytes in any::<Vec<u8>>()) {
        prop_assert!(parse("x.har".as_ref(), &bytes).is_err());
    }

    #[test]
    fn a_cassette_with_any_value_anywhere_is_read_or_refused(value in any_json(), at in any::<prop::sample::Index>()) {
        let note = json!({
            "seq": 1, "bind": {"to": {"in": "form", "name": "To"}}, "require": {"to": "same"}, "repeat": 2,
            "sent": {"to": "x", "channel": "sms", "text": "y"}, "body": {"response": {"sha256": ""}},
        });
        let mut har = har(&[super::start(&note)], &json!({"to": super::NUMBER}));
        let mut places = Vec::new();
        pointers(&har, String::new(), &mut places);
        let place = at.get(&places);
        *har.pointer_mut(place).expect("it was listed") = value;
        if let Ok(cassette) = load(&har) {
            let mut player = Player::new(vec![cassette]);
            let _ = player.play(&super::start_sent(super::NUMBER));
            let _ = player.finish();
        }
    }

    #[test]
    fn the_order_of_form_fields_never_matters(
        (fields, shuffled) in fields().prop_flat_map(|fields| (Just(fields.clone()), Just(fields).prop_shuffle())),
    ) {
        let mut player = player(&[recorded(&fields, &json!({}))], &json!({}));
        prop_assert!(player.play(&sent(shuffled)).is_ok());
    }

    #[test]
    fn any_altered_field_mismatches_and_is_named(
        fields in fields(), at in any::<prop::sample::Index>(), value in ".{0,6}", dropped in any::<bool>(),
    ) {
        let mut altered = fields.clone();
        let at = at.index(altered.len());
        let name = altered[at].0.clone();
        if dropped {
            altered.remove(at);
            prop_assume!(!altered.is_empty());
        } else {
            prop_assume!(altered[at].1 != value);
            altered[at].1 = value;
        }
        let mut player = player(&[recorded(&fields, &json!({}))], &json!({}));
        let mismatch = player.play(&sent(altered)).expect_err("a field is another");
        let named = mismatch.nearest[0].differences.iter().any(|difference| {
            matches!(difference, Difference::Field { field: Field::Form(field), .. } if *field == name)
        });
        prop_assert!(named, "{} in {mismatch}", name);
    }

    #[test]
    fn a_bound_value_comes_back_as_it_was_sent(value in ".{1,20}", sample in "[0-9+]{4,14}") {
        let note = json!({"bind": {"v": {"in": "form", "name": "V"}}, "sent": {"to": sample, "channel": "sms", "text": format!("is {sample}!")}});
        let response = json!({"value": sample, "text": format!("({sample})")});
        let mut player = player(&[entry("/x", &[("V", &sample)], &response, &note)], &json!({}));
        let got = reply(player.play(&sent(vec![("V".to_owned(), value.clone())])));
        prop_assert_eq!(&got, &json!({"value": value, "text": format!("({value})")}));
        prop_assert_eq!(&player.inbox()[0].to, &value);
        prop_assert_eq!(&player.inbox()[0].text, &format!("is {value}!"));
    }

    /// The index is only a shortcut: among many entries it finds the one that a search from the first
    /// to the last would find.
    #[test]
    fn the_first_matching_entry_answers(
        entries in proptest::collection::vec(("[ab]", "[ab]", 0_u8..4, "[xy]"), 1..12),
        asked in proptest::collection::vec(("[ab]", "[ab]", "[xy]"), 1..12),
    ) {
        let written: Vec<Value> = entries
            .iter()
            .map(|(one, two, open, path)| {
                let mut bind = json!({});
                if open & 1 != 0 {
                    bind["one"] = json!({"in": "form", "name": "One"});
                }
                if open & 2 != 0 {
                    bind["path"] = json!({"in": "path", "segment": 0});
                }
                // Each entry in a cassette of its own, so that only its own recording counts.
                har(&[entry(&format!("/{path}"), &[("One", one), ("Two", two)], &json!({}), &json!({"bind": bind}))], &json!({}))
            })
            .collect();
        let cassettes = written.iter().map(|har| load(har).map_err(|error| TestCaseError::fail(error.to_string())));
        let mut player = Player::new(cassettes.collect::<Result<_, _>>()?);
        let mut used = vec![false; entries.len()];
        for (one, two, path) in &asked {
            let expected = entries.iter().enumerate().position(|(at, entry)| {
                !used[at]
                    && (entry.2 & 1 != 0 || entry.0 == *one)
                    && (entry.2 & 2 != 0 || entry.3 == *path)
                    && entry.1 == *two
            });
            let played = player.play(&form(&format!("/{path}"), &[("Two", two), ("One", one)]));
            prop_assert_eq!(played.ok().map(|played| played.cassette), expected);
            if let Some(at) = expected {
                used[at] = true;
            }
        }
    }
}
