//! Why a file cannot be imported.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Format;
use crate::cassette::Shown;

/// A file that cannot be imported.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub problem: ImportProblem,
}

/// Why a file cannot be imported.
#[derive(Debug, Error)]
pub enum ImportProblem {
    /// The system does not give it.
    #[error("cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    /// A folder, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Above the limit.
    #[error("has more than {limit} bytes; export fewer exchanges")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("is no text: byte {at} is not UTF-8")]
    NotText {
        /// The first byte that is none, counted from 0.
        at: usize,
    },
    /// Not JSON.
    #[error("is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// Not YAML.
    #[error("line {line}: is not YAML: {reason}")]
    NotYaml {
        /// The line; the first is 1.
        line: usize,
        /// The parser's words.
        reason: Shown,
    },
    /// Nested too deep.
    #[error("line {line}: is nested more than {limit} deep")]
    TooDeep {
        /// The line.
        line: usize,
        /// The limit.
        limit: usize,
    },
    /// More than is read, aliases counted as often as they stand there.
    #[error("line {line}: holds more than can be taken over ({limit} {what}, what aliases repeat included)")]
    TooMuch {
        /// The line.
        line: usize,
        /// How many there may be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// An alias of nothing, or of what it stands in.
    #[error("line {line}: the alias names nothing that stands before it")]
    Alias {
        /// The line.
        line: usize,
    },
    /// Several documents.
    #[error("line {line}: a second document begins; a recording is one")]
    Documents {
        /// The line.
        line: usize,
    },
    /// Ruby must fill something in.
    #[error(
        "line {line}: holds ERB (`<%`), which only Ruby can fill in; let VCR write the recording without it, then import that"
    )]
    Erb {
        /// The line.
        line: usize,
    },
    /// No known format.
    #[error("is none of the known recordings: HAR has `log.entries`, VCR `http_interactions`, vcrpy `interactions`")]
    Unknown,
    /// Another format than was asked for.
    #[error("is a recording of {found} and not of {asked}; import it by --from auto")]
    OtherFormat {
        /// What the person said.
        asked: Format,
        /// What it is.
        found: Format,
    },
    /// Of another tool with the same key.
    #[error("{place}: has `url` and no `uri`: recordings of go-vcr are not known; record anew, or convert it to HAR")]
    GoVcr {
        /// Where.
        place: String,
    },
    /// A cassette of this project.
    #[error("is a cassette already (it has log._countersign); it needs no import")]
    Cassette,
    /// Something is not what the format says.
    #[error("{place}: {wanted} is missing")]
    Missing {
        /// Where.
        place: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// Not base64.
    #[error("{place}: is said to be base64, and is not")]
    NotBase64 {
        /// Where.
        place: String,
    },
}
