//! Which names of headers, parameters, fields and members mean a secret.

use super::kind::SecretKind;

const CODES: [&str; 11] = [
    "authpayload",
    "code",
    "customcode",
    "digits",
    "onetimecode",
    "otp",
    "passcode",
    "pin",
    "smscode",
    "token",
    "verificationcode",
];
const PHONES: [&str; 21] = [
    "called",
    "caller",
    "callednumber",
    "callerid",
    "cellphone",
    "destination",
    "e164",
    "from",
    "fromformatted",
    "mobile",
    "msisdn",
    "national",
    "nationalformat",
    "number",
    "outgoingcallerid",
    "phone",
    "phonenumber",
    "phonenumberformatted",
    "recipient",
    "to",
    "toformatted",
];
/// Whole names that mean a credential.
const CREDENTIALS: [&str; 4] = ["authorization", "jwt", "seed", "sig"];
/// Ends of names that mean a credential: `primary_auth_token`, `X-Authy-API-Key`, `Binding.Secret`.
const CREDENTIAL_ENDS: [&str; 20] = [
    "accesskey",
    "accesstoken",
    "apitoken",
    "apikey",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "idtoken",
    "notificationtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessionid",
    "sessiontoken",
    "signature",
    "signature256",
];
const NAMES: [&str; 9] = [
    "accountname",
    "appname",
    "callername",
    "displayname",
    "friendlyname",
    "fullname",
    "identity",
    "login",
    "username",
];

/// A name in lower case, without what separates its words; of `user[cellphone]` and `Binding.Secret` the last part.
pub(super) fn plain(name: &str) -> String {
    // `api_key[]` is a list of keys.
    let name = name.strip_suffix("[]").unwrap_or(name);
    let inner = name.trim_end_matches(']').rsplit('[').next().unwrap_or(name);
    let inner = inner.rsplit('.').next().unwrap_or(inner);
    inner.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What the value under a name is, by the plain form of the name and of that of the object around it.
/// In requests everything under the name of a code is one, or a proof in its place.
pub(super) fn kind(parent: &str, name: &str, value: &str, request: bool) -> Option<SecretKind> {
    if value.is_empty() || is_reference(value) {
        return None;
    }
    if request && CODES.contains(&name) && !matches!(value, "true" | "false" | "null") {
        let code = !digits(value).is_empty() && digits(value).bytes().all(|byte| byte.is_ascii_digit());
        return Some(if code { SecretKind::Code } else { SecretKind::Credential });
    }
    let credential = is_credential(name) && !matches!(value, "true" | "false" | "null");
    if CODES.contains(&name) && is_code(value) {
        Some(SecretKind::Code)
    } else if credential || name == "token" && value.len() >= 8 && !value.contains(' ') {
        Some(SecretKind::Credential)
    } else if NAMES.contains(&name) || name == "name" && matches!(parent, "app" | "account" | "user") {
        Some(SecretKind::Name)
    } else {
        None
    }
}

/// Whether a name, as it is written, means a secret, whatever the value.
pub(crate) fn names_secret(name: &str) -> bool {
    let name = plain(name);
    is_credential(&name) || CODES.contains(&name.as_str())
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name) || CREDENTIAL_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether what is under a name says who asks.
pub(super) fn is_login(name: &str) -> bool {
    ["apikey", "authtoken", "accesstoken", "password"].iter().any(|end| name.ends_with(end))
}

/// Whether it has the form of a resource id, real or made up.
pub(super) fn is_sid(text: &str) -> bool {
    let (prefix, digits) = (text.get(..2).unwrap_or_default(), text.get(2..).unwrap_or_default());
    prefix.bytes().all(|byte| byte.is_ascii_uppercase())
        && digits.len() == 32
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word is itself the plain name of something secret: `password`.
pub(super) fn is_named(name: &str) -> bool {
    CODES.contains(&name)
        || PHONES.contains(&name)
        || NAMES.contains(&name)
        || CREDENTIALS.contains(&name)
        || CREDENTIAL_ENDS.contains(&name)
}

/// Whether a name announces a phone number.
pub(super) fn is_phone(name: &str) -> bool {
    PHONES.contains(&name)
}

/// Whether the value is a reference that stands for a secret, as `[auth_token]`: what this project records itself.
pub(super) fn is_reference(value: &str) -> bool {
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    inner.is_some_and(|inner| {
        inner.starts_with(|c: char| c.is_ascii_lowercase())
            && inner.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c))
    })
}

/// Codes have 4 to 10 digits; what is under such a name may be something else.
pub(super) fn is_code(value: &str) -> bool {
    (4..=10).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// A code without what people put between its digits; other values as they are.
pub(super) fn digits(value: &str) -> String {
    let gap = |c: char| matches!(c, ' ' | '-' | '.' | ',' | '+' | '\u{a0}');
    let digits: String = value.chars().filter(|c| !gap(*c)).collect();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expected: Option<SecretKind>) {
        assert_eq!(kind("", &plain(name), value, false), expected, "{name}");
    }

    #[test]
    fn names_tell_what_a_value_is() {
        check("Code", "123456", Some(SecretKind::Code));
        check("verification_code", "1234", Some(SecretKind::Code));
        check("token", "1234567", Some(SecretKind::Code));
        check("token", "is invalid", None);
        check("token", "eyJhbGciOi", Some(SecretKind::Credential));
        check("X-Authy-API-Key", "abc", Some(SecretKind::Credential));
        check("api_key", "abc", Some(SecretKind::Credential));
        check("primary_auth_token", "abc", Some(SecretKind::Credential));
        check("Binding.Secret", "GEZDGNBV", Some(SecretKind::Credential));
        check("X-Hub-Signature-256", "sha256=0f1e", Some(SecretKind::Credential));
        check("X-Api-Token", "abc", Some(SecretKind::Credential));
        check("api_key[]", "k", Some(SecretKind::Credential));
        check("X-Twilio-Signature", "a+b/c=", Some(SecretKind::Credential));
        check("FriendlyName", "ACME", Some(SecretKind::Name));
        check("user[login]", "ada", Some(SecretKind::Name));
        check("auth_token", "[auth_token]", None);
        check("auth_token", "", None);
        check("error_code", "60200", None);
        check("country_code", "4912", None);
        check("Channel", "sms", None);
    }
}
