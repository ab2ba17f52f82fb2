//! What Twilio's refusals mean: a table by error code, and the HTTP status where no code is known.
//!
//! The messages of Twilio's replies are neither matched on, since they change, nor passed on,
//! since they may hold the number. Meanings are those of Twilio's error and warning dictionary.

mod table;

use countersign_plugin::{Delivered, Failure, FailureKind, OperationName, Reply, Retry, RetryAfter, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use table::{BAD_PARAMETER, GONE, Row, TABLE};

/// For the person whose check may have arrived.
const CODE_LOST: &str = "That code could not be checked. Please ask for a new one.";
const NO_TRIES_LEFT: &str = "the five tries that Twilio allows for one code are used up";

/// Longest wait that is believed, in seconds.
const LONGEST_WAIT: u64 = 86_400;
/// Wait after HTTP 429 or a lost connection where the reply names none, in seconds.
const SHORT_WAIT: u64 = 5;

const AFTER_TEN_MINUTES: Retry = Retry::After { seconds: 600 };
const NEVER: Retry = Retry::Never;

/// The failure that a reply other than 2xx stands for; one code may mean different things in
/// different operations.
pub(crate) fn refusal(during: OperationName, reply: &Reply, now: Timestamp) -> Failure {
    let code = error_code(reply);
    let row = code.and_then(|code| row(during, code));
    let failure = match row {
        Some(row) => {
            let failure = Failure::new(row.kind, row.operator).retry(row.retry);
            match row.person {
                Some(text) => failure.person(text),
                None => failure,
            }
        }
        None => by_status(during, reply.status),
    };
    let failure = match (failure.retry, reply.retry_after(now)) {
        (Retry::After { .. } | Retry::AnotherProvider, RetryAfter::Seconds(seconds)) => failure.retry(after(seconds)),
        _ => failure,
    };
    let failure = match code {
        Some(code) => failure.code(code.to_string()),
        None => failure,
    };
    // A refusal with 4xx is definite, except for a time-out; nobody can tell of all others.
    let definite = matches!(reply.status, 400..=407 | 409..=499);
    failure.delivered(if definite { Delivered::No } else { Delivered::Maybe })
}

/// A 2xx reply that contradicts itself or the question; it never approves anything.
pub(crate) fn inconsistent(what: &str) -> Failure {
    Failure::new(
        FailureKind::MalformedReply,
        format!("Twilio's reply does not fit the request: {what}; is `base_url` right?"),
    )
    .delivered(Delivered::Maybe)
    .retry(Retry::AnotherProvider)
}

/// The code was right once, or never was; a new one is needed.
pub(crate) fn over() -> Failure {
    Failure::new(FailureKind::Expired, "Twilio has no such verification any more: it expired, was used or was canceled")
}

/// Nothing was kept, because no answer to the start came. There may be a code all the same.
pub(crate) fn nameless() -> Failure {
    Failure::new(
        FailureKind::Expired,
        "no SID was kept of this delivery, because Twilio's answer to the start was lost: Twilio may have the \
         verification, but what it is called was never learned, so it cannot be asked about; start a new one",
    )
}

/// All tries of this verification are used up.
pub(crate) fn no_tries_left() -> Failure {
    Failure::new(FailureKind::TooManyAttempts, NO_TRIES_LEFT).retry(AFTER_TEN_MINUTES)
}

/// Fits a failure to its operation. No other provider knows of a verification that exists here,
/// and a check that may have arrived may have used the code up.
pub(crate) fn seen_from(during: OperationName, failure: Failure) -> Failure {
    let failure = match during {
        OperationName::Start => return failure,
        OperationName::Status | OperationName::TestCredentials => failure.delivered(Delivered::No),
        _ => failure,
    };
    if during == OperationName::Check && failure.delivered == Delivered::Maybe {
        return failure.retry(NEVER).person(CODE_LOST);
    }
    match failure.retry {
        Retry::AnotherProvider => failure.retry(after(SHORT_WAIT)),
        Retry::Never | Retry::After { .. } => failure,
    }
}

/// Whether Twilio says that it has no such verification (any more). HTTP 404 alone does not: any
/// proxy says so of an address that it does not know, while the code lives on at Twilio.
pub(crate) fn is_gone(reply: &Reply) -> bool {
    !reply.is_success() && error_code(reply) == Some(20404)
}

/// Twilio's own error code, from a classic body or from problem details (RFC 9457). It may be a
/// number or a text, and is missing where a gateway answers. All codes of this API have five
/// digits; anything else (a number that somebody echoes, say) is not passed on.
pub(crate) fn error_code(reply: &Reply) -> Option<u32> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        code: Value,
    }
    let code = match reply.json::<Body>().ok()?.code {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    u32::try_from(code).ok().filter(|code| (10_000..=99_999).contains(code))
}

fn row(during: OperationName, code: u32) -> Option<&'static Row> {
    match (during, code) {
        (OperationName::Start, _) | (OperationName::TestCredentials, 20404) => {}
        (_, 20404) => return Some(&GONE),
        (_, 60200) => return Some(&BAD_PARAMETER),
        _ => {}
    }
    TABLE.iter().find(|row| row.codes.contains(&code))
}

fn by_status(during: OperationName, status: u16) -> Failure {
    let text = |what: &str| format!("the answer was HTTP {status} without a known error code of Twilio's: {what}");
    match status {
        401 => Failure::new(FailureKind::BadCredentials, text("compare `auth_id` and `auth_token` with the Console")),
        404 if matches!(during, OperationName::Start | OperationName::TestCredentials) => {
            let what =
                "does `base_url` lead to the Verify API, does a proxy answer in its place, is `service_sid` right?";
            Failure::new(FailureKind::Misconfigured, text(what))
        }
        404 => {
            let what = "it proves nothing about the verification; does `base_url` lead to the Verify API, or does a \
                        proxy answer in its place?";
            Failure::new(FailureKind::MalformedReply, text(what)).retry(Retry::AnotherProvider)
        }
        408 | 500..=599 => {
            Failure::new(FailureKind::Unavailable, text("the service is out of order; see status.twilio.com"))
                .retry(Retry::AnotherProvider)
        }
        409 => Failure::new(FailureKind::Unavailable, text("another request for the same thing is under way"))
            .retry(after(SHORT_WAIT)),
        429 => Failure::new(FailureKind::RateLimited, text("too many requests")).retry(after(SHORT_WAIT)),
        400..=499 => Failure::new(
            FailureKind::Misconfigured,
            text("the request was refused; see Console > Monitor > Logs > Errors"),
        ),
        _ => {
            Failure::new(FailureKind::MalformedReply, text("this is no reply of the Verify API; is `base_url` right?"))
                .retry(Retry::AnotherProvider)
        }
    }
}

const fn after(seconds: u64) -> Retry {
    match seconds {
        0 => Retry::After { seconds: 1 },
        1..=LONGEST_WAIT => Retry::After { seconds },
        _ => Retry::After { seconds: LONGEST_WAIT },
    }
}
