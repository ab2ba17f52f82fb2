//! `faults` and `replay --faults`: the catalogue, and every exchange under every fault.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use countersign::clock::{Random as _, SystemRandom};
use countersign_harness::cassette::{Cassette, read};
use countersign_harness::fault::matrix::{Matrix, Score};
use countersign_harness::fault::{CATALOG, Chosen, Fault, UnknownFault, fault};
use countersign_harness::report::{bad_file, faulted, loaded};
use countersign_harness::suite::{Impossible, Suite};
use serde_json::{Value, json};

use super::Exit;
use super::progress::Progress;
use super::replay::{files, suite, with_causes};
use super::report::{self, Gathered, ReportTarget};

/// Writes the catalogue.
pub(super) fn list(as_json: bool, out: &mut impl Write) -> io::Result<Exit> {
    if as_json {
        let all: Vec<Value> = CATALOG.iter().map(as_value).collect();
        writeln!(out, "{:#}", Value::from(all))?;
    } else {
        let widest = CATALOG.iter().map(|fault| fault.id.len()).max().unwrap_or_default();
        for fault in CATALOG {
            let Fault { id, summary, harm, place, .. } = fault;
            let (harm, place) = (harm.to_string(), place.to_string());
            writeln!(out, "{id:widest$}  {harm:8}  {place:10}  {summary}")?;
            for parameter in fault.parameters {
                let (name, about, default) = (parameter.name, parameter.summary, parameter.default);
                let range = format!("{} to {}", parameter.least, parameter.most);
                writeln!(out, "{:widest$}    {name}: {about}; {default} if not given, {range}", "")?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Passed)
}

fn as_value(fault: &Fault) -> Value {
    let parameters = fault.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "summary": parameter.summary,
            "default": parameter.default,
            "least": parameter.least,
            "most": parameter.most,
        })
    });
    json!({
        "id": fault.id,
        "summary": fault.summary,
        "effect": fault.harm.to_string(),
        "applies": fault.place.to_string(),
        "parameters": parameters.collect::<Vec<_>>(),
    })
}

/// Runs the matrix over all cases, tells of its progress where somebody watches, and writes the report.
pub(super) fn run(
    paths: &[PathBuf],
    search: Vec<PathBuf>,
    ids: &[String],
    seed: Option<u64>,
    reports: &[ReportTarget],
    out: &mut impl Write,
) -> io::Result<Exit> {
    if let Err(error) = report::check(reports) {
        writeln!(out, "BAD   {error}")?;
        return Ok(Exit::BadFile);
    }
    let faults = match chosen(ids) {
        Ok(faults) => faults,
        Err(error) => {
            writeln!(out, "BAD   {error}")?;
            return Ok(Exit::BadFile);
        }
    };
    let Some(seed) = seed.or_else(any_seed) else { return Ok(Exit::Internal) };
    let Ok(matrix) = Matrix::new(faults, seed) else { return Ok(Exit::Internal) };
    writeln!(out, "seed {seed}")?;
    let mut gathered = Gathered::wanted(reports, "Replay of cassettes under faults");
    if let Some(gathered) = &mut gathered {
        gathered.seed(seed);
    }
    let found: Vec<_> = files(paths);
    let progress = Progress::of(found.len());
    let mut told = Told { matrix, suite: suite(search), out, count: Count::default(), progress, gathered };
    for file in &found {
        match file {
            Ok((file, named)) => told.file(file, *named)?,
            Err(error) => told.bad(error.path(), &error.to_string())?,
        }
    }
    let Told { matrix, suite, out, count, progress, gathered } = told;
    drop(progress);
    let exit = count.end(matrix.faults(), out)?;
    if let Some(gathered) = gathered
        && let Err(error) = report::write(reports, &gathered.end(suite.plugins().map(loaded)))
    {
        writeln!(out, "BAD   {error}")?;
        return Ok(Exit::Internal);
    }
    Ok(exit)
}

