//! The host's side: starts the child, waits for its report, and remembers whom it vouched for.

use countersign_plugin::line::escaped;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use countersign_plugin::Bytes;
use serde_json::Value;

use super::error::{End, ProbeError};
use super::{ANSWERS, ARGUMENT, Job, Report};
use crate::registry::digest::Digest;
use crate::registry::error::{LoadError, OpenError};

/// A report is a few lines; a plugin that writes to standard output shall not fill the memory.
const REPORT_LIMIT: u64 = 1 << 20;
/// How often a child that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// What a system's loader ends a program with that it cannot bring together (ld.so, and shells).
const NOT_RUN: i32 = 127;

/// File, digest of the file, digest of the settings.
type Vouched = HashSet<(PathBuf, Digest, Option<Digest>)>;

/// What children have vouched for in this process.
static VOUCHED: Mutex<Option<Vouched>> = Mutex::new(None);

/// Starts probe children.
#[derive(Clone, Debug)]
pub(in crate::registry) struct Prober {
    /// A program that calls `run_if_asked`; without it, this one.
    pub(in crate::registry) program: Option<PathBuf>,
    /// The time that a child has.
    pub(in crate::registry) limit: Duration,
}

impl Prober {
    /// Has a child load the file.
    pub(in crate::registry) fn try_load(&self, path: &Path, sha256: Digest) -> Result<(), LoadError> {
        let named = || path.to_path_buf();
        match self.report(path, sha256, None) {
            Ok(Report::Survived { .. }) => Ok(()),
            Ok(Report::Contact(cause)) => Err(LoadError::Contact { path: named(), cause }),
            Ok(Report::Changed) => Err(LoadError::Probe { path: named(), cause: ProbeError::Changed }),
            // Of settings that it was not given.
            Ok(Report::Settings(_)) => {
                Err(LoadError::Probe { path: named(), cause: ProbeError::NoReport { program: self.shown() } })
            }
            Err(cause) => Err(LoadError::Probe { path: named(), cause }),
        }
    }

    /// Has a child open the file with these settings and begin every operation. Gives what was caught there of the
    /// plugin, which works all the same.
    pub(in crate::registry) fn try_settings(
        &self,
        path: &Path,
        sha256: Digest,
        settings: &[u8],
    ) -> Result<Vec<String>, OpenError> {
        let named = || path.to_path_buf();
        match self.report(path, sha256, Some(settings)) {
            Ok(Report::Survived { faults }) => Ok(faults),
            Ok(Report::Contact(cause)) => Err(OpenError::Contact { path: named(), cause }),
            Ok(Report::Changed) => Err(OpenError::Probe { path: named(), cause: ProbeError::Changed }),
            Ok(Report::Settings(fault)) => Err(OpenError::Settings { path: named(), fault }),
            Err(cause) => Err(OpenError::Probe { path: named(), cause }),
        }
    }

    /// The child's report; an empty one for what a child has vouched for before.
    fn report(&self, path: &Path, sha256: Digest, settings: Option<&[u8]>) -> Result<Report, ProbeError> {
        let key = (path.to_path_buf(), sha256, settings.map(Digest::of));
        if vouched(|known| known.contains(&key)) {
            return Ok(Report::Survived { faults: Vec::new() });
        }
        let job = Job { sha256: *sha256.as_bytes(), settings: settings.map(Bytes::from) };
        let report = self.run(path, &job)?;
        if matches!(report, Report::Survived { .. }) {
            vouched(|known| known.insert(key));
        }
        Ok(report)
    }

