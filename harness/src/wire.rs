//! HTTP messages as a carrier brings them, and whoever answers them: cassettes, the emulator, faults around either.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_plugin::TransportFailureKind;

use crate::cassette::Shown;

/// One request, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// The method, in upper case.
    pub method: String,
    /// The host that the client means, without its port; `None` where it addressed the carrier itself, so that only the
    /// path tells whose service is meant.
    pub host: Option<String>,
    /// Path and query as they stood in the request line, escapes untouched; begins with `/`.
    pub target: String,
    /// The header fields in their order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, transfer encodings removed.
    pub body: Vec<u8>,
}

/// What comes back.
#[derive(Clone, PartialEq, Eq)]
pub enum WireAnswer {
    /// A response.
    Reply(WireReply),
    /// None: in-process the transport fails like this, a socket is closed without an answer.
    Failure(TransportFailureKind),
    /// A response that the carrier does not bring as it should. In-process the transport reports what a live one would
    /// report of it.
    Disturbed(WireReply, Disturbance),
}

/// How a response comes, where it does not simply come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Whole, but only after this time.
    Late(Duration),
    /// Whole, but in pieces, head first.
    Pieces {
        /// The size of each, at least 1.
        bytes: usize,
        /// The time before each.
        pause: Duration,
    },
    /// In part; then the connection is reset.
    Reset(Reached),
    /// So many bytes of its body, less than there are; then the connection is closed as if that were all. The head
    /// announces the whole body.
    Truncated(usize),
}

/// How far a response comes before its connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Not at all.
    Nothing,
    /// So many bytes of its head, though never all of it.
    Head(usize),
    /// Its head, and so many bytes of its body, though never all of it.
    Body(usize),
}

/// A response. Fields about the framing of the body are the carrier's to write.
#[derive(Clone, PartialEq, Eq)]
pub struct WireReply {
    /// 100 to 599.
    pub status: u16,
    /// The header fields in their order. Shared: one answer may be given a million times.
    pub headers: Arc<[(String, String)]>,
    /// The body.
    pub body: Arc<[u8]>,
}

/// Answers requests, whichever carrier brought them. It never waits: what takes time is a fault, and belongs to the
/// carrier.
pub trait Responder: Send + Sync {
    /// Answers one request.
    fn respond(&self, request: &WireRequest) -> WireAnswer;
}

/// Answers requests that it may have to wait for, such as one that it passes on.
#[async_trait]
pub trait AsyncResponder: Send + Sync {
    /// Answers one request. Whoever asked may hang up, and then this is dropped where it waits.
    async fn answer(&self, request: &WireRequest) -> WireAnswer;
}

/// A [`Responder`] where one is wanted that may wait.
pub(crate) struct AtOnce(pub(crate) Arc<dyn Responder>);

#[async_trait]
impl AsyncResponder for AtOnce {
    async fn answer(&self, request: &WireRequest) -> WireAnswer {
        self.0.respond(request)
    }
}

impl WireRequest {
    /// The first header field of that name, compared without case (RFC 9110 §5.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl WireAnswer {
    /// What a client makes of it that waits long enough.
    ///
    /// # Errors
    /// The failure that its transport reports, where no whole response comes.
    pub const fn received(&self) -> Result<&WireReply, TransportFailureKind> {
        match self {
            Self::Reply(reply) | Self::Disturbed(reply, Disturbance::Late(_) | Disturbance::Pieces { .. }) => Ok(reply),
            Self::Disturbed(_, Disturbance::Reset(_) | Disturbance::Truncated(_)) => {
                Err(TransportFailureKind::NoAnswer)
            }
            Self::Failure(kind) => Err(*kind),
        }
    }
}

impl WireReply {
    /// A reply with a JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        Self { status, headers: Arc::new(headers), body: body.to_string().into_bytes().into() }
    }
}

impl fmt::Debug for WireRequest {
    /// Without credentials, numbers and codes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireRequest")
            .field("method", &self.method)
            .field("host", &self.host)
            // A query may hold keys, as `api_key=…`.
            .field("path", &Shown::of(self.target.split('?').next().unwrap_or_default()))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WireReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireReply({}, {} bytes)", self.status, self.body.len())
    }
}

impl fmt::Debug for WireAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Failure(kind) => write!(f, "Failure({kind:?})"),
            Self::Disturbed(reply, how) => write!(f, "Disturbed({reply:?}, {how:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_neither_its_query_nor_numbers() {
        let request = WireRequest {
            method: "GET".to_owned(),
            host: Some("api.authy.com".to_owned()),
            target: "/protected/json/verify/135790/42?api_key=canary".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("/protected/json/verify/••••••/"), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains("135790"), "{shown}");
    }
}
