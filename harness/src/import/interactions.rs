//! The two VCRs: a list of interactions, each with request and response.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::exchange::Exchange;
use super::loss::{Loss, Lost};
use super::problem::ImportProblem;
use super::yaml::Node;
use super::{Format, Imported};
use crate::cassette::{Body, Shown};

/// Tags of scalars that are text all the same.
const TEXT_TAGS: [&str; 5] = ["str", "python/unicode", "python/str", "string", "ruby/string"];

/// Reads a document of this format.
pub(super) fn imported(text: &str, root: &Node, format: Format) -> Result<Imported, ImportProblem> {
    let key = if format == Format::Vcr { "http_interactions" } else { "interactions" };
    if let (Format::Vcr, Some(problem)) = (format, erb(text)) {
        return Err(problem);
    }
    let list = root.get(key);
    let items = match list {
        // Nothing was recorded.
        Some(list) if list.is_null() => &[],
        _ => list.and_then(Node::items).ok_or_else(|| ImportProblem::Missing {
            place: format!("line {}: {key}", list.map_or(root.line, |list| list.line)),
            wanted: "the list",
        })?,
    };
    let mut lost = Vec::new();
    let mut entries = Vec::with_capacity(items.len());
    let mut timed = true;
    for (at, item) in items.iter().enumerate() {
        let place = format!("line {}: {key}[{at}]", item.line);
        match exchange(item, &place)? {
            Ok(exchange) => {
                timed &= exchange.started.is_some();
                entries.extend(exchange.entry(&mut lost));
            }
            Err(what) => lost.push(Loss { place, what }),
        }
    }
    let tool = match format {
        Format::Vcr => root.get("recorded_with").and_then(Node::text).map(str::to_owned),
        Format::Vcrpy | Format::Har => Some("vcrpy".to_owned()),
    };
    Ok(Imported { format, tool, entries, timed, lost })
}

/// Why a file that Ruby must fill in cannot be read.
pub(super) fn erb(text: &str) -> Option<ImportProblem> {
    text.find("<%").map(|at| ImportProblem::Erb { line: 1 + text[..at].matches('\n').count() })
}

fn exchange(item: &Node, place: &str) -> Result<Result<Exchange, Lost>, ImportProblem> {
    let missing = |wanted| ImportProblem::Missing { place: place.to_owned(), wanted };
    let request = item.get("request").ok_or_else(|| missing("`request`"))?;
    let response = item.get("response").ok_or_else(|| missing("`response`"))?;
    let Some(uri) = request.get("uri") else {
        let go = request.get("url").is_some();
        return Err(if go { ImportProblem::GoVcr { place: place.to_owned() } } else { missing("`request.uri`") });
    };
    let Some(url) = uri.text().filter(|_| uri.tag.as_deref().is_none_or(|tag| TEXT_TAGS.contains(&tag))) else {
        let shown = uri.text().unwrap_or_default();
        return Ok(Err(Lost::Pattern(Shown::of(shown))));
    };
    let method = request.get("method").and_then(Node::text).ok_or_else(|| missing("`request.method`"))?;
    let status = response.get("status").ok_or_else(|| missing("`response.status`"))?;
    let code = status.get("code").and_then(Node::text).ok_or_else(|| missing("`response.status.code`"))?;
    let Ok(code) = code.parse() else { return Ok(Err(Lost::Status(Shown::of(code)))) };
    let mut bodies = Vec::with_capacity(2);
    for (part, body) in [(request, Body::Request), (response, Body::Response)] {
        match part.get("body").map_or(Ok(Ok(Vec::new())), |node| bytes(node, body, place))? {
            Ok(bytes) => bodies.push(bytes),
            Err(what) => return Ok(Err(what)),
        }
    }
    let answer = bodies.pop().unwrap_or_default();
    let body = bodies.pop().unwrap_or_default();
    Ok(Ok(Exchange {
        place: place.to_owned(),
        method: method.trim_start_matches(':').to_owned(),
        url: url.to_owned(),
        headers: headers(request, place)?,
        body,
        status: code,
        reason: status.get("message").and_then(Node::text).unwrap_or_default().to_owned(),
        answer_headers: headers(response, place)?,
        answer,
        started: item.get("recorded_at").and_then(Node::text).and_then(time),
        took: Duration::ZERO,
        comment: None,
    }))
}

