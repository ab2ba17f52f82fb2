//! What could not be taken over.

use std::fmt;

use crate::cassette::{Body, Shown};

/// Something that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it stands in the imported file.
    pub place: String,
    /// What it is.
    pub what: Lost,
}

/// What could not be taken over. It never holds a value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The address is none that can be replayed.
    Address(Shown),
    /// The address is a pattern.
    Pattern(Shown),
    /// No answer came.
    NoAnswer,
    /// The file does not have the body that there was.
    NoBody {
        /// Which.
        body: Body,
        /// Its size, as far as the file tells.
        size: Option<u64>,
    },
    /// A body that is given by its parts only, or by something else than its bytes.
    BodyInParts(Body),
    /// A body above the limit.
    BodyTooLarge {
        /// Which.
        body: Body,
        /// Its size.
        size: usize,
    },
    /// A body in a content encoding that cannot be undone.
    Encoding(Body, Shown),
    /// A body in a character set that cannot be written again.
    Charset(Body, Shown),
    /// Not a method.
    Method(Shown),
    /// Not a status.
    Status(Shown),
    /// Basic credentials that cannot be read.
    Credentials,
    /// User and password in the address.
    UserInfo,
    /// The order of fields and their escapes.
    FormMadeAnew,
    /// Messages of a web socket.
    WebSocket(usize),
    /// The words beside the status.
    Reason(Shown),
    /// When it took place.
    Time,
    /// Credentials that the browser did not write.
    Sanitized,
    /// HTTP/2 and 3.
    HttpVersion(usize),
}

impl Lost {
    /// Whether the whole exchange was left out for it.
    pub const fn leaves_out(&self) -> bool {
        match self {
            Self::Address(_)
            | Self::Pattern(_)
            | Self::NoAnswer
            | Self::NoBody { .. }
            | Self::BodyInParts(_)
            | Self::BodyTooLarge { .. }
            | Self::Encoding(..)
            | Self::Charset(..)
            | Self::Method(_)
            | Self::Status(_)
            | Self::Credentials => true,
            Self::UserInfo
            | Self::FormMadeAnew
            | Self::WebSocket(_)
            | Self::Reason(_)
            | Self::Time
            | Self::Sanitized
            | Self::HttpVersion(_) => false,
        }
    }

    /// Its name, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Pattern(_) => "pattern",
            Self::NoAnswer => "no_answer",
            Self::NoBody { .. } => "no_body",
            Self::BodyInParts(_) => "body_in_parts",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::Encoding(..) => "encoding",
            Self::Charset(..) => "charset",
            Self::Method(_) => "method",
            Self::Status(_) => "status",
            Self::Credentials => "credentials",
            Self::UserInfo => "user_info",
            Self::FormMadeAnew => "form_made_anew",
            Self::WebSocket(_) => "web_socket",
            Self::Reason(_) => "reason",
            Self::Time => "time",
            Self::Sanitized => "sanitized",
            Self::HttpVersion(_) => "http_version",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, what } = self;
        let left_out = if what.leaves_out() { "; the exchange is left out" } else { "" };
        write!(f, "{place}: {what}{left_out}")
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(found) => write!(f, "the address is none of http or https: {found}"),
            Self::Pattern(found) => write!(f, "the address is a pattern, and no request can be told from it: {found}"),
            Self::NoAnswer => f.write_str("no answer came, and the file does not say whether the request left"),
            Self::NoBody { body, size: Some(size) } => {
                write!(f, "the {body} body had {size} bytes, and the file does not hold them")
            }
            Self::NoBody { body, size: None } => write!(f, "the {body} body is not in the file"),
            Self::BodyInParts(body) => write!(f, "the {body} body is not given by its bytes, which cannot be made anew"),
            Self::BodyTooLarge { body, size } => {
                let limit = crate::cassette::BODY_LIMIT;
                write!(f, "the {body} body has {size} bytes, a cassette may hold {limit}")
            }
            Self::Encoding(body, found) => write!(f, "the {body} body has content encoding {found}, which cannot be undone"),
            Self::Charset(body, found) => write!(f, "the {body} body is in character set {found}, which cannot be written again"),
            Self::Method(found) => write!(f, "{found} is no method"),
            Self::Status(found) => write!(f, "{found} is no status"),
            Self::Credentials => f.write_str("the basic credentials cannot be read"),
            Self::UserInfo => f.write_str("user and password of the address are dropped; cassettes have them in headers only"),
            Self::FormMadeAnew => {
                f.write_str("the request body is made anew of its parameters; the original's escapes are not in the file")
            }
            Self::WebSocket(messages) => write!(f, "{messages} messages of a web socket are dropped"),
            Self::Reason(found) => write!(f, "the words beside the status are dropped: {found}"),
            Self::Time => f.write_str("the file does not say when it took place; it stands at the beginning of 1970"),
            Self::Sanitized => f.write_str(
                "no request has credentials or cookies, which browsers leave out unless told otherwise; replay will not ask for any",
            ),
            Self::HttpVersion(count) => write!(f, "{count} exchanges were HTTP/2 or later; replay speaks HTTP/1.1"),
        }
    }
}
