//! `/_countersign/`: a person or a test looks at the emulator, and intervenes.

pub(super) mod faults;

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::access::Status as AccountStatus;
use super::emulator::Emulator;
use super::phones::PhoneKind;
use super::request::Asked;
use super::verify::Channel;
use crate::wire::{WireAnswer, WireReply};

/// The page that looks like the phones. It holds no data: it fetches the inbox, and puts what it gets in as text.
const PHONES: &str = include_str!("phones.html");
/// The page may run its own script and have its own style, by their digests, and fetch from where it came; nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest_of = |element: &str| {
        let (_, rest) = PHONES.split_once(&format!("<{element}>")).unwrap_or_default();
        let (own, _) = rest.split_once(&format!("</{element}>")).unwrap_or_default();
        BASE64_STANDARD.encode(digest(&SHA256, own.as_bytes()))
    };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        digest_of("script"),
        digest_of("style")
    )
});

/// What came of an intervention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Intervened {
    /// It is so from now on.
    Done,
    /// There is nothing of that id.
    Unknown,
    /// It is too late: what it was about has ended.
    Over,
}

/// A control request that cannot be carried out.
struct Objection {
    status: u16,
    /// The field of the body that is wrong.
    field: Option<&'static str>,
    error: String,
}

type Outcome = Result<WireReply, Objection>;

/// What there is, and by which methods.
const CONTROLS: [(&str, &[&str]); 9] = [
    ("inbox", &["GET"]),
    ("phones", &["GET", "POST"]),
    ("callbacks", &["GET"]),
    ("clock", &["POST"]),
    ("channels", &["POST"]),
    ("account", &["POST"]),
    ("approvals", &["POST"]),
    ("faults", &["GET", "POST"]),
    ("reset", &["POST"]),
];

/// Answers a control request; `host` is whom it means where that is not the carrier's own address.
pub(super) fn respond(emulator: &Emulator, asked: &Asked<'_>, host: Option<&str>) -> WireAnswer {
    let outcome = own(host).and_then(|()| control(asked)).and_then(|control| match (asked.method, control) {
        ("GET", "inbox") => Ok(inbox(emulator)),
        ("GET", "phones") => Ok(page()),
        ("GET", "faults") => Ok(emulator.armed(|armed| armed.shown())),
        ("GET", "callbacks") => Ok(WireReply::json(200, &emulator.stage(|stage| stage.callbacks.json()))),
        _ => foreign(asked).and_then(|()| act(emulator, asked, control)),
    });
    WireAnswer::Reply(outcome.unwrap_or_else(|objection| objection.reply()))
}

/// A name that leads here is not enough: a page of another site can let its own name lead to this machine (DNS
/// rebinding), and would be of the same origin then.
fn own(host: Option<&str>) -> Result<(), Objection> {
    let Some(host) = host else { return Ok(()) };
    let host: String = host.chars().take(100).collect();
    let error = format!("the controls are at the address that the emulator listens on, or at localhost, not at {host}");
    Err(Objection { status: 403, field: None, error })
}

/// The control asked for, if it takes this method.
fn control(asked: &Asked<'_>) -> Result<&'static str, Objection> {
    let segments = asked.segments();
    let ["_countersign", name] = segments.as_slice() else {
        return Err(unknown(asked));
    };
    let (control, methods) = CONTROLS.iter().find(|(control, _)| control == name).ok_or_else(|| unknown(asked))?;
    match methods.contains(&asked.method) {
        true => Ok(control),
        false => {
            let error = format!("{control} takes {}, not {}", methods.join(" and "), asked.method);
            Err(Objection { status: 405, field: None, error })
        }
    }
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
        "account" => account(emulator, &object(asked)?)?,
        "approvals" => approve(emulator, &object(asked)?)?,
        "faults" => faults::arm(emulator, &object(asked)?)?,
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
            ("Countersign-Now".to_owned(), super::reply::iso(emulator.clock().now())),
        ];
        let body = Value::from(arrivals).to_string().into_bytes();
        WireReply { status: 200, headers: headers.into(), body: body.into() }
    })
}

