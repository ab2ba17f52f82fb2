//! Makes codes worthless: here at once, at the provider where that can be.

use std::sync::Arc;

use countersign_plugin::manifest::Maker;
use countersign_plugin::{CancelChallenge, Canceled, Operation, OperationName};

use super::{Cancellation, CheckError};
use crate::engine::Engine;
use crate::operation::NothingKept;
use crate::service::Service;
use crate::store::{ChallengeId, ChallengeState, Delivery, DeliveryId, DeliveryState, StoreError};

/// Whether a code can still be used at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AtProvider {
    /// It is dead there.
    Dead,
    /// It may live on.
    MayLive,
}

/// Takes a challenge back. It is over here before the provider is asked, so that nothing can be
/// approved in between.
pub(crate) async fn cancel(engine: &Engine, challenge: &ChallengeId) -> Result<Cancellation, CheckError> {
    let Some(open) = engine.store.challenge(challenge).await? else { return Err(CheckError::UnknownChallenge) };
    if !engine.store.close_challenge(challenge, None, ChallengeState::Canceled, engine.clock.now()).await? {
        return Ok(Cancellation::AlreadyOver);
    }
    // It is canceled, and stays so whatever becomes of the rest.
    if let Err(error) = kill(engine, &open.delivery).await {
        tracing::warn!(%challenge, "what became of a canceled code was not written down: {error}");
    }
    Ok(Cancellation::Canceled)
}

/// Frees the way for a new code where another delivery holds its live key: the provider must have
/// confirmed that the old code is dead. The old challenge then ends, if it waits for that code.
pub(super) async fn make_way(
    engine: &Engine,
    challenge: &ChallengeId,
    delivery: &DeliveryId,
) -> Result<AtProvider, StoreError> {
    let Some(old) = engine.store.delivery(delivery).await? else { return Ok(AtProvider::MayLive) };
    let Some(service) = engine.service_of(&old) else { return Ok(AtProvider::MayLive) };
    if ask_to_cancel(engine, &service, &old).await == AtProvider::MayLive {
        return Ok(AtProvider::MayLive);
    }
    let now = engine.clock.now();
    engine.store.close_challenge(challenge, Some(delivery), ChallengeState::Canceled, now).await?;
    engine.store.release_delivery(delivery, now).await?;
    Ok(AtProvider::Dead)
}

/// Makes a delivery worthless at the provider, if that can be: cancels its code, hangs up, takes
/// the request back. What the engine or a device makes is worthless without that.
pub(crate) async fn kill(engine: &Engine, delivery: &Delivery) -> Result<AtProvider, StoreError> {
    let Some(service) = engine.service_of(delivery) else { return Ok(AtProvider::MayLive) };
    let over = matches!(delivery.state, DeliveryState::Failed | DeliveryState::Released);
    if over || delivery.expires <= engine.clock.now() {
        return Ok(AtProvider::Dead);
    }
    let answer = ask_to_cancel(engine, &service, delivery).await;
    if answer == AtProvider::Dead {
        engine.store.release_delivery(&delivery.id, engine.clock.now()).await?;
    }
    Ok(if service.maker() == Maker::Provider { answer } else { AtProvider::Dead })
}

/// Only an outcome of the provider's counts. The runner has logged a failure.
async fn ask_to_cancel(engine: &Engine, service: &Arc<Service>, delivery: &Delivery) -> AtProvider {
    if !service.supports(OperationName::Cancel) {
        return AtProvider::MayLive;
    }
    let operation = Operation::Cancel(
        CancelChallenge::new(service.channel.clone()).mode(service.mode.clone()).delivery(delivery.data.clone()),
    );
    match engine.runner.run::<Canceled>(service, operation, &NothingKept).await {
        Ok(Canceled::Canceled | Canceled::AlreadyOver) => AtProvider::Dead,
        Err(_) => AtProvider::MayLive,
    }
}
