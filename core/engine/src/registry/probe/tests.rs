//! Sample operations against a plugin that writes down what it is asked.

use std::sync::Mutex;

use countersign_plugin::step::{Action, Answer, Call, Done, Event, Scope, Step, StepReply};
use countersign_plugin::{Data, Endpoint, Fault, FaultKind, HmacAlgorithm, Manifest, Request, SecretRef};
use serde_json::{Value, json};

use super::samples::Samples;
use crate::instance::Instance;

/// Answers each operation with one step of each kind, then with the outcome.
struct Scribe {
    manifest: Manifest,
    /// The operations begun, as JSON.
    begun: Mutex<Vec<Value>>,
    /// The replies, as JSON, by the kind of the step.
    replies: Mutex<Vec<Value>>,
    ended: Mutex<Vec<u64>>,
    /// The step that every operation repeats for ever, instead.
    repeated: Option<Action>,
    faulty: bool,
}

impl Scribe {
    fn of(operations: &[&str]) -> Self {
        let manifest = json!({
            "manifest": 1, "id": "scribe", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "local",
            "labels": {}, "settings": {}, "operations": ["test_credentials"],
            "channels": [{
                "channel": "app", "mode": "m", "code_made_by": "engine", "code_checked_by": "engine",
                "code_digits": [5, 7], "destination": "phone", "operations": operations,
            }],
        });
        Self {
            manifest: serde_json::from_value(manifest).unwrap(),
            begun: Mutex::default(),
            replies: Mutex::default(),
            ended: Mutex::default(),
            repeated: None,
            faulty: false,
        }
    }

    fn play(&self) -> Vec<String> {
        Samples::new(self).play(&self.manifest)
    }

    fn begun(&self, name: &str) -> Vec<Value> {
        let begun = self.begun.lock().unwrap();
        begun.iter().filter_map(|operation| operation.get(name).cloned()).collect()
    }

    fn answer(handle: u64, id: u64, action: Action) -> Vec<u8> {
        serde_json::to_vec(&Answer::new(handle, vec![Step::new(id, action)])).unwrap()
    }
}

impl Instance for Scribe {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.faulty {
            return Err(Fault::new(FaultKind::Panicked, "no luck"));
        }
        let call: Call = serde_json::from_slice(call).unwrap();
        let mut begun = self.begun.lock().unwrap();
        begun.push(serde_json::to_value(&call.operation).unwrap());
        let first = self.repeated.clone().unwrap_or(Action::Random { bytes: 3 });
        Ok(Self::answer(begun.len() as u64, 1, first))
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        assert_eq!(handle, self.begun.lock().unwrap().len() as u64);
        let reply: StepReply = serde_json::from_slice(reply).unwrap();
        self.replies.lock().unwrap().push(serde_json::to_value(&reply.got).unwrap());
        let next = match (&self.repeated, reply.got) {
            (Some(action), _) => action.clone(),
            (None, Event::Random(_)) => {
                Action::Hmac { secret: SecretRef::named("key"), algorithm: HmacAlgorithm::Sha1, message: "m".into() }
            }
            (None, Event::Hmac(_)) => Action::Keep { scope: Scope::Delivery, data: Data::new(1, &"kept").unwrap() },
            (None, Event::Kept) => Action::Http(Request::get(Endpoint::new("https://x.example"))),
            (None, Event::Http(_) | Event::Transport(_)) => {
                Action::Done(Done::Outcome(json!({"enrollment": {"version": 1, "value": "enrolled"}})))
            }
        };
        Ok(Self::answer(0, reply.id + 1, next))
    }

    fn end(&self, handle: u64) {
        self.ended.lock().unwrap().push(handle);
    }
}

