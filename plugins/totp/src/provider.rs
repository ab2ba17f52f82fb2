//! The operations.

use countersign_plugin::{
    CheckCode, Checked, ConfirmEnrollment, Confirmed, Context, Enroll, Enrolled, Failure, FailureKind, Provider,
};
use totp_rs::Secret;
use zeroize::Zeroizing;

use crate::code::{App, Comparison};
use crate::config::{Config, Settings};
use crate::setup::setup;

/// Checks the codes of authenticator apps (RFC 6238).
pub struct Totp {
    config: Config,
}

impl Provider for Totp {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        Ok(Self { config: settings.try_into()? })
    }

    async fn enroll(&self, cx: &Context, input: Enroll) -> Result<Enrolled, Failure> {
        offered(&input.channel)?;
        let parameters = self.config.parameters;
        let seed = Zeroizing::new(cx.random(parameters.algorithm.seed_bytes()).await?);
        let app = App::new(Secret::from(seed.as_slice()), parameters)?;
        let setup = setup(&app, &self.config.issuer, input.person.account.as_deref())?;
        Ok(Enrolled::new(app.write()?, setup))
    }

    async fn confirm_enrollment(&self, cx: &Context, input: ConfirmEnrollment) -> Result<Confirmed, Failure> {
        offered(&input.channel)?;
        let app = App::read(&input.enrollment)?;
        Ok(match app.compare(&input.code, cx.now(), self.config.skew) {
            Comparison::Matches { step } => Confirmed::right_code_of_step(step),
            Comparison::Differs => Confirmed::WrongCode,
        })
    }

    async fn check(&self, cx: &Context, input: CheckCode) -> Result<Checked, Failure> {
        offered(&input.channel)?;
        let enrollment = input.enrollment.ok_or_else(|| {
            Failure::new(
                FailureKind::Misconfigured,
                "no app is registered for this person with this provider; let them register one",
            )
        })?;
        let app = App::read(&enrollment)?;
        Ok(match app.compare(&input.code, cx.now(), self.config.skew) {
            Comparison::Matches { step } => Checked::approved_by_step(step),
            Comparison::Differs => Checked::WrongCode,
        })
    }
}

fn offered(channel: &str) -> Result<(), Failure> {
    if channel == "totp" {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Unsupported, format!("this provider offers the channel `totp`, not `{channel}`")))
}
