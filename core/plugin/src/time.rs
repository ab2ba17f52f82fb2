//! The host's clock, as plugins see it.

use std::fmt;
use std::ops::Add;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored (POSIX time).
///
/// A plugin never reads a clock: every call and every reply carries the host's `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch; saturates far beyond any real date.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The first second that an HTTP date cannot tell: 10000-01-01T00:00:00Z.
const BEYOND_DATES: u64 = 253_402_300_800;

impl fmt::Display for Timestamp {
    /// As an HTTP date (RFC 9110 §5.6.7), which anybody can read: `Thu, 01 Jan 2026 00:00:00 GMT`. Whole seconds,
    /// rounded down; what lies beyond the year 9999 is told in seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_secs() {
            seconds @ BEYOND_DATES.. => write!(f, "{seconds} s after 1970-01-01T00:00:00Z"),
            seconds => f.pad(&httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))),
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates instead of overflowing.
    fn add(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_a_date() {
        for (millis, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_767_225_600_999, "Thu, 01 Jan 2026 00:00:00 GMT"),
            (253_402_300_799_999, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (253_402_300_800_000, "253402300800 s after 1970-01-01T00:00:00Z"),
            (u64::MAX, "18446744073709551 s after 1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), expected);
        }
    }
}
