//! Everything that a check needs which asks the plugin something: settings, channels, and how all goes well.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign::registry::{OpenError, Plugin};
use countersign::transport::EgressError;
use countersign_plugin::Manifest;
use serde_json::Value;
use thiserror::Error;

use super::examples;
use super::judging::{Job, Loaded};
use super::life::Life;
use super::performed::Performed;
use super::replies::played::Played;
use super::scenario::{Alone, Hook, Plot, Scenario, open};
use super::subject::Subject;
use crate::case::{self, CaseError};
use crate::cassette::{ReadError, Setting, read};

/// The opened plugin and its scenarios.
pub(super) struct Kit {
    pub(super) plugin: Plugin,
    pub(super) job: Job,
    pub(super) scenarios: Vec<Scenario>,
}

/// Why there is nothing to ask the plugin with.
#[derive(Debug, Error)]
pub(super) enum KitError {
    /// There are no settings.
    #[error(
        "there are no settings to open it with: the schema has no `examples`, and {} required without an example; add \
         `examples` to the schema, or give --settings", missing.join(", ")
    )]
    NoExamples {
        /// What is missing.
        missing: Vec<String>,
    },
    /// It does not open.
    #[error("with {subject}: {cause}")]
    Open {
        /// The settings.
        subject: String,
        /// What happened.
        cause: OpenError,
    },
    /// Nothing could be sent with these settings.
    #[error("with {subject}: {cause}")]
    Egress {
        /// The settings.
        subject: String,
        /// What is wrong.
        cause: EgressError,
    },
    /// A cassette cannot be read.
    #[error(transparent)]
    Cassette(#[from] ReadError),
    /// The case of a cassette is none.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// No cassette is about this plugin.
    #[error("none of the cassettes has a case for the plugin `{plugin}`; name others, or none")]
    NoCase {
        /// The plugin's id.
        plugin: String,
    },
}

impl Kit {
    /// Opens the plugin with each of its sets of settings, and sees how all goes well.
    pub(super) fn new(loaded: Loaded) -> Result<Self, KitError> {
        let Loaded { plugin, job } = loaded;
        let scenarios = if job.cassettes.is_empty() { lives(&plugin, &job)? } else { cases(&plugin, &job)? };
        let mut kit = Self { plugin, job, scenarios };
        for at in 0..kit.scenarios.len() {
            kit.scenarios[at].happy = kit.run(&kit.scenarios[at], &mut Alone);
        }
        Ok(kit)
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.plugin.manifest
    }

    /// The sets of settings, each once.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &Arc<Subject>> {
        let mut seen: Vec<&Arc<Subject>> = Vec::new();
        for scenario in &self.scenarios {
            if !seen.iter().any(|subject| Arc::ptr_eq(subject, &scenario.subject)) {
                seen.push(&scenario.subject);
            }
        }
        seen.into_iter()
    }

    /// Runs a scenario; nothing where it does not open any more, which it did before.
    pub(super) fn run(&self, scenario: &Scenario, hook: &mut dyn Hook) -> Vec<Performed> {
        scenario.run(&self.plugin, hook).unwrap_or_default()
    }

    /// All operations that went well, with their scenarios.
    pub(super) fn happy(&self) -> impl Iterator<Item = (&Scenario, &Performed)> {
        self.scenarios.iter().flat_map(|scenario| scenario.happy.iter().map(move |performed| (scenario, performed)))
    }

    /// Who answers.
    pub(super) fn sources(&self) -> BTreeSet<&'static str> {
        self.scenarios.iter().filter_map(Scenario::source).collect()
    }
}

/// The sets of settings to judge by.
pub(super) fn subjects(manifest: &Manifest, job: &Job) -> Result<Vec<Arc<Subject>>, KitError> {
    let named: Vec<(String, Value)> = match &job.settings {
        Some(settings) => vec![("the given settings".to_owned(), settings.clone())],
        None => {
            let examples = examples::of(&manifest.settings).map_err(|missing| KitError::NoExamples { missing })?;
            examples.into_iter().enumerate().map(|(at, settings)| (format!("example {}", at + 1), settings)).collect()
        }
    };
    let subject = |(name, settings): (String, Value)| {
        let made = Subject::of(manifest, name.clone(), &settings);
        made.map(Arc::new).map_err(|cause| KitError::Egress { subject: name, cause })
    };
    named.into_iter().map(subject).collect()
}

fn lives(plugin: &Plugin, job: &Job) -> Result<Vec<Scenario>, KitError> {
    let mut scenarios = Vec::new();
    for subject in subjects(&plugin.manifest, job)? {
        let opened = open(plugin, &subject);
        let instance = opened.map_err(|cause| KitError::Open { subject: subject.name.clone(), cause })?;
        for offer in std::iter::once(None).chain(subject.offers.iter().map(Some)) {
            let life = Life::new(&subject, offer, job.seed, &instance);
            if life.is_empty() {
                continue;
            }
            let name = match offer {
                Some(offer) => format!("{}, channel `{}`", subject.name, offer.channel),
                None => subject.name.clone(),
            };
            let plot = Plot::Life(life);
            scenarios.push(Scenario { name, subject: Arc::clone(&subject), plot, happy: Vec::new() });
        }
    }
    Ok(scenarios)
}

fn cases(plugin: &Plugin, job: &Job) -> Result<Vec<Scenario>, KitError> {
    let manifest = &plugin.manifest;
    let mut scenarios = Vec::new();
    for path in &job.cassettes {
        let Some(played) = Played::of(read(path)?) else { continue };
        let case = played.case();
        if case.plugin != manifest.id {
            continue;
        }
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let references = case.settings.iter().filter(|(_, setting)| **setting == Setting::Secret);
        let references = references.map(|(name, _)| name.clone()).collect();
        let subject = Subject::plain(manifest, name.clone(), case::settings(case)?, references);
        let subject = subject.map_err(|cause| KitError::Egress { subject: name.clone(), cause })?;
        let subject = Arc::new(subject);
        open(plugin, &subject).map_err(|cause| KitError::Open { subject: name.clone(), cause })?;
        scenarios.push(Scenario { name, subject, plot: Plot::Case(played), happy: Vec::new() });
    }
    if scenarios.is_empty() {
        return Err(KitError::NoCase { plugin: manifest.id.clone() });
    }
    Ok(scenarios)
}