fn page() -> WireReply {
    let headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", POLICY.as_str()),
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
    let service = text(body, "service")?;
    match emulator.verify(|verify| verify.switch(service, channel, enabled)) {
        Intervened::Done => Ok(()),
        Intervened::Unknown | Intervened::Over => {
            Err(Objection::field("service", "must be the SID of a Verify service; this one is unknown"))
        }
    }
}

/// `{"sid": …, "type": …, "status": …}`; without a SID, the first account.
fn account(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    let first = || emulator.accounts().next().map(|(sid, _)| sid.to_owned()).unwrap_or_default();
    let sid = text(body, "sid")?.map_or_else(first, str::to_owned);
    let trial = match text(body, "type")? {
        None => None,
        Some("trial") => Some(true),
        Some("full") => Some(false),
        Some(_) => return Err(Objection::field("type", "must be trial or full")),
    };
    let error = || Objection::field("status", "must be active, suspended or closed");
    let status = text(body, "status")?.map(|name| AccountStatus::named(name).ok_or_else(error)).transpose()?;
    if trial.is_none() && status.is_none() {
        return Err(Objection::field("type", "or status must be there: nothing would change"));
    }
    match emulator.mark_account(&sid, trial, status) {
        Intervened::Done => Ok(()),
        Intervened::Unknown | Intervened::Over => {
            Err(Objection::field("sid", "must be the SID of an account; this one is unknown"))
        }
    }
}

/// `{"uuid": …, "status": …}`.
fn approve(emulator: &Emulator, body: &Map<String, Value>) -> Result<(), Objection> {
    let error = || Objection::field("uuid", "must be that of an approval request; the inbox has it as approval");
    let uuid = text(body, "uuid")?.ok_or_else(error)?;
    let approved = match text(body, "status")? {
        Some("approved") => true,
        Some("denied") => false,
        _ => return Err(Objection::field("status", "must be approved or denied")),
    };
    match emulator.say_to_approval(uuid, approved) {
        Intervened::Done => Ok(()),
        Intervened::Unknown => Err(error()),
        Intervened::Over => {
            let error = "the approval request is over: it was answered before, or it expired".to_owned();
            Err(Objection { status: 409, field: Some("uuid"), error })
        }
    }
}

/// A member that is text, or not there.
fn text<'a>(body: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Objection> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Objection::field(name, "must be text")),
    }
}

fn object(asked: &Asked<'_>) -> Result<Map<String, Value>, Objection> {
    let error = match serde_json::from_slice(asked.body()) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => "the body must be a JSON object".to_owned(),
        Err(error) => format!("the body must be a JSON object; it is no JSON: {error}"),
    };
    Err(Objection { status: 400, field: None, error })
}

/// Pages of other sites must not move the clock. Programs send no `Origin`.
fn foreign(asked: &Asked<'_>) -> Result<(), Objection> {
    let Some(origin) = asked.header("origin") else {
        return Ok(());
    };
    // Ours is plain http, unless a page in front of us ends TLS.
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match host.is_some() && host == asked.header("host") {
        true => Ok(()),
        false => {
            let error = "pages of another origin may not control the emulator".to_owned();
            Err(Objection { status: 403, field: None, error })
        }
    }
}

fn unknown(asked: &Asked<'_>) -> Objection {
    let every = CONTROLS.iter().flat_map(|(control, methods)| methods.iter().map(move |method| (method, control)));
    let known: Vec<String> = every.map(|(method, control)| format!("{method} {control}")).collect();
    let known = known.join(", ");
    let path: String = asked.path.chars().take(100).collect();
    Objection { status: 404, field: None, error: format!("{} {path} is no control; there are: {known}", asked.method) }
}

impl Objection {
    fn field(field: &'static str, what: &str) -> Self {
        Self { status: 400, field: Some(field), error: format!("{field} {what}") }
    }

    fn reply(&self) -> WireReply {
        WireReply::json(self.status, &json!({"error": self.error, "field": self.field}))
    }
}