#[test]
fn every_declared_operation_is_begun_with_each_network_and_ended() {
    let scribe = Scribe::of(&[
        "check",
        "start",
        "cancel",
        "status",
        "receive",
        "enroll",
        "confirm_enrollment",
        "unenroll",
        "provision",
    ]);
    assert_eq!(scribe.play(), Vec::<String>::new());
    for name in [
        "test_credentials",
        "check",
        "start",
        "cancel",
        "status",
        "receive",
        "enroll",
        "confirm_enrollment",
        "unenroll",
        "provision",
    ] {
        assert_eq!(scribe.begun(name).len(), 4, "{name}");
    }
    assert_eq!(scribe.ended.lock().unwrap().len(), 40);
    let replies = scribe.replies.lock().unwrap();
    let statuses = replies.iter().filter_map(|reply| reply.pointer("/http/status").cloned());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [vec![json!(200); 10], vec![json!(400); 10], vec![json!(503); 10]].concat()
    );
    assert_eq!(replies.iter().filter(|reply| reply.get("transport").is_some()).count(), 10);
}

#[test]
fn operations_follow_each_other_with_what_the_earlier_ones_handed_out() {
    let scribe = Scribe::of(&["check", "confirm_enrollment", "start", "enroll"]);
    scribe.play();
    assert!(scribe.begun("enroll")[1].get("enrollment").is_none());
    assert_eq!(scribe.begun("confirm_enrollment")[0]["enrollment"]["value"], "enrolled");
    let check = &scribe.begun("check")[0];
    assert_eq!((&check["channel"], &check["mode"]), (&json!("app"), &json!("m")));
    assert_eq!(check["delivery"]["value"], "kept");
    assert_eq!(check["code"], "00000");
    assert_eq!(scribe.begun("start")[0]["code"], "00000");
    assert_eq!(scribe.begun("start")[0]["recipient"]["phone"]["e164"], "+12025550123");
}

#[test]
fn what_needs_data_that_nobody_handed_out_is_left_out() {
    let scribe = Scribe::of(&["confirm_enrollment"]);
    scribe.play();
    assert!(scribe.begun("confirm_enrollment").is_empty());
}

#[test]
fn an_operation_that_never_ends_is_ended() {
    let mut scribe = Scribe::of(&["start"]);
    scribe.repeated = Some(Action::Random { bytes: u32::MAX });
    assert_eq!(scribe.play(), Vec::<String>::new());
    assert_eq!(scribe.ended.lock().unwrap().len(), 8);
    assert_eq!(scribe.replies.lock().unwrap().len(), 8 * 32);
}

#[test]
fn faults_are_told_once_each() {
    let mut scribe = Scribe::of(&["start"]);
    scribe.faulty = true;
    assert_eq!(scribe.play(), ["test_credentials: no luck", "start: no luck"]);
}

/// Asks for two things at once, and is done when it has the second.
#[derive(Default)]
struct Pair(Mutex<Vec<u64>>);

impl Pair {
    fn answer(steps: Vec<Step>) -> Result<Vec<u8>, Fault> {
        Ok(serde_json::to_vec(&Answer::new(1, steps)).unwrap())
    }
}

impl Instance for Pair {
    fn manifest(&self) -> &Manifest {
        unreachable!("the samples are given theirs")
    }

    fn begin(&self, _: &[u8]) -> Result<Vec<u8>, Fault> {
        Self::answer([1, 2].map(|id| Step::new(id, Action::Random { bytes: 1 })).into())
    }

    fn resume(&self, _: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        let reply: StepReply = serde_json::from_slice(reply).unwrap();
        self.0.lock().unwrap().push(reply.id);
        let done = || Step::new(3, Action::Done(Done::Outcome(json!({}))));
        Self::answer((reply.id == 2).then(done).into_iter().collect())
    }

    fn end(&self, _: u64) {}
}

#[test]
fn steps_are_answered_in_the_engines_order() {
    let pair = Pair::default();
    Samples::new(&pair).play(&Scribe::of(&[]).manifest);
    assert_eq!(*pair.0.lock().unwrap(), [1, 2].repeat(4), "one operation, on each of four networks");
}
