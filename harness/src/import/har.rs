//! HAR, as browsers and proxies really write it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use super::exchange::Exchange;
use super::loss::{Loss, Lost};
use super::problem::ImportProblem;
use super::{Format, Imported};
use crate::cassette::{Body, Shown};

/// Reads a file whose JSON this is.
pub(super) fn imported(file: Value) -> Result<Imported, ImportProblem> {
    let log = &file["log"];
    if log.get("_countersign").is_some() {
        return Err(ImportProblem::Cassette);
    }
    let missing = |wanted| ImportProblem::Missing { place: "log".to_owned(), wanted };
    let entries = log["entries"].as_array().ok_or_else(|| missing("the list `entries`"))?;
    let mut lost = Vec::new();
    let mut taken = Vec::with_capacity(entries.len());
    let mut timed = true;
    let mut newer = 0;
    for (at, entry) in entries.iter().enumerate() {
        let place = format!("log.entries[{at}]");
        newer += usize::from(is_newer(&entry["request"]["httpVersion"]) || is_newer(&entry["response"]["httpVersion"]));
        match exchange(entry, &place, &mut lost)? {
            Ok(exchange) => {
                timed &= exchange.started.is_some();
                taken.extend(exchange.entry(&mut lost));
            }
            Err(what) => lost.push(Loss { place, what }),
        }
    }
    let general = |what| Loss { place: "log".to_owned(), what };
    if newer > 0 {
        lost.push(general(Lost::HttpVersion(newer)));
    }
    let creator = &log["creator"];
    let name = text(&creator["name"]);
    let has_credentials =
        taken.iter().any(|entry| ["authorization", "cookie"].iter().any(|name| entry.request.header(name).is_some()));
    if !taken.is_empty() && !has_credentials && is_browser(&name) {
        lost.push(general(Lost::Sanitized));
    }
    let tool = format!("{name} {}", text(&creator["version"]));
    let tool = Some(tool.trim().to_owned()).filter(|tool| !tool.is_empty());
    Ok(Imported { format: Format::Har, tool, entries: taken, timed, lost })
}

type Taken = Result<Exchange, Lost>;

fn exchange(entry: &Value, place: &str, lost: &mut Vec<Loss>) -> Result<Taken, ImportProblem> {
    let (request, response) = (&entry["request"], &entry["response"]);
    for (value, wanted) in [(request, "the object `request`"), (&request["url"], "`request.url`")] {
        if value.is_null() {
            return Err(ImportProblem::Missing { place: place.to_owned(), wanted });
        }
    }
    if let Some(messages) = entry["_webSocketMessages"].as_array().filter(|messages| !messages.is_empty()) {
        lost.push(Loss { place: place.to_owned(), what: Lost::WebSocket(messages.len()) });
    }
    let status = response["status"].as_u64().unwrap_or_default();
    // So do browsers say that a request was blocked, and mitmproxy that the connection broke.
    if status == 0 {
        return Ok(Err(Lost::NoAnswer));
    }
    let mut headers = pairs(&request["headers"]);
    let body = match request_body(&request["postData"], request, place, lost)? {
        Ok(body) => body,
        Err(what) => return Ok(Err(what)),
    };
    let mime_type = text(&request["postData"]["mimeType"]);
    if !body.is_empty() && !mime_type.is_empty() && header(&headers, "content-type").is_none() {
        headers.push(("Content-Type".to_owned(), mime_type));
    }
    // What no text can hold was replaced; without its bytes, a compressed body is lost.
    let compressed =
        header(&headers, "content-encoding").filter(|_| String::from_utf8_lossy(&body).contains('\u{fffd}'));
    if let Some(encoding) = compressed {
        return Ok(Err(Lost::Encoding(Body::Request, Shown::of(encoding))));
    }
    let content = &response["content"];
    // HAR holds the decoded body beside the headers of the encoded one.
    let mut answer_headers = pairs(&response["headers"]);
    answer_headers.retain(|(name, _)| {
        !["content-encoding", "content-length"].iter().any(|framing| name.eq_ignore_ascii_case(framing))
    });
    let answer = decoded(&content["text"], &content["encoding"], place, "response.content")?;
    let size = content["size"].as_i64().or_else(|| response["bodySize"].as_i64());
    let method = text(&request["method"]);
    let bodiless = matches!(status, 100..=199 | 204 | 304) || method.eq_ignore_ascii_case("head");
    if let (None, Some(size), false) =
        (&answer, size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0), bodiless)
    {
        return Ok(Err(Lost::NoBody { body: Body::Response, size: Some(size) }));
    }
    let mime_type = text(&content["mimeType"]);
    if !matches!(mime_type.as_str(), "" | "x-unknown") && header(&answer_headers, "content-type").is_none() {
        answer_headers.push(("Content-Type".to_owned(), mime_type));
    }
    Ok(Ok(Exchange {
        place: place.to_owned(),
        method,
        url: text(&request["url"]),
        headers,
        body,
        status,
        reason: text(&response["statusText"]),
        answer_headers,
        answer: answer.unwrap_or_default(),
        started: entry["startedDateTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok()),
        took: entry["time"].as_f64().map(|time| time / 1000.0).and_then(seconds).unwrap_or_default(),
        comment: entry["comment"].as_str().map(str::to_owned),
    }))
}

