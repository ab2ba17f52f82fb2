//! What is done with a plugin, from opening it to the last operation; and how a check interferes.

use std::sync::Arc;

use countersign::instance::Instance;
use countersign::registry::{OpenError, Plugin};
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::{Operation, Reply};

use super::life::Life;
use super::performed::Performed;
use super::replies::played::Played;
use super::subject::Subject;

/// Operations in their order, and who answers their requests.
pub(super) struct Scenario {
    /// Settings and channel, or the cassette.
    pub(super) name: String,
    /// The settings.
    pub(super) subject: Arc<Subject>,
    /// The operations.
    pub(super) plot: Plot,
    /// How it goes when nobody interferes.
    pub(super) happy: Vec<Performed>,
}

/// Where operations and replies come from.
pub(super) enum Plot {
    /// The kit.
    Life(Life),
    /// The case of a cassette.
    Case(Played),
}

/// One exchange of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which operation, from 0.
    pub(super) operation: usize,
    /// Which of its exchanges, from 0.
    pub(super) exchange: usize,
}

/// What came of a request.
pub(super) type Got = Result<Reply, TransportFailure>;

/// A check's way to interfere with a scenario.
pub(super) trait Hook {
    /// Changes what an operation is given.
    fn operation(&mut self, _index: usize, _operation: &mut Operation) {}

    /// Changes what comes back.
    fn reply(&mut self, _place: Place, _request: &Request, got: Got) -> Got {
        got
    }

    /// The last operation that is of interest; the rest is not run.
    fn last(&self) -> Option<usize> {
        None
    }
}

/// Does not interfere.
pub(super) struct Alone;

impl Hook for Alone {}

impl Scenario {
    /// Runs it from the beginning, with a freshly opened instance.
    pub(super) fn run(&self, plugin: &Plugin, hook: &mut dyn Hook) -> Result<Vec<Performed>, OpenError> {
        Ok(self.run_on(&open(plugin, &self.subject)?, hook))
    }

    /// Runs it from the beginning on this instance.
    pub(super) fn run_on(&self, instance: &Arc<dyn Instance>, hook: &mut dyn Hook) -> Vec<Performed> {
        match &self.plot {
            Plot::Life(life) => life.run(instance, hook),
            Plot::Case(played) => played.run(instance, hook),
        }
    }

    /// Who answers in it; nobody where the plugin asks for nothing.
    pub(super) fn source(&self) -> Option<&'static str> {
        let asks = self.happy.iter().any(|performed| !performed.exchanges.is_empty());
        asks.then(|| match &self.plot {
            Plot::Life(life) => life.source(),
            Plot::Case(_) => "cassettes",
        })
    }
}

/// Opens the plugin with the settings of a subject.
pub(super) fn open(plugin: &Plugin, subject: &Subject) -> Result<Arc<dyn Instance>, OpenError> {
    plugin.open(subject.settings.to_string().as_bytes()).map(|instance| Arc::new(instance) as Arc<dyn Instance>)
}
