//! Sends a code: written down first, then sent, then written down what came of it; where the
//! provider is out of order, by a fallback.

use std::sync::Arc;
use std::time::Duration;

use countersign_plugin::manifest::Maker;
use countersign_plugin::{
    Delivered, Failure, FailureKind, Operation, Person, Purpose, Retry, StartChallenge, Started as Outcome, Timestamp,
};

use super::close::{AtProvider, kill, make_way};
use super::keep::ForDelivery;
use super::prepare::{Prepared, live_key, prepare, send_rule, sends, usable_until};
use super::{NotSent, Started};
use crate::clock::NoRandomness;
use crate::engine::Engine;
use crate::operation::Failed;
use crate::policy;
use crate::service::Service;
use crate::store::{
    ChallengeId, ChallengeState, Delivery, DeliveryId, DeliveryState, Enrollment, KeyedHash, NewChallenge, NewDelivery,
    OpenChallenge, SendAllowed, SendRule, StoreError, User,
};

/// What is to be sent, and to whom.
pub(crate) struct Order<'a> {
    pub(crate) user: &'a User,
    pub(crate) enrollment: &'a Enrollment,
    pub(crate) purpose: Purpose,
    pub(crate) login_type: Option<&'a str>,
    pub(crate) locale: Option<&'a str>,
}

/// Where the delivery belongs.
pub(crate) enum Slot<'a> {
    /// Into a challenge that is opened with it.
    New(ChallengeId),
    /// Into this one.
    Open(&'a OpenChallenge),
}

impl Slot<'_> {
    const fn challenge(&self) -> &ChallengeId {
        match self {
            Self::New(id) => id,
            Self::Open(open) => &open.id,
        }
    }
}

