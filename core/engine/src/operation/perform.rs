//! Performs single steps, within the rules that no plugin can switch off.

use countersign_plugin::http::{Request, TransportFailure, TransportFailureKind};
use countersign_plugin::step::{Action, Answer, Event, HmacAlgorithm, Level, LogLine, Step};
use countersign_plugin::{Effect, Failure, FailureKind, Fault, OperationName, Reply, contract, limits};
use ring::hmac;
use tokio::time::Instant;
use url::Url;

use crate::operation::{Keeper, Mask, Runner, broken_off, fault};
use crate::service::Service;
use crate::transport::Outgoing;

pub(super) struct Performer<'a> {
    runner: &'a Runner,
    service: &'a Service,
    operation: OperationName,
    keeper: &'a dyn Keeper,
    mask: &'a Mask,
    /// No request at all can have left so far, whatever effect the plugin states.
    pub(super) nothing_left: bool,
}

impl<'a> Performer<'a> {
    pub(super) const fn new(
        runner: &'a Runner,
        service: &'a Service,
        operation: OperationName,
        keeper: &'a dyn Keeper,
        mask: &'a Mask,
    ) -> Self {
        Self { runner, service, operation, keeper, mask, nothing_left: true }
    }

    /// A fault of the plugin as the failure of its operation; its log lines are written out.
    pub(super) fn broken(&self, fault: Fault) -> Failure {
        self.log(&fault.logs);
        fault.into()
    }

    fn log(&self, lines: &[LogLine]) {
        for line in lines.iter().take(limits::LOG_LINES + 1) {
            let (provider, operation) = (self.service.provider.as_str(), self.operation);
            // The SDK made one line of it, but not every plugin need be written with the SDK.
            let LogLine { level, text, .. } = LogLine::new(line.level, &self.mask.text(&line.text));
            match level {
                Level::Debug => tracing::debug!(provider, %operation, "{text}"),
                Level::Info => tracing::info!(provider, %operation, "{text}"),
                Level::Warn => tracing::warn!(provider, %operation, "{text}"),
                Level::Error => tracing::error!(provider, %operation, "{text}"),
            }
        }
    }

    /// The steps of an answer; its log lines are written out.
    pub(super) fn take(&self, answer: Answer) -> Result<Vec<Step>, Failure> {
        self.log(&answer.logs);
        contract::steps(answer.steps.len())?;
        Ok(answer.steps)
    }

    pub(super) async fn perform(&mut self, action: Action, deadline: Instant) -> Result<Event, Failure> {
        match action {
            Action::Http(request) => self.http(&request, deadline).await,
            Action::Random { bytes } => {
                contract::random(bytes)?;
                let mut buffer = vec![0; bytes as usize];
                let filled = self.runner.random.fill(&mut buffer);
                filled.map_err(|error| broken_off(FailureKind::Unavailable, error.to_string()))?;
                Ok(Event::Random(buffer.into()))
            }
            Action::Keep { scope, data } => {
                contract::kept(&data)?;
                match self.keeper.keep(scope, &data).await {
                    Ok(()) => Ok(Event::Kept),
                    Err(error) => Err(broken_off(FailureKind::Unavailable, error.to_string())),
                }
            }
            Action::Hmac { secret, algorithm, message } => {
                let Some(key) = self.service.secrets.named(secret.name()) else {
                    return Err(fault(format!(
                        "the plugin asked for an HMAC under `{}`, which is not a secret setting of this service",
                        secret.name()
                    )));
                };
                let algorithm = match algorithm {
                    HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
                };
                let key = hmac::Key::new(algorithm, key.expose().as_bytes());
                Ok(Event::Hmac(hmac::sign(&key, message.as_slice()).as_ref().into()))
            }
            Action::Done(_) => Err(fault("the plugin went on after it was done".to_owned())),
        }
    }

    /// One request: allowed? then send, and repeat once where that can do no harm.
    async fn http(&mut self, request: &Request, deadline: Instant) -> Result<Event, Failure> {
        let url = self.allowed(request)?;
        let mut result = self.exchange(request, &url, deadline).await;
        if let Err(failure) = &result
            && may_repeat(request.effect, failure.kind)
        {
            let detail = self.mask.text(&failure.detail);
            tracing::debug!(service = self.service.name, operation = %self.operation, "repeating a request: {detail}");
            let again = self.exchange(request, &url, deadline).await;
            // That nothing left the second time takes nothing back of the first.
            if !(failure.kind == TransportFailureKind::NoAnswer && again.as_ref().is_err_and(left_nothing)) {
                result = again;
            }
        }
        match result {
            Ok(reply) => Ok(Event::Http(reply)),
            Err(failure) if failure.kind == TransportFailureKind::Refused => Err(fault(failure.detail)),
            Err(failure) => Ok(Event::Transport(failure)),
        }
    }

    async fn exchange(&mut self, request: &Request, url: &Url, deadline: Instant) -> Result<Reply, TransportFailure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let detail = format!("the {} s for this operation are used up", self.runner.limits.operation.as_secs());
            return Err(TransportFailure::new(TransportFailureKind::Deadline, detail));
        }
        let outgoing =
            Outgoing { request, url, secrets: &self.service.secrets, time_left: left.min(self.runner.limits.exchange) };
        // Counts as left from here on, even if this future is dropped in the middle.
        let before = self.nothing_left;
        self.nothing_left = false;
        let time_left = outgoing.time_left;
        // A transport is given its time to keep to; the operation's does not depend on that it does.
        let sending = self.runner.transport.send(outgoing);
        let result = tokio::time::timeout(time_left, sending).await.unwrap_or_else(|_| {
            let detail = format!("no complete answer within {} s", time_left.as_secs_f32());
            Err(TransportFailure::new(TransportFailureKind::NoAnswer, detail))
        });
        if result.as_ref().is_err_and(left_nothing) {
            self.nothing_left = before;
        }
        result
    }

    /// Checks a request as a whole before anything of it leaves.
    fn allowed(&self, request: &Request) -> Result<Url, Failure> {
        let refuse = |text: String| {
            let (provider, operation) = (&self.service.provider, self.operation);
            fault(format!("a request of plugin `{provider}` in `{operation}` was refused: {text}"))
        };
        let is_secret = |name: &str| self.service.secrets.named(name).is_some();
        contract::request(request, self.operation, is_secret).map_err(|breach| refuse(breach.to_string()))?;
        let url = self.service.egress.check(&request.url).map_err(|refusal| refuse(refusal.to_string()))?;
        if self.service.secrets.iter().any(|(_, secret)| request.url.contains(secret.expose())) {
            return Err(refuse("its address holds a secret".to_owned()));
        }
        Ok(url)
    }
}

/// Never an `act` that may have left; never anything that was answered.
const fn may_repeat(effect: Effect, kind: TransportFailureKind) -> bool {
    match kind {
        TransportFailureKind::NotSent => true,
        TransportFailureKind::NoAnswer => !matches!(effect, Effect::Act),
        _ => false,
    }
}

/// The transport's proof that the request did not leave.
const fn left_nothing(failure: &TransportFailure) -> bool {
    matches!(failure.kind, TransportFailureKind::NotSent | TransportFailureKind::Refused)
}
