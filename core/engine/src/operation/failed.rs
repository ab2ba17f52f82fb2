//! How an operation fails, as the engine sees it.

use std::fmt;

use countersign_plugin::{Delivered, Failure, FailureKind};

/// A failed operation.
///
/// `failure.delivered` is the *plugin's* judgement (a provider that says "refused" has delivered
/// nothing); `nothing_left` is the *transport's* proof that no request ever left.
/// Only the latter gives an attempt back: a plugin cannot make guesses free.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Failed {
    /// The failure; its texts are masked.
    pub failure: Failure,
    /// No request can have left.
    pub nothing_left: bool,
}

impl Failed {
    /// A failure before the plugin was even asked.
    pub fn before_anything(failure: Failure) -> Self {
        Self { failure, nothing_left: true }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// The plugin broke the contract in the middle of an operation.
pub(super) fn fault(operator: String) -> Failure {
    broken_off(FailureKind::PluginFault, operator)
}

/// An operation that the engine ends in its middle: nobody can tell what an earlier step has sent. Where
/// there was none, [`Failed::nothing_left`] says so.
pub(super) fn broken_off(kind: FailureKind, operator: String) -> Failure {
    Failure::new(kind, operator).delivered(Delivered::Maybe)
}
