//! A plugin file as its host sees it: bytes in, bytes out, whatever the provider does.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::thread;

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::context::Context;
use crate::failure::Failure;
use crate::operation::{CheckCode, Checked, Data, StartChallenge, Started};
use crate::step::{Level, LogLine};

/// Does in `start` what the channel's name says.
struct Puppet;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    open: String,
    #[serde(default)]
    #[allow(dead_code, reason = "only its type is of interest")]
    number: u32,
}

/// Counts drops of what the channel `guarded` holds across its await.
static DROPPED: AtomicUsize = AtomicUsize::new(0);
/// Where the channel `busy` waits while it is being polled.
static INSIDE: Barrier = Barrier::new(2);
static RELEASE: Barrier = Barrier::new(2);

struct CountsItsDrop;

impl Drop for CountsItsDrop {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

impl Provider for Puppet {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        match settings.open.as_str() {
            "panics" => panic!("open has no luck"),
            "refuses" => Err(Failure::new(crate::FailureKind::Misconfigured, "setting `open` must not be `refuses`")),
            _ => Ok(Self),
        }
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let mut got = Vec::new();
        match input.channel.as_str() {
            "at once" => {}
            "one step" => got = cx.random(4).await?,
            "panics at once" => panic!("no {}", "luck"),
            "panics later" => {
                cx.random(4).await?;
                panic!("no luck later");
            }
            "talks and panics" => {
                cx.log(Level::Info, "before it");
                panic!("no luck");
            }
            "talks and waits" => {
                cx.log(Level::Info, "first");
                cx.random(4).await?;
                cx.log(Level::Warn, "second");
                std::future::pending().await
            }
            "foreign at once" => std::future::pending().await,
            "foreign later" => {
                cx.random(4).await?;
                std::future::pending().await
            }
            "joined" => {
                let (first, second) = join(cx.random(1), cx.random(2)).await;
                got = [first?, second?].concat();
            }
            "unordered" => {
                let mut all: FuturesUnordered<_> = (1..=3).map(|n| cx.random(n)).collect();
                while let Some(bytes) = all.next().await {
                    got.extend(bytes?);
                }
            }
            "guarded" => {
                let _held = CountsItsDrop;
                cx.random(4).await?;
            }
            "panics in drop" => {
                let _held = PanicsInDrop;
                cx.random(4).await?;
            }
            "busy" => {
                cx.random(4).await?;
                INSIDE.wait();
                RELEASE.wait();
            }
            "talks too much" => (0..64).for_each(|n| cx.log(Level::Info, format!("{n}{}", "\"".repeat(5000)))),
            "talks beside a large step" => {
                (0..64).for_each(|n| cx.log(Level::Info, format!("line {n}\n{}", "x".repeat(4000))));
                let body = json!("x".repeat(limits::STEP_BYTES - 40_000));
                let _ = cx.http(crate::Request::post(crate::Endpoint::new("https://h.example")).json(body)).await;
            }
            "too large a step" => {
                cx.log(Level::Info, "before it");
                let body = json!("x".repeat(limits::STEP_BYTES));
                let _ = cx.http(crate::Request::post(crate::Endpoint::new("https://h.example")).json(body)).await;
            }
            "talks" => (0..100).for_each(|n| cx.log(Level::Info, format!("line {n}"))),
            "too large" => {
                cx.keep(crate::Scope::Delivery, Data::new(1, &"x".repeat(16 << 10))?).await?;
            }
            "time" => {
                let before = cx.now();
                cx.random(4).await?;
                got = vec![u8::try_from(cx.now().since(before).as_millis()).expect("small")];
            }
            other => panic!("no such channel: {other}"),
        }
        Ok(Started { delivery: Some(Data::new(1, &got)?), ..Started::default() })
    }

    async fn check(&self, _cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        if input.code.as_str() == "1" { Ok(Checked::Approved { accepted_step: None }) } else { Ok(Checked::WrongCode) }
    }

    fn query(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        match name {
            "echo/1" => Some(bytes.to_vec()),
            "panic/1" => panic!("query has no luck"),
            _ => None,
        }
    }
}

mod numbers {
    use super::*;

