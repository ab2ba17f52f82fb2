//! What is read, what is refused, and what errors say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;
use crate::limits::JSON_DEPTH;

/// Something of every shape that a reply's type may have.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Everything {
    text: String,
    #[serde(default)]
    number: Option<f64>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    map: BTreeMap<String, Inner>,
    #[serde(default)]
    either: Option<Either>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(u64);

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    flag: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    One(Inner),
    Two(u8, Inner),
    Fields { inner: Inner },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Text(String),
    Flag(bool),
}

fn everything(text: &str) -> Result<Everything, String> {
    read(text.as_bytes())
}

#[track_caller]
fn as_serde_reads_it(body: &Value) {
    let text = body.to_string();
    assert_eq!(everything(&text).expect("it is good"), serde_json::from_str(&text).expect("it is good"));
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(everything(text).expect_err("must be refused"), expected);
}

#[test]
fn every_shape_is_read() {
    as_serde_reads_it(&json!({"text": "a\"\u{e9}\n", "number": -1.5e3, "wrapped": 7, "either": "x"}));
    as_serde_reads_it(&json!({"text": "", "kind": "plain", "either": true, "number": null}));
    as_serde_reads_it(&json!({"text": "", "kind": {"one": {"flag": true}}, "list": [{"flag": true}, {"flag": false}]}));
    as_serde_reads_it(
        &json!({"text": "", "kind": {"two": [1, {"flag": true}]}, "map": {"any": {"flag": true, "new": [{}]}}}),
    );
    as_serde_reads_it(&json!({"text": "", "kind": {"fields": {"inner": {"flag": false}}}}));
}

