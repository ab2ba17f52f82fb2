//! `[store]` and `[plugins]`: which files belong to this bootstrap. Relative paths start at its folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::{BootstrapError, Fault, Problem};
use super::key::nearest;
use super::origin::Origin;
use super::place;
use super::reader::Entry;
use super::service;

/// Where the engine keeps what it must not forget.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The SQLite file; `countersign.sqlite` beside the bootstrap unless given.
    pub path: PathBuf,
    /// The file of the key that encrypts the store; `countersign.key` beside the bootstrap unless given.
    pub key_file: PathBuf,
    /// Where both were given, or would be.
    origins: [Origin; 2],
}

impl StoreSettings {
    pub(super) const PATH: &str = "countersign.sqlite";
    pub(super) const KEY_FILE: &str = "countersign.key";

    pub(super) fn read(section: &Entry<'_>, folder: &Path) -> Self {
        let file = |key, otherwise| {
            let given = section.child(key).text("the path of a file");
            folder.join(given.unwrap_or(otherwise))
        };
        let settings = Self {
            path: file("path", Self::PATH),
            key_file: file("key_file", Self::KEY_FILE),
            origins: ["path", "key_file"].map(|key| section.child(key).origin()),
        };
        if settings.path == settings.key_file {
            section.child("key_file").fault(Problem::KeyInStore);
        }
        settings
    }

    /// Whether what does not exist yet could be made where it is named, as far as that can be told without making
    /// anything: its folder exists, and on Unix this user may write to it.
    ///
    /// # Errors
    /// [`BootstrapError::Invalid`] with a fault for each of the two that could not.
    pub fn check_places(&self) -> Result<(), BootstrapError> {
        let [path, key_file] = &self.origins;
        let places = [("store.path", &self.path, path), ("store.key_file", &self.key_file, key_file)];
        let fault = |(key, file, origin): (&str, &PathBuf, &Origin)| {
            let (folder, obstacle) = place::obstacle(file)?;
            let problem = Problem::NoPlace { file: file.clone(), folder, obstacle };
            Some(Fault { origin: origin.clone(), key: key.to_owned(), problem })
        };
        match places.into_iter().filter_map(fault).collect::<Vec<_>>() {
            faults if faults.is_empty() => Ok(()),
            faults => Err(BootstrapError::Invalid { faults }),
        }
    }
}

/// Where plugin files are looked for, and which ones are pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plugins {
    /// The folders to search, in this order; `None` leaves it to the program (beside itself).
    pub search: Option<Vec<PathBuf>>,
    /// What is fixed for single plugins, by id.
    pub pins: BTreeMap<String, PluginPin>,
}

/// What is fixed for one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginPin {
    /// The plugin's file, instead of searching for it.
    pub file: Option<PathBuf>,
    /// The SHA-256 that the file must have.
    pub sha256: Option<[u8; 32]>,
    pub(crate) file_origin: Option<Origin>,
    pub(crate) sha256_origin: Option<Origin>,
}

impl Plugins {
    pub(super) fn read(section: &Entry<'_>, folder: &Path, used: &BTreeSet<String>) -> Self {
        let pin = |(id, entry): (&str, Entry<'_>)| {
            if id == "search" {
                return None;
            }
            if !used.contains(id) {
                // A pin that pins nothing is most probably a misspelled one.
                entry.fault(Problem::Unused {
                    nearest: nearest(id, used.iter().map(String::as_str)),
                    known: used.iter().cloned().collect(),
                });
            }
            service::check_name(&entry, id, "plugin");
            let file = entry.child("file").text("the path of the plugin's file");
            let pin = PluginPin {
                file: file.map(|file| folder.join(file)),
                sha256: sha256(&entry.child("sha256")),
                file_origin: Some(entry.child("file").origin()),
                sha256_origin: Some(entry.child("sha256").origin()),
            };
            Some((id.to_owned(), pin))
        };
        Self { search: search(&section.child("search"), folder), pins: section.children().filter_map(pin).collect() }
    }
}

fn search(entry: &Entry<'_>, folder: &Path) -> Option<Vec<PathBuf>> {
    const EXPECTED: &str = "a list of folders, or leave it out to search beside the program";
    let folders = entry.texts(EXPECTED)?;
    if folders.is_empty() {
        entry.fault(Problem::Empty { expected: EXPECTED });
    }
    Some(folders.iter().map(|name| folder.join(name)).collect())
}

fn sha256(entry: &Entry<'_>) -> Option<[u8; 32]> {
    let text = entry.text("64 hexadecimal digits")?.trim();
    let mut hash = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let parsed = rest.is_empty() && pairs.len() == hash.len() && {
        let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        hash.iter_mut().zip(bytes).all(|(slot, byte)| match byte {
            Some(byte) => {
                *slot = byte;
                true
            }
            None => false,
        })
    };
    if !parsed {
        entry.fault(Problem::Sha256);
    }
    parsed.then_some(hash)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}
