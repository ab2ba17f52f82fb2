//! The index is only a shortcut: whatever is recorded and asked, it finds the entry that a search from the first to the
//! last would find.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use url::Url;

use super::super::{Asked, Authorization, Sent, SentBody};
use super::{Player, har, load};

/// Few words, so that requests often meet what is recorded.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]", 1 => Just("a b+%é".to_owned())]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[MN]", word()), 0..3)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), Just(json!(1)), Just(json!(true)), word().prop_map(Value::from)];
    leaf.prop_recursive(2, 8, 2, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[MN]", inner, 0..3).prop_map(Value::from_iter),
        ]
    })
}

fn body() -> impl Strategy<Value = SentBody> {
    prop_oneof![
        1 => Just(SentBody::Empty),
        3 => pairs().prop_map(SentBody::Form),
        2 => any_json().prop_map(SentBody::Json),
        1 => "[ab]{0,2}".prop_map(|text| SentBody::Other(text.into_bytes())),
    ]
}

fn request() -> impl Strategy<Value = Sent> {
    let authorization = prop_oneof![
        Just(Authorization::None),
        "[ab]".prop_map(|user| Authorization::Basic { user }),
        Just(Authorization::Bearer),
        Just(Authorization::Header { name: "X-Api-Key".to_owned() }),
    ];
    let path = proptest::collection::vec(word(), 1..3);
    (prop_oneof!["GET", "POST"], prop_oneof!["one", "two"], path, pairs(), authorization, body()).prop_map(
        |(method, host, path, query, authorization, body)| {
            let mut url = Url::parse(&format!("https://{host}.example")).expect("a test writes valid addresses");
            url.path_segments_mut().expect("it has a path").extend(path);
            if !query.is_empty() {
                url.query_pairs_mut().extend_pairs(query);
            }
            Sent { method, url, authorization, body }
        },
    )
}

/// What of an entry is open, with which guard, and how often it answers.
#[derive(Debug, Clone)]
struct Open {
    /// Segment 0 of the path, `M` of the query, of the form and of the JSON body.
    places: [Option<Guard>; 4],
    repeat: Value,
}

#[derive(Debug, Clone, Copy)]
enum Guard {
    None,
    Same,
    Other,
}

fn open() -> impl Strategy<Value = Open> {
    let guard = prop_oneof![2 => Just(Guard::None), 1 => Just(Guard::Same), 1 => Just(Guard::Other)];
    let places = proptest::array::uniform4(proptest::option::of(guard));
    let repeat = prop_oneof![Just(json!("once")), Just(json!("any")), Just(json!(2))];
    (places, repeat).prop_map(|(places, repeat)| Open { places, repeat })
}

/// The variable whose sample is this word: two variables never have the same.
fn variable(word: &str) -> &'static str {
    match word {
        "a" => "one",
        "b" => "two",
        _ => "odd",
    }
}

