//! Why a factor cannot be enrolled or removed.

use countersign_plugin::Failure;

use crate::account::UserError;
use crate::challenge::NotSent;
use crate::clock::NoRandomness;
use crate::phone::PhoneError;
use crate::policy::Unusable;
use crate::store::{Factor, StoreError};

/// Why an enrollment was not begun, confirmed or removed.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The number.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// There is no such service.
    #[error("there is no method `{asked}`; the bootstrap has {}", known.join(", "))]
    UnknownMethod {
        /// What was asked for.
        asked: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The method is of another kind.
    #[error("method `{method}` cannot enroll {wanted}; take one that can")]
    WrongMethod {
        /// Which.
        method: String,
        /// What was to be enrolled: `a phone number`, `a device`, `a person`.
        wanted: &'static str,
    },
    /// The site has switched the channel off, or the user lacks what it needs.
    #[error("method `{method}` cannot be used: {because}")]
    Unusable {
        /// Which.
        method: String,
        /// Why.
        because: Unusable,
    },
    /// Only an administrator may enroll this.
    #[error("method `{method}` is left to administrators by two_factor.registration")]
    RegistrationClosed {
        /// Which.
        method: String,
    },
    /// There is an active factor of this kind.
    #[error(
        "the user has a {factor} already; remove it first, or let an administrator change it",
        factor = described(factor)
    )]
    AlreadyEnrolled {
        /// Which.
        factor: Factor,
    },
    /// There is no such factor.
    #[error("the user has no {factor} that could be removed", factor = described(factor))]
    NoSuchFactor {
        /// Which.
        factor: Factor,
    },
    /// It is the last one, and the user must have one.
    #[error("this is the user's last factor, and the site asks the user for one; enroll another first")]
    LastFactor,
    /// The user has a factor, so the person must pass it first.
    #[error("the user has a factor, so enrolling or removing one needs an approval: pass a login challenge first")]
    NeedsApproval,
    /// The user had a factor, or is being given one by an administrator.
    #[error(
        "the user had a factor, or an administrator is enrolling one; let an administrator enroll it, or remove it and so let the user register again"
    )]
    NeedsAdministrator,
    /// The approval is not one.
    #[error(
        "the approval does not count: it must be a login challenge of this user, passed at most 5 minutes ago by a factor that is still there, and not used before"
    )]
    ApprovalRefused,
    /// There is no such pending enrollment of this user: it never was, expired, or was replaced.
    #[error("there is no such enrollment that waits for its first code; begin another one")]
    UnknownEnrollment,
    /// The provider by which the device is being enrolled is no longer in the bootstrap for this
    /// channel.
    #[error(
        "provider `{provider}`, by which this {channel} device is being enrolled, is no longer in the bootstrap; begin another enrollment"
    )]
    ServiceGone {
        /// The provider.
        provider: String,
        /// The channel.
        channel: String,
    },
    /// Nothing was typed. It does not count as an attempt.
    #[error("no code was typed; nothing was counted")]
    Empty,
    /// The number was to be changed: the old one is removed, but the new one is not on its way.
    #[error("the old number is removed, but no code was sent to the new one: {cause}; change the number once more")]
    NumberGone {
        /// Why no code was sent.
        cause: Box<Self>,
    },
    /// The first code was not sent.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The provider did not prepare the device.
    #[error("service `{service}` failed: {failure}")]
    Failed {
        /// Which.
        service: String,
        /// How.
        failure: Box<Failure>,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl EnrollError {
    /// What the person is told.
    pub fn person(&self) -> &str {
        match self {
            Self::Phone(why) => why.person(),
            Self::NotSent(why) => why.person(),
            Self::Failed { failure, .. } => &failure.person,
            Self::Empty => "Please type the code.",
            Self::ServiceGone { .. } => "That request is over. Please start again.",
            Self::UnknownEnrollment => "That took too long. Please start again.",
            Self::AlreadyEnrolled { .. } => "This is registered already. Please ask your administrator to change it.",
            Self::NeedsAdministrator => "Please ask your administrator to register you.",
            Self::NumberGone { cause } => cause.person(),
            Self::LastFactor => "This is your last method. Please register another one first.",
            Self::NeedsApproval | Self::ApprovalRefused => "Please confirm with your second factor first.",
            Self::User(_)
            | Self::UnknownMethod { .. }
            | Self::WrongMethod { .. }
            | Self::Unusable { .. }
            | Self::RegistrationClosed { .. }
            | Self::NoSuchFactor { .. } => "That method cannot be used. Please try another one.",
            Self::Store(_) | Self::NoRandomness(_) => crate::challenge::UNUSABLE,
        }
    }
}

fn described(factor: &Factor) -> String {
    match factor {
        Factor::Phone => "phone number".to_owned(),
        Factor::Device(channel) => format!("{channel} device"),
        Factor::Other(channel) => format!("{channel} enrollment"),
    }
}