    #[test]
    fn are_never_zero_and_never_used_again() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let mut seen = BTreeSet::new();
        for _ in 0..50 {
            let instance = open(&plugin);
            let (handle, _) = begin(&plugin, instance, "one step");
            assert!(instance != 0 && handle != 0);
            assert!(seen.insert(instance) && seen.insert(handle), "{instance} or {handle} was there before");
            assert!(plugin.end(handle).is_ok() && plugin.close(instance).is_ok());
        }
        assert_eq!(seen.len(), 100);
    }

    #[test]
    fn of_closed_instances_and_ended_operations_are_stale() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let (handle, _) = begin(&plugin, instance, "one step");
        assert!(plugin.end(handle).is_ok());
        assert!(plugin.close(instance).is_ok());
        refused(plugin.begin(instance, &call("at once")), FaultKind::StaleInstance, "instance 1 is closed");
        refused(plugin.close(instance), FaultKind::StaleInstance, "instance 1 is closed");
        refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::StaleHandle, "operation 2 has ended");
        refused(plugin.end(handle), FaultKind::StaleHandle, "operation 2 has ended");
        refused(plugin.begin(handle, &call("at once")), FaultKind::StaleInstance, "never opened");
        for number in [0, 99, u64::MAX] {
            refused(plugin.begin(number, &call("at once")), FaultKind::StaleInstance, "never opened");
            refused(plugin.end(number), FaultKind::StaleHandle, "never begun");
        }
    }

    #[test]
    fn an_operation_under_way_outlives_the_closing_of_its_instance() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let (handle, _) = begin(&plugin, instance, "one step");
        assert!(plugin.close(instance).is_ok());
        assert_eq!(outcome(plugin.resume(handle, &random(1, b"abcd"))), json!(b"abcd"));
    }

    #[test]
    fn operations_of_eight_threads_do_not_mix() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let handles: Vec<Vec<u64>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u8)
                .map(|thread| {
                    let plugin = &plugin;
                    scope.spawn(move || {
                        // All are begun before any goes on, so that they really overlap.
                        let begun: Vec<u64> = (0..100).map(|_| begin(plugin, instance, "one step").0).collect();
                        for (n, handle) in (0..).zip(&begun) {
                            let bytes = [thread, n, n ^ 0x55, thread];
                            assert_eq!(outcome(plugin.resume(*handle, &random(1, &bytes))), json!(bytes));
                            assert!(plugin.end(*handle).is_ok());
                        }
                        begun
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panicked")).collect()
        });
        let all: BTreeSet<u64> = handles.into_iter().flatten().collect();
        assert_eq!(all.len(), 800, "every handle is another");
    }
}

mod faults {
    use super::*;

