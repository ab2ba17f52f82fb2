//! The list of all faults, with what each is declared to do to an operation.

use std::fmt;

use countersign_plugin::limits::{JSON_DEPTH, REPLY_BODY_BYTES};

use super::kind::{Certificate, Kind, Wait};

/// One way in which an exchange can go wrong.
#[derive(Debug)]
pub struct Fault {
    /// Its name on command lines and in requests.
    pub id: &'static str,
    /// One line: what happens.
    pub summary: &'static str,
    /// What can be set of it.
    pub parameters: &'static [Parameter],
    /// Where it can be committed.
    pub place: Place,
    /// What it may do to an operation, with its parameters as they are by default.
    pub harm: Harm,
    pub(super) kind: Kind,
}

/// A number that a fault can be given.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; the unit is part of it.
    pub name: &'static str,
    /// What it says.
    pub summary: &'static str,
    /// The value where none is given.
    pub default: u64,
    /// The least value.
    pub least: u64,
    /// The greatest value.
    pub most: u64,
}

/// Where a fault can be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In any exchange: around a transport, and around whoever answers a carrier's requests.
    Both,
    /// When a connection is made, before any request: around a transport, and by the certificate that a carrier shows.
    Connection,
}

/// What a fault is declared to do to the operation whose exchange it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing: the outcome is the same.
    Harmless,
    /// The exchange proves nothing any more: nothing is approved, and nothing counts as done.
    Harmful,
}

/// There is no such fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault `{}`{}; `countersign-harness faults` lists them", id.escape_debug(), suggestion(*nearest))]
pub struct UnknownFault {
    /// What was asked for.
    pub id: String,
    /// The one whose id looks most like it, if any does.
    pub nearest: Option<&'static str>,
}

/// The fault of that id.
///
/// # Errors
/// [`UnknownFault`], with the nearest id.
pub fn fault(id: &str) -> Result<&'static Fault, UnknownFault> {
    CATALOG.iter().find(|fault| fault.id == id).ok_or_else(|| {
        let distance = |fault: &&Fault| strsim::damerau_levenshtein(fault.id, id);
        // The distance takes time by the length of both; nobody mistypes an id into that much.
        let short = || id.len() <= LONGEST_GUESSED;
        let nearest = CATALOG.iter().filter(|_| short()).min_by_key(distance);
        let nearest = nearest.filter(|fault| distance(fault) <= fault.id.len() / 2);
        UnknownFault { id: id.chars().take(64).collect(), nearest: nearest.map(|fault| fault.id) }
    })
}

/// Longer ids are not compared with the known ones, in bytes.
const LONGEST_GUESSED: usize = 64;

