//! First contact with an unpinned plugin file, in a child process: what a broken file does there
//! is an error here and not the end of the host.
//!
//! The child is this program again, which therefore calls [`run_if_asked`] first in `main`. It
//! loads the file, compares what the code says of itself with the manifest, and with the settings
//! of a service plays through every operation that the manifest declares, without any network.

mod child;
mod error;
mod parent;
mod samples;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_plugin::{Bytes, Fault};
use serde::{Deserialize, Serialize};

use super::load::ContactError;

pub use error::{End, ProbeError};
pub(super) use parent::Prober;

/// First argument of a probe child; the second one is the file.
const ARGUMENT: &str = "__countersign-probe";

/// Set once `main` has called [`run_if_asked`]: only then may this program be run as a child.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// Call this first in `main`. If this process was started as a probe child, it tries the plugin
/// file out and ends the process; otherwise it returns at once.
///
/// ```no_run
/// countersign::probe::run_if_asked();
/// // What the program is for.
/// ```
pub fn run_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|first| first == OsStr::new(ARGUMENT));
    match arguments.next() {
        Some(file) if asked => child::run(PathBuf::from(file)),
        _ => ANSWERS.store(true, Ordering::Relaxed),
    }
}

/// What the parent writes to the child's standard input.
#[derive(Serialize, Deserialize)]
struct Job {
    /// What was verified; the child sees the same bytes or none.
    sha256: [u8; 32],
    /// Settings to open an instance with; without them the file is only loaded.
    settings: Option<Bytes>,
}

/// What the child writes to its standard output before it ends.
#[derive(Serialize, Deserialize)]
enum Report {
    /// The process survived. These faults were caught, as they would be in the host.
    Survived { faults: Vec<String> },
    /// The file was not the verified one any more.
    Changed,
    /// It could not be loaded.
    Contact(ContactError),
    /// It does not accept the settings.
    Settings(Fault),
}
