//! Files that only their owner may read.
//!
//! On Unix that is mode 0600. Elsewhere a new file takes the rights of its folder, which must
//! then be the service account's own, and no file counts as exposed.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a file that must not exist yet, readable and writable by its owner only.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether others than the owner may read or write this open file.
pub(super) fn is_exposed(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
        Ok(mode & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(|_| false)
    }
}

/// Waits until nobody else has locked this file, and locks it; `false` where another file has taken
/// its name meanwhile. Elsewhere than on Unix locks keep their owner from reading, too, so there is
/// none: there, of two who replace a file at once, the second wins.
pub(super) fn lock(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.lock()?;
        let (open, named) = (file.metadata()?, std::fs::metadata(path)?);
        Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        file.metadata().map(|_| true)
    }
}

/// Makes the names in the file's folder durable: without it a new file may be gone after a power
/// failure, although its content was synced.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}
