//! What went over the wire while a case ran, kept for who wants to read it afterwards.
//!
//! A journal is made only where a report is asked for: without one, nothing is kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::{OperationName, Reply};

use crate::case::Compared;
use crate::cassette::{Kept, Mismatch, SentMessage};
use crate::replay::{PlayedBy, ReplayTransport};

/// Exchanges kept of one case; a plugin that asks for more in an operation is refused at 32 already.
const EXCHANGES: usize = 500;
/// Bytes kept of the body of one reply; more of it is counted.
const BODY: usize = 64 * 1024;

/// Keeps what goes over the wire, and how operations end.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    operation: Option<usize>,
    exchanges: Kept<Exchanged>,
    operations: Vec<OperationEnd>,
    number: u64,
}

/// All that a journal has kept.
#[derive(Debug)]
pub struct Pages {
    /// The exchanges, in order: the last 500.
    pub exchanges: Vec<Exchanged>,
    /// How many before those were dropped.
    pub dropped: u64,
    /// The operations that ended, in order.
    pub operations: Vec<OperationEnd>,
}

/// One request that was sent, and what came of it.
#[derive(Clone)]
pub struct Exchanged {
    /// Its place among the exchanges of the case; the first is 0.
    pub number: u64,
    /// The position of the operation that asked for it; the first is 0.
    pub operation: Option<usize>,
    /// What the plugin asked for, with references to secrets.
    pub request: Request,
    /// What it was told; of a long body only the beginning.
    pub answer: Result<Reply, TransportFailure>,
    /// The bytes of the whole body.
    pub body_bytes: u64,
    /// Which recorded exchange answered, where the request got as far as the cassette.
    pub played_by: Option<PlayedBy>,
    /// Why none answered.
    pub mismatch: Option<Mismatch>,
}

/// How one operation ended.
#[derive(Debug, Clone)]
pub struct OperationEnd {
    /// Its position in the case; the first is 0.
    pub index: usize,
    /// Which one.
    pub name: OperationName,
    /// How far the clock moved before it.
    pub after: Duration,
    /// Compared with what the case expects.
    pub compared: Compared,
    /// What reached people because of it.
    pub messages: Vec<SentMessage>,
}

impl Journal {
    /// A journal without entries.
    pub fn new() -> Self {
        let state = State { operation: None, exchanges: Kept::last(EXCHANGES), operations: Vec::new(), number: 0 };
        Self { state: Mutex::new(state) }
    }

    /// A transport that sends through another and keeps what went. `replay` is where it ends: behind faults, or the same.
    pub fn around(self: &Arc<Self>, inner: Arc<dyn Transport>, replay: Arc<ReplayTransport>) -> Arc<dyn Transport> {
        Arc::new(JournalTransport { journal: Arc::clone(self), inner, replay })
    }

    /// Takes what was kept.
    pub fn take(&self) -> Pages {
        let mut state = self.lock();
        Pages {
            dropped: state.exchanges.dropped(),
            exchanges: state.exchanges.take(),
            operations: std::mem::take(&mut state.operations),
        }
    }

    /// Whatever is sent from now on is sent for this operation.
    pub(crate) fn begins(&self, operation: usize) {
        self.lock().operation = Some(operation);
    }

    pub(crate) fn ended(&self, operation: OperationEnd) {
        self.lock().operations.push(operation);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one push: what a panic elsewhere left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends through another transport, and writes down what went.
struct JournalTransport {
    journal: Arc<Journal>,
    inner: Arc<dyn Transport>,
    replay: Arc<ReplayTransport>,
}

#[async_trait]
impl Transport for JournalTransport {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let request = outgoing.request.clone();
        // The engine performs the steps of an operation one after the other: what is noted next is about this request.
        drop(self.replay.take_note());
        let answer = self.inner.send(outgoing).await;
        let note = self.replay.take_note();
        let kept = answer.clone().map(|mut reply| {
            if reply.body.as_slice().len() > BODY {
                reply.body = reply.body.as_slice()[..BODY].to_vec().into();
            }
            reply
        });
        let body_bytes = answer.as_ref().map_or(0, |reply| reply.body.as_slice().len() as u64);
        let (played_by, mismatch) = match note {
            Some(Ok(played)) => (Some(played), None),
            Some(Err(mismatch)) => (None, Some(*mismatch)),
            None => (None, None),
        };
        let mut state = self.journal.lock();
        let (number, operation) = (state.number, state.operation);
        state.number += 1;
        state.exchanges.push(Exchanged { number, operation, request, answer: kept, body_bytes, played_by, mismatch });
        answer
    }
}

impl fmt::Debug for Exchanged {
    /// Without what was sent: it holds codes and numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged")
            .field("number", &self.number)
            .field("operation", &self.operation)
            .field("body_bytes", &self.body_bytes)
            .field("played_by", &self.played_by)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use countersign::secrets::Secrets;
    use countersign_plugin::{Endpoint, TransportFailureKind};
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::cassette::{Player, parse};

