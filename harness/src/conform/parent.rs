//! The side that starts a process per check, and waits no longer than its deadline.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use countersign::registry::{ElfError, LoadError, inspect};
use thiserror::Error;

use super::Options;
use super::catalogue::{CHECKS, Check, LOADS, OPENS};
use super::child::{ANSWERS, ARGUMENT, Said};
use super::judging::{Job, Run};
use super::report::{CheckResult, Judged, Problem, Report, Sources, Verdict};

/// What a process says is a few lines, and one for each odd reply.
const SAID_LIMIT: u64 = 64 << 20;
/// How often a process that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// Why nothing could be judged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConformError {
    /// There is no plugin file.
    #[error(transparent)]
    File(LoadError),
    /// There is no such check.
    #[error("there is no check `{id}`{}", nearest.as_ref().map(|id| format!("; did you mean `{id}`?")).unwrap_or_default())]
    NoCheck {
        /// What was asked for.
        id: String,
        /// The id that is most like it.
        nearest: Option<&'static str>,
    },
    /// A check has no process.
    #[error("a check's process cannot be started: {program}: {cause}", program = program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// This program does not call `run_if_asked`.
    #[error("this program cannot make checks: its `main` does not call `conform::run_if_asked`")]
    NoProgram,
}

/// Judges a plugin. `watch` sees each result as soon as it is there, in any order.
///
/// # Errors
/// [`ConformError`]: nothing was judged.
pub fn run(options: &Options, watch: &(dyn Fn(&CheckResult) + Sync)) -> Result<Report, ConformError> {
    let selected = selected(options)?;
    let inspected = match inspect(&options.plugin) {
        Ok(inspection) => Some(inspection),
        Err(error) if is_no_plugin(&error) => return Err(ConformError::File(error)),
        Err(_) => None,
    };
    let parent = Parent { options, program: program(options)? };
    let mut results: Vec<CheckResult> = Vec::new();
    // Nothing is asked of what does not load or open.
    let stages: [fn(&Check) -> bool; 3] = [
        |check| matches!(check.run, Run::Reads(_)),
        |check| matches!(check.run, Run::Loads(_)),
        |check| matches!(check.run, Run::Asks(_)),
    ];
    for stage in stages {
        let checks: Vec<_> = selected.iter().copied().filter(|check| stage(check)).collect();
        let obstacle = obstacle(&results).filter(|_| checks.iter().any(|check| !matches!(check.run, Run::Reads(_))));
        results.extend(match obstacle {
            Some(id) => checks.into_iter().map(|check| skipped(check, id)).inspect(|result| watch(result)).collect(),
            None => parent.all(&checks, watch)?,
        });
    }
    Ok(Report {
        plugin: options.plugin.clone(),
        name: inspected.as_ref().map(|it| format!("{} {}", it.manifest.id, it.manifest.version)),
        sha256: inspected.as_ref().map(|it| it.sha256.to_string()),
        seed: options.seed,
        checks: results,
    })
}

fn selected(options: &Options) -> Result<Vec<&'static Check>, ConformError> {
    if let Some(token) = &options.reproduce {
        return Ok(Check::named(token.check()).into_iter().collect());
    }
    for id in &options.only {
        if Check::named(id).is_none() {
            let nearest = CHECKS
                .iter()
                .map(|check| check.info.id)
                .max_by(|one, other| strsim::jaro_winkler(one, id).total_cmp(&strsim::jaro_winkler(other, id)));
            let nearest = nearest.filter(|nearest| strsim::jaro_winkler(nearest, id) > 0.7);
            return Err(ConformError::NoCheck { id: id.escape_debug().to_string(), nearest });
        }
    }
    let wanted = |check: &&Check| options.only.is_empty() || options.only.iter().any(|id| id == check.info.id);
    Ok(CHECKS.iter().filter(wanted).collect())
}

/// Whether there is nothing to judge: no file, or one that has never been a plugin.
const fn is_no_plugin(error: &LoadError) -> bool {
    matches!(
        error,
        LoadError::File { .. }
            | LoadError::System { .. }
            | LoadError::Elf { cause: ElfError::Empty | ElfError::NotElf, .. }
    )
}

/// The failed check for which the others are not made. What a manifest should say besides keeps nobody from loading it.
fn obstacle(results: &[CheckResult]) -> Option<&'static str> {
    let failed = results.iter().filter(|result| result.judged.verdict.is_failed());
    failed.map(|result| result.id).find(|id| ["file-whole", LOADS, "describes-itself", OPENS].contains(id))
}

fn skipped(check: &Check, because: &str) -> CheckResult {
    let because = format!("`{because}` failed; mend that first");
    result(check, Judged { verdict: Verdict::Skipped { because }, replies: Sources::default() }, Duration::ZERO)
}

fn result(check: &Check, judged: Judged, took: Duration) -> CheckResult {
    CheckResult { id: check.info.id, level: check.info.level, reason: check.info.reason, judged, took }
}

