//! From a refusing reply to a [`Failure`]: by the provider's code, else by the HTTP status.
//!
//! The provider's messages are never looked at: they are localised, they change, and they may
//! quote phone numbers.

use countersign_plugin::{Delivered, Effect, Failure, FailureKind, OperationName, Reply, Retry, RetryAfter, Timestamp};
use serde_json::Value;

/// For the person whose check may have arrived.
const CODE_LOST: &str = "That code could not be checked. Please ask for a new one.";

/// Longest wait that is believed, in seconds.
const LONGEST_WAIT: u64 = 86_400;
/// Wait after HTTP 429 or a lost connection where the reply names none, in seconds.
pub(crate) const SHORT_WAIT: u64 = 5;

/// What one API's error codes mean.
pub(crate) struct Table {
    /// The member of the error body that holds the code; it may be a number or a string.
    pub(crate) member: &'static str,
    /// The settings that a 401 puts in doubt, as they stand in a sentence.
    pub(crate) credentials: &'static str,
    pub(crate) rows: &'static [Row],
}

/// What some error codes mean.
pub(crate) struct Row {
    pub(crate) codes: &'static [u32],
    pub(crate) kind: FailureKind,
    pub(crate) again: Again,
    /// What happened, where, and the remedy.
    pub(crate) operator: &'static str,
    /// Where the standard text of the kind would mislead.
    pub(crate) person: Option<&'static str>,
}

/// Whether trying again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// Elsewhere at once, unless a `Retry-After` says when here.
    Elsewhere,
    /// After `Retry-After`, or else after this many seconds.
    Seconds(u64),
}

impl Table {
    /// The provider's error code in a reply, if there is one. All codes of these APIs have five
    /// digits; anything else (a number or a login code that somebody echoes, say) is not passed on.
    pub(crate) fn code(&self, reply: &Reply) -> Option<u32> {
        let body: Value = reply.json().ok()?;
        let code = match body.get(self.member)? {
            Value::Number(number) => number.as_u64()?.try_into().ok()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        (10_000..=99_999).contains(&code).then_some(code)
    }

    pub(crate) fn row(&self, code: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.codes.contains(&code))
    }

    /// The failure that a reply without success means, `effect` being that of its request.
    pub(crate) fn failure(&self, reply: &Reply, effect: Effect, now: Timestamp) -> Failure {
        let code = self.code(reply);
        let failure = match code.and_then(|code| self.row(code)) {
            Some(row) => {
                let failure = Failure::new(row.kind, row.operator).retry(row.again.retry(reply, now));
                match row.person {
                    Some(text) => failure.person(text),
                    None => failure,
                }
            }
            None => self.by_status(reply, now),
        };
        let failure = failure.delivered(delivered(reply, effect));
        match code {
            Some(code) => failure.code(code.to_string()),
            None => failure,
        }
    }

    fn by_status(&self, reply: &Reply, now: Timestamp) -> Failure {
        let (status, credentials) = (reply.status, self.credentials);
        let (kind, again, text) = match status {
            401 => (
                FailureKind::BadCredentials,
                Again::Never,
                format!("the provider refused the credentials (HTTP 401); check {credentials}"),
            ),
            403 => (
                FailureKind::Misconfigured,
                Again::Never,
                format!(
                    "the provider forbids this request (HTTP 403); check in its console that the account is active \
                     and that {credentials} may use this service"
                ),
            ),
            404 => (
                FailureKind::Misconfigured,
                Again::Never,
                format!(
                    "nothing is known at this address (HTTP 404 without a known error code of the provider's); check \
                     `base_url`, a proxy if there is one, and {credentials}"
                ),
            ),
            429 => (
                FailureKind::RateLimited,
                Again::Seconds(SHORT_WAIT),
                "the provider has had too many requests (HTTP 429); try again later".to_owned(),
            ),
            408 | 500.. => (
                FailureKind::Unavailable,
                Again::Elsewhere,
                format!("the provider is out of order (HTTP {status}); see its status page"),
            ),
            400..=499 => (
                FailureKind::Misconfigured,
                Again::Never,
                format!(
                    "the provider refused the request for a reason that this plugin does not know (HTTP {status}); \
                     look up the code in its documentation and check the settings"
                ),
            ),
            300..=399 => (
                FailureKind::Misconfigured,
                Again::Never,
                format!("the provider redirects (HTTP {status}), which is not followed; correct `base_url`"),
            ),
            _ => return malformed(&format!("HTTP {status} without the success that belongs to it")),
        };
        Failure::new(kind, text).retry(again.retry(reply, now))
    }
}

