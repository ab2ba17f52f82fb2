//! `enroll`, `confirm_enrollment` and `unenroll`: factors that live on a person's device.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::operation::{Data, Person, optional};
use crate::secret::Code;

/// Input of `enroll`: prepare a factor that lives on the person's device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Enroll {
    /// A device of nobody in particular, on a channel without modes.
    pub fn new(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), mode: None, person: Person::default() }
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
    }

    /// Whose factor it becomes.
    #[must_use]
    pub fn person(mut self, person: Person) -> Self {
        self.person = person;
        self
    }
}

/// Outcome of `enroll`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Enrolled {
    /// What the plugin needs to check a code later (the seed, say).
    pub enrollment: Data,
    /// What the person needs to set up the device; shown once and not stored.
    pub setup: Setup,
}

impl Enrolled {
    /// What the plugin remembers, and what the person is shown.
    pub const fn new(enrollment: Data, setup: Setup) -> Self {
        Self { enrollment, setup }
    }
}

/// What is shown to a person who sets up an authenticator app. It contains the seed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Setup {
    /// The `otpauth://` URI, and the seed in Base32.
    pub fn new(uri: impl Into<String>, key: impl Into<String>) -> Self {
        Self { uri: uri.into(), key: key.into(), qr_svg: String::new(), qr_text: String::new() }
    }

    /// Adds the QR code, as an SVG document and as lines of block characters.
    #[must_use]
    pub fn qr(mut self, svg: impl Into<String>, text: impl Into<String>) -> Self {
        self.qr_svg = svg.into();
        self.qr_text = text.into();
        self
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup(…)")
    }
}

/// Input of `confirm_enrollment`: the first code from the person's device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
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

impl ConfirmEnrollment {
    /// The first code from the device that `enroll` made ready.
    pub fn new(channel: impl Into<String>, enrollment: Data, code: Code) -> Self {
        Self { channel: channel.into(), mode: None, enrollment, code }
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
    }
}

/// Outcome of `confirm_enrollment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Confirmed {
    /// The device has the seed.
    #[non_exhaustive]
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

impl Confirmed {
    /// The device has the seed.
    pub const fn right_code() -> Self {
        Self::Confirmed { accepted_step: None, enrollment: None }
    }

    /// The device has the seed: it showed the code of this time step (RFC 6238 §4.2).
    pub const fn right_code_of_step(step: u64) -> Self {
        Self::Confirmed { accepted_step: Some(step), enrollment: None }
    }

    /// Adds new data for the enrollment, where it is confirmed.
    pub fn enrollment(mut self, data: impl Into<Option<Data>>) -> Self {
        if let Self::Confirmed { enrollment, .. } = &mut self {
            *enrollment = data.into();
        }
        self
    }
}

/// Input of `unenroll`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Unenroll {
    /// Somebody of whom the provider has no data, on a channel without modes.
    pub fn new(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), mode: None, enrollment: None }
    }

    optional! {
        /// The mode of the service.
        #[must_use]
        mode: String;
        /// The provider's data on the enrollment.
        #[must_use]
        enrollment: Data;
    }
}

/// Outcome of `unenroll`: nothing of the person is left at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Unenrolled {}

impl Unenrolled {
    /// Nothing is left.
    pub const fn new() -> Self {
        Self {}
    }
}
