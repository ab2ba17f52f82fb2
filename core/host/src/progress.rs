//! A sign of life on the terminal while something takes long.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::ProgressBar;

/// Waits shorter than this pass without a word.
const PATIENCE: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(100);

/// Shows what is waited for, until dropped. Says nothing where standard error is no terminal.
pub(crate) struct Progress {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to wait for `what`, such as "asking twilio-verify".
    pub(crate) fn of(what: impl Into<String>) -> Self {
        if !io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let what = what.into();
        let (done, waiting) = mpsc::channel::<()>();
        // A thread, since what is waited for may block this one: a plugin's probe, for example.
        let thread = thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let bar = ProgressBar::new_spinner().with_message(what);
                bar.enable_steady_tick(TICK);
                // Ends when the sender is dropped.
                let _ = waiting.recv();
                bar.finish_and_clear();
            }
        });
        Self { shown: Some((done, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.shown.take() {
            drop(done);
            // The line must be cleared before anything else is written.
            let _ = thread.join();
        }
    }
}
