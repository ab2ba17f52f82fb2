//! Names of users: one spelling for one person.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in characters, once it is normalised.
pub const NAME_CHARS: usize = 128;

/// What is read at all, in bytes: a character may be written apart, as up to four others of three
/// bytes each (a Korean syllable as its letters, a Vietnamese one with its marks).
const READ_BYTES: usize = 12 * NAME_CHARS;

/// A user's name in its one spelling.
///
/// The rule: compatibility forms are replaced (Unicode NFKC), letters become lower case (and the
/// Greek final sigma an ordinary one), white space around the name is dropped. What is left must
/// have 1 to 128 characters, no control or invisible characters, and no white space but single
/// spaces. So `ＡＤＡ `, `Ada` and `ada` are one user, while letters of different scripts that look
/// alike (a Cyrillic `а`) stay different: the host's directory tells those apart, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Brings a name into its one spelling.
    ///
    /// # Errors
    /// [`NameError`] where it cannot be a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > READ_BYTES {
            return Err(NameError::TooLong);
        }
        let name = one_spelling(text);
        let name = name.trim();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.chars().count() > NAME_CHARS {
            return Err(NameError::TooLong);
        }
        let mut before = None;
        for (at, found) in name.chars().enumerate() {
            let doubled = found == ' ' && before == Some(' ');
            if found.is_control() || is_invisible(found) || doubled || (found.is_whitespace() && found != ' ') {
                return Err(NameError::Character { position: at + 1, code_point: found.into() });
            }
            before = Some(found);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("the user name is empty; give 1 to {NAME_CHARS} characters")]
    Empty,
    /// More than [`NAME_CHARS`] characters.
    #[error("the user name is longer than {NAME_CHARS} characters; use a shorter one")]
    TooLong,
    /// A control character, an invisible one, or white space other than single spaces.
    #[error(
        "the user name has a control, invisible or repeated white-space character (U+{code_point:04X}) at position {position}; leave it out"
    )]
    Character {
        /// Its place in the normalised name, from 1.
        position: usize,
        /// Which.
        code_point: u32,
    },
}

/// Lower-casing may leave text that NFKC would change, and the other way round; twice is enough
/// for every character (the property test looks for one for which it is not).
fn one_spelling(text: &str) -> String {
    let once = |text: &str| -> String { text.nfkc().collect::<String>().to_lowercase().replace('ς', "σ") };
    once(&once(text)).nfkc().collect()
}

/// Characters that take part in a name without showing (most of Unicode's
/// `Default_Ignorable_Code_Point`): two names that differ only in them look the same.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, NameError>) {
        assert_eq!(UserName::parse(text).as_ref().map(UserName::as_str), expected.as_ref().copied());
    }

    #[test]
    fn spellings_of_one_name_are_one_user() {
        for text in ["ada", "Ada", "ADA", "  ada\t", "\u{a0}ada", "ＡＤＡ", "ⓐda", "𝐀𝐝𝐚"] {
            check(text, Ok("ada"));
        }
        check("Ada  Lovelace", Err(NameError::Character { position: 5, code_point: 0x20 }));
        check("Ada\u{a0}Lovelace", Ok("ada lovelace"));
        check("ΟΔΟΣ", Ok("οδοσ"));
        check("οδος", Ok("οδοσ"));
        check("e\u{301}va", Ok("éva"));
        check("ÉVA", Ok("éva"));
        check("corp\\ada@example.com", Ok("corp\\ada@example.com"));
    }

    #[test]
    fn what_looks_alike_in_another_script_is_another_user() {
        assert_ne!(UserName::parse("аda"), UserName::parse("ada"));
    }

    #[test]
    fn invisible_and_control_characters_are_refused_where_they_stand() {
        for c in ['\0', '\u{1b}', '\n', '\u{200b}', '\u{200d}', '\u{202e}', '\u{feff}', '\u{ad}', '\u{2028}'] {
            check(&format!("a{c}da"), Err(NameError::Character { position: 2, code_point: c.into() }));
        }
    }

    #[test]
    fn a_name_has_1_to_128_characters() {
        check("", Err(NameError::Empty));
        check(" \u{a0}\t", Err(NameError::Empty));
        check("a", Ok("a"));
        let longest = "é".repeat(128);
        check(&longest, Ok(&longest));
        check(&"é".repeat(129), Err(NameError::TooLong));
        check(&" ".repeat(12 * 128 + 1), Err(NameError::TooLong));
        // As long, with each syllable written as its letters.
        check(&"\u{1112}\u{1161}\u{11ab}".repeat(128), Ok(&"한".repeat(128)));
        check(&"\u{1112}\u{1161}\u{11ab}".repeat(129), Err(NameError::TooLong));
        // One character that NFKC turns into eighteen.
        check(&"\u{fdfa}".repeat(8), Err(NameError::TooLong));
    }

    proptest! {
        #[test]
        fn a_normalised_name_stays_as_it_is(text in "\\PC{0,40}") {
            if let Ok(name) = UserName::parse(&text) {
                prop_assert_eq!(UserName::parse(name.as_str()), Ok(name.clone()), "{:?}", text);
            }
        }

        #[test]
        fn case_and_compatibility_forms_do_not_matter(text in "[a-zA-Z0-9@._-]{1,40}") {
            let wide: String = text.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)).collect();
            let name = UserName::parse(&text);
            prop_assert_eq!(&UserName::parse(&text.to_uppercase()), &name);
            prop_assert_eq!(&UserName::parse(&wide), &name);
        }
    }
}
