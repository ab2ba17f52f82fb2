//! What a process uses, as its system tells.

use std::fs;
use std::time::Duration;

/// Ticks per second in which Linux tells processor time, whatever its own clock is: `USER_HZ`, proc(5).
const TICKS: u64 = 100;

/// What a process uses.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Memory that is really there, in bytes.
    pub(crate) resident: u64,
    /// Processor time so far, of user and system.
    pub(crate) processor: Duration,
}

impl Usage {
    /// Of the process with this id; `None` where the system does not tell.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The second field is the program's name, which may hold anything; the 14th and 15th are the times.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let ticks = times.next()?.ok()? + times.next()?.ok()?;
        Some(Self { resident: kib * 1024, processor: Duration::from_millis(ticks * 1000 / TICKS) })
    }

    /// Processor time from here to a later one, in seconds.
    pub(crate) fn processor_until(self, later: Self) -> f64 {
        later.processor.saturating_sub(self.processor).as_secs_f64()
    }
}
