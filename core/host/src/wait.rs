//! How long something takes, in words.

use countersign_plugin::Timestamp;

/// No wait at all.
pub(crate) const NOTHING: &str = "0 s";

/// From now until then, rounded up: whoever waits that long is not too early.
pub(crate) fn from(now: Timestamp, until: Timestamp) -> String {
    let seconds = until.as_millis().saturating_sub(now.as_millis()).div_ceil(1000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up() {
        let now = Timestamp::from_millis(1_000_000);
        for (after, expected) in [
            (0, "0 s"),
            (1, "1 s"),
            (30_000, "30 s"),
            (119_000, "119 s"),
            (119_001, "2 min"),
            (900_000, "15 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(from(now, Timestamp::from_millis(now.as_millis() + after)), expected);
        }
        assert_eq!(from(now, Timestamp::from_millis(0)), "0 s");
    }
}