fn program(options: &Options) -> Result<PathBuf, ConformError> {
    match &options.program {
        Some(program) => Ok(program.clone()),
        None => own_program().ok_or(ConformError::NoProgram),
    }
}

/// This program, if it calls `run_if_asked`: the very one that runs, even if its file was replaced or removed.
fn own_program() -> Option<PathBuf> {
    if !ANSWERS.load(Ordering::Relaxed) {
        return None;
    }
    if cfg!(target_os = "linux") { Some(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe().ok() }
}

struct Parent<'a> {
    options: &'a Options,
    program: PathBuf,
}

impl Parent<'_> {
    /// Makes these checks, as many at once as this machine has processors for.
    fn all(
        &self,
        checks: &[&'static Check],
        watch: &(dyn Fn(&CheckResult) + Sync),
    ) -> Result<Vec<CheckResult>, ConformError> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let work = || {
            while let Some(check) = checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = self.one(check);
                if let Ok(result) = &result {
                    watch(result);
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
            }
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| (0..processors.min(checks.len())).for_each(|_| drop(scope.spawn(work))));
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut results = done.into_iter().collect::<Result<Vec<_>, _>>()?;
        results.sort_by_key(|result| checks.iter().position(|check| check.info.id == result.id));
        Ok(results)
    }

    fn one(&self, check: &Check) -> Result<CheckResult, ConformError> {
        let options = self.options;
        let job = Job {
            check: check.info.id.to_owned(),
            plugin: options.plugin.clone(),
            settings: options.settings.clone(),
            cassettes: options.cassettes.clone(),
            seed: options.seed,
            reproduce: options.reproduce.as_ref().map(ToString::to_string),
            steps_only: false,
        };
        let begun = Instant::now();
        let heard = converse(&self.program, &job, options.deadline)?;
        let judged = heard.judged(options.deadline);
        Ok(result(check, judged, begun.elapsed()))
    }
}

/// What a process said, and how it ended; no end where it was stopped.
pub(super) struct Conversation {
    said: Vec<Said>,
    end: Option<ExitStatus>,
}

impl Conversation {
    /// What the plugin asked for; none where the process did not come to say it.
    pub(super) fn steps(self) -> Option<Vec<super::checks::steps::Heard>> {
        self.said.into_iter().find_map(|said| if let Said::Steps(steps) = said { Some(steps) } else { None })
    }

    /// The verdict; where there is none, the plugin took the process down or held it up.
    fn judged(mut self, deadline: Duration) -> Judged {
        let last = self.said.pop();
        if let Some(Said::Judged(judged)) = last {
            return judged;
        }
        let tried = last.and_then(|said| if let Said::Trying(token) = said { Some(token) } else { None });
        let seconds = deadline.as_secs_f32();
        let (what, remedy) = match self.end {
            None => (
                format!("the check was stopped after {seconds} s: the plugin does not come back, or is very slow"),
                "look for an endless loop; a plugin computes, and waits for nothing but its steps",
            ),
            Some(end) => (
                format!("the plugin took the process down ({end})"),
                "look for an abort, an overflow of the stack or a call to `exit`; a panic alone would have been caught",
            ),
        };
        let problem = Problem { reproduce: tried, ..Problem::new(what, remedy) };
        Judged { verdict: Verdict::Failed { problems: vec![problem] }, replies: Sources::default() }
    }
}

/// Starts a process for a job and listens to it, all within `limit`.
///
/// Reading and writing have threads of their own that nobody waits for: a pipe may be held open by a process that the
/// plugin started, and then only ends with it.
pub(super) fn converse(program: &std::path::Path, job: &Job, limit: Duration) -> Result<Conversation, ConformError> {
    let until = Instant::now() + limit;
    let mut child = Command::new(program)
        .arg(ARGUMENT)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LD_LIBRARY_PATH"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| ConformError::NotStarted { program: program.to_owned(), cause })?;
    let job = serde_json::to_vec(job).unwrap_or_default();
    let (sender, lines) = mpsc::channel();
    if let Some(mut stdin) = child.stdin.take() {
        // A process that ends early leaves the pipe broken; its end tells more than that error.
        thread::spawn(move || drop(stdin.write_all(&job)));
    }
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || listen(stdout, &sender));
    } else {
        drop(sender);
    }
    let mut said = Vec::new();
    let closed = loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => said.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => break true,
            Err(mpsc::RecvTimeoutError::Timeout) => break false,
        }
    };
    let end = if closed { wait(&mut child, until) } else { None };
    if end.is_none() {
        // Both only fail for a process that has ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
    Ok(Conversation { said, end })
}

/// Passes on what is said; of what is tried the last alone is of interest, but nobody knows which is the last.
fn listen(stdout: std::process::ChildStdout, sender: &mpsc::Sender<Said>) {
    use std::io::BufRead as _;
    let lines = std::io::BufReader::new(stdout.take(SAID_LIMIT)).split(b'\n');
    // What a plugin writes there itself is none of it.
    for said in lines.map_while(Result::ok).filter_map(|line| serde_json::from_slice(&line).ok()) {
        if sender.send(said).is_err() {
            break;
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
