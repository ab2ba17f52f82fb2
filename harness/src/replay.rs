//! Cassettes as the engine's transport: the engine cannot tell it from a live one.
//!
//! What a plugin asks for carries references to secrets, and so does what is compared: where a
//! secret would stand in a form or as a user name, a cassette has the name of its setting in
//! brackets, as `[auth_id]`.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Auth, Body, FieldValue, Request, TransportFailure};
use countersign_plugin::{Reply, TransportFailureKind};
use url::Url;

use crate::cassette::{
    Asked, AskedBody, Authorization, Kept, Mismatch, PlayedAnswer, Player, Receipt, SentMessage, Unused,
};

/// Mismatches kept for who has not looked yet; older ones are counted.
const MISMATCHES: usize = 1000;

/// Answers from cassettes. It never waits and opens no socket.
#[derive(Debug)]
pub struct ReplayTransport {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    player: Player,
    mismatches: Kept<Mismatch>,
    /// What became of the last request, until somebody takes it.
    note: Option<Result<PlayedBy, Box<Mismatch>>>,
}

/// The recorded exchange that answered a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayedBy {
    /// The cassette's position among those of the player; the first is 0.
    pub cassette: usize,
    /// The entry's position in it; the first is 0.
    pub entry: usize,
}

impl ReplayTransport {
    /// A transport over this player.
    pub fn new(player: Player) -> Self {
        Self { state: Mutex::new(State { player, mismatches: Kept::last(MISMATCHES), note: None }) }
    }

    /// Takes what became of the last request, if it came as far as here.
    pub(crate) fn take_note(&self) -> Option<Result<PlayedBy, Box<Mismatch>>> {
        self.lock().note.take()
    }

    /// Takes the requests that no recorded exchange answered, in order. For the engine each was
    /// a request that its transport refused to send. The last 1000 are kept.
    pub fn take_mismatches(&self) -> Vec<Mismatch> {
        self.lock().mismatches.take()
    }

    /// How many mismatches were dropped unseen, because more than 1000 came before anybody took them.
    pub fn unseen_mismatches(&self) -> u64 {
        self.lock().mismatches.dropped()
    }

    /// Takes what was shown or spoken to people so far: the last 1000 messages.
    pub fn take_inbox(&self) -> Vec<SentMessage> {
        self.lock().player.take_inbox()
    }

    /// What was served so far.
    pub fn receipt(&self) -> Receipt {
        self.lock().player.receipt()
    }

