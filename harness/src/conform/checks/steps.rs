//! The same operations and the same replies lead to the same steps, in every process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::child::Said;
use super::super::drive::Running;
use super::super::judging::{Job, Loaded};
use super::super::kit::Kit;
use super::super::parent::converse;
use super::super::report::{Problem, Verdict};
use super::super::scenario::open;
use super::problems::Problems;
use crate::steps::Witness;

/// Processes that are compared.
const PROCESSES: usize = 8;
/// The time that one has.
const LIMIT: Duration = Duration::from_secs(20);

/// What an operation asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Heard {
    /// Which operation, of which scenario.
    place: String,
    /// The digest of all its answers.
    steps: String,
}

/// Eight fresh processes ask for the same as this one.
pub(in super::super) fn same(kit: &Kit) -> Verdict {
    let Some(program) = program() else {
        return Verdict::Skipped { because: "this system does not tell which program runs".to_owned() };
    };
    let job = Job { steps_only: true, ..kit.job.clone() };
    let mut problems = Problems::default();
    let mut first: Option<Vec<Heard>> = None;
    for number in 1..=PROCESSES {
        let heard = converse(&program, &job, LIMIT).ok().and_then(|conversation| conversation.steps());
        let Some(heard) = heard else {
            problems.push(Problem::new(
                format!("process {number} of {PROCESSES} did not come to its end"),
                "see what the other checks say of it",
            ));
            continue;
        };
        let Some(first) = &first else {
            first = Some(heard);
            continue;
        };
        let differs = first.iter().zip(&heard).find(|(one, other)| one != other).map(|(one, _)| one.place.clone());
        let differs = differs.or_else(|| (first.len() != heard.len()).then(|| "the number of operations".to_owned()));
        if let Some(place) = differs {
            problems.add(
                format!("{place} asks for something else in another process"),
                "take time and randomness from the context, and order from lists: no clock, no address, no order of a hash map",
            );
        }
    }
    let operations = first.map_or(0, |first| first.len());
    problems.verdict_with(format!("{operations} operations in {PROCESSES} processes"))
}

/// What the plugin asks for where all goes well, for whoever compares.
pub(in super::super) fn heard_alone(job: &Job) -> Said {
    let kit = Loaded::of(job).ok().and_then(|loaded| Kit::new(loaded).ok());
    Said::Steps(kit.map(|kit| heard(&kit)).unwrap_or_default())
}

/// Each operation of each scenario once more, heard by a witness.
fn heard(kit: &Kit) -> Vec<Heard> {
    let mut all = Vec::new();
    for scenario in &kit.scenarios {
        let Ok(instance) = open(&kit.plugin, &scenario.subject) else { continue };
        for performed in &scenario.happy {
            let witness = Arc::new(Witness::new(Arc::clone(&instance)));
            let mut got = performed.exchanges.iter().map(|exchange| exchange.got.clone());
            let listening: Arc<dyn countersign::instance::Instance> = Arc::clone(&witness) as _;
            let running = Running::again(&listening, performed);
            let lost = || {
                Err(countersign_plugin::http::TransportFailure::new(
                    countersign_plugin::TransportFailureKind::NoAnswer,
                    "",
                ))
            };
            drop(running.run(&mut |_, _| got.next().unwrap_or_else(lost)));
            let place = format!("{} ({})", performed.place(), scenario.name);
            all.push(Heard { place, steps: witness.steps().to_string() });
        }
    }
    all
}

/// This very program.
fn program() -> Option<PathBuf> {
    if cfg!(target_os = "linux") { Some(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe().ok() }
}
