//! One value that is redacted.

use std::fmt;

use zeroize::Zeroizing;

use super::kind::SecretKind;

/// Channels, states and products: somebody may have named an account so.
const WORDS: [&str; 18] = [
    "approved",
    "authy",
    "call",
    "canceled",
    "deleted",
    "email",
    "expired",
    "failed",
    "pending",
    "push",
    "queued",
    "totp",
    "twilio",
    "unverified",
    "verified",
    "verify",
    "voice",
    "whatsapp",
];

/// Shorter cookies are switches and versions.
const LONG_COOKIE: usize = 8;

/// A value and what it is. It is never printed.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) kind: SecretKind,
    pub(super) text: Zeroizing<String>,
    /// Whether it was given: then it is meant wherever it stands, also within words.
    pub(super) known: bool,
}

impl Value {
    pub(super) fn new(kind: SecretKind, text: &str) -> Self {
        Self { kind, text: Zeroizing::new(text.to_owned()), known: false }
    }

    /// Whether it is replaced wherever it occurs. Other values are replaced only where they were found, for they occur
    /// in other words, or are words of the provider's own.
    pub(super) fn is_everywhere(&self) -> bool {
        let text = self.text.as_str();
        let word = match self.kind {
            // Any word may be somebody's name, a state of a cookie, or a password that is the name of its own field.
            SecretKind::Name => {
                WORDS.contains(&text.to_lowercase().as_str())
                    || text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            }
            SecretKind::Cookie => {
                text.len() < LONG_COOKIE || text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            }
            SecretKind::Credential | SecretKind::Added => super::names::is_named(&super::names::plain(text)),
            _ => false,
        };
        self.known || text.len() >= super::SHORTEST_KNOWN && !word
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.kind)
    }
}
