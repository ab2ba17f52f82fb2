//! Sample operations: each one that a manifest declares is begun, and its steps are answered until
//! it is over. The outcomes do not matter; that the process lives on does.

use countersign_plugin::http::{Reply, TransportFailure, TransportFailureKind};
use countersign_plugin::manifest::{Channel, Destination, Maker, Manifest};
use countersign_plugin::step::{Action, Answer, Call, Done, Event, StepReply};
use countersign_plugin::{
    AskStatus, Bytes, CancelChallenge, CheckCode, Code, ConfirmEnrollment, Data, Enroll, Fault, HmacAlgorithm,
    Operation, OperationName, Person, Phone, Provision, Purpose, Receive, Recipient, Scope, StartChallenge,
    TestCredentials, Timestamp, Unenroll, limits,
};

use crate::instance::Instance;
use crate::operation::Waiting;

/// How HTTP requests are answered, once each: nothing leaves the probe.
const NETWORKS: [Network; 4] = [Network::Down, Network::Answers(200), Network::Answers(400), Network::Answers(503)];

/// A fixed time in 2026, so that two probes of one file do the same.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

#[derive(Clone, Copy)]
enum Network {
    Down,
    Answers(u16),
}

/// Plays operations on one instance and remembers what a host would have stored.
pub(super) struct Samples<'a> {
    instance: &'a dyn Instance,
    enrollment: Option<Data>,
    delivery: Option<Data>,
}

impl<'a> Samples<'a> {
    pub(super) const fn new(instance: &'a dyn Instance) -> Self {
        Self { instance, enrollment: None, delivery: None }
    }

    /// Plays everything that the manifest declares. Gives back the faults that the contract's own
    /// guard has caught; whoever is not caught has ended the process.
    pub(super) fn play(mut self, manifest: &Manifest) -> Vec<String> {
        let mut faults = Vec::new();
        for network in NETWORKS {
            for name in &manifest.operations {
                self.play_one(None, *name, network, &mut faults);
            }
            for channel in &manifest.channels {
                self.enrollment = None;
                self.delivery = None;
                // In their natural order: what `enroll` and `start` hand out, the others need.
                let mut names = channel.operations.clone();
                names.sort();
                for name in names {
                    self.play_one(Some(channel), name, network, &mut faults);
                }
            }
        }
        faults
    }

