//! `X-Twilio-Signature`: by what a receiver knows that a callback is Twilio's (Twilio, webhook security).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign::secrets::Secret;
use ring::hmac;

/// The signature of a callback, under the account's auth token: address and fields for a form, the address alone where
/// the fields stand in it.
pub(super) fn of(token: &Secret, url: &str, form: &[(String, String)]) -> String {
    let mut fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // By name, then value; the same pair counts once.
    fields.sort_unstable();
    fields.dedup();
    let mut signed = url.to_owned();
    for (name, value) in fields {
        signed.push_str(name);
        signed.push_str(value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose().as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the official client libraries.
    #[test]
    fn callbacks_are_signed_as_twilio_signs_them() {
        #[track_caller]
        fn check(url: &str, form: &[(&str, &str)], expected: &str) {
            let form: Vec<_> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(of(&Secret::new("12345"), url, &form), expected);
        }
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ];
        check("https://mycompany.com/myapp.php?foo=1&bar=2", &form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        check("https://mycompany.com:443/myapp.php?foo=1&bar=2", &form, "kvajT1Ptam85bY51eRf/AJRuM3w=");
        check("http://mycompany.com:80/myapp.php?foo=1&bar=2", &form, "0ZXoZLH/DfblKGATFgpif+LLRf4=");
        let twice =
            [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")];
        check("https://mycompany.com/myapp.php?foo=1&bar=2", &twice, "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }
}
