//! The loop against a scripted plugin and a scripted transport.

use std::collections::VecDeque;
use std::future::Future as _;
use std::sync::Mutex;

use countersign_plugin::http::{TransportFailure, TransportFailureKind};
use countersign_plugin::{
    CheckCode, Checked, Code, Delivered, Fault, Manifest, Purpose, Reply, TestCredentials, Timestamp,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::*;
use crate::clock::NoRandomness;
use crate::secrets::{Secret, Secrets};
use crate::transport::{Egress, Outgoing};

const CANARY: &str = "canary-token-7291";

struct Script {
    manifest: Manifest,
    answers: Mutex<VecDeque<Result<Value, Fault>>>,
    replies: Mutex<Vec<Value>>,
    ended: Mutex<Vec<u64>>,
}

impl Instance for Script {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn begin(&self, _: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer = self.answers.lock().unwrap().pop_front().expect("an answer");
        answer.map(|mut answer| {
            answer["handle"] = json!(7);
            answer.to_string().into_bytes()
        })
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        assert_eq!(handle, 7);
        self.replies.lock().unwrap().push(serde_json::from_slice(reply).unwrap());
        let answer = self.answers.lock().unwrap().pop_front().expect("an answer");
        answer.map(|answer| answer.to_string().into_bytes())
    }

    fn end(&self, handle: u64) {
        self.ended.lock().unwrap().push(handle);
    }
}

#[derive(Default)]
struct Wire {
    results: Mutex<VecDeque<Result<Reply, TransportFailureKind>>>,
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        self.sent.lock().unwrap().push(outgoing.url.to_string());
        let next = self.results.lock().unwrap().pop_front();
        match next {
            Some(result) => result.map_err(|kind| TransportFailure::new(kind, "")),
            // A provider that never answers.
            None => std::future::pending().await,
        }
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1)
    }
}

impl Random for Fixed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        buffer.fill(7);
        Ok(())
    }
}

struct Rig {
    service: Service,
    script: Arc<Script>,
    wire: Arc<Wire>,
    runner: Runner,
}

fn rig(answers: Vec<Result<Value, Fault>>, results: Vec<Result<Reply, TransportFailureKind>>) -> Rig {
    let channel = json!({"channel": "sms", "code_made_by": "provider", "code_checked_by": "provider", "destination": "phone", "operations": ["check"]});
    let manifest: Manifest = serde_json::from_value(json!({
        "manifest": 1, "id": "x", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "hosted-service", "labels": {},
        "channels": [channel], "operations": ["test_credentials"], "settings": {},
        "egress": [{"base": "https://api.example.com", "paths": ["/v1"]}],
    }))
    .unwrap();
    let script = Arc::new(Script {
        manifest: manifest.clone(),
        answers: Mutex::new(answers.into()),
        replies: Mutex::default(),
        ended: Mutex::default(),
    });
    let wire = Arc::new(Wire { results: Mutex::new(results.into()), ..Wire::default() });
    let service = Service {
        name: "sms".to_owned(),
        channel: "sms".to_owned(),
        mode: None,
        provider: "x".to_owned(),
        offer: manifest.channels[0].clone(),
        configured_digits: None,
        operations: manifest.operations.clone(),
        instance: script.clone(),
        secrets: Secrets::from_iter([("token".to_owned(), Secret::new(CANARY))]),
        egress: Egress::new(&manifest, None, None).unwrap(),
        account: Zeroizing::default(),
        fallback: vec![],
    };
    let runner = Runner::new(wire.clone(), Arc::new(Fixed), Arc::new(Fixed), RunLimits::default());
    Rig { service, script, wire, runner }
}

fn check() -> Operation {
    Operation::Check(CheckCode::new("sms", Purpose::Login, Code::new("483920")))
}

fn step(id: u64, action: Value) -> Result<Value, Fault> {
    Ok(json!({"steps": [{"id": id, "do": action}]}))
}

fn http(effect: &str, url: &str) -> Value {
    let method = if effect == "read" { "GET" } else { "POST" };
    json!({"http": {"method": method, "url": url, "effect": effect}})
}

fn approved() -> Result<Value, Fault> {
    step(9, json!({"done": {"outcome": {"approved": {}}}}))
}

fn ok() -> Result<Reply, TransportFailureKind> {
    Ok(Reply::from_json(200, &json!({})))
}

impl Rig {
    async fn check(&self) -> Result<Checked, Failed> {
        self.runner.run(&self.service, check(), &NothingKept).await
    }
}

const URL: &str = "https://api.example.com/v1/check";

