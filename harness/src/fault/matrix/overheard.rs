//! Listens to what a plugin says before the engine masks it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::instance::Instance;
use countersign::operation::Mask;
use countersign::secrets::Secrets;
use countersign_plugin::line::escaped;
use countersign_plugin::step::{Action, Answer, Call, Done, LogLine};
use countersign_plugin::{Fault, FaultKind, Manifest, Operation};
use serde_json::Value;

use super::violation::Spoken;

/// An instance, listened to.
pub(super) struct Overheard {
    instance: Arc<dyn Instance>,
    secrets: Secrets,
    state: Mutex<State>,
}

/// What was heard during one operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    /// Where a secret, a code, a number or an address stood.
    pub(super) told: Vec<Spoken>,
    /// How the plugin broke the contract.
    pub(super) broke: Option<FaultKind>,
    /// Whether the operation names a recipient.
    pub(super) recipient: bool,
}

#[derive(Default)]
struct State {
    mask: Option<Mask>,
    notes: Notes,
}

impl Overheard {
    pub(super) fn new(instance: Arc<dyn Instance>, secrets: Secrets) -> Self {
        Self { instance, secrets, state: Mutex::default() }
    }

    /// What was heard since the last operation ended.
    pub(super) fn take(&self) -> Notes {
        std::mem::take(&mut *self.lock()).notes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, answer: &Result<Vec<u8>, Fault>) {
        let mut state = self.lock();
        match answer {
            Ok(bytes) => {
                // What is no answer the engine refuses, and shows to nobody.
                let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else { return };
                state.logs(&answer.logs);
                for step in &answer.steps {
                    if let Action::Done(done) = &step.action {
                        state.done(done);
                    }
                }
            }
            Err(fault) => {
                state.notes.broke = Some(fault.kind);
                state.logs(&fault.logs);
                state.text(Spoken::Operator, &fault.message);
            }
        }
    }
}

impl State {
    fn logs(&mut self, lines: &[LogLine]) {
        lines.iter().for_each(|line| self.text(Spoken::Log, &line.text));
    }

    fn done(&mut self, done: &Done) {
        match done {
            Done::Failure(failure) => {
                self.text(Spoken::Operator, &failure.operator);
                self.text(Spoken::Person, &failure.person);
                failure.provider_code.iter().for_each(|code| self.text(Spoken::ProviderCode, code));
            }
            // Of what else an outcome holds, nothing is read by anybody.
            Done::Outcome(outcome) => {
                for name in ["instruction", "findings"] {
                    outcome.get(name).into_iter().for_each(|value| self.value(value));
                }
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(Spoken::Outcome, text),
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(members) => members.values().for_each(|member| self.value(member)),
            _ => {}
        }
    }

    fn text(&mut self, spoken: Spoken, text: &str) {
        let tells = self.mask.as_ref().is_some_and(|mask| mask.text(text) != escaped(text));
        if tells && !self.notes.told.contains(&spoken) {
            self.notes.told.push(spoken);
        }
    }
}

impl Instance for Overheard {
    fn manifest(&self) -> &Manifest {
        self.instance.manifest()
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        if let Ok(Call { operation, .. }) = serde_json::from_slice(call) {
            let mut state = self.lock();
            state.mask = Some(Mask::new(&self.secrets, &operation));
            state.notes.recipient = match &operation {
                Operation::Start(input) => input.recipient.is_some(),
                Operation::Check(input) => input.recipient.is_some(),
                Operation::Status(input) => input.recipient.is_some(),
                _ => false,
            };
        }
        let answer = self.instance.begin(call);
        self.hear(&answer);
        answer
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer = self.instance.resume(handle, reply);
        self.hear(&answer);
        answer
    }

    fn end(&self, handle: u64) {
        self.instance.end(handle);
    }
}