    #[test]
    fn a_panic_is_told_with_message_and_place_and_ends_the_operation() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let (handle, _) = begin(&plugin, instance, "panics later");
        let told = refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::Panicked, "no luck later");
        assert!(told.contains("tests.rs:"), "{told}");
        refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::StaleHandle, "the operation is over");
        assert!(plugin.end(handle).is_ok(), "it still has to be ended");
        let (handle, _) = begin(&plugin, instance, "one step");
        assert_eq!(outcome(plugin.resume(handle, &random(1, b"abcd"))), json!(b"abcd"), "the instance lives on");
    }

    #[test]
    fn what_was_logged_before_a_fault_goes_with_it() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let fault = fault(plugin.begin(instance, &call("talks and panics")));
        assert_eq!((fault.kind, fault.logs), (FaultKind::Panicked, vec![LogLine::new(Level::Info, "before it")]));
        let (handle, answer) = begin(&plugin, instance, "talks and waits");
        assert_eq!(answer["logs"], json!([{"level": "info", "text": "first"}]));
        let fault = super::fault(plugin.resume(handle, &random(1, &[0; 4])));
        assert_eq!((fault.kind, fault.logs), (FaultKind::ForeignAwait, vec![LogLine::new(Level::Warn, "second")]));
        let fault = super::fault(plugin.begin(instance, &call("too large a step")));
        assert_eq!((fault.kind, fault.logs), (FaultKind::TooLarge, vec![LogLine::new(Level::Info, "before it")]));
    }

    #[test]
    fn a_panic_in_any_entry_is_a_fault() {
        let plugin = Instances::<Puppet>::new(b"{}");
        refused(plugin.open(br#"{"open":"panics"}"#), FaultKind::Panicked, "open has no luck");
        let instance = open(&plugin);
        refused(plugin.begin(instance, &call("panics at once")), FaultKind::Panicked, "no luck (at ");
        refused(plugin.query(b"panic/1", b""), FaultKind::Panicked, "query has no luck");
    }

    #[test]
    fn a_panic_in_a_destructor_changes_nothing() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, _) = begin(&plugin, open(&plugin), "panics in drop");
        assert!(plugin.end(handle).is_ok());
        refused(plugin.end(handle), FaultKind::StaleHandle, "has ended");
    }

    #[test]
    fn a_foreign_await_is_named() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let told = "awaits something that is not a step of the host";
        refused(plugin.begin(instance, &call("foreign at once")), FaultKind::ForeignAwait, told);
        let (handle, _) = begin(&plugin, instance, "foreign later");
        refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::ForeignAwait, told);
        assert!(plugin.end(handle).is_ok());
    }

    #[test]
    fn an_operation_that_is_being_resumed_is_busy() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, _) = begin(&plugin, open(&plugin), "busy");
        thread::scope(|scope| {
            let first = scope.spawn(|| plugin.resume(handle, &random(1, &[0; 4])));
            INSIDE.wait();
            refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::BusyHandle, "by another thread");
            RELEASE.wait();
            assert!(first.join().expect("it did not panic").is_ok());
        });
    }

    #[test]
    fn settings_that_do_not_fit_are_named() {
        let plugin = Instances::<Puppet>::new(b"{}");
        refused(plugin.open(br#"{"open":"refuses"}"#), FaultKind::BadSettings, "setting `open` must not be `refuses`");
        refused(plugin.open(br#"{"opne":""}"#), FaultKind::BadSettings, "unknown field `opne`");
        refused(plugin.open(b"{"), FaultKind::BadSettings, "the settings cannot be read");
        let large = format!("{{\"open\":\"{}\"}}", "x".repeat(limits::SETTINGS_BYTES));
        refused(plugin.open(large.as_bytes()), FaultKind::TooLarge, "65536 are allowed");
    }

    #[test]
    fn calls_and_replies_that_cannot_be_read_change_nothing() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        refused(plugin.begin(instance, b""), FaultKind::BadCall, "the operation cannot be read");
        refused(
            plugin.begin(instance, br#"{"now":0,"operation":{"dance":{}}}"#),
            FaultKind::BadCall,
            "unknown variant `dance`",
        );
        let (handle, _) = begin(&plugin, instance, "one step");
        refused(plugin.resume(handle, b"\xff"), FaultKind::BadReply, "the reply cannot be read");
        refused(plugin.resume(handle, &random(2, &[0; 4])), FaultKind::BadReply, "no step 2");
        assert_eq!(outcome(plugin.resume(handle, &random(1, b"abcd"))), json!(b"abcd"));
        refused(plugin.resume(handle, &random(1, b"abcd")), FaultKind::StaleHandle, "the operation is over");
    }

    #[test]
    fn no_fault_quotes_a_value() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        let call = br#"{"now":0,"operation":{"check":{"channel":"c","purpose":"login","code":271828}}}"#;
        let told = refused(plugin.begin(instance, call), FaultKind::BadCall, "not of the expected type");
        assert!(!told.contains("271828"), "{told}");
        let told = refused(plugin.open(br#"{"number":"canary"}"#), FaultKind::BadSettings, "not of the expected type");
        assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn data_that_is_too_large_is_not_kept() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (_, answer) = begin(&plugin, open(&plugin), "too large");
        let failure = &answer["steps"][0]["do"]["done"]["failure"];
        assert_eq!(failure["kind"], "plugin_fault");
        assert_eq!(failure["operator"], "data of 16386 bytes was to be kept; 16384 are allowed");
    }

    proptest! {
        #[test]
        fn no_bytes_break_an_entry(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
            let plugin = Instances::<Puppet>::new(b"{}");
            let instance = open(&plugin);
            let (handle, _) = begin(&plugin, instance, "one step");
            for bytes in [&bytes[..], text.as_bytes()] {
                // Refused for what it is: a panic that the guard caught would be a fault as well.
                prop_assert_eq!(fault(plugin.open(bytes)).kind, FaultKind::BadSettings);
                prop_assert_eq!(fault(plugin.begin(instance, bytes)).kind, FaultKind::BadCall);
                prop_assert_eq!(fault(plugin.resume(handle, bytes)).kind, FaultKind::BadReply);
                prop_assert_eq!(fault(plugin.query(bytes, bytes)).kind, FaultKind::Unknown);
            }
            prop_assert_eq!(outcome(plugin.resume(handle, &random(1, b"abcd"))), json!(b"abcd"));
        }
    }
}

mod steps {
    use super::*;

    #[test]
    fn of_a_join_are_asked_for_at_once_and_answered_in_any_order() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, answer) = begin(&plugin, open(&plugin), "joined");
        let expected = json!([{"id": 1, "do": {"random": {"bytes": 1}}}, {"id": 2, "do": {"random": {"bytes": 2}}}]);
        assert_eq!(answer["steps"], expected);
        let waiting: Value = from(plugin.resume(handle, &random(2, b"yz")));
        assert_eq!(waiting, json!({"steps": []}));
        refused(plugin.resume(handle, &random(2, b"yz")), FaultKind::BadReply, "no step 2");
        assert_eq!(outcome(plugin.resume(handle, &random(1, b"x"))), json!(b"xyz"));
    }

    #[test]
    fn of_futures_that_are_polled_only_when_woken_go_on_too() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, answer) = begin(&plugin, open(&plugin), "unordered");
        let ids: Vec<u64> = answer["steps"].as_array().into_iter().flatten().filter_map(|s| s["id"].as_u64()).collect();
        assert_eq!(ids.len(), 3);
        // Whichever id belongs to which length: the answer must be as long as was asked for.
        let length = |id: u64| {
            let step = answer["steps"].as_array().into_iter().flatten().find(|step| step["id"] == id);
            step.and_then(|step| step["do"]["random"]["bytes"].as_u64()).expect("a random step")
        };
        let reply = |id: u64| random(id, &vec![b'a'; usize::try_from(length(id)).expect("small")]);
        for id in [3, 1] {
            let waiting: Value = from(plugin.resume(handle, &reply(id)));
            assert_eq!(waiting, json!({"steps": []}), "after step {id}");
        }
        assert_eq!(outcome(plugin.resume(handle, &reply(2))), json!(b"aaaaaa"));
    }

    #[test]
    fn are_over_when_the_operation_is() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, answer) = begin(&plugin, open(&plugin), "at once");
        let done = json!({"outcome": {"delivery": {"version": 1, "value": []}}});
        assert_eq!(answer["steps"], json!([{"id": 1, "do": {"done": done}}]));
        refused(plugin.resume(handle, &random(1, &[0; 4])), FaultKind::StaleHandle, "the operation is over");
    }

    #[test]
    fn carry_the_clock() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, _) = begin(&plugin, open(&plugin), "time");
        let reply = json!({"id": 1, "now": 1_000_077, "got": {"random": {"text": "abcd"}}});
        assert_eq!(outcome(plugin.resume(handle, reply.to_string().as_bytes())), json!([77]));
    }

    #[test]
    fn that_come_with_too_many_log_lines_keep_the_first_and_count_the_rest() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (_, answer) = begin(&plugin, open(&plugin), "talks");
        let logs = answer["logs"].as_array().expect("a list");
        assert_eq!(logs.len(), limits::LOG_LINES + 1);
        assert_eq!(logs[63], json!({"level": "info", "text": "line 63"}));
        assert_eq!(logs[64], json!({"level": "warn", "text": "36 further log lines were dropped"}));
    }

    #[test]
    fn that_come_with_long_log_lines_are_not_too_large_for_that() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (_, answer) = begin(&plugin, open(&plugin), "talks too much");
        assert_eq!(answer["steps"][0]["do"]["done"]["outcome"]["delivery"]["version"], 1, "it succeeded");
        let lines: Vec<_> = answer["logs"].as_array().into_iter().flatten().map(|line| &line["text"]).collect();
        assert_eq!(lines.len(), limits::LOG_LINES);
        for line in lines {
            let line = line.as_str().expect("text");
            assert!(line.len() <= limits::LOG_LINE_BYTES && line.ends_with("\"…"), "{} bytes", line.len());
        }
    }

    #[test]
    fn that_are_large_push_log_lines_out_and_count_them() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let bytes = plugin.begin(open(&plugin), &call("talks beside a large step"));
        let bytes = bytes.into_result().map(RVec::into_vec).expect("it is not too large");
        assert!((limits::STEP_BYTES - 4100..=limits::STEP_BYTES).contains(&bytes.len()), "{} bytes", bytes.len());
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        let logs = answer["logs"].as_array().expect("a list");
        let (count, kept) = logs.split_last().expect("lines");
        assert_eq!(count["text"], format!("{} further log lines were dropped", limits::LOG_LINES - kept.len()));
        assert!(kept.len() > 5 && kept[5]["text"].as_str().is_some_and(|text| text.starts_with("line 5\\nxx")));
    }

    #[test]
    fn that_are_too_large_by_themselves_are_a_fault() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let told = "1048576 are allowed";
        refused(plugin.begin(open(&plugin), &call("too large a step")), FaultKind::TooLarge, told);
    }

    #[test]
    fn that_nobody_answers_are_dropped_with_their_operation() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let (handle, _) = begin(&plugin, open(&plugin), "guarded");
        assert_eq!(DROPPED.load(Ordering::SeqCst), 0);
        assert!(plugin.end(handle).is_ok());
        assert_eq!(DROPPED.load(Ordering::SeqCst), 1, "`end` drops the future at once");
    }

    #[test]
    fn operations_that_were_not_implemented_are_unsupported() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let instance = open(&plugin);
        for name in ["test_credentials", "cancel", "status", "enroll", "unenroll"] {
            let call = json!({"now": 0, "operation": {name: {"channel": "c", "person": {}}}}).to_string();
            let answer: Value = from(plugin.begin(instance, call.as_bytes()));
            let failure = &answer["steps"][0]["do"]["done"]["failure"];
            assert_eq!(failure["kind"], "unsupported", "{name}");
            assert_eq!(failure["operator"], format!("this provider does not offer the operation `{name}`"));
        }
    }

    #[test]
    fn an_outcome_is_that_of_its_operation() {
        let plugin = Instances::<Puppet>::new(b"{}");
        let call = |code| {
            let input = json!({"channel": "c", "purpose": "login", "code": code});
            json!({"now": 0, "operation": {"check": input}}).to_string()
        };
        let instance = open(&plugin);
        let done = |code| {
            let answer: Value = from(plugin.begin(instance, call(code).as_bytes()));
            answer["steps"][0]["do"]["done"]["outcome"].clone()
        };
        assert_eq!(done("1"), json!({"approved": {}}));
        assert_eq!(done("2"), json!("wrong_code"));
    }
}

