//! Operations side by side: each asks for what it asks for alone.

use std::sync::{Arc, Barrier};
use std::thread;

use countersign::instance::Instance;
use countersign_plugin::http::{TransportFailure, TransportFailureKind};
use countersign_plugin::{Operation, Person};

use super::super::drive::Running;
use super::super::inputs::{BOB, other_code};
use super::super::kit::Kit;
use super::super::performed::Performed;
use super::super::report::Verdict;
use super::super::scenario::{Got, Hook, open};
use super::problems::Problems;

/// Threads that work at once.
const THREADS: usize = 4;
/// How often each does its part.
const ROUNDS: usize = 50;

pub(in super::super) fn apart(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let remedy = "keep no state between operations, and none that they share";
    for scenario in &kit.scenarios {
        let others = kit.run(scenario, &mut Somebody);
        let pairs =
            scenario.happy.iter().filter_map(|one| Some((one, others.iter().find(|it| it.index == one.index)?)));
        for (one, other) in pairs {
            let Ok(instance) = open(&kit.plugin, &scenario.subject) else { continue };
            if interleaved(&instance, one, other) != (one.answers(), other.answers()) {
                let what = format!("{} ({}) mixes with another that is under way", one.place(), scenario.name);
                problems.add(what, remedy);
            }
            if !in_threads(&instance, one, other) {
                let what = format!("{} ({}) mixes with others in other threads", one.place(), scenario.name);
                problems.add(what, remedy);
            }
        }
    }
    problems.verdict()
}

/// Everything about another person.
struct Somebody;

impl Hook for Somebody {
    fn operation(&mut self, _: usize, operation: &mut Operation) {
        let somebody = |person: &mut Person| *person = BOB.person();
        match operation {
            Operation::Start(input) => {
                somebody(&mut input.person);
                if let Some(recipient) = &mut input.recipient {
                    *recipient = other(recipient);
                }
                if let Some(code) = &mut input.code {
                    *code = countersign_plugin::Code::new(other_code(code.as_str()));
                }
            }
            Operation::Check(input) => {
                input.recipient = input.recipient.as_ref().map(other);
                input.code = countersign_plugin::Code::new(other_code(input.code.as_str()));
            }
            Operation::ConfirmEnrollment(input) => {
                input.code = countersign_plugin::Code::new(other_code(input.code.as_str()));
            }
            Operation::Status(input) => input.recipient = input.recipient.as_ref().map(other),
            Operation::Enroll(input) => somebody(&mut input.person),
            _ => {}
        }
    }
}

fn other(recipient: &countersign_plugin::Recipient) -> countersign_plugin::Recipient {
    match recipient {
        countersign_plugin::Recipient::Phone(_) => countersign_plugin::Recipient::Phone(BOB.phone()),
        _ => countersign_plugin::Recipient::Email(BOB.email.to_owned()),
    }
}

/// Both, step by step in turn.
fn interleaved(instance: &Arc<dyn Instance>, one: &Performed, other: &Performed) -> (Answers, Answers) {
    let mut got = [one, other].map(|it| it.exchanges.iter().map(|exchange| exchange.got.clone()));
    let mut running = [one, other].map(|it| Running::again(instance, it));
    loop {
        let mut more = false;
        for (running, got) in running.iter_mut().zip(&mut got) {
            more |= running.step(&mut |_, _| got.next().unwrap_or_else(lost));
        }
        if !more {
            break;
        }
    }
    let [one, other] = running.map(|running| running.finish().answers());
    (one, other)
}

/// Whether each thread hears what it hears alone.
fn in_threads(instance: &Arc<dyn Instance>, one: &Performed, other: &Performed) -> bool {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let work = |number: usize| {
            let (barrier, mine) = (&barrier, if number.is_multiple_of(2) { one } else { other });
            scope.spawn(move || {
                barrier.wait();
                (0..ROUNDS).all(|_| replay(instance, mine) == mine.answers())
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    })
}

/// What an operation answered, without its handle.
pub(super) type Answers = Vec<serde_json::Value>;

/// The operation once more, with the replies that it got.
pub(super) fn replay(instance: &Arc<dyn Instance>, performed: &Performed) -> Answers {
    let mut got = performed.exchanges.iter().map(|exchange| exchange.got.clone());
    Running::again(instance, performed).run(&mut |_, _| got.next().unwrap_or_else(lost)).answers()
}

/// For a request that was not there before.
pub(super) fn lost() -> Got {
    Err(TransportFailure::new(TransportFailureKind::NoAnswer, ""))
}
