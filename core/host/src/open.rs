//! From the name of a bootstrap file to an engine: the one place that puts the parts together.
//!
//! A command is refused where what it needs is out of order, and only then: `validate` needs everything, a login or a
//! registration one service, and what an administrator does with users no plugin at all.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign::bootstrap::{Bootstrap, Limits, StoreSettings, UnknownUsers};
use countersign::clock::{Clock, SystemClock, SystemRandom};
use countersign::engine::{Engine, EngineParts};
use countersign::operation::{RunLimits, Runner};
use countersign::registry::services::{self, Available};
use countersign::registry::{NotLoaded, Registry, RegistryOptions};
use countersign::service::Service;
use countersign::store::{SqliteStore, Store, check_key_file};
use countersign::transport::{LiveSettings, LiveTransport, Transport};

use crate::error::CommandError;
use crate::left_out::LeftOut;
use crate::progress::Progress;
use crate::prompt;

/// A bootstrap with everything loaded that it names. Nothing of it has touched network or store.
pub(crate) struct Loaded {
    pub(crate) bootstrap: Bootstrap,
    pub(crate) registry: Registry,
    /// In the order of their names.
    pub(crate) services: Vec<Arc<Service>>,
    /// What is out of order.
    left_out: LeftOut,
}

/// What an engine sees of the world outside.
pub(crate) struct World {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// An engine with what it was made of.
pub(crate) struct Site {
    pub(crate) bootstrap: Bootstrap,
    pub(crate) registry: Registry,
    /// Those that can be used.
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) left_out: Arc<LeftOut>,
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Whether a command may be the first one with something to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// It may: where there is no store, it is made.
    Makes,
    /// It may where the bootstrap lets anybody come: the first one to come may be the first one to be remembered.
    Registers,
    /// It may not: without a store there are no users, and none is made to say so.
    Refuses,
}

impl Loaded {
    /// Finds, verifies, loads and opens the plugins of a bootstrap: all of them.
    pub(crate) fn new(bootstrap: Bootstrap) -> Result<Self, CommandError> {
        let _progress = Progress::of("loading plugins");
        let options = RegistryOptions::default();
        let registry = Registry::of_bootstrap(&bootstrap, &options).map_err(|refused| {
            // Whoever mends the files should not learn afterwards what is wrong with the services.
            let services = services::check(&bootstrap, &refused.manifests);
            CommandError::Plugins { files: refused.errors, services }
        })?;
        let services = services::build(&bootstrap, &registry).map_err(CommandError::Services)?;
        let left_out = LeftOut::new(&bootstrap, Vec::new(), BTreeMap::new(), std::iter::empty());
        Ok(Self { bootstrap, registry, services, left_out })
    }

    /// Finds, verifies, loads and opens those plugins of a bootstrap that are in order.
    fn available(bootstrap: Bootstrap) -> Result<Self, CommandError> {
        let _progress = Progress::of("loading plugins");
        let (registry, unloaded) = Registry::available(&bootstrap, &RegistryOptions::default())?;
        let Available { services, wrong, .. } = services::available(&bootstrap, &registry);
        let usable = services.iter().map(|service| service.name.clone());
        let left_out = LeftOut::new(&bootstrap, unloaded, wrong, usable);
        Ok(Self { bootstrap, registry, services, left_out })
    }

    /// Looks at the plugins of a bootstrap without executing anything of them, and loads none.
    fn looked_at(bootstrap: Bootstrap) -> Self {
        let NotLoaded { errors, manifests, .. } = Registry::look(&bootstrap);
        let wrong = !errors.is_empty() || !services::check(&bootstrap, &manifests).is_empty();
        if wrong {
            prompt::tell(
                "warning: plugins or services are out of order, which this command does not need; \
                 `countersign validate` says what it is",
            );
        }
        let left_out = LeftOut::new(&bootstrap, Vec::new(), BTreeMap::new(), std::iter::empty());
        Self { bootstrap, registry: Registry::default(), services: Vec::new(), left_out }
    }

    fn for_real(self, first_use: FirstUse) -> Result<Site, CommandError> {
        let world = World::real(&self.bootstrap.limits);
        self.site(world, first_use)
    }

    /// The engine over these services, in this world.
    pub(crate) fn site(self, world: World, first_use: FirstUse) -> Result<Site, CommandError> {
        let Self { bootstrap, registry, services, left_out } = self;
        let store: Arc<dyn Store> = Arc::new(store(&bootstrap, first_use)?);
        let random = Arc::new(SystemRandom);
        let runner =
            Runner::new(world.transport, Arc::clone(&world.clock), random.clone(), run_limits(&bootstrap.limits));
        let engine = Engine::new(EngineParts {
            services: services.clone(),
            store: Arc::clone(&store),
            runner,
            clock: Arc::clone(&world.clock),
            random,
            two_factor: bootstrap.two_factor.clone(),
            limits: bootstrap.limits.clone(),
        });
        let left_out = Arc::new(left_out);
        Ok(Site { bootstrap, registry, services, left_out, engine, store, clock: world.clock })
    }
}

