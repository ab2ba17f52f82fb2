//! Where time and randomness come from: the only two places of the engine that ask the system.

use std::time::{SystemTime, UNIX_EPOCH};

use countersign_plugin::Timestamp;
use ring::rand::SecureRandom as _;

/// Tells the time. Tests and the demo own theirs.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock. A clock before 1970 counts as 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Gives random bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`NoRandomness`] where the source fails; whatever needed the bytes must then fail too.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system gives no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no random bytes; without them no code, key or id can be made")]
pub struct NoRandomness;

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        ring::rand::SystemRandom::new().fill(buffer).map_err(|_| NoRandomness)
    }
}
