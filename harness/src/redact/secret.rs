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

/// A value and what it is. It is never printed.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) kind: SecretKind,
    pub(super) text: Zeroizing<String>,
}

impl Value {
    pub(super) fn new(kind: SecretKind, text: &str) -> Self {
        Self { kind, text: Zeroizing::new(text.to_owned()) }
    }

    /// Whether it is replaced wherever it occurs. Other values are replaced only where they were found, for they occur
    /// in other words, or are words of the provider's own.
    pub(super) fn is_everywhere(&self) -> bool {
        let word = self.kind == SecretKind::Name && WORDS.contains(&self.text.to_lowercase().as_str());
        self.text.len() >= super::SHORTEST_KNOWN && !word
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.kind)
    }
}
