//! The emulator's time: it starts at wall time and runs with it, or stands where a test put it, and can be advanced.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use countersign::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

/// No clock goes further: every date up to here has a year of four digits, also an hour later.
const LATEST_SECOND: i64 = 253_370_764_800;

/// A clock that a test or a person can move, forward only.
///
/// It is a clock of the engine too, so that one clock can serve both sides of a test.
#[derive(Debug)]
pub struct VirtualClock {
    origin: Timestamp,
    /// When the clock read `origin`; `None` where it moves only when told to.
    running_since: Option<Instant>,
    advanced: Mutex<Duration>,
}

/// Why a clock was not advanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdvanceError {
    /// Dates of more than four digits are no dates to the services.
    #[error("{seconds} more seconds lead beyond the year 9998; advance by less, or reset the emulator")]
    TooFar {
        /// By how much the clock was to be advanced.
        seconds: u64,
    },
}

impl VirtualClock {
    /// Starts at wall time and runs with it.
    pub fn running() -> Self {
        let running_since = Some(Instant::now());
        Self { origin: Timestamp::now(), running_since, advanced: Mutex::default() }
    }

    /// Stands there until it is advanced.
    pub fn standing(at: Timestamp) -> Self {
        Self { origin: at, running_since: None, advanced: Mutex::default() }
    }

    /// What it reads.
    pub fn now(&self) -> Timestamp {
        later(self.origin, self.since_origin())
    }

    /// Moves it forward, and says what it reads then.
    ///
    /// # Errors
    /// [`AdvanceError`], and the clock is left as it was.
    pub fn advance(&self, by: Duration) -> Result<Timestamp, AdvanceError> {
        let mut advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        let far = AdvanceError::TooFar { seconds: by.as_secs() };
        let total = advanced.checked_add(by).ok_or(far)?;
        let from_origin = total.checked_add(self.ran()).ok_or(far)?;
        let second = i64::try_from(from_origin.as_secs()).ok();
        let second = second.and_then(|seconds| self.origin.as_second().checked_add(seconds)).ok_or(far)?;
        if second > LATEST_SECOND {
            return Err(far);
        }
        *advanced = total;
        Ok(later(self.origin, from_origin))
    }

    /// Takes back what it was advanced by.
    pub(super) fn reset(&self) {
        *self.advanced.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
    }

    fn since_origin(&self) -> Duration {
        let advanced = *self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        advanced.saturating_add(self.ran())
    }

    fn ran(&self) -> Duration {
        self.running_since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> countersign_plugin::Timestamp {
        let millis = Self::now(self).as_millisecond();
        countersign_plugin::Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

/// A moment after another, or the last one there is.
pub(super) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2015-07-30T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_standing_clock_moves_only_when_told_to() {
        let clock = VirtualClock::standing(noon());
        assert_eq!(clock.now(), noon());
        assert_eq!(clock.advance(Duration::from_secs(90)), Ok("2015-07-30T12:01:30Z".parse().expect("a time")));
        assert_eq!(clock.now().to_string(), "2015-07-30T12:01:30Z");
        clock.reset();
        assert_eq!(clock.now(), noon());
    }

    #[test]
    fn a_running_clock_starts_at_wall_time_and_can_be_advanced() {
        let before = Timestamp::now();
        let clock = VirtualClock::running();
        assert!(clock.now() >= before);
        let hour = Duration::from_secs(3600);
        let advanced = clock.advance(hour).expect("an hour is not far");
        assert!(advanced >= later(before, hour));
        assert!(clock.now() >= advanced);
    }

    #[test]
    fn the_end_of_time_is_refused_and_leaves_the_clock_alone() {
        let clock = VirtualClock::standing(noon());
        for seconds in [u64::MAX, 300_000_000_000, i64::MAX.unsigned_abs()] {
            assert_eq!(clock.advance(Duration::from_secs(seconds)), Err(AdvanceError::TooFar { seconds }));
        }
        assert_eq!(clock.now(), noon());
    }
}
