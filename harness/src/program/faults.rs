//! `faults` and `replay --faults`: the catalogue, and every exchange under every fault.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use countersign::clock::{Random as _, SystemRandom};
use countersign_harness::cassette::{Cassette, read};
use countersign_harness::fault::matrix::{Matrix, Score};
use countersign_harness::fault::{CATALOG, Chosen, Fault, UnknownFault, fault};
use countersign_harness::suite::{Impossible, Suite};
use serde_json::{Value, json};

use super::Exit;
use super::files::cassettes;
use super::replay::{suite, with_causes};

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
    out: &mut impl Write,
    progress: &mut (impl Write + IsTerminal),
) -> io::Result<Exit> {
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
    let mut report = Report { matrix, suite: suite(search), out, count: Count::default() };
    let mut files = Vec::new();
    for path in paths {
        match cassettes(path) {
            // Whoever names a cassette wants its case run; a folder may hold others, too.
            Ok(found) => {
                let named = found.len() == 1 && found[0] == *path;
                files.extend(found.into_iter().map(|file| (file, named)));
            }
            Err(error) => report.bad(&error.to_string())?,
        }
    }
    let watched = progress.is_terminal();
    for (done, (file, named)) in files.iter().enumerate() {
        if watched {
            write!(progress, "\r\x1b[K{done} of {} cassettes", files.len())?;
            progress.flush()?;
        }
        report.file(file, *named)?;
    }
    if watched {
        write!(progress, "\r\x1b[K")?;
        progress.flush()?;
    }
    report.end()
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

struct Report<'a, W> {
    matrix: Matrix,
    suite: Suite,
    out: &'a mut W,
    count: Count,
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

impl<W: Write> Report<'_, W> {
    fn file(&mut self, file: &Path, named: bool) -> io::Result<()> {
        let cassette = match read(file) {
            Ok(cassette) => cassette,
            Err(error) => return self.bad(&with_causes(&error)),
        };
        match self.score(&cassette) {
            Ok(Some(Score { exchanges, passed, not_applicable, failures })) => {
                self.count.exchanges += exchanges;
                self.count.passed += passed;
                self.count.failed += failures.len();
                self.count.not_applicable += not_applicable;
                failures.iter().try_for_each(|broken| writeln!(self.out, "FAIL  {broken}"))
            }
            Ok(None) if named => {
                self.bad(&format!("{}: the cassette has no log._countersign.case to run", file.display()))
            }
            Ok(None) => Ok(()),
            Err(impossible) => {
                self.count.internal |= impossible.is_internal();
                self.bad(&format!("{}: {}", file.display(), impossible.to_string().replace('\n', "; ")))
            }
        }
    }

    fn score(&mut self, cassette: &Cassette) -> Result<Option<Score>, Impossible> {
        let Some(case) = cassette.case() else { return Ok(None) };
        let instance = self.suite.open(case)?;
        Ok(Some(self.matrix.run(cassette, &instance)?))
    }

    fn bad(&mut self, text: &str) -> io::Result<()> {
        self.count.bad += 1;
        writeln!(self.out, "BAD   {text}")
    }

    fn end(self) -> io::Result<Exit> {
        let Count { exchanges, passed, failed, not_applicable, bad, internal } = self.count;
        let faults = self.matrix.faults();
        let rest = format!("{not_applicable} mean nothing, {bad} bad");
        writeln!(self.out, "{exchanges} exchanges × {faults} faults: {passed} passed, {failed} failed, {rest}")?;
        self.out.flush()?;
        Ok(match (internal, bad, failed) {
            (true, ..) => Exit::Internal,
            (false, 0, 0) => Exit::Passed,
            (false, 0, _) => Exit::Failed,
            (false, ..) => Exit::BadFile,
        })
    }
}
