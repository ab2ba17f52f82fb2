//! Which cassettes are meant by the paths of a command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Folders within folders; more is a loop of links, or not meant.
const DEEPEST: usize = 16;

/// A path that leads to no cassette.
#[derive(Debug, Error)]
pub(super) enum FilesError {
    /// It cannot be read.
    #[error("{}: cannot be read ({kind})", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
    /// Nothing in it is a cassette.
    #[error("{}: holds no .har file", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Its folders never end.
    #[error("{}: has folders in folders, more than {DEEPEST} deep", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

impl FilesError {
    /// The path that leads to nothing.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Empty { path } | Self::TooDeep { path } => path,
        }
    }
}

/// The file itself, or all `.har` files in a folder and below, sorted by path.
pub(super) fn cassettes(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let mut found = Vec::new();
    if !metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    search(path, DEEPEST, &mut found)?;
    if found.is_empty() {
        return Err(FilesError::Empty { path: path.to_owned() });
    }
    found.sort();
    Ok(found)
}

fn search(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    let Some(deeper) = deeper.checked_sub(1) else {
        return Err(FilesError::TooDeep { path: folder.to_owned() });
    };
    let unreadable = |error: io::Error| FilesError::Unreadable { path: folder.to_owned(), kind: error.kind() };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "har") {
            found.push(path);
        } else if metadata(&path)?.is_dir() {
            search(&path, deeper, found)?;
        }
    }
    Ok(())
}

fn metadata(path: &Path) -> Result<fs::Metadata, FilesError> {
    fs::metadata(path).map_err(|error| FilesError::Unreadable { path: path.to_owned(), kind: error.kind() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_files_are_taken_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        assert!(matches!(cassettes(path), Err(FilesError::Empty { .. })));
        assert!(matches!(cassettes(&path.join("none")), Err(FilesError::Unreadable { .. })));
        fs::create_dir(path.join("below")).expect("a folder");
        for name in ["b.har", "a.har", "below/c.har", "notes.txt"] {
            fs::write(path.join(name), "").expect("a file");
        }
        let found = cassettes(path).expect("is a folder");
        assert_eq!(found, ["a.har", "b.har", "below/c.har"].map(|name| path.join(name)));
        assert_eq!(cassettes(&path.join("notes.txt")).expect("is a file"), [path.join("notes.txt")]);
    }
}
