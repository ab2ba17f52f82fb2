//! One opened provider, whatever is behind it: a loaded file, later a worker, in tests a double.

use countersign_plugin::{Fault, Manifest};

/// The step interface of one provider with its settings. The bytes are those of
/// [`countersign_plugin::step`]; they are the same for every carrier.
pub trait Instance: Send + Sync {
    /// What the plugin says of itself.
    fn manifest(&self) -> &Manifest;

    /// Begins an operation: a `Call` in, an `Answer` with its handle out.
    ///
    /// # Errors
    /// The plugin's fault; there is then no handle to end.
    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault>;

    /// Delivers a reply: a `StepReply` in, an `Answer` out.
    ///
    /// # Errors
    /// The plugin's fault; the handle must still be ended.
    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault>;

    /// Ends an operation, finished or not. A stale handle is ignored: there is nothing to end.
    fn end(&self, handle: u64);
}
