//! HTTP as values: a plugin describes an exchange, the host performs it.

mod endpoint;
mod json;
mod reply;
mod request;
mod shown;

pub use endpoint::Endpoint;
pub use reply::{HttpError, Malformed, Reply, RetryAfter, TransportFailure, TransportFailureKind};
pub use request::{Auth, Body, Effect, FieldValue, Method, Request};
pub(crate) use shown::Address;
