//! Recordings grow old: providers change what they answer, and nobody looks.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The age after which a replay objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// In days of 24 hours since the recording, at least 1.
    pub days: u32,
    /// What a replay does then.
    pub then: WhenExpired,
}

/// What a replay does with a cassette that is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhenExpired {
    /// It says so and plays it.
    Warn,
    /// It refuses it.
    Fail,
}

impl WhenExpired {
    /// Every one, with the name it has in cassettes.
    pub const NAMED: [(Self, &str); 2] = [(Self::Warn, "warn"), (Self::Fail, "fail")];
}

/// Until when a cassette is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// How old it may get.
    pub age: Age,
}

/// Whether a cassette is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Freshness {
    /// It is, or does not say that it will ever be too old.
    Fresh,
    /// It is too old.
    Expired(Expired),
}

/// A cassette that is too old. Its text says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Until when it was good.
    pub expiry: Expiry,
    /// Its age, in whole days.
    pub days: i64,
}

impl Expiry {
    /// Whether it is still good at that time.
    pub fn at(self, now: Timestamp) -> Freshness {
        let age = now.duration_since(self.recorded_at);
        if age <= SignedDuration::from_hours(i64::from(self.age.days) * 24) {
            return Freshness::Fresh;
        }
        Freshness::Expired(Expired { expiry: self, days: age.as_hours() / 24 })
    }
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expiry { recorded_at, age } = self.expiry;
        write!(
            f,
            "recorded at {recorded_at}, {} days ago, and log._countersign.age allows {}; record it anew, or allow more",
            self.days, age.days
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(now: &str, expected: Option<i64>) {
        let time = |text: &str| text.parse::<Timestamp>().expect("a test writes times");
        let age = Age { days: 30, then: WhenExpired::Warn };
        let expiry = Expiry { recorded_at: time("2026-01-01T12:00:00Z"), age };
        let found = match expiry.at(time(now)) {
            Freshness::Fresh => None,
            Freshness::Expired(expired) => Some(expired.days),
        };
        assert_eq!(found, expected, "{now}");
    }

    #[test]
    fn a_cassette_is_good_to_the_last_second_of_its_age() {
        check("2025-12-31T12:00:00Z", None);
        check("2026-01-01T12:00:00Z", None);
        check("2026-01-31T12:00:00Z", None);
        check("2026-01-31T12:00:01Z", Some(30));
        check("2027-01-01T12:00:00Z", Some(365));
    }
}
