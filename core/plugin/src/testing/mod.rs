//! For a vendor's unit tests: drive a provider without engine, sockets or clock, and check that
//! what the manifest says is so.
//!
//! ```
//! # use countersign_plugin::{testing::Bench, *};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)] struct None {}
//! # struct Acme;
//! # impl Provider for Acme {
//! #     type Settings = None;
//! #     fn open(_: None) -> Result<Self, Failure> { Ok(Self) }
//! #     async fn start(&self, cx: &Context, _: StartChallenge) -> Result<Started, Failure> {
//! #         let reply = cx.http(Request::post(Endpoint::new("https://acme.example").path(["send"]))).await?;
//! #         if reply.is_success() { Ok(Started::new()) } else { Err(Failure::new(FailureKind::Unavailable, "no")) }
//! #     }
//! # }
//! let bench = Bench::<Acme>::open(serde_json::json!({}));
//! let ran = bench.host().reply(201, serde_json::json!({})).start(testing::start("sms"));
//! assert!(ran.outcome.is_ok());
//! assert_eq!(ran.requests[0].url, "https://acme.example/send");
//! ```

mod bench;
mod drift;
mod host;
mod inputs;
mod service;

pub use bench::Bench;
pub use drift::{Drift, check_manifest};
pub use host::{Host, Ran};
pub use inputs::{check, enroll, phone, start};

#[cfg(test)]
mod tests;
