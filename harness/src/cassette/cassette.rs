//! A cassette that was read and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::case::Case;
use super::entry::Entry;
use super::expiry::{Expiry, Freshness};

/// Recorded exchanges, in order, and what is known about them.
#[derive(Clone)]
pub struct Cassette {
    pub(super) path: PathBuf,
    pub(super) about: Option<About>,
    pub(super) entries: Vec<Entry>,
}

/// What the `_countersign` object of a cassette says about the whole.
#[derive(Clone)]
pub(super) struct About {
    pub(super) provenance: Provenance,
    pub(super) provider: String,
    pub(super) title: String,
    pub(super) recorded_at: Option<jiff::Timestamp>,
    pub(super) expiry: Option<Expiry>,
    pub(super) redacted: bool,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) case: Option<Case>,
}

impl Cassette {
    /// The file, or the name under which an embedded cassette was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the cassette calls itself; a plain HAR has no title.
    pub fn title(&self) -> Option<&str> {
        self.about.as_ref().map(|about| &*about.title)
    }

    /// The provider whose exchanges these are; a plain HAR does not say.
    pub fn provider(&self) -> Option<&str> {
        self.about.as_ref().map(|about| &*about.provider)
    }

    /// Where the exchanges come from; a plain HAR does not say.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.about.as_ref().map(|about| &about.provenance)
    }

    /// When the exchanges were recorded, where the cassette says so.
    pub fn recorded_at(&self) -> Option<jiff::Timestamp> {
        self.about.as_ref().and_then(|about| about.recorded_at)
    }

    /// Until when the cassette is good, where it says so.
    pub fn expiry(&self) -> Option<Expiry> {
        self.about.as_ref().and_then(|about| about.expiry)
    }

    /// Whether the cassette is still good at that time, which is the caller's.
    pub fn freshness(&self, now: jiff::Timestamp) -> Freshness {
        self.expiry().map_or(Freshness::Fresh, |expiry| expiry.at(now))
    }

    /// The variables that have a value before anything was sent, and these values.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.about.iter().flat_map(|about| &about.variables).map(|(name, value)| (&**name, &**value))
    }

    /// The test that the cassette carries, if any.
    pub fn case(&self) -> Option<&Case> {
        self.about.as_ref().and_then(|about| about.case.as_ref())
    }

    /// The exchanges, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cassette")
            .field("path", &self.path)
            .field("title", &self.title())
            .field("provenance", &self.provenance())
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Where recorded exchanges come from. Reports repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// How they came about.
    pub kind: ProvenanceKind,
    /// From what: a document, an account and a date, a reason. For people.
    pub source: String,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.source)
    }
}

/// How exchanges came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProvenanceKind {
    /// Taken from the wire.
    Recorded,
    /// Written down from published API documents.
    Transcribed,
    /// Made up for a test.
    Synthetic,
}

impl ProvenanceKind {
    /// Every kind, with the name it has in cassettes.
    pub const NAMED: [(Self, &str); 3] =
        [(Self::Recorded, "recorded"), (Self::Transcribed, "transcribed"), (Self::Synthetic, "synthetic")];
}

impl fmt::Display for ProvenanceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recorded => "recorded",
            Self::Transcribed => "transcribed",
            Self::Synthetic => "synthetic",
        })
    }
}
