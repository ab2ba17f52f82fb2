//! The channel. The made-up service knows each message by an id: `POST /v1/messages` sends one, `GET` and `DELETE` on
//! `/v1/messages/ID` tell of it and take it back, `POST /v1/messages/ID/checks` checks a code.

use std::sync::{Mutex, PoisonError};

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, CheckCode, Checked, Context, Data, Delivered, Diagnosis, Effect, Endpoint,
    Enroll, Enrolled, Failure, FailureKind, Finding, HttpError, Level, Provider, Reply, Request, Retry, SecretRef,
    Setup, StartChallenge, Started, Status, TestCredentials, TransportFailureKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Flaw;

/// The channel with the flaw of that number.
pub struct Plugin<const FLAW: u8> {
    base: String,
    sender: String,
    token: SecretRef,
    /// Used by the flaw that mixes operations alone.
    last: Mutex<String>,
}

/// Settings of the made-up service.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"sender": "ACME", "token": {"secret": "token"}}]))]
pub struct Settings {
    /// Under which name messages are sent, letters only.
    #[schemars(regex(pattern = "^[A-Za-z]{1,20}$"))]
    sender: String,
    /// Token of the service.
    token: SecretRef,
    /// Another address of the service.
    #[serde(default)]
    #[schemars(regex(pattern = r"^https?://[^?#@\s]+$"))]
    base_url: Option<String>,
}

/// What a delivery remembers, and what the service answers to an order.
#[derive(Serialize, Deserialize)]
struct Message {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    id: String,
    approved: bool,
}

#[derive(Deserialize)]
struct Told {
    id: String,
    state: String,
}

impl<const FLAW: u8> Provider for Plugin<FLAW> {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        let Settings { sender, token, base_url } = settings;
        let sound = (1..=20).contains(&sender.len()) && sender.bytes().all(|byte| byte.is_ascii_alphabetic());
        assert!(sound || !Flaw::Open.is(FLAW), "the schema has seen to that");
        if !sound {
            let text = "the setting `sender` must be 1 to 20 letters";
            return Err(Failure::new(FailureKind::Misconfigured, text));
        }
        let base = base_url.unwrap_or_else(|| "https://flawed.example".to_owned());
        Ok(Self { base, sender, token, last: Mutex::default() })
    }

    async fn test_credentials(&self, cx: &Context, _: TestCredentials) -> Result<Diagnosis, Failure> {
        Self::available()?;
        let reply = cx.http(self.request(Request::get(self.endpoint().path(["account"])))).await?;
        let finding = match reply.status {
            200..=299 => Finding::good("token", "the service accepts it"),
            401 | 403 => Finding::bad("token", "the service refuses it").remedy("copy it anew"),
            _ => return Err(Self::refusal(&reply)),
        };
        Ok(Diagnosis::new([finding]))
    }

    async fn enroll(&self, _: &Context, _: Enroll) -> Result<Enrolled, Failure> {
        if Flaw::Undeclared.is(FLAW) {
            return Ok(Enrolled::new(Data::from_json(1, json!({})), Setup::new("otpauth://totp/a", "")));
        }
        Err(Failure::unsupported("enroll"))
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        Self::available()?;
        let missing = || Failure::new(FailureKind::InvalidRecipient, "this channel needs a phone number");
        let number = input.recipient.as_ref().ok_or_else(missing)?.phone()?.e164.clone();
        let number = self.remembered(cx, number).await?;
        if Flaw::Leak.is(FLAW) {
            Box::leak(vec![1_u8; 64 << 10].into_boxed_slice());
        }
        let reply = self.send(cx, &number).await?;
        if !reply.is_success() {
            return Err(Self::refusal(&reply));
        }
        let mut message: Message = reply.json()?;
        // It becomes part of an address.
        if message.id.is_empty()
            || !message.id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            || message.id.len() > 64
        {
            return Err(malformed("the service named no message"));
        }
        message.padding = Flaw::Limits.is(FLAW).then(|| "x".repeat(17 << 10));
        let version = if Flaw::Outcome.is(FLAW) { 7 } else { 1 };
        Ok(Started::new().delivery(Data::new(version, &message)?))
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        Self::available()?;
        let code = input.code.as_str();
        if Flaw::Approve.is(FLAW) && code == "123456" {
            return Ok(Checked::approved());
        }
        if !Flaw::Path.is(FLAW) && !input.code.is_digits(4..=10) {
            return Ok(Checked::WrongCode);
        }
        if Flaw::Secret.is(FLAW) {
            cx.log(Level::Info, format!("checking {code}"));
        }
        let message = message(input.delivery)?;
        let reply = cx.http(self.checking(&message, code)).await?;
        let body = reply.body.as_slice();
        if Flaw::Odd.is(FLAW) {
            assert!(str::from_utf8(body).is_ok(), "replies are text");
        }
        while Flaw::Endless.is(FLAW) && body.starts_with(b"[") {
            std::hint::spin_loop();
        }
        if !reply.is_success() {
            return Err(Self::refusal(&reply));
        }
        let said: Said = reply.json()?;
        if said.id != message.id {
            return Err(malformed("the service answered about another message"));
        }
        Ok(if said.approved { Checked::approved() } else { Checked::WrongCode })
    }

    async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        Self::available()?;
        let message = message(input.delivery)?;
        let reply = cx.http(self.request(Request::delete(self.message(&message)))).await?;
        match reply.status {
            200..=299 => Ok(Canceled::Canceled),
            404 => Ok(Canceled::AlreadyOver),
            _ => Err(Self::refusal(&reply)),
        }
    }

    async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        Self::available()?;
        if Flaw::Unsupported.is(FLAW) {
            return Err(Failure::unsupported("status"));
        }
        let message = message(input.delivery)?;
        let reply = cx.http(self.request(Request::get(self.message(&message)))).await?;
        if !reply.is_success() {
            return Err(Self::refusal(&reply));
        }
        let told: Told = reply.json()?;
        if told.id != message.id {
            return Err(malformed("the service told of another message"));
        }
        Ok(if told.state == "undelivered" { Status::Undelivered } else { Status::Pending })
    }
}

