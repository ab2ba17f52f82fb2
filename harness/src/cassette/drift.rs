//! What changed between two recordings of the same exchanges, by shape: which fields there are and of what type, and not
//! what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use url::form_urlencoded;

use super::draft::{Draft, DraftEntry};
use super::reader::entry::{essence, is_json};
use super::shown::Shown;
use crate::wire::{WireAnswer, WireReply};

/// Headers that differ from answer to answer, or that only say how it travelled.
const VOLATILE: [&str; 24] = [
    "age",
    "alt-svc",
    "cf-ray",
    "connection",
    "content-length",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "twilio-concurrent-requests",
    "twilio-request-duration",
    "twilio-request-id",
    "vary",
    "via",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-cache",
    "x-powered-by",
    "x-request-id",
    "x-shenanigans",
];

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// How bad it is.
    pub severity: Severity,
    /// Where: the entry of the old recording (of the new one where it is only there) and the place in it.
    pub at: String,
    /// What changed.
    pub change: Change,
}

/// How bad a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something was added.
    Info,
    /// Something is gone.
    Warning,
    /// Something is of another type, or the status is another.
    Error,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Other {
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Added => write!(f, "{}: added", self.at),
            Change::Removed => write!(f, "{}: removed", self.at),
            Change::Other { old, new } => write!(f, "{}: was {old}, is {new}", self.at),
        }
    }
}

/// Compares two recordings. Entries belong together where method, host and path agree, ids and numbers in the path
/// apart, in their order.
pub fn drift(old: &Draft, new: &Draft) -> Vec<Drift> {
    let mut found = Found(Vec::new());
    let mut left: Vec<Option<&DraftEntry>> = new.entries.iter().map(Some).collect();
    for (index, before) in old.entries.iter().enumerate() {
        let key = key(before);
        let same = |entry: &Option<&DraftEntry>| entry.is_some_and(|entry| self::key(entry) == key);
        match left.iter().position(same).and_then(|at| left[at].take()) {
            Some(after) => found.entry(index, before, after),
            None => found.push(Severity::Warning, format!("entry {index} ({key})"), Change::Removed),
        }
    }
    for (index, entry) in left.iter().enumerate() {
        if let Some(entry) = entry {
            found.push(Severity::Info, format!("new entry {index} ({})", key(entry)), Change::Added);
        }
    }
    found.0
}

/// Method, host and path, with a star for each id or number.
fn key(entry: &DraftEntry) -> String {
    let path = entry.request.target.split('?').next().unwrap_or_default();
    let segment = |segment: &str| {
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        let id = digits >= 4 || segment.len() == 34 && segment.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit());
        if id { "*".to_owned() } else { Shown::message(segment).to_string() }
    };
    let path: Vec<String> = path.split('/').map(segment).collect();
    format!("{} {}{}", entry.request.method, entry.request.host.as_deref().unwrap_or_default(), path.join("/"))
}

struct Found(Vec<Drift>);

impl Found {
    fn push(&mut self, severity: Severity, at: String, change: Change) {
        self.0.push(Drift { severity, at, change });
    }

    fn other(&mut self, at: String, old: impl fmt::Display, new: impl fmt::Display) {
        self.push(Severity::Error, at, Change::Other { old: old.to_string(), new: new.to_string() });
    }

    fn entry(&mut self, index: usize, old: &DraftEntry, new: &DraftEntry) {
        let at = format!("entry {index}, request");
        let query = |entry: &DraftEntry| {
            let query = entry.request.target.split_once('?').map_or("", |(_, query)| query).to_owned();
            names(query.as_bytes())
        };
        self.names(&format!("{at} query"), &query(old), &query(new));
        let body = |entry: &DraftEntry| Body::of(entry.request.header("content-type"), &entry.request.body);
        self.body(&at, &body(old), &body(new));
        match (&old.answer, &new.answer) {
            (WireAnswer::Failure(before), WireAnswer::Failure(after)) => {
                if before != after {
                    self.other(format!("entry {index}"), format!("{before:?}"), format!("{after:?}"));
                }
            }
            (
                WireAnswer::Reply(before) | WireAnswer::Disturbed(before, _),
                WireAnswer::Reply(after) | WireAnswer::Disturbed(after, _),
            ) => self.reply(index, before, after),
            (WireAnswer::Failure(before), WireAnswer::Reply(after) | WireAnswer::Disturbed(after, _)) => {
                self.other(format!("entry {index}"), format!("{before:?}"), format!("status {}", after.status));
            }
            (WireAnswer::Reply(before) | WireAnswer::Disturbed(before, _), WireAnswer::Failure(after)) => {
                self.other(format!("entry {index}"), format!("status {}", before.status), format!("{after:?}"));
            }
        }
    }

