//! What requests say that they do, and whether a host can send them.

use countersign_plugin::contract::{self, Breach};

use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::Scenario;
use super::adverse;
use super::problems::Problems;

/// The effect fits the method and the operation: by it alone the engine decides what it repeats.
pub(in super::super) fn truthful(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    adverse::every(kit, &mut |scenario, performed| {
        for breach in breaches(scenario, performed).filter(is_about_effect) {
            problems.add(
                format!("{} ({}): {breach}", performed.place(), scenario.name),
                "declare what acts as `act`, and what may be repeated as `idempotent`; read by GET only",
            );
        }
    });
    problems.verdict()
}

/// Everything else that keeps a host from sending a request, or making a MAC.
pub(in super::super) fn sound(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    adverse::every(kit, &mut |scenario, performed| {
        let place = || format!("{} ({})", performed.place(), scenario.name);
        for breach in breaches(scenario, performed).filter(|breach| !is_about_effect(breach)) {
            problems.add(format!("{}: {breach}", place()), "send what a host can send");
        }
        for name in &performed.macs {
            if !scenario.subject.references.contains(name) {
                let breach = Breach::NoSuchSecret { name: name.clone() };
                problems.add(format!("{}: {breach}", place()), "use the references of the settings");
            }
        }
    });
    problems.verdict()
}

fn breaches<'a>(scenario: &'a Scenario, performed: &'a Performed) -> impl Iterator<Item = Breach> + 'a {
    let is_secret = |name: &str| scenario.subject.references.contains(name);
    let requests = performed.exchanges.iter().map(|exchange| &exchange.request);
    requests.filter_map(move |request| contract::request(request, performed.name(), is_secret).err())
}

const fn is_about_effect(breach: &Breach) -> bool {
    matches!(breach, Breach::ReadBy { .. } | Breach::MayOnlyRead)
}
