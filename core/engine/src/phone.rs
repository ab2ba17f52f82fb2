//! Phone numbers: one canonical form for every accepted spelling.

use std::collections::BTreeSet;

use countersign_plugin::Phone;
use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, PhoneNumber, Type};

/// Digits of an E.164 number (ITU-T E.164 §6), country code included: at most 15; fewer than 7
/// are no number that can be reached from abroad.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Numbers for tests, +1 500 555 0000 to 9999. Some of the first of them are what providers document
/// for their test modes; the others stand in for persons in what is recorded and played. Area code
/// 500 is for personal numbers, which are refused otherwise, and nothing but custom keeps 555 within
/// it free: whoever sends to them for real may be refused or reach somebody.
const TEST_NUMBERS: &str = "+1500555";

/// Reads a number as a person writes it. `allowed` lists countries (ISO 3166-1 alpha-2, upper
/// case); empty allows all.
///
/// Accepted: a plus sign and ASCII digits, with spaces (also no-break), dots, dashes, slashes and
/// parentheses between them, as in `+1 (500) 555-0006`. Refused: numbers without plus sign, with
/// letters or extension, too short or long, that no numbering plan has, that cost the caller
/// extra or reach nobody in person (premium, shared cost, toll-free, pager, personal, voicemail,
/// company-wide), that belong to no country (satellite, international networks), or whose country
/// is not allowed.
///
/// # Errors
/// [`PhoneError`]; it never repeats the number.
pub fn read(text: &str, allowed: &BTreeSet<String>) -> Result<Phone, PhoneError> {
    let written = plus_and_digits(text)?;
    let phone = if written.len() == TEST_NUMBERS.len() + 4 && written.starts_with(TEST_NUMBERS) {
        let national = written.get(2..).unwrap_or_default().to_owned();
        Phone::new(written, "1", national).region("US".to_owned())
    } else {
        ordinary(&written)?
    };
    match phone.region.as_deref() {
        Some(country) if allowed.is_empty() || allowed.contains(country) => Ok(phone),
        Some(country) => Err(PhoneError::Country { country: country.to_owned() }),
        None => Err(PhoneError::NoCountry),
    }
}

/// A number as a person is shown it: the last two digits.
pub fn masked(phone: &Phone) -> String {
    let tail = phone.e164.len().saturating_sub(2);
    format!("•••• {}", phone.e164.get(tail..).unwrap_or_default())
}

/// Why a number cannot be used. No text repeats the number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing in it.
    #[error("no phone number was given; write it like +1 500 555 0006")]
    Empty,
    /// It begins with `00`.
    #[error("the phone number begins with 00; write it with + and the country code, like +1 500 555 0006")]
    InternationalPrefix,
    /// It does not begin with a plus sign.
    #[error("the phone number does not begin with a plus sign; write it with + and the country code")]
    NoPlus,
    /// It has an extension.
    #[error("the phone number has an extension, which no code can reach; give a direct number")]
    Extension,
    /// A character that does not belong into a number.
    #[error("the phone number has a character at position {position} that does not belong there; use digits only")]
    Character {
        /// Its place in the text, from 1.
        position: usize,
    },
    /// Fewer digits than any number has.
    #[error("the phone number has {digits} digits, which is too short; is the country code missing?")]
    TooShort {
        /// How many.
        digits: usize,
    },
    /// More digits than E.164 allows.
    #[error("the phone number has more than 15 digits; E.164 allows no more")]
    TooLong,
    /// No country has that code.
    #[error("the phone number begins with no known country code; write it with + and the country code")]
    NoCountryCode,
    /// No numbering plan has it.
    #[error("the phone number is not one of country code +{country_code}; compare it digit by digit")]
    NotANumber {
        /// The country code.
        country_code: String,
    },
    /// It reaches nobody in person, or costs the caller extra.
    #[error("the phone number is a {kind} number; give one that reaches a person at the ordinary price")]
    Kind {
        /// What it is.
        kind: &'static str,
    },
    /// It belongs to no country.
    #[error("the phone number belongs to no country (satellite or international network); give an ordinary one")]
    NoCountry,
    /// Its country is not in `limits.allowed_countries`.
    #[error("numbers of {country} are not allowed; an operator may add it to limits.allowed_countries")]
    Country {
        /// Its country, ISO 3166-1 alpha-2.
        country: String,
    },
}