    fn reply(&mut self, index: usize, old: &WireReply, new: &WireReply) {
        let at = format!("entry {index}, response");
        if old.status != new.status {
            self.other(format!("{at} status"), old.status, new.status);
        }
        let (before, after) = (headers(old), headers(new));
        self.names(
            &format!("{at} header"),
            &before.keys().cloned().collect::<BTreeSet<_>>(),
            &after.keys().cloned().collect::<BTreeSet<_>>(),
        );
        let typed = |headers: &BTreeMap<String, String>| headers.get("content-type").map(|value| essence(value));
        if let (Some(before), Some(after)) = (typed(&before), typed(&after))
            && before != after
        {
            self.other(format!("{at} header content-type"), Shown::of(&before), Shown::of(&after));
        }
        let body = |headers: &BTreeMap<String, String>, reply: &WireReply| {
            Body::of(headers.get("content-type").map(String::as_str), &reply.body)
        };
        self.body(&at, &body(&before, old), &body(&after, new));
    }

    fn body(&mut self, at: &str, old: &Body, new: &Body) {
        match (old, new) {
            (Body::Form(before), Body::Form(after)) => self.names(&format!("{at} form field"), before, after),
            (Body::Json(before), Body::Json(after)) => self.values(&format!("{at} body"), "", &[before], &[after]),
            (before, after) if before.kind() == after.kind() => {}
            (before, after) => self.other(format!("{at} body"), before.kind(), after.kind()),
        }
    }

    fn names(&mut self, at: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
        for name in old.difference(new) {
            self.push(Severity::Warning, format!("{at} `{}`", Shown::of(name)), Change::Removed);
        }
        for name in new.difference(old) {
            self.push(Severity::Info, format!("{at} `{}`", Shown::of(name)), Change::Added);
        }
    }

