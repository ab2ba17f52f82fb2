//! Which file holds a provider's plugin. Looked up by its exact name, never by scanning a folder:
//! what merely lies about is never opened.

use std::{
    env::{self, consts},
    fmt,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use countersign_plugin::Manifest;

use crate::warning::Warning;
use crate::writable;

/// A provider's name, as bootstrap and manifest write it: `[a-z][a-z0-9-]{0,39}`.
///
/// Checked before it becomes part of a file name, so it can neither leave a folder nor hide a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    /// The most characters an id may have.
    pub const MAX_LENGTH: usize = countersign_plugin::manifest::ID_LIMIT;

    /// Checks an id.
    ///
    /// # Errors
    /// [`FindError::InvalidId`] when the text does not have the form above.
    pub fn parse(id: &str) -> Result<Self, FindError> {
        let sound = Manifest::is_id(id);
        if sound { Ok(Self(id.to_owned())) } else { Err(FindError::InvalidId { id: id.to_owned() }) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the file that cargo makes of a plugin whose library is called like this provider
    /// with `_` for `-`: on Linux `libtwilio_verify.so` for `twilio-verify`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}{}{}", consts::DLL_PREFIX, self.0.replace('-', "_"), consts::DLL_SUFFIX)
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folders in which plugin files are looked up, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// These folders, in this order.
    #[must_use]
    pub const fn in_folders(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The default: `deps/` beside the running program, then the folder of the program itself.
    ///
    /// `deps/` comes first because cargo refreshes only the files there on `cargo run`; the copies
    /// beside the program may be older than the program.
    ///
    /// # Errors
    /// [`FindError::ProgramUnknown`] when the system does not tell where this program is.
    pub fn beside_program() -> Result<Self, FindError> {
        let program =
            env::current_exe().and_then(fs::canonicalize).map_err(|cause| FindError::ProgramUnknown { cause })?;
        let folder = program.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        Ok(Self::in_folders(vec![folder.join("deps"), folder]))
    }

    /// The folders, in order.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The provider's file: the first folder that has an entry of its name wins, whatever that
    /// entry is, so a broken file is never passed over for an older one elsewhere.
    ///
    /// # Errors
    /// [`FindError`], naming every path looked at when there is none.
    pub fn find(&self, id: &ProviderId) -> Result<Found, FindError> {
        if self.folders.is_empty() {
            return Err(FindError::NoFolders { id: id.clone() });
        }
        let name = id.file_name();
        let mut looked = Vec::new();
        for folder in &self.folders {
            let path = folder.join(&name);
            if let Some(found) = Found::at(&path)? {
                return Ok(found);
            }
            looked.push(path);
        }
        Err(FindError::Missing { id: id.clone(), looked, nearest: None })
    }

    /// The ids of providers whose files could lie in the folders, by the names of the files alone: for telling a person
    /// what may have been meant. Nothing of any file is read.
    pub(super) fn lying(&self) -> impl Iterator<Item = String> {
        let entries = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = name.strip_prefix(consts::DLL_PREFIX)?.strip_suffix(consts::DLL_SUFFIX)?;
            let id = ProviderId::parse(&stem.replace('_', "-")).ok()?;
            // Not every library is named like the file of a provider.
            (id.file_name() == name).then_some(id.0)
        })
    }
}

/// A plugin file that is there. Nothing is known of its contents yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its canonical path.
    pub path: PathBuf,
    /// The file and folders on the way that its group or everybody may write to, and so replace
    /// what will be loaded. Always empty where the system has no such permissions.
    pub writable_by_others: Vec<PathBuf>,
}

impl Found {
    /// The file that the bootstrap names by `file` for this provider.
    ///
    /// # Errors
    /// [`FindError`] when there is no such file.
    pub fn named(id: &ProviderId, path: &Path) -> Result<Self, FindError> {
        Self::at(path)?.ok_or_else(|| FindError::NamedMissing { id: id.clone(), path: path.to_path_buf() })
    }

