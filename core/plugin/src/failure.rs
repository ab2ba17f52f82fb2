//! Failures: one closed taxonomy for every provider.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::step::LogLine;

/// Why an operation did not come to an outcome.
///
/// A wrong code is *not* a failure but an outcome. Each failure carries two texts that must not
/// be mixed: `operator` names what to do in the provider's words, `person` is short and reveals
/// nothing. Neither may contain a code, a full phone number or a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong, in the engine's words.
    pub kind: FailureKind,
    /// The provider's own error code, for example `60203`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
    /// Whether a message may have reached the person all the same.
    #[serde(default)]
    pub delivered: Delivered,
    /// Whether and when trying again makes sense.
    #[serde(default)]
    pub retry: Retry,
    /// For the operator: what happened, where, and the remedy.
    pub operator: String,
    /// For the person at the login form.
    pub person: String,
}

/// The closed list of reasons. A host that reads a kind it does not know treats it as
/// [`FailureKind::PluginFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The number or address is not one.
    InvalidRecipient,
    /// The number or address exists, but this channel cannot reach it.
    UnreachableRecipient,
    /// Fraud control or a country rule refused.
    Blocked,
    /// Too many requests; see [`Retry`].
    RateLimited,
    /// The provider's own limit of guesses or sends for this challenge is used up.
    TooManyAttempts,
    /// The challenge has expired or the provider does not know it (any more): ask for a new code.
    Expired,
    /// The provider does not accept the credentials.
    BadCredentials,
    /// The credentials work, but a setting here or at the provider is wrong.
    Misconfigured,
    /// This provider does not offer the operation, channel or mode.
    Unsupported,
    /// The provider could not be reached or is out of order.
    Unavailable,
    /// The provider answered something that cannot be understood.
    MalformedReply,
    /// The plugin broke the contract: a panic, a foreign await, a deadline, a crash.
    #[serde(other)]
    PluginFault,
}

/// Whether a message may have been delivered in spite of the failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// Certainly not.
    No,
    /// Nobody can tell; the engine then treats the code as live.
    #[default]
    Maybe,
}

/// Whether to try again. Only the engine retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not without a change of input or settings.
    #[default]
    Never,
    /// After this many seconds.
    After {
        /// Seconds from the moment of the failure.
        seconds: u64,
    },
    /// At once, with another provider or channel.
    AnotherProvider,
}

impl Failure {
    /// A failure with the standard text for the person, nothing delivered, no retry.
    pub fn new(kind: FailureKind, operator: impl Into<String>) -> Self {
        Self {
            kind,
            provider_code: None,
            delivered: Delivered::No,
            retry: Retry::Never,
            operator: operator.into(),
            person: kind.person_text().to_owned(),
        }
    }

    /// The default body of every operation that a provider does not offer.
    pub fn unsupported(operation: &str) -> Self {
        Self::new(FailureKind::Unsupported, format!("this provider does not offer the operation `{operation}`"))
    }

    /// Adds the provider's own error code.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.provider_code = Some(code.into());
        self
    }

    /// Says whether a message may have been delivered all the same.
    pub fn delivered(mut self, delivered: Delivered) -> Self {
        self.delivered = delivered;
        self
    }

    /// Says whether trying again makes sense.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Replaces the text for the person.
    pub fn person(mut self, text: impl Into<String>) -> Self {
        self.person = text.into();
        self
    }
}

impl fmt::Display for Failure {
    /// The operator's text, with the provider's code where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provider_code {
            Some(code) => write!(f, "{} (provider code {code})", self.operator),
            None => f.write_str(&self.operator),
        }
    }
}

impl std::error::Error for Failure {}

impl FailureKind {
    /// The standard text for the person. It tells what to do next and nothing about the site.
    pub const fn person_text(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "That number cannot be used. Please check it.",
            Self::UnreachableRecipient => "That number cannot be reached this way. Please try another method.",
            Self::Blocked => "A code cannot be sent to that number. Please try another method.",
            Self::RateLimited => "Too many requests. Please wait a moment and try again.",
            Self::TooManyAttempts => "Too many attempts. Please ask for a new code later.",
            Self::Expired => "That code is no longer valid. Please ask for a new one.",
            Self::BadCredentials | Self::Misconfigured | Self::Unsupported | Self::PluginFault => {
                "This method does not work at the moment. Please tell your administrator."
            }
            Self::Unavailable | Self::MalformedReply => {
                "The service cannot be reached at the moment. Please try again or use another method."
            }
        }
    }

    /// The name as it stands in JSON, for example `rate_limited`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "invalid_recipient",
            Self::UnreachableRecipient => "unreachable_recipient",
            Self::Blocked => "blocked",
            Self::RateLimited => "rate_limited",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Expired => "expired",
            Self::BadCredentials => "bad_credentials",
            Self::Misconfigured => "misconfigured",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
            Self::MalformedReply => "malformed_reply",
            Self::PluginFault => "plugin_fault",
        }
    }
}

/// The plugin (or its caller) broke the contract of the binary interface. It is what an entry
/// of [`PluginV1`](crate::abi::PluginV1) returns as its error, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// What was broken.
    pub kind: FaultKind,
    /// One lower-case line: what, where, and what to do.
    pub message: String,
    /// What the operation had written into the host's log before it came to that. Hosts that do
    /// not know the field leave it out of their log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// `open` was given settings that the provider does not accept.
    BadSettings,
    /// The instance is closed or was never opened.
    StaleInstance,
    /// The operation has ended or was never begun.
    StaleHandle,
    /// The operation is being resumed by another thread.
    BusyHandle,
    /// The operation could not be read.
    BadCall,
    /// The reply could not be read, or names a step that is not waiting for one.
    BadReply,
    /// The provider panicked; the message and place are in the text.
    Panicked,
    /// The provider awaited something that is not a step of the host.
    ForeignAwait,
    /// Something is larger than the contract allows.
    TooLarge,
    /// A kind of fault that this host does not know.
    #[serde(other)]
    Unknown,
}

impl Fault {
    /// A fault with its message.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), logs: Vec::new() }
    }

    /// Adds what was logged before.
    #[must_use]
    pub fn logs(mut self, logs: Vec<LogLine>) -> Self {
        self.logs = logs;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Failure {
    /// A fault in the middle of an operation: nobody can tell what was delivered.
    fn from(fault: Fault) -> Self {
        let kind = match fault.kind {
            FaultKind::BadSettings => FailureKind::Misconfigured,
            _ => FailureKind::PluginFault,
        };
        Self::new(kind, fault.message).delivered(Delivered::Maybe)
    }
}
