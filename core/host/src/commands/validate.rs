//! `countersign validate`: reads, loads and opens everything that the bootstrap names, and shows
//! what came of it. Sends nothing, and makes neither store nor key.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use countersign::bootstrap::{Bootstrap, BootstrapError, Fault, Problem, StoreSettings, TwoFactor, UnknownUsers};
use countersign::registry::{Registry, ServiceError, services};
use countersign::service::Service;
use countersign::store::SqliteStore;
use countersign::warning::Warning;
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::open::{Loaded, check_unmade, is_there};
use crate::output::{Output, table, width};
use crate::prompt;
use crate::words;

/// Validates the bootstrap.
pub(crate) fn run(bootstrap: &Path, output: Output) -> Result<Exit, CommandError> {
    let (bootstrap, faults) = Bootstrap::draft(bootstrap)?;
    let warnings = bootstrap.warnings.clone();
    let unmade = if is_there(&bootstrap.store.path) { Ok(()) } else { check_unmade(&bootstrap.store) };
    let loaded = match faults {
        faults if faults.is_empty() => Loaded::new(bootstrap),
        // Of a bootstrap that is wrong nothing is executed: who knows which files were meant.
        faults => Err(also_looked_at(&bootstrap, faults)),
    };
    let Loaded { bootstrap, registry, services, .. } = match (loaded, unmade) {
        (loaded, Err(store)) => {
            warnings.iter().for_each(warn);
            return Err(match loaded {
                Ok(_) => store,
                Err(others) => CommandError::Both(Box::new([others, store])),
            });
        }
        (Err(error), Ok(())) => {
            warnings.iter().for_each(warn);
            return Err(error);
        }
        (Ok(loaded), Ok(())) => loaded,
    };
    let warnings = [warnings, registry.warnings()].concat();
    let store = &bootstrap.store;
    if is_there(&store.path) {
        // Not before all else is in order: opening may bring an older store up to date.
        SqliteStore::open(&store.path, &store.key_file)?;
    }
    let rows = services.iter().flat_map(|service| std::iter::once(service).chain(&service.fallback));
    output.answer(&Validated {
        bootstrap: bootstrap.path.clone(),
        services: rows.map(|service| Row::of(service, &registry)).collect(),
        two_factor: Policy::of(&bootstrap.two_factor),
        store: Store::of(store),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    })?;
    Ok(Exit::Yes)
}

/// What is wrong with a bootstrap, and what can be told of its plugins and services all the same.
fn also_looked_at(bootstrap: &Bootstrap, faults: Vec<Fault<Problem>>) -> CommandError {
    let mut looked = Registry::look(bootstrap);
    // A name that is none was told of with the bootstrap.
    looked.errors.retain(|error| !error.is_invalid_id());
    let mut services = services::check(bootstrap, &looked.manifests);
    // Where no file is told of, neither are those that go by it.
    services.retain(|error| !looked.errors.is_empty() || !matches!(error, ServiceError::Unchecked { .. }));
    let bootstrap = BootstrapError::Invalid { faults }.into();
    if looked.errors.is_empty() && services.is_empty() {
        return bootstrap;
    }
    CommandError::Both(Box::new([bootstrap, CommandError::Plugins { files: looked.errors, services }]))
}

fn warn(warning: &Warning) {
    prompt::tell(&format!("warning: {warning}"));
}

#[derive(Serialize)]
struct Validated {
    bootstrap: PathBuf,
    services: Vec<Row>,
    two_factor: Policy,
    store: Store,
    /// What should be mended, although it works.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    service: String,
    channel: String,
    mode: Option<String>,
    delivery_type: &'static str,
    provider: String,
    version: String,
    file: PathBuf,
    sha256: String,
    pinned: bool,
    code_made_by: &'static str,
    code_checked_by: &'static str,
    egress: Vec<String>,
}

#[derive(Serialize)]
struct Policy {
    enabled: bool,
    /// Channels that are switched off.
    channels_off: Vec<String>,
    login_types: BTreeMap<String, &'static str>,
    unknown_users: &'static str,
    /// What people may register themselves.
    registration: Vec<&'static str>,
}

#[derive(Serialize)]
struct Store {
    path: PathBuf,
    key_file: PathBuf,
    exists: bool,
    /// Those of the two files that do not exist and will be made by the first command that has something to keep.
    made_at_first_use: Vec<PathBuf>,
}

impl Store {
    fn of(settings: &StoreSettings) -> Self {
        let (path, key_file) = (settings.path.clone(), settings.key_file.clone());
        let unmade = [&path, &key_file].into_iter().filter(|file| !is_there(file));
        Self { exists: is_there(&path), made_at_first_use: unmade.cloned().collect(), path, key_file }
    }
}

