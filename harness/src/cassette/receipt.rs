//! What a player served, as evidence that a clean run was one.

use std::fmt;
use std::path::PathBuf;

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::digest::Sha256;
use super::entry::Repeat;

/// What a player served, entry by entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// One per entry, in the order of cassettes and entries.
    pub entries: Vec<EntryReceipt>,
}

/// What was served of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryReceipt {
    /// The cassette's file.
    pub cassette: PathBuf,
    /// The entry's position in it; the first is 0.
    pub entry: usize,
    /// What the entry calls itself, else method and address, masked.
    pub title: String,
    /// How often it was played, failures of the transport included.
    pub played: u64,
    /// Digest of the recorded body; absent where the entry is a failure of the transport.
    pub recorded: Option<Sha256>,
    /// How often the body was served as recorded, byte for byte.
    pub verbatim: u64,
    /// Digest over all bodies in which a bound value replaced a sample, one after the other.
    pub altered: Option<Sha256>,
}

/// Keeps count of one entry. Its size does not grow with what is served.
pub(crate) struct Tally {
    pub(crate) played: u64,
    verbatim: u64,
    altered: Option<Context>,
}

impl Tally {
    pub(crate) const NEW: Self = Self { played: 0, verbatim: 0, altered: None };

    pub(crate) fn failed(&mut self) {
        self.played += 1;
    }

    /// The recorded body itself. Its digest is taken when the receipt is written, not at each play.
    pub(crate) fn served_verbatim(&mut self) {
        self.played += 1;
        self.verbatim += 1;
    }

    pub(crate) fn served_altered(&mut self, body: &[u8]) {
        self.played += 1;
        self.altered.get_or_insert_with(|| Context::new(&SHA256)).update(body);
    }

    pub(crate) fn verbatim(&self) -> u64 {
        self.verbatim
    }

    pub(crate) fn altered(&self) -> Option<Sha256> {
        self.altered.as_ref().map(Sha256::so_far)
    }
}

/// Entries that were played less often than recorded, so that the run was not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unused {
    /// At least one.
    pub entries: Vec<UnusedEntry>,
    /// What was served all the same.
    pub receipt: Receipt,
}

/// An entry that was played less often than recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedEntry {
    /// The cassette's file.
    pub cassette: PathBuf,
    /// The entry's position in it; the first is 0.
    pub entry: usize,
    /// What the entry calls itself, else method and address, masked.
    pub title: String,
    /// How often it was played.
    pub played: u64,
    /// How often it should have been.
    pub repeat: Repeat,
}

impl fmt::Display for EntryReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cassette, entry, title, played, .. } = self;
        write!(f, "{} entry {entry} ({title}): played {played} times", cassette.display())?;
        match &self.recorded {
            Some(digest) if self.verbatim > 0 => write!(f, ", {} as recorded {digest}", self.verbatim)?,
            _ => {}
        }
        match &self.altered {
            Some(digest) => write!(f, ", {} with bound values {digest}", played - self.verbatim),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entries.len() {
            1 => f.write_str("a recorded exchange was not asked for")?,
            number => write!(f, "{number} recorded exchanges were not asked for")?,
        }
        self.entries.iter().try_for_each(|entry| write!(f, "\n  {entry}"))
    }
}

impl fmt::Display for UnusedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cassette, entry, title) = (self.cassette.display(), self.entry, &self.title);
        write!(f, "{cassette} entry {entry} ({title}): played {}", self.played)?;
        match self.repeat {
            Repeat::Times(times) => write!(f, " of {times} times"),
            Repeat::Any => Ok(()),
        }
    }
}
