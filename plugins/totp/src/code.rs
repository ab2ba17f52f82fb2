//! Seeds and codes. totp-rs does the mathematics; here is which steps are compared, and how.

use std::cmp::Ordering;

use countersign_plugin::{Code, Data, Failure, FailureKind, Timestamp};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::config::Algorithm;

/// Version of the data on an enrollment, as in `manifest.json`.
pub(crate) const DATA_VERSION: u32 = 1;

/// What app and checker must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameters {
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: u8,
    /// Seconds of one step.
    pub(crate) period: u32,
}

/// An enrolled app: its seed, and the parameters that it was given. They travel together, so
/// that a later change of settings breaks no app that is registered already.
pub(crate) struct App {
    totp: Totp,
    parameters: Parameters,
}

/// What came of comparing a typed code with those of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Comparison {
    /// It is the code of this step, the newest if there are several.
    Matches { step: u64 },
    /// It is the code of none.
    Differs,
}

/// An [`App`] as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    secret: Zeroizing<String>,
    #[serde(flatten)]
    parameters: Parameters,
}

impl Algorithm {
    /// The name that key URIs use.
    pub(crate) const fn uri_name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Length of a seed in bytes: that of the hash, as RFC 4226 §4 (R6) and RFC 6238 §5.1 want it.
    pub(crate) const fn seed_bytes(self) -> u32 {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn of_totp_rs(self) -> totp_rs::Algorithm {
        match self {
            Self::Sha1 => totp_rs::Algorithm::SHA1,
            Self::Sha256 => totp_rs::Algorithm::SHA256,
            Self::Sha512 => totp_rs::Algorithm::SHA512,
        }
    }
}

impl App {
    /// Fails on parameters and seeds with which no code can be made, or only weak ones.
    pub(crate) fn new(seed: Secret, parameters: Parameters) -> Result<Self, Failure> {
        let Parameters { algorithm, digits, period } = parameters;
        if period == 0 {
            return Err(unusable("its period is 0 seconds"));
        }
        let builder = Builder::new()
            .with_algorithm(algorithm.of_totp_rs())
            .with_digits(digits)
            .with_step_duration(period.into())
            // Each step is compared by itself, see `compare`.
            .with_skew(0)
            .with_secret(seed);
        match builder.build() {
            Ok(totp) => Ok(Self { totp, parameters }),
            Err(_) => Err(unusable("it is not 6 to 8 digits, or the seed is shorter than 128 bits")),
        }
    }

    pub(crate) fn read(data: &Data) -> Result<Self, Failure> {
        match data.version.cmp(&DATA_VERSION) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(newer(data.version)),
            // There never was one.
            Ordering::Less => return Err(unusable("no version of this plugin wrote it")),
        }
        let stored: Stored = data.read()?;
        match Secret::try_from_base32(stored.secret.as_str()) {
            Ok(seed) => Self::new(seed, stored.parameters),
            // The cause is left out: it must not quote the seed.
            Err(_) => Err(unusable("the seed is not Base32")),
        }
    }

    pub(crate) fn write(&self) -> Result<Data, Failure> {
        Data::new(DATA_VERSION, &Stored { secret: self.key(), parameters: self.parameters })
    }

    /// The seed in Base32 without padding.
    pub(crate) fn key(&self) -> Zeroizing<String> {
        Zeroizing::new(self.totp.secret().to_base32())
    }

    pub(crate) const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Compares with the codes of the step of `now` and `skew` steps before and after it.
    ///
    /// Every step is compared, in constant time each, whichever matched before: the answer takes
    /// equally long wherever in the window the code lies.
    pub(crate) fn compare(&self, code: &Code, now: Timestamp, skew: u64) -> Comparison {
        let digits = usize::from(self.parameters.digits);
        if !code.is_digits(digits..=digits) {
            return Comparison::Differs;
        }
        let period = u64::from(self.parameters.period);
        let current = now.as_secs() / period;
        (current.saturating_sub(skew)..=current + skew).fold(Comparison::Differs, |newest, step| {
            match self.totp.check(code.as_str(), step * period) {
                Some(_) => Comparison::Matches { step },
                None => newest,
            }
        })
    }
}

/// Nothing is wrong with it: removing it would cost the person a working app for nothing.
fn newer(version: u32) -> Failure {
    Failure::new(
        FailureKind::PluginFault,
        format!(
            "the stored enrollment was written by a newer version of this plugin (data version {version}; this one reads \
             {DATA_VERSION}); install that version again"
        ),
    )
}

fn unusable(why: impl std::fmt::Display) -> Failure {
    Failure::new(
        FailureKind::PluginFault,
        format!("the stored enrollment cannot be used: {why}; remove it and let the person register the app again"),
    )
}
