//! What can go wrong between a provider's name and its loaded plugin.

use std::path::PathBuf;

use countersign_plugin::Fault;

use crate::bootstrap::Origin;

use super::{
    digest::DigestMismatch,
    elf::ElfError,
    file::FileError,
    find::{FindError, ProviderId},
    load::ContactError,
    manifest::ManifestError,
    note::NoteError,
    probe::ProbeError,
};

/// Why a plugin was not loaded. Each variant is one step of the way, in the order of the steps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// What is wrong, and where the bootstrap says what led to it.
    #[error("{origin}: {cause}")]
    At {
        /// The place.
        origin: Origin,
        /// What is wrong.
        cause: Box<Self>,
    },
    /// Its file was not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Plugin files of this system are not understood.
    #[error(
        "plugin file {}: this release reads plugin files on Linux only, and this system is {system}; run it on Linux",
        path.display()
    )]
    System {
        /// The file.
        path: PathBuf,
        /// This system.
        system: &'static str,
    },
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
    /// This program cannot work with what the manifest says.
    #[error("plugin file {}: {cause}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ManifestError,
    },
    /// The file is another provider's.
    #[error(
        "plugin file {}: it is the plugin of provider `{found}`, but the bootstrap calls it `{configured}`; \
         write `{found}` there, or name the file of `{configured}`",
        path.display()
    )]
    OtherProvider {
        /// The file.
        path: PathBuf,
        /// The id in the bootstrap.
        configured: ProviderId,
        /// The id in the manifest.
        found: String,
    },
    /// Two providers of the bootstrap lead to plugins of one id.
    #[error(
        "provider `{}` ({}) and provider `{}` ({}) are both the plugin `{id}`; keep one of them in the bootstrap, \
         or name another file",
        first.0, first.1.display(), second.0, second.1.display()
    )]
    DuplicateId {
        /// The id in both manifests.
        id: String,
        /// One of them: the id in the bootstrap, and the file.
        first: (ProviderId, PathBuf),
        /// The other one.
        second: (ProviderId, PathBuf),
    },
    /// A child process that tried the file out did not vouch for it.
    #[error("plugin file {}: {cause}", path.display())]
    Probe {
        /// The file.
        path: PathBuf,
        /// What happened there.
        cause: ProbeError,
    },
    /// It was not loaded, or is not what its manifest says.
    #[error("plugin file {}: {cause}", path.display())]
    Contact {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ContactError,
    },
}

impl LoadError {
    /// Whether what the bootstrap calls a provider cannot be one's name, which reading the bootstrap says as well.
    #[must_use]
    pub fn is_invalid_id(&self) -> bool {
        match self {
            Self::At { cause, .. } => cause.is_invalid_id(),
            Self::Find(FindError::InvalidId { .. }) => true,
            _ => false,
        }
    }
}

/// Why a loaded plugin could not be opened with the settings of a service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The plugin refuses the settings.
    #[error("plugin file {}: it does not take these settings: {fault}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What the plugin says, which names the setting.
        fault: Fault,
    },
    /// A child process that tried the settings out did not vouch for the file.
    #[error("plugin file {}: {cause}", path.display())]
    Probe {
        /// The file.
        path: PathBuf,
        /// What happened there.
        cause: ProbeError,
    },
    /// The child could not load what this process has loaded.
    #[error("plugin file {}: {cause}", path.display())]
    Contact {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ContactError,
    },
}
