//! Numbers: proven by a code before they count, and changed by an administrator.

use std::sync::Arc;
use std::time::Duration;

use countersign_plugin::manifest::Destination;
use countersign_plugin::{OperationName, Phone, Purpose};

use super::{Actor, BeginFactor, BeginPhone, EnrollError};
use crate::account;
use crate::challenge::{Order, SendError, Slot, Started, deliver};
use crate::engine::Engine;
use crate::phone;
use crate::policy::{self, Unusable};
use crate::service::Service;
use crate::store::{ChallengeId, Enrollment, EnrollmentId, Factor, NewEnrollment, User};

pub(crate) async fn begin(engine: &Engine, begin: BeginPhone<'_>) -> Result<Started, EnrollError> {
    let number = phone::read(begin.number, &engine.limits.allowed_countries)?;
    let method = method_for(engine, begin.method, begin.actor, &[Destination::Phone], "a phone number")?;
    let user = account::at_login(engine, begin.user).await?;
    prove(engine, method, &user, Some(number), begin.locale, begin.actor).await
}

pub(crate) async fn begin_other(engine: &Engine, begin: BeginFactor<'_>) -> Result<Started, EnrollError> {
    let kinds = [Destination::Email, Destination::None];
    let method = method_for(engine, begin.method, begin.actor, &kinds, "a person")?;
    let user = account::at_login(engine, begin.user).await?;
    prove(engine, method, &user, None, begin.locale, begin.actor).await
}

/// The old number must go first: it is the reason for the change.
pub(crate) async fn change_number(
    engine: &Engine,
    user: &str,
    number: &str,
    method: &str,
) -> Result<Started, EnrollError> {
    let number = phone::read(number, &engine.limits.allowed_countries)?;
    let method = method_for(engine, method, Actor::Administrator, &[Destination::Phone], "a phone number")?;
    let user = account::existing(engine, user).await?;
    let removed = match super::remove_from(engine, &user, &Factor::Phone, Actor::Administrator).await {
        Ok(removed) => {
            removed.log();
            true
        }
        Err(EnrollError::NoSuchFactor { .. }) => false,
        Err(error) => return Err(error),
    };
    let proof = prove(engine, method, &user, Some(number), None, Actor::Administrator).await;
    proof.map_err(|error| if removed { EnrollError::NumberGone { cause: Box::new(error) } } else { error })
}

/// A method that the site lets this actor enroll by.
pub(super) fn method_for<'a>(
    engine: &'a Engine,
    name: &str,
    actor: Actor<'_>,
    kinds: &[Destination],
    wanted: &'static str,
) -> Result<&'a Arc<Service>, EnrollError> {
    let unknown = || EnrollError::UnknownMethod { asked: name.to_owned(), known: engine.known() };
    let service = engine.method(name).ok_or_else(unknown)?;
    let method = || service.name.clone();
    let needs = if kinds.contains(&Destination::Device) { OperationName::Enroll } else { OperationName::Start };
    if !kinds.contains(&service.destination()) || !service.supports(needs) {
        return Err(EnrollError::WrongMethod { method: method(), wanted });
    }
    if !engine.two_factor.channel_enabled(&service.channel) {
        let because = Unusable::ChannelOff { channel: service.channel.clone() };
        return Err(EnrollError::Unusable { method: method(), because });
    }
    match actor {
        Actor::Person { .. } if !policy::may_register(&engine.two_factor, service.destination()) => {
            Err(EnrollError::RegistrationClosed { method: method() })
        }
        Actor::Person { .. } | Actor::Administrator => Ok(service),
    }
}

/// Writes down a pending enrollment, and sends the code that proves it.
async fn prove(
    engine: &Engine,
    method: &Arc<Service>,
    user: &User,
    number: Option<Phone>,
    locale: Option<&str>,
    actor: Actor<'_>,
) -> Result<Started, EnrollError> {
    let now = engine.clock.now();
    let new = NewEnrollment {
        id: EnrollmentId::new(&*engine.random)?,
        user: user.id.clone(),
        factor: policy::factor_of(method),
        phone: number,
        data: None,
        expires: now + Duration::from_secs(engine.limits.enrollment_timeout_seconds.into()),
        authority: actor.authority(now),
    };
    let enrollment = Enrollment {
        id: new.id.clone(),
        user: new.user.clone(),
        factor: new.factor.clone(),
        active: false,
        by_administrator: actor == Actor::Administrator,
        phone: new.phone.clone(),
        provider: None,
        last_step: None,
        expires: Some(new.expires),
    };
    policy::suits(method, user, &enrollment)
        .map_err(|because| EnrollError::Unusable { method: method.name.clone(), because })?;
    let begun = engine.store.begin_enrollment(new, now).await?;
    super::allowed(begun, &enrollment.factor)?;
    let order = Order { user, enrollment: &enrollment, purpose: Purpose::Enroll, login_type: None, locale };
    let id = ChallengeId::new(&*engine.random)?;
    Ok(deliver(engine, &order, method, Slot::New(id)).await?)
}

impl From<SendError> for EnrollError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(why) => why.into(),
            SendError::Store(error) => error.into(),
            SendError::NoRandomness(error) => error.into(),
        }
    }
}
