//! The plugin with one set of settings: what is opened, and what it may do then.

use std::collections::BTreeSet;

use countersign::transport::{Egress, EgressError};
use countersign_plugin::manifest::{Channel, Shape};
use countersign_plugin::{Manifest, OperationName};
use serde_json::{Value, json};

use super::inputs::REFERENCE;

/// One set of settings.
pub(super) struct Subject {
    /// Which settings: `example 1`, or those that were given.
    pub(super) name: String,
    /// What the plugin is opened with.
    pub(super) settings: Value,
    /// The names of the references in them.
    pub(super) references: BTreeSet<String>,
    /// Where requests may go.
    pub(super) egress: Egress,
    /// The channels that there are in the settings' mode.
    pub(super) offers: Vec<Channel>,
    /// Operations of the plugin that belong to no channel.
    pub(super) operations: Vec<OperationName>,
    /// The hosts that the manifest names for this mode, and whether the settings name another.
    pub(super) hosts: Vec<String>,
}

impl Subject {
    /// The plugin with these settings, every reference in them under a name of the kit's.
    pub(super) fn of(manifest: &Manifest, name: String, settings: &Value) -> Result<Self, EgressError> {
        let shape = Shape::of(&manifest.settings);
        let mut settings = settings.clone();
        let mut references = BTreeSet::new();
        for (setting, value) in settings.as_object_mut().into_iter().flatten() {
            if shape.is_secret(setting) && value.is_object() {
                let reference = format!("{REFERENCE}{setting}");
                *value = json!({ "secret": reference });
                references.insert(reference);
            }
        }
        Self::plain(manifest, name, settings, references)
    }

    /// The same, references as they are.
    pub(super) fn plain(
        manifest: &Manifest,
        name: String,
        settings: Value,
        references: BTreeSet<String>,
    ) -> Result<Self, EgressError> {
        let mode = mode(manifest, &settings);
        let base_url = settings.get("base_url").and_then(Value::as_str);
        let egress = Egress::new(manifest, mode.as_deref(), base_url)?;
        let here = |of: &Option<String>| of.is_none() || *of == mode;
        let offers = manifest.channels.iter().filter(|offer| here(&offer.mode)).cloned().collect();
        let declared = manifest.egress.iter().filter(|place| here(&place.mode));
        let host = |base: &str| url::Url::parse(base).ok()?.host_str().map(str::to_owned);
        let hosts = declared.filter_map(|place| host(&place.base)).collect();
        let operations = manifest.operations.clone();
        Ok(Self { name, settings, references, egress, offers, operations, hosts })
    }

    /// Whether the manifest declares the operation here.
    pub(super) fn declares(&self, offer: Option<&Channel>, name: OperationName) -> bool {
        self.operations.contains(&name) || offer.is_some_and(|offer| offer.operations.contains(&name))
    }
}

/// The setting `mode`, or its default.
fn mode(manifest: &Manifest, settings: &Value) -> Option<String> {
    let default = || manifest.settings.get("properties")?.get("mode")?.get("default");
    settings.get("mode").filter(|mode| !mode.is_null()).or_else(default).and_then(Value::as_str).map(str::to_owned)
}
