//! Replies, and what stands in their place when there is none.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::bytes::Bytes;
use crate::failure::{Delivered, Failure, FailureKind, Retry};
use crate::http::{Effect, json};
use crate::time::Timestamp;

/// An HTTP reply, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reply {
    /// Status code, 100 to 599.
    pub status: u16,
    /// Header fields in order; names as the server wrote them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, transfer encodings removed.
    #[serde(default)]
    pub body: Bytes,
}

impl Reply {
    /// A reply without header fields, for tests and hosts.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Appends a header field.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Appends header fields in this order.
    #[must_use]
    pub fn with_headers(mut self, headers: impl IntoIterator<Item = (String, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// A reply with a JSON body, for tests and hosts.
    pub fn from_json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
        }
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status <= 299
    }

    /// The first header field of that name, compared without case (RFC 9110 §5.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads the body as JSON, whatever the content type says. A struct is an object, never a
    /// list of its fields; a map may have texts, integers and bools as keys.
    ///
    /// Behind `#[serde(untagged)]`, `#[serde(tag = "…")]` and `#[serde(flatten)]` serde buffers
    /// what it reads, and then takes a list for a struct all the same: `[true]` for
    /// `{"success": true}`. Where that matters, do without them: write one struct with an
    /// `Option` for each field that may be there and tell the cases apart in code, or read the
    /// part as [`serde_json::Map`] first, which is an object and nothing else.
    ///
    /// # Errors
    /// [`Malformed`] where the body is empty, not UTF-8, not JSON, deeper than
    /// [`limits::JSON_DEPTH`](crate::limits::JSON_DEPTH), has a key twice in one object, or is
    /// not of the wanted shape. The text never quotes the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        json::read(self.body.as_slice()).map_err(|what| Malformed { status: self.status, what })
    }

    /// The `Retry-After` field (RFC 9110 §10.2.3), as seconds from `now` where it is a date.
    pub fn retry_after(&self, now: Timestamp) -> RetryAfter {
        let Some(text) = self.header("retry-after").map(str::trim) else { return RetryAfter::Absent };
        if let Ok(seconds) = text.parse::<u64>() {
            return RetryAfter::Seconds(seconds);
        }
        let date = httpdate::parse_http_date(text).ok();
        match date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok()) {
            Some(since_epoch) => {
                RetryAfter::Seconds(since_epoch.saturating_sub(Duration::from_millis(now.as_millis())).as_secs())
            }
            None => RetryAfter::Unreadable,
        }
    }
}

/// What a reply says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// No such field.
    Absent,
    /// After this many seconds.
    Seconds(u64),
    /// The field is neither seconds nor a date.
    Unreadable,
}

impl RetryAfter {
    /// The seconds, or `default` where the reply does not say.
    pub const fn or_seconds(self, default: u64) -> Retry {
        match self {
            Self::Seconds(seconds) => Retry::After { seconds },
            Self::Absent | Self::Unreadable => Retry::After { seconds: default },
        }
    }
}

/// A body that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    status: u16,
    what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider's reply (HTTP {}) cannot be understood: {}", self.status, self.what)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Failure {
    /// Nobody can tell what an unreadable answer to a send means: something may have left.
    fn from(malformed: Malformed) -> Self {
        Self::new(FailureKind::MalformedReply, malformed.to_string())
            .delivered(Delivered::Maybe)
            .retry(Retry::AnotherProvider)
    }
}

/// Why there is no reply, as the host tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransportFailure {
    /// What happened.
    pub kind: TransportFailureKind,
    /// One line for the operator, without secrets.
    #[serde(default)]
    pub detail: String,
}

impl TransportFailure {
    /// A failure and its line for the operator, which may be empty.
    pub fn new(kind: TransportFailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// Kinds of [`TransportFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransportFailureKind {
    /// Certainly nothing left: name not resolved, connection refused, TLS not established.
    NotSent,
    /// An answer came and is larger than the contract allows.
    TooLarge,
    /// The host refused to send it: outside the egress, malformed, or over a limit.
    Refused,
    /// The operation's time is used up. The request may have left.
    Deadline,
    /// It left, or may have; no complete answer came.
    #[serde(other)]
    NoAnswer,
}

/// What [`Context::http`](crate::Context::http) returns where there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpError {
    /// What the host said.
    pub failure: TransportFailure,
    /// The effect that the request had stated.
    pub effect: Effect,
}

impl HttpError {
    /// That a request of this effect has no reply.
    pub const fn new(failure: TransportFailure, effect: Effect) -> Self {
        Self { failure, effect }
    }

