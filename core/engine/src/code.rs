//! The text of a code: read once, before anything else looks at it; and codes of the engine's own.

use countersign_plugin::Code;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::{NoRandomness, Random};
use crate::store::{DeliveryId, KeyedHash, Store};

/// Characters of a typed text that are looked at. Whatever is longer is no code.
const TYPED_CHARS: usize = 64;

/// What a person typed.
///
/// The rule: white space (also inside, also no-break) and zero-width characters are dropped, for
/// people paste `123 456`. What is left must consist of as many ASCII digits as the channel's
/// codes may have. Everything else (letters, signs and dashes, digits of other scripts or widths,
/// control characters, more than 64 characters) is a wrong code: it counts as an attempt, and
/// no plugin sees it. Only a text with nothing in it is no attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Nothing.
    Empty,
    /// Something that cannot be a code here.
    NoCode,
    /// A code, possibly the right one.
    Code(Code),
}

/// Reads what a person typed, for a channel whose codes have so many digits (fewest, most).
pub(crate) fn read(typed: &str, digits: [u8; 2]) -> Typed {
    // One more than is allowed is enough to tell, however long the text is.
    if typed.chars().take(TYPED_CHARS + 1).count() > TYPED_CHARS {
        return Typed::NoCode;
    }
    // Of full size from the start, so that no copy is left behind when it grows.
    let mut text = Zeroizing::new(String::with_capacity(typed.len()));
    text.extend(typed.chars().filter(|c| !is_blank(*c)));
    if text.is_empty() {
        return Typed::Empty;
    }
    let [fewest, most] = digits.map(usize::from);
    if text.bytes().all(|byte| byte.is_ascii_digit()) && (fewest..=most).contains(&text.len()) {
        Typed::Code(Code::new(text.as_str()))
    } else {
        Typed::NoCode
    }
}

