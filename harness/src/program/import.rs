//! `cassette import`: another tool's recording becomes a cassette, and what it could not become is listed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_harness::cassette::{Draft, DraftAbout, ProvenanceKind, WriteProblem, Written, write};
use countersign_harness::import::{Format, Imported, Loss, import};
use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::Exit;
use super::cassette::Redacting;
use super::record::wrote;
use super::replay::with_causes;

/// What `import` is given.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Whose recording it is. `auto` looks into the file.
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = PossibleValuesParser::new(["auto", "har", "vcr", "vcrpy"]))]
    from: String,
    /// The cassette; there must be none of this name yet. It is readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How the exchanges came about: recorded (taken from the wire), transcribed (from published documents) or synthetic
    /// (made up). The file does not say, and nobody guesses.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(ProvenanceKind::NAMED.map(|(_, name)| name)).map(kind))]
    provenance: Option<ProvenanceKind>,
    /// From what: the account, the document, the reason. The imported file and its tool are named besides.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// When it was recorded, as 2026-01-31T12:00:00Z, where the file does not say.
    #[arg(long, value_name = "TIME")]
    recorded_at: Option<Timestamp>,
    /// The provider whose exchanges these are, as the cassette says it. Default: the hosts.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// What the cassette calls itself. Default: the name of the cassette's file.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Tells as JSON what was written and what could not be taken over.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    redaction: Redacting,
}

/// Why nothing was imported, beside the file itself.
#[derive(Debug, Error)]
enum Refusal {
    #[error(
        "{}: does not say how its exchanges came about: add --provenance recorded --source \"what was recorded, of which \
         account\", or --provenance transcribed, or --provenance synthetic",
        .0.display()
    )]
    NoProvenance(PathBuf),
    #[error(
        "--provenance recorded says that these exchanges took place: add --source TEXT, with what was recorded and of which account"
    )]
    NoSource,
    #[error("{}: does not say of every exchange when it took place: add --recorded-at TIME, as 2026-01-31T12:00:00Z", .0.display())]
    NoTime(PathBuf),
    #[error("{}: is there already; remove it, or name another file by --out", .0.display())]
    Exists(PathBuf),
    #[error("{}: holds no exchange that can be taken over", .0.display())]
    Nothing(PathBuf),
}

fn kind(name: String) -> ProvenanceKind {
    let known = ProvenanceKind::NAMED.iter().find(|(_, known)| *known == name);
    known.map_or(ProvenanceKind::Synthetic, |(kind, _)| *kind)
}

/// Imports, and tells what could not be taken over.
pub(super) fn run(arguments: &Arguments, out: &mut impl Write) -> io::Result<Exit> {
    let Some(kind) = arguments.provenance else {
        return bad(out, &Refusal::NoProvenance(arguments.input.clone()));
    };
    if kind == ProvenanceKind::Recorded && arguments.source.is_none() {
        return bad(out, &Refusal::NoSource);
    }
    if arguments.out.exists() {
        return bad(out, &Refusal::Exists(arguments.out.clone()));
    }
    let redaction = match arguments.redaction.redaction() {
        Ok(redaction) => redaction,
        Err(told) => {
            writeln!(out, "BAD   {told}")?;
            return Ok(Exit::BadFile);
        }
    };
    let format = Format::NAMED.iter().find(|(_, name)| *name == arguments.from).map(|(format, _)| *format);
    let imported = match import(&arguments.input, format) {
        Ok(imported) => imported,
        Err(error) => return bad(out, &error),
    };
    if kind == ProvenanceKind::Recorded && !imported.timed && arguments.recorded_at.is_none() {
        return bad(out, &Refusal::NoTime(arguments.input.clone()));
    }
    let about = about(kind, &imported, arguments);
    let Imported { format, entries, lost, .. } = imported;
    let exchanges = entries.len();
    let written = if exchanges == 0 {
        None
    } else {
        match write(&arguments.out, &Draft { about: Some(about), entries }, &redaction) {
            Ok(written) => Some(written),
            Err(error) => {
                bad(out, &error)?;
                let secret = matches!(*error.problem, WriteProblem::Secret(_));
                return Ok(if secret { Exit::Failed } else { Exit::BadFile });
            }
        }
    };
    if arguments.json {
        writeln!(out, "{:#}", told(format, written.as_ref(), exchanges, &lost))?;
    } else {
        for loss in &lost {
            writeln!(out, "{}{loss}", if loss.what.leaves_out() { "LOST  " } else { "note  " })?;
        }
        if let Some(written) = &written {
            wrote(written, exchanges, out)?;
        }
    }
    if written.is_none() {
        let refusal = Refusal::Nothing(arguments.input.clone());
        return if arguments.json { Ok(Exit::BadFile) } else { bad(out, &refusal) };
    }
    out.flush()?;
    Ok(if lost.iter().any(|loss| loss.what.leaves_out()) { Exit::Failed } else { Exit::Passed })
}

fn about(kind: ProvenanceKind, imported: &Imported, arguments: &Arguments) -> DraftAbout {
    // A folder's name may be a person's.
    let file = arguments.input.file_name().unwrap_or_default().to_string_lossy();
    let tool = imported.tool.as_ref().map(|tool| format!(", written by {tool}")).unwrap_or_default();
    let imported_from = format!("imported from the {} file {file}{tool}", imported.format);
    let source = arguments.source.as_ref().map(|source| format!("{source} ({imported_from})"));
    let mut hosts: Vec<&str> = imported.entries.iter().filter_map(|entry| entry.request.host.as_deref()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let stem = arguments.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut about = DraftAbout::new(
        kind,
        source.unwrap_or(imported_from),
        arguments.provider.clone().unwrap_or_else(|| hosts.join(", ")),
        arguments.title.clone().unwrap_or(stem),
    );
    about.recorded_at = arguments.recorded_at;
    about
}

fn told(format: Format, written: Option<&Written>, exchanges: usize, lost: &[Loss]) -> Value {
    let name = Format::NAMED.iter().find(|(known, _)| *known == format).map_or("", |(_, name)| name);
    let lost: Vec<Value> = lost
        .iter()
        .map(|loss| {
            json!({
                "place": loss.place,
                "kind": loss.what.name(),
                "left_out": loss.what.leaves_out(),
                "message": loss.what.to_string(),
            })
        })
        .collect();
    let path = |path: &Path| path.display().to_string();
    let replaced = written.map(|written| {
        written
            .replaced
            .iter()
            .map(|(kind, count)| (kind.to_string(), Value::from(*count)))
            .collect::<serde_json::Map<_, _>>()
    });
    json!({
        "format": name,
        "cassette": written.map(|written| path(&written.path)),
        "exchanges": exchanges,
        "replaced": replaced,
        "lost": lost,
    })
}

fn bad(out: &mut dyn Write, error: &dyn std::error::Error) -> io::Result<Exit> {
    writeln!(out, "BAD   {}", with_causes(error))?;
    Ok(Exit::BadFile)
}
