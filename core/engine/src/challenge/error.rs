//! Why a challenge cannot be started or judged.

use countersign_plugin::{Failure, Timestamp};

use crate::account::UserError;
use crate::clock::NoRandomness;
use crate::policy::{UnlistedLogin, Unusable};
use crate::store::{StoreError, UNTIL_UNLOCKED};

/// How a guess lock ends.
fn lock_end(until: Timestamp) -> String {
    if until >= UNTIL_UNLOCKED {
        "by an administrator's unlock only".to_owned()
    } else {
        format!("at {until}, or by an administrator's unlock")
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Too soon after the last send to this recipient.
    #[error("something was sent to this recipient a moment ago; the cool-down ends at {until}")]
    CoolDown {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// Too many sends to this recipient. Methods that send nothing still work.
    #[error("too much was sent to this recipient; the send lock ends at {until}")]
    SendLocked {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// The user typed too many wrong codes; all methods are locked.
    #[error("the user typed too many wrong codes; the lock ends {}", lock_end(*until))]
    GuessLocked {
        /// When it may be tried again; [`UNTIL_UNLOCKED`] where that takes an administrator's unlock.
        until: Timestamp,
    },
    /// The challenge has had all its sends.
    #[error("this challenge has had all the sends that limits.sends_per_challenge allows; start another one")]
    NoSendsLeft,
    /// Another challenge of this recipient is live at the provider, which would hand out the
    /// same code for both, and it could not be canceled there.
    #[error("another code for this recipient is live at the provider and cannot be canceled; it ends at {until}")]
    TryAgainAt {
        /// When the other one ends.
        until: Timestamp,
    },
    /// The challenge is over.
    #[error("this challenge is over; start another one")]
    Over,
    /// The provider (and, where that made sense, each fallback) failed, and nothing was sent.
    #[error("{}service `{service}` failed: {failure}", told(before))]
    Failed {
        /// The service that failed last.
        service: String,
        /// How.
        failure: Box<Failure>,
        /// Those that failed before it, in order: the method, and the fallbacks in between.
        before: Vec<(String, Failure)>,
    },
}

fn told(before: &[(String, Failure)]) -> String {
    before.iter().map(|(service, failure)| format!("service `{service}` failed: {failure}; then ")).collect()
}

impl NotSent {
    /// What the person is told.
    pub fn person(&self) -> &str {
        match self {
            Self::CoolDown { .. } => "A code was sent a moment ago. Please wait before asking for another one.",
            Self::SendLocked { .. } | Self::NoSendsLeft => {
                "Too many codes were sent. Please wait, or use another method."
            }
            Self::GuessLocked { until } => super::verdict::locked(*until),
            Self::TryAgainAt { .. } => "An earlier code is still valid. Please use it, or try again later.",
            Self::Over => "That request is over. Please start again.",
            Self::Failed { failure, .. } => &failure.person,
        }
    }

    /// When it may be tried again, where that is known.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::GuessLocked { until } if *until >= UNTIL_UNLOCKED => None,
            Self::CoolDown { until }
            | Self::SendLocked { until }
            | Self::GuessLocked { until }
            | Self::TryAgainAt { until } => Some(*until),
            Self::NoSendsLeft | Self::Over | Self::Failed { .. } => None,
        }
    }
}

/// Why a challenge was not started, or nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The kind of login.
    #[error(transparent)]
    Login(#[from] UnlistedLogin),
    /// The user has no factor: see [`Assessment::Register`](crate::policy::Assessment::Register).
    #[error("the user has no second factor yet; register one first")]
    NothingRegistered,
    /// The user has factors, and no method that works with them.
    #[error("the user has a second factor, but no method works with it; ask for an assessment to see why")]
    NoMethodWorks,
    /// There is no such service.
    #[error("there is no method `{asked}`; the bootstrap has {}", known.join(", "))]
    UnknownMethod {
        /// What was asked for.
        asked: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The method cannot be used by this user.
    #[error("method `{method}` cannot be used: {because}")]
    Unusable {
        /// Which.
        method: String,
        /// Why.
        because: Unusable,
    },
    /// There is no such challenge.
    #[error("there is no such challenge; start one")]
    UnknownChallenge,
    /// The service is no longer in the bootstrap.
    #[error("service `{service}`, which this challenge used, is no longer in the bootstrap; name another method")]
    ServiceGone {
        /// Which.
        service: String,
    },
    /// Nothing was sent.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl StartError {
    /// What the person is told. It is the same for users known and unknown; the error itself is
    /// for the host, which must not show it.
    pub fn person(&self) -> &str {
        match self {
            Self::NotSent(why) => why.person(),
            Self::UnknownChallenge | Self::ServiceGone { .. } => "That request is over. Please start again.",
            Self::Store(_) | Self::NoRandomness(_) => UNUSABLE,
            Self::User(_)
            | Self::Login(_)
            | Self::NothingRegistered
            | Self::NoMethodWorks
            | Self::UnknownMethod { .. }
            | Self::Unusable { .. } => "That method cannot be used. Please try another one.",
        }
    }
}

/// Why a code was not judged. None of these is an approval.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such challenge, or it is for another purpose: one that proves a number can
    /// never pass a login.
    #[error("there is no such challenge for this purpose; start one")]
    UnknownChallenge,
    /// Nothing was typed. It does not count as an attempt.
    #[error("no code was typed; nothing was counted")]
    Empty,
    /// The channel has no codes: the person approves in another way.
    #[error("service `{service}` has no codes; poll the challenge instead")]
    HasNoCode {
        /// The service.
        service: String,
    },
    /// The channel has codes: only the code approves.
    #[error("service `{service}` has codes; only the right code approves, so there is nothing to poll")]
    HasCode {
        /// The service.
        service: String,
    },
    /// The service is no longer in the bootstrap, or has another provider, channel or account there.
    #[error("service `{service}`, as this challenge used it, is no longer in the bootstrap; start another challenge")]
    ServiceGone {
        /// Which.
        service: String,
    },
    /// The store failed. Whatever the provider said, the answer is no; a code that it accepted
    /// is used up, and the person needs a new one.
    #[error("nothing was approved, because the store failed: {0}")]
    Store(#[from] StoreError),
}

impl CheckError {
    /// What the person is told.
    pub const fn person(&self) -> &'static str {
        match self {
            Self::Empty => "Please type the code.",
            Self::UnknownChallenge | Self::ServiceGone { .. } => "That request is over. Please start again.",
            Self::HasNoCode { .. } => "No code is needed. Please approve the request on your device.",
            Self::HasCode { .. } => "Please type the code.",
            Self::Store(_) => UNUSABLE,
        }
    }
}

/// For faults that are nobody's business but the operator's.
pub(crate) const UNUSABLE: &str = "This does not work at the moment. Please try again or tell your administrator.";
