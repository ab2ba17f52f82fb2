//! Enrollment: how a number or a device becomes a factor, and how it ceases to be one.

mod device;
mod error;
mod phone;
mod remove;
#[cfg(test)]
mod tests;

use std::time::Duration;

use countersign_plugin::{Failure, Setup, Timestamp};

use crate::account::UserError;
use crate::store::{Authority, ChallengeId, EnrollmentBegun, EnrollmentId, Factor};

pub(crate) use device::{begin as begin_device, confirm as confirm_device};
pub use error::EnrollError;
pub(crate) use phone::{begin as begin_phone, begin_other, change_number};
use remove::remove_from;
pub(crate) use remove::{change_mailbox, forget, remove};

/// How long an approval may be used to enroll or remove a factor.
pub const APPROVAL_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Who enrolls or removes a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor<'a> {
    /// The person, in a session of the host's. As soon as they have a factor, they need a fresh
    /// approval: a challenge of their own, of purpose login, passed at most
    /// [`APPROVAL_LIFETIME`] ago by a factor that is still there. It serves one change. Who had a
    /// factor and has none needs an administrator; see
    /// [`remove_factor`](crate::engine::Engine::remove_factor).
    Person {
        /// The passed challenge.
        approval: Option<&'a ChallengeId>,
    },
    /// An administrator, who has made sure who the person is. The host answers for it.
    Administrator,
}

impl Actor<'_> {
    pub(crate) fn authority(self, now: Timestamp) -> Authority {
        match self {
            Self::Person { approval: None } => Authority::Nobody,
            Self::Person { approval: Some(challenge) } => {
                let lifetime = u64::try_from(APPROVAL_LIFETIME.as_millis()).unwrap_or(0);
                let not_before = Timestamp::from_millis(now.as_millis().saturating_sub(lifetime));
                Authority::Approval { challenge: challenge.clone(), not_before }
            }
            Self::Administrator => Authority::Administrator,
        }
    }
}

/// A phone number to prove.
#[derive(Clone, Copy, Debug)]
pub struct BeginPhone<'a> {
    /// The user's name, in any spelling.
    pub user: &'a str,
    /// The number, as the person writes it.
    pub number: &'a str,
    /// The method by which the first code is sent (a service that reaches phones).
    pub method: &'a str,
    /// BCP 47 tag of the language to speak; `None` takes the user's own.
    pub locale: Option<&'a str>,
    /// Who does it.
    pub actor: Actor<'a>,
}

/// A factor to enroll that is no phone number.
#[derive(Clone, Copy, Debug)]
pub struct BeginFactor<'a> {
    /// The user's name, in any spelling.
    pub user: &'a str,
    /// The method (a service's name).
    pub method: &'a str,
    /// BCP 47 tag of the language to speak; `None` takes the user's own.
    pub locale: Option<&'a str>,
    /// Who does it.
    pub actor: Actor<'a>,
}

/// A device enrollment that waits for its first code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Enrolling {
    /// Its id.
    pub enrollment: EnrollmentId,
    /// What the person needs to set up the device. It holds the secret: show it once, to nobody
    /// else, and do not store it.
    pub setup: Setup,
    /// Fewest and most digits of the first code.
    pub code_digits: [u8; 2],
    /// The moment from which the first code comes too late, and the secret is deleted.
    pub expires: Timestamp,
}

/// Answer of a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Removed {
    /// Providers that could not be made to forget the person, each with its failure. The factor
    /// is gone here all the same.
    pub left_at: Vec<(String, Failure)>,
}

impl Removed {
    /// For where nobody is told otherwise.
    fn log(&self) {
        for (provider, failure) in &self.left_at {
            tracing::warn!(provider, kind = failure.kind.name(), "a provider still holds something: {failure}");
        }
    }
}

/// Whether the store let an enrollment begin.
fn allowed(begun: EnrollmentBegun, factor: &Factor) -> Result<(), EnrollError> {
    match begun {
        EnrollmentBegun::Begun => Ok(()),
        EnrollmentBegun::AlreadyEnrolled => Err(EnrollError::AlreadyEnrolled { factor: factor.clone() }),
        EnrollmentBegun::NoUser => Err(UserError::Gone.into()),
        EnrollmentBegun::NeedsApproval => Err(EnrollError::NeedsApproval),
        EnrollmentBegun::NeedsAdministrator => Err(EnrollError::NeedsAdministrator),
        EnrollmentBegun::ApprovalRefused => Err(EnrollError::ApprovalRefused),
    }
}
