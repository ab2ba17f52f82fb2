//! Phone verification and phone info: the part of the service that knows numbers and no users.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::answer::{Answer, Denial};
use super::application::NAME;
use super::user::number;
use super::{Context, success};
use crate::emulate::inbox::Arrival;
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::shelf::Shelf;

/// How long a code is valid.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// The phone verifications of an application, by number.
pub(super) struct PhoneVerifications {
    all: Shelf<PhoneVerification>,
}

struct PhoneVerification {
    uuid: String,
    number: Number,
    code: String,
    made: Timestamp,
    verified: bool,
}

impl PhoneVerifications {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new() }
    }

    /// `POST phones/verification/start`.
    pub(super) fn start(&mut self, context: &mut Context<'_>) -> Answer {
        let now = context.now();
        let number = called(context)?;
        let voice = match context.parameters.filled("via") {
            None | Some("sms") => false,
            Some("call") => true,
            Some(_) => return Err(Denial::new(400, "60004", "Invalid parameter: via")),
        };
        let length = context.parameters.filled("code_length").map_or(Ok(4), str::parse).ok();
        let length = length.filter(|length| (4..=10).contains(length));
        let length = length.ok_or_else(|| Denial::new(400, "60004", "Invalid parameter: code_length"))?;
        let custom = context.parameters.filled("custom_code").map(str::to_owned);
        let well_formed = |code: &String| (4..=10).contains(&code.chars().count());
        if custom.as_ref().is_some_and(|code| !well_formed(code)) {
            return Err(Denial::new(400, "60004", "Invalid parameter: custom_code"));
        }
        let kind = context.stage.phones.kind(number.e164());
        match kind {
            PhoneKind::Crowded => return Err(Denial::too_many()),
            PhoneKind::Landline if !voice => {
                return Err(Denial::new(403, "60082", "Cannot send SMS to landline phone numbers"));
            }
            _ => {}
        }
        let again = self.all.get(number.e164()).filter(|known| !known.verified && known.young(now));
        let (uuid, made, code) = match again {
            Some(known) => (known.uuid.clone(), known.made, custom.unwrap_or_else(|| known.code.clone())),
            None => {
                let uuid = uuid(context.stage.dice.draw());
                let code = custom.unwrap_or_else(|| context.stage.dice.digits(length));
                (uuid, now, code)
            }
        };
        let arrives = if voice { kind.answers_calls() } else { kind.reads_texts() };
        if arrives {
            let (channel, text) = match voice {
                false => ("sms", format!("Your {NAME} verification code is: {code}")),
                true => {
                    let spoken = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
                    ("voice", format!("Your {NAME} verification code is: {spoken}."))
                }
            };
            let to = number.e164().to_owned();
            context.stage.inbox.push(Arrival {
                to,
                channel,
                text,
                code: Some(code.clone()),
                time: now,
                approval: None,
            });
        }
        let verb = if voice { "Call to" } else { "Text message sent to" };
        let verb_end = if voice { " was initiated." } else { "." };
        let to = number.e164().to_owned();
        let verification = PhoneVerification { uuid: uuid.clone(), number, code, made, verified: false };
        let answer = json!({
            "carrier": "Emulated Wireless",
            "is_cellphone": kind != PhoneKind::Landline,
            "message": format!("{verb} {}{verb_end}", spaced(&verification.number)),
            "seconds_to_expire": verification.left(now),
            "uuid": uuid,
            "success": true,
        });
        self.all.insert(&to, verification);
        Ok(answer)
    }

    /// `GET phones/verification/check`.
    pub(super) fn check(&mut self, context: &Context<'_>) -> Answer {
        let now = context.now();
        let number = called(context)?;
        let code = context.parameters.filled("verification_code").unwrap_or_default();
        let known = self.all.get_mut(number.e164()).filter(|known| !known.verified && known.young(now));
        let Some(known) = known else {
            return Err(none_pending(&number));
        };
        if !bool::from(known.code.as_bytes().ct_eq(code.as_bytes())) {
            return Err(Denial::new(401, "60022", "Verification code is incorrect"));
        }
        known.verified = true;
        Ok(success("Verification code is correct."))
    }

    /// `GET phones/verification/status`, by number or by uuid.
    pub(super) fn status(&self, context: &Context<'_>) -> Answer {
        let now = context.now();
        let known = match context.parameters.filled("uuid") {
            Some(uuid) => self.all.iter().find(|known| known.uuid == uuid),
            None if context.parameters.filled("phone_number").is_none() => {
                return Err(Denial::new(400, "60042", "uuid or country_code and phone_number are required"));
            }
            None => self.all.get(called(context)?.e164()),
        };
        let Some(known) = known else {
            return Err(Denial::new(404, "60023", "No pending verifications found."));
        };
        let status = match known.verified {
            true => "verified",
            false if known.young(now) => "pending",
            false => "expired",
        };
        Ok(json!({
            "message": "Phone Verification status.",
            "status": status,
            "seconds_to_expire": known.left(now),
            "success": true,
        }))
    }
}

impl PhoneVerification {
    fn young(&self, now: Timestamp) -> bool {
        now.duration_since(self.made) < LIFE
    }

    fn left(&self, now: Timestamp) -> i64 {
        LIFE.saturating_sub(now.duration_since(self.made)).as_secs().max(0)
    }
}

/// `GET phones/info`.
pub(super) fn info(context: &Context<'_>) -> Answer {
    let number = called(context)?;
    let line = match context.stage.phones.kind(number.e164()) {
        PhoneKind::Landline => "landline",
        _ => "cellphone",
    };
    let time = context.now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    Ok(json!({
        "message": format!("Phone number information as of {time}"),
        "type": line,
        "provider": "Emulated Wireless",
        "ported": false,
        "success": true,
    }))
}

fn called(context: &Context<'_>) -> Result<Number, Denial> {
    let number = number(context, "country_code", "phone_number");
    let number = number.filter(|number| context.stage.phones.kind(number.e164()) != PhoneKind::Invalid);
    number.ok_or_else(|| Denial::new(400, "60033", "Phone number is invalid"))
}

fn none_pending(number: &Number) -> Denial {
    Denial::new(404, "60023", &format!("No pending verifications for {} found.", spaced(number)))
}

/// `+1 987-654-3210`.
fn spaced(number: &Number) -> String {
    let national = &number.e164()[1 + number.country_code().len()..];
    let grouped = match national.len() {
        10 => format!("{}-{}-{}", &national[..3], &national[3..6], &national[6..]),
        _ => national.to_owned(),
    };
    format!("+{} {grouped}", number.country_code())
}

/// In the usual five groups.
pub(super) fn uuid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
