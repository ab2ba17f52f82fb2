//! What must not be, whatever goes wrong with an exchange.

use std::fmt;

use countersign_plugin::{FaultKind, OperationName};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The case fails without any fault.
    #[error("fails without any fault, so there is nothing to compare with: {why}")]
    FailsAnyway {
        /// The problems of its run.
        why: String,
    },
    /// Without any fault, the plugin asks more often in one run than in the next.
    #[error("asks {first} times in one run and {then} times in the next, both without any fault: it keeps a state")]
    Unsteady {
        /// Exchanges of the first run.
        first: u64,
        /// Exchanges of the one after it.
        then: u64,
    },
    /// Nothing was different so far, and yet the exchange that was to be disturbed did not come.
    #[error(
        "the exchange did not come in this run, although nothing before it was disturbed: the plugin keeps a state"
    )]
    NeverCame,
    /// A harmless fault, or one that a repetition healed, and another outcome.
    #[error("operation {operation} `{name}` must end as without the fault, {expected}, but ended {found}")]
    OtherOutcome {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// How it ends without the fault, in a word.
        expected: String,
        /// How it ended.
        found: String,
    },
    /// An outcome that nothing proves.
    #[error("operation {operation} `{name}` ended {outcome}, although nothing proves it")]
    Unproven {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// The outcome, in a word.
        outcome: String,
    },
    /// A message that may be out is said not to be.
    #[error(
        "operation {operation} `{name}` says that nothing was delivered, although its request may have been carried out"
    )]
    CalledUndelivered {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
    },
    /// A request that acts was sent more often than without the fault.
    #[error(
        "operation {operation} `{name}` sent {title} {times} times, where {allowed} may be: nobody may repeat what acts"
    )]
    SentAgain {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// Method and address, masked.
        title: String,
        /// How often.
        times: usize,
        /// How often it may.
        allowed: usize,
    },
    /// Something private stands in a text. The text is not shown.
    #[error("operation {operation} `{name}`: a secret, a code, a number or an address stands in {spoken}")]
    Private {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// Where.
        spoken: Spoken,
    },
    /// It took longer than an operation may.
    #[error("operation {operation} `{name}` took {seconds} s, of {allowed} s that it has")]
    Late {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// How long, in whole seconds.
        seconds: u64,
        /// How long it may.
        allowed: u64,
    },
    /// The plugin panicked, or broke the contract otherwise.
    #[error("operation {operation} `{name}`: the plugin {}", broke(*kind))]
    BrokeContract {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The operation.
        name: OperationName,
        /// How; `None` where the engine refused what it asked for.
        kind: Option<FaultKind>,
    },
}

/// Which text of a plugin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// The operator's.
    Operator,
    /// The person's.
    Person,
    /// The provider's error code.
    ProviderCode,
    /// A line of the log.
    Log,
    /// An instruction or a finding.
    Outcome,
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "the text for the operator",
            Self::Person => "the text for the person",
            Self::ProviderCode => "the provider's error code",
            Self::Log => "the log",
            Self::Outcome => "the outcome's text",
        })
    }
}

const fn broke(kind: Option<FaultKind>) -> &'static str {
    match kind {
        Some(FaultKind::Panicked) => "panicked",
        Some(FaultKind::ForeignAwait) => "awaited something that is not a step of the host",
        Some(_) => "broke the contract",
        None => "asked for what the contract forbids",
    }
}