#[tokio::test]
async fn an_operation_runs_to_its_outcome_and_is_ended() {
    let rig = rig(vec![step(1, http("act", URL)), approved()], vec![ok()]);
    assert_eq!(rig.check().await, Ok(Checked::approved()));
    assert_eq!(*rig.script.ended.lock().unwrap(), [7]);
    assert_eq!(rig.script.replies.lock().unwrap()[0]["now"], json!(1000));
}

#[tokio::test]
async fn an_operation_that_is_not_declared_never_reaches_the_plugin() {
    let rig = rig(vec![], vec![]);
    let operation = Operation::Provision(countersign_plugin::Provision::new(true));
    let failed = rig.runner.run::<Value>(&rig.service, operation, &NothingKept).await.unwrap_err();
    assert_eq!(failed.failure.kind, FailureKind::Unsupported);
}

#[track_caller]
fn is_fault(result: Result<Checked, Failed>, text: &str) {
    let failed = result.expect_err("a fault");
    assert_eq!(failed.failure.kind, FailureKind::PluginFault);
    assert!(failed.failure.operator.contains(text), "{failed}");
}

#[tokio::test]
async fn what_breaks_the_contract_is_named() {
    let long = "x".repeat(limits::STEP_BYTES);
    let data = "x".repeat(limits::DATA_BYTES);
    for (answer, text) in [
        (step(1, json!({"smtp": {}})), "`smtp`"),
        (Ok(json!({"steps": 1})), "cannot be understood"),
        (Ok(json!({"steps": []})), "waits although"),
        (step(1, json!({"random": {"bytes": 0}})), "0 random bytes"),
        (step(1, json!({"random": {"bytes": 1_000_000}})), "1000000 random bytes"),
        (step(1, json!({"keep": {"scope": "delivery", "data": {"version": 1, "value": data}}})), "to be kept"),
        (
            step(1, json!({"hmac": {"secret": {"secret": "other"}, "algorithm": "sha1", "message": {"text": ""}}})),
            "`other`",
        ),
        (step(1, json!({"done": {"outcome": "certainly"}})), "not of the type"),
        (step(1, json!({"done": {"outcome": {"approved": {}, "delivery": long}}})), "allowed"),
        (step(1, http("act", "https://evil.example/v1")), "https://evil.example"),
        (step(1, http("act", "https://api.example.com/v1/..%2fx")), "encoded slash"),
        (step(1, json!({"http": {"method": "POST", "url": URL, "effect": "read"}})), "effect `read`"),
        (
            step(1, json!({"http": {"method": "GET", "url": URL, "effect": "read", "headers": [["Host", "x"]]}})),
            "`Host`",
        ),
        (
            step(1, json!({"http": {"method": "GET", "url": URL, "effect": "read", "headers": [["X-A", "a\r\nb"]]}})),
            "control",
        ),
        (
            step(
                1,
                json!({"http": {"method": "GET", "url": URL, "effect": "read", "headers": [["X-A", {"secret": "other"}]]}}),
            ),
            "`other`",
        ),
        (
            step(1, json!({"http": {"method": "GET", "url": format!("{URL}/{CANARY}"), "effect": "read"}})),
            "holds a secret",
        ),
    ] {
        let rig = rig(vec![answer], vec![]);
        is_fault(rig.check().await, text);
        assert!(rig.wire.sent.lock().unwrap().is_empty(), "{text}: nothing may be sent");
    }
}

#[tokio::test]
async fn a_plugin_that_never_ends_is_stopped_after_its_steps() {
    let answers = (1..40).map(|id| step(id, json!({"random": {"bytes": 1}}))).collect();
    let rig = rig(answers, vec![]);
    is_fault(rig.check().await, "more than 32 steps");
    assert_eq!(*rig.script.ended.lock().unwrap(), [7]);
}

