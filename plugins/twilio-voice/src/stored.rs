//! What the host stores for us, and in which version of its format.

use countersign_plugin::{Data, Failure, FailureKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of all stored data, as in `manifest.json`.
const VERSION: u32 = 1;

pub(crate) fn write(value: &impl Serialize) -> Result<Data, Failure> {
    Data::new(VERSION, value)
}

/// # Errors
/// A plugin fault where another version of the plugin wrote it, or it is damaged.
pub(crate) fn read<T: DeserializeOwned>(data: &Data) -> Result<T, Failure> {
    if data.version == VERSION {
        return data.read();
    }
    let version = data.version;
    Err(Failure::new(
        FailureKind::PluginFault,
        format!(
            "another version of this plugin wrote the stored data (data version {version}; this one reads {VERSION}); \
             install that version again"
        ),
    ))
}
