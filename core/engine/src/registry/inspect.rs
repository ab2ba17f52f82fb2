//! What a plugin file says of itself, learned without executing any of it.

use std::env;
use std::path::{Path, PathBuf};

use countersign_plugin::Manifest;

use super::{digest::Digest, elf::Elf, error::LoadError, file::PluginFile, manifest, note};

/// A plugin file seen from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The bytes of its `manifest.json`, unchanged.
    pub manifest_bytes: Vec<u8>,
    /// The digest of the whole file: what a pin holds.
    pub sha256: Digest,
    /// Bytes of the whole file.
    pub size: u64,
}

/// Reads a plugin file and takes its manifest out. Nothing of the file is executed.
///
/// # Errors
/// [`LoadError`] naming the file when it cannot be read, is no whole dynamic library for this
/// machine, or carries no manifest that this program can work with.
pub fn inspect(path: &Path) -> Result<Inspection, LoadError> {
    understand(examine(path, None)?)
}

/// A file that is whole and carries a manifest, whatever that says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Examined {
    pub(super) path: PathBuf,
    pub(super) manifest: Vec<u8>,
    pub(super) sha256: Digest,
    pub(super) size: u64,
}

/// Reads the manifest of an examined file.
pub(super) fn understand(file: Examined) -> Result<Inspection, LoadError> {
    let Examined { path, manifest: manifest_bytes, sha256, size } = file;
    match manifest::read(&manifest_bytes) {
        Ok(manifest) => Ok(Inspection { path, manifest, manifest_bytes, sha256, size }),
        Err(cause) => Err(LoadError::Manifest { path, cause }),
    }
}

/// Reads a file and takes its manifest out; a pinned file must be the pinned one before anything
/// in it is believed.
pub(super) fn examine(path: &Path, pin: Option<Digest>) -> Result<Examined, LoadError> {
    understood_on(env::consts::OS, path)?;
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
            Ok(Examined { path, manifest: manifest.to_vec(), sha256: file.sha256, size: file.bytes.len() as u64 })
        }
        Err(cause) => Err(LoadError::Note { path, cause }),
    }
}

/// The manifest is read from a note of an ELF file, as Linux has them; Mach-O and PE files have none. Told before a
/// file is called damaged that is whole.
fn understood_on(system: &'static str, path: &Path) -> Result<(), LoadError> {
    if system == "linux" { Ok(()) } else { Err(LoadError::System { path: path.to_path_buf(), system }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_systems_are_told_that_their_files_are_not_read() {
        assert!(understood_on("linux", Path::new("a.so")).is_ok());
        let refused = understood_on("windows", Path::new("a.dll")).unwrap_err().to_string();
        assert!(refused.starts_with("plugin file a.dll: this release reads plugin files on Linux only"), "{refused}");
        assert!(refused.contains("this system is windows;"), "{refused}");
    }
}
