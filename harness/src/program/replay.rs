//! `replay`: one line per cassette, and the reasons below it where a case failed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use countersign::bootstrap::Plugins;
use countersign::registry::RegistryOptions;
use countersign_harness::case::Verdict;
use countersign_harness::cassette::{Cassette, read};
use countersign_harness::suite::{Ran, Suite};

use super::Exit;
use super::files::cassettes;

/// Runs all cases and writes the report, `with_steps` with the digest of the steps of each.
pub(super) fn run(paths: &[PathBuf], search: Vec<PathBuf>, with_steps: bool, out: &mut impl Write) -> io::Result<Exit> {
    let mut report = Report { suite: suite(search), with_steps, out, count: Count::default() };
    for path in paths {
        report.path(path)?;
    }
    report.end()
}

/// A suite that looks for plugins in these folders, or where it does by itself.
pub(super) fn suite(search: Vec<PathBuf>) -> Suite {
    let mut plugins = Plugins::default();
    if !search.is_empty() {
        plugins.search = Some(search);
    }
    Suite::new(plugins, RegistryOptions::default())
}

struct Report<'a, W> {
    suite: Suite,
    with_steps: bool,
    out: &'a mut W,
    count: Count,
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    without_case: usize,
    bad: usize,
    internal: bool,
}

impl<W: Write> Report<'_, W> {
    fn path(&mut self, path: &Path) -> io::Result<()> {
        match cassettes(path) {
            Ok(files) => {
                // Whoever names a cassette wants its case run; a folder may hold others, too.
                let named = files.len() == 1 && files[0] == *path;
                files.iter().try_for_each(|file| self.file(file, named))
            }
            Err(error) => {
                self.count.bad += 1;
                writeln!(self.out, "BAD   {error}")
            }
        }
    }

    fn file(&mut self, file: &Path, named: bool) -> io::Result<()> {
        let cassette = match read(file) {
            Ok(cassette) => cassette,
            Err(error) => {
                self.count.bad += 1;
                return writeln!(self.out, "BAD   {}", with_causes(&error));
            }
        };
        let line = line(&cassette);
        match self.suite.run(&cassette) {
            Ran::Case { verdict, steps } => {
                let line = if self.with_steps { format!("{steps}  {line}") } else { line };
                self.verdict(&verdict, &line)
            }
            Ran::NoCase if named => {
                self.count.bad += 1;
                writeln!(self.out, "BAD   {line}")?;
                self.indented("the cassette has no log._countersign.case to run")
            }
            Ran::NoCase => {
                self.count.without_case += 1;
                writeln!(self.out, "none  {line}")
            }
            Ran::Impossible(impossible) => {
                self.count.bad += 1;
                self.count.internal |= impossible.is_internal();
                writeln!(self.out, "BAD   {line}")?;
                self.indented(&impossible.to_string())
            }
        }
    }

    fn verdict(&mut self, verdict: &Verdict, line: &str) -> io::Result<()> {
        match verdict {
            Verdict::Passed(_) => {
                self.count.passed += 1;
                writeln!(self.out, "pass  {line}")
            }
            Verdict::Failed(problems) => {
                self.count.failed += 1;
                writeln!(self.out, "FAIL  {line}")?;
                problems.iter().try_for_each(|problem| self.indented(&problem.to_string()))
            }
        }
    }

    fn indented(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| writeln!(self.out, "      {line}"))
    }

    fn end(self) -> io::Result<Exit> {
        let Count { passed, failed, without_case, bad, internal } = self.count;
        writeln!(self.out, "{passed} passed, {failed} failed, {without_case} without a case, {bad} bad")?;
        self.out.flush()?;
        if internal {
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