/// The entry as it stands in a file. `bound` are the variables that earlier entries bind: what a reader would refuse is
/// left out.
fn recorded(sent: &Sent, open: &Open, bound: &mut BTreeSet<&'static str>) -> Value {
    let only = |pairs: &[(String, String)]| {
        let mut values = pairs.iter().filter(|(name, _)| name == "M").map(|(_, value)| value.clone());
        values.next().filter(|_| values.next().is_none())
    };
    let query: Vec<(String, String)> = sent.url.query_pairs().into_owned().collect();
    let first = sent.url.path_segments().and_then(|mut segments| segments.next());
    let samples = [
        first.map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()),
        only(&query),
        match &sent.body {
            SentBody::Form(fields) => only(fields),
            _ => None,
        },
        match &sent.body {
            SentBody::Json(value) => value["M"].as_str().map(str::to_owned),
            _ => None,
        },
    ];
    let places = [
        json!({"in": "path", "segment": 0}),
        json!({"in": "query", "name": "M"}),
        json!({"in": "form", "name": "M"}),
        json!({"in": "json", "pointer": "/M"}),
    ];
    let (mut bind, mut require) = (Map::new(), Map::new());
    for ((guard, sample), place) in open.places.iter().zip(samples).zip(places) {
        let (Some(guard), Some(sample)) = (guard, sample) else { continue };
        let own = variable(&sample);
        let other = bound.iter().find(|name| **name != own).copied();
        let (name, word) = match guard {
            Guard::Other if other.is_some() => (other.unwrap_or(own), Some("other")),
            Guard::Same if bound.contains(own) => (own, Some("same")),
            _ => (own, None),
        };
        if bind.contains_key(name) {
            continue;
        }
        bind.insert(name.to_owned(), place);
        match word {
            Some(word) => drop(require.insert(name.to_owned(), word.into())),
            None => drop(bound.insert(name)),
        }
    }
    let headers = match &sent.authorization {
        Authorization::None => json!([]),
        Authorization::Basic { user } if user == "a" => json!([{"name": "Authorization", "value": "Basic YTpz"}]),
        Authorization::Basic { .. } => json!([{"name": "Authorization", "value": "Basic Yjpz"}]),
        Authorization::Bearer => json!([{"name": "Authorization", "value": "Bearer s"}]),
        Authorization::Header { name } => json!([{"name": name, "value": "s"}]),
    };
    let post = |kind: &str, text: String| json!({"mimeType": kind, "text": text});
    let mut request = json!({"method": sent.method, "url": sent.url.as_str(), "headers": headers});
    match &sent.body {
        SentBody::Form(fields) if !fields.is_empty() => {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            request["postData"] = post("application/x-www-form-urlencoded", text);
        }
        SentBody::Json(value) => request["postData"] = post("application/json", value.to_string()),
        SentBody::Other(bytes) if !bytes.is_empty() => {
            request["postData"] = post("text/plain", String::from_utf8_lossy(bytes).into_owned());
        }
        SentBody::Empty | SentBody::Form(_) | SentBody::Other(_) => {}
    }
    json!({
        "request": request,
        "response": {"status": 200, "content": {"text": "{}"}},
        "_countersign": {"bind": bind, "require": require, "repeat": open.repeat},
    })
}

proptest! {
    #[test]
    fn the_index_finds_what_a_search_from_the_first_to_the_last_finds(
        // The same request is recorded often, with other places open, so that many entries may answer it.
        requests in proptest::collection::vec(request(), 1..5),
        entries in proptest::collection::vec((any::<prop::sample::Index>(), open()), 1..16),
        asked in proptest::collection::vec(any::<prop::sample::Index>(), 1..32),
    ) {
        let mut bound = BTreeSet::new();
        let written: Vec<Value> =
            entries.iter().map(|(at, open)| recorded(at.get(&requests), open, &mut bound)).collect();
        let cassette = load(&har(&written, &json!({}))).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut player = Player::new(vec![cassette.clone(), cassette]);
        for at in asked {
            let sent = at.get(&requests);
            let expected = player.first_of_all(sent);
            let played = player.play(sent).ok().map(|played| (played.cassette, played.entry));
            prop_assert_eq!(played, expected, "{:?}", sent);
        }
    }

    /// Targets that need no rewriting are taken as they stand; then nothing must differ from the address made of them.
    #[test]
    fn a_target_taken_as_it_stands_is_the_address_made_of_it(
        path in "(/|[a-z.%2eE+ é;@~-]|%2e|%20|\\.\\.){0,8}", query in proptest::option::of("[a-zA-Z0-9&=+%. '#é/]{0,8}"),
    ) {
        let origin = Url::parse("https://one.example:8443").expect("a test writes valid addresses");
        let mut url = origin.clone();
        url.set_path(&path);
        url.set_query(query.as_deref());
        let made = Asked::addressed("GET", &url);
        if let Some(taken) = Asked::targeted("GET", &origin, &path, query.as_deref()) {
            prop_assert_eq!((&taken.host, taken.port), (&made.host, made.port));
            prop_assert_eq!(taken.segments, made.segments);
            prop_assert_eq!(taken.query, made.query);
        }
    }
}

/// Or the rule above would hold for nothing.
#[test]
fn usual_targets_are_taken_as_they_stand() {
    let origin = Url::parse("https://one.example").expect("a test writes valid addresses");
    for (path, query, taken) in [
        ("/v2/Services/VA01/Verifications", None, true),
        ("/2010-04-01/Accounts/AC01/Calls.json", Some("PageSize=1&To=%2B15005550006"), true),
        ("/protected/json/phones/verification/check", Some("phone_number=555-0006"), true),
        ("/", Some(""), true),
        ("", None, false),
        ("*", None, false),
        ("/a/../b", None, false),
        ("/a/%2E%2e/b", None, false),
        ("/a b", None, false),
        ("/é", None, false),
        ("/a", Some("b c"), false),
    ] {
        assert_eq!(Asked::targeted("GET", &origin, path, query).is_some(), taken, "{path} {query:?}");
    }
}
