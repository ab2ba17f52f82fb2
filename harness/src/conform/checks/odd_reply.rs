//! Replies that no provider should give, and every one has given.

use countersign_plugin::Reply;
use countersign_plugin::limits::REPLY_BODY_BYTES;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One odd reply, made of a good one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Odd {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// JSON that is about something else.
    Json(String),
    /// Cut after so many thousandths.
    Truncated(u16),
    /// The good body with another status.
    Status(u16),
    /// The good body, and something after it.
    Trailing(String),
    /// The good body in a list.
    Listed,
    /// The good body within an object.
    Wrapped(String),
    /// Every value of another type.
    Retyped,
    /// Every key twice: the other way round first, or last.
    Twice {
        /// Whether the good one is the last.
        last: bool,
    },
    /// Nested so deep.
    Deep(u32),
    /// A body as large as may be.
    Huge,
    /// Nothing.
    Empty,
    /// A page of a proxy.
    Page,
    /// In UTF-16.
    Utf16,
    /// With this in the place of every text.
    Texts(String),
    /// With these in the place of every number.
    Numbers(i64),
}

/// Whether such a reply can be a yes all the same.
impl Odd {
    pub(super) fn strategy() -> impl Strategy<Value = Self> {
        let nonsense = prop_oneof![
            "\\PC{0,40}",
            Just("\u{0}\u{1f}\u{7f}\u{202e}".to_owned()),
            Just("../..%2f?#\r\n".to_owned()),
            Just("9".repeat(400)),
            Just("x".repeat(20_000)),
        ];
        prop_oneof![
            20 => proptest::collection::vec(any::<u8>(), 0..64).prop_map(Self::Bytes),
            20 => other_json().prop_map(Self::Json),
            15 => (0..1000_u16).prop_map(Self::Truncated),
            10 => prop_oneof![100..199_u16, 300..600_u16].prop_map(Self::Status),
            6 => "[x\\]}\"{,0]{1,8}".prop_map(Self::Trailing),
            6 => Just(Self::Listed),
            6 => "[a-z]{1,8}".prop_map(Self::Wrapped),
            6 => Just(Self::Retyped),
            8 => any::<bool>().prop_map(|last| Self::Twice { last }),
            // These take their time.
            2 => prop_oneof![3 => Just(60_u32), 3 => Just(200), 1 => Just(10_000), 1 => Just(100_000)].prop_map(Self::Deep),
            1 => Just(Self::Huge),
            4 => Just(Self::Empty),
            4 => Just(Self::Page),
            4 => Just(Self::Utf16),
            10 => nonsense.prop_map(Self::Texts),
            6 => any::<i64>().prop_map(Self::Numbers),
        ]
    }

    /// Whether no plugin may take it for a yes. The rest may hold one.
    pub(super) fn is_no_yes(&self, good: &Reply) -> bool {
        let is_object = serde_json::from_slice::<Map<String, Value>>(good.body.as_slice()).is_ok();
        match self {
            Self::Bytes(_) | Self::Empty | Self::Page | Self::Status(_) | Self::Json(_) => true,
            Self::Truncated(_)
            | Self::Trailing(_)
            | Self::Listed
            | Self::Wrapped(_)
            | Self::Retyped
            | Self::Twice { .. }
            | Self::Utf16 => is_object,
            Self::Deep(_) | Self::Huge | Self::Texts(_) | Self::Numbers(_) => false,
        }
    }

    /// The reply.
    pub(super) fn reply(&self, good: &Reply) -> Reply {
        let body = good.body.as_slice();
        let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        let with = |body: Vec<u8>| Reply::new(good.status, body).with_headers(good.headers.iter().cloned());
        match self {
            Self::Bytes(bytes) => with(bytes.clone()),
            Self::Json(text) => with(text.clone().into_bytes()),
            Self::Truncated(thousandths) => {
                let kept = body.trim_ascii_end().len().saturating_sub(1) * usize::from(*thousandths) / 1000;
                with(body.get(..kept).unwrap_or_default().to_vec())
            }
            Self::Status(status) => Reply::new(*status, body).with_headers(good.headers.iter().cloned()),
            Self::Trailing(text) => with([body, text.as_bytes()].concat()),
            Self::Listed => with(json!([json()]).to_string().into_bytes()),
            Self::Wrapped(key) => with(json!({ format!("kit_{key}"): json() }).to_string().into_bytes()),
            Self::Retyped => with(retyped(json()).to_string().into_bytes()),
            Self::Twice { last } => with(twice(&json(), *last).into_bytes()),
            Self::Deep(levels) => {
                let levels = (*levels as usize).min(REPLY_BODY_BYTES / 8);
                let deep = format!("{{\"status\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
                with(deep.into_bytes())
            }
            Self::Huge => {
                let padding = "x".repeat(REPLY_BODY_BYTES.saturating_sub(body.len() + 32));
                let mut value = json();
                if let Some(members) = value.as_object_mut() {
                    members.insert("kit_padding".to_owned(), padding.into());
                    return with(value.to_string().into_bytes());
                }
                with(padding.into_bytes())
            }
            Self::Empty => with(Vec::new()),
            Self::Page => {
                Reply::new(good.status, "<!doctype html><title>Welcome</title><p>Please log in to the Wi-Fi.")
                    .with_header("Content-Type", "text/html")
            }
            Self::Utf16 => {
                let text = String::from_utf8_lossy(body);
                let bytes = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes);
                with(bytes.collect())
            }
            Self::Texts(text) => with(leaves(json(), &|leaf| leaf.is_string().then(|| json!(text))).to_string().into()),
            Self::Numbers(number) => {
                with(leaves(json(), &|leaf| leaf.is_number().then(|| json!(number))).to_string().into())
            }
        }
    }
}

