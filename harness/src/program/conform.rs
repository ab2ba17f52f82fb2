//! `conform`: one line per check, and below it what is wrong and what to do.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use countersign_harness::conform::{self, CheckResult, ConformError, Options, Problem, Report, Token, Verdict};
use countersign_harness::report::{judged, judged_plugin};
use serde_json::Value;

use super::Exit;
use super::files::cassettes;
use super::report::{self, Gathered, ReportTarget};

/// What `conform` is told.
#[derive(Debug, Args)]
pub(super) struct Told {
    /// The plugin file (lib….so).
    #[arg(required_unless_present = "list", value_name = "PLUGIN")]
    plugin: Option<PathBuf>,
    /// A JSON file with the settings to open the plugin with, secrets as references:
    /// {"auth_token": {"secret": "auth_token"}}. No value of a secret is needed. Default: the `examples` of the
    /// plugin's settings schema.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Cassettes (.har), or folders, which are searched for them: the cases that are about this plugin are played in
    /// place of the kit's own replies.
    #[arg(long, value_name = "PATH")]
    cassettes: Vec<PathBuf>,
    /// Where everything random comes from. The same seed gives the same run.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Makes this check alone; may be given several times. See --list.
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Runs a counterexample again, exactly, by the token that was printed with it. Give the same --settings and
    /// --cassettes.
    #[arg(long, value_name = "TOKEN", conflicts_with = "only")]
    reproduce: Option<Token>,
    /// Seconds that one check has.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    deadline: u64,
    /// Writes the report as JSON.
    #[arg(long)]
    json: bool,
    /// Lists the checks, and makes none.
    #[arg(long)]
    list: bool,
    /// Writes a report into a file: junit, html or json, as `--report html=report.html`; may be given several times.
    #[arg(long, value_name = "KIND=FILE", conflicts_with = "list")]
    report: Vec<ReportTarget>,
}

/// Judges, and writes the report.
pub(super) fn run(told: Told, out: &mut impl Write) -> io::Result<Exit> {
    if told.list {
        return list(told.json, out);
    }
    let options = match options(&told) {
        Ok(options) => options,
        Err(error) => {
            writeln!(out, "BAD   {error}")?;
            return Ok(Exit::BadFile);
        }
    };
    if let Err(error) = report::check(&told.report) {
        writeln!(out, "BAD   {error}")?;
        return Ok(Exit::BadFile);
    }
    let gathered = Gathered::wanted(&told.report, "Conformance of a plugin");
    let progress = Progress::new();
    let report = match conform::run(&options, &|result| progress.tell(result)) {
        Ok(report) => report,
        Err(error) => {
            progress.clear();
            writeln!(out, "BAD   {error}")?;
            return Ok(exit_of(&error));
        }
    };
    progress.clear();
    if told.json {
        // Texts and numbers: writing them as JSON cannot fail.
        writeln!(out, "{}", serde_json::to_string_pretty(&report).unwrap_or_default())?;
    } else {
        write(&report, out)?;
    }
    out.flush()?;
    if let Some(mut gathered) = gathered {
        gathered.seed(report.seed);
        judged(&report).for_each(|case| gathered.push(case));
        if let Err(error) = report::write(&told.report, &gathered.end(judged_plugin(&report))) {
            writeln!(out, "BAD   {error}")?;
            return Ok(Exit::Internal);
        }
    }
    Ok(if report.failed().next().is_some() { Exit::Failed } else { Exit::Passed })
}

const fn exit_of(error: &ConformError) -> Exit {
    match error {
        ConformError::NotStarted { .. } | ConformError::NoProgram => Exit::Internal,
        _ => Exit::BadFile,
    }
}

/// Why nothing is judged.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{}: the settings cannot be read ({kind})", path.display())]
    Unreadable { path: PathBuf, kind: io::ErrorKind },
    #[error("{}: the settings are no JSON object (line {line}, column {column})", path.display())]
    NoObject { path: PathBuf, line: usize, column: usize },
    #[error(transparent)]
    Cassettes(#[from] super::files::FilesError),
}

