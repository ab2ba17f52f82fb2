//! `countersign init`: a commented bootstrap and a key. Never overwrites.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use countersign::bootstrap::TEMPLATE;
use countersign::store::{KeyFileProblem, StoreError, create_key_file};
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::words;

/// What the template calls its key and its store; both lie beside it.
const KEY_FILE: &str = "countersign.key";
const STORE: &str = "countersign.sqlite";

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// Something would be overwritten.
    #[error("{} exists, and nothing is ever overwritten; move it away, or name another place by --bootstrap", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A store is there without bootstrap or key.
    #[error(
        "{} exists, and a new key could not open it; put back the key that it was made with, or name another place by --bootstrap",
        path.display()
    )]
    StoreExists {
        /// The store.
        path: PathBuf,
    },
    /// The name would be read as something else.
    #[error("{}: the bootstrap is written as TOML; give it a name that ends in .toml", path.display())]
    NotToml {
        /// The name.
        path: PathBuf,
    },
    /// The key could not be written.
    #[error(transparent)]
    Key(StoreError),
    /// There is no folder to write to.
    #[error("{}: cannot be written, as its folder does not exist; make the folder, or name another place by --bootstrap", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The bootstrap could not be written.
    #[error("{}: cannot be written ({}); name a folder that this user may write to", path.display(), cause.kind())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// Writes bootstrap and key.
pub(crate) fn run(bootstrap: &Path, output: Output) -> Result<Exit, CommandError> {
    let written = write(bootstrap)?;
    output.answer(&written)?;
    Ok(Exit::Yes)
}

#[derive(Serialize)]
struct Written {
    bootstrap: PathBuf,
    key_file: PathBuf,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "wrote {}, with comments on everything that can be set", self.bootstrap.display())?;
        writeln!(out, "wrote {}, which encrypts the store: keep a copy in a safe place", self.key_file.display())?;
        write!(out, "\nnext:")?;
        let program = words::program();
        for (command, what) in [
            ("validate", "checks the bootstrap and its plugins"),
            ("user add ada", "adds a user"),
            ("enroll ada --method totp", "registers an authenticator app"),
            ("login ada --type web-portal", "logs in with it"),
        ] {
            write!(out, "\n  {program} {command:27}   {what}")?;
        }
        Ok(())
    }
}

/// Writes the key first: whoever sees the bootstrap can use it.
fn write(bootstrap: &Path) -> Result<Written, InitError> {
    if bootstrap.extension().is_none_or(|extension| extension != "toml") {
        return Err(InitError::NotToml { path: bootstrap.to_owned() });
    }
    let key_file = bootstrap.with_file_name(KEY_FILE);
    let store = bootstrap.with_file_name(STORE);
    for path in [bootstrap, &key_file] {
        if is_there(path) {
            return Err(InitError::Exists { path: path.to_owned() });
        }
    }
    if is_there(&store) {
        return Err(InitError::StoreExists { path: store });
    }
    create_key_file(&key_file).map_err(|error| match error {
        StoreError::KeyFile { reason: KeyFileProblem::Io(cause), .. } => unwritable(&key_file, cause),
        other => InitError::Key(other),
    })?;
    if let Err(cause) = create(bootstrap) {
        // Nothing can have been sealed with a key of this moment.
        let _ = fs::remove_file(&key_file);
        return Err(unwritable(bootstrap, cause));
    }
    Ok(Written { bootstrap: bootstrap.to_owned(), key_file })
}

fn create(bootstrap: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(bootstrap)?;
    let written = file.write_all(TEMPLATE.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(bootstrap);
    }
    written
}

fn unwritable(path: &Path, cause: io::Error) -> InitError {
    let path = path.to_owned();
    if cause.kind() == io::ErrorKind::AlreadyExists {
        return InitError::Exists { path };
    }
    if cause.kind() == io::ErrorKind::NotFound {
        return InitError::NoFolder { path };
    }
    InitError::Unwritable { path, cause }
}

/// Also where it is a link that leads nowhere: what is written there would go elsewhere.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
