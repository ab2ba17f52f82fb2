//! Mode `authy`: an Authy-style hosted service makes, speaks and checks the code.

mod diagnosis;
mod failures;
#[cfg(test)]
mod tests;
mod wire;

use countersign_plugin::{
    CheckCode, Checked, Context, Data, Delivered, Effect, Failure, FailureKind, Level, Person, Phone, Scope, SecretRef,
    StartChallenge, Started,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::failures::TABLE;
use self::wire::{AuthyId, CallReply, CheckReply, UserReply};
use crate::failures::malformed;
use crate::stored;

const CLOSED: &str = "mode `authy`: the Authy API is closed to new customers since 2022 and its end is announced \
                      without a date; plan to move to mode `call` or to the provider `twilio-verify`";

/// The application at the service.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) base: String,
    pub(crate) api_key: SecretRef,
}

/// What is remembered of an enrollment.
#[derive(Serialize, Deserialize)]
struct Registered {
    authy_id: AuthyId,
    /// The number under which the user was registered: the service calls that one, whatever
    /// the engine wants to have called.
    #[serde(default)]
    phone: Option<String>,
}

/// What is remembered of a delivery.
#[derive(Serialize, Deserialize)]
struct Called {
    authy_id: AuthyId,
}

impl App {
    /// Registers the user where that is still to be done, and has the service call.
    ///
    /// An id that the service does not know any more (the user was removed there) is replaced
    /// once by registering again; nothing was sent by then.
    pub(crate) async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        cx.log(Level::Warn, CLOSED);
        let Some(recipient) = &input.recipient else {
            return Err(Failure::new(FailureKind::InvalidRecipient, "a call needs a phone number; none was given"));
        };
        let phone = recipient.phone()?;
        let locale = input.person.locale.as_deref();
        if let Some(id) = registered(input.enrollment.as_ref(), &phone.e164)? {
            match self.have_called(cx, &id, locale).await {
                Err(failure) if is_unknown_user(&failure) => {
                    cx.log(Level::Info, "the service does not know the stored user any more; registering again");
                }
                answer => return answer,
            }
        }
        let id = self.register(cx, phone, &input.person).await?;
        self.have_called(cx, &id, locale).await
    }

    /// Asks the service whether this is the code. Only `token` = `is valid` in a successful
    /// answer is a yes.
    pub(crate) async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        if !input.code.is_digits(6..=12) {
            return Ok(Checked::WrongCode);
        }
        let id = called(&input)?;
        let reply = cx.http(self.verify(&input.code, &id)).await?;
        if reply.status == 200 {
            let check: CheckReply = reply.json()?;
            return if check.is_yes() {
                Ok(Checked::approved())
            } else {
                Err(malformed("HTTP 200 to a code without saying that the code is valid"))
            };
        }
        match TABLE.code(&reply) {
            Some(failures::TOKEN_REUSED | failures::TOKEN_INVALID) => Ok(Checked::WrongCode),
            None if reply.status == 401 && reply.json::<CheckReply>().is_ok_and(|it| it.is_no_without_code()) => {
                Ok(Checked::WrongCode)
            }
            _ => Err(TABLE.failure(&reply, Effect::Act, cx.now())),
        }
    }

    async fn register(&self, cx: &Context, phone: &Phone, person: &Person) -> Result<AuthyId, Failure> {
        let email = person.email.as_deref().map(str::trim).filter(|email| !email.is_empty()).ok_or_else(no_email)?;
        // Registering reaches nobody, whatever comes of it.
        let untold = |failure: Failure| failure.delivered(Delivered::No);
        let reply = cx.http(self.new_user(email, phone)).await.map_err(|error| untold(error.into()))?;
        if reply.status != 200 {
            return Err(failures::of_registration(&reply, cx.now()));
        }
        let user: UserReply = reply.json().map_err(|error| untold(error.into()))?;
        let authy_id = user.id().ok_or_else(|| untold(malformed("it registers nobody: no success, or no user id")))?;
        let registered = Registered { authy_id, phone: Some(phone.e164.clone()) };
        cx.keep(Scope::Enrollment, stored::write(&registered)?).await?;
        Ok(registered.authy_id)
    }

    async fn have_called(&self, cx: &Context, id: &AuthyId, locale: Option<&str>) -> Result<Started, Failure> {
        let reply = cx.http(self.call(id, locale)).await?;
        if reply.status != 200 {
            return Err(TABLE.failure(&reply, Effect::Act, cx.now()));
        }
        let call: CallReply = reply.json()?;
        if !call.is_success() {
            return Err(TABLE.failure(&reply, Effect::Act, cx.now()));
        }
        let delivery = stored::write(&Called { authy_id: id.clone() })?;
        // No call then, in spite of `force`: the code is in the app.
        let instruction = call
            .is_ignored()
            .then(|| "There is no call: open the Authy app on your phone and type the code shown there.".to_owned());
        Ok(Started::new().delivery(delivery).instruction(instruction))
    }
}

/// The stored user, if it was registered under this number.
fn registered(enrollment: Option<&Data>, e164: &str) -> Result<Option<AuthyId>, Failure> {
    let Some(data) = enrollment else { return Ok(None) };
    let registered: Registered = stored::read(data)?;
    Ok((registered.phone.as_deref() == Some(e164)).then_some(registered.authy_id))
}

/// The user who was called; the enrollment knows it too if the delivery's data were lost.
fn called(input: &CheckCode) -> Result<AuthyId, Failure> {
    let data = input.delivery.as_ref().or(input.enrollment.as_ref()).ok_or_else(|| {
        Failure::new(FailureKind::Expired, "no user id was kept of this delivery; the service may not have called")
    })?;
    Ok(stored::read::<Called>(data)?.authy_id)
}

fn is_unknown_user(failure: &Failure) -> bool {
    let code = failure.provider_code.as_deref().and_then(|code| code.parse().ok());
    code.is_some_and(|code| failures::UNKNOWN_USER.contains(&code))
}

fn no_email() -> Failure {
    Failure::new(
        FailureKind::Misconfigured,
        "the Authy-style service registers users by e-mail address, and the host gave none for this user; add it \
         (`countersign user add NAME --email ADDRESS`) or use mode `call`, which needs none",
    )
}
