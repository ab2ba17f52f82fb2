//! `replay`: one line per cassette, and the reasons below it where a case failed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use countersign::bootstrap::Plugins;
use countersign::registry::RegistryOptions;
use countersign_harness::case::Verdict;
use countersign_harness::cassette::{Cassette, Expired, Freshness, WhenExpired, read};
use countersign_harness::journal::Journal;
use countersign_harness::report::{Masked, ReportVerdict, bad_file, loaded, replayed};
use countersign_harness::suite::{Ran, Suite};
use jiff::Timestamp;

use super::Exit;
use super::files::{FilesError, cassettes};
use super::progress::Progress;
use super::report::{self, Gathered, ReportTarget};

/// Runs all cases and tells of each, `with_steps` with the digest of its steps; then writes the reports that are wanted.
pub(super) fn run(
    paths: &[PathBuf],
    search: Vec<PathBuf>,
    with_steps: bool,
    reports: &[ReportTarget],
    out: &mut impl Write,
) -> io::Result<Exit> {
    if let Err(error) = report::check(reports) {
        writeln!(out, "BAD   {error}")?;
        return Ok(Exit::BadFile);
    }
    let found: Vec<Result<(PathBuf, bool), FilesError>> = files(paths);
    let gathered = Gathered::wanted(reports, "Replay of cassettes");
    let mut told = Told {
        suite: suite(search),
        with_steps,
        out,
        count: Count::default(),
        progress: Progress::of(found.len()),
        gathered,
    };
    for file in &found {
        told.file(file)?;
    }
    let Told { suite, count, progress, gathered, out, .. } = told;
    drop(progress);
    let exit = count.end(out)?;
    if let Some(gathered) = gathered
        && let Err(error) = report::write(reports, &gathered.end(suite.plugins().map(loaded)))
    {
        writeln!(out, "BAD   {error}")?;
        return Ok(Exit::Internal);
    }
    Ok(exit)
}

/// A suite that looks for plugins in these folders, or where it does by itself.
pub(super) fn suite(search: Vec<PathBuf>) -> Suite {
    let mut plugins = Plugins::default();
    if !search.is_empty() {
        plugins.search = Some(search);
    }
    Suite::new(plugins, RegistryOptions::default())
}

/// The files that the paths mean, each once, and whether one of them names the file itself.
pub(super) fn files(paths: &[PathBuf]) -> Vec<Result<(PathBuf, bool), FilesError>> {
    let mut all: Vec<Result<(PathBuf, bool), FilesError>> = Vec::new();
    let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in paths {
        let found = match cassettes(path) {
            Ok(found) => found,
            Err(error) => {
                all.push(Err(error));
                continue;
            }
        };
        // Whoever names a cassette wants its case run; a folder may hold others, too.
        let names = found.len() == 1 && found[0] == *path;
        for file in found {
            match known.entry(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                Entry::Vacant(new) => {
                    new.insert(all.len());
                    all.push(Ok((file, names)));
                }
                Entry::Occupied(old) => {
                    if let Ok((_, named)) = &mut all[*old.get()] {
                        *named |= names;
                    }
                }
            }
        }
    }
    all
}

/// Tells of each case when it ended.
struct Told<'a, W> {
    suite: Suite,
    with_steps: bool,
    out: &'a mut W,
    count: Count,
    progress: Progress,
    gathered: Option<Gathered>,
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    without_case: usize,
    bad: usize,
    internal: bool,
}

