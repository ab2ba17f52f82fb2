//! The transport of one run: the cassette, a fault in one exchange, and a record of what was asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::clock::Clock as _;
use countersign::operation::RunLimits;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Body, TransportFailure};
use countersign_plugin::{Effect, Reply, TransportFailureKind};

use crate::case::CaseClock;
use crate::cassette::{Cassette, Player, Shown};
use crate::fault::chosen::Chosen;
use crate::fault::deliver::{Pace, deliver, wired};
use crate::fault::heard::Heard;
use crate::fault::lot::Lot;
use crate::replay::ReplayTransport;
use crate::wire::WireAnswer;

/// A fault in one exchange.
pub(super) struct Strike {
    /// Which; the first is 0.
    pub(super) at: usize,
    pub(super) chosen: Chosen,
    pub(super) seed: u64,
    /// In a repetition of the exchange as well.
    pub(super) again: bool,
}

/// One exchange of a run.
#[derive(Clone)]
pub(super) struct Exchange {
    /// The operation's position.
    pub(super) operation: usize,
    /// Method and address, masked.
    pub(super) title: String,
    pub(super) effect: Effect,
    /// What tells it from others.
    pub(super) key: Key,
    /// Whether the transport proves that nothing left.
    pub(super) stayed: bool,
    /// It was refused because it is not recorded.
    pub(super) unknown: bool,
    /// The recording says that it reached a person.
    pub(super) delivered: bool,
}

