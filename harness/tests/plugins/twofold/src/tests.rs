//! Both halves, and what becomes of one without the other.

use countersign_plugin::abi::{Bytes, Instances};
use countersign_plugin::http::Body;
use countersign_plugin::step::{Action, Answer, Call, Event, StepReply};
use countersign_plugin::testing::{self, Bench, Host};
use countersign_plugin::{
    Checked, Data, Delivered, FailureKind, Operation, Reply, Request, Timestamp, TransportFailureKind,
};
use serde_json::{Value, json};

use crate::Twofold;

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<Twofold>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

#[test]
fn start_orders_both_halves_and_remembers_both_ids() {
    let ran = host().reply(201, json!({"id": "L1"})).reply(201, json!({"id": "R1"})).start(testing::start("pair"));
    let delivery = ran.outcome.expect("both were taken").delivery.expect("data");
    assert_eq!(delivery.value, json!({"left": "L1", "right": "R1"}));
    let urls: Vec<_> = ran.requests.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, ["https://twofold.example/halves"; 2]);
}

#[test]
fn both_requests_are_in_the_first_answer_and_may_be_answered_in_any_order() {
    let plugin = Instances::<Twofold>::new(b"{}");
    let answer = |bytes: Bytes| -> Answer {
        serde_json::from_slice(&bytes.into_result().expect("no fault")).expect("an answer")
    };
    assert!(plugin.open(b"{}").is_ok());
    let call = Call::new(Timestamp::from_millis(0), Operation::Start(testing::start("pair")));
    let begun = answer(plugin.begin(1, &serde_json::to_vec(&call).expect("JSON")));
    let halves: Vec<_> = begun
        .steps
        .iter()
        .map(|step| match &step.action {
            Action::Http(Request { body: Some(Body::Json(body)), .. }) => body["half"].clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(halves, ["left", "right"]);
    let reply = |id: u64, half: &str| {
        let got = Event::Http(Reply::from_json(201, &json!({ "id": half })));
        let reply = StepReply::new(begun.steps[usize::try_from(id - 1).expect("small")].id, call.now, got);
        answer(plugin.resume(begun.handle, &serde_json::to_vec(&reply).expect("JSON")))
    };
    assert!(reply(2, "R1").steps.is_empty(), "the other half is still out");
    let done = serde_json::to_value(&reply(1, "L1").steps[0].action).expect("JSON");
    assert_eq!(done["done"]["outcome"]["delivery"]["value"], json!({"left": "L1", "right": "R1"}));
}

#[test]
fn one_half_that_may_be_out_counts_as_delivered() {
    let refused = host().reply(201, json!({"id": "L1"})).reply(503, json!({}));
    let not_sent = host().reply(201, json!({"id": "L1"})).no_reply(TransportFailureKind::NotSent);
    for host in [refused, not_sent] {
        let failure = host.start(testing::start("pair")).outcome.expect_err("half of it failed");
        assert_eq!((failure.kind, failure.delivered), (FailureKind::Unavailable, Delivered::Maybe));
    }
}

#[test]
fn without_a_number_nothing_is_asked_for() {
    let ran = host().start(testing::start("pair").recipient(None));
    assert_eq!(ran.outcome.expect_err("no number").kind, FailureKind::InvalidRecipient);
    assert!(ran.requests.is_empty());
}

#[track_caller]
fn check(left: (u16, Value), right: (u16, Value), expected: Result<Checked, FailureKind>) {
    let input = testing::check("pair", "123456").delivery(delivery());
    let ran = host().reply(left.0, left.1).reply(right.0, right.1).check(input);
    assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected);
    assert_eq!(ran.unused_replies, 0, "both are asked whatever the first says");
}

#[test]
fn only_two_times_yes_is_a_yes() {
    let says = |id: &str, right: bool| (200, json!({"id": id, "right": right}));
    check(says("L1", true), says("R1", true), Ok(Checked::approved()));
    check(says("L1", false), says("R1", true), Ok(Checked::WrongCode));
    check(says("L1", true), says("R1", false), Ok(Checked::WrongCode));
    check(says("L1", false), says("R1", false), Ok(Checked::WrongCode));
    check(says("R1", true), says("L1", true), Err(FailureKind::MalformedReply));
    check(says("L1", true), (500, json!({"id": "R1", "right": true})), Err(FailureKind::Unavailable));
    check((200, json!({"right": true})), says("R1", true), Err(FailureKind::MalformedReply));
}

#[test]
fn text_that_is_not_six_digits_is_wrong_without_a_request() {
    for text in ["", "12345", "1234567", "12345x", "１２３４５６"] {
        let ran = host().check(testing::check("pair", text).delivery(delivery()));
        assert_eq!(ran.outcome, Ok(Checked::WrongCode), "{text:?}");
        assert!(ran.requests.is_empty());
    }
}

fn delivery() -> Data {
    Data::from_json(1, json!({"left": "L1", "right": "R1"}))
}

fn host() -> Host<Twofold> {
    Bench::open(json!({})).host()
}
