//! A wrong code is a wrong code.

use countersign_plugin::manifest::Checker;
use countersign_plugin::{Code, Operation};

use super::super::kit::Kit;
use super::super::performed::Typed;
use super::super::report::Verdict;
use super::super::scenario::{Hook, Scenario};
use super::problems::Problems;

/// Codes that people try first, and texts that are none.
const GUESSES: [&str; 30] = [
    "000000",
    "111111",
    "123456",
    "654321",
    "999999",
    "0000",
    "1234",
    "12345",
    "1234567",
    "12345678",
    "0000000000",
    "",
    "0",
    "-12345",
    "+12345",
    "1e5",
    "0x1F",
    "123.456",
    " 12345",
    "12345 ",
    "１２３４５６",
    "١٢٣٤٥٦",
    "abcdef",
    "true",
    "null",
    "*",
    "%",
    "' OR '1'='1",
    "{{code}}",
    "12345\n",
];

pub(in super::super) fn wrong_code(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    for scenario in &kit.scenarios {
        for performed in &scenario.happy {
            if performed.typed == Some(Typed::Wrong) && performed.approves() {
                problems.add(
                    format!("{} ({}) approves a wrong code", performed.place(), scenario.name),
                    "approve only by what the provider says of this very code",
                );
            }
            let unasked = performed.typed == Some(Typed::Right) && performed.exchanges.is_empty();
            let by_provider = checker(scenario, performed.operation.channel()) == Some(Checker::Provider);
            if unasked && by_provider && performed.approves() {
                problems.add(
                    format!("{} ({}) approves a code without asking the provider", performed.place(), scenario.name),
                    "ask the provider, which alone knows the code",
                );
            }
        }
        let wrong = scenario.happy.iter().filter(|performed| performed.typed == Some(Typed::Wrong));
        for index in wrong.map(|performed| performed.index) {
            for guess in GUESSES.into_iter().filter(|guess| !is_right(scenario, guess)) {
                let ran = kit.run(scenario, &mut Guess { index, guess });
                let approved = ran.last().filter(|performed| performed.index == index && performed.approves());
                if let Some(performed) = approved {
                    problems.add(
                        format!("{} ({}) approves {guess:?}, which is wrong", performed.place(), scenario.name),
                        "approve only by what the provider says of this very code",
                    );
                }
            }
        }
    }
    problems.verdict()
}

struct Guess {
    index: usize,
    guess: &'static str,
}

impl Hook for Guess {
    fn operation(&mut self, index: usize, operation: &mut Operation) {
        if index != self.index {
            return;
        }
        match operation {
            Operation::Check(input) => input.code = Code::new(self.guess),
            Operation::ConfirmEnrollment(input) => input.code = Code::new(self.guess),
            _ => {}
        }
    }

    fn last(&self) -> Option<usize> {
        Some(self.index)
    }
}

/// Whether somebody made this very code.
fn is_right(scenario: &Scenario, guess: &str) -> bool {
    let right = scenario.happy.iter().filter(|performed| performed.typed == Some(Typed::Right));
    right.map(|performed| &performed.operation).any(|operation| match operation {
        Operation::Check(input) => input.code.as_str() == guess,
        Operation::ConfirmEnrollment(input) => input.code.as_str() == guess,
        _ => false,
    })
}

fn checker(scenario: &Scenario, channel: Option<&str>) -> Option<Checker> {
    let offer = scenario.subject.offers.iter().find(|offer| Some(offer.channel.as_str()) == channel)?;
    Some(offer.code_checked_by)
}
