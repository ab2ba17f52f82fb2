//! Records around the engine's transport.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Auth, Body, FieldValue, Request, TransportFailure};
use countersign_plugin::{Reply, TransportFailureKind};
use jiff::Timestamp;
use url::{Url, form_urlencoded};

use super::problem::FinishError;
use super::recorder::{Course, Recorder};
use super::summary::Summary;
use crate::cassette::{DraftEntry, PlayedAnswer, Scheme};
use crate::replay::text;
use crate::serve::sent;
use crate::wire::{WireAnswer, WireReply, WireRequest};

/// Records what goes through another transport, or replays it.
///
/// What is recorded holds references to secrets, as [`ReplayTransport`](crate::replay::ReplayTransport) compares them:
/// `[auth_token]` stands where the value of that setting went. Where an answer repeats a value, it is redacted.
/// Exchanges that failed are passed on, and not recorded.
pub struct RecordingTransport {
    inner: Arc<dyn Transport>,
    recorder: Arc<Recorder>,
}

impl RecordingTransport {
    /// Around this transport.
    pub fn new(inner: Arc<dyn Transport>, recorder: Recorder) -> Self {
        Self { inner, recorder: Arc::new(recorder) }
    }

    /// Ends: puts what was recorded into the cassette.
    ///
    /// # Errors
    /// As [`Recorder::finish`].
    pub fn finish(&self) -> Result<Summary, FinishError> {
        self.recorder.finish()
    }
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let Outgoing { request, url, secrets, .. } = outgoing;
        self.recorder
            .learn(secrets.iter().map(|(_, secret)| secret), key(request).and_then(|name| secrets.named(name)));
        let Some(mut entry) = entry(request, url) else {
            let detail = "the address is none that could be recorded".to_owned();
            return Err(TransportFailure::new(TransportFailureKind::Refused, detail));
        };
        let origin = origin(url);
        match self.recorder.course(|request| sent(request, &origin, true), &entry) {
            Course::Replay(PlayedAnswer::Reply { status, headers, body }) => {
                return Ok(Reply::new(status, &*body).with_headers(headers.iter().cloned()));
            }
            Course::Replay(PlayedAnswer::Failure(kind)) => {
                return Err(TransportFailure::new(kind, "the cassette declares that the transport fails here"));
            }
            Course::Refuse(mismatch) => {
                let text = mismatch.map(|mismatch| mismatch.to_string().replace("\n  ", "; "));
                let detail = text.unwrap_or_else(|| "the request is not recorded".to_owned());
                return Err(TransportFailure::new(TransportFailureKind::Refused, detail));
            }
            Course::Live => {}
        }
        let since = Instant::now();
        let reply = match self.inner.send(outgoing).await {
            Ok(reply) => reply,
            Err(failure) => {
                self.recorder.unanswered(&entry.request, failure.detail.clone());
                return Err(failure);
            }
        };
        entry.took = since.elapsed();
        entry.answer = WireAnswer::Reply(WireReply {
            status: reply.status,
            headers: reply.headers.clone().into(),
            body: reply.body.as_slice().into(),
        });
        let recorder = Arc::clone(&self.recorder);
        // An exchange that took place is answered for, whatever becomes of its recording; the summary tells.
        let _ = tokio::task::spawn_blocking(move || recorder.keep(entry)).await;
        Ok(reply)
    }
}

/// The request with references in the place of secrets; `None` where its address is not of HTTP.
fn entry(request: &Request, url: &Url) -> Option<DraftEntry> {
    let scheme = match url.scheme() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return None,
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    let body = match &request.body {
        None => Vec::new(),
        Some(Body::Form(fields)) => {
            headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            let pairs = fields.iter().map(|(name, value)| (name, text(value).into_owned()));
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
        }
        Some(Body::Json(value)) => {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            value.to_string().into_bytes()
        }
    };
    headers.extend(request.headers.iter().map(|(name, value)| (name.clone(), text(value).into_owned())));
    headers.extend(request.auth.as_ref().map(|auth| {
        let value = match auth {
            Auth::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{}:{}", text(user), text(password))))
            }
            Auth::Bearer { token } => format!("Bearer {}", text(token)),
        };
        ("Authorization".to_owned(), value)
    }));
    let request = WireRequest {
        method: request.method.as_str().to_owned(),
        host: Some(url.host_str()?.to_owned()),
        target: url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        headers,
        body,
    };
    let no_answer = WireAnswer::Failure(TransportFailureKind::NoAnswer);
    let mut entry = DraftEntry::new(request, scheme, no_answer, Timestamp::now(), std::time::Duration::ZERO);
    entry.port = url.port();
    Some(entry)
}

/// The name of the secret that says who asks: what a second recording with the same one has its pseudonyms by.
fn key(request: &Request) -> Option<&str> {
    let asks = match &request.auth {
        Some(Auth::Basic { password, .. }) => Some(password),
        Some(Auth::Bearer { token }) => Some(token),
        None => None,
    };
    let values = asks.into_iter().chain(request.headers.iter().map(|(_, value)| value));
    values
        .filter_map(|value| match value {
            FieldValue::Secret(reference) => Some(reference.name()),
            FieldValue::Text(_) => None,
        })
        .next()
}

fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}
