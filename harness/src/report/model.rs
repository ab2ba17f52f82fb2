//! What a report says, before anybody decides how it looks.
//!
//! Nothing in it is about replay alone: a suite has cases, a case has a verdict and reasons, and perhaps operations and
//! exchanges. All text that comes from outside is [`Masked`] when it gets here.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::masked::Masked;
use crate::cassette::{ProvenanceKind, Sha256};

/// One run of the program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was run, such as `Replay of cassettes`.
    pub title: Masked,
    /// The version of the program that ran it.
    pub program_version: Masked,
    /// What decided over everything random, where anything was.
    pub seed: Option<u64>,
    /// When it began.
    #[serde(serialize_with = "as_text")]
    pub started: Timestamp,
    /// How long it took.
    #[serde(rename = "took_microseconds", serialize_with = "microseconds")]
    pub took: Duration,
    /// The plugin files that were loaded.
    pub plugins: Vec<ReportPlugin>,
    /// The cases, in groups; in the order in which they were run.
    pub suites: Vec<ReportSuite>,
}

/// A plugin file that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportPlugin {
    /// The plugin's id.
    pub id: Masked,
    /// What its manifest calls its version.
    pub version: Masked,
    /// The file.
    pub path: Masked,
    /// The digest of the file, 64 hex digits.
    pub sha256: Masked,
}

/// Cases that belong together: those of one folder, or the checks of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportSuite {
    /// Its name, once in a report.
    pub name: Masked,
    /// Its cases.
    pub cases: Vec<ReportCase>,
}

/// One case: a cassette's, one of its exchanges under a fault, or a check of the conformance kit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportCase {
    /// Its id, once in a suite.
    pub id: Masked,
    /// What it is about.
    pub title: Masked,
    /// How it ended.
    pub verdict: ReportVerdict,
    /// How long it took.
    #[serde(rename = "took_microseconds", serialize_with = "microseconds")]
    pub took: Duration,
    /// The file of the cassette.
    pub cassette: Option<Masked>,
    /// Where the exchanges of the cassette come from.
    pub provenance: Option<ReportProvenance>,
    /// The plugin that was asked.
    pub plugin: Option<Masked>,
    /// The channel it was asked for.
    pub channel: Option<Masked>,
    /// The mode of the channel.
    pub mode: Option<Masked>,
    /// Whatever else is worth a line, by name: a level, a fault, a cost.
    pub facts: Vec<ReportFact>,
    /// The operations that ended, in order.
    pub operations: Vec<ReportOperation>,
    /// The digest of what the plugin asked for.
    pub steps: Option<Sha256>,
    /// What went over the wire, in order.
    pub exchanges: Vec<ReportExchange>,
    /// How many exchanges before those were dropped, because there were too many.
    pub exchanges_dropped: u64,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "reasons", rename_all = "snake_case")]
#[must_use]
pub enum ReportVerdict {
    /// As it should.
    Passed,
    /// As it should, but for these things that nobody must mend.
    Warned(Vec<Masked>),
    /// Otherwise, for at least one reason.
    Failed(Vec<Masked>),
    /// Not at all: a file, a plugin or the case itself cannot be used.
    Bad(Vec<Masked>),
    /// The cassette carries no case.
    WithoutCase,
    /// It was not run, for these reasons.
    Skipped(Vec<Masked>),
}

/// Where exchanges come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportProvenance {
    /// How they came about.
    #[serde(serialize_with = "as_text")]
    pub kind: ProvenanceKind,
    /// From what.
    pub source: Masked,
}

/// A named line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportFact {
    /// What it is.
    pub name: Masked,
    /// The line, or lines.
    pub value: Masked,
}

/// How one operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportOperation {
    /// Its position in the case; the first is 0.
    pub index: usize,
    /// Which one.
    pub name: Masked,
    /// How far the case's clock moved before it, in seconds.
    #[serde(rename = "after_seconds", serialize_with = "seconds")]
    pub after: Duration,
    /// Whether all was as expected.
    pub as_expected: bool,
    /// How it ended, in a line: `outcome`, or `failure (expired): …`.
    pub ended: Masked,
    /// Every value that the case names.
    pub values: Vec<ReportValue>,
    /// What was shown or spoken to people because of it.
    pub messages: Vec<ReportMessage>,
}

/// A value that a case expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportValue {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: Masked,
    /// What the case expects.
    pub expected: Masked,
    /// What came out; `None` where there is nothing.
    pub found: Option<Masked>,
    /// Whether the two are the same; masked they may look so and differ.
    pub same: bool,
}