    /// A warning for each of these places.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let places = self.writable_by_others.iter();
        places.map(|place| Warning::PluginWritable { file: self.path.clone(), place: place.clone() })
    }

    /// `None` when there is nothing of this name.
    fn at(path: &Path) -> Result<Option<Self>, FindError> {
        let unreadable = |cause| FindError::Unreadable { path: path.to_path_buf(), cause };
        let entry = match fs::symlink_metadata(path) {
            Ok(entry) => entry,
            Err(cause) if absent(&cause) => return Ok(None),
            Err(cause) => return Err(unreadable(cause)),
        };
        let canonical = match fs::canonicalize(path) {
            Ok(canonical) => canonical,
            Err(cause) if entry.is_symlink() => {
                return Err(FindError::BrokenLink { path: path.to_path_buf(), cause });
            }
            Err(cause) => return Err(unreadable(cause)),
        };
        let file = fs::metadata(&canonical).map_err(unreadable)?;
        if !file.is_file() {
            return Err(FindError::NotAFile { path: path.to_path_buf(), found: EntryKind::of(&file) });
        }
        Ok(Some(Self { writable_by_others: writable::by_others(path, &canonical), path: canonical }))
    }
}

fn absent(cause: &io::Error) -> bool {
    // "Not a directory": what should be the folder is a file, so nothing is in it.
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What stands where a file should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A named pipe, socket or device.
    Special,
}

impl EntryKind {
    pub(super) fn of(entry: &Metadata) -> Self {
        if entry.is_dir() { Self::Folder } else { Self::Special }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Special => "a named pipe, socket or device",
        })
    }
}

/// Why there is no plugin file for a provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// The id cannot be a provider's.
    #[error(
        "provider {id:?} has no valid name: write 1 to {max} characters, a to z, 0 to 9 and `-`, \
         beginning with a letter",
        max = ProviderId::MAX_LENGTH
    )]
    InvalidId {
        /// The text found.
        id: String,
    },
    /// The system does not say where this program is.
    #[error(
        "plugins are looked up beside this program, but its own path cannot be found ({cause}); set \
         `search` in [plugins]"
    )]
    ProgramUnknown {
        /// What the system answered.
        cause: io::Error,
    },
    /// There is no folder to look in.
    #[error(
        "provider `{id}` has no plugin file: `search` in [plugins] is empty; name folders there, or \
         the file by `file` in [plugins.{id}]"
    )]
    NoFolders {
        /// The provider.
        id: ProviderId,
    },
    /// No search folder has the provider's file.
    #[error(
        "provider `{id}` has no plugin file{}: looked for {}; correct the provider's name, put {} \
         into one of these folders, or name it by `file` in [plugins.{id}]",
        nearest.as_ref().map(|nearest| format!(" (did you mean `{nearest}`?)")).unwrap_or_default(),
        Looked(looked),
        id.file_name()
    )]
    Missing {
        /// The provider.
        id: ProviderId,
        /// Every path looked at, in order.
        looked: Vec<PathBuf>,
        /// The provider that may have been meant, if one has a name that is much like it.
        nearest: Option<String>,
    },
    /// The file that the bootstrap names is not there.
    #[error(
        "{} is not there, but [plugins.{id}] names it by `file`; correct the path, or leave `file` \
         out to have {} looked up",
        path.display(),
        id.file_name()
    )]
    NamedMissing {
        /// The provider.
        id: ProviderId,
        /// The path as configured.
        path: PathBuf,
    },
    /// Something of the right name is there, but it is no file.
    #[error("{} is {found}, not a file; move it away or name the plugin's file", path.display())]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What it is.
        found: EntryKind,
    },
    /// A symbolic link that leads nowhere or in a circle.
    #[error("{} is a link that leads to no file ({cause}); correct or remove it", path.display())]
    BrokenLink {
        /// The link.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// The system refuses to show what is there.
    #[error("{} cannot be looked at ({cause}); give this user access to it", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
}

struct Looked<'a>(&'a [PathBuf]);

impl fmt::Display for Looked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, path) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{}", path.display())?;
        }
        Ok(())
    }
}
