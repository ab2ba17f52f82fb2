//! The operations of a case, one after the other, over any transport.

use std::sync::Arc;

use countersign::operation::{Failed, RunLimits, Runner};
use countersign::service::Service;
use countersign::transport::Transport;
use countersign_plugin::{Operation, OperationName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::CaseError;
use super::input::Carried;
use super::world::{CaseClock, Kept, Seeded};
use crate::cassette::Case;

/// Asks for the operations of a case. What one leaves to the next is carried over.
pub(crate) struct Course<'a> {
    case: &'a Case,
    service: Service,
    runner: Runner,
    clock: Arc<CaseClock>,
    carried: Carried,
    next: usize,
}

impl<'a> Course<'a> {
    /// The clock of a case, before its first operation.
    pub(crate) fn clock(case: &Case) -> Arc<CaseClock> {
        Arc::new(CaseClock::at(case.clock))
    }

    /// Begins. The clock is the case's: the transport may move it, too.
    pub(crate) fn new(case: &'a Case, service: Service, transport: Arc<dyn Transport>, clock: Arc<CaseClock>) -> Self {
        let random = Arc::new(Seeded::new(case.seed));
        let runner = Runner::new(transport, Arc::clone(&clock) as _, random, RunLimits::default());
        Self { case, service, runner, clock, carried: Carried::default(), next: 0 }
    }

    /// The position of the operation that is run next.
    pub(crate) const fn position(&self) -> usize {
        self.next
    }

    /// Runs the next operation; `None` where there is none. Gives its position and how it ended.
    ///
    /// # Errors
    /// [`CaseError`] when its input is wrong; nothing was asked of the plugin then.
    pub(crate) async fn next(&mut self) -> Result<Option<(usize, Result<Value, Failed>)>, CaseError> {
        let index = self.next;
        let Some(asked) = self.case.operations.get(index) else { return Ok(None) };
        self.next += 1;
        self.clock.advance(asked.after);
        let operation = self.carried.operation(self.case, index, asked)?;
        let kept = Kept::default();
        let came = outcome(&self.runner, &self.service, operation, &kept).await;
        self.carried.keep(kept.take());
        if let Ok(outcome) = &came {
            self.carried.outcome(asked.operation, outcome);
        }
        Ok(Some((index, came)))
    }
}

/// Runs an operation to an outcome of the type that belongs to it, and gives that as JSON.
async fn outcome(runner: &Runner, service: &Service, operation: Operation, kept: &Kept) -> Result<Value, Failed> {
    async fn typed<T: DeserializeOwned + Serialize>(
        runner: &Runner,
        service: &Service,
        operation: Operation,
        kept: &Kept,
    ) -> Result<Value, Failed> {
        let outcome: T = runner.run(service, operation, kept).await?;
        Ok(serde_json::to_value(outcome).unwrap_or_default())
    }

    use countersign_plugin as plugin;
    match operation.name() {
        OperationName::TestCredentials => typed::<plugin::Diagnosis>(runner, service, operation, kept).await,
        OperationName::Provision => typed::<plugin::Provisioned>(runner, service, operation, kept).await,
        OperationName::Enroll => typed::<plugin::Enrolled>(runner, service, operation, kept).await,
        OperationName::ConfirmEnrollment => typed::<plugin::Confirmed>(runner, service, operation, kept).await,
        OperationName::Unenroll => typed::<plugin::Unenrolled>(runner, service, operation, kept).await,
        OperationName::Start => typed::<plugin::Started>(runner, service, operation, kept).await,
        OperationName::Check => typed::<plugin::Checked>(runner, service, operation, kept).await,
        OperationName::Cancel => typed::<plugin::Canceled>(runner, service, operation, kept).await,
        OperationName::Status => typed::<plugin::Status>(runner, service, operation, kept).await,
        OperationName::Receive => typed::<plugin::Received>(runner, service, operation, kept).await,
    }
}