fn request_body(
    data: &Value,
    request: &Value,
    place: &str,
    lost: &mut Vec<Loss>,
) -> Result<Result<Vec<u8>, Lost>, ImportProblem> {
    if let Some(body) = decoded(&data["text"], &data["encoding"], place, "request.postData")? {
        return Ok(Ok(body));
    }
    let params = data["params"].as_array().filter(|params| !params.is_empty());
    Ok(match params {
        // Charles and others give forms by their parameters alone.
        Some(params) if text(&data["mimeType"]).starts_with("application/x-www-form-urlencoded") => {
            lost.push(Loss { place: format!("{place}.request.postData"), what: Lost::FormMadeAnew });
            let pairs = params.iter().map(|param| (text(&param["name"]), text(&param["value"])));
            Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes())
        }
        Some(_) => Err(Lost::BodyInParts(Body::Request)),
        None => match request["bodySize"].as_u64() {
            Some(size) if size > 0 => Err(Lost::NoBody { body: Body::Request, size: Some(size) }),
            _ => Ok(Vec::new()),
        },
    })
}

/// The bytes of a text, where there is any.
fn decoded(text: &Value, encoding: &Value, place: &str, member: &str) -> Result<Option<Vec<u8>>, ImportProblem> {
    let Some(text) = text.as_str().filter(|text| !text.is_empty()) else { return Ok(None) };
    if encoding.as_str() != Some("base64") {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let plain: String = text.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(plain).map_err(|_| ImportProblem::NotBase64 { place: format!("{place}.{member}") })?;
    Ok(Some(bytes))
}

/// Headers, without HTTP/2's own. Firefox and Chromium write several of one name as one, with line breaks.
fn pairs(headers: &Value) -> Vec<(String, String)> {
    let headers =
        headers.as_array().into_iter().flatten().map(|header| (text(&header["name"]), text(&header["value"])));
    headers
        .filter(|(name, _)| !name.is_empty() && !name.starts_with(':'))
        .flat_map(|(name, value)| {
            value.split('\n').map(|value| (name.clone(), value.trim().to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

fn is_newer(version: &Value) -> bool {
    let version = text(version).to_ascii_lowercase();
    ["h2", "h3", "http/2", "http/2.0", "http/3", "http/3.0"].contains(&version.as_str())
}

fn is_browser(creator: &str) -> bool {
    ["WebInspector", "Firefox", "Chrome", "Safari", "Edge"].iter().any(|name| creator.contains(name))
}