/// Each fault once, in the order of the catalogue.
fn chosen(ids: &[String]) -> Result<Vec<Chosen>, UnknownFault> {
    let named = ids.iter().filter(|id| *id != "all").map(|id| fault(id).map(|fault| fault.id));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let all = ids.iter().any(|id| id == "all");
    Ok(CATALOG.iter().filter(|fault| all || named.contains(&fault.id)).map(Chosen::new).collect())
}

/// A seed that is short enough to be typed.
fn any_seed() -> Option<u64> {
    let mut bytes = [0; 4];
    SystemRandom.fill(&mut bytes).ok()?;
    Some(u32::from_be_bytes(bytes).into())
}

/// Tells of each pair that is broken.
struct Told<'a, W> {
    matrix: Matrix,
    suite: Suite,
    out: &'a mut W,
    count: Count,
    progress: Progress,
    gathered: Option<Gathered>,
}

#[derive(Default)]
struct Count {
    exchanges: usize,
    passed: usize,
    failed: usize,
    not_applicable: usize,
    bad: usize,
    internal: bool,
}

impl<W: Write> Told<'_, W> {
    fn file(&mut self, file: &Path, named: bool) -> io::Result<()> {
        self.progress.at(file.display().to_string());
        let cassette = match read(file) {
            Ok(cassette) => cassette,
            Err(error) => return self.bad(file, &with_causes(&error)),
        };
        match self.score(&cassette) {
            Ok(Some(Score { exchanges, passed, not_applicable, failures, .. })) => {
                self.count.exchanges += exchanges;
                self.count.passed += passed;
                self.count.failed += failures.len();
                self.count.not_applicable += not_applicable;
                let out = &mut self.out;
                self.progress.aside(|| failures.iter().try_for_each(|broken| writeln!(out, "FAIL  {broken}")))?;
                self.progress.done();
                Ok(())
            }
            Ok(None) if named => {
                self.bad(file, &format!("{}: the cassette has no log._countersign.case to run", file.display()))
            }
            Ok(None) => {
                let out = &mut self.out;
                self.progress.aside(|| writeln!(out, "none  {}: carries no case to run", file.display()))?;
                self.progress.done();
                Ok(())
            }
            Err(impossible) => {
                self.count.internal |= impossible.is_internal();
                self.bad(file, &format!("{}: {}", file.display(), impossible.to_string().replace('\n', "; ")))
            }
        }
    }

    fn score(&mut self, cassette: &Cassette) -> Result<Option<Score>, Impossible> {
        let Some(case) = cassette.case() else { return Ok(None) };
        let instance = self.suite.open(case)?;
        let score = self.matrix.run(cassette, &instance)?;
        if let Some(gathered) = &mut self.gathered {
            let (suite, cases) = faulted(cassette, &score, |pair| self.matrix.again(cassette, &instance, pair).ok());
            cases.into_iter().for_each(|case| gathered.push((suite.clone(), case)));
        }
        Ok(Some(score))
    }

    fn bad(&mut self, file: &Path, text: &str) -> io::Result<()> {
        self.count.bad += 1;
        if let Some(gathered) = &mut self.gathered {
            gathered.push(bad_file(file, text));
        }
        let out = &mut self.out;
        self.progress.aside(|| writeln!(out, "BAD   {text}"))?;
        self.progress.done();
        Ok(())
    }
}

impl Count {
    fn end(&self, faults: usize, out: &mut impl Write) -> io::Result<Exit> {
        let Self { exchanges, passed, failed, not_applicable, bad, internal } = self;
        let rest = format!("{not_applicable} mean nothing, {bad} bad");
        writeln!(out, "{exchanges} exchanges × {faults} faults: {passed} passed, {failed} failed, {rest}")?;
        // Who asks for a verdict and gets none must not take that for a good one.
        let unjudged = passed + failed == 0;
        if unjudged {
            writeln!(
                out,
                "BAD   nothing was judged: no exchange of these cassettes has anything to do with these faults"
            )?;
        }
        out.flush()?;
        Ok(match (internal, bad, failed) {
            (true, ..) => Exit::Internal,
            (false, 0, 0) if unjudged => Exit::BadFile,
            (false, 0, 0) => Exit::Passed,
            (false, 0, _) => Exit::Failed,
            (false, ..) => Exit::BadFile,
        })
    }
}
