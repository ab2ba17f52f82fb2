//! One exchange, as any format gives it.

use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;
use url::Url;

use super::loss::{Loss, Lost};
use crate::cassette::{BODY_LIMIT, Body, DraftEntry, Scheme, Shown, authorization};
use crate::wire::{WireAnswer, WireReply, WireRequest};

/// Content encodings that the writer undoes.
const UNDONE: [&str; 3] = ["gzip", "x-gzip", "deflate"];

/// One exchange, as the file has it.
pub(super) struct Exchange {
    /// Where it stands.
    pub(super) place: String,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) status: u64,
    pub(super) reason: String,
    pub(super) answer_headers: Vec<(String, String)>,
    pub(super) answer: Vec<u8>,
    pub(super) started: Option<Timestamp>,
    pub(super) took: Duration,
    pub(super) comment: Option<String>,
}

impl Exchange {
    /// The entry of a draft; what it could not take over goes to `lost`. `None` where that was all of it.
    pub(super) fn entry(mut self, lost: &mut Vec<Loss>) -> Option<DraftEntry> {
        let place = self.place.clone();
        match self.checked(lost) {
            Ok(entry) => Some(entry),
            Err(what) => {
                lost.push(Loss { place, what });
                None
            }
        }
    }

    fn checked(&mut self, lost: &mut Vec<Loss>) -> Result<DraftEntry, Lost> {
        let method = self.method.to_ascii_uppercase();
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            return Err(Lost::Method(Shown::of(&self.method)));
        }
        let unusable = || Lost::Address(Shown::of(without_user_info(&self.url)));
        let url = Url::parse(&self.url).map_err(|_| unusable())?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(unusable()),
        };
        let host = url.host_str().ok_or_else(unusable)?.to_owned();
        let status = u16::try_from(self.status).ok().filter(|status| (100..=599).contains(status));
        let status = status.ok_or_else(|| Lost::Status(Shown::of(&self.status.to_string())))?;
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if authorization(headers).is_none() {
            return Err(Lost::Credentials);
        }
        decode(&mut self.headers, &self.body, Body::Request)?;
        decode(&mut self.answer_headers, &self.answer, Body::Response)?;
        for (body, bytes) in [(Body::Request, &self.body), (Body::Response, &self.answer)] {
            if bytes.len() > BODY_LIMIT {
                return Err(Lost::BodyTooLarge { body, size: bytes.len() });
            }
        }

        let mut note = |what| lost.push(Loss { place: self.place.clone(), what });
        if !url.username().is_empty() || url.password().is_some() {
            note(Lost::UserInfo);
        }
        if self.started.is_none() {
            note(Lost::Time);
        }
        let usual = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        if !self.reason.is_empty() && !self.reason.eq_ignore_ascii_case(usual) {
            note(Lost::Reason(Shown::of(&self.reason)));
        }
        let request = WireRequest {
            method,
            host: Some(host),
            target: target(&self.url, &url),
            headers: std::mem::take(&mut self.headers),
            body: std::mem::take(&mut self.body),
        };
        let reply = WireReply {
            status,
            headers: std::mem::take(&mut self.answer_headers).into(),
            body: std::mem::take(&mut self.answer).into(),
        };
        let started = self.started.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut entry = DraftEntry::new(request, scheme, WireAnswer::Reply(reply), started, self.took);
        entry.port = url.port();
        entry.comment = self.comment.take().filter(|comment| !comment.is_empty());
        Ok(entry)
    }
}

/// Path and query as they stand in the file; a parser would write some escapes anew.
fn target(text: &str, url: &Url) -> String {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest).split('#').next().unwrap_or_default();
    let target = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    if target.chars().all(|c| !c.is_whitespace() && !c.is_control()) {
        return target;
    }
    url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}

fn without_user_info(url: &str) -> &str {
    let at = url.split(['?', '#']).next().and_then(|address| address.rfind('@'));
    at.map_or(url, |at| &url[at + 1..])
}

/// Sees to it that headers say of the body what is true of it: most tools undo the encoding and keep the header.
fn decode(headers: &mut Vec<(String, String)>, bytes: &[u8], body: Body) -> Result<(), Lost> {
    let is_encoding = |name: &str| name.eq_ignore_ascii_case("content-encoding");
    let encodings: Vec<String> = headers
        .iter()
        .filter(|(name, _)| is_encoding(name))
        .flat_map(|(_, value)| value.split(','))
        .map(|encoding| encoding.trim().to_ascii_lowercase())
        .filter(|encoding| !encoding.is_empty() && encoding != "identity")
        .collect();
    let Some(last) = encodings.last() else { return Ok(()) };
    let is_encoded =
        if last.ends_with("gzip") { bytes.starts_with(&[0x1f, 0x8b]) } else { std::str::from_utf8(bytes).is_err() };
    if !is_encoded {
        headers.retain(|(name, _)| !is_encoding(name) && !name.eq_ignore_ascii_case("content-length"));
        return Ok(());
    }
    match encodings.iter().find(|encoding| !UNDONE.contains(&encoding.as_str())) {
        Some(unknown) => Err(Lost::Encoding(body, Shown::of(unknown))),
        None => Ok(()),
    }
}
