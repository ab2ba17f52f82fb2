//! Whether others than their owner may decide what a file holds.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// The file and folders on the way to it that group or others may write to, and so replace it. `written` is its path
/// as it is written somewhere. Always empty where the system has no such permissions.
pub(crate) fn by_others(written: &Path, canonical: &Path) -> Vec<PathBuf> {
    let mut places = on_the_way(written, canonical);
    places.retain(|place| fs::metadata(place).is_ok_and(|it| writable_by_others(&it)));
    places
}

/// Whatever decides which bytes are read: the file, and every folder above it. Each folder of the path as it is
/// written counts too, with all above it: it may be a link, which lives in one place and leads to another.
fn on_the_way(path: &Path, canonical: &Path) -> Vec<PathBuf> {
    let written = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let written = written.ancestors().skip(1).filter_map(|folder| fs::canonicalize(folder).ok());
    let mut places: Vec<PathBuf> = Vec::new();
    for place in std::iter::once(canonical.to_path_buf()).chain(written) {
        for above in place.ancestors() {
            if !places.iter().any(|known| known == above) {
                places.push(above.to_path_buf());
            }
        }
    }
    places
}

#[cfg(unix)]
fn writable_by_others(entry: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const WRITABLE: u32 = 0o022;
    // In such a folder (`/tmp`) everybody may put files, but replace none of another's.
    const STICKY: u32 = 0o1000;
    let mode = entry.permissions().mode();
    mode & WRITABLE != 0 && !(entry.is_dir() && mode & STICKY != 0)
}

/// Other systems have access lists instead of mode bits; they are the administrator's to judge.
#[cfg(not(unix))]
const fn writable_by_others(_: &Metadata) -> bool {
    false
}
