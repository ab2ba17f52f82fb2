//! `cassette redact` and `cassette export`.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use countersign::secrets::Secret;
use countersign_harness::cassette::{WriteError, WriteProblem, Written, export as exported, write};
use countersign_harness::redact::Redaction;

use super::drafted;
use crate::program::Exit;
use crate::program::replay::with_causes;

/// Largest file with a secret, in bytes.
const SECRET_LIMIT: u64 = 64 * 1024;

/// What `cassette redact` is given.
#[derive(Debug, Args)]
pub(in crate::program) struct RedactArguments {
    /// The cassette.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where to write; may be the same file. Readable by its owner alone.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    more: More,
}

/// What `cassette export` is given.
#[derive(Debug, Args)]
pub(in crate::program) struct ExportArguments {
    /// The cassette.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where to write. Readable by its owner alone.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
}

/// What is redacted besides the default. There is no way to redact less.
#[derive(Debug, Args)]
pub(in crate::program) struct More {
    /// Also redacts headers, fields and JSON members of this name. May repeat.
    #[arg(long = "redact", value_name = "NAME")]
    names: Vec<String>,
    /// Also redacts the secret in this file, wherever it stands: all of it, but for white space at its end. May repeat.
    #[arg(long, alias = "known-secret-file", value_name = "FILE")]
    secret_file: Vec<PathBuf>,
}

impl More {
    /// The redaction, or a line that says why not.
    pub(in crate::program) fn redaction(&self) -> Result<Redaction, String> {
        let mut redaction = Redaction::new();
        for name in &self.names {
            redaction = redaction.with_name(name);
        }
        for path in &self.secret_file {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let secret = secret(path).map_err(|error| told(&format_args!("cannot be read ({})", error.kind())))?;
            redaction = redaction.with_known(secret).map_err(|error| told(&error))?;
        }
        Ok(redaction)
    }
}

fn secret(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    let read = fs::File::open(path)?.take(SECRET_LIMIT + 1).read_to_string(&mut text)?;
    // What is cut off would not be found.
    if u64::try_from(read).is_ok_and(|read| read > SECRET_LIMIT) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Secret::new(text.trim_end()))
}

/// Writes a cassette anew.
pub(super) fn redact(arguments: RedactArguments, out: &mut impl Write) -> io::Result<Exit> {
    let redaction = match arguments.more.redaction() {
        Ok(redaction) => redaction,
        Err(told) => {
            writeln!(out, "BAD   {told}")?;
            return Ok(Exit::BadFile);
        }
    };
    let Some(draft) = drafted(&arguments.input, out)? else {
        return Ok(Exit::BadFile);
    };
    tell(write(&arguments.out, &draft, &redaction), out)
}

/// Writes a cassette as plain HAR.
pub(super) fn export(arguments: &ExportArguments, out: &mut impl Write) -> io::Result<Exit> {
    let Some(draft) = drafted(&arguments.input, out)? else {
        return Ok(Exit::BadFile);
    };
    tell(exported(&arguments.out, &draft, &Redaction::new()), out)
}

fn tell(written: Result<Written, WriteError>, out: &mut impl Write) -> io::Result<Exit> {
    match written {
        Ok(written) => {
            let replaced: Vec<String> =
                written.replaced.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
            let replaced = if replaced.is_empty() { "nothing".to_owned() } else { replaced.join(", ") };
            writeln!(out, "good  {}: written, replaced {replaced}", written.path.display())?;
            Ok(Exit::Passed)
        }
        Err(error) => {
            writeln!(out, "BAD   {}", with_causes(&error))?;
            Ok(match *error.problem {
                WriteProblem::Secret(_) => Exit::Failed,
                _ => Exit::BadFile,
            })
        }
    }
}
