//! The plugins of one bootstrap, loaded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_plugin::Manifest;

use crate::bootstrap::{self, Bootstrap, Origin, PluginPin, Plugins};
use crate::warning::{Noticed, Warning};

use super::digest::Digest;
use super::error::LoadError;
use super::find::{FindError, Found, ProviderId, Search};
use super::inspect::{Inspection, examine, understand};
use super::load::Root;
use super::plugin::Plugin;
use super::probe::Prober;

/// How files are tried out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// A program that calls [`run_if_asked`](super::probe::run_if_asked) first in `main`, to be
    /// started as probe child. `None`: this program, which then must call it itself.
    pub probe_program: Option<PathBuf>,
    /// The time that a probe child has; 10 s.
    pub probe_limit: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { probe_program: None, probe_limit: Duration::from_secs(10) }
    }
}

/// Why not all plugins of a bootstrap were loaded; then none of them is used.
#[derive(Debug)]
#[non_exhaustive]
pub struct NotLoaded {
    /// One for each file that is missing, broken, another provider's or one too many.
    pub errors: Vec<LoadError>,
    /// The manifests of the other files, by the ids of their providers, for
    /// [`services::check`](super::services::check).
    pub manifests: BTreeMap<String, Arc<Manifest>>,
}

/// A plugin that was not loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unloaded {
    /// Its provider, as the bootstrap calls it.
    pub provider: String,
    /// Why.
    pub error: LoadError,
}

/// The loaded plugins, one per provider.
#[derive(Debug, Default)]
pub struct Registry {
    plugins: BTreeMap<String, Plugin>,
    noticed: Noticed,
}

impl Registry {
    /// Finds, verifies and loads the plugin of every provider that the bootstrap's services use.
    ///
    /// # Errors
    /// [`NotLoaded`]: what [`load`](Self::load) says, and the manifests of the files that are in order.
    pub fn of_bootstrap(bootstrap: &Bootstrap, options: &RegistryOptions) -> Result<Self, NotLoaded> {
        Self::of_providers(&bootstrap.plugins, providers(bootstrap), options)
    }

    /// The same, but what is wrong with one plugin does not keep the others from being loaded. Those that are not
    /// loaded are told, in the order of their ids.
    ///
    /// # Errors
    /// Where nothing can be looked for at all.
    pub fn available(bootstrap: &Bootstrap, options: &RegistryOptions) -> Result<(Self, Vec<Unloaded>), LoadError> {
        let Sorted { verified, mut unloaded } = Sorted::of(&bootstrap.plugins, providers(bootstrap))?;
        let (registry, failed) = Self::of_verified(verified, options);
        unloaded.extend(failed);
        unloaded.sort_by(|one, other| one.provider.cmp(&other.provider));
        Ok((registry, unloaded))
    }

    /// What can be told of the plugins of a bootstrap without executing anything of them: what is wrong with their
    /// files, and the manifests of the others.
    #[must_use]
    pub fn look(bootstrap: &Bootstrap) -> NotLoaded {
        match Sorted::of(&bootstrap.plugins, providers(bootstrap)) {
            Ok(sorted) => sorted.told(),
            Err(error) => NotLoaded { errors: vec![error], manifests: BTreeMap::default() },
        }
    }