/// Every fault, the milder ones of each subject first.
pub static CATALOG: &[Fault] = &[
    // Time.
    harmless("delay", "the answer comes whole, but late", Kind::Delay).with(&[number(
        "seconds",
        "how late, in seconds",
        2,
        (0, 3600),
    )]),
    harmless("dribble", "the answer comes whole, but in small pieces", Kind::Dribble).with(&[PIECE_BYTES, PAUSE]),
    harmful("trickle", "the answer comes so slowly that it is never whole in time", Kind::Dribble).with(&[
        number("bytes", "the size of a piece, in bytes", 1, (1, 1 << 20)),
        number("pause_ms", "the time before each piece, in milliseconds", 1000, (0, 3_600_000)),
    ]),
    harmful("time-out", "the request arrives, and no answer ever comes", Kind::TimeOut),
    // Connections that break.
    harmful("reset-before-headers", "the connection is reset before anything comes back", Kind::ResetBeforeHead),
    harmful("reset-in-headers", "the connection is reset in the middle of the headers", Kind::ResetInHead),
    harmful("reset-in-body", "the connection is reset in the middle of the body", Kind::ResetInBody),
    harmful("truncated-body", "the body ends early; its Content-Length is that of the whole", Kind::Truncated),
    // Bodies.
    harmful("malformed-json", "the body is not quite JSON", Kind::MalformedJson),
    harmful("deep-json", "the body has arrays within arrays, deeper than any reader should follow", Kind::DeepJson)
        .with(&[number("depth", "how deep", 10_000, (JSON_DEPTH as u64 + 1, 1_000_000))]),
    harmful("huge-body", "the body is far larger than a plugin may be given", Kind::HugeBody).with(&[number(
        "bytes",
        "how large, in bytes",
        50_000_000,
        (REPLY_BODY_BYTES as u64 + 1, 64 << 20),
    )]),
    harmless("wrong-content-type", "the body is right, and said to be HTML", Kind::WrongContentType),
    harmful("html-page", "HTTP 200 with a page of HTML, as a captive portal gives it", Kind::HtmlPage),
    harmful("empty-200", "HTTP 200 without a body", Kind::Empty),
    harmful(
        "duplicate-keys",
        "a member of the body stands there twice, the second time saying yes",
        Kind::DuplicateKeys,
    ),
    harmful("approved-not-valid", "one field of the body says yes, another one no", Kind::ApprovedNotValid),
    harmful("other-number", "the answer is for another number than was asked about", Kind::OtherNumber),
    harmful("other-sid", "the answer is about another thing than was asked about", Kind::OtherSid),
    // Refusals, by somebody who is not the provider: none has an error code.
    harmful("http-401", "HTTP 401 without an error code of the provider's", Kind::Status(401)),
    harmful("http-403", "HTTP 403 without an error code of the provider's", Kind::Status(403)),
    harmful("http-404", "HTTP 404 without an error code of the provider's", Kind::Status(404)),
    harmful("http-429", "HTTP 429 without Retry-After", Kind::RateLimited(Wait::Missing)),
    harmful("http-429-seconds", "HTTP 429 with Retry-After in seconds", Kind::RateLimited(Wait::Seconds))
        .with(&[AFTER]),
    harmful("http-429-date", "HTTP 429 with Retry-After as a date", Kind::RateLimited(Wait::Date)).with(&[AFTER]),
    harmful("http-429-absurd", "HTTP 429 with a Retry-After that nobody can mean", Kind::RateLimited(Wait::Absurd)),
    harmful("http-500", "HTTP 500; the request may have been carried out", Kind::Status(500)),
    harmful("http-503", "HTTP 503", Kind::Status(503)),
    harmful("redirect", "a redirection to another host", Kind::Redirect).with(&[number(
        "status",
        "the HTTP status",
        307,
        (300, 308),
    )]),
    // TLS.
    certificate("tls-expired", "the server's certificate expired", Certificate::Expired),
    certificate("tls-wrong-name", "the server's certificate is for another name", Certificate::WrongName),
    certificate("tls-self-signed", "the server's certificate comes from nobody known", Certificate::SelfSigned),
];

const PIECE_BYTES: Parameter = number("bytes", "the size of a piece, in bytes", 64, (1, 1 << 20));
const PAUSE: Parameter = number("pause_ms", "the time before each piece, in milliseconds", 20, (0, 3_600_000));
const AFTER: Parameter = number("seconds", "when to try again, in seconds from now", 7, (0, 31_536_000));

const fn number(name: &'static str, summary: &'static str, default: u64, (least, most): (u64, u64)) -> Parameter {
    Parameter { name, summary, default, least, most }
}

const fn harmless(id: &'static str, summary: &'static str, kind: Kind) -> Fault {
    Fault { id, summary, parameters: &[], place: Place::Both, harm: Harm::Harmless, kind }
}

const fn harmful(id: &'static str, summary: &'static str, kind: Kind) -> Fault {
    Fault { id, summary, parameters: &[], place: Place::Both, harm: Harm::Harmful, kind }
}

const fn certificate(id: &'static str, summary: &'static str, what: Certificate) -> Fault {
    let kind = Kind::Certificate(what);
    Fault { id, summary, parameters: &[], place: Place::Connection, harm: Harm::Harmful, kind }
}

impl Fault {
    const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "both",
            Self::Connection => "connection",
        })
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Harmless => "harmless",
            Self::Harmful => "harmful",
        })
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |id| format!("; did you mean `{id}`?"))
}
