//! Two witnesses for one fact: what the fixtures say a provider answers is also what the emulator answers.
//!
//! `witness.json` says for each cassette how to bring the emulator into the state that it was written in. A cassette
//! that was transcribed from published documents and has no line there fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::cassette::{Answer, Cassette, Entry, ProvenanceKind, Reply, SentBody, parse};

/// One line of `witness.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Witness {
    cassette: String,
    #[serde(default)]
    before: Vec<Action>,
    /// What stands in the recorded requests for what only the emulator knows.
    #[serde(default)]
    bind: BTreeMap<String, String>,
    /// What the emulator's answers to the recorded requests tell.
    #[serde(default)]
    captures: BTreeMap<String, String>,
    #[serde(default)]
    wrong_credentials: bool,
    /// Who asks, where it is not the account.
    user: Option<String>,
    /// What has to be changed about the requests, and why.
    alter: Option<Alter>,
    /// Values that differ, and why. One that does not differ fails the test.
    #[serde(default)]
    except: Vec<Exception>,
    /// The emulator answers as another cassette has it, and why.
    instead: Option<Instead>,
    /// Why only the names of the members are compared.
    members_only: Option<String>,
}

/// Something done before, with `{variables}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    post: Option<String>,
    get: Option<String>,
    delete: Option<String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    control: Option<String>,
    #[serde(default)]
    body: Value,
    advance: Option<u64>,
    times: Option<u32>,
    /// Variables to take from the answer, by JSON pointer.
    #[serde(default)]
    capture: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alter {
    why: String,
    #[serde(default)]
    form: BTreeMap<String, String>,
    #[serde(default)]
    without_query: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Entry, and path of the value below its body; `0/status` is also the HTTP status.
    at: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instead {
    cassette: String,
    why: String,
}

fn witnesses() -> Vec<Witness> {
    serde_json::from_str(include_str!("witness.json")).expect("witness.json is as its types say")
}

fn cassette(path: &str) -> Cassette {
    let found = countersign_fixtures::cassette(path).unwrap_or_else(|| panic!("{path} is in witness.json only"));
    parse(Path::new(path), found.bytes).expect("fixtures can be read")
}

#[test]
fn every_transcribed_exchange_is_also_what_the_emulator_answers() {
    let mut found = Vec::new();
    for witness in witnesses() {
        let cassette = cassette(&witness.cassette);
        let expected = match &witness.instead {
            Some(instead) => self::cassette(&instead.cassette),
            None => cassette.clone(),
        };
        let differences = differences(&witness, cassette.entries(), expected.entries(), true);
        found.extend(differences.into_iter().map(|difference| format!("{} {difference}", witness.cassette)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_altered_would_else_differ() {
    for witness in witnesses() {
        let reasons = [witness.alter.as_ref().map(|alter| &alter.why), witness.instead.as_ref().map(|one| &one.why)];
        if reasons.iter().flatten().next().is_none() {
            continue;
        }
        assert!(reasons.iter().flatten().all(|why| !why.is_empty()));
        let cassette = cassette(&witness.cassette);
        let differences = differences(&witness, cassette.entries(), cassette.entries(), false);
        assert!(!differences.is_empty(), "{} needs no alteration", witness.cassette);
    }
}

#[test]
fn no_transcribed_exchange_is_forgotten() {
    let known: BTreeSet<String> = witnesses().into_iter().map(|witness| witness.cassette).collect();
    assert_eq!(known.len(), witnesses().len(), "a cassette has two lines");
    for fixture in countersign_fixtures::cassettes() {
        let cassette = parse(fixture.path, fixture.bytes).expect("fixtures can be read");
        let transcribed = cassette.provenance().is_some_and(|from| from.kind == ProvenanceKind::Transcribed);
        let path = fixture.path.to_str().expect("UTF-8");
        assert!(
            !transcribed || cassette.entries().is_empty() || known.contains(path),
            "{path} is transcribed and has no line in witness.json"
        );
    }
}

fn differences(witness: &Witness, sent: &[Entry], expected: &[Entry], altered: bool) -> Vec<String> {
    let rig = Rig::new();
    let mut variables = BTreeMap::new();
    for action in &witness.before {
        for _ in 0..action.times.unwrap_or(1) {
            act(&rig, action, &mut variables);
        }
    }
    let mut found = Vec::new();
    let mut unused: BTreeSet<&str> = witness.except.iter().map(|exception| exception.at.as_str()).collect();
    assert!(witness.except.iter().all(|exception| !exception.why.is_empty()));
    assert_eq!(sent.len(), expected.len());
    for (index, (entry, expected)) in sent.iter().zip(expected).enumerate() {
        let Answer::Reply(reply) = &expected.answer else { panic!("a transport that fails is no provider's answer") };
        let request = live(witness, entry, &variables, witness.alter.as_ref().filter(|_| altered));
        let got = rig.send(&request);
        remember(&rig, &got, &witness.captures, &mut variables);
        let mut different = BTreeMap::new();
        compare(witness, index, reply, &got, &mut different);
        for (at, told) in different {
            if !unused.remove(at.as_str()) {
                found.push(format!("{at}: {told}"));
            }
        }
    }
    found.extend(unused.into_iter().map(|at| format!("{at}: is excepted, and does not differ")));
    found
}

fn act(rig: &Rig, action: &Action, variables: &mut BTreeMap<String, String>) {
    let filled = |text: &str| {
        variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let form: Vec<(String, String)> = action.form.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let got = match (&action.post, &action.get, &action.delete, &action.control) {
        (Some(path), ..) => rig.post(&filled(path), &form),
        (_, Some(path), ..) => rig.get(&filled(path)),
        (_, _, Some(path), _) => rig.delete(&filled(path)),
        (.., Some(control)) => rig.control(control, &action.body),
        _ => return rig.advance(action.advance.expect("an action does something")),
    };
    assert!((200..300).contains(&got.status), "a precondition was refused: {got:?}");
    remember(rig, &got, &action.capture, variables);
}

fn remember(rig: &Rig, got: &Got, captures: &BTreeMap<String, String>, variables: &mut BTreeMap<String, String>) {
    for (name, pointer) in captures {
        if let Some(value) = got.body.pointer(pointer) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            variables.insert(name.clone(), text);
        }
    }
    let sid = got.body["sid"].as_str().filter(|sid| sid.starts_with("VE"));
    variables.extend(sid.map(|sid| ("verification".to_owned(), sid.to_owned())));
    let last = rig.emulator.inbox().pop();
    variables.extend(last.and_then(|last| last.code).map(|code| ("code".to_owned(), code)));
}

/// A recorded request with what this emulator made up in the place of what was recorded.
fn live(witness: &Witness, entry: &Entry, variables: &BTreeMap<String, String>, alter: Option<&Alter>) -> WireRequest {
    let bound = |text: &str| {
        witness.bind.iter().fold(text.to_owned(), |text, (recorded, name)| {
            variables.get(name).map_or_else(|| text.clone(), |value| text.replace(recorded, value))
        })
    };
    let mut form: Vec<(String, String)> = match &entry.request.body {
        SentBody::Form(fields) => fields.iter().map(|(name, value)| (name.clone(), bound(value))).collect(),
        SentBody::Empty => Vec::new(),
        other => panic!("fixtures of these services have forms, not {other:?}"),
    };
    let url = &entry.request.url;
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if let Some(alter) = alter {
        form.retain(|(name, _)| !alter.form.contains_key(name));
        form.extend(alter.form.clone());
        query.retain(|(name, _)| !alter.without_query.contains(name));
    }
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let mut target = bound(url.path());
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut request = request(&entry.request.method, &target, &form);
    request.host = url.host_str().map(str::to_owned);
    if let Some(user) = &witness.user {
        let asked = as_user(user, &entry.request.method, &target, &form);
        request.headers = asked.headers;
    }
    if witness.wrong_credentials {
        let basic = BASE64_STANDARD.encode(format!("{ACCOUNT}:another"));
        request.headers = vec![
            ("Authorization".to_owned(), format!("Basic {basic}")),
            ("X-Authy-API-Key".to_owned(), "another".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
    }
    request
}

fn compare(witness: &Witness, index: usize, reply: &Reply, got: &Got, different: &mut BTreeMap<String, String>) {
    if reply.status != got.status {
        different.insert(format!("{index}/status"), format!("HTTP {} recorded, {} emulated", reply.status, got.status));
    }
    for (name, value) in &reply.headers {
        if got.header(name) != Some(value) {
            let emulated = got.header(name);
            different.insert(format!("{index}/header {name}"), format!("{value:?} recorded, {emulated:?} emulated"));
        }
    }
    let recorded: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let walk = Walk { members_only: witness.members_only.is_some() };
    walk.compare(&index.to_string(), &recorded, &got.body, different);
}

/// Compares field by field, apart from ids and times.
struct Walk {
    members_only: bool,
}

impl Walk {
    fn compare(&self, at: &str, recorded: &Value, emulated: &Value, different: &mut BTreeMap<String, String>) {
        match (recorded, emulated) {
            (Value::Object(one), Value::Object(two)) => {
                let names: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
                for name in names {
                    let at = format!("{at}/{name}");
                    match (one.get(name), two.get(name)) {
                        (Some(one), Some(two)) if is_number_of_its_own(name) && one.is_u64() && two.is_u64() => {}
                        (Some(one), Some(two)) => self.compare(&at, one, two, different),
                        (one, _) => {
                            let side = if one.is_some() { "recorded" } else { "emulated" };
                            different.insert(at, format!("only {side}"));
                        }
                    }
                }
            }
            (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
                for (index, (one, two)) in one.iter().zip(two).enumerate() {
                    self.compare(&format!("{at}/{index}"), one, two, different);
                }
            }
            _ if self.members_only => {}
            _ => {
                let (one, two) = (general(recorded), general(emulated));
                if one != two {
                    different.insert(at.to_owned(), format!("{one} recorded, {two} emulated"));
                }
            }
        }
    }
}

/// Ids and times that are numbers.
fn is_number_of_its_own(name: &str) -> bool {
    matches!(name, "id" | "app_id") || name.ends_with("_date") || name.ends_with("_at")
}

/// A text with a mark in the place of every id and time.
fn general(value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    if text.parse::<jiff::Timestamp>().is_ok() {
        return json!("(time in ISO 8601)");
    }
    if jiff::fmt::rfc2822::parse(text).is_ok() {
        return json!("(time in RFC 2822)");
    }
    let mut general = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let sid = rest.get(..34).filter(|word| {
            let (prefix, digits) = word.split_at_checked(2).unwrap_or_default();
            prefix.bytes().all(|byte| byte.is_ascii_uppercase()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if let Some(sid) = sid {
            general.push_str(&sid[..2]);
            general.push('…');
            rest = &rest[34..];
        } else {
            general.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Value::String(general)
}

#[test]
fn only_ids_and_times_are_left_out_of_the_comparison() {
    #[track_caller]
    fn check(one: Value, two: Value, expected: &[&str]) {
        let mut different = BTreeMap::new();
        Walk { members_only: false }.compare("0", &one, &two, &mut different);
        assert_eq!(different.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    }
    let sid = |digit: &str| format!("VE{}", digit.repeat(32));
    check(json!({"sid": sid("a")}), json!({"sid": sid("b")}), &[]);
    check(json!({"sid": sid("a")}), json!({"sid": null}), &["0/sid"]);
    check(json!({"url": format!("/x/{}", sid("a"))}), json!({"url": format!("/y/{}", sid("b"))}), &["0/url"]);
    check(json!({"date": "2015-07-30T20:00:00Z"}), json!({"date": "2020-01-01T00:00:00Z"}), &[]);
    check(json!({"date": "2015-07-30T20:00:00Z"}), json!({"date": "Thu, 30 Jul 2015 20:00:00 +0000"}), &["0/date"]);
    check(json!({"user": {"id": 1}}), json!({"user": {"id": 2}}), &[]);
    check(json!({"success": true}), json!({"success": "true"}), &["0/success"]);
    check(json!({"valid": true}), json!({}), &["0/valid"]);
    check(json!({}), json!({"valid": true}), &["0/valid"]);
    check(json!({"list": [1]}), json!({"list": [1, 2]}), &["0/list"]);
}
