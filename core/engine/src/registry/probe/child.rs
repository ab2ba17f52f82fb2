//! The child's side: loads the file and plays through what the manifest declares.

use std::io::{Read, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;

use super::samples::Samples;
use super::{Job, Report};
use crate::registry::digest::Digest;
use crate::registry::inspect::examine;
use crate::registry::load::Root;
use crate::registry::manifest;
use crate::registry::plugin::InProcess;

/// No job: this was not started by a host.
const USAGE: i32 = 2;
/// The report could not be written.
const UNHEARD: i32 = 4;

/// Does the job on standard input and ends the process. It never comes back into the host's
/// `main`, whatever the plugin does.
pub(super) fn run(path: PathBuf) -> ! {
    let mut job = Vec::new();
    let job = stdin().lock().read_to_end(&mut job).ok().and_then(|_| serde_json::from_slice(&job).ok());
    let Some(job) = job else { exit(USAGE) };
    let report = report(path, job);
    let mut line = serde_json::to_vec(&report).unwrap_or_default();
    // On a line of its own, also after a line of the plugin's that was left open.
    line.insert(0, b'\n');
    line.push(b'\n');
    let mut out = stdout().lock();
    match out.write_all(&line).and_then(|()| out.flush()) {
        Ok(()) => exit(0),
        Err(_) => exit(UNHEARD),
    }
}

fn report(path: PathBuf, job: Job) -> Report {
    let Ok(file) = examine(&path, Some(Digest::from(job.sha256))) else { return Report::Changed };
    let root = match Root::open(&path, file.sha256, &file.manifest) {
        Ok(root) => root,
        Err(cause) => return Report::Contact(cause),
    };
    // The host has read the same bytes before it asked.
    let (Some(settings), Ok(manifest)) = (job.settings, manifest::read(&file.manifest)) else {
        return Report::Survived { faults: Vec::new() };
    };
    let manifest = Arc::new(manifest);
    match InProcess::open(root, Arc::clone(&manifest), settings.as_slice()) {
        Ok(instance) => Report::Survived { faults: Samples::new(&instance).play(&manifest) },
        Err(fault) => Report::Settings(fault),
    }
}
