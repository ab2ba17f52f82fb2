//! Reads a file as a draft: with all headers, to be shown, compared, redacted or written again.

use std::path::Path;
use std::time::Duration;

use countersign_plugin::TransportFailureKind;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::side::Sides;
use super::{checked, contents, entry, json, log, unmarked};
use crate::cassette::cassette::Cassette;
use crate::cassette::draft::{Draft, DraftAbout, DraftEntry, DraftNote, DraftSent, Scheme};
use crate::cassette::entry::FAILURES;
use crate::cassette::format::{EntryFormat, Named, PairFormat, RequestFormat, SentFormat};
use crate::cassette::node::Node;
use crate::cassette::problem::{EntryProblem, Problem, ReadError};
use crate::cassette::shown::Shown;
use crate::wire::{WireAnswer, WireReply, WireRequest};

/// Reads a cassette from a file, whole, to be written again.
///
/// Headers about the framing of a response's body are left out, as when it is replayed.
///
/// # Errors
/// As [`read`](super::read).
pub fn read_draft(path: &Path) -> Result<Draft, ReadError> {
    read_with_bytes(path).map(|(draft, _)| draft)
}

/// As [`read_draft`], and the file that it was read from.
pub(crate) fn read_with_bytes(path: &Path) -> Result<(Draft, Vec<u8>), ReadError> {
    let read = contents(path).and_then(|bytes| Ok((draft(path, &bytes)?, bytes)));
    read.map_err(|problem| ReadError { path: path.to_owned(), problem: Box::new(problem) })
}

fn draft(path: &Path, bytes: &[u8]) -> Result<Draft, Problem> {
    let cassette = checked(path, bytes, Sides::beside(path))?;
    let kept: KeptFormat = json(unmarked(bytes))?;
    let about = about(&cassette, kept.log.note);
    let mut notes = kept.log.entries.into_iter().map(|entry| entry.note.unwrap_or_default());
    let mut sides = Sides::beside(path);
    let entries = log(bytes)?.entries.into_iter().enumerate().map(|(index, format)| {
        let note = notes.next().unwrap_or_default();
        draft_entry(format, note, &mut sides).map_err(|problem| Problem::Entry { index, problem })
    });
    Ok(Draft { about, entries: entries.collect::<Result<_, _>>()? })
}

fn about(cassette: &Cassette, note: Option<KeptLogNote>) -> Option<DraftAbout> {
    let known = cassette.about.as_ref()?;
    Some(DraftAbout {
        kind: known.provenance.kind,
        source: known.provenance.source.clone(),
        recorded_at: known.recorded_at,
        provider: known.provider.clone(),
        title: known.title.clone(),
        expires: known.expiry.map(|expiry| expiry.age),
        redacted: known.redacted,
        variables: known.variables.clone().into_iter().collect(),
        case: note.and_then(|note| note.case),
    })
}

fn draft_entry(format: EntryFormat, kept: KeptEntryNote, sides: &mut Sides<'_>) -> Result<DraftEntry, EntryProblem> {
    let said = format.note.unwrap_or_default();
    let (request_side, response_side) = entry::side_bodies(said.body.as_ref(), sides)?;
    let (request, scheme, port) = request(format.request, request_side)?;
    let failure = said.failure.and_then(|word| FAILURES.iter().find(|(_, name)| *name == word));
    let answer = match (failure, format.response) {
        (None, Some(response)) => WireAnswer::Reply(WireReply {
            status: u16::try_from(response.status).map_err(|_| EntryProblem::Status { status: response.status })?,
            headers: response_headers(&response.headers, response.content.as_ref().map(|content| &*content.mime_type)),
            body: entry::response_bytes(response.content.as_ref(), response_side)?.into(),
        }),
        (failure, _) => WireAnswer::Failure(failure.map_or(TransportFailureKind::NoAnswer, |(kind, _)| *kind)),
    };
    Ok(DraftEntry {
        request,
        scheme,
        port,
        answer,
        started: started(&format.started),
        took: took(&format.time),
        comment: format.comment.filter(|comment| !comment.is_empty()),
        note: DraftNote {
            bind: kept.bind,
            require: kept.require,
            repeat: kept.repeat,
            sent: kept.sent.map(|SentFormat { to, channel, text, .. }| DraftSent { to, channel, text }),
        },
    })
}

fn request(format: RequestFormat, side: Option<Vec<u8>>) -> Result<(WireRequest, Scheme, Option<u16>), EntryProblem> {
    let unusable = || EntryProblem::Url { url: Shown::of(&format.url) };
    let url = Url::parse(&format.url).map_err(|_| unusable())?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(unusable()),
    };
    // A parser would write some escapes anew.
    let rest = format.url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let target = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let mut headers = pairs(&format.headers);
    let mut body = side;
    if let Some(data) = &format.post_data {
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        body = Some(entry::request_bytes(data, body.take())?);
        if !typed && !matches!(&*data.mime_type, "" | "x-unknown") {
            headers.push(("Content-Type".to_owned(), data.mime_type.clone()));
        }
    }
    let request = WireRequest {
        method: format.method.clone(),
        host: url.host_str().map(str::to_owned),
        target,
        headers,
        body: body.unwrap_or_default(),
    };
    Ok((request, scheme, url.port()))
}

fn response_headers(headers: &[PairFormat], mime_type: Option<&str>) -> std::sync::Arc<[(String, String)]> {
    let mut headers: Vec<_> = pairs(headers).into_iter().filter(|(name, _)| !entry::is_framing(name)).collect();
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let mime_type = mime_type.filter(|mime_type| !matches!(*mime_type, "" | "x-unknown"));
    if let (false, Some(mime_type)) = (typed, mime_type) {
        headers.push(("Content-Type".to_owned(), mime_type.to_owned()));
    }
    headers.into()
}

fn pairs(headers: &[PairFormat]) -> Vec<(String, String)> {
    let headers = headers.iter().filter(|header| !header.name.starts_with(':'));
    headers.map(|header| (header.name.clone(), header.value.clone())).collect()
}

/// Tools write odd times; nothing is replayed by them.
fn started(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn took(milliseconds: &Value) -> Duration {
    let seconds = milliseconds.as_f64().filter(|time| *time > 0.0).unwrap_or_default() / 1000.0;
    let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    // Half a microsecond more, for decimal fractions are rarely whole in binary.
    let micros = took.saturating_add(Duration::from_nanos(500)).as_micros();
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// What must be written again as it stood, members in their order.
#[derive(Deserialize)]
struct KeptFormat {
    log: KeptLog,
}

#[derive(Deserialize)]
struct KeptLog {
    entries: Vec<KeptEntry>,
    #[serde(default, rename = "_countersign")]
    note: Option<KeptLogNote>,
}

#[derive(Deserialize)]
struct KeptLogNote {
    #[serde(default)]
    case: Option<Node>,
}

#[derive(Deserialize)]
struct KeptEntry {
    #[serde(default, rename = "_countersign")]
    note: Option<KeptEntryNote>,
}

#[derive(Default, Deserialize)]
struct KeptEntryNote {
    #[serde(default)]
    bind: Named<Node>,
    #[serde(default)]
    require: Named<String>,
    #[serde(default)]
    repeat: Option<Node>,
    #[serde(default)]
    sent: Option<SentFormat>,
}