impl<const FLAW: u8> Plugin<FLAW> {
    fn available() -> Result<(), Failure> {
        if Flaw::Unavailable.is(FLAW) {
            let failure = Failure::new(FailureKind::Unavailable, "the service is out of order; try again later");
            return Err(failure.retry(Retry::AnotherProvider));
        }
        Ok(())
    }

    /// The number itself; by the flaw that mixes operations, whichever came last.
    async fn remembered(&self, cx: &Context, number: String) -> Result<String, Failure> {
        if !Flaw::Mixed.is(FLAW) {
            return Ok(number);
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = number;
        cx.random(1).await?;
        Ok(self.last.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn send(&self, cx: &Context, number: &str) -> Result<Reply, Failure> {
        let mut order = json!({ "to": number, "sender": self.sender });
        if Flaw::Steps.is(FLAW) {
            order["process"] = std::process::id().into();
        }
        if Flaw::Egress.is(FLAW) {
            // Whatever comes of it.
            let _ = cx.http(Request::get(Endpoint::new("https://statistics.example").path(["sent"]))).await;
        }
        let request = || self.request(Request::post(self.messages())).json(order.clone());
        let lost = |error: &HttpError| error.failure.kind == TransportFailureKind::NoAnswer;
        match cx.http(request()).await {
            Err(error) if Flaw::Resend.is(FLAW) && lost(&error) => Ok(cx.http(request()).await?),
            Err(error) if Flaw::Delivered.is(FLAW) => Err(Failure::from(error).delivered(Delivered::No)),
            got => Ok(got?),
        }
    }

    fn checking(&self, message: &Message, code: &str) -> Request {
        let endpoint = self.message(message).path(["checks"]);
        if Flaw::Path.is(FLAW) {
            let mut request = self.request(Request::post(endpoint));
            request.url = format!("{}/{code}", request.url);
            return request;
        }
        let request = self.request(Request::post(endpoint)).json(json!({ "code": code }));
        let request = if Flaw::Effect.is(FLAW) { request.effect(Effect::Read) } else { request };
        if Flaw::Header.is(FLAW) { request.header("Content-Type", "application/json") } else { request }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.base).path(["v1"])
    }

    fn messages(&self) -> Endpoint {
        self.endpoint().path(["messages"])
    }

    fn message(&self, message: &Message) -> Endpoint {
        self.messages().path([&message.id])
    }

    fn request(&self, request: Request) -> Request {
        request.bearer(&self.token)
    }

    /// What a status other than 2xx means. Only a refusal (4xx) proves that nothing was done.
    fn refusal(reply: &Reply) -> Failure {
        let failure =
            |kind, remedy: &str| Failure::new(kind, format!("the service answered HTTP {}; {remedy}", reply.status));
        let failure = match reply.status {
            401 | 403 => failure(FailureKind::BadCredentials, "copy `token` anew"),
            404 | 410 => failure(FailureKind::Expired, "it does not know the message"),
            429 => failure(FailureKind::RateLimited, "wait").retry(Retry::After { seconds: 5 }),
            400..=499 => failure(FailureKind::Misconfigured, "does `base_url` lead to the service?"),
            _ => failure(FailureKind::Unavailable, "try again later")
                .delivered(Delivered::Maybe)
                .retry(Retry::AnotherProvider),
        };
        if !Flaw::Person.is(FLAW) {
            return failure;
        }
        #[derive(Deserialize)]
        struct Error {
            error_code: String,
        }
        match reply.json::<Error>() {
            Ok(Error { error_code }) => failure.person(format!("The service says: error {error_code}.")),
            Err(_) => failure,
        }
    }
}

/// The message of a delivery. There is none where the answer to `start` was lost.
fn message(delivery: Option<Data>) -> Result<Message, Failure> {
    let lost = || Failure::new(FailureKind::Expired, "the service's answer was lost, so its message is not known here");
    delivery.ok_or_else(lost)?.read()
}

fn malformed(what: &str) -> Failure {
    Failure::new(FailureKind::MalformedReply, format!("{what}; does `base_url` lead to the service?"))
        .delivered(Delivered::Maybe)
}

#[cfg(test)]
mod tests {
    use countersign_plugin::testing;

    use super::*;

    /// The manifest of the plugin that has no flaw: the others differ where theirs is.
    const MANIFEST: &[u8] = include_bytes!("../../nothing/manifest.json");

    #[test]
    fn the_manifest_is_true() -> Result<(), testing::Drift> {
        testing::check_manifest::<Plugin<{ Flaw::Nothing as u8 }>>(MANIFEST, env!("CARGO_PKG_VERSION"))
    }
}
