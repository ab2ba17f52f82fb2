//! What a host knows of the provider under test besides its code.

use std::sync::Arc;

use serde_json::Value;

use crate::contract::{ambiguity, written_path};
use crate::failure::{Failure, FailureKind};
use crate::manifest::Manifest;
use crate::operation::Operation;

/// Settings, and the manifest where the test gave it.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) settings: Value,
    pub(super) manifest: Option<Arc<Manifest>>,
}

impl Service {
    /// Whether a setting refers to a secret of that name.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        let mut settings = self.settings.as_object().into_iter().flat_map(|settings| settings.values());
        settings.any(|setting| setting.get("secret").and_then(Value::as_str) == Some(name))
    }

    /// Whether the manifest offers the operation here.
    pub(super) fn supports(&self, operation: &Operation) -> Result<(), Failure> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let name = operation.name();
        let mode = self.mode(manifest);
        let offered = match operation.channel() {
            Some(channel) => manifest.channel(channel, mode).is_some_and(|offer| offer.operations.contains(&name)),
            // It is about a delivery of some channel.
            None => manifest.channels.iter().any(|offer| {
                (offer.mode.is_none() || offer.mode.as_deref() == mode) && offer.operations.contains(&name)
            }),
        };
        if offered || manifest.operations.contains(&name) {
            return Ok(());
        }
        let here = operation.channel().map_or_else(String::new, |channel| format!(" for the channel `{channel}`"));
        let mode = mode.map_or_else(String::new, |mode| format!(" in mode `{mode}`"));
        Err(Failure::new(FailureKind::Unsupported, format!("the manifest does not declare `{name}`{here}{mode}")))
    }

    /// Checks an address against the egress of the manifest, for mode and `base_url` of the
    /// settings. It is compared as text: stricter than in the engine, which parses it first.
    pub(super) fn egress(&self, url: &str) -> Result<(), String> {
        let path =
            written_path(url).ok_or("it is not an address that begins with https:// (or http:// for loopback)")?;
        if let Some(what) = ambiguity(path) {
            return Err(format!("its path has {what}; servers disagree on what that means"));
        }
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let mode = self.mode(manifest);
        let base_url = self.settings.get("base_url").and_then(Value::as_str);
        let address = url.split('?').next().unwrap_or_default();
        let here = manifest.egress.iter().filter(|place| place.mode.is_none() || place.mode.as_deref() == mode);
        let mut places = here.flat_map(|place| {
            let base = base_url.unwrap_or(&place.base).trim_end_matches('/');
            place.paths.iter().map(move |path| format!("{base}/{}", path.trim_matches('/')))
        });
        let inside = places.any(|place| {
            let place = place.trim_end_matches('/');
            address.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if inside && !url.contains('#') {
            return Ok(());
        }
        Err("its address is none that the manifest declares in `egress`".to_owned())
    }

    /// The setting `mode`, or its default by the schema.
    fn mode<'a>(&'a self, manifest: &'a Manifest) -> Option<&'a str> {
        let default = || manifest.settings.get("properties")?.get("mode")?.get("default");
        self.settings.get("mode").filter(|mode| !mode.is_null()).or_else(default).and_then(Value::as_str)
    }
}
