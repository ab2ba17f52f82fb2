//! How a factor ceases to be one, here and at the provider.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_plugin::manifest::Destination;
use countersign_plugin::{Failure, FailureKind, Operation, OperationName, Timestamp, Unenroll, Unenrolled};

use super::{Actor, EnrollError, Removed};
use crate::account::{self, AdminError, UserError};
use crate::bootstrap::WhoMustPass;
use crate::challenge;
use crate::engine::Engine;
use crate::operation::NothingKept;
use crate::policy::factor_of;
use crate::service::Service;
use crate::store::{
    Delivery, DeliveryState, Email, Enrollment, EnrollmentRemoved, Factor, MustRemain, OpenChallenge, StoreError, User,
    UserChange,
};

pub(crate) async fn remove(
    engine: &Engine,
    user: &str,
    factor: &Factor,
    actor: Actor<'_>,
) -> Result<Removed, EnrollError> {
    let user = account::existing(engine, user).await?;
    if actor != Actor::Administrator {
        return remove_from(engine, &user, factor, actor).await;
    }
    let removed = match remove_from(engine, &user, factor, actor).await {
        Err(EnrollError::NoSuchFactor { .. }) => take_back(engine, &user, factor).await?,
        removed => Some(removed?),
    };
    // An administrator removes the last one so that the person registers anew; also where a change
    // has removed it before. If this fails, doing it once more is what helps, so it is told.
    let released = engine.store.release_user(&user.id, engine.clock.now()).await?;
    match removed {
        Some(removed) => Ok(removed),
        None if released => Ok(Removed { left_at: Vec::new() }),
        None => Err(EnrollError::NoSuchFactor { factor: factor.clone() }),
    }
}

