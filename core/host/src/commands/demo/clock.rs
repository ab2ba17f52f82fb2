//! The demo's clock: where a person would wait, it is moved.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign::clock::{Clock, SystemClock};
use countersign_plugin::Timestamp;

/// Goes with the system's clock. Once moved ahead of it, it stands still until that has caught up:
/// so it never goes back, and a real authenticator app agrees with it again soon.
#[derive(Debug, Default)]
pub(super) struct DemoClock {
    /// Milliseconds since 1970.
    ahead: AtomicU64,
}

impl DemoClock {
    /// Moves it to this moment, unless that is over. Returns by how much.
    pub(super) fn move_to(&self, moment: Timestamp) -> Duration {
        let now = self.now();
        self.ahead.fetch_max(moment.as_millis(), Ordering::Relaxed);
        moment.since(now)
    }

    /// How far it is ahead of the system's clock.
    pub(super) fn lead(&self) -> Duration {
        self.now().since(SystemClock.now())
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.ahead.load(Ordering::Relaxed)).max(SystemClock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward_and_never_back() {
        let clock = DemoClock::default();
        let start = clock.now();
        let later = start + Duration::from_secs(900);
        let moved = clock.move_to(later);
        assert!(moved <= Duration::from_secs(900) && moved > Duration::from_secs(800), "{moved:?}");
        assert_eq!(clock.now(), later);
        assert_eq!(clock.move_to(start), Duration::ZERO);
        assert_eq!(clock.now(), later);
        assert!(clock.lead() > Duration::from_secs(800));
    }
}
