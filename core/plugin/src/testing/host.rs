//! Drives a provider through the same coroutine and the same bytes as a loaded plugin, by the
//! rules of the engine.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::contract;
use crate::coroutine::Coroutine;
use crate::failure::{Delivered, Failure, FailureKind, FaultKind};
use crate::http::{Reply, Request, TransportFailure, TransportFailureKind};
use crate::limits;
use crate::operation::*;
use crate::provider::Provider;
use crate::step::{Action, Answer, Call, Done, Event, LogLine, Scope, Step, StepReply};
use crate::testing::service::Service;
use crate::time::Timestamp;

/// A scripted host: its replies are given out in order, one per HTTP request.
pub struct Host<P> {
    provider: Arc<P>,
    service: Service,
    now: Timestamp,
    replies: VecDeque<Event>,
    mac: Vec<u8>,
}

/// What came of an operation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ran<T> {
    /// The outcome, or the failure.
    pub outcome: Result<T, Failure>,
    /// What was broken, where the operation broke down instead of coming to an end of its own: a
    /// panic or a foreign await. The outcome is then a failure like those that a provider makes.
    pub fault: Option<FaultKind>,
    /// The requests, in the order in which they were asked for; where one was refused, it is the last.
    pub requests: Vec<Request>,
    /// What was kept, in order.
    pub kept: Vec<(Scope, Data)>,
    /// Log lines.
    pub logs: Vec<LogLine>,
    /// Scripted replies that nobody asked for.
    pub unused_replies: usize,
}

impl<P: Provider> Host<P> {
    pub(super) fn new(provider: Arc<P>, service: Service) -> Self {
        Self { provider, service, now: Timestamp::from_secs(1_767_225_600), replies: VecDeque::new(), mac: vec![0; 32] }
    }

    /// Sets the clock.
    #[must_use]
    pub const fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Appends a JSON reply.
    #[must_use]
    pub fn reply(self, status: u16, body: Value) -> Self {
        self.raw_reply(Reply::from_json(status, &body))
    }

    /// Appends any reply.
    #[must_use]
    pub fn raw_reply(mut self, reply: Reply) -> Self {
        self.replies.push_back(Event::Http(reply));
        self
    }

    /// Appends a transport failure.
    #[must_use]
    pub fn no_reply(mut self, kind: TransportFailureKind) -> Self {
        self.replies.push_back(Event::Transport(TransportFailure { kind, detail: String::new() }));
        self
    }

    /// Sets what `hmac` steps are answered with.
    #[must_use]
    pub fn mac(mut self, mac: Vec<u8>) -> Self {
        self.mac = mac;
        self
    }

    /// Runs `test_credentials`.
    pub fn test_credentials(self) -> Ran<Diagnosis> {
        self.run(Operation::TestCredentials(TestCredentials::default()))
    }

    /// Runs `enroll`.
    pub fn enroll(self, input: Enroll) -> Ran<Enrolled> {
        self.run(Operation::Enroll(input))
    }

    /// Runs `confirm_enrollment`.
    pub fn confirm_enrollment(self, input: ConfirmEnrollment) -> Ran<Confirmed> {
        self.run(Operation::ConfirmEnrollment(input))
    }

    /// Runs `start`.
    pub fn start(self, input: StartChallenge) -> Ran<Started> {
        self.run(Operation::Start(input))
    }

    /// Runs `check`.
    pub fn check(self, input: CheckCode) -> Ran<Checked> {
        self.run(Operation::Check(input))
    }

    /// Runs `cancel`.
    pub fn cancel(self, input: CancelChallenge) -> Ran<Canceled> {
        self.run(Operation::Cancel(input))
    }

    /// Runs `status`.
    pub fn status(self, input: AskStatus) -> Ran<Status> {
        self.run(Operation::Status(input))
    }

    /// Runs any operation. Each answer and reply is encoded and decoded on its way, as it would
    /// be between host and plugin file.
    pub fn run<T: DeserializeOwned>(mut self, operation: Operation) -> Ran<T> {
        let mut ran = Ran {
            outcome: Err(unfinished()),
            fault: None,
            requests: vec![],
            kept: vec![],
            logs: vec![],
            unused_replies: 0,
        };
        match self.drive(operation, &mut ran) {
            Ok(outcome) => {
                ran.outcome = serde_json::from_value(outcome).map_err(|error| {
                    Failure::new(FailureKind::PluginFault, format!("the outcome is of another type: {error}"))
                });
            }
            Err(failure) => ran.outcome = Err(failure),
        }
        ran.unused_replies = self.replies.len();
        ran
    }

