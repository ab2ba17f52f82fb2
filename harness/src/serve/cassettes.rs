//! Cassettes as a responder.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use url::{Url, form_urlencoded};

use super::Hosts;
use crate::cassette::{
    Asked, AskedBody, AskedField, Authorization, Cassette, Mismatch, PlayedAnswer, Player, Receipt, Sent, SentBody,
    SentMessage, Unused, authorization,
};
use crate::wire::{Responder, WireAnswer, WireReply, WireRequest};

/// How many mismatches are remembered; older ones are counted only.
const REMEMBERED: usize = 100;

/// Answers from cassettes, by the same matcher as in-process.
///
/// A request that is not recorded gets 501 and a JSON body that names the nearest entries: no
/// provider answers so, and no client takes it for one's word.
#[derive(Debug)]
pub struct Cassettes {
    /// The origins that occur in the cassettes, in their order: where a client addresses the
    /// carrier itself, its request may be meant for any of them.
    origins: Vec<Url>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    player: Player,
    mismatches: VecDeque<Mismatch>,
    forgotten: usize,
}

impl Cassettes {
    /// Plays these.
    pub fn new(cassettes: Vec<Cassette>) -> Self {
        let mut origins: Vec<Url> = Vec::new();
        for entry in cassettes.iter().flat_map(Cassette::entries) {
            let mut origin = entry.request.url.clone();
            origin.set_path("/");
            origin.set_query(None);
            origin.set_fragment(None);
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        let state = State { player: Player::new(cassettes), mismatches: VecDeque::new(), forgotten: 0 };
        Self { origins, state: Mutex::new(state) }
    }

    /// What was shown or spoken to people so far.
    pub fn take_inbox(&self) -> Vec<SentMessage> {
        self.lock().player.take_inbox()
    }

    /// The newest requests that no entry answered, oldest first, and how many before these were forgotten.
    pub fn mismatches(&self) -> (Vec<Mismatch>, usize) {
        let state = self.lock();
        (state.mismatches.iter().cloned().collect(), state.forgotten)
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

impl Hosts for Cassettes {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.origins.iter().filter_map(Url::host_str).map(str::to_ascii_lowercase).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn answers_for(&self, host: &str) -> bool {
        self.names().iter().any(|name| name == host)
    }
}

impl Responder for Cassettes {
    fn respond(&self, request: &WireRequest) -> WireAnswer {
        let meant = |origin: &&Url| request.host.as_deref().is_none_or(|host| origin.host_str() == Some(host));
        let mut nearest: Option<Box<Mismatch>> = None;
        // With no origin of that host, the first one gives the words of the mismatch.
        let known = self.origins.iter().any(|origin| meant(&origin));
        for origin in self.origins.iter().filter(|origin| !known || meant(origin)) {
            let url;
            let addressed = match plainly_addressed(request, origin).filter(|_| known) {
                Some(addressed) => addressed,
                None => {
                    let Some(made) = address(request, origin, known) else { continue };
                    url = made;
                    Asked::addressed(&request.method, &url)
                }
            };
            let asked = Asked { authorization: Cow::Owned(credentials(request)), body: body(request), ..addressed };
            // Others wait only for what is played.
            let played = self.lock().player.answer(asked, || {
                // Only an address that had to be made can be none, and then nobody was asked.
                address(request, origin, known).unwrap_or_else(|| origin.clone())
            });
            match played {
                Ok(played) => return answer(played.answer),
                Err(mismatch) => {
                    if nearest.as_ref().is_none_or(|other| mismatch.weight() < other.weight()) {
                        nearest = Some(mismatch);
                    }
                }
            }
        }
        let Some(mismatch) = nearest else {
            return not_recorded("the request has no address that could be recorded");
        };
        let answer = not_recorded(&mismatch.to_string());
        let mut state = self.lock();
        if state.mismatches.len() == REMEMBERED {
            state.mismatches.pop_front();
            state.forgotten += 1;
        }
        state.mismatches.push_back(*mismatch);
        answer
    }
}

pub(crate) fn answer(played: PlayedAnswer) -> WireAnswer {
    match played {
        PlayedAnswer::Reply { status, headers, body } => WireAnswer::Reply(WireReply { status, headers, body }),
        PlayedAnswer::Failure(kind) => WireAnswer::Failure(kind),
    }
}

pub(crate) fn not_recorded(message: &str) -> WireAnswer {
    WireAnswer::Reply(WireReply::json(501, &json!({"error": {"kind": "not_recorded", "message": message}})))
}

/// A request as the matcher sees it, for whoever keeps it; `None` where its target is no path.
pub(crate) fn sent(request: &WireRequest, origin: &Url, known: bool) -> Option<Sent> {
    let body = match body(request) {
        AskedBody::Empty => SentBody::Empty,
        AskedBody::Form(fields) => {
            let pair = |field: AskedField<'_>| (field.name.into_owned(), field.value.into_owned());
            SentBody::Form(fields.into_iter().map(pair).collect())
        }
        AskedBody::Json(value) => SentBody::Json(value.into_owned()),
        AskedBody::Other(bytes) => SentBody::Other(bytes.into_owned()),
    };
    let url = address(request, origin, known)?;
    Some(Sent { method: request.method.clone(), url, authorization: credentials(request), body })
}

/// The request as it stands, where its target needs no rewriting.
fn plainly_addressed<'a>(request: &'a WireRequest, origin: &'a Url) -> Option<Asked<'a>> {
    let (path, query) = target(request);
    Asked::targeted(&request.method, origin, path, query)
}

/// The address that is meant at an origin, or at the host that nobody knows; `None` where that is no host.
fn address(request: &WireRequest, origin: &Url, known: bool) -> Option<Url> {
    let mut url = origin.clone();
    if let (false, Some(host)) = (known, &request.host) {
        url.set_host(Some(host)).ok()?;
    }
    let (path, query) = target(request);
    url.set_path(path);
    url.set_query(query);
    Some(url)
}

/// Path and query.
fn target(request: &WireRequest) -> (&str, Option<&str>) {
    match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target.as_str(), None),
    }
}

fn credentials(request: &WireRequest) -> Authorization {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // Credentials that cannot be read are some all the same.
    authorization(headers).unwrap_or_else(|| Authorization::Header { name: "Authorization".to_owned() })
}

fn body(request: &WireRequest) -> AskedBody<'_> {
    let essence = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if request.body.is_empty() {
        AskedBody::Empty
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        AskedBody::form(form_urlencoded::parse(&request.body))
    } else if essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json") {
        serde_json::from_slice(&request.body)
            .map_or_else(|_| AskedBody::other(&request.body), |value| AskedBody::Json(Cow::Owned(value)))
    } else {
        AskedBody::other(&request.body)
    }
}