    /// Ends the replay.
    ///
    /// # Errors
    /// [`Unused`] when recorded exchanges were not asked for.
    pub fn finish(&self) -> Result<Receipt, Unused> {
        self.lock().player.finish()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a player that is whole: it changes only once an entry matched.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ReplayTransport {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let asked = asked(outgoing.request, outgoing.url);
        let mut state = self.lock();
        let played = match state.player.answer(asked, || outgoing.url.clone()) {
            Ok(played) => played,
            Err(mismatch) => {
                let detail = mismatch.to_string().replace("\n  ", "; ");
                state.note = Some(Err(mismatch.clone()));
                state.mismatches.push(*mismatch);
                return Err(TransportFailure::new(TransportFailureKind::Refused, detail));
            }
        };
        state.note = Some(Ok(PlayedBy { cassette: played.cassette, entry: played.entry }));
        match played.answer {
            PlayedAnswer::Reply { status, headers, body } => {
                Ok(Reply::new(status, &*body).with_headers(headers.iter().cloned()))
            }
            PlayedAnswer::Failure(kind) => {
                let detail = "the cassette declares that the transport fails here".to_owned();
                Err(TransportFailure::new(kind, detail))
            }
        }
    }
}

/// A request as the matcher sees it.
fn asked<'a>(request: &'a Request, url: &'a Url) -> Asked<'a> {
    let key = request.headers.iter().find(|(_, value)| matches!(value, FieldValue::Secret(_)));
    Asked {
        authorization: Cow::Owned(match (&request.auth, key) {
            (Some(Auth::Basic { user, .. }), _) => Authorization::Basic { user: text(user).into_owned() },
            (Some(Auth::Bearer { .. }), _) => Authorization::Bearer,
            (None, Some((name, _))) => Authorization::Header { name: name.clone() },
            (None, None) => Authorization::None,
        }),
        body: match &request.body {
            Some(Body::Form(fields)) => {
                AskedBody::form(fields.iter().map(|(name, value)| (Cow::Borrowed(&**name), text(value))))
            }
            Some(Body::Json(value)) => AskedBody::Json(Cow::Borrowed(value)),
            None => AskedBody::Empty,
        },
        ..Asked::addressed(request.method.as_str(), url)
    }
}

pub(crate) fn text(value: &FieldValue) -> Cow<'_, str> {
    match value {
        FieldValue::Text(text) => Cow::Borrowed(text),
        FieldValue::Secret(reference) => Cow::Owned(format!("[{}]", reference.name())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use countersign::secrets::{Secret, Secrets};
    use countersign_plugin::{Endpoint, SecretRef};
    use serde_json::json;

    use super::*;
    use crate::cassette::parse;

    fn transport(request: &serde_json::Value, note: &serde_json::Value) -> ReplayTransport {
        let response = match note["failure"].as_str() {
            Some(_) => json!({"status": 0}),
            None => {
                json!({"status": 201, "headers": [{"name": "Retry-After", "value": "5"}], "content": {"text": "{}"}})
            }
        };
        let har = json!({"log": {"entries": [{"request": request, "response": response, "_countersign": note}]}});
        let cassette = parse(Path::new("test.har"), har.to_string().as_bytes()).expect("is a cassette");
        ReplayTransport::new(Player::new(vec![cassette]))
    }

    async fn send(transport: &ReplayTransport, request: &Request) -> Result<Reply, TransportFailure> {
        let secrets: Secrets = [("auth_token".to_owned(), Secret::new("canary-token"))].into_iter().collect();
        let url = Url::parse(&request.url).expect("a test writes valid addresses");
        transport.send(Outgoing { request, url: &url, secrets: &secrets, time_left: Duration::from_secs(1) }).await
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(future)
    }

    fn post() -> Request {
        Request::post(Endpoint::new("https://api.example").path(["send"]))
    }

    #[test]
    fn a_request_with_basic_auth_and_form_is_answered() {
        let request = json!({
            "method": "POST", "url": "https://api.example/send",
            "headers": [{"name": "Authorization", "value": "Basic QUMwMTpb"}],
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "To=x&Key=%5Bauth_token%5D"},
        });
        let transport = transport(&request, &json!({}));
        let token = SecretRef::named("auth_token");
        let request = post().basic_auth("AC01", &token).form([("To", "x")]).form([("Key", &token)]);
        let reply = block_on(send(&transport, &request)).expect("is recorded");
        assert_eq!((reply.status, reply.header("retry-after")), (201, Some("5")));
        assert!(transport.finish().is_ok());
    }

    #[test]
    fn keys_in_headers_and_bearer_tokens_count_as_such() {
        let token = SecretRef::named("auth_token");
        for (header, request) in [
            ("X-Authy-API-Key", post().header("X-Authy-API-Key", &token)),
            ("Authorization", post().bearer(&token).header("X-Plain", "x")),
        ] {
            let recorded = json!({
                "method": "POST", "url": "https://api.example/send", "headers": [{"name": header, "value": "Bearer x"}],
            });
            let transport = transport(&recorded, &json!({"repeat": "any"}));
            assert!(block_on(send(&transport, &request)).is_ok(), "{header}");
            let plain = block_on(send(&transport, &post())).expect_err("without a key");
            assert_eq!(plain.kind, TransportFailureKind::Refused);
        }
    }

    #[test]
    fn declared_failures_fail_as_declared() {
        let recorded = json!({"method": "POST", "url": "https://api.example/send"});
        let transport = transport(&recorded, &json!({"failure": "no_answer"}));
        let failure = block_on(send(&transport, &post())).expect_err("is declared");
        assert_eq!(failure.kind, TransportFailureKind::NoAnswer);
        assert!(transport.take_mismatches().is_empty());
    }

    #[test]
    fn what_is_not_recorded_is_refused_and_remembered() {
        let recorded = json!({"method": "POST", "url": "https://api.example/other"});
        let transport = transport(&recorded, &json!({}));
        let failure = block_on(send(&transport, &post())).expect_err("is not recorded");
        assert_eq!(failure.kind, TransportFailureKind::Refused);
        assert!(failure.detail.contains("path segment 0: recorded `other`, sent `send`"), "{}", failure.detail);
        assert!(!failure.detail.contains('\n'));
        assert_eq!(transport.take_mismatches().len(), 1);
        assert!(transport.take_mismatches().is_empty());
        assert!(transport.finish().is_err());
    }
}
