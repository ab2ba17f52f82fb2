//! Takes over what other tools recorded, and says what it could not take over.
//!
//! | format | written by |
//! |---|---|
//! | [`Format::Har`] | browsers, mitmproxy, Charles and others: HAR 1.2 and what they make of it |
//! | [`Format::Vcr`] | VCR of Ruby, since its second version: YAML or JSON with `http_interactions` |
//! | [`Format::Vcrpy`] | vcrpy: YAML or JSON with `interactions` |
//!
//! An import reads; [`write()`](crate::cassette::write()) makes the cassette, and redacts it. Nothing is guessed: an exchange
//! that could not be replayed as it was is left out and listed. Not listed is what no cassette has and no replay needs:
//! timings but for the whole, the connection, what a browser knew about the page, HTTP/2's own headers, and the headers
//! about a compression that was undone.

mod exchange;
mod har;
mod interactions;
mod loss;
mod problem;
#[cfg(test)]
mod tests;
mod yaml;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::cassette::DraftEntry;

pub use loss::{Loss, Lost};
pub use problem::{ImportError, ImportProblem};

use yaml::Node;

/// Largest file that is imported, in bytes: browsers write large ones, and a cassette is what remains.
pub const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// Whose recordings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// HAR 1.2.
    Har,
    /// VCR of Ruby.
    Vcr,
    /// vcrpy.
    Vcrpy,
}

/// What was taken over.
#[derive(Debug)]
#[must_use]
pub struct Imported {
    /// What the file is.
    pub format: Format,
    /// The tool that wrote it, as the file says it.
    pub tool: Option<String>,
    /// The exchanges, in the order of the file, not yet redacted.
    pub entries: Vec<DraftEntry>,
    /// Whether the file says of every exchange when it took place. Where it does not, the entry stands at the beginning
    /// of 1970.
    pub timed: bool,
    /// What could not be taken over, in the order of the file.
    pub lost: Vec<Loss>,
}

impl Format {
    /// Every format, with its name.
    pub const NAMED: [(Self, &str); 3] = [(Self::Har, "har"), (Self::Vcr, "vcr"), (Self::Vcrpy, "vcrpy")];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Har => "HAR",
            Self::Vcr => "VCR",
            Self::Vcrpy => "vcrpy",
        })
    }
}

/// Reads another tool's recording; without a format, the file tells.
///
/// # Errors
/// [`ImportError`], with the place in the file, where it is not of the format, or none of them.
pub fn import(path: &Path, format: Option<Format>) -> Result<Imported, ImportError> {
    let imported = contents(path).and_then(|bytes| imported(&bytes, format));
    imported.map_err(|problem| ImportError { path: path.to_owned(), problem })
}

fn imported(bytes: &[u8], format: Option<Format>) -> Result<Imported, ImportProblem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| ImportProblem::NotText { at: error.valid_up_to() })?;
    let looks_like_json = text.trim_start().starts_with('{');
    let json = || serde_json::from_str::<Value>(text);
    match format {
        Some(Format::Har) => har::imported(json().map_err(ImportProblem::NotJson)?),
        None if looks_like_json => match json() {
            Ok(value) if value.get("log").is_some() => har::imported(value),
            // JSON is YAML, and both VCRs can write it.
            Ok(_) => interactions(text, None),
            Err(error) => Err(ImportProblem::NotJson(error)),
        },
        other => interactions(text, other),
    }
}

fn interactions(text: &str, format: Option<Format>) -> Result<Imported, ImportProblem> {
    let root = match Node::parse(text) {
        Ok(root) => root,
        // ERB makes YAML of what is none yet.
        Err(problem) => return Err(interactions::erb(text).unwrap_or(problem)),
    };
    let found = if root.get("http_interactions").is_some() {
        Format::Vcr
    } else if root.get("interactions").is_some() {
        Format::Vcrpy
    } else {
        return Err(ImportProblem::Unknown);
    };
    match format {
        Some(format) if format != found => Err(ImportProblem::OtherFormat { asked: format, found }),
        _ => interactions::imported(text, &root, found),
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, ImportProblem> {
    let unreadable = |error: std::io::Error| ImportProblem::Unreadable(error.kind());
    // Before it is opened, for opening a pipe would wait.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ImportProblem::NotAFile);
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(size) if size <= FILE_LIMIT => Ok(bytes),
        _ => Err(ImportProblem::TooLarge { limit: FILE_LIMIT }),
    }
}
