//! Runs one operation of a plugin: the one loop that drives steps.

mod failed;
mod mask;
mod perform;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_plugin::step::{Action, Answer, Call, Done, Step, StepReply};
use countersign_plugin::{Data, Failure, FailureKind, Operation, OperationName, Scope, contract, limits};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::clock::{Clock, Random};
use crate::instance::Instance;
use crate::service::Service;
use crate::store::StoreError;
use crate::transport::Transport;

pub use failed::Failed;
use failed::{broken_off, fault};
pub use mask::Mask;
use perform::Performer;
pub(crate) use waiting::Waiting;

/// Stores what a plugin wants kept, before the operation goes on.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Replaces the data of that scope.
    ///
    /// # Errors
    /// Where it cannot be stored; the operation then ends.
    async fn keep(&self, scope: Scope, data: &Data) -> Result<(), StoreError>;
}

/// For operations that have nothing to keep; what a plugin keeps all the same is dropped.
#[derive(Clone, Copy, Debug)]
pub struct NothingKept;

#[async_trait]
impl Keeper for NothingKept {
    async fn keep(&self, _: Scope, _: &Data) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Time limits of an operation.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// Whole operation; at most [`limits::OPERATION_SECONDS`].
    pub operation: Duration,
    /// One exchange.
    pub exchange: Duration,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { operation: Duration::from_secs(limits::OPERATION_SECONDS), exchange: Duration::from_secs(10) }
    }
}

/// Drives operations over one transport.
#[derive(Clone)]
pub struct Runner {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limits: RunLimits,
}

impl Runner {
    /// A runner over these.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        limits: RunLimits,
    ) -> Self {
        Self { transport, clock, random, limits }
    }

    /// Runs an operation to its outcome, which is of the type that belongs to the operation.
    /// Dropping the future ends the operation in the plugin.
    ///
    /// # Errors
    /// [`Failed`]: the failure, with known secrets masked out of its texts, and whether the
    /// transport proves that nothing left.
    pub async fn run<T: DeserializeOwned>(
        &self,
        service: &Service,
        operation: Operation,
        keeper: &dyn Keeper,
    ) -> Result<T, Failed> {
        let name = operation.name();
        if !service.supports(name) {
            let text = format!(
                "service `{}`: provider `{}` does not offer the operation `{name}` here",
                service.name, service.provider
            );
            return Err(Failed::before_anything(Failure::new(FailureKind::Unsupported, text)));
        }
        let mask = Mask::new(&service.secrets, &operation);
        let mut performer = Performer::new(self, service, name, keeper, &mask);
        let outcome = self.drive(service, operation, &mut performer).await;
        let outcome = outcome.and_then(|mut value| {
            mask.outcome(name, &mut value);
            read_outcome(name, value)
        });
        outcome.map_err(|failure| {
            let failure = mask.failure(failure);
            tracing::warn!(service = service.name, provider = service.provider, operation = %name, kind = failure.kind.name(), code = failure.provider_code, "{}", failure.operator);
            Failed { failure, nothing_left: performer.nothing_left }
        })
    }

    async fn drive(
        &self,
        service: &Service,
        operation: Operation,
        performer: &mut Performer<'_>,
    ) -> Result<Value, Failure> {
        let deadline = Instant::now() + self.limits.operation;
        let call = encode(&Call::new(self.clock.now(), operation))?;
        let instance = &*service.instance;
        let bytes = instance.begin(&call).map_err(|fault| performer.broken(fault))?;
        let answer = read_answer(&bytes);
        let handle = answer.as_ref().map_or_else(|_| handle_alone(&bytes), |answer| answer.handle);
        let open = Open { instance, handle };
        let mut new = performer.take(answer?)?;
        let mut waiting = Waiting::default();
        let mut steps = 0;
        loop {
            let Some(Step { id, action, .. }) = waiting.next(new) else {
                return Err(fault("the plugin waits although every step has been answered".to_owned()));
            };
            let action = match action {
                Action::Done(Done::Outcome(value)) => return Ok(value),
                Action::Done(Done::Failure(failure)) => return Err(failure),
                action => action,
            };
            steps += 1;
            contract::steps(steps)?;
            let got = performer.perform(action, deadline).await?;
            let reply = encode(&StepReply::new(id, self.clock.now(), got))?;
            let bytes = open.instance.resume(open.handle, &reply).map_err(|fault| performer.broken(fault))?;
            new = performer.take(read_answer(&bytes)?)?;
        }
    }
}

/// Ends the operation in the plugin however we leave.
struct Open<'a> {
    instance: &'a dyn Instance,
    handle: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.instance.end(self.handle);
    }
}

/// The handle of a first answer that cannot be read as one: the operation is to be ended all the same.
/// None is 0, which ends nothing.
fn handle_alone(answer: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer.get("handle").and_then(Value::as_u64).unwrap_or_default()
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| fault(format!("a value of the host cannot be written as JSON: {error}")))
}

/// Reads an answer; what cannot be read is told apart: too large, an unknown kind of step, or
/// not an answer at all.
fn read_answer(bytes: &[u8]) -> Result<Answer, Failure> {
    if bytes.len() > limits::STEP_BYTES {
        let (found, max) = (bytes.len(), limits::STEP_BYTES);
        return Err(fault(format!("the plugin's answer is {found} bytes; {max} are allowed")));
    }
    serde_json::from_slice(bytes).map_err(|_| {
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let steps = value.get("steps").and_then(Value::as_array).into_iter().flatten();
        let kinds = steps.filter_map(|step| step.get("do")?.as_object()?.keys().next());
        let known = &countersign_plugin::step::STEP_KINDS;
        match kinds.into_iter().find(|kind| !known.contains(&kind.as_str())) {
            Some(kind) => fault(format!(
                "the plugin asked for a step `{kind}`, which this host does not know (it knows {}); use a newer host, or a plugin that requires less",
                known.join(", ")
            )),
            None => fault("the plugin's answer cannot be understood".to_owned()),
        }
    })
}

fn read_outcome<T: DeserializeOwned>(name: OperationName, value: Value) -> Result<T, Failure> {
    contract::outcome(name, &value)?;
    serde_json::from_value(value)
        .map_err(|_| fault(format!("the outcome of `{name}` is not of the type that belongs to it")))
}

#[cfg(test)]
mod tests;
