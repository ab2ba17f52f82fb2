//! Sizes and counts.

use countersign_plugin::{FaultKind, contract, limits};

use super::super::kit::Kit;
use super::super::performed::End;
use super::super::report::Verdict;
use super::adverse;
use super::problems::Problems;

pub(in super::super) fn kept(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let mut most = 0;
    adverse::every(kit, &mut |scenario, performed| {
        most = most.max(performed.steps);
        let mut breaches = Vec::new();
        if contract::steps(performed.steps).is_err() || matches!(performed.end, End::Endless) {
            breaches.push(contract::Breach::Steps.to_string());
        }
        breaches.extend(
            performed.random.iter().filter_map(|drawn| contract::random(drawn.asked).err()).map(|it| it.to_string()),
        );
        breaches
            .extend(performed.kept.iter().filter_map(|(_, data)| contract::kept(data).err()).map(|it| it.to_string()));
        if let End::Outcome(outcome) = &performed.end {
            breaches.extend(contract::outcome(performed.name(), outcome).err().map(|it| it.to_string()));
        }
        match &performed.end {
            End::Fault(fault) if fault.kind == FaultKind::TooLarge => breaches.push(fault.message.clone()),
            _ => {}
        }
        let largest = performed.answers.iter().map(Vec::len).max().unwrap_or_default();
        if largest > limits::STEP_BYTES {
            breaches.push(format!("an answer of {largest} bytes; {} are allowed", limits::STEP_BYTES));
        }
        for breach in breaches {
            problems.add(
                format!("{} ({}): {breach}", performed.place(), scenario.name),
                "ask for less, and remember only what is needed to go on",
            );
        }
    });
    problems.verdict_with(format!("{most} steps at most in one operation"))
}
