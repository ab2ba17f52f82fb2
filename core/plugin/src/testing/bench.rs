//! Drives a provider through the same coroutine and the same bytes as a loaded plugin.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::coroutine::Coroutine;
use crate::failure::{Failure, FailureKind};
use crate::http::{Reply, Request, TransportFailure, TransportFailureKind};
use crate::operation::*;
use crate::provider::Provider;
use crate::step::{Action, Answer, Call, Done, Event, LogLine, Scope, StepReply};
use crate::time::Timestamp;

/// An opened provider under test.
pub struct Bench<P> {
    provider: Arc<P>,
}

impl<P: Provider> Bench<P> {
    /// Opens the provider with these settings; a secret setting is `{"secret": "its name"}`.
    ///
    /// # Panics
    /// If the settings are not accepted.
    #[track_caller]
    pub fn open(settings: Value) -> Self {
        match Self::try_open(settings) {
            Ok(bench) => bench,
            Err(failure) => panic!("the provider does not open: {failure}"),
        }
    }

    /// Like [`Bench::open`], for tests of refused settings.
    ///
    /// # Errors
    /// What the provider, or its settings struct, has against them.
    pub fn try_open(settings: Value) -> Result<Self, Failure> {
        let settings = serde_json::from_value(settings)
            .map_err(|error| Failure::new(FailureKind::Misconfigured, error.to_string()))?;
        Ok(Self { provider: Arc::new(P::open(settings)?) })
    }

    /// A host to run one operation with. Its clock stands at 2026-01-01T00:00:00Z, its
    /// "random" bytes count up from 0.
    pub fn host(&self) -> Host<P> {
        Host {
            provider: Arc::clone(&self.provider),
            now: Timestamp::from_secs(1_767_225_600),
            replies: VecDeque::new(),
            mac: vec![0; 32],
        }
    }
}

/// A scripted host: its replies are given out in order, one per HTTP request.
pub struct Host<P> {
    provider: Arc<P>,
    now: Timestamp,
    replies: VecDeque<Event>,
    mac: Vec<u8>,
}

/// What came of an operation.
#[derive(Debug)]
pub struct Ran<T> {
    /// The outcome, or the failure.
    pub outcome: Result<T, Failure>,
    /// The requests, in the order in which they were asked for.
    pub requests: Vec<Request>,
    /// What was kept, in order.
    pub kept: Vec<(Scope, Data)>,
    /// Log lines.
    pub logs: Vec<LogLine>,
    /// Scripted replies that nobody asked for.
    pub unused_replies: usize,
}

impl<P: Provider> Host<P> {
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
        let mut ran =
            Ran { outcome: Err(unfinished()), requests: vec![], kept: vec![], logs: vec![], unused_replies: 0 };
        let call: Call = through_bytes(&Call { now: self.now, operation });
        let mut coroutine = Coroutine::new(Arc::clone(&self.provider), call);
        let mut progress = coroutine.begin();
        let mut waiting = VecDeque::new();
        loop {
            match progress.and_then(|progress| progress.encode(0)) {
                Ok(bytes) => {
                    let answer: Answer = from_bytes(&bytes);
                    ran.logs.extend(answer.logs);
                    if answer.steps.iter().any(|step| matches!(step.action, Action::Done(_))) {
                        waiting.clear(); // Who is done has given up on all of that.
                    }
                    waiting.extend(answer.steps);
                }
                Err(mut fault) => {
                    ran.logs.append(&mut fault.logs);
                    ran.outcome = Err(fault.into());
                    break;
                }
            }
            let Some(step) = waiting.pop_front() else { break };
            let got = match step.action {
                Action::Done(Done::Outcome(value)) => {
                    ran.outcome = serde_json::from_value(value).map_err(|error| {
                        Failure::new(FailureKind::PluginFault, format!("the outcome is of another type: {error}"))
                    });
                    break;
                }
                Action::Done(Done::Failure(failure)) => {
                    ran.outcome = Err(failure);
                    break;
                }
                action => self.perform(action, &mut ran),
            };
            progress = coroutine.resume(through_bytes(&StepReply { id: step.id, now: self.now, got }));
        }
        ran.unused_replies = self.replies.len();
        ran
    }

    fn perform<T>(&mut self, action: Action, ran: &mut Ran<T>) -> Event {
        match action {
            Action::Http(request) => {
                ran.requests.push(request);
                self.replies.pop_front().unwrap_or_else(|| {
                    let detail = "the test has no reply for this request".to_owned();
                    Event::Transport(TransportFailure { kind: TransportFailureKind::NotSent, detail })
                })
            }
            Action::Random { bytes } => {
                Event::Random((0..bytes).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>().into())
            }
            Action::Keep { scope, data } => {
                ran.kept.push((scope, data));
                Event::Kept
            }
            Action::Hmac { .. } => Event::Hmac(self.mac.clone().into()),
            Action::Done(_) => Event::Kept,
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

#[cfg(test)]
mod tests {
    use futures_util::future::try_join;
    use serde_json::json;

    use super::*;
    use crate::{Context, Endpoint, Provider};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Nothing {}

    /// Asks twice at once, and gives up on the second where the first is refused.
    struct Twice;

    impl Provider for Twice {
        type Settings = Nothing;

        fn open(_: Nothing) -> Result<Self, Failure> {
            Ok(Self)
        }

        async fn start(&self, cx: &Context, _: StartChallenge) -> Result<Started, Failure> {
            let ask = async |path: &str| {
                let reply = cx.http(Request::post(Endpoint::new("https://acme.example").path([path]))).await?;
                if reply.is_success() { Ok(()) } else { Err(Failure::new(FailureKind::Blocked, "no")) }
            };
            try_join(ask("first"), ask("second")).await?;
            Ok(Started::default())
        }
    }

    #[test]
    fn what_a_provider_has_given_up_on_is_not_performed() {
        let ran = Bench::<Twice>::open(json!({})).host().reply(403, json!({})).start(crate::testing::start("sms"));
        assert_eq!(ran.outcome.expect_err("its own failure").kind, FailureKind::Blocked);
        assert_eq!(ran.requests.len(), 1);
    }
}
