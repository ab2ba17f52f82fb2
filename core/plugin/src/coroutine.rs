//! Runs one operation: an `async fn` polled as a coroutine, without any runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use serde::Serialize;

use crate::abi::guard;
use crate::context::Context;
use crate::failure::{Failure, FailureKind, Fault, FaultKind};
use crate::limits;
use crate::log::Log;
use crate::operation::Operation;
use crate::provider::Provider;
use crate::step::{Action, Answer, Call, Done, Step, StepReply};

type Performing = Pin<Box<dyn Future<Output = Done> + Send>>;

/// An operation under way.
pub(crate) struct Coroutine {
    /// `None` once it is over: the provider's future is dropped as early as can be.
    future: Option<Performing>,
    context: Context,
}

impl Coroutine {
    pub(crate) fn new<P: Provider>(provider: Arc<P>, call: Call) -> Self {
        let context = Context::new(call.now);
        Self { future: Some(perform(provider, context.clone(), call.operation)), context }
    }

    /// Runs until the provider needs a reply or is done.
    pub(crate) fn begin(&mut self) -> Result<Progress, Fault> {
        self.poll()
    }

    /// Delivers one reply and runs on.
    pub(crate) fn resume(&mut self, reply: StepReply) -> Result<Progress, Fault> {
        if self.future.is_none() {
            return Err(over());
        }
        let waker = {
            let mut slot = self.context.slot();
            let Some(waker) = slot.deliver(reply.id, reply.got) else {
                let id = reply.id;
                return Err(Fault::new(
                    FaultKind::BadReply,
                    format!("no step {id} of this operation waits for a reply"),
                ));
            };
            slot.now = reply.now;
            waker
        };
        waker.wake();
        self.poll()
    }

    fn poll(&mut self) -> Result<Progress, Fault> {
        let Some(future) = &mut self.future else { return Err(over()) };
        let mut waker = std::task::Context::from_waker(Waker::noop());
        let polled = match guard::catch(|| future.as_mut().poll(&mut waker)) {
            Ok(polled) => polled,
            Err(fault) => return Err(self.broken(fault)),
        };
        let done = match polled {
            Poll::Ready(done) => Some(done),
            Poll::Pending if !self.context.slot().is_waiting() => {
                return Err(self.broken(Fault::new(
                    FaultKind::ForeignAwait,
                    "the provider awaits something that is not a step of the host (a timer, a channel, a socket of its own?); await only what `Context` offers",
                )));
            }
            Poll::Pending => None,
        };
        if done.is_some() {
            self.forget();
        }
        let mut slot = self.context.slot();
        let mut steps = slot.take_steps();
        if let Some(done) = done {
            // Steps that nobody will await any more (a lost `select!` branch) are not worth performing.
            steps.clear();
            let id = slot.next_id();
            steps.push(Step { id, action: Action::Done(done) });
        }
        Ok(Progress { steps, log: slot.log.take() })
    }

    /// Ends what cannot go on. What it had logged goes with the fault: nobody will ask again.
    fn broken(&mut self, fault: Fault) -> Fault {
        self.forget();
        fault.logs(self.context.slot().log.lines())
    }

    fn forget(&mut self) {
        let future = self.future.take();
        // Dropping runs the provider's destructors; a panic there changes nothing any more.
        let _ = guard::catch(move || drop(future));
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        self.forget();
    }
}

fn over() -> Fault {
    Fault::new(FaultKind::StaleHandle, "the operation is over; only `end` may follow")
}

/// Each operation is boxed by itself: one future over all of them would be as large as the
/// largest, and be moved about for the smallest.
fn perform<P: Provider>(provider: Arc<P>, cx: Context, operation: Operation) -> Performing {
    macro_rules! run {
        ($operation:ident, $input:ident) => {
            Box::pin(async move { done(provider.$operation(&cx, $input).await) })
        };
    }
    match operation {
        Operation::TestCredentials(input) => run!(test_credentials, input),
        Operation::Provision(input) => run!(provision, input),
        Operation::Enroll(input) => run!(enroll, input),
        Operation::ConfirmEnrollment(input) => run!(confirm_enrollment, input),
        Operation::Unenroll(input) => run!(unenroll, input),
        Operation::Start(input) => run!(start, input),
        Operation::Check(input) => run!(check, input),
        Operation::Cancel(input) => run!(cancel, input),
        Operation::Status(input) => run!(status, input),
        Operation::Receive(input) => run!(receive, input),
    }
}

fn done<T: Serialize>(result: Result<T, Failure>) -> Done {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(failure) => return Done::Failure(failure),
    };
    match serde_json::to_value(outcome) {
        Ok(outcome) => Done::Outcome(outcome),
        Err(error) => Done::Failure(Failure::new(
            FailureKind::PluginFault,
            format!("the outcome cannot be written as JSON: {error}"),
        )),
    }
}

/// How far an operation came, before it is written down for the host.
pub(crate) struct Progress {
    steps: Vec<Step>,
    log: Log,
}

impl Progress {
    /// Encodes the answer, within the contract's size. Log lines give way to steps.
    pub(crate) fn encode(self, handle: u64) -> Result<Vec<u8>, Fault> {
        let Self { steps, log } = self;
        let mut answer = Answer { handle, steps, logs: log.lines() };
        let bytes = write(&answer)?;
        if bytes.len() <= limits::STEP_BYTES {
            return Ok(bytes);
        }
        answer.logs.clear();
        let found = write(&answer)?.len();
        let Some(left) = limits::STEP_BYTES.checked_sub(found) else {
            let max = limits::STEP_BYTES;
            let fault = Fault::new(FaultKind::TooLarge, format!("the step is {found} bytes; {max} are allowed"));
            return Err(fault.logs(log.lines()));
        };
        answer.logs = log.within(left.saturating_sub(LOGS_FIELD.len()));
        write(&answer)
    }
}

/// What stands around log lines, if there are any.
const LOGS_FIELD: &str = r#","logs":[]"#;

fn write(answer: &Answer) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(1024); // Most steps fit: no growing, no copying.
    serde_json::to_writer(&mut bytes, answer)
        .map_err(|error| Fault::new(FaultKind::TooLarge, format!("the answer cannot be written as JSON: {error}")))?;
    Ok(bytes)
}
