//! Problems as they are collected: each once, and not without end.

use std::collections::BTreeSet;

use countersign_plugin::line::escaped;

use super::super::report::{Problem, Verdict};

/// Problems that are told; more are counted.
const TOLD: usize = 6;
/// Longest text of one, in characters.
const LONGEST: usize = 400;

/// The problems of one check.
#[derive(Default)]
pub(super) struct Problems {
    seen: BTreeSet<String>,
    told: Vec<Problem>,
}

impl Problems {
    /// Adds one, unless it was told already.
    pub(super) fn add(&mut self, what: impl AsRef<str>, remedy: impl Into<String>) {
        self.push(Problem::new(what.as_ref(), remedy));
    }

    /// The same with all that belongs to it.
    pub(super) fn push(&mut self, mut problem: Problem) {
        problem.what = short(&problem.what);
        if self.seen.insert(problem.what.clone()) && self.told.len() < TOLD {
            self.told.push(problem);
        }
    }

    /// Passed without any.
    pub(super) fn verdict(self) -> Verdict {
        self.verdict_with(String::new())
    }

    /// Passed without any, with this to tell.
    pub(super) fn verdict_with(mut self, note: String) -> Verdict {
        let more = self.seen.len() - self.told.len();
        if more > 0 {
            let what = format!("and {more} more like these");
            self.told.push(Problem::new(what, "mend those above, and run the check again"));
        }
        if self.told.is_empty() { Verdict::Passed { note } } else { Verdict::of(self.told) }
    }
}

/// One line of bounded length.
fn short(text: &str) -> String {
    let line = escaped(text);
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_once_in_one_line_and_counted_beyond_some() {
        let mut problems = Problems::default();
        for number in 0..10 {
            problems.add(format!("problem\n{number}"), "mend it");
            problems.add(format!("problem\n{number}"), "mend it");
        }
        problems.add("x".repeat(LONGEST * 2), "shorten it");
        let Verdict::Failed { problems: told } = problems.verdict() else { panic!("it failed") };
        assert_eq!(told.len(), TOLD + 1);
        assert_eq!(told[0].what, "problem\\n0");
        assert_eq!(told[TOLD].what, "and 5 more like these");
        assert_eq!(Problems::default().verdict(), Verdict::passed());
    }
}
