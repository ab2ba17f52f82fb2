//! Reads a cassette and refuses what cannot be replayed exactly, naming file, entry and both sides.

mod case;
mod draft;
pub(crate) mod entry;
mod inspect;
mod note;
pub(crate) mod side;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::cassette::{About, Cassette, Provenance, ProvenanceKind};
use super::entry::{Entry, Guard};
use super::expiry::{Age, Expiry, WhenExpired};
use super::format::{
    AgeFormat, HarFormat, LogFormat, LogNoteFormat, ProbeFormat, ProvenanceFormat, RedactionFormat, Unknown,
};
use super::problem::{EntryProblem, Problem, ReadError};
use super::shown::Shown;
use super::unknown::{UnknownKey, UnknownWord};
use super::version::{SUPPORTED, Version};
use side::Sides;

pub use draft::read_draft;
pub(crate) use draft::read_with_bytes;
pub use inspect::{Inspection, Missing, inspect};

/// Largest cassette, in bytes.
pub const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Largest decoded body of a request or response, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Most that the bodies in files of their own may have together, in bytes.
pub const SIDES_LIMIT: usize = 64 * 1024 * 1024;

/// Reads a cassette from a file.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, is larger than [`FILE_LIMIT`] (it is not read then), or
/// is refused by [`parse`].
pub fn read(path: &Path) -> Result<Cassette, ReadError> {
    let cassette = contents(path).and_then(|bytes| checked(path, &bytes, Sides::beside(path)));
    cassette.map_err(|problem| ReadError { path: path.to_owned(), problem: Box::new(problem) })
}

/// Reads a cassette from bytes, such as an embedded fixture; `path` names it in errors.
///
/// # Errors
/// [`ReadError`] when the bytes are not a HAR 1.2 file, were written for a newer major version, state a
/// fact twice and differently, or when a `_countersign` object holds what this reader does not know.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Cassette, ReadError> {
    parse_with(path, bytes, Sides::nowhere())
}

/// As [`parse`], with the bodies that lie in files of their own.
pub(super) fn parse_with(path: &Path, bytes: &[u8], sides: Sides<'_>) -> Result<Cassette, ReadError> {
    checked(path, bytes, sides).map_err(|problem| ReadError { path: path.to_owned(), problem: Box::new(problem) })
}

fn contents(path: &Path) -> Result<Vec<u8>, Problem> {
    // Before it is opened, for opening a pipe would wait.
    let metadata = std::fs::metadata(path).map_err(Problem::Unreadable)?;
    if !metadata.is_file() {
        return Err(Problem::NotAFile);
    }
    let too_large = |size| Problem::FileTooLarge { size, limit: FILE_LIMIT };
    if metadata.len() > FILE_LIMIT {
        return Err(too_large(metadata.len()));
    }
    let file = File::open(path).map_err(Problem::Unreadable)?;
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(Problem::Unreadable)?;
    check_size(&bytes)?;
    Ok(bytes)
}

fn check_size(bytes: &[u8]) -> Result<(), Problem> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > FILE_LIMIT {
        return Err(Problem::FileTooLarge { size, limit: FILE_LIMIT });
    }
    Ok(())
}

fn checked(path: &Path, bytes: &[u8], mut sides: Sides<'_>) -> Result<Cassette, Problem> {
    let log = log(bytes)?;
    let about = log.note.map(about).transpose()?;
    let mut entries = Vec::with_capacity(log.entries.len());
    let mut seq = None;
    for (index, format) in log.entries.into_iter().enumerate() {
        let entry =
            entry::checked(index, format, seq, &mut sides).map_err(|problem| Problem::Entry { index, problem })?;
        seq = entry.seq.or(seq);
        entries.push(entry);
    }
    let declared = about.as_ref().map(|about| &about.variables);
    check_samples(declared.cloned().unwrap_or_default(), &entries)?;
    Ok(Cassette { path: path.to_owned(), about, entries })
}

/// The file as it is written, of a version that this reader knows.
fn log(bytes: &[u8]) -> Result<LogFormat, Problem> {
    check_size(bytes)?;
    let bytes = unmarked(bytes);
    let probe: ProbeFormat = json(bytes)?;
    if !matches!(&*probe.log.version, "" | "1.1" | "1.2") {
        return Err(Problem::HarVersion { found: Shown::of_field("", &probe.log.version) });
    }
    if let Some(note) = &probe.log.note {
        note.version
            .parse::<Version>()
            .and_then(|version| version.check_readable_by(SUPPORTED))
            .map_err(Problem::Version)?;
    }
    Ok(json::<HarFormat>(bytes)?.log)
}