/// Why a send did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    NotSent(#[from] NotSent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Sends by this service, or by the first of its fallbacks that is not out of order, too.
pub(crate) async fn deliver(
    engine: &Engine,
    order: &Order<'_>,
    method: &Arc<Service>,
    slot: Slot<'_>,
) -> Result<Started, SendError> {
    let fallbacks = method.fallback.iter().filter(|service| {
        engine.two_factor.channel_enabled(&service.channel)
            && policy::factor_of(service) == order.enrollment.factor
            && policy::suits(service, order.user, order.enrollment).is_ok()
            && sends(service)
    });
    let mut send = Send::new(engine, order, slot);
    let mut last = None;
    for (at, service) in std::iter::once(method).chain(fallbacks).enumerate() {
        let is_fallback = at > 0;
        match send.by(service, is_fallback).await {
            Ok(started) => {
                let method = method.name.clone();
                return Ok(Started { method, fallback: is_fallback, ..started });
            }
            Err(SendError::NotSent(NotSent::Failed { service, failure, .. })) => {
                let go_on = may_fall_back(&failure);
                let mut before = Vec::new();
                if let Some(NotSent::Failed { service, failure, before: earlier }) = last {
                    before.extend(earlier);
                    before.push((service, *failure));
                }
                last = Some(NotSent::Failed { service, failure, before });
                if !go_on {
                    break;
                }
            }
            // A fallback that may not send leaves the first failure to be told.
            Err(SendError::NotSent(refused)) => {
                last.get_or_insert(refused);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if matches!(last, Some(NotSent::Failed { .. })) {
        send.give_up().await?;
    }
    Err(last.unwrap_or(NotSent::Over).into())
}

/// Only where the provider is out of order or says that another one could do it: never after a
/// refusal or a fraud block, whatever the plugin makes of it, and never while the first code may
/// be out.
fn may_fall_back(failure: &Failure) -> bool {
    let refusal = matches!(
        failure.kind,
        FailureKind::Blocked | FailureKind::InvalidRecipient | FailureKind::TooManyAttempts | FailureKind::RateLimited
    );
    let another = failure.kind == FailureKind::Unavailable || failure.retry == Retry::AnotherProvider;
    another && !refusal
}

struct Send<'a> {
    engine: &'a Engine,
    order: &'a Order<'a>,
    slot: Slot<'a>,
    /// What the person may have in hand from this challenge.
    before: Option<Before>,
    /// The delivery that was written down last.
    written: Option<DeliveryId>,
    /// The end of the challenge.
    ends: Timestamp,
}

struct Before {
    delivery: Delivery,
    /// `None` where no provider made the code, or its service is gone and nobody can tell.
    key: Option<KeyedHash>,
}

impl<'a> Send<'a> {
    fn new(engine: &'a Engine, order: &'a Order<'a>, slot: Slot<'a>) -> Self {
        let ends = match &slot {
            Slot::Open(open) => open.expires,
            Slot::New(_) => {
                // Each of its sends may live its full time.
                let limits = &engine.limits;
                let life = u64::from(limits.code_lifetime_seconds) * u64::from(limits.sends_per_challenge);
                let ends = engine.clock.now() + Duration::from_secs(life);
                let enrolling = order.enrollment.expires.filter(|_| order.purpose == Purpose::Enroll);
                enrolling.map_or(ends, |end| end.min(ends))
            }
        };
        let mut send = Self { engine, order, slot, before: None, written: None, ends };
        send.before = send.live_before();
        send
    }

    /// One service: written down, sent, written down.
    async fn by(&mut self, service: &Arc<Service>, is_fallback: bool) -> Result<Started, SendError> {
        let Engine { clock, limits, .. } = self.engine;
        let prepared = prepare(self.engine, service, self.order.user, self.order.enrollment, clock.now())?;
        let key = prepared.new.live_key;
        let same_code = self.same_code(key);
        if is_fallback && !same_code && self.retire().await? == AtProvider::MayLive {
            // Two live codes in the person's hands would be the price.
            return Err(NotSent::Over.into());
        }
        let created = self.write_down(&prepared.new, send_rule(limits, service, is_fallback)).await?;
        if same_code {
            // The provider sends the same code again: what it knows it by is the new delivery's, even
            // if this send comes to nothing.
            if let Some(before) = &mut self.before {
                before.delivery.id = prepared.new.id.clone();
            }
        } else if !is_fallback {
            let _best_effort = self.retire().await?;
        }
        match self.start(service, &prepared).await? {
            Ok(outcome) => self.sent(service, prepared, outcome, created).await,
            Err(failed) => self.failed(service, prepared, failed, created).await,
        }
    }

    /// Writes the delivery down; where another one holds its live key, once more after the
    /// provider has confirmed that the other's code is dead. Returns the moment that was written.
    async fn write_down(&mut self, delivery: &NewDelivery, rule: SendRule) -> Result<Timestamp, SendError> {
        let mut now = self.engine.clock.now();
        let mut allowed = self.write_down_once(delivery, rule, now).await?;
        if let SendAllowed::LiveElsewhere { challenge, delivery: other, until } = &allowed {
            if make_way(self.engine, challenge, other).await? == AtProvider::MayLive {
                return Err(NotSent::TryAgainAt { until: *until }.into());
            }
            now = self.engine.clock.now();
            allowed = self.write_down_once(delivery, rule, now).await?;
        }
        Err(match allowed {
            SendAllowed::Go => {
                self.written = Some(delivery.id.clone());
                return Ok(now);
            }
            SendAllowed::CoolDown { until } => NotSent::CoolDown { until },
            SendAllowed::SendLocked { until } => NotSent::SendLocked { until },
            SendAllowed::GuessLocked { until } => NotSent::GuessLocked { until },
            SendAllowed::LiveElsewhere { until, .. } => NotSent::TryAgainAt { until },
            SendAllowed::NoSendsLeft => NotSent::NoSendsLeft,
            SendAllowed::Over => NotSent::Over,
        }
        .into())
    }

    async fn write_down_once(
        &self,
        delivery: &NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError> {
        let store = &self.engine.store;
        match &self.slot {
            Slot::New(id) if self.written.is_none() => {
                let challenge = NewChallenge {
                    id: id.clone(),
                    user: self.order.user.id.clone(),
                    purpose: self.order.purpose,
                    login_type: self.order.login_type.map(str::to_owned),
                    enrollment: self.order.enrollment.id.clone(),
                    expires: self.ends,
                };
                store.open_challenge(challenge, delivery.clone(), rule, now).await
            }
            slot => store.add_delivery(slot.challenge(), delivery.clone(), rule, now).await,
        }
    }

    async fn start(&self, service: &Service, prepared: &Prepared) -> Result<Result<Outcome, Failed>, StoreError> {
        if !sends(service) {
            return Ok(Ok(Outcome::default()));
        }
        let Engine { store, runner, .. } = self.engine;
        let Order { user, enrollment, purpose, locale, .. } = *self.order;
        let locale = locale.map(str::to_owned).or_else(|| user.locale.clone());
        let email = user.email.as_ref().map(|email| email.0.clone());
        let operation = Operation::Start(
            StartChallenge::new(service.channel.clone(), purpose)
                .mode(service.mode.clone())
                .recipient(prepared.recipient.clone())
                .code(prepared.code.clone())
                .person(Person::default().account(user.name.clone()).email(email).locale(locale))
                .enrollment(store.provider_data(&enrollment.id, &prepared.new.holder).await?),
        );
        let keeper = ForDelivery {
            store: &**store,
            delivery: &prepared.new.id,
            enrollment: &enrollment.id,
            holder: &prepared.new.holder,
        };
        Ok(runner.run(service, operation, &keeper).await)
    }

    async fn sent(
        &self,
        service: &Service,
        prepared: Prepared,
        outcome: Outcome,
        created: Timestamp,
    ) -> Result<Started, SendError> {
        let Engine { store, clock, .. } = self.engine;
        let now = clock.now();
        if let Some(data) = &outcome.enrollment {
            store.put_provider_data(&self.order.enrollment.id, &prepared.new.holder, data).await?;
        }
        let ends = outcome.expires_in_seconds.map(|seconds| now + Duration::from_secs(seconds.into()));
        let newest = store.delivery_sent(&prepared.new.id, outcome.delivery.as_ref(), ends, now).await?;
        if !newest || !self.is_open().await? {
            // It was canceled or replaced while it was being sent, and the code is out.
            self.forsake(&prepared.new).await?;
            return Err(NotSent::Over.into());
        }
        let expires = ends.map_or(prepared.new.expires, |ends| ends.min(prepared.new.expires));
        Ok(self.told(service, prepared, created, expires, outcome.instruction, None))
    }

    async fn failed(
        &self,
        service: &Service,
        prepared: Prepared,
        failed: Failed,
        created: Timestamp,
    ) -> Result<Started, SendError> {
        let Engine { store, clock, .. } = self.engine;
        let Failed { failure, nothing_left } = failed;
        let delivered_nothing = nothing_left || failure.delivered == Delivered::No;
        // Where an earlier send of this challenge brought the same code, it is still out, and
        // stays good.
        let nothing_is_out = delivered_nothing && !self.same_code(prepared.new.live_key);
        store.delivery_failed(&prepared.new.id, nothing_is_out, &failure, clock.now()).await?;
        if delivered_nothing {
            let service = service.name.clone();
            return Err(NotSent::Failed { service, failure: Box::new(failure), before: Vec::new() }.into());
        }
        let expires = prepared.new.expires;
        Ok(self.told(service, prepared, created, expires, None, Some(Box::new(failure))))
    }

    fn told(
        &self,
        service: &Service,
        prepared: Prepared,
        created: Timestamp,
        expires: Timestamp,
        instruction: Option<String>,
        unconfirmed: Option<Box<Failure>>,
    ) -> Started {
        let limits = &self.engine.limits;
        let cool_down = Duration::from_secs(limits.send_cool_down_seconds.into());
        let made = prepared.code.as_ref().map(|code| u8::try_from(code.as_str().len()).unwrap_or(u8::MAX));
        Started {
            challenge: self.slot.challenge().clone(),
            method: service.name.clone(),
            service: service.name.clone(),
            fallback: false,
            channel: service.channel.clone(),
            recipient: prepared.recipient.as_ref().map(policy::masked),
            code_digits: (service.maker() != Maker::Nobody)
                .then(|| made.map_or(service.offer.code_digits, |digits| [digits; 2])),
            configured_digits: made.or(service.configured_digits),
            instruction,
            expires: expires.min(created + Duration::from_secs(limits.code_lifetime_seconds.into())).min(self.ends),
            resend_at: sends(service).then(|| created + cool_down),
            unconfirmed,
        }
    }

    /// What is out from this challenge, if it may still be used at its provider.
    fn live_before(&self) -> Option<Before> {
        let Slot::Open(open) = &self.slot else { return None };
        let delivery = &open.delivery;
        let dead = matches!(delivery.state, DeliveryState::Failed | DeliveryState::Released);
        if dead || delivery.expires <= self.engine.clock.now() {
            return None;
        }
        Some(Before { delivery: delivery.clone(), key: self.key_of(delivery) })
    }

    fn key_of(&self, delivery: &Delivery) -> Option<KeyedHash> {
        let service = self.engine.service_of(delivery)?;
        live_key(&*self.engine.store, &service, self.order.user, self.order.enrollment)
    }

    /// Whether the provider would send the code that is out already.
    fn same_code(&self, key: Option<KeyedHash>) -> bool {
        self.before.as_ref().is_some_and(|before| before.key.is_some() && before.key == key)
    }

    /// Makes what is out worthless at its provider.
    async fn retire(&mut self) -> Result<AtProvider, StoreError> {
        let Some(before) = &self.before else { return Ok(AtProvider::Dead) };
        let answer = kill(self.engine, &before.delivery).await?;
        if answer == AtProvider::Dead {
            self.before = None;
        }
        Ok(answer)
    }

    /// Whether the challenge still waits for its code.
    async fn is_open(&self) -> Result<bool, StoreError> {
        let open = self.engine.store.challenge(self.slot.challenge()).await?;
        Ok(open.is_some_and(|open| matches!(open.state, ChallengeState::Sending | ChallengeState::Pending)))
    }

    /// Nobody waits for this code: it must not live on at the provider, unless a newer send of this
    /// challenge has brought the same one.
    async fn forsake(&self, delivery: &NewDelivery) -> Result<(), StoreError> {
        let store = &self.engine.store;
        let newest = store.challenge(self.slot.challenge()).await?.map(|open| open.delivery);
        let brought_again = newest.is_some_and(|newest| {
            newest.id != delivery.id && delivery.live_key.is_some() && self.key_of(&newest) == delivery.live_key
        });
        if let Some(delivery) = store.delivery(&delivery.id).await?.filter(|_| !brought_again) {
            let _best_effort = kill(self.engine, &delivery).await?;
        }
        Ok(())
    }

    /// A challenge that was opened for this send has nothing to check. One that was open before
    /// takes another resend.
    async fn give_up(&self) -> Result<(), StoreError> {
        let Engine { store, clock, .. } = self.engine;
        // Unless somebody else has sent by it meanwhile.
        if let (Slot::New(id), Some(last)) = (&self.slot, &self.written) {
            store.close_challenge(id, Some(last), ChallengeState::Failed, clock.now()).await?;
        }
        Ok(())
    }
}

/// When an open challenge's code stops being accepted.
pub(super) fn ends(engine: &Engine, open: &OpenChallenge) -> Timestamp {
    open.expires.min(usable_until(&open.delivery, &engine.limits))
}
