//! Outcomes are what the contract and the manifest say that they are.

use countersign_plugin::manifest::{Checker, Maker};
use countersign_plugin::{
    Canceled, Checked, Confirmed, Data, Diagnosis, Enrolled, OperationName, Provisioned, Received, Scope, Started,
    Status, Unenrolled,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::kit::Kit;
use super::super::performed::{End, Performed};
use super::super::report::Verdict;
use super::super::scenario::Scenario;
use super::adverse;
use super::problems::Problems;

pub(in super::super) fn sound(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let version = kit.manifest().data_version;
    adverse::every(kit, &mut |scenario, performed| {
        let mut add = |what: String, remedy: &str| {
            problems.add(format!("{} ({}) {what}", performed.place(), scenario.name), remedy);
        };
        let kept = performed.kept.iter().map(|(scope, data)| (scope_name(*scope), data.version));
        let handed =
            ["delivery", "enrollment"].into_iter().filter_map(|field| Some((field, data(performed, field)?.version)));
        for (field, found) in kept.chain(handed) {
            if found != version {
                add(
                    format!("hands over {field} data of version {found}, and the manifest says {version}"),
                    "write the data with the manifest's `data_version`, and raise that when the format changes",
                );
            }
        }
        let End::Outcome(outcome) = &performed.end else { return };
        if !is_of_its_type(performed.name(), outcome) {
            add("has an outcome that is not of its type".to_owned(), "return the type that belongs to the operation");
        }
        if let Some(step) = accepted_step(outcome)
            && !judges_by_itself(scenario, performed)
        {
            add(
                format!("names the time step {step} of a code that it does not check by itself"),
                "name a step only of a code that was checked against an enrolled seed",
            );
        } else if performed.approves() && accepted_step(outcome).is_none() && judges_by_itself(scenario, performed) {
            add(
                "approves a device's code without naming its time step, so it could be used again".to_owned(),
                "approve by `approved_by_step`, so that the engine consumes the step",
            );
        }
        if outcome.get("expires_in_seconds").and_then(Value::as_u64) == Some(0) {
            add("says that its code lives for 0 seconds".to_owned(), "leave out what the provider does not tell");
        }
    });
    problems.verdict()
}

const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Delivery => "delivery",
        Scope::Enrollment => "enrollment",
    }
}

fn data(performed: &Performed, field: &str) -> Option<Data> {
    let End::Outcome(outcome) = &performed.end else { return None };
    let holder = outcome.get("confirmed").unwrap_or(outcome);
    serde_json::from_value(holder.get(field)?.clone()).ok()
}

fn accepted_step(outcome: &Value) -> Option<u64> {
    let holder = outcome.get("approved").or_else(|| outcome.get("confirmed"))?;
    holder.get("accepted_step")?.as_u64()
}

/// Whether the plugin compares the code with an enrolled seed.
fn judges_by_itself(scenario: &Scenario, performed: &Performed) -> bool {
    let channel = performed.operation.channel();
    let offer = scenario.subject.offers.iter().find(|offer| Some(offer.channel.as_str()) == channel);
    offer.is_some_and(|offer| offer.code_made_by == Maker::Device && offer.code_checked_by == Checker::Plugin)
}

fn is_of_its_type(name: OperationName, outcome: &Value) -> bool {
    fn is<T: DeserializeOwned>(outcome: &Value) -> bool {
        T::deserialize(outcome).is_ok()
    }
    match name {
        OperationName::TestCredentials => is::<Diagnosis>(outcome),
        OperationName::Provision => is::<Provisioned>(outcome),
        OperationName::Enroll => is::<Enrolled>(outcome),
        OperationName::ConfirmEnrollment => is::<Confirmed>(outcome),
        OperationName::Unenroll => is::<Unenrolled>(outcome),
        OperationName::Start => is::<Started>(outcome),
        OperationName::Check => is::<Checked>(outcome),
        OperationName::Cancel => is::<Canceled>(outcome),
        OperationName::Status => is::<Status>(outcome),
        OperationName::Receive => is::<Received>(outcome),
    }
}
