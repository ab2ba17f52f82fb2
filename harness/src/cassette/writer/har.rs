//! A draft as HAR 1.2, every fact derived from one truth: the address, the headers and the bytes of the bodies.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_plugin::TransportFailureKind;
use hyper::StatusCode;
use serde_json::Number;
use url::form_urlencoded;

use super::INLINE_LIMIT;
use super::problem::WriteProblem;
use crate::cassette::cassette::ProvenanceKind;
use crate::cassette::digest::Sha256;
use crate::cassette::draft::{Draft, DraftAbout, DraftEntry};
use crate::cassette::entry::FAILURES;
use crate::cassette::expiry::WhenExpired;
use crate::cassette::node::Node;
use crate::cassette::problem::Body;
use crate::cassette::reader::entry::essence;
use crate::cassette::shown::Shown;
use crate::cassette::version::SUPPORTED;
use crate::redact::Redaction;

/// How deep entries stand in the file, in blanks.
const ENTRY_INDENT: usize = 6;

/// A cassette, and the files that it names.
pub(super) struct Rendered {
    pub(super) text: Vec<u8>,
    pub(super) sides: BTreeMap<String, Vec<u8>>,
}

/// The whole file.
pub(super) fn file(path: &Path, draft: &Draft, redaction: &Redaction) -> Result<Rendered, WriteProblem> {
    let mut sides = BTreeMap::new();
    let ours = draft.about.as_ref();
    let entries = entries(path, draft, ours.map(|_| 0), &mut sides)?;
    let mut members = vec![
        ("version", Node::text("1.2")),
        (
            "creator",
            Node::object([
                ("name", Node::text("countersign-harness")),
                ("version", Node::text(env!("CARGO_PKG_VERSION"))),
            ]),
        ),
    ];
    if let Some(about) = ours {
        members.push(("_countersign", log_note(about, draft, redaction)));
    }
    let mut text = "{\n  \"log\": {".to_owned();
    for (name, value) in members {
        // What a cassette says about itself changes line by line.
        let outer = usize::from(name == "_countersign");
        text.push_str(&format!("\n    \"{name}\": {},", value.lines(4, outer)));
    }
    text.push_str("\n    \"entries\": [");
    for (at, entry) in entries.iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(ENTRY_INDENT));
        text.push_str(entry);
    }
    text.push_str(if entries.is_empty() { "]\n  }\n}\n" } else { "\n    ]\n  }\n}\n" });
    Ok(Rendered { text: text.into_bytes(), sides })
}

/// The entries, each as it stands in the file. With a number, they are ours and numbered from there on; without, they
/// are plain HAR.
pub(super) fn entries(
    path: &Path,
    draft: &Draft,
    first: Option<u64>,
    sides: &mut BTreeMap<String, Vec<u8>>,
) -> Result<Vec<String>, WriteProblem> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or(WriteProblem::NoName)?;
    // What names of other files must not have: they shall be found on every system.
    let stem = &stem.replace(|c: char| matches!(c, '\\' | ':') || c.is_control(), "-");
    let mut seq = first;
    let mut lines = Vec::with_capacity(draft.entries.len());
    for (at, entry) in draft.entries.iter().enumerate() {
        let bodies = Bodies { stem, ours: first.is_some(), sides: &mut *sides };
        lines.push(node(at, entry, seq, bodies)?.lines(ENTRY_INDENT, 1));
        seq = seq.map(|seq| seq + 1);
    }
    Ok(lines)
}

fn log_note(about: &DraftAbout, draft: &Draft, redaction: &Redaction) -> Node {
    let kind = ProvenanceKind::NAMED.iter().find(|(kind, _)| *kind == about.kind).map_or("", |(_, name)| name);
    let mut provenance = Node::object([("kind", Node::text(kind)), ("source", Node::text(&about.source))]);
    let last = draft.entries.iter().map(|entry| entry.started).max();
    let recorded = about.kind == ProvenanceKind::Recorded || about.expires.is_some();
    if let Some(time) = about.recorded_at.or_else(|| last.filter(|_| recorded)) {
        provenance = provenance.with("recorded_at", Node::text(time.to_string()));
    }
    let names = redaction.names().map(Node::text).collect::<Vec<_>>();
    let mut redacted = Node::object([("profile", Node::text(crate::redact::PROFILE))]);
    if !names.is_empty() {
        redacted = redacted.with("names", Node::List(names));
    }
    let mut note = Node::object([
        ("version", Node::text(SUPPORTED.to_string())),
        ("provenance", provenance),
        ("provider", Node::text(&about.provider)),
        ("title", Node::text(&about.title)),
        ("redaction", redacted),
    ]);
    if let Some(age) = about.expires {
        let then = WhenExpired::NAMED.iter().find(|(then, _)| *then == age.then).map_or("", |(_, name)| name);
        note = note.with("age", Node::object([("days", Node::number(age.days)), ("then", Node::text(then))]));
    }
    if !about.variables.is_empty() {
        let variables = about.variables.iter().map(|(name, value)| (name.clone(), Node::text(value)));
        note = note.with("variables", Node::Object(variables.collect()));
    }
    match &about.case {
        Some(case) => note.with("case", case.clone()),
        None => note,
    }
}

