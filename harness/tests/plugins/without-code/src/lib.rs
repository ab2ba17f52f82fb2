//! A test plugin that approves without any code: the contract is wider than one-time codes.
//!
//! The person approves in some other way; `status` asks the service how it went. The made-up
//! service knows each request by an id: `POST /requests` makes one, `GET` and `DELETE` on
//! `/requests/ID` tell of it and take it back, and 404 means that there is none (any more).

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, Context, Data, Delivered, Endpoint, Failure, FailureKind, Provider, Reply,
    Request, Retry, StartChallenge, Started, Status,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Asks a made-up service for an approval.
pub struct WithoutCode {
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

/// What the service says when it is asked for an approval, and what is remembered of it.
#[derive(Serialize, Deserialize)]
struct Asked {
    request: String,
}

/// What the service says of a request.
#[derive(Deserialize)]
struct Told {
    request: String,
    state: String,
}

impl Provider for WithoutCode {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        let base = settings.base_url.unwrap_or_else(|| "https://approve.example".to_owned());
        Ok(Self { base })
    }

    async fn start(&self, cx: &Context, _input: StartChallenge) -> Result<Started, Failure> {
        let reply = cx.http(Request::post(self.requests())).await?;
        if !reply.is_success() {
            return Err(refusal(&reply, cx));
        }
        let asked: Asked = reply.json()?;
        // It becomes part of an address. Without one the request cannot be asked about.
        if asked.request.is_empty() || !asked.request.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(malformed("the service named no request"));
        }
        Ok(Started::new().delivery(Data::new(1, &asked)?))
    }

    async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        let asked = asked(input.delivery)?;
        let reply = cx.http(Request::get(self.requests().path([&asked.request]))).await?;
        match reply.status {
            200..=299 => {}
            404 => return Ok(Status::Expired),
            _ => return Err(refusal(&reply, cx).delivered(Delivered::No)),
        }
        let told: Told = reply.json()?;
        // A yes to another request proves nothing about this person.
        if told.request != asked.request {
            return Err(malformed("the service told of another request than it was asked about"));
        }
        Ok(match told.state.as_str() {
            "approved" => Status::Approved,
            "denied" => Status::Denied,
            "expired" => Status::Expired,
            // Also a word that is newer than this plugin: only "approved" approves.
            _ => Status::Pending,
        })
    }

    async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        let asked = asked(input.delivery)?;
        let reply = cx.http(Request::delete(self.requests().path([&asked.request]))).await?;
        match reply.status {
            200..=299 => Ok(Canceled::Canceled),
            404 => Ok(Canceled::AlreadyOver),
            // Where nobody says that it is dead, it may live.
            _ => Err(refusal(&reply, cx)),
        }
    }
}

impl WithoutCode {
    fn requests(&self) -> Endpoint {
        Endpoint::new(&self.base).path(["requests"])
    }
}

/// What a status other than 2xx means. Only a refusal (4xx) proves that nothing was done.
fn refusal(reply: &Reply, cx: &Context) -> Failure {
    let says = |kind, remedy: &str| Failure::new(kind, format!("the service answered HTTP {}; {remedy}", reply.status));
    match reply.status {
        429 => says(FailureKind::RateLimited, "wait").retry(reply.retry_after(cx.now()).or_seconds(5)),
        400..=499 if reply.status != 408 => says(FailureKind::Misconfigured, "does `base_url` lead to the service?"),
        408 | 500.. => says(FailureKind::Unavailable, "it is out of order; try again later")
            .delivered(Delivered::Maybe)
            .retry(Retry::AnotherProvider),
        _ => malformed("the service answered something else than was asked"),
    }
}

fn malformed(what: &str) -> Failure {
    Failure::new(FailureKind::MalformedReply, format!("{what}; does `base_url` lead to the service?"))
        .delivered(Delivered::Maybe)
}

/// The request of a delivery. There is none where the answer to `start` was lost.
fn asked(delivery: Option<Data>) -> Result<Asked, Failure> {
    let lost = || Failure::new(FailureKind::Expired, "the service's answer was lost, so its request is not known here");
    delivery.ok_or_else(lost)?.read()
}

countersign_plugin::export_provider!(WithoutCode);
