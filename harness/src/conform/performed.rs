//! One operation as the kit saw it: what was asked, what came back, and how it ended.

use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::step::LogLine;
use countersign_plugin::{Data, Failure, Fault, Operation, OperationName, Reply, Scope, Timestamp};
use serde_json::Value;

/// What a code is that the kit types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// The right one.
    Right,
    /// Any other.
    Wrong,
}

/// An operation that was performed.
pub(super) struct Performed {
    /// Its place in the scenario, from 0.
    pub(super) index: usize,
    /// The time on the host's clock.
    pub(super) now: Timestamp,
    /// What was asked for.
    pub(super) operation: Operation,
    /// Whether a code in it is the right one; none where there is no code to type.
    pub(super) typed: Option<Typed>,
    /// What the plugin answered, byte for byte and in order; the last may be missing where that is a fault.
    pub(super) answers: Vec<Vec<u8>>,
    /// What it was told, byte for byte and in order.
    pub(super) told: Vec<Vec<u8>>,
    /// Its requests, with what came back.
    pub(super) exchanges: Vec<Exchange>,
    /// The random bytes that it asked for.
    pub(super) random: Vec<Drawn>,
    /// What it kept.
    pub(super) kept: Vec<(Scope, Data)>,
    /// The names of the secrets under which it wanted a MAC.
    pub(super) macs: Vec<String>,
    /// What it logged.
    pub(super) logs: Vec<LogLine>,
    /// The steps that it asked for, without the last.
    pub(super) steps: usize,
    /// How it ended.
    pub(super) end: End,
}

/// Random bytes.
pub(super) struct Drawn {
    /// How many were asked for.
    pub(super) asked: u32,
    /// Those that were given.
    pub(super) given: Vec<u8>,
}

/// A request, and what came back.
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) got: Result<Reply, TransportFailure>,
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// With an outcome.
    Outcome(Value),
    /// With a failure.
    Failure(Failure),
    /// With a fault of the plugin.
    Fault(Fault),
    /// With an answer that is none, told in one line.
    Unreadable(String),
    /// It asked for so many steps that the kit gave up.
    Endless,
    /// It waits although all its steps were answered.
    Stuck,
}

impl Performed {
    /// One of which nothing was seen so far.
    pub(super) const fn begun(operation: Operation, typed: Option<Typed>, now: Timestamp) -> Self {
        Self {
            index: 0,
            now,
            operation,
            typed,
            answers: Vec::new(),
            told: Vec::new(),
            exchanges: Vec::new(),
            random: Vec::new(),
            kept: Vec::new(),
            macs: Vec::new(),
            logs: Vec::new(),
            steps: 0,
            end: End::Stuck,
        }
    }

    pub(super) const fn name(&self) -> OperationName {
        self.operation.name()
    }

    /// The operation as problems name it: `start` on `sms`.
    pub(super) fn place(&self) -> String {
        place(&self.operation)
    }

    /// Whether a person was let in by it.
    pub(super) fn approves(&self) -> bool {
        let End::Outcome(outcome) = &self.end else { return false };
        let kind = outcome.as_str().or_else(|| outcome.as_object()?.keys().next().map(String::as_str));
        match self.name() {
            OperationName::Check | OperationName::Status => kind == Some("approved"),
            OperationName::ConfirmEnrollment => kind == Some("confirmed"),
            _ => false,
        }
    }

    /// What the plugin answered, without the handle, which counts the operations of the process.
    pub(super) fn answers(&self) -> Vec<Value> {
        let read = |bytes: &Vec<u8>| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let mut answers: Vec<_> = self.answers.iter().map(read).collect();
        answers.iter_mut().filter_map(Value::as_object_mut).for_each(|answer| drop(answer.remove("handle")));
        answers
    }

    pub(super) const fn succeeded(&self) -> bool {
        matches!(self.end, End::Outcome(_))
    }

    pub(super) const fn failure(&self) -> Option<&Failure> {
        match &self.end {
            End::Failure(failure) => Some(failure),
            _ => None,
        }
    }
}

impl End {
    /// How it ended, in words.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Outcome(_) => "came to an outcome".to_owned(),
            Self::Failure(failure) => format!("failed ({}): {}", failure.kind.name(), failure.operator),
            Self::Fault(fault) => format!("ended with a fault of the plugin: {}", fault.message),
            Self::Unreadable(why) => format!("gave an answer that no host can read: {why}"),
            Self::Endless => "asked for one step after the other without an end".to_owned(),
            Self::Stuck => "waits although all its steps were answered".to_owned(),
        }
    }
}

/// An operation as problems name it.
pub(super) fn place(operation: &Operation) -> String {
    match operation.channel() {
        Some(channel) => format!("`{}` on `{channel}`", operation.name()),
        None => format!("`{}`", operation.name()),
    }
}
