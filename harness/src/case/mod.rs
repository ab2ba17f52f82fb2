//! Runs the test that a cassette carries: the engine's one loop, a real plugin, and the cassette as the network.

mod course;
mod expect;
mod input;
#[cfg(test)]
mod tests;
mod world;

use std::sync::Arc;

use countersign::instance::Instance;
use countersign::secrets::{Secret, Secrets};
use countersign::service::Service;
use countersign::transport::{Egress, EgressError};
use countersign_plugin::OperationName;
use serde_json::{Map, Value, json};

use crate::cassette::{Case, Cassette, Mismatch, Player, Receipt, SentMessage, Setting, Shown, Unused};
use crate::journal::{Journal, OperationEnd};
use crate::replay::ReplayTransport;

pub(crate) use course::Course;
use expect::Expectation;
pub use expect::{Compared, Surprise, Unexpected};
pub(crate) use input::Carried;
pub(crate) use world::{CaseClock, Seeded};

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Every operation ended as expected, and the plugin asked for exactly what was recorded.
    Passed(Receipt),
    /// At least one problem, in the order in which they showed.
    Failed(Vec<CaseProblem>),
}

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseProblem {
    /// The plugin sent what is not recorded.
    #[error("operation {operation}: {mismatch}")]
    Mismatch {
        /// The operation's position; the first is 0.
        operation: usize,
        /// The request and the nearest entries.
        mismatch: Mismatch,
    },
    /// An operation did not end as expected.
    #[error("operation {operation}: {surprise}")]
    Surprise {
        /// The operation's position; the first is 0.
        operation: usize,
        /// What came out.
        surprise: Surprise,
    },
    /// The plugin did not send what is recorded.
    #[error(transparent)]
    Unused(Unused),
}

/// Why a case cannot be run at all: the cassette is wrong, or was written for another plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// The cassette carries no case.
    #[error("the cassette has no log._countersign.case")]
    NoCase,
    /// The plugin is another one.
    #[error("the case is for plugin `{wanted}`, not for `{found}`")]
    OtherPlugin {
        /// What the case says.
        wanted: String,
        /// What the plugin says of itself.
        found: String,
    },
    /// The plugin does not have the channel and mode.
    #[error("plugin `{plugin}` has no channel `{channel}`{}; it has {}", in_mode(mode.as_deref()), offered.join(", "))]
    NoChannel {
        /// The plugin.
        plugin: String,
        /// The channel of the case.
        channel: String,
        /// The mode of the case.
        mode: Option<String>,
        /// What the plugin has.
        offered: Vec<String>,
    },
    /// Mode and settings disagree.
    #[error("case.mode is `{mode}`, but case.settings.mode is `{setting}`; remove one of them")]
    TwoModes {
        /// The mode of the case.
        mode: String,
        /// The mode in its settings.
        setting: Shown,
    },
    /// Requests could not be allowed anywhere.
    #[error("the places that plugin `{plugin}` may send to: {cause}")]
    Egress {
        /// The plugin.
        plugin: String,
        /// What is wrong with a base.
        cause: EgressError,
    },
    /// The input is not that of the operation.
    #[error("case.operations[{operation}].input is none of `{name}`: {reason}")]
    Input {
        /// The operation's position; the first is 0.
        operation: usize,
        /// Which one.
        name: OperationName,
        /// The parser's words.
        reason: Shown,
    },
    /// The input has a field that the operation does not know.
    #[error("case.operations[{operation}].input: `{name}` does not know `{pointer}`")]
    UnknownInput {
        /// The operation's position; the first is 0.
        operation: usize,
        /// Which one.
        name: OperationName,
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
    },
    /// The expectation has a key that means nothing.
    #[error("case.operations[{operation}].expect of `{name}` has no key `{key}`; it has outcome, failure, messages")]
    UnknownExpectation {
        /// The operation's position; the first is 0.
        operation: usize,
        /// Which one.
        name: OperationName,
        /// The key.
        key: String,
    },
    /// The expectation is not clear.
    #[error("case.operations[{operation}].expect of `{name}` needs either outcome or failure")]
    OutcomeOrFailure {
        /// The operation's position; the first is 0.
        operation: usize,
        /// Which one.
        name: OperationName,
    },
    /// The runtime that drives the operations cannot be had.
    #[error("the runtime cannot be started ({0})")]
    Runtime(std::io::ErrorKind),
}

/// The settings of a case as JSON, secrets by reference: what its plugin is opened with.
///
/// # Errors
/// [`CaseError::TwoModes`] when the settings name another mode than the case.
pub fn settings(case: &Case) -> Result<Value, CaseError> {
    let mut settings: Map<String, Value> = Map::new();
    for (name, setting) in &case.settings {
        let value = match setting {
            Setting::Plain(value) => value.clone(),
            Setting::Secret => json!({ "secret": name }),
        };
        settings.insert(name.clone(), value);
    }
    if let Some(mode) = &case.mode {
        match settings.get("mode") {
            Some(setting) if setting != mode.as_str() => {
                return Err(CaseError::TwoModes { mode: mode.clone(), setting: Shown::of(&setting.to_string()) });
            }
            _ => drop(settings.insert("mode".to_owned(), mode.as_str().into())),
        }
    }
    Ok(settings.into())
}