/// Method, address and body of a request.
pub(super) type Key = (&'static str, String, Option<Body>);

/// What the fault met.
#[derive(Clone)]
pub(super) struct Struck {
    /// The exchange's position among all of the run.
    pub(super) exchange: usize,
    /// Whether the answer, such as it was, leaves open what the request did.
    pub(super) unproven: bool,
    /// Whether nobody answered, or a server that could not.
    pub(super) silent: bool,
    /// Whether the request was sent once more, and then answered.
    pub(super) repeated: bool,
    pub(super) key: Key,
    /// The recording says that it reached a person.
    pub(super) delivered: bool,
    /// What the exchange would have brought; `None` where that is recorded as no answer.
    pub(super) withheld: Option<Reply>,
}

pub(super) struct Cell {
    replay: Arc<ReplayTransport>,
    clock: Arc<CaseClock>,
    pace: Pace,
    strike: Option<Strike>,
    waited: Arc<Mutex<Duration>>,
    state: Mutex<State>,
}

impl Struck {
    /// Whether the exchange would have brought a success.
    pub(super) fn hid_success(&self) -> bool {
        self.withheld.as_ref().is_some_and(Reply::is_success)
    }
}

/// What there is to tell of a run.
pub(super) struct Told {
    /// What was asked.
    pub(super) exchanges: Vec<Exchange>,
    /// What the fault met, if it met anything.
    pub(super) struck: Option<Struck>,
    /// Whether the exchange in which the fault was to be committed came at all.
    pub(super) reached: bool,
}

#[derive(Default)]
struct State {
    operation: usize,
    /// Exchanges so far, repetitions of the one that was struck left out.
    count: usize,
    exchanges: Vec<Exchange>,
    struck: Option<Struck>,
}

/// What is done with a request.
enum Doing {
    Play,
    Strike,
    /// The struck one, once more.
    Repeat(Struck),
}

impl Cell {
    pub(super) fn new(cassette: &Cassette, clock: Arc<CaseClock>, strike: Option<Strike>) -> Self {
        let waited = Arc::new(Mutex::new(Duration::ZERO));
        let pass = {
            let (clock, waited) = (Arc::clone(&clock), Arc::clone(&waited));
            move |time| {
                clock.advance(time);
                *waited.lock().unwrap_or_else(PoisonError::into_inner) += time;
            }
        };
        let replay = Arc::new(ReplayTransport::new(Player::new(vec![cassette.clone()])));
        Self { replay, clock, pace: Pace::Virtual(Arc::new(pass)), strike, waited, state: Mutex::default() }
    }

    /// Where requests end.
    pub(super) fn replay(&self) -> Arc<ReplayTransport> {
        Arc::clone(&self.replay)
    }

    /// An operation begins.
    pub(super) fn operation(&self, index: usize) {
        self.lock().operation = index;
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
    }

    /// How long answers were waited for since the operation began.
    pub(super) fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to tell, once nothing more is asked.
    pub(super) fn end(&self) -> Told {
        let mut state = self.lock();
        let reached = self.strike.as_ref().is_none_or(|strike| strike.at < state.count);
        Told { exchanges: std::mem::take(&mut state.exchanges), struck: state.struck.take(), reached }
    }

    /// Asks the cassette; whether what it answered reached a person, too.
    async fn play(&self, outgoing: Outgoing<'_>) -> (Result<Reply, TransportFailure>, bool) {
        let came = self.replay.send(outgoing).await;
        (came, !self.replay.take_inbox().is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doing(&self, key: &Key, effect: Effect) -> Doing {
        let mut state = self.lock();
        let newest = state.exchanges.len().checked_sub(1);
        if let Some(struck) = &state.struck
            && Some(struck.exchange) == newest
            && state.exchanges[struck.exchange].operation == state.operation
            && struck.key == *key
            // Nobody may send this again. If the plugin does, let it meet what a provider would say.
            && (effect != Effect::Act || state.exchanges[struck.exchange].stayed)
        {
            return Doing::Repeat(struck.clone());
        }
        let strike = self.strike.as_ref().is_some_and(|strike| strike.at == state.count);
        state.count += 1;
        if strike { Doing::Strike } else { Doing::Play }
    }

    /// The exchange under the fault, and whether it has anything that could be wrong in this way. The cassette goes on
    /// as recorded, whether or not the provider would have been asked: what comes later meets what is recorded for it.
    async fn strike(
        &self,
        strike: &Strike,
        outgoing: Outgoing<'_>,
        truth: &Result<Reply, TransportFailure>,
    ) -> (Result<Reply, TransportFailure>, bool) {
        let chosen = &strike.chosen;
        if let Some(detail) = chosen.no_connection(outgoing.url.host_str().unwrap_or_default()) {
            return (Err(TransportFailure::new(TransportFailureKind::NotSent, detail)), true);
        }
        // A case has made-up secrets: a plugin that quotes them is found out.
        let heard = Heard::outgoing(&outgoing).with_secrets(outgoing.secrets);
        let answer = chosen.instead(&heard, self.clock.now()).or_else(|| {
            let reply = truth.as_ref().ok()?;
            let mut lot = Lot::new(strike.seed, chosen.fault().id, strike.at as u64);
            chosen.disturbed(&heard, &WireAnswer::Reply(wired(reply)), &mut lot)
        });
        match answer {
            None => (truth.clone(), false),
            Some(answer) => (deliver(answer, outgoing.time_left, &self.pace).await, true),
        }
    }
}

#[async_trait]
impl Transport for Cell {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let request = outgoing.request;
        // Nobody waits here, so the engine's own clock stands still: what a real one would have left is counted here.
        let left = RunLimits::default().operation.saturating_sub(self.waited());
        if left.is_zero() {
            let detail = "the time for this operation is used up".to_owned();
            return Err(TransportFailure::new(TransportFailureKind::Deadline, detail));
        }
        let outgoing = Outgoing { time_left: outgoing.time_left.min(left), ..outgoing };
        let key: Key = (request.method.as_str(), request.url.clone(), request.body.clone());
        let doing = self.doing(&key, request.effect);
        let repeated = matches!(doing, Doing::Repeat(_));
        let (truth, delivered) = match &doing {
            Doing::Repeat(Struck { withheld: Some(reply), delivered, .. }) => (Ok(reply.clone()), *delivered),
            _ => self.play(outgoing).await,
        };
        let strike = match doing {
            Doing::Strike => self.strike.as_ref(),
            Doing::Repeat(_) => self.strike.as_ref().filter(|strike| strike.again),
            Doing::Play => None,
        };
        let (came, met) = match strike {
            Some(strike) => self.strike(strike, outgoing, &truth).await,
            None => (truth.clone(), false),
        };
        let mut state = self.lock();
        if met {
            state.struck = Some(Struck {
                exchange: state.exchanges.len(),
                unproven: leaves_open(&came),
                silent: came.as_ref().map_or(true, |reply| reply.status >= 500),
                repeated: false,
                key: key.clone(),
                delivered,
                withheld: truth.ok(),
            });
        } else if let Some(struck) = state.struck.as_mut().filter(|_| repeated && came.is_ok()) {
            struck.repeated = true;
        }
        let operation = state.operation;
        let failed = |kind| came.as_ref().is_err_and(|failure| failure.kind == kind);
        state.exchanges.push(Exchange {
            operation,
            title: format!("{} {}", key.0, Shown::message(outgoing.url.path())),
            effect: request.effect,
            key,
            stayed: failed(TransportFailureKind::NotSent),
            unknown: failed(TransportFailureKind::Refused),
            delivered,
        });
        came
    }
}

/// Whether nobody can tell from this what the request did: only a refusal proves that it did nothing.
fn leaves_open(came: &Result<Reply, TransportFailure>) -> bool {
    match came {
        Ok(reply) => !matches!(reply.status, 400..=407 | 409..=499),
        Err(failure) => failure.kind != TransportFailureKind::NotSent,
    }
}
