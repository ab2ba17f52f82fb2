//! Exchanges that are to become a cassette, whole: with all headers, and before redaction.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::cassette::ProvenanceKind;
use super::expiry::Age;
use super::format::Named;
use super::node::Node;
use super::shown::Shown;
use crate::wire::{WireAnswer, WireRequest};

/// Exchanges in their order, and what is known about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What the cassette says about itself; without it a plain HAR is written, whose entries keep nothing of ours.
    pub about: Option<DraftAbout>,
    /// The exchanges. They are written in this order, whatever their times say.
    pub entries: Vec<DraftEntry>,
}

/// What a cassette says about itself.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct DraftAbout {
    /// How the exchanges came about.
    pub kind: ProvenanceKind,
    /// From what: an address and an account's kind, a document, a reason. For people.
    pub source: String,
    /// When; `None` where it is not a recording, or where the last exchange shall tell.
    pub recorded_at: Option<Timestamp>,
    /// The provider whose exchanges these are.
    pub provider: String,
    /// What the cassette calls itself.
    pub title: String,
    /// The age after which a replay objects, counted from the recording.
    pub expires: Option<Age>,
    /// Whether the file that it comes from says that it was redacted.
    pub(crate) redacted: bool,
    /// The variables and the values that they have in the recording.
    pub(crate) variables: Vec<(String, String)>,
    /// The test that the cassette carries, as it stands in the file.
    pub(crate) case: Option<Node>,
}

impl DraftAbout {
    /// Of this kind and from this source, for this provider, with this title; without an expiry.
    pub fn new(
        kind: ProvenanceKind,
        source: impl Into<String>,
        provider: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            source: source.into(),
            recorded_at: None,
            provider: provider.into(),
            title: title.into(),
            expires: None,
            redacted: false,
            variables: Vec::new(),
            case: None,
        }
    }

    /// Every text in it, names of things apart.
    pub(crate) fn own_texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        each(&mut self.source);
        each(&mut self.title);
        self.variables.iter_mut().for_each(|(_, value)| each(value));
        if let Some(case) = &mut self.case {
            case.texts(each);
        }
    }
}

/// One exchange as it went over the wire.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct DraftEntry {
    /// The request. Its host must be known.
    pub request: WireRequest,
    /// How it was sent.
    pub scheme: Scheme,
    /// The port, where it is not the scheme's own.
    pub port: Option<u16>,
    /// What came back.
    pub answer: WireAnswer,
    /// When the request left.
    pub started: Timestamp,
    /// How long the answer took; written in microseconds.
    pub took: Duration,
    /// What the entry calls itself, for people.
    pub comment: Option<String>,
    /// How it is replayed, as it stands in the file.
    pub(crate) note: DraftNote,
}

/// How an entry is replayed, as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DraftNote {
    pub(crate) bind: Named<Node>,
    pub(crate) require: Named<String>,
    pub(crate) repeat: Option<Node>,
    pub(crate) sent: Option<DraftSent>,
}

/// What reached a person, as it stands in the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DraftSent {
    pub(crate) to: String,
    pub(crate) channel: String,
    pub(crate) text: Option<String>,
}

impl DraftEntry {
    /// An exchange on the scheme's own port.
    pub fn new(request: WireRequest, scheme: Scheme, answer: WireAnswer, started: Timestamp, took: Duration) -> Self {
        Self { request, scheme, port: None, answer, started, took, comment: None, note: DraftNote::default() }
    }

    /// Every text beside request and answer.
    pub(crate) fn own_texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        if let Some(comment) = &mut self.comment {
            each(comment);
        }
        if let Some(sent) = &mut self.note.sent {
            each(&mut sent.to);
            if let Some(text) = &mut sent.text {
                each(text);
            }
        }
    }
}

impl fmt::Debug for DraftAbout {
    /// Without the values of variables, which are codes and seeds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DraftAbout")
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .field("title", &self.title)
            .field("variables", &self.variables.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DraftEntry {
    /// Without credentials, numbers and codes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DraftEntry")
            .field("scheme", &self.scheme)
            .field("request", &self.request)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DraftSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DraftSent")
            .field("to", &Shown::of(&self.to))
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// How a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it begins an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that an address does not name.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
