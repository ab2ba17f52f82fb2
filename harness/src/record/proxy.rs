//! A recording reverse proxy: whatever a client asks of it goes to one server, or is replayed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::RwLock;

use super::recorder::{Course, Recorder};
use super::upstream::{ExchangeError, Upstream};
use crate::cassette::DraftEntry;
use crate::serve::{not_recorded, played, sent};
use crate::wire::{AsyncResponder, WireAnswer, WireReply, WireRequest};

/// Stands in front of one server.
///
/// A request that is neither recorded nor allowed to go live gets 501, one that the server does not answer 502; each
/// with a JSON body that says why. Both are the proxy's own, and never recorded.
#[derive(Debug)]
pub struct RecordingProxy {
    upstream: Arc<Upstream>,
    recorder: Arc<Recorder>,
    /// Held for reading by every exchange.
    under_way: Arc<RwLock<()>>,
}

impl RecordingProxy {
    /// In front of this server.
    pub fn new(upstream: Upstream, recorder: Arc<Recorder>) -> Self {
        Self { upstream: Arc::new(upstream), recorder, under_way: Arc::default() }
    }

    /// Waits until the exchanges that are under way have come to their end. A client that hangs up does not end them:
    /// what the server did has to be recorded.
    pub async fn settled(&self) {
        drop(self.under_way.write().await);
    }
}

#[async_trait]
impl AsyncResponder for RecordingProxy {
    async fn answer(&self, request: &WireRequest) -> WireAnswer {
        let request = self.upstream.request(request);
        let (upstream, recorder) = (Arc::clone(&self.upstream), Arc::clone(&self.recorder));
        let under_way = Arc::clone(&self.under_way).read_owned().await;
        let exchange = tokio::spawn(async move {
            let _under_way = under_way;
            exchange(&upstream, recorder, request).await
        });
        exchange.await.unwrap_or_else(|_| unanswered("the recorder failed; this is a fault of the harness"))
    }
}

async fn exchange(upstream: &Upstream, recorder: Arc<Recorder>, request: WireRequest) -> WireAnswer {
    let no_answer = WireAnswer::Failure(countersign_plugin::TransportFailureKind::NoAnswer);
    let (started, since) = (Timestamp::now(), Instant::now());
    let mut entry = DraftEntry::new(request, upstream.scheme(), no_answer, started, since.elapsed());
    entry.port = Some(upstream.port());
    match recorder.course(|request| sent(request, upstream.origin(), true), &entry) {
        Course::Replay(answer) => return played(answer),
        Course::Refuse(mismatch) => {
            let text = mismatch.map(|mismatch| mismatch.to_string());
            return not_recorded(text.as_deref().unwrap_or("the request has no address that could be recorded"));
        }
        Course::Live => {}
    }
    let reply = match upstream.exchange(&entry.request).await {
        Ok(reply) => reply,
        Err(error) => {
            let text = told(&error);
            recorder.unanswered(&entry.request, text.clone());
            return unanswered(&text);
        }
    };
    entry.took = since.elapsed();
    entry.answer = WireAnswer::Reply(reply.clone());
    // Before the client hears of it: what it was told is on the disk.
    let kept = tokio::task::spawn_blocking(move || recorder.keep(entry)).await;
    match kept {
        Ok(()) => WireAnswer::Reply(reply),
        Err(_) => unanswered("the exchange took place and could not be recorded; this is a fault of the harness"),
    }
}

/// With the words of TLS, which stand below those of the connection.
fn told(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Broken { error: inner, .. } => match std::error::Error::source(inner) {
            Some(cause) => format!("{error} ({cause})"),
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}

fn unanswered(message: &str) -> WireAnswer {
    WireAnswer::Reply(WireReply::json(502, &json!({"error": {"kind": "no_answer", "message": message}})))
}