/// Some Windows tools begin the file with a byte order mark.
fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        let error = error.into_inner();
        // The parser quotes what it found.
        let reason = Shown::message(&error.to_string());
        if error.is_data() { Problem::NotHar { at, reason } } else { Problem::NotJson { reason } }
    })?;
    json.end().map_err(|error| Problem::NotJson { reason: Shown::message(&error.to_string()) })?;
    Ok(value)
}

fn about(note: LogNoteFormat) -> Result<About, Problem> {
    check_keys("log._countersign", &note.unknown, LogNoteFormat::KEYS)?;
    let at = "log._countersign.provenance";
    check_keys(at, &note.provenance.unknown, ProvenanceFormat::KEYS)?;
    let provenance = Provenance {
        kind: UnknownWord::look_up(format!("{at}.kind"), &note.provenance.kind, &ProvenanceKind::NAMED)?,
        source: note.provenance.source,
    };
    if let Some(redaction) = &note.redaction {
        check_keys("log._countersign.redaction", &redaction.unknown, RedactionFormat::KEYS)?;
    }
    let recorded_at = note.provenance.recorded_at.map(|text| text.parse().map_err(|_| Problem::RecordedAt));
    let recorded_at = recorded_at.transpose()?;
    let expiry = match (note.age.map(age).transpose()?, recorded_at) {
        (Some(age), Some(recorded_at)) => Some(Expiry { recorded_at, age }),
        (Some(_), None) => return Err(Problem::AgeWithoutRecording),
        (None, _) => None,
    };
    let variables = note.variables.0;
    if let Some(variable) = variables.iter().find(|(_, value)| value.is_empty()) {
        return Err(Problem::EmptyVariable { variable: variable.0.clone() });
    }
    Ok(About {
        provenance,
        provider: note.provider,
        title: note.title,
        recorded_at,
        expiry,
        redacted: note.redaction.is_some(),
        variables,
        case: note.case.map(case::checked).transpose()?,
    })
}

fn age(format: AgeFormat) -> Result<Age, Problem> {
    check_keys("log._countersign.age", &format.unknown, AgeFormat::KEYS)?;
    if format.days == 0 {
        return Err(Problem::NoDays);
    }
    let then = match format.then {
        Some(word) => UnknownWord::look_up("log._countersign.age.then", &word, &WhenExpired::NAMED)?,
        None => WhenExpired::Warn,
    };
    Ok(Age { days: format.days, then })
}

/// Every entry must match its own recording, or it could never be played.
fn check_samples(mut samples: BTreeMap<String, String>, entries: &[Entry]) -> Result<(), Problem> {
    for entry in entries {
        for binding in &entry.bindings {
            let (variable, place) = (binding.variable.clone(), binding.place.clone());
            let sample = samples.get(&variable);
            let same = sample.map(|sample| *sample == binding.sample);
            let problem = match (binding.guard, same) {
                (None, None) => {
                    samples.insert(variable, binding.sample.clone());
                    continue;
                }
                (None | Some(Guard::Same), Some(true)) | (Some(Guard::Other), Some(false)) => {
                    continue;
                }
                (Some(_), None) => EntryProblem::NeverBound { variable },
                (Some(Guard::Other), Some(true)) => EntryProblem::SampleIsSame { variable, place },
                (None | Some(Guard::Same), Some(false)) => EntryProblem::SampleDiffers {
                    here: Shown::of_field(&variable, &binding.sample),
                    sample: Shown::of_field(&variable, sample.map_or("", |sample| sample)),
                    variable,
                    place,
                },
            };
            return Err(Problem::Entry { index: entry.index, problem });
        }
    }
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    for (variable, sample) in &samples {
        if let Some(first) = variables.insert(sample, variable) {
            return Err(Problem::SameSample { first: first.to_owned(), second: variable.clone() });
        }
    }
    Ok(())
}

fn check_keys(object: &str, unknown: &Unknown, known: &'static [&'static str]) -> Result<(), UnknownKey> {
    match unknown.keys().next() {
        Some(key) => Err(UnknownKey::new(object, key, known)),
        None => Ok(()),
    }
}
