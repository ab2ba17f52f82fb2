//! Whom an operation is about, and where they are reached.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};
use crate::operation::optional;

/// Where a code goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipient {
    /// A telephone.
    Phone(Phone),
    /// A mailbox.
    Email(String),
}

impl Recipient {
    /// What tells it from others of its kind: the number in E.164, or the address.
    pub fn address(&self) -> &str {
        match self {
            Self::Phone(phone) => &phone.e164,
            Self::Email(address) => address,
        }
    }

    /// Its kind, as it stands in JSON: `phone` or `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

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
#[non_exhaustive]
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

impl Phone {
    /// A number with its country calling code and its national significant number.
    pub fn new(e164: impl Into<String>, country_code: impl Into<String>, national: impl Into<String>) -> Self {
        Self { e164: e164.into(), country_code: country_code.into(), national: national.into(), region: None }
    }

    optional! {
        /// The region, where the number tells it.
        #[must_use]
        region: String;
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.e164.len().saturating_sub(2);
        write!(f, "Phone(…{})", self.e164.get(tail..).unwrap_or(""))
    }
}

/// What the host knows of the person and is willing to tell a provider.
#[derive(Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Person {
    optional! {
        /// The name under which an app shows the account.
        #[must_use]
        account: String;
        /// The e-mail address.
        #[must_use]
        email: String;
        /// The language.
        #[must_use]
        locale: String;
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("locale", &self.locale).finish_non_exhaustive()
    }
}
