//! Settings as an operator writes them, and what they are once checked.

use countersign_plugin::{Failure, FailureKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::Parameters;

/// Authenticator app settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {"issuer": "ACME"},
    {"issuer": "ACME", "digits": 8, "period": 60, "skew": 2, "algorithm": "sha256"},
]))]
pub struct Settings {
    /// Name under which the person's app lists the account, usually the company's; no colon.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[^:]+$"))]
    issuer: String,
    /// Digits of a code; holds for apps registered from now on. Some apps show 6 whatever is asked for.
    #[serde(default = "six")]
    #[schemars(range(min = 6, max = 8))]
    digits: u8,
    /// Seconds for which a code is shown; holds for apps registered from now on. Some apps know only 30.
    #[serde(default = "thirty")]
    #[schemars(range(min = 15, max = 120))]
    period: u32,
    /// Periods by which the clock of the person's device may be early or late.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 2))]
    skew: u8,
    /// Hash function; holds for apps registered from now on. Some apps know only sha1 and show wrong codes.
    #[serde(default)]
    algorithm: Algorithm,
}

/// Hash function of the codes (RFC 6238 §1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Algorithm {
    #[default]
    Sha1,
    Sha256,
    Sha512,
}

/// Settings that passed every check.
pub(crate) struct Config {
    pub(crate) issuer: String,
    /// For new enrollments; those that exist keep theirs.
    pub(crate) parameters: Parameters,
    /// In steps, each way. Not part of an enrollment: the app knows nothing of it.
    pub(crate) skew: u64,
}

impl TryFrom<Settings> for Config {
    type Error = Failure;

    /// Checks again what the schema says: a vendor's test or another host may not have.
    fn try_from(settings: Settings) -> Result<Self, Failure> {
        let Settings { issuer, digits, period, skew, algorithm } = settings;
        let length = issuer.chars().count();
        require(!issuer.trim().is_empty(), "issuer", "must not be blank")?;
        require(length <= 64, "issuer", format_args!("is {length} characters long; at most 64 are allowed"))?;
        require(!issuer.contains(':'), "issuer", "contains a colon, at which apps would split it; leave it out")?;
        require(!issuer.contains(char::is_control), "issuer", "contains a control character; leave it out")?;
        require((6..=8).contains(&digits), "digits", format_args!("is {digits}; it must be 6, 7 or 8"))?;
        require((15..=120).contains(&period), "period", format_args!("is {period}; it must be 15 to 120 seconds"))?;
        require(skew <= 2, "skew", format_args!("is {skew}; it must be 0, 1 or 2 periods"))?;
        Ok(Self { issuer, parameters: Parameters { algorithm, digits, period }, skew: skew.into() })
    }
}

fn require(holds: bool, setting: &str, problem: impl std::fmt::Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(FailureKind::Misconfigured, format!("setting `{setting}` {problem}"))) }
}

const fn six() -> u8 {
    6
}

const fn thirty() -> u32 {
    30
}

const fn one() -> u8 {
    1
}
