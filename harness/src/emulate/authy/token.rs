//! Tokens: sent by text message, call or e-mail, and verified once.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::answer::{Answer, Denial};
use super::application::NAME;
use super::user::{User, device};
use super::{Application, Context};
use crate::emulate::inbox::Arrival;
use crate::emulate::phones::PhoneKind;

/// Digits of a token.
const DIGITS: usize = 7;
/// Digits that the service reads as a token at all (official clients refuse others before they send them).
const ACCEPTED: std::ops::RangeInclusive<usize> = 6..=12;
/// How long a token counts, and is sent again unchanged. This is documented for the codes of phone verification; for
/// tokens of users nothing is.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// The token that was sent to a user last.
pub(super) struct Token {
    code: String,
    action: Option<String>,
    made: Timestamp,
    used: bool,
}

/// `GET sms/{id}`.
pub(super) fn text(application: &mut Application, context: &mut Context<'_>, id: &str) -> Answer {
    let user = application.users.find(id, context.now())?;
    let kind = context.stage.phones.kind(user.number.e164());
    let cellphone = user.number.masked();
    match kind {
        PhoneKind::Crowded => return Err(Denial::too_many()),
        PhoneKind::Landline => {
            return Err(Denial::new(403, "60082", "Cannot send SMS to landline phone numbers"));
        }
        PhoneKind::Smartphone if !context.forced() => {
            return Ok(json!({
                "message": "Ignored: SMS is not needed for smartphones. Pass force=true if you want to actually send \
                            it anyway.",
                "cellphone": cellphone,
                "device": "android",
                "ignored": true,
                "success": true,
            }));
        }
        _ => {}
    }
    let code = user.token(context)?;
    application.tally.texts += 1;
    if kind.reads_texts() {
        let to = user.number.e164().to_owned();
        arrive(context, to, "sms", format!("Your {NAME} token is {code}"), code);
    }
    Ok(json!({"success": true, "message": "SMS token was sent", "cellphone": cellphone}))
}

/// `GET call/{id}`.
pub(super) fn call(application: &mut Application, context: &mut Context<'_>, id: &str) -> Answer {
    let user = application.users.find(id, context.now())?;
    let kind = context.stage.phones.kind(user.number.e164());
    let cellphone = user.number.masked();
    match kind {
        PhoneKind::Crowded => return Err(Denial::too_many()),
        PhoneKind::Smartphone if !context.forced() => {
            return Ok(json!({
                "success": true,
                "message": "Call ignored. User is using  App Tokens and this call is not necessary. Pass force=true if \
                            you still want to call users that are using the App.",
                "cellphone": cellphone,
                "device": "iphone",
                "ignored": true,
            }));
        }
        _ => {}
    }
    let code = user.token(context)?;
    application.tally.calls += 1;
    if kind.answers_calls() {
        let to = user.number.e164().to_owned();
        let spoken = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
        arrive(context, to, "voice", format!("Your {NAME} token is {spoken}."), code);
    }
    Ok(json!({"success": true, "message": "Call started...", "cellphone": cellphone}))
}

/// `POST email/{id}`.
pub(super) fn email(application: &mut Application, context: &mut Context<'_>, id: &str) -> Answer {
    let user = application.users.find(id, context.now())?;
    let code = user.token(context)?;
    let email = user.email.clone();
    arrive(context, email.clone(), "email", format!("Your {NAME} token is {code}"), code);
    let email_id = format!("EM{}", context.stage.dice.hex());
    Ok(json!({"success": true, "message": "Email token was sent", "email": email, "email_id": email_id}))
}

/// `GET verify/{token}/{id}`.
pub(super) fn verify(application: &mut Application, context: &Context<'_>, code: &str, id: &str) -> Answer {
    let now = context.now();
    let user = application.users.find(id, now)?;
    application.tally.checks += 1;
    let action = context.parameters.filled("action");
    let digits = ACCEPTED.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    match user.token.as_mut().filter(|token| digits && token.matches(code, action, now)) {
        Some(token) if token.used => return Err(Denial::token("60019", "Token was already used")),
        Some(token) => {
            token.used = true;
            user.confirmed = true;
        }
        // Without `force` the service says yes for a user who never confirmed the telephone, so as not to lock anybody
        // out; clients therefore always send it. How many wrong tokens it takes is not published; here any number.
        None if digits && !context.forced() && !user.confirmed => {}
        None => return Err(Denial::token("60020", "Token is invalid")),
    }
    Ok(json!({"message": "Token is valid.", "token": "is valid", "success": "true", "device": device(user)}))
}

impl User {
    /// The token to send: the last one, while it is good for the same action, or a new one.
    fn token(&mut self, context: &mut Context<'_>) -> Result<String, Denial> {
        let now = context.now();
        let action = context.parameters.filled("action");
        if action.is_some_and(|action| action.chars().count() > 255) {
            return Err(Denial::new(400, "60004", "Invalid parameter: action"));
        }
        let action = action.map(str::to_owned);
        let made = &mut context.stage.dice;
        match &self.token {
            Some(token) if !token.used && token.young(now) && token.action == action => Ok(token.code.clone()),
            _ => {
                let code = made.digits(DIGITS);
                self.token = Some(Token { code: code.clone(), action, made: now, used: false });
                Ok(code)
            }
        }
    }
}

impl Token {
    fn young(&self, now: Timestamp) -> bool {
        now.duration_since(self.made) < LIFE
    }

    fn matches(&self, code: &str, action: Option<&str>, now: Timestamp) -> bool {
        let same = bool::from(self.code.as_bytes().ct_eq(code.as_bytes()));
        same && self.action.as_deref() == action && self.young(now)
    }
}

fn arrive(context: &mut Context<'_>, to: String, channel: &'static str, text: String, code: String) {
    let time = context.now();
    context.stage.inbox.push(Arrival { to, channel, text, code: Some(code), time, approval: None });
}
