//! What concerns both modes: the manifest and the settings.

use countersign_plugin::testing;

use crate::TwilioVoice;

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<TwilioVoice>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}
