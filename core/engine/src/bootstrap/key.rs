//! The path of a key in the bootstrap, as it is shown to people and as it is looked up.

use std::fmt;

/// A key path, such as `services.sms.fallback[0].provider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<String>);

impl KeyPath {
    pub(super) fn from_segments(segments: &[String]) -> Self {
        Self(segments.to_vec())
    }

    pub(super) fn child(&self, name: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(name.to_owned());
        Self(segments)
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.child(&format!("[{index}]"))
    }

    /// Whether the path leads through a list, into which no variable reaches.
    pub(super) fn has_index(&self) -> bool {
        self.0.iter().any(|segment| segment.starts_with('['))
    }

    /// This path, then the tables around it, the innermost first.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = Self> {
        (1..=self.0.len()).rev().map(|length| Self(self.0[..length].to_vec()))
    }

    /// The environment variable that sets this key.
    pub(super) fn variable(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|segment| segment.replace('-', "_").to_ascii_uppercase()).collect();
        format!("{}{}", super::environment::PREFIX, words.join("__"))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            if segment.starts_with('[') && segment.ends_with(']') {
                write!(out, "{segment}")?;
                continue;
            }
            if at > 0 {
                out.write_str(".")?;
            }
            if is_bare(segment) {
                out.write_str(segment)?;
            } else {
                // Quoted and escaped: a key may hold line breaks or terminal control sequences.
                write!(out, "{segment:?}")?;
            }
        }
        Ok(())
    }
}

fn is_bare(segment: &str) -> bool {
    !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The candidate that `word` was most probably meant to be, if any is close enough to be offered.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const CLOSE_ENOUGH: f64 = 0.7;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= CLOSE_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shows_indices_and_quotes_what_is_no_bare_key() {
        let path = KeyPath::default().child("services").child("s m\ns").child("fallback").item(0).child("provider");
        assert_eq!(path.to_string(), r#"services."s m\ns".fallback[0].provider"#);
    }

    #[test]
    fn the_variable_of_a_path_has_underscores_only() {
        let path = KeyPath::default().child("providers").child("twilio-verify").child("auth_id");
        assert_eq!(path.variable(), "COUNTERSIGN_PROVIDERS__TWILIO_VERIFY__AUTH_ID");
    }

    #[test]
    fn nothing_is_offered_for_a_word_that_is_like_no_other() {
        assert_eq!(nearest("colour", ["store", "limits"]), None);
        assert_eq!(nearest("limit", ["store", "limits"]).as_deref(), Some("limits"));
    }
}
