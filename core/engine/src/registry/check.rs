//! Whether a plugin offers what a service of the bootstrap wants of it, by its manifest alone.

use std::path::PathBuf;

use countersign_plugin::Manifest;
use countersign_plugin::manifest::{Channel, DeliveryType, Destination};

use crate::bootstrap::{Origin, SettingsError};
use crate::transport::EgressError;

use super::error::OpenError;
use super::manifest::named;

/// What a service of the bootstrap wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its name, as the bootstrap writes it.
    pub service: &'a str,
    /// Its channel.
    pub channel: &'a str,
    /// The value of its setting `mode`, or else that setting's default.
    pub mode: Option<&'a str>,
    /// Its delivery type.
    pub delivery_type: DeliveryType,
}

/// The entry of the manifest that the service goes by.
///
/// # Errors
/// Every [`ServiceError`] there is between the two, each naming both sides.
pub fn check_service<'m>(wanted: &Wanted<'_>, manifest: &'m Manifest) -> Result<&'m Channel, Vec<ServiceError>> {
    let mut errors = Vec::new();
    if wanted.delivery_type != manifest.delivery_type {
        errors.push(ServiceError::DeliveryType {
            service: wanted.service.to_owned(),
            configured: wanted.delivery_type,
            plugin: named(manifest),
            offered: manifest.delivery_type,
        });
    }
    match manifest.channel(wanted.channel, wanted.mode) {
        Some(offer) if errors.is_empty() => return Ok(offer),
        Some(_) => {}
        None => errors.push(not_offered(wanted, manifest)),
    }
    Err(errors)
}

fn not_offered(wanted: &Wanted<'_>, manifest: &Manifest) -> ServiceError {
    let (service, channel, plugin) = (wanted.service.to_owned(), wanted.channel.to_owned(), named(manifest));
    let entries = manifest.channels.iter().filter(|entry| entry.channel == wanted.channel);
    let modes: Vec<String> = entries.filter_map(|entry| entry.mode.clone()).collect();
    if modes.is_empty() {
        let mut offered: Vec<String> = manifest.channels.iter().map(|entry| entry.channel.clone()).collect();
        offered.dedup();
        return ServiceError::Channel { service, channel, plugin, offered };
    }
    ServiceError::Mode { service, channel, mode: wanted.mode.map(str::to_owned), plugin, offered: modes }
}

/// Why a service of the bootstrap cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Its provider's plugin is not among the loaded ones.
    #[error("service `{service}` goes by provider `{provider}`, whose plugin is not loaded; load it with the others")]
    NotLoaded {
        /// The service.
        service: String,
        /// The provider.
        provider: String,
    },
    /// Nothing can be said of it, because the file of its provider's plugin is not in order.
    #[error("service `{service}` was not checked, because the plugin of its provider `{provider}` did not load")]
    Unchecked {
        /// The service.
        service: String,
        /// The provider.
        provider: String,
    },
    /// What is wrong with the service, and where the bootstrap has it.
    #[error("{origin}: {cause}")]
    At {
        /// Where its table begins.
        origin: Origin,
        /// What is wrong.
        cause: Box<Self>,
    },
    /// Bootstrap and manifest contradict each other.
    #[error(
        "service `{service}` has delivery_type \"{}\", but plugin {plugin} is \"{}\"; write delivery_type = \"{}\", \
         or choose another provider",
        configured.as_str(), offered.as_str(), offered.as_str()
    )]
    DeliveryType {
        /// The service.
        service: String,
        /// What the bootstrap says.
        configured: DeliveryType,
        /// The plugin and its version.
        plugin: String,
        /// What the manifest says.
        offered: DeliveryType,
    },
    /// The plugin does not offer the channel.
    #[error(
        "service `{service}` wants the channel `{channel}`, but plugin {plugin} offers {}; name one of these as \
         `channel`, or choose another provider",
        listed(offered)
    )]
    Channel {
        /// The service.
        service: String,
        /// The channel that it wants.
        channel: String,
        /// The plugin and its version.
        plugin: String,
        /// The channels of the plugin.
        offered: Vec<String>,
    },
    /// The plugin offers the channel, but not in this mode.
    #[error(
        "service `{service}` wants the channel `{channel}` {}, but plugin {plugin} offers it in mode {}; set `mode`, \
         or choose another provider",
        in_mode(mode.as_deref()), listed(offered)
    )]
    Mode {
        /// The service.
        service: String,
        /// The channel that it wants.
        channel: String,
        /// The mode that it wants.
        mode: Option<String>,
        /// The plugin and its version.
        plugin: String,
        /// The modes of that channel.
        offered: Vec<String>,
    },
    /// The engine makes the codes, and the plugin cannot deliver such.
    #[error(
        "service `{service}` delivers codes of {digits} digits (`limits.code_digits`), but plugin {plugin} takes \
         {fewest} to {most}; change `limits.code_digits`, or choose another provider"
    )]
    CodeDigits {
        /// The service.
        service: String,
        /// Digits of the engine's codes.
        digits: u8,
        /// The plugin and its version.
        plugin: String,
        /// Fewest digits that the channel takes.
        fewest: u8,
        /// Most digits that it takes.
        most: u8,
    },
    /// Where a code goes cannot be reached by the fallback.
    #[error(
        "`{fallback}` cannot step in for service `{service}`: the one reaches {}, the other {}; take it out of \
         `fallback`, and let it be a service of its own",
        destination(*reached), destination(*wanted)
    )]
    Fallback {
        /// The service.
        service: String,
        /// Its fallback.
        fallback: String,
        /// What the service sends to.
        wanted: Destination,
        /// What the fallback sends to.
        reached: Destination,
    },
    /// Its settings do not fit the plugin's schema: one line for each of them.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its `base_url` cannot be used.
    #[error("service `{service}` with plugin {plugin}: {cause}")]
    Egress {
        /// The service.
        service: String,
        /// The plugin and its version.
        plugin: String,
        /// What is wrong with the address.
        cause: EgressError,
    },
    /// The plugin refuses a setting, or misses one.
    #[error(
        "{origin}: `{key}` is not as the plugin wants it: {said}; {remedy} (service `{service}`, plugin file {})",
        file.display()
    )]
    Refused {
        /// The service.
        service: String,
        /// Where the setting was given, or should have been.
        origin: Origin,
        /// Its key.
        key: String,
        /// What the plugin says.
        said: String,
        /// How it can be given.
        remedy: String,
        /// The plugin's file.
        file: PathBuf,
    },
    /// The plugin does not open with its settings.
    #[error("service `{service}`: {cause}")]
    Open {
        /// The service.
        service: String,
        /// What happened.
        cause: OpenError,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn in_mode(mode: Option<&str>) -> String {
    mode.map_or_else(|| "in no mode".to_owned(), |mode| format!("in mode `{mode}`"))
}

const fn destination(destination: Destination) -> &'static str {
    match destination {
        Destination::Phone => "a phone",
        Destination::Email => "a mailbox",
        Destination::Device => "an enrolled device",
        Destination::None => "nothing in particular",
    }
}