impl PhoneError {
    /// What a person is told.
    pub const fn person(&self) -> &'static str {
        match self {
            Self::Empty | Self::InternationalPrefix | Self::NoPlus => {
                "Please enter your number with + and the country code, like +1 500 555 0006."
            }
            Self::Extension => "A number with an extension cannot be used. Please enter a direct number.",
            Self::Character { .. }
            | Self::TooShort { .. }
            | Self::TooLong
            | Self::NoCountryCode
            | Self::NotANumber { .. } => "That is not a phone number. Please check it.",
            Self::Kind { .. } | Self::NoCountry | Self::Country { .. } => {
                "That number cannot be used. Please enter another one."
            }
        }
    }
}

/// The plus sign and the digits, without what people put between them.
fn plus_and_digits(text: &str) -> Result<String, PhoneError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PhoneError::Empty);
    }
    let Some(rest) = text.strip_prefix('+') else {
        let bare: String = text.chars().filter(|c| !is_separator(*c)).take(2).collect();
        return Err(if bare == "00" { PhoneError::InternationalPrefix } else { PhoneError::NoPlus });
    };
    let mut written = String::from("+");
    for (at, c) in rest.chars().enumerate() {
        if c.is_ascii_digit() {
            if written.len() > *DIGITS.end() {
                return Err(PhoneError::TooLong);
            }
            written.push(c);
        } else if matches!(c, 'x' | 'X' | 'e' | 'E' | '#' | '*' | ',' | ';') && DIGITS.contains(&(written.len() - 1)) {
            return Err(PhoneError::Extension);
        } else if !is_separator(c) {
            return Err(PhoneError::Character { position: at + 2 });
        }
    }
    let digits = written.len() - 1;
    if digits < *DIGITS.start() {
        return Err(PhoneError::TooShort { digits });
    }
    Ok(written)
}

const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-' | '/' | '(' | ')')
}

/// A number of somebody's numbering plan.
fn ordinary(written: &str) -> Result<Phone, PhoneError> {
    let number = parsed(written)?;
    let e164 = number.format().mode(Mode::E164).to_string();
    let country_code = number.code().value().to_string();
    // A trunk prefix that the library drops is dropped once; a number for which dropping goes on
    // would have two canonical forms.
    let national = e164.strip_prefix('+').and_then(|digits| digits.strip_prefix(&country_code));
    let Some(national) = national.filter(|_| parsed(&e164).as_ref() == Ok(&number)).map(str::to_owned) else {
        return Err(PhoneError::NotANumber { country_code });
    };
    match plan(number.code().value(), &national) {
        Some((Type::FixedLine | Type::Mobile | Type::FixedLineOrMobile | Type::Voip, region)) => {
            Ok(Phone::new(e164, country_code, national).region(region))
        }
        Some((other, _)) => Err(PhoneError::Kind { kind: kind(other) }),
        None => Err(PhoneError::NotANumber { country_code }),
    }
}

/// What a number is, and where. (The library's own answer loses the leading zero that belongs to
/// Italian numbers, and thus does not know them.)
fn plan(code: u16, national: &str) -> Option<(Type, Option<String>)> {
    let plans = DATABASE.by_code(&code)?;
    let known = plans.iter().filter_map(|plan| Some((*plan, kind_within(plan, national)?)));
    // Countries that share a code are told apart by leading digits, where the plan has any.
    let (mut first, mut leading) = (None, None);
    for (plan, kind) in known {
        let slot = match plan.leading_digits() {
            Some(pattern) if pattern.find(national).is_none_or(|found| found.start() != 0) => continue,
            Some(_) => &mut leading,
            None => &mut first,
        };
        slot.get_or_insert((kind, plan.id()));
    }
    let (kind, region) = leading.or(first)?;
    // Networks that belong to no country are in the world's plan, `001`.
    Some((kind, Some(region.to_owned()).filter(|region| region != "001")))
}

/// Kinds in the order in which plans overlap: whatever costs extra comes first.
fn kind_within(plan: &Metadata, national: &str) -> Option<Type> {
    const KINDS: [Type; 10] = [
        Type::PremiumRate,
        Type::TollFree,
        Type::SharedCost,
        Type::Voip,
        Type::PersonalNumber,
        Type::Pager,
        Type::Uan,
        Type::Voicemail,
        Type::FixedLine,
        Type::Mobile,
    ];
    let descriptors = plan.descriptors();
    if !descriptors.general().is_match(national) {
        return None;
    }
    let is = |kind: &Type| descriptors.get(*kind).is_some_and(|descriptor| descriptor.is_match(national));
    KINDS.into_iter().find(is)
}