fn node(at: usize, entry: &DraftEntry, seq: Option<u64>, mut bodies: Bodies<'_>) -> Result<Node, WriteProblem> {
    let request = &entry.request;
    let host = request.host.as_deref().filter(|host| !host.is_empty()).ok_or(WriteProblem::NoHost { entry: at })?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '#';
    if !request.target.starts_with('/') || !request.target.chars().all(plain) {
        return Err(WriteProblem::Target { entry: at, target: Shown::of(&request.target) });
    }
    let port = entry.port.filter(|port| *port != entry.scheme.port());
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let mut digests = Vec::new();

    let mut asked = Node::object([
        ("method", Node::text(&request.method)),
        ("url", Node::text(format!("{}://{host}{port}{}", entry.scheme, request.target))),
        ("httpVersion", Node::text("HTTP/1.1")),
        ("cookies", cookies(&request.headers, "cookie", ';')),
        ("headers", pairs(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))),
        ("queryString", decoded_pairs(query.as_bytes())),
    ]);
    let size = request.body.len();
    if let Some(data) = bodies.post_data(request.header("content-type"), &request.body, &mut digests)? {
        asked = asked.with("postData", data);
    }
    asked = asked.with("headersSize", Node::number(-1)).with("bodySize", Node::number(size));

    let (answered, failure) = match entry.answer.received() {
        Ok(reply) => {
            let header = |name: &str| reply.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let mime_type = header("content-type").map(|(_, value)| value.as_str());
            let location = header("location").map_or("", |(_, value)| value);
            let content = bodies.content(mime_type, &reply.body, &mut digests)?;
            let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            (response(reply.status, headers, &reply.headers, content, location, reply.body.len()), None)
        }
        Err(kind) => {
            let content = Node::object([("size", Node::number(0)), ("mimeType", Node::text("x-unknown"))]);
            (response(0, std::iter::empty(), &[], content, "", 0), Some(kind))
        }
    };

    let time = milliseconds(entry.took);
    let mut written = Node::object([
        ("startedDateTime", Node::text(entry.started.to_string())),
        ("time", Node::number(time.clone())),
    ]);
    if let Some(comment) = &entry.comment {
        written = written.with("comment", Node::text(comment));
    }
    written = written.with("request", asked).with("response", answered).with("cache", Node::Object(Vec::new())).with(
        "timings",
        Node::object([("send", Node::number(0)), ("wait", Node::number(time)), ("receive", Node::number(0))]),
    );
    if let Some(seq) = seq {
        written = written.with("_countersign", entry_note(entry, seq, failure, digests));
    }
    Ok(written)
}

fn response<'h>(
    status: u16,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    all: &[(String, String)],
    content: Node,
    location: &str,
    size: usize,
) -> Node {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    Node::object([
        ("status", Node::number(status)),
        ("statusText", Node::text(reason)),
        ("httpVersion", Node::text("HTTP/1.1")),
        ("cookies", cookies(all, "set-cookie", '\n')),
        ("headers", pairs(headers)),
        ("content", content),
        ("redirectURL", Node::text(location)),
        ("headersSize", Node::number(-1)),
        ("bodySize", Node::number(size)),
    ])
}

fn entry_note(
    entry: &DraftEntry,
    seq: u64,
    failure: Option<TransportFailureKind>,
    digests: Vec<(String, Node)>,
) -> Node {
    let note = &entry.note;
    let mut written = Node::object([("seq", Node::number(seq))]);
    if !note.bind.0.is_empty() {
        let bind = note.bind.0.iter().map(|(name, place)| (name.clone(), place.clone()));
        written = written.with("bind", Node::Object(bind.collect()));
    }
    if !note.require.0.is_empty() {
        let require = note.require.0.iter().map(|(name, guard)| (name.clone(), Node::text(guard)));
        written = written.with("require", Node::Object(require.collect()));
    }
    if let Some(repeat) = &note.repeat {
        written = written.with("repeat", repeat.clone());
    }
    if let Some(sent) = &note.sent {
        let mut said = Node::object([("to", Node::text(&sent.to)), ("channel", Node::text(&sent.channel))]);
        if let Some(text) = &sent.text {
            said = said.with("text", Node::text(text));
        }
        written = written.with("sent", said);
    }
    if let Some(kind) = failure {
        let word = FAILURES.iter().find(|(known, _)| *known == kind).map_or("no_answer", |(_, name)| name);
        written = written.with("failure", Node::text(word));
    }
    if digests.is_empty() { written } else { written.with("body", Node::Object(digests)) }
}

