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
            whole(folder, &body).map_err(unwritable)?.persist(&path).map_err(|error| unwritable(error.error))?;
            placed.0.extend((!there).then(|| path.clone()));
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

/// Files to be taken back unless all goes well.
struct Placed(Vec<PathBuf>);

impl Drop for Placed {
    fn drop(&mut self) {
        for path in &self.0 {
            // The failure that brought us here is the one to tell.
            let _ = std::fs::remove_file(path);
        }
    }
}
