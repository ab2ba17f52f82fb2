//! A request as the matcher sees it, whichever carrier brought it: the engine's transport or a socket.

use std::fmt;

use serde_json::Value;
use url::Url;

use super::shown::Shown;

/// One request that was sent, without credentials.
#[derive(Clone, PartialEq)]
pub struct Sent {
    /// The method, in upper case as on the wire.
    pub method: String,
    /// The whole address.
    pub url: Url,
    /// How the request says who asks.
    pub authorization: Authorization,
    /// The body, already read by its content type.
    pub body: SentBody,
}

/// How a request says who asks. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authorization {
    /// It does not.
    #[default]
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user, such as an account id.
        user: String,
    },
    /// A bearer token (RFC 6750).
    Bearer,
    /// An API key in a header of its own.
    Header {
        /// The header's name; case does not matter.
        name: String,
    },
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no authorization"),
            Self::Basic { user } => write!(f, "basic as {}", Shown::of(user)),
            Self::Bearer => f.write_str("bearer"),
            Self::Header { name } => write!(f, "a key in header {}", Shown::of(name)),
        }
    }
}

/// The body of a request.
#[derive(Clone, PartialEq, Default)]
pub enum SentBody {
    /// No body. A form without fields counts as no body too.
    #[default]
    Empty,
    /// `application/x-www-form-urlencoded`, decoded, in the order of the body.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(Value),
    /// Anything else, byte for byte.
    Other(Vec<u8>),
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("method", &self.method)
            .field("url", &Shown::of(self.url.as_str()))
            .field("authorization", &self.authorization)
            .field("body", &self.body)
            .finish()
    }
}

impl fmt::Debug for SentBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Form(fields) => {
                f.debug_map().entries(fields.iter().map(|(name, value)| (name, Shown::of_field(name, value)))).finish()
            }
            Self::Json(value) => write!(f, "Json({})", Shown::of(&value.to_string())),
            Self::Other(bytes) => write!(f, "Other({} bytes)", bytes.len()),
        }
    }
}

/// Text that a provider showed or spoke to a person.
#[derive(Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// The recipient, such as a number in E.164 form.
    pub to: String,
    /// The channel it came by: `sms`, `voice`, …
    pub channel: String,
    /// What was shown, or spoken.
    pub text: String,
}

impl fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentMessage")
            .field("to", &Shown::of(&self.to))
            .field("channel", &self.channel)
            .field("text", &Shown::of(&self.text))
            .finish()
    }
}
