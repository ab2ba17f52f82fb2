//! What a host may ask of a provider, and what comes of it.
//!
//! These types cross the binary interface as JSON. Unknown fields are ignored on both sides, so
//! fields may be added; none is ever renamed or given another meaning.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::bytes::Bytes;
use crate::failure::{Failure, FailureKind};
use crate::http::Address;
use crate::secret::Code;

/// One operation with its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// See [`Provider::test_credentials`](crate::Provider::test_credentials).
    TestCredentials(TestCredentials),
    /// See [`Provider::provision`](crate::Provider::provision).
    Provision(Provision),
    /// See [`Provider::enroll`](crate::Provider::enroll).
    Enroll(Enroll),
    /// See [`Provider::confirm_enrollment`](crate::Provider::confirm_enrollment).
    ConfirmEnrollment(ConfirmEnrollment),
    /// See [`Provider::unenroll`](crate::Provider::unenroll).
    Unenroll(Unenroll),
    /// See [`Provider::start`](crate::Provider::start).
    Start(StartChallenge),
    /// See [`Provider::check`](crate::Provider::check).
    Check(CheckCode),
    /// See [`Provider::cancel`](crate::Provider::cancel).
    Cancel(CancelChallenge),
    /// See [`Provider::status`](crate::Provider::status).
    Status(AskStatus),
    /// See [`Provider::receive`](crate::Provider::receive).
    Receive(Receive),
}

/// The names of the operations, as the manifest lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the operation of the same name")]
pub enum OperationName {
    TestCredentials,
    Provision,
    Enroll,
    ConfirmEnrollment,
    Unenroll,
    Start,
    Check,
    Cancel,
    Status,
    Receive,
}

impl Operation {
    /// Which operation this is.
    pub const fn name(&self) -> OperationName {
        match self {
            Self::TestCredentials(_) => OperationName::TestCredentials,
            Self::Provision(_) => OperationName::Provision,
            Self::Enroll(_) => OperationName::Enroll,
            Self::ConfirmEnrollment(_) => OperationName::ConfirmEnrollment,
            Self::Unenroll(_) => OperationName::Unenroll,
            Self::Start(_) => OperationName::Start,
            Self::Check(_) => OperationName::Check,
            Self::Cancel(_) => OperationName::Cancel,
            Self::Status(_) => OperationName::Status,
            Self::Receive(_) => OperationName::Receive,
        }
    }

    /// The channel that it is about, where it is about one.
    pub fn channel(&self) -> Option<&str> {
        match self {
            Self::TestCredentials(_) | Self::Provision(_) | Self::Receive(_) => None,
            Self::Enroll(input) => Some(&input.channel),
            Self::ConfirmEnrollment(input) => Some(&input.channel),
            Self::Unenroll(input) => Some(&input.channel),
            Self::Start(input) => Some(&input.channel),
            Self::Check(input) => Some(&input.channel),
            Self::Cancel(input) => Some(&input.channel),
            Self::Status(input) => Some(&input.channel),
        }
    }
}

impl OperationName {
    /// The name as it stands in JSON, for example `test_credentials`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TestCredentials => "test_credentials",
            Self::Provision => "provision",
            Self::Enroll => "enroll",
            Self::ConfirmEnrollment => "confirm_enrollment",
            Self::Unenroll => "unenroll",
            Self::Start => "start",
            Self::Check => "check",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::Receive => "receive",
        }
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Opaque data of a provider on an enrollment or a delivery: what a plugin must remember, since
/// it keeps no state itself. At most [`limits::DATA_BYTES`](crate::limits::DATA_BYTES) as JSON;
/// stored encrypted by the host, stamped with the plugin's id and `data_version`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The manifest's `data_version` when this was written.
    pub version: u32,
    /// The provider's own value.
    pub value: Value,
}

impl Data {
    /// Wraps a value of the provider's, written in this version of its format.
    ///
    /// # Errors
    /// A plugin fault if the value cannot be JSON.
    pub fn new(version: u32, value: &impl Serialize) -> Result<Self, Failure> {
        match serde_json::to_value(value) {
            Ok(value) => Ok(Self { version, value }),
            Err(error) => Err(Failure::new(
                FailureKind::PluginFault,
                format!("the provider's data cannot be written as JSON: {error}"),
            )),
        }
    }

    /// Reads the value back.
    ///
    /// # Errors
    /// A plugin fault if the stored value is of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.value).map_err(|_| {
            // The cause may quote the value, and the value may be a seed.
            Failure::new(
                FailureKind::PluginFault,
                format!("stored data of version {} is not of the shape that this plugin writes", self.version),
            )
        })
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data(version {}, …)", self.version)
    }
}

/// What a challenge is for; a code for one purpose never serves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A login.
    Login,
    /// Proving a number or an app before it counts as a factor.
    Enroll,
}

/// Where a code goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A telephone.
    Phone(Phone),
    /// A mailbox.
    Email(String),
}

impl Recipient {
    /// The phone, where it is one.
    ///
    /// # Errors
    /// [`FailureKind::InvalidRecipient`] otherwise.
    pub fn phone(&self) -> Result<&Phone, Failure> {
        match self {
            Self::Phone(phone) => Ok(phone),
            Self::Email(_) => Err(Failure::new(
                FailureKind::InvalidRecipient,
                "this channel needs a phone number, not an e-mail address",
            )),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Email(_) => f.write_str("Email(…)"),
        }
    }
}

/// A telephone number, already validated and made canonical by the engine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// E.164 with its plus sign: `+15005550006`.
    pub e164: String,
    /// The country calling code without plus sign: `1`.
    pub country_code: String,
    /// The national significant number, digits only: `5005550006`.
    pub national: String,
    /// ISO 3166-1 alpha-2 region, where the number tells it: `US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.e164.len().saturating_sub(2);
        write!(f, "Phone(…{})", self.e164.get(tail..).unwrap_or(""))
    }
}

