//! `POST faults` puts a fault before the emulator's next answers, `GET faults` shows those that are still to come.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::Objection;
use crate::emulate::emulator::Emulator;
use crate::fault::{Chosen, Place, fault};
use crate::wire::WireReply;

/// Faults that may wait at once.
const MOST: usize = 1000;
/// Requests that one of them may be for.
const MOST_TIMES: u64 = 1_000_000;
/// What the body of a request may have.
const MEMBERS: [&str; 5] = ["fault", "times", "path", "params", "seed"];

/// Faults that wait for requests, the oldest first.
#[derive(Default)]
pub(in crate::emulate) struct Armed {
    waiting: VecDeque<Waiting>,
    /// How many were ever put there: their names.
    named: u64,
    /// How many requests met one: where in an answer a fault falls depends on it.
    met: u64,
}

struct Waiting {
    name: u64,
    chosen: Chosen,
    times: u64,
    path: Option<String>,
    seed: u64,
}

/// A fault that a request is to meet.
pub(in crate::emulate) struct Hit {
    pub(in crate::emulate) chosen: Chosen,
    /// Seed and number of the exchange.
    pub(in crate::emulate) draw: (u64, u64),
    waiting: Waiting,
}

impl Armed {
    /// The fault for a request to that path, if one waits for it. It waits for one request less from then on.
    pub(in crate::emulate) fn next(&mut self, path: &str) -> Option<Hit> {
        let is_for = |waiting: &Waiting| waiting.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()));
        let at = self.waiting.iter().position(is_for)?;
        let waiting = self.waiting.get_mut(at)?;
        waiting.times -= 1;
        let one = Waiting { chosen: waiting.chosen.clone(), path: waiting.path.clone(), times: 1, ..*waiting };
        if waiting.times == 0 {
            self.waiting.remove(at);
        }
        let draw = (one.seed, self.met);
        self.met += 1;
        Some(Hit { chosen: one.chosen.clone(), draw, waiting: one })
    }

    /// The answer had nothing that could be wrong in that way: the fault waits for another one.
    pub(in crate::emulate) fn put_back(&mut self, hit: &Hit) {
        let Waiting { name, chosen, path, seed, .. } = &hit.waiting;
        match self.waiting.iter_mut().find(|waiting| waiting.name == *name) {
            Some(waiting) => waiting.times += 1,
            None => {
                let one = Waiting { name: *name, chosen: chosen.clone(), times: 1, path: path.clone(), seed: *seed };
                let at = self.waiting.iter().position(|waiting| waiting.name > *name);
                self.waiting.insert(at.unwrap_or(self.waiting.len()), one);
            }
        }
    }

    pub(super) fn shown(&self) -> WireReply {
        let one = |waiting: &Waiting| {
            let params: Map<String, Value> =
                waiting.chosen.values().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let Waiting { times, path, seed, .. } = waiting;
            let id = waiting.chosen.fault().id;
            json!({"fault": id, "times": times, "path": path, "params": params, "seed": seed})
        };
        WireReply::json(200, &self.waiting.iter().map(one).collect())
    }
}

/// `{"fault": …, "times": …, "path": …, "params": {…}, "seed": …}`.
pub(super) fn arm(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    if let Some(other) = body.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let name: String = other.chars().take(64).flat_map(char::escape_default).collect();
        let error = format!("`{name}` is nothing that a fault has; it has {}", MEMBERS.join(", "));
        return Err(Objection { status: 400, field: None, error });
    }
    let waiting = Waiting {
        name: 0,
        chosen: chosen(body)?,
        times: number(body, "times", 1, (1, MOST_TIMES))?,
        path: path(body)?,
        seed: number(body, "seed", 0, (0, u64::MAX))?,
    };
    emulator.armed(|armed| {
        if armed.waiting.len() >= MOST {
            let error = format!("{MOST} faults wait already; use them up, or reset the emulator");
            return Err(Objection { status: 400, field: None, error });
        }
        armed.named += 1;
        armed.waiting.push_back(Waiting { name: armed.named, ..waiting });
        Ok(())
    })
}

fn chosen(body: &Map<String, Value>) -> Result<Chosen, Objection> {
    let id = body.get("fault").and_then(Value::as_str);
    let id = id.ok_or_else(|| Objection::field("fault", "must be the id of a fault, such as http-503"))?;
    let objection = |error: String| Objection { status: 400, field: Some("fault"), error };
    let fault = fault(id).map_err(|error| objection(error.to_string()))?;
    if fault.place == Place::Connection {
        return Err(objection(format!(
            "fault `{id}` comes before any request, when a connection is made; start the emulator with --tls-fault {id}"
        )));
    }
    let mut chosen = Chosen::new(fault);
    let params = match body.get("params") {
        None | Some(Value::Null) => return Ok(chosen),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(Objection::field("params", "must be an object of whole numbers")),
    };
    for (name, value) in params {
        let value = value.as_u64().ok_or_else(|| Objection::field("params", "must be an object of whole numbers"))?;
        chosen = chosen.with(name, value).map_err(|error| Objection {
            status: 400,
            field: Some("params"),
            error: error.to_string(),
        })?;
    }
    Ok(chosen)
}

fn path(body: &Map<String, Value>) -> Result<Option<String>, Objection> {
    match body.get("path") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(path)) if path.starts_with('/') && path.len() <= 1024 => Ok(Some(path.clone())),
        Some(_) => Err(Objection::field("path", "must be the beginning of a path, such as /v2/")),
    }
}

fn number(
    body: &Map<String, Value>,
    field: &'static str,
    default: u64,
    (least, most): (u64, u64),
) -> Result<u64, Objection> {
    let given = match body.get(field) {
        None | Some(Value::Null) => return Ok(default),
        Some(value) => value.as_u64().filter(|number| (least..=most).contains(number)),
    };
    given.ok_or_else(|| Objection::field(field, &format!("must be a whole number from {least} to {most}")))
}
