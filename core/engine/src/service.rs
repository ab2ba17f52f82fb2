//! A service: a channel as configured in the bootstrap, with the opened provider behind it.

use std::fmt;
use std::sync::Arc;

use countersign_plugin::manifest::{Channel, Checker, Destination, Maker};
use countersign_plugin::{Manifest, OperationName};

use crate::instance::Instance;
use crate::secrets::Secrets;
use crate::store::{Holder, Store};
use crate::transport::Egress;

/// A channel that can be used.
pub struct Service {
    /// Its name in the bootstrap; what a person picks is called method and has this name.
    pub name: String,
    /// The channel.
    pub channel: String,
    /// The mode, where the provider has modes.
    pub mode: Option<String>,
    /// The provider's id. For messages and for keying stored data only: no rule of the engine
    /// depends on which provider it is.
    pub provider: String,
    /// What the manifest says of this channel and mode.
    pub offer: Channel,
    /// Digits that its codes have now, where a setting of the plugin says so. A device that was enrolled under
    /// another setting shows as many as it did: what is accepted is the offer's to say.
    pub configured_digits: Option<u8>,
    /// Operations of the plugin that belong to no channel.
    pub operations: Vec<OperationName>,
    /// The opened provider.
    pub instance: Arc<dyn Instance>,
    /// The secrets that its requests may refer to.
    pub secrets: Secrets,
    /// Where its requests may go.
    pub egress: Egress,
    /// What identifies account and service at the provider: two services with the same bytes
    /// share their codes there. It contains secret values: hash it, never store or print it.
    pub account: zeroize::Zeroizing<Vec<u8>>,
    /// What to try after unavailable or "another provider" failures, in order.
    pub fallback: Vec<Arc<Self>>,
}

impl Service {
    /// Who makes the code.
    pub const fn maker(&self) -> Maker {
        self.offer.code_made_by
    }

    /// Who checks it.
    pub const fn checker(&self) -> Checker {
        self.offer.code_checked_by
    }

    /// Where it goes.
    pub const fn destination(&self) -> Destination {
        self.offer.destination
    }

    /// Whether the plugin supports this operation here.
    pub fn supports(&self, operation: OperationName) -> bool {
        self.offer.operations.contains(&operation) || self.operations.contains(&operation)
    }

    /// Whose its data is. What the plugin judges by itself (an enrolled secret) is worth the same
    /// whatever the service's settings are.
    pub(crate) fn holder(&self, store: &dyn Store) -> Holder {
        let account = (self.checker() != Checker::Plugin).then(|| store.hash("account", &[self.account.as_slice()]));
        Holder { provider: self.provider.clone(), account }
    }

    /// The manifest of its plugin.
    pub fn manifest(&self) -> &Manifest {
        self.instance.manifest()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("channel", &self.channel)
            .field("mode", &self.mode)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
