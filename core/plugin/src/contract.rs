//! What no host lets a plugin do, whatever the plugin was written with.
//!
//! The engine applies these rules to every step, and so does a
//! [`Bench`](crate::testing::Bench): what passes a vendor's tests is not refused later. The sizes
//! and counts are in [`limits`].

mod address;

use std::fmt;

use serde_json::Value;

use crate::failure::{Delivered, Failure, FailureKind};
use crate::http::{Auth, Effect, FieldValue, Method, Request};
use crate::limits;
use crate::operation::{Data, OperationName};

pub use address::{ambiguity, written_path};

/// Header fields that belong to the host: of the connection (RFC 9110 §7.6.1), or implied by
/// address, authorization and body.
pub const RESERVED_HEADERS: [&str; 9] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What a plugin asked for or handed over against the contract. It ends the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breach {
    /// An effect that the method contradicts: it decides whether the request is repeated.
    ReadBy {
        /// The method.
        method: Method,
    },
    /// `test_credentials` would change something at the provider.
    MayOnlyRead,
    /// No name of a header field (RFC 9110 §5.1).
    HeaderName {
        /// What stands in its place.
        name: String,
    },
    /// One of [`RESERVED_HEADERS`].
    ReservedHeader {
        /// The name.
        name: String,
    },
    /// A value that could end its line, or that a header cannot carry (RFC 9110 §5.5).
    HeaderValue {
        /// The name of the field.
        name: String,
    },
    /// A user of basic authorization with a colon, which would move into the password
    /// (RFC 7617 §2).
    BasicUser,
    /// A body where servers expect none (RFC 9110 §9.3.1).
    BodyOfGet,
    /// A reference to something that is no secret setting of the service.
    NoSuchSecret {
        /// The name in the reference.
        name: String,
    },
    /// None, or more random bytes than [`limits::RANDOM_BYTES`].
    Random {
        /// How many were asked for.
        asked: u32,
    },
    /// Data to keep that is larger than [`limits::DATA_BYTES`].
    Kept {
        /// How many bytes it has as JSON.
        found: usize,
    },
    /// An outcome with such data.
    Outcome {
        /// Whose outcome.
        operation: OperationName,
        /// `delivery` or `enrollment`.
        field: &'static str,
        /// How many bytes the data has as JSON.
        found: usize,
    },
    /// More steps than [`limits::STEPS_PER_OPERATION`].
    Steps,
}

/// Checks a request as a whole, except for its address, before anything of it leaves.
/// `is_secret` tells whether the service has a secret setting of that name.
///
/// # Errors
/// The first [`Breach`] there is.
pub fn request(request: &Request, operation: OperationName, is_secret: impl Fn(&str) -> bool) -> Result<(), Breach> {
    if request.effect == Effect::Read && request.method != Method::Get {
        return Err(Breach::ReadBy { method: request.method });
    }
    if operation == OperationName::TestCredentials && request.effect != Effect::Read {
        return Err(Breach::MayOnlyRead);
    }
    for (name, value) in &request.headers {
        header(name, value)?;
    }
    if let Some(Auth::Basic { user: FieldValue::Text(user), .. }) = &request.auth
        && user.contains(':')
    {
        return Err(Breach::BasicUser);
    }
    if request.method == Method::Get && request.body.is_some() {
        return Err(Breach::BodyOfGet);
    }
    match request.secrets().find(|reference| !is_secret(reference.name())) {
        Some(reference) => Err(Breach::NoSuchSecret { name: reference.name().to_owned() }),
        None => Ok(()),
    }
}

fn header(name: &str, value: &FieldValue) -> Result<(), Breach> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Breach::HeaderName { name: name.to_owned() });
    }
    if RESERVED_HEADERS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(Breach::ReservedHeader { name: name.to_owned() });
    }
    match value {
        FieldValue::Text(text) if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
            Err(Breach::HeaderValue { name: name.to_owned() })
        }
        FieldValue::Text(_) | FieldValue::Secret(_) => Ok(()),
    }
}

