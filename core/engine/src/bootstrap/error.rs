//! What can be wrong with a bootstrap, each with the place, the key and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::origin::Origin;
use super::place::Obstacle;

/// Why a bootstrap could not be read. Nothing has been changed or opened by then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// There is no file of this name.
    #[error("{}: no such bootstrap file; `countersign init` writes one", path.display())]
    Missing {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file exists but cannot be read.
    #[error("{}: cannot be read ({}); give this user the right to read it", path.display(), source.kind())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is a folder.
    #[error("{}: is a folder, not a file; name the bootstrap file, such as {}", path.display(), inside.display())]
    Folder {
        /// What was asked for.
        path: PathBuf,
        /// What a bootstrap in it would be called.
        inside: PathBuf,
    },
    /// The name ends neither in `.toml` nor in `.json`.
    #[error("{}: the name of a bootstrap file ends in .toml or .json, which says how to read it", path.display())]
    UnknownFormat {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file is longer than any bootstrap can reasonably be.
    #[error("{}: larger than {limit} bytes; this is no bootstrap file", path.display())]
    TooLarge {
        /// The file that was asked for.
        path: PathBuf,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// The file is not UTF-8.
    #[error("{}: not UTF-8 text; save the file as UTF-8", path.display())]
    NotText {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file is no well-formed TOML or JSON.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file that was asked for.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser expected; never a piece of the file, which may hold a secret.
        message: String,
    },
    /// The file is well-formed, but keys or values are wrong: all of them, one line each.
    #[error("{}", lines(faults))]
    Invalid {
        /// Everything that is wrong, in the order of the sections.
        faults: Vec<Fault<Problem>>,
    },
}

/// One thing that is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<P> {
    /// Where the value was given.
    pub origin: Origin,
    /// The full path of the key, such as `limits.code_digits`.
    pub key: String,
    /// What is wrong and what to do.
    pub problem: P,
}

impl<P: fmt::Display> fmt::Display for Fault<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: `{}` {}", self.origin, self.key, self.problem)
    }
}

/// One line for each fault.
pub(super) fn lines<P: fmt::Display>(faults: &[Fault<P>]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What is wrong with a key or a value of the bootstrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No such key (or, from the environment, no such variable).
    #[error("is not known{}", suggestion(nearest.as_deref(), known))]
    UnknownKey {
        /// The known key, or variable, that is most like it.
        nearest: Option<String>,
        /// What may stand here.
        known: Vec<String>,
    },
    /// A key that has no default is not there.
    #[error("is missing; give {expected}")]
    Missing {
        /// What has to be given.
        expected: &'static str,
    },
    /// The value is of another type.
    #[error("is {found}; it has to be {expected}")]
    WrongType {
        /// The type that was found; the value is not repeated, as it may be a misplaced secret.
        found: &'static str,
        /// The type that is wanted.
        expected: &'static str,
    },
    /// A number is too small or too large.
    #[error("is {found}; it has to be from {lowest} to {highest} {unit}")]
    OutOfRange {
        /// The number that was found.
        found: i128,
        /// The least number that is allowed.
        lowest: u32,
        /// The greatest number that is allowed.
        highest: u32,
        /// What is counted.
        unit: &'static str,
    },
    /// The text is none of the words that may stand here.
    #[error("is {found}; it has to be one of {}", options.join(", "))]
    NotOneOf {
        /// The text that was found, in quotes; of a long one only its length.
        found: String,
        /// The words that may stand here.
        options: Vec<&'static str>,
    },
    /// The file was written for another version of its format.
    #[error("is {found}; this program reads version 1, so use the program that goes with the file")]
    Version {
        /// The version that was found.
        found: i128,
    },
    /// The value is empty.
    #[error("is empty; give {expected}")]
    Empty {
        /// What has to be given.
        expected: &'static str,
    },
    /// The name of a service, channel, provider or plugin has characters that names cannot have.
    #[error("is no name of a {what}: lower-case letters, digits and `-`, beginning with a letter, at most 40")]
    Name {
        /// What is named.
        what: &'static str,
    },
    /// The name of a channel is also a key of `[two_factor]`.
    #[error("names a channel like a key of [two_factor], where it could not be switched; choose another name")]
    ReservedChannel,
    /// A provider or plugin is set up, and no service uses it.
    #[error("is used by no service{}", suggestion(nearest.as_deref(), known))]
    Unused {
        /// The provider of a service that is most like it.
        nearest: Option<String>,
        /// The providers that services use.
        known: Vec<String>,
    },
    /// A fallback has fallbacks.
    #[error("is nested; list all fallbacks of the service one after another")]
    NestedFallback,
    /// A fallback cannot be set by the environment.
    #[error("cannot be set by the environment, as fallbacks have no names; set [providers.ID] instead")]
    FallbackByVariable,
    /// A part of a setting was set by a variable.
    #[error("is part of a setting; set the whole setting (as JSON), or __FILE or __ENV of a secret")]
    PartByVariable,
    /// Two variables set the same key.
    #[error("is also set by {other}; remove one of the two variables")]
    SetTwice {
        /// The other variable.
        other: String,
    },
    /// A variable fits two keys that differ in `-` and `_` only.
    #[error("fits both `{first}` and `{second}`; rename one of them")]
    Ambiguous {
        /// One key.
        first: String,
        /// The other key.
        second: String,
    },
    /// A variable's value is not UTF-8.
    #[error("is set to something that is not UTF-8 text")]
    NotText,
    /// No country has this code.
    #[error("lists {found}, which is no ISO 3166-1 alpha-2 code of a country with a dialling code (GB, US, DE …)")]
    Country {
        /// The text that was found, in quotes; of a long one only its length.
        found: String,
    },
    /// A hash is not one.
    #[error("is no SHA-256: give 64 hexadecimal digits, as `sha256sum FILE` prints them")]
    Sha256,
    /// An inner time-out is longer than the outer one, so that it could never end anything.
    #[error("is {value} seconds, more than the {limit} of `{outer}`; lower the former or raise the latter")]
    Timeout {
        /// The inner time-out, in seconds.
        value: u32,
        /// The key of the outer time-out.
        outer: &'static str,
        /// The outer time-out, in seconds.
        limit: u32,
    },
    /// Store and key would be one file.
    #[error("is the same file as `store.path`; the key has a file of its own")]
    KeyInStore,
    /// A file that does not exist yet could not be made where it is named.
    #[error("names {}, which does not exist and cannot be made: its folder {} {obstacle}", file.display(), folder.display())]
    NoPlace {
        /// The file.
        file: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// What is in the way, and what to do.
        obstacle: Obstacle,
    },
}

fn suggestion(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.is_empty() => "; remove it".to_owned(),
        None => format!("; known here: {}", known.join(", ")),
    }
}

/// Text that was found where it has no place, in a message. A word is shown, so that a slip can be seen; what is
/// longer may be a token that was put into the wrong setting.
pub(super) fn shown(text: &str) -> String {
    const LONGEST_WORD: usize = 20;
    match text.chars().count() {
        0..=LONGEST_WORD => format!("{text:?}"),
        length => text_of(length),
    }
}

/// Text of which nothing is shown.
pub(super) fn text_of(characters: usize) -> String {
    format!("text of {characters} character{}", if characters == 1 { "" } else { "s" })
}
