//! Takes known secrets out of texts that a plugin wrote.

use countersign_plugin::line::escaped;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use countersign_plugin::{Data, Failure, Operation, OperationName, Recipient};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::secrets::Secrets;

/// The values that must not appear in logs and failures of one operation: the service's secrets,
/// the code, the number, the address, and long strings of stored data (a seed, say).
pub struct Mask {
    needles: Vec<Zeroizing<String>>,
}

impl Mask {
    /// What this operation of a service with these secrets must not reveal.
    pub fn new(secrets: &Secrets, operation: &Operation) -> Self {
        let mut mask = Self { needles: Vec::new() };
        for (_, secret) in secrets.iter() {
            mask.add(secret.expose());
        }
        match operation {
            Operation::Start(input) => {
                mask.recipient(input.recipient.as_ref());
                input.code.iter().for_each(|code| mask.add(code.as_str()));
                input.person.email.iter().for_each(|email| mask.add(email));
                mask.data(input.enrollment.as_ref());
            }
            Operation::Check(input) => {
                mask.recipient(input.recipient.as_ref());
                mask.add(input.code.as_str());
                mask.data(input.enrollment.as_ref());
            }
            Operation::ConfirmEnrollment(input) => {
                mask.add(input.code.as_str());
                mask.data(Some(&input.enrollment));
            }
            Operation::Enroll(input) => input.person.email.iter().for_each(|email| mask.add(email)),
            Operation::Unenroll(input) => mask.data(input.enrollment.as_ref()),
            Operation::Status(input) => mask.recipient(input.recipient.as_ref()),
            Operation::TestCredentials(_) | Operation::Provision(_) | Operation::Cancel(_) | Operation::Receive(_) => {}
        }
        // The longest first: a number in full before its national part.
        mask.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        mask
    }

    /// The text in one line without them, in whatever notation a request or a reply would have carried them.
    pub fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for notation in self.needles.iter().flat_map(|needle| notations(needle)) {
            if masked.contains(notation.as_str()) {
                masked = masked.replace(notation.as_str(), "…");
            }
        }
        escaped(&masked)
    }

    /// The outcome without them where a person or an operator reads it. What the engine stores of it
    /// stays as it is.
    pub(super) fn outcome(&self, name: OperationName, outcome: &mut Value) {
        match name {
            OperationName::Start => outcome.get_mut("instruction").into_iter().for_each(|text| self.value(text)),
            OperationName::TestCredentials => self.value(outcome),
            _ => {}
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(entries) => entries.values_mut().for_each(|entry| self.value(entry)),
            _ => {}
        }
    }

    /// The failure without them.
    pub fn failure(&self, mut failure: Failure) -> Failure {
        failure.operator = self.text(&failure.operator);
        failure.person = self.text(&failure.person);
        failure.provider_code = failure.provider_code.map(|code| self.text(&code));
        failure
    }

    fn recipient(&mut self, recipient: Option<&Recipient>) {
        match recipient {
            Some(Recipient::Phone(phone)) => {
                self.add(&phone.e164);
                self.add(phone.e164.trim_start_matches('+'));
                self.add(&phone.national);
            }
            Some(other) => self.add(other.address()),
            None => {}
        }
    }

    fn data(&mut self, data: Option<&Data>) {
        if let Some(data) = data {
            self.strings(&data.value);
        }
    }

    fn strings(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.len() >= 16 => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.strings(item)),
            Value::Object(entries) => entries.values().for_each(|entry| self.strings(entry)),
            _ => {}
        }
    }

    fn add(&mut self, needle: &str) {
        // Shorter ones would tear ordinary words apart; no code has fewer than four digits.
        if needle.len() >= 4 {
            self.needles.push(Zeroizing::new(needle.to_owned()));
        }
    }
}

