//! Values as error messages show them: codes, numbers and secrets masked, long text cut.

use std::fmt;

/// Longest text shown of one value, in characters.
const LONGEST: usize = 64;
/// Codes have 4 to 10 digits, phone numbers more: a shorter run of digits tells nothing.
const SHORTEST_MASKED_RUN: usize = 4;
/// Resource ids (a prefix of two letters and 32 hex digits, UUIDs without dashes) are at least this
/// long and are shown whole, for an id is what one looks for in a mismatch.
const SHORTEST_ID: usize = 20;
/// Fields whose values are never shown, by a part of their name in lower case.
const SECRET_NAMES: [&str; 7] = ["code", "key", "password", "pin", "secret", "signature", "token"];

/// A value that is safe to print.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Masks runs of four and more digits outside of long ids, escapes control characters, and cuts
    /// what is longer than 64 characters.
    pub fn of(value: &str) -> Self {
        Self(cut(&masked(value)))
    }

    /// As [`Shown::of`], but of the value of a field that sounds like a secret only the length.
    pub fn of_field(name: &str, value: &str) -> Self {
        let name = name.to_lowercase();
        if SECRET_NAMES.iter().any(|secret| name.contains(secret)) {
            return Self(format!("({} hidden characters)", value.chars().count()));
        }
        Self::of(value)
    }

    /// A value that is known to hold nothing to hide: only cut and escaped.
    pub(crate) fn known(value: &str) -> Self {
        Self(cut(&value.escape_debug().to_string()))
    }

    /// Masked, but never cut: for messages that were composed elsewhere and may quote values.
    pub(crate) fn message(text: &str) -> Self {
        Self(masked(text))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn masked(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    let mut hidden = vec![false; characters.len()];
    let mut start = 0;
    while start < characters.len() {
        if !characters[start].is_numeric() {
            start += 1;
            continue;
        }
        let end = end_of_run(&characters, start);
        let digits: Vec<usize> = (start..end).filter(|&at| characters[at].is_numeric()).collect();
        if digits.len() >= SHORTEST_MASKED_RUN && !within_id(&characters, start, end) {
            for at in digits {
                hidden[at] = true;
            }
        }
        start = end;
    }
    let mut text = String::with_capacity(value.len());
    for (character, hidden) in characters.into_iter().zip(hidden) {
        match character {
            _ if hidden => text.push('•'),
            _ if character.is_control() => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
    text
}

/// A run is digits with at most two separators between neighbours, as in `1, 2, 3` and `(555) 0100`.
fn end_of_run(characters: &[char], start: usize) -> usize {
    let mut end = start + 1;
    let mut at = end;
    while at < characters.len() && at - end <= 2 {
        if characters[at].is_numeric() {
            end = at + 1;
        } else if !matches!(characters[at], ' ' | ',' | '.' | '-' | '(' | ')' | '/') {
            break;
        }
        at += 1;
    }
    end
}

fn within_id(characters: &[char], start: usize, end: usize) -> bool {
    let word = |character: &&char| character.is_ascii_alphanumeric();
    let inside = characters[start..end].iter().filter(|c| !word(c)).count() == 0;
    let before = characters[..start].iter().rev().take_while(word);
    let after = characters[end..].iter().take_while(word);
    let (before, after) = (before.count(), after.count());
    inside && before + after > 0 && before + (end - start) + after >= SHORTEST_ID
}

fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(Shown::of(value).to_string(), expected);
    }

    #[test]
    fn codes_and_numbers_are_masked_wherever_they_stand() {
        check("123456", "••••••");
        check("+15017122661", "+•••••••••••");
        check("Your code is 123456.", "Your code is ••••••.");
        check("abc123456", "abc••••••");
        check("1, 2, 3, 4, 5, 6", "•, •, •, •, •, •");
        check("/protected/json/verify/123456/28894864", "/protected/json/verify/••••••/••••••••");
        check("٤٥٦٧٨٩", "••••••");
    }

    #[test]
    fn short_numbers_words_and_long_ids_are_shown() {
        check("sms", "sms");
        check("201", "201");
        check("VA0123456789abcdef0123456789abcdef", "VA0123456789abcdef0123456789abcdef");
        check("2024-05", "••••-••");
    }

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut() {
        check("a\nb\u{1b}[31m", "a\\nb\\u{1b}[31m");
        check(&"x".repeat(200), &format!("{}… (200 characters)", "x".repeat(64)));
    }

    #[test]
    fn secrets_show_only_their_length() {
        assert_eq!(Shown::of_field("AuthToken", "abcdef").to_string(), "(6 hidden characters)");
        assert_eq!(Shown::of_field("Channel", "sms").to_string(), "sms");
    }
}