    /// Finds, verifies and loads the plugins of these providers, each once.
    ///
    /// Nothing of any file is executed before all files have passed what can be learned without.
    ///
    /// # Errors
    /// One [`LoadError`] for each file that is missing, broken, another provider's or one too many.
    pub fn load<'a>(
        plugins: &Plugins,
        providers: impl IntoIterator<Item = &'a str>,
        options: &RegistryOptions,
    ) -> Result<Self, Vec<LoadError>> {
        let providers = providers.into_iter().map(|provider| (provider, None)).collect();
        Self::of_providers(plugins, providers, options).map_err(|refused| refused.errors)
    }

    fn of_providers(plugins: &Plugins, providers: Providers<'_>, options: &RegistryOptions) -> Result<Self, NotLoaded> {
        let sorted = Sorted::of(plugins, providers)
            .map_err(|error| NotLoaded { errors: vec![error], manifests: BTreeMap::default() })?;
        if !sorted.unloaded.is_empty() {
            return Err(sorted.told());
        }
        let (registry, failed) = Self::of_verified(sorted.verified, options);
        if failed.is_empty() {
            return Ok(registry);
        }
        let manifests = registry.plugins.into_iter().map(|(id, plugin)| (id, plugin.manifest)).collect();
        Err(NotLoaded { errors: failed.into_iter().map(|it| it.error).collect(), manifests })
    }

    fn of_verified(verified: Vec<Verified>, options: &RegistryOptions) -> (Self, Vec<Unloaded>) {
        let prober = Prober { program: options.probe_program.clone(), limit: options.probe_limit };
        let mut loaded = BTreeMap::new();
        let mut failed = Vec::new();
        let noticed = Noticed::default();
        for file in verified {
            let provider = file.configured.as_str().to_owned();
            match file.load(&prober, &noticed) {
                Ok(plugin) => drop(loaded.insert(plugin.manifest.id.clone(), plugin)),
                Err(error) => failed.push(Unloaded { provider, error }),
            }
        }
        (Self { plugins: loaded, noticed }, failed)
    }

    /// What should be mended, although it works: noticed while plugins were loaded, and while services were made of
    /// them.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.noticed.all()
    }

    pub(super) const fn noticed(&self) -> &Noticed {
        &self.noticed
    }

    /// The plugin of a provider.
    #[must_use]
    pub fn plugin(&self, provider: &str) -> Option<&Plugin> {
        self.plugins.get(provider)
    }

    /// All plugins, by the ids of their providers.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.values()
    }
}

/// Providers, each with where the bootstrap names it first, if it does.
type Providers<'a> = BTreeMap<&'a str, Option<&'a Origin>>;

/// The providers that services and fallbacks use.
fn providers(bootstrap: &Bootstrap) -> Providers<'_> {
    let services = bootstrap.services.values();
    let all = services.flat_map(|service| std::iter::once(service).chain(&service.fallback));
    let mut providers = Providers::new();
    for service in all {
        providers.entry(service.provider.as_str()).or_insert(Some(&service.provider_origin));
    }
    providers
}

/// The files of providers, as far as can be told without executing them.
struct Sorted {
    verified: Vec<Verified>,
    unloaded: Vec<Unloaded>,
}

impl Sorted {
    fn of(plugins: &Plugins, providers: Providers<'_>) -> Result<Self, LoadError> {
        let search = match &plugins.search {
            Some(folders) => Search::in_folders(folders.clone()),
            None => Search::beside_program()?,
        };
        let mut sorted = Self { verified: Vec::new(), unloaded: Vec::new() };
        let mut failed = Vec::new();
        for (provider, origin) in providers {
            match Verified::find(provider, plugins, &search) {
                Ok(file) => sorted.verified.push(file),
                Err(error) => failed.push((provider, origin, error)),
            }
        }
        for (provider, origin, error) in failed {
            let error = match error {
                LoadError::Find(FindError::Missing { id, looked, .. }) => {
                    let others = sorted.verified.iter().map(|it| it.configured.as_str().to_owned());
                    let lying: Vec<String> = others.chain(search.lying()).collect();
                    let nearest = bootstrap::nearest(provider, lying.iter().map(String::as_str));
                    LoadError::Find(FindError::Missing { id, looked, nearest })
                }
                error => error,
            };
            let error = match place(&error, plugins.pins.get(provider), origin) {
                Some(origin) => LoadError::At { origin: origin.clone(), cause: Box::new(error) },
                None => error,
            };
            sorted.unloaded.push(Unloaded { provider: provider.to_owned(), error });
        }
        sorted.unloaded.extend(mistaken(&sorted.verified));
        sorted.verified.retain(|it| it.file.manifest.id == it.configured.as_str());
        Ok(sorted)
    }

