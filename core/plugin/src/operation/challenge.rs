//! `start`, `check`, `cancel` and `status`: one challenge on its way.

use serde::{Deserialize, Serialize};

use crate::operation::{Data, Person, Purpose, Recipient, optional};
use crate::secret::Code;

/// Input of `start`: send a code, or ask for an approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartChallenge {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where to send; absent for channels without a destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// The code to deliver, where the engine makes the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Who is asked.
    #[serde(default)]
    pub person: Person,
    /// The provider's data on the enrollment, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
}

impl StartChallenge {
    /// A challenge without destination, whose code the engine does not make.
    pub fn new(channel: impl Into<String>, purpose: Purpose) -> Self {
        Self {
            channel: channel.into(),
            mode: None,
            purpose,
            recipient: None,
            code: None,
            person: Person::default(),
            enrollment: None,
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Who is asked.
    #[must_use]
    pub fn person(mut self, person: Person) -> Self {
        self.person = person;
        self
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
        /// Where to send.
        #[must_use]
        recipient: Recipient;
        /// The code to deliver.
        #[must_use]
        code: Code;
        /// The provider's data on the enrollment.
        #[must_use]
        enrollment: Data;
    }
}

/// Outcome of `start`: the provider took the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Started {
    /// What the plugin needs to check, cancel or ask about this delivery (a sid, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
    /// New data for the enrollment, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
    /// How long the provider honours the code, in seconds, where it tells. The engine never
    /// waits longer than its own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// Something that the person must do other than wait for the code, for example open an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

impl Started {
    /// The provider took the order, and there is nothing to remember of it.
    pub fn new() -> Self {
        Self::default()
    }

    optional! {
        /// What the plugin needs to check, cancel or ask about this delivery.
        delivery: Data;
        /// New data for the enrollment.
        enrollment: Data;
        /// How long the provider honours the code, in seconds.
        expires_in_seconds: u32;
        /// Something that the person must do other than wait for the code.
        instruction: String;
    }
}

/// Input of `check`: is this the code?
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckCode {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where the code was sent; a reply about anybody else must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// What the person typed.
    pub code: Code,
    /// The provider's data on the enrollment, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

impl CheckCode {
    /// A code for a challenge without destination, of which nothing is remembered.
    pub fn new(channel: impl Into<String>, purpose: Purpose, code: Code) -> Self {
        Self { channel: channel.into(), mode: None, purpose, recipient: None, code, enrollment: None, delivery: None }
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
        /// Where the code was sent.
        #[must_use]
        recipient: Recipient;
        /// The provider's data on the enrollment.
        #[must_use]
        enrollment: Data;
        /// What `start` remembered of this delivery.
        #[must_use]
        delivery: Data;
    }
}

/// Outcome of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Checked {
    /// It is the right code. The engine still has to accept it.
    #[non_exhaustive]
    Approved {
        /// The time step of the code (RFC 6238 §4.2), so that the engine can consume it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted_step: Option<u64>,
    },
    /// It is not.
    WrongCode,
}

impl Checked {
    /// It is the right code.
    pub const fn approved() -> Self {
        Self::Approved { accepted_step: None }
    }

    /// It is the code of this time step (RFC 6238 §4.2).
    pub const fn approved_by_step(step: u64) -> Self {
        Self::Approved { accepted_step: Some(step) }
    }
}

/// Input of `cancel`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CancelChallenge {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

impl CancelChallenge {
    /// A delivery of which nothing is remembered.
    pub fn new(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), mode: None, delivery: None }
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
        /// What `start` remembered of this delivery.
        #[must_use]
        delivery: Data;
    }
}

/// Outcome of `cancel`: in both cases the code is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Canceled {
    /// The provider canceled it now.
    Canceled,
    /// It was over already: expired, used, canceled or unknown.
    AlreadyOver,
}

/// Input of `status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AskStatus {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Where it was sent; a reply about anybody else must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

impl AskStatus {
    /// A delivery without destination, of which nothing is remembered.
    pub fn new(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), mode: None, recipient: None, delivery: None }
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
        /// Where it was sent.
        #[must_use]
        recipient: Recipient;
        /// What `start` remembered of this delivery.
        #[must_use]
        delivery: Data;
    }
}

/// Outcome of `status`. `Approved` counts only for channels whose code nobody makes; for all
/// others only `check` approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Status {
    /// The provider is still waiting for the person.
    Pending,
    /// The person said yes.
    Approved,
    /// The person said no.
    Denied,
    /// Too late.
    Expired,
    /// Taken back.
    Canceled,
    /// The message could not be delivered.
    Undelivered,
}
