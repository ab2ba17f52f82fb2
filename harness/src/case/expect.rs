//! What a case expects of an operation, compared with what came out.

use std::fmt;

use countersign::operation::Failed;
use countersign_plugin::OperationName;
use serde_json::{Value, json};

use super::CaseError;
use crate::cassette::{CaseOperation, SentMessage, Shown};

/// What must come out of one operation.
pub(super) struct Expectation<'a> {
    result: Expected<'a>,
    messages: Option<&'a Value>,
}

enum Expected<'a> {
    Outcome(&'a Value),
    Failure(&'a Value),
}

/// A value that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    /// Where, as a JSON pointer (RFC 6901) into `outcome`, `failure` or `messages`.
    pub pointer: String,
    /// What the case expects, masked.
    pub expected: Shown,
    /// What came out, masked; `None` where there is nothing.
    pub found: Option<Shown>,
}

/// How an operation ended, beside what the case expects of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// `outcome`, or the kind of the failure.
    pub ended: String,
    /// The outcome or the words of the failure, masked.
    pub detail: Shown,
    /// Every value that the case names, and whether it is as expected.
    pub values: Vec<(Unexpected, bool)>,
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found ", self.pointer, self.expected)?;
        match &self.found {
            Some(found) => write!(f, "{found}"),
            None => f.write_str("nothing"),
        }
    }
}

impl<'a> Expectation<'a> {
    pub(super) fn of(index: usize, operation: &'a CaseOperation) -> Result<Self, CaseError> {
        let name = operation.operation;
        if let Some(key) = operation.expect.keys().find(|key| !matches!(&***key, "outcome" | "failure" | "messages")) {
            return Err(CaseError::UnknownExpectation { operation: index, name, key: key.clone() });
        }
        let result = match (operation.expect.get("outcome"), operation.expect.get("failure")) {
            (Some(outcome), None) => Expected::Outcome(outcome),
            (None, Some(failure)) => Expected::Failure(failure),
            _ => return Err(CaseError::OutcomeOrFailure { operation: index, name }),
        };
        Ok(Self { result, messages: operation.expect.get("messages") })
    }

    /// Everything that is not as expected. An object may have members that the case does not name;
    /// all else must be equal.
    pub(super) fn compare(
        &self,
        operation: OperationName,
        came: &Result<Value, Failed>,
        messages: &[SentMessage],
    ) -> Result<(), Surprise> {
        let mut unexpected = Vec::new();
        let mut differs = |pointer: &str, expected: &Value, found: Option<&Value>, same: bool| {
            if !same {
                unexpected.push(Unexpected::of(pointer, expected, found));
            }
        };
        match (&self.result, came) {
            (Expected::Outcome(expected), Ok(outcome)) => compare(expected, outcome, "/outcome", &mut differs),
            (Expected::Failure(expected), Err(failed)) => compare(expected, &failure(failed), "/failure", &mut differs),
            (Expected::Outcome(_), Err(failed)) => return Err(Surprise::Failed { operation, failed: failed.clone() }),
            (Expected::Failure(_), Ok(outcome)) => {
                return Err(Surprise::Succeeded { operation, outcome: shown("", outcome) });
            }
        }
        self.compare_messages(messages, &mut differs);
        if unexpected.is_empty() { Ok(()) } else { Err(Surprise::Different { operation, unexpected }) }
    }

    /// The same comparison for who wants to read all of it.
    pub(super) fn compared(&self, came: &Result<Value, Failed>, messages: &[SentMessage]) -> Compared {
        let mut values = Vec::new();
        let mut seen = |pointer: &str, expected: &Value, found: Option<&Value>, same: bool| {
            values.push((Unexpected::of(pointer, expected, found), same));
        };
        match (&self.result, came) {
            (Expected::Outcome(expected), Ok(outcome)) => compare(expected, outcome, "/outcome", &mut seen),
            (Expected::Failure(expected), Err(failed)) => compare(expected, &failure(failed), "/failure", &mut seen),
            (Expected::Outcome(expected), Err(_)) => seen("/outcome", expected, None, false),
            (Expected::Failure(expected), Ok(_)) => seen("/failure", expected, None, false),
        }
        self.compare_messages(messages, &mut seen);
        let (ended, detail) = match came {
            Ok(outcome) => ("outcome".to_owned(), shown("", outcome)),
            Err(failed) => (format!("failure ({})", failed.failure.kind.name()), Shown::message(&failed.to_string())),
        };
        Compared { ended, detail, values }
    }

    fn compare_messages(&self, messages: &[SentMessage], seen: &mut impl FnMut(&str, &Value, Option<&Value>, bool)) {
        if let Some(expected) = self.messages {
            let found: Vec<Value> = messages
                .iter()
                .map(|message| json!({"to": message.to, "channel": message.channel, "text": message.text}))
                .collect();
            compare(expected, &found.into(), "/messages", seen);
        }
    }
}

impl Unexpected {
    fn of(pointer: &str, expected: &Value, found: Option<&Value>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            expected: shown(pointer, expected),
            found: found.map(|found| shown(pointer, found)),
        }
    }
}

