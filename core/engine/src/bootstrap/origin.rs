//! Where a value came from, so that an error can say which line or variable to change.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::value::Value;
use figment::{Figment, Source};

use super::key::KeyPath;

/// Where a value of the bootstrap was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the bootstrap file.
    File {
        /// The bootstrap file.
        path: PathBuf,
        /// The line of the key, from 1; JSON files have none.
        line: Option<usize>,
    },
    /// By an environment variable.
    Variable {
        /// The variable's name, as it is in the environment.
        name: String,
    },
    /// Nowhere: the value is the built-in default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(out, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(out, "{}", path.display()),
            Self::Variable { name } => write!(out, "environment variable {name}"),
            Self::Default => out.write_str("built-in default"),
        }
    }
}

/// The line of each key of the file.
pub(super) type Lines = BTreeMap<KeyPath, usize>;

/// Finds the origin of any value of the merged layers.
#[derive(Clone, Copy)]
pub(super) struct Origins<'a> {
    pub(super) layers: &'a Figment,
    pub(super) path: &'a Path,
    pub(super) lines: &'a Lines,
}

impl Origins<'_> {
    pub(super) fn of(&self, key: &KeyPath, value: Option<&Value>) -> Origin {
        // A table may be put together from several layers; the file's line is the one to look at.
        let is_table = matches!(value, Some(Value::Dict(..)) | None);
        if is_table && self.lines.contains_key(key) {
            return self.file(key);
        }
        let layer = value.and_then(|value| self.layers.get_metadata(value.tag()));
        match layer.map(|layer| (&layer.source, &layer.name)) {
            Some((Some(Source::Custom(_)), name)) => Origin::Variable { name: name.clone().into_owned() },
            Some((Some(Source::File(_)), _)) | None => self.file(key),
            Some(_) => Origin::Default,
        }
    }

    /// The key in the file, or else the table in which it is missing.
    fn file(&self, key: &KeyPath) -> Origin {
        Origin::File { path: self.path.to_owned(), line: key.ancestors().find_map(|key| self.lines.get(&key).copied()) }
    }
}
