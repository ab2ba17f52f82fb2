//! What is replaced by what, and the replacing.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fields::{Field, Format, Role, fields};
use super::find::{Found, Number, basic};
use super::kind::SecretKind;
use super::names;
use super::patterns;
use super::pieces::{Piece, Spot};
use super::pseudonym::{Key, Maker};
use super::search::{Edge, Hit, Needle, Pace, Search};
use super::secret::Value;

/// Between the digits of a phone number.
const PHONE_GAPS: &[char] = &[' ', '(', ')', '-', '.', '/', '\u{a0}'];
/// Between the digits of a code, as it is spoken or shown in groups.
const CODE_GAPS: &[char] = &[' ', ',', '.', '-', '\n', '\t'];
/// Values of this length are no part of another word by chance.
const LONG: usize = 8;

/// Everything that is replaced.
pub(super) struct Values {
    /// The kinds of all values, by the numbers that needles have.
    kinds: Vec<SecretKind>,
    /// What stands in the place of each needle.
    pseudonyms: Vec<String>,
    /// For what a provider or a client wrote.
    foreign: Search,
    /// For what this project wrote, where names of accounts mean nothing.
    own: Search,
    /// Values that are replaced only where they were found.
    short: HashMap<String, String>,
    added: Vec<String>,
}

impl Values {
    pub(super) fn of(found: Found, key: Key, added: Vec<String>) -> Self {
        let taken: HashSet<String> = found.values.iter().map(|value| value.text.to_string()).collect();
        let numbers = found.numbers.iter().flat_map(|number| [Some(&number.digits), number.national.as_ref()]);
        let taken = taken.into_iter().chain(numbers.flatten().cloned()).chain(found.nobodys.iter().cloned());
        let mut maker = Maker::new(key, taken.collect());
        let mut all = All::default();
        let mut short = HashMap::new();
        let mut made: Vec<(Number, String)> = Vec::new();
        for number in found.numbers {
            let pseudonym = maker.number(&number);
            all.number(&number, &pseudonym);
            made.push((number, pseudonym));
        }
        for end in found.number_ends {
            all.number_end(&end, &made, &found.nobodys);
        }
        for start in found.number_starts {
            all.number_start(&start);
        }
        for value in found.values {
            let pseudonym = maker.make(value.kind, &value.text);
            if value.is_everywhere() {
                all.value(&value, pseudonym);
            } else {
                all.kinds.push(value.kind);
                short.insert(value.text.to_string(), pseudonym);
            }
        }
        let own = all.needles.iter().filter(|needle| all.kinds[needle.value] != SecretKind::Name);
        Self {
            own: Search::new(own.cloned().collect()),
            foreign: Search::new(all.needles),
            pseudonyms: all.pseudonyms,
            kinds: all.kinds,
            short,
            added,
        }
    }

    /// How many values of each kind there are.
    pub(super) fn counts(&self) -> BTreeMap<SecretKind, usize> {
        let mut counts = BTreeMap::new();
        for kind in &self.kinds {
            *counts.entry(*kind).or_default() += 1;
        }
        counts
    }

    /// What is looked for, and its kind.
    pub(super) fn needles(&self) -> impl Iterator<Item = (&Needle, SecretKind)> {
        self.foreign.needles.iter().map(|needle| (needle, self.kinds[needle.value]))
    }

    pub(super) fn search(&self, spot: &Spot) -> &Search {
        if *spot == Spot::About { &self.own } else { &self.foreign }
    }

    pub(super) fn kind(&self, needle: &Needle) -> SecretKind {
        self.kinds[needle.value]
    }

    /// Replaces all values in one part.
    pub(super) fn replace(&self, spot: &Spot, piece: Piece<'_>) {
        match piece {
            Piece::Target(target) => {
                let (path, query) =
                    target.split_once('?').map_or((&**target, None), |(path, query)| (path, Some(query)));
                let mut replaced = self.text(spot, &self.segments(path), Pace::Escapes);
                if let Some(query) = query {
                    let query = self.fields(query.as_bytes(), Format::Form, spot.is_request());
                    replaced.push('?');
                    replaced.push_str(&self.text(spot, &String::from_utf8_lossy(&query), Pace::Escapes));
                }
                *target = replaced;
            }
            Piece::Header { name, value } => {
                *value = self.text(spot, &self.header(&names::plain(name), value, spot.is_request()), Pace::Bytes);
            }
            Piece::Text(text) => *text = self.text(spot, text, Pace::Bytes),
            Piece::Body { format, bytes } => {
                let replaced = self.fields(bytes, format, spot.is_request());
                let escapes = matches!(format, Format::Form | Format::Json | Format::Xml);
                let pace = if escapes { Pace::Escapes } else { Pace::Bytes };
                *bytes = match String::from_utf8(replaced) {
                    Ok(text) => self.text(spot, &text, pace).into_bytes(),
                    Err(other) => self.everywhere(spot, other.as_bytes(), pace),
                };
            }
        }
    }

