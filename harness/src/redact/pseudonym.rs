//! What stands in the place of a value: of the same shape, and nobody's.

use std::collections::HashSet;

use ring::hmac;
use zeroize::Zeroizing;

use super::find::Number;
use super::kind::SecretKind;
use super::pieces::{Piece, visit};
use crate::cassette::Draft;

/// Numbers below have meanings of their own (magic numbers of test credentials).
const FIRST_NUMBER: u32 = 100;
const LAST_NUMBER: u32 = 9999;
/// A credential shorter than this could be guessed from its pseudonyms.
pub(super) const SHORTEST_KEY: usize = 16;
/// After so many others that were taken, a short value may share its pseudonym.
const MOST_TRIES: u32 = 1000;

/// Makes pseudonyms that tell nothing without it.
#[derive(Clone)]
pub(super) struct Key(hmac::Key);

impl Key {
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Everything that was there before redaction: who knows that needs no pseudonym.
    pub(super) fn of_draft(draft: &Draft) -> Self {
        let mut all = Zeroizing::new(Vec::new());
        visit(&mut draft.clone(), &mut |_, piece| {
            all.push(0);
            match piece {
                Piece::Target(text) | Piece::Text(text) | Piece::Header { value: text, .. } => {
                    all.extend_from_slice(text.as_bytes());
                }
                Piece::Body { bytes, .. } => all.extend_from_slice(bytes),
            }
        });
        Self::of(&all)
    }

    fn bytes(&self, kind: SecretKind, value: &str, attempt: u32) -> impl Iterator<Item = u8> {
        let key = self.0.clone();
        // Kinds by name, so that a new one changes no pseudonym of the others.
        let start = format!("{kind}\0{attempt}\0{value}\0");
        (0_u32..).flat_map(move |block| {
            let tag = hmac::sign(&key, format!("{start}{block}").as_bytes());
            let mut bytes = [0; 32];
            bytes.copy_from_slice(tag.as_ref());
            bytes
        })
    }
}

/// Makes pseudonyms that differ from each other and from all values.
pub(super) struct Maker {
    key: Key,
    taken: HashSet<String>,
}

impl Maker {
    pub(super) fn new(key: Key, taken: HashSet<String>) -> Self {
        Self { key, taken }
    }

    pub(super) fn make(&mut self, kind: SecretKind, value: &str) -> String {
        self.distinct(|key, attempt| {
            let mut bytes = key.bytes(kind, value, attempt);
            match kind {
                SecretKind::Sid => sid(value, &mut bytes),
                SecretKind::Email => email(value, &mut bytes),
                _ => same_classes(value, &mut bytes),
            }
        })
    }

    /// All digits of a number of the test range.
    pub(super) fn number(&mut self, number: &Number) -> String {
        self.distinct(|key, attempt| {
            let bytes = key.bytes(SecretKind::Phone, &number.digits, attempt).take(4);
            let random = bytes.fold(0, |sum: u32, byte| sum << 8 | u32::from(byte));
            format!("1500555{:04}", FIRST_NUMBER + random % (LAST_NUMBER - FIRST_NUMBER + 1))
        })
    }

    fn distinct(&mut self, make: impl Fn(&Key, u32) -> String) -> String {
        let mut made = make(&self.key, 0);
        for attempt in 1..MOST_TRIES {
            if !self.taken.contains(&made) {
                break;
            }
            made = make(&self.key, attempt);
        }
        self.taken.insert(made.clone());
        made
    }
}

fn sid(value: &str, bytes: &mut dyn Iterator<Item = u8>) -> String {
    let prefix = value.get(..2).unwrap_or_default();
    let digits: String = (0..16).map(|_| pick(b"0123456789abcdef", bytes)).collect();
    format!("{prefix}{:016}{digits}", 0)
}