    /// Whether the request may have had its effect at the provider.
    pub const fn delivered(&self) -> Delivered {
        match (self.failure.kind, self.effect) {
            (TransportFailureKind::NotSent | TransportFailureKind::Refused, _) | (_, Effect::Read) => Delivered::No,
            _ => Delivered::Maybe,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.failure.kind {
            TransportFailureKind::NotSent => "the provider could not be reached",
            TransportFailureKind::NoAnswer => "the provider did not answer",
            TransportFailureKind::TooLarge => "the provider's answer is too large",
            TransportFailureKind::Refused => "the host refused the request",
            TransportFailureKind::Deadline => "the time for this operation is used up",
        };
        if self.failure.detail.is_empty() { f.write_str(what) } else { write!(f, "{what}: {}", self.failure.detail) }
    }
}

impl std::error::Error for HttpError {}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let delivered = error.delivered();
        let (kind, retry) = match error.failure.kind {
            TransportFailureKind::NotSent | TransportFailureKind::NoAnswer | TransportFailureKind::Deadline => {
                (FailureKind::Unavailable, Retry::AnotherProvider)
            }
            TransportFailureKind::TooLarge => (FailureKind::MalformedReply, Retry::AnotherProvider),
            TransportFailureKind::Refused => (FailureKind::PluginFault, Retry::Never),
        };
        Self::new(kind, error.to_string()).delivered(delivered).retry(retry)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn refused(body: &[u8], because: &str) {
        let reply = Reply { status: 200, headers: vec![], body: Bytes::from(body) };
        let error = reply.json::<Value>().expect_err("must be refused");
        assert!(error.to_string().contains(because), "{error}");
    }

    #[test]
    fn bodies_that_are_not_one_json_value_are_refused() {
        refused(b"", "empty");
        refused(b"<html>", "not JSON");
        refused(b"{\"a\":1", "not JSON");
        refused(b"{} {}", "not JSON");
        refused(b"\xef\xbb\xbf{}", "not JSON");
        refused(b"\"\xff\"", "not UTF-8");
        refused(&vec![b'['; 10_000], "nested");
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        refused(br#"{"status":"pending","status":"approved"}"#, "twice");
        refused(br#"{"a":[{"b":1,"b":1}]}"#, "twice");
    }

    #[test]
    fn a_body_of_another_shape_is_refused_without_being_quoted() {
        let reply = Reply::from_json(200, &json!({"status": "canary"}));
        let error = reply.json::<Vec<u8>>().expect_err("an object is no list");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_list_is_not_read_as_an_object_at_any_depth() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Checked {
            token: String,
            device: Option<Device>,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Device {
            id: Option<u64>,
            kinds: Vec<(String, bool)>,
        }
        let read = |body| Reply::from_json(200, &body).json::<Checked>();
        let device = json!({"id": 7, "kinds": [["sms", true]], "new": {}});
        let expected = Device { id: Some(7), kinds: vec![("sms".to_owned(), true)] };
        let good = read(json!({"token": "is valid", "device": device}));
        assert_eq!(good, Ok(Checked { token: "is valid".to_owned(), device: Some(expected) }));
        assert_eq!(read(json!({"token": "", "device": null})), Ok(Checked { token: String::new(), device: None }));
        let refused = |body| read(body).expect_err("must be refused").to_string();
        assert!(refused(json!(["is valid", null])).ends_with("it is not of the expected type"));
        let told = refused(json!({"token": "is valid", "device": [7, []]}));
        assert!(told.ends_with("the field `device` is not of the expected type"), "{told}");
        assert!(refused(json!({"device": null})).ends_with("the field `token` is missing"));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_date() {
        let now = Timestamp::from_secs(1_445_412_420);
        let reply = |value: &str| Reply {
            status: 429,
            headers: vec![("retry-After".to_owned(), value.to_owned())],
            body: Bytes::default(),
        };
        assert_eq!(reply("7").retry_after(now), RetryAfter::Seconds(7));
        assert_eq!(reply("Wed, 21 Oct 2015 07:28:00 GMT").retry_after(now), RetryAfter::Seconds(60));
        assert_eq!(reply("Wed, 21 Oct 1915 07:28:00 GMT").retry_after(now), RetryAfter::Unreadable);
        assert_eq!(reply("soon").retry_after(now), RetryAfter::Unreadable);
        assert_eq!(Reply::from_json(429, &json!({})).retry_after(now), RetryAfter::Absent);
    }

    #[test]
    fn only_what_certainly_never_left_counts_as_not_delivered() {
        let error = |kind, effect| HttpError { failure: TransportFailure { kind, detail: String::new() }, effect };
        assert_eq!(error(TransportFailureKind::NotSent, Effect::Act).delivered(), Delivered::No);
        assert_eq!(error(TransportFailureKind::NoAnswer, Effect::Act).delivered(), Delivered::Maybe);
        assert_eq!(error(TransportFailureKind::Deadline, Effect::Idempotent).delivered(), Delivered::Maybe);
        assert_eq!(error(TransportFailureKind::NoAnswer, Effect::Read).delivered(), Delivered::No);
    }
}
