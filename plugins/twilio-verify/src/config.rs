//! The settings, and what is left of them once they are checked.

use countersign_plugin::{Failure, FailureKind, SecretRef};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where Twilio serves Verify.
const BASE: &str = "https://verify.twilio.com";

/// Settings of Twilio Verify.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "auth_id": "AC00112233445566778899aabbccddeeff",
    "auth_token": {"secret": "auth_token"},
    "service_sid": "VA00112233445566778899aabbccddeeff",
}]))]
pub struct Settings {
    /// Account SID (`AC…`) of the live account, or the SID of an API key (`SK…`).
    #[schemars(regex(pattern = r"^(AC|SK)[0-9a-fA-F]{32}$"))]
    auth_id: String,
    /// Auth token of that account, or the secret of that API key.
    auth_token: SecretRef,
    /// SID of the Verify service (`VA…`), from Console > Verify > Services.
    #[schemars(regex(pattern = r"^VA[0-9a-fA-F]{32}$"))]
    service_sid: String,
    /// Another address of the Verify API, without `/v2`; default `https://verify.twilio.com`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^https?://[^?#@\s]+$"))]
    base_url: Option<String>,
}

/// Checked settings.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) auth_id: Sid,
    pub(crate) auth_token: SecretRef,
    pub(crate) service: Sid,
    pub(crate) base: String,
}

impl Config {
    /// The host has checked the shapes by the schema; a host that did not is told the same here.
    pub(crate) fn check(settings: Settings) -> Result<Self, Failure> {
        let Settings { auth_id, auth_token, service_sid, base_url } = settings;
        let auth_id = Sid::parse("AC", &auth_id).or_else(|| Sid::parse("SK", &auth_id)).ok_or_else(|| {
            wrong("the setting `auth_id` must be AC or SK and 32 hexadecimal digits; see Console > Account Info")
        })?;
        let service = Sid::parse("VA", &service_sid).ok_or_else(|| {
            wrong("the setting `service_sid` must be VA and 32 hexadecimal digits; see Console > Verify > Services")
        })?;
        let base = base_url.unwrap_or_else(|| BASE.to_owned());
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
        if host.is_empty()
            || host.starts_with('/')
            || host.contains(['?', '#', '@'])
            || host.contains(char::is_whitespace)
        {
            return Err(wrong(
                "the setting `base_url` must be an address such as https://verify.twilio.com, without query, fragment \
                 or credentials",
            ));
        }
        Ok(Self { auth_id, auth_token, service, base })
    }
}

/// A Twilio SID: two letters that name the kind of thing, and 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sid(String);

impl Sid {
    /// `None` unless `text` is a SID of the kind `prefix`.
    pub(crate) fn parse(prefix: &str, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(prefix)?;
        let whole = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        whole.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn wrong(operator: &str) -> Failure {
    Failure::new(FailureKind::Misconfigured, operator)
}
