//! The order in which the steps of an operation are performed.

use std::collections::VecDeque;

use countersign_plugin::step::{Action, Step};

/// Steps that a plugin asked for and that have not been performed yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting(VecDeque<Step>);

impl Waiting {
    /// The next step after an answer with these: the operation's end, where they hold it, as who is done has given up
    /// on whatever waits; otherwise the one that waits longest. None where nothing waits.
    pub(crate) fn next(&mut self, mut new: Vec<Step>) -> Option<Step> {
        if let Some(done) = new.iter().position(|step| matches!(step.action, Action::Done(_))) {
            self.0.clear();
            return Some(new.swap_remove(done));
        }
        self.0.extend(new);
        self.0.pop_front()
    }
}
