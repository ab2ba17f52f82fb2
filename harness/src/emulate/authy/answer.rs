//! Answers of the Authy-style service, and how it says no.

use serde_json::{Value, json};

use crate::wire::{WireAnswer, WireReply};

/// A body that goes with 200, or a refusal.
pub(super) type Answer = Result<Value, Denial>;

/// A refusal. `error_code` is text in this service.
pub(super) struct Denial {
    status: u16,
    body: Value,
}

impl Denial {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"message": message, "success": false, "errors": {"message": message}, "error_code": code});
        Self { status, body }
    }

    /// 400/60027: the named fields are invalid. They stand under `errors`, and beside it once more.
    pub(super) fn fields(names: &[&str]) -> Self {
        let mut denial = Self::new(400, "60027", "User was not valid");
        for name in names {
            denial.body[*name] = json!("is invalid");
            denial.body["errors"][*name] = json!("is invalid");
        }
        denial
    }

    /// 401: the token was not accepted.
    pub(super) fn token(code: &str, message: &str) -> Self {
        let mut denial = Self::new(401, code, message);
        denial.body["token"] = json!("is invalid");
        denial
    }

    pub(super) fn unknown_user() -> Self {
        Self::new(404, "60026", "User not found.")
    }

    /// 404/60049, which has no member in `errors`.
    pub(super) fn unknown_approval(uuid: &str) -> Self {
        let uuid: String = uuid.chars().take(64).collect();
        let mut denial = Self::new(404, "60049", &format!("Approval request not found: {uuid}"));
        denial.body["errors"] = json!({});
        denial
    }

    pub(super) fn too_many() -> Self {
        Self::new(429, "60003", "Too many requests.")
    }
}

/// As it goes over the wire: success is always 200.
pub(super) fn on_the_wire(answer: Answer) -> WireAnswer {
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(denial) => (denial.status, denial.body),
    };
    let headers = [("Content-Type".to_owned(), "application/json;charset=utf-8".to_owned())];
    WireAnswer::Reply(WireReply { status, headers: headers.into(), body: body.to_string().into_bytes().into() })
}
