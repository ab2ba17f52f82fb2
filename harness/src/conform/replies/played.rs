//! Cassettes as whoever answers: the operations of a case, and its recorded exchanges.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use countersign::instance::Instance;
use countersign::secrets::Secrets;
use countersign::transport::{Outgoing, Transport as _};
use countersign_plugin::http::{Request, TransportFailure, TransportFailureKind};
use countersign_plugin::{Operation, OperationName};
use serde_json::Value;
use url::Url;

use super::super::drive::{Randomness, Running};
use super::super::performed::{End, Performed, Typed};
use super::super::scenario::{Got, Hook, Place};
use crate::case::{Carried, CaseError, Seeded};
use crate::cassette::{Case, CaseOperation, Cassette, Player};
use crate::replay::ReplayTransport;

/// The case of a cassette.
pub(in super::super) struct Played {
    cassette: Cassette,
    case: Case,
}

impl Played {
    /// None where the cassette has no case.
    pub(in super::super) fn of(cassette: Cassette) -> Option<Self> {
        let case = cassette.case()?.clone();
        Some(Self { cassette, case })
    }

    /// The case.
    pub(in super::super) const fn case(&self) -> &Case {
        &self.case
    }

    /// What the case expects of an operation to fail with: the name of the kind.
    pub(in super::super) fn expected_failure(&self, index: usize) -> Option<&str> {
        self.case.operations.get(index)?.expect.get("failure")?.get("kind")?.as_str()
    }

    /// Plays it. It ends where the input of an operation cannot be made any more, as after a check interfered.
    pub(in super::super) fn run(&self, instance: &Arc<dyn Instance>, hook: &mut dyn Hook) -> Vec<Performed> {
        let transport = ReplayTransport::new(Player::new(vec![self.cassette.clone()]));
        let mut carried = Carried::default();
        let random = Arc::new(Seeded::new(self.case.seed));
        let mut now = self.case.clock;
        let mut ran = Vec::new();
        for (index, asked) in self.case.operations.iter().enumerate() {
            now = now + asked.after;
            let Ok(mut operation) = self.operation(&mut carried, index, asked) else { break };
            hook.operation(index, &mut operation);
            let random = Randomness::Seeded(Arc::clone(&random));
            let running = Running::begin(instance, operation, typed(asked), now, random);
            let mut performed = running.run(&mut |exchange, request| {
                let got = sent(&transport, request);
                hook.reply(Place { operation: index, exchange }, request, got)
            });
            performed.index = index;
            carried.keep(performed.kept.clone());
            if let End::Outcome(outcome) = &performed.end {
                carried.outcome(asked.operation, outcome);
            }
            ran.push(performed);
            if hook.last() == Some(index) {
                break;
            }
        }
        ran
    }

    fn operation(&self, carried: &mut Carried, index: usize, asked: &CaseOperation) -> Result<Operation, CaseError> {
        carried.operation(&self.case, index, asked)
    }
}

/// Whether the case types the right code: it says so by what it expects.
fn typed(asked: &CaseOperation) -> Option<Typed> {
    if !matches!(asked.operation, OperationName::Check | OperationName::ConfirmEnrollment) {
        return None;
    }
    let yes = |outcome: &Value| outcome.get("approved").or_else(|| outcome.get("confirmed")).is_some();
    let approved = asked.expect.get("outcome").is_some_and(|outcome| yes(outcome) || outcome == "approved");
    Some(if approved { Typed::Right } else { Typed::Wrong })
}

/// A replay never waits, so asking once is enough.
fn sent(transport: &ReplayTransport, request: &Request) -> Got {
    let refused = |detail: &str| TransportFailure::new(TransportFailureKind::Refused, detail);
    let url = Url::parse(&request.url).map_err(|_| refused("not an address"))?;
    let secrets = Secrets::default();
    let outgoing = Outgoing { request, url: &url, secrets: &secrets, time_left: Duration::from_secs(10) };
    let mut sending = pin!(transport.send(outgoing));
    match sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(got) => got,
        Poll::Pending => Err(refused("the replay waits, which it never does")),
    }
}
