//! The provider: hands each operation to the service of the configured mode.

use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, CheckCode, Checked, Context, Diagnosis, Failure, FailureKind, OperationName,
    Provider, StartChallenge, Started, Status, TestCredentials,
};

use crate::config::{Service, Settings};
use crate::failures::seen_from;

const CHANNEL: &str = "voice";

/// Codes by telephone call.
#[derive(Debug)]
pub struct TwilioVoice {
    service: Service,
}

impl Provider for TwilioVoice {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        Ok(Self { service: settings.try_into()? })
    }

    async fn test_credentials(&self, cx: &Context, _input: TestCredentials) -> Result<Diagnosis, Failure> {
        let outcome = match &self.service {
            Service::Call(account) => account.test_credentials(cx).await,
            Service::Authy(app) => app.test_credentials(cx).await,
        };
        outcome.map_err(|failure| seen_from(OperationName::TestCredentials, failure))
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        self.serves(&input.channel, input.mode.as_deref())?;
        match &self.service {
            Service::Call(account) => account.start(cx, input).await,
            Service::Authy(app) => app.start(cx, input).await,
        }
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        self.serves(&input.channel, input.mode.as_deref())?;
        let outcome = match &self.service {
            Service::Call(_) => Err(Failure::unsupported("check")),
            Service::Authy(app) => app.check(cx, input).await,
        };
        outcome.map_err(|failure| seen_from(OperationName::Check, failure))
    }

    async fn cancel(&self, cx: &Context, input: CancelChallenge) -> Result<Canceled, Failure> {
        self.serves(&input.channel, input.mode.as_deref())?;
        let outcome = match &self.service {
            Service::Call(account) => account.cancel(cx, input).await,
            Service::Authy(_) => Err(Failure::unsupported("cancel")),
        };
        outcome.map_err(|failure| seen_from(OperationName::Cancel, failure))
    }

    async fn status(&self, cx: &Context, input: AskStatus) -> Result<Status, Failure> {
        self.serves(&input.channel, input.mode.as_deref())?;
        let outcome = match &self.service {
            Service::Call(account) => account.status(cx, input).await,
            Service::Authy(_) => Err(Failure::unsupported("status")),
        };
        outcome.map_err(|failure| seen_from(OperationName::Status, failure))
    }
}

impl TwilioVoice {
    /// A challenge of another channel or mode has data that means something else here.
    fn serves(&self, channel: &str, mode: Option<&str>) -> Result<(), Failure> {
        let own = self.service.mode().as_str();
        if channel == CHANNEL && mode.is_none_or(|mode| mode == own) {
            return Ok(());
        }
        let asked = mode.map_or_else(|| format!("`{channel}`"), |mode| format!("`{channel}` in mode `{mode}`"));
        Err(Failure::new(
            FailureKind::Unsupported,
            format!("this service is the channel `{CHANNEL}` in mode `{own}`; it was asked for {asked}"),
        ))
    }
}
