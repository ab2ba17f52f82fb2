//! Lookup v2: what is known of a number before anything is sent to it.

use serde_json::{Value, json};

use super::emulator::Stage;
use super::number::Number;
use super::phones::PhoneKind;
use super::reply::{Outcome, Refusal, Reply};
use super::request::Asked;

/// Where Lookup's own addresses begin.
const ORIGIN: &str = "https://lookups.twilio.com";

/// `GET /v2/PhoneNumbers/{number}`. The answer is 200 also for a number that is none.
pub(super) fn answer(stage: &Stage, asked: &Asked<'_>) -> Outcome {
    let segments = asked.segments();
    let ["v2", "PhoneNumbers", text] = segments.as_slice() else {
        return Err(Refusal::not_found(asked.path));
    };
    if asked.method != "GET" {
        return Err(Refusal::method());
    }
    let wanted = |field: &str| {
        asked.query.filled("Fields").is_some_and(|fields| fields.split(',').any(|one| one.trim() == field))
    };
    let number = Number::read(text).filter(|number| stage.phones.kind(number.e164()) != PhoneKind::Invalid);
    let kind = number.as_ref().map(|number| stage.phones.kind(number.e164()));
    let line = kind.filter(|_| wanted("line_type_intelligence")).map(line);
    let risk = kind.filter(|_| wanted("sms_pumping_risk")).map(risk);
    Ok(Reply::ok(json!({
        "calling_country_code": number.as_ref().map(Number::country_code),
        "country_code": number.as_ref().and_then(Number::country),
        "phone_number": text,
        "national_format": number.as_ref().map(Number::national),
        "valid": number.is_some(),
        "validation_errors": number.is_none().then(|| [fault(text)]),
        "caller_name": null,
        "sim_swap": null,
        "call_forwarding": null,
        "line_status": null,
        "line_type_intelligence": line,
        "identity_match": null,
        "reassigned_number": null,
        "sms_pumping_risk": risk,
        "phone_number_quality_score": null,
        "pre_fill": null,
        "url": format!("{}{}", asked.origin(ORIGIN), asked.path),
    })))
}

fn line(kind: PhoneKind) -> Value {
    json!({
        "error_code": null,
        "mobile_country_code": null,
        "mobile_network_code": null,
        "carrier_name": "Emulated Wireless",
        "type": if kind == PhoneKind::Landline { "landline" } else { "mobile" },
    })
}

fn risk(kind: PhoneKind) -> Value {
    let blocked = kind == PhoneKind::Blocked;
    json!({
        "carrier_risk_category": if blocked { "high" } else { "low" },
        "number_blocked": blocked,
        "number_blocked_date": null,
        "number_blocked_last_3_months": null,
        "sms_pumping_risk_score": if blocked { 100 } else { 0 },
        "error_code": null,
    })
}

/// Of these words only `TOO_LONG` stands in Twilio's examples.
fn fault(text: &str) -> &'static str {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let most = if digits.starts_with('1') { 11 } else { 15 };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return "NOT_A_NUMBER";
    }
    match digits.len() {
        0..7 => "TOO_SHORT",
        length if length > most => "TOO_LONG",
        _ => "INVALID_BUT_POSSIBLE",
    }
}