    fn play_one(&mut self, channel: Option<&Channel>, name: OperationName, network: Network, faults: &mut Vec<String>) {
        let Some(operation) = self.operation(channel, name) else { return };
        if let Err(fault) = self.perform(operation, network) {
            let fault = format!("{name}: {fault}");
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }

    /// A second loop over steps beside the engine's: nothing is to be awaited, kept or sent here, and the child has no
    /// runtime. Their order is the engine's.
    fn perform(&mut self, operation: Operation, network: Network) -> Result<(), Fault> {
        let call = encoded(&Call::new(NOW, operation));
        let Answer { handle, steps: mut new, .. } = decoded(&self.instance.begin(&call)?)?;
        let mut waiting = Waiting::default();
        let mut result = Ok(());
        for _ in 0..limits::STEPS_PER_OPERATION {
            let Some(step) = waiting.next(new) else { break };
            let Some(got) = self.answer(step.action, network) else { break };
            let reply = encoded(&StepReply::new(step.id, NOW, got));
            match self.instance.resume(handle, &reply).and_then(|bytes| decoded(&bytes)) {
                Ok(next) => new = next.steps,
                Err(fault) => {
                    result = Err(fault);
                    break;
                }
            }
        }
        self.instance.end(handle);
        result
    }

    /// The reply to a step; none where the operation is over.
    fn answer(&mut self, action: Action, network: Network) -> Option<Event> {
        Some(match action {
            Action::Http(_) => match network {
                Network::Down => Event::Transport(TransportFailure::new(TransportFailureKind::NotSent, "")),
                Network::Answers(status) => Event::Http(Reply::from_json(status, &serde_json::json!({}))),
            },
            Action::Random { bytes } => {
                let wanted = bytes.min(limits::RANDOM_BYTES);
                Event::Random(Bytes::from((0..wanted).map(|byte| byte as u8).collect::<Vec<_>>()))
            }
            Action::Keep { scope, data } => {
                *self.memory(scope) = Some(data);
                Event::Kept
            }
            Action::Hmac { algorithm, .. } => Event::Hmac(Bytes::from(match algorithm {
                HmacAlgorithm::Sha1 => vec![0; 20],
                HmacAlgorithm::Sha256 => vec![0; 32],
            })),
            Action::Done(Done::Outcome(outcome)) => {
                // Of whatever operation it is the outcome: these are the names that data has.
                for (scope, field) in [(Scope::Enrollment, "enrollment"), (Scope::Delivery, "delivery")] {
                    let data = outcome.get(field).cloned().and_then(|data| serde_json::from_value(data).ok());
                    if data.is_some() {
                        *self.memory(scope) = data;
                    }
                }
                return None;
            }
            Action::Done(Done::Failure(_)) => return None,
        })
    }

    const fn memory(&mut self, scope: Scope) -> &mut Option<Data> {
        match scope {
            Scope::Enrollment => &mut self.enrollment,
            Scope::Delivery => &mut self.delivery,
        }
    }

    /// A sample of this operation; none where it needs data that could not be had.
    fn operation(&self, channel: Option<&Channel>, name: OperationName) -> Option<Operation> {
        let mode = channel.and_then(|it| it.mode.clone());
        let recipient = channel.and_then(recipient);
        let code = || Code::new("0".repeat(channel.map_or(6, |it| usize::from(it.code_digits[0]))));
        let made_here = channel.is_some_and(|it| it.code_made_by == Maker::Engine).then(code);
        let channel = channel.map(|it| it.channel.clone()).unwrap_or_default();
        let (enrollment, delivery, purpose) = (self.enrollment.clone(), self.delivery.clone(), Purpose::Login);
        Some(match name {
            OperationName::TestCredentials => Operation::TestCredentials(TestCredentials::default()),
            OperationName::Provision => Operation::Provision(Provision::new(true)),
            OperationName::Enroll => Operation::Enroll(Enroll::new(channel).mode(mode).person(person())),
            OperationName::ConfirmEnrollment => {
                Operation::ConfirmEnrollment(ConfirmEnrollment::new(channel, enrollment?, code()).mode(mode))
            }
            OperationName::Unenroll => Operation::Unenroll(Unenroll::new(channel).mode(mode).enrollment(enrollment)),
            OperationName::Start => Operation::Start(
                StartChallenge::new(channel, purpose)
                    .mode(mode)
                    .recipient(recipient)
                    .code(made_here)
                    .person(person())
                    .enrollment(enrollment),
            ),
            OperationName::Check => Operation::Check(
                CheckCode::new(channel, purpose, code())
                    .mode(mode)
                    .recipient(recipient)
                    .enrollment(enrollment)
                    .delivery(delivery),
            ),
            OperationName::Cancel => Operation::Cancel(CancelChallenge::new(channel).mode(mode).delivery(delivery)),
            OperationName::Status => {
                Operation::Status(AskStatus::new(channel).mode(mode).recipient(recipient).delivery(delivery))
            }
            OperationName::Receive => {
                Operation::Receive(Receive::new("POST", "https://host.example/callback").delivery(delivery))
            }
        })
    }
}

/// Numbers and addresses that belong to nobody: NANP 555-01XX, RFC 2606.
fn recipient(channel: &Channel) -> Option<Recipient> {
    match channel.destination {
        Destination::Phone => {
            Some(Recipient::Phone(Phone::new("+12025550123", "1", "2025550123").region("US".to_owned())))
        }
        Destination::Email => Some(Recipient::Email("probe@host.example".to_owned())),
        Destination::Device | Destination::None => None,
    }
}

fn person() -> Person {
    Person::default().account("probe".to_owned()).email("probe@host.example".to_owned()).locale("en".to_owned())
}

fn encoded(value: &impl serde::Serialize) -> Vec<u8> {
    // Our own samples: they have no maps with keys that JSON could not write.
    serde_json::to_vec(value).unwrap_or_default()
}

fn decoded(bytes: &[u8]) -> Result<Answer, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("the plugin's answer cannot be read: {error}");
        Fault::new(countersign_plugin::FaultKind::Unknown, message)
    })
}
