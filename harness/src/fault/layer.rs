//! Layers that commit one fault each, over any transport or whoever answers a carrier. Layers lie over layers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use countersign::clock::Clock;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::TransportFailure;
use countersign_plugin::{Reply, TransportFailureKind};

use super::chosen::Chosen;
use super::deliver::{Pace, deliver, wired};
use super::heard::Heard;
use super::lot::Lot;
use crate::wire::{Responder, WireAnswer, WireRequest};

/// Which exchanges a layer hits; the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// That one alone.
    At(u64),
    /// So many, from the first.
    First(u64),
}

impl When {
    const fn hits(self, exchange: u64) -> bool {
        match self {
            Self::Always => true,
            Self::At(only) => exchange == only,
            Self::First(number) => exchange < number,
        }
    }
}

/// Commits a fault over whoever answers a carrier. A fault of a certificate changes nothing here: it comes before any
/// request.
pub struct FaultyResponder {
    inner: Arc<dyn Responder>,
    hits: Hits,
}

/// Commits a fault over a transport.
pub struct FaultyTransport {
    inner: Arc<dyn Transport>,
    hits: Hits,
    pace: Pace,
}

/// What, when, and where exactly.
struct Hits {
    chosen: Chosen,
    when: When,
    seed: u64,
    clock: Arc<dyn Clock>,
    exchanges: AtomicU64,
}

impl FaultyResponder {
    /// Over `inner`; the seed decides where in an answer the fault falls, the clock what dates say.
    pub fn new(inner: Arc<dyn Responder>, chosen: Chosen, when: When, seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { inner, hits: Hits::new(chosen, when, seed, clock) }
    }
}

impl FaultyTransport {
    /// Over `inner`; the seed decides where in an answer the fault falls, the clock what dates say, and `pace` how
    /// time passes.
    pub fn new(
        inner: Arc<dyn Transport>,
        chosen: Chosen,
        when: When,
        seed: u64,
        clock: Arc<dyn Clock>,
        pace: Pace,
    ) -> Self {
        Self { inner, hits: Hits::new(chosen, when, seed, clock), pace }
    }
}

impl Responder for FaultyResponder {
    fn respond(&self, request: &WireRequest) -> WireAnswer {
        match self.hits.next() {
            None => self.inner.respond(request),
            Some(exchange) => {
                let Hits { chosen, clock, seed, .. } = &self.hits;
                struck(chosen, request, (*seed, exchange), clock.as_ref(), || self.inner.respond(request)).0
            }
        }
    }
}

/// One request answered with the fault in it, and whether there was anything that could be wrong in this way. Seed and
/// number of the exchange decide where exactly it falls.
pub(crate) fn struck(
    chosen: &Chosen,
    request: &WireRequest,
    (seed, exchange): (u64, u64),
    clock: &dyn Clock,
    answer: impl FnOnce() -> WireAnswer,
) -> (WireAnswer, bool) {
    let heard = Heard::wire(request);
    let mut lot = Lot::new(seed, chosen.fault().id, exchange);
    if let Some(answer) = chosen.instead(&heard, clock.now()) {
        return (answer, true);
    }
    let answer = answer();
    match chosen.disturbed(&heard, &answer, &mut lot) {
        Some(disturbed) => (disturbed, true),
        None => (answer, false),
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let Some(exchange) = self.hits.next() else { return self.inner.send(outgoing).await };
        let Hits { chosen, clock, seed, .. } = &self.hits;
        if let Some(detail) = chosen.no_connection(outgoing.url.host_str().unwrap_or_default()) {
            return Err(TransportFailure::new(TransportFailureKind::NotSent, detail));
        }
        let heard = Heard::outgoing(&outgoing);
        let answer = match chosen.instead(&heard, clock.now()) {
            Some(answer) => answer,
            None => {
                let reply = self.inner.send(outgoing).await?;
                let mut lot = Lot::new(*seed, chosen.fault().id, exchange);
                match chosen.disturbed(&heard, &WireAnswer::Reply(wired(&reply)), &mut lot) {
                    Some(answer) => answer,
                    None => return Ok(reply),
                }
            }
        };
        deliver(answer, outgoing.time_left, &self.pace).await
    }
}

impl Hits {
    fn new(chosen: Chosen, when: When, seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { chosen, when, seed, clock, exchanges: AtomicU64::new(0) }
    }

    /// The number of the next exchange, if it is to be hit.
    fn next(&self) -> Option<u64> {
        let exchange = self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.when.hits(exchange).then_some(exchange)
    }
}

impl fmt::Debug for FaultyResponder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyResponder({}, {:?})", self.hits.chosen.fault().id, self.hits.when)
    }
}

impl fmt::Debug for FaultyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyTransport({}, {:?}, {:?})", self.hits.chosen.fault().id, self.hits.when, self.pace)
    }
}
