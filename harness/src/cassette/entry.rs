//! One recorded exchange, checked.

use std::fmt;

use countersign_plugin::TransportFailureKind;

use super::place::Place;
use super::sent::Sent;
use super::shown::Shown;

/// One recorded exchange: a request, its answer, and how both are replayed.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its position in the file; the first is 0.
    pub index: usize,
    /// What the entry calls itself, else method and address, masked.
    pub title: String,
    /// Its place in the order of exchanges, if the file numbers them. Strictly ascending.
    pub seq: Option<u64>,
    /// The recorded request.
    pub request: Sent,
    /// The names of all its headers: any of them may be what a plugin sends its key in.
    pub headers: Vec<String>,
    /// What came back.
    pub answer: Answer,
    /// The variables that stand in the request.
    pub bindings: Vec<Binding>,
    /// How often the entry answers.
    pub repeat: Repeat,
    /// What reached a person because of this exchange.
    pub message: Option<Message>,
}

/// What came back for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A response.
    Reply(Reply),
    /// None: the transport failed.
    Failure(TransportFailureKind),
}

/// A recorded response. The body is the decoded content, so headers about its framing are left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// 100 to 599.
    pub status: u16,
    /// In the order of the recording, duplicates kept.
    pub headers: Vec<(String, String)>,
    /// Byte for byte as recorded.
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// How a transport can fail, with the names that this has in cassettes.
pub(super) const FAILURES: [(TransportFailureKind, &str); 5] = [
    (TransportFailureKind::NotSent, "not_sent"),
    (TransportFailureKind::NoAnswer, "no_answer"),
    (TransportFailureKind::TooLarge, "too_large"),
    (TransportFailureKind::Refused, "refused"),
    (TransportFailureKind::Deadline, "deadline"),
];

/// A variable that stands somewhere in the request.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding {
    /// The variable's name.
    pub variable: String,
    /// Where it stands.
    pub place: Place,
    /// What stands there in the recording. Where the same text occurs in the recorded response or
    /// message, replay writes the bound value instead.
    pub sample: String,
    /// What the entry requires of the value; without a guard the first value is captured and later
    /// ones must equal it.
    pub guard: Option<Guard>,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("variable", &self.variable)
            .field("place", &self.place)
            .field("sample", &Shown::of(&self.sample))
            .field("guard", &self.guard)
            .finish()
    }
}

/// A condition on a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// The request holds the value that the variable is bound to.
    Same,
    /// The variable is bound, and the request holds another value.
    Other,
}

impl Guard {
    /// Every guard, with the name it has in cassettes.
    pub const NAMED: [(Self, &str); 2] = [(Self::Same, "same"), (Self::Other, "other")];
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Other => "other",
        })
    }
}

/// How often an entry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Exactly so many times, at least one.
    Times(u64),
    /// As often as asked, or not at all.
    Any,
}

/// What reached a person because of an exchange.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// The cassette declares it. Variables in `to` and `text` are replaced as in the response.
    Declared {
        /// The recipient.
        to: String,
        /// The channel it came by.
        channel: String,
        /// What was shown.
        text: String,
    },
    /// The request itself carries what was spoken: the TwiML of form field `Twiml`.
    Spoken {
        /// The recipient if the cassette declares one, else form field `To`.
        to: Option<String>,
        /// The channel it came by.
        channel: String,
    },
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared { to, channel, text } => f
                .debug_struct("Declared")
                .field("to", &Shown::of(to))
                .field("channel", channel)
                .field("text", &Shown::of(text))
                .finish(),
            Self::Spoken { to, channel } => {
                f.debug_struct("Spoken").field("to", &to.as_deref().map(Shown::of)).field("channel", channel).finish()
            }
        }
    }
}
