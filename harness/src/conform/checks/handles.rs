//! Handles that mean nothing, and operations that end before their time.

use std::sync::Arc;

use countersign::instance::Instance;
use countersign_plugin::step::{Event, StepReply};
use countersign_plugin::{Fault, FaultKind};

use super::super::drive::{Running, encoded};
use super::super::inputs::NOW;
use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::{Scenario, open};
use super::concurrent::replay;
use super::problems::Problems;

/// Numbers that no operation had.
const FOREIGN: [u64; 4] = [0, 1 << 40, u64::MAX - 1, u64::MAX];

pub(in super::super) fn clean(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    for scenario in &kit.scenarios {
        let Ok(instance) = open(&kit.plugin, &scenario.subject) else { continue };
        for handle in FOREIGN {
            refused(instance.resume(handle, &kept()), &format!("resuming the handle {handle}"), &mut problems);
            instance.end(handle);
        }
        for bytes in
            [b"".as_slice(), b"{", b"[]", b"{\"now\":0}", b"{\"now\":0,\"operation\":{\"kit\":{}}}", b"\xff\xfe"]
        {
            refused(instance.begin(bytes), "beginning what is no operation", &mut problems);
        }
        for performed in &scenario.happy {
            one(&instance, performed, &mut problems);
            survives(kit, scenario, performed, &mut problems);
        }
        // After all of that it works as before.
        for performed in &scenario.happy {
            if replay(&instance, performed) != performed.answers() {
                problems.add(
                    format!(
                        "{} ({}) asks for something else after others were broken off",
                        performed.place(),
                        scenario.name
                    ),
                    "keep no state between operations",
                );
            }
        }
    }
    problems.verdict()
}

/// Ends an operation before each of its steps; answers steps that there are not.
fn one(instance: &Arc<dyn Instance>, performed: &Performed, problems: &mut Problems) {
    let place = performed.place();
    for steps in 0..=performed.told.len() {
        let mut running = Running::again(instance, performed);
        let mut got = performed.exchanges.iter().map(|exchange| exchange.got.clone());
        for _ in 0..steps {
            running.step(&mut |_, _| got.next().unwrap_or_else(super::concurrent::lost));
        }
        let handle = running.handle();
        drop(running);
        let what = format!("resuming {place} after it was ended");
        refused(instance.resume(handle, &kept()), &what, problems);
        instance.end(handle);
    }
    let running = Running::again(instance, performed);
    let handle = running.handle();
    if handle != 0 && !performed.told.is_empty() {
        let stranger = encoded(&StepReply::new(u64::MAX, NOW, Event::Kept));
        refused(
            instance.resume(handle, &stranger),
            &format!("answering a step that {place} did not ask for"),
            problems,
        );
        refused(instance.resume(handle, b"{\"id\":"), &format!("answering {place} with what is no reply"), problems);
    }
}

/// An operation under way goes on after its instance was closed.
fn survives(kit: &Kit, scenario: &Scenario, performed: &Performed, problems: &mut Problems) {
    let Ok(instance) = open(&kit.plugin, &scenario.subject) else { return };
    let other = open(&kit.plugin, &scenario.subject).ok();
    let (Some(other), false) = (other, performed.told.is_empty()) else { return };
    let handle = Running::again(&instance, performed).abandon();
    drop(instance);
    let got = other.resume(handle, &performed.told[0]);
    if let Err(fault) = got {
        problems.add(
            format!("{} ends when its instance is closed: {}", performed.place(), fault.message),
            "let an operation hold what it needs of its instance",
        );
    }
    other.end(handle);
}

fn refused(got: Result<Vec<u8>, Fault>, what: &str, problems: &mut Problems) {
    match got {
        Ok(_) => problems.add(format!("{what} is answered as if nothing were wrong"), "answer with a fault"),
        Err(fault) if matches!(fault.kind, FaultKind::Panicked | FaultKind::ForeignAwait) => {
            problems.add(format!("{what} breaks the plugin: {}", fault.message), "answer with the fault that fits");
        }
        Err(fault) if fault.message.trim().is_empty() => {
            problems.add(format!("{what} is refused without a word"), "say in the fault what is wrong");
        }
        Err(_) => {}
    }
}

fn kept() -> Vec<u8> {
    encoded(&StepReply::new(1, NOW, Event::Kept))
}