impl<W: Write> Told<'_, W> {
    fn file(&mut self, found: &Result<(PathBuf, bool), FilesError>) -> io::Result<()> {
        let (file, named) = match found {
            Ok((file, named)) => (file, *named),
            Err(error) => return self.bad_file(error.path(), &error.to_string()),
        };
        self.progress.at(file.display().to_string());
        let cassette = match read(file) {
            Ok(cassette) => cassette,
            Err(error) => return self.bad_file(file, &with_causes(&error)),
        };
        let expired = match cassette.freshness(Timestamp::now()) {
            Freshness::Fresh => None,
            Freshness::Expired(expired) if expired.expiry.age.then == WhenExpired::Fail => {
                return self.too_old(&cassette, expired);
            }
            Freshness::Expired(expired) => Some(expired.to_string()),
        };
        let journal = self.gathered.as_ref().map(|_| Arc::new(Journal::new()));
        let since = Instant::now();
        let ran = self.suite.run_with(&cassette, journal.as_ref());
        if let Some((journal, gathered)) = journal.zip(self.gathered.as_mut()) {
            let (suite, mut case) = replayed(&cassette, &ran, named, &journal.take(), since.elapsed());
            if let (Some(reason), ReportVerdict::Passed) = (&expired, &case.verdict) {
                case.verdict = ReportVerdict::Warned(vec![Masked::known(reason)]);
            }
            gathered.push((suite, case));
        }
        if let Some(reason) = expired {
            let out = &mut self.out;
            self.progress.aside(|| writeln!(out, "warn  {}: {reason}", file.display()))?;
        }
        self.ran(&ran, &cassette, named)
    }

    /// It is not run: what comes out would say nothing about today.
    fn too_old(&mut self, cassette: &Cassette, expired: Expired) -> io::Result<()> {
        self.count.failed += 1;
        let reason = expired.to_string();
        if let Some(gathered) = &mut self.gathered {
            let (suite, mut case) =
                replayed(cassette, &Ran::NoCase, false, &Journal::new().take(), std::time::Duration::ZERO);
            case.verdict = ReportVerdict::Failed(vec![Masked::known(&reason)]);
            gathered.push((suite, case));
        }
        self.tell(&format!("FAIL  {}", line(cassette)), &reason)
    }

    fn bad_file(&mut self, path: &Path, reason: &str) -> io::Result<()> {
        self.count.bad += 1;
        if let Some(gathered) = &mut self.gathered {
            gathered.push(bad_file(path, reason));
        }
        self.tell(&format!("BAD   {reason}"), "")
    }

    fn ran(&mut self, ran: &Ran, cassette: &Cassette, named: bool) -> io::Result<()> {
        let line = line(cassette);
        match ran {
            Ran::Case { verdict, steps } => {
                let line = if self.with_steps { format!("{steps}  {line}") } else { line };
                match verdict {
                    Verdict::Passed(_) => {
                        self.count.passed += 1;
                        self.tell(&format!("pass  {line}"), "")
                    }
                    Verdict::Failed(problems) => {
                        self.count.failed += 1;
                        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                        self.tell(&format!("FAIL  {line}"), &problems.join("\n"))
                    }
                }
            }
            Ran::NoCase if named => {
                self.count.bad += 1;
                self.tell(&format!("BAD   {line}"), "the cassette has no log._countersign.case to run")
            }
            Ran::NoCase => {
                self.count.without_case += 1;
                self.tell(&format!("none  {line}"), "")
            }
            Ran::Impossible(impossible) => {
                self.count.bad += 1;
                self.count.internal |= impossible.is_internal();
                self.tell(&format!("BAD   {line}"), &impossible.to_string())
            }
        }
    }

    /// A line, and below it the lines of its reasons.
    fn tell(&mut self, line: &str, reasons: &str) -> io::Result<()> {
        let out = &mut self.out;
        self.progress.aside(|| {
            writeln!(out, "{line}")?;
            reasons.lines().try_for_each(|reason| writeln!(out, "      {reason}"))
        })?;
        self.progress.done();
        Ok(())
    }
}

impl Count {
    fn end(&self, out: &mut impl Write) -> io::Result<Exit> {
        let Self { passed, failed, without_case, bad, internal } = self;
        writeln!(out, "{passed} passed, {failed} failed, {without_case} without a case, {bad} bad")?;
        out.flush()?;
        if *internal {
            return Ok(Exit::Internal);
        }
        Ok(match (bad, failed) {
            (0, 0) => Exit::Passed,
            (0, _) => Exit::Failed,
            (_, _) => Exit::BadFile,
        })
    }
}

/// File, title and provenance: nobody shall take a transcription for a recording.
fn line(cassette: &Cassette) -> String {
    let path = cassette.path().display();
    match (cassette.title(), cassette.provenance()) {
        (Some(title), Some(provenance)) => format!("{path}: {title} [{provenance}]"),
        _ => format!("{path} [provenance not stated]"),
    }
}

pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let more = deeper.to_string();
        // Some errors tell their cause themselves.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = deeper.source();
    }
    text
}
