//! What the contract costs: one operation of a loaded plugin file, begin to end, beside a bare call into it.
//!
//! Run: `cargo bench -p countersign-benches`. The bound for begin + resume with JSON steps is 5 µs; read the figures as
//! ratios of one run, machines are noisy.

use std::hint::black_box;

use countersign::bootstrap::{PluginPin, Plugins};
use countersign::instance::Instance;
use countersign::registry::{Registry, RegistryOptions, Search, inspect};
use countersign_plugin::step::{Action, Answer, Call, Event, StepReply};
use countersign_plugin::{Data, Operation, Reply, Timestamp, testing};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const PROVIDER: &str = "twilio-verify";
const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The plugin file that cargo left beside this bench, pinned so that it needs no probe.
fn open() -> impl Instance {
    let id = countersign::registry::ProviderId::parse(PROVIDER).expect("an id");
    let file = Search::beside_program().expect("folders").find(&id).expect("the file is beside the bench").path;
    let mut pin = PluginPin::default();
    pin.sha256 = Some(*inspect(&file).expect("a plugin").sha256.as_bytes());
    pin.file = Some(file);
    let mut plugins = Plugins::default();
    plugins.pins.insert(PROVIDER.to_owned(), pin);
    let registry = Registry::load(&plugins, [PROVIDER], &RegistryOptions::default()).expect("it loads");
    let settings = json!({
        "auth_id": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "auth_token": {"secret": "auth_token"},
        "service_sid": "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    });
    let plugin = registry.plugin(PROVIDER).expect("it was asked for");
    plugin.open(settings.to_string().as_bytes()).expect("it opens")
}

fn call() -> Call {
    let mut check = testing::check("sms", "123456");
    check.delivery = Some(Data::new(1, &json!({"sid": SID})).expect("data"));
    Call { now: Timestamp::from_secs(1_767_225_600), operation: Operation::Check(check) }
}

fn approved() -> Reply {
    let body = json!({
        "sid": SID, "service_sid": "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "to": "+15005550006", "channel": "sms", "status": "approved", "valid": true, "amount": null, "payee": null,
        "date_created": "2026-01-01T00:00:00Z", "date_updated": "2026-01-01T00:00:00Z",
    });
    Reply::from_json(200, &body)
}

fn plugin_call(criterion: &mut Criterion) {
    let plugin = open();
    let (call, reply) = (call(), approved());
    let call_bytes = serde_json::to_vec(&call).expect("JSON");
    let reply_bytes =
        serde_json::to_vec(&StepReply { id: 1, now: call.now, got: Event::Http(reply.clone()) }).expect("JSON");

    let mut group = criterion.benchmark_group("in-process plugin");
    // One guarded entry into the file that finds nothing to do.
    group.bench_function("bare call (end of a stale handle)", |bencher| {
        bencher.iter(|| plugin.end(black_box(u64::MAX)))
    });
    // The contract as such: bytes in, bytes out.
    group.bench_function("begin + resume + end, bytes", |bencher| {
        bencher.iter(|| {
            let answer = plugin.begin(black_box(&call_bytes)).expect("a step");
            let handle = handle(&answer);
            let done = plugin.resume(handle, black_box(&reply_bytes)).expect("an outcome");
            plugin.end(handle);
            done
        });
    });
    // As the engine does it: values encoded and decoded on the host's side, too.
    group.bench_function("begin + resume + end, JSON steps", |bencher| {
        bencher.iter(|| {
            let bytes = serde_json::to_vec(black_box(&call)).expect("JSON");
            let answer: Answer = serde_json::from_slice(&plugin.begin(&bytes).expect("a step")).expect("an answer");
            let reply = StepReply { id: answer.steps[0].id, now: call.now, got: Event::Http(reply.clone()) };
            let bytes = serde_json::to_vec(&reply).expect("JSON");
            let done: Answer =
                serde_json::from_slice(&plugin.resume(answer.handle, &bytes).expect("an outcome")).expect("an answer");
            plugin.end(answer.handle);
            assert!(matches!(done.steps[0].action, Action::Done(_)));
            done
        });
    });
    group.finish();
}

/// Handles count up; reading one out of its JSON here would be measured as well.
fn handle(answer: &[u8]) -> u64 {
    let digits = answer.iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// The bench measures an operation that does what it should.
fn approves(_: &mut Criterion) {
    let plugin = open();
    let bytes = serde_json::to_vec(&call()).expect("JSON");
    let answer: Answer = serde_json::from_slice(&plugin.begin(&bytes).expect("a step")).expect("an answer");
    let reply = StepReply { id: answer.steps[0].id, now: call().now, got: Event::Http(approved()) };
    let bytes = plugin.resume(answer.handle, &serde_json::to_vec(&reply).expect("JSON")).expect("an outcome");
    let done: Value = serde_json::from_slice(&bytes).expect("an answer");
    assert_eq!(done["steps"][0]["do"], json!({"done": {"outcome": {"approved": {}}}}));
}

criterion_group!(benches, approves, plugin_call);
criterion_main!(benches);
