//! From a bootstrap and its loaded plugins to services that can be used.

use std::sync::Arc;

use countersign_plugin::Manifest;
use countersign_plugin::manifest::{Channel, DeliveryType, Maker};
use serde_json::Value;

use crate::bootstrap::{self, Bootstrap, ResolvedSettings};
use crate::service::Service;
use crate::transport::Egress;

use super::account;
use super::catalog::Registry;
use super::check::{ServiceError, Wanted, check_service};
use super::manifest::named;
use super::plugin::Plugin;

/// Checks and opens every service of the bootstrap, in the order of their names.
///
/// # Errors
/// Everything that is wrong with any of them; then nothing is left open.
pub fn build(bootstrap: &Bootstrap, registry: &Registry) -> Result<Vec<Arc<Service>>, Vec<ServiceError>> {
    let mut building = Building { bootstrap, registry, errors: Vec::new() };
    let services: Vec<_> =
        bootstrap.services.values().filter_map(|configured| building.service(configured)).map(Arc::new).collect();
    if building.errors.is_empty() { Ok(services) } else { Err(building.errors) }
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
        let fallback: Vec<_> = configured.fallback.iter().filter_map(|fallback| self.service(fallback)).collect();
        let mut service = service?;
        for other in &fallback {
            if other.destination() != service.destination() {
                self.errors.push(ServiceError::Fallback {
                    service: service.name.clone(),
                    fallback: other.name.clone(),
                    wanted: service.destination(),
                    reached: other.destination(),
                });
            }
        }
        service.fallback = fallback.into_iter().map(Arc::new).collect();
        Some(service)
    }

    fn alone(&mut self, configured: &bootstrap::Service) -> Option<Service> {
        let Some(plugin) = self.registry.plugin(&configured.provider) else {
            let (service, provider) = (configured.name.clone(), configured.provider.clone());
            self.errors.push(ServiceError::NotLoaded { service, provider });
            return None;
        };
        match open(configured, plugin, self.bootstrap) {
            Ok(service) => Some(service),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }
}

fn open(configured: &bootstrap::Service, plugin: &Plugin, bootstrap: &Bootstrap) -> Result<Service, Vec<ServiceError>> {
    let manifest = &*plugin.manifest;
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
            let mut errors = offered.err().unwrap_or_default();
            if let Err(error) = resolved {
                // Of settings that could not be read, the mode is not known.
                errors.retain(|error| !matches!(error, ServiceError::Mode { .. }));
                errors.push(error.into());
            }
            return Err(errors);
        }
    };
    let service = || configured.name.clone();
    let mut errors = Vec::new();
    let [fewest, most] = offer.code_digits;
    let digits = bootstrap.limits.code_digits;
    if offer.code_made_by == Maker::Engine && !(fewest..=most).contains(&digits) {
        errors.push(ServiceError::CodeDigits { service: service(), digits, plugin: named(manifest), fewest, most });
    }
    let base_url = settings.json.get("base_url").and_then(Value::as_str);
    let egress = match Egress::new(manifest, mode.as_deref(), base_url) {
        Ok(egress) => egress,
        Err(cause) => {
            errors.push(ServiceError::Egress { service: service(), plugin: named(manifest), cause });
            return Err(errors);
        }
    };
    let instance = match plugin.open(settings.json.to_string().as_bytes()) {
        Ok(instance) if errors.is_empty() => instance,
        Ok(_) => return Err(errors),
        Err(cause) => {
            errors.push(ServiceError::Open { service: service(), cause });
            return Err(errors);
        }
    };
    Ok(Service {
        name: service(),
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
    })
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
