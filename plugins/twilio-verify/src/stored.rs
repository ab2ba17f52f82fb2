//! What the host stores of a delivery, and in which version of its format.

use countersign_plugin::{Data, Failure, FailureKind};
use serde::{Deserialize, Serialize};

use crate::config::Sid;

/// Version of [`Delivery`], as in `manifest.json`.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Delivery {
    sid: String,
}

/// The data of a delivery that is this verification.
pub(crate) fn write(sid: &Sid) -> Result<Data, Failure> {
    Data::new(VERSION, &Delivery { sid: sid.as_str().to_owned() })
}

/// The verification of a delivery.
///
/// # Errors
/// A plugin fault where another version of the plugin wrote it, or it is damaged.
pub(crate) fn read(data: &Data) -> Result<Sid, Failure> {
    let fault = |text: String| Failure::new(FailureKind::PluginFault, text);
    if data.version != VERSION {
        let version = data.version;
        return Err(fault(format!(
            "another version of this plugin wrote the stored data (data version {version}; this one reads {VERSION}); \
             install that version again"
        )));
    }
    let delivery: Delivery = data.read()?;
    let damaged = || fault("the stored data of the delivery holds no verification SID".to_owned());
    Sid::parse("VE", &delivery.sid).ok_or_else(damaged)
}
