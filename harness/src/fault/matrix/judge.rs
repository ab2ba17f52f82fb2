//! The rules: what a run under a fault may be, next to the run without it.

use std::time::Duration;

use countersign::operation::{Failed, RunLimits};
use countersign_plugin::{Delivered, Effect, FailureKind, OperationName};
use serde_json::Value;

use super::cell::{Exchange, Key, Struck};
use super::violation::Violation;
use super::{Ended, Run};
use crate::fault::catalog::{Fault, Harm};
use crate::fault::kind::Kind;

/// Everything in this run that must not be. `harm` is what the fault may do here, `hit` the exchange of the calm run
/// that it met.
pub(super) fn violations(fault: &Fault, harm: Harm, calm: &Run, run: &Run, hit: &Exchange) -> Vec<Violation> {
    let mut found = Vec::new();
    for (operation, (ended, before)) in run.operations.iter().zip(&calm.operations).enumerate() {
        let at = At { operation, ended, before };
        match harm {
            Harm::Harmless => found.extend(at.other_outcome()),
            Harm::Harmful if operation == hit.operation => found.extend(at.unproven(fault, run, hit)),
            // Later operations stand on their own, and yet nothing comes of them that did not come before.
            Harm::Harmful => found.extend(at.approved_out_of_nothing()),
        }
        found.extend(at.sent_again(calm, run));
        found.extend(at.ended.notes.told.iter().map(|spoken| Violation::Private {
            operation,
            name: ended.name,
            spoken: *spoken,
        }));
        found.extend(at.late());
        found.extend(at.broke_contract(run));
    }
    found
}

/// One operation, under the fault and without it.
struct At<'a> {
    operation: usize,
    ended: &'a Ended,
    before: &'a Ended,
}

impl At<'_> {
    fn other_outcome(&self) -> Option<Violation> {
        let Self { operation, ended, before } = *self;
        (ended.came != before.came).then(|| Violation::OtherOutcome {
            operation,
            name: ended.name,
            expected: word(&before.came),
            found: word(&ended.came),
        })
    }

    fn unproven(&self, fault: &Fault, run: &Run, hit: &Exchange) -> Option<Violation> {
        let Self { operation, ended, .. } = *self;
        // Only who is told a recipient can see that the answer is for another one.
        if fault.kind == Kind::OtherNumber && !ended.notes.recipient {
            return None;
        }
        let struck = run.struck.as_ref();
        let unproven = Some(Violation::Unproven { operation, name: ended.name, outcome: word(&ended.came) });
        match &ended.came {
            Ok(outcome) if is_yes(ended.name, outcome) => unproven,
            // Who was told nothing cannot know that a code is wrong; and an outage must not cost an attempt.
            Ok(_) if checks_code(ended.name) && (says_nothing(fault.kind) || struck.is_some_and(|it| it.silent)) => {
                unproven
            }
            Ok(outcome)
                if ended.name == OperationName::TestCredentials
                    && struck.is_some_and(Struck::hid_success)
                    && self.before.came.as_ref().is_ok_and(|before| none_in_doubt(before, outcome)) =>
            {
                unproven
            }
            Err(failed)
                if ended.name == OperationName::Start
                    && hit.effect == Effect::Act
                    && struck.is_some_and(|struck| struck.unproven)
                    && failed.failure.delivered == Delivered::No =>
            {
                Some(Violation::CalledUndelivered { operation, name: ended.name })
            }
            _ => None,
        }
    }

    fn approved_out_of_nothing(&self) -> Option<Violation> {
        let Self { operation, ended, before } = *self;
        let approves = |ended: &Ended| ended.came.as_ref().is_ok_and(|outcome| is_approval(ended.name, outcome));
        (approves(ended) && !approves(before)).then(|| Violation::Unproven {
            operation,
            name: ended.name,
            outcome: word(&ended.came),
        })
    }

    /// Requests that act: in all no more than without the fault, and none again that may have left. What the recording
    /// knows to have reached a person acted, whatever effect the plugin states.
    fn sent_again(&self, calm: &Run, run: &Run) -> Option<Violation> {
        let Self { operation, ended, .. } = *self;
        let acts = |run: &Run| -> Vec<Exchange> {
            let acts = run.exchanges.iter().filter(|exchange| exchange.operation == operation);
            acts.filter(|exchange| acted(exchange) && !exchange.stayed).cloned().collect()
        };
        let (now, before) = (acts(run), acts(calm));
        let count = |acts: &[Exchange], act: &Exchange| acts.iter().filter(|other| other.key == act.key).count();
        let again = |title: &str, times, allowed| Violation::SentAgain {
            operation,
            name: ended.name,
            title: title.to_owned(),
            times,
            allowed,
        };
        if let Some(act) = now.iter().find(|act| count(&now, act) > count(&before, act).max(1)) {
            return Some(again(&act.title, count(&now, act), count(&before, act).max(1)));
        }
        // What never left without the fault would have left once.
        let mut distinct: Vec<&Key> = Vec::new();
        for exchange in calm.exchanges.iter().filter(|it| it.operation == operation && acted(it)) {
            if !distinct.contains(&&exchange.key) {
                distinct.push(&exchange.key);
            }
        }
        let allowed = before.len().max(distinct.len());
        let last = now.last().filter(|_| now.len() > allowed)?;
        Some(again(&last.title, now.len(), allowed))
    }

    fn late(&self) -> Option<Violation> {
        let Self { operation, ended, .. } = *self;
        let allowed: Duration = RunLimits::default().operation;
        (ended.took > allowed).then_some(Violation::Late {
            operation,
            name: ended.name,
            seconds: ended.took.as_secs(),
            allowed: allowed.as_secs(),
        })
    }

    fn broke_contract(&self, run: &Run) -> Option<Violation> {
        let Self { operation, ended, before } = *self;
        let broken = |kind| Some(Violation::BrokeContract { operation, name: ended.name, kind });
        if let Some(kind) = ended.notes.broke {
            return broken(Some(kind));
        }
        // The engine says so as well of a request that is not recorded, and that is no breach.
        let strayed = run.exchanges.iter().any(|exchange| exchange.operation == operation && exchange.unknown);
        let is_fault = |came: &Result<Value, Failed>| {
            came.as_ref().is_err_and(|failed| failed.failure.kind == FailureKind::PluginFault)
        };
        if is_fault(&ended.came) && !is_fault(&before.came) && !strayed { broken(None) } else { None }
    }
}

