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

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    without_case: usize,
    bad: usize,
    internal: bool,
}

/// Runs all cases and writes the report.
pub(super) fn run(paths: &[PathBuf], search: Vec<PathBuf>, out: &mut impl Write) -> io::Result<Exit> {
    let mut plugins = Plugins::default();
    if !search.is_empty() {
        plugins.search = Some(search);
    }
    let mut suite = Suite::new(plugins, RegistryOptions::default());
    let mut count = Count::default();
    for path in paths {
        match cassettes(path) {
            Ok(files) => {
                // Whoever names a cassette wants its case run; a folder may hold others, too.
                let named = files.len() == 1 && files[0] == *path;
                for file in files {
                    replay(&file, named, &mut suite, &mut count, out)?;
                }
            }
            Err(error) => {
                count.bad += 1;
                writeln!(out, "BAD   {error}")?;
            }
        }
    }
    let Count { passed, failed, without_case, bad, internal } = count;
    writeln!(out, "{passed} passed, {failed} failed, {without_case} without a case, {bad} bad")?;
    out.flush()?;
    if internal {
        return Ok(Exit::Internal);
    }
    Ok(match (bad, failed) {
        (0, 0) => Exit::Passed,
        (0, _) => Exit::Failed,
        (_, _) => Exit::BadFile,
    })
}

fn replay(file: &Path, named: bool, suite: &mut Suite, count: &mut Count, out: &mut impl Write) -> io::Result<()> {
    let cassette = match read(file) {
        Ok(cassette) => cassette,
        Err(error) => {
            count.bad += 1;
            return writeln!(out, "BAD   {}", with_causes(&error));
        }
    };
    let line = line(&cassette);
    match suite.run(&cassette) {
        Ran::Case(Verdict::Passed(_)) => {
            count.passed += 1;
            writeln!(out, "pass  {line}")
        }
        Ran::Case(Verdict::Failed(problems)) => {
            count.failed += 1;
            writeln!(out, "FAIL  {line}")?;
            problems.iter().try_for_each(|problem| indented(&problem.to_string(), out))
        }
        Ran::NoCase if named => {
            count.bad += 1;
            writeln!(out, "BAD   {line}")?;
            indented("the cassette has no log._countersign.case to run", out)
        }
        Ran::NoCase => {
            count.without_case += 1;
            writeln!(out, "none  {line}")
        }
        Ran::Impossible(impossible) => {
            count.bad += 1;
            count.internal |= impossible.is_internal();
            writeln!(out, "BAD   {line}")?;
            indented(&impossible.to_string(), out)
        }
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

fn indented(text: &str, out: &mut impl Write) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(out, "      {line}"))
}

fn with_causes(error: &dyn std::error::Error) -> String {
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