impl World {
    /// The real one.
    pub(crate) fn real(limits: &Limits) -> Self {
        let connect = Duration::from_secs(limits.connect_timeout_seconds.into());
        Self { transport: Arc::new(LiveTransport::new(LiveSettings { connect })), clock: Arc::new(SystemClock) }
    }
}

impl Site {
    /// The engine of a bootstrap in the real world, with all of its services.
    pub(crate) fn whole(path: &Path, first_use: FirstUse) -> Result<Self, CommandError> {
        Loaded::new(Bootstrap::read(path)?)?.for_real(first_use)
    }

    /// The engine of a bootstrap in the real world, with those of its services that are in order. `needed`, where a
    /// service is named, must be one of them, and at least one there must be.
    pub(crate) fn open(path: &Path, needed: Option<&str>, first_use: FirstUse) -> Result<Self, CommandError> {
        let site = Self::available(path, first_use)?;
        if let Some(service) = needed {
            site.needs(service)?;
        }
        if site.services.is_empty() && !site.left_out.is_empty() {
            return Err(CommandError::OutOfOrder(site.left_out.told(None)));
        }
        site.warn();
        Ok(site)
    }

    /// The same, where none must be in order.
    pub(crate) fn available(path: &Path, first_use: FirstUse) -> Result<Self, CommandError> {
        Loaded::available(Bootstrap::read(path)?)?.for_real(first_use)
    }

    /// The engine of a bootstrap in the real world without any service, for what needs none.
    pub(crate) fn without_services(path: &Path, first_use: FirstUse) -> Result<Self, CommandError> {
        Loaded::looked_at(Bootstrap::read(path)?).for_real(first_use)
    }

    /// Refuses where a service of the bootstrap is out of order; of one that it does not have, nothing is said.
    pub(crate) fn needs(&self, service: &str) -> Result<(), CommandError> {
        if self.left_out.has(service) {
            return Err(CommandError::OutOfOrder(self.left_out.told(Some(service))));
        }
        Ok(())
    }

    /// Tells in one line what is done without.
    pub(crate) fn warn(&self) {
        if !self.left_out.is_empty() {
            prompt::tell(&self.left_out.warning());
        }
    }

    /// Every service that can be used, each followed by its fallbacks.
    pub(crate) fn every_service(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter().flat_map(|service| std::iter::once(service).chain(&service.fallback))
    }

    /// The names of all services of the bootstrap.
    pub(crate) fn known(&self) -> Vec<String> {
        self.bootstrap.services.keys().cloned().collect()
    }

    /// Deletes what has expired, seeds that nobody confirmed above all. Nothing depends on when.
    pub(crate) async fn tidy(&self) {
        if let Err(error) = self.engine.expire().await {
            tracing::warn!(%error, "what has expired could not be deleted");
        }
    }
}

/// Runs the asynchronous part of a command.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause: io::Error| CommandError::Runtime(cause))?.block_on(work)
}

/// Where there is no store yet: whether it could be made, with the key file that is there or is made with it.
pub(crate) fn check_unmade(settings: &StoreSettings) -> Result<(), CommandError> {
    settings.check_places()?;
    Ok(check_key_file(&settings.key_file)?)
}

/// A name that cannot even be asked for is treated as there: opening it will tell why.
pub(crate) fn is_there(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

fn store(bootstrap: &Bootstrap, first_use: FirstUse) -> Result<SqliteStore, CommandError> {
    let settings = &bootstrap.store;
    let is_there = is_there(&settings.path);
    if !is_there {
        check_unmade(settings)?;
    }
    let makes = match first_use {
        FirstUse::Makes => true,
        FirstUse::Registers => bootstrap.two_factor.unknown_users == UnknownUsers::Register,
        FirstUse::Refuses => false,
    };
    Ok(if is_there || makes {
        SqliteStore::open(&settings.path, &settings.key_file)?
    } else {
        SqliteStore::in_memory()?
    })
}

fn run_limits(limits: &Limits) -> RunLimits {
    RunLimits {
        operation: Duration::from_secs(limits.operation_timeout_seconds.into()),
        exchange: Duration::from_secs(limits.request_timeout_seconds.into()),
    }
}
