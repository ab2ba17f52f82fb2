//! Answers the steps of one operation, one at a time, in the engine's order.

use std::collections::VecDeque;
use std::sync::Arc;

use countersign::clock::Random as _;
use countersign::instance::Instance;
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::step::{Action, Answer, Call, Done, Event, HmacAlgorithm, Step, StepReply};
use countersign_plugin::{Bytes, Fault, Operation, Reply, Timestamp, limits};
use ring::hmac;

use super::performed::{Drawn, End, Exchange, Performed, Typed};
use crate::case::Seeded;

/// Beyond what is allowed, so that it can be told from what is.
const PATIENCE: usize = limits::STEPS_PER_OPERATION * 2;

/// Whoever answers the requests of an operation: which of its exchanges it is, and the request.
pub(super) type Answering<'a> = dyn FnMut(usize, &Request) -> Result<Reply, TransportFailure> + 'a;

/// An operation under way. Dropped, it is ended.
pub(super) struct Running {
    instance: Arc<dyn Instance>,
    handle: u64,
    now: Timestamp,
    random: Randomness,
    waiting: VecDeque<Step>,
    performed: Performed,
    over: bool,
}

impl Running {
    /// Begins an operation.
    pub(super) fn begin(
        instance: &Arc<dyn Instance>,
        operation: Operation,
        typed: Option<Typed>,
        now: Timestamp,
        random: Randomness,
    ) -> Self {
        let call = encoded(&Call::new(now, operation.clone()));
        let performed = Performed::begun(operation, typed, now);
        let mut running = Self {
            instance: Arc::clone(instance),
            handle: 0,
            now,
            random,
            waiting: VecDeque::new(),
            performed,
            over: false,
        };
        let answer = running.instance.begin(&call);
        running.take(answer);
        running
    }

    /// Begins one once more that was performed before, with the same clock and the same random bytes.
    pub(super) fn again(instance: &Arc<dyn Instance>, performed: &Performed) -> Self {
        let given = performed.random.iter().map(|drawn| drawn.given.clone()).collect();
        let random = Randomness::Again(given);
        Self::begin(instance, performed.operation.clone(), performed.typed, performed.now, random)
    }

    /// Runs it to its end.
    pub(super) fn run(mut self, answering: &mut Answering<'_>) -> Performed {
        while self.step(answering) {}
        self.finish()
    }

    /// Answers one step; whether there is more to do.
    pub(super) fn step(&mut self, answering: &mut Answering<'_>) -> bool {
        if self.over {
            return false;
        }
        let Some(Step { id, action, .. }) = self.waiting.pop_front() else {
            self.end(End::Stuck);
            return false;
        };
        self.performed.steps += 1;
        if self.performed.steps > PATIENCE {
            self.end(End::Endless);
            return false;
        }
        let got = self.perform(action, answering);
        let reply = encoded(&StepReply::new(id, self.now, got));
        let answer = self.instance.resume(self.handle, &reply);
        self.performed.told.push(reply);
        self.take(answer);
        !self.over
    }

    /// Its number in the plugin; 0 where it has none.
    pub(super) const fn handle(&self) -> u64 {
        self.handle
    }

    /// Leaves it to whoever knows its number: it is not ended here.
    pub(super) fn abandon(mut self) -> u64 {
        std::mem::take(&mut self.handle)
    }

    /// What was seen of it. It is ended, finished or not.
    pub(super) fn finish(mut self) -> Performed {
        let begun = Performed::begun(self.performed.operation.clone(), self.performed.typed, self.now);
        std::mem::replace(&mut self.performed, begun)
    }

    fn take(&mut self, answer: Result<Vec<u8>, Fault>) {
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(fault) => {
                self.performed.logs.extend(fault.logs.iter().cloned());
                return self.end(End::Fault(fault));
            }
        };
        let answer: Result<Answer, _> = serde_json::from_slice(&bytes);
        self.performed.answers.push(bytes);
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                return self.end(End::Unreadable(format!("it is no JSON of the contract at {place}")));
            }
        };
        if answer.handle != 0 {
            self.handle = answer.handle;
        }
        self.performed.logs.append(&mut answer.logs);
        // As the engine does it: who is done has given up on whatever waits.
        let done = answer.steps.iter().position(|step| matches!(step.action, Action::Done(_)));
        match done.map(|at| answer.steps.swap_remove(at).action) {
            Some(Action::Done(Done::Outcome(outcome))) => self.end(End::Outcome(outcome)),
            Some(Action::Done(Done::Failure(failure))) => self.end(End::Failure(failure)),
            _ => self.waiting.extend(answer.steps),
        }
    }

    fn perform(&mut self, action: Action, answering: &mut Answering<'_>) -> Event {
        match action {
            Action::Http(request) => {
                let got = answering(self.performed.exchanges.len(), &request);
                let event = match &got {
                    Ok(reply) => Event::Http(reply.clone()),
                    Err(failure) => Event::Transport(failure.clone()),
                };
                self.performed.exchanges.push(Exchange { request, got });
                event
            }
            Action::Random { bytes } => {
                let given = self.random.draw(bytes.min(limits::RANDOM_BYTES) as usize);
                self.performed.random.push(Drawn { asked: bytes, given: given.clone() });
                Event::Random(Bytes::from(given))
            }
            Action::Keep { scope, data } => {
                self.performed.kept.push((scope, data));
                Event::Kept
            }
            Action::Hmac { secret, algorithm, message } => {
                self.performed.macs.push(secret.name().to_owned());
                let algorithm = match algorithm {
                    HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
                };
                let key = hmac::Key::new(algorithm, super::inputs::SECRET.as_bytes());
                Event::Hmac(hmac::sign(&key, message.as_slice()).as_ref().into())
            }
            // Taken out of every answer before.
            Action::Done(_) => Event::Kept,
        }
    }

    fn end(&mut self, end: End) {
        self.performed.end = end;
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.handle != 0 {
            self.instance.end(self.handle);
        }
    }
}

/// Where the random bytes of an operation come from.
pub(super) enum Randomness {
    /// From a seed, on and on.
    Seeded(Arc<Seeded>),
    /// From what was drawn before.
    Again(VecDeque<Vec<u8>>),
}

impl Randomness {
    /// A beginning.
    pub(super) fn new(seed: u64) -> Self {
        Self::Seeded(Arc::new(Seeded::new(seed)))
    }

    fn draw(&mut self, bytes: usize) -> Vec<u8> {
        let mut drawn = vec![0; bytes];
        match self {
            // A digest of a counter: it cannot fail.
            Self::Seeded(seeded) => drop(seeded.fill(&mut drawn)),
            // Who asks for more than before, or for other, has gone another way: that shows in what is asked.
            Self::Again(given) => {
                let given = given.pop_front().unwrap_or_default();
                drawn.iter_mut().zip(given).for_each(|(byte, given)| *byte = given);
            }
        }
        drawn
    }
}

/// Values of the kit's own: writing them cannot fail.
pub(super) fn encoded(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
