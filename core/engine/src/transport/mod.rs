//! Transports: who performs an HTTP request. Live, replaying, recording, faulty and emulated
//! ones are all this trait; the engine cannot tell them apart.

mod egress;
mod live;

use std::time::Duration;

use async_trait::async_trait;
use countersign_plugin::Reply;
use countersign_plugin::http::{Request, TransportFailure};
use url::Url;

use crate::secrets::Secrets;

pub use egress::{Egress, EgressError, EgressRefusal};
pub use live::{LiveSettings, LiveTransport};

/// A request that has passed the egress check. Secrets are still references: only a transport
/// that really sends inserts the values, and what is recorded holds the references.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// What the plugin asked for.
    pub request: &'a Request,
    /// Its address, parsed once; what was checked is what is sent.
    pub url: &'a Url,
    /// The values of the service's secrets.
    pub secrets: &'a Secrets,
    /// The time that is left for this exchange.
    pub time_left: Duration,
}

/// Performs exchanges.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Performs one exchange. It never repeats, follows no redirect and reads at most
    /// [`REPLY_BODY_BYTES`](countersign_plugin::limits::REPLY_BODY_BYTES) of body.
    ///
    /// # Errors
    /// Why there is no reply; above all whether anything can have left.
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure>;
}
