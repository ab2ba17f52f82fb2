//! Values that must not be printed: references to credentials, and codes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

/// A reference to a secret setting, for example the auth token of an account.
///
/// A plugin never holds the value. It puts the reference where the value belongs (a header,
/// basic auth, a form field, an HMAC key) and the engine inserts the value at the last moment,
/// for allowed hosts only. In a settings struct a field of this type marks the setting as
/// secret: its JSON Schema carries `"x-secret": true`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    secret: String,
}

impl SecretRef {
    /// A reference to the secret setting called `name`. Vendors receive references in their
    /// settings; only tests need to make one.
    pub fn named(name: impl Into<String>) -> Self {
        Self { secret: name.into() }
    }

    /// The name of the setting that holds the secret.
    pub fn name(&self) -> &str {
        &self.secret
    }
}

impl JsonSchema for SecretRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": { "secret": { "type": "string" } },
            "required": ["secret"],
            "additionalProperties": false,
            "x-secret": true,
        })
    }
}

/// A one-time code: what a person typed, or what the engine made for a channel to deliver.
///
/// It is text, never a number, so leading zeros stay. It is wiped on drop and never printed, and
/// `==` takes as long for a wrong code as for the right one.
/// The engine hands it to a plugin only after it has been normalised to ASCII digits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// Wraps a text. The engine has its own, stricter way in; in a plugin only tests need this.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Do not log it, and check it with [`Code::is_digits`] before it enters
    /// a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the code consists of ASCII digits only and its length lies within `lengths`.
    pub fn is_digits(&self, lengths: std::ops::RangeInclusive<usize>) -> bool {
        lengths.contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl PartialEq for Code {
    /// Only the lengths can be told apart by the time it takes.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_equal_where_their_texts_are() {
        let code = Code::new("012345");
        assert_eq!(code, Code::new("012345"));
        for other in ["", "12345", "0123456", "012346", "112345"] {
            assert_ne!(code, Code::new(other), "{other}");
        }
    }
}