    fn told(self) -> NotLoaded {
        let manifests = self.verified.into_iter().map(|it| (it.file.manifest.id.clone(), Arc::new(it.file.manifest)));
        let errors = self.unloaded.into_iter().map(|it| it.error);
        NotLoaded { errors: errors.collect(), manifests: manifests.collect() }
    }
}

/// Where the bootstrap says what led to this error: the file or the digest of a plugin, or the provider's name. Errors
/// of what a file holds name the file.
fn place<'a>(error: &LoadError, pin: Option<&'a PluginPin>, provider: Option<&'a Origin>) -> Option<&'a Origin> {
    match error {
        LoadError::Pin { .. } => pin?.sha256_origin.as_ref(),
        LoadError::Find(_) if pin.is_some_and(|pin| pin.file.is_some()) => pin?.file_origin.as_ref(),
        LoadError::Find(_) => provider,
        _ => None,
    }
}

/// A file that is what it should be as far as can be told without executing it.
struct Verified {
    configured: ProviderId,
    pinned: bool,
    file: Inspection,
    warnings: Vec<Warning>,
}

impl Verified {
    fn find(provider: &str, plugins: &Plugins, search: &Search) -> Result<Self, LoadError> {
        let configured = ProviderId::parse(provider)?;
        let fixed = plugins.pins.get(provider);
        let found = match fixed.and_then(|fixed| fixed.file.as_deref()) {
            Some(file) => Found::named(&configured, file),
            None => search.find(&configured),
        };
        let found = found?;
        let pin = fixed.and_then(|fixed| fixed.sha256).map(Digest::from);
        let file = understand(examine(&found.path, pin)?)?;
        Ok(Self { configured, pinned: pin.is_some(), file, warnings: found.warnings().collect() })
    }

    fn load(self, prober: &Prober, noticed: &Noticed) -> Result<Plugin, LoadError> {
        self.warnings.into_iter().for_each(|warning| noticed.add(warning));
        let Inspection { path, manifest, manifest_bytes, sha256, .. } = self.file;
        if !self.pinned {
            prober.try_load(&path, sha256)?;
        }
        let root = match Root::open(&path, sha256, &manifest_bytes) {
            Ok(root) => root,
            Err(cause) => return Err(LoadError::Contact { path, cause }),
        };
        let manifest = Arc::new(manifest);
        Ok(Plugin {
            manifest,
            path,
            sha256,
            pinned: self.pinned,
            root,
            prober: prober.clone(),
            noticed: noticed.clone(),
        })
    }
}

/// Files whose manifest has another id than the bootstrap gives them.
fn mistaken(files: &[Verified]) -> Vec<Unloaded> {
    let place = |it: &Verified| (it.configured.clone(), it.file.path.clone());
    let error = |it: &Verified| {
        let id = &it.file.manifest.id;
        let bears = |other: &&Verified| other.configured.as_str() == id;
        let same = |other: &&Verified| other.file.manifest.id == *id && other.configured < it.configured;
        // Two of one id: the one that bears it, or else the one before this, is the other side.
        match files.iter().find(bears).or_else(|| files.iter().find(same)) {
            Some(other) if other.file.manifest.id == *id => {
                LoadError::DuplicateId { id: id.clone(), first: place(other), second: place(it) }
            }
            _ => LoadError::OtherProvider {
                path: it.file.path.clone(),
                configured: it.configured.clone(),
                found: id.clone(),
            },
        }
    };
    let mistaken = files.iter().filter(|it| it.file.manifest.id != it.configured.as_str());
    mistaken.map(|it| Unloaded { provider: it.configured.as_str().to_owned(), error: error(it) }).collect()
}
