//! Puts files in their place, whole or not at all.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::problem::WriteProblem;

/// Puts the large bodies beside the cassette, and then the cassette in its place. Gives the paths of the bodies.
pub(super) fn put(path: &Path, text: &[u8], sides: BTreeMap<String, Vec<u8>>) -> Result<Vec<PathBuf>, WriteProblem> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let unwritable = |error: io::Error| WriteProblem::Unwritable { doing: "written", kind: error.kind() };
    // A folder in the way is told before anything is written.
    if path.is_dir() {
        return Err(WriteProblem::NoName);
    }
    let cassette = whole(folder, text).map_err(unwritable)?;
    let mut placed = Placed(Vec::new());
    let mut paths = Vec::new();
    for (name, body) in sides {
        let path = folder.join(name);
        let there = path.exists();
        // Named by its content: what is there is the same, unless somebody changed it.
        if !(there && std::fs::read(&path).is_ok_and(|bytes| bytes == body)) {
            let before = if there { std::fs::read(&path).ok() } else { None };
            whole(folder, &body).map_err(unwritable)?.persist(&path).map_err(|error| unwritable(error.error))?;
            placed.0.push((path.clone(), before));
        }
        paths.push(path);
    }
    cassette.persist(path).map_err(|error| unwritable(error.error))?;
    placed.0.clear();
    Ok(paths)
}

/// A file that nobody sees yet, readable by its owner alone.
fn whole(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Files to be taken back unless all goes well, and what was there before.
struct Placed(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Drop for Placed {
    fn drop(&mut self) {
        for (path, before) in &self.0 {
            // The failure that brought us here is the one to tell.
            let _ = match before {
                Some(before) => std::fs::write(path, before),
                None => std::fs::remove_file(path),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_there_again_when_a_later_file_cannot_be_put() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("b"), "old").expect("is written");
        // Nothing can take the place of a folder.
        std::fs::create_dir(path("c")).expect("is made");
        let sides = ["a", "b", "c"].map(|name| (name.to_owned(), b"new".to_vec()));
        assert!(put(&path("x.har"), b"{}", sides.into()).is_err());
        assert!(!path("a").exists() && !path("x.har").exists());
        assert_eq!(std::fs::read(path("b")).expect("is there"), b"old");
        std::fs::remove_dir(path("c")).expect("is removed");
        let sides = ["a", "b", "c"].map(|name| (name.to_owned(), b"new".to_vec()));
        assert!(put(&path("x.har"), b"{}", sides.into()).is_ok_and(|paths| paths.len() == 3));
        assert_eq!(std::fs::read(path("b")).expect("is there"), b"new");
    }
}
