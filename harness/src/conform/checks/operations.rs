//! What is declared is there, and works; what is not declared is not there.

use std::collections::BTreeMap;

use countersign_plugin::{Data, FailureKind, OperationName};
use serde_json::json;

use super::super::drive::{Randomness, Running};
use super::super::inputs::{self, ADA, Memory, NOW};
use super::super::kit::Kit;
use super::super::performed::{End, Performed, Typed};
use super::super::report::Verdict;
use super::super::scenario::{Plot, Scenario, open};
use super::adverse;
use super::problems::Problems;

/// No declared operation says `unsupported` where all goes well, or breaks down whatever comes back.
pub(in super::super) fn answered(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    for (scenario, performed) in kit.happy() {
        let Some(failure) = performed.failure() else { continue };
        if failure.kind == FailureKind::Unsupported && !expected(scenario, performed) {
            problems.add(
                format!("{} ({}) is declared, and says that it is unsupported", performed.place(), scenario.name),
                "implement it, or take it out of the manifest",
            );
        }
    }
    adverse::every(kit, &mut |scenario, performed| {
        let breaks_down = match &performed.end {
            End::Outcome(_) => false,
            End::Failure(failure) => failure.kind == FailureKind::PluginFault && !expected(scenario, performed),
            // That is a subject of its own.
            End::Endless => false,
            End::Fault(_) | End::Unreadable(_) | End::Stuck => true,
        };
        // So is what is too large.
        let too_large =
            matches!(&performed.end, End::Fault(fault) if fault.kind == countersign_plugin::FaultKind::TooLarge);
        if breaks_down && !too_large {
            problems.add(
                format!("{} ({}) {}", performed.place(), scenario.name, performed.end.told()),
                "answer with an outcome or with the failure that fits",
            );
        }
    });
    problems.verdict()
}

/// Every declared operation succeeds at least once, and lets the person in who is right.
pub(in super::super) fn succeed(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let mut seen: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for (scenario, performed) in kit.happy() {
        // A case may be about a refusal; some other shows that it works.
        let by_case = matches!(scenario.plot, Plot::Case(_));
        let scope = if by_case { String::new() } else { format!(" ({})", scenario.name) };
        let right = if performed.typed == Some(Typed::Right) { ", given the right code," } else { "" };
        let key = format!("{}{scope}{right}", performed.place());
        let good = goes(performed) || is_another_checks(performed);
        let entry = seen.entry(key).or_insert_with(|| (false, performed.end.told()));
        entry.0 |= good;
    }
    for (key, (good, told)) in seen {
        if !good {
            problems.add(
                format!("{key} never succeeds: it {told}"),
                "see what it misses in the reply; if the kit cannot guess what the provider says, show it by --cassettes",
            );
        }
    }
    if kit.happy().next().is_none() {
        problems.add("nothing could be asked of it", "declare what it offers");
    }
    problems.verdict()
}

/// Whether the operation went as it should where all goes well.
fn goes(performed: &Performed) -> bool {
    match performed.typed {
        Some(Typed::Right) => performed.approves(),
        Some(Typed::Wrong) => true,
        None => performed.succeeded() && !finds_fault(performed),
    }
}

/// What says `unsupported` or breaks down is told by the check for that.
fn is_another_checks(performed: &Performed) -> bool {
    match &performed.end {
        End::Failure(failure) => matches!(failure.kind, FailureKind::Unsupported | FailureKind::PluginFault),
        End::Fault(_) | End::Unreadable(_) | End::Stuck | End::Endless => true,
        End::Outcome(_) => false,
    }
}

/// A diagnosis of credentials that are in order and finds something wrong.
fn finds_fault(performed: &Performed) -> bool {
    let End::Outcome(outcome) = &performed.end else { return false };
    let findings = outcome.get("findings").and_then(|findings| findings.as_array());
    findings.into_iter().flatten().any(|finding| finding.get("state").is_some_and(|state| state == "bad"))
}

/// Whether a cassette's case wants this very failure.
fn expected(scenario: &Scenario, performed: &Performed) -> bool {
    let Plot::Case(played) = &scenario.plot else { return false };
    let kind = performed.failure().map(|failure| failure.kind.name());
    kind.is_some() && played.expected_failure(performed.index) == kind
}

/// Whatever is not declared for a channel says so.
pub(in super::super) fn undeclared(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let memory = Memory {
        enrollment: Some(Data::from_json(kit.manifest().data_version, json!({"kit": "nobody's"}))),
        ..Memory::default()
    };
    for subject in kit.subjects() {
        let Ok(instance) = open(&kit.plugin, subject) else { continue };
        for offer in &subject.offers {
            for &name in OperationName::ALL {
                if subject.declares(Some(offer), name) {
                    continue;
                }
                let code = inputs::code(Some(offer));
                let Some(operation) = inputs::operation(name, Some(offer), &ADA, &memory, code) else { continue };
                let running = Running::begin(&instance, operation, None, NOW, Randomness::new(kit.job.seed));
                let performed = running.run(&mut |_, _| {
                    Ok(countersign_plugin::Reply::from_json(200, &json!({"status": "approved", "valid": true})))
                });
                let unsupported = performed.failure().is_some_and(|failure| failure.kind == FailureKind::Unsupported);
                if !unsupported {
                    problems.add(
                        format!(
                            "{} ({}) is not declared, and {}",
                            performed.place(),
                            subject.name,
                            performed.end.told()
                        ),
                        "declare it in the manifest, or leave it to the default of the trait, which says `unsupported`",
                    );
                }
            }
        }
    }
    problems.verdict()
}
