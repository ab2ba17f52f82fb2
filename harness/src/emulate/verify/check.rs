//! `POST …/VerificationCheck`: a code is compared.

use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::Context;
use super::attempt::Attempts;
use super::channel::{Channel, Recipient};
use super::parameter::{LONGEST, text};
use super::service::{Home, Service};
use super::start::transaction;
use super::verification::{CHECKS, Status, Verification};
use crate::emulate::accounts::is_sid;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};

/// Characters of a code.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=10;

/// Compares a code with that of the verification that is meant.
pub(super) fn check(service: &mut Service, attempts: &mut Attempts, context: &mut Context<'_>, home: &Home) -> Outcome {
    let form = &context.asked.form;
    let now = context.now();
    let (to, sid) = (form.filled("To"), form.filled("VerificationSid"));
    if to.is_none() && sid.is_none() {
        return Err(Refusal::new(400, 60221, "Either To or VerificationSid is required"));
    }
    if sid.is_some_and(|sid| !is_sid(sid, "VE")) {
        return Err(Refusal::parameter("VerificationSid"));
    }
    let to = to.map(|to| Recipient::read(to).ok_or_else(|| Refusal::parameter("To"))).transpose()?;
    let code = text(form, "Code", LONGEST)?;
    if code.is_some_and(|code| !LENGTH.contains(&code.chars().count())) {
        return Err(Refusal::parameter("Code"));
    }
    let transaction = transaction(service, form)?;
    let found = match (sid, &to) {
        (Some(sid), _) => service.verifications.get_mut(sid),
        (None, Some(to)) => service.verifications.current(to.as_str(), now),
        (None, None) => None,
    };
    let meant = found.filter(|verification| {
        verification.current(now) && to.as_ref().is_none_or(|to| to.as_str() == verification.to.as_str())
    });
    // Twilio says 404 for expired, approved and canceled ones. For a number that never had one a test against the
    // service in 2026 found 400/60200; the documented 404 is kept for all.
    let verification = meant.ok_or_else(|| context.not_found())?;
    let code = match code {
        Some(code) => code,
        // There is no code where the network answers for the telephone.
        None if verification.channel == Channel::Sna => return Ok(Reply::ok(body(verification, home))),
        None => return Err(Refusal::parameter("Code")),
    };
    if verification.status == Status::Exhausted {
        return Err(Refusal::new(429, 60202, "Max check attempts reached"));
    }
    let same = bool::from(verification.code.as_bytes().ct_eq(code.as_bytes()));
    if same && verification.transaction == transaction {
        verification.approve(attempts, now);
        return Ok(Reply::ok(body(verification, home)));
    }
    verification.checks += 1;
    verification.updated = now;
    // The answer to a wrong code is the same for the fifth: users of the API see the refusal only at the sixth.
    let answer = body(verification, home);
    if verification.checks >= CHECKS {
        verification.status = Status::Exhausted;
    }
    Ok(Reply::ok(answer))
}

fn body(verification: &Verification, home: &Home) -> Value {
    let last = verification.sends.last().filter(|_| verification.channel == Channel::Sna);
    // 60519: the device has not been there yet (Twilio Verify, Silent Network Auth).
    let errors = last.map(|sent| json!({"attempt_sid": sent.attempt, "code": 60519}));
    json!({
        "sid": verification.sid,
        "service_sid": home.service(),
        "account_sid": home.account(),
        "to": verification.to.as_str(),
        "channel": verification.channel.name(),
        "status": verification.status_word(),
        "valid": verification.status == Status::Approved,
        "amount": verification.transaction.as_ref().map(|transaction| &transaction.amount),
        "payee": verification.transaction.as_ref().map(|transaction| &transaction.payee),
        "sna_attempts_error_codes": errors.into_iter().collect::<Vec<_>>(),
        "date_created": iso(verification.created),
        "date_updated": iso(verification.updated),
    })
}
