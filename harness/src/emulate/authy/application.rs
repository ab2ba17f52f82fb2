//! `app/details` and `app/stats`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Application;

/// The application's name, as in the documented example.
pub(super) const NAME: &str = "Verify Sample";
/// Its id, as in the documented example.
pub(super) const ID: u64 = 11111;

pub(super) fn details() -> Value {
    json!({
        "app": {
            "name": NAME,
            "plan": "pay_as_you_go",
            "sms_enabled": true,
            "phone_calls_enabled": true,
            "app_id": ID,
            "onetouch_enabled": true,
        },
        "message": "Application information.",
        "success": true,
    })
}

/// Everything since the beginning counts as this month.
pub(super) fn stats(application: &Application, now: Timestamp) -> Value {
    let tally = &application.tally;
    let users = application.users.count(now);
    json!({
        "app_id": ID,
        "count": 1,
        "message": "Monthly statistics.",
        "stats": [{
            "api_calls_count": tally.requests,
            "auths_count": tally.checks,
            "calls_count": tally.calls,
            "month": now.strftime("%B").to_string(),
            "sms_count": tally.texts,
            "users_count": users,
            "year": now.strftime("%Y").to_string().parse::<u32>().unwrap_or_default(),
        }],
        "success": true,
        "total_users": users,
    })
}
