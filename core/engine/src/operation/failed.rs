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

/// The plugin broke the contract in the middle of an operation: nobody can tell what it sent.
pub(super) fn fault(operator: String) -> Failure {
    Failure::new(FailureKind::PluginFault, operator).delivered(Delivered::Maybe)
}
