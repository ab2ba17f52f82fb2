//! `test_credentials` and `provision`: whether settings and provider go together.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Input of `test_credentials`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestCredentials {}

/// Outcome of `test_credentials`: what was examined, one finding each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Diagnosis {
    /// In the order of examination; an empty list means that nothing could be examined.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// What was examined, in this order.
    pub fn new(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self { findings: findings.into_iter().collect() }
    }
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The setting or thing examined, for example `auth_token`.
    pub subject: String,
    /// How it is.
    pub state: Health,
    /// What was found, for the operator.
    pub message: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// A finding without remedy.
    pub fn new(subject: impl Into<String>, state: Health, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), state, message: message.into(), remedy: None }
    }

    /// It is as it should be.
    pub fn good(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Health::Good, message)
    }

    /// It works, with something to know.
    pub fn notice(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Health::Notice, message)
    }

    /// It is wrong; say what to do by [`Finding::remedy`].
    pub fn bad(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Health::Bad, message)
    }

    /// It could not be examined.
    pub fn unknown(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Health::Unknown, message)
    }

    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// State of one [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Works, with something to know.
    Notice,
    /// Wrong.
    Bad,
    /// Could not be examined.
    #[serde(other)]
    Unknown,
}

/// Input of `provision`: bring the provider's side in line with the settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provision {
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Provision {
    /// Brings the provider's side in line, or only says what would be done.
    pub const fn new(dry_run: bool) -> Self {
        Self { dry_run }
    }
}

/// Outcome of `provision`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Provisioned {
    /// What was (or, on a dry run, would be) changed, one line each; empty if all was in line.
    pub changes: Vec<String>,
    /// Settings for the bootstrap that came of it, for example `service_sid`.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// What only a person can do in the provider's console, in order.
    #[serde(default)]
    pub checklist: Vec<String>,
}

impl Provisioned {
    /// All was in line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was, or would be, changed.
    pub fn change(mut self, change: impl Into<String>) -> Self {
        self.changes.push(change.into());
        self
    }

    /// Adds a setting for the bootstrap.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds what only a person can do.
    pub fn to_do(mut self, text: impl Into<String>) -> Self {
        self.checklist.push(text.into());
        self
    }
}
