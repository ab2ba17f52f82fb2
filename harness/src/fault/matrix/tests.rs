//! The judge's rules on runs that no plugin could be made to show: the clock is not a plugin's to turn.

use std::time::Duration;

use countersign::operation::{Failed, RunLimits};
use countersign_plugin::{Effect, Failure, FailureKind, OperationName};
use serde_json::{Value, json};

use super::cell::Exchange;
use super::*;
use crate::fault::fault;

fn ended(name: OperationName, came: Result<Value, Failed>) -> Ended {
    Ended { name, came, took: Duration::ZERO, notes: Notes::default() }
}

fn run(operations: Vec<Ended>) -> Run {
    Run { operations, exchanges: Vec::new(), struck: None }
}

fn hit(operation: usize) -> Exchange {
    let key = ("POST", "https://a.example/".to_owned(), None);
    let title = "POST /".to_owned();
    Exchange { operation, title, effect: Effect::Act, key, stayed: false, unknown: false }
}

fn failed(kind: FailureKind) -> Result<Value, Failed> {
    Err(Failed { failure: Failure::new(kind, "x"), nothing_left: false })
}

#[track_caller]
fn judged(harm: Harm, calm: Run, run: Run) -> Vec<String> {
    let violations = judge::violations(fault("time-out").expect("a fault"), harm, &calm, &run, &hit(0));
    violations.iter().map(ToString::to_string).collect()
}

#[test]
fn an_operation_ends_in_its_time() {
    let calm = || run(vec![ended(OperationName::Check, failed(FailureKind::Unavailable))]);
    let allowed = RunLimits::default().operation;
    for (took, late) in [(allowed, 0), (allowed + Duration::from_millis(1), 1)] {
        let mut slow = calm();
        slow.operations[0].took = took;
        let found = judged(Harm::Harmless, calm(), slow);
        assert_eq!(found.len(), late, "{found:?}");
        assert!(found.iter().all(|text| text == "operation 0 `check` took 30 s, of 30 s that it has"), "{found:?}");
    }
}

#[test]
fn a_yes_of_any_operation_needs_a_proof() {
    let yes = [
        (OperationName::Check, json!({"approved": {}})),
        (OperationName::Status, json!("approved")),
        (OperationName::ConfirmEnrollment, json!({"confirmed": {}})),
        (OperationName::Start, json!({})),
        (OperationName::Cancel, json!("canceled")),
        (OperationName::TestCredentials, json!({"findings": [{"state": "good"}, {"state": "notice"}]})),
    ];
    for (name, outcome) in yes {
        let both = || run(vec![ended(name, Ok(outcome.clone()))]);
        let found = judged(Harm::Harmful, both(), both());
        assert_eq!(found.len(), 1, "{name} {found:?}");
        assert!(found[0].ends_with("although nothing proves it"), "{found:?}");
        assert!(judged(Harm::Harmless, both(), both()).is_empty());
    }
    let no = [
        (OperationName::Check, json!("wrong_code")),
        (OperationName::Status, json!("pending")),
        (OperationName::ConfirmEnrollment, json!("wrong_code")),
        (OperationName::TestCredentials, json!({"findings": [{"state": "good"}, {"state": "bad"}]})),
        (OperationName::TestCredentials, json!({"findings": [{"state": "unknown"}]})),
        (OperationName::TestCredentials, json!({"findings": []})),
    ];
    for (name, outcome) in no {
        let both = || run(vec![ended(name, Ok(outcome.clone()))]);
        assert_eq!(judged(Harm::Harmful, both(), both()), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn later_operations_approve_nothing_that_was_not_approved_before() {
    let start = || ended(OperationName::Start, failed(FailureKind::Unavailable));
    let check = |outcome: Value| ended(OperationName::Check, Ok(outcome));
    let (approved, wrong) = (json!({"approved": {}}), json!("wrong_code"));
    let with = |second: &Value| run(vec![start(), check(second.clone())]);
    assert_eq!(judged(Harm::Harmful, with(&wrong), with(&approved)).len(), 1);
    assert!(judged(Harm::Harmful, with(&approved), with(&approved)).is_empty());
    assert!(judged(Harm::Harmful, with(&approved), with(&wrong)).is_empty());
}

#[test]
fn what_the_engine_forbids_is_a_breach_unless_it_only_is_not_recorded() {
    let calm = || run(vec![ended(OperationName::Check, failed(FailureKind::Unavailable))]);
    let broken = || run(vec![ended(OperationName::Check, failed(FailureKind::PluginFault))]);
    assert_eq!(
        judged(Harm::Harmful, calm(), broken()),
        ["operation 0 `check`: the plugin asked for what the contract forbids"]
    );
    let mut strayed = broken();
    strayed.exchanges.push(Exchange { unknown: true, effect: Effect::Read, ..hit(0) });
    assert!(judged(Harm::Harmful, calm(), strayed).is_empty());
    assert!(judged(Harm::Harmful, broken(), broken()).is_empty());
}

#[test]
fn nothing_that_acts_is_sent_more_often_than_without_the_fault() {
    let with = |acts: &[(&str, bool)]| {
        let mut run = run(vec![ended(OperationName::Start, failed(FailureKind::Unavailable))]);
        run.exchanges = acts
            .iter()
            .map(|(address, stayed)| Exchange { key: ("POST", (*address).to_owned(), None), stayed: *stayed, ..hit(0) })
            .collect();
        run
    };
    let again = |before: &[(&str, bool)], now: &[(&str, bool)]| {
        let found = judged(Harm::Harmful, with(before), with(now));
        assert!(found.iter().all(|text| text.contains("nobody may repeat what acts")), "{found:?}");
        !found.is_empty()
    };
    let (left, stayed) = (("a", false), ("a", true));
    assert!(!again(&[left], &[left]));
    assert!(again(&[left], &[left, left]));
    assert!(!again(&[left], &[stayed, left]), "what never left may be repeated");
    assert!(!again(&[stayed, stayed], &[left]), "what never left without the fault may leave once");
    assert!(again(&[left], &[left, ("b", false)]), "another one is one more, too");
    assert!(!again(&[left, ("b", false)], &[left]));
    assert!(again(&[left, ("b", false)], &[left, left]));
}
