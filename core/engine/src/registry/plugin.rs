//! A plugin file that is loaded, and the instances opened from it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_plugin::step::Opened;
use countersign_plugin::{Fault, FaultKind, Manifest};

use crate::instance::Instance;
use crate::warning::{Noticed, Warning};

use super::digest::Digest;
use super::error::OpenError;
use super::load::Root;
use super::probe::Prober;

/// A loaded plugin.
#[derive(Clone)]
pub struct Plugin {
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// Its file.
    pub path: PathBuf,
    /// The digest of its file.
    pub sha256: Digest,
    /// Whether the bootstrap pins that digest.
    pub pinned: bool,
    pub(super) root: Root,
    pub(super) prober: Prober,
    pub(super) noticed: Noticed,
}

impl Plugin {
    /// Opens an instance with these settings (JSON; secrets are references in them).
    ///
    /// An unpinned file is first tried out with the same settings in a probe child.
    ///
    /// # Errors
    /// [`OpenError`]: the plugin refuses the settings, or a probe child did not survive them.
    pub fn open(&self, settings: &[u8]) -> Result<InProcess, OpenError> {
        let path = || self.path.clone();
        if !self.pinned {
            for fault in self.prober.try_settings(&self.path, self.sha256, settings)? {
                self.noticed.add(Warning::ContractBroken { file: path(), fault });
            }
        }
        InProcess::open(self.root, Arc::clone(&self.manifest), settings)
            .map_err(|fault| OpenError::Settings { path: path(), fault })
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.manifest.id)
            .field("version", &self.manifest.version)
            .field("path", &self.path)
            .field("sha256", &self.sha256)
            .field("pinned", &self.pinned)
            .finish_non_exhaustive()
    }
}

/// An instance that lives in this process. It is closed on drop; operations under way finish.
pub struct InProcess {
    root: Root,
    manifest: Arc<Manifest>,
    instance: u64,
}

impl InProcess {
    pub(super) fn open(root: Root, manifest: Arc<Manifest>, settings: &[u8]) -> Result<Self, Fault> {
        let opened = root.open_instance(settings)?;
        let Ok(Opened { instance, .. }) = serde_json::from_slice(&opened) else {
            return Err(Fault::new(FaultKind::Unknown, "the plugin opened an instance without naming it"));
        };
        Ok(Self { root, manifest, instance })
    }
}

impl Instance for InProcess {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        self.root.begin(self.instance, call)
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        self.root.resume(handle, reply)
    }

    fn end(&self, handle: u64) {
        // A stale handle is the only fault there can be, and then there is nothing to end.
        let _ = self.root.end(handle);
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        let _ = self.root.close(self.instance);
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("plugin", &self.manifest.id)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
