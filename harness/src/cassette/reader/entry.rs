//! Checks one entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_plugin::TransportFailureKind;
use url::{Url, form_urlencoded};

use super::side::Sides;
use super::{BODY_LIMIT, check_keys, note};
use crate::cassette::asked::Asked;
use crate::cassette::digest::Sha256;
use crate::cassette::entry::{Answer, Entry, FAILURES, Reply};
use crate::cassette::format::{
    BodiesFormat, BodyFormat, ContentFormat, EntryFormat, EntryNoteFormat, PostDataFormat, RequestFormat,
    ResponseFormat,
};
use crate::cassette::mirror;
use crate::cassette::problem::{Body, EntryProblem};
use crate::cassette::sent::{Authorization, Sent, SentBody};
use crate::cassette::shown::Shown;
use crate::cassette::unknown::UnknownWord;

/// Headers that describe how a body was framed or compressed on the wire. HAR holds the decoded body,
/// to which they no longer apply.
const FRAMING: [&str; 5] = ["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"];
/// Ends of the names of headers that carry a key instead of `Authorization`, where only the recording can tell.
const KEY_HEADERS: [&str; 5] = ["api-key", "apikey", "access-key", "access-token", "auth-token"];

pub(super) fn checked(
    index: usize,
    format: EntryFormat,
    previous: Option<u64>,
    sides: &mut Sides<'_>,
) -> Result<Entry, EntryProblem> {
    let said = format.note.unwrap_or_default();
    check_keys("_countersign", &said.unknown, EntryNoteFormat::KEYS)?;
    if let (Some(previous), Some(found)) = (previous, said.seq)
        && found <= previous
    {
        return Err(EntryProblem::Order { previous, found });
    }
    let title = match format.comment {
        Some(comment) if !comment.is_empty() => Shown::message(&comment),
        _ => {
            let address = format.request.url.split(['?', '#']).next();
            let address = address.unwrap_or_default();
            Shown::message(&format!("{} {address}", format.request.method))
        }
    };
    let headers = format.request.headers.iter().map(|header| header.name.clone()).collect();
    let bodies = said.body.as_ref();
    let (request_side, response_side) = side_bodies(bodies, sides)?;
    let (request, request_body) = request(format.request, request_side)?;
    let failure =
        said.failure.map(|word| UnknownWord::look_up("_countersign.failure", &word, &FAILURES)).transpose()?;
    let answer = answer(format.response, failure, response_side)?;
    if let Some(bodies) = bodies {
        check_keys("_countersign.body", &bodies.unknown, BodiesFormat::KEYS)?;
        check_digest(bodies.request.as_ref(), Body::Request, &request_body)?;
        let response_body = match &answer {
            Answer::Reply(reply) => &*reply.body,
            Answer::Failure(_) => &[],
        };
        check_digest(bodies.response.as_ref(), Body::Response, response_body)?;
    }
    let asked = Asked::of(&request);
    let bindings = note::bindings(said.bind, said.require, &asked)?;
    let message = note::message(said.sent, &asked, &answer)?;
    Ok(Entry {
        index,
        title: title.to_string(),
        seq: said.seq,
        bindings,
        repeat: note::repeat(said.repeat)?,
        message,
        request,
        headers,
        answer,
    })
}

/// The bodies that lie in files of their own: the request's and the response's.
type SideBodies = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Reads them.
pub(super) fn side_bodies(bodies: Option<&BodiesFormat>, sides: &mut Sides<'_>) -> Result<SideBodies, EntryProblem> {
    let mut side = |format: Option<&BodyFormat>, body: Body| {
        let name = format.and_then(|format| format.file.as_deref());
        name.map(|name| sides.body(name, body)).transpose()
    };
    let Some(bodies) = bodies else {
        return Ok((None, None));
    };
    Ok((side(bodies.request.as_ref(), Body::Request)?, side(bodies.response.as_ref(), Body::Response)?))
}

