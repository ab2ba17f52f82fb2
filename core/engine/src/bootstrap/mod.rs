//! The bootstrap: the one file, with the environment over it, that says which channels there are and by what rules.
//!
//! Read by figment in three layers: built-in defaults, then the file (TOML or JSON, by its extension), then
//! environment variables that begin with `COUNTERSIGN_`. Everything that is wrong is reported at once, each fault
//! with file and line, or variable, and key. What belongs to a plugin is kept as it is and checked by
//! [`Service::resolve`] once the plugin's schema is known.
//!
//! ```no_run
//! # fn main() -> Result<(), countersign::bootstrap::BootstrapError> {
//! use std::path::Path;
//!
//! let bootstrap = countersign::bootstrap::Bootstrap::read(Path::new("countersign.toml"))?;
//! for service in bootstrap.services.values() {
//!     assert!(!service.provider.is_empty());
//! }
//! # Ok(())
//! # }
//! ```

mod environment;
mod error;
mod file;
mod files;
mod init;
mod key;
mod keys;
mod limits;
mod origin;
mod place;
mod reader;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod two_factor;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::Serialized;

pub use self::error::{BootstrapError, Fault, Problem};
pub use self::files::{PluginPin, Plugins, StoreSettings};
pub use self::init::TEMPLATE;
pub(crate) use self::key::nearest;
pub use self::limits::Limits;
pub use self::origin::Origin;
pub use self::place::Obstacle;
pub use self::service::{DeliveryType, RawSettings, Service};
pub(crate) use self::settings::Spoken;
pub use self::settings::{ResolvedSettings, SecretProblem, SettingProblem, SettingsError};
pub use self::two_factor::{Registration, TwoFactor, UnknownUsers, WhoMustPass};

use self::environment::{Assignment, Environment};
use self::file::FileLayer;
use self::origin::Origins;
use self::reader::Reader;
use crate::warning::Warning;
use crate::writable;

/// The version of the file's format that this program reads.
const VERSION: i128 = 1;

/// A bootstrap that has been read and found in order, up to the settings of its plugins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bootstrap {
    /// The file it was read from.
    pub path: PathBuf,
    /// The channels, by the name of their service.
    pub services: BTreeMap<String, Service>,
    /// Who must pass a second factor.
    pub two_factor: TwoFactor,
    /// Where the engine keeps its data.
    pub store: StoreSettings,
    /// How often and how long.
    pub limits: Limits,
    /// Where plugin files are.
    pub plugins: Plugins,
    /// What should be mended about the file itself.
    pub warnings: Vec<Warning>,
}

impl Bootstrap {
    /// Reads the file, with the environment of this process over it.
    ///
    /// # Errors
    /// [`BootstrapError`]: the file cannot be read, is not well-formed, or has keys or values that are wrong; so has
    /// a variable that begins with `COUNTERSIGN_` and sets no key.
    pub fn read(path: &Path) -> Result<Self, BootstrapError> {
        Self::read_over(path, &Environment::of_process())
    }

    /// Reads the file, with these variables over it instead of the environment of this process. They also are what
    /// `{ env = "NAME" }` refers to.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BootstrapError> {
        Self::read_over(path, &Environment::new(environment))
    }

    /// Reads as much as can be read, with the environment of this process: for telling what else is wrong, and for
    /// nothing but that. What is wrong has been left out, or has its default.
    ///
    /// # Errors
    /// [`BootstrapError`] where the file cannot be read or is not well-formed.
    pub fn draft(path: &Path) -> Result<(Self, Vec<Fault<Problem>>), BootstrapError> {
        Self::draft_over(path, &Environment::of_process())
    }

    /// The folder of the bootstrap, where relative paths start.
    #[must_use]
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    fn read_over(path: &Path, environment: &Environment) -> Result<Self, BootstrapError> {
        match Self::draft_over(path, environment)? {
            (bootstrap, faults) if faults.is_empty() => Ok(bootstrap),
            (_, faults) => Err(BootstrapError::Invalid { faults }),
        }
    }

    fn draft_over(path: &Path, environment: &Environment) -> Result<(Self, Vec<Fault<Problem>>), BootstrapError> {
        let mut file = FileLayer::read(path)?;
        let over_defaults =
            |file: &FileLayer<'_>| Figment::from(Serialized::default("limits", Limits::default())).merge(file);
        let (assignments, misfits) = environment.assignments(&merged(&over_defaults(&file)));
        assignments.iter().filter_map(Assignment::referring).for_each(|setting| file.forget(setting));
        let below = over_defaults(&file);
        let layers = assignments.into_iter().fold(below, Figment::merge);
        let tree = merged(&layers);
        let origins = Origins { layers: &layers, path, lines: &file.lines };
        let reader = Reader::new(&tree, origins, misfits);
        let bootstrap = Self::assemble(path, &reader, environment);
        bootstrap.warnings.iter().for_each(Warning::log);
        Ok((bootstrap, reader.into_faults()))
    }

    fn assemble(path: &Path, reader: &Reader<'_>, environment: &Environment) -> Self {
        let root = reader.root();
        let version = root.child("version");
        version.required("version = 1");
        if let Some(found) = version.integer().filter(|found| *found != VERSION) {
            // Whatever else is unknown follows from this; but it does no harm to be told.
            version.fault(Problem::Version { found });
        }
        keys::check(reader);
        let services = service::read(reader, environment);
        let used = service::named_providers(&root);
        let folder = folder_of(path);
        Self {
            path: path.to_owned(),
            two_factor: TwoFactor::read(&root.child("two_factor"), &services),
            store: StoreSettings::read(&root.child("store"), folder),
            limits: Limits::read(&root.child("limits")),
            plugins: Plugins::read(&root.child("plugins"), folder, &used),
            warnings: writable(path),
            services,
        }
    }
}

/// Who may write to the bootstrap says what native code is loaded.
fn writable(path: &Path) -> Vec<Warning> {
    let places = path.canonicalize().map(|canonical| writable::by_others(path, &canonical)).unwrap_or_default();
    places.into_iter().map(|place| Warning::BootstrapWritable { file: path.to_owned(), place }).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

/// All layers in one; an empty tree has no keys, and is then told so.
fn merged(layers: &Figment) -> figment::value::Value {
    // Every layer is parsed before it is merged, so none of them can fail.
    layers
        .find_value("")
        .unwrap_or_else(|_| figment::value::Value::Dict(figment::value::Tag::Default, figment::value::Dict::new()))
}