#[tokio::test]
async fn testing_credentials_may_only_read() {
    let rig = rig(vec![step(1, http("idempotent", URL))], vec![ok()]);
    let operation = Operation::TestCredentials(TestCredentials::default());
    let failed = rig.runner.run::<Value>(&rig.service, operation, &NothingKept).await.unwrap_err();
    assert!(failed.failure.operator.contains("only read"), "{failed}");
    assert!(rig.wire.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_what_can_do_no_harm_is_repeated_and_once() {
    use TransportFailureKind::{NoAnswer, NotSent, TooLarge};
    for (effect, first, sends) in [
        ("read", NoAnswer, 2),
        ("idempotent", NoAnswer, 2),
        ("act", NoAnswer, 1),
        ("act", NotSent, 2),
        ("read", TooLarge, 1),
        ("act", TooLarge, 1),
    ] {
        let rig = rig(vec![step(1, http(effect, URL)), approved()], vec![Err(first), Err(first), ok()]);
        assert!(rig.check().await.is_ok());
        assert_eq!(rig.wire.sent.lock().unwrap().len(), sends, "{effect} {first:?}");
    }
}

/// What the plugin is told of the first request.
async fn told(effect: &str, results: &[TransportFailureKind]) -> Value {
    let results = results.iter().map(|kind| Err(*kind)).collect();
    let rig = rig(vec![step(1, http(effect, URL)), approved()], results);
    assert!(rig.check().await.is_ok());
    let replies = rig.script.replies.lock().unwrap();
    replies[0]["got"]["transport"]["kind"].clone()
}

#[tokio::test]
async fn a_repetition_never_takes_back_that_the_first_may_have_left() {
    use TransportFailureKind::{Deadline, NoAnswer, NotSent, Refused, TooLarge};
    for (first, second, expected) in [
        (NoAnswer, NotSent, "no_answer"),
        (NoAnswer, Refused, "no_answer"),
        (NoAnswer, Deadline, "deadline"),
        (NoAnswer, NoAnswer, "no_answer"),
        (NoAnswer, TooLarge, "too_large"),
        (NotSent, NotSent, "not_sent"),
        (NotSent, NoAnswer, "no_answer"),
    ] {
        assert_eq!(told("idempotent", &[first, second]).await, expected, "{first:?}, then {second:?}");
    }
}

#[tokio::test]
async fn what_is_refused_in_the_middle_may_have_delivered_before() {
    for refused in [
        http("act", "https://evil.example/v1"),
        json!({"random": {"bytes": 0}}),
        json!({"hmac": {"secret": {"secret": "other"}, "algorithm": "sha1", "message": {"text": ""}}}),
    ] {
        let rig = rig(vec![step(1, http("act", URL)), step(2, refused)], vec![ok()]);
        let failed = rig.check().await.expect_err("a failure");
        assert_eq!((failed.failure.delivered, failed.nothing_left), (Delivered::Maybe, false), "{failed}");
    }
}

#[tokio::test]
async fn what_the_transport_refuses_in_the_middle_may_have_delivered_before() {
    let answers = vec![step(1, http("act", URL)), step(2, http("act", URL))];
    let rig = rig(answers, vec![ok(), Err(TransportFailureKind::Refused)]);
    let failed = rig.check().await.expect_err("a failure");
    assert_eq!((failed.failure.delivered, failed.nothing_left), (Delivered::Maybe, false), "{failed}");
}

#[tokio::test]
async fn without_randomness_in_the_middle_something_may_have_been_delivered_before() {
    struct Empty;
    impl Random for Empty {
        fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
            Err(NoRandomness)
        }
    }
    let mut rig = rig(vec![step(1, http("act", URL)), step(2, json!({"random": {"bytes": 1}}))], vec![ok()]);
    rig.runner.random = Arc::new(Empty);
    let failed = rig.check().await.expect_err("a failure");
    assert_eq!(failed.failure.kind, FailureKind::Unavailable);
    assert_eq!((failed.failure.delivered, failed.nothing_left), (Delivered::Maybe, false), "{failed}");
}

#[tokio::test]
async fn an_answer_that_is_done_leaves_what_still_waits_undone() {
    let both = json!({"steps": [{"id": 1, "do": {"random": {"bytes": 1}}}, {"id": 2, "do": http("act", URL)}]});
    let gave_up = json!({"done": {"failure": {"kind": "blocked", "delivered": "no", "operator": "o", "person": "p"}}});
    let rig = rig(vec![Ok(both), step(3, gave_up)], vec![ok()]);
    let failed = rig.check().await.expect_err("the plugin's own failure");
    assert_eq!(failed.failure.kind, FailureKind::Blocked, "{failed}");
    assert!(failed.nothing_left && rig.wire.sent.lock().unwrap().is_empty(), "the second branch was abandoned");
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_never_repeated() {
    let rig = rig(vec![step(1, http("read", URL)), approved()], vec![Ok(Reply::from_json(503, &json!({}))), ok()]);
    assert!(rig.check().await.is_ok());
    assert_eq!(rig.wire.sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_transport_proves_that_nothing_left() {
    let failure =
        json!({"done": {"failure": {"kind": "unavailable", "delivered": "no", "operator": "o", "person": "p"}}});
    for (effect, results, nothing_left) in [
        ("act", vec![Err(TransportFailureKind::NotSent), Err(TransportFailureKind::NotSent)], true),
        ("act", vec![Err(TransportFailureKind::NoAnswer)], false),
        ("read", vec![Err(TransportFailureKind::NoAnswer), Err(TransportFailureKind::NotSent)], false),
        ("act", vec![ok()], false),
        ("read", vec![ok()], false),
    ] {
        let rig = rig(vec![step(1, http(effect, URL)), step(2, failure.clone())], results);
        assert_eq!(rig.check().await.expect_err("a failure").nothing_left, nothing_left, "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_left_at_the_deadline() {
    let mut answers: Vec<_> = (1..=4).map(|id| step(id, http("act", URL))).collect();
    answers.push(approved());
    // A wire without results is deaf: it heeds no time at all.
    let rig = rig(answers, vec![]);
    assert!(rig.check().await.is_ok());
    let replies = rig.script.replies.lock().unwrap();
    let kinds: Vec<_> = replies.iter().map(|reply| reply["got"]["transport"]["kind"].clone()).collect();
    assert_eq!(kinds, ["no_answer", "no_answer", "no_answer", "deadline"], "three exchanges of 10 s fill the 30 s");
}

#[tokio::test]
async fn known_secrets_are_masked_in_what_a_plugin_writes() {
    let text = format!("token {CANARY}, code 483920");
    let failure =
        json!({"done": {"failure": {"kind": "blocked", "operator": text, "person": text, "provider_code": CANARY}}});
    let rig = rig(vec![step(1, failure)], vec![]);
    let failed = rig.check().await.unwrap_err();
    let all = format!("{failed:?}");
    assert!(!all.contains(CANARY) && !all.contains("483920"), "{all}");
}

#[tokio::test]
async fn what_a_plugin_writes_stays_in_its_line() {
    let text = "refused\n2026-01-01 all is well\u{1b}[2J\u{202e}";
    let failure = json!({"kind": "blocked", "operator": text, "person": text, "provider_code": text});
    let rig = rig(vec![step(1, json!({"done": {"failure": failure}}))], vec![]);
    let failed = rig.check().await.unwrap_err().failure;
    let one_line = "refused\\n2026-01-01 all is well\\u{1b}[2J\\u{202e}";
    assert_eq!([&failed.operator, &failed.person, failed.provider_code.as_ref().unwrap()], [one_line; 3]);
}

#[tokio::test]
async fn a_fault_in_the_plugin_ends_its_operation() {
    let fault = || Fault::new(countersign_plugin::FaultKind::Panicked, "the plugin panicked: no luck");
    let rig1 = rig(vec![Err(fault())], vec![]);
    is_fault(rig1.check().await, "no luck");
    assert!(rig1.script.ended.lock().unwrap().is_empty(), "there is no handle to end");
    let rig2 = rig(vec![step(1, http("act", URL)), Err(fault())], vec![ok()]);
    is_fault(rig2.check().await, "no luck");
    assert_eq!(*rig2.script.ended.lock().unwrap(), [7]);
}

/// What was logged, as text.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_plugin_logs_is_masked_and_stays_in_its_line_with_a_fault_too() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let line = |text: &str| json!([{"level": "warn", "text": text}]);
    let mut answer = http("act", URL);
    answer = json!({"steps": [{"id": 1, "do": answer}], "logs": line(&format!("first\nforged {CANARY}"))});
    let fault: Fault = serde_json::from_value(json!({
        "kind": "panicked", "message": "no luck", "logs": line("second, before it, for 483920"),
    }))
    .unwrap();
    let rig = rig(vec![Ok(answer), Err(fault)], vec![ok()]);
    is_fault(rig.check().await, "no luck");
    let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("first\\nforged …") && written.contains("second, before it, for …"), "{written}");
    assert_eq!(written.lines().count(), 3, "two of the plugin, one of the engine: {written}");
}

#[tokio::test]
async fn an_operation_whose_first_answer_cannot_be_read_is_ended_too() {
    let unknown = step(1, json!({"smtp": {}}));
    let large = step(1, json!({"done": {"outcome": {"approved": {}, "delivery": "x".repeat(limits::STEP_BYTES)}}}));
    for answer in [Ok(json!({"steps": 1})), unknown, large] {
        let rig = rig(vec![answer], vec![]);
        is_fault(rig.check().await, "");
        assert_eq!(*rig.script.ended.lock().unwrap(), [7]);
    }
}

#[tokio::test]
async fn dropping_the_future_ends_the_operation() {
    let rig = rig(vec![step(1, http("act", URL))], vec![]);
    {
        let mut running = std::pin::pin!(rig.check());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(running.as_mut().poll(cx).is_ready())).await;
        assert!(!polled, "it waits for the provider");
    }
    assert_eq!(*rig.script.ended.lock().unwrap(), [7]);
}
