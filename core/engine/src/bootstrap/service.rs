//! `[services]` and `[providers]`: which channel goes by which provider, with which settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use countersign_plugin::Manifest;
use figment::value::Value as Layered;
use serde_json::{Number, Value};
use zeroize::{Zeroize, Zeroizing};

use super::environment::Environment;
use super::error::Problem;
use super::key::{KeyPath, nearest};
use super::keys::{SERVICE_KEYS, TWO_FACTOR_KEYS};
use super::origin::Origin;
use super::reader::{Entry, Reader};

/// A channel, as the bootstrap configures it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Service {
    /// The service's name in the bootstrap. A fallback is called after its service, with its place from 1, as in
    /// `sms fallback 1`.
    pub name: String,
    /// The channel that it offers: the service's name unless given.
    pub channel: String,
    /// Whether somebody outside delivers the code.
    pub delivery_type: DeliveryType,
    /// The id of the provider's plugin.
    pub provider: String,
    /// The provider's settings overlaid by the service's own, not yet checked against the plugin's schema.
    pub settings: RawSettings,
    /// What is tried when this service is unavailable, in this order.
    pub fallback: Vec<Self>,
    pub(super) key: KeyPath,
    pub(crate) origin: Origin,
    /// Where the provider is named.
    pub(crate) provider_origin: Origin,
}

impl Service {
    /// The table of what the service shares with others.
    pub(super) fn provider_key(&self) -> KeyPath {
        let providers = KeyPath::default().child("providers");
        providers.child(&self.provider)
    }
}

/// Who delivers what a person needs to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryType {
    /// A service on the network (`hosted-service`).
    HostedService,
    /// Nobody: it works without a network (`local`).
    Local,
}

/// The settings of a plugin as the file and the environment give them. They may hold secrets: nothing shows them.
#[derive(Clone, Default)]
pub struct RawSettings(pub(super) BTreeMap<String, RawSetting>);

impl RawSettings {
    /// The names of the settings, and where each was given: one from a variable cannot be changed in the file.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        let settings = self.0.iter();
        settings.map(|(name, setting)| (name.as_str(), &setting.origin))
    }
}

impl fmt::Debug for RawSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.origins()).finish()
    }
}

/// One setting.
#[derive(Clone)]
pub(super) struct RawSetting {
    pub(super) value: Value,
    pub(super) key: KeyPath,
    pub(super) origin: Origin,
    /// What the variable held that `{ env = "NAME" }` names.
    pub(super) variable: Option<Zeroizing<Vec<u8>>>,
}

impl Drop for RawSetting {
    fn drop(&mut self) {
        // Only the plugin's schema can tell which setting is a secret.
        wipe(&mut self.value);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads all services.
pub(super) fn read(reader: &Reader<'_>, environment: &Environment) -> BTreeMap<String, Service> {
    let root = reader.root();
    let section = root.child("providers");
    let providers: BTreeMap<&str, Entry<'_>> = section.children().collect();
    let reading = Reading { providers: &providers, environment };
    let mut services = BTreeMap::new();
    for (name, entry) in root.child("services").children() {
        check_name(&entry, name, "service");
        if let Some(service) = reading.service(name.to_owned(), name, &entry) {
            services.insert(name.to_owned(), service);
        }
    }
    // Read from the text and not from the services: one that has a fault of its own still uses its provider.
    let used = named_providers(&root);
    for (id, entry) in &providers {
        check_name(entry, id, "provider");
        if !used.contains(*id) {
            entry.fault(Problem::Unused {
                nearest: nearest(id, used.iter().map(String::as_str)),
                known: used.iter().cloned().collect(),
            });
        }
    }
    services
}

/// The providers that services and fallbacks name.
pub(super) fn named_providers(root: &Entry<'_>) -> BTreeSet<String> {
    let services: Vec<_> = root.child("services").children().collect();
    let fallbacks = services.iter().flat_map(|(_, entry)| entry.child("fallback").items());
    let entries = services.iter().map(|(_, entry)| entry.clone());
    let provider = |entry: Entry<'_>| {
        let value = entry.child("provider").value?;
        value.as_str().map(str::to_owned)
    };
    entries.chain(fallbacks).filter_map(provider).collect()
}

struct Reading<'a> {
    providers: &'a BTreeMap<&'a str, Entry<'a>>,
    environment: &'a Environment,
}

