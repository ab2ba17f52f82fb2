//! Requests to the Authy API, and its replies.

use countersign_plugin::{Code, Effect, Endpoint, Phone, Request};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use super::App;

/// Languages that the service speaks (locale list of the Authy API).
const LOCALES: [&str; 35] = [
    "af", "ar", "ca", "zh", "zh-CN", "zh-HK", "hr", "cs", "da", "nl", "en", "fi", "fr", "de", "el", "he", "hi", "hu",
    "id", "it", "ja", "ko", "ms", "nb", "pl", "pt-BR", "pt", "ro", "ru", "es", "sv", "tl", "th", "tr", "vi",
];

impl App {
    /// Registering the same number again gives the same id. The install link, which the service
    /// would send by SMS, is declined, so that nothing reaches the person.
    pub(super) fn new_user(&self, email: &str, phone: &Phone) -> Request {
        let form = [
            ("user[email]", email),
            ("user[cellphone]", &phone.national),
            ("user[country_code]", &phone.country_code),
            ("send_install_link_via_sms", "false"),
        ];
        self.authorized(Request::post(self.endpoint(["users", "new"])).effect(Effect::Idempotent)).form(form)
    }

    /// A `GET` that makes a telephone ring.
    pub(super) fn call(&self, id: &AuthyId, person: Option<&str>) -> Request {
        let endpoint = self.endpoint(["call", id.as_str()]).query("force", "true");
        let endpoint = match person.and_then(locale) {
            Some(locale) => endpoint.query("locale", locale),
            None => endpoint,
        };
        self.authorized(Request::get(endpoint).effect(Effect::Act))
    }

    /// A `GET` that uses the code up. Without `force` the service says "valid" to any code of a
    /// user who never confirmed the phone. The caller has checked that the code is digits.
    pub(super) fn verify(&self, code: &Code, id: &AuthyId) -> Request {
        let endpoint = self.endpoint(["verify", code.as_str(), id.as_str()]).query("force", "true");
        self.authorized(Request::get(endpoint).effect(Effect::Act))
    }

    pub(super) fn app_details(&self) -> Request {
        self.authorized(Request::get(self.endpoint(["app", "details"])))
    }

    fn endpoint<const N: usize>(&self, path: [&str; N]) -> Endpoint {
        Endpoint::new(&self.base).path(["protected", "json"]).path(path)
    }

    fn authorized(&self, request: Request) -> Request {
        request.header("X-Authy-API-Key", &self.api_key)
    }
}

/// The service's name for the language of a BCP 47 tag.
fn locale(tag: &str) -> Option<&'static str> {
    let known = |wanted: &str| LOCALES.into_iter().find(|locale| locale.eq_ignore_ascii_case(wanted));
    let primary = tag.split(['-', '_']).next()?;
    let primary = if primary.eq_ignore_ascii_case("no") { "nb" } else { primary };
    known(&tag.replace('_', "-")).or_else(|| known(primary))
}

/// Answer to `users/new`.
#[derive(Deserialize)]
pub(super) struct UserReply {
    #[serde(default)]
    success: Value,
    #[serde(default)]
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: Value,
}

impl UserReply {
    /// The id, in an answer that says success.
    pub(super) fn id(&self) -> Option<AuthyId> {
        if !is_true(&self.success) {
            return None;
        }
        AuthyId::read(&self.user.as_ref()?.id)
    }
}

/// Answer to `call`.
#[derive(Deserialize)]
pub(super) struct CallReply {
    #[serde(default)]
    success: Value,
    #[serde(default)]
    ignored: Value,
}

impl CallReply {
    pub(super) fn is_success(&self) -> bool {
        is_true(&self.success)
    }

    /// Success without a call: the service thinks that the app is enough.
    pub(super) fn is_ignored(&self) -> bool {
        is_true(&self.ignored)
    }
}

/// Answer to `verify`.
#[derive(Deserialize)]
pub(super) struct CheckReply {
    #[serde(default)]
    success: Value,
    #[serde(default)]
    token: Value,
    #[serde(default)]
    error_code: Value,
}

impl CheckReply {
    /// `success` alone is no yes: other calls of the API say it too.
    pub(super) fn is_yes(&self) -> bool {
        is_true(&self.success) && self.token.as_str() == Some("is valid")
    }

    /// The oldest form of a no, of a time before error codes. A wrong API key always has one (60001).
    pub(super) fn is_no_without_code(&self) -> bool {
        is_false(&self.success) && self.error_code.is_null()
    }
}

/// Answer to `app/details`.
#[derive(Deserialize)]
pub(super) struct DetailsReply {
    #[serde(default)]
    success: Value,
    pub(super) app: Details,
}

impl DetailsReply {
    pub(super) fn is_success(&self) -> bool {
        is_true(&self.success)
    }
}

#[derive(Deserialize)]
pub(super) struct Details {
    /// Absent in older answers.
    #[serde(default)]
    phone_calls_enabled: Value,
}

impl Details {
    pub(super) fn has_calls(&self) -> Option<bool> {
        if self.phone_calls_enabled.is_null() { None } else { Some(is_true(&self.phone_calls_enabled)) }
    }
}

/// The service's id of a user, digits only: it enters a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct AuthyId(String);

impl AuthyId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A number in most answers, a string in some.
    fn read(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => number.as_u64()?.to_string(),
            Value::String(text) => text.clone(),
            _ => return None,
        };
        ((1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(Self(text))
    }
}

impl<'de> Deserialize<'de> for AuthyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).ok_or_else(|| D::Error::custom("not a user id"))
    }
}

/// The service writes booleans as booleans and as strings.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// Said, and not merely left unsaid.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => !yes,
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_locale_is_sent_only_where_the_service_speaks_it() {
        for (tag, expected) in [
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("zh_HK", Some("zh-HK")),
            ("pt_BR", Some("pt-BR")),
            ("pt-PT", Some("pt")),
            ("no", Some("nb")),
            ("no-NO", Some("nb")),
            ("nb_NO", Some("nb")),
            ("vi", Some("vi")),
            ("tlh", None),
            ("", None),
        ] {
            assert_eq!(locale(tag), expected, "{tag}");
        }
    }

    #[test]
    fn an_id_is_digits_and_nothing_else() {
        for good in [json!(1000), json!("1635"), json!(u64::MAX)] {
            assert!(AuthyId::read(&good).is_some(), "{good}");
        }
        for bad in [json!(""), json!("../sms"), json!("1 "), json!(-1), json!(1.5), json!(null), json!("1".repeat(21))]
        {
            assert!(AuthyId::read(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_true_is_true() {
        for yes in [json!(true), json!("true"), json!("True")] {
            assert!(is_true(&yes), "{yes}");
        }
        for no in [json!(false), json!("false"), json!(1), json!(null), json!("yes"), json!([true]), json!(" true")] {
            assert!(!is_true(&no), "{no}");
        }
    }

    #[test]
    fn only_false_is_false() {
        for no in [json!(false), json!("false"), json!("False")] {
            assert!(is_false(&no), "{no}");
        }
        for other in [json!(true), json!("true"), json!(0), json!(null), json!("no"), json!([false]), json!("")] {
            assert!(!is_false(&other), "{other}");
        }
    }
}
