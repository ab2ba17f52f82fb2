//! Where requests go.

use countersign::transport::EgressRefusal;

use super::super::kit::Kit;
use super::super::report::Verdict;
use super::adverse;
use super::problems::Problems;

pub(in super::super) fn declared(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    adverse::every(kit, &mut |scenario, performed| {
        for exchange in &performed.exchanges {
            match scenario.subject.egress.check(&exchange.request.url) {
                // What reads in two ways is a subject of its own.
                Ok(_) | Err(EgressRefusal::Ambiguous { .. }) => {}
                Err(refusal) => problems.add(
                    format!("{} ({}): {refusal}", performed.place(), scenario.name),
                    "declare the place in `egress`, or send nothing there",
                ),
            }
        }
    });
    problems.verdict()
}
