//! What can go wrong between a provider's name and its loaded plugin.

use std::path::PathBuf;

use super::{digest::DigestMismatch, elf::ElfError, file::FileError, find::FindError, note::NoteError};

/// Why a plugin was not loaded. Each variant is one step of the way, in the order of the steps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Its file was not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The file could not be read.
    #[error("plugin file {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: FileError,
    },
    /// The file is not the pinned one.
    #[error("plugin file {}: {cause}", path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// Both digests.
        cause: DigestMismatch,
    },
    /// The file is no whole dynamic library for this machine.
    #[error("plugin file {}: {cause}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ElfError,
    },
    /// The file carries no readable manifest.
    #[error("plugin file {}: {cause}", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: NoteError,
    },
}
