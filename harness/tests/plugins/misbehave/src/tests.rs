//! Each fault is really committed, and nothing else is wrong.

use countersign_plugin::abi::{Bytes, Instances};
use countersign_plugin::step::{Action, Answer, Call, Step};
use countersign_plugin::testing::{self, Bench, Host, Ran};
use countersign_plugin::{
    Checked, Data, Delivered, Effect, FailureKind, Level, Operation, Reply, Scope, Started, Timestamp,
    TransportFailureKind,
};
use serde_json::json;

use crate::Misbehave;

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<Misbehave>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

#[test]
fn without_a_fault_it_sends_and_checks() {
    let ran = start("none");
    assert_eq!(ran.outcome.expect("it was sent").delivery, Some(delivery()));
    assert_eq!(ran.requests[0].url, "https://misbehave.example/v1/messages");
    let ran = check("none", "123456", true);
    assert_eq!(ran.outcome, Ok(Checked::approved()));
    assert_eq!(ran.requests[0].url, "https://misbehave.example/v1/messages/7/checks");
    assert_eq!(check("none", "123456", false).outcome, Ok(Checked::WrongCode));
    assert!(ran.logs.is_empty());
}

#[test]
fn the_fault_shows_only_in_its_operation() {
    assert_eq!(start("panic").outcome.expect_err("it panics").kind, FailureKind::PluginFault);
    let host = host("panic", "check").reply(201, json!({"id": "7"}));
    assert!(host.start(testing::start("sms")).outcome.is_ok());
    let failure = check("panic", "123456", true).outcome.expect_err("it panics");
    assert!(failure.operator.contains("because its settings say so"), "{failure}");
}

#[test]
#[should_panic(expected = "panics in open")]
fn it_panics_in_open() {
    let _ = host("panic_in_open", "start");
}

#[test]
fn it_awaits_something_foreign() {
    let failure = start("foreign_await").outcome.expect_err("nobody wakes it");
    assert!(failure.operator.contains("not a step of the host"), "{failure}");
}

#[test]
fn it_asks_for_a_step_that_is_too_large() {
    let failure = start("huge_step").outcome.expect_err("over 1 MiB");
    assert!(failure.operator.contains("1048576 are allowed"), "{failure}");
}

#[test]
fn it_hands_over_and_keeps_data_that_is_too_large() {
    let failure = start("huge_data").outcome.expect_err("over 16 KiB");
    assert!(failure.operator.contains("the outcome of `start` has delivery data of 16398 bytes"), "{failure}");
    let ran = check("huge_data", "123456", true);
    assert_eq!(ran.outcome.expect_err("the SDK refuses it").kind, FailureKind::PluginFault);
    assert!(ran.kept.iter().all(|(scope, _)| *scope != Scope::Delivery));
}

#[test]
fn its_outcomes_are_not_what_the_manifest_says() {
    assert_eq!(start("wrong_outcome").outcome.expect("sent").delivery.expect("data").version, 99);
    let ran = check("wrong_outcome", "000000", false);
    assert_eq!(ran.outcome, Ok(Checked::approved_by_step(1)));
    assert!(ran.requests.is_empty(), "nobody was asked");
}

#[track_caller]
fn asks_for(fault: &str, url: &str) {
    assert_eq!(start(fault).requests[0].url, url);
}

#[test]
fn its_requests_leave_the_egress() {
    asks_for("other_host", "https://elsewhere.example/v1/messages");
    asks_for("encoded_slash", "https://misbehave.example/v1/messages%2f%2e%2e%2f%2e%2e%2fadmin");
    asks_for(
        "secret_in_url",
        "https://user:canary-password@misbehave.example/v1/messages?token=%7B%22secret%22%3A%22token%22%7D",
    );
}

#[test]
fn it_lies_about_the_effect() {
    let ran = start("act_as_read");
    assert_eq!((ran.requests[0].method.as_str(), ran.requests[0].effect), ("POST", Effect::Read));
    let ran = host("act_as_read", "test_credentials").reply(200, json!({})).test_credentials();
    assert_eq!((ran.requests[0].method.as_str(), ran.requests[0].effect), ("POST", Effect::Read));
    let ran = host("act_in_test", "test_credentials").reply(200, json!({})).test_credentials();
    assert_eq!((ran.requests[0].method.as_str(), ran.requests[0].effect), ("POST", Effect::Act));
}