impl Row {
    fn of(service: &Service, registry: &Registry) -> Self {
        let manifest = service.manifest();
        let plugin = registry.plugin(&service.provider);
        Self {
            service: service.name.clone(),
            channel: service.channel.clone(),
            mode: service.mode.clone(),
            delivery_type: manifest.delivery_type.as_str(),
            provider: service.provider.clone(),
            version: manifest.version.clone(),
            file: plugin.map(|plugin| plugin.path.clone()).unwrap_or_default(),
            sha256: plugin.map(|plugin| plugin.sha256.to_string()).unwrap_or_default(),
            pinned: plugin.is_some_and(|plugin| plugin.pinned),
            code_made_by: words::maker(service.maker()),
            code_checked_by: words::checker(service.checker()),
            egress: service.egress.places(),
        }
    }

    fn cells(&self) -> [String; 8] {
        let mode = self.mode.as_deref().map(|mode| format!(" ({mode})")).unwrap_or_default();
        [
            format!("{}{mode}", self.service),
            self.delivery_type.to_owned(),
            self.provider.clone(),
            self.version.clone(),
            format!("{}{}", self.file.display(), if self.pinned { " (pinned)" } else { "" }),
            self.code_made_by.to_owned(),
            self.code_checked_by.to_owned(),
            if self.egress.is_empty() { "none".to_owned() } else { self.egress.join("\n") },
        ]
    }
}

impl Policy {
    fn of(two_factor: &TwoFactor) -> Self {
        let off = two_factor.channels.iter().filter(|(_, on)| !**on);
        let registration = [(two_factor.registration.phone, "phone"), (two_factor.registration.app, "app")];
        Self {
            enabled: two_factor.enabled,
            channels_off: off.map(|(channel, _)| channel.clone()).collect(),
            login_types: two_factor.login_types.iter().map(|(name, who)| (name.clone(), words::who(*who))).collect(),
            unknown_users: match two_factor.unknown_users {
                UnknownUsers::Error => "error",
                UnknownUsers::Register => "register",
            },
            registration: registration.into_iter().filter_map(|(may, what)| may.then_some(what)).collect(),
        }
    }
}

impl fmt::Display for Validated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is in order", self.bootstrap.display())?;
        match self.warnings.len() {
            0 => {}
            1 => write!(out, ", with 1 warning:")?,
            many => write!(out, ", with {many} warnings:")?,
        }
        self.warnings.iter().try_for_each(|warning| write!(out, "\n  {warning}"))?;
        writeln!(out, "\n")?;
        writeln!(out, "{}\n\n{}\n", services(&self.services, width()), self.two_factor)?;
        write!(out, "{}", self.store)
    }
}

const HEADING: [&str; 8] =
    ["service", "delivery type", "provider", "version", "file", "made by", "checked by", "egress"];

/// One table of all services, or a block for each where that is wider than what shows it.
fn services(rows: &[Row], width: Option<u16>) -> String {
    let mut whole = table(&HEADING);
    whole.add_rows(rows.iter().map(Row::cells));
    let whole = whole.trim_fmt();
    let fits = |width: u16| whole.lines().all(|line| line.chars().count() <= usize::from(width));
    if width.is_none_or(fits) { whole } else { rows.iter().map(block).collect::<Vec<_>>().join("\n\n") }
}

fn block(row: &Row) -> String {
    const INDENT: usize = 16;
    let lines = HEADING.iter().zip(row.cells()).enumerate().map(|(at, (name, cell))| {
        let cell = cell.replace('\n', &format!("\n{:INDENT$}", ""));
        if at == 0 { cell } else { format!("  {name:<13} {cell}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, key_file, exists, made_at_first_use: unmade } = self;
        let (path, key) = (path.display(), key_file.display());
        if *exists {
            write!(out, "store {path} opens with key file {key}")
        } else if unmade.contains(key_file) {
            write!(out, "store {path} and key file {key} do not exist; both will be made there at first use")
        } else {
            write!(out, "store {path} will be made at first use, with key file {key}")
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds = table(&["kind of login", "who must pass"]);
        kinds.add_rows(self.login_types.iter().map(|(name, who)| [name.as_str(), who]));
        writeln!(out, "{}\n", kinds.trim_fmt())?;
        let state = if self.enabled { "asked for" } else { "switched off: nobody is asked" };
        writeln!(out, "second factors are {state}; channels switched off: {}", words::list(&self.channels_off))?;
        write!(out, "people may register: {}; unknown users: {}", words::list(&self.registration), self.unknown_users)
    }
}