impl Again {
    fn retry(self, reply: &Reply, now: Timestamp) -> Retry {
        let named = match reply.retry_after(now) {
            // No wait at all would be a repetition in the same moment.
            RetryAfter::Seconds(seconds) => RetryAfter::Seconds(seconds.clamp(1, LONGEST_WAIT)),
            absent => absent,
        };
        match self {
            Self::Never => Retry::Never,
            Self::Elsewhere => match named {
                RetryAfter::Seconds(seconds) => Retry::After { seconds },
                RetryAfter::Absent | RetryAfter::Unreadable => Retry::AnotherProvider,
            },
            Self::Seconds(seconds) => named.or_seconds(seconds),
        }
    }
}

/// A reply that is JSON and yet not an answer to what was asked. `what` quotes nothing of it.
pub(crate) fn malformed(what: &str) -> Failure {
    let text = format!("the provider's reply cannot be trusted: {what}; check that `base_url` is the provider's own");
    Failure::new(FailureKind::MalformedReply, text).delivered(Delivered::Maybe).retry(Retry::AnotherProvider)
}

/// Fits a failure to its operation. No other provider knows of a delivery that exists here, and
/// a check that may have arrived may have used the code up.
pub(crate) fn seen_from(during: OperationName, failure: Failure) -> Failure {
    let failure = match during {
        OperationName::Start => return failure,
        OperationName::Status | OperationName::TestCredentials => failure.delivered(Delivered::No),
        _ => failure,
    };
    if during == OperationName::Check && failure.delivered == Delivered::Maybe {
        return failure.retry(Retry::Never).person(CODE_LOST);
    }
    match failure.retry {
        Retry::AnotherProvider => failure.retry(Retry::After { seconds: SHORT_WAIT }),
        Retry::Never | Retry::After { .. } => failure,
    }
}

/// Only a refusal proves that a request had no effect; nobody can tell what stands behind a
/// redirection.
const fn delivered(reply: &Reply, effect: Effect) -> Delivered {
    match (effect, reply.status) {
        (Effect::Act, 0..=399 | 408 | 500..) => Delivered::Maybe,
        _ => Delivered::No,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: Table = Table { member: "code", credentials: "`x`", rows: &[] };

    #[test]
    fn only_what_can_be_an_error_code_is_passed_on() {
        for (code, expected) in [
            (json!(20003), Some(20003)),
            (json!(" 60003 "), Some(60003)),
            (json!(2_025_550_143), None),
            (json!("2025550143"), None),
            (json!(847_130), None),
            (json!("8471"), None),
        ] {
            let reply = Reply::from_json(400, &json!({ "code": code }));
            assert_eq!(TABLE.code(&reply), expected, "{code}");
            let failure = TABLE.failure(&reply, Effect::Act, Timestamp::from_secs(0));
            assert_eq!(failure.provider_code, expected.map(|code| code.to_string()));
        }
    }

    #[test]
    fn no_wait_of_nothing_or_of_more_than_a_day_is_believed() {
        for (status, header, seconds) in [
            (429, "0", 1),
            (503, "0", 1),
            (503, "5", 5),
            (429, "soon", 5),
            (503, "2025550143", 86_400),
            (429, "2025550143", 86_400),
        ] {
            let reply = Reply::new(status, "{}").with_header("retry-after", header);
            let failure = TABLE.failure(&reply, Effect::Act, Timestamp::from_secs(0));
            assert_eq!(failure.retry, Retry::After { seconds }, "{status} {header}");
        }
    }
}
