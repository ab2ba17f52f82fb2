//! Answers to "is this the code?".

use countersign_plugin::{Failure, Purpose, Timestamp};

use crate::store::UNTIL_UNLOCKED;

/// The answer about a code. Everything but [`Verdict::Approved`] means no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Yes. It is said once per challenge.
    Approved(Passed),
    /// Not the code.
    WrongCode {
        /// Attempts left on this challenge. With 0 it is over, and the person needs a new one.
        attempts_left: u32,
    },
    /// Too many wrong codes: no code of this user is judged before then, on any channel.
    Locked {
        /// The end of the lock; [`UNTIL_UNLOCKED`] where only an administrator's unlock ends it.
        until: Timestamp,
    },
    /// This challenge cannot be passed (any more): too old, canceled, passed already, out of
    /// attempts, or its code is dead at the provider. The person asks for a new code, or starts again
    /// with the next one of their device.
    Expired,
    /// The right code, but it was accepted before.
    Replayed,
    /// The person said no, on a channel where they can.
    Denied,
    /// Nobody could tell: the provider did not judge the code.
    Unavailable {
        /// Which service failed.
        service: String,
        /// How, with texts for operator and person.
        failure: Box<Failure>,
        /// Attempts left on this challenge. The attempt was given back only if provably nothing
        /// reached the provider.
        attempts_left: u32,
    },
}

/// What was passed. A host compares it with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The user's name, in its one spelling.
    pub user: String,
    /// What for.
    pub purpose: Purpose,
    /// The kind of login; `None` for an enrollment.
    pub login_type: Option<String>,
    /// The service.
    pub service: String,
    /// Its channel.
    pub channel: String,
}

/// How a challenge without code stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// The person has not answered yet.
    Waiting,
    /// There is a verdict. After [`Verdict::Locked`] and [`Verdict::Unavailable`] the challenge may go on: it can be
    /// asked for again, until its end. Every other verdict is the last one.
    Over(Verdict),
}

/// Answer of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Cancellation {
    /// It is canceled now.
    Canceled,
    /// It was over before.
    AlreadyOver,
}

/// What a locked person is told.
pub(super) fn locked(until: Timestamp) -> &'static str {
    if until >= UNTIL_UNLOCKED {
        "Too many wrong codes. Please ask your administrator to unlock you."
    } else {
        "Too many wrong codes. Please wait and try again later."
    }
}

impl Verdict {
    /// What the person is told whose code was sent; see [`person_with_device`](Self::person_with_device).
    pub fn person(&self) -> &str {
        match self {
            Self::Approved(_) => "Thank you.",
            Self::WrongCode { attempts_left: 0 } => "That is not the code. Please ask for a new one.",
            Self::WrongCode { .. } => "That is not the code. Please try again.",
            Self::Locked { until } => locked(*until),
            Self::Expired => "That code is no longer valid. Please ask for a new one.",
            Self::Replayed => "That code was used before. Please wait for the next one.",
            Self::Denied => "The request was declined.",
            Self::Unavailable { failure, .. } => &failure.person,
        }
    }

    /// What the person is told whose code comes from a device of theirs: nobody can be asked for a new one there.
    pub fn person_with_device(&self) -> &str {
        match self {
            Self::WrongCode { attempts_left: 0 } => {
                "That is not the code. Please start again, with the next code that your app shows."
            }
            Self::Expired => "That took too long. Please start again, with the next code that your app shows.",
            other => other.person(),
        }
    }

    /// A name for programs: `approved`, `wrong_code`, `locked`, `expired`, `replayed`, `denied`,
    /// `unavailable`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved(_) => "approved",
            Self::WrongCode { .. } => "wrong_code",
            Self::Locked { .. } => "locked",
            Self::Expired => "expired",
            Self::Replayed => "replayed",
            Self::Denied => "denied",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