impl Reading<'_> {
    fn service(&self, name: String, channel: &str, entry: &Entry<'_>) -> Option<Service> {
        let given = entry.child("channel").text("the name of a channel");
        let channel = given.unwrap_or(channel);
        if given.is_some() {
            check_name(&entry.child("channel"), channel, "channel");
        }
        if TWO_FACTOR_KEYS.contains(&channel) {
            entry.fault(Problem::ReservedChannel);
        }
        let provider = own(entry, "provider", "the id of a provider's plugin");
        let provider = provider.text("the id of a provider's plugin");
        if let Some(id) = provider {
            check_name(&entry.child("provider"), id, "provider");
        }
        let delivery = own(entry, "delivery_type", "\"hosted-service\" or \"local\"");
        let delivery_type =
            delivery.choice(&[("hosted-service", DeliveryType::HostedService), ("local", DeliveryType::Local)]);
        let fallback = entry.child("fallback").items().enumerate();
        let fallback = fallback
            .filter_map(|(at, fallback)| {
                let nested = fallback.child("fallback");
                if nested.value.is_some() {
                    nested.fault(Problem::NestedFallback);
                }
                self.service(format!("{name} fallback {}", at + 1), channel, &fallback)
            })
            .collect();
        let provider = provider?;
        Some(Service {
            channel: channel.to_owned(),
            delivery_type: delivery_type?,
            provider: provider.to_owned(),
            settings: self.settings(provider, entry),
            fallback,
            key: entry.path.clone(),
            origin: entry.origin(),
            provider_origin: entry.child("provider").origin(),
            name,
        })
    }

    fn settings(&self, provider: &str, service: &Entry<'_>) -> RawSettings {
        let shared = self.providers.get(provider);
        let shared = shared.into_iter().flat_map(Entry::children);
        let own = service.children().filter(|(name, _)| !SERVICE_KEYS.contains(name));
        // The later entry wins: the service overlays what services share, setting by setting.
        let both = shared.chain(own);
        RawSettings(both.map(|(name, entry)| (name.to_owned(), self.setting(&entry))).collect())
    }

    fn setting(&self, entry: &Entry<'_>) -> RawSetting {
        let value = entry.value.map_or(Value::Null, plain);
        let named = value.get("env").and_then(Value::as_str);
        let variable = named.and_then(|name| self.environment.value(name));
        RawSetting {
            variable: variable.map(|value| Zeroizing::new(value.as_encoded_bytes().to_vec())),
            value,
            key: entry.path.clone(),
            origin: entry.origin(),
        }
    }
}

/// A key that every service has. Where it is missing, a setting with nearly its name is most probably meant to be it.
fn own<'a>(entry: &Entry<'a>, key: &'static str, expected: &'static str) -> Entry<'a> {
    const SURELY_MEANT: f64 = 0.9;
    let found = entry.child(key);
    if found.value.is_some() {
        return found;
    }
    let misspelled = entry.children().find(|(name, _)| strsim::jaro_winkler(name, key) >= SURELY_MEANT);
    match misspelled {
        Some((_, entry)) => entry.fault(Problem::UnknownKey { nearest: Some(key.to_owned()), known: Vec::new() }),
        None => found.required(expected),
    }
    found
}

/// Reports a name that could not be part of a file's name, a URL or an environment variable: the form of a provider's
/// id serves for all of them.
pub(super) fn check_name(entry: &Entry<'_>, name: &str, what: &'static str) {
    if !Manifest::is_id(name) {
        entry.fault(Problem::Name { what });
    }
}

/// A value without its layer.
fn plain(value: &Layered) -> Value {
    match value {
        Layered::String(_, text) => Value::String(text.clone()),
        Layered::Char(_, character) => Value::String(character.to_string()),
        Layered::Bool(_, truth) => Value::Bool(*truth),
        Layered::Num(_, number) => {
            let signed = number.to_i128().and_then(Number::from_i128);
            let unsigned = || number.to_u128().and_then(Number::from_u128);
            let float = || number.to_f64().and_then(Number::from_f64);
            let number = signed.or_else(unsigned).or_else(float);
            number.map_or(Value::Null, Value::Number)
        }
        Layered::Empty(..) => Value::Null,
        Layered::Array(_, items) => Value::Array(items.iter().map(plain).collect()),
        Layered::Dict(_, entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
    }
}