    /// Replaces short values in the places of a path where they are found.
    fn segments(&self, path: &str) -> String {
        let segments: Vec<&str> = path.split('/').collect();
        let replaced = segments.iter().enumerate().map(|(at, segment)| {
            let before = at.checked_sub(1).map(|before| segments[before]);
            let found = matches!(before, Some("Entities" | "verify"));
            self.short.get(*segment).filter(|_| found).map_or(*segment, String::as_str)
        });
        replaced.collect::<Vec<_>>().join("/")
    }

    fn text(&self, spot: &Spot, text: &str, pace: Pace) -> String {
        let mut replaced = text.to_owned();
        for range in patterns::basics(text).into_iter().rev() {
            if let Some((user, password)) = basic(&text[range.clone()]) {
                let part = |part: &str| match self.short.get(part) {
                    Some(pseudonym) => pseudonym.clone(),
                    None => lossy(self.everywhere(spot, part.as_bytes(), Pace::Bytes)),
                };
                let encoded = STANDARD.encode(format!("{}:{}", part(&user), part(&password)));
                let percent = text[range.clone()].contains('%');
                let encoded = if percent { encoded.replace('=', "%3D").replace('+', "%2B") } else { encoded };
                replaced.replace_range(range, &encoded);
            }
        }
        let replaced = self.everywhere(spot, replaced.as_bytes(), Pace::Escapes);
        // What an escape hides from one way of reading, the other sees.
        lossy(if pace == Pace::Bytes { self.everywhere(spot, &replaced, pace) } else { replaced })
    }

    fn everywhere(&self, spot: &Spot, text: &[u8], pace: Pace) -> Vec<u8> {
        let search = self.search(spot);
        let mut replaced = Vec::with_capacity(text.len());
        let mut copied = 0;
        for hit in search.hits(text, pace) {
            replaced.extend_from_slice(&text[copied..hit.start]);
            let needle = &search.needles[hit.needle];
            write(&mut replaced, text, &hit, &needle.characters, &self.pseudonyms[needle.pseudonym]);
            copied = hit.end;
        }
        replaced.extend_from_slice(&text[copied..]);
        replaced
    }

    /// Replaces short values, which stay what they are in other places.
    fn header(&self, name: &str, value: &str, request: bool) -> String {
        let cookie = |cookie: &str| {
            let text = cookie.split_once('=').map_or(cookie, |(_, value)| value).trim().trim_matches('"');
            match self.short.get(text) {
                Some(pseudonym) if !text.is_empty() => {
                    let at = cookie.rfind(text).unwrap_or_default();
                    format!("{}{pseudonym}{}", &cookie[..at], &cookie[at + text.len()..])
                }
                _ => cookie.to_owned(),
            }
        };
        match name {
            "cookie" => value.split(';').map(cookie).collect::<Vec<_>>().join(";"),
            "setcookie" => {
                let one = |header: &str| match header.split_once(';') {
                    Some((first, attributes)) => format!("{};{attributes}", cookie(first)),
                    None => cookie(header),
                };
                value.split('\n').map(one).collect::<Vec<_>>().join("\n")
            }
            "authorization" | "proxyauthorization" => match value.trim().split_once(' ') {
                Some((scheme, credentials)) if self.short.contains_key(credentials) => {
                    format!("{scheme} {}", self.short[credentials])
                }
                _ => self.short.get(value.trim()).cloned().unwrap_or_else(|| value.to_owned()),
            },
            _ if self.added.iter().any(|added| added == name) || names::kind("", name, value, request).is_some() => {
                self.short.get(value).cloned().unwrap_or_else(|| value.to_owned())
            }
            _ => value.to_owned(),
        }
    }

    /// Replaces short values, and the digits of a country beside a number that now is of another.
    fn fields(&self, bytes: &[u8], format: Format, request: bool) -> Vec<u8> {
        let all = fields(bytes, format);
        let mut replaced = bytes.to_vec();
        for field in all.iter().rev() {
            if let Some(text) = self.in_place(field, &all, request) {
                replaced.splice(field.span.clone(), written(&text, format, field.role).into_bytes());
            }
        }
        replaced
    }

    fn in_place(&self, field: &Field, all: &[Field], request: bool) -> Option<String> {
        let Field { parent, name, value, .. } = field;
        if name == "countrycode" {
            let digits = value.trim_start_matches('+');
            let country = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            let beside =
                |other: &Field| names::is_phone(&other.name) && other.parent == *parent && !other.value.is_empty();
            return (country && digits != "1" && all.iter().any(beside)).then(|| "1".to_owned());
        }
        if field.role == Role::Name || field.role == Role::Bare && !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let secret = self.added.contains(name) || names::kind(parent, name, value, request).is_some();
        self.short.get(value).filter(|_| secret).cloned()
    }
}

