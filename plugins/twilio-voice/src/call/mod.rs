//! Mode `call`: the engine's code, spoken in a call of Twilio Programmable Voice.

mod diagnosis;
mod failures;
mod language;
mod speech;
#[cfg(test)]
mod tests;
mod wire;

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, Code, Context, Data, Effect, Failure, FailureKind, Recipient, Reply, Scope,
    SecretRef, StartChallenge, Started, Status,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::failures::TABLE;
pub(crate) use self::language::Language;
use self::wire::{CallReply, CallSid, Named};
use crate::failures::malformed;
use crate::stored;

/// The account in which calls are made, and how they sound.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) base: String,
    pub(crate) account_sid: String,
    pub(crate) auth_id: String,
    pub(crate) auth_token: SecretRef,
    pub(crate) from: String,
    pub(crate) language: &'static Language,
    pub(crate) voice: Option<String>,
}

/// What is remembered of a delivery.
#[derive(Serialize, Deserialize)]
struct Placed {
    sid: CallSid,
}

impl Account {
    /// Has the code spoken. One request: nothing is fetched from the host during the call.
    pub(crate) async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let phone = recipient(input.recipient.as_ref())?.phone()?;
        let code = input.code.as_ref().filter(|code| code.is_digits(4..=10)).ok_or_else(no_code)?;
        let request = self.place_call(&phone.e164, &self.spoken(code, input.person.locale.as_deref()));
        let reply = cx.http(request).await?;
        if !reply.is_success() {
            return Err(TABLE.failure(&reply, Effect::Act, cx.now()));
        }
        // It rings: whatever is wrong with the rest, it must be possible to hang up.
        let delivery = stored::write(&Placed { sid: named(&reply)? })?;
        cx.keep(Scope::Delivery, delivery.clone()).await?;
        let call: CallReply = reply.json()?;
        call.must_go_to(&phone.e164)?;
        if let Some("failed" | "canceled") = call.status.as_deref() {
            let text = "Twilio took the call and gave it up at once; see the call's log in the Twilio Console";
            return Err(Failure::new(FailureKind::UnreachableRecipient, text));
        }
        Ok(Started::new().delivery(delivery))
    }

    /// Ends the call, also while it speaks. That the code is dead is the engine's doing.
    pub(crate) async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        let sid = placed(input.delivery.as_ref())?;
        let reply = cx.http(self.hang_up(&sid)).await?;
        if !reply.is_success() && matches!(TABLE.code(&reply), Some(failures::GONE | failures::OVER)) {
            return Ok(Canceled::AlreadyOver);
        }
        let call = ours(&reply, Effect::Idempotent, cx)?;
        call.must_be(&sid)?;
        match call.status.as_deref() {
            Some("busy" | "no-answer" | "failed") => Ok(Canceled::AlreadyOver),
            // Hanging up is not awaited: the call may be shown as it was a moment ago.
            _ => Ok(Canceled::Canceled),
        }
    }

    /// How the call went. A call that was answered is still pending: only the code tells
    /// whether it was the right person.
    pub(crate) async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        let sid = placed(input.delivery.as_ref())?;
        let reply = cx.http(self.call(&sid)).await?;
        if !reply.is_success() && TABLE.code(&reply) == Some(failures::GONE) {
            return Ok(Status::Expired);
        }
        let call = ours(&reply, Effect::Read, cx)?;
        call.must_be(&sid)?;
        if let Some(recipient) = &input.recipient {
            call.must_go_to(&recipient.phone()?.e164)?;
        }
        Ok(match call.status.as_deref() {
            Some("busy" | "no-answer" | "failed") => Status::Undelivered,
            Some("canceled") => Status::Canceled,
            _ => Status::Pending,
        })
    }

    fn spoken(&self, code: &Code, locale: Option<&str>) -> String {
        let language = locale.and_then(Language::of).unwrap_or(self.language);
        // The voice was chosen for one language; with another one the call would be silent.
        let voice = self.voice.as_deref().filter(|_| std::ptr::eq(language, self.language));
        speech::twiml(code, language, voice)
    }
}

fn ours(reply: &Reply, effect: Effect, cx: &Context) -> Result<CallReply, Failure> {
    if reply.is_success() { Ok(reply.json()?) } else { Err(TABLE.failure(reply, effect, cx.now())) }
}

fn named(reply: &Reply) -> Result<CallSid, Failure> {
    let named: Named = reply.json()?;
    CallSid::parse(&named.sid).ok_or_else(|| malformed("it names no call (CA and 32 hexadecimal digits)"))
}

fn recipient(recipient: Option<&Recipient>) -> Result<&Recipient, Failure> {
    recipient.ok_or_else(|| Failure::new(FailureKind::InvalidRecipient, "a call needs a phone number; none was given"))
}

fn placed(delivery: Option<&Data>) -> Result<CallSid, Failure> {
    let data = delivery.ok_or_else(|| {
        Failure::new(FailureKind::Expired, "no call sid was kept of this delivery; Twilio may not have taken the call")
    })?;
    Ok(stored::read::<Placed>(data)?.sid)
}

fn no_code() -> Failure {
    Failure::new(
        FailureKind::PluginFault,
        "mode `call` speaks a code of 4 to 10 digits that the engine makes; the host gave none of that shape",
    )
}

impl CallReply {
    fn must_be(&self, sid: &CallSid) -> Result<(), Failure> {
        if self.sid == sid.as_str() { Ok(()) } else { Err(malformed("it is about another call")) }
    }

    fn must_go_to(&self, e164: &str) -> Result<(), Failure> {
        if self.to == e164 { Ok(()) } else { Err(malformed("it is about a call to another number")) }
    }
}
