//! Nothing that a provider answers breaks the plugin, and nothing but a yes approves.

use std::cell::RefCell;

use countersign::clock::Random as _;
use countersign_plugin::Reply;
use countersign_plugin::http::Request;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use super::super::child::{Said, say};
use super::super::kit::Kit;
use super::super::performed::End;
use super::super::report::{Problem, Verdict};
use super::super::scenario::{Got, Hook, Place};
use super::super::token::Token;
use super::adverse::places;
use super::odd_reply::Odd;
use super::problems::Problems;
use crate::case::Seeded;

/// The id of this check, for tokens.
const ID: &str = "odd-replies";
/// Cases of a run.
const CASES: u32 = 384;
/// Cases that are tried to make a counterexample smaller.
const SHRINKING: u32 = 256;
/// Counterexamples of different kinds that are looked for.
const FINDS: usize = 3;

/// One case: where, and what. Everything that a token holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Case {
    scenario: usize,
    operation: usize,
    exchange: usize,
    odd: Odd,
}

pub(in super::super) fn withstood(kit: &Kit) -> Verdict {
    if let Some(token) = &kit.job.reproduce {
        return reproduced(kit, token);
    }
    let places: Vec<(usize, Place)> = kit
        .scenarios
        .iter()
        .enumerate()
        .flat_map(|(at, scenario)| places(scenario).map(move |(place, _)| (at, place)))
        .collect();
    if places.is_empty() {
        return Verdict::Passed { note: "it asks nobody anything".to_owned() };
    }
    let strategy = (proptest::sample::select(places), Odd::strategy());
    let strategy = strategy.prop_map(|((scenario, Place { operation, exchange }), odd)| Case {
        scenario,
        operation,
        exchange,
        odd,
    });
    let mut problems = Problems::default();
    for part in 0..FINDS as u64 {
        let config = Config {
            cases: CASES / FINDS as u32,
            max_shrink_iters: SHRINKING,
            failure_persistence: None,
            ..Config::default()
        };
        let mut seed = [0; 32];
        // A digest of a counter: it cannot fail.
        let _ = Seeded::new(kit.job.seed.wrapping_add(part)).fill(&mut seed);
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let why = RefCell::new(None);
        let run = runner.run(&strategy, |case| match broken(kit, &case) {
            None => Ok(()),
            Some(problem) => {
                why.replace(Some(problem));
                Err(TestCaseError::fail("it does not withstand the reply"))
            }
        });
        if let Err(TestError::Fail(_, smallest)) = run {
            // The last that was tried need not be the smallest.
            let found = broken(kit, &smallest).or_else(|| why.take());
            found.into_iter().for_each(|problem| problems.push(problem));
        }
    }
    problems.verdict_with(format!("{CASES} odd replies, seed {}", kit.job.seed))
}

fn reproduced(kit: &Kit, token: &str) -> Verdict {
    let case = token.parse::<Token>().ok().and_then(|token| token.case::<Case>());
    let Some(case) = case.filter(|case| case.scenario < kit.scenarios.len()) else {
        return Verdict::Skipped {
            because: "the token is of another plugin, other settings or another release".to_owned(),
        };
    };
    let note = format!("it withstands {}", told(&case));
    broken(kit, &case).map_or(Verdict::Passed { note }, |problem| Verdict::of(vec![problem]))
}

/// What is wrong with the plugin in this case.
fn broken(kit: &Kit, case: &Case) -> Option<Problem> {
    let scenario = kit.scenarios.get(case.scenario)?;
    let token = Token::of(ID, case).to_string();
    // If nothing follows, this was it.
    say(&Said::Trying(token.clone()));
    let place = Place { operation: case.operation, exchange: case.exchange };
    let mut hook = Oddly { place, odd: &case.odd, good: None };
    let ran = kit.run(scenario, &mut hook);
    let performed = ran.last().filter(|performed| performed.index == case.operation)?;
    let good = hook.good?;
    let problem = |what: String, remedy: &str| {
        let what = format!("{} ({}), answered by {}, {what}", performed.place(), scenario.name, told(case));
        Some(Problem { reproduce: Some(token.clone()), ..Problem::new(what, remedy) })
    };
    match &performed.end {
        End::Fault(_) | End::Unreadable(_) | End::Stuck => {
            problem(performed.end.told(), "read replies by `Reply::json`, and expect every field to be missing")
        }
        _ if performed.approves() && case.odd.is_no_yes(&good) => {
            problem("approves".to_owned(), "approve only by a whole reply with a status of success that says so itself")
        }
        _ => None,
    }
}

/// The reply in words.
fn told(case: &Case) -> String {
    let what = match &case.odd {
        Odd::Bytes(bytes) => format!("{} random bytes", bytes.len()),
        Odd::Json(_) => "JSON about something else".to_owned(),
        Odd::Truncated(_) => "a body that was cut".to_owned(),
        Odd::Status(status) => format!("its body with HTTP {status}"),
        Odd::Trailing(_) => "a body with something after it".to_owned(),
        Odd::Listed => "its body in a list".to_owned(),
        Odd::Wrapped(_) => "its body within an object".to_owned(),
        Odd::Retyped => "values of other types".to_owned(),
        Odd::Twice { .. } => "a body in which every key stands twice".to_owned(),
        Odd::Deep(levels) => format!("JSON that is {levels} deep"),
        Odd::Huge => "a body of 1 MiB".to_owned(),
        Odd::Empty => "an empty body".to_owned(),
        Odd::Page => "a page of HTML".to_owned(),
        Odd::Utf16 => "a body in UTF-16".to_owned(),
        Odd::Texts(text) => format!("texts of {} bytes", text.len()),
        Odd::Numbers(number) => format!("the number {number} for each"),
    };
    format!("{what} (exchange {})", case.exchange + 1)
}

struct Oddly<'a> {
    place: Place,
    odd: &'a Odd,
    good: Option<Reply>,
}

impl Hook for Oddly<'_> {
    fn reply(&mut self, place: Place, _: &Request, got: Got) -> Got {
        match got {
            Ok(good) if place == self.place => {
                let odd = self.odd.reply(&good);
                self.good = Some(good);
                Ok(odd)
            }
            got => got,
        }
    }

    fn last(&self) -> Option<usize> {
        Some(self.place.operation)
    }
}