/// A value as bodies of this form have it.
fn written(text: &str, format: Format, role: Role) -> String {
    match format {
        Format::Form => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        Format::Json if role == Role::Text => {
            let quoted = serde_json::Value::from(text).to_string();
            quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
        }
        Format::Xml => quick_xml::escape::escape(text).into_owned(),
        Format::Json | Format::Multipart | Format::Other => text.to_owned(),
    }
}

/// Collects needles.
#[derive(Default)]
struct All {
    kinds: Vec<SecretKind>,
    needles: Vec<Needle>,
    pseudonyms: Vec<String>,
}

impl All {
    fn value(&mut self, value: &Value, pseudonym: String) {
        let (edge, gaps): (_, &[char]) = match value.kind {
            SecretKind::Code if value.known => (Edge::Any, CODE_GAPS),
            SecretKind::Code => (Edge::NoWord, CODE_GAPS),
            _ if value.known => (Edge::Any, &[]),
            _ if value.text.len() < LONG => (Edge::NoWord, &[]),
            _ => (Edge::Any, &[]),
        };
        self.kinds.push(value.kind);
        self.needle(&value.text, edge, gaps, pseudonym);
    }

    /// The number with and without its country, also as it is dialed: `00` or `0` in front.
    fn number(&mut self, number: &Number, pseudonym: &str) {
        self.kinds.push(SecretKind::Phone);
        self.needle(&number.digits, Edge::NoDigit, PHONE_GAPS, pseudonym.to_owned());
        let national = pseudonym.strip_prefix('1').unwrap_or(pseudonym);
        for written in number.national.iter().filter(|national| **national != number.digits) {
            self.needle(written, Edge::NoDigit, PHONE_GAPS, national.to_owned());
            self.needle(&format!("0{written}"), Edge::NoDigit, PHONE_GAPS, format!("0{national}"));
        }
        self.needle(&format!("00{}", number.digits), Edge::NoDigit, PHONE_GAPS, format!("00{pseudonym}"));
    }

    /// The end of a number ends as the number's pseudonym does.
    fn number_end(&mut self, end: &str, numbers: &[(Number, String)], nobodys: &[String]) {
        let shown = end.rsplit(['X', '-']).next().unwrap_or_default();
        if shown.is_empty() || nobodys.iter().any(|digits| digits.ends_with(shown)) {
            return;
        }
        let known = numbers.iter().find(|(number, _)| number.digits.ends_with(shown));
        let digits = known.and_then(|(_, pseudonym)| pseudonym.get(pseudonym.len().checked_sub(shown.len())?..));
        let digits = digits.map_or_else(|| "0".repeat(shown.len()), str::to_owned);
        let hidden = &end[..end.len() - shown.len()];
        self.kinds.push(SecretKind::Phone);
        self.needle(end, Edge::NoDigit, &[], format!("{hidden}{digits}"));
    }

    fn number_start(&mut self, start: &str) {
        let (range, shown) = ("+1500555", start.trim_end_matches('X').len());
        let pseudonym: String = range.chars().chain("0000000".chars()).take(shown).collect();
        if start.starts_with(&pseudonym) {
            return;
        }
        self.kinds.push(SecretKind::Phone);
        self.needle(start, Edge::Any, &[], format!("{pseudonym}{}", &start[shown..]));
    }

    fn needle(&mut self, text: &str, edge: Edge, gaps: &'static [char], pseudonym: String) {
        let (value, at) = (self.kinds.len() - 1, self.pseudonyms.len());
        self.needles.push(Needle { value, pseudonym: at, characters: text.chars().collect(), edge, gaps });
        self.pseudonyms.push(pseudonym);
    }
}

/// Writes a pseudonym as the value was written: what both have in common keeps its escapes, and gaps stay.
fn write(out: &mut Vec<u8>, text: &[u8], hit: &Hit, value: &[char], pseudonym: &str) {
    let mut plain = [0; 4];
    if pseudonym.chars().count() == value.len() {
        let mut end = hit.start;
        for ((wanted, c), (from, to)) in value.iter().zip(pseudonym.chars()).zip(&hit.places) {
            out.extend_from_slice(&text[end..*from]);
            let same = if *wanted == c { &text[*from..*to] } else { c.encode_utf8(&mut plain).as_bytes() };
            out.extend_from_slice(same);
            end = *to;
        }
        return;
    }
    for c in pseudonym.chars() {
        let place = value.iter().position(|known| *known == c && !c.is_alphanumeric()).map(|at| hit.places[at]);
        let bytes = place.map_or_else(|| c.encode_utf8(&mut plain).as_bytes(), |(from, to)| &text[from..to]);
        out.extend_from_slice(bytes);
    }
}

/// Pseudonyms are ASCII and what is replaced is whole characters, so nothing is lost.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
