//! What an operation may ask of its host.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::contract;
use crate::failure::{Failure, FailureKind};
use crate::http::{HttpError, Reply, Request, TransportFailure, TransportFailureKind};
use crate::log::Log;
use crate::operation::Data;
use crate::secret::SecretRef;
use crate::step::{Action, Event, HmacAlgorithm, Level, Scope, Step};
use crate::time::Timestamp;

/// The host, as one operation sees it. Everything that a provider awaits comes from here; each
/// await is one step. Several may be awaited at once (`join!`).
#[derive(Clone)]
pub struct Context {
    slot: Arc<Mutex<Slot>>,
}

/// The mailbox between the coroutine and whoever polls it.
pub(crate) struct Slot {
    pub(crate) now: Timestamp,
    last_id: u64,
    outbox: Vec<Step>,
    /// Steps that wait for their reply, each with whom to wake. The host polls with a waker that
    /// does nothing, but combinators such as `FuturesUnordered` poll only what was woken.
    outstanding: Vec<(u64, Waker)>,
    /// Replies that nobody has fetched yet. Few: a list is searched faster than a map is made.
    inbox: Vec<(u64, Event)>,
    pub(crate) log: Log,
}

impl Context {
    pub(crate) fn new(now: Timestamp) -> Self {
        let slot = Slot {
            now,
            last_id: 0,
            outbox: Vec::new(),
            outstanding: Vec::new(),
            inbox: Vec::new(),
            log: Log::default(),
        };
        Self { slot: Arc::new(Mutex::new(slot)) }
    }

    /// The host's clock as of its last word. It does not tick while an operation computes.
    pub fn now(&self) -> Timestamp {
        self.slot().now
    }

    /// Performs an HTTP request. Any status is a reply; see [`Reply`].
    ///
    /// # Errors
    /// [`HttpError`] where there is no reply; `?` turns it into the [`Failure`] that fits the
    /// request's effect.
    pub async fn http(&self, request: Request) -> Result<Reply, HttpError> {
        let effect = request.effect;
        let refused = |detail: String| HttpError {
            failure: TransportFailure { kind: TransportFailureKind::Refused, detail },
            effect,
        };
        if let Some(problem) = request.problem {
            return Err(refused(problem));
        }
        match self.step(Action::Http(request)).await {
            Event::Http(reply) => Ok(reply),
            Event::Transport(failure) => Err(HttpError { failure, effect }),
            other => Err(refused(unexpected("http", &other))),
        }
    }

    /// Random bytes from the host's secure source, at most [`limits::RANDOM_BYTES`](crate::limits::RANDOM_BYTES).
    ///
    /// # Errors
    /// A plugin fault where the host does not give as many bytes as were asked for.
    pub async fn random(&self, bytes: u32) -> Result<Vec<u8>, Failure> {
        contract::random(bytes).map_err(|breach| fault(breach.to_string()))?;
        match self.step(Action::Random { bytes }).await {
            Event::Random(given) if given.as_slice().len() == bytes as usize => Ok(given.into_vec()),
            other => Err(fault(unexpected("random", &other))),
        }
    }

    /// Stores what must not be lost (a sid, once the message is out) before the operation goes
    /// on. It replaces what was there; the outcome may replace it again.
    ///
    /// # Errors
    /// A plugin fault where the data is larger than [`limits::DATA_BYTES`](crate::limits::DATA_BYTES).
    pub async fn keep(&self, scope: Scope, data: Data) -> Result<(), Failure> {
        contract::kept(&data).map_err(|breach| fault(breach.to_string()))?;
        match self.step(Action::Keep { scope, data }).await {
            Event::Kept => Ok(()),
            other => Err(fault(unexpected("keep", &other))),
        }
    }

    /// HMAC of `message` under a secret setting, computed by the host.
    ///
    /// # Errors
    /// A plugin fault where the host does not answer with a MAC.
    pub async fn hmac(&self, secret: &SecretRef, algorithm: HmacAlgorithm, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let action = Action::Hmac { secret: secret.clone(), algorithm, message: message.into() };
        match self.step(action).await {
            Event::Hmac(mac) => Ok(mac.into_vec()),
            other => Err(fault(unexpected("hmac", &other))),
        }
    }

    /// A line for the host's log. No codes, seeds, numbers or credentials. Control characters
    /// are shown by their escapes; of an answer's lines the first
    /// [`limits::LOG_LINES`](crate::limits::LOG_LINES) are kept, of a line the first
    /// [`limits::LOG_LINE_BYTES`](crate::limits::LOG_LINE_BYTES).
    pub fn log(&self, level: Level, text: impl AsRef<str>) {
        self.slot().log.push(level, text.as_ref());
    }

    pub(crate) fn slot(&self) -> MutexGuard<'_, Slot> {
        // Nothing in here panics while it holds the lock; if it ever does, the data is whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn step(&self, action: Action) -> Event {
        let mut action = Some(action);
        let mut id = 0;
        poll_fn(move |polled| {
            let mut slot = self.slot();
            if let Some(action) = action.take() {
                slot.last_id += 1;
                id = slot.last_id;
                slot.outstanding.push((id, polled.waker().clone()));
                slot.outbox.push(Step { id, action });
                return Poll::Pending;
            }
            if let Some(place) = slot.inbox.iter().position(|(answered, _)| *answered == id) {
                return Poll::Ready(slot.inbox.swap_remove(place).1);
            }
            if let Some((_, waker)) = slot.outstanding.iter_mut().find(|(waiting, _)| *waiting == id) {
                waker.clone_from(polled.waker());
            }
            Poll::Pending
        })
        .await
    }
}

impl fmt::Debug for Context {
    /// Nothing of the operation: what waits for its reply may hold a number or a code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Slot {
    /// Whether a step waits for its reply; if none does and the coroutine is pending all the
    /// same, it awaits something that is not ours.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// Delivers a reply and returns whom to wake, once the slot is unlocked; `None` if no such
    /// step is outstanding.
    #[must_use]
    pub(crate) fn deliver(&mut self, id: u64, event: Event) -> Option<Waker> {
        let place = self.outstanding.iter().position(|(waiting, _)| *waiting == id)?;
        let (_, waker) = self.outstanding.swap_remove(place);
        self.inbox.push((id, event));
        Some(waker)
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.outbox)
    }
}

fn fault(operator: String) -> Failure {
    Failure::new(FailureKind::PluginFault, operator)
}

fn unexpected(step: &str, event: &Event) -> String {
    let got = match event {
        Event::Http(_) => "http",
        Event::Transport(_) => "transport",
        Event::Random(_) => "random",
        Event::Kept => "kept",
        Event::Hmac(_) => "hmac",
    };
    format!("the host answered the step `{step}` with `{got}`, or not in full")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Endpoint;

    #[test]
    fn nothing_of_what_waits_is_shown() {
        let cx = Context::new(Timestamp::from_secs(0));
        let request = Request::post(Endpoint::new("https://h.example")).form([("To", "canary")]);
        let mut waiting = std::pin::pin!(cx.http(request));
        let mut polled = std::task::Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut polled).is_pending());
        cx.log(Level::Info, "canary");
        assert_eq!(format!("{cx:?}"), "Context { .. }");
    }
}
