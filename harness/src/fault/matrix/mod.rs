//! Every exchange of a case with every fault: the case is run again and again, each time with one fault in one exchange.

mod cell;
mod judge;
mod overheard;
mod violation;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant as Wall};

use countersign::instance::Instance;
use countersign::operation::Failed;
use countersign_plugin::OperationName;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::catalog::Harm;
use super::chosen::Chosen;
use crate::case::{self, CaseError, CaseProblem, Course, Verdict};
use crate::cassette::{Case, Cassette};
use crate::journal::{Journal, Pages};

use cell::{Cell, Exchange, Strike, Struck, Told};
use overheard::{Notes, Overheard};
pub use violation::{Spoken, Violation};

/// Runs cases under faults.
///
/// The fault is committed in one exchange alone. Where the engine repeats the request, which it does with what only
/// reads and with what may be done twice, the repetition is answered as the exchange had been: then the outcome must be
/// the same as without the fault. The case is run once more then, the fault in the repetition as well.
#[derive(Debug)]
pub struct Matrix {
    faults: Vec<Chosen>,
    seed: u64,
    runtime: Runtime,
}

/// What came of one case under all faults.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Score {
    /// How many exchanges the case has without a fault.
    pub exchanges: usize,
    /// In how many pairs of exchange and fault everything was as it must be.
    pub passed: usize,
    /// How many pairs mean nothing: the exchange has nothing that could be wrong in that way.
    pub not_applicable: usize,
    /// The pairs in which something was not.
    pub failures: Vec<Broken>,
    /// Every pair, in the order in which they were run.
    pub pairs: Vec<Pair>,
}

/// One exchange under one fault.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The exchange's position among those of the case; the first is 0.
    pub exchange: usize,
    /// Its method and address, masked.
    pub title: String,
    /// The fault's id.
    pub fault: &'static str,
    /// How it ended.
    pub ended: PairEnd,
    /// Where it is broken: only once the fault was committed in the engine's repetition as well.
    pub in_repetition: bool,
    /// Time that passed by the wall clock, the run without the fault left out.
    pub took: Duration,
}

/// How one exchange under one fault ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum PairEnd {
    /// Everything was as it must be.
    Passed,
    /// The exchange has nothing that could be wrong in that way.
    MeansNothing,
    /// These things were, which must not be; at least one.
    Broken(Vec<Violation>),
}

/// One exchange under one fault, and what must not be.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The cassette's file.
    pub cassette: PathBuf,
    /// The exchange's position among those of the case; the first is 0. `None` where the case itself is wrong.
    pub exchange: Option<(usize, String)>,
    /// The fault's id; none where there was no fault.
    pub fault: Option<&'static str>,
    /// What must not be; at least one.
    pub violations: Vec<Violation>,
}

/// One run of a case.
struct Run {
    operations: Vec<Ended>,
    exchanges: Vec<Exchange>,
    struck: Option<Struck>,
    /// Whether the exchange that was to be struck came at all.
    reached: bool,
}

/// One operation of a run.
struct Ended {
    name: OperationName,
    came: Result<Value, Failed>,
    /// Time that passed, by any clock.
    took: Duration,
    notes: Notes,
}

