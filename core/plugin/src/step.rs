//! The conversation between plugin and host, as it crosses the binary interface.
//!
//! Host: [`Call`] → plugin: [`Answer`] with steps → host performs each, sends a [`StepReply`]
//! → [`Answer`] … until a step is [`Action::Done`]. The very same bytes travel to a worker.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bytes::Bytes;
use crate::failure::Failure;
use crate::http::{Reply, Request, TransportFailure};
use crate::line::one_line;
use crate::operation::{Data, Operation};
use crate::secret::SecretRef;
use crate::time::Timestamp;

/// What the host passes to `begin`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Call {
    /// The host's clock.
    pub now: Timestamp,
    /// What to do.
    pub operation: Operation,
}

impl Call {
    /// An operation at this time.
    pub const fn new(now: Timestamp, operation: Operation) -> Self {
        Self { now, operation }
    }
}

/// What `begin` and `resume` return.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The operation's handle; only in the answer of `begin`. Never 0, never used again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handle: u64,
    /// What the host is to do. Empty only while replies to earlier steps are outstanding.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What the plugin wants to see in the host's log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

impl Answer {
    /// These steps, without log lines; `handle` is 0 in all answers but that of `begin`.
    pub const fn new(handle: u64, steps: Vec<Step>) -> Self {
        Self { handle, steps, logs: Vec::new() }
    }
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// Names the step within its operation; counts from 1.
    pub id: u64,
    /// What to do.
    #[serde(rename = "do")]
    pub action: Action,
}

impl Step {
    /// The step of that number.
    pub const fn new(id: u64, action: Action) -> Self {
        Self { id, action }
    }
}

/// What a plugin may ask of a host. A host that reads a kind it does not know ends the
/// operation with an error that names the kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Perform this HTTP request. Answered by [`Event::Http`] or [`Event::Transport`].
    Http(Request),
    /// Give so many random bytes (1 to [`limits::RANDOM_BYTES`](crate::limits::RANDOM_BYTES)).
    /// Answered by [`Event::Random`].
    Random {
        /// How many.
        bytes: u32,
    },
    /// Store this before the operation goes on. Answered by [`Event::Kept`].
    Keep {
        /// Where it belongs.
        scope: Scope,
        /// What replaces the data there.
        data: Data,
    },
    /// Compute an HMAC under a secret setting. Answered by [`Event::Hmac`].
    Hmac {
        /// The key.
        secret: SecretRef,
        /// The hash function.
        algorithm: HmacAlgorithm,
        /// The message.
        message: Bytes,
    },
    /// The operation is over. Always the last step; it is not answered.
    Done(Done),
}

/// Names of step kinds, as the host lists what it can do.
pub const STEP_KINDS: [&str; 5] = ["http", "random", "keep", "hmac", "done"];

/// How an operation ends.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Done {
    /// The outcome of the operation, of the type that belongs to it.
    Outcome(Value),
    /// No outcome.
    Failure(Failure),
}

impl fmt::Debug for Done {
    /// No outcome: that of `enroll` holds the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(_) => f.write_str("Outcome(…)"),
            Self::Failure(failure) => f.debug_tuple("Failure").field(failure).finish(),
        }
    }
}

/// What `keep` replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The data of the delivery under way.
    Delivery,
    /// This provider's data on the enrollment.
    Enrollment,
}

/// Hash functions for [`Action::Hmac`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HmacAlgorithm {
    /// HMAC-SHA-1 (RFC 2104), as `X-Twilio-Signature` uses it.
    Sha1,
    /// HMAC-SHA-256 (RFC 2104).
    Sha256,
}

/// A line for the host's log. Codes, seeds, numbers and credentials do not belong here; the
/// host also masks those that it knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// How important.
    pub level: Level,
    /// One line.
    pub text: String,
}

impl LogLine {
    /// One line out of any text: cut at [`limits::LOG_LINE_BYTES`](crate::limits::LOG_LINE_BYTES)
    /// with a mark, control characters (CR, LF, ESC, …) shown by their escapes.
    pub fn new(level: Level, text: &str) -> Self {
        Self { level, text: one_line(text) }
    }
}

/// Level of a [`LogLine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the usual four")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// What the host passes to `resume`: the reply to one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepReply {
    /// Which step is answered.
    pub id: u64,
    /// The host's clock.
    pub now: Timestamp,
    /// What came of it.
    pub got: Event,
}

impl StepReply {
    /// What came of the step of that number.
    pub const fn new(id: u64, now: Timestamp, got: Event) -> Self {
        Self { id, now, got }
    }
}

/// What came of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The HTTP reply, whatever its status.
    Http(Reply),
    /// There is no HTTP reply.
    Transport(TransportFailure),
    /// The random bytes.
    Random(Bytes),
    /// The data is stored.
    Kept,
    /// The MAC.
    Hmac(Bytes),
}

/// What `open` returns.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Opened {
    /// The instance. Never 0, never used again.
    pub instance: u64,
}

impl Opened {
    /// An instance of that number.
    pub const fn new(instance: u64) -> Self {
        Self { instance }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(handle: &u64) -> bool {
    *handle == 0
}

#[cfg(test)]
mod tests;
