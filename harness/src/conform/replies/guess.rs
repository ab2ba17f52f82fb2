//! What a provider that nobody knows might say: bodies with the usual names, and how they are changed by what the
//! plugin misses in them.

use std::collections::BTreeMap;

use countersign_plugin::OperationName;
use serde_json::{Map, Value, json};

use super::Flavour;

/// How a made-up provider writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Status code of success.
    pub(super) status: u16,
    pub(super) id: IdStyle,
    pub(super) words: Words,
}

/// How ids look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IdStyle {
    /// `k1f6a0000000001`.
    #[default]
    Word,
    /// `1000001`, as text.
    Digits,
    /// `1000001`, as a number.
    Number,
    /// `6b1d0c1e-0000-4000-8000-000000000001`.
    Uuid,
}

/// How states are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Words {
    /// `pending`, `approved`, `denied`, `canceled`.
    #[default]
    Lower,
    /// `PENDING`, `APPROVED`, `DENIED`, `CANCELED`.
    Upper,
    /// `sent`, `valid`, `invalid`, `cancelled`.
    Other,
    /// `ok`, `verified`, `failed`, `deleted`.
    Short,
}

impl Dialect {
    /// All of them, the most usual first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let ids = [IdStyle::Word, IdStyle::Digits, IdStyle::Number, IdStyle::Uuid];
        let words = [Words::Lower, Words::Upper, Words::Other, Words::Short];
        let with = move |id| [200, 201, 202, 204].map(|status| (status, id));
        let pairs = ids.into_iter().flat_map(with);
        pairs.flat_map(move |(status, id)| words.map(|words| Self { status, id, words }))
    }

    const fn word(self, name: OperationName, flavour: Flavour) -> &'static str {
        let at = match (name, flavour) {
            (OperationName::TestCredentials | OperationName::Provision, _) => 4,
            (_, Flavour::Yes) => 1,
            (OperationName::Check | OperationName::ConfirmEnrollment, Flavour::No)
                if !matches!(self.words, Words::Lower) =>
            {
                2
            }
            (_, Flavour::Over) => 3,
            (_, Flavour::Neutral | Flavour::No) => 0,
        };
        let words = match self.words {
            Words::Lower => ["pending", "approved", "denied", "canceled", "active"],
            Words::Upper => ["PENDING", "APPROVED", "DENIED", "CANCELED", "ACTIVE"],
            Words::Other => ["sent", "valid", "invalid", "cancelled", "enabled"],
            Words::Short => ["ok", "verified", "failed", "deleted", "ok"],
        };
        words[at]
    }
}

/// Names under which providers give ids.
const IDS: [&str; 14] = [
    "id",
    "sid",
    "uuid",
    "request",
    "request_id",
    "requestId",
    "message_id",
    "messageId",
    "verification_id",
    "challenge_id",
    "session_id",
    "transaction_id",
    "reference",
    "pin_id",
];

/// Names under which they say whether a code is right.
const RIGHT: [&str; 12] = [
    "valid",
    "approved",
    "verified",
    "right",
    "correct",
    "match",
    "matched",
    "accepted",
    "confirmed",
    "authenticated",
    "allowed",
    "is_valid",
];

/// What the plugin has shown to want, by the path of a field: how often it did not like what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth(BTreeMap<String, usize>);

impl Growth {
    /// Whether a failure's text teaches something new: a field that is missing or of another type.
    pub(super) fn learn(&mut self, text: &str) -> bool {
        let field = |before: &str, after: &str| {
            let rest = text.split(before).nth(1)?;
            let (field, rest) = rest.split_once('`')?;
            rest.trim_start().starts_with(after).then(|| field.to_owned())
        };
        let missing = field("field `", "is missing").or_else(|| field("missing field `", ""));
        if let Some(path) = missing {
            return self.0.insert(path, 0).is_none();
        }
        let Some(path) = field("field `", "is not of the expected type") else { return false };
        let times = self.0.entry(path).and_modify(|times| *times += 1).or_insert(0);
        *times < KINDS
    }

    /// Puts what was learned into a body.
    fn apply(&self, body: &mut Value, id: &Value, dialect: Dialect, name: OperationName, flavour: Flavour) {
        for (path, times) in &self.0 {
            let leaf = path.rsplit('.').next().unwrap_or(path);
            let value = guess(leaf, *times, id, dialect.word(name, flavour), flavour);
            put(body, path, value);
        }
    }
}

