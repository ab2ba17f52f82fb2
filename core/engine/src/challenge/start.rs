//! Starts and repeats challenges: who, by which method, with which factor.

use std::sync::Arc;

use countersign_plugin::Purpose;

use super::send::SendError;
use super::{NotSent, Order, Resend, Slot, StartError, StartLogin, Started, deliver};
use crate::account;
use crate::engine::Engine;
use crate::policy::{self, usable};
use crate::service::Service;
use crate::store::{ChallengeId, Enrollment, User};

pub(crate) async fn start(engine: &Engine, login: StartLogin<'_>) -> Result<Started, StartError> {
    let _known = policy::who_must_pass(&engine.two_factor, login.login_type)?;
    let user = account::at_login(engine, login.user).await?;
    let enrollments = engine.store.enrollments(&user.id, engine.clock.now()).await?;
    let (method, enrollment) = match login.method {
        Some(name) => {
            let method = method(engine, name)?;
            (method, usable_by(engine, method, &user, &enrollments)?)
        }
        None => first(engine, &user, &enrollments)?,
    };
    let order = Order {
        user: &user,
        enrollment,
        purpose: Purpose::Login,
        login_type: Some(login.login_type),
        locale: login.locale,
    };
    let id = ChallengeId::new(&*engine.random)?;
    Ok(deliver(engine, &order, method, Slot::New(id)).await?)
}

pub(crate) async fn resend(engine: &Engine, resend: Resend<'_>) -> Result<Started, StartError> {
    let Some(open) = engine.store.challenge(resend.challenge).await? else { return Err(StartError::UnknownChallenge) };
    // Whether it is over is the store's to say; here only whether there is a factor to send to.
    let Some(enrollment) = &open.enrollment else { return Err(NotSent::Over.into()) };
    let method = match resend.method {
        Some(name) => method(engine, name)?,
        None => last_used(engine, &open.delivery.service)?,
    };
    match open.purpose {
        Purpose::Login => {
            usable_by(engine, method, &open.user, std::slice::from_ref(enrollment))?;
        }
        Purpose::Enroll => provable_by(engine, method, &open.user, enrollment)?,
        // Nothing here begins such a challenge.
        _ => return Err(StartError::UnknownChallenge),
    }
    let order = Order {
        user: &open.user,
        enrollment,
        purpose: open.purpose,
        login_type: open.login_type.as_deref(),
        locale: resend.locale,
    };
    Ok(deliver(engine, &order, method, Slot::Open(&open)).await?)
}

fn method<'a>(engine: &'a Engine, name: &str) -> Result<&'a Arc<Service>, StartError> {
    let unknown = || StartError::UnknownMethod { asked: name.to_owned(), known: engine.known() };
    engine.method(name).ok_or_else(unknown)
}

/// The method that a delivery belongs to, where it went by a fallback.
fn last_used<'a>(engine: &'a Engine, service: &str) -> Result<&'a Arc<Service>, StartError> {
    let used = |method: &&Arc<Service>| {
        method.name == service || method.fallback.iter().any(|fallback| fallback.name == service)
    };
    let gone = || StartError::ServiceGone { service: service.to_owned() };
    engine.services.iter().find(used).ok_or_else(gone)
}

fn usable_by<'a>(
    engine: &Engine,
    method: &Service,
    user: &User,
    enrollments: &'a [Enrollment],
) -> Result<&'a Enrollment, StartError> {
    let nothing = !enrollments.iter().any(|enrollment| enrollment.active);
    match usable(method, &engine.two_factor, user, enrollments) {
        Ok(enrollment) => Ok(enrollment),
        Err(_) if nothing => Err(StartError::NothingRegistered),
        Err(because) => Err(StartError::Unusable { method: method.name.clone(), because }),
    }
}

/// A number may be proven by every method that reaches it.
fn provable_by(engine: &Engine, method: &Service, user: &User, enrollment: &Enrollment) -> Result<(), StartError> {
    let unusable = |because| StartError::Unusable { method: method.name.clone(), because };
    let as_if_active = [Enrollment { active: true, ..enrollment.clone() }];
    usable(method, &engine.two_factor, user, &as_if_active).map(|_suits| ()).map_err(unusable)
}

fn first<'a, 'b>(
    engine: &'a Engine,
    user: &User,
    enrollments: &'b [Enrollment],
) -> Result<(&'a Arc<Service>, &'b Enrollment), StartError> {
    let mut works = engine.services.iter().filter_map(|method| {
        let enrollment = usable(method, &engine.two_factor, user, enrollments).ok()?;
        Some((method, enrollment))
    });
    works.next().ok_or_else(|| {
        if enrollments.iter().any(|enrollment| enrollment.active) {
            StartError::NoMethodWorks
        } else {
            StartError::NothingRegistered
        }
    })
}

impl From<SendError> for StartError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(why) => why.into(),
            SendError::Store(error) => error.into(),
            SendError::NoRandomness(error) => error.into(),
        }
    }
}
