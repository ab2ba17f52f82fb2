//! A thousand exchanges with one provider: as a cassette, as what a plugin asks for, and as bytes on the wire.
//!
//! Four kinds, as they come in a login: start, the wrong code, the right one, and the status of each. Each has
//! identifiers and a body of its own, so that an answer tells which entry gave it; all heads and lengths are equal.

use std::path::Path;
use std::time::Duration;

use countersign::secrets::{Secret, Secrets};
use countersign::transport::Outgoing;
use countersign_harness::cassette::{Cassette, ReadError, parse};
use countersign_plugin::http::{Endpoint, Request};
use countersign_plugin::{Effect, SecretRef};
use serde_json::{Value, json};
use url::Url;

/// How many entries the cassette has.
pub const ENTRIES: usize = 1_000;
/// The status of every reply.
pub const STATUS: u16 = 200;
/// The one header field of every reply.
pub const CONTENT_TYPE: (&str, &str) = ("Content-Type", "application/json");

/// The length of every body: that of a verification as Twilio writes it.
const BODY_BYTES: usize = 720;
const HOST: &str = "verify.example.com";
const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SERVICE: &str = "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const RIGHT_CODE: &str = "123456";
const WRONG_CODE: &str = "654321";
/// User and password of [`ACCOUNT`] in Base64 (RFC 7617).
const BASIC: &str = "Basic QUNhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTpzZWNyZXQ=";

/// One of the thousand.
#[derive(Debug)]
pub struct Exchange {
    request: Request,
    url: Url,
    form: Vec<(&'static str, String)>,
    /// The body of the recorded reply.
    pub body: String,
    note: Value,
}

/// The thousand exchanges, in the order of their entries.
pub fn all() -> Vec<Exchange> {
    (0..ENTRIES).map(Exchange::numbered).collect()
}

/// The cassette that holds these exchanges, each as often as it is asked for.
///
/// # Errors
/// What the reader of cassettes says.
pub fn cassette(exchanges: &[Exchange]) -> Result<Cassette, ReadError> {
    let entries: Vec<Value> = exchanges.iter().map(Exchange::entry).collect();
    let har = json!({"log": {
        "version": "1.2",
        "creator": {"name": "countersign-benches", "version": "1"},
        "entries": entries,
        "_countersign": {
            "version": "1.0",
            "provenance": {"kind": "synthetic", "source": "a bench"},
            "provider": "bench",
            "title": "a thousand exchanges",
            "variables": {"code": RIGHT_CODE},
        },
    }});
    parse(Path::new("thousand.har"), har.to_string().as_bytes())
}

/// The secrets that the requests refer to.
pub fn secrets() -> Secrets {
    [("auth_token".to_owned(), Secret::new("secret"))].into_iter().collect()
}

/// Positions of entries in an order in which no two neighbours stand together; each once in [`ENTRIES`].
pub fn positions() -> impl Iterator<Item = usize> {
    // A prime that does not divide the number of entries visits all of them.
    (0..).map(|step: usize| step * 389 % ENTRIES)
}

impl Exchange {
    fn numbered(number: usize) -> Self {
        let sid = format!("VE{number:032x}");
        let service = Endpoint::new(&format!("https://{HOST}")).path(["v2", "Services", SERVICE]);
        let code = |code: &str| vec![("VerificationSid", sid.clone()), ("Code", code.to_owned())];
        let guarded = |guard: &str| {
            json!({
                "repeat": "any",
                "bind": {"code": {"in": "form", "name": "Code"}},
                "require": {"code": guard},
            })
        };
        let (endpoint, form, note) = match number % 4 {
            0 => {
                let to = format!("+1500555{number:04}");
                let message = json!({"to": to, "channel": "sms", "text": format!("Your code is {RIGHT_CODE}")});
                let form = vec![("To", to), ("Channel", "sms".to_owned())];
                (service.path(["Verifications"]), form, json!({"repeat": "any", "sent": message}))
            }
            1 => (service.path(["VerificationCheck"]), code(WRONG_CODE), guarded("other")),
            2 => (service.path(["VerificationCheck"]), code(RIGHT_CODE), guarded("same")),
            _ => (service.path(["Verifications", &sid]), Vec::new(), json!({"repeat": "any"})),
        };
        let token = SecretRef::named("auth_token");
        let request = if form.is_empty() {
            Request::get(endpoint)
        } else {
            Request::post(endpoint).effect(Effect::Act).form(form.iter().map(|(name, value)| (*name, value)))
        };
        let request = request.basic_auth(ACCOUNT, &token);
        let mut body = json!({"sid": sid, "service_sid": SERVICE, "account_sid": ACCOUNT, "channel": "sms"});
        body["filler"] = "".into();
        let rest = BODY_BYTES - body.to_string().len();
        body["filler"] = "x".repeat(rest).into();
        let url = Url::parse(&request.url).expect("an address made of constants and digits");
        Self { request, url, form, body: body.to_string(), note }
    }

    /// The exchange as the engine hands it to a transport.
    pub const fn outgoing<'a>(&'a self, secrets: &'a Secrets) -> Outgoing<'a> {
        Outgoing { request: &self.request, url: &self.url, secrets, time_left: Duration::from_secs(1) }
    }

    /// The request as HTTP/1.1, sent to a server at this address on a connection that stays open.
    pub fn wire(&self, address: &str) -> Vec<u8> {
        let (method, path, form) = (self.request.method.as_str(), self.url.path(), self.encoded_form());
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {BASIC}\r\nAccept: */*\r\nUser-Agent: bench\r\n"
        );
        if !form.is_empty() {
            head += "Content-Type: application/x-www-form-urlencoded\r\n";
            head += &format!("Content-Length: {}\r\n", form.len());
        }
        (head + "\r\n" + &form).into_bytes()
    }

    fn entry(&self) -> Value {
        let (name, value) = CONTENT_TYPE;
        let mut request = json!({
            "method": self.request.method.as_str(),
            "url": self.url.as_str(),
            "headers": [{"name": "Authorization", "value": BASIC}],
        });
        if !self.form.is_empty() {
            request["postData"] = json!({"mimeType": "application/x-www-form-urlencoded", "text": self.encoded_form()});
        }
        json!({
            "request": request,
            "response": {
                "status": STATUS,
                "headers": [{"name": name, "value": value}],
                "content": {"mimeType": value, "text": self.body},
            },
            "_countersign": self.note,
        })
    }

    fn encoded_form(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.form).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use countersign::transport::Transport as _;
    use countersign_harness::cassette::Player;
    use countersign_harness::replay::ReplayTransport;

    use super::*;

    #[test]
    fn every_exchange_is_answered_by_its_own_entry() {
        let exchanges = all();
        let transport = ReplayTransport::new(Player::new(vec![cassette(&exchanges).expect("a cassette")]));
        let secrets = secrets();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for exchange in &exchanges {
            assert_eq!(exchange.body.len(), BODY_BYTES);
            let reply = runtime.block_on(transport.send(exchange.outgoing(&secrets))).expect("it is recorded");
            assert_eq!(reply.body.as_slice(), exchange.body.as_bytes());
        }
    }

    #[test]
    fn every_position_is_visited() {
        let visited: HashSet<usize> = positions().take(ENTRIES).collect();
        assert_eq!(visited.len(), ENTRIES);
    }
}
