//! Where no answer came, a message may be out: it is neither sent again nor taken for unsent.

use countersign_plugin::http::{TransportFailure, TransportFailureKind};
use countersign_plugin::{Delivered, Effect, OperationName};

use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::{Place, Scenario};
use super::adverse::{Refuse, places};
use super::problems::Problems;

/// No request that acts is sent a second time in the same operation.
pub(in super::super) fn none(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    unanswered(kit, &mut |scenario, performed, place| {
        let lost = &performed.exchanges[place.exchange].request;
        let later = performed.exchanges.iter().skip(place.exchange + 1).map(|exchange| &exchange.request);
        let again = |request: &&countersign_plugin::Request| {
            (request.method, &request.url, &request.body) == (lost.method, &lost.url, &lost.body)
        };
        if later.into_iter().any(|request| again(&request)) {
            problems.add(
                format!("{} ({}) sends again what may have arrived", performed.place(), scenario.name),
                "end with the failure; only the engine repeats a request, and knows when it must not",
            );
        }
    });
    problems.verdict()
}

/// A send without an answer ends as one that may have been delivered.
pub(in super::super) fn delivery(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    unanswered(kit, &mut |scenario, performed, _| {
        let denied = performed.failure().is_some_and(|failure| failure.delivered == Delivered::No);
        if performed.name() == OperationName::Start && denied {
            problems.add(
                format!("{} ({}) says that nothing was delivered, and nobody knows", performed.place(), scenario.name),
                "let `?` turn the error of `http` into the failure, or say `Delivered::Maybe`",
            );
        }
    });
    problems.verdict()
}

/// Runs each operation with no answer to one of its requests that act.
fn unanswered(kit: &Kit, look: &mut dyn FnMut(&Scenario, &Performed, Place)) {
    for scenario in &kit.scenarios {
        for (place, request) in places(scenario) {
            if request.effect != Effect::Act {
                continue;
            }
            let answer = Err(TransportFailure::new(TransportFailureKind::NoAnswer, ""));
            let ran = kit.run(scenario, &mut Refuse { place, answer });
            let performed = ran.last().filter(|performed| performed.index == place.operation);
            if let Some(performed) = performed.filter(|performed| performed.exchanges.len() > place.exchange) {
                look(scenario, performed, place);
            }
        }
    }
}