/// JSON with the usual names, of which none says yes.
fn other_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(false)),
        any::<i32>().prop_map(|number| json!(number)),
        "[b-z]{0,3}".prop_map(|text| json!(format!("kit{text}"))),
    ];
    let name =
        prop_oneof![Just("status"), Just("valid"), Just("success"), Just("token"), Just("id"), Just("sid"), Just("to")];
    let value = leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    });
    value.prop_map(|value| value.to_string())
}

/// Every leaf as something else than it was.
fn retyped(value: Value) -> Value {
    leaves(value, &|leaf| {
        Some(match leaf {
            Value::String(text) => json!([text]),
            Value::Bool(yes) => json!(i32::from(*yes)),
            Value::Number(_) => json!({}),
            _ => json!("kit"),
        })
    })
}

fn leaves(value: Value, change: &dyn Fn(&Value) -> Option<Value>) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| leaves(item, change)).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, leaves(value, change))).collect(),
        leaf => change(&leaf).unwrap_or(leaf),
    }
}

/// The members, and each of them with something that says no.
fn twice(value: &Value, good_last: bool) -> String {
    let Some(members) = value.as_object() else { return value.to_string() };
    let no = |value: &Value| match value {
        Value::Bool(_) => json!(false),
        Value::String(_) => json!("pending"),
        other => other.clone(),
    };
    let written = |pairs: Vec<(&String, Value)>| {
        pairs.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect::<Vec<_>>().join(",")
    };
    let good = written(members.iter().map(|(name, value)| (name, value.clone())).collect());
    let bad = written(members.iter().map(|(name, value)| (name, no(value))).collect());
    if good_last { format!("{{{bad},{good}}}") } else { format!("{{{good},{bad}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Reply {
        Reply::from_json(200, &json!({"status": "approved", "valid": true, "n": 1}))
    }

    #[track_caller]
    fn check(odd: &Odd, expected: &str) {
        let reply = odd.reply(&good());
        assert_eq!(String::from_utf8_lossy(reply.body.as_slice()), expected);
    }

    #[test]
    fn odd_replies_are_made_of_good_ones() {
        check(&Odd::Truncated(0), "");
        check(&Odd::Truncated(999), r#"{"n":1,"status":"approved","valid":tru"#);
        check(&Odd::Trailing("x".to_owned()), r#"{"n":1,"status":"approved","valid":true}x"#);
        check(&Odd::Listed, r#"[{"n":1,"status":"approved","valid":true}]"#);
        check(&Odd::Retyped, r#"{"n":{},"status":["approved"],"valid":1}"#);
        let twice = r#"{"n":1,"status":"pending","valid":false,"n":1,"status":"approved","valid":true}"#;
        check(&Odd::Twice { last: true }, twice);
        check(&Odd::Texts("!".to_owned()), r#"{"n":1,"status":"!","valid":true}"#);
        assert!(Odd::Huge.reply(&good()).body.as_slice().len() <= REPLY_BODY_BYTES);
        assert!(Odd::Deep(400_000).reply(&good()).body.as_slice().len() <= REPLY_BODY_BYTES);
    }

    proptest! {
        #[test]
        fn what_is_cut_is_no_json_any_more(thousandths in 0..1000_u16) {
            let reply = Odd::Truncated(thousandths).reply(&good());
            prop_assert!(serde_json::from_slice::<Value>(reply.body.as_slice()).is_err());
        }

        #[test]
        fn json_about_something_else_says_no_yes(text in other_json()) {
            for yes in ["true", "approved", "valid\":1", "is valid"] {
                prop_assert!(!text.contains(yes) || yes == "valid\":1", "{}", text);
            }
        }
    }
}