    /// Compares all values that stood at one place: the items of a list are of one shape.
    fn values(&mut self, at: &str, pointer: &str, old: &[&Value], new: &[&Value]) {
        let here = || if pointer.is_empty() { at.to_owned() } else { format!("{at} {}", Shown::message(pointer)) };
        let (before, after) = (types(old), types(new));
        let typed = |types: &BTreeSet<&'static str>| types.iter().copied().filter(|name| *name != NULL).collect();
        let (known, now): (BTreeSet<_>, BTreeSet<_>) = (typed(&before), typed(&after));
        let words = |types: &BTreeSet<&'static str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
        if !known.is_empty() && !now.is_empty() && known != now {
            self.other(here(), words(&before), words(&after));
        } else if known.is_empty() != now.is_empty() && !before.is_empty() && !after.is_empty() {
            // A plugin that reads it may not expect that it can be null; the other way there is more than before.
            let severity = if now.is_empty() { Severity::Warning } else { Severity::Info };
            self.push(severity, here(), Change::Other { old: words(&before), new: words(&after) });
        }
        let items = |values: &[&Value]| -> Vec<Value> {
            values.iter().filter_map(|value| value.as_array()).flatten().cloned().collect()
        };
        let (before, after) = (items(old), items(new));
        if !before.is_empty() && !after.is_empty() {
            let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            self.values(at, &format!("{pointer}/*"), &before, &after);
        }
        let (before, after) = (members(old), members(new));
        let objects = |values: &[&Value]| values.iter().any(|value| value.is_object());
        if !objects(old) || !objects(new) {
            return;
        }
        for (name, values) in &before {
            let pointer = format!("{pointer}/{name}");
            match after.get(name) {
                Some(others) => self.values(at, &pointer, values, others),
                None => self.push(Severity::Warning, format!("{at} {}", Shown::message(&pointer)), Change::Removed),
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            let pointer = format!("{pointer}/{name}");
            self.push(Severity::Info, format!("{at} {}", Shown::message(&pointer)), Change::Added);
        }
    }
}

/// A body, as far as its shape goes.
enum Body {
    Empty,
    Form(BTreeSet<String>),
    Json(Value),
    Other,
}

impl Body {
    fn of(content_type: Option<&str>, bytes: &[u8]) -> Self {
        let content_type = content_type.unwrap_or_default();
        if bytes.is_empty() {
            return Self::Empty;
        }
        if essence(content_type) == "application/x-www-form-urlencoded" {
            return Self::Form(names(bytes));
        }
        // The Authy-style service sends JSON under HTML types.
        let like_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        match serde_json::from_slice(bytes) {
            Ok(value) if is_json(content_type) || like_json => Self::Json(value),
            _ => Self::Other,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Form(_) => "a form",
            Self::Json(_) => "JSON",
            Self::Other => "neither form nor JSON",
        }
    }
}

fn names(encoded: &[u8]) -> BTreeSet<String> {
    form_urlencoded::parse(encoded).map(|(name, _)| name.into_owned()).collect()
}

fn headers(reply: &WireReply) -> BTreeMap<String, String> {
    let lower = reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    lower.filter(|(name, _)| !VOLATILE.contains(&name.as_str())).collect()
}

const NULL: &str = "null";

fn types(values: &[&Value]) -> BTreeSet<&'static str> {
    let name = |value: &&Value| match value {
        Value::Null => NULL,
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    values.iter().map(name).collect()
}

fn members<'v>(values: &[&'v Value]) -> BTreeMap<&'v str, Vec<&'v Value>> {
    let mut members: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (name, value) in values.iter().filter_map(|value| value.as_object()).flatten() {
        members.entry(name).or_default().push(value);
    }
    members
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::cassette::Scheme;
    use crate::wire::WireRequest;

    fn one(target: &str, form: &str, status: u16, headers: &[(&str, &str)], body: &str) -> DraftEntry {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = WireRequest {
            method: "POST".to_owned(),
            host: Some("x.example".to_owned()),
            target: target.to_owned(),
            headers: vec![own(&("Content-Type", "application/x-www-form-urlencoded"))],
            body: form.as_bytes().to_vec(),
        };
        let headers: Vec<_> = headers.iter().map(own).chain([own(&("Content-Type", "application/json"))]).collect();
        let reply = WireReply { status, headers: headers.into(), body: body.as_bytes().into() };
        DraftEntry::new(request, Scheme::Https, WireAnswer::Reply(reply), Timestamp::UNIX_EPOCH, Duration::ZERO)
    }

    #[track_caller]
    fn check(old: Vec<DraftEntry>, new: Vec<DraftEntry>, expected: &[&str]) {
        let draft = |entries| Draft { about: None, entries };
        let found: Vec<_> =
            drift(&draft(old), &draft(new)).iter().map(|drift| format!("{} {drift}", drift.severity)).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn bodies(old: &str, new: &str, expected: &[&str]) {
        check(vec![one("/", "", 200, &[], old)], vec![one("/", "", 200, &[], new)], expected);
    }

    #[test]
    fn values_ids_and_volatile_headers_do_not_count() {
        check(
            vec![one(
                "/VA0123456789abcdef0123456789abcdef/x?a=1",
                "To=1",
                200,
                &[("Date", "1"), ("ETag", "1")],
                "{\"a\": 1}",
            )],
            vec![one(
                "/VAfedcba9876543210fedcba9876543210/x?a=2",
                "To=2",
                200,
                &[("X-Cache", "1"), ("Via", "1")],
                "{\"a\": 2.5}",
            )],
            &[],
        );
    }

    #[test]
    fn statuses_headers_and_fields_count() {
        check(
            vec![one("/x?a=1", "To=1&Channel=sms", 200, &[("Retry-After", "1")], "{}")],
            vec![one("/x?b=1", "To=1&Locale=de", 201, &[("X-New", "1")], "{}")],
            &[
                "warn entry 0, request query `a`: removed",
                "info entry 0, request query `b`: added",
                "warn entry 0, request form field `Channel`: removed",
                "info entry 0, request form field `Locale`: added",
                "error entry 0, response status: was 200, is 201",
                "warn entry 0, response header `retry-after`: removed",
                "info entry 0, response header `x-new`: added",
            ],
        );
    }

    #[test]
    fn json_is_compared_member_by_member() {
        bodies(
            "{\"sid\": \"x\", \"gone\": 1, \"list\": [{\"a\": 1}, {\"b\": true}], \"n\": null, \"m\": \"x\"}",
            "{\"sid\": 5, \"new\": 1, \"list\": [{\"a\": \"1\", \"b\": false}], \"n\": \"x\", \"m\": null}",
            &[
                "warn entry 0, response body /gone: removed",
                "error entry 0, response body /list/*/a: was number, is text",
                "warn entry 0, response body /m: was text, is null",
                "info entry 0, response body /n: was null, is text",
                "error entry 0, response body /sid: was text, is number",
                "info entry 0, response body /new: added",
            ],
        );
        bodies("{\"a\": []}", "{\"a\": [1]}", &[]);
        bodies("{\"a\": {}}", "{\"a\": []}", &["error entry 0, response body /a: was object, is list"]);
        bodies("{}", "oops", &["error entry 0, response body: was JSON, is neither form nor JSON"]);
        bodies("{}", "", &["error entry 0, response body: was JSON, is empty"]);
    }

    #[test]
    fn entries_that_came_or_went_are_named() {
        check(
            vec![one("/a", "", 200, &[], "{}"), one("/b/123456", "", 200, &[], "{}")],
            vec![one("/b/654321", "", 200, &[], "{}"), one("/c", "", 200, &[], "{}")],
            &["warn entry 0 (POST x.example/a): removed", "info new entry 1 (POST x.example/c): added"],
        );
    }
}
