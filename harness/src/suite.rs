//! Runs the cases of many cassettes, each against the real file of its plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign::bootstrap::Plugins;
use countersign::instance::Instance;
use countersign::registry::{LoadError, OpenError, Plugin, Registry, RegistryOptions};

use crate::case::{self, CaseError, Verdict};
use crate::cassette::{Case, Cassette, Sha256};
use crate::journal::Journal;
use crate::steps::Witness;

/// Loads plugin files once and runs cases against them.
#[derive(Debug)]
pub struct Suite {
    plugins: Plugins,
    options: RegistryOptions,
    /// One registry per plugin, so that a broken file spoils its own cases alone.
    loaded: BTreeMap<String, Result<Registry, Arc<[LoadError]>>>,
}

/// What came of a cassette.
#[derive(Debug)]
#[must_use]
pub enum Ran {
    /// Its case ran to an end.
    Case {
        /// How.
        verdict: Verdict,
        /// The digest of what the plugin asked for, until then: see [`Witness`].
        steps: Sha256,
    },
    /// It carries no case.
    NoCase,
    /// Its case could not be run.
    Impossible(Impossible),
}

/// Why a case could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Impossible {
    /// The plugin was not loaded.
    #[error("{}", lines(.0))]
    Load(Arc<[LoadError]>),
    /// The plugin's file was loaded without a word, and is not there.
    #[error("plugin `{plugin}` was not loaded, and no error says why")]
    NotLoaded {
        /// The plugin's id.
        plugin: String,
    },
    /// The plugin does not open with the settings of the case.
    #[error(transparent)]
    Open(OpenError),
    /// The case is wrong.
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl Suite {
    /// A suite that finds plugins as a bootstrap with this section would.
    pub fn new(plugins: Plugins, options: RegistryOptions) -> Self {
        Self { plugins, options, loaded: BTreeMap::new() }
    }

    /// Runs the case of a cassette, if it carries one.
    pub fn run(&mut self, cassette: &Cassette) -> Ran {
        self.run_with(cassette, None)
    }

    /// As [`run`](Self::run), and a journal keeps what went over the wire and how operations ended.
    pub fn run_with(&mut self, cassette: &Cassette, journal: Option<&Arc<Journal>>) -> Ran {
        match self.verdict(cassette, journal) {
            Ok(Some((verdict, steps))) => Ran::Case { verdict, steps },
            Ok(None) => Ran::NoCase,
            Err(impossible) => Ran::Impossible(impossible),
        }
    }

    /// The plugins that were loaded so far.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.loaded.values().filter_map(|loaded| loaded.as_ref().ok()).flat_map(Registry::plugins)
    }

    fn verdict(
        &mut self,
        cassette: &Cassette,
        journal: Option<&Arc<Journal>>,
    ) -> Result<Option<(Verdict, Sha256)>, Impossible> {
        let Some(case) = cassette.case() else {
            return Ok(None);
        };
        let witness = Arc::new(Witness::new(self.open(case)?));
        let verdict = case::run_with(cassette, Arc::clone(&witness) as _, journal)?;
        Ok(Some((verdict, witness.steps())))
    }

    /// The plugin of a case, opened with its settings.
    ///
    /// # Errors
    /// [`Impossible`] says why there is none.
    pub fn open(&mut self, case: &Case) -> Result<Arc<dyn Instance>, Impossible> {
        let settings = case::settings(case)?.to_string();
        let registry = self
            .loaded
            .entry(case.plugin.clone())
            .or_insert_with(|| Registry::load(&self.plugins, [case.plugin.as_str()], &self.options).map_err(Arc::from));
        let registry = registry.as_ref().map_err(|errors| Impossible::Load(Arc::clone(errors)))?;
        let Some(plugin) = registry.plugin(&case.plugin) else {
            return Err(Impossible::NotLoaded { plugin: case.plugin.clone() });
        };
        Ok(Arc::new(plugin.open(settings.as_bytes()).map_err(Impossible::Open)?))
    }
}

impl Impossible {
    /// Whether neither cassette nor plugin is to blame, but this program or its machine.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::NotLoaded { .. } | Self::Case(CaseError::Runtime(_)))
    }
}

fn lines(errors: &[LoadError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
