//! Why there is no recording.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::mode::Mode;
use crate::cassette::{ReadError, WriteError};

/// Why neither recording nor replaying begins.
#[derive(Debug, Error)]
pub enum StartError {
    /// To record is to go live, and that was not allowed.
    #[error(
        "{}: mode `{mode}` sends to the real server what is not recorded{}; nothing goes live unasked: add --live, or replay only, by --mode none",
        path.display(),
        if *.exists { "" } else { ", and there is no such cassette yet" }
    )]
    NotLive {
        /// The cassette.
        path: PathBuf,
        /// What was asked for.
        mode: Mode,
        /// Whether the cassette is there.
        exists: bool,
    },
    /// It was allowed to go live, in a mode that never does.
    #[error(
        "--live says to go live, and mode `none` never does (it is the mode where CI is set): add --mode once, new or all"
    )]
    NeverLive,
    /// There is nothing to replay.
    #[error("{}: there is no such cassette, and mode `none` only replays; record it by --mode once --live", path.display())]
    NothingToReplay {
        /// The cassette.
        path: PathBuf,
    },
    /// An earlier recording did not come to its end.
    #[error(
        "{}: holds what an earlier recording had when it was cut off; use it as a cassette or remove it, then start again",
        path.display()
    )]
    Unfinished {
        /// The file that it left.
        path: PathBuf,
    },
    /// The path names no file.
    #[error("{}: is no name of a file; name one that ends in .har", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// The cassette is there and cannot be read.
    #[error(transparent)]
    Cassette(#[from] ReadError),
    /// Nothing can be written where the cassette is to be.
    #[error("{}: nothing can be written there ({kind}); name a folder that exists and is yours", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
}

/// Why a recording was not put into its cassette. What was recorded stays in the unfinished file.
#[derive(Debug, Error)]
pub enum FinishError {
    /// Somebody else wrote the cassette meanwhile.
    #[error("{}: appeared while it was being recorded, and stays as it is; the recording is in {}", path.display(), kept.display())]
    Appeared {
        /// The cassette.
        path: PathBuf,
        /// Where the recording is.
        kept: PathBuf,
    },
    /// It cannot be written.
    #[error("{problem}; the recording is in {}", kept.display())]
    Unwritten {
        /// Where the recording is.
        kept: PathBuf,
        /// Why.
        #[source]
        problem: WriteError,
    },
}
