//! What runs a counterexample again, exactly.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::catalogue::Check;

/// A check, and one case of it: `odd-replies:eyJ…`. It means the same only for the same plugin file, settings,
/// cassettes and seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    check: &'static str,
    case: String,
}

/// A text that is no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It names no check.
    #[error("`{0}` is no token: it has to begin with the id of a check and a colon, as a counterexample is printed")]
    NoCheck(String),
    /// What follows is not what the kit printed.
    #[error("the token's part after `{0}:` is damaged; copy it whole, as it was printed")]
    Damaged(&'static str),
}

impl Token {
    /// The token of a case.
    pub(super) fn of(check: &'static str, case: &impl Serialize) -> Self {
        // Cases are made by the kit of numbers and texts: writing one cannot fail.
        let json = serde_json::to_vec(case).unwrap_or_default();
        Self { check, case: BASE64_URL_SAFE_NO_PAD.encode(json) }
    }

    /// The check that it is of.
    pub const fn check(&self) -> &'static str {
        self.check
    }

    /// The case; none where it is of another release.
    pub(super) fn case<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(&self.case).ok()?).ok()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let no_check = || TokenError::NoCheck(text.escape_debug().to_string());
        let (check, case) = text.trim().split_once(':').ok_or_else(no_check)?;
        let check = Check::named(check).ok_or_else(no_check)?.info.id;
        match BASE64_URL_SAFE_NO_PAD.decode(case) {
            Ok(json) if serde_json::from_slice::<serde_json::Value>(&json).is_ok() => {
                Ok(Self { check, case: case.to_owned() })
            }
            _ => Err(TokenError::Damaged(check)),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.check, self.case)
    }
}
