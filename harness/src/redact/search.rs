//! Finds values however they are written: as they are, percent-encoded in either case and in part, escaped as in JSON,
//! as XML entities, and one of these within another.

use std::collections::{HashMap, HashSet};

/// So many states are kept before those that lie behind are dropped.
const MOST_DEAD: usize = 1 << 16;
/// So many backslashes are read as one escape: JSON within JSON, six levels deep.
const MOST_SLASHES: usize = 64;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Needle {
    /// Which value it belongs to.
    pub(super) value: usize,
    /// Which pseudonym takes its place.
    pub(super) pseudonym: usize,
    pub(super) characters: Vec<char>,
    /// What must not stand before and behind it.
    pub(super) edge: Edge,
    /// What may stand between its characters, at most four of them: `1, 2, 3` and `(415) 555-0100`.
    pub(super) gaps: &'static [char],
}

/// What must not stand before and behind a needle, lest it be part of another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Any,
    NoDigit,
    NoWord,
}

impl Edge {
    fn allows(self, neighbor: Option<char>) -> bool {
        match self {
            Self::Any => true,
            Self::NoDigit => !neighbor.is_some_and(|c| c.is_ascii_digit()),
            Self::NoWord => !neighbor.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_'),
        }
    }
}

/// Where a needle was found.
pub(super) struct Hit {
    pub(super) needle: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where each of its characters stands, as it is written; between them are gaps.
    pub(super) places: Vec<(usize, usize)>,
}

/// Many needles, looked for at once.
pub(super) struct Search {
    pub(super) needles: Vec<Needle>,
    /// By the first character, longest first.
    by_first: HashMap<char, Vec<usize>>,
}

/// How far the search moves on where nothing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// An escape is one character.
    Escapes,
    /// An escape may also be what it looks like.
    Bytes,
}

impl Search {
    pub(super) fn new(needles: Vec<Needle>) -> Self {
        let mut by_first: HashMap<char, Vec<usize>> = HashMap::new();
        for (at, needle) in needles.iter().enumerate() {
            if let Some(first) = needle.characters.first() {
                by_first.entry(*first).or_default().push(at);
            }
        }
        for bucket in by_first.values_mut() {
            bucket.sort_by_key(|at| std::cmp::Reverse(needles[*at].characters.len()));
        }
        Self { needles, by_first }
    }

    /// The hits in their order, none within another.
    pub(super) fn hits(&self, text: &[u8], pace: Pace) -> Vec<Hit> {
        let mut hits = Vec::new();
        if self.needles.is_empty() {
            return hits;
        }
        let mut at = 0;
        let mut before = None;
        let mut dead = Dead::new();
        while at < text.len() {
            if dead.len() > MOST_DEAD {
                dead.retain(|(_, place, _)| *place >= at);
            }
            let (unit, length) = unit(text, at);
            if let Some(hit) = self.hit(text, at, unit, before, &mut dead) {
                at = hit.end;
                before = hit.places.last().map(|(start, _)| self::unit(text, *start).0);
                hits.push(hit);
            } else {
                let step = if pace == Pace::Escapes { length } else { 1 };
                before = Some(if step == length { unit } else { char::from(text[at]) });
                at += step;
            }
        }
        hits
    }

    fn hit(&self, text: &[u8], at: usize, unit: char, before: Option<char>, dead: &mut Dead) -> Option<Hit> {
        let literal = literal(text, at).map_or('\0', |(c, _)| c);
        let blank = (literal == '+').then_some(' ');
        let firsts = [Some(unit), (literal != unit).then_some(literal), blank];
        let buckets = firsts.into_iter().flatten().filter_map(|first| self.by_first.get(&first));
        buckets.flatten().find_map(|&needle| {
            let wanted = &self.needles[needle];
            if !wanted.edge.allows(before) {
                return None;
            }
            let (end, places) = matched(text, at, (needle, wanted), dead)?;
            let behind = (end < text.len()).then(|| self::unit(text, end).0);
            let fits =
                wanted.edge.allows(behind) && !(wanted.edge == Edge::NoWord && is_date_or_decimal(text, at, end));
            fits.then_some(Hit { needle, start: at, end, places })
        })
    }
}

