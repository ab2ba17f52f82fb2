//! Addresses keep their shape whatever a person types and a provider answers: no value leaves its place.
//!
//! The way in of 2015: a typed code of `../sms` made `verify/..%2fsms/ID`, the server decoded before it split, and
//! what came back was a success of something else.

use std::collections::BTreeSet;

use countersign_plugin::contract::{ambiguity, written_path};
use countersign_plugin::http::Request;
use countersign_plugin::{Code, Operation, Reply};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::{Got, Hook, Place, Scenario};
use super::problems::Problems;

/// Texts that leave their segment where they are not escaped, or are read in two ways where they are.
const HOSTILE: [&str; 14] = [
    "a/b",
    "../sms",
    "..%2fsms",
    "%2e%2e%2f",
    "x?y=1",
    "x#y",
    "x&y=1",
    "x\r\nX-Kit: 1",
    "x y",
    "é/ü",
    "\\..\\",
    "..",
    ".",
    "",
];

pub(in super::super) fn escaped(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let shapes = Shapes::of(kit);
    for scenario in &kit.scenarios {
        let words = reused(scenario);
        for text in HOSTILE {
            // From the person's side, then from the provider's.
            for mut hook in [Hostile { text, replace: None }, Hostile { text, replace: Some(&words) }] {
                for performed in kit.run(scenario, &mut hook) {
                    for exchange in &performed.exchanges {
                        let Some(why) = shapes.broken(&performed, &exchange.request) else { continue };
                        let by = if hook.replace.is_some() { "a reply" } else { "an input" };
                        problems.add(
                            format!("{}: {by} of {text:?} makes an address with {why}", performed.place()),
                            "check values before they enter a path (codes are digits), and build addresses by `Endpoint`",
                        );
                    }
                }
            }
        }
    }
    problems.verdict()
}

/// Puts a text wherever a person, or a provider, might put one.
struct Hostile<'a> {
    text: &'a str,
    /// The provider's words to put it in place of; without them, it is the person's.
    replace: Option<&'a BTreeSet<String>>,
}

impl Hook for Hostile<'_> {
    fn operation(&mut self, _: usize, operation: &mut Operation) {
        if self.replace.is_some() {
            return;
        }
        let text = || self.text.to_owned();
        match operation {
            Operation::Start(input) => {
                input.person.account = Some(text());
                input.person.email = Some(text());
                input.person.locale = Some(text());
                if let Some(code) = &mut input.code {
                    *code = Code::new(text());
                }
            }
            Operation::Enroll(input) => {
                input.person.account = Some(text());
                input.person.email = Some(text());
                input.person.locale = Some(text());
            }
            Operation::Check(input) => input.code = Code::new(text()),
            Operation::ConfirmEnrollment(input) => input.code = Code::new(text()),
            _ => {}
        }
    }

    fn reply(&mut self, _: Place, _: &Request, got: Got) -> Got {
        let (Some(words), Ok(reply)) = (self.replace, &got) else { return got };
        let Ok(mut body) = serde_json::from_slice::<Value>(reply.body.as_slice()) else { return got };
        replace(&mut body, words, self.text);
        Ok(Reply::from_json(reply.status, &body))
    }
}

fn replace(value: &mut Value, words: &BTreeSet<String>, text: &str) {
    match value {
        Value::String(word) if words.contains(word) => text.clone_into(word),
        Value::Number(number) if words.contains(&number.to_string()) => *value = Value::from(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, words, text)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, words, text)),
        _ => {}
    }
}

/// The words of replies that stand in an address later.
fn reused(scenario: &Scenario) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut addressed = BTreeSet::new();
    for exchange in scenario.happy.iter().flat_map(|performed| &performed.exchanges) {
        for segment in path(&exchange.request.url).split('/').skip(1) {
            addressed.insert(percent_decode_str(segment).decode_utf8_lossy().into_owned());
        }
        for (_, value) in query(&exchange.request.url) {
            addressed.insert(value);
        }
        if let Ok(reply) = &exchange.got
            && let Ok(body) = serde_json::from_slice::<Value>(reply.body.as_slice())
        {
            leaves(&body, &mut words);
        }
    }
    // `Calls/CA….json` holds a word, too.
    words
        .into_iter()
        .filter(|word| word.len() > 3 && addressed.iter().any(|part| part.contains(word.as_str())))
        .collect()
}

fn leaves(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(word) => drop(words.insert(word.clone())),
        Value::Number(number) => drop(words.insert(number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, words)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, words)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// How addresses look where all goes well.
struct Shapes(BTreeSet<(&'static str, usize, BTreeSet<String>)>);

impl Shapes {
    fn of(kit: &Kit) -> Self {
        let happy = kit.happy().flat_map(|(_, performed)| &performed.exchanges);
        Self(happy.map(|exchange| shape(&exchange.request)).collect())
    }

    /// What is wrong with the address of a request; none where it is as where all goes well.
    fn broken(&self, performed: &Performed, request: &Request) -> Option<&'static str> {
        let Some(path) = written_path(&request.url) else {
            return Some("control characters, blanks, or a beginning that parsers read in different ways");
        };
        if let Some(what) = ambiguity(path) {
            return Some(what);
        }
        if request.url.contains('#') {
            return Some("a fragment");
        }
        let (method, segments, keys) = shape(request);
        let known = self.0.iter().filter(|(known, ..)| *known == method);
        let mut any = false;
        for (_, as_many, known_keys) in known {
            // A parameter may be left out, as a language that is not known; none may be added.
            if *as_many == segments && keys.is_subset(known_keys) {
                return None;
            }
            any = true;
        }
        // An operation that asks for nothing where all goes well has no shape to keep to.
        (any && !performed.exchanges.is_empty()).then_some("other segments or parameters than where all goes well")
    }
}

fn shape(request: &Request) -> (&'static str, usize, BTreeSet<String>) {
    let keys = query(&request.url).map(|(name, _)| name).collect();
    (request.method.as_str(), path(&request.url).split('/').count(), keys)
}

/// Host and path.
fn path(url: &str) -> &str {
    written_path(url).unwrap_or_default()
}

fn query(url: &str) -> impl Iterator<Item = (String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned()
}
