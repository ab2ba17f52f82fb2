//! Secrets that are known by their form, whatever they are called.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is written down here is one; a test makes sure of it.
macro_rules! pattern {
    ($text:expr) => {
        LazyLock::new(|| Regex::new($text).ok())
    };
}

/// An account, service, verification, … of Twilio's.
static SID: LazyLock<Option<Regex>> = pattern!(r"[A-Z]{2}[0-9a-fA-F]{32}");
/// E.164, also as people write it.
static NUMBER: LazyLock<Option<Regex>> =
    pattern!(r"(?:^|[^0-9A-Za-z/+])(\+[1-9](?:[ ().-]{0,2}[0-9]){6,14})(?:(?-u:\b)|_)");
/// `+917000XXXX`, as error messages have it.
static NUMBER_START: LazyLock<Option<Regex>> = pattern!(r"\+[1-9][0-9]{2,13}X{2,}");
/// `XXX-XXX-XX67`, as the Authy-style service has it.
static NUMBER_END: LazyLock<Option<Regex>> = pattern!(r"X{2,}[X-]*[0-9]{2,4}(?-u:\b)");
static DATE: LazyLock<Option<Regex>> = pattern!(r"(?-u:\b)[0-9]{4}-[0-9]{2}-[0-9]{2}(?-u:\b)");
/// A code in two groups.
static PAIR: LazyLock<Option<Regex>> = pattern!(r"(?-u:\b)([0-9]{3,4})[ -]([0-9]{3,4})(?-u:\b)");
static EMAIL: LazyLock<Option<Regex>> = pattern!(r"[\p{L}0-9._%+-]+@[\p{L}0-9-]+(?:\.[\p{L}0-9-]+)*\.\p{L}{2,}");
/// `https://user:password@host`.
static USERINFO: LazyLock<Option<Regex>> = pattern!(r"://[^/\s:@?#]*:([^/\s@?#]+)@");
static OTPAUTH: LazyLock<Option<Regex>> = pattern!(r#"otpauth://[^\s"'<>]+"#);
static BASIC: LazyLock<Option<Regex>> =
    pattern!(r"(?i:basic)(?:\s|%20|\+)+([A-Za-z0-9+/_-]{4,}(?:(?:%3[dD]){1,2}|={0,2}))");

fn all<'t>(pattern: &'static Option<Regex>, text: &'t str) -> impl Iterator<Item = &'t str> {
    let found = pattern.iter().flat_map(move |pattern| pattern.captures_iter(text));
    found.filter_map(|captures| captures.get(captures.len() - 1)).map(|found| found.as_str())
}

/// Resource ids. Those that documents make up, whose digits are all the same, and our own pseudonyms are none.
pub(super) fn sids(text: &str) -> impl Iterator<Item = &str> {
    let alone = |range: &std::ops::Range<usize>| {
        let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let before = range.start.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        !word(before) && !word(text.as_bytes().get(range.end))
    };
    let found = SID.iter().flat_map(|pattern| pattern.find_iter(text)).map(|found| found.range());
    found.filter(move |range| alone(range)).filter_map(|range| text.get(range)).filter(|sid| {
        let digits = sid.get(2..).unwrap_or_default();
        let made_up = digits.chars().all(|digit| digits.starts_with(digit));
        !made_up && !digits.starts_with(&"0".repeat(16))
    })
}

/// Phone numbers in international form, as they are written.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = &str> {
    all(&NUMBER, text)
}

/// What is left of numbers that were cut: their beginning.
pub(super) fn number_starts(text: &str) -> impl Iterator<Item = &str> {
    all(&NUMBER_START, text)
}

/// What is left of numbers that were cut: their end.
pub(super) fn number_ends(text: &str) -> impl Iterator<Item = &str> {
    all(&NUMBER_END, text)
}