/// Whether what stands here is within a date, as `2026` in `2026-01-31`, or a decimal, as `0.123`.
fn is_date_or_decimal(text: &[u8], start: usize, end: usize) -> bool {
    const DATE: &[u8; 10] = b"0000-00-00";
    let date = |from: usize| {
        let piece = text.get(from..from + DATE.len());
        let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
        end <= from + DATE.len() && piece.is_some_and(|piece| piece.iter().zip(DATE).all(fits))
    };
    let mut parts = text[start..end].split(|byte| *byte == b'.');
    let (whole, rest, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let decimal = more.is_none() && rest.is_some_and(|rest| whole.len() != rest.len() && digits(whole) && digits(rest));
    decimal || (start.saturating_sub(DATE.len() - 1)..=start).any(date)
}

/// States of the matching that lead nowhere, each tried once however many ways lead to it: needle, place, character.
type Dead = HashSet<(usize, usize, usize)>;

/// Matches all characters from here on, or nothing: where it ends, and where each of them stands. Where a character can
/// be read in several ways, all are tried.
fn matched(
    text: &[u8],
    start: usize,
    (id, needle): (usize, &Needle),
    dead: &mut Dead,
) -> Option<(usize, Vec<(usize, usize)>)> {
    let mut places: Vec<(usize, usize)> = Vec::with_capacity(needle.characters.len());
    // The ways not gone yet: which character, from where, to where.
    let mut choices: Vec<(usize, usize, usize)> = Vec::new();
    let mut at = start;
    while let Some(wanted) = needle.characters.get(places.len()) {
        let index = places.len();
        if index > 0 && !needle.gaps.is_empty() {
            at = behind_gap(text, at, needle.gaps, *wanted);
        }
        let mut ends = ends(text, at, *wanted).into_iter().flatten();
        let (first, others) = (ends.next(), [ends.next(), ends.next()]);
        let forked = others[0].is_some() || !choices.is_empty();
        let tried = forked && !dead.insert((id, at, index));
        let (index, from, end) = match first.filter(|_| !tried) {
            Some(end) => {
                choices.extend(others.into_iter().rev().flatten().map(|other| (index, at, other)));
                (index, at, end)
            }
            None => choices.pop()?,
        };
        places.truncate(index);
        places.push((from, end));
        at = end;
    }
    Some((at, places))
}

/// Behind what may stand between two characters, where the second one follows.
fn behind_gap(text: &[u8], start: usize, gaps: &[char], next: char) -> usize {
    let mut at = start;
    for _ in 0..4 {
        if at >= text.len() || ends(text, at, next).iter().any(Option::is_some) {
            return at;
        }
        let (unit, length) = unit(text, at);
        let blank = unit == '+' && gaps.contains(&' ');
        if !blank && !gaps.contains(&unit) {
            break;
        }
        at += length;
    }
    if at < text.len() && ends(text, at, next).iter().any(Option::is_some) { at } else { start }
}

/// Where this character ends if it stands here, in every way in which it may be written; each end once.
fn ends(text: &[u8], at: usize, wanted: char) -> [Option<usize>; 3] {
    if at >= text.len() {
        return [None; 3];
    }
    let (unit, length) = unit(text, at);
    let escaped = (unit == wanted).then_some(at + length);
    // The two that begin escapes may be escaped within what looks like an escape.
    let begins = match wanted {
        '%' if text[at..].starts_with(b"%25") => Some(at + 3),
        '\\' if text[at..].starts_with(b"\\\\") => Some(at + 2),
        _ => None,
    };
    let plain = literal(text, at).filter(|(c, _)| *c == wanted || *c == '+' && wanted == ' ');
    let plain = plain.map(|(_, length)| at + length);
    [escaped, begins.filter(|end| Some(*end) != escaped), plain.filter(|end| Some(*end) != escaped)]
}

/// The character as it stands there, and its length; a byte that is no UTF-8 is one of its own.
fn literal(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let piece = &text[at..text.len().min(at + 4)];
    let valid = match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(valid.chars().next().map_or(('\u{fffd}', 1), |c| (c, c.len_utf8())))
}

/// The character that is written here, and how long that is, escapes undone.
pub(super) fn unit(text: &[u8], at: usize) -> (char, usize) {
    let escape = match text[at] {
        b'%' => percent(text, at),
        b'\\' => backslash(text, at),
        b'&' => entity(text, at),
        _ => None,
    };
    escape.or_else(|| literal(text, at)).unwrap_or(('\u{fffd}', 1))
}

/// `%41`, `%C3%A9`, `%2541`.
fn percent(text: &[u8], start: usize) -> Option<(char, usize)> {
    let byte = |at: usize| {
        let mut digits = at + 1;
        // Encoded once more, perhaps several times.
        while text.get(digits..digits + 2) == Some(&b"25"[..]) && text.get(digits + 2..digits + 4).is_some_and(is_hex) {
            digits += 2;
        }
        let hex = text.get(digits..digits + 2).filter(|hex| text.get(at) == Some(&b'%') && is_hex(hex))?;
        let value = u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?;
        Some((value, digits + 2))
    };
    let (first, mut end) = byte(start)?;
    if first.is_ascii() {
        return Some((char::from(first), end - start));
    }
    let mut bytes = vec![first];
    while bytes.len() < 4 {
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return text.chars().next().map(|c| (c, end - start));
        }
        let (next, behind) = byte(end)?;
        bytes.push(next);
        end = behind;
    }
    std::str::from_utf8(&bytes).ok()?.chars().next().map(|c| (c, end - start))
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit)
}

