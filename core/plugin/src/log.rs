//! What an operation writes into its host's log, between one answer and the next.

use crate::limits;
use crate::step::{Level, LogLine};

/// More than the line that counts the dropped ones is long, as JSON and with its comma.
const COUNT_BYTES: usize = 128;

/// The first lines, and how many came after them.
#[derive(Default)]
pub(crate) struct Log {
    lines: Vec<LogLine>,
    dropped: usize,
}

impl Log {
    pub(crate) fn push(&mut self, level: Level, text: &str) {
        if self.lines.len() < limits::LOG_LINES {
            self.lines.push(LogLine::new(level, text));
        } else {
            self.dropped += 1;
        }
    }

    /// What there is; an empty one stays.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// As they travel: the lines, and where some are missing, how many.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.first(self.lines.len())
    }

    /// The same in at most so many bytes of JSON, commas included: the last lines go first.
    pub(crate) fn within(&self, bytes: usize) -> Vec<LogLine> {
        let Some(mut left) = bytes.checked_sub(COUNT_BYTES) else { return Vec::new() };
        let fitting = self.lines.iter().take_while(|line| {
            let needed = serde_json::to_vec(line).map_or(usize::MAX, |json| json.len() + 1);
            let fits = needed <= left;
            left = left.saturating_sub(needed);
            fits
        });
        self.first(fitting.count())
    }

    fn first(&self, count: usize) -> Vec<LogLine> {
        let mut lines: Vec<_> = self.lines.iter().take(count).cloned().collect();
        let dropped = self.dropped + self.lines.len() - lines.len();
        if dropped > 0 {
            lines.push(LogLine::new(Level::Warn, &format!("{dropped} further log lines were dropped")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_from_the_end_and_is_counted() {
        let mut log = Log::default();
        (0..70).for_each(|n| log.push(Level::Info, &format!("{n} {}", "\"".repeat(1000))));
        let all = log.lines();
        assert_eq!(all.len(), limits::LOG_LINES + 1);
        assert_eq!(all[64].text, "6 further log lines were dropped");
        for room in (0..200_000).step_by(777) {
            let lines = log.within(room);
            assert!(serde_json::to_vec(&lines).expect("JSON").len() <= room.max(2), "{room}");
            match lines.split_last() {
                Some((count, kept)) => {
                    assert_eq!(kept, &all[..kept.len()], "{room}");
                    assert_eq!(count.text, format!("{} further log lines were dropped", 70 - kept.len()), "{room}");
                }
                None => assert!(room < COUNT_BYTES, "{room}"),
            }
        }
    }
}