fn acted(exchange: &Exchange) -> bool {
    exchange.effect == Effect::Act || exchange.delivered
}

/// Whether an outcome says that something was done, or is as it should be.
fn is_yes(name: OperationName, outcome: &Value) -> bool {
    match name {
        OperationName::Check | OperationName::Status => is_approval(name, outcome),
        OperationName::ConfirmEnrollment => outcome.get("confirmed").is_some(),
        OperationName::TestCredentials => {
            let findings = findings(outcome);
            !findings.is_empty() && findings.iter().all(works)
        }
        _ => true,
    }
}

fn findings(outcome: &Value) -> &[Value] {
    outcome.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn works(finding: &Value) -> bool {
    matches!(finding["state"].as_str(), Some("good" | "notice"))
}

/// Whether something works, by these findings, and the ones that came now doubt nothing of it: each that works does so
/// still, and each other one says the same.
fn none_in_doubt(before: &Value, now: &Value) -> bool {
    let same = |finding: &Value| {
        let mut others = findings(now).iter().filter(|other| other["subject"] == finding["subject"]);
        others.any(|other| works(other) || ["state", "message"].iter().all(|member| other[member] == finding[member]))
    };
    findings(before).iter().any(works) && findings(before).iter().all(same)
}

const fn checks_code(name: OperationName) -> bool {
    matches!(name, OperationName::Check | OperationName::ConfirmEnrollment)
}

/// Answers that are nobody's word about a code, whatever their status.
const fn says_nothing(kind: Kind) -> bool {
    matches!(kind, Kind::HtmlPage | Kind::Empty | Kind::MalformedJson | Kind::DeepJson)
}

fn is_approval(name: OperationName, outcome: &Value) -> bool {
    match name {
        OperationName::Check | OperationName::Status => {
            outcome.get("approved").is_some() || outcome.as_str() == Some("approved")
        }
        OperationName::ConfirmEnrollment => outcome.get("confirmed").is_some(),
        _ => false,
    }
}

/// How an operation ended, in a word that reveals nothing.
fn word(came: &Result<Value, Failed>) -> String {
    match came {
        Ok(Value::String(word)) => format!("`{word}`"),
        Ok(Value::Object(members)) if members.len() == 1 => {
            format!("`{}`", members.keys().next().map(String::as_str).unwrap_or_default())
        }
        Ok(_) => "with an outcome".to_owned(),
        Err(failed) => {
            let failure = &failed.failure;
            let code = failure.provider_code.as_ref().map_or_else(String::new, |code| format!(", code {code}"));
            format!(
                "in failure `{}` (delivered {:?}, retry {:?}{code})",
                failure.kind.name(),
                failure.delivered,
                failure.retry
            )
        }
    }
}
