//! For vendors: everything that a Countersign channel plugin needs, and nothing else.
//!
//! A plugin is *sans-IO*: it describes HTTP requests, the host performs them. Implement
//! [`Provider`] with plain `async fn`s, put a `manifest.json` beside `Cargo.toml`, and end
//! with one line:
//!
//! ```ignore
//! countersign_plugin::export_provider!(AcmeSms);
//! ```
//!
//! [`testing`] drives a provider in a unit test, without engine or sockets, and checks that
//! manifest, settings struct and `Cargo.toml` agree.

pub mod abi;
mod bytes;
mod context;
pub mod contract;
mod coroutine;
mod failure;
pub mod http;
pub mod limits;
pub mod line;
mod log;
pub mod manifest;
mod operation;
mod provider;
mod secret;
pub mod step;
pub mod testing;
mod time;

pub use bytes::Bytes;
pub use context::Context;
pub use failure::{Delivered, Failure, FailureKind, Fault, FaultKind, Retry};
pub use http::{Effect, Endpoint, HttpError, Malformed, Reply, Request, RetryAfter, TransportFailureKind};
pub use manifest::Manifest;
pub use operation::*;
pub use provider::Provider;
pub use schemars;
pub use secret::{Code, SecretRef};
pub use step::{HmacAlgorithm, Level, Scope};
pub use time::Timestamp;
