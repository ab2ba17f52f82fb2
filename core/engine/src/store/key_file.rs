//! The key file of a store: text, one key a line, for its owner's eyes only.
//!
//! ```text
//! index <base64 of 32 bytes>
//! seal 1 <base64 of 32 bytes>
//! ```
//!
//! Empty lines and lines that begin with `#` are ignored. The seal key with the highest number
//! seals; all of them open.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::keys::{Key, KeyRing};
use super::{KeyFileProblem, StoreError, private};
use crate::clock::{Random as _, SystemRandom};

/// More than a thousand seal keys: whatever is larger is something else.
const MAX_BYTES: u64 = 64 * 1024;

const HEADING: &str = "# The keys of a Countersign store. Nothing in the store can be read without them:
# keep a copy in a safe place, apart from copies of the store.
";

/// Makes the key file of a store that does not exist yet, for its owner's eyes only.
///
/// # Errors
/// Where there is a file of that name, or it cannot be written; nothing has then been changed.
pub fn create_key_file(key_file: &Path) -> Result<(), StoreError> {
    create(key_file)
}

/// Checks the key file of a store that does not exist yet. That it is missing too is no error:
/// both are then made together.
///
/// # Errors
/// Where it is malformed, or may be read by others.
pub fn check_key_file(key_file: &Path) -> Result<(), StoreError> {
    read(key_file).map(|_| ())
}

/// Adds a seal key to a key file and returns its number. Every process that uses the store must
/// be started anew with the changed file; [`SqliteStore::reseal`](super::SqliteStore::reseal)
/// then brings all values under the new key, and the lines of older seal keys may be removed.
/// The `index` key is never changed.
///
/// # Errors
/// Where the file cannot be read or written; it is then as it was.
pub fn add_seal_key(key_file: &Path) -> Result<u32, StoreError> {
    // Held until the end: of two who add at once, the second adds to what the first has written.
    let _lock = lock(key_file).map_err(|reason| problem(key_file, reason))?;
    let mut keys = read(key_file)?.ok_or_else(|| problem(key_file, KeyFileProblem::NoFile))?;
    let number = keys.add_seal()?.ok_or_else(|| problem(key_file, KeyFileProblem::NoNumberLeft))?;
    let new = write_beside(key_file, &keys)?;
    let replaced = fs::rename(&new, key_file).and_then(|()| private::sync_folder_of(key_file));
    if let Err(error) = replaced {
        // Either it is gone already, or it must not stay.
        let _ = fs::remove_file(&new);
        return Err(problem(key_file, error.into()));
    }
    Ok(number)
}

/// Reads the key file of a store, or makes one if neither exists.
pub(super) fn read_or_create(key_file: &Path, store_exists: bool) -> Result<KeyRing, StoreError> {
    if let Some(keys) = read(key_file)? {
        return Ok(keys);
    }
    if store_exists {
        return Err(problem(key_file, KeyFileProblem::Missing));
    }
    match create(key_file) {
        // Another process was faster.
        Err(StoreError::KeyFile { reason: KeyFileProblem::Io(error), .. })
            if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => created?,
    }
    // Not the keys just made: where two processes start at once, the file has those of one.
    read(key_file)?.ok_or_else(|| problem(key_file, KeyFileProblem::Missing))
}

/// Writes a new key file, whole or not at all, unless there is one.
fn create(key_file: &Path) -> Result<(), StoreError> {
    create_by(key_file, |new, key_file| fs::hard_link(new, key_file))
}

fn create_by(key_file: &Path, link: impl FnOnce(&Path, &Path) -> io::Result<()>) -> Result<(), StoreError> {
    let keys = KeyRing::random()?;
    let new = write_beside(key_file, &keys)?;
    // Unlike a renaming, a link never replaces what another process has put there meanwhile.
    let linked = match link(&new, key_file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links, most likely. This replaces nothing either; only a power
            // failure could leave half a file, which is refused then.
            write_new(key_file, &keys)
        }
        linked => linked,
    };
    let removed = fs::remove_file(&new);
    linked
        .and(removed)
        .and_then(|()| private::sync_folder_of(key_file))
        .map_err(|error| problem(key_file, error.into()))
}

fn read(key_file: &Path) -> Result<Option<KeyRing>, StoreError> {
    let file = match open(key_file) {
        Err(KeyFileProblem::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|reason| problem(key_file, reason))?,
    };
    parse_file(file).map(Some).map_err(|reason| problem(key_file, reason))
}

/// Asks before opening: a folder opens like a file, and a pipe would wait for its writer.
fn open(key_file: &Path) -> Result<File, KeyFileProblem> {
    let entry = fs::metadata(key_file)?;
    if entry.is_dir() {
        return Err(KeyFileProblem::Folder);
    }
    if !entry.is_file() {
        return Err(KeyFileProblem::NotRegular);
    }
    Ok(File::open(key_file)?)
}

