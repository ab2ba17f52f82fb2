//! What must not be read by anybody beside the provider.
//!
//! A code that a person typed may stand in an address as a segment of its own: some services take it no other way.
//! It is used up by that very request.

use std::collections::HashSet;

use countersign::operation::Mask;
use countersign::secrets::{Secret, Secrets};
use countersign_plugin::line::escaped;
use countersign_plugin::{Operation, TestCredentials};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::kit::Kit;
use super::super::performed::{End, Performed};
use super::super::report::Verdict;
use super::super::scenario::Scenario;
use super::adverse::{self, private};
use super::problems::Problems;

const REMEDY: &str = "leave it out; an error code and a sentence of your own say enough";

pub(in super::super) fn kept(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let mut looked = HashSet::new();
    adverse::every(kit, &mut |scenario, performed| {
        let needles = needles(scenario, performed);
        for (place, text) in texts(performed) {
            // The same words come back again and again.
            if !looked.insert((needles.clone(), place, text.clone())) {
                continue;
            }
            let is_address = place == ADDRESS;
            for (what, needle) in needles.iter().filter(|(_, needle)| holds(&text, needle)) {
                if is_address && *what == "code" && is_own_segment(&text, needle, performed) {
                    continue;
                }
                problems.add(format!("{} ({}): {place} holds the {what}", performed.place(), scenario.name), REMEDY);
            }
        }
    });
    problems.verdict()
}

const ADDRESS: &str = "an address";

/// Every text that others than the provider read.
fn texts(performed: &Performed) -> Vec<(&'static str, String)> {
    let mut texts: Vec<(&str, String)> = Vec::new();
    texts.extend(performed.exchanges.iter().map(|exchange| (ADDRESS, exchange.request.url.clone())));
    texts.extend(performed.logs.iter().map(|line| ("a log line", line.text.clone())));
    match &performed.end {
        End::Failure(failure) => {
            texts.push(("a failure's text for the operator", failure.operator.clone()));
            texts.push(("a failure's text for the person", failure.person.clone()));
            texts.extend(failure.provider_code.iter().map(|code| ("a failure's provider code", code.clone())));
        }
        End::Fault(fault) => texts.push(("a fault's text", fault.message.clone())),
        End::Outcome(outcome) => {
            texts
                .extend(outcome.get("instruction").and_then(Value::as_str).map(|it| ("an instruction", it.to_owned())));
            texts.extend(outcome.get("findings").map(|findings| ("a finding", findings.to_string())));
        }
        End::Unreadable(_) | End::Endless | End::Stuck => {}
    }
    texts
}

fn needles(scenario: &Scenario, performed: &Performed) -> Vec<(&'static str, String)> {
    let references = scenario.subject.references.iter();
    // A cassette's references are called like their settings, which may be named.
    let canaries = references.filter(|name| name.starts_with(super::super::inputs::REFERENCE));
    let mut needles: Vec<_> = canaries.map(|name| ("reference to a secret", name.clone())).collect();
    needles.extend(private(&performed.operation));
    needles
}

/// Whether a text holds another, in whatever notation: that is what the engine's mask knows.
fn holds(text: &str, needle: &str) -> bool {
    if text.contains(needle) {
        return true;
    }
    let secrets: Secrets = [("needle".to_owned(), Secret::new(needle))].into_iter().collect();
    let mask = Mask::new(&secrets, &Operation::TestCredentials(TestCredentials::default()));
    mask.text(text) != escaped(text)
}

/// A typed code that stands in the path by itself, and nowhere else in the address.
fn is_own_segment(url: &str, code: &str, performed: &Performed) -> bool {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let others = path.split('/').filter(|segment| percent_decode_str(segment).decode_utf8_lossy() != code);
    performed.typed.is_some() && !query.contains(code) && !others.into_iter().any(|segment| segment.contains(code))
}