/// Input of `test_credentials`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestCredentials {}

/// Outcome of `test_credentials`: what was examined, one finding each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Diagnosis {
    /// In the order of examination; an empty list means that nothing could be examined.
    pub findings: Vec<Finding>,
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The setting or thing examined, for example `auth_token`.
    pub subject: String,
    /// How it is.
    pub state: Health,
    /// What was found, for the operator.
    pub message: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// State of one [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Works, with something to know.
    Notice,
    /// Wrong.
    Bad,
    /// Could not be examined.
    #[serde(other)]
    Unknown,
}

/// Input of `provision`: bring the provider's side in line with the settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provision {
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Outcome of `provision`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Provisioned {
    /// What was (or, on a dry run, would be) changed, one line each; empty if all was in line.
    pub changes: Vec<String>,
    /// Settings for the bootstrap that came of it, for example `service_sid`.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// What only a person can do in the provider's console, in order.
    #[serde(default)]
    pub checklist: Vec<String>,
}

/// What the host knows of the person and is willing to tell a provider.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Person {
    /// The name under which an app shows the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The e-mail address, for providers that want one to register a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// BCP 47 language tag of the person, for example `de` or `pt-BR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// Input of `enroll`: prepare a factor that lives on the person's device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enroll {
    /// The channel, as the manifest names it.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whose factor it becomes.
    #[serde(default)]
    pub person: Person,
}

/// Outcome of `enroll`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Enrolled {
    /// What the plugin needs to check a code later (the seed, say).
    pub enrollment: Data,
    /// What the person needs to set up the device; shown once and not stored.
    pub setup: Setup,
}

/// What is shown to a person who sets up an authenticator app. It contains the seed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The `otpauth://` URI.
    pub uri: String,
    /// The seed in Base32, for typing.
    pub key: String,
    /// The URI as QR code, an SVG document.
    pub qr_svg: String,
    /// The URI as QR code for a terminal, lines of block characters.
    pub qr_text: String,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup(…)")
    }
}

/// Input of `confirm_enrollment`: the first code from the person's device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmEnrollment {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What `enroll` handed out.
    pub enrollment: Data,
    /// What the person typed.
    pub code: Code,
}

/// Outcome of `confirm_enrollment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Confirmed {
    /// The device has the seed.
    Confirmed {
        /// The time step of the code (RFC 6238 §4.2), so that the engine can consume it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted_step: Option<u64>,
        /// New data for the enrollment, where it changes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enrollment: Option<Data>,
    },
    /// It was not the right code.
    WrongCode,
}

/// Input of `unenroll`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unenroll {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The provider's data on the enrollment, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
}

/// Outcome of `unenroll`: nothing of the person is left at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Unenrolled {}

/// Input of `start`: send a code, or ask for an approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartChallenge {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where to send; absent for channels without a destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// The code to deliver, where the engine makes the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Who is asked.
    #[serde(default)]
    pub person: Person,
    /// The provider's data on the enrollment, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
}

/// Outcome of `start`: the provider took the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Started {
    /// What the plugin needs to check, cancel or ask about this delivery (a sid, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
    /// New data for the enrollment, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
    /// How long the provider honours the code, in seconds, where it tells. The engine never
    /// waits longer than its own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// Something that the person must do other than wait for the code, for example open an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

/// Input of `check`: is this the code?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckCode {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where the code was sent; a reply about anybody else must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// What the person typed.
    pub code: Code,
    /// The provider's data on the enrollment, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Data>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

/// Outcome of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Checked {
    /// It is the right code. The engine still has to accept it.
    Approved {
        /// The time step of the code (RFC 6238 §4.2), so that the engine can consume it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted_step: Option<u64>,
    },
    /// It is not.
    WrongCode,
}

/// Input of `cancel`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelChallenge {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

/// Outcome of `cancel`: in both cases the code is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Canceled {
    /// The provider canceled it now.
    Canceled,
    /// It was over already: expired, used, canceled or unknown.
    AlreadyOver,
}

/// Input of `status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskStatus {
    /// The channel.
    pub channel: String,
    /// The mode of the service, where the channel has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Where it was sent; a reply about anybody else must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// What `start` remembered of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

/// Outcome of `status`. `Approved` counts only for channels whose code nobody makes; for all
/// others only `check` approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Status {
    /// The provider is still waiting for the person.
    Pending,
    /// The person said yes.
    Approved,
    /// The person said no.
    Denied,
    /// Too late.
    Expired,
    /// Taken back.
    Canceled,
    /// The message could not be delivered.
    Undelivered,
}

/// Input of `receive`: a callback that reached the host.
#[derive(Clone, Serialize, Deserialize)]
pub struct Receive {
    /// The full URL that was called, as the provider knows it.
    pub url: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Header fields as they came, in order.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// What `start` remembered of the delivery that the URL belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

impl fmt::Debug for Receive {
    /// A callback is a request too: its shape, no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Receive")
            .field("method", &self.method)
            .field("url", &Address(&self.url))
            .field("headers", &names)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Outcome of `receive`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Received {
    /// What the engine should do. An event never approves anything by itself.
    pub event: Callback,
    /// HTTP status of the answer.
    pub status: u16,
    /// Content type of the answer.
    pub content_type: String,
    /// Body of the answer.
    pub body: Bytes,
}

/// What a callback means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callback {
    /// Nothing to do.
    Nothing,
    /// Something changed: ask `status`.
    AskStatus,
}
