//! The emulator from outside: requests in, answers and arrivals out, on a clock of the test's own.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign::secrets::Secret;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{Emulator, EmulatorOptions, KeyPower, PhoneKind, VirtualClock};
use crate::wire::{Responder, WireAnswer, WireReply, WireRequest};

mod access;
mod approvals;
mod authy;
mod authy_history;
mod bad_input;
mod callbacks;
mod control;
mod faults;
mod messages;
mod totp;
mod verify;
mod verify_history;
mod voice;
mod witness;

pub(super) const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const TEST_ACCOUNT: &str = "ACdddddddddddddddddddddddddddddddd";
pub(super) const STANDARD_KEY: &str = "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const MAIN_KEY: &str = "SKbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(super) const TOKEN: &str = "emulator-test-token";
pub(super) const SERVICE: &str = "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const FROM: &str = "+15005550009";
pub(super) const TO: &str = "+15005550006";
pub(super) const KEY: &str = "emulator-test-key";

/// An emulator and its clock, which stands at a fixed moment.
pub(super) struct Rig {
    pub(super) emulator: Emulator,
    pub(super) clock: Arc<VirtualClock>,
}

/// Status, body as JSON (null where there is none), and headers.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) headers: Vec<(String, String)>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with_seed(1)
    }

    pub(super) fn with_seed(seed: u64) -> Self {
        let clock = Arc::new(VirtualClock::standing("2015-07-30T20:00:00Z".parse().expect("a time")));
        let options = EmulatorOptions {
            accounts: vec![(ACCOUNT.to_owned(), Secret::new(TOKEN))],
            test_accounts: vec![(TEST_ACCOUNT.to_owned(), Secret::new(TOKEN))],
            api_keys: vec![
                (STANDARD_KEY.to_owned(), Secret::new(TOKEN), KeyPower::Standard),
                (MAIN_KEY.to_owned(), Secret::new(TOKEN), KeyPower::Main),
            ],
            services: vec![SERVICE.to_owned()],
            from: vec![FROM.to_owned()],
            authy_keys: vec![Secret::new(KEY)],
            seed: Some(seed),
            clock: Some(Arc::clone(&clock)),
        };
        Self { emulator: Emulator::new(options).expect("good options"), clock }
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds)).expect("not that far");
    }

    pub(super) fn mark(&self, to: &str, kind: PhoneKind) {
        self.emulator.mark_phone(to, kind).expect("a number");
    }

    pub(super) fn get(&self, path: &str) -> Got {
        self.send(&request("GET", path, &[]))
    }

    pub(super) fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.send(&request("POST", path, form))
    }

    pub(super) fn delete(&self, path: &str) -> Got {
        self.send(&request("DELETE", path, &[]))
    }

    /// Below the service.
    pub(super) fn service(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.post(&format!("/v2/Services/{SERVICE}/{path}"), form)
    }

    pub(super) fn start(&self, to: &str, channel: &str) -> Got {
        self.service("Verifications", &[("To", to), ("Channel", channel)])
    }

    pub(super) fn check(&self, to: &str, code: &str) -> Got {
        self.service("VerificationCheck", &[("To", to), ("Code", code)])
    }

    /// The code that arrived last.
    pub(super) fn code(&self) -> String {
        let arrivals = self.emulator.inbox();
        arrivals.last().and_then(|last| last.code.clone()).expect("a code arrived")
    }

    /// A control request with a JSON body.
    pub(super) fn control(&self, action: &str, body: &Value) -> Got {
        let mut request = request("POST", &format!("/_countersign/{action}"), &[]);
        request.host = None;
        request.body = body.to_string().into_bytes();
        self.send(&request)
    }

    pub(super) fn send(&self, request: &WireRequest) -> Got {
        got(self.emulator.respond(request))
    }
}

impl Got {
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Status and `code` of a refusal.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: u32) {
        assert_eq!((self.status, &self.body["code"]), (status, &Value::from(code)), "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A request as a client of that service sends it, credentials and all.
pub(super) fn request(method: &str, path: &str, form: &[(&str, &str)]) -> WireRequest {
    as_user(ACCOUNT, method, path, form)
}

/// The same as somebody else, with the same password.
pub(super) fn as_user(user: &str, method: &str, path: &str, form: &[(&str, &str)]) -> WireRequest {
    let host = match path.split('/').nth(1) {
        Some("v2") if path.starts_with("/v2/PhoneNumbers") => Some("lookups.twilio.com"),
        Some("v2") => Some("verify.twilio.com"),
        Some("2010-04-01") => Some("api.twilio.com"),
        Some("protected" | "onetouch") => Some("api.authy.com"),
        _ => None,
    };
    let basic = BASE64_STANDARD.encode(format!("{user}:{TOKEN}"));
    WireRequest {
        method: method.to_owned(),
        host: host.map(str::to_owned),
        target: path.to_owned(),
        headers: vec![
            ("Authorization".to_owned(), format!("Basic {basic}")),
            ("X-Authy-API-Key".to_owned(), KEY.to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ],
        body: Serializer::new(String::new()).extend_pairs(form).finish().into_bytes(),
    }
}

pub(super) fn got(answer: WireAnswer) -> Got {
    let WireAnswer::Reply(WireReply { status, headers, body }) = answer else {
        panic!("the emulator never leaves a request without an answer");
    };
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
    Got { status, body, headers: headers.to_vec() }
}
