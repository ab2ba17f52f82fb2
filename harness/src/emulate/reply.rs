//! Answers of the Twilio APIs: bodies, refusals, and the headers that clients rely on.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::Dice;
use crate::wire::{WireAnswer, WireReply};

/// What an operation gives: an answer, or a refusal.
pub(super) type Outcome = Result<Reply, Refusal>;

/// An answer with a 2xx status.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Reply {
    pub(super) const fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    pub(super) const fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    pub(super) const fn gone() -> Self {
        Self { status: 204, body: None }
    }
}

/// An answer in the classic error shape of Verify v2 and 2010-04-01.
pub(super) struct Refusal {
    status: u16,
    code: u32,
    message: String,
    detail: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: None, headers: Vec::new() }
    }

    /// 400/60200. Twilio's documents and users show it also with the value in it; this is the documented form.
    pub(super) fn parameter(name: &str) -> Self {
        Self::new(400, 60200, format!("Invalid parameter: {name}"))
    }

    /// 404/20404. The version is left out of the path: of the two forms that users report this is the one that Twilio
    /// Verify documents for VerificationCheck.
    pub(super) fn not_found(path: &str) -> Self {
        let path = path.strip_prefix("/v2").unwrap_or(path);
        Self::new(404, 20404, format!("The requested resource {path} was not found"))
    }

    /// 401/20003, in the body that users of the API report for a wrong pair.
    pub(super) fn credentials() -> Self {
        Self::new(401, 20003, "Authenticate").with_detail("Your AccountSid or AuthToken was incorrect.")
    }

    /// 400/21608: a trial account writes to verified numbers only.
    pub(super) fn unverified_text(to: &str) -> Self {
        let message = format!(
            "The number {to} is unverified. Trial accounts cannot send messages to unverified numbers; verify {to} at \
             twilio.com/user/account/phone-numbers/verified, or purchase a Twilio number to send messages to \
             unverified numbers"
        );
        Self::new(400, 21608, message)
    }

    /// 400/21219: a trial account calls verified numbers only.
    pub(super) fn unverified_call(to: &str) -> Self {
        Self::new(400, 21219, format!("'To' phone number not verified: {to}"))
    }

    /// 405/20004. The code stands in Twilio's error dictionary, the HTTP status follows from its name.
    pub(super) fn method() -> Self {
        Self::new(405, 20004, "Method not allowed")
    }

    /// 429/20429.
    pub(super) fn too_many() -> Self {
        Self::new(429, 20429, "Too many requests")
    }

    pub(super) const fn with_detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    fn body(&self) -> Value {
        let more_info = format!("https://www.twilio.com/docs/errors/{}", self.code);
        let mut body =
            json!({"code": self.code, "message": self.message, "more_info": more_info, "status": self.status});
        if let Some(detail) = self.detail {
            body["detail"] = json!(detail);
        }
        body
    }
}

/// An outcome as Twilio puts it on the wire.
pub(super) fn twilio(outcome: Outcome, dice: &mut Dice) -> WireAnswer {
    let (status, body, more) = match outcome {
        Ok(reply) => (reply.status, reply.body, Vec::new()),
        Err(refusal) => (refusal.status, Some(refusal.body()), refusal.headers),
    };
    let mut headers = vec![
        ("Twilio-Concurrent-Requests".to_owned(), "1".to_owned()),
        ("Twilio-Request-Id".to_owned(), dice.sid("RQ")),
        ("Twilio-Request-Duration".to_owned(), "0.001".to_owned()),
    ];
    if body.is_some() {
        headers.insert(0, ("Content-Type".to_owned(), "application/json".to_owned()));
    }
    headers.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    WireAnswer::Reply(WireReply { status, headers: headers.into(), body: body.into() })
}

/// A date of Verify v2: ISO 8601, whole seconds.
pub(super) fn iso(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A date of 2010-04-01: RFC 2822.
pub(super) fn rfc2822(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