/// As it is; as addresses, forms, JSON and Base64 write it.
fn notations(needle: &str) -> Vec<Zeroizing<String>> {
    let all = utf8_percent_encode(needle, NON_ALPHANUMERIC).to_string();
    let reserved = utf8_percent_encode(needle, UNRESERVED).to_string();
    let component = utf8_percent_encode(needle, COMPONENT).to_string();
    let form: String = form_urlencoded::byte_serialize(needle.as_bytes()).collect();
    let json = Value::from(needle).to_string();
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let escaped = [all, reserved, component, form];
    let lower = escaped.each_ref().map(|text| lower_escapes(text));
    let mut notations: Vec<String> = [needle.to_owned(), json].into_iter().chain(escaped).chain(lower).collect();
    if needle.len() >= BASE64_FROM {
        // Three bytes become four letters, so there are three ways, by what stands before it (a
        // user name and a colon, say); letters that depend on neighbours are left out.
        for before in 0..3 {
            let bytes = Zeroizing::new([vec![0; before], needle.as_bytes().to_vec()].concat());
            let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
            for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = Zeroizing::new(alphabet.encode(&*bytes));
                notations.extend(encoded.get(own.clone()).map(str::to_owned));
            }
        }
    }
    notations.into_iter().map(Zeroizing::new).collect()
}

/// RFC 3986 §2.3: everything but "unreserved" is encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything but what scripts in browsers leave as it is, too.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

/// The same with `%2f` for `%2F`: only the digits of escapes are without case.
fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    let lower = |c: char| {
        if c == '%' {
            digits = 2;
            return c;
        }
        let escaped = digits > 0;
        digits -= i32::from(escaped);
        if escaped { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

/// Shorter ones would tear ordinary words apart in Base64.
const BASE64_FROM: usize = 6;

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} values)", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use countersign_plugin::TestCredentials;
    use serde_json::json;

    use super::*;
    use crate::secrets::Secret;

    const TOKEN: &str = "T0ken+/With\"all?-9C51~é!";

    fn mask(secret: &str) -> Mask {
        let secrets = [("token".to_owned(), Secret::new(secret))].into_iter().collect();
        Mask::new(&secrets, &Operation::TestCredentials(TestCredentials::default()))
    }

    #[test]
    fn every_notation_is_masked() {
        let percent = utf8_percent_encode(TOKEN, NON_ALPHANUMERIC).to_string();
        let form: String = form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        for text in [
            TOKEN,
            &percent,
            &form,
            &json!({ "token": TOKEN }).to_string(),
            "T0ken%2B%2FWith%22all%3F%2D9C51%7E%C3%A9%21",
            "T0ken%2b%2fWith%22all%3f%2d9C51%7e%c3%a9%21",
            "T0ken%2B%2FWith%22all%3F-9C51~%C3%A9%21",
            "T0ken%2b%2fWith%22all%3f-9C51~%c3%a9%21",
            "T0ken%2b%2fWith%22all%3f-9C51~%c3%a9!",
            "T0ken%2b%2fWith%22all%3f-9C51%7e%c3%a9%21",
        ] {
            let masked = mask(TOKEN).text(text);
            assert!(masked.contains('…') && !masked.contains("9C51"), "{text}: {masked}");
        }
        for before in ["", "A", "AC", "AC1", "AC01:"] {
            let pair = format!("{before}{TOKEN}");
            for text in [STANDARD.encode(&pair), URL_SAFE.encode(&pair)] {
                let masked = mask(TOKEN).text(&format!("Basic {text}"));
                // What is left are letters that it shares with what stands before and after it.
                let left = masked.trim_start_matches("Basic ").trim_end_matches('=').chars().count();
                assert!(masked.contains('…') && left <= before.len() * 8 / 6 + 4, "{text}: {masked}");
            }
        }
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "the provider refused the request (HTTP 401), MTIz, 100 %";
        assert_eq!(mask("1234").text(text), text);
        assert_eq!(mask("123").text("123"), "123");
    }

    #[test]
    fn of_an_outcome_only_what_is_read_is_masked() {
        let outcome = json!({"instruction": "type 123456", "delivery": {"version": 1, "value": "123456"}});
        let after = |name| {
            let mut outcome = outcome.clone();
            mask("123456").outcome(name, &mut outcome);
            outcome
        };
        let started = after(OperationName::Start);
        assert_eq!((&started["instruction"], &started["delivery"]), (&json!("type …"), &outcome["delivery"]));
        assert_eq!(after(OperationName::Check), outcome);
        assert_eq!(after(OperationName::TestCredentials)["delivery"]["value"], "…");
    }
}
