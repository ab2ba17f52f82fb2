//! What a plugin file says of itself, learned without executing any of it.

use std::path::{Path, PathBuf};

use super::{digest::Digest, elf::Elf, error::LoadError, file::PluginFile, note};

/// A plugin file seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The bytes of its `manifest.json`, unchanged.
    pub manifest: Vec<u8>,
    /// The digest of the whole file: what a pin holds.
    pub sha256: Digest,
    /// Bytes of the whole file.
    pub size: u64,
}

/// Reads a plugin file and takes its manifest out. Nothing of the file is executed.
///
/// # Errors
/// [`LoadError`] naming the file when it cannot be read, is no whole dynamic library for this
/// machine, or carries no manifest.
pub fn inspect(path: &Path) -> Result<Inspection, LoadError> {
    examine(path, None)
}

/// As [`inspect`]; a pinned file must be the pinned one before anything in it is believed.
pub(super) fn examine(path: &Path, pin: Option<Digest>) -> Result<Inspection, LoadError> {
    let path = path.to_path_buf();
    let file = match PluginFile::read(&path) {
        Ok(file) => file,
        Err(cause) => return Err(LoadError::File { path, cause }),
    };
    if let Some(Err(cause)) = pin.map(|pinned| file.sha256.matches(pinned)) {
        return Err(LoadError::Pin { path, cause });
    }
    let elf = match Elf::parse(&file.bytes) {
        Ok(elf) => elf,
        Err(cause) => return Err(LoadError::Elf { path, cause }),
    };
    match note::manifest(&elf) {
        Ok(manifest) => {
            Ok(Inspection { path, manifest: manifest.to_vec(), sha256: file.sha256, size: file.bytes.len() as u64 })
        }
        Err(cause) => Err(LoadError::Note { path, cause }),
    }
}
