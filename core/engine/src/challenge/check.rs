//! Judges a code.

use std::time::Duration;

use countersign_plugin::manifest::{Checker, Maker};
use countersign_plugin::{CheckCode, Checked, Code, Failure, FailureKind, Operation, Purpose, Timestamp};

use super::keep::ForDelivery;
use super::prepare::PROVIDER_LIFETIME;
use super::send::ends;
use super::{CheckError, Passed, Verdict};
use crate::audit::{AuditEvent, AuditKind};
use crate::code::{self, Typed};
use crate::engine::Engine;
use crate::operation::Failed;
use crate::policy;
use crate::service::Service;
use crate::store::{
    Approval, Attempt, AttemptRule, ChallengeId, ChallengeState, Enrollment, EnrollmentId, KeyedHash, OpenChallenge,
    Proof, StoreError,
};

/// An attempt that has been committed and must now be judged.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    left: u32,
    locks_until: Option<Timestamp>,
}

impl Counted {
    /// The verdict where the attempt must not be judged.
    pub(crate) fn from(attempt: Attempt) -> Result<Self, Verdict> {
        match attempt {
            Attempt::Counted { left, locks_until } => Ok(Self { left, locks_until }),
            Attempt::Locked { until } => Err(Verdict::Locked { until }),
            Attempt::NoneLeft | Attempt::Over => Err(Verdict::Expired),
        }
    }

    /// The lock that this one set, unless the code is right.
    pub(crate) const fn locks_until(self) -> Option<Timestamp> {
        self.locks_until
    }

    /// Attempts left after this one.
    pub(crate) const fn left(self) -> u32 {
        self.left
    }
}

/// What somebody says who has looked at the code.
enum Judgement {
    Right(Proof),
    Wrong,
    /// The provider no longer knows the challenge: its code is dead.
    Dead,
    Failed(Failed),
}

pub(crate) async fn check(
    engine: &Engine,
    challenge: &ChallengeId,
    purpose: Purpose,
    typed: &str,
) -> Result<Verdict, CheckError> {
    let open = engine.store.challenge(challenge).await?.filter(|open| open.purpose == purpose);
    let Some(open) = open else { return Err(CheckError::UnknownChallenge) };
    let gone = || CheckError::ServiceGone { service: open.delivery.service.clone() };
    let service = engine.service_of(&open.delivery).ok_or_else(gone)?;
    if service.maker() == Maker::Nobody {
        return Err(CheckError::HasNoCode { service: service.name.clone() });
    }
    let typed = code::read(typed, service.offer.code_digits);
    if typed == Typed::Empty {
        return Err(CheckError::Empty);
    }
    let Some(enrollment) = checkable(engine, &open) else { return Ok(Verdict::Expired) };
    // From here on it counts, whatever becomes of us.
    let attempt = engine.store.count_attempt(challenge, engine.attempt_rule(), engine.clock.now()).await?;
    let counted = match Counted::from(attempt) {
        Ok(counted) => counted,
        Err(verdict) => return Ok(verdict),
    };
    let judgement = match &typed {
        Typed::Code(code) => judge(engine, &open, enrollment, &service, code).await?,
        Typed::NoCode | Typed::Empty => Judgement::Wrong,
    };
    let mut left = counted.left;
    let verdict = match judgement {
        Judgement::Right(proof) => approve(engine, &open, proof, counted.locks_until).await?,
        Judgement::Wrong => judge_wrong(engine, counted, Some(&open), enrollment).await?,
        Judgement::Dead => {
            // Without what the provider knows the code by, the plugin could not even ask; the code
            // may live on there.
            if open.delivery.data.is_some() {
                engine.store.release_delivery(&open.delivery.id, engine.clock.now()).await?;
            }
            Verdict::Expired
        }
        Judgement::Failed(failed) => {
            if provably_not_judged(&failed, &service) {
                engine.store.give_back_attempt(challenge, counted.locks_until, engine.clock.now()).await?;
                left += 1;
            }
            not_judged(engine, Some(&open), enrollment, &service, &failed.failure).await?;
            let failure = Box::new(failed.failure);
            Verdict::Unavailable { service: service.name.clone(), failure, attempts_left: left }
        }
    };
    // Whatever came of the last attempt: no code could be right any more, and none shall be sent.
    if left == 0 && !matches!(verdict, Verdict::Approved(_)) {
        engine.store.close_challenge(challenge, None, ChallengeState::Denied, engine.clock.now()).await?;
    }
    Ok(verdict)
}

/// What a wrong code comes to.
pub(crate) async fn judge_wrong(
    engine: &Engine,
    counted: Counted,
    challenge: Option<&OpenChallenge>,
    enrollment: &Enrollment,
) -> Result<Verdict, StoreError> {
    let now = engine.clock.now();
    let mut event = AuditEvent::new(AuditKind::WrongCode);
    event.user = Some(enrollment.user.clone());
    event.challenge = challenge.map(|open| open.id.clone());
    event.enrollment = Some(enrollment.id.clone());
    event.facts.insert("attempts_left".to_owned(), counted.left.into());
    engine.store.append(event, now).await?;
    Ok(match counted.locks_until {
        Some(until) => Verdict::Locked { until },
        None => Verdict::WrongCode { attempts_left: counted.left },
    })
}

/// The transport's word, not the plugin's: and only where it is the provider that judges, for what
/// judges without the network has judged without it.
pub(crate) fn provably_not_judged(failed: &Failed, service: &Service) -> bool {
    failed.nothing_left && service.checker() == Checker::Provider
}