fn request(format: RequestFormat, side: Option<Vec<u8>>) -> Result<(Sent, Vec<u8>), EntryProblem> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    if format.method.is_empty() || !format.method.bytes().all(plain) {
        return Err(EntryProblem::Method { method: Shown::of(&format.method) });
    }
    let url = Url::parse(&format.url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| EntryProblem::Url { url: Shown::of(&format.url) })?;
    mirror::check_query(&format.url, format.query_string.as_deref())?;
    mirror::check_request_cookies(&format.headers, format.cookies.as_deref())?;
    let headers = format.headers.iter().map(|header| (header.name.as_str(), header.value.as_str()));
    let authorization = authorization(headers).ok_or(EntryProblem::BasicCredentials)?;
    let (body, bytes) = match (format.post_data, side) {
        (Some(data), side) => request_body(data, side)?,
        (None, Some(bytes)) => (SentBody::Other(bytes.clone()), bytes),
        (None, None) => (SentBody::Empty, Vec::new()),
    };
    let sent = Sent { method: format.method, url, authorization, body };
    Ok((sent, bytes))
}

/// How these headers say who asks; `None` where it is basic authentication and cannot be read.
pub(crate) fn authorization<'h>(headers: impl Iterator<Item = (&'h str, &'h str)> + Clone) -> Option<Authorization> {
    let Some((name, value)) = headers.clone().find(|(name, _)| name.eq_ignore_ascii_case("authorization")) else {
        let key = headers.map(|(name, _)| name).find(|name| {
            let name = name.to_ascii_lowercase();
            KEY_HEADERS.iter().any(|end| name.ends_with(end))
        });
        return Some(key.map_or(Authorization::None, |name| Authorization::Header { name: name.to_owned() }));
    };
    let (scheme, credentials) = value.trim().split_once(' ').unwrap_or_else(|| (value.trim(), ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Authorization::Bearer);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(Authorization::Header { name: name.to_owned() });
    }
    STANDARD
        .decode(credentials.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split_once(':').map(|(user, _)| user.to_owned()))
        .map(|user| Authorization::Basic { user })
}

fn request_body(data: PostDataFormat, side: Option<Vec<u8>>) -> Result<(SentBody, Vec<u8>), EntryProblem> {
    let params = data.params.as_ref().filter(|params| !params.is_empty());
    let is_form = essence(&data.mime_type) == "application/x-www-form-urlencoded";
    if params.is_some() && !is_form {
        return Err(EntryProblem::ParamsBesideBody { mime_type: Shown::of(&data.mime_type) });
    }
    let bytes = request_bytes(&data, side)?;
    check_size(&bytes, Body::Request)?;
    let body = if bytes.is_empty() {
        SentBody::Empty
    } else if is_form {
        if let Some(params) = params {
            mirror::check_params(&String::from_utf8_lossy(&bytes), params)?;
        }
        SentBody::Form(form_urlencoded::parse(&bytes).into_owned().collect())
    } else if is_json(&data.mime_type) {
        // A recorded body may be malformed on purpose; then its bytes count.
        serde_json::from_slice(&bytes).map_or_else(|_| SentBody::Other(bytes.clone()), SentBody::Json)
    } else {
        SentBody::Other(bytes.clone())
    };
    Ok((body, bytes))
}

/// The bytes of a request's body, wherever they stand.
pub(super) fn request_bytes(data: &PostDataFormat, side: Option<Vec<u8>>) -> Result<Vec<u8>, EntryProblem> {
    let params = data.params.as_ref().filter(|params| !params.is_empty());
    let text = data.text.as_ref().filter(|text| !text.is_empty());
    Ok(match (text, params, side) {
        (Some(_), _, Some(_)) => return Err(EntryProblem::TwoBodies { body: Body::Request }),
        (None, _, Some(bytes)) => bytes,
        (Some(text), _, None) => decoded(text.clone(), data.encoding.as_deref(), Body::Request)?,
        // HAR has the one or the other.
        (None, Some(params), None) => form_urlencoded::Serializer::new(String::new())
            .extend_pairs(params.iter().map(|pair| (&pair.name, &pair.value)))
            .finish()
            .into_bytes(),
        (None, None, None) => Vec::new(),
    })
}

