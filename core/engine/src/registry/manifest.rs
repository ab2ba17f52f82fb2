//! Reads a manifest and decides whether this program can work with what it says. Nothing of the
//! plugin file is executed.

use countersign_plugin::manifest::{Channel, Checker, HOST_FEATURES, MANIFEST_VERSION, Maker};
use countersign_plugin::{Manifest, OperationName};
use serde::Deserialize;

use super::find::ProviderId;
use crate::line::one_line;

/// The version of this program, for messages that name both sides.
const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Digits that a code may have, whoever makes it. A shorter one is guessed too soon.
const CODE_DIGITS: std::ops::RangeInclusive<u8> = 4..=32;

/// The most characters of a channel's or a mode's name.
const NAME_LIMIT: usize = 64;

/// Reads a manifest.
///
/// # Errors
/// [`ManifestError`]: it cannot be read, or this program cannot keep what it asks for.
pub(super) fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let unreadable = |error: serde_json::Error| ManifestError::Unreadable { reason: one_line(&error.to_string()) };
    // The version first: a later format may have other fields than the ones we would miss.
    let Versioned { manifest: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if found != MANIFEST_VERSION {
        return Err(ManifestError::Version { found });
    }
    let manifest = Manifest::parse(bytes).map_err(unreadable)?;
    if ProviderId::parse(&manifest.id).is_err() {
        return Err(ManifestError::Id { id: manifest.id });
    }
    let known = |feature: &String| HOST_FEATURES.contains(&feature.as_str());
    let missing: Vec<String> = manifest.requires.iter().filter(|feature| !known(feature)).cloned().collect();
    if !missing.is_empty() {
        return Err(ManifestError::Requires { plugin: named(&manifest), missing });
    }
    for (number, channel) in manifest.channels.iter().enumerate() {
        check_channel(channel, &manifest.operations)?;
        let mut earlier = manifest.channels.iter().take(number);
        if earlier.any(|other| other.channel == channel.channel && overlaps(other, channel)) {
            return Err(ManifestError::ChannelTwice { channel: in_mode(channel) });
        }
    }
    Ok(manifest)
}

/// The ways to make and to check a code; any other would leave a code that nobody can check. With each what it cannot
/// do without: a channel that lacks one of these can be chosen, but never approve anybody.
const WAYS: [(Maker, Checker, &[OperationName]); 5] = [
    (Maker::Provider, Checker::Provider, &[OperationName::Start, OperationName::Check]),
    (Maker::Engine, Checker::Engine, &[OperationName::Start]),
    (Maker::Device, Checker::Plugin, &[OperationName::Enroll, OperationName::ConfirmEnrollment, OperationName::Check]),
    (Maker::Device, Checker::Provider, &[OperationName::Check]),
    (Maker::Nobody, Checker::Provider, &[OperationName::Status]),
];

/// `shared` are the operations that the plugin offers for all of its channels.
fn check_channel(channel: &Channel, shared: &[OperationName]) -> Result<(), ManifestError> {
    for name in [Some(&channel.channel), channel.mode.as_ref()].into_iter().flatten() {
        if !is_name(name) {
            return Err(ManifestError::Name { name: name.clone() });
        }
    }
    let way = (channel.code_made_by, channel.code_checked_by);
    let Some((_, _, needed)) = WAYS.iter().find(|(maker, checker, _)| (*maker, *checker) == way) else {
        return Err(ManifestError::MakerAndChecker { channel: in_mode(channel) });
    };
    let lacks = |operation: &&OperationName| !channel.operations.contains(operation) && !shared.contains(operation);
    let missing: Vec<_> = needed.iter().filter(lacks).map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Err(ManifestError::CannotApprove { channel: in_mode(channel), missing });
    }
    let [fewest, most] = channel.code_digits;
    if fewest > most || !CODE_DIGITS.contains(&fewest) || !CODE_DIGITS.contains(&most) {
        return Err(ManifestError::CodeDigits { channel: in_mode(channel), fewest, most });
    }
    Ok(())
}

