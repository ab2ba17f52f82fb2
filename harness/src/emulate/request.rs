//! A request taken apart the way the services do: path by segment, query, and the form of the body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use crate::wire::WireRequest;

/// Twilio's media type for parameters; the only one it reads.
const FORM: &str = "application/x-www-form-urlencoded";

/// One request, decoded. Bytes that are not UTF-8 become U+FFFD, which no parameter allows.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// As it stood in the request line, without the query.
    pub(super) path: &'a str,
    /// The path by segment, each decoded by itself: an escaped slash stays within its segment.
    pub(super) segments: Vec<String>,
    pub(super) query: Fields,
    pub(super) form: Fields,
    request: &'a WireRequest,
}

/// Names and values in their order.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl<'a> Asked<'a> {
    pub(super) fn of(request: &'a WireRequest) -> Self {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let form = if kind(request).is_none_or(|kind| kind.eq_ignore_ascii_case(FORM)) { &*request.body } else { &[] };
        Self {
            method: &request.method,
            path,
            segments: path.split('/').skip(1).map(decoded).collect(),
            query: Fields::of(query.as_bytes()),
            form: Fields::of(form),
            request,
        }
    }

    /// The segments, for matching.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// User and password of HTTP Basic (RFC 7617).
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let (scheme, value) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The body as JSON, whatever its type says.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.request.body).ok()
    }

    /// Whether the body says that it is JSON.
    pub(super) fn says_json(&self) -> bool {
        kind(self.request).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.request.body
    }

    /// Where addresses in answers begin: the service's own, unless the client addressed the emulator itself. Then a
    /// client that follows such an address, to the next page of a list, stays here.
    pub(super) fn origin(&self, own: &str) -> String {
        let plain = |host: &&str| {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
        };
        match (&self.request.host, self.header("host").filter(plain)) {
            (None, Some(host)) => format!("http://{host}"),
            _ => own.to_owned(),
        }
    }
}

impl Fields {
    fn of(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of that name. Where it stands twice, the first counts: nobody documents what Twilio takes then.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Like [`Fields::find`], and an empty value counts as none.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.find(name).filter(|value| !value.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn kind(request: &WireRequest) -> Option<&str> {
    let value = request.header("content-type")?;
    Some(value.split(';').next().unwrap_or(value).trim())
}
