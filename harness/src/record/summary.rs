//! What came of a recording.

use std::fmt;
use std::path::PathBuf;

use crate::cassette::{Mismatch, Shown, WriteError, Written};
use crate::wire::WireRequest;

/// What came of a recording.
#[derive(Debug)]
#[must_use]
pub struct Summary {
    /// The cassette.
    pub path: PathBuf,
    /// What was written; `None` where there was nothing to write, and the cassette is as it was.
    pub written: Option<Written>,
    /// How many exchanges were recorded.
    pub recorded: usize,
    /// How many requests were answered by what had been recorded before.
    pub replayed: u64,
    /// Exchanges that took place and were not recorded.
    pub left_out: Vec<LeftOut>,
    /// Requests that were neither recorded before nor allowed to go live: the last 100.
    pub refused: Vec<Mismatch>,
    /// Requests that went live and had no answer that could be recorded: the last 100.
    pub unanswered: Vec<Unanswered>,
}

/// An exchange that took place and was not recorded.
#[derive(Debug)]
pub struct LeftOut {
    /// Method and path, masked.
    pub request: Shown,
    /// Why it cannot stand in a cassette.
    pub reason: WriteError,
}

/// A request that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Method and path, masked.
    pub request: Shown,
    /// Why.
    pub reason: String,
}

impl Summary {
    /// Whether everything that was asked for was answered, and all of it that went live was recorded.
    pub fn is_complete(&self) -> bool {
        self.left_out.is_empty() && self.refused.is_empty() && self.unanswered.is_empty()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The file is the unfinished one, and the entry the newest there: neither means anything to anybody.
        write!(f, "{}: not recorded: {}", self.request, self.reason.problem)
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: no answer: {}", self.request, self.reason)
    }
}

/// Method and path, masked.
pub(super) fn title(request: &WireRequest) -> Shown {
    let path = request.target.split('?').next().unwrap_or_default();
    Shown::message(&format!("{} {path}", request.method))
}
