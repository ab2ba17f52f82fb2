//! Opens a plugin file in this process and calls it. This is where code of the file runs; it is
//! called for a file that is pinned, or that a probe child has survived.
//!
//! A plugin is never unloaded again: what it made (a thread-local, a text) may outlive any owner
//! that we could name. Only a library that turns out to have nothing of a plugin is closed again by
//! abi_stable; whether the system then lets go of it is the system's to say. So every file that it
//! has once taken in counts as held, and what came of it is remembered.

use countersign_plugin::line::escaped;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use abi_stable::library::{LibraryError, RootModule, lib_header_from_path};
use abi_stable::std_types::RResult;
use countersign_plugin::abi::{Bytes, PluginV1_Ref};
use countersign_plugin::{Fault, FaultKind, limits};
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// The frozen root module of a file, with every answer copied out at once.
#[derive(Clone, Copy)]
pub(super) struct Root(PluginV1_Ref);

/// What came of opening a file with this digest.
type Opened = (Digest, Result<Root, ContactError>);

/// The files that this process has opened, whatever came of it. The system gives the old library for
/// a path or file that is open already, so a changed one must be noticed here.
static OPENED: Mutex<Option<HashMap<PathBuf, Opened>>> = Mutex::new(None);

impl Root {
    /// Opens the file, which has this digest, and checks that it is what `describes` it.
    ///
    /// # Errors
    /// [`ContactError`]: the system, the binary interface or the plugin itself says no.
    pub(super) fn open(path: &Path, sha256: Digest, manifest: &[u8]) -> Result<Self, ContactError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.get_or_insert_default();
        if let Some((loaded, outcome)) = opened.get(path) {
            return if *loaded == sha256 { outcome.clone() } else { Err(ContactError::Replaced) };
        }
        // Before its first code runs: should that unwind, the file is held all the same.
        opened.insert(path.to_path_buf(), (sha256, Err(ContactError::Constructor)));
        let outcome = Self::contact(path, manifest);
        if matches!(outcome, Err(ContactError::NotOpened { .. })) {
            // The system has taken nothing in; what it misses may be there the next time.
            opened.remove(path);
        } else {
            opened.insert(path.to_path_buf(), (sha256, outcome.clone()));
        }
        outcome
    }

    fn contact(path: &Path, manifest: &[u8]) -> Result<Self, ContactError> {
        let header = lib_header_from_path(path).map_err(|error| refusal(&error, None))?;
        let built_with = header.version_strings().version;
        let root = header.init_root_module().map_err(|error| refusal(&error, Some(built_with.as_str())))?;
        let root = Self(root);
        if root.describe().map_err(ContactError::Mute)? != manifest {
            return Err(ContactError::TwoManifests);
        }
        Ok(root)
    }

    fn describe(self) -> Result<Vec<u8>, Fault> {
        // Longer than a step may be is longer than a manifest may be.
        copied(self.0.describe()())
    }

    pub(super) fn open_instance(self, settings: &[u8]) -> Result<Vec<u8>, Fault> {
        copied(self.0.open()(settings.into()))
    }

    pub(super) fn begin(self, instance: u64, call: &[u8]) -> Result<Vec<u8>, Fault> {
        copied(self.0.begin()(instance, call.into()))
    }

    pub(super) fn resume(self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        copied(self.0.resume()(handle, reply.into()))
    }

    pub(super) fn end(self, handle: u64) -> Result<Vec<u8>, Fault> {
        copied(self.0.end()(handle))
    }

    pub(super) fn close(self, instance: u64) -> Result<Vec<u8>, Fault> {
        copied(self.0.close()(instance))
    }
}

/// Copies an answer into memory of this program; dropping the plugin's own runs its code, so that
/// happens here and nowhere else.
fn copied(answer: Bytes) -> Result<Vec<u8>, Fault> {
    let too_large = |found: usize| {
        let max = limits::STEP_BYTES;
        Fault::new(FaultKind::TooLarge, format!("the plugin answered with {found} bytes; {max} are allowed"))
    };
    match answer {
        RResult::ROk(bytes) if bytes.len() > limits::STEP_BYTES => Err(too_large(bytes.len())),
        RResult::RErr(bytes) if bytes.len() > limits::STEP_BYTES => Err(too_large(bytes.len())),
        RResult::ROk(bytes) => Ok(bytes.as_slice().to_vec()),
        RResult::RErr(bytes) => {
            let none = |_| Fault::new(FaultKind::Unknown, "the plugin answered with an error that is none");
            let mut fault: Fault = serde_json::from_slice(bytes.as_slice()).unwrap_or_else(none);
            fault.message = escaped(&fault.message);
            Err(fault)
        }
    }
}