#[test]
fn it_logs_code_and_number() {
    let ran = check("log_code", "123456", true);
    assert_eq!((ran.logs[0].level, ran.logs[0].text.as_str()), (Level::Info, "number +15005550006, code 123456"));
    assert!(ran.outcome.is_ok());
}

#[test]
fn it_takes_replies_for_what_they_are_not() {
    let answered = |fault: &str, reply: Reply| {
        let input = testing::check("sms", "123456").delivery(delivery());
        host(fault, "check").raw_reply(reply).check(input).outcome
    };
    let mangled = || Reply::new(200, r#"{"approved": false, "echo": "123456""#);
    assert_eq!(answered("approve_any_success", mangled()), Ok(Checked::approved()));
    assert_eq!(answered("none", mangled()).expect_err("is no JSON").kind, FailureKind::MalformedReply);
    assert!(answered("quote_reply", mangled()).expect_err("quotes it").operator.contains("123456"));
    let panicked = answered("panic_on_bad_reply", mangled()).expect_err("panics");
    assert_eq!(panicked.kind, FailureKind::PluginFault);
    assert_eq!(answered("call_undelivered", mangled()).expect_err("is no JSON").delivered, Delivered::No);
    let plain = || Reply::new(200, r#"{"approved": true}"#);
    assert_eq!(answered("none", plain()), Ok(Checked::approved()));
    assert!(answered("heed_content_type", plain()).is_err());
}

#[test]
fn it_takes_silence_for_what_it_is_not() {
    let unanswered = |fault: &str| {
        let lost = TransportFailureKind::NoAnswer;
        host(fault, "start").no_reply(lost).no_reply(lost).start(testing::start("sms"))
    };
    assert!(unanswered("ignore_failures").outcome.is_ok());
    assert_eq!(unanswered("resend").requests.len(), 2);
    let ran = unanswered("none");
    assert_eq!((ran.requests.len(), ran.outcome.expect_err("no answer").delivered), (1, Delivered::Maybe));
}

#[test]
fn it_never_stops_asking_for_steps() {
    let plugin = Instances::<Misbehave>::new(b"{}");
    let done = |bytes: Bytes| bytes.into_result().expect("no fault").into_vec();
    done(plugin.open(br#"{"fault":"endless_steps","token":{"secret":"token"}}"#));
    let call = Call::new(Timestamp::from_millis(0), Operation::Start(testing::start("sms")));
    let mut answer = done(plugin.begin(1, &serde_json::to_vec(&call).expect("JSON")));
    for id in 1..=100_u64 {
        let asked: Answer = serde_json::from_slice(&answer).expect("an answer");
        assert!(matches!(asked.steps[..], [Step { action: Action::Random { bytes: 1 }, .. }]), "{asked:?}");
        let reply = json!({"id": id, "now": 0, "got": {"random": {"text": "x"}}});
        answer = done(plugin.resume(2, reply.to_string().as_bytes()));
    }
}

#[test]
fn if_no_operation_is_named_the_fault_shows_in_all() {
    let bench = Bench::<Misbehave>::open(json!({"fault": "panic", "token": {"secret": "token"}}));
    let input = testing::check("sms", "123456").delivery(delivery());
    for failure in [
        bench.host().start(testing::start("sms")).outcome.expect_err("start"),
        bench.host().check(input).outcome.expect_err("check"),
        bench.host().test_credentials().outcome.expect_err("test_credentials"),
    ] {
        assert_eq!(failure.kind, FailureKind::PluginFault);
    }
}

fn start(fault: &str) -> Ran<Started> {
    host(fault, "start").reply(201, json!({"id": "7"})).start(testing::start("sms"))
}

fn check(fault: &str, code: &str, approved: bool) -> Ran<Checked> {
    let input = testing::check("sms", code).delivery(delivery());
    host(fault, "check").reply(200, json!({ "approved": approved })).check(input)
}

fn delivery() -> Data {
    Data::from_json(1, json!({"id": "7"}))
}

fn host(fault: &str, when: &str) -> Host<Misbehave> {
    Bench::open(json!({"fault": fault, "when": when, "token": {"secret": "token"}})).host()
}