/// Checks how many random bytes are asked for.
///
/// # Errors
/// [`Breach::Random`].
pub const fn random(asked: u32) -> Result<(), Breach> {
    if asked == 0 || asked > limits::RANDOM_BYTES { Err(Breach::Random { asked }) } else { Ok(()) }
}

/// Checks the size of data that is to be kept.
///
/// # Errors
/// [`Breach::Kept`].
pub fn kept(data: &Data) -> Result<(), Breach> {
    let found = data.value.to_string().len();
    if found > limits::DATA_BYTES { Err(Breach::Kept { found }) } else { Ok(()) }
}

/// Checks the sizes of the data in an outcome.
///
/// # Errors
/// [`Breach::Outcome`].
pub fn outcome(operation: OperationName, outcome: &Value) -> Result<(), Breach> {
    // An outcome is an object with the data, or one kind of several with it.
    let kinds = outcome.as_object().into_iter().flat_map(|outcome| outcome.values());
    for holder in std::iter::once(outcome).chain(kinds) {
        for field in ["delivery", "enrollment"] {
            let data = holder.get(field).map(|data| data.get("value").unwrap_or(data));
            let found = data.map_or(0, |value| value.to_string().len());
            if found > limits::DATA_BYTES {
                return Err(Breach::Outcome { operation, field, found });
            }
        }
    }
    Ok(())
}

/// Checks how many steps an operation has asked for so far.
///
/// # Errors
/// [`Breach::Steps`].
pub const fn steps(asked: usize) -> Result<(), Breach> {
    if asked > limits::STEPS_PER_OPERATION { Err(Breach::Steps) } else { Ok(()) }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadBy { method } => write!(f, "a {} cannot have the effect `read`", method.as_str()),
            Self::MayOnlyRead => f.write_str("testing credentials may only read"),
            Self::HeaderName { name } => write!(f, "`{}` is not a header name", name.escape_debug()),
            Self::ReservedHeader { name } => write!(f, "the header `{name}` belongs to the host"),
            Self::HeaderValue { name } => {
                write!(f, "the header `{name}` holds control characters, or others that a header cannot carry")
            }
            Self::BasicUser => f.write_str("the user of basic authorization has a colon in it (RFC 7617)"),
            Self::BodyOfGet => f.write_str("a GET has no body"),
            Self::NoSuchSecret { name } => {
                write!(f, "it refers to `{}`, which is not a secret setting of this service", name.escape_debug())
            }
            Self::Random { asked } => {
                write!(f, "{asked} random bytes were asked for; 1 to {} can be had", limits::RANDOM_BYTES)
            }
            Self::Kept { found } => {
                write!(f, "data of {found} bytes was to be kept; {} are allowed", limits::DATA_BYTES)
            }
            Self::Outcome { operation, field, found } => write!(
                f,
                "the outcome of `{operation}` has {field} data of {found} bytes; {} are allowed",
                limits::DATA_BYTES
            ),
            Self::Steps => {
                write!(f, "the plugin asked for more than {} steps in one operation", limits::STEPS_PER_OPERATION)
            }
        }
    }
}

impl std::error::Error for Breach {}

