//! The harness's emulator as whoever answers, for plugins whose declared hosts it knows.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign::secrets::Secret;
use countersign_plugin::Reply;
use countersign_plugin::http::{Auth, Body, FieldValue, Request, TransportFailure, TransportFailureKind};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::super::inputs::{NOW, SECRET};
use super::super::scenario::Got;
use super::super::subject::Subject;
use super::{Asked, Replies};
use crate::emulate::{Emulator, EmulatorOptions, KeyPower, VirtualClock};
use crate::wire::{Responder as _, WireAnswer, WireRequest};

/// The hosts for which the emulator answers.
const HOSTS: [&str; 3] = ["verify.twilio.com", "api.twilio.com", "api.authy.com"];

/// What an emulator is made of that has whatever the settings name.
pub(in super::super) struct Emulated(EmulatorOptions);

/// One emulator, at its beginning.
pub(in super::super) struct Fresh(Emulator);

impl Emulated {
    /// None where the subject talks to anybody else, or the settings name what no emulator has.
    pub(in super::super) fn of(subject: &Subject, seed: u64) -> Option<Self> {
        let known = |host: &String| HOSTS.contains(&host.as_str());
        if subject.hosts.is_empty() || !subject.hosts.iter().all(known) {
            return None;
        }
        let plain: Vec<&str> = subject.settings.as_object()?.values().filter_map(Value::as_str).collect();
        let named = |prefix: &str| -> Vec<String> {
            plain.iter().filter(|text| is_sid(text, prefix)).map(|text| (*text).to_owned()).collect()
        };
        let now = jiff::Timestamp::from_millisecond(i64::try_from(NOW.as_millis()).ok()?).ok()?;
        let options = EmulatorOptions {
            accounts: named("AC").into_iter().map(|sid| (sid, Secret::new(SECRET))).collect(),
            api_keys: named("SK").into_iter().map(|sid| (sid, Secret::new(SECRET), KeyPower::Standard)).collect(),
            services: named("VA"),
            from: plain.iter().filter(|text| text.starts_with('+')).map(|text| (*text).to_owned()).collect(),
            authy_keys: vec![Secret::new(SECRET)],
            seed: Some(seed),
            clock: Some(Arc::new(VirtualClock::standing(now))),
            ..EmulatorOptions::default()
        };
        Emulator::new(options.clone()).ok().map(|_| Self(options))
    }

    /// One at its beginning.
    pub(in super::super) fn fresh(&self) -> Fresh {
        // It was made of the same options before.
        #[allow(clippy::expect_used, reason = "`of` has made one of the same options, which have a seed")]
        let emulator = Emulator::new(self.0.clone()).expect("was made before");
        Fresh(emulator)
    }
}

impl Replies for Fresh {
    fn reply(&mut self, asked: &Asked<'_>) -> Got {
        let failure = |kind, detail: &str| TransportFailure::new(kind, detail);
        let Some(request) = wire(asked.request) else {
            return Err(failure(TransportFailureKind::Refused, "the kit cannot read this address"));
        };
        match self.0.respond(&request) {
            // Nobody asked the emulator to disturb anything.
            WireAnswer::Reply(reply) | WireAnswer::Disturbed(reply, _) => {
                Ok(Reply::new(reply.status, reply.body.to_vec()).with_headers(reply.headers.iter().cloned()))
            }
            WireAnswer::Failure(kind) => Err(failure(kind, "the emulator gives no answer here")),
        }
    }

    fn arrived(&self) -> Option<String> {
        self.0.inbox().into_iter().rev().find_map(|arrival| arrival.code)
    }
}

/// The request as a client would send it, secrets inserted.
fn wire(request: &Request) -> Option<WireRequest> {
    let url = Url::parse(&request.url).ok()?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    match &request.auth {
        Some(Auth::Basic { user, password }) => {
            let pair = format!("{}:{}", text(user), text(password));
            headers.push(("Authorization".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(pair))));
        }
        Some(Auth::Bearer { token }) => headers.push(("Authorization".to_owned(), format!("Bearer {}", text(token)))),
        None => {}
    }
    let (kind, body) = match &request.body {
        Some(Body::Form(fields)) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &text(value));
            }
            (Some("application/x-www-form-urlencoded"), form.finish().into_bytes())
        }
        Some(Body::Json(value)) => (Some("application/json"), value.to_string().into_bytes()),
        None => (None, Vec::new()),
    };
    headers.extend(kind.map(|kind| ("Content-Type".to_owned(), kind.to_owned())));
    let host = url.host_str().filter(|host| HOSTS.contains(host)).map(str::to_owned);
    Some(WireRequest { method: request.method.as_str().to_owned(), host, target, headers, body })
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Secret(_) => SECRET.to_owned(),
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
