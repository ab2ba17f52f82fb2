//! Bodies that lie in files of their own, beside the cassette.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{BODY_LIMIT, SIDES_LIMIT};
use crate::cassette::problem::{Body, EntryProblem};
use crate::cassette::shown::Shown;

/// Where the bodies in files of their own are found.
pub(crate) struct Sides<'a> {
    source: Source<'a>,
    /// What was read so far, in bytes: a small cassette could name one file again and again.
    read: usize,
}

enum Source<'a> {
    /// Nowhere: the cassette is no file.
    Nowhere,
    Folder(PathBuf),
    /// Some are not written yet.
    Given(&'a BTreeMap<String, Vec<u8>>, PathBuf),
}

impl<'a> Sides<'a> {
    /// For a cassette that is no file.
    pub(crate) const fn nowhere() -> Self {
        Self { source: Source::Nowhere, read: 0 }
    }

    /// For the cassette at this path.
    pub(crate) fn beside(cassette: &Path) -> Self {
        Self { source: Source::Folder(folder(cassette)), read: 0 }
    }

    /// For a cassette that will be written at this path, with these files.
    pub(crate) fn given(files: &'a BTreeMap<String, Vec<u8>>, cassette: &Path) -> Self {
        Self { source: Source::Given(files, folder(cassette)), read: 0 }
    }

    pub(super) fn body(&mut self, name: &str, body: Body) -> Result<Vec<u8>, EntryProblem> {
        if !plain(name) {
            return Err(EntryProblem::SideName { body, found: Shown::of(name) });
        }
        let bytes = match &self.source {
            Source::Nowhere => return Err(EntryProblem::NoSides { body }),
            Source::Folder(folder) => contents(&folder.join(name), body)?,
            Source::Given(files, folder) => match files.get(name) {
                Some(bytes) => bytes.clone(),
                None => contents(&folder.join(name), body)?,
            },
        };
        self.read += bytes.len();
        if self.read > SIDES_LIMIT {
            return Err(EntryProblem::SidesTooLarge { limit: SIDES_LIMIT });
        }
        Ok(bytes)
    }
}

fn folder(cassette: &Path) -> PathBuf {
    cassette.parent().map(Path::to_owned).unwrap_or_default()
}

/// A relative path that stays below the cassette's folder on every system.
fn plain(name: &str) -> bool {
    let foreign = |c: char| matches!(c, '\\' | ':') || c.is_control();
    let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
    !name.is_empty() && !name.contains(foreign) && Path::new(name).components().all(normal)
}

fn contents(path: &Path, body: Body) -> Result<Vec<u8>, EntryProblem> {
    let unreadable =
        |error: io::Error| EntryProblem::SideUnreadable { body, path: path.to_owned(), kind: error.kind() };
    let too_large = |size: usize| EntryProblem::BodyTooLarge { body, size, limit: BODY_LIMIT };
    // Before it is opened, for opening a pipe would wait; and no link, which could lead anywhere.
    let metadata = std::fs::symlink_metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(EntryProblem::SideNotAFile { body, path: path.to_owned() });
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > BODY_LIMIT {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size);
    // The file may grow while it is read.
    let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(unreadable)?.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > BODY_LIMIT {
        return Err(too_large(bytes.len()));
    }
    Ok(bytes)
}