/// Something that reached a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportMessage {
    /// The recipient.
    pub to: Masked,
    /// By which channel.
    pub channel: Masked,
    /// What was shown or spoken.
    pub text: Masked,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportExchange {
    /// Its place among the exchanges of the case; the first is 0.
    pub number: u64,
    /// The position of the operation that asked for it; the first is 0.
    pub operation: Option<usize>,
    /// What the plugin asked for.
    pub request: ReportRequest,
    /// What it was told.
    pub answer: ReportAnswer,
    /// The recorded exchange that answered.
    pub played_by: Option<ReportEntry>,
    /// Why no recorded exchange answered.
    pub mismatch: Option<ReportMismatch>,
    /// The fault that was put before the answer.
    pub fault: Option<ReportFact>,
}

/// A request as the plugin asked for it. References to secrets stand where the engine would put their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportRequest {
    /// The method.
    pub method: Masked,
    /// The address.
    pub url: Masked,
    /// What the request does at the provider, as the plugin declares: read, idempotent or act.
    pub effect: Option<&'static str>,
    /// The header fields in their order; authorization is one of them.
    pub headers: Vec<ReportFact>,
    /// The body.
    pub body: Option<ReportBody>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportAnswer {
    /// A response.
    Reply {
        /// 100 to 599.
        status: u16,
        /// The header fields in their order.
        headers: Vec<ReportFact>,
        /// The body.
        body: Option<ReportBody>,
    },
    /// None: the transport failed.
    Failure {
        /// How, as cassettes name it.
        failure: Masked,
        /// The transport's words.
        detail: Masked,
    },
}

/// A body, made readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportBody {
    /// Its bytes on the wire; absent where only the engine would know, for it puts secrets in.
    pub bytes: Option<u64>,
    /// Whether less is shown than there is.
    pub cut: bool,
    /// The body itself.
    #[serde(flatten)]
    pub content: ReportContent,
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "content", rename_all = "snake_case")]
pub enum ReportContent {
    /// The fields of a form, decoded, in their order.
    Form(Vec<ReportFact>),
    /// JSON, indented anew; members in their order, duplicates kept.
    Json(Masked),
    /// Other text.
    Text(Masked),
    /// Bytes that are no text.
    Binary,
}

/// A recorded exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportEntry {
    /// The file of its cassette.
    pub cassette: Masked,
    /// Its position in it; the first is 0.
    pub entry: usize,
    /// What it calls itself.
    pub title: Masked,
}

/// Why no recorded exchange answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportMismatch {
    /// What came near, the nearest first.
    pub nearest: Vec<ReportNearest>,
}

/// A recorded exchange that came near.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportNearest {
    /// Which.
    #[serde(flatten)]
    pub entry: ReportEntry,
    /// What keeps it from answering.
    pub differences: Vec<Masked>,
}

impl ReportVerdict {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned(_) => "warned",
            Self::Failed(_) => "failed",
            Self::Bad(_) => "bad",
            Self::WithoutCase => "without a case",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why, line by line; nothing where there is nothing to say.
    pub fn reasons(&self) -> &[Masked] {
        match self {
            Self::Passed | Self::WithoutCase => &[],
            Self::Warned(reasons) | Self::Failed(reasons) | Self::Bad(reasons) | Self::Skipped(reasons) => reasons,
        }
    }
}

impl ReportCase {
    /// A case of which only this is known yet.
    pub fn new(id: Masked, title: Masked, verdict: ReportVerdict) -> Self {
        Self {
            id,
            title,
            verdict,
            took: Duration::ZERO,
            cassette: None,
            provenance: None,
            plugin: None,
            channel: None,
            mode: None,
            facts: Vec::new(),
            operations: Vec::new(),
            steps: None,
            exchanges: Vec::new(),
            exchanges_dropped: 0,
        }
    }
}

impl ReportFact {
    /// A named line.
    pub const fn new(name: Masked, value: Masked) -> Self {
        Self { name, value }
    }
}

impl Report {
    /// A report of a run that began then, without cases yet.
    pub fn new(title: Masked, program_version: &str, started: Timestamp) -> Self {
        Self {
            title,
            program_version: Masked::known(program_version),
            seed: None,
            started,
            took: Duration::ZERO,
            plugins: Vec::new(),
            suites: Vec::new(),
        }
    }

    /// All cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = &ReportCase> {
        self.suites.iter().flat_map(|suite| &suite.cases)
    }

    /// Puts a case at the end of the suite of this name, which is made where there is none.
    pub fn push(&mut self, suite: &Masked, case: ReportCase) {
        match self.suites.iter_mut().find(|known| known.name == *suite) {
            Some(known) => known.cases.push(case),
            None => self.suites.push(ReportSuite { name: suite.clone(), cases: vec![case] }),
        }
    }
}

fn microseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

fn seconds<S: Serializer>(after: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(after.as_secs_f64())
}

fn as_text<S: Serializer>(shown: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shown)
}
