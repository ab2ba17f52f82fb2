//! What can go wrong in a probe.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a probe child did not vouch for a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nothing can run as the child.
    #[error(
        "it is not pinned, so it is tried out in a child process first, but this program does not answer as one; \
         pin its SHA-256 in [plugins], or call countersign::probe::run_if_asked() first in `main`"
    )]
    NoProgram,
    /// The child could not be started.
    #[error("it is not pinned, and {} cannot be started to try it out ({cause}); pin it, or make that program executable", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// The child ended in the middle.
    #[error("a child process that tried it out {end}; the file is damaged or faulty: copy or build it again")]
    Died {
        /// How it ended.
        end: End,
    },
    /// The system could not bring the child together.
    #[error(
        "{} was started to try it out, and the system could not run it (exit code 127): mostly a shared library was \
         not found; make it known by the loader's configuration or LD_LIBRARY_PATH",
        program.display()
    )]
    NotRun {
        /// The program.
        program: PathBuf,
    },
    /// The child did not come to an end.
    #[error("a child process that tried it out was still busy after {} s and was killed; the file is damaged or faulty: copy or build it again", limit.as_secs_f32())]
    TimedOut {
        /// The time it had.
        limit: Duration,
    },
    /// The child ended well, but said nothing that could be understood.
    #[error(
        "{} was started to try it out and did not answer as a probe; it must call \
         countersign::probe::run_if_asked() first in `main`, and the plugin must not end the process",
        program.display()
    )]
    NoReport {
        /// The program.
        program: PathBuf,
    },
    /// The file changed after it was verified.
    #[error("it changed while it was being loaded; wait until it is copied completely and try again")]
    Changed,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It was killed by this signal.
    Signal(i32),
    /// It ended itself with this exit code.
    Code(i32),
    /// The system does not say.
    Unknown,
}

impl End {
    pub(super) fn of(status: ExitStatus) -> Self {
        signal(status).map(Self::Signal).or_else(|| status.code().map(Self::Code)).unwrap_or(Self::Unknown)
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Elsewhere a crash is an exit code.
#[cfg(not(unix))]
const fn signal(_: ExitStatus) -> Option<i32> {
    None
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(number) => match name(*number) {
                Some(name) => write!(f, "was killed by {name} (signal {number})"),
                None => write!(f, "was killed by signal {number}"),
            },
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Unknown => f.write_str("ended in an unknown way"),
        }
    }
}

/// The signals of a crash, whose numbers are the same on every Linux but SIGBUS.
fn name(signal: i32) -> Option<&'static str> {
    match signal {
        4 => Some("SIGILL"),
        5 => Some("SIGTRAP"),
        6 => Some("SIGABRT"),
        7 if cfg!(target_os = "linux") => Some("SIGBUS"),
        8 => Some("SIGFPE"),
        9 => Some("SIGKILL"),
        10 if cfg!(target_vendor = "apple") => Some("SIGBUS"),
        11 => Some("SIGSEGV"),
        _ => None,
    }
}
