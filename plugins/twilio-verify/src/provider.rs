//! The operations, one exchange each.

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, CheckCode, Checked, Context, Delivered, Diagnosis, Failure, FailureKind,
    HttpError, Level, OperationName, Phone, Provider, Recipient, Reply, Request, Scope, StartChallenge, Started,
    Status, TestCredentials,
};

use crate::config::{Config, Settings, Sid};
use crate::diagnosis;
use crate::failures;
use crate::stored;
use crate::wire::{self, State, Verification};

/// Codes that a Verify service can be set to make, in digits.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 4..=10;

/// Codes by text message or call, made and checked by Twilio Verify.
#[derive(Debug)]
pub struct TwilioVerify {
    config: Config,
}

impl Provider for TwilioVerify {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        Ok(Self { config: Config::check(settings)? })
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        self.send_code(cx, input).await.map_err(|failure| failures::seen_from(OperationName::Start, failure))
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        self.check_code(cx, input).await.map_err(|failure| failures::seen_from(OperationName::Check, failure))
    }

    async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        self.cancel_code(cx, input).await.map_err(|failure| failures::seen_from(OperationName::Cancel, failure))
    }

    async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        self.ask_status(cx, input).await.map_err(|failure| failures::seen_from(OperationName::Status, failure))
    }

    async fn test_credentials(&self, cx: &Context, _input: TestCredentials) -> Result<Diagnosis, Failure> {
        let reply = send(cx, OperationName::TestCredentials, wire::fetch_service(&self.config)).await;
        let diagnosis = match reply {
            Ok(reply) => diagnosis::of(&reply, &self.config.service, cx.now()),
            Err(error) => Err(error.into()),
        };
        diagnosis.map_err(|failure| failures::seen_from(OperationName::TestCredentials, failure))
    }
}

impl TwilioVerify {
    async fn send_code(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let channel = wire::channel(&input.channel)?;
        let phone = phone(input.recipient.as_ref())?;
        let request = wire::start(&self.config, phone, channel, input.person.locale.as_deref());
        let reply = send(cx, OperationName::Start, request).await?;
        if !reply.is_success() {
            return Err(failures::refusal(OperationName::Start, &reply, cx.now()));
        }
        // The message is out: whatever is wrong with the rest, it must be possible to cancel it.
        let sid = wire::named(&reply)?;
        let delivery = stored::write(&sid)?;
        cx.keep(Scope::Delivery, delivery.clone()).await?;
        let verification = Verification::read(&reply, &sid, Some(phone))?;
        if verification.state != State::Pending {
            return Err(failures::inconsistent("a verification that was just started is not pending"));
        }
        let expires_in_seconds = verification.expires_in_seconds;
        Ok(Started::new().delivery(delivery).expires_in_seconds(expires_in_seconds))
    }

    async fn check_code(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        wire::channel(&input.channel)?;
        // No service makes such a code, so it is not worth one of the five tries.
        if !input.code.is_digits(CODE_DIGITS) {
            return Ok(Checked::WrongCode);
        }
        let phone = phone(input.recipient.as_ref())?;
        let Some(sid) = input.delivery.as_ref().map(stored::read).transpose()? else {
            return Err(failures::nameless());
        };
        let reply = send(cx, OperationName::Check, wire::check(&self.config, &sid, &input.code)).await?;
        if !reply.is_success() {
            // The verification is not in question: the service makes codes of another length.
            let wrong_length = failures::error_code(&reply) == Some(60200);
            return if wrong_length {
                Ok(Checked::WrongCode)
            } else {
                Err(failures::refusal(OperationName::Check, &reply, cx.now()))
            };
        }
        let verification = Verification::read(&reply, &sid, Some(phone))?;
        match (verification.state, verification.valid) {
            (State::Approved, Some(true)) => Ok(Checked::approved()),
            (State::Pending, Some(false)) => Ok(Checked::WrongCode),
            (State::Expired | State::Canceled | State::Deleted | State::Failed, Some(false)) => Err(failures::over()),
            (State::MaxAttemptsReached, Some(false)) => Err(failures::no_tries_left()),
            _ => Err(failures::inconsistent("`status` and `valid` together say neither yes nor no")),
        }
    }

    async fn cancel_code(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        wire::channel(&input.channel)?;
        let Some(sid) = input.delivery.as_ref().map(stored::read).transpose()? else { return Err(nothing_to_cancel()) };
        let reply = send(cx, OperationName::Cancel, wire::cancel(&self.config, &sid)).await?;
        if failures::is_gone(&reply) {
            return Ok(Canceled::AlreadyOver);
        }
        if !reply.is_success() {
            return Err(failures::refusal(OperationName::Cancel, &reply, cx.now()));
        }
        match Verification::read(&reply, &sid, None)?.state {
            State::Canceled => Ok(Canceled::Canceled),
            _ => Err(failures::inconsistent("the verification that was to be canceled is not canceled")),
        }
    }

    async fn ask_status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        wire::channel(&input.channel)?;
        let phone = input.recipient.as_ref().map(Recipient::phone).transpose()?;
        let Some(sid) = input.delivery.as_ref().map(stored::read).transpose()? else {
            return Err(failures::nameless());
        };
        let reply = send(cx, OperationName::Status, wire::fetch(&self.config, &sid)).await?;
        if failures::is_gone(&reply) {
            return Ok(Status::Expired);
        }
        if !reply.is_success() {
            return Err(failures::refusal(OperationName::Status, &reply, cx.now()));
        }
        let verification = Verification::read(&reply, &sid, phone)?;
        match verification.state {
            State::Approved if verification.valid == Some(true) => Ok(Status::Approved),
            State::Approved => Err(failures::inconsistent("`status` is approved although `valid` is not true")),
            State::Pending => Ok(Status::Pending),
            State::Canceled => Ok(Status::Canceled),
            State::MaxAttemptsReached => Ok(Status::Denied),
            State::Expired | State::Deleted => Ok(Status::Expired),
            State::Failed => Ok(Status::Undelivered),
            State::Unknown => {
                cx.log(Level::Warn, "Twilio named a verification status that is not known here; taken for pending");
                Ok(Status::Pending)
            }
        }
    }
}

/// Performs a request; where it is refused, leaves a line by which Twilio's support finds it.
async fn send(cx: &Context, during: OperationName, request: Request) -> Result<Reply, HttpError> {
    let reply = cx.http(request).await?;
    if !reply.is_success() {
        let code =
            failures::error_code(&reply).map_or_else(|| "no known code".to_owned(), |code| format!("code {code}"));
        let id = reply.header("twilio-request-id").and_then(|id| Sid::parse("RQ", id));
        let id = id.as_ref().map_or("without id", Sid::as_str);
        cx.log(Level::Info, format!("{during}: Twilio answered HTTP {} with {code} (request {id})", reply.status));
    }
    Ok(reply)
}

fn phone(recipient: Option<&Recipient>) -> Result<&Phone, Failure> {
    let missing =
        || Failure::new(FailureKind::InvalidRecipient, "this channel needs a phone number and was given none");
    recipient.ok_or_else(missing)?.phone()
}

/// Twilio could be asked by number, but that might end somebody else's verification.
fn nothing_to_cancel() -> Failure {
    Failure::new(
        FailureKind::Unsupported,
        "the SID of this verification never arrived, so it cannot be canceled; it ends ten minutes after it was sent",
    )
    .delivered(Delivered::Maybe)
}
