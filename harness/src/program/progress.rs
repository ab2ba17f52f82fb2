//! How far a long run is, on the terminal.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how many of how many are done, until dropped. Says nothing where standard error is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins with nothing done of `total`.
    pub(super) fn of(total: usize) -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {wide_msg}");
        Self(style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style)))
    }

    /// What is being done now.
    pub(super) fn at(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// One more is done.
    pub(super) fn done(&self) {
        self.0.inc(1);
    }

    /// Writes on standard output, or does anything else that must not be drawn over.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
