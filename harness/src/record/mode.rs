//! When is replayed and when is recorded, in the words that VCR made common.

use std::fmt;

/// What is done with a request, given the cassette that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It is replayed. Nothing is ever recorded.
    None,
    /// It is recorded if there was no cassette at the start; else it is replayed.
    Once,
    /// It is replayed where it was recorded before, else it is recorded and added.
    New,
    /// It is recorded. What was there before is replaced at the end.
    All,
}

impl Mode {
    /// Every mode, with its name.
    pub const NAMED: [(Self, &str); 4] =
        [(Self::None, "none"), (Self::Once, "once"), (Self::New, "new"), (Self::All, "all")];

    /// The mode of who names none: at the desk [`Mode::Once`], and [`Mode::None`] where the environment variable `CI`
    /// has this value, which says that nobody is watching. `false` and `0` say the contrary.
    pub fn by_default(ci: Option<&str>) -> Self {
        match ci {
            None | Some("" | "0") => Self::Once,
            Some(value) if value.eq_ignore_ascii_case("false") => Self::Once,
            Some(_) => Self::None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Once => "once",
            Self::New => "new",
            Self::All => "all",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_records_in_ci_without_saying_so() {
        #[track_caller]
        fn check(ci: Option<&str>, expected: Mode) {
            assert_eq!(Mode::by_default(ci), expected, "{ci:?}");
        }
        check(None, Mode::Once);
        check(Some(""), Mode::Once);
        check(Some("0"), Mode::Once);
        check(Some("False"), Mode::Once);
        check(Some("true"), Mode::None);
        check(Some("1"), Mode::None);
        check(Some("no"), Mode::None);
    }
}
