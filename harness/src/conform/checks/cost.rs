//! What steps cost, and whether memory comes back.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::instance::Instance;

use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::open;
use super::concurrent::replay;
use super::problems::Problems;

/// Rounds of all operations before anything is measured: first uses fill caches.
const WARM_UP: usize = 20;
/// The time for each of both measured parts.
const PART: Duration = Duration::from_millis(400);
/// Rounds of a part, at least and at most.
const ROUNDS: std::ops::Range<usize> = 30..500;
/// Growth per operation that is one, in bytes: an allocator's habits are below it.
const LEAK: u64 = 512;

pub(in super::super) fn measured(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let mut opened = Vec::new();
    for scenario in &kit.scenarios {
        if let Ok(instance) = open(&kit.plugin, &scenario.subject) {
            opened.push((instance, &scenario.happy));
        }
    }
    let all = |round: &mut dyn FnMut(&Arc<dyn Instance>, &Performed)| {
        opened.iter().for_each(|(instance, happy)| happy.iter().for_each(|performed| round(instance, performed)));
    };
    let mut operations = 0;
    let mut steps = 0;
    all(&mut |_, performed| {
        operations += 1;
        steps += performed.steps + 1;
    });
    if operations == 0 {
        return Verdict::Skipped { because: "there is nothing to ask".to_owned() };
    }
    (0..WARM_UP).for_each(|_| all(&mut |instance, performed| drop(replay(instance, performed))));
    let mut parts = Vec::new();
    for _ in 0..2 {
        let (before, begun) = (memory(), Instant::now());
        let mut rounds = 0;
        while rounds < ROUNDS.start || (rounds < ROUNDS.end && begun.elapsed() < PART) {
            all(&mut |instance, performed| drop(replay(instance, performed)));
            rounds += 1;
        }
        parts.push((begun.elapsed(), rounds, before.zip(memory()).map(|(before, after)| after.saturating_sub(before))));
    }
    let done = |rounds: usize| (rounds * operations) as u64;
    let leaks = parts.iter().all(|(_, rounds, grown)| grown.is_some_and(|grown| grown / done(*rounds).max(1) >= LEAK));
    let (took, rounds, grown) = parts[1];
    let per_step = took.as_nanos() / u128::from((rounds * steps) as u64).max(1);
    if leaks {
        let bytes = grown.unwrap_or_default() / done(rounds).max(1);
        problems.add(
            format!("memory grows by {bytes} bytes with every operation, {} operations long", done(rounds)),
            "let go of what an operation made when it ends",
        );
    }
    let memory = memory().map_or_else(String::new, |bytes| format!(", {} MiB resident", bytes >> 20));
    problems.verdict_with(format!("{per_step} ns per step, the kit's own share included{memory}"))
}

/// Resident memory of this process in bytes, where the system tells.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
