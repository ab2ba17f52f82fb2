//! A test plugin that approves without any code: the contract is wider than one-time codes.
//!
//! The person approves in some other way; `status` asks the service how it went.

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, Context, Data, Endpoint, Failure, FailureKind, Provider, Request,
    StartChallenge, Started, Status,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

#[derive(Serialize, Deserialize)]
struct Asked {
    request: String,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

impl Provider for WithoutCode {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        let base = settings.base_url.unwrap_or_else(|| "https://approve.example".to_owned());
        Ok(Self { base })
    }

    async fn start(&self, cx: &Context, _input: StartChallenge) -> Result<Started, Failure> {
        let reply = cx.http(Request::post(Endpoint::new(&self.base).path(["requests"]))).await?;
        let asked: Asked = reply.json()?;
        Ok(Started { delivery: Some(Data::new(1, &asked)?), ..Started::default() })
    }

    async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        let asked: Asked = delivery(input.delivery)?;
        let reply = cx.http(Request::get(Endpoint::new(&self.base).path(["requests", &asked.request]))).await?;
        let state: State = reply.json()?;
        Ok(match state.state.as_str() {
            "approved" => Status::Approved,
            "denied" => Status::Denied,
            "expired" => Status::Expired,
            _ => Status::Pending,
        })
    }

    async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        let asked: Asked = delivery(input.delivery)?;
        cx.http(Request::delete(Endpoint::new(&self.base).path(["requests", &asked.request]))).await?;
        Ok(Canceled::Canceled)
    }
}

fn delivery(data: Option<Data>) -> Result<Asked, Failure> {
    data.ok_or_else(|| Failure::new(FailureKind::Expired, "the delivery has no data"))?.read()
}

countersign_plugin::export_provider!(WithoutCode);

#[cfg(test)]
mod tests {
    use countersign_plugin::testing;

    use super::WithoutCode;

    #[test]
    fn the_manifest_is_true() -> Result<(), testing::Drift> {
        testing::check_manifest::<WithoutCode>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
    }
}
