//! The policy in words: why a second factor is asked for, and why a method is not offered.

use std::fmt;

use countersign_plugin::Timestamp;

use super::Unusable;
use crate::store::UNTIL_UNLOCKED;

/// Reasons, the decisive one first. For operators: it names users' factors, though never numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation(pub(super) Vec<Reason>);

impl Explanation {
    /// The reasons, the decisive one first.
    pub fn reasons(&self) -> &[Reason] {
        &self.0
    }
}

impl fmt::Display for Explanation {
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, reason) in self.0.iter().enumerate() {
            write!(f, "{}{reason}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The site asks nobody for second factors.
    SwitchedOff,
    /// In this kind of login nobody must pass.
    NobodyMust {
        /// Which.
        login_type: String,
    },
    /// In this kind of login everyone must pass.
    EveryoneMust {
        /// Which.
        login_type: String,
    },
    /// In this kind of login flagged users must pass, and this user is flagged.
    BoxTicked {
        /// Which.
        login_type: String,
    },
    /// In this kind of login flagged users must pass, and this user is not flagged.
    BoxNotTicked {
        /// Which.
        login_type: String,
    },
    /// The user has no factor.
    NothingRegistered,
    /// The user had a factor, or is being given one: an administrator must enroll it, or let the
    /// user register again by removing it.
    LeftToAdministrators,
    /// The user has factors, and none of them can be used.
    NoMethodWorks,
    /// A method is not offered.
    NotOffered {
        /// Which.
        method: String,
        /// Why.
        because: Unusable,
    },
    /// A method that the user does not have may be registered by an administrator only.
    RegistrationClosed {
        /// Which.
        method: String,
    },
    /// The user has guessed too often.
    GuessLocked {
        /// Until when; [`UNTIL_UNLOCKED`] where only an unlock ends it.
        until: Timestamp,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchedOff => f.write_str("two_factor.enabled is false: second factors are not asked for"),
            Self::NobodyMust { login_type } => {
                write!(f, "two_factor.login_types.{login_type} is nobody: nobody must pass a second factor")
            }
            Self::EveryoneMust { login_type } => {
                write!(f, "two_factor.login_types.{login_type} is everyone: everyone must pass a second factor")
            }
            Self::BoxTicked { login_type } => write!(
                f,
                "two_factor.login_types.{login_type} is flagged-users, and the user's box \"Two Factor Auth. Required\" is ticked"
            ),
            Self::BoxNotTicked { login_type } => write!(
                f,
                "two_factor.login_types.{login_type} is flagged-users, and the user's box \"Two Factor Auth. Required\" is not ticked"
            ),
            Self::NothingRegistered => f.write_str("the user has no second factor yet, and must register one"),
            Self::LeftToAdministrators => f.write_str(
                "the user had a second factor, or an administrator is enrolling one: only an administrator may enroll \
                 it, or remove it and so let the user register again",
            ),
            Self::NoMethodWorks => {
                f.write_str("the user has a second factor, but no method that works: an administrator must help")
            }
            Self::NotOffered { method, because } => write!(f, "{method} is not offered: {because}"),
            Self::RegistrationClosed { method } => write!(
                f,
                "{method} cannot be registered by the user: two_factor.registration leaves it to an administrator"
            ),
            Self::GuessLocked { until } if *until >= UNTIL_UNLOCKED => {
                f.write_str("the user has typed too many wrong codes, and is locked until an administrator's unlock")
            }
            Self::GuessLocked { until } => {
                write!(f, "the user has typed too many wrong codes, and is locked until {until}")
            }
        }
    }
}