fn parsed(written: &str) -> Result<PhoneNumber, PhoneError> {
    // The cause may quote the number.
    phonenumber::parse(None, written).map_err(|_| match country_code(written) {
        Some(country_code) => PhoneError::NotANumber { country_code },
        None => PhoneError::NoCountryCode,
    })
}

/// The country code that a number begins with; no code is the beginning of another (ITU-T E.164 §6.2.1).
fn country_code(written: &str) -> Option<String> {
    const LONGEST: usize = 3;
    let digits = written.trim_start_matches('+');
    let codes = (1..=LONGEST).filter_map(|length| digits.get(..length));
    let mut codes = codes.filter(|code| !code.starts_with('0'));
    let is_known = |code: &&str| code.parse().is_ok_and(|code| DATABASE.by_code(&code).is_some());
    codes.find(is_known).map(str::to_owned)
}

const fn kind(kind: Type) -> &'static str {
    match kind {
        Type::PremiumRate => "premium-rate",
        Type::SharedCost => "shared-cost",
        Type::TollFree => "toll-free",
        Type::Pager => "pager",
        Type::PersonalNumber => "personal",
        Type::Uan => "company-wide",
        Type::Voicemail => "voicemail",
        Type::Emergency => "emergency",
        Type::ShortCode => "short",
        _ => "special",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn everywhere(text: &str) -> Result<Phone, PhoneError> {
        read(text, &BTreeSet::new())
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, PhoneError>) {
        assert_eq!(everywhere(text).map(|phone| phone.e164), expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn every_accepted_spelling_of_a_number_is_the_same_number() {
        for text in
            ["+15005550006", " +1 (500) 555-0006 ", "+1.500.555.0006", "+1-500-555-0006", "+1\u{a0}500/555\u{202f}0006"]
        {
            check(text, Ok("+15005550006"));
        }
        check("+33 (0) 6 31 96 65 43", Ok("+33631966543"));
        check("+33 6 31 96 65 43", Ok("+33631966543"));
        check("+44 20 7946 0000", Ok("+442079460000"));
    }

    #[test]
    fn the_parts_of_a_number_are_told_apart() {
        let phone = everywhere("+49 1512 3456789").unwrap();
        assert_eq!((phone.country_code.as_str(), phone.national.as_str()), ("49", "15123456789"));
        assert_eq!(phone.region.as_deref(), Some("DE"));
        let test = everywhere("+15005550006").unwrap();
        assert_eq!((test.country_code.as_str(), test.national.as_str()), ("1", "5005550006"));
        // Italian numbers keep their zero.
        let italian = everywhere("+39 06 698 12345").unwrap();
        assert_eq!((italian.e164.as_str(), italian.national.as_str()), ("+390669812345", "0669812345"));
    }

    #[test]
    fn a_number_without_plus_is_refused_with_the_remedy() {
        check("0015005550006", Err(PhoneError::InternationalPrefix));
        check("(00) 1 500 555 0006", Err(PhoneError::InternationalPrefix));
        check("15005550006", Err(PhoneError::NoPlus));
        check("5005550006", Err(PhoneError::NoPlus));
        check("tel:+15005550006", Err(PhoneError::NoPlus));
        check("＋15005550006", Err(PhoneError::NoPlus));
        check("", Err(PhoneError::Empty));
        check("  ", Err(PhoneError::Empty));
        assert!(PhoneError::InternationalPrefix.to_string().contains("write it with +"));
    }

    #[test]
    fn what_is_no_digit_and_no_separator_is_refused_where_it_stands() {
        check("++15005550006", Err(PhoneError::Character { position: 2 }));
        check("+1500CALLME", Err(PhoneError::Character { position: 6 }));
        check("+1５００5550006", Err(PhoneError::Character { position: 3 }));
        check("+1500555\n0006", Err(PhoneError::Character { position: 9 }));
        check("+١٥٠٠٥٥٥٠٠٠٦", Err(PhoneError::Character { position: 2 }));
    }

    #[test]
    fn an_extension_is_refused_as_such() {
        for text in
            ["+15005550006x1", "+15005550006;ext=1", "+1 500 555 0006 ext. 1", "+15005550006,1", "+15005550006#1"]
        {
            check(text, Err(PhoneError::Extension));
        }
    }

    #[test]
    fn the_length_of_a_number_has_two_ends() {
        check("+", Err(PhoneError::TooShort { digits: 0 }));
        check("+112", Err(PhoneError::TooShort { digits: 3 }));
        check("+123456", Err(PhoneError::TooShort { digits: 6 }));
        check("+1234567", Err(PhoneError::NotANumber { country_code: "1".into() }));
        check("+1234567890123456", Err(PhoneError::TooLong));
        check(&format!("+{}", "1".repeat(100_000)), Err(PhoneError::TooLong));
        check("+150055500060", Err(PhoneError::NotANumber { country_code: "1".into() }));
        check("+1500555000", Err(PhoneError::NotANumber { country_code: "1".into() }));
    }

    #[test]
    fn a_number_that_no_plan_has_is_refused() {
        check("+1 555 555 5555", Err(PhoneError::NotANumber { country_code: "1".into() }));
        check("+44 0", Err(PhoneError::TooShort { digits: 3 }));
        for text in ["+0 15005550006", "+999 1234567890", "+999123456789"] {
            check(text, Err(PhoneError::NoCountryCode));
        }
        assert!(PhoneError::NoCountryCode.to_string().contains("begins with no known country code"));
    }

    #[test]
    fn numbers_that_cost_extra_or_reach_nobody_are_refused() {
        check("+1 900 234 5678", Err(PhoneError::Kind { kind: "premium-rate" }));
        check("+1 800 723 3456", Err(PhoneError::Kind { kind: "toll-free" }));
        check("+44 843 123 4567", Err(PhoneError::Kind { kind: "premium-rate" }));
        check("+49 180 1 234567", Err(PhoneError::Kind { kind: "shared-cost" }));
        check("+44 70 1234 5678", Err(PhoneError::Kind { kind: "personal" }));
        check("+44 76 4001 2345", Err(PhoneError::Kind { kind: "pager" }));
        check("+44 55 1234 5678", Err(PhoneError::Kind { kind: "company-wide" }));
        assert!(everywhere("+870 773 111 632").is_err());
        check("+883 510 012 3456 78", Err(PhoneError::NoCountry));
    }

    #[test]
    fn only_allowed_countries_are_reached() {
        let british = BTreeSet::from(["GB".to_owned()]);
        assert!(read("+442079460000", &british).is_ok());
        assert_eq!(read("+33631966543", &british), Err(PhoneError::Country { country: "FR".into() }));
        assert_eq!(read("+15005550006", &british), Err(PhoneError::Country { country: "US".into() }));
        assert!(read("+15005550006", &BTreeSet::from(["US".to_owned()])).is_ok());
    }

    #[test]
    fn neither_an_error_nor_a_mask_shows_the_number() {
        assert_eq!(masked(&everywhere("+15005550006").unwrap()), "•••• 06");
        for text in ["+19002345678", "+999 2345678", "+15005550006x99", "002345678", "2345678"] {
            let error = everywhere(text).unwrap_err();
            assert!(!format!("{error} {error:?} {}", error.person()).contains("2345678"), "{error}");
        }
    }

    fn spelled(digits: String) -> impl Strategy<Value = String> {
        let between = prop::sample::select(vec!["", "", " ", "-", ".", "/", " (", ") ", "\u{a0}"]);
        let count = digits.len();
        prop::collection::vec(between, count).prop_map(move |between| {
            digits
                .chars()
                .zip(between)
                .fold(String::from("+"), |text, (c, separator)| text + separator + &c.to_string())
        })
    }

    proptest! {
        #[test]
        fn one_number_has_one_canonical_form(
            (digits, text) in prop::sample::select(vec![
                "15005550006", "12025550123", "442079460000", "33631966543", "390669812345", "4915123456789",
                "819012345678", "5511987654321",
            ]).prop_flat_map(|digits| (Just(digits), spelled(digits.to_owned())))
        ) {
            prop_assert_eq!(everywhere(&text).map(|phone| phone.e164), Ok(format!("+{digits}")));
        }

        #[test]
        fn whatever_is_accepted_is_canonical_and_stays_so(digits in "[1-9][0-9]{5,15}") {
            if let Ok(phone) = everywhere(&format!("+{digits}")) {
                prop_assert_eq!(everywhere(&phone.e164), Ok(phone.clone()));
                prop_assert_eq!(format!("+{}{}", phone.country_code, phone.national), phone.e164);
            }
        }
    }
}