/// Writes bodies, small ones in the entry and large ones beside the cassette.
struct Bodies<'a> {
    stem: &'a str,
    ours: bool,
    sides: &'a mut BTreeMap<String, Vec<u8>>,
}

impl Bodies<'_> {
    fn post_data(
        &mut self,
        mime_type: Option<&str>,
        body: &[u8],
        digests: &mut Vec<(String, Node)>,
    ) -> Result<Option<Node>, WriteProblem> {
        if body.is_empty() {
            return Ok(None);
        }
        let mut data = Node::object([("mimeType", Node::text(mime_type.unwrap_or("x-unknown")))]);
        if !self.aside(Body::Request, body, digests)? {
            let form = mime_type.is_some_and(|mime_type| essence(mime_type) == "application/x-www-form-urlencoded");
            if form && std::str::from_utf8(body).is_ok() {
                data = data.with("params", decoded_pairs(body));
            }
            data = text(data, body);
        }
        Ok(Some(data))
    }

    fn content(
        &mut self,
        mime_type: Option<&str>,
        body: &[u8],
        digests: &mut Vec<(String, Node)>,
    ) -> Result<Node, WriteProblem> {
        let mut content = Node::object([
            ("size", Node::number(body.len())),
            ("mimeType", Node::text(mime_type.unwrap_or("x-unknown"))),
        ]);
        if !body.is_empty() && !self.aside(Body::Response, body, digests)? {
            content = text(content, body);
        }
        Ok(content)
    }

    /// Notes the digest; whether the body goes into a file of its own.
    fn aside(&mut self, which: Body, body: &[u8], digests: &mut Vec<(String, Node)>) -> Result<bool, WriteProblem> {
        let digest = Sha256::of(body).to_string();
        let mut note = Node::object([("sha256", Node::text(&digest))]);
        // A plain HAR file cannot name other files.
        let aside = self.ours && body.len() > INLINE_LIMIT;
        if aside {
            // Named by its content: the same body is one file, and another one never takes its place.
            let name = format!("{}.{}.body", self.stem, digest.get(..16).unwrap_or(&digest));
            note = note.with("file", Node::text(&name));
            self.sides.insert(name, body.to_vec());
        }
        digests.push((which.to_string(), note));
        Ok(aside)
    }
}

/// The body as text where it is text; `encoding` in a request is the name of the HAR 1.3 proposal.
fn text(node: Node, body: &[u8]) -> Node {
    match std::str::from_utf8(body) {
        Ok(text) => node.with("text", Node::text(text)),
        Err(_) => node.with("text", Node::text(STANDARD.encode(body))).with("encoding", Node::text("base64")),
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Node {
    Node::List(
        pairs.map(|(name, value)| Node::object([("name", Node::text(name)), ("value", Node::text(value))])).collect(),
    )
}

fn decoded_pairs(encoded: &[u8]) -> Node {
    let decoded: Vec<_> = form_urlencoded::parse(encoded).collect();
    pairs(decoded.iter().map(|(name, value)| (&**name, &**value)))
}

/// Names and values; of a response's cookies without attributes, which the header has.
fn cookies(headers: &[(String, String)], header: &str, between: char) -> Node {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    let cookies = values
        .flat_map(|(_, value)| value.split(between))
        .filter_map(|cookie| if between == ';' { Some(cookie) } else { cookie.split(';').next() })
        .filter(|cookie| between != ';' || !cookie.trim().is_empty())
        .map(|cookie| cookie.split_once('=').unwrap_or(("", cookie)))
        .map(|(name, value)| (name.trim(), value.trim()));
    pairs(cookies)
}

fn milliseconds(time: Duration) -> Number {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    if micros % 1000 == 0 {
        return (micros / 1000).into();
    }
    // Times of exchanges are far below the 2^53 microseconds up to which this is exact.
    #[allow(clippy::cast_precision_loss, reason = "285 years")]
    Number::from_f64(micros as f64 / 1000.0).unwrap_or_else(|| (micros / 1000).into())
}
