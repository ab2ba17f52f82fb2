//! The judge's rules on runs that no plugin could be made to show: the clock is not a plugin's to turn.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use countersign::operation::{Failed, RunLimits};
use countersign::secrets::Secrets;
use countersign::transport::{Outgoing, Transport as _};
use countersign_plugin::http::Request;
use countersign_plugin::{
    Effect, Endpoint, Failure, FailureKind, OperationName, Reply, Timestamp, TransportFailureKind,
};
use serde_json::{Value, json};

use super::cell::Exchange;
use super::*;
use crate::cassette::parse;
use crate::fault::fault;

fn ended(name: OperationName, came: Result<Value, Failed>) -> Ended {
    Ended { name, came, took: Duration::ZERO, notes: Notes::default() }
}

fn run(operations: Vec<Ended>) -> Run {
    Run { operations, exchanges: Vec::new(), struck: None, reached: true }
}

fn hit(operation: usize) -> Exchange {
    let key = ("POST", "https://a.example/".to_owned(), None);
    let title = "POST /".to_owned();
    Exchange { operation, title, effect: Effect::Act, key, stayed: false, unknown: false, delivered: false }
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
        (OperationName::Status, json!("pending")),
        (OperationName::TestCredentials, json!({"findings": [{"state": "good"}, {"state": "bad"}]})),
        (OperationName::TestCredentials, json!({"findings": [{"state": "unknown"}]})),
        (OperationName::TestCredentials, json!({"findings": []})),
    ];
    for (name, outcome) in no {
        let both = || run(vec![ended(name, Ok(outcome.clone()))]);
        assert_eq!(judged(Harm::Harmful, both(), both()), Vec::<String>::new(), "{name}");
    }
}

fn met(silent: bool, answer: Option<u16>) -> Struck {
    let withheld = answer.map(|status| Reply::new(status, *b"{}"));
    let key = ("POST", "https://a.example/".to_owned(), None);
    Struck { exchange: 0, unproven: true, silent, repeated: false, key, delivered: false, withheld }
}

#[test]
fn that_a_code_is_wrong_needs_somebody_who_said_so() {
    for name in [OperationName::Check, OperationName::ConfirmEnrollment] {
        let judged = |id: &str, silent| {
            let ended = || run(vec![ended(name, Ok(json!("wrong_code")))]);
            let run = Run { struck: Some(met(silent, Some(200))), ..ended() };
            judge::violations(fault(id).expect("a fault"), Harm::Harmful, &ended(), &run, &hit(0)).len()
        };
        for nothing in ["html-page", "empty-200", "malformed-json", "deep-json"] {
            assert_eq!(judged(nothing, false), 1, "{nothing}");
        }
        for (id, silent, found) in [("http-503", true, 1), ("time-out", true, 1), ("http-404", false, 0)] {
            assert_eq!(judged(id, silent), found, "{id}");
        }
        for other in ["other-number", "other-sid", "approved-not-valid"] {
            assert_eq!(judged(other, false), 0, "{other}");
        }
    }
}

#[test]
fn what_worked_before_is_in_doubt_somewhere_once_a_success_is_missing() {
    let findings = |states: [&str; 2]| {
        let [key, sender] = states;
        Ok(json!({"findings": [{"subject": "key", "state": key}, {"subject": "sender", "state": sender}]}))
    };
    let judged = |before, now, answer| {
        let calm = run(vec![ended(OperationName::TestCredentials, findings(before))]);
        let now = run(vec![ended(OperationName::TestCredentials, findings(now))]);
        judged(Harm::Harmful, calm, Run { struck: Some(met(true, answer)), ..now }).len()
    };
    assert_eq!(judged(["good", "bad"], ["good", "bad"], Some(200)), 1);
    assert_eq!(judged(["good", "notice"], ["notice", "good"], Some(200)), 1);
    assert_eq!(judged(["good", "good"], ["good", "unknown"], Some(200)), 0);
    assert_eq!(judged(["good", "bad"], ["unknown", "bad"], Some(200)), 0);
    assert_eq!(judged(["good", "bad"], ["good", "unknown"], Some(200)), 0, "the one that was in question is in doubt");
    assert_eq!(judged(["bad", "bad"], ["bad", "bad"], Some(200)), 0);
    assert_eq!(judged(["good", "bad"], ["good", "unknown"], Some(404)), 0, "nothing good was to be heard there");
}

/// A cassette whose one entry answers as often as it is asked.
fn always() -> Cassette {
    let entry = json!({"request": {"method": "GET", "url": "https://a.example/"}, "response": {"status": 200},
        "_countersign": {"repeat": "any"}});
    let har = json!({"log": {"entries": [entry]}}).to_string();
    parse(Path::new("test.har"), har.as_bytes()).expect("is a cassette")
}

#[test]
fn waiting_uses_up_the_time_of_an_operation_though_nobody_waits() {
    let case = Case {
        plugin: String::new(),
        channel: String::new(),
        mode: None,
        settings: BTreeMap::new(),
        clock: Timestamp::from_millis(0),
        seed: 1,
        operations: Vec::new(),
    };
    let chosen = Chosen::new(fault("time-out").expect("a fault"));
    let cell = Cell::new(&always(), Course::clock(&case), Some(Strike { at: 0, chosen, seed: 1, again: true }));
    let request = Request::get(Endpoint::new("https://a.example"));
    let url = url::Url::parse(&request.url).expect("an address");
    let secrets = Secrets::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let send = || {
        let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left: Duration::from_secs(12) };
        runtime.block_on(cell.send(outgoing)).map_err(|failure| failure.kind)
    };
    for waited in [12, 24, 30] {
        assert_eq!(send().err(), Some(TransportFailureKind::NoAnswer));
        assert_eq!(cell.waited(), Duration::from_secs(waited));
    }
    assert_eq!(send().err(), Some(TransportFailureKind::Deadline));
    cell.operation(1);
    assert!(send().is_ok(), "the next operation has its own time");
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
