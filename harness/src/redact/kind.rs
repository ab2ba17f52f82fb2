//! What kinds of values are redacted.

use std::fmt;

/// A kind of value that is redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// The id of an account, service, verification or anything else of Twilio's.
    Sid,
    /// A phone number.
    Phone,
    /// A one-time code.
    Code,
    /// A password, key, token, seed or signature.
    Credential,
    /// The value of a cookie.
    Cookie,
    /// An e-mail address.
    Email,
    /// The name of an account, application or person.
    Name,
    /// A value that was named, or given, besides the default.
    Added,
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sid => "resource id",
            Self::Phone => "phone number",
            Self::Code => "code",
            Self::Credential => "credential",
            Self::Cookie => "cookie",
            Self::Email => "e-mail address",
            Self::Name => "name",
            Self::Added => "added secret",
        })
    }
}