/// Runs the case of a cassette against a plugin that was opened with its [`settings`].
///
/// The clock shows what the case says, random bytes follow from its seed, and each secret has the value
/// `replayed <name>`: the same case gives the same steps in every run. It stops at the first operation
/// that does not end as expected.
///
/// # Errors
/// [`CaseError`] when the case cannot be run; nothing was asked of the plugin then, or nothing more.
pub fn run(cassette: &Cassette, instance: Arc<dyn Instance>) -> Result<Verdict, CaseError> {
    run_with(cassette, instance, None)
}

/// As [`run`], and a journal keeps what went over the wire and how each operation ended.
///
/// # Errors
/// As [`run`]; the journal then has what there was until then.
pub fn run_with(
    cassette: &Cassette,
    instance: Arc<dyn Instance>,
    journal: Option<&Arc<Journal>>,
) -> Result<Verdict, CaseError> {
    let case = cassette.case().ok_or(CaseError::NoCase)?;
    let service = service(case, instance)?;
    // Before anything is asked: a case that cannot end well should not begin.
    for (index, operation) in case.operations.iter().enumerate() {
        Expectation::of(index, operation)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| CaseError::Runtime(error.kind()))?;
    let transport = Arc::new(ReplayTransport::new(Player::new(vec![cassette.clone()])));
    runtime.block_on(drive(case, service, &transport, journal))
}

async fn drive(
    case: &Case,
    service: Service,
    transport: &Arc<ReplayTransport>,
    journal: Option<&Arc<Journal>>,
) -> Result<Verdict, CaseError> {
    let network = match journal {
        Some(journal) => journal.around(Arc::clone(transport) as _, Arc::clone(transport)),
        None => Arc::clone(transport) as _,
    };
    let mut course = Course::new(case, service, network, Course::clock(case));
    loop {
        if let Some(journal) = journal {
            journal.begins(course.position());
        }
        let Some((index, came)) = course.next().await? else { break };
        let asked = &case.operations[index];
        let expectation = Expectation::of(index, asked)?;
        let messages: Vec<SentMessage> = transport.take_inbox();
        if let Some(journal) = journal {
            journal.ended(OperationEnd {
                index,
                name: asked.operation,
                after: asked.after,
                compared: expectation.compared(&came, &messages),
                messages: messages.clone(),
            });
        }
        let mut problems: Vec<CaseProblem> = transport
            .take_mismatches()
            .into_iter()
            .map(|mismatch| CaseProblem::Mismatch { operation: index, mismatch })
            .collect();
        if let Err(surprise) = expectation.compare(asked.operation, &came, &messages)
            && problems.is_empty()
        {
            problems.push(CaseProblem::Surprise { operation: index, surprise });
        }
        if !problems.is_empty() {
            return Ok(Verdict::Failed(problems));
        }
    }
    Ok(match transport.finish() {
        Ok(receipt) => Verdict::Passed(receipt),
        Err(unused) => Verdict::Failed(vec![CaseProblem::Unused(unused)]),
    })
}

/// The service that a bootstrap with these settings would make.
pub(crate) fn service(case: &Case, instance: Arc<dyn Instance>) -> Result<Service, CaseError> {
    let manifest = instance.manifest();
    if manifest.id != case.plugin {
        return Err(CaseError::OtherPlugin { wanted: case.plugin.clone(), found: manifest.id.clone() });
    }
    let settings = settings(case)?;
    let mode = settings.get("mode").and_then(Value::as_str);
    let Some(offer) = manifest.channel(&case.channel, mode).cloned() else {
        return Err(CaseError::NoChannel {
            plugin: case.plugin.clone(),
            channel: case.channel.clone(),
            mode: mode.map(str::to_owned),
            offered: manifest
                .channels
                .iter()
                .map(|offer| format!("`{}`{}", offer.channel, in_mode(offer.mode.as_deref())))
                .collect(),
        });
    };
    let base_url = settings.get("base_url").and_then(Value::as_str);
    let egress = Egress::new(manifest, mode, base_url)
        .map_err(|cause| CaseError::Egress { plugin: case.plugin.clone(), cause })?;
    Ok(Service {
        name: case.channel.clone(),
        channel: case.channel.clone(),
        mode: mode.map(str::to_owned),
        provider: case.plugin.clone(),
        configured_digits: None,
        operations: manifest.operations.clone(),
        offer,
        instance,
        secrets: secrets(case),
        egress,
        account: Vec::new().into(),
        fallback: Vec::new(),
    })
}

/// The secrets that a case is run with: none is a real one.
pub(crate) fn secrets(case: &Case) -> Secrets {
    case.settings
        .iter()
        .filter(|(_, setting)| **setting == Setting::Secret)
        .map(|(name, _)| (name.clone(), Secret::new(format!("replayed {name}"))))
        .collect()
}

fn in_mode(mode: Option<&str>) -> String {
    mode.map_or_else(String::new, |mode| format!(" in mode `{mode}`"))
}
