//! `manifest.json`: what a plugin says of itself before any of its code runs.

mod check;
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::OperationName;

pub use check::{CODE_DIGITS, ID_LIMIT, NAME_LIMIT, Problem};
pub use schema::Shape;

/// Version of the manifest format that this SDK writes and hosts of this release read.
pub const MANIFEST_VERSION: u32 = 1;

/// Features of a host that a plugin may require by name. Hosts of release 1.0 have these.
pub const HOST_FEATURES: [&str; 4] = ["http", "random", "keep", "hmac"];

/// The manifest. Unknown fields are ignored, so later ones may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of this format: [`MANIFEST_VERSION`].
    pub manifest: u32,
    /// The provider's id, `[a-z][a-z0-9-]*`; names the file `lib<id with _>.so`.
    pub id: String,
    /// The plugin's version (semver), equal to the one in its `Cargo.toml`.
    pub version: String,
    /// Who made it.
    pub vendor: Vendor,
    /// Host features without which this plugin cannot work; see [`HOST_FEATURES`].
    #[serde(default)]
    pub requires: Vec<String>,
    /// Where the service runs.
    pub delivery_type: DeliveryType,
    /// Version of the opaque data that this plugin writes.
    #[serde(default = "one")]
    pub data_version: u32,
    /// Texts per language (BCP 47); `en` must be there.
    pub labels: BTreeMap<String, Label>,
    /// What it offers, one entry per channel and mode.
    pub channels: Vec<Channel>,
    /// Names of the settings that together identify account and service at the provider: two
    /// services of a bootstrap that agree in these share their codes there. Empty: all settings.
    #[serde(default)]
    pub account: Vec<String>,
    /// Operations that do not belong to a channel, for example `test_credentials`.
    #[serde(default)]
    pub operations: Vec<OperationName>,
    /// Where its requests may go. An operator's `base_url` setting replaces the `base`.
    #[serde(default)]
    pub egress: Vec<Egress>,
    /// JSON Schema (2020-12) of the settings; secrets carry `"x-secret": true`.
    pub settings: Value,
}

/// Who made a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Vendor {
    /// Name of a person or company.
    pub name: String,
    /// Where to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Where the service runs, as PortalGuard calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryType {
    /// At a company on the network.
    HostedService,
    /// In the plugin itself.
    Local,
}

impl DeliveryType {
    /// The name as it stands in JSON and in the bootstrap.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostedService => "hosted-service",
            Self::Local => "local",
        }
    }
}

/// Texts in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Label {
    /// A short name for lists.
    pub name: String,
    /// One or two sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One channel, in one mode where the provider has modes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Channel {
    /// `sms`, `voice`, `totp`, or a name of the vendor's own.
    pub channel: String,
    /// The value of the setting `mode` to which this entry belongs; absent where the provider
    /// has no modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Who makes the code.
    pub code_made_by: Maker,
    /// Who checks it.
    pub code_checked_by: Checker,
    /// Lengths of a code that a person may type here, fewest and most digits. Whatever is
    /// outside is a wrong code without asking the provider.
    ///
    /// Where the settings have an integer `digits`, its value (or its default in the schema) says how
    /// many digits the codes of device and provider have at present, as far as it lies within these
    /// lengths; the person is then asked for so many. Codes of the engine have as many as the site says.
    #[serde(default = "any_length")]
    pub code_digits: [u8; 2],
    /// Where it goes.
    pub destination: Destination,
    /// How long a code of the provider's lives, in seconds, unless `start` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_lifetime_seconds: Option<u32>,
    /// Operations that it supports here.
    pub operations: Vec<OperationName>,
    /// Texts per language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Label>,
}

/// Who makes a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maker {
    /// The provider; the engine never sees it before the person types it.
    Provider,
    /// The engine; the plugin only delivers it.
    Engine,
    /// The person's device, from an enrolled secret.
    Device,
    /// Nobody: the person approves in another way.
    Nobody,
}

/// Who checks a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checker {
    /// The provider, through the plugin.
    Provider,
    /// The engine.
    Engine,
    /// The plugin itself, without network, from the enrollment's data.
    Plugin,
}

/// Kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A telephone number.
    Phone,
    /// A mailbox.
    Email,
    /// A device that was enrolled.
    Device,
    /// None.
    None,
}

/// One place where requests may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Egress {
    /// Scheme, host and port, and possibly a path: `https://verify.twilio.com`.
    pub base: String,
    /// Path prefixes below the base, each on a segment boundary: `/v2/Services`.
    pub paths: Vec<String>,
    /// The mode to which this entry belongs; absent: every mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// The line, column and reason where it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The entry for a channel and mode.
    pub fn channel(&self, channel: &str, mode: Option<&str>) -> Option<&Channel> {
        self.channels
            .iter()
            .find(|entry| entry.channel == channel && (entry.mode.is_none() || entry.mode.as_deref() == mode))
    }

    /// Whether `id` may name a provider, and thus a file.
    pub fn is_id(id: &str) -> bool {
        let mut bytes = id.bytes();
        id.len() <= ID_LIMIT
            && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }
}

const fn one() -> u32 {
    1
}

const fn any_length() -> [u8; 2] {
    [4, 10]
}
