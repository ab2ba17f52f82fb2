//! Plugins as the engine sees them: bytes in, steps out. What they ask of the network is the
//! operation itself, and the world answers it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use countersign_plugin::http::HttpError;
use countersign_plugin::manifest::{Channel, Checker, Destination, Maker};
use countersign_plugin::step::{Action, Answer, Call, Done, Event, Scope, Step, StepReply};
use countersign_plugin::{
    Data, Effect, Endpoint, Failure, Fault, FaultKind, Manifest, Operation, OperationName, Request,
};
use serde_json::{Value, json};

use super::{Kind, World};
use crate::instance::Instance;
use crate::transport::Egress;

pub(crate) struct Plugin {
    kind: Kind,
    manifest: Manifest,
    world: Arc<World>,
    last: AtomicU64,
    /// What an operation does once its data is kept.
    done: Mutex<HashMap<u64, Done>>,
}

/// What a manifest says of a channel that reaches phones, unless it is a device's.
pub(crate) fn offer(channel: &str, maker: Maker, checker: Checker) -> Channel {
    let destination = if maker == Maker::Device { Destination::Device } else { Destination::Phone };
    let offer = json!({
        "channel": channel, "code_made_by": maker, "code_checked_by": checker, "code_digits": [6, 6],
        "destination": destination, "operations": [],
    });
    serde_json::from_value(offer).unwrap()
}

impl Plugin {
    pub(crate) fn new(id: &str, kind: Kind, mut offer: Channel, world: Arc<World>) -> Self {
        use OperationName::{Cancel, Check, ConfirmEnrollment, Enroll, Start, Status, TestCredentials, Unenroll};
        let operations = match kind {
            Kind::Verify => vec![Start, Check, Cancel, Status],
            Kind::NoCancel => vec![Start, Check, Status, Unenroll],
            Kind::Caller => vec![Start, Check],
            Kind::App | Kind::RemoteApp => vec![Enroll, ConfirmEnrollment, Check],
            Kind::Push => vec![Start, Status, Cancel],
        };
        let shared = if kind == Kind::Verify { vec![TestCredentials] } else { Vec::new() };
        let manifest = json!({
            "manifest": 1, "id": id, "version": "1.0.0", "vendor": {"name": "tests"}, "labels": {},
            "delivery_type": "hosted-service", "channels": [], "operations": shared, "settings": {},
            "egress": [{"base": "https://provider.example", "paths": ["/v1"]}],
        });
        let mut manifest: Manifest = serde_json::from_value(manifest).unwrap();
        offer.operations = operations;
        manifest.channels = vec![offer];
        Self { kind, manifest, world, last: AtomicU64::new(0), done: Mutex::default() }
    }

    pub(crate) fn offer(&self) -> &Channel {
        &self.manifest.channels[0]
    }

    pub(crate) fn operations(&self) -> Vec<OperationName> {
        self.manifest.operations.clone()
    }

    pub(crate) fn egress(&self) -> Egress {
        Egress::new(&self.manifest, None, None).unwrap()
    }
}

impl Instance for Plugin {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        let call: Call = serde_json::from_slice(call).unwrap();
        self.world.asked(&self.manifest.id, call.operation.name());
        let handle = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        let local = self.kind == Kind::App || call.operation.name() == OperationName::TestCredentials;
        if let Some(fault) = self.world.take_fault() {
            return Err(Fault::new(FaultKind::Panicked, fault));
        }
        let action = if local {
            Action::Done(done(self.world.answer(&self.manifest.id, self.kind, &call.operation)))
        } else {
            let endpoint = Endpoint::new("https://provider.example").path(["v1", &self.manifest.id]);
            let body = json!({"kind": self.kind.name(), "provider": self.manifest.id, "operation": call.operation});
            let effect = if matches!(call.operation, Operation::Cancel(_)) { Effect::Idempotent } else { Effect::Act };
            Action::Http(Request::post(endpoint).effect(effect).json(body))
        };
        Ok(answer(handle, action))
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        let reply: StepReply = serde_json::from_slice(reply).unwrap();
        let done = match reply.got {
            Event::Http(reply) => reply.json::<Done>().unwrap(),
            Event::Transport(failure) => Done::Failure(HttpError::new(failure, Effect::Act).into()),
            Event::Kept => self.done.lock().unwrap().remove(&handle).unwrap(),
            other => panic!("not asked for: {other:?}"),
        };
        // As the SDK tells vendors to: what must not be lost is kept before anything else.
        let sid = match &done {
            Done::Outcome(outcome) => outcome.get("delivery").and_then(|data| data.get("value")),
            Done::Failure(_) => None,
        };
        let action = match (reply.id, sid) {
            (1, Some(sid)) => {
                let data = Data::from_json(1, sid.clone());
                self.done.lock().unwrap().insert(handle, done);
                Action::Keep { scope: Scope::Delivery, data }
            }
            _ => Action::Done(done),
        };
        Ok(serde_json::to_vec(&Answer::new(0, vec![Step::new(reply.id + 1, action)])).unwrap())
    }

    fn end(&self, handle: u64) {
        self.done.lock().unwrap().remove(&handle);
    }
}

pub(super) fn done(result: Result<Value, Failure>) -> Done {
    match result {
        Ok(outcome) => Done::Outcome(outcome),
        Err(failure) => Done::Failure(failure),
    }
}

fn answer(handle: u64, action: Action) -> Vec<u8> {
    serde_json::to_vec(&Answer::new(handle, vec![Step::new(1, action)])).unwrap()
}