/// Ways to fill a field.
const KINDS: usize = 8;

fn guess(leaf: &str, times: usize, id: &Value, word: &str, flavour: Flavour) -> Value {
    let leaf = leaf.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| leaf.contains(part));
    let yes = flavour != Flavour::No;
    let first = if says(&["status", "state", "result", "outcome"]) {
        json!(word)
    } else if says(&["valid", "approved", "success", "ok", "match", "right", "correct", "enabled", "active"]) {
        json!(yes)
    } else if says(&["_at", "date", "time"]) {
        json!("2026-01-15T12:00:00Z")
    } else if says(&["expires", "ttl", "seconds", "count", "attempts"]) {
        json!(600)
    } else if says(&["url", "uri", "link"]) {
        json!("https://host.example/")
    } else {
        id.clone()
    };
    let ways = [
        first,
        json!("k1f6a0000000000"),
        json!(yes),
        json!(600),
        json!({}),
        json!([]),
        json!("2026-01-15T12:00:00Z"),
        Value::Null,
    ];
    ways.into_iter().nth(times % KINDS).unwrap_or_default()
}

/// Writes a value at a path like `outer.inner`.
fn put(body: &mut Value, path: &str, value: Value) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if !body.is_object() {
        *body = json!({});
    }
    let Some(members) = body.as_object_mut() else { return };
    match rest {
        None => drop(members.insert(first.to_owned(), value)),
        Some(rest) => put(members.entry(first).or_insert_with(|| json!({})), rest, value),
    }
}

/// A body with everything that usually stands in one.
pub(super) fn body(
    echo: Map<String, Value>,
    id: &Value,
    dialect: Dialect,
    growth: &Growth,
    (name, flavour): (OperationName, Flavour),
) -> Value {
    let word = dialect.word(name, flavour);
    let checks = matches!(name, OperationName::Check | OperationName::ConfirmEnrollment);
    let right = flavour == Flavour::Yes;
    let mut body = echo;
    let mut set = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
    for key in IDS {
        set(key, id.clone());
    }
    for key in RIGHT {
        set(key, json!(right));
    }
    for key in ["status", "state", "result", "outcome"] {
        set(key, json!(word));
    }
    for key in ["success", "ok"] {
        set(key, json!(!checks || right));
    }
    set("token", json!(if right { "is valid" } else { "is invalid" }));
    set("message", json!(word));
    set("expires_in", json!(600));
    set("created_at", json!("2026-01-15T12:00:00Z"));
    set("errors", json!([]));
    let flat = Value::Object(body.clone());
    for key in ["data", "verification", "challenge"] {
        body.insert(key.to_owned(), flat.clone());
    }
    let mut body = Value::Object(body);
    growth.apply(&mut body, id, dialect, name, flavour);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_learned_once_and_what_does_not_fit_changes() {
        let mut growth = Growth::default();
        let text = "the provider's reply (HTTP 200) cannot be understood: the field `ticket.number` is missing";
        assert!(growth.learn(text));
        assert!(!growth.learn(text), "it is there and missed all the same");
        let other = text.replace("is missing", "is not of the expected type");
        let mut seen = Vec::new();
        for _ in 1..KINDS {
            assert!(growth.learn(&other));
            let what = (OperationName::Start, Flavour::Neutral);
            let body = body(Map::new(), &json!("id1"), Dialect::default(), &growth, what);
            seen.push(body["ticket"]["number"].clone());
        }
        assert!(seen.contains(&json!(600)) && seen.contains(&json!({})), "{seen:?}");
        assert!(!growth.learn(&other), "all ways were tried");
        assert!(!growth.learn("out of order; try `later`"));
    }

    #[test]
    fn a_no_says_so_in_every_way() {
        let no = (OperationName::Check, Flavour::No);
        let body = body(Map::new(), &json!("id1"), Dialect::default(), &Growth::default(), no);
        for key in RIGHT.iter().chain(&["success", "ok"]) {
            assert_eq!(body[*key], json!(false), "{key}");
        }
        assert_ne!(body["status"], "approved");
        assert_eq!(body["data"]["valid"], json!(false));
    }
}