/// How many digits a typed text has, read as a code is; `None` where anything else is in it. A host may so spare people
/// an attempt that could not succeed: the engine counts whatever it is asked about.
pub fn typed_digits(typed: &str) -> Option<usize> {
    let mut digits = 0;
    for c in typed.chars().filter(|c| !is_blank(*c)) {
        if !c.is_ascii_digit() {
            return None;
        }
        digits += 1;
    }
    Some(digits)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Makes a code of so many digits, each equally likely.
///
/// # Errors
/// Where there is no randomness, or only such as no honest source would give.
pub(crate) fn make(random: &dyn Random, digits: u8) -> Result<Code, NoRandomness> {
    /// The largest multiple of ten that a byte can count to: beyond it some digits would be
    /// likelier than others.
    const FAIR: u8 = 250;
    /// Fewer than 2^-1000 of all honest sources need more.
    const ROUNDS: usize = 32;
    let wanted = usize::from(digits);
    let mut text = Zeroizing::new(String::with_capacity(wanted));
    let mut bytes = Zeroizing::new([0_u8; 32]);
    for _ in 0..ROUNDS {
        random.fill(bytes.as_mut())?;
        for byte in bytes.iter().filter(|byte| **byte < FAIR) {
            text.push(char::from(b'0' + byte % 10));
            if text.len() == wanted {
                return Ok(Code::new(text.as_str()));
            }
        }
    }
    Err(NoRandomness)
}

/// The hash under which the engine remembers a code it made: worth nothing with another delivery.
pub(crate) fn hash(store: &dyn Store, delivery: &DeliveryId, code: &Code) -> KeyedHash {
    store.hash("engine-made code", &[delivery.as_str().as_bytes(), code.as_str().as_bytes()])
}

/// Whether two hashes are equal, in a time that does not depend on where they differ.
pub(crate) fn same(one: &KeyedHash, other: &KeyedHash) -> bool {
    one.0.ct_eq(&other.0).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::SystemRandom;

    #[track_caller]
    fn check(typed: &str, expected: &Typed) {
        assert_eq!(&read(typed, [6, 8]), expected, "{typed:?}");
    }

    fn code(text: &str) -> Typed {
        Typed::Code(Code::new(text))
    }

    #[test]
    fn white_and_zero_width_space_is_dropped_wherever_it_stands() {
        for typed in ["123456", " 123456", "123 456\n", "1\t2\u{a0}34\u{200b}56", "\u{feff}12\u{2060}3456\u{3000}"] {
            check(typed, &code("123456"));
        }
    }

    #[test]
    fn digits_are_counted_as_a_code_is_read() {
        for (typed, expected) in [
            ("123 456\n", Some(6)),
            ("\u{feff}12\u{2060}3", Some(3)),
            (" ", Some(0)),
            ("12a", None),
            ("\u{fffd}", None),
        ] {
            assert_eq!(typed_digits(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn leading_zeros_stay() {
        check("000123", &code("000123"));
        check("123", &Typed::NoCode);
    }

    #[test]
    fn anything_but_ascii_digits_is_no_code() {
        for typed in [
            "12345a",
            "+123456",
            "-123456",
            "123-456",
            "1e5000",
            "0x1F00",
            "123.456",
            "１２３４５６",
            "١٢٣٤٥٦",
            "123\x00456",
            "123456%0a",
            "{otp}",
            "\"123456\"",
            "NaN",
            "true",
        ] {
            check(typed, &Typed::NoCode);
        }
    }

    #[test]
    fn only_the_digits_that_the_channel_has_are_a_code() {
        check("12345", &Typed::NoCode);
        check("1234567", &code("1234567"));
        check("12345678", &code("12345678"));
        check("123456789", &Typed::NoCode);
    }

    #[test]
    fn nothing_typed_is_empty_and_much_typed_is_no_code() {
        check("", &Typed::Empty);
        check(" \u{200b}\n", &Typed::Empty);
        check(&" ".repeat(64), &Typed::Empty);
        check(&format!("{}123456", " ".repeat(58)), &code("123456"));
        check(&format!("{}123456", " ".repeat(59)), &Typed::NoCode);
        check(&"1".repeat(10_000_000), &Typed::NoCode);
    }

    struct Bytes(Mutex<u8>);

    impl Random for Bytes {
        /// Counts up, and thus gives every byte.
        fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
            let mut next = self.0.lock().unwrap();
            for byte in buffer {
                *byte = *next;
                *next = next.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn every_digit_comes_from_as_many_bytes() {
        let source = Bytes(Mutex::new(0));
        let mut counts = [0; 10];
        for _ in 0..8 {
            // 250 fair bytes in 256, one digit each: 32 bytes at a time, so 32 (or 26) digits.
            let digits = if *source.0.lock().unwrap() == 224 { 26 } else { 32 };
            for digit in make(&source, digits).unwrap().as_str().bytes() {
                counts[usize::from(digit - b'0')] += 1;
            }
        }
        assert_eq!(counts, [25; 10]);
    }

    #[test]
    fn a_source_that_gives_only_unfair_bytes_makes_no_code() {
        struct Stuck;
        impl Random for Stuck {
            fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
                buffer.fill(250);
                Ok(())
            }
        }
        assert!(make(&Stuck, 6).is_err());
    }

    #[test]
    fn hashes_are_the_same_only_if_all_bytes_are() {
        let hash = KeyedHash([7; 32]);
        assert!(same(&hash, &KeyedHash([7; 32])));
        for at in 0..32 {
            let mut other = hash;
            other.0[at] ^= 1;
            assert!(!same(&hash, &other));
        }
    }

    proptest! {
        #[test]
        fn a_made_code_is_read_back_as_it_is(digits in 4_u8..=10) {
            let made = make(&SystemRandom, digits).unwrap();
            prop_assert_eq!(read(made.as_str(), [digits, digits]), Typed::Code(made.clone()));
        }

        #[test]
        fn whatever_is_read_as_a_code_is_ascii_digits(typed in "\\PC{0,70}") {
            if let Typed::Code(code) = read(&typed, [4, 10]) {
                prop_assert!(code.is_digits(4..=10));
            }
        }
    }
}