    /// Answers a body of this many bytes, or fails, without asking the cassette.
    struct Canned(Option<usize>);

    #[async_trait]
    impl Transport for Canned {
        async fn send(&self, _: Outgoing<'_>) -> Result<Reply, TransportFailure> {
            match self.0 {
                Some(bytes) => Ok(Reply::new(200, vec![b'x'; bytes])),
                None => Err(TransportFailure::new(TransportFailureKind::NoAnswer, "canned")),
            }
        }
    }

    fn replay() -> Arc<ReplayTransport> {
        let entry = json!({"request": {"method": "GET", "url": "https://api.example/a"}, "response": {"status": 200},
            "_countersign": {"repeat": "any"}});
        let har = json!({"log": {"entries": [entry]}}).to_string();
        let cassette = parse(std::path::Path::new("test.har"), har.as_bytes()).expect("is a cassette");
        Arc::new(ReplayTransport::new(Player::new(vec![cassette])))
    }

    fn send(transport: &dyn Transport, segment: &str) -> Result<Reply, TransportFailure> {
        let request = Request::get(Endpoint::new("https://api.example").path([segment]));
        let url = Url::parse(&request.url).expect("an address");
        let secrets = Secrets::default();
        let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left: Duration::from_secs(1) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(transport.send(outgoing))
    }

    #[test]
    fn each_exchange_is_kept_with_what_played_it_or_why_nothing_did() {
        let (journal, replay) = (Arc::new(Journal::new()), replay());
        let transport = journal.around(Arc::clone(&replay) as _, replay);
        assert!(send(&*transport, "a").is_ok());
        journal.begins(4);
        assert!(send(&*transport, "b").is_err());
        assert!(send(&*transport, "a").is_ok());
        let pages = journal.take();
        let told: Vec<_> = pages
            .exchanges
            .iter()
            .map(|one| (one.number, one.operation, one.played_by.is_some(), one.mismatch.is_some(), one.answer.is_ok()))
            .collect();
        let expected =
            [(0, None, true, false, true), (1, Some(4), false, true, false), (2, Some(4), true, false, true)];
        assert_eq!(told, expected);
        assert!(journal.take().exchanges.is_empty());
    }

    #[test]
    fn what_never_came_as_far_as_the_cassette_was_played_by_nothing() {
        let (journal, replay) = (Arc::new(Journal::new()), replay());
        // What the cassette said of an earlier request is not said of this one.
        assert!(send(&*replay, "a").is_ok());
        let transport = journal.around(Arc::new(Canned(None)), replay);
        assert!(send(&*transport, "a").is_err());
        let [one] = &journal.take().exchanges[..] else { panic!("one exchange") };
        assert!(one.played_by.is_none() && one.mismatch.is_none());
    }

    #[test]
    fn long_bodies_and_many_exchanges_are_not_kept_but_counted() {
        let (journal, replay) = (Arc::new(Journal::new()), replay());
        let transport = journal.around(Arc::new(Canned(Some(BODY + 1))), replay);
        for _ in 0..EXCHANGES + 3 {
            let reply = send(&*transport, "a").expect("is canned");
            assert_eq!(reply.body.as_slice().len(), BODY + 1, "the plugin gets all of it");
        }
        let pages = journal.take();
        assert_eq!((pages.exchanges.len(), pages.dropped), (EXCHANGES, 3));
        assert!(pages.exchanges.iter().all(|one| one.body_bytes == BODY as u64 + 1));
        let kept = pages.exchanges.iter().filter_map(|one| one.answer.as_ref().ok());
        assert!(kept.clone().count() == EXCHANGES && kept.clone().all(|reply| reply.body.as_slice().len() == BODY));
    }
}
