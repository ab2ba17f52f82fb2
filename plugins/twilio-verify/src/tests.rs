//! Every outcome and every refusal, as a host would see it.

use countersign_plugin::testing;

use crate::TwilioVerify;

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<TwilioVerify>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}
