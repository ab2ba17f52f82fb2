//! What came of the checks, for whoever renders it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// What came of judging a plugin.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The file.
    pub plugin: PathBuf,
    /// Id and version by its manifest, as `totp 0.1.0`; none where that could not be read.
    pub name: Option<String>,
    /// The digest of the file, in hexadecimal; none where it could not be read.
    pub sha256: Option<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// The checks, in the order of the catalogue.
    pub checks: Vec<CheckResult>,
}

/// What came of one check.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// Which check.
    pub id: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// What it is about, in one line.
    pub reason: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub judged: Judged,
    /// How long it took.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
}

/// A verdict, and by whose replies it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Who answered the plugin's requests.
    pub replies: Sources,
}

/// How much a check weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A plugin that fails it does not conform.
    Must,
    /// A plugin that fails it works, and could be better.
    Should,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
#[must_use]
pub enum Verdict {
    /// The plugin passed.
    Passed {
        /// What was found that is worth knowing; may be empty.
        note: String,
    },
    /// It did not.
    Failed {
        /// Why; at least one.
        problems: Vec<Problem>,
    },
    /// The check does not apply, or could not be made.
    Skipped {
        /// Why.
        because: String,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What happened, and where. One line, without codes, numbers and secrets.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// What runs it again, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
}

/// Who answered the plugin's requests during a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sources(pub(super) BTreeSet<String>);

impl Report {
    /// Checks with the level `must` that the plugin failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|check| check.level == Level::Must && check.judged.verdict.is_failed())
    }

    /// Checks with the level `should` that the plugin failed.
    pub fn warned(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|check| check.level == Level::Should && check.judged.verdict.is_failed())
    }
}

impl Verdict {
    /// Passed, with nothing to tell.
    pub(super) const fn passed() -> Self {
        Self::Passed { note: String::new() }
    }

    /// Passed without problems, else failed by them.
    pub(super) fn of(problems: Vec<Problem>) -> Self {
        if problems.is_empty() { Self::passed() } else { Self::Failed { problems } }
    }

    /// Whether the plugin did not pass.
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), reproduce: None }
    }
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
        }
    }
}

impl Sources {
    /// Those of several scenarios.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// Whether nobody answered anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Sources {
    /// `emulator, the kit's own`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}
