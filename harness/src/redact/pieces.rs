//! The parts of exchanges in which a secret can stand.

use std::fmt;

use super::fields::Format;
use crate::cassette::Draft;
use crate::wire::WireAnswer;

/// Where a part stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// What the cassette says about itself.
    About,
    /// A part of an entry.
    Entry {
        /// Its position; the first is 0.
        entry: usize,
        /// Which part.
        part: EntryPart,
    },
    /// The file as it would be written.
    File {
        /// The line; the first is 1.
        line: usize,
    },
}

/// A part of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryPart {
    /// Path and query.
    Target,
    /// A header of the request.
    RequestHeader(String),
    /// The request's body.
    RequestBody,
    /// A header of the response.
    ResponseHeader(String),
    /// The response's body.
    ResponseBody,
    /// What the entry says about itself.
    Note,
}

impl Spot {
    /// Whether it is a part of what was sent.
    pub(super) fn is_request(&self) -> bool {
        let Self::Entry { part, .. } = self else { return false };
        matches!(part, EntryPart::Target | EntryPart::RequestHeader(_) | EntryPart::RequestBody)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About => f.write_str("log._countersign"),
            Self::File { line } => write!(f, "line {line} of the file"),
            Self::Entry { entry, part } => {
                write!(f, "entry {entry}: ")?;
                match part {
                    EntryPart::Target => f.write_str("the address"),
                    EntryPart::RequestHeader(name) => write!(f, "request header `{name}`"),
                    EntryPart::RequestBody => f.write_str("the request body"),
                    EntryPart::ResponseHeader(name) => write!(f, "response header `{name}`"),
                    EntryPart::ResponseBody => f.write_str("the response body"),
                    EntryPart::Note => f.write_str("what it says about itself"),
                }
            }
        }
    }
}

/// One part.
pub(super) enum Piece<'a> {
    /// Path and query of an address.
    Target(&'a mut String),
    /// A header's value.
    Header {
        name: &'a str,
        value: &'a mut String,
    },
    Body {
        format: Format,
        bytes: &'a mut Vec<u8>,
    },
    /// Text that people wrote.
    Text(&'a mut String),
}

/// Goes through all parts of a draft, in order; what the cassette says about itself comes last.
pub(super) fn visit(draft: &mut Draft, each: &mut dyn FnMut(&Spot, Piece<'_>)) {
    for (entry, exchange) in draft.entries.iter_mut().enumerate() {
        let spot = |part| Spot::Entry { entry, part };
        let request = &mut exchange.request;
        each(&spot(EntryPart::Target), Piece::Target(&mut request.target));
        let format = Format::of(request.header("content-type"), &request.body);
        for (name, value) in &mut request.headers {
            each(&spot(EntryPart::RequestHeader(name.clone())), Piece::Header { name, value });
        }
        each(&spot(EntryPart::RequestBody), Piece::Body { format, bytes: &mut request.body });
        if let WireAnswer::Reply(reply) | WireAnswer::Disturbed(reply, _) = &mut exchange.answer {
            let content_type = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            let format = Format::of(content_type.map(|(_, value)| value.as_str()), &reply.body);
            let mut headers = reply.headers.to_vec();
            for (name, value) in &mut headers {
                each(&spot(EntryPart::ResponseHeader(name.clone())), Piece::Header { name, value });
            }
            let mut bytes = reply.body.to_vec();
            each(&spot(EntryPart::ResponseBody), Piece::Body { format, bytes: &mut bytes });
            reply.headers = headers.into();
            reply.body = bytes.into();
        }
        exchange.own_texts(&mut |text| each(&spot(EntryPart::Note), Piece::Text(text)));
    }
    if let Some(about) = &mut draft.about {
        about.own_texts(&mut |text| each(&Spot::About, Piece::Text(text)));
    }
}
