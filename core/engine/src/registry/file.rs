//! A plugin file, read once: digest, ELF checks and manifest all see the same bytes.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use super::{digest::Digest, find::EntryKind};

/// A plugin file holds at most so many bytes (256 MiB). Real ones have about 1 MB; the limit keeps
/// a wrong path from filling the memory.
pub(super) const FILE_LIMIT: u64 = 256 * 1024 * 1024;

/// The bytes of a plugin file, and what they hash to.
#[derive(Debug)]
pub(super) struct PluginFile {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: Digest,
}

impl PluginFile {
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        Self::read_at_most(path, FILE_LIMIT)
    }

    fn read_at_most(path: &Path, limit: u64) -> Result<Self, FileError> {
        let unreadable = |cause| FileError::Unreadable { cause };
        let entry = fs::metadata(path).map_err(unreadable)?;
        // Before it is opened: opening a named pipe would wait for a writer for ever.
        if !entry.is_file() {
            return Err(FileError::NotAFile { found: EntryKind::of(&entry) });
        }
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(FileError::TooLarge { limit });
        }
        Ok(Self { sha256: Digest::of(&bytes), bytes })
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refuses.
    #[error("it cannot be read ({cause}); correct the path, or give this user access to it")]
    Unreadable {
        /// What the system answered.
        cause: io::Error,
    },
    /// It is no file.
    #[error("it is {found}, not a file; name the plugin's file")]
    NotAFile {
        /// What it is.
        found: EntryKind,
    },
    /// It is longer than a plugin can sensibly be.
    #[error("it has more than {limit} bytes, which no plugin has; name the plugin's file")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_and_refused_beyond_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin");
        fs::write(&path, b"12345").unwrap();

        let file = PluginFile::read_at_most(&path, 5).unwrap();
        assert_eq!(file.bytes, b"12345");
        assert_eq!(file.sha256, Digest::of(b"12345"));
        assert!(matches!(PluginFile::read_at_most(&path, 4), Err(FileError::TooLarge { limit: 4 })));
    }

    #[test]
    fn what_is_no_file_is_refused_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let error = PluginFile::read(folder.path()).unwrap_err();
        assert!(matches!(error, FileError::NotAFile { found: EntryKind::Folder }));
        let error = PluginFile::read(&folder.path().join("missing")).unwrap_err();
        assert!(matches!(error, FileError::Unreadable { .. }));
    }
}
