//! What is no error, but should not stay as it is.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Something to mend, although everything works.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Others may change the bootstrap, which says what native code is loaded.
    #[error(
        "others may change the bootstrap {}: {} is writable by group or others; take that permission away (chmod go-w)",
        file.display(), place.display()
    )]
    BootstrapWritable {
        /// The bootstrap.
        file: PathBuf,
        /// It, or a folder on the way to it.
        place: PathBuf,
    },
    /// Others may replace what will be loaded.
    #[error(
        "others may replace plugin file {}: {} is writable by group or others; take that permission away (chmod go-w)",
        file.display(), place.display()
    )]
    PluginWritable {
        /// The plugin's file.
        file: PathBuf,
        /// It, or a folder on the way to it.
        place: PathBuf,
    },
    /// Others may read a secret.
    #[error("{} holds a secret and can be read by other users; take that right away (chmod 600)", file.display())]
    SecretReadable {
        /// The file.
        file: PathBuf,
    },
    /// A plugin that was tried out did what no plugin may; the contract's own guard has caught it.
    #[error("plugin file {} broke the contract when it was tried out: {fault}; ask its vendor for a correct one", file.display())]
    ContractBroken {
        /// The plugin's file.
        file: PathBuf,
        /// Which operation, and what it did.
        fault: String,
    },
}

impl Warning {
    /// Writes it into the log.
    pub(crate) fn log(&self) {
        tracing::warn!("{self}");
    }
}

/// Warnings that several parts notice, each told once and in the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noticed(Arc<Mutex<Vec<Warning>>>);

impl Noticed {
    pub(crate) fn add(&self, warning: Warning) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&warning) {
            warning.log();
            all.push(warning);
        }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noticed_twice_is_told_once() {
        let noticed = Noticed::default();
        let warning = Warning::SecretReadable { file: PathBuf::from("token") };
        noticed.clone().add(warning.clone());
        noticed.add(warning.clone());
        assert_eq!(noticed.all(), [warning]);
    }
}
