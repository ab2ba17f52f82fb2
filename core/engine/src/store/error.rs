//! What can go wrong with a store.

use std::path::PathBuf;

use crate::clock::NoRandomness;

/// The store failed. Whatever was asked for has not happened, or is treated as if not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refuses.
    #[error(
        "the store at {path} cannot be used: {cause}; check that the disk has room and the \
         file is writable; where the file is damaged, put the backup back"
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database says.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is of a newer version.
    #[error("the store at {path} has schema version {found}, this program knows up to {known}; use a newer program")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// The key does not belong to the store.
    #[error("the key file {key_file} does not belong to the store at {path}; put back the key that it was made with")]
    WrongKey {
        /// The store.
        path: PathBuf,
        /// The key file.
        key_file: PathBuf,
    },
    /// The key file cannot be used.
    #[error("the key file {key_file} cannot be used: {reason}")]
    KeyFile {
        /// The key file.
        key_file: PathBuf,
        /// What is wrong and what to do.
        reason: KeyFileProblem,
    },
    /// A sealed value does not open: it was changed, moved to another row, or its key is gone.
    #[error(
        "a sealed value in {table}.{column} of the store does not open: it was changed, moved, or its key was removed; \
         put the key file or the backup back"
    )]
    Sealed {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The file is another program's.
    #[error("{path} is no store of Countersign's; name another file as the store, or put the backup back")]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A value that this program never writes.
    #[error(
        "{table}.{column} of the store holds a value that this program does not know; was it changed by hand? \
         put the backup back"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The writer is gone.
    #[error("the store is closed")]
    Closed,
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say it")]
pub enum KeyFileProblem {
    #[error("it does not exist, but the store does; put it back, without it nothing in the store can be read")]
    Missing,
    #[error("line {line} is not a key; each line is `index <base64>` or `seal <number> <base64>`")]
    Malformed { line: usize },
    #[error("line {line} repeats a key; remove one of the two lines")]
    Twice { line: usize },
    #[error("it holds no {what} key; put back the file that the store was made with")]
    Lacks { what: &'static str },
    #[error("it does not exist; name the key file of the store")]
    NoFile,
    #[error(
        "no number is left after its newest seal key; give that one a smaller number once nothing is sealed under it"
    )]
    NoNumberLeft,
    #[error("its {size} bytes are too many for a key file; name another file")]
    TooLarge { size: u64 },
    #[error("it is a folder, not a file; name the file with the key, or one that is to be made")]
    Folder,
    #[error("it is a named pipe, socket or device, not a file; name the file with the key, or one that is to be made")]
    NotRegular,
    #[error("others may read it; run `chmod 600` on it")]
    Exposed,
    #[error("{0}; check its folder, and what this user may do there")]
    Io(#[from] std::io::Error),
}
