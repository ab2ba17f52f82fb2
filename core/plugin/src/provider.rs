//! The trait that a vendor implements.

use std::future::{Future, ready};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::failure::Failure;
use crate::operation::{
    AskStatus, CancelChallenge, Canceled, CheckCode, Checked, ConfirmEnrollment, Confirmed, Diagnosis, Enroll,
    Enrolled, Provision, Provisioned, Receive, Received, StartChallenge, Started, Status, TestCredentials, Unenroll,
    Unenrolled,
};

/// A channel provider: plain asynchronous functions over values.
///
/// Implement the operations that your manifest declares, as `async fn`; the others answer
/// "unsupported" by themselves. An operation may await only what [`Context`] offers. It reads no
/// clock, opens no socket, starts no thread: time, randomness, network and secrets come from the
/// host, which is what makes every exchange replayable. A provider keeps no state between
/// operations; what it must remember is [`Data`](crate::Data) on an enrollment or a delivery.
///
/// The futures must be `Send`: an `Rc` or a `RefCell` borrow held across an `.await` does not
/// compile.
pub trait Provider: Sized + Send + Sync + 'static {
    /// The settings, as the manifest's JSON Schema describes them. Secret settings are fields
    /// of type [`SecretRef`](crate::SecretRef).
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes an instance for these settings. New settings mean a new instance. Nothing is sent.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured), naming the setting,
    /// for what a JSON Schema cannot express.
    fn open(settings: Self::Settings) -> Result<Self, Failure>;

    /// Do the credentials work, and if not, which setting is wrong? Only requests whose effect
    /// is [`Effect::Read`](crate::Effect::Read) are performed; nothing reaches a person.
    fn test_credentials(
        &self,
        _cx: &Context,
        _input: TestCredentials,
    ) -> impl Future<Output = Result<Diagnosis, Failure>> + Send {
        ready(Err(Failure::unsupported("test_credentials")))
    }

    /// Bring the provider's side in line with the settings.
    fn provision(&self, _cx: &Context, _input: Provision) -> impl Future<Output = Result<Provisioned, Failure>> + Send {
        ready(Err(Failure::unsupported("provision")))
    }

    /// Prepare a factor that lives on the person's device.
    fn enroll(&self, _cx: &Context, _input: Enroll) -> impl Future<Output = Result<Enrolled, Failure>> + Send {
        ready(Err(Failure::unsupported("enroll")))
    }

    /// Check the first code from the person's device.
    fn confirm_enrollment(
        &self,
        _cx: &Context,
        _input: ConfirmEnrollment,
    ) -> impl Future<Output = Result<Confirmed, Failure>> + Send {
        ready(Err(Failure::unsupported("confirm_enrollment")))
    }

    /// Remove what the provider holds of the person.
    fn unenroll(&self, _cx: &Context, _input: Unenroll) -> impl Future<Output = Result<Unenrolled, Failure>> + Send {
        ready(Err(Failure::unsupported("unenroll")))
    }

    /// Send a code, or ask for an approval.
    fn start(&self, _cx: &Context, _input: StartChallenge) -> impl Future<Output = Result<Started, Failure>> + Send {
        ready(Err(Failure::unsupported("start")))
    }

    /// Is this the code? A wrong code is an outcome, not a failure.
    fn check(&self, _cx: &Context, _input: CheckCode) -> impl Future<Output = Result<Checked, Failure>> + Send {
        ready(Err(Failure::unsupported("check")))
    }

    /// Make the code of a delivery worthless.
    fn cancel(&self, _cx: &Context, _input: CancelChallenge) -> impl Future<Output = Result<Canceled, Failure>> + Send {
        ready(Err(Failure::unsupported("cancel")))
    }

    /// How is this delivery?
    fn status(&self, _cx: &Context, _input: AskStatus) -> impl Future<Output = Result<Status, Failure>> + Send {
        ready(Err(Failure::unsupported("status")))
    }

    /// Understand a callback. An event never approves; at most it makes the engine ask `status`.
    fn receive(&self, _cx: &Context, _input: Receive) -> impl Future<Output = Result<Received, Failure>> + Send {
        ready(Err(Failure::unsupported("receive")))
    }

    /// Answer a named extension of the contract; `None` for names that it does not know.
    fn query(_name: &str, _bytes: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