impl From<Breach> for Failure {
    /// In the middle of an operation: nobody can tell what it has sent before.
    fn from(breach: Breach) -> Self {
        Self::new(FailureKind::PluginFault, breach.to_string()).delivered(Delivered::Maybe)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Endpoint;
    use crate::secret::SecretRef;

    fn get() -> Request {
        Request::get(Endpoint::new("https://h.example"))
    }

    fn post() -> Request {
        Request::post(Endpoint::new("https://h.example"))
    }

    #[track_caller]
    fn check(asked: &Request, operation: OperationName, expected: Option<Breach>) {
        assert_eq!(request(asked, operation, |name| name == "token").err(), expected);
    }

    #[test]
    fn the_effect_must_fit_method_and_operation() {
        use OperationName::{Start, TestCredentials};
        check(&get(), TestCredentials, None);
        check(&post(), Start, None);
        check(&post().effect(Effect::Read), Start, Some(Breach::ReadBy { method: Method::Post }));
        check(&post(), TestCredentials, Some(Breach::MayOnlyRead));
        check(&get().effect(Effect::Idempotent), TestCredentials, Some(Breach::MayOnlyRead));
        check(&get().json(json!(1)), Start, Some(Breach::BodyOfGet));
    }

    #[test]
    fn headers_must_be_such_and_not_the_hosts() {
        let with = |name: &str, value: &str| request(&get().header(name, value), OperationName::Start, |_| true).err();
        assert_eq!(with("X-A", "a b~"), None);
        for name in ["", "X A", "X:A", "X-Ä", "X\r\nY"] {
            assert_eq!(with(name, ""), Some(Breach::HeaderName { name: name.to_owned() }));
        }
        for name in RESERVED_HEADERS.iter().flat_map(|name| [(*name).to_owned(), name.to_uppercase()]) {
            assert_eq!(with(&name, ""), Some(Breach::ReservedHeader { name }));
        }
        for value in ["a\r\nb", "\0", "\t", "ä", "\u{7f}"] {
            assert_eq!(with("X-A", value), Some(Breach::HeaderValue { name: "X-A".to_owned() }), "{value:?}");
        }
    }

    #[test]
    fn a_user_with_a_colon_is_refused() {
        let token = SecretRef::named("token");
        check(&post().basic_auth("AC1", &token), OperationName::Start, None);
        check(&post().basic_auth("AC1:x", &token), OperationName::Start, Some(Breach::BasicUser));
    }

    #[test]
    fn references_must_be_to_secrets_of_the_service_wherever_they_stand() {
        let (token, other) = (SecretRef::named("token"), SecretRef::named("other"));
        let no = || Some(Breach::NoSuchSecret { name: "other".to_owned() });
        check(&post().header("X-A", &token).bearer(&token).form([("a", &token)]), OperationName::Start, None);
        check(&post().header("X-A", &other), OperationName::Start, no());
        check(&post().bearer(&other), OperationName::Start, no());
        check(&post().basic_auth(&other, &token), OperationName::Start, no());
        check(&post().basic_auth(&token, &other), OperationName::Start, no());
        check(&post().form([("a", &token), ("b", &other)]), OperationName::Start, no());
    }

    #[test]
    fn sizes_and_counts_are_refused_beyond_their_limits() {
        assert_eq!(random(0), Err(Breach::Random { asked: 0 }));
        assert_eq!(random(limits::RANDOM_BYTES), Ok(()));
        assert_eq!(random(limits::RANDOM_BYTES + 1), Err(Breach::Random { asked: 1025 }));
        assert_eq!(steps(limits::STEPS_PER_OPERATION), Ok(()));
        assert_eq!(steps(limits::STEPS_PER_OPERATION + 1), Err(Breach::Steps));
        let most = Value::from("x".repeat(limits::DATA_BYTES - 2));
        let more = Value::from("x".repeat(limits::DATA_BYTES - 1));
        let data = |value: &Value| Data { version: u32::MAX, value: value.clone() };
        assert_eq!(kept(&data(&most)), Ok(()));
        assert_eq!(kept(&data(&more)), Err(Breach::Kept { found: limits::DATA_BYTES + 1 }));
        for (operation, field, around) in [
            (OperationName::Start, "delivery", None),
            (OperationName::Enroll, "enrollment", None),
            (OperationName::ConfirmEnrollment, "enrollment", Some("confirmed")),
        ] {
            let with = |value: &Value| {
                let inner = json!({field: data(value)});
                outcome(operation, &around.map_or_else(|| inner.clone(), |around| json!({around: inner})))
            };
            assert_eq!(with(&most), Ok(()));
            assert_eq!(with(&more), Err(Breach::Outcome { operation, field, found: limits::DATA_BYTES + 1 }));
        }
        assert_eq!(outcome(OperationName::Check, &json!("wrong_code")), Ok(()));
    }
}