/// `\u0041`, `\/`, `\"`, and these in JSON within JSON.
fn backslash(text: &[u8], start: usize) -> Option<(char, usize)> {
    let run = &text[start..text.len().min(start + MOST_SLASHES)];
    let slashes = run.iter().take_while(|byte| **byte == b'\\').count();
    let at = start + slashes;
    let simple = |c: char| Some((c, at + 1 - start));
    match text.get(at)? {
        b'u' => {
            let code = |at: usize| u32::from_str_radix(std::str::from_utf8(text.get(at..at + 4)?).ok()?, 16).ok();
            let first = code(at + 1)?;
            if let Some(c) = char::from_u32(first) {
                return Some((c, at + 5 - start));
            }
            let second = text.get(at + 5..)?;
            let between = second.iter().take_while(|byte| **byte == b'\\').count();
            let low = code(at + 5 + between + 1).filter(|_| between > 0 && second.get(between) == Some(&b'u'))?;
            let pair = [u16::try_from(first).ok()?, u16::try_from(low).ok()?];
            let c = char::decode_utf16(pair).next()?.ok()?;
            Some((c, at + 5 + between + 5 - start))
        }
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'/' => simple('/'),
        b'"' => simple('"'),
        // An even number of them is half as many, whatever comes behind.
        _ if slashes >= 2 => Some(('\\', 2)),
        _ => None,
    }
}