fn options(told: &Told) -> Result<Options, Unusable> {
    let mut options = Options::new(told.plugin.clone().unwrap_or_default());
    if let Some(path) = &told.settings {
        let unreadable = |error: io::Error| Unusable::Unreadable { path: path.clone(), kind: error.kind() };
        let text = fs::read(path).map_err(unreadable)?;
        let no_object = |line, column| Unusable::NoObject { path: path.clone(), line, column };
        let settings: Value = serde_json::from_slice(&text).map_err(|error| no_object(error.line(), error.column()))?;
        if !settings.is_object() {
            return Err(no_object(1, 1));
        }
        options.settings = Some(settings);
    }
    for path in &told.cassettes {
        options.cassettes.extend(cassettes(path)?);
    }
    options.seed = told.seed;
    options.only.clone_from(&told.only);
    options.reproduce.clone_from(&told.reproduce);
    options.deadline = Duration::from_secs(told.deadline);
    Ok(options)
}

fn list(json: bool, out: &mut impl Write) -> io::Result<Exit> {
    if json {
        let all: Vec<_> = conform::catalogue().collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
    } else {
        for check in conform::catalogue() {
            writeln!(out, "{:<6}  {:<22}  {}", check.level.as_str(), check.id, check.reason)?;
        }
    }
    out.flush()?;
    Ok(Exit::Passed)
}

fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let name = report.name.as_deref().unwrap_or("of unknown name");
    writeln!(out, "{}: plugin {name}, seed {}", report.plugin.display(), report.seed)?;
    let mut passed = 0;
    let mut skipped = 0;
    for check in &report.checks {
        line(check, out)?;
        match check.judged.verdict {
            Verdict::Passed { .. } => passed += 1,
            Verdict::Skipped { .. } => skipped += 1,
            Verdict::Failed { .. } => {}
        }
    }
    let (failed, warned) = (report.failed().count(), report.warned().count());
    writeln!(out, "{passed} passed, {failed} failed, {warned} warnings, {skipped} skipped")
}

fn line(check: &CheckResult, out: &mut impl Write) -> io::Result<()> {
    let word = match (&check.judged.verdict, check.level) {
        (Verdict::Passed { .. }, _) => "pass",
        (Verdict::Failed { .. }, conform::Level::Must) => "FAIL",
        (Verdict::Failed { .. }, conform::Level::Should) => "warn",
        (Verdict::Skipped { .. }, _) => "skip",
    };
    let replies = &check.judged.replies;
    let by = if replies.is_empty() { String::new() } else { format!(" [replies: {replies}]") };
    writeln!(out, "{word:<5} {:<22}  {}{by}", check.id, check.reason)?;
    match &check.judged.verdict {
        Verdict::Passed { note } if note.is_empty() => Ok(()),
        Verdict::Passed { note } => writeln!(out, "      {note}"),
        Verdict::Skipped { because } => writeln!(out, "      {because}"),
        Verdict::Failed { problems } => problems.iter().try_for_each(|problem| told(problem, out)),
    }
}

fn told(problem: &Problem, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "      {}", problem.what)?;
    writeln!(out, "      → {}", problem.remedy)?;
    problem.reproduce.iter().try_for_each(|token| writeln!(out, "      again: --reproduce {token}"))
}

/// How far it is, on a terminal's last line.
struct Progress {
    shown: bool,
    done: AtomicUsize,
    writing: Mutex<()>,
}

impl Progress {
    fn new() -> Self {
        Self { shown: io::stderr().is_terminal(), done: AtomicUsize::new(0), writing: Mutex::new(()) }
    }

    fn tell(&self, result: &CheckResult) {
        if self.shown {
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Nobody reads it where it cannot be written.
            let _ = write!(io::stderr(), "\r\x1b[2K{done} checks, {}", result.id);
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
