//! Why a cassette was not written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::cassette::problem::{Body, Problem, ReadError};
use crate::cassette::shown::Shown;
use crate::redact::Leak;

/// A cassette that was not written. Nothing was left behind.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub problem: Box<WriteProblem>,
}

/// Why a cassette was not written.
#[derive(Debug, Error)]
pub enum WriteProblem {
    /// A request that says not whom it is for.
    #[error("entry {entry}: the request has no host, so that its address cannot be written")]
    NoHost {
        /// Its position in the draft; the first is 0.
        entry: usize,
    },
    /// A request whose target is no path.
    #[error("entry {entry}: the request's target is no path with a query: {target}")]
    Target {
        /// Its position in the draft; the first is 0.
        entry: usize,
        /// What it is.
        target: Shown,
    },
    /// A body in an encoding that cannot be undone.
    #[error(
        "entry {entry}: the {body} body has content encoding `{encoding}`, which cannot be undone to search it for secrets; record it with `Accept-Encoding: gzip` or `identity`"
    )]
    Encoding {
        /// Its position in the draft; the first is 0.
        entry: usize,
        /// Which body.
        body: Body,
        /// What the header says.
        encoding: Shown,
    },
    /// A body that is not what its header says.
    #[error(
        "entry {entry}: the {body} body is said to have content encoding `{encoding}`, and cannot be decoded by it"
    )]
    Undecodable {
        /// Its position in the draft; the first is 0.
        entry: usize,
        /// Which body.
        body: Body,
        /// What the header says.
        encoding: Shown,
    },
    /// Above what a reader takes.
    #[error("entry {entry}: the {body} body has more than {limit} bytes, decoded; a cassette may hold no larger one")]
    BodyTooLarge {
        /// Its position in the draft; the first is 0.
        entry: usize,
        /// Which body.
        body: Body,
        /// The limit in bytes.
        limit: usize,
    },
    /// A secret would have been written.
    #[error("{0}")]
    Secret(Leak),
    /// What would be written could not be replayed.
    #[error("what would be written is no cassette: {0}")]
    Unreadable(Box<Problem>),
    /// What is there cannot be added to.
    #[error("cannot be added to: {}", .0.problem)]
    Existing(Box<ReadError>),
    /// The path names no file.
    #[error("is no file name")]
    NoName,
    /// The system refused.
    #[error("cannot be {doing} ({kind})")]
    Unwritable {
        /// What was tried, as `written`.
        doing: &'static str,
        /// Why.
        kind: io::ErrorKind,
    },
}