/// `&amp;`, `&#43;`, `&#x2B;`.
fn entity(text: &[u8], start: usize) -> Option<(char, usize)> {
    let piece = &text[start + 1..text.len().min(start + 12)];
    let end = piece.iter().position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&piece[..end]).ok()?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(needle: &str, edge: Edge, gaps: &'static [char], text: &str, expected: &[&str]) {
        let search =
            Search::new(vec![Needle { value: 0, pseudonym: 0, characters: needle.chars().collect(), edge, gaps }]);
        let found: Vec<_> =
            search.hits(text.as_bytes(), Pace::Escapes).iter().map(|hit| &text[hit.start..hit.end]).collect();
        assert_eq!(found, expected, "{needle} in {text}");
    }

    #[test]
    fn values_are_found_in_every_form() {
        for written in [
            "a+b/\"é",
            "a%2Bb%2F%22%C3%A9",
            "a%2bb/%22%c3%a9",
            "%61+%62/\"é",
            "a\\u002bb\\/\\\"\\u00e9",
            "a+b\\\\/\\\\\\\"\\u00E9",
            "a%252Bb%252F%2522%25C3%25A9",
            "a&#43;b&#x2f;&quot;&#233;",
            "\\u0061%2B\\u0062/&quot;é",
        ] {
            check("a+b/\"é", Edge::Any, &[], &format!("x{written}x{written}"), &[written, written]);
        }
        check("a b", Edge::Any, &[], "a+b a%20b a b", &["a+b", "a%20b", "a b"]);
        check("😀x", Edge::Any, &[], "\\ud83d\\ude00x %F0%9F%98%80x 😀x", &["\\ud83d\\ude00x", "%F0%9F%98%80x", "😀x"]);
        check("100%25x", Edge::Any, &[], "100%25x 100%2525x", &["100%25x", "100%2525x"]);
        check("a\\nb", Edge::Any, &[], "a\\nb a\\\\nb", &["a\\nb", "a\\\\nb"]);
        check("ab", Edge::Any, &[], "a%zb a% a\\u00 \u{fffd}", &[]);
    }

    #[test]
    fn digits_within_other_words_are_not_meant() {
        check("2012", Edge::NoWord, &[], "2012 12012 2012a %2012 %202012 \\u2012 a=2012", &["2012", "2012", "2012"]);
        check("4155550100", Edge::NoDigit, &[], "+4155550100 x4155550100 14155550100", &["4155550100", "4155550100"]);
    }

    #[test]
    fn characters_may_stand_apart() {
        const GAPS: &[char] = &[' ', ',', '.', '-', '(', ')'];
        check(
            "123456",
            Edge::NoWord,
            GAPS,
            "1, 2, 3, 4, 5, 6. 1. 2. 3. 4. 5. 6; 123-456",
            &["1, 2, 3, 4, 5, 6", "1. 2. 3. 4. 5. 6", "123-456"],
        );
        check(
            "4155550100",
            Edge::NoDigit,
            GAPS,
            "(415) 555-0100, %28415%29+555-0100",
            &["415) 555-0100", "415%29+555-0100"],
        );
        check("1234", Edge::NoWord, GAPS, "1,     2, 3, 4", &[]);
    }

    #[test]
    fn dates_and_decimals_are_no_codes() {
        const GAPS: &[char] = &[' ', '.', '-'];
        check("2026", Edge::NoWord, GAPS, "/2026-01-31/ 2026-01-31T12:00 2026 2026-1", &["2026", "2026"]);
        check("0123", Edge::NoWord, GAPS, "0.123 01.23 0. 1. 2. 3", &["01.23", "0. 1. 2. 3"]);
        check("0131", Edge::NoWord, GAPS, "2026-01-31 01-31", &["01-31"]);
    }

    /// Each would take longer than anybody waits if a way were gone twice.
    #[test]
    fn runs_of_backslashes_are_read_once() {
        let (slashes, long) = ("\\".repeat(40), "\\".repeat(20_000));
        check(&format!("{slashes}x"), Edge::Any, &[], &"\\".repeat(80), &[]);
        check(&format!("{slashes}x"), Edge::Any, &[], &long, &[]);
        check("secret", Edge::Any, &[], &format!("{long}\"secret"), &["secret"]);
        let written = format!("{}x", "\\".repeat(80));
        check(&format!("{slashes}x"), Edge::Any, &[], &written, &[&written]);
    }
}
