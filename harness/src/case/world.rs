//! The world of a case: its clock, its random bytes, and what the plugin keeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::clock::{Clock, NoRandomness, Random};
use countersign::operation::Keeper;
use countersign::store::StoreError;
use countersign_plugin::{Data, Scope, Timestamp};
use ring::digest::{Context, SHA256};

/// A clock that only the case moves.
pub(crate) struct CaseClock(AtomicU64);

impl CaseClock {
    pub(super) fn at(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.as_millis()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let later = self.now() + by;
        self.0.store(later.as_millis(), Ordering::Relaxed);
    }
}

impl Clock for CaseClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Random bytes that are the same in every run: SHA-256 of the seed and a counter, block by block.
/// For replay only; anybody can know them.
pub(crate) struct Seeded {
    seed: u64,
    blocks: AtomicU64,
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, blocks: AtomicU64::new(0) }
    }
}

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in buffer.chunks_mut(32) {
            let mut block = Context::new(&SHA256);
            block.update(b"countersign case");
            block.update(&self.seed.to_le_bytes());
            block.update(&self.blocks.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            let block = block.finish();
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Remembers what the plugin keeps, until the case looks.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<(Scope, Data)>>);

impl Kept {
    pub(super) fn take(&self) -> Vec<(Scope, Data)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Keeper for Kept {
    async fn keep(&self, scope: Scope, data: &Data) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((scope, data.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_depend_on_the_seed_and_never_repeat() {
        let bytes = |random: &Seeded| {
            let mut bytes = [0; 40];
            random.fill(&mut bytes).expect("never fails");
            bytes
        };
        let (one, again, other) = (Seeded::new(7), Seeded::new(7), Seeded::new(8));
        let first = bytes(&one);
        assert_eq!(first, bytes(&again));
        assert_ne!(first, bytes(&one));
        assert_ne!(first, bytes(&other));
        assert_ne!(first[..8], first[32..]);
    }
}
