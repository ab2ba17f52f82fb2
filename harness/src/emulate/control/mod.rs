//! `/_countersign/`: a person or a test looks at the emulator, and intervenes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::emulator::Emulator;
use super::phones::PhoneKind;
use super::request::Asked;
use super::verify::Channel;
use crate::wire::{WireAnswer, WireReply};

/// The page that looks like the phones. It holds no data: it fetches the inbox, and puts what it gets in as text.
const PHONES: &str = include_str!("phones.html");
/// The page may run its own script and style, and fetch from where it came; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A control request that cannot be carried out.
struct Objection {
    status: u16,
    /// The field of the body that is wrong.
    field: Option<&'static str>,
    error: String,
}

type Outcome = Result<WireReply, Objection>;

pub(super) fn respond(emulator: &Emulator, asked: &Asked<'_>) -> WireAnswer {
    let outcome = match (asked.method, asked.segments().as_slice()) {
        ("GET", ["_countersign", "inbox"]) => Ok(inbox(emulator)),
        ("GET", ["_countersign", "phones"]) => Ok(page()),
        ("POST", ["_countersign", action]) => foreign(asked).and_then(|()| act(emulator, asked, action)),
        (_, ["_countersign", "inbox" | "phones" | "clock" | "reset" | "channels"]) => {
            Err(Objection { status: 405, field: None, error: format!("{} does not take {}", asked.path, asked.method) })
        }
        _ => Err(unknown(asked)),
    };
    WireAnswer::Reply(outcome.unwrap_or_else(|objection| objection.reply()))
}

/// For a request that is for none of the services.
pub(super) fn nobody() -> WireAnswer {
    let error = "no service is here; they are at /v2/, /2010-04-01/ and /protected/json/, and the phones are at \
                 /_countersign/phones";
    let objection = Objection { status: 404, field: None, error: error.to_owned() };
    WireAnswer::Reply(objection.reply())
}

fn act(emulator: &Emulator, asked: &Asked<'_>, action: &str) -> Outcome {
    match action {
        "reset" => emulator.reset(),
        "clock" => advance(emulator, &object(asked)?)?,
        "phones" => mark(emulator, &object(asked)?)?,
        "channels" => switch(emulator, &object(asked)?)?,
        _ => return Err(unknown(asked)),
    }
    let now = super::reply::iso(emulator.clock().now());
    Ok(WireReply::json(200, &json!({"now": now})))
}

/// Oldest first. How many older ones there were is in a header, since the body is the list and nothing else.
fn inbox(emulator: &Emulator) -> WireReply {
    emulator.stage(|stage| {
        let arrivals: Vec<Value> = stage.inbox.iter().map(super::inbox::Arrival::json).collect();
        let headers = [
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Cache-Control".to_owned(), "no-store".to_owned()),
            ("Countersign-Dropped".to_owned(), stage.inbox.dropped().to_string()),
        ];
        let body = Value::from(arrivals).to_string().into_bytes();
        WireReply { status: 200, headers: headers.into(), body: body.into() }
    })
}

fn page() -> WireReply {
    let headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    WireReply { status: 200, headers: headers.into(), body: PHONES.as_bytes().into() }
}

/// `{"advance_seconds": n}`.
fn advance(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    let field = "advance_seconds";
    let error = || Objection::field(field, "must be a whole number of seconds, 0 or more");
    let seconds = body.get(field).and_then(Value::as_u64).ok_or_else(error)?;
    let advanced = emulator.clock().advance(Duration::from_secs(seconds));
    advanced.map(|_| ()).map_err(|error| Objection::field(field, &format!("is too much: {error}")))
}

/// `{"to": …, "kind": …}`.
fn mark(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    let error = || Objection::field("to", "must be a phone number in E.164 form, such as +15005550006");
    let to = body.get("to").and_then(Value::as_str).ok_or_else(error)?;
    let kind = body.get("kind").and_then(Value::as_str).and_then(PhoneKind::named).ok_or_else(|| {
        let names: Vec<_> = PhoneKind::NAMED.iter().map(|(_, name)| *name).collect();
        Objection::field("kind", &format!("must be one of {}", names.join(", ")))
    })?;
    emulator.mark_phone(to, kind).map_err(|error| Objection {
        status: 400,
        field: Some("to"),
        error: error.to_string(),
    })
}

/// `{"channel": …, "enabled": …, "service": …}`; without a service, of all of them.
fn switch(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    let error = || Objection::field("channel", "must be one of sms, call, email, whatsapp, sna");
    let channel = body.get("channel").and_then(Value::as_str).and_then(Channel::named).ok_or_else(error)?;
    let error = || Objection::field("enabled", "must be true or false");
    let enabled = body.get("enabled").and_then(Value::as_bool).ok_or_else(error)?;
    let service = match body.get("service") {
        None | Some(Value::Null) => None,
        Some(Value::String(sid)) => Some(sid.as_str()),
        Some(_) => return Err(Objection::field("service", "must be the SID of a Verify service")),
    };
    match emulator.verify(|verify| verify.switch(service, channel, enabled)) {
        true => Ok(()),
        false => Err(Objection::field("service", "must be the SID of a Verify service; this one is unknown")),
    }
}

fn object(asked: &Asked<'_>) -> Result<Map<String, Value>, Objection> {
    match asked.json() {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(Objection { status: 400, field: None, error: "the body must be a JSON object".to_owned() }),
    }
}

/// Pages of other sites must not move the clock. Programs send no `Origin`.
fn foreign(asked: &Asked<'_>) -> Result<(), Objection> {
    let Some(origin) = asked.header("origin") else {
        return Ok(());
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    match host.is_some() && host == asked.header("host") {
        true => Ok(()),
        false => {
            let error = "pages of another origin may not control the emulator".to_owned();
            Err(Objection { status: 403, field: None, error })
        }
    }
}

fn unknown(asked: &Asked<'_>) -> Objection {
    let known = "GET inbox, GET phones, POST phones, POST clock, POST channels, POST reset";
    let path: String = asked.path.chars().take(100).collect();
    Objection { status: 404, field: None, error: format!("{} {path} is no control; there are {known}", asked.method) }
}

impl Objection {
    fn field(field: &'static str, what: &str) -> Self {
        Self { status: 400, field: Some(field), error: format!("{field} {what}") }
    }

    fn reply(&self) -> WireReply {
        WireReply::json(self.status, &json!({"error": self.error, "field": self.field}))
    }
}
