//! Secrets of plugins: read from a file or a variable, and refused in the bootstrap file itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::bootstrap::origin::Origin;
use crate::bootstrap::service::RawSetting;
use crate::secrets::Secret;
use crate::warning::Warning;

/// No token or key comes near this; a longer file is another file than was meant.
const LONGEST: usize = 4096;

/// Why a secret could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretProblem {
    /// It stands in clear in the bootstrap file.
    #[error("stands in the bootstrap file, which is no place for a secret; put it into a file of its own")]
    InBootstrap,
    /// It is neither text nor one of the two references.
    #[error("is no reference to a secret")]
    NoReference,
    /// It is both references at once.
    #[error("has both `file` and `env`; keep one of them")]
    TwoReferences,
    /// The file does not exist.
    #[error("is read from {}, which does not exist; create that file, or correct its name", file.display())]
    NoFile {
        /// The file that was looked for.
        file: PathBuf,
    },
    /// The file cannot be read.
    #[error("is read from {}, which cannot be read ({kind}); give this user the right to read it", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What kind of error it was.
        kind: io::ErrorKind,
    },
    /// The file is a folder.
    #[error("is read from {}, which is a folder, not a file; name the file with the secret", file.display())]
    Folder {
        /// What is there.
        file: PathBuf,
    },
    /// The file is a pipe, a socket or a device.
    #[error("is read from {}, which is a named pipe, socket or device; name a regular file", file.display())]
    NotRegular {
        /// What is there.
        file: PathBuf,
    },
    /// The file's content is no secret.
    #[error("is read from {}, and what it holds {problem}", file.display())]
    BadFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with the content.
        problem: Box<Self>,
    },
    /// The variable is not set.
    #[error("is read from environment variable {name}, which is not set; set it, or name another one")]
    NoVariable {
        /// The variable that was looked for.
        name: String,
    },
    /// The variable's content is no secret.
    #[error("is read from environment variable {name}, and what it holds {problem}")]
    BadVariable {
        /// The variable.
        name: String,
        /// What is wrong with the content.
        problem: Box<Self>,
    },
    /// It is longer than secrets are.
    #[error("is longer than {limit} bytes; it is something else than the secret")]
    TooLong {
        /// The greatest length, in bytes.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("is not UTF-8 text; save it as UTF-8")]
    NotText,
    /// There is nothing but white space.
    #[error("is empty; put the secret there")]
    Empty,
    /// There is a line break or another control character within it.
    #[error("has a line break or another control character in the middle; leave nothing there but the secret")]
    ControlCharacter,
}

impl SecretProblem {
    /// Whether the bootstrap does not say where the secret is; otherwise it does, and there is something wrong there.
    pub(super) const fn is_of_form(&self) -> bool {
        matches!(self, Self::InBootstrap | Self::NoReference | Self::TwoReferences)
    }
}

/// The secret to which a setting refers.
pub(super) fn read(setting: &RawSetting, folder: &Path, warnings: &mut Vec<Warning>) -> Result<Secret, SecretProblem> {
    match &setting.value {
        Value::String(text) if is_variable(&setting.origin) => from_bytes(text.as_bytes()),
        Value::String(_) => Err(SecretProblem::InBootstrap),
        Value::Object(reference) => match Reference::of(reference)? {
            Reference::File(file) => read_file(&folder.join(file), warnings),
            Reference::Variable(name) => read_variable(name, setting.variable.as_deref()),
        },
        _ => Err(SecretProblem::NoReference),
    }
}

/// A secret out of the bytes of a file or a variable: trimmed, and refused where it could not be put into a request
/// as it stands.
fn from_bytes(bytes: &[u8]) -> Result<Secret, SecretProblem> {
    if bytes.len() > LONGEST {
        return Err(SecretProblem::TooLong { limit: LONGEST });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| SecretProblem::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(SecretProblem::Empty);
    }
    if text.contains(char::is_control) {
        return Err(SecretProblem::ControlCharacter);
    }
    Ok(Secret::new(text))
}

/// Whether a value is written as a reference to a secret.
pub(super) fn is_reference(value: &Value) -> bool {
    matches!(value, Value::Object(entries) if Reference::of(entries).is_ok())
}

fn is_variable(origin: &Origin) -> bool {
    matches!(origin, Origin::Variable { .. })
}

enum Reference<'a> {
    File(&'a str),
    Variable(&'a str),
}

impl<'a> Reference<'a> {
    fn of(entries: &'a Map<String, Value>) -> Result<Self, SecretProblem> {
        let given = |key| entries.get(key).and_then(Value::as_str);
        match (given("file"), given("env"), entries.len()) {
            (Some(_), Some(_), _) => Err(SecretProblem::TwoReferences),
            (Some(file), None, 1) if !file.trim().is_empty() => Ok(Self::File(file)),
            (None, Some(name), 1) if !name.trim().is_empty() => Ok(Self::Variable(name)),
            _ => Err(SecretProblem::NoReference),
        }
    }
}

fn read_variable(name: &str, value: Option<&Vec<u8>>) -> Result<Secret, SecretProblem> {
    let name = || name.to_owned();
    let value = value.ok_or_else(|| SecretProblem::NoVariable { name: name() })?;
    from_bytes(value).map_err(|problem| SecretProblem::BadVariable { name: name(), problem: Box::new(problem) })
}

fn read_file(path: &Path, warnings: &mut Vec<Warning>) -> Result<Secret, SecretProblem> {
    let file = || path.to_owned();
    let refuse = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SecretProblem::NoFile { file: file() },
        kind => SecretProblem::Unreadable { file: file(), kind },
    };
    // Asked before opening, as opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(refuse)?;
    if metadata.is_dir() {
        return Err(SecretProblem::Folder { file: file() });
    }
    if !metadata.is_file() {
        return Err(SecretProblem::NotRegular { file: file() });
    }
    if others_can_read(&metadata) {
        warnings.push(Warning::SecretReadable { file: path.to_owned() });
    }
    // Of a fixed size, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new([0; LONGEST + 1]);
    let length = fill(&mut *bytes, path).map_err(refuse)?;
    let read = bytes.get(..length).unwrap_or_default();
    let secret = from_bytes(read);
    bytes.zeroize();
    secret.map_err(|problem| SecretProblem::BadFile { file: file(), problem: Box::new(problem) })
}

/// Reads as much as there is room for.
fn fill(room: &mut [u8], path: &Path) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut length = 0;
    while let Some(rest) = room.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(unix)]
fn others_can_read(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const READ_BY_GROUP_OR_OTHERS: u32 = 0o044;
    metadata.mode() & READ_BY_GROUP_OR_OTHERS != 0
}

/// Elsewhere rights are lists that no single bit sums up; nothing is warned of.
#[cfg(not(unix))]
fn others_can_read(_: &fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_group_or_others_may_read_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, noticed) in [(0o600, false), (0o622, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(others_can_read(&fs::metadata(file.path()).unwrap()), noticed, "{mode:o}");
        }
    }
}
