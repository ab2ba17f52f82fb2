//! From a bootstrap and its loaded plugins to services that can be used.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_plugin::Manifest;
use countersign_plugin::manifest::{Channel, DeliveryType, Destination, Maker};
use serde_json::Value;

use crate::bootstrap::{self, Bootstrap, ResolvedSettings, Spoken};
use crate::service::Service;
use crate::transport::Egress;

use super::account;
use super::catalog::Registry;
use super::check::{ServiceError, Wanted, check_service};
use super::error::OpenError;
use super::manifest::named;
use super::plugin::{InProcess, Plugin};

/// Checks and opens every service of the bootstrap, in the order of their names.
///
/// # Errors
/// Everything that is wrong with any of them; then nothing is left open.
pub fn build(bootstrap: &Bootstrap, registry: &Registry) -> Result<Vec<Arc<Service>>, Vec<ServiceError>> {
    let Available { services, wrong } = available(bootstrap, registry);
    if wrong.is_empty() { Ok(services) } else { Err(wrong.into_values().flatten().collect()) }
}

/// The services that can be used, whatever is wrong with others.
#[derive(Debug)]
#[non_exhaustive]
pub struct Available {
    /// In the order of their names, each with those of its fallbacks that can be used.
    pub services: Vec<Arc<Service>>,
    /// What is wrong, by the names of services: with one that is left out, or with fallbacks of one that is not.
    pub wrong: BTreeMap<String, Vec<ServiceError>>,
}

/// Checks every service of the bootstrap, and opens those that are in order.
///
/// Meant for a host that answers one person and then ends. One that stays takes a new bootstrap whole or not at all:
/// see [`build`].
#[must_use]
pub fn available(bootstrap: &Bootstrap, registry: &Registry) -> Available {
    let mut found = Available { services: Vec::new(), wrong: BTreeMap::new() };
    for configured in bootstrap.services.values() {
        let mut building = Building { bootstrap, registry, errors: Vec::new() };
        found.services.extend(building.service(configured).map(Arc::new));
        if !building.errors.is_empty() {
            found.wrong.insert(configured.name.clone(), building.errors);
        }
    }
    found
}

/// Checks every service of the bootstrap by the manifest of its provider's plugin alone: what can be told where
/// plugins of other services did not load. Nothing is opened.
///
/// Manifests are by the ids of their providers, as in [`NotLoaded`](super::NotLoaded). A service without one is
/// [`ServiceError::Unchecked`].
#[must_use]
pub fn check(bootstrap: &Bootstrap, manifests: &BTreeMap<String, Arc<Manifest>>) -> Vec<ServiceError> {
    let mut errors = Vec::new();
    for service in bootstrap.services.values() {
        let mut alone = |configured: &bootstrap::Service| {
            let Some(manifest) = manifests.get(&configured.provider) else {
                let (service, provider) = (configured.name.clone(), configured.provider.clone());
                errors.push(ServiceError::Unchecked { service, provider });
                return None;
            };
            Some(fit(configured, manifest, bootstrap, &mut errors)?.offer.destination)
        };
        let wanted = alone(service);
        let reached: Vec<_> = service.fallback.iter().map(|fallback| (fallback, alone(fallback))).collect();
        for (fallback, reached) in reached {
            if let (Some(wanted), Some(reached)) = (wanted, reached) {
                errors.extend(mismatch(service, wanted, fallback, reached));
            }
        }
    }
    errors
}

struct Building<'a> {
    bootstrap: &'a Bootstrap,
    registry: &'a Registry,
    errors: Vec<ServiceError>,
}

impl Building<'_> {
    /// A service with its fallbacks; none where something is wrong with it.
    fn service(&mut self, configured: &bootstrap::Service) -> Option<Service> {
        let service = self.alone(configured);
        let fallback: Vec<_> = configured.fallback.iter().map(|fallback| (fallback, self.service(fallback))).collect();
        let mut service = service?;
        for (configured_fallback, fallback) in fallback {
            let Some(fallback) = fallback else { continue };
            let (wanted, reached) = (service.destination(), fallback.destination());
            match mismatch(configured, wanted, configured_fallback, reached) {
                Some(error) => self.errors.push(error),
                None => service.fallback.push(Arc::new(fallback)),
            }
        }
        Some(service)
    }

    fn alone(&mut self, configured: &bootstrap::Service) -> Option<Service> {
        let Some(plugin) = self.registry.plugin(&configured.provider) else {
            let (service, provider) = (configured.name.clone(), configured.provider.clone());
            self.errors.push(ServiceError::NotLoaded { service, provider });
            return None;
        };
        let before = self.errors.len();
        let mut fit = fit(configured, &plugin.manifest, self.bootstrap, &mut self.errors)?;
        fit.settings.warnings.drain(..).for_each(|warning| self.registry.noticed().add(warning));
        match plugin.open(fit.settings.json.to_string().as_bytes()) {
            Ok(instance) if self.errors.len() == before => Some(opened(configured, plugin, fit, instance)),
            Ok(_) => None,
            Err(cause) => {
                self.errors.push(refused(configured, &plugin.manifest, cause));
                None
            }
        }
    }
}

/// How a service and a manifest fit together.
struct Fit<'m> {
    mode: Option<String>,
    settings: ResolvedSettings,
    offer: &'m Channel,
    egress: Egress,
}

