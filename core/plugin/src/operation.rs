//! What a host may ask of a provider, and what comes of it.
//!
//! These types cross the binary interface as JSON. Unknown fields are ignored on both sides, so
//! fields may be added; none is ever renamed or given another meaning. In Rust, too: they are made
//! by constructors and builder methods, so that a provider written today compiles tomorrow.

mod callback;
mod challenge;
mod credentials;
mod enrollment;
mod person;

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::failure::{Failure, FailureKind};

pub use callback::{Callback, Receive, Received};
pub use challenge::{AskStatus, CancelChallenge, Canceled, CheckCode, Checked, StartChallenge, Started, Status};
pub use credentials::{Diagnosis, Finding, Health, Provision, Provisioned, TestCredentials};
pub use enrollment::{ConfirmEnrollment, Confirmed, Enroll, Enrolled, Setup, Unenroll, Unenrolled};
pub use person::{Person, Phone, Recipient};

/// Builder methods that set a field which may be absent: `.mode("call".to_owned())`, or with an
/// `Option`.
macro_rules! optional {
    ($($(#[$attribute:meta])* $field:ident: $type:ty;)*) => {$(
        $(#[$attribute])*
        pub fn $field(mut self, $field: impl Into<Option<$type>>) -> Self {
            self.$field = $field.into();
            self
        }
    )*};
}
use optional;

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
    /// Every operation, in the order of a factor's life.
    pub const ALL: &[Self] = &[
        Self::TestCredentials,
        Self::Provision,
        Self::Enroll,
        Self::ConfirmEnrollment,
        Self::Unenroll,
        Self::Start,
        Self::Check,
        Self::Cancel,
        Self::Status,
        Self::Receive,
    ];

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
#[non_exhaustive]
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

    /// Wraps a value that is JSON already.
    pub const fn from_json(version: u32, value: Value) -> Self {
        Self { version, value }
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
#[non_exhaustive]
pub enum Purpose {
    /// A login.
    Login,
    /// Proving a number or an app before it counts as a factor.
    Enroll,
    /// Something that only a newer host knows. To a plugin it is a challenge like any other.
    #[serde(other)]
    Other,
}