impl Compared {
    /// Whether all is as expected.
    pub fn as_expected(&self) -> bool {
        self.values.iter().all(|(_, same)| *same)
    }
}

/// An operation that did not end as expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Surprise {
    /// It failed.
    #[error("`{operation}` failed ({kind}): {failed}", kind = failed.failure.kind.name())]
    Failed {
        /// The operation.
        operation: OperationName,
        /// How; known secrets are masked.
        failed: Failed,
    },
    /// It should have failed.
    #[error("`{operation}` should have failed, but its outcome is {outcome}")]
    Succeeded {
        /// The operation.
        operation: OperationName,
        /// What came out, masked.
        outcome: Shown,
    },
    /// Outcome, failure or messages are others.
    #[error("`{operation}`: {}", list(unexpected))]
    Different {
        /// The operation.
        operation: OperationName,
        /// At least one.
        unexpected: Vec<Unexpected>,
    },
}

fn list(unexpected: &[Unexpected]) -> String {
    unexpected.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A failure as cases see it: as in the contract, with the transport's proof beside it.
fn failure(failed: &Failed) -> Value {
    let mut failure = serde_json::to_value(&failed.failure).unwrap_or_default();
    failure["nothing_left"] = failed.nothing_left.into();
    failure
}

/// Tells `seen` of every value that the case names, and whether it is as expected.
fn compare(expected: &Value, found: &Value, pointer: &str, seen: &mut impl FnMut(&str, &Value, Option<&Value>, bool)) {
    match (expected, found) {
        (Value::Object(members), Value::Object(values)) if !members.is_empty() => {
            for (key, expected) in members {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match values.get(key) {
                    Some(found) => compare(expected, found, &pointer, seen),
                    // The contract leaves out what is absent.
                    None => seen(&pointer, expected, None, expected.is_null()),
                }
            }
        }
        (Value::Object(_), Value::Object(_)) => seen(pointer, expected, Some(found), true),
        (Value::Array(items), Value::Array(values)) if items.len() == values.len() && !items.is_empty() => {
            for (at, (expected, found)) in items.iter().zip(values).enumerate() {
                compare(expected, found, &format!("{pointer}/{at}"), seen);
            }
        }
        (expected, found) => seen(pointer, expected, Some(found), expected == found),
    }
}

fn shown(pointer: &str, value: &Value) -> Shown {
    match value {
        // The engine has masked it, and error codes of providers are no secrets.
        Value::String(text) if pointer.starts_with("/failure/") => Shown::known(text),
        // What a QR code says holds the seed, whatever the member is called.
        Value::String(text) if text.starts_with("otpauth:") => Shown::of_field("secret", text),
        Value::String(text) => Shown::of_field(pointer.rsplit('/').next().unwrap_or_default(), text),
        // Data of a provider may be a seed: only the names of members are shown.
        Value::Object(members) => Shown::of(&format!("{{{}}}", members.keys().cloned().collect::<Vec<_>>().join(", "))),
        value => Shown::of(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use countersign_plugin::{Failure, FailureKind};

    use super::*;

    #[track_caller]
    fn check(expected: &Value, found: &Value, differences: &[&str]) {
        let mut texts = Vec::new();
        compare(expected, found, "", &mut |pointer, expected, found, same| {
            if !same {
                texts.push(Unexpected::of(pointer, expected, found).to_string());
            }
        });
        assert_eq!(texts, differences);
    }

    #[test]
    fn members_that_a_case_names_must_be_equal_and_others_may_be_anything() {
        check(&json!("wrong_code"), &json!("wrong_code"), &[]);
        check(&json!({"a": {"b": 1}}), &json!({"a": {"b": 1, "c": 2}, "d": 3}), &[]);
        check(
            &json!({"a": {"b": 1}, "x": "y"}),
            &json!({"a": {"b": 2}}),
            &["/a/b: expected 1, found 2", "/x: expected y, found nothing"],
        );
        check(&json!({"a": null}), &json!({}), &[]);
        check(&json!([{"a": 1}]), &json!([{"a": 1, "b": 2}]), &[]);
        check(&json!([1]), &json!([1, 2]), &[": expected [1], found [1,2]"]);
        check(&json!({"approved": {}}), &json!("wrong_code"), &[": expected {approved}, found wrong_code"]);
    }

    #[test]
    fn surprises_show_neither_codes_nor_data() {
        let failed = Failed {
            failure: Failure::new(FailureKind::Expired, "no such verification").code("20404"),
            nothing_left: false,
        };
        check(&json!({"kind": "expired", "provider_code": "20404", "nothing_left": false}), &failure(&failed), &[]);
        check(
            &json!({"code": "135790", "text": "is 135790", "data": 1, "uri": "otpauth://totp/A?secret=JBSW"}),
            &json!({"code": "975310", "text": "is 975310", "data": {"seed": "JBSWY3DP"}, "uri": "otpauth://totp/A"}),
            &[
                "/code: expected (6 hidden characters), found (6 hidden characters)",
                "/data: expected 1, found {seed}",
                "/text: expected is ••••••, found is ••••••",
                "/uri: expected (28 hidden characters), found (16 hidden characters)",
            ],
        );
    }
}