/// Each name with one value, or with a list of them.
fn headers(part: &Node, place: &str) -> Result<Vec<(String, String)>, ImportProblem> {
    let mut headers = Vec::new();
    for (name, value) in part.get("headers").and_then(Node::pairs).unwrap_or_default() {
        let Some(name) = name.text() else { continue };
        let values = value.items().unwrap_or_else(|| std::slice::from_ref(value));
        for value in values.iter().filter(|value| !value.is_null()) {
            let bytes = scalar(value, place)?.unwrap_or_default();
            headers.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(headers)
}

/// The bytes of a body, in any of the ways in which it is written.
fn bytes(node: &Node, body: Body, place: &str) -> Result<Result<Vec<u8>, Lost>, ImportProblem> {
    if node.is_null() {
        return Ok(Ok(Vec::new()));
    }
    if let Some(bytes) = scalar(node, place)? {
        return Ok(Ok(bytes));
    }
    // What Python makes of a body that was a file: its content, the position in it, and nothing.
    if node.tag.as_deref().is_some_and(|tag| tag.starts_with("python/object")) {
        let content = node.get("state").and_then(Node::items).and_then(<[Node]>::first);
        let content = content.map(|content| scalar(content, place)).transpose()?.flatten();
        return Ok(content.ok_or(Lost::BodyInParts(body)));
    }
    if let Some(encoded) = node.get("base64_string").and_then(Node::text) {
        return base64(encoded, place).map(Ok);
    }
    let Some(string) = node.get("string") else {
        // An empty map, or one that names only the encoding of nothing.
        let names_other = node.pairs().is_none_or(|pairs| pairs.iter().any(|(key, _)| key.text() != Some("encoding")));
        return Ok(if names_other { Err(Lost::BodyInParts(body)) } else { Ok(Vec::new()) });
    };
    if string.is_null() {
        return Ok(Ok(Vec::new()));
    }
    let Some(bytes) = scalar(string, place)? else { return Ok(Err(Lost::BodyInParts(body))) };
    let charset = node.get("encoding").and_then(Node::text).unwrap_or("UTF-8");
    if string.is_tagged("binary") || bytes.is_ascii() {
        return Ok(Ok(bytes));
    }
    // VCR has the text, and Ruby writes it in the character set again.
    Ok(match charset.to_ascii_uppercase().as_str() {
        "UTF-8" | "US-ASCII" | "ASCII-8BIT" | "BINARY" => Ok(bytes),
        "ISO-8859-1" => {
            let latin = |c: char| u8::try_from(u32::from(c)).ok();
            let text = String::from_utf8_lossy(&bytes);
            text.chars().map(latin).collect::<Option<_>>().ok_or_else(|| Lost::Charset(body, Shown::of(charset)))
        }
        _ => Err(Lost::Charset(body, Shown::of(charset))),
    })
}

/// The bytes of a scalar, by its tag; `None` where it is none, or of a kind that only its own language knows.
fn scalar(node: &Node, place: &str) -> Result<Option<Vec<u8>>, ImportProblem> {
    let Some(text) = node.text() else { return Ok(None) };
    match node.tag.as_deref() {
        Some("binary") => base64(text, place).map(Some),
        Some(tag) if !TEXT_TAGS.contains(&tag) => Ok(None),
        _ => Ok(Some(text.as_bytes().to_vec())),
    }
}

fn base64(text: &str, place: &str) -> Result<Vec<u8>, ImportProblem> {
    let plain: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(plain).map_err(|_| ImportProblem::NotBase64 { place: place.to_owned() })
}

/// As Ruby writes it (RFC 9110 §5.6.7), or as RFC 3339 has it.
fn time(text: &str) -> Option<Timestamp> {
    let http = || httpdate::parse_http_date(text).ok().and_then(|time: SystemTime| Timestamp::try_from(time).ok());
    text.parse().ok().or_else(http)
}