impl Matrix {
    /// For these faults. The seed decides where in an answer each falls: same seed, same run.
    ///
    /// # Errors
    /// [`CaseError::Runtime`] when the runtime that drives the operations cannot be had.
    pub fn new(faults: Vec<Chosen>, seed: u64) -> Result<Self, CaseError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| CaseError::Runtime(error.kind()))?;
        Ok(Self { faults, seed, runtime })
    }

    /// How many faults there are.
    pub fn faults(&self) -> usize {
        self.faults.len()
    }

    /// Runs the case of a cassette against a plugin that was opened with its [`settings`](case::settings).
    ///
    /// # Errors
    /// [`CaseError`] when the case cannot be run.
    pub fn run(&self, cassette: &Cassette, instance: &Arc<dyn Instance>) -> Result<Score, CaseError> {
        let case = cassette.case().ok_or(CaseError::NoCase)?;
        let mut score = Score::default();
        let broken = |exchange, fault, violations| {
            let cassette = cassette.path().to_owned();
            Broken { cassette, exchange, fault, violations }
        };
        let journal = Arc::new(Journal::new());
        if let Verdict::Failed(problems) = case::run_with(cassette, Arc::clone(instance), Some(&journal))? {
            let text = problems.iter().map(CaseProblem::to_string).collect::<Vec<_>>().join("; ").replace("\n  ", "; ");
            score.failures.push(broken(None, None, vec![Violation::FailsAnyway { why: text }]));
            return Ok(score);
        }
        let calm = self.course(cassette, case, instance, None, None)?;
        score.exchanges = calm.exchanges.len();
        let pages = journal.take();
        let (first, then) = (pages.exchanges.len() as u64 + pages.dropped, calm.exchanges.len() as u64);
        if first != then {
            score.failures.push(broken(None, None, vec![Violation::Unsteady { first, then }]));
            return Ok(score);
        }
        for (number, exchange) in calm.exchanges.iter().enumerate() {
            for chosen in &self.faults {
                let fault = chosen.fault();
                let begun = Wall::now();
                let mut pair = |ended, in_repetition| {
                    let (title, took) = (exchange.title.clone(), begun.elapsed());
                    score.pairs.push(Pair { exchange: number, title, fault: fault.id, ended, in_repetition, took });
                };
                let strike = |again| Some(Strike { at: number, chosen: chosen.clone(), seed: self.seed, again });
                let run = self.course(cassette, case, instance, strike(false), None)?;
                if run.struck.is_none() && run.reached {
                    pair(PairEnd::MeansNothing, false);
                    score.not_applicable += 1;
                    continue;
                }
                let repeated = run.struck.as_ref().is_some_and(|struck| struck.repeated);
                // What was asked and answered once more proves what it proved before.
                let harm = if repeated { Harm::Harmless } else { fault.harm };
                let mut violations = match run.struck {
                    Some(_) => judge::violations(fault, harm, &calm, &run, exchange),
                    None => vec![Violation::NeverCame],
                };
                // Of the two runs, the one to be read again is the first that broke.
                let in_repetition = repeated && violations.is_empty();
                if repeated {
                    let run = self.course(cassette, case, instance, strike(true), None)?;
                    for violation in judge::violations(fault, fault.harm, &calm, &run, exchange) {
                        if !violations.contains(&violation) {
                            violations.push(violation);
                        }
                    }
                }
                if violations.is_empty() {
                    pair(PairEnd::Passed, false);
                    score.passed += 1;
                } else {
                    pair(PairEnd::Broken(violations.clone()), in_repetition);
                    let exchange = (number, exchange.title.clone());
                    score.failures.push(broken(Some(exchange), Some(fault.id), violations));
                }
            }
        }
        Ok(score)
    }

    /// Runs one pair once more, for who wants to read what went over the wire. The second of what comes back is the number
    /// of the exchange in which the fault was committed last.
    ///
    /// # Errors
    /// [`CaseError`] when the case cannot be run.
    pub fn again(
        &self,
        cassette: &Cassette,
        instance: &Arc<dyn Instance>,
        pair: &Pair,
    ) -> Result<(Pages, Option<u64>), CaseError> {
        let case = cassette.case().ok_or(CaseError::NoCase)?;
        let journal = Arc::new(Journal::new());
        let chosen = self.faults.iter().find(|chosen| chosen.fault().id == pair.fault).cloned();
        let strike =
            chosen.map(|chosen| Strike { at: pair.exchange, chosen, seed: self.seed, again: pair.in_repetition });
        let run = self.course(cassette, case, instance, strike, Some(&journal))?;
        Ok((journal.take(), run.struck.map(|struck| struck.exchange as u64)))
    }

    /// One run of the case, undisturbed or struck.
    fn course(
        &self,
        cassette: &Cassette,
        case: &Case,
        instance: &Arc<dyn Instance>,
        strike: Option<Strike>,
        journal: Option<&Arc<Journal>>,
    ) -> Result<Run, CaseError> {
        let overheard = Arc::new(Overheard::new(Arc::clone(instance), case::secrets(case)));
        let service = case::service(case, Arc::clone(&overheard) as _)?;
        let clock = Course::clock(case);
        let struck_run = strike.is_some();
        let cell = Arc::new(Cell::new(cassette, Arc::clone(&clock), strike));
        let network = match journal {
            Some(journal) => journal.around(Arc::clone(&cell) as _, cell.replay()),
            None => Arc::clone(&cell) as _,
        };
        let mut course = Course::new(case, service, network, clock);
        let mut operations = Vec::new();
        loop {
            cell.operation(operations.len());
            if let Some(journal) = journal {
                journal.begins(operations.len());
            }
            let begun = Wall::now();
            let next = self.runtime.block_on(course.next());
            let (index, came) = match next {
                Ok(Some(next)) => next,
                Ok(None) => break,
                // What an earlier operation would have left is not there: nobody could ask for this one.
                Err(CaseError::Input { .. }) if struck_run => break,
                Err(error) => return Err(error),
            };
            let took = begun.elapsed() + cell.waited();
            operations.push(Ended { name: case.operations[index].operation, came, took, notes: overheard.take() });
        }
        let Told { exchanges, struck, reached } = cell.end();
        Ok(Run { operations, exchanges, struck, reached })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cassette.display())?;
        if let Some((number, title)) = &self.exchange {
            write!(f, " exchange {number} ({title})")?;
        }
        if let Some(fault) = self.fault {
            write!(f, " × {fault}")?;
        }
        let why: Vec<_> = self.violations.iter().map(ToString::to_string).collect();
        write!(f, ": {}", why.join("; "))
    }
}
