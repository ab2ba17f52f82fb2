//! What is wrong with plugins and services that a command could do without.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use countersign::bootstrap::{Bootstrap, Service};
use countersign::registry::{ServiceError, Unloaded};

use crate::words;

/// Plugins and services of a bootstrap that are out of order.
#[derive(Debug)]
pub(crate) struct LeftOut {
    plugins: Vec<Unloaded>,
    /// By the names of services.
    services: BTreeMap<String, Vec<ServiceError>>,
    /// The providers of each of these services and of its fallbacks.
    providers: BTreeMap<String, Vec<String>>,
    /// The services that can be used all the same, without some of their fallbacks.
    usable: Vec<String>,
}

/// What is wrong with one service, or with all of them.
#[derive(Clone, Debug)]
pub(crate) struct OutOfOrder {
    all: Arc<LeftOut>,
    /// `None`: all.
    service: Option<String>,
}

impl LeftOut {
    /// `usable`: the services that can be used.
    pub(crate) fn new(
        bootstrap: &Bootstrap,
        plugins: Vec<Unloaded>,
        services: BTreeMap<String, Vec<ServiceError>>,
        usable: impl Iterator<Item = String>,
    ) -> Self {
        let chain = |service: &Service| -> Vec<String> {
            std::iter::once(service).chain(&service.fallback).map(|it| it.provider.clone()).collect()
        };
        let affected = bootstrap.services.values().filter(|service| services.contains_key(&service.name));
        Self {
            providers: affected.map(|service| (service.name.clone(), chain(service))).collect(),
            usable: usable.filter(|name| services.contains_key(name)).collect(),
            plugins,
            services,
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.plugins.is_empty() && self.services.is_empty()
    }

    /// Whether anything is wrong with a service or its fallbacks.
    pub(crate) fn tells_of(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// Whether a service of the bootstrap cannot be used.
    pub(crate) fn has(&self, service: &str) -> bool {
        self.services.contains_key(service) && !self.usable.iter().any(|usable| usable == service)
    }

    /// What is wrong with this service, or with all.
    pub(crate) fn told(self: &Arc<Self>, service: Option<&str>) -> OutOfOrder {
        OutOfOrder { all: Arc::clone(self), service: service.map(str::to_owned) }
    }

    /// One line: what is done without.
    pub(crate) fn warning(&self) -> String {
        let quoted = |name: &String| format!("`{name}`");
        let (partly, whole): (Vec<_>, Vec<_>) =
            self.services.keys().partition(|name| self.usable.iter().any(|usable| usable == *name));
        let mut parts = Vec::new();
        if !whole.is_empty() {
            parts.push(format!("service {} cannot be used", words::list(whole.into_iter().map(quoted))));
        }
        if !partly.is_empty() {
            parts.push(format!("fallbacks of service {} cannot be used", words::list(partly.into_iter().map(quoted))));
        }
        format!("warning: {}; `countersign validate` says why", parts.join(", and "))
    }
}

impl OutOfOrder {
    /// Whether plugin files are wrong.
    pub(crate) fn is_about_files(&self) -> bool {
        self.files().next().is_some()
    }

    fn files(&self) -> impl Iterator<Item = &Unloaded> {
        let providers = self.service.as_ref().and_then(|service| self.all.providers.get(service));
        self.all.plugins.iter().filter(move |plugin| match providers {
            Some(providers) => providers.contains(&plugin.provider),
            None => true,
        })
    }

    /// A file that is told of needs no second line for each service.
    fn services(&self) -> impl Iterator<Item = &ServiceError> {
        let of_it = |name: &String| self.service.as_ref().is_none_or(|service| service == name);
        let services = self.all.services.iter().filter(move |(name, _)| of_it(name));
        services.flat_map(|(_, errors)| errors).filter(|error| !matches!(error, ServiceError::NotLoaded { .. }))
    }
}

impl fmt::Display for OutOfOrder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files().map(|it| it.error.to_string());
        let lines: Vec<_> = files.chain(self.services().map(ToString::to_string)).collect();
        out.write_str(&lines.join("\n"))
    }
}
