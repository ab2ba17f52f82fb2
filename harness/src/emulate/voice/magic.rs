//! The magic numbers of test credentials: an order is judged by its numbers alone, and nothing happens (Twilio, test
//! credentials).

use serde_json::Value;

use super::caller::Owned;
use super::{Context, refused};
use crate::emulate::number::Number;
use crate::emulate::reply::{Outcome, Refusal, Reply};

/// The one number that is good everywhere.
const GOOD: &str = "+15005550006";

/// Whether a call between these is taken.
pub(super) fn call(from: &Number, to: &Number) -> Result<(), Refusal> {
    let (from, to) = (from.e164(), to.e164());
    match from {
        "+15005550001" => return Err(refused(21212, format!("Invalid 'From' Phone Number: {from}"))),
        GOOD => {}
        _ => return Err(refused(21210, "'From' phone number not verified")),
    }
    match to {
        "+15005550001" => Err(refused(21217, format!("Phone number does not appear to be valid: {to}"))),
        "+15005550002" => Err(refused(21214, "'To' phone number cannot be reached")),
        "+15005550003" => Err(refused(21215, format!("Account not authorized to call {to}"))),
        "+15005550004" => Err(refused(21216, format!("Call blocked: {to}"))),
        _ => Ok(()),
    }
}

/// Whether a text message between these is taken.
pub(super) fn message(from: &Number, to: &Number) -> Result<(), Refusal> {
    let (from, to) = (from.e164(), to.e164());
    match from {
        "+15005550001" => return Err(refused(21212, format!("Invalid 'From' Phone Number: {from}"))),
        "+15005550008" => return Err(refused(21611, format!("The queue of 'From' number {from} is full"))),
        GOOD => {}
        _ => return Err(refused(21606, format!("The 'From' phone number {from} is not yours, or sends no messages"))),
    }
    match to {
        "+15005550001" => Err(refused(21211, format!("Invalid 'To' Phone Number: {to}"))),
        "+15005550002" => Err(refused(21612, format!("There is no route for messages to {to}"))),
        "+15005550003" => Err(refused(21408, format!("Permission to send to the region of {to} is not enabled"))),
        "+15005550004" => Err(refused(21610, format!("The recipient {to} does not want messages"))),
        "+15005550009" => Err(refused(21614, format!("To number: {to}, is not a mobile number"))),
        _ => Ok(()),
    }
}

/// Buys a number, or one of an area; nobody has it afterwards.
pub(super) fn buy(context: &mut Context<'_>) -> Outcome {
    let form = &context.asked.form;
    let wanted = match (form.filled("PhoneNumber"), form.filled("AreaCode")) {
        (Some(GOOD), _) | (None, Some("500")) => GOOD,
        (Some("+15005550000"), _) => return Err(refused(21422, "PhoneNumber +15005550000 is not available")),
        (None, Some(area)) if area.len() == 3 && area.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(refused(21452, format!("No phone numbers found in area code {area}")));
        }
        // Of the others Twilio says nothing.
        _ => return Err(refused(21421, "PhoneNumber is not valid")),
    };
    let number = Number::read(wanted).ok_or_else(|| refused(21421, "PhoneNumber is not valid"))?;
    let body: Value = Owned::new(context.stage.dice.sid("PN"), number, context.now()).body(context);
    Ok(Reply::created(body))
}
