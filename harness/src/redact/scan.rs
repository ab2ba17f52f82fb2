//! Searches what is to be written once more: replacing can miss what searching finds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::kind::SecretKind;
use super::pieces::{EntryPart, Piece, Spot, visit};
use super::search::{Edge, Needle, Pace, Search};
use super::values::Values;
use crate::cassette::{Draft, unzipped};

/// Fewer characters of base64 would be found by chance.
const SHORTEST_BASE64: usize = 6;

/// A value that would have been written. It says where, and never what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Where it is.
    pub spot: Spot,
    /// What it is.
    pub kind: SecretKind,
    /// How it is written there.
    pub form: Form,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is, or with escapes.
    Text,
    /// Within base64, wherever it begins in there.
    Base64,
    /// Within gzip.
    Gzip,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "in plain or escaped form",
            Self::Base64 => "in base64",
            Self::Gzip => "inside gzip",
        })
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spot, kind, form } = self;
        let article = if matches!(kind, SecretKind::Email | SecretKind::Added) { "an" } else { "a" };
        write!(
            f,
            "{spot} still holds {article} {kind} {form}, so nothing was written; redact what holds it by its name, or leave the exchange out"
        )
    }
}

/// Searches all parts of redacted exchanges.
pub(super) fn draft(draft: &Draft, values: &Values) -> Result<(), Leak> {
    let bytewise = bytewise(values, |_| true);
    let encoded = encoded(values);
    let mut leak = None;
    visit(&mut draft.clone(), &mut |spot, piece| {
        if leak.is_some() {
            return;
        }
        let bytes: &[u8] = match &piece {
            Piece::Target(text) | Piece::Text(text) | Piece::Header { value: text, .. } => text.as_bytes(),
            Piece::Body { bytes, .. } => bytes,
        };
        // Names of accounts mean nothing in what the project wrote itself.
        let own = matches!(spot, Spot::About | Spot::Entry { part: EntryPart::Note, .. });
        let found = |form, kind| Leak { spot: spot.clone(), kind, form };
        let text = kind(values.search(spot), values, bytes, Pace::Escapes)
            .or_else(|| kind(&bytewise, values, bytes, Pace::Bytes).filter(|kind| !own || *kind != SecretKind::Name));
        let base64 = || kind(&encoded, values, bytes, Pace::Bytes);
        let gzip = || {
            let inner = unzipped(bytes)?;
            kind(values.search(spot), values, &inner, Pace::Escapes)
                .or_else(|| kind(&bytewise, values, &inner, Pace::Bytes))
                .or_else(|| kind(&encoded, values, &inner, Pace::Bytes))
        };
        leak = text
            .map(|kind| found(Form::Text, kind))
            .or_else(|| base64().map(|kind| found(Form::Base64, kind)))
            .or_else(|| gzip().map(|kind| found(Form::Gzip, kind)));
    });
    leak.map_or(Ok(()), Err)
}

/// Searches the file itself, but for what its own words and numbers could be by chance.
pub(super) fn file(file: &[u8], values: &Values) -> Result<(), Leak> {
    let bytewise = bytewise(values, |kind| kind != SecretKind::Name);
    for (search, form) in [(bytewise, Form::Text), (encoded(values), Form::Base64)] {
        if let Some(hit) = search.hits(file, Pace::Bytes).first() {
            let line = 1 + file[..hit.start].iter().filter(|byte| **byte == b'\n').count();
            let kind = values.kind(&search.needles[hit.needle]);
            return Err(Leak { spot: Spot::File { line }, kind, form });
        }
    }
    Ok(())
}

fn kind(search: &Search, values: &Values, bytes: &[u8], pace: Pace) -> Option<SecretKind> {
    search.hits(bytes, pace).first().map(|hit| values.kind(&search.needles[hit.needle]))
}

/// The values that are long enough to be meant wherever they stand.
fn bytewise(values: &Values, wanted: impl Fn(SecretKind) -> bool) -> Search {
    let long = values.needles().filter(|(needle, kind)| needle.edge == Edge::Any && wanted(*kind));
    Search::new(long.map(|(needle, _)| needle.clone()).collect())
}

/// The values as base64 has them: at each of the three places where they can begin, in both alphabets.
fn encoded(values: &Values) -> Search {
    let mut needles = Vec::new();
    for (needle, _) in values.needles().filter(|(_, kind)| *kind != SecretKind::Name) {
        let text: String = needle.characters.iter().collect();
        for offset in 0..3 {
            let before = "\0".repeat(offset);
            let bits = (offset + text.len()) * 8;
            let whole = STANDARD.encode(format!("{before}{text}"));
            // Characters that also hold bits of what stands before or behind are of no use.
            let characters: Vec<char> = whole.chars().take(bits / 6).skip((offset * 8).div_ceil(6)).collect();
            if characters.len() < SHORTEST_BASE64 {
                continue;
            }
            let url_safe: Vec<char> = characters
                .iter()
                .map(|c| match c {
                    '+' => '-',
                    '/' => '_',
                    other => *other,
                })
                .collect();
            let both = [Some(characters.clone()), (url_safe != characters).then_some(url_safe)];
            needles.extend(both.into_iter().flatten().map(|characters| Needle {
                characters,
                edge: Edge::Any,
                gaps: &[],
                ..needle.clone()
            }));
        }
    }
    Search::new(needles)
}