#[test]
fn a_struct_is_never_a_list_of_its_fields() {
    let by_serde: Everything = serde_json::from_str(r#"{"text":"","list":[[true]]}"#).expect("serde reads it");
    assert_eq!(by_serde.list, [Inner { flag: true }]);
    refused(r#"["",null]"#, "it is not of the expected type");
    refused(r#"{"text":"","list":[[true]]}"#, "the field `list` is not of the expected type");
    refused(r#"{"text":"","map":{"any":[true]}}"#, "the field `map` is not of the expected type");
    refused(r#"{"text":"","kind":{"one":[true]}}"#, "the field `kind` is not of the expected type");
    refused(r#"{"text":"","kind":{"two":[1,[true]]}}"#, "the field `kind` is not of the expected type");
    refused(r#"{"text":"","kind":{"fields":[{"flag":true}]}}"#, "the field `kind` is not of the expected type");
}

/// What serde's derive buffers before it reads it: `untagged`, a tag within, `flatten`.
mod buffered {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Checked(Inner),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Tagged {
        Checked { inner: Inner },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", content = "inner", rename_all = "snake_case")]
    enum Adjacent {
        Checked(Inner),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        rest: Rest,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Rest {
        inner: Inner,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Unbuffered {
        #[serde(default)]
        flag: Option<bool>,
        #[serde(default)]
        object: serde_json::Map<String, Value>,
    }

    #[track_caller]
    fn reads<T: DeserializeOwned + std::fmt::Debug + PartialEq>(text: &str, expected: T) {
        assert_eq!(read::<T>(text.as_bytes()), Ok(expected));
    }

    #[track_caller]
    fn refuses<T: DeserializeOwned + std::fmt::Debug>(text: &str, because: &str) {
        let refused = read::<T>(text.as_bytes()).expect_err("must be refused");
        assert!(refused.contains(because), "{refused}");
    }

    const INNER: Inner = Inner { flag: true };

    /// Not as we would have it, but as `Reply::json` says: serde reads its buffer by itself.
    #[test]
    fn a_struct_may_be_a_list() {
        reads(r#"{"flag":true}"#, Untagged::Checked(INNER));
        reads("[true]", Untagged::Checked(INNER));
        reads(r#"{"kind":"checked","inner":{"flag":true}}"#, Tagged::Checked { inner: INNER });
        reads(r#"{"kind":"checked","inner":[true]}"#, Tagged::Checked { inner: INNER });
        reads(r#"["checked",[true]]"#, Tagged::Checked { inner: INNER });
        refuses::<Adjacent>(r#"["checked",{"flag":true}]"#, "not of the expected type");
        refuses::<Adjacent>(r#"{"kind":"checked","inner":[true]}"#, "not of the expected type");
        reads(r#"{"inner":[true],"kind":"checked"}"#, Adjacent::Checked(INNER));
        reads(r#"{"inner":[true]}"#, Flat { rest: Rest { inner: INNER } });
        refuses::<Flat>("[[true]]", "not of the expected type");
    }

    #[test]
    fn keys_and_depth_are_looked_at_all_the_same() {
        let deep = format!("{{\"flag\":{}{}}}", "[".repeat(JSON_DEPTH), "]".repeat(JSON_DEPTH));
        let twice = r#"{"inner":{"flag":true,"flag":true}}"#;
        refuses::<Untagged>(twice, "twice");
        refuses::<Tagged>(twice, "twice");
        refuses::<Adjacent>(twice, "twice");
        refuses::<Flat>(twice, "twice");
        refuses::<Untagged>(&deep, "nested");
        refuses::<Tagged>(&deep, "nested");
        refuses::<Flat>(&deep, "nested");
    }

    #[test]
    fn the_remedies_hold() {
        refuses::<Unbuffered>("[true]", "not of the expected type");
        refuses::<Unbuffered>(r#"{"object":[true]}"#, "the field `object` is not of the expected type");
        let object = [("flag".to_owned(), json!(true))].into_iter().collect();
        reads(r#"{"object":{"flag":true}}"#, Unbuffered { flag: None, object });
    }
}

mod keys {
    use super::*;

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    struct Id(u64);

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Name {
        First,
    }

    #[track_caller]
    fn as_serde<K: DeserializeOwned + Ord + std::fmt::Debug>(text: &str) {
        let by_serde: BTreeMap<K, u8> = serde_json::from_str(text).expect("serde reads it");
        assert_eq!(read::<BTreeMap<K, u8>>(text.as_bytes()), Ok(by_serde));
    }

    #[track_caller]
    fn refuses<K: DeserializeOwned + Ord + std::fmt::Debug>(text: &str) {
        let refused = read::<BTreeMap<K, u8>>(text.as_bytes());
        assert_eq!(refused, Err("it is not of the expected type".to_owned()), "{text}");
    }

    #[test]
    fn may_be_integers_and_whatever_else_is_written_as_a_text() {
        as_serde::<u64>(r#"{"0":1,"7":2,"18446744073709551615":3}"#);
        as_serde::<i8>(r#"{"-128":1,"127":2}"#);
        as_serde::<u128>(r#"{"340282366920938463463374607431768211455":1}"#);
        as_serde::<bool>(r#"{"true":1,"false":2}"#);
        as_serde::<Id>(r#"{"7":1}"#);
        as_serde::<Option<u8>>(r#"{"7":1}"#);
        as_serde::<Name>(r#"{"first":1}"#);
        as_serde::<char>(r#"{"x":1}"#);
        as_serde::<String>(r#"{"7":1,"\u0061":2}"#);
    }

    #[test]
    fn that_are_integers_have_one_notation() {
        for key in ["", "01", "+1", "-0", "1.0", "1e0", " 1", "256", "-1", "x", "\\u00301"] {
            refuses::<u8>(&format!("{{\"{key}\":1}}"));
        }
        refuses::<Name>(r#"{"second":1}"#);
        refuses::<bool>(r#"{"1":1}"#);
    }

    #[test]
    fn are_told_apart_before_they_are_read() {
        let twice = Err("a key stands twice in one object".to_owned());
        assert_eq!(read::<BTreeMap<u8, u8>>(br#"{"1":1,"1":2}"#), twice);
        assert_eq!(read::<BTreeMap<u8, u8>>(br#"{"1":1,"\u0031":2}"#), twice);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_in_every_shape() {
    for text in [
        r#"{"text":"a","text":"a"}"#,
        r#"{"text":"a","t\u0065xt":"b"}"#,
        r#"{"text":"","list":[{"flag":true,"flag":true}]}"#,
        r#"{"text":"","list":[{"flag":true,"new":{"a":[{"b":1,"b":1}]}}]}"#,
        r#"{"text":"","map":{"any":{"flag":true},"any":{"flag":true}}}"#,
        r#"{"text":"","kind":{"one":{"flag":true,"flag":true}}}"#,
        r#"{"text":"","kind":{"two":[1,{"flag":true,"flag":true}]}}"#,
        r#"{"text":"","kind":{"fields":{"inner":{"flag":true},"inner":{"flag":true}}}}"#,
        r#"{"text":"","either":{"a":1,"a":1}}"#,
    ] {
        refused(text, "a key stands twice in one object");
    }
}

#[test]
fn errors_name_fields_of_the_type_and_nothing_of_the_body() {
    refused(r#"{"text":"","list":[{"flag":"canary"}]}"#, "the field `list.flag` is not of the expected type");
    refused(r#"{"text":"","map":{"canary":{"flag":1}}}"#, "the field `map.flag` is not of the expected type");
    refused(r#"{"text":"","list":[{"canary":1}]}"#, "the field `list.flag` is missing");
    refused(r#"{"canary":""}"#, "it is not of the expected type");
    refused(r#"{"text":"","kind":"canary"}"#, "the field `kind` is not of the expected type");
    refused(r#"{"text":"","kind":{"canary":1}}"#, "the field `kind` is not of the expected type");
    refused(r#"{"text":"#, "the body is not JSON (line 1, column 8)");
}

#[test]
fn nesting_is_bounded_where_it_is_ignored_too() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let ignored = |depth: usize| read::<IgnoredAny>(nested(depth).as_bytes()).map(|_| ());
    assert_eq!(ignored(JSON_DEPTH), Ok(()));
    assert_eq!(ignored(JSON_DEPTH + 1), Err("the JSON is nested too deeply".to_owned()));
    assert_eq!(read::<Value>(nested(10_000).as_bytes()), Err("the JSON is nested too deeply".to_owned()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

/// Every object of the text gets its first key a second time, at the end; the count says how many.
fn with_one_key_twice(value: &Value, which: &mut usize) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| with_one_key_twice(item, which)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(entries) => {
            let mut written: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", json!(key), with_one_key_twice(value, which)))
                .collect();
            if let (Some(key), 0) = (entries.keys().next(), *which) {
                written.push(format!("{}:null", json!(key)));
            }
            *which = which.wrapping_sub(usize::from(!entries.is_empty()));
            format!("{{{}}}", written.join(","))
        }
        leaf => leaf.to_string(),
    }
}

proptest! {
    #[test]
    fn json_without_ambiguity_is_read_as_by_serde(value in any_json()) {
        let text = value.to_string();
        prop_assert_eq!(read::<Value>(text.as_bytes()), Ok(serde_json::from_str::<Value>(&text).expect("JSON")));
    }

    #[test]
    fn one_key_twice_anywhere_is_refused(value in any_json(), which in 0..4usize) {
        let mut left = which;
        let text = with_one_key_twice(&value, &mut left);
        // Fewer objects than `which`: nothing was doubled.
        let doubled = left > usize::MAX / 2;
        let value = read::<Value>(text.as_bytes());
        let ignored = read::<IgnoredAny>(text.as_bytes());
        let twice = doubled.then(|| "a key stands twice in one object".to_owned());
        prop_assert_eq!(value.err(), twice.clone());
        prop_assert_eq!(ignored.err(), twice);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = read::<Value>(&bytes);
    }
}
