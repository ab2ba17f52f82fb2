//! Takes known secrets out of texts that a plugin wrote.

use std::fmt;

use countersign_plugin::{Data, Failure, Operation, Recipient};
use serde_json::Value;
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

    /// The text without them.
    pub fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for needle in &self.needles {
            if masked.contains(needle.as_str()) {
                masked = masked.replace(needle.as_str(), "…");
            }
        }
        masked
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
            Some(Recipient::Email(email)) => self.add(email),
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

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} values)", self.needles.len())
    }
}