/// Ends an enrollment that waits for its proof; `None` where there is none.
async fn take_back(engine: &Engine, user: &User, factor: &Factor) -> Result<Option<Removed>, EnrollError> {
    let enrollments = engine.store.enrollments(&user.id, engine.clock.now()).await?;
    match enrollments.iter().find(|enrollment| enrollment.factor == *factor) {
        Some(pending) => end(engine, user, pending, Actor::Administrator).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn remove_from(
    engine: &Engine,
    user: &User,
    factor: &Factor,
    actor: Actor<'_>,
) -> Result<Removed, EnrollError> {
    let enrollments = engine.store.enrollments(&user.id, engine.clock.now()).await?;
    let Some(enrollment) = enrollments.iter().find(|enrollment| enrollment.active && enrollment.factor == *factor)
    else {
        return Err(EnrollError::NoSuchFactor { factor: factor.clone() });
    };
    end(engine, user, enrollment, actor).await
}

async fn end(engine: &Engine, user: &User, enrollment: &Enrollment, actor: Actor<'_>) -> Result<Removed, EnrollError> {
    let must_remain = match actor {
        Actor::Person { .. } if must_have_one(engine, user) => MustRemain::AnotherFactor,
        Actor::Person { .. } | Actor::Administrator => MustRemain::Nothing,
    };
    let mut leftovers = Leftovers::default();
    leftovers.add(engine, user, enrollment).await?;
    let now = engine.clock.now();
    match engine.store.remove_enrollment(&enrollment.id, &actor.authority(now), must_remain, now).await? {
        EnrollmentRemoved::Removed => {}
        EnrollmentRemoved::Gone => return Err(EnrollError::NoSuchFactor { factor: enrollment.factor.clone() }),
        EnrollmentRemoved::NeedsApproval => return Err(EnrollError::NeedsApproval),
        EnrollmentRemoved::ApprovalRefused => return Err(EnrollError::ApprovalRefused),
        EnrollmentRemoved::LastFactor => return Err(EnrollError::LastFactor),
    }
    Ok(leftovers.clear(engine).await)
}

/// The old address proved nothing about the new one.
pub(crate) async fn change_mailbox(engine: &Engine, user: &str, email: Option<Email>) -> Result<(), AdminError> {
    let user = account::existing(engine, user).await?;
    let mailboxes = engine.every_service().filter(|service| service.destination() == Destination::Email);
    let ends: Vec<_> = mailboxes.map(|service| factor_of(service)).collect();
    let now = engine.clock.now();
    let mut leftovers = Leftovers::default();
    for enrollment in engine.store.enrollments(&user.id, now).await? {
        if ends.contains(&enrollment.factor) {
            leftovers.add(engine, &user, &enrollment).await?;
        }
    }
    let change = UserChange { email: Some(email), ends, ..UserChange::default() };
    if !engine.store.update_user(&user.id, change, now).await? {
        return Err(UserError::unknown(user.name).into());
    }
    leftovers.clear(engine).await.log();
    Ok(())
}

pub(crate) async fn forget(engine: &Engine, user: &str) -> Result<Removed, AdminError> {
    let user = account::existing(engine, user).await?;
    let enrollments = engine.store.enrollments(&user.id, engine.clock.now()).await?;
    let mut leftovers = Leftovers::default();
    for enrollment in &enrollments {
        leftovers.add(engine, &user, enrollment).await?;
    }
    if !engine.store.forget_user(&user.id, engine.clock.now()).await? {
        return Err(UserError::unknown(user.name).into());
    }
    Ok(leftovers.clear(engine).await)
}

/// What is left at providers where an enrollment ends: what must be known to tell them is gone with
/// the enrollment.
#[derive(Default)]
struct Leftovers {
    held: Vec<(Arc<Service>, Operation)>,
    codes: Vec<Delivery>,
    /// Providers that no service can reach.
    unreached: BTreeSet<String>,
}

impl Leftovers {
    async fn add(&mut self, engine: &Engine, user: &User, enrollment: &Enrollment) -> Result<(), StoreError> {
        self.held.extend(held(engine, enrollment).await?);
        self.unreached.extend(unreached(engine, enrollment).await?);
        for delivery in codes_out(engine, user, enrollment).await? {
            if engine.service_of(&delivery).is_none() && may_live(&delivery, engine.clock.now()) {
                self.unreached.insert(delivery.provider.clone());
            }
            self.codes.push(delivery);
        }
        Ok(())
    }

    /// Tells the providers, as far as that can be. The enrollments are gone by now: whatever fails
    /// here does not undo it, and must not look as if it did.
    async fn clear(self, engine: &Engine) -> Removed {
        for delivery in &self.codes {
            if let Err(error) = challenge::kill(engine, delivery).await {
                tracing::warn!(delivery = %delivery.id, "what became of a canceled code was not written down: {error}");
            }
        }
        let mut left_at = unenroll(engine, self.held).await;
        left_at.extend(self.unreached.into_iter().map(|provider| (provider, not_asked())));
        Removed { left_at }
    }
}

/// Whether some kind of login asks this user for a second factor.
fn must_have_one(engine: &Engine, user: &User) -> bool {
    engine.two_factor.enabled
        && engine.two_factor.login_types.values().any(|who| match who {
            WhoMustPass::Nobody => false,
            WhoMustPass::FlaggedUsers => user.required,
            WhoMustPass::Everyone => true,
        })
}

/// What providers that can forget a person hold of this one.
async fn held(engine: &Engine, enrollment: &Enrollment) -> Result<Vec<(Arc<Service>, Operation)>, StoreError> {
    let mut held: Vec<(Arc<Service>, Operation)> = Vec::new();
    let mut told = Vec::new();
    // Also by a fallback, which may have been the one that enrolled the person there.
    for service in engine.every_service() {
        let holder = service.holder(&*engine.store);
        if told.contains(&holder)
            || factor_of(service) != enrollment.factor
            || !service.supports(OperationName::Unenroll)
        {
            continue;
        }
        if let Some(data) = engine.store.provider_data(&enrollment.id, &holder).await? {
            let input = Unenroll::new(service.channel.clone()).mode(service.mode.clone()).enrollment(data);
            held.push((Arc::clone(service), Operation::Unenroll(input)));
            told.push(holder);
        }
    }
    Ok(held)
}

/// Providers that hold something of this person in an account that no service has, or none that could be loaded.
/// What plugins judge by themselves is held here alone.
async fn unreached(engine: &Engine, enrollment: &Enrollment) -> Result<Vec<String>, StoreError> {
    let reached: Vec<_> = engine.every_service().map(|service| service.holder(&*engine.store)).collect();
    let holders = engine.store.holders(&enrollment.id).await?.into_iter();
    let unreached = holders.filter(|holder| holder.account.is_some() && !reached.contains(holder));
    Ok(unreached.map(|holder| holder.provider).collect())
}

/// Whether the provider may honour the code of a delivery; what the engine made is worthless without the challenge.
pub(super) fn may_live(delivery: &Delivery, now: Timestamp) -> bool {
    let over = matches!(delivery.state, DeliveryState::Failed | DeliveryState::Released) || delivery.expires <= now;
    delivery.account.is_some() && delivery.code.is_none() && !over
}

fn not_asked() -> Failure {
    let text = "it was not asked, because no service that could be loaded has this account; see `countersign validate`, \
                and delete there what is left";
    Failure::new(FailureKind::Misconfigured, text)
}

async fn unenroll(engine: &Engine, held: Vec<(Arc<Service>, Operation)>) -> Vec<(String, Failure)> {
    let mut left_at = Vec::new();
    for (service, operation) in held {
        if let Err(failed) = engine.runner.run::<Unenrolled>(&service, operation, &NothingKept).await {
            left_at.push((service.provider.clone(), failed.failure));
        }
    }
    left_at
}

/// The deliveries whose codes the person may have in hand for this factor.
async fn codes_out(engine: &Engine, user: &User, enrollment: &Enrollment) -> Result<Vec<Delivery>, StoreError> {
    let mut deliveries = Vec::new();
    for id in engine.store.open_challenges(&user.id, engine.clock.now()).await? {
        let open = engine.store.challenge(&id).await?;
        let of_it = |open: &OpenChallenge| open.enrollment.as_ref().is_some_and(|found| found.id == enrollment.id);
        deliveries.extend(open.filter(of_it).map(|open| open.delivery));
    }
    Ok(deliveries)
}
