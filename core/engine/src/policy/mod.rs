//! Policy: must this person pass a second factor, and by which methods?
//!
//! Site options × kind of login × the user's box. It is a function of what is known, without
//! store or clock, so that its whole truth table can be tested; and it says why.

mod explain;
mod method;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use countersign_plugin::Timestamp;
use countersign_plugin::manifest::Destination;

use crate::bootstrap::{TwoFactor, WhoMustPass};
use crate::service::Service;
use crate::store::{Enrollment, User};

pub use explain::{Explanation, Reason};
pub use method::{Method, Unusable};
pub(crate) use method::{factor_of, masked, recipient, suits, usable};

/// What a login needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Assessment {
    /// No second factor is asked for.
    NotRequired {
        /// Why.
        why: Explanation,
    },
    /// The person must pass a second factor that they have.
    Verify {
        /// The methods that work, in the bootstrap's order. It may be empty: then the person has
        /// a factor that the site does not offer (any more), and only an administrator can help.
        methods: Vec<Method>,
        /// What more they may register, after passing.
        may_register: Vec<Method>,
        /// Why; also which methods are not offered.
        why: Explanation,
    },
    /// The person must pass a second factor and has none: they must register one first.
    Register {
        /// The methods that may be registered. It may be empty: then only an administrator can
        /// help.
        options: Vec<Method>,
        /// Why.
        why: Explanation,
    },
}

impl Assessment {
    /// Why.
    pub const fn why(&self) -> &Explanation {
        match self {
            Self::NotRequired { why } | Self::Verify { why, .. } | Self::Register { why, .. } => why,
        }
    }
}

/// A kind of login that the bootstrap does not list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the kind of login `{asked}` is not listed; two_factor.login_types has {}; name one of those, or list it there",
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
)]
pub struct UnlistedLogin {
    /// What was asked for.
    pub asked: String,
    /// Those that are listed.
    pub known: Vec<String>,
}

/// Who must pass in this kind of login.
pub(crate) fn who_must_pass(two_factor: &TwoFactor, login_type: &str) -> Result<WhoMustPass, UnlistedLogin> {
    two_factor.login_types.get(login_type).copied().ok_or_else(|| UnlistedLogin {
        asked: login_type.to_owned(),
        known: two_factor.login_types.keys().cloned().collect(),
    })
}

/// What the decision rests on.
pub(crate) struct Situation<'a> {
    pub(crate) two_factor: &'a TwoFactor,
    pub(crate) services: &'a [Arc<Service>],
    pub(crate) login_type: &'a str,
    pub(crate) user: &'a User,
    pub(crate) enrollments: &'a [Enrollment],
    pub(crate) now: Timestamp,
}

impl Situation<'_> {
    /// Decides.
    ///
    /// # Errors
    /// [`UnlistedLogin`], whatever the other options say: a kind of login that nobody thought of
    /// must not be the way around the second factor.
    pub(crate) fn assess(&self) -> Result<Assessment, UnlistedLogin> {
        let who = who_must_pass(self.two_factor, self.login_type)?;
        let login_type = || self.login_type.to_owned();
        let (required, reason) = match who {
            _ if !self.two_factor.enabled => (false, Reason::SwitchedOff),
            WhoMustPass::Nobody => (false, Reason::NobodyMust { login_type: login_type() }),
            WhoMustPass::Everyone => (true, Reason::EveryoneMust { login_type: login_type() }),
            WhoMustPass::FlaggedUsers if self.user.required => (true, Reason::BoxTicked { login_type: login_type() }),
            WhoMustPass::FlaggedUsers => (false, Reason::BoxNotTicked { login_type: login_type() }),
        };
        let mut why = vec![reason];
        if !required {
            return Ok(Assessment::NotRequired { why: Explanation(why) });
        }
        if !self.enrollments.iter().any(|enrollment| enrollment.active) {
            why.push(Reason::NothingRegistered);
            if self.left_to_administrators() {
                why.push(Reason::LeftToAdministrators);
                return Ok(Assessment::Register { options: Vec::new(), why: Explanation(why) });
            }
            let options = self.registrable(&mut why);
            return Ok(Assessment::Register { options, why: Explanation(why) });
        }
        let methods = self.methods(&mut why);
        let may_register = self.registrable(&mut why);
        if let Some(until) = self.user.locked_until.filter(|until| *until > self.now) {
            why.push(Reason::GuessLocked { until });
        }
        Ok(Assessment::Verify { methods, may_register, why: Explanation(why) })
    }

    /// Whether only an administrator may enroll the first factor; the store sees to it.
    fn left_to_administrators(&self) -> bool {
        let by_administrator = |enrollment: &Enrollment| !enrollment.active && enrollment.by_administrator;
        self.user.had_factor || self.enrollments.iter().any(by_administrator)
    }

    fn methods(&self, why: &mut Vec<Reason>) -> Vec<Method> {
        let mut methods = Vec::new();
        for service in self.services {
            match usable(service, self.two_factor, self.user, self.enrollments) {
                Ok(enrollment) => methods.push(Method::of(service, self.user, Some(enrollment))),
                Err(because) => why.push(Reason::NotOffered { method: service.name.clone(), because }),
            }
        }
        if methods.is_empty() {
            why.push(Reason::NoMethodWorks);
        }
        methods
    }

    /// What the person may register themselves and has not.
    fn registrable(&self, why: &mut Vec<Reason>) -> Vec<Method> {
        let mut options = Vec::new();
        for service in self.services {
            if !self.two_factor.channel_enabled(&service.channel) {
                let because = Unusable::ChannelOff { channel: service.channel.clone() };
                let reason = Reason::NotOffered { method: service.name.clone(), because };
                if !why.contains(&reason) {
                    why.push(reason);
                }
                continue;
            }
            let factor = factor_of(service);
            if self.enrollments.iter().any(|enrollment| enrollment.active && enrollment.factor == factor) {
                continue;
            }
            if may_register(self.two_factor, service.destination()) {
                options.push(Method::of(service, self.user, None));
            } else {
                why.push(Reason::RegistrationClosed { method: service.name.clone() });
            }
        }
        options
    }
}

/// Whether a person may register a factor of this kind without an administrator. The bootstrap
/// knows phones and apps; whatever is neither is an administrator's to register.
pub(crate) const fn may_register(two_factor: &TwoFactor, destination: Destination) -> bool {
    match destination {
        Destination::Phone => two_factor.registration.phone,
        Destination::Device => two_factor.registration.app,
        Destination::Email | Destination::None => false,
    }
}