/// E-mail addresses, but for those of nobody (RFC 2606).
pub(super) fn emails(text: &str) -> impl Iterator<Item = &str> {
    let users: Vec<&str> = passwords(text).collect();
    all(&EMAIL, text).filter(move |email| {
        let domain = email.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let nobody = ["example.com", "example.net", "example.org"]
            .iter()
            .any(|known| domain.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.')))
            || [".test", ".example", ".invalid"].iter().any(|end| domain.ends_with(end));
        // What stands before the host of an address looks like one.
        !nobody && !users.iter().any(|password| email.starts_with(password))
    })
}

/// Passwords within addresses.
pub(super) fn passwords(text: &str) -> impl Iterator<Item = &str> {
    all(&USERINFO, text)
}

/// Addresses of TOTP secrets.
pub(super) fn otpauths(text: &str) -> impl Iterator<Item = &str> {
    all(&OTPAUTH, text)
}

/// Groups of 4 to 10 digits that are no part of a word, a date or a number in international form, and pairs of groups
/// that are written apart: `482-913`.
pub(super) fn standing_digits(text: &str) -> Vec<String> {
    let mut rest = text.to_owned();
    for pattern in [&NUMBER, &DATE].into_iter().filter_map(|pattern| pattern.as_ref()) {
        rest = pattern.replace_all(&rest, "|").into_owned();
    }
    let pairs = PAIR.iter().flat_map(|pattern| pattern.captures_iter(&rest));
    let mut found: Vec<String> = pairs.map(|pair| format!("{}{}", &pair[1], &pair[2])).collect();
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric());
    let digits = |word: &&str| (4..=10).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    found.extend(words.filter(digits).map(str::to_owned));
    found
}

/// Whether it begins with a date, as `2026-01-31`.
pub(super) fn is_date(text: &str) -> bool {
    DATE.as_ref().and_then(|pattern| pattern.find(text)).is_some_and(|found| found.start() == 0)
}

/// Where the base64 of basic authentication stands.
pub(super) fn basics(text: &str) -> Vec<std::ops::Range<usize>> {
    let found = BASIC.iter().flat_map(|pattern| pattern.captures_iter(text));
    found.filter_map(|captures| captures.get(1)).map(|found| found.range()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_are_patterns() {
        for pattern in [&SID, &NUMBER, &NUMBER_START, &NUMBER_END, &EMAIL, &USERINFO, &OTPAUTH, &BASIC, &DATE, &PAIR] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn digits_that_stand_alone_may_be_a_code() {
        let text = "482913, use 117-205 or a1234 by 2026-01-31; call +1 415-555-0100";
        assert_eq!(standing_digits(text), ["117205", "482913"]);
    }

    #[track_caller]
    fn check<'t>(found: impl Iterator<Item = &'t str>, expected: &[&str]) {
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn forms_are_recognized() {
        let sid = "VA0123456789abcdef0123456789abcdef";
        check(sids(&format!("/Services/{sid}/x, {sid}0, ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), &[sid]);
        check(numbers("to +14155550100, whatsapp:+4915112345678."), &["+14155550100", "+4915112345678"]);
        check(numbers("Sent to +1 987-654-3210."), &["+1 987-654-3210"]);
        check(numbers("a+12345678 +0123456789 2026-01-31T12:00:00+02:00 12345678"), &[]);
        check(sids(&format!("recording_{sid}_2026.wav")), &[sid]);
        check(numbers("x_+14155550100_1"), &["+14155550100"]);
        check(emails("ada@m\u{fc}nchen.de j\u{f6}rg@firma.de"), &["ada@m\u{fc}nchen.de", "j\u{f6}rg@firma.de"]);
        check(number_starts("The number +917000XXXX is unverified."), &["+917000XXXX"]);
        check(number_ends("+351-XXX-XXX-XX67 XXX-XXX-1118"), &["XXX-XXX-XX67", "XXX-XXX-1118"]);
        check(emails("<ada@corp.org>, x@example.com, y@a.test"), &["ada@corp.org"]);
        check(passwords("see https://me:pass@host.org/x"), &["pass"]);
        check(emails("see https://me:pass@host.org/x"), &[]);
        check(otpauths("\"otpauth://totp/a:b?secret=X\""), &["otpauth://totp/a:b?secret=X"]);
        let basic = "Authorization: Basic QUM6eA== and basic%20QUM6eA%3D%3D";
        let found: Vec<_> = basics(basic).into_iter().map(|at| &basic[at]).collect();
        assert_eq!(found, ["QUM6eA==", "QUM6eA%3D%3D"]);
    }
}
