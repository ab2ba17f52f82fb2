//! `…/Messages.json`: text messages that the account words itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, Line, delete, magic, refused};
use crate::emulate::access::Access;
use crate::emulate::accounts::is_sid;
use crate::emulate::clock::later;
use crate::emulate::inbox::Arrival;
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::{Outcome, Refusal, Reply, rfc2822};

/// The longest text, in characters.
const BODY: usize = 1600;
/// How long a message waits before it is sent.
const QUEUED: Duration = Duration::from_secs(1);
/// How long it takes to arrive.
const SENT: Duration = Duration::from_secs(1);
/// Digits of a code.
const CODE: std::ops::RangeInclusive<usize> = 4..=10;

/// One message.
pub(super) struct Message {
    sid: String,
    to: Number,
    /// The number, or the messaging service that chooses one.
    from: Result<Number, String>,
    text: String,
    created: Timestamp,
    arrives: bool,
}

pub(super) fn all(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    match context.asked.method {
        "GET" => {
            let query = &context.asked.query;
            let equal = |name, value: Option<&str>| query.filled(name).is_none_or(|wanted| Some(wanted) == value);
            let shown = line.messages.iter().rev().filter(|message| {
                equal("To", Some(message.to.e164())) && equal("From", message.from.as_ref().ok().map(Number::e164))
            });
            let page = context.page("/Messages.json")?;
            Ok(Reply::ok(page.core("messages", shown.map(|message| message.body(context)))))
        }
        "POST" => create(context, line),
        _ => Err(Refusal::method()),
    }
}

pub(super) fn one(context: &Context<'_>, line: &mut Line, sid: Option<&str>) -> Outcome {
    let sid = sid.unwrap_or_default();
    match context.asked.method {
        "GET" => {
            let message = line.messages.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(message.body(context)))
        }
        "DELETE" => delete(context, &mut line.messages, sid),
        _ => Err(Refusal::method()),
    }
}

fn create(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    let form = &context.asked.form;
    let to = form.filled("To").ok_or_else(|| refused(21604, "A 'To' phone number is required"))?;
    let to = Number::read(to).ok_or_else(|| refused(21211, "Invalid 'To' Phone Number"))?;
    let text = form.filled("Body").ok_or_else(|| refused(21602, "Message body is required"))?;
    if text.chars().count() > BODY {
        return Err(refused(21617, "The message body exceeds the 1600 character limit"));
    }
    let from = match (form.filled("From"), form.filled("MessagingServiceSid")) {
        (Some(from), _) => Ok(Number::read(from).ok_or_else(|| refused(21212, "Invalid 'From' Phone Number"))?),
        (None, Some(service)) if is_sid(service, "MG") => Err(service.to_owned()),
        (None, Some(_)) => return Err(refused(21705, "The Messaging Service Sid is invalid")),
        (None, None) => return Err(refused(21603, "A 'From' phone number is required")),
    };
    let kind = context.stage.phones.kind(to.e164());
    if let (Access::Test, Ok(from)) = (context.access, &from) {
        magic::message(from, &to)?;
    } else {
        if let Ok(from) = &from
            && !line.owns(from)
        {
            let from = from.e164();
            return Err(refused(21606, format!("The 'From' phone number {from} is not yours, or sends no messages")));
        }
        context.stage.reaches(&to, Refusal::unverified_text)?;
        if let Some(refusal) = refusal(kind, to.e164()) {
            return Err(refusal);
        }
    }
    let message = Message {
        sid: context.stage.dice.sid("SM"),
        to,
        from,
        text: text.to_owned(),
        created: context.now(),
        arrives: kind.reads_texts(),
    };
    let body = message.body(context);
    if context.access != Access::Test {
        if message.arrives {
            let (to, code) = (message.to.e164().to_owned(), code(&message.text));
            let (text, time) = (message.text.clone(), message.created);
            context.stage.inbox.push(Arrival { to, channel: "sms", text, code, time, approval: None });
        }
        line.messages.insert(&message.sid.clone(), message);
    }
    Ok(Reply::created(body))
}

fn refusal(kind: PhoneKind, to: &str) -> Option<Refusal> {
    match kind {
        PhoneKind::Invalid => Some(refused(21211, format!("Invalid 'To' Phone Number: {to}"))),
        PhoneKind::Landline => Some(refused(21614, format!("To number: {to}, is not a mobile number"))),
        PhoneKind::Blocked => Some(refused(21610, format!("The recipient {to} does not want messages"))),
        PhoneKind::NoPermission => {
            Some(refused(21408, format!("Permission to send to the region of {to} is not enabled")))
        }
        PhoneKind::Crowded => Some(Refusal::too_many()),
        _ => None,
    }
}

/// The one run of so many digits, if there is one only.
fn code(text: &str) -> Option<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| CODE.contains(&run.len()));
    let runs: Vec<&str> = runs.collect();
    match runs.as_slice() {
        [code] => Some((*code).to_owned()),
        _ => None,
    }
}

impl Message {
    fn body(&self, context: &Context<'_>) -> Value {
        let now = context.now();
        let sent = later(self.created, QUEUED);
        let (status, error) = match (now >= later(sent, SENT), now >= sent) {
            (true, _) if self.arrives => ("delivered", None),
            // "Unreachable destination handset" of Twilio's error dictionary.
            (true, _) => ("undelivered", Some(30003)),
            (_, true) => ("sent", None),
            _ => ("queued", None),
        };
        let uri = context.uri(&format!("/Messages/{}", self.sid));
        json!({
            "account_sid": context.account.sid,
            "api_version": "2010-04-01",
            "body": self.text,
            "date_created": rfc2822(self.created),
            "date_sent": (now >= sent).then(|| rfc2822(sent)),
            "date_updated": rfc2822(self.created.max(now.min(later(sent, SENT)))),
            "direction": "outbound-api",
            "error_code": error,
            "error_message": error.map(|_| "Unreachable destination handset"),
            "from": self.from.as_ref().ok().map(Number::e164),
            "num_media": "0",
            "num_segments": self.text.chars().count().div_ceil(160).max(1).to_string(),
            "price": null,
            "price_unit": null,
            "messaging_service_sid": self.from.as_ref().err(),
            "sid": self.sid,
            "status": status,
            "subresource_uris": {"media": format!("{uri}/Media.json")},
            "to": self.to.e164(),
            "uri": format!("{uri}.json"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_message_is_its_only_number_of_that_length() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(code(text).as_deref(), expected, "{text}");
        }
        check("Your code is 482913.", Some("482913"));
        check("482913 is your code, valid for 10 minutes", Some("482913"));
        check("call 5005550006 or type 482913", None);
        check("no code", None);
        check("12345678901", None);
    }
}
