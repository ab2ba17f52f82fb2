//! Is replay fast enough, and does it stay small? Says so for both carriers, in one run:
//!
//! ```text
//! cargo run --release -p countersign-benches --bin replay-speed
//! ```
//!
//! - **In-process**, on one core: a million exchanges with a cassette of a thousand repeating entries through the engine's
//!   transport, receipt included. Bar: 500,000 in each second of the core; what other programs took of it does not count.
//! - **Over HTTP**: the harness's server with that cassette beside a bare hyper server that gives answers of the same bytes
//!   without reading what it is asked. Each runs in a process of its own on a runtime of the same kind; one client with 32
//!   connections asks either of them a million times, by turns, and compares every answer byte for byte. Bar: 60 % of the
//!   exchanges per second of the bare server. The client works on the same cores, so the servers' own processor time is
//!   told, too.
//! - **Memory**: what a process holds after its million exchanges and did not hold before them. Bar: 2 MiB.
//!
//! Exits with 0 where all bars are kept, 1 where one is not, 4 where it could not be measured. Figures of different runs do
//! not compare: machines are noisy. Memory and processor time are read from `/proc`, so they are told on Linux only;
//! elsewhere the clock stands for the core's time.

mod client;
mod in_process;
mod over_http;
mod process;
mod server;

use std::error::Error;
use std::io::{Write as _, stdout};
use std::process::ExitCode;

use process::Usage;

/// Exchanges per second in-process.
const IN_PROCESS_RATE: f64 = 500_000.0;
/// Part of the bare server's exchanges per second.
const HTTP_RATIO: f64 = 0.6;
/// Bytes that a process may hold more after a million exchanges.
const GROWTH: u64 = 2 << 20;
/// Exchanges that are measured of each carrier.
const EXCHANGES: usize = 1_000_000;
/// In so many rounds, of which the median counts.
const ROUNDS: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => measure(),
        [server::ARGUMENT, name] => server::run(name).map(|()| true),
        _ => Err("usage: replay-speed, without arguments".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Where even this cannot be written, the exit code tells.
            let _ = writeln!(stdout(), "BAD   {error}");
            ExitCode::from(4)
        }
    }
}

/// Measures and tells; whether all bars are kept.
fn measure() -> Result<bool, Box<dyn Error>> {
    let mut out = stdout();
    let replay = in_process::measure()?;
    let rate = replay.processor_rate.unwrap_or(replay.rate);
    let mut kept = told(
        "in-process",
        rate >= IN_PROCESS_RATE,
        &format!(
            "{rate:>9.0} exchanges per second of a core (bar {IN_PROCESS_RATE:.0}), {:.0} by the clock",
            replay.rate
        ),
    )?;
    kept &= told_memory("in-process", replay.before, replay.after)?;

    let [bare, cassettes] = over_http::measure()?;
    for side in [&bare, &cassettes] {
        writeln!(out, "      {:<10} {:>9.0} exchanges/s{}", side.name, side.rate, side.per_processor_second())?;
    }
    let ratio = cassettes.rate / bare.rate;
    kept &= told(
        "over HTTP",
        ratio >= HTTP_RATIO,
        &format!("{:>8.0} % of a bare server (bar {:.0} %)", ratio * 100.0, HTTP_RATIO * 100.0),
    )?;
    for side in [&bare, &cassettes] {
        let grown = told_memory(side.name, side.before, side.after)?;
        kept &= grown || side.name == server::BARE;
    }
    Ok(kept)
}

fn told(what: &str, kept: bool, figures: &str) -> Result<bool, Box<dyn Error>> {
    writeln!(stdout(), "{} {what:<10} {figures}", if kept { "ok   " } else { "BELOW" })?;
    Ok(kept)
}

fn told_memory(what: &str, before: Option<Usage>, after: Option<Usage>) -> Result<bool, Box<dyn Error>> {
    let (Some(before), Some(after)) = (before, after) else {
        writeln!(stdout(), "      {what:<10} memory is not known on this system")?;
        return Ok(true);
    };
    let grown = after.resident.saturating_sub(before.resident);
    let kib = |bytes: u64| bytes / 1024;
    told(
        what,
        grown <= GROWTH,
        &format!(
            "{:>9} KiB more after {EXCHANGES} exchanges: {} -> {} KiB (bar {})",
            kib(grown),
            kib(before.resident),
            kib(after.resident),
            kib(GROWTH)
        ),
    )
}

/// The median; of an even number the lower one of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len().saturating_sub(1)) / 2).copied().unwrap_or(f64::NAN)
}