/// Writes down that nobody could tell.
pub(crate) async fn not_judged(
    engine: &Engine,
    challenge: Option<&OpenChallenge>,
    enrollment: &Enrollment,
    service: &Service,
    failure: &Failure,
) -> Result<(), StoreError> {
    let mut event = AuditEvent::new(AuditKind::NotJudged).failure(failure);
    event.user = Some(enrollment.user.clone());
    event.challenge = challenge.map(|open| open.id.clone());
    event.enrollment = Some(enrollment.id.clone());
    event.facts.insert("service".to_owned(), service.name.clone().into());
    event.facts.insert("channel".to_owned(), service.channel.clone().into());
    engine.store.append(event, engine.clock.now()).await
}

/// The enrollment whose code may still be judged on this challenge.
pub(super) fn checkable<'a>(engine: &Engine, open: &'a OpenChallenge) -> Option<&'a Enrollment> {
    let waits = matches!(open.state, ChallengeState::Sending | ChallengeState::Pending);
    open.enrollment
        .as_ref()
        .filter(|_| waits && open.delivery.state.checkable() && engine.clock.now() < ends(engine, open))
}

/// The one way to yes. The provider may have taken its time: what has ended meanwhile is over.
pub(super) async fn approve(
    engine: &Engine,
    open: &OpenChallenge,
    proof: Proof,
    own_lock: Option<Timestamp>,
) -> Result<Verdict, CheckError> {
    let now = engine.clock.now();
    if now >= ends(engine, open) {
        let mut event = AuditEvent::new(AuditKind::ApprovalTooLate);
        event.user = Some(open.user.id.clone());
        event.challenge = Some(open.id.clone());
        event.enrollment = open.enrollment.as_ref().map(|enrollment| enrollment.id.clone());
        engine.store.append(event, now).await?;
        return Ok(Verdict::Expired);
    }
    Ok(match engine.store.approve(&open.id, &open.delivery.id, proof, own_lock, now).await? {
        Approval::Approved => Verdict::Approved(Passed {
            user: open.user.name.clone(),
            purpose: open.purpose,
            login_type: open.login_type.clone(),
            service: open.delivery.service.clone(),
            channel: open.delivery.channel.clone(),
        }),
        Approval::Replayed => Verdict::Replayed,
        Approval::Locked { until } => Verdict::Locked { until },
        Approval::NotPending => Verdict::Expired,
    })
}

async fn judge(
    engine: &Engine,
    open: &OpenChallenge,
    enrollment: &Enrollment,
    service: &Service,
    code: &Code,
) -> Result<Judgement, StoreError> {
    if service.checker() == Checker::Engine {
        // Whatever the plugin would say: it is not asked.
        let hash = code::hash(&*engine.store, &open.delivery.id, code);
        let right = open.delivery.code.is_some_and(|made| code::same(&made, &hash));
        return Ok(if right { Judgement::Right(Proof::Nothing) } else { Judgement::Wrong });
    }
    let holder = service.holder(&*engine.store);
    let operation = Operation::Check(
        CheckCode::new(service.channel.clone(), open.purpose, code.clone())
            .mode(service.mode.clone())
            .recipient(policy::recipient(service, &open.user, enrollment))
            .enrollment(engine.store.provider_data(&enrollment.id, &holder).await?)
            .delivery(open.delivery.data.clone()),
    );
    let keeper =
        ForDelivery { store: &*engine.store, delivery: &open.delivery.id, enrollment: &enrollment.id, holder: &holder };
    Ok(match engine.runner.run(service, operation, &keeper).await {
        Ok(Checked::Approved { accepted_step, .. }) => {
            Judgement::Right(proof(engine, service, &enrollment.id, code, accepted_step))
        }
        Ok(Checked::WrongCode) => Judgement::Wrong,
        Err(failed) if failed.failure.kind == FailureKind::Expired => Judgement::Dead,
        Err(failed) => Judgement::Failed(failed),
    })
}

/// What an accepted code leaves behind, so that it is never accepted again: the step of a device
/// whose plugin tells it, else the code itself.
pub(crate) fn proof(
    engine: &Engine,
    service: &Service,
    enrollment: &EnrollmentId,
    code: &Code,
    accepted_step: Option<u64>,
) -> Proof {
    match accepted_step {
        Some(step) if service.maker() == Maker::Device => Proof::Step(step),
        _ => {
            // As long as whoever checks it may honour it, even where the engine accepts it for less.
            let theirs = service.offer.code_lifetime_seconds.unwrap_or(PROVIDER_LIFETIME);
            let longest = theirs.max(engine.limits.code_lifetime_seconds);
            let until = engine.clock.now() + Duration::from_secs(longest.into());
            Proof::Code { hash: used(engine, service, enrollment, code), until }
        }
    }
}

fn used(engine: &Engine, service: &Service, enrollment: &EnrollmentId, code: &Code) -> KeyedHash {
    let parts = [enrollment.as_str().as_bytes(), service.provider.as_bytes(), code.as_str().as_bytes()];
    engine.store.hash("used code", &parts)
}

impl Engine {
    /// How often may be guessed.
    pub(crate) fn attempt_rule(&self) -> AttemptRule {
        AttemptRule {
            per_challenge: self.limits.attempts_per_challenge,
            per_user: self.limits.attempts_per_user,
            lock_seconds: self.limits.guess_lock_seconds.into(),
        }
    }
}
