//! Everything that a provider may answer besides yes: each exchange of each scenario, refused in every way.

use countersign_plugin::http::{Body, FieldValue, Request, TransportFailure, TransportFailureKind};
use countersign_plugin::{Operation, Recipient, Reply};
use serde_json::{Value, json};

use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::scenario::{Got, Hook, Place, Scenario};

/// A provider's error code that no provider has.
pub(super) const PROVIDER_CODE: &str = "54321";

/// Shows a check every operation, as it goes well and as it goes when one of its exchanges is refused.
pub(super) fn every(kit: &Kit, look: &mut dyn FnMut(&Scenario, &Performed)) {
    for (scenario, performed) in kit.happy() {
        look(scenario, performed);
    }
    refused(kit, look);
}

/// Shows a check every operation with one of its exchanges refused, in every way.
pub(super) fn refused(kit: &Kit, look: &mut dyn FnMut(&Scenario, &Performed)) {
    for scenario in &kit.scenarios {
        for (place, request) in places(scenario) {
            for answer in refusals(request) {
                let mut hook = Refuse { place, answer };
                let ran = kit.run(scenario, &mut hook);
                if let Some(performed) = ran.last().filter(|performed| performed.index == place.operation) {
                    look(scenario, performed);
                }
            }
        }
    }
}

/// The exchanges of a scenario that goes well.
pub(super) fn places(scenario: &Scenario) -> impl Iterator<Item = (Place, &Request)> {
    scenario.happy.iter().flat_map(|performed| {
        let exchanges = performed.exchanges.iter().enumerate();
        exchanges.map(|(exchange, it)| (Place { operation: performed.index, exchange }, &it.request))
    })
}

/// Answers one exchange, and is interested in nothing after its operation.
pub(super) struct Refuse {
    pub(super) place: Place,
    pub(super) answer: Got,
}

impl Hook for Refuse {
    fn reply(&mut self, place: Place, _: &Request, got: Got) -> Got {
        if place == self.place { self.answer.clone() } else { got }
    }

    fn last(&self) -> Option<usize> {
        Some(self.place.operation)
    }
}

/// Every way to say no. The bodies repeat what was asked, as providers do, with error codes in all the usual places.
fn refusals(request: &Request) -> Vec<Got> {
    let body = complaint(request);
    let json = |status| Ok(Reply::from_json(status, &body));
    let html = "<html><head><title>Bad Gateway</title></head><body>nginx</body></html>";
    let mut refusals: Vec<Got> = [400, 401, 403, 404, 409, 410, 422, 500, 503].map(json).into();
    refusals.push(Ok(Reply::from_json(429, &body).with_header("Retry-After", "17")));
    refusals.push(Ok(Reply::from_json(429, &json!({}))));
    refusals.push(Ok(Reply::new(502, html).with_header("Content-Type", "text/html")));
    refusals.push(Ok(Reply::new(302, "").with_header("Location", "https://elsewhere.example/")));
    refusals.push(Ok(Reply::new(200, "")));
    refusals.push(Ok(Reply::from_json(200, &json!({}))));
    for kind in [
        TransportFailureKind::NotSent,
        TransportFailureKind::NoAnswer,
        TransportFailureKind::TooLarge,
        TransportFailureKind::Deadline,
    ] {
        refusals.push(Err(TransportFailure::new(kind, "")));
    }
    refusals
}

fn complaint(request: &Request) -> Value {
    let mut words = vec![format!("{} {}", request.method.as_str(), request.url)];
    match &request.body {
        Some(Body::Form(fields)) => {
            words.extend(fields.iter().filter_map(|(name, value)| match value {
                FieldValue::Text(text) => Some(format!("{name}={text}")),
                FieldValue::Secret(_) => None,
            }));
        }
        Some(Body::Json(value)) => words.push(value.to_string()),
        None => {}
    }
    let number: u32 = PROVIDER_CODE.parse().unwrap_or_default();
    let text = format!("Zork refused: {}", words.join(" "));
    json!({
        "code": number, "error_code": PROVIDER_CODE, "error": text, "message": text, "detail": text, "title": text,
        "success": false, "status": "failed", "errors": {"message": text}, "more_info": "https://zork.example/54321",
    })
}

/// What may not be shown of an operation's input: numbers, addresses and codes, and what of its data is long enough
/// to be a seed.
pub(super) fn private(operation: &Operation) -> Vec<(&'static str, String)> {
    let mut private = Vec::new();
    let mut recipient = |recipient: Option<&Recipient>| match recipient {
        Some(Recipient::Phone(phone)) => {
            private.push(("number", phone.e164.trim_start_matches('+').to_owned()));
            private.push(("number", phone.national.clone()));
        }
        Some(other) => private.push(("address", other.address().to_owned())),
        None => {}
    };
    let (mut email, mut data, mut code) = (None, None, None);
    match operation {
        Operation::Start(input) => {
            recipient(input.recipient.as_ref());
            (email, data, code) = (input.person.email.clone(), input.enrollment.as_ref(), input.code.as_ref());
        }
        Operation::Check(input) => {
            recipient(input.recipient.as_ref());
            (data, code) = (input.enrollment.as_ref(), Some(&input.code));
        }
        Operation::ConfirmEnrollment(input) => (data, code) = (Some(&input.enrollment), Some(&input.code)),
        Operation::Status(input) => recipient(input.recipient.as_ref()),
        Operation::Enroll(input) => email = input.person.email.clone(),
        Operation::Unenroll(input) => data = input.enrollment.as_ref(),
        _ => {}
    }
    private.extend(email.map(|email| ("address", email)));
    private.extend(code.map(|code| ("code", code.as_str().to_owned())));
    if let Some(data) = data {
        seeds(&data.value, &mut private);
    }
    // Shorter ones stand in ordinary words.
    private.retain(|(_, text)| text.len() >= 4);
    private
}

fn seeds(value: &Value, found: &mut Vec<(&'static str, String)>) {
    match value {
        Value::String(text) if text.len() >= 16 => found.push(("seed", text.clone())),
        Value::Array(items) => items.iter().for_each(|item| seeds(item, found)),
        Value::Object(entries) => entries.values().for_each(|entry| seeds(entry, found)),
        _ => {}
    }
}
