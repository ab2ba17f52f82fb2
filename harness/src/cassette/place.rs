//! The places in a request where a variable can stand.

use std::fmt;

/// One place in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The value of a form field.
    Form {
        /// The field's name, decoded.
        name: String,
    },
    /// The value of a query parameter.
    Query {
        /// The parameter's name, decoded.
        name: String,
    },
    /// A whole path segment, decoded.
    Path {
        /// Its position; the first segment is 0.
        segment: usize,
    },
    /// A string, number or boolean in a JSON body.
    Json {
        /// A JSON pointer (RFC 6901).
        pointer: String,
    },
    /// The number that the TwiML in a form field speaks digit by digit.
    Spoken {
        /// The field's name, decoded.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form { name } => write!(f, "form field `{name}`"),
            Self::Query { name } => write!(f, "query parameter `{name}`"),
            Self::Path { segment } => write!(f, "path segment {segment}"),
            Self::Json { pointer } => write!(f, "`{pointer}` of the JSON body"),
            Self::Spoken { name } => write!(f, "the digits spoken in form field `{name}`"),
        }
    }
}
