//! `…/Calls.json` and `…/Calls/{CA}.json`: calls are ordered, looked at, and ended.

use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, Speech, Status};
use super::callback::Wish;
use super::{Context, Line, delete, magic, refused};
use crate::emulate::access::Access;
use crate::emulate::accounts::is_sid;
use crate::emulate::clock::later;
use crate::emulate::inbox::Arrival;
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::{Outcome, Refusal, Reply};

/// The longest TwiML in a request, in characters.
const TWIML: usize = 4000;
/// The longest address that is kept, in characters.
const URL: usize = 2048;
/// Seconds of ringing where the order says nothing.
const TIMEOUT: u64 = 60;
/// The most that it may say.
const LONGEST_TIMEOUT: u64 = 600;
/// Seconds after which every call ends (Twilio, "TimeLimit": 4 hours).
const TIME_LIMIT: u64 = 14_400;

pub(super) fn all(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    match context.asked.method {
        "GET" => {
            let now = context.now();
            let query = &context.asked.query;
            let equal = |name, value: &str| query.filled(name).is_none_or(|wanted| wanted == value);
            let shown = line.calls.iter().rev().filter(|call| {
                equal("To", call.to.e164())
                    && equal("From", call.from.e164())
                    && equal("Status", call.status(now).word())
                    && query.filled("ParentCallSid").is_none()
            });
            let page = context.page("/Calls.json")?;
            Ok(Reply::ok(page.core("calls", shown.map(|call| call.body(context)))))
        }
        "POST" => create(context, line),
        _ => Err(Refusal::method()),
    }
}

pub(super) fn one(context: &mut Context<'_>, line: &mut Line, sid: Option<&str>) -> Outcome {
    let sid = sid.unwrap_or_default();
    let now = context.now();
    let call = line.calls.get_mut(sid).ok_or_else(|| context.not_found())?;
    match context.asked.method {
        "GET" => Ok(Reply::ok(call.body(context))),
        "POST" => update(context, call),
        // 20009 is in the error dictionary; the HTTP status follows from its name.
        "DELETE" if !call.status(now).is_final() => {
            Err(Refusal::new(409, 20009, "Cannot delete a call that is not finished"))
        }
        "DELETE" => delete(context, &mut line.calls, sid),
        _ => Err(Refusal::method()),
    }
}

fn create(context: &mut Context<'_>, line: &mut Line) -> Outcome {
    let form = &context.asked.form;
    let now = context.now();
    let to = form.filled("To").ok_or_else(|| refused(21201, "No 'To' number is specified"))?;
    let from = form.filled("From").ok_or_else(|| refused(21213, "'From' phone number is required"))?;
    let invalid = || refused(21211, format!("Invalid 'To' Phone Number: {}", cut(to)));
    let to = Number::read(to).ok_or_else(invalid)?;
    let from =
        Number::read(from).ok_or_else(|| refused(21212, format!("Invalid 'From' Phone Number: {}", cut(from))))?;
    let test = context.access == Access::Test;
    let caller = if test {
        magic::call(&from, &to)?;
        context.stage.dice.sid("PN")
    } else {
        let unverified = || refused(21210, "'From' phone number not verified");
        let caller = line.caller(&from).ok_or_else(unverified)?.to_owned();
        if to == from {
            return Err(invalid());
        }
        caller
    };
    let speech = speech(context)?.ok_or_else(|| refused(21205, "Url parameter is required"))?;
    let timeout = seconds(context, "Timeout", LONGEST_TIMEOUT, 21208)?.unwrap_or(TIMEOUT);
    // No code of the error dictionary is about TimeLimit.
    let limit = seconds(context, "TimeLimit", TIME_LIMIT, 20001)?.unwrap_or(TIME_LIMIT);
    let kind = context.stage.phones.kind(to.e164());
    if !test {
        context.stage.reaches(&to, Refusal::unverified_call)?;
        if let Some(refusal) = refusal(kind, &to) {
            return Err(refusal);
        }
    }
    let mut call = Call {
        sid: context.stage.dice.sid("CA"),
        to,
        from,
        caller,
        created: now,
        picked_up: None,
        over: Timestamp::MAX,
        last: Status::NoAnswer,
        detects: form.filled("MachineDetection").is_some(),
        arrival: None,
        wish: Wish::of(context)?,
    };
    if test {
        // Nobody is called, nothing is kept.
        return Ok(Reply::created(call.body(context)));
    }
    call.plan(kind, Duration::from_secs(timeout), speech.lasts().min(Duration::from_secs(limit)));
    if call.picked_up.is_some() {
        // It is in the inbox from now on, so that nobody has to wait for the ringing; a call that is ended before
        // somebody picks up takes it out again.
        call.arrival = Some(arrive(context, &call, speech));
    }
    let (sid, body) = (call.sid.clone(), call.body(context));
    line.calls.insert(&sid, call);
    Ok(Reply::created(body))
}

