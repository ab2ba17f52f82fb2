//! Keys and words of `_countersign` objects that this reader does not know.

use std::fmt;

use super::shown::Shown;

/// A key that a `_countersign` object does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// The object, as `_countersign.sent`.
    pub object: String,
    /// The key.
    pub key: String,
    /// The known key that is spelled most like it, if any is.
    pub nearest: Option<&'static str>,
    /// Every known key.
    pub known: &'static [&'static str],
}

impl UnknownKey {
    pub(super) fn new(object: impl Into<String>, key: &str, known: &'static [&'static str]) -> Self {
        Self { object: object.into(), key: key.to_owned(), nearest: nearest(key, known.iter().copied()), known }
    }
}

impl std::error::Error for UnknownKey {}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = Shown::of(&self.key);
        write!(f, "{} has no key `{key}`; ", self.object)?;
        match self.nearest {
            Some(nearest) => write!(f, "did you mean `{nearest}`?"),
            None => write!(f, "it has {}", self.known.join(", ")),
        }
    }
}

/// A word where only certain words may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// Where, as `_countersign.failure`.
    pub at: String,
    /// The word.
    pub found: Shown,
    /// The word that is spelled most like it, if any is.
    pub nearest: Option<&'static str>,
    /// Every word that may stand there.
    pub known: Vec<&'static str>,
}

impl UnknownWord {
    /// The value that a word names, or why it names none.
    pub(super) fn look_up<T: Copy>(at: impl Into<String>, word: &str, named: &[(T, &'static str)]) -> Result<T, Self> {
        let value = named.iter().find(|(_, name)| *name == word);
        value.map(|(value, _)| *value).ok_or_else(|| Self {
            at: at.into(),
            found: Shown::of(word),
            nearest: nearest(word, named.iter().map(|(_, name)| *name)),
            known: named.iter().map(|(_, name)| *name).collect(),
        })
    }
}

impl std::error::Error for UnknownWord {}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is `{}`; ", self.at, self.found)?;
        match self.nearest {
            Some(nearest) => write!(f, "did you mean `{nearest}`?"),
            None => write!(f, "it may be {}", self.known.join(", ")),
        }
    }
}

/// The known word that is spelled most like another, if it is like it at all.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // Distances are quadratic; nobody misspells a key by this much.
    if word.len() > 64 {
        return None;
    }
    known
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
