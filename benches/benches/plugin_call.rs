//! What the contract costs: begin + resume of a loaded plugin file, beside a bare call into it.
//!
//! Two plugins: `without-code`, whose exchange is as small as can be, so that little but the contract is measured; and
//! `twilio-verify`, whose check reads and judges a whole reply of Twilio's on its side of the contract.
//!
//! Run: `cargo bench -p countersign-benches`. The bound for begin + resume with JSON steps is 5 µs; read the figures as
//! ratios of one run, machines are noisy.

use std::hint::black_box;

use countersign::bootstrap::{PluginPin, Plugins};
use countersign::instance::Instance;
use countersign::registry::{ProviderId, Registry, RegistryOptions, Search, inspect};
use countersign_plugin::step::{Action, Answer, Call, Done, Event, StepReply};
use countersign_plugin::{AskStatus, Data, Operation, Reply, Timestamp, testing};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

/// One operation of one exchange.
struct Case {
    provider: &'static str,
    settings: Value,
    call: Call,
    reply: StepReply,
    outcome: Value,
}

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

const fn first_reply(reply: Reply) -> StepReply {
    StepReply::new(1, NOW, Event::Http(reply))
}

fn approval() -> Case {
    let ask = AskStatus::new("approval").delivery(Data::new(1, &json!({"request": "7"})).expect("data"));
    Case {
        provider: "without-code",
        settings: json!({}),
        call: Call::new(NOW, Operation::Status(ask)),
        reply: first_reply(Reply::from_json(200, &json!({"request": "7", "state": "approved"}))),
        outcome: json!("approved"),
    }
}

fn verify_check() -> Case {
    let sid = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let service = "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut check = testing::check("sms", "123456");
    check.delivery = Some(Data::new(1, &json!({"sid": sid})).expect("data"));
    let body = json!({
        "sid": sid, "service_sid": service, "account_sid": account, "to": "+15005550006", "channel": "sms",
        "status": "approved", "valid": true, "amount": null, "payee": null,
        "date_created": "2026-01-01T00:00:00Z", "date_updated": "2026-01-01T00:00:00Z",
    });
    Case {
        provider: "twilio-verify",
        settings: json!({"auth_id": account, "auth_token": {"secret": "auth_token"}, "service_sid": service}),
        call: Call::new(NOW, Operation::Check(check)),
        reply: first_reply(Reply::from_json(200, &body)),
        outcome: json!({"approved": {}}),
    }
}

/// The plugin file that cargo left beside this bench, pinned so that it needs no probe.
fn open(case: &Case) -> impl Instance {
    let id = ProviderId::parse(case.provider).expect("an id");
    let file = Search::beside_program().expect("folders").find(&id).expect("the file is beside the bench").path;
    let mut pin = PluginPin::default();
    pin.sha256 = Some(*inspect(&file).expect("a plugin").sha256.as_bytes());
    pin.file = Some(file);
    let mut plugins = Plugins::default();
    plugins.pins.insert(case.provider.to_owned(), pin);
    let registry = Registry::load(&plugins, [case.provider], &RegistryOptions::default()).expect("it loads");
    let plugin = registry.plugin(case.provider).expect("it was asked for");
    plugin.open(case.settings.to_string().as_bytes()).expect("it opens")
}

/// Begin + resume as the engine does it: values encoded and decoded on the host's side, too.
fn run(plugin: &impl Instance, case: &Case) -> Answer {
    let call = serde_json::to_vec(&case.call).expect("JSON");
    let answer: Answer = serde_json::from_slice(&plugin.begin(&call).expect("a step")).expect("an answer");
    assert_eq!(answer.steps[0].id, case.reply.id, "the first step of an operation is 1");
    let reply = serde_json::to_vec(&case.reply).expect("JSON");
    let done = plugin.resume(answer.handle, &reply).expect("an outcome");
    plugin.end(answer.handle);
    serde_json::from_slice(&done).expect("an answer")
}

fn plugin_call(criterion: &mut Criterion) {
    for case in [approval(), verify_check()] {
        let plugin = open(&case);
        // What is measured does what it should.
        match &run(&plugin, &case).steps[0].action {
            Action::Done(Done::Outcome(outcome)) => assert_eq!(*outcome, case.outcome),
            other => panic!("{other:?}"),
        }
        let mut group = criterion.benchmark_group(case.provider);
        // One guarded entry into the file that finds nothing to do.
        group.bench_function("bare call", |bencher| bencher.iter(|| plugin.end(black_box(u64::MAX))));
        group.bench_function("begin + resume, JSON steps", |bencher| bencher.iter(|| run(&plugin, black_box(&case))));
        group.finish();
    }
}

criterion_group!(benches, plugin_call);
criterion_main!(benches);