#[test]
fn describe_returns_the_manifest_unchanged() {
    let plugin = Instances::<Puppet>::new(b"{ \"id\" :1 }\n");
    assert_eq!(plugin.describe().into_result().map(RVec::into_vec), Ok(b"{ \"id\" :1 }\n".to_vec()));
}

#[test]
fn extensions_are_asked_by_name() {
    let plugin = Instances::<Puppet>::new(b"{}");
    assert_eq!(plugin.query(b"echo/1", b"\xff\x00").into_result().map(RVec::into_vec), Ok(vec![0xff, 0]));
    refused(plugin.query(b"echo/2", b""), FaultKind::Unknown, "does not know the extension `echo/2`");
}

#[track_caller]
fn open(plugin: &Instances<Puppet>) -> u64 {
    from::<Opened>(plugin.open(b"{}")).instance
}

#[track_caller]
fn begin(plugin: &Instances<Puppet>, instance: u64, channel: &str) -> (u64, Value) {
    let answer: Value = from(plugin.begin(instance, &call(channel)));
    (answer["handle"].as_u64().expect("a handle"), answer)
}

fn call(channel: &str) -> Vec<u8> {
    let start = json!({"channel": channel, "purpose": "login"});
    json!({"now": 1_000_000, "operation": {"start": start}}).to_string().into_bytes()
}

fn random(id: u64, bytes: &[u8]) -> Vec<u8> {
    let got = crate::step::Event::Random(bytes.into());
    serde_json::to_vec(&StepReply { id, now: crate::Timestamp::from_millis(1_000_000), got }).expect("JSON")
}

/// The data that `start` handed over: the random bytes that it was given.
#[track_caller]
fn outcome(bytes: Bytes) -> Value {
    let answer: Value = from(bytes);
    answer["steps"][0]["do"]["done"]["outcome"]["delivery"]["value"].clone()
}

#[track_caller]
fn from<T: DeserializeOwned>(bytes: Bytes) -> T {
    match bytes.into_result() {
        Ok(bytes) => serde_json::from_slice(&bytes).expect("it is of that type"),
        Err(fault) => panic!("{}", String::from_utf8_lossy(&fault)),
    }
}

#[track_caller]
fn refused(bytes: Bytes, kind: FaultKind, because: &str) -> String {
    let fault = fault(bytes);
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.message.contains(because), "{fault}");
    fault.message
}

#[track_caller]
fn fault(bytes: Bytes) -> Fault {
    let Err(fault) = bytes.into_result() else { panic!("it was not refused") };
    serde_json::from_slice(&fault).expect("a fault")
}