    /// The loop of the engine, without its network, store and deadline.
    fn drive<T>(&mut self, operation: Operation, ran: &mut Ran<T>) -> Result<Value, Failure> {
        self.service.supports(&operation)?;
        let name = operation.name();
        let call: Call = through_bytes(&Call { now: self.now, operation });
        let mut coroutine = Coroutine::new(Arc::clone(&self.provider), call);
        let mut progress = coroutine.begin();
        let mut waiting = VecDeque::new();
        let mut steps = 0;
        loop {
            let bytes = progress.and_then(|progress| progress.encode(0)).map_err(|mut fault| {
                ran.logs.append(&mut fault.logs);
                ran.fault = Some(fault.kind);
                Failure::from(fault)
            })?;
            let answer: Answer = from_bytes(&bytes);
            ran.logs.extend(answer.logs);
            contract::steps(answer.steps.len())?;
            let mut new = answer.steps;
            // Looked for before anything that waits: who is done has given up on all of that.
            if let Some(at) = new.iter().position(|step| matches!(step.action, Action::Done(_)))
                && let Action::Done(done) = new.swap_remove(at).action
            {
                return match done {
                    Done::Outcome(outcome) => {
                        contract::outcome(name, &outcome).map(|()| outcome).map_err(Failure::from)
                    }
                    Done::Failure(failure) => Err(failure),
                };
            }
            waiting.extend(new);
            let Some(Step { id, action }) = waiting.pop_front() else { return Err(unfinished()) };
            steps += 1;
            contract::steps(steps)?;
            let got = self.perform(action, name, ran)?;
            progress = coroutine.resume(through_bytes(&StepReply { id, now: self.now, got }));
        }
    }

    fn perform<T>(&mut self, action: Action, name: OperationName, ran: &mut Ran<T>) -> Result<Event, Failure> {
        Ok(match action {
            Action::Http(request) => {
                let allowed = self.allowed(&request, name);
                ran.requests.push(request);
                allowed?;
                self.reply_to_request()
            }
            Action::Random { bytes } => {
                contract::random(bytes)?;
                Event::Random((0..bytes).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>().into())
            }
            Action::Keep { scope, data } => {
                contract::kept(&data)?;
                ran.kept.push((scope, data));
                Event::Kept
            }
            Action::Hmac { secret, .. } if !self.service.is_secret(secret.name()) => {
                return Err(contract::Breach::NoSuchSecret { name: secret.name().to_owned() }.into());
            }
            Action::Hmac { .. } => Event::Hmac(self.mac.clone().into()),
            Action::Done(_) => return Err(unfinished()),
        })
    }

    fn allowed(&self, request: &Request, name: OperationName) -> Result<(), Failure> {
        let checked = contract::request(request, name, |secret| self.service.is_secret(secret));
        let checked = checked.map_err(|breach| breach.to_string());
        checked.and_then(|()| self.service.egress(&request.url)).map_err(|why| {
            Failure::new(FailureKind::PluginFault, format!("a request in `{name}` was refused: {why}"))
                .delivered(Delivered::Maybe)
        })
    }

    fn reply_to_request(&mut self) -> Event {
        let no_reply = |kind, detail: &str| Event::Transport(TransportFailure { kind, detail: detail.to_owned() });
        match self.replies.pop_front() {
            Some(Event::Http(reply)) if reply.body.as_slice().len() > limits::REPLY_BODY_BYTES => {
                no_reply(TransportFailureKind::TooLarge, "the body is larger than a host passes on")
            }
            Some(event) => event,
            None => no_reply(TransportFailureKind::NotSent, "the test has no reply for this request"),
        }
    }
}

fn unfinished() -> Failure {
    Failure::new(FailureKind::PluginFault, "the provider waits for a reply although it asked for nothing")
}

fn through_bytes<T: serde::Serialize + DeserializeOwned>(value: &T) -> T {
    from_bytes(&serde_json::to_vec(value).unwrap_or_default())
}

#[track_caller]
fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> T {
    match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => panic!("a value does not survive its encoding: {error}"),
    }
}