/// The bytes of a response's body, wherever they stand.
pub(super) fn response_bytes(content: Option<&ContentFormat>, side: Option<Vec<u8>>) -> Result<Vec<u8>, EntryProblem> {
    let text = content.and_then(|content| content.text.as_ref()).filter(|text| !text.is_empty());
    match (text, side) {
        (Some(_), Some(_)) => Err(EntryProblem::TwoBodies { body: Body::Response }),
        (None, Some(bytes)) => Ok(bytes),
        (text, None) => {
            let encoding = content.and_then(|content| content.encoding.as_deref());
            decoded(text.cloned().unwrap_or_default(), encoding, Body::Response)
        }
    }
}

fn answer(
    response: Option<ResponseFormat>,
    failure: Option<TransportFailureKind>,
    side: Option<Vec<u8>>,
) -> Result<Answer, EntryProblem> {
    // Tools write status 0 where no response came.
    let response = response.filter(|response| response.status != 0);
    let response = match (response, failure) {
        (None, Some(failure)) => return Ok(Answer::Failure(failure)),
        (None, None) => return Err(EntryProblem::NoAnswer),
        (Some(response), Some(_)) => {
            return Err(EntryProblem::TwoAnswers { status: response.status });
        }
        (Some(response), None) => response,
    };
    let status = u16::try_from(response.status)
        .ok()
        .filter(|status| (100..=599).contains(status))
        .ok_or(EntryProblem::Status { status: response.status })?;
    mirror::check_response_cookies(&response.headers, response.cookies.as_deref())?;
    let mut headers: Vec<(String, String)> = response
        .headers
        .into_iter()
        .map(|header| (header.name, header.value))
        .filter(|(name, _)| !is_framing(name))
        .collect();
    let body = response_bytes(response.content.as_ref(), side)?;
    check_size(&body, Body::Response)?;
    if let Some(content) = response.content {
        mirror::check_size(&content, body.len())?;
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        // Chromium's word for unknown.
        if !typed && !matches!(&*content.mime_type, "" | "x-unknown") {
            headers.push(("Content-Type".to_owned(), content.mime_type));
        }
    }
    Ok(Answer::Reply(Reply { status, headers, body }))
}

/// Whether a header is about the wire and not about what went over it.
pub(crate) fn is_framing(name: &str) -> bool {
    // HTTP/2 pseudo-headers begin with a colon.
    name.starts_with(':') || FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing))
}

fn decoded(text: String, encoding: Option<&str>, body: Body) -> Result<Vec<u8>, EntryProblem> {
    match encoding {
        None | Some("") => Ok(text.into_bytes()),
        Some("base64") => STANDARD.decode(text).map_err(|_| EntryProblem::NotBase64 { body }),
        Some(found) => Err(EntryProblem::Encoding { body, found: Shown::of(found) }),
    }
}

fn check_size(bytes: &[u8], body: Body) -> Result<(), EntryProblem> {
    if bytes.len() > BODY_LIMIT {
        return Err(EntryProblem::BodyTooLarge { body, size: bytes.len(), limit: BODY_LIMIT });
    }
    Ok(())
}

fn check_digest(format: Option<&BodyFormat>, body: Body, bytes: &[u8]) -> Result<(), EntryProblem> {
    let Some(format) = format else {
        return Ok(());
    };
    let object = format!("_countersign.body.{body}");
    check_keys(&object, &format.unknown, BodyFormat::KEYS)?;
    let declared = Sha256::parse(&format.sha256).ok_or(EntryProblem::NotADigest { body })?;
    let found = Sha256::of(bytes);
    if declared != found {
        return Err(EntryProblem::Digest { body, declared, found });
    }
    Ok(())
}

pub(crate) fn is_json(mime_type: &str) -> bool {
    let essence = essence(mime_type);
    essence == "application/json" || essence.ends_with("+json")
}

/// The media type without its parameters, in lower case.
pub(crate) fn essence(mime_type: &str) -> String {
    let essence = mime_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}