    fn run(&self, path: &Path, job: &Job) -> Result<Report, ProbeError> {
        let program = self.program()?;
        // Two digests and settings that are JSON already: writing them cannot fail.
        let job = serde_json::to_vec(job).unwrap_or_default();
        let child = Command::new(&program)
            .arg(ARGUMENT)
            .arg(path)
            .env_clear()
            .envs(kept(std::env::vars_os()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| ProbeError::NotStarted { program: program.clone(), cause })?;
        let (output, status) = converse(child, job, self.limit)?;
        if status.code() == Some(NOT_RUN) {
            return Err(ProbeError::NotRun { program: self.shown() });
        }
        if !status.success() {
            return Err(ProbeError::Died { end: End::of(status) });
        }
        read(&output).ok_or_else(|| ProbeError::NoReport { program: self.shown() })
    }

    fn program(&self) -> Result<PathBuf, ProbeError> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None if !ANSWERS.load(Ordering::Relaxed) => Err(ProbeError::NoProgram),
            // The very program that runs, even if its file was replaced or removed.
            None if cfg!(target_os = "linux") => Ok(PathBuf::from("/proc/self/exe")),
            None => std::env::current_exe()
                .map_err(|cause| ProbeError::NotStarted { program: PathBuf::from("this program"), cause }),
        }
    }

    fn shown(&self) -> PathBuf {
        self.program.clone().or_else(|| std::env::current_exe().ok()).unwrap_or_else(|| PathBuf::from("this program"))
    }
}

/// The report in a child's output, which is its last line: a plugin may have written lines of its own before. It is
/// text of a process in which the plugin ran.
fn read(output: &[u8]) -> Option<Report> {
    let last = output.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?;
    let mut report: Value = serde_json::from_slice(last).ok()?;
    each_text(&mut report, &mut |text| *text = escaped(text));
    serde_json::from_value(report).ok()
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| each_text(entry, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn vouched<T>(look: impl FnOnce(&mut Vouched) -> T) -> T {
    look(VOUCHED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// What a process, and the libraries that a plugin needs, cannot be loaded without: where the system's loader looks.
/// Nothing else of the host's environment, which may hold its secrets.
fn kept(environment: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (OsString, OsString)> {
    let is_kept = |name: &str| {
        if cfg!(windows) {
            ["SYSTEMROOT", "PATH"].contains(&name.to_ascii_uppercase().as_str())
        } else {
            name == "LD_LIBRARY_PATH" || name.starts_with("DYLD_")
        }
    };
    environment.filter(move |(name, _)| name.to_str().is_some_and(is_kept))
}

/// Gives the job to the child and takes its output, all within `limit`.
///
/// Reading and writing have threads of their own that nobody waits for: a pipe may be held open
/// by a process that the child started, and then only ends with it.
fn converse(mut child: Child, job: Vec<u8>, limit: Duration) -> Result<(Vec<u8>, ExitStatus), ProbeError> {
    let until = Instant::now() + limit;
    let (done, output) = mpsc::channel();
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ends early leaves the pipe broken; its end tells more than that error.
        thread::spawn(move || drop(stdin.write_all(&job)));
    }
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before an error may still hold the report; without it, none is found.
            let _ = stdout.take(REPORT_LIMIT).read_to_end(&mut bytes);
            let _ = done.send(bytes);
        });
    }
    let output = output.recv_timeout(limit).ok();
    let status = output.is_some().then(|| wait(&mut child, until)).flatten();
    match (output, status) {
        (Some(output), Some(status)) => Ok((output, status)),
        _ => {
            // Both only fail for a process that has ended already.
            let _ = child.kill();
            let _ = child.wait();
            Err(ProbeError::TimedOut { limit })
        }
    }
}

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(POLL),
            Ok(None) | Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(windows))]
    #[test]
    fn a_child_is_given_nothing_but_where_the_loader_looks() {
        let host = ["HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "TOKEN", "MY_DYLD_X"];
        let names: Vec<_> = kept(host.iter().map(|name| (name.into(), "x".into()))).map(|(name, _)| name).collect();
        assert_eq!(names, ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]);
    }

    #[test]
    fn a_report_is_the_last_line_and_its_texts_stay_in_theirs() {
        let report = read(b"a plugin's own\n\n{\"Survived\": {\"faults\": [\"start: no\\nluck\\u001b[2J\"]}}\n");
        let Some(Report::Survived { faults }) = report else { panic!("no report") };
        assert_eq!(faults, ["start: no\\nluck\\u{1b}[2J"]);
        assert!(read(b"").is_none() && read(b"nothing\n").is_none());
    }
}
