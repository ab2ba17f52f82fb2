//! The life of a challenge: one lifecycle over every channel, whoever makes and checks the code.
//!
//! Everything is written down before anything is sent. An attempt is committed before anybody
//! looks at the code. The only way to yes is the store's one conditional write.

mod check;
mod close;
mod error;
mod keep;
mod poll;
mod prepare;
mod send;
mod start;
#[cfg(test)]
mod tests;
mod verdict;

use countersign_plugin::{Failure, Timestamp};

use crate::store::ChallengeId;

pub use crate::code::typed_digits;
pub(crate) use check::{Counted, check, judge_wrong, not_judged, proof, provably_not_judged};
pub(crate) use close::{cancel, kill};
pub(crate) use error::UNUSABLE;
pub use error::{CheckError, NotSent, StartError};
pub(crate) use poll::poll;
pub(crate) use send::{Order, SendError, Slot, deliver};
pub(crate) use start::{resend, start};
pub use verdict::{Cancellation, Passed, Progress, Verdict};

/// A login to start.
#[derive(Clone, Copy, Debug)]
pub struct StartLogin<'a> {
    /// The user's name, in any spelling.
    pub user: &'a str,
    /// The kind of login, as the bootstrap lists it.
    pub login_type: &'a str,
    /// The method (a service's name); `None` takes the first that works.
    pub method: Option<&'a str>,
    /// BCP 47 tag of the language to speak; `None` takes the user's own.
    pub locale: Option<&'a str>,
}

/// A code to be sent again, possibly by another method.
#[derive(Clone, Copy, Debug)]
pub struct Resend<'a> {
    /// The challenge.
    pub challenge: &'a ChallengeId,
    /// The method (a service's name); `None` takes the one that was used last.
    pub method: Option<&'a str>,
    /// BCP 47 tag of the language to speak; `None` takes the user's own.
    pub locale: Option<&'a str>,
}

/// A challenge that waits for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Started {
    /// Its id; the host keeps it with the login under way.
    pub challenge: ChallengeId,
    /// The method that was asked for.
    pub method: String,
    /// The service that was really used: the method, or one of its fallbacks.
    pub service: String,
    /// Whether the service is a fallback. The person must then be told which channel was used.
    pub fallback: bool,
    /// The channel that was really used.
    pub channel: String,
    /// Where the code went, masked: `•••• 06`. `None` where it comes from the person's device or
    /// nothing is sent.
    pub recipient: Option<String>,
    /// Fewest and most digits of the code to type; `None` where there is no code: ask with
    /// [`Engine::poll`](crate::engine::Engine::poll) whether the person has approved.
    pub code_digits: Option<[u8; 2]>,
    /// How many digits the code has by the present configuration, where that is known: for telling, not for refusing
    /// others, as a device may have been enrolled under an earlier one.
    pub configured_digits: Option<u8>,
    /// Something that the person must do other than wait for the code, in the provider's words.
    pub instruction: Option<String>,
    /// The moment from which the code is no longer accepted.
    pub expires: Timestamp,
    /// The earliest moment at which it makes sense to ask for another one; `None` where nothing
    /// is sent.
    pub resend_at: Option<Timestamp>,
    /// The provider failed in a way that leaves open whether it sent the code. The challenge is
    /// live all the same: the person may type the code if it arrives, or ask for another.
    pub unconfirmed: Option<Box<Failure>>,
}
