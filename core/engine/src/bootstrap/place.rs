//! Whether a file could be made where it is named, told without making anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What keeps a file from being made in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// There is no such folder.
    #[error("does not exist; correct the name, or make the folder")]
    Missing,
    /// What has the folder's name is something else.
    #[error("is a file, not a folder; correct the name")]
    NoFolder,
    /// The system does not let this user write there.
    #[error("cannot be written to ({0}); give this user the right to, or name another place")]
    Unwritable(io::ErrorKind),
}

/// The folder of a file that does not exist, and what keeps the file from being made there. `None` where the file is
/// there, or nothing is in its way.
pub(super) fn obstacle(file: &Path) -> Option<(PathBuf, Obstacle)> {
    let error = fs::metadata(file).err()?;
    // What cannot even be asked for is treated as there: opening it will tell why.
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        return None;
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let obstacle = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Obstacle::Missing,
        Err(error) => Obstacle::Unwritable(error.kind()),
        Ok(entry) if !entry.is_dir() => Obstacle::NoFolder,
        Ok(_) => Obstacle::Unwritable(refusal(folder)?),
    };
    Some((folder.to_owned(), obstacle))
}

/// Why the system would not let this user make a file in the folder.
#[cfg(unix)]
fn refusal(folder: &Path) -> Option<io::ErrorKind> {
    use rustix::fs::{Access, access};
    let error = access(folder, Access::WRITE_OK | Access::EXEC_OK).err()?;
    Some(io::Error::from(error).kind())
}

/// Elsewhere rights are lists that only writing tries out; the first use will tell.
#[cfg(not(unix))]
fn refusal(_: &Path) -> Option<io::ErrorKind> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_missing_or_none_is_in_the_way_and_a_good_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        for (name, expected) in [
            ("key", None),
            ("file", None),
            ("none/key", Some((at("none"), Obstacle::Missing))),
            ("file/key", Some((at("file"), Obstacle::NoFolder))),
            ("none/below/key", Some((at("none/below"), Obstacle::Missing))),
        ] {
            assert_eq!(obstacle(&at(name)), expected, "{name}");
        }
        assert_eq!(obstacle(Path::new("no file of this crate")), None, "the folder one is in");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_this_user_may_not_write_to_is_in_the_way() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let key = folder.path().join("key");
        let found = obstacle(&key);
        // Whatever was found holds: root may write even here.
        match fs::write(&key, "") {
            Ok(()) => assert_eq!(found, None),
            Err(error) => assert_eq!(found, Some((folder.path().to_owned(), Obstacle::Unwritable(error.kind())))),
        }
    }
}
