//! The side of a check's own process.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::checks::steps;
use super::judging::{Job, judge};
use super::report::Judged;

/// First argument of such a process.
pub(super) const ARGUMENT: &str = "__countersign-conform";

/// Set once `main` has called [`run_if_asked`]: only then may this program be run for a check.
pub(super) static ANSWERS: AtomicBool = AtomicBool::new(false);

/// No job: this was not started by the kit.
const USAGE: i32 = 2;
/// The report could not be written.
const UNHEARD: i32 = 4;

/// What such a process writes to its standard output, each on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// What is tried next: what to blame if nothing follows.
    Trying(String),
    /// What the plugin asked for, one digest per operation.
    Steps(Vec<steps::Heard>),
    /// What came of the check.
    Judged(Judged),
}

/// Call this first in `main`. If this process was started for a check, it makes it and ends the process; otherwise it
/// returns at once.
pub fn run_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != OsStr::new(ARGUMENT)) {
        ANSWERS.store(true, Ordering::Relaxed);
        return;
    }
    let mut job = Vec::new();
    let job = stdin().lock().read_to_end(&mut job).ok().and_then(|_| serde_json::from_slice::<Job>(&job).ok());
    let Some(job) = job else { exit(USAGE) };
    let said = if job.steps_only { steps::heard_alone(&job) } else { Said::Judged(judge(&job)) };
    exit(if say(&said) { 0 } else { UNHEARD })
}

/// Says something to the parent; whether it could be said.
pub(super) fn say(said: &Said) -> bool {
    let mut line = serde_json::to_vec(said).unwrap_or_default();
    // On a line of its own, also after a line of the plugin's that was left open.
    line.insert(0, b'\n');
    line.push(b'\n');
    let mut out = stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).is_ok()
}