/// What bootstrap, messages and pages can show as it is.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= NAME_LIMIT
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// An entry without mode stands for every mode.
fn overlaps(one: &Channel, other: &Channel) -> bool {
    one.mode.is_none() || other.mode.is_none() || one.mode == other.mode
}

/// A channel as messages name it: `sms`, or `voice` in mode `call`.
fn in_mode(channel: &Channel) -> String {
    match &channel.mode {
        Some(mode) => format!("`{}` in mode `{mode}`", channel.channel),
        None => format!("`{}`", channel.channel),
    }
}

/// A plugin as messages name it: `twilio-verify 0.1.0`.
pub(super) fn named(manifest: &Manifest) -> String {
    format!("{} {}", manifest.id, manifest.version.escape_debug())
}

#[derive(Deserialize)]
struct Versioned {
    manifest: u32,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No JSON, or not the fields of a manifest.
    #[error("its manifest cannot be read: {reason}; ask the plugin's vendor for a correct one")]
    Unreadable {
        /// What the parser found, with line and column.
        reason: String,
    },
    /// Another format.
    #[error(
        "its manifest has format {found}, countersign {HOST_VERSION} reads format {MANIFEST_VERSION}; \
         use a newer countersign, or a version of the plugin made for this one"
    )]
    Version {
        /// The format found.
        found: u32,
    },
    /// The plugin's own id could not name a file.
    #[error(
        "its manifest has the id {id:?}, which is none: 2 to {max} characters, a to z, 0 to 9 and `-`, \
         beginning with a letter; ask the plugin's vendor for a correct one",
        max = ProviderId::MAX_LENGTH
    )]
    Id {
        /// The id found.
        id: String,
    },
    /// A channel or mode that could not be written in a bootstrap.
    #[error(
        "its manifest has a channel or mode {name:?}, which is no name: a to z, 0 to 9, `-` and `_`, beginning with \
         a letter, at most {NAME_LIMIT}; ask the plugin's vendor for a correct one"
    )]
    Name {
        /// The text found.
        name: String,
    },
    /// The plugin needs what this program does not have.
    #[error(
        "{plugin} requires {}, and countersign {HOST_VERSION} has {}; use a newer countersign, or an \
         older version of the plugin",
        quoted(missing),
        quoted(&HOST_FEATURES)
    )]
    Requires {
        /// The plugin and its version.
        plugin: String,
        /// The features that are missing here.
        missing: Vec<String>,
    },
    /// One channel and mode is described twice.
    #[error("its manifest describes the channel {channel} twice; ask the plugin's vendor which entry holds")]
    ChannelTwice {
        /// The channel.
        channel: String,
    },
    /// A code that its checker could not know.
    #[error(
        "its manifest says of the channel {channel} that one side makes the code and another checks it \
         that cannot know it; ask the plugin's vendor for a correct one"
    )]
    MakerAndChecker {
        /// The channel.
        channel: String,
    },
    /// A channel on which nobody could ever be approved.
    #[error(
        "its manifest does not offer {} on the channel {channel}, without which nobody can be approved there; \
         ask the plugin's vendor for a correct one",
        quoted(missing)
    )]
    CannotApprove {
        /// The channel.
        channel: String,
        /// The operations that are missing.
        missing: Vec<String>,
    },
    /// Lengths of codes that the engine does not accept.
    #[error(
        "its manifest says of the channel {channel} that codes have {fewest} to {most} digits; they may \
         have {} to {}; ask the plugin's vendor for a correct one",
        CODE_DIGITS.start(),
        CODE_DIGITS.end()
    )]
    CodeDigits {
        /// The channel.
        channel: String,
        /// Fewest digits.
        fewest: u8,
        /// Most digits.
        most: u8,
    },
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref().escape_debug())).collect();
    names.join(", ")
}
