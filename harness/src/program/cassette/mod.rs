//! `cassette`: looks at cassettes, compares them, and writes them anew.

mod rewrite;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_harness::cassette::{Draft, Inspection, Layout, Severity, drift, inspect, read_draft, show};

use super::Exit;
use super::files::cassettes;
use super::import;
use super::replay::with_causes;

pub(super) use rewrite::More as Redacting;

/// What can be done with cassettes.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tells everything that is wrong with cassettes: one line for each problem, with file and place.
    ///
    /// Lines with BAD are why a file cannot be replayed. Lines with warn are what HAR 1.2 demands and the file lacks:
    /// replay does without, other tools may not.
    Validate {
        /// Cassettes (.har), or folders, which are searched for them.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Shows a cassette to be read: bodies decoded, JSON laid out, codes, numbers and credentials masked.
    Show {
        /// The cassette.
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// As YAML.
        #[arg(long)]
        yaml: bool,
        /// Only this entry; the first is 0.
        #[arg(long, value_name = "N")]
        entry: Option<usize>,
    },
    /// Compares two recordings of the same exchanges by shape: which fields there are, and of what type.
    ///
    /// What was added is info, what is gone is warn, another type or status is error. What fields hold, ids in paths
    /// and headers that always differ (Date, Twilio-Request-Id, …) do not count. Ends with 1 where there is a warn or
    /// an error.
    Diff {
        /// The older recording.
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The newer one.
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Writes a cassette anew without credentials, codes, numbers, resource ids, names and addresses: each becomes a
    /// pseudonym of the same shape, the same one wherever it occurs.
    ///
    /// What is to be written is searched once more for all of them, in plain, percent-encoded, JSON-escaped and base64
    /// form and inside gzip; where one is left, nothing is written.
    Redact(rewrite::RedactArguments),
    /// Writes a cassette as plain HAR 1.2, without anything of this project, for other tools.
    ///
    /// It is redacted, also where the cassette says of itself that it was.
    Export(rewrite::ExportArguments),
    /// Makes a cassette of another tool's recording, and lists what could not be taken over.
    ///
    /// Reads HAR of browsers and proxies, and what VCR (Ruby) and vcrpy write. The cassette is redacted as by `redact`.
    /// Lines with LOST are exchanges that were left out, each with its place and the reason; lines with note are details
    /// that are gone. Ends with 1 where an exchange was left out.
    Import(Box<import::Arguments>),
}

/// Does it.
pub(super) fn run(command: Command, out: &mut impl Write) -> io::Result<Exit> {
    let exit = match command {
        Command::Validate { paths } => validate(&paths, out)?,
        Command::Show { path, yaml, entry } => {
            let layout = if yaml { Layout::Yaml } else { Layout::Plain };
            shown(&path, entry, layout, out)?
        }
        Command::Diff { old, new } => diff(&old, &new, out)?,
        Command::Redact(arguments) => rewrite::redact(arguments, out)?,
        Command::Export(arguments) => rewrite::export(&arguments, out)?,
        Command::Import(arguments) => import::run(&arguments, out)?,
    };
    out.flush()?;
    Ok(exit)
}

fn validate(paths: &[PathBuf], out: &mut impl Write) -> io::Result<Exit> {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for path in paths {
        let files = match cassettes(path) {
            Ok(files) => files,
            Err(error) => {
                bad += 1;
                writeln!(out, "BAD   {error}")?;
                continue;
            }
        };
        for file in files {
            let Inspection { problems, missing, cassette } = inspect(&file);
            for problem in &problems {
                writeln!(out, "BAD   {}", with_causes(problem))?;
            }
            for missing in missing {
                writeln!(out, "warn  {missing}")?;
            }
            match cassette {
                Some(cassette) => {
                    good += 1;
                    writeln!(out, "good  {}: {} entries", file.display(), cassette.entries().len())?;
                }
                None => bad += 1,
            }
        }
    }
    writeln!(out, "{good} good, {bad} bad")?;
    Ok(if bad == 0 { Exit::Passed } else { Exit::BadFile })
}

fn shown(path: &Path, entry: Option<usize>, layout: Layout, out: &mut impl Write) -> io::Result<Exit> {
    let Some(draft) = drafted(path, out)? else {
        return Ok(Exit::BadFile);
    };
    match show(&draft, entry, layout) {
        Some(text) => out.write_all(text.as_bytes())?,
        None => {
            let entries = draft.entries.len();
            writeln!(out, "BAD   {}: has {entries} entries, counted from 0; there is no such one", path.display())?;
            return Ok(Exit::BadFile);
        }
    }
    Ok(Exit::Passed)
}

fn diff(old: &Path, new: &Path, out: &mut impl Write) -> io::Result<Exit> {
    let (Some(before), Some(after)) = (drafted(old, out)?, drafted(new, out)?) else {
        return Ok(Exit::BadFile);
    };
    let changes = drift(&before, &after);
    for change in &changes {
        writeln!(out, "{:<5} {change}", change.severity.to_string())?;
    }
    let count = |severity| changes.iter().filter(|change| change.severity == severity).count();
    let (error, warning, info) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
    writeln!(out, "{error} error, {warning} warn, {info} info")?;
    Ok(if error + warning == 0 { Exit::Passed } else { Exit::Failed })
}

/// The whole cassette, or a line that says why not.
fn drafted(path: &Path, out: &mut impl Write) -> io::Result<Option<Draft>> {
    match read_draft(path) {
        Ok(draft) => Ok(Some(draft)),
        Err(error) => {
            writeln!(out, "BAD   {}", with_causes(&error))?;
            Ok(None)
        }
    }
}
