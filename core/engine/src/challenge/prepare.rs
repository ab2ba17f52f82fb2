//! A delivery before it is written down: its code, its hashes, its times.

use std::time::Duration;

use countersign_plugin::manifest::Maker;
use countersign_plugin::{Code, OperationName, Recipient, Timestamp};

use crate::bootstrap::Limits;
use crate::clock::NoRandomness;
use crate::code;
use crate::engine::Engine;
use crate::policy;
use crate::service::Service;
use crate::store::{Delivery, DeliveryId, Enrollment, KeyedHash, NewDelivery, SendRule, Store, User};

/// How long a provider is taken to honour a code if its manifest does not say: as long as any code
/// may live (NIST SP 800-63B §5.1.3.2).
pub(super) const PROVIDER_LIFETIME: u32 = 600;

/// A delivery to make. The code of the engine's exists only in here, and only while it is sent.
pub(super) struct Prepared {
    pub(super) new: NewDelivery,
    pub(super) code: Option<Code>,
    pub(super) recipient: Option<Recipient>,
}

pub(super) fn prepare(
    engine: &Engine,
    service: &Service,
    user: &User,
    enrollment: &Enrollment,
    now: Timestamp,
) -> Result<Prepared, NoRandomness> {
    let id = DeliveryId::new(&*engine.random)?;
    let store = &*engine.store;
    let code = match service.maker() {
        Maker::Engine => Some(code::make(&*engine.random, digits(service, &engine.limits))?),
        Maker::Provider | Maker::Device | Maker::Nobody => None,
    };
    let recipient = policy::recipient(service, user, enrollment);
    let counted = sends(service).then(|| counter(store, recipient.as_ref(), user, service));
    let life = match service.maker() {
        // The live key must stand as long as the provider hands out the same code, even where
        // the engine itself stops accepting it earlier.
        Maker::Provider => service.offer.code_lifetime_seconds.unwrap_or(PROVIDER_LIFETIME),
        Maker::Engine | Maker::Device | Maker::Nobody => engine.limits.code_lifetime_seconds,
    };
    let new = NewDelivery {
        service: service.name.clone(),
        channel: service.channel.clone(),
        holder: service.holder(store),
        recipient: counted,
        live_key: live_key(store, service, user, enrollment),
        code: code.as_ref().map(|code| code::hash(store, &id, code)),
        expires: now + Duration::from_secs(life.into()),
        id,
    };
    Ok(Prepared { new, code, recipient })
}

/// Whether anything leaves when a challenge starts.
pub(super) fn sends(service: &Service) -> bool {
    service.supports(OperationName::Start)
}

/// For codes that the provider makes: what it knows them by. It hands out one code per account,
/// service and recipient, whoever asks and for whatever purpose.
pub(super) fn live_key(
    store: &dyn Store,
    service: &Service,
    user: &User,
    enrollment: &Enrollment,
) -> Option<KeyedHash> {
    if service.maker() != Maker::Provider {
        return None;
    }
    let recipient = policy::recipient(service, user, enrollment);
    let recipient = recipient.map_or_else(|| enrollment.id.to_string(), |recipient| recipient.address().to_owned());
    let parts = [service.provider.as_bytes(), service.account.as_slice(), recipient.as_bytes()];
    Some(store.hash("live code", &parts))
}

/// The moment from which the engine no longer accepts the code of a delivery.
pub(super) fn usable_until(delivery: &Delivery, limits: &Limits) -> Timestamp {
    delivery.expires.min(delivery.created + Duration::from_secs(limits.code_lifetime_seconds.into()))
}

/// How often this service may send. What sends nothing is not counted, so that a send lock leaves
/// it usable. A fallback takes the place of a send that failed: it need not wait for the cool-down,
/// but it counts.
pub(super) fn send_rule(limits: &Limits, service: &Service, is_fallback: bool) -> SendRule {
    SendRule {
        counts: sends(service),
        cool_down_seconds: if is_fallback { 0 } else { limits.send_cool_down_seconds.into() },
        cap: limits.sends_per_number,
        window_seconds: limits.send_window_seconds.into(),
        lock_seconds: limits.send_lock_seconds.into(),
        per_challenge: limits.sends_per_challenge,
        attempts_per_challenge: limits.attempts_per_challenge,
    }
}

/// What sends are counted by: the number or address, whoever's it is; where there is none (a
/// request on somebody's device), the user.
fn counter(store: &dyn Store, recipient: Option<&Recipient>, user: &User, service: &Service) -> KeyedHash {
    match recipient {
        Some(Recipient::Phone(phone)) => store.hash("recipient: phone", &[phone.e164.as_bytes()]),
        Some(Recipient::Email(address)) => store.hash("recipient: e-mail", &[address.as_bytes()]),
        Some(other) => store.hash("recipient", &[other.kind().as_bytes(), other.address().as_bytes()]),
        None => store.hash("recipient: user", &[user.id.as_str().as_bytes(), service.channel.as_bytes()]),
    }
}

/// As many digits as the bootstrap says, as far as the channel can carry them.
fn digits(service: &Service, limits: &Limits) -> u8 {
    let [fewest, most] = service.offer.code_digits;
    limits.code_digits.min(most).max(fewest)
}
