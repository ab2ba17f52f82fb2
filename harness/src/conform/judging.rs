//! One check in the process that was started for it.

use std::path::{Path, PathBuf};

use countersign::bootstrap::{PluginPin, Plugins};
use countersign::registry::{Inspection, LoadError, Plugin, Registry, RegistryOptions, inspect};
use countersign_plugin::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::Check;
use super::kit::Kit;
use super::report::{Judged, Sources, Verdict};

/// What a check needs.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// Nothing but the file.
    Reads(fn(&Job) -> Verdict),
    /// The loaded plugin.
    Loads(fn(&Loaded) -> Verdict),
    /// The opened plugin, and whoever answers its requests.
    Asks(fn(&Kit) -> Verdict),
}

/// What the parent tells the process of a check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) check: String,
    pub(super) plugin: PathBuf,
    pub(super) settings: Option<Value>,
    pub(super) cassettes: Vec<PathBuf>,
    pub(super) seed: u64,
    /// What to run again, of the check's own.
    pub(super) reproduce: Option<String>,
    /// Only to say what the plugin asks for.
    pub(super) steps_only: bool,
}

/// A plugin in this process.
pub(super) struct Loaded {
    pub(super) plugin: Plugin,
    pub(super) job: Job,
}

impl Loaded {
    pub(super) fn of(job: &Job) -> Result<Self, LoadError> {
        Ok(Self { plugin: load(&job.plugin)?, job: job.clone() })
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.plugin.manifest
    }
}

/// Makes the check.
pub(super) fn judge(job: &Job) -> Judged {
    let Some(check) = Check::named(&job.check) else {
        return nobody_answered(Verdict::Skipped { because: "there is no such check".to_owned() });
    };
    // What keeps a plugin from being loaded or opened is said by the checks of that.
    let skipped = |because: String| nobody_answered(Verdict::Skipped { because });
    let loaded = || Loaded::of(job).map_err(|error| format!("it is not loaded: {error}"));
    match check.run {
        Run::Reads(run) => nobody_answered(run(job)),
        Run::Loads(run) => loaded().map_or_else(skipped, |loaded| nobody_answered(run(&loaded))),
        Run::Asks(run) => match loaded().and_then(|loaded| Kit::new(loaded).map_err(|error| error.to_string())) {
            Ok(kit) => Judged { verdict: run(&kit), replies: Sources::of(kit.sources()) },
            Err(because) => skipped(because),
        },
    }
}

fn nobody_answered(verdict: Verdict) -> Judged {
    Judged { verdict, replies: Sources::default() }
}

/// Loads the file into this process, as a host does that has pinned it: there is no probe child, for this process is
/// one itself.
pub(super) fn load(file: &Path) -> Result<Plugin, LoadError> {
    let Inspection { path, manifest, sha256, .. } = inspect(file)?;
    let mut pin = PluginPin::default();
    pin.file = Some(path.clone());
    pin.sha256 = Some(*sha256.as_bytes());
    let mut plugins = Plugins::default();
    plugins.pins.insert(manifest.id.clone(), pin);
    let registry = Registry::load(&plugins, [manifest.id.as_str()], &RegistryOptions::default());
    let registry = registry.map_err(|mut errors| errors.remove(0))?;
    // It was loaded by this id, and no other was asked for.
    let plugin = registry.plugins().next().cloned();
    plugin.ok_or(LoadError::Contact { path, cause: countersign::registry::ContactError::NoRoot })
}
