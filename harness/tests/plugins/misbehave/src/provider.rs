//! The operations, ordinary but for the fault.

use std::sync::{Mutex, PoisonError};

use countersign_plugin::{
    CheckCode, Checked, Context, Data, Diagnosis, Effect, Endpoint, Failure, FailureKind, Finding, Health, Provider,
    Recipient, Request, Scope, StartChallenge, Started, TestCredentials,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::{Fault, Settings, When};
use crate::faults::{self, Private};

/// An ordinary provider, but for its fault.
pub struct Misbehave {
    settings: Settings,
    base: String,
    /// For the fault of a plugin that keeps a state.
    sent: Mutex<Vec<String>>,
}

/// What a delivery remembers, and what the service answers to an order.
#[derive(Serialize, Deserialize)]
struct Message {
    id: String,
}

#[derive(Deserialize)]
struct Said {
    approved: bool,
}

impl Provider for Misbehave {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        if settings.fault == Fault::PanicInOpen {
            panic!("this plugin panics in open because its settings say so");
        }
        let base = settings.base_url.clone().unwrap_or_else(|| "https://misbehave.example".to_owned());
        Ok(Self { settings, base, sent: Mutex::default() })
    }

    async fn test_credentials(&self, cx: &Context, _input: TestCredentials) -> Result<Diagnosis, Failure> {
        let fault = self.fault(When::TestCredentials);
        faults::commit(fault, cx, Private::default()).await?;
        let request = match fault {
            Fault::ActInTest | Fault::ActAsRead => {
                self.request(Request::post(self.endpoint(["messages"]))).json(json!({ "to": "+15005550006" }))
            }
            _ => self.request(Request::get(self.endpoint(["account"]))),
        };
        let reply = match cx.http(faults::spoil(fault, &self.base, request)).await {
            Err(_) if fault == Fault::CallGood => return Ok(Diagnosis::new(called_good())),
            reply => reply?,
        };
        if fault == Fault::CallGood {
            return Ok(Diagnosis::new(called_good()));
        }
        let (state, message) = if reply.is_success() {
            (Health::Good, "the service accepts it")
        } else {
            (Health::Bad, "the service refuses it")
        };
        let finding = Finding::new("token", state, message);
        Ok(Diagnosis::new(vec![finding]))
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let fault = self.fault(When::Start);
        let number = number(input.recipient.as_ref())?;
        faults::commit(fault, cx, Private { number: Some(number), code: None }).await?;
        if fault == Fault::RememberSent && self.knows(number) {
            return Ok(Started::new().delivery(Data::new(1, &Message { id: "7".to_owned() })?));
        }
        let request = self.request(Request::post(self.endpoint(["messages"]))).json(json!({ "to": number }));
        let reply = faults::send(fault, cx, faults::spoil(fault, &self.base, request)).await;
        let message: Message = match reply {
            Err(_) if fault == Fault::IgnoreFailures => Message { id: "7".to_owned() },
            reply => faults::read(fault, &reply?)?,
        };
        let delivery = match fault {
            Fault::HugeData => faults::huge_data(),
            Fault::WrongOutcome => faults::data_of_another_version(),
            _ => Data::new(1, &message)?,
        };
        Ok(Started::new().delivery(delivery))
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        let fault = self.fault(When::Check);
        let private = Private { number: number(input.recipient.as_ref()).ok(), code: Some(input.code.as_str()) };
        faults::commit(fault, cx, private).await?;
        if fault == Fault::WrongOutcome {
            return Ok(Checked::approved_by_step(1));
        }
        let Some(delivery) = &input.delivery else {
            return Err(Failure::new(FailureKind::Expired, "the delivery has no data"));
        };
        if !input.code.is_digits(4..=10) {
            return Ok(Checked::WrongCode);
        }
        let message: Message = delivery.read()?;
        if fault == Fault::HugeData {
            cx.keep(Scope::Delivery, faults::huge_data()).await?;
        }
        let request = self.request(Request::post(self.endpoint(["messages", message.id.as_str(), "checks"])));
        let request = request.effect(Effect::Act).json(json!({ "code": input.code.as_str() }));
        let reply = faults::send(fault, cx, faults::spoil(fault, &self.base, request)).await;
        if fault == Fault::CallWrongCode {
            let said = reply.map(|reply| faults::read::<Said>(fault, &reply));
            return Ok(match said {
                Ok(Ok(Said { approved: true })) => Checked::approved(),
                _ => Checked::WrongCode,
            });
        }
        let reply = reply?;
        if fault == Fault::ApproveAnySuccess && reply.is_success() {
            return Ok(Checked::approved());
        }
        let said: Said = faults::read(fault, &reply)?;
        if said.approved { Ok(Checked::approved()) } else { Ok(Checked::WrongCode) }
    }
}

impl Misbehave {
    fn fault(&self, now: When) -> Fault {
        if self.settings.when.is_none_or(|when| when == now) { self.settings.fault } else { Fault::None }
    }

    /// Whether a message was sent to that number before; from now on it was.
    fn knows(&self, number: &str) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sent.iter().any(|other| other == number);
        if !known {
            sent.push(number.to_owned());
        }
        known
    }

    fn endpoint<const N: usize>(&self, path: [&str; N]) -> Endpoint {
        Endpoint::new(&self.base).path(["v1"]).path(path)
    }

    fn request(&self, request: Request) -> Request {
        request.bearer(&self.settings.token)
    }
}

fn called_good() -> Vec<Finding> {
    vec![
        Finding::new("token", Health::Good, "nobody asked"),
        Finding::new("sender", Health::Unknown, "the service does not tell"),
    ]
}

fn number(recipient: Option<&Recipient>) -> Result<&str, Failure> {
    match recipient {
        Some(recipient) => Ok(&recipient.phone()?.e164),
        None => Err(Failure::new(FailureKind::InvalidRecipient, "this channel needs a phone number")),
    }
}