/// As long as the address where that is possible.
fn email(value: &str, bytes: &mut dyn Iterator<Item = u8>) -> String {
    let length = value.chars().count();
    let domain = if length > "@example.com".len() { "@example.com" } else { "@a.test" };
    let local = length.saturating_sub(domain.len()).max(1);
    let local: String = (0..local).map(|_| pick(LOWER, bytes)).collect();
    format!("{local}{domain}")
}

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// RFC 4648 §6.
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A digit for a digit, a letter for a letter of the same case, the rest as it is; hex stays hex and base32 base32. What
/// has hardly a letter or digit would stay what it is, so all of it becomes letters.
fn same_classes(value: &str, bytes: &mut dyn Iterator<Item = u8>) -> String {
    let all = |alphabet: &[u8]| value.bytes().all(|byte| alphabet.contains(&byte));
    // Digits alone stay digits: JSON has them without quotes.
    let long = value.len() >= 16 && !all(DIGITS);
    let base32 = long && all(BASE32);
    let hex = long && all(b"0123456789abcdef");
    let few = value.chars().filter(|c| c.is_alphanumeric()).count() < 4 && value.len() >= 4;
    let class = |c: char| match c {
        _ if few => Some(LOWER),
        'a'..='f' | '0'..='9' if hex => Some(b"0123456789abcdef".as_slice()),
        '0'..='9' | 'A'..='Z' if base32 => Some(BASE32),
        '0'..='9' => Some(DIGITS),
        'A'..='Z' => Some(UPPER),
        c if c.is_alphabetic() && !c.is_uppercase() => Some(LOWER),
        c if c.is_alphanumeric() => Some(UPPER),
        _ => None,
    };
    let mut made: String = value.chars().map(|c| class(c).map_or(c, |alphabet| pick(alphabet, bytes))).collect();
    // A number without zeros in front stays one: JSON has no other.
    if made.starts_with('0') && !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit()) {
        made.replace_range(..1, "1");
    }
    made
}

fn pick(alphabet: &[u8], bytes: &mut dyn Iterator<Item = u8>) -> char {
    // Not quite even, which a pseudonym need not be.
    let at = usize::from(bytes.next().unwrap_or_default()) % alphabet.len();
    char::from(alphabet[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker() -> Maker {
        Maker::new(Key::of(b"a key of this test"), HashSet::new())
    }

    /// The class of each character.
    fn shape(text: &str) -> String {
        let class = |c: char| match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        };
        text.chars().map(class).collect()
    }

    #[test]
    fn pseudonyms_keep_the_shape_and_depend_on_key_and_value() {
        for (kind, value) in [
            (SecretKind::Code, "0123456"),
            (SecretKind::Credential, "pA5s-w0rd!"),
            (SecretKind::Cookie, "x=y+Z/9=="),
            (SecretKind::Name, "Ada's phone"),
        ] {
            let made = maker().make(kind, value);
            assert_eq!(shape(&made), shape(value));
            assert_ne!(made, value);
            assert_eq!(made, maker().make(kind, value));
            assert_ne!(made, Maker::new(Key::of(b"another"), HashSet::new()).make(kind, value));
        }
        assert_eq!(shape(&maker().make(SecretKind::Credential, "!$%&/()=?")), "a".repeat(9));
        let hex = maker().make(SecretKind::Credential, "0123456789abcdef0123456789abcdef");
        assert!(hex.len() == 32 && hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{hex}");
        let seed = maker().make(SecretKind::Credential, "GEZDGNBVGY3TQOJQ");
        assert!(seed.len() == 16 && seed.bytes().all(|byte| BASE32.contains(&byte)), "{seed}");
        let sid = maker().make(SecretKind::Sid, "VA0123456789abcdef0123456789abcdef");
        assert!(sid.len() == 34 && sid.starts_with("VA0000000000000000"), "{sid}");
    }

    #[test]
    fn addresses_and_numbers_are_nobodys() {
        let long = maker().make(SecretKind::Email, "ada.lovelace@corp.org");
        assert!(long.ends_with("@example.com") && long.len() == 21, "{long}");
        let short = maker().make(SecretKind::Email, "ada@co.uk");
        assert!(short.ends_with("@a.test") && short.len() == 9, "{short}");
        let number = Number { digits: "4915112345678".to_owned(), national: None };
        let made = maker().number(&number);
        assert!(
            made.len() == 11 && made.starts_with("1500555") && made[7..].parse::<u32>().is_ok_and(|n| n >= 100),
            "{made}"
        );
    }

    #[test]
    fn pseudonyms_differ_while_there_are_any_left() {
        let mut maker = maker();
        let made: HashSet<_> = (0..900).map(|value| maker.make(SecretKind::Code, &format!("{value:03}"))).collect();
        assert_eq!(made.len(), 900);
    }
}
