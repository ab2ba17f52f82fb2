//! Callbacks: what the services tell their customers unasked. The emulator opens no socket; whoever carries it sends
//! them, and says what came of it.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::reply::iso;

/// How many that were sent are remembered.
const ROOM: usize = 1_000;

/// One request to a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// SID of the call that it is about.
    pub about: String,
    /// What is told: the state of the call.
    pub event: &'static str,
    /// Where it goes; with the fields in its query, where it is a GET.
    pub url: Url,
    /// GET; else POST of a form.
    pub get: bool,
    /// The fields of the form.
    pub form: Vec<(String, String)>,
    /// `X-Twilio-Signature`, under the account's auth token.
    pub signature: String,
}

/// What came of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// An answer with this status.
    Answered(u16),
    /// None, and why.
    Failed(Unanswered),
}

/// Why a callback got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It would have left this machine, or needed TLS.
    #[error("not sent: the emulator calls back by plain http and to loopback only")]
    Elsewhere,
    /// Nobody listens there, or nobody can be reached.
    #[error("no connection ({0})")]
    NoConnection(std::io::ErrorKind),
    /// What should be sent cannot be written as a request.
    #[error("not sent: its address or signature does not fit into an HTTP request")]
    NoRequest,
    /// The receiver broke off, or what it says is not HTTP.
    #[error("no HTTP answer: the receiver broke off, or speaks something else")]
    NoHttp,
    /// It took too long.
    #[error("no answer within {seconds} seconds")]
    TooLate {
        /// How long was waited.
        seconds: u64,
    },
}

impl fmt::Debug for Callback {
    /// Without numbers, and what else an address may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("about", &self.about).field("event", &self.event).finish_non_exhaustive()
    }
}

/// The last callbacks that were sent, oldest first.
#[derive(Default)]
pub(super) struct Callbacks(VecDeque<Value>);

impl Callbacks {
    pub(super) fn record(&mut self, callback: &Callback, sent: &Sent, now: Timestamp) {
        let (status, error) = match sent {
            Sent::Answered(status) => (Some(status), None),
            Sent::Failed(why) => (None, Some(why.to_string())),
        };
        if self.0.len() == ROOM {
            self.0.pop_front();
        }
        self.0.push_back(json!({
            "about": callback.about, "event": callback.event, "url": callback.url.as_str(), "status": status,
            "error": error, "time": iso(now),
        }));
    }

    pub(super) fn json(&self) -> Value {
        self.0.iter().cloned().collect()
    }
}
