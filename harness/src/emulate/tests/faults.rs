//! Faults before the emulator's next answers.

use serde_json::json;

use super::*;
use crate::wire::Disturbance;

const START: &[(&str, &str)] = &[("To", TO), ("Channel", "sms")];

fn waiting(rig: &Rig) -> Value {
    let mut look = request("GET", "/_countersign/faults", &[]);
    look.host = None;
    rig.send(&look).expect(200)
}

fn verifications() -> String {
    format!("/v2/Services/{SERVICE}/Verifications")
}

#[test]
fn the_next_so_many_requests_meet_a_fault_and_no_other() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "http-503", "times": 2})).expect(200);
    assert_eq!(rig.start(TO, "sms").status, 503);
    let left = json!([{"fault": "http-503", "times": 1, "path": null, "params": {}, "seed": 0}]);
    assert_eq!(waiting(&rig), left);
    assert_eq!(rig.start(TO, "sms").status, 503);
    assert!(rig.emulator.inbox().is_empty(), "who refuses sends nothing");
    assert_eq!(waiting(&rig), json!([]));
    rig.start(TO, "sms").expect(201);
}

#[test]
fn a_fault_waits_for_its_path_and_the_oldest_comes_first() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "http-429-seconds", "path": "/2010-04-01/"})).expect(200);
    rig.control("faults", &json!({"fault": "http-401"})).expect(200);
    rig.control("faults", &json!({"fault": "http-403"})).expect(200);
    assert_eq!(rig.start(TO, "sms").status, 401);
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}.json");
    let limited = rig.get(&account);
    assert_eq!((limited.status, limited.header("Retry-After")), (429, Some("7")));
    assert_eq!(rig.get(&account).status, 403);
    rig.get(&account).expect(200);
}

#[test]
fn what_happens_at_the_provider_happens_although_its_answer_is_lost() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "time-out"})).expect(200);
    let answer = rig.emulator.respond(&request("POST", &verifications(), START));
    assert!(matches!(answer, WireAnswer::Disturbed(_, Disturbance::Late(Duration::MAX))), "{answer:?}");
    assert_eq!(rig.emulator.inbox().len(), 1);
    rig.check(TO, &rig.code()).expect(200);
}

#[test]
fn parameters_and_seeds_are_those_of_the_request() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "delay", "params": {"seconds": 30}})).expect(200);
    let answer = rig.emulator.respond(&request("POST", &verifications(), START));
    assert!(matches!(answer, WireAnswer::Disturbed(_, Disturbance::Late(by)) if by.as_secs() == 30), "{answer:?}");
    let cut = |seed: u64| {
        let rig = Rig::new();
        rig.control("faults", &json!({"fault": "truncated-body", "seed": seed})).expect(200);
        match rig.emulator.respond(&request("POST", &verifications(), START)) {
            WireAnswer::Disturbed(_, Disturbance::Truncated(at)) => at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cut(1), cut(1));
    assert!((2..20).any(|seed| cut(seed) != cut(1)));
}

#[test]
fn a_fault_that_an_answer_cannot_have_waits_for_another_one() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "approved-not-valid"})).expect(200);
    rig.get("/v2/Services").expect(200);
    assert_eq!(waiting(&rig).as_array().map(Vec::len), Some(1));
    let started = rig.start(TO, "sms").expect(201);
    assert_eq!((&started["status"], &started["valid"]), (&json!("approved"), &json!(false)));
    assert_eq!(waiting(&rig), json!([]));
}

#[test]
fn controls_meet_no_fault_and_a_reset_forgets_all_of_them() {
    let rig = Rig::new();
    rig.control("faults", &json!({"fault": "http-500", "times": 9})).expect(200);
    rig.control("clock", &json!({"advance_seconds": 1})).expect(200);
    rig.control("reset", &json!({})).expect(200);
    assert_eq!(waiting(&rig), json!([]));
    rig.start(TO, "sms").expect(201);
}

#[test]
fn bad_faults_are_refused_by_field_and_nothing_waits() {
    let rig = Rig::new();
    for (body, field, told) in [
        (json!({}), json!("fault"), "must be the id of a fault"),
        (json!({"fault": 503}), json!("fault"), "must be the id of a fault"),
        (json!({"fault": "http-5o3"}), json!("fault"), "did you mean `http-503`?"),
        (json!({"fault": "tls-expired"}), json!("fault"), "comes before any request"),
        (json!({"fault": "delay", "times": 0}), json!("times"), "from 1 to 1000000"),
        (json!({"fault": "delay", "times": -1}), json!("times"), "from 1 to 1000000"),
        (json!({"fault": "delay", "times": "2"}), json!("times"), "from 1 to 1000000"),
        (json!({"fault": "delay", "path": "v2"}), json!("path"), "must be the beginning of a path"),
        (json!({"fault": "delay", "params": [1]}), json!("params"), "must be an object"),
        (json!({"fault": "delay", "params": {"seconds": 1.5}}), json!("params"), "must be an object"),
        (json!({"fault": "delay", "params": {"second": 1}}), json!("params"), "it has seconds"),
        (json!({"fault": "delay", "params": {"seconds": 3601}}), json!("params"), "it must be 0 to 3600"),
        (json!({"fault": "delay", "seed": "x"}), json!("seed"), "must be a whole number"),
        (json!({"fault": "delay", "tmies": 2}), Value::Null, "`tmies` is nothing that a fault has"),
    ] {
        let refused = rig.control("faults", &body).expect(400);
        assert_eq!(refused["field"], field, "{body}");
        let error = refused["error"].as_str().expect("a text");
        assert!(error.contains(told), "{body}: {error}");
    }
    assert_eq!(waiting(&rig), json!([]));
    let mut wrong = request("DELETE", "/_countersign/faults", &[]);
    wrong.host = None;
    rig.send(&wrong).expect(405);
}

#[test]
fn no_more_faults_wait_than_anybody_needs() {
    let rig = Rig::new();
    for _ in 0..1000 {
        rig.control("faults", &json!({"fault": "delay"})).expect(200);
    }
    let refused = rig.control("faults", &json!({"fault": "delay"})).expect(400);
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("1000 faults wait already")), "{refused}");
}
