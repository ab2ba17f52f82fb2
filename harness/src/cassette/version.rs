//! The version of the `_countersign` objects in a cassette, and who can read which.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;

/// The version that this reader was written for.
pub const SUPPORTED: Version = Version { major: Major(NonZeroU32::MIN), minor: Minor(0) };

/// Raised when an older reader would misunderstand the file. Starts at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Major(NonZeroU32);

/// Raised when something was added that an older reader may do without. Starts at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor(u32);

/// A cassette version, written `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: Major,
    minor: Minor,
}

impl Version {
    /// Whether a reader of version `supported` can read a file of this version.
    ///
    /// A newer minor version is readable: what it added is refused key by key if the file uses it.
    ///
    /// # Errors
    /// [`VersionError::TooNew`] when the major version is above the reader's. There is no major
    /// version below 1, and a reader reads every older one.
    pub fn check_readable_by(self, supported: Self) -> Result<(), VersionError> {
        if self.major > supported.major {
            return Err(VersionError::TooNew { file: self, supported });
        }
        Ok(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major.0, self.minor.0)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let malformed = || VersionError::Malformed { text: text.chars().take(40).collect() };
        // `u32::from_str` takes a leading `+`, which nobody means here.
        let number = |part: &str| {
            let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u32>().ok()).flatten()
        };
        let (major, minor) = text.split_once('.').ok_or_else(malformed)?;
        let major = number(major).and_then(NonZeroU32::new).ok_or_else(malformed)?;
        let minor = number(minor).ok_or_else(malformed)?;
        Ok(Self { major: Major(major), minor: Minor(minor) })
    }
}

/// Why a version cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionError {
    /// Not `major.minor` with a major version of at least 1.
    #[error("`{text}` is no cassette version; write major.minor, such as {SUPPORTED}")]
    Malformed {
        /// The text, cut to 40 characters.
        text: String,
    },
    /// Written for a later reader.
    #[error(
        "the cassette has version {file}, this reader knows {supported}; replay it with a newer countersign-harness"
    )]
    TooNew {
        /// What the file says.
        file: Version,
        /// What this reader knows.
        supported: Version,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), &str>) {
        let found = text.parse::<Version>().and_then(|version| version.check_readable_by(SUPPORTED));
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn same_major_is_readable_and_newer_major_is_refused_with_both_sides() {
        check("1.0", Ok(()));
        check("1.7", Ok(()));
        check("2.0", Err("version 2.0, this reader knows 1.0"));
        check("11.0", Err("version 11.0, this reader knows 1.0"));
    }

    #[test]
    fn malformed_versions_are_refused() {
        for text in ["", "1", "1.", ".1", "0.9", "+1.0", "1.+0", "1.0.0", "one.zero", "99999999999.0"] {
            check(text, Err("is no cassette version"));
        }
    }
}