fn parse_file(file: File) -> Result<KeyRing, KeyFileProblem> {
    // Asked of the open file, so that it cannot be another one by now.
    if private::is_exposed(&file)? {
        return Err(KeyFileProblem::Exposed);
    }
    let size = file.metadata()?.len();
    if size > MAX_BYTES {
        return Err(KeyFileProblem::TooLarge { size });
    }
    // Of the full size from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<KeyRing, KeyFileProblem> {
    let (mut index, mut seals) = (None, BTreeMap::new());
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let malformed = || KeyFileProblem::Malformed { line: number + 1 };
        let line = str::from_utf8(line).map_err(|_| malformed())?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let earlier = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("index"), Some(key), None, None) => index.replace(decode(key).ok_or_else(malformed)?),
            (Some("seal"), Some(number), Some(key), None) => {
                let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(malformed)?;
                seals.insert(number, decode(key).ok_or_else(malformed)?)
            }
            _ => return Err(malformed()),
        };
        if earlier.is_some() {
            return Err(KeyFileProblem::Twice { line: number + 1 });
        }
    }
    let index = index.ok_or(KeyFileProblem::Lacks { what: "index" })?;
    if seals.is_empty() {
        return Err(KeyFileProblem::Lacks { what: "seal" });
    }
    Ok(KeyRing::new(index, seals))
}

fn decode(text: &str) -> Option<Key> {
    // The decoder wants room for what the text could hold at most, before it knows.
    let mut buffer = Zeroizing::new([0; 36]);
    let length = STANDARD.decode_slice(text, buffer.as_mut_slice()).ok()?;
    let mut key = Key::default();
    if length != key.len() {
        return None;
    }
    key.copy_from_slice(buffer.get(..length)?);
    Some(key)
}

/// Writes the keys to a new private file in the same folder, synced, and returns its name.
fn write_beside(key_file: &Path, keys: &KeyRing) -> Result<PathBuf, StoreError> {
    let mut suffix = [0; 8];
    SystemRandom.fill(&mut suffix)?;
    let mut name = key_file.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(suffix)));
    let path = PathBuf::from(name);
    match write_new(&path, keys) {
        Ok(()) => Ok(path),
        Err(error) => Err(problem(key_file, error.into())),
    }
}

/// Writes the keys to a private file that must not exist yet, synced; it is gone where that fails.
fn write_new(path: &Path, keys: &KeyRing) -> io::Result<()> {
    let mut file = private::create(path)?;
    let written = file.write_all(text(keys).as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Locks a key file against others who would replace it.
fn lock(key_file: &Path) -> Result<File, KeyFileProblem> {
    loop {
        let file = match open(key_file) {
            Err(KeyFileProblem::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyFileProblem::NoFile);
            }
            opened => opened?,
        };
        // While we waited, another file may have taken its place.
        if private::lock(&file, key_file)? {
            return Ok(file);
        }
    }
}

fn text(keys: &KeyRing) -> Zeroizing<String> {
    const LINE: usize = 64;
    let mut text = Zeroizing::new(String::with_capacity(HEADING.len() + (keys.seals().count() + 1) * LINE));
    let mut encoded = Zeroizing::new(String::with_capacity(LINE));
    text.push_str(HEADING);
    STANDARD.encode_string(keys.index().as_slice(), &mut encoded);
    text.push_str("index ");
    text.push_str(&encoded);
    text.push('\n');
    for (number, key) in keys.seals() {
        encoded.clear();
        STANDARD.encode_string(key.as_slice(), &mut encoded);
        text.push_str(&format!("seal {number} "));
        text.push_str(&encoded);
        text.push('\n');
    }
    text
}

fn problem(key_file: &Path, reason: KeyFileProblem) -> StoreError {
    StoreError::KeyFile { key_file: key_file.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_links_gets_its_key_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("store.key");
        let no_links = |_: &Path, _: &Path| Err(io::Error::from(io::ErrorKind::PermissionDenied));
        create_by(&key_file, no_links).unwrap();
        assert!(read(&key_file).unwrap().is_some());
        let before = fs::read(&key_file).unwrap();
        assert!(create_by(&key_file, no_links).is_err(), "it replaces nothing");
        assert_eq!(fs::read(&key_file).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    #[cfg(unix)]
    fn seal_keys_that_are_added_at_once_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("store.key");
        create_key_file(&key_file).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add_seal_key(&key_file).unwrap());
            }
        });
        assert_eq!(read(&key_file).unwrap().unwrap().newest_seal(), 9);
    }

    #[test]
    fn no_seal_key_comes_after_the_last_number_or_into_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("store.key");
        let error = add_seal_key(&key_file).unwrap_err().to_string();
        assert!(error.contains("it does not exist; name the key file of the store"), "{error}");
        create_key_file(&key_file).unwrap();
        let last = fs::read_to_string(&key_file).unwrap().replace("seal 1 ", &format!("seal {} ", u32::MAX));
        fs::write(&key_file, &last).unwrap();
        let error = add_seal_key(&key_file).unwrap_err().to_string();
        assert!(error.contains("no number is left after its newest seal key"), "{error}");
        assert_eq!(fs::read_to_string(&key_file).unwrap(), last);
    }
}
