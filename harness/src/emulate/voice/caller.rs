//! Numbers that an account may call from: its own, and others' that it has verified.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, Line, delete, magic, refused};
use crate::emulate::access::Access;
use crate::emulate::inbox::Arrival;
use crate::emulate::number::Number;
use crate::emulate::reply::{Outcome, Refusal, Reply, rfc2822};
use crate::emulate::shelf::Shelf;

/// A number that the account owns.
pub(super) struct Owned {
    pub(super) sid: String,
    number: Number,
    created: Timestamp,
}

/// A number of somebody else, verified as a caller id.
pub(super) struct CallerId {
    sid: String,
    number: Number,
    created: Timestamp,
}

impl Owned {
    pub(super) const fn new(sid: String, number: Number, created: Timestamp) -> Self {
        Self { sid, number, created }
    }
}

impl Line {
    /// Whether the number is the account's own.
    pub(super) fn owns(&self, number: &Number) -> bool {
        self.owned.iter().any(|owned| owned.number == *number)
    }

    /// Whom a trial account may reach.
    pub(super) fn verified(&self) -> impl Iterator<Item = &str> {
        self.verified.iter().map(|caller| caller.number.e164())
    }

    /// The SID of the number where the account may call from it.
    pub(super) fn caller(&self, number: &Number) -> Option<&str> {
        let owned = self.owned.iter().find(|owned| owned.number == *number).map(|owned| owned.sid.as_str());
        owned.or_else(|| self.verified.iter().find(|caller| caller.number == *number).map(|one| one.sid.as_str()))
    }
}

pub(super) fn all_owned(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    match context.asked.method {
        "GET" => {
            let page = context.page("/IncomingPhoneNumbers.json")?;
            let shown = line.owned.iter().filter(|owned| wanted(context, &owned.number));
            Ok(Reply::ok(page.core("incoming_phone_numbers", shown.map(|owned| owned.body(context)))))
        }
        "POST" if context.access == Access::Test => magic::buy(context),
        "POST" => {
            let number = number(context, 21421)?;
            if line.caller(&number).is_some() {
                return Err(refused(21422, format!("PhoneNumber {} is not available", number.e164())));
            }
            let owned = Owned::new(context.stage.dice.sid("PN"), number, context.now());
            let (sid, body) = (owned.sid.clone(), owned.body(context));
            line.owned.insert(&sid, owned);
            Ok(Reply::created(body))
        }
        _ => Err(Refusal::method()),
    }
}

pub(super) fn one_owned(context: &Context<'_>, line: &mut Line, sid: Option<&str>) -> Outcome {
    let sid = sid.unwrap_or_default();
    match context.asked.method {
        "GET" => {
            let owned = line.owned.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(owned.body(context)))
        }
        "DELETE" => delete(context, &mut line.owned, sid),
        _ => Err(Refusal::method()),
    }
}

pub(super) fn all_verified(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    match context.asked.method {
        "GET" => {
            let page = context.page("/OutgoingCallerIds.json")?;
            let shown = line.verified.iter().filter(|caller| wanted(context, &caller.number));
            Ok(Reply::ok(page.core("outgoing_caller_ids", shown.map(|caller| caller.body(context)))))
        }
        "POST" => verify(context, &mut line.verified),
        _ => Err(Refusal::method()),
    }
}

pub(super) fn one_verified(context: &Context<'_>, line: &mut Line, sid: Option<&str>) -> Outcome {
    let sid = sid.unwrap_or_default();
    match context.asked.method {
        "GET" => {
            let caller = line.verified.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(caller.body(context)))
        }
        "DELETE" => delete(context, &mut line.verified, sid),
        _ => Err(Refusal::method()),
    }
}

/// Twilio calls the number, and its owner types the code that the answer shows. Here whoever picks up does so at once.
fn verify(context: &mut Context<'_>, verified: &mut Shelf<CallerId>) -> Outcome {
    let number = number(context, 21211)?;
    let (sid, call) = (context.stage.dice.sid("PN"), context.stage.dice.sid("CA"));
    let code = context.stage.dice.digits(6);
    let answer = json!({
        "account_sid": context.account.sid,
        "call_sid": call,
        "friendly_name": context.asked.form.filled("FriendlyName").map_or_else(|| number.formatted(), str::to_owned),
        "phone_number": number.e164(),
        "validation_code": code,
    });
    if context.stage.phones.kind(number.e164()).answers_calls() {
        let text = "Please type in the validation code that you were shown.".to_owned();
        let (to, time) = (number.e164().to_owned(), context.now());
        context.stage.inbox.push(Arrival { to, channel: "voice", text, code: None, time, approval: None });
        if !verified.iter().any(|caller| caller.number == number) {
            verified.insert(&sid.clone(), CallerId { sid, number, created: context.now() });
        }
    }
    Ok(Reply::ok(answer))
}

fn number(context: &Context<'_>, code: u32) -> Result<Number, Refusal> {
    let text = context.asked.form.filled("PhoneNumber").unwrap_or_default();
    Number::read(text).ok_or_else(|| refused(code, "PhoneNumber is not valid"))
}

/// A filter also matches a part of a number.
fn wanted(context: &Context<'_>, number: &Number) -> bool {
    context.asked.query.filled("PhoneNumber").is_none_or(|part| number.e164().contains(part))
}

impl Owned {
    pub(super) fn body(&self, context: &Context<'_>) -> Value {
        json!({
            "account_sid": context.account.sid,
            "address_requirements": "none",
            "address_sid": null,
            "api_version": "2010-04-01",
            "beta": false,
            "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false},
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "emergency_status": "Inactive",
            "emergency_address_sid": null,
            "emergency_address_status": "unregistered",
            "friendly_name": self.number.formatted(),
            "identity_sid": null,
            "origin": "twilio",
            "phone_number": self.number.e164(),
            "sid": self.sid,
            "sms_application_sid": "",
            "sms_fallback_method": "POST",
            "sms_fallback_url": "",
            "sms_method": "POST",
            "sms_url": "",
            "status_callback": "",
            "status_callback_method": "POST",
            "trunk_sid": null,
            "uri": context.uri(&format!("/IncomingPhoneNumbers/{}.json", self.sid)),
            "voice_application_sid": "",
            "voice_caller_id_lookup": false,
            "voice_fallback_method": "POST",
            "voice_fallback_url": null,
            "voice_method": "POST",
            "voice_url": null,
            "bundle_sid": null,
            "voice_receive_mode": "voice",
            "status": "in-use",
            "type": "local",
        })
    }
}

impl CallerId {
    fn body(&self, context: &Context<'_>) -> Value {
        json!({
            "account_sid": context.account.sid,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "friendly_name": self.number.formatted(),
            "phone_number": self.number.e164(),
            "sid": self.sid,
            "uri": context.uri(&format!("/OutgoingCallerIds/{}.json", self.sid)),
        })
    }
}
