//! Asks the provider whether the person has approved, on channels whose code nobody makes.

use countersign_plugin::manifest::Maker;
use countersign_plugin::{AskStatus, Failure, FailureKind, Operation, Purpose, Status};

use super::check::{approve, checkable, not_judged};
use super::keep::ForDelivery;
use super::{CheckError, Progress, Verdict};
use crate::engine::Engine;
use crate::policy;
use crate::store::{ChallengeId, ChallengeState, OpenChallenge, Proof, StoreError};

pub(crate) async fn poll(engine: &Engine, challenge: &ChallengeId, purpose: Purpose) -> Result<Progress, CheckError> {
    let open = engine.store.challenge(challenge).await?.filter(|open| open.purpose == purpose);
    let Some(open) = open else { return Err(CheckError::UnknownChallenge) };
    let gone = || CheckError::ServiceGone { service: open.delivery.service.clone() };
    let service = engine.service_of(&open.delivery).ok_or_else(gone)?;
    if service.maker() != Maker::Nobody {
        return Err(CheckError::HasCode { service: service.name.clone() });
    }
    let Some(enrollment) = checkable(engine, &open) else { return Ok(Progress::Over(Verdict::Expired)) };
    if let Some(until) = open.user.locked_until.filter(|until| *until > engine.clock.now()) {
        return Ok(Progress::Over(Verdict::Locked { until }));
    }
    let operation = Operation::Status(
        AskStatus::new(service.channel.clone())
            .mode(service.mode.clone())
            .recipient(policy::recipient(&service, &open.user, enrollment))
            .delivery(open.delivery.data.clone()),
    );
    let keeper = ForDelivery {
        store: &*engine.store,
        delivery: &open.delivery.id,
        enrollment: &enrollment.id,
        holder: &service.holder(&*engine.store),
    };
    let unavailable = |failure| {
        let attempts_left = engine.limits.attempts_per_challenge.saturating_sub(open.attempts);
        Verdict::Unavailable { service: service.name.clone(), failure: Box::new(failure), attempts_left }
    };
    let asked = engine.runner.run(&service, operation, &keeper).await;
    let (state, verdict) = match asked {
        Ok(Status::Pending) => return Ok(Progress::Waiting),
        Ok(Status::Approved) => {
            let verdict = approve(engine, &open, Proof::Nothing, None).await?;
            let too_late = verdict == Verdict::Expired && goes_on_by_another(engine, &open).await?;
            return Ok(if too_late { Progress::Waiting } else { Progress::Over(verdict) });
        }
        Ok(Status::Denied) => (ChallengeState::Denied, Verdict::Denied),
        Ok(Status::Expired) => (ChallengeState::Expired, Verdict::Expired),
        Ok(Status::Canceled) => (ChallengeState::Canceled, Verdict::Expired),
        Ok(Status::Undelivered) => {
            let text = "the provider says that the request could not be delivered";
            let failure = Failure::new(FailureKind::UnreachableRecipient, text);
            not_judged(engine, Some(&open), enrollment, &service, &failure).await?;
            (ChallengeState::Failed, unavailable(failure))
        }
        Err(failed) if failed.failure.kind == FailureKind::Expired => (ChallengeState::Expired, Verdict::Expired),
        Err(failed) => {
            not_judged(engine, Some(&open), enrollment, &service, &failed.failure).await?;
            return Ok(Progress::Over(unavailable(failed.failure)));
        }
    };
    // Word about this delivery, and no other.
    let closed = engine.store.close_challenge(challenge, Some(&open.delivery.id), state, engine.clock.now()).await?;
    if !closed && goes_on_by_another(engine, &open).await? {
        return Ok(Progress::Waiting);
    }
    Ok(Progress::Over(verdict))
}

/// Whether something was sent again while the provider was asked, so that its word is an old one.
async fn goes_on_by_another(engine: &Engine, asked: &OpenChallenge) -> Result<bool, StoreError> {
    let newest = engine.store.challenge(&asked.id).await?;
    Ok(newest.is_some_and(|newest| newest.delivery.id != asked.delivery.id && checkable(engine, &newest).is_some()))
}
