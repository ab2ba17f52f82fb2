//! Reads a manifest and decides whether this program can work with what it says. Nothing of the
//! plugin file is executed.

use countersign_plugin::Manifest;
use countersign_plugin::line::escaped;
use countersign_plugin::manifest::{HOST_FEATURES, MANIFEST_VERSION, Problem};
use serde::Deserialize;

/// The version of this program, for messages that name both sides.
const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Reads a manifest.
///
/// # Errors
/// [`ManifestError`]: it cannot be read, or this program cannot keep what it asks for.
pub(super) fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let unreadable = |error: serde_json::Error| ManifestError::Unreadable { reason: escaped(&error.to_string()) };
    // The version first: a later format may have other fields than the ones we would miss.
    let Versioned { manifest: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if found != MANIFEST_VERSION {
        return Err(ManifestError::Version { found });
    }
    let manifest = Manifest::parse(bytes).map_err(unreadable)?;
    let known = |feature: &String| HOST_FEATURES.contains(&feature.as_str());
    let missing: Vec<String> = manifest.requires.iter().filter(|feature| !known(feature)).cloned().collect();
    if !missing.is_empty() {
        return Err(ManifestError::Requires { plugin: named(&manifest), missing });
    }
    match manifest.problems().into_iter().next() {
        Some(problem) => Err(ManifestError::Unsound { problem }),
        None => Ok(manifest),
    }
}

/// A plugin as messages name it: `twilio-verify 0.1.0`.
pub(super) fn named(manifest: &Manifest) -> String {
    format!("{} {}", manifest.id.escape_debug(), manifest.version.escape_debug())
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
    /// What no host could keep.
    #[error("its manifest {problem}; ask the plugin's vendor for a correct one")]
    Unsound {
        /// What it says.
        problem: Problem,
    },
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref().escape_debug())).collect();
    names.join(", ")
}