/// One line out of what abi_stable says in up to 4 kB.
fn refusal(error: &LibraryError, built_with: Option<&str>) -> ContactError {
    let versions = |built: String| {
        let here = PluginV1_Ref::VERSION_STRINGS.version.as_str().to_owned();
        ContactError::Interface { built, here }
    };
    let built_with = || built_with.unwrap_or("an unknown version").to_owned();
    match error {
        LibraryError::OpenError { err, .. } => ContactError::NotOpened { reason: escaped(&err.to_string()) },
        LibraryError::GetSymbolError { .. } => ContactError::NoRoot,
        LibraryError::IncompatibleVersionNumber { actual_version, .. } => versions(actual_version.to_string()),
        LibraryError::RootModule { .. } => ContactError::Constructor,
        LibraryError::InvalidAbiHeader(_) | LibraryError::InvalidCAbi { .. } => ContactError::Foundation,
        LibraryError::AbiInstability(_) | LibraryError::ParseVersionError(_) | LibraryError::Many(_) => {
            versions(built_with())
        }
    }
}

/// What went wrong when code of the file ran for the first time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ContactError {
    /// The system's loader refuses the file.
    #[error("the system cannot load it ({reason}); install what is missing, or build the plugin again on this system")]
    NotOpened {
        /// What the loader said.
        reason: String,
    },
    /// It has a manifest, but nothing to call.
    #[error("it has a manifest, but exports no provider; build it with `export_provider!` of countersign-plugin")]
    NoRoot,
    /// Another version of the binary interface.
    #[error(
        "it was built with countersign-plugin {built}, whose binary interface is not the one of \
         countersign-plugin {here} in this program; rebuild it with countersign-plugin {here}"
    )]
    Interface {
        /// The version that the plugin was built with.
        built: String,
        /// The version in this program.
        here: String,
    },
    /// What the interface itself is built on differs.
    #[error(
        "it was built with an `abi_stable` or compiler whose basic types differ from those of this program; \
         rebuild it with the countersign-plugin of this release"
    )]
    Foundation,
    /// Its first function failed.
    #[error("its constructor failed; ask the plugin's vendor, or copy or build the file again")]
    Constructor,
    /// It does not say what it is.
    #[error("it does not describe itself: {0}; copy or build the file again")]
    Mute(Fault),
    /// The note says one thing, the code another.
    #[error("the manifest in the file and the one its code gives differ; copy or build the file again")]
    TwoManifests,
    /// The same path, but other bytes than when it was loaded.
    #[error("it has changed since this program loaded it; restart the program to use the new file")]
    Replaced,
}

#[cfg(test)]
mod tests {
    use abi_stable::std_types::{RBoxError, RVec};

    use super::*;

    #[test]
    fn a_layout_mismatch_is_told_in_one_line_that_names_both_versions() {
        let told = "4 kB of types\n".repeat(300);
        let error = LibraryError::AbiInstability(RBoxError::from_fmt(&told));
        let text = refusal(&error, Some("1.9.0")).to_string();
        assert!(text.contains("built with countersign-plugin 1.9.0"), "{text}");
        assert!(text.contains(&format!("rebuild it with countersign-plugin {}", host_version())), "{text}");
        assert!(!text.contains('\n') && text.len() < 300, "{text}");
    }

    #[test]
    fn answers_are_copied_and_errors_are_read() {
        assert_eq!(copied(RResult::ROk(RVec::from(b"{}".to_vec()))), Ok(b"{}".to_vec()));

        let fault = Fault::new(FaultKind::StaleHandle, "gone");
        let bytes = serde_json::to_vec(&fault).unwrap();
        assert_eq!(copied(RResult::RErr(RVec::from(bytes))), Err(fault));
        let forged = Fault::new(FaultKind::Panicked, "no luck\n2026-01-01 all is well\u{1b}[2J");
        let bytes = serde_json::to_vec(&forged).unwrap();
        let told = copied(RResult::RErr(RVec::from(bytes))).unwrap_err();
        assert_eq!(told.message, "no luck\\n2026-01-01 all is well\\u{1b}[2J");
        assert_eq!(copied(RResult::RErr(RVec::from(b"?".to_vec()))).unwrap_err().kind, FaultKind::Unknown);
    }

    #[test]
    fn an_answer_beyond_the_limit_is_refused() {
        let most = RResult::ROk(RVec::from(vec![b' '; limits::STEP_BYTES]));
        assert!(copied(most).is_ok());
        for more in [RResult::ROk as fn(_) -> Bytes, RResult::RErr as fn(_) -> Bytes] {
            let more = more(RVec::from(vec![b' '; limits::STEP_BYTES + 1]));
            assert_eq!(copied(more).unwrap_err().kind, FaultKind::TooLarge);
        }
    }

    fn host_version() -> &'static str {
        PluginV1_Ref::VERSION_STRINGS.version.as_str()
    }
}
