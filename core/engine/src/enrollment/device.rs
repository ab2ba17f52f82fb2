//! Devices: a secret is shown, and the first code proves that the device has it.

use std::time::Duration;

use countersign_plugin::manifest::Destination;
use countersign_plugin::{ConfirmEnrollment, Confirmed, Enroll, Enrolled, Operation, OperationName, Person, Purpose};

use super::{BeginFactor, EnrollError, Enrolling, allowed, phone::method_for};
use crate::account::{self, UserError};
use crate::challenge::{Counted, Passed, Verdict, judge_wrong, not_judged, proof, provably_not_judged};
use crate::code::{self, Typed};
use crate::engine::Engine;
use crate::operation::NothingKept;
use crate::policy;
use crate::service::Service;
use crate::store::{Enrollment, EnrollmentConfirmed, EnrollmentId, Factor, NewEnrollment};

pub(crate) async fn begin(engine: &Engine, begin: BeginFactor<'_>) -> Result<Enrolling, EnrollError> {
    let service = method_for(engine, begin.method, begin.actor, &[Destination::Device], "a device")?;
    let user = account::at_login(engine, begin.user).await?;
    let factor = policy::factor_of(service);
    let now = engine.clock.now();
    // Nothing is prepared in vain, or for who has no leave; the store decides once more when it is.
    let may = engine.store.may_begin_enrollment(&user.id, &factor, &begin.actor.authority(now), now).await?;
    allowed(may, &factor)?;
    let operation = Operation::Enroll(
        Enroll::new(service.channel.clone()).mode(service.mode.clone()).person(
            Person::default()
                .account(user.name.clone())
                .email(user.email.as_ref().map(|email| email.0.clone()))
                .locale(begin.locale.map(str::to_owned).or_else(|| user.locale.clone())),
        ),
    );
    let prepared: Result<Enrolled, _> = engine.runner.run(service, operation, &NothingKept).await;
    let Enrolled { enrollment: data, setup, .. } = prepared
        .map_err(|failed| EnrollError::Failed { service: service.name.clone(), failure: Box::new(failed.failure) })?;
    let now = engine.clock.now();
    let new = NewEnrollment {
        id: EnrollmentId::new(&*engine.random)?,
        user: user.id,
        factor: factor.clone(),
        phone: None,
        data: Some((service.holder(&*engine.store), data)),
        expires: now + Duration::from_secs(engine.limits.enrollment_timeout_seconds.into()),
        authority: begin.actor.authority(now),
    };
    let (enrollment, expires) = (new.id.clone(), new.expires);
    allowed(engine.store.begin_enrollment(new, now).await?, &factor)?;
    let code_digits = service.configured_digits.map_or(service.offer.code_digits, |digits| [digits; 2]);
    Ok(Enrolling { enrollment, setup, code_digits, expires })
}

pub(crate) async fn confirm(
    engine: &Engine,
    user: &str,
    enrollment: &EnrollmentId,
    typed: &str,
) -> Result<Verdict, EnrollError> {
    let user = match account::existing(engine, user).await {
        Err(UserError::Unknown { .. }) => return Err(EnrollError::UnknownEnrollment),
        found => found?,
    };
    let enrollments = engine.store.enrollments(&user.id, engine.clock.now()).await?;
    let waits = |found: &&Enrollment| found.id == *enrollment && !found.active;
    let Some(enrollment) = enrollments.iter().find(waits) else { return Err(EnrollError::UnknownEnrollment) };
    let Some(service) = service_of(engine, enrollment) else {
        let Factor::Device(channel) = &enrollment.factor else { return Err(EnrollError::UnknownEnrollment) };
        let provider = enrollment.provider.clone().unwrap_or_default();
        return Err(EnrollError::ServiceGone { provider, channel: channel.clone() });
    };
    let typed = code::read(typed, service.offer.code_digits);
    if typed == Typed::Empty {
        return Err(EnrollError::Empty);
    }
    let Some(data) = engine.store.provider_data(&enrollment.id, &service.holder(&*engine.store)).await? else {
        return Err(EnrollError::UnknownEnrollment);
    };
    let attempt =
        engine.store.count_enrollment_attempt(&enrollment.id, engine.attempt_rule(), engine.clock.now()).await?;
    let counted = match Counted::from(attempt) {
        Ok(counted) => counted,
        Err(verdict) => return Ok(verdict),
    };
    let Typed::Code(code) = typed else { return Ok(judge_wrong(engine, counted, None, enrollment).await?) };
    let operation = Operation::ConfirmEnrollment(
        ConfirmEnrollment::new(service.channel.clone(), data, code.clone()).mode(service.mode.clone()),
    );
    match engine.runner.run(service, operation, &NothingKept).await {
        Ok(Confirmed::Confirmed { accepted_step, enrollment: data, .. }) => {
            let proof = proof(engine, service, &enrollment.id, &code, accepted_step);
            let data = data.map(|data| (service.holder(&*engine.store), data));
            let now = engine.clock.now();
            Ok(match engine.store.confirm_enrollment(&enrollment.id, proof, data, now).await? {
                EnrollmentConfirmed::Confirmed => Verdict::Approved(Passed {
                    user: user.name,
                    purpose: Purpose::Enroll,
                    login_type: None,
                    service: service.name.clone(),
                    channel: service.channel.clone(),
                }),
                EnrollmentConfirmed::Gone => Verdict::Expired,
            })
        }
        Ok(Confirmed::WrongCode) => Ok(judge_wrong(engine, counted, None, enrollment).await?),
        Err(failed) => {
            let mut attempts_left = counted.left();
            if provably_not_judged(&failed, service) {
                let (store, lock) = (&engine.store, counted.locks_until());
                store.give_back_enrollment_attempt(&enrollment.id, lock, engine.clock.now()).await?;
                attempts_left += 1;
            }
            not_judged(engine, None, enrollment, service, &failed.failure).await?;
            let failure = Box::new(failed.failure);
            Ok(Verdict::Unavailable { service: service.name.clone(), failure, attempts_left })
        }
    }
}

/// The service that enrolls this device.
fn service_of<'a>(engine: &'a Engine, enrollment: &Enrollment) -> Option<&'a Service> {
    let Factor::Device(channel) = &enrollment.factor else { return None };
    let same = |service: &&std::sync::Arc<Service>| {
        service.destination() == Destination::Device
            && service.channel == *channel
            && enrollment.provider.as_ref() == Some(&service.provider)
            && service.supports(OperationName::ConfirmEnrollment)
    };
    engine.services.iter().find(same).map(|service| &**service)
}
