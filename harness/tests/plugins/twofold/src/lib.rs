//! A test plugin that asks for two exchanges at once: the contract is wider than one request
//! after the other.
//!
//! A made-up service sends a code in two halves, by two deliveries. Both are ordered at once,
//! and both must say yes at once.

use countersign_plugin::{
    CheckCode, Checked, Context, Data, Delivered, Effect, Endpoint, Failure, FailureKind, Provider, Reply, Request,
    StartChallenge, Started,
};
use futures_util::future::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[cfg(test)]
mod tests;

/// Orders and checks two halves at once.
pub struct Twofold {
    base: String,
}

/// Settings of the test plugin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Another address of the service.
    #[serde(default)]
    base_url: Option<String>,
}

/// The ids of both halves.
#[derive(Serialize, Deserialize)]
struct Pair {
    left: String,
    right: String,
}

#[derive(Deserialize)]
struct Ordered {
    id: String,
}

#[derive(Deserialize)]
struct Said {
    id: String,
    right: bool,
}

impl Provider for Twofold {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        let base = settings.base_url.unwrap_or_else(|| "https://twofold.example".to_owned());
        Ok(Self { base })
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let Some(recipient) = &input.recipient else {
            return Err(Failure::new(FailureKind::InvalidRecipient, "this channel needs a phone number"));
        };
        let to = &recipient.phone()?.e164;
        let order = |half: &str| Request::post(self.halves()).json(json!({ "half": half, "to": to }));
        let (left, right) = join(cx.http(order("left")), cx.http(order("right"))).await;
        // One of them may have been sent although the other was not.
        let maybe = |failure: Failure| failure.delivered(Delivered::Maybe);
        let left: Ordered = read(&left.map_err(|error| maybe(error.into()))?).map_err(maybe)?;
        let right: Ordered = read(&right.map_err(|error| maybe(error.into()))?).map_err(maybe)?;
        let pair = Pair { left: left.id, right: right.id };
        Ok(Started::new().delivery(Data::new(1, &pair)?))
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        let Some(delivery) = input.delivery else {
            return Err(Failure::new(FailureKind::Expired, "the delivery has no data"));
        };
        if !input.code.is_digits(6..=6) {
            return Ok(Checked::WrongCode);
        }
        let pair: Pair = delivery.read()?;
        let (first, second) = input.code.as_str().split_at(3);
        let ask = |id: &str, digits: &str| {
            let endpoint = self.halves().path([id, "checks"]);
            cx.http(Request::post(endpoint).effect(Effect::Act).json(json!({ "digits": digits })))
        };
        let (left, right) = join(ask(&pair.left, first), ask(&pair.right, second)).await;
        let (left, right): (Said, Said) = (read(&left?)?, read(&right?)?);
        if left.id != pair.left || right.id != pair.right {
            return Err(Failure::new(FailureKind::MalformedReply, "the service answered about another delivery"));
        }
        if left.right && right.right { Ok(Checked::approved()) } else { Ok(Checked::WrongCode) }
    }
}

impl Twofold {
    fn halves(&self) -> Endpoint {
        Endpoint::new(&self.base).path(["halves"])
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply) -> Result<T, Failure> {
    if reply.is_success() {
        return Ok(reply.json()?);
    }
    Err(Failure::new(FailureKind::Unavailable, format!("the service answered with HTTP {}", reply.status)))
}

countersign_plugin::export_provider!(Twofold);
