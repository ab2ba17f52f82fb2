//! Writes cassettes: redacted, searched for secrets, proven readable, and only then put in their place.

mod content;
mod har;
mod insert;
mod place;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::reader::side::Sides;
use super::reader::{parse_with, read_with_bytes};
use crate::redact::{Redacted, Redaction, SecretKind};

pub(crate) use content::unzipped;
pub use problem::{WriteError, WriteProblem};

/// Largest body that stands in the cassette itself, in bytes; larger ones get a file of their own.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// A cassette that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// The files of large bodies beside it.
    pub sides: Vec<PathBuf>,
    /// How many different values of each kind were replaced.
    pub replaced: BTreeMap<SecretKind, usize>,
}

/// Writes a cassette, in place of what is there.
///
/// The file and those of large bodies appear whole or not at all, readable by their owner alone.
///
/// # Errors
/// [`WriteError`] when the exchanges are none that could be replayed, when a secret would be written, or when the
/// files cannot be. Nothing is left behind then, and what was there before is untouched.
pub fn write(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Written, WriteError> {
    whole(path, draft, redaction).map_err(|problem| WriteError { path: path.to_owned(), problem: Box::new(problem) })
}

/// Adds exchanges to a cassette after those that it has, which stay byte for byte as they are. What the draft says
/// about itself counts only where there is no file yet.
///
/// Values that the file holds replaced are replaced by the same pseudonyms again where the redaction has the key of the
/// first recording: the same credentials, or the same [`Redaction::keyed_by`].
///
/// # Errors
/// As [`write()`], and when what is there is no cassette.
pub fn append(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Written, WriteError> {
    let written = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => whole(path, draft, redaction),
        _ => more(path, draft, redaction),
    };
    written.map_err(|problem| WriteError { path: path.to_owned(), problem: Box::new(problem) })
}

/// Writes exchanges as plain HAR, without anything of ours; redacted, whatever the file says that they come from: what
/// it says of itself proves nothing.
///
/// # Errors
/// As [`write()`].
pub fn export(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Written, WriteError> {
    let plain = Draft { about: None, entries: draft.entries.clone() };
    whole(path, &plain, redaction).map_err(|problem| WriteError { path: path.to_owned(), problem: Box::new(problem) })
}

fn whole(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Written, WriteProblem> {
    let redacted = redaction.apply(&content::decoded(draft)?);
    let har::Rendered { text, sides } = har::file(path, &redacted.draft, redaction)?;
    put(path, &text, sides, &redacted)
}

fn more(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Written, WriteProblem> {
    let (existing, bytes) = read_with_bytes(path).map_err(|error| WriteProblem::Existing(Box::new(error)))?;
    let redacted = redaction.apply(&content::decoded(draft)?);
    let first = insert::next_seq(&bytes, existing.entries.len());
    let ours = existing.about.is_some();
    let mut sides = BTreeMap::new();
    let entries = har::entries(path, &redacted.draft, ours.then_some(first), &mut sides)?;
    let text = insert::after_last(&bytes, &entries);
    put(path, &text, sides, &redacted)
}

fn put(
    path: &Path,
    text: &[u8],
    sides: BTreeMap<String, Vec<u8>>,
    redacted: &Redacted,
) -> Result<Written, WriteProblem> {
    redacted.scan(text).map_err(WriteProblem::Secret)?;
    parse_with(path, text, Sides::given(&sides, path)).map_err(|error| WriteProblem::Unreadable(error.problem))?;
    let sides = place::put(path, text, sides)?;
    Ok(Written { path: path.to_owned(), sides, replaced: redacted.replaced() })
}