fn update(context: &mut Context<'_>, call: &mut Call) -> Outcome {
    let now = context.now();
    let state = || refused(21220, "Invalid call state");
    let status = call.status(now);
    match context.asked.form.filled("Status") {
        Some(_) if status.is_final() => return Err(state()),
        Some("canceled") if status == Status::InProgress => return Err(state()),
        Some("canceled" | "completed") => {
            let unheard = call.arrival.filter(|_| status != Status::InProgress);
            if let Some(arrival) = unheard {
                context.stage.inbox.withdraw(arrival);
            }
            // That one nobody has picked up is canceled then, and not completed, is our reading: completed is a call
            // that was connected.
            call.hang_up(now);
        }
        Some(_) => return Err(refused(20001, "Invalid parameter: Status")),
        None => {
            if let Some(speech) = speech(context)? {
                if status != Status::InProgress {
                    return Err(state());
                }
                call.over = later(now, speech.lasts());
                arrive(context, call, speech);
            }
        }
    }
    Ok(Reply::ok(call.body(context)))
}

fn arrive(context: &mut Context<'_>, call: &Call, speech: Speech) -> u64 {
    let (to, time) = (call.to.e164().to_owned(), context.now());
    context.stage.inbox.push(Arrival {
        to,
        channel: "voice",
        text: speech.text,
        code: speech.code,
        time,
        approval: None,
    })
}

/// What is to be said. With both `Url` and `Twiml`, `Twiml` is ignored.
fn speech(context: &Context<'_>) -> Result<Option<Speech>, Refusal> {
    let form = &context.asked.form;
    if let Some(url) = form.filled("Url") {
        let good = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !good || url.chars().count() > URL {
            return Err(refused(21205, "Url is not a valid URL"));
        }
        return Ok(Some(Speech::of_url(url)));
    }
    if let Some(twiml) = form.filled("Twiml") {
        // The limit is documented, the refusal is not.
        if twiml.chars().count() > TWIML {
            return Err(refused(20001, "Twiml is longer than 4000 characters"));
        }
        return Ok(Some(Speech::of_twiml(twiml)));
    }
    let application = form.filled("ApplicationSid");
    if application.is_some_and(|sid| !is_sid(sid, "AP")) {
        return Err(refused(21218, "Invalid ApplicationSid"));
    }
    Ok(application.map(|sid| Speech::of_url(&format!("application {sid}"))))
}

fn seconds(context: &Context<'_>, name: &str, most: u64, code: u32) -> Result<Option<u64>, Refusal> {
    let Some(text) = context.asked.form.filled(name) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|seconds| (1..=most).contains(seconds));
    number.map(Some).ok_or_else(|| refused(code, format!("Invalid {name}")))
}

fn refusal(kind: PhoneKind, to: &Number) -> Option<Refusal> {
    let to = to.e164();
    match kind {
        PhoneKind::Invalid => Some(refused(21211, format!("Invalid 'To' Phone Number: {to}"))),
        PhoneKind::Unreachable => Some(refused(21214, "'To' phone number cannot be reached")),
        PhoneKind::NoPermission => Some(refused(21215, format!("Account not authorized to call {to}"))),
        PhoneKind::Blocked => Some(refused(21216, format!("Call blocked: {to}"))),
        _ => None,
    }
}

/// Enough of it to recognize it.
fn cut(text: &str) -> String {
    text.chars().take(32).collect()
}
