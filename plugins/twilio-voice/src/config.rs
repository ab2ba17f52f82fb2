//! Settings as the operator writes them, and what is left after the mode's own were checked.

use countersign_plugin::{Failure, FailureKind, SecretRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authy::App;
use crate::call::{Account, Language};

const CALL_BASE: &str = "https://api.twilio.com";
const AUTHY_BASE: &str = "https://api.authy.com";

/// Who makes and checks the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Mode {
    /// Programmable Voice: the engine's code is spoken in a call.
    #[default]
    Call,
    /// An Authy-style hosted service makes, speaks and checks the code.
    Authy,
}

impl Mode {
    /// The name as it stands in the bootstrap and in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Authy => "authy",
        }
    }
}

/// Settings of the provider `twilio-voice`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {
        "mode": "call",
        "auth_id": "AC00112233445566778899aabbccddeeff",
        "auth_token": {"secret": "auth_token"},
        "from": "+15005550006",
    },
    {"mode": "authy", "authy_api_key": {"secret": "authy_api_key"}},
]))]
pub struct Settings {
    /// How codes are called in: `call` speaks a code that the engine makes, through Twilio
    /// Programmable Voice; `authy` leaves making and checking to an Authy-style hosted service,
    /// which is closed to new customers.
    #[serde(default)]
    pub mode: Mode,
    /// Mode `call`: the Account SID (`AC…`), or the SID of an API key (`SK…`), which then needs
    /// `account_sid` beside it.
    #[serde(default)]
    #[schemars(regex(pattern = r"^(AC|SK)[0-9a-fA-F]{32}$"))]
    pub auth_id: Option<String>,
    /// Mode `call`: the auth token of the account, or the secret of the API key.
    #[serde(default)]
    pub auth_token: Option<SecretRef>,
    /// Mode `call`: the account in which calls are made, where `auth_id` is an API key or belongs
    /// to the parent of a subaccount. Default: `auth_id`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^AC[0-9a-fA-F]{32}$"))]
    pub account_sid: Option<String>,
    /// Mode `call`: the caller id in E.164, for example `+15005550006`: a voice number of the
    /// account or one of its verified caller ids.
    #[serde(default)]
    #[schemars(regex(pattern = r"^\+[1-9][0-9]{6,14}$"))]
    pub from: Option<String>,
    /// Mode `call`: the language for persons whose own is unknown or not spoken here, for
    /// example `de` or `en-GB`. Default: `en`.
    #[serde(default)]
    #[schemars(length(max = 35))]
    pub language: Option<String>,
    /// Mode `call`: the voice for `language`, for example `Polly.Vicki`. It must speak that
    /// language, or calls stay silent; other languages keep the account's text-to-speech
    /// settings. Default: those settings.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub voice: Option<String>,
    /// Mode `authy`: the API key of the application. A new key counts as another application: for
    /// ten minutes the engine does not know that a number may have a live code of the old one.
    #[serde(default)]
    pub authy_api_key: Option<SecretRef>,
    /// Another address of the service, without the path that its documentation begins with.
    /// Default: `https://api.twilio.com` in mode `call`, `https://api.authy.com` in mode `authy`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^https?://[^?#@\s]+$"))]
    pub base_url: Option<String>,
}

/// The service behind the mode, with everything that the mode needs.
#[derive(Debug)]
pub(crate) enum Service {
    Call(Account),
    Authy(App),
}

impl Service {
    pub(crate) const fn mode(&self) -> Mode {
        match self {
            Self::Call(_) => Mode::Call,
            Self::Authy(_) => Mode::Authy,
        }
    }
}

impl TryFrom<Settings> for Service {
    type Error = Failure;

    fn try_from(settings: Settings) -> Result<Self, Failure> {
        match settings.mode {
            Mode::Call => Ok(Self::Call(account(settings)?)),
            Mode::Authy => Ok(Self::Authy(App {
                base: base(settings.base_url, AUTHY_BASE)?,
                api_key: needed(settings.authy_api_key, "authy_api_key", Mode::Authy)?,
            })),
        }
    }
}

/// The host has checked the shapes by the schema; a host that did not is told the same here.
fn account(settings: Settings) -> Result<Account, Failure> {
    let auth_id = needed(settings.auth_id, "auth_id", Mode::Call)?;
    let auth_token = needed(settings.auth_token, "auth_token", Mode::Call)?;
    let from = needed(settings.from, "from", Mode::Call)?;
    if !is_sid("AC", &auth_id) && !is_sid("SK", &auth_id) {
        return Err(misconfigured(
            "the setting `auth_id` must be AC or SK and 32 hexadecimal digits; see the Twilio Console",
        ));
    }
    if !is_e164(&from) {
        return Err(misconfigured(
            "the setting `from` must be a telephone number in E.164 such as +15005550006: a plus sign and 7 to 15 digits",
        ));
    }
    let account_sid = match settings.account_sid {
        Some(sid) if is_sid("AC", &sid) => sid,
        Some(_) => {
            return Err(misconfigured(
                "the setting `account_sid` must be AC and 32 hexadecimal digits; see the Twilio Console",
            ));
        }
        // Every path of the API names the account, and an API key does not tell it.
        None if auth_id.starts_with("SK") => {
            return Err(misconfigured(
                "the setting `account_sid` is missing: `auth_id` is an API key (SK…), so the account must be \
                 named too; set `account_sid` to the Account SID (AC…)",
            ));
        }
        None => auth_id.clone(),
    };
    let language = match settings.language.as_deref() {
        None => Language::default(),
        Some(tag) => Language::of(tag).ok_or_else(|| {
            let known = Language::tags().collect::<Vec<_>>().join(", ");
            misconfigured(&format!("the setting `language` is `{tag}`, which is not spoken here; use one of {known}"))
        })?,
    };
    let base = base(settings.base_url, CALL_BASE)?;
    Ok(Account { base, account_sid, auth_id, auth_token, from, language, voice: settings.voice })
}

/// Whether it is a SID of this kind: two letters, and 32 hexadecimal digits.
pub(crate) fn is_sid(prefix: &str, text: &str) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').filter(|digits| !digits.starts_with('0'));
    digits.is_some_and(|digits| (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn base(setting: Option<String>, default: &str) -> Result<String, Failure> {
    let Some(base) = setting else { return Ok(default.to_owned()) };
    let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
    if host.is_empty() || host.starts_with('/') || host.contains(['?', '#', '@']) || host.contains(char::is_whitespace)
    {
        return Err(misconfigured(&format!(
            "the setting `base_url` must be an address such as {default}, without query, fragment or credentials"
        )));
    }
    Ok(base)
}

fn needed<T>(setting: Option<T>, name: &str, mode: Mode) -> Result<T, Failure> {
    setting.ok_or_else(|| {
        let mode = mode.as_str();
        misconfigured(&format!("the setting `{name}` is missing: mode `{mode}` needs it; set it, or change `mode`"))
    })
}

fn misconfigured(operator: &str) -> Failure {
    Failure::new(FailureKind::Misconfigured, operator)
}
