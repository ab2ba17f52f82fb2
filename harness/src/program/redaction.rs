//! What is redacted besides the default, as command lines say it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use countersign::secrets::Secret;
use countersign_harness::redact::{Redaction, TooShort};
use thiserror::Error;
use zeroize::Zeroizing;

/// Largest file with a secret, in bytes.
const SECRET_LIMIT: u64 = 64 * 1024;

/// What is redacted besides the default. There is no way to redact less.
#[derive(Debug, Args)]
pub(super) struct RedactionArguments {
    /// Also redacts headers, parameters, fields, cookies and JSON members of this name; may be given several times.
    #[arg(long = "redact", value_name = "NAME")]
    names: Vec<String>,
    /// Also redacts the secret in this file, wherever it stands: all of the file, but for white space at its end; may be
    /// given several times.
    #[arg(long, value_name = "FILE")]
    known_secret_file: Vec<PathBuf>,
}

/// A secret that cannot be redacted.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub(super) struct SecretError {
    path: PathBuf,
    problem: SecretProblem,
}

#[derive(Debug, Error)]
enum SecretProblem {
    #[error("cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    #[error("has more than {SECRET_LIMIT} bytes; give a file that holds one secret")]
    TooLarge,
    #[error(transparent)]
    TooShort(#[from] TooShort),
}

impl RedactionArguments {
    /// The redaction.
    pub(super) fn redaction(&self) -> Result<Redaction, SecretError> {
        let mut redaction = Redaction::new();
        for name in &self.names {
            redaction = redaction.with_name(name);
        }
        for path in &self.known_secret_file {
            let more = secret(path).and_then(|secret| Ok(redaction.clone().with_known(secret)?));
            redaction = more.map_err(|problem| SecretError { path: path.clone(), problem })?;
        }
        Ok(redaction)
    }
}

fn secret(path: &Path) -> Result<Secret, SecretProblem> {
    let unreadable = |error: io::Error| SecretProblem::Unreadable(error.kind());
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path).map_err(unreadable)?.take(SECRET_LIMIT + 1).read_to_string(&mut text);
    // What would be cut off would not be found.
    if u64::try_from(read.map_err(unreadable)?).is_ok_and(|read| read > SECRET_LIMIT) {
        return Err(SecretProblem::TooLarge);
    }
    Ok(Secret::new(text.trim_end()))
}