/// All that can be told by the manifest. There may be errors although there is enough to open the plugin with, which
/// then has its say too.
fn fit<'m>(
    configured: &bootstrap::Service,
    manifest: &'m Manifest,
    bootstrap: &Bootstrap,
    errors: &mut Vec<ServiceError>,
) -> Option<Fit<'m>> {
    let resolved = configured.resolve(&manifest.settings, bootstrap.folder());
    let mode = mode(manifest, resolved.as_ref().ok());
    let wanted = Wanted {
        service: &configured.name,
        channel: &configured.channel,
        mode: mode.as_deref(),
        delivery_type: delivery_type(configured.delivery_type),
    };
    let (settings, offer) = match (resolved, check_service(&wanted, manifest)) {
        (Ok(settings), Ok(offer)) => (settings, offer),
        (resolved, offered) => {
            let mut found = offered.err().unwrap_or_default();
            if let Err(error) = resolved {
                // Of settings that could not be read, the mode is not known.
                found.retain(|error| !matches!(error, ServiceError::Mode { .. }));
                found.push(error.into());
            }
            errors.extend(found.into_iter().map(|error| at(configured, error)));
            return None;
        }
    };
    let service = || configured.name.clone();
    let [fewest, most] = offer.code_digits;
    let digits = bootstrap.limits.code_digits;
    if offer.code_made_by == Maker::Engine && !(fewest..=most).contains(&digits) {
        let plugin = named(manifest);
        errors.push(at(configured, ServiceError::CodeDigits { service: service(), digits, plugin, fewest, most }));
    }
    let base_url = settings.json.get("base_url").and_then(Value::as_str);
    match Egress::new(manifest, mode.as_deref(), base_url) {
        Ok(egress) => Some(Fit { mode, settings, offer, egress }),
        Err(cause) => {
            errors.push(at(configured, ServiceError::Egress { service: service(), plugin: named(manifest), cause }));
            None
        }
    }
}

fn opened(configured: &bootstrap::Service, plugin: &Plugin, fit: Fit<'_>, instance: InProcess) -> Service {
    let manifest = &*plugin.manifest;
    let Fit { mode, settings, offer, egress } = fit;
    Service {
        name: configured.name.clone(),
        channel: configured.channel.clone(),
        provider: configured.provider.clone(),
        configured_digits: configured_digits(manifest, &settings, offer),
        offer: offer.clone(),
        operations: manifest.operations.clone(),
        instance: Arc::new(instance),
        account: account::identity(manifest, mode.as_deref(), &settings),
        mode,
        secrets: settings.secrets,
        egress,
        fallback: Vec::new(),
    }
}

/// A plugin that refuses its settings: told with the setting of which it speaks, if it speaks of one.
fn refused(configured: &bootstrap::Service, manifest: &Manifest, cause: OpenError) -> ServiceError {
    let service = configured.name.clone();
    if let OpenError::Settings { path, fault } = &cause
        && let Some(Spoken { origin, key, remedy }) = configured.spoken_of(&manifest.settings, &fault.message)
    {
        let (file, said) = (path.clone(), fault.message.clone());
        return ServiceError::Refused { service, origin, key, said, remedy, file };
    }
    at(configured, ServiceError::Open { service, cause })
}

/// Where a code goes cannot be reached by the fallback.
fn mismatch(
    service: &bootstrap::Service,
    wanted: Destination,
    fallback: &bootstrap::Service,
    reached: Destination,
) -> Option<ServiceError> {
    if wanted == reached {
        return None;
    }
    let names = (service.name.clone(), fallback.name.clone());
    Some(at(fallback, ServiceError::Fallback { service: names.0, fallback: names.1, wanted, reached }))
}

/// Settings are told with the line of each; all else with that of the service.
fn at(configured: &bootstrap::Service, error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Settings(_) | ServiceError::Refused { .. } => error,
        error => ServiceError::At { origin: configured.origin.clone(), cause: Box::new(error) },
    }
}

/// The setting `mode`, or its default; none where the plugin has no such setting.
fn mode(manifest: &Manifest, settings: Option<&ResolvedSettings>) -> Option<String> {
    let given = settings.and_then(|settings| settings.json.get("mode")).filter(|mode| !mode.is_null());
    given.or_else(|| account::default(manifest, "mode")).and_then(Value::as_str).map(str::to_owned)
}

/// The setting `digits`, or its default, as far as the channel's codes may have so many. Of codes that the engine
/// makes it says nothing: their length is the bootstrap's.
fn configured_digits(manifest: &Manifest, settings: &ResolvedSettings, offer: &Channel) -> Option<u8> {
    let [fewest, most] = offer.code_digits;
    let given = settings.json.get("digits").filter(|digits| !digits.is_null());
    let digits = given.or_else(|| account::default(manifest, "digits")).and_then(Value::as_u64)?;
    let digits = u8::try_from(digits).ok().filter(|digits| (fewest..=most).contains(digits));
    digits.filter(|_| matches!(offer.code_made_by, Maker::Device | Maker::Provider))
}

const fn delivery_type(configured: bootstrap::DeliveryType) -> DeliveryType {
    match configured {
        bootstrap::DeliveryType::HostedService => DeliveryType::HostedService,
        bootstrap::DeliveryType::Local => DeliveryType::Local,
    }
}
