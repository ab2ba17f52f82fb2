//! `[limits]`: how often, how long and to where. Every limit has a safe default, and none can be switched off.

use std::collections::BTreeSet;
use std::str::FromStr;

use phonenumber::country;
use serde::Serialize;

use super::error::{Problem, shown};
use super::reader::Entry;

/// The limits of challenges, sends and waiting. Zero is out of range everywhere and never means "no limit".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// Digits of the codes that the engine makes: 4 to 10 (6). NIST SP 800-63B 5.1.3.2 asks for at least 20 bits,
    /// which is six digits, or for throttling, which is always on here.
    pub code_digits: u8,
    /// How long a code can be used, in seconds: 30 to 600 (600). NIST SP 800-63B 5.1.3.2 ends it after 10 minutes.
    pub code_lifetime_seconds: u32,
    /// Wrong codes within one challenge: 1 to 10 (5).
    pub attempts_per_challenge: u32,
    /// Wrong codes of one user over all challenges, channels and providers until a guess lock: 1 to 100 (10). Only a
    /// full success or an unlock clears the count. The 100th in a row, which is as many as NIST SP 800-63B 5.2.2
    /// allows, locks until an administrator's unlock.
    pub attempts_per_user: u32,
    /// How long a user who guessed too often is locked on all channels, in seconds: 60 to 86400 (900). Each further
    /// lock in a row is twice as long, up to a day. A shorter lock would slow nobody down; a longer one is a way to
    /// lock somebody else out.
    pub guess_lock_seconds: u32,
    /// Codes sent within one challenge, the first one included: 1 to 10 (5).
    pub sends_per_challenge: u32,
    /// The least time between two sends to one number, in seconds: 5 to 600 (30).
    pub send_cool_down_seconds: u32,
    /// Codes sent to one number within `send_window_seconds`, failed sends included: 1 to 100 (5).
    pub sends_per_number: u32,
    /// The time over which sends to a number are counted, in seconds: 60 to 86400 (600).
    pub send_window_seconds: u32,
    /// How long a number that was sent too much gets nothing, in seconds: 60 to 86400 (600). TOTP stays usable.
    pub send_lock_seconds: u32,
    /// How long a person may take to enroll a factor, in seconds: 60 to 3600 (600).
    pub enrollment_timeout_seconds: u32,
    /// Countries to whose numbers codes are sent, as ISO 3166-1 alpha-2 codes in upper case; empty is every country.
    pub allowed_countries: BTreeSet<String>,
    /// The longest time that one operation of a plugin takes, in seconds: 1 to 30 (30), which is what plugins are
    /// promised as their limit.
    pub operation_timeout_seconds: u32,
    /// The longest time that one HTTP request takes, in seconds: 1 to the operation's time-out (10).
    pub request_timeout_seconds: u32,
    /// The longest time until a connection stands, in seconds: 1 to the request's time-out (5).
    pub connect_timeout_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            code_digits: 6,
            code_lifetime_seconds: 600,
            attempts_per_challenge: 5,
            attempts_per_user: 10,
            guess_lock_seconds: 900,
            sends_per_challenge: 5,
            send_cool_down_seconds: 30,
            sends_per_number: 5,
            send_window_seconds: 600,
            send_lock_seconds: 600,
            enrollment_timeout_seconds: 600,
            allowed_countries: BTreeSet::new(),
            operation_timeout_seconds: 30,
            request_timeout_seconds: 10,
            connect_timeout_seconds: 5,
        }
    }
}

impl Limits {
    /// Reads the section. Where something is wrong, a fault is reported and the default stands in.
    pub(super) fn read(section: &Entry<'_>) -> Self {
        let default = Self::default();
        let number = |key, range, unit, otherwise| section.child(key).number(range, unit).unwrap_or(otherwise);
        let seconds = |key, range, otherwise| number(key, range, "seconds", otherwise);
        let times = |key, range, otherwise| number(key, range, "times", otherwise);
        let digits = number("code_digits", 4..=10, "digits", default.code_digits.into());
        let limits = Self {
            code_digits: u8::try_from(digits).unwrap_or(default.code_digits),
            code_lifetime_seconds: seconds("code_lifetime_seconds", 30..=600, default.code_lifetime_seconds),
            attempts_per_challenge: times("attempts_per_challenge", 1..=10, default.attempts_per_challenge),
            attempts_per_user: times("attempts_per_user", 1..=100, default.attempts_per_user),
            guess_lock_seconds: seconds("guess_lock_seconds", LOCK, default.guess_lock_seconds),
            sends_per_challenge: times("sends_per_challenge", 1..=10, default.sends_per_challenge),
            send_cool_down_seconds: seconds("send_cool_down_seconds", 5..=600, default.send_cool_down_seconds),
            sends_per_number: times("sends_per_number", 1..=100, default.sends_per_number),
            send_window_seconds: seconds("send_window_seconds", LOCK, default.send_window_seconds),
            send_lock_seconds: seconds("send_lock_seconds", LOCK, default.send_lock_seconds),
            enrollment_timeout_seconds: seconds(
                "enrollment_timeout_seconds",
                60..=3600,
                default.enrollment_timeout_seconds,
            ),
            allowed_countries: countries(&section.child("allowed_countries")),
            operation_timeout_seconds: seconds("operation_timeout_seconds", TIMEOUT, default.operation_timeout_seconds),
            request_timeout_seconds: seconds("request_timeout_seconds", TIMEOUT, default.request_timeout_seconds),
            connect_timeout_seconds: seconds("connect_timeout_seconds", TIMEOUT, default.connect_timeout_seconds),
        };
        limits.check_timeouts(section);
        limits
    }

    fn check_timeouts(&self, section: &Entry<'_>) {
        let within = |inner: &str, value, outer, limit| {
            if value > limit {
                let problem = Problem::Timeout { value, outer, limit };
                section.child(inner).fault(problem);
            }
        };
        within(
            "request_timeout_seconds",
            self.request_timeout_seconds,
            "limits.operation_timeout_seconds",
            self.operation_timeout_seconds,
        );
        within(
            "connect_timeout_seconds",
            self.connect_timeout_seconds,
            "limits.request_timeout_seconds",
            self.request_timeout_seconds,
        );
    }
}

type Range = std::ops::RangeInclusive<u32>;

/// From a minute to a day.
const LOCK: Range = 60..=86_400;

/// A plugin's operation ends after 30 seconds, so nothing inside may take longer.
const TIMEOUT: Range = 1..=30;

fn countries(entry: &Entry<'_>) -> BTreeSet<String> {
    let listed = entry.texts("a list of country codes, such as [\"GB\", \"US\"]");
    let mut codes = BTreeSet::new();
    for text in listed.unwrap_or_default() {
        let code = text.trim().to_ascii_uppercase();
        if country::Id::from_str(&code).is_ok() {
            codes.insert(code);
        } else {
            entry.fault(Problem::Country { found: shown(&text) });
        }
    }
    codes
}
