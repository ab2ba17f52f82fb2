//! Replies that the kit grows for a provider that nobody knows: usual bodies, changed until each operation goes as it
//! is to go.

use std::collections::BTreeMap;

use countersign_plugin::http::{Body, FieldValue, Request};
use countersign_plugin::{FailureKind, OperationName, Reply};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::super::life::Act;
use super::super::performed::{End, Performed};
use super::super::scenario::Got;
use super::guess::{Dialect, Growth, IdStyle, body};
use super::{Asked, Flavour, Replies};

/// How often one dialect is changed before the next is tried.
const CHANGES: usize = 40;

/// What was found for each operation.
#[derive(Clone, Default)]
pub(in super::super) struct Grown {
    found: BTreeMap<(OperationName, Flavour), (Dialect, Growth)>,
    /// That of the first operation that went well: a provider has one.
    usual: Option<Dialect>,
    issued: Vec<Issued>,
}

/// One that answers, from its beginning.
pub(in super::super) struct Fresh {
    found: BTreeMap<(OperationName, Flavour), (Dialect, Growth)>,
    issued: Vec<Issued>,
}

/// An id that was given out, as it was written and as it stands in an address.
#[derive(Clone)]
struct Issued {
    written: Value,
    text: String,
}

impl Grown {
    /// Looks for replies with which the operation goes as it is to go, and gives back the best attempt.
    pub(in super::super) fn grow(
        &mut self,
        act: Act,
        attempt: &mut dyn FnMut(&mut dyn Replies) -> Performed,
    ) -> Performed {
        let key = (act.name, act.flavour);
        let mut first = None;
        for dialect in self.usual.into_iter().chain(Dialect::all()) {
            let mut growth = Growth::default();
            for _ in 0..CHANGES {
                self.found.insert(key, (dialect, growth.clone()));
                let mut replies = Fresh { found: self.found.clone(), issued: self.issued.clone() };
                let performed = attempt(&mut replies);
                let asked_nothing = performed.exchanges.is_empty();
                if asked_nothing || goes(&performed, act.flavour) {
                    if !asked_nothing && act.name == OperationName::Start {
                        self.usual.get_or_insert(dialect);
                    }
                    self.issued = replies.issued;
                    return performed;
                }
                let learned = match &performed.end {
                    End::Failure(failure) if failure.kind == FailureKind::MalformedReply => {
                        growth.learn(&failure.operator)
                    }
                    _ => false,
                };
                first.get_or_insert((dialect, performed));
                if !learned {
                    break;
                }
            }
        }
        // Nothing helps: with the first one there is at least an answer to show.
        match first {
            Some((dialect, performed)) => {
                self.found.insert(key, (dialect, Growth::default()));
                performed
            }
            None => attempt(&mut self.fresh()),
        }
    }

    /// One that answers as was found.
    pub(in super::super) fn fresh(&self) -> Fresh {
        Fresh { found: self.found.clone(), issued: Vec::new() }
    }
}

/// Whether an operation went as it was to go.
fn goes(performed: &Performed, flavour: Flavour) -> bool {
    match (performed.name(), flavour) {
        (OperationName::Check | OperationName::ConfirmEnrollment | OperationName::Status, Flavour::Yes) => {
            performed.approves()
        }
        _ => performed.succeeded() && !performed.approves(),
    }
}

impl Replies for Fresh {
    fn reply(&mut self, asked: &Asked<'_>) -> Got {
        let what = (asked.name, asked.flavour);
        let (dialect, growth) = self.found.get(&what).cloned().unwrap_or_default();
        let id = self.id(asked.request, dialect.id);
        let body = body(echo(asked.request), &id, dialect, &growth, what);
        let status = if dialect.status == 0 { 200 } else { dialect.status };
        Ok(if status == 204 { Reply::new(204, "") } else { Reply::from_json(status, &body) })
    }

    fn arrived(&self) -> Option<String> {
        None
    }
}

impl Fresh {
    /// The id that the request is about, or a new one.
    fn id(&mut self, request: &Request, style: IdStyle) -> Value {
        let text = described(request);
        if let Some(known) = self.issued.iter().rev().find(|issued| text.contains(&issued.text)) {
            return known.written.clone();
        }
        let number = 1_000_001 + self.issued.len();
        let written = match style {
            IdStyle::Word => json!(format!("k1f6a{number:010}")),
            IdStyle::Digits => json!(number.to_string()),
            IdStyle::Number => json!(number),
            IdStyle::Uuid => json!(format!("6b1d0c1e-0000-4000-8000-{number:012}")),
        };
        let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
        self.issued.push(Issued { written: written.clone(), text });
        written
    }
}

/// Everything in a request that may name something.
fn described(request: &Request) -> String {
    let mut text = percent_decode_str(&request.url).decode_utf8_lossy().into_owned();
    match &request.body {
        Some(Body::Form(fields)) => {
            for (_, value) in fields {
                if let FieldValue::Text(value) = value {
                    text.push('\n');
                    text.push_str(value);
                }
            }
        }
        Some(Body::Json(value)) => {
            text.push('\n');
            text.push_str(&value.to_string());
        }
        None => {}
    }
    text
}

/// What providers repeat of a request.
fn echo(request: &Request) -> Map<String, Value> {
    let fields: Vec<(String, Value)> = match &request.body {
        Some(Body::Form(fields)) => fields
            .iter()
            .filter_map(|(name, value)| match value {
                FieldValue::Text(text) => Some((name.clone(), json!(text))),
                FieldValue::Secret(_) => None,
            })
            .collect(),
        Some(Body::Json(Value::Object(members))) => {
            members.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        }
        Some(Body::Json(_)) | None => Vec::new(),
    };
    let lower = fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect::<Vec<_>>();
    lower.into_iter().chain(fields).collect()
}
