//! From what a case writes down to the operation that the engine is asked for.

use countersign_plugin::{Data, Operation, OperationName, Scope};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::CaseError;
use crate::cassette::{Case, CaseOperation, Shown};

/// What one operation leaves to the next, as the engine's store does.
#[derive(Default)]
pub(crate) struct Carried {
    recipient: Option<Value>,
    delivery: Option<Value>,
    enrollment: Option<Value>,
}

impl Carried {
    /// What the plugin kept on its way.
    pub(crate) fn keep(&mut self, kept: Vec<(Scope, Data)>) {
        for (scope, data) in kept {
            let data = Some(json!({"version": data.version, "value": data.value}));
            match scope {
                Scope::Delivery => self.delivery = data,
                Scope::Enrollment => self.enrollment = data,
            }
        }
    }

    /// What the outcome hands to the engine.
    pub(crate) fn outcome(&mut self, operation: OperationName, outcome: &Value) {
        let holder = match operation {
            OperationName::ConfirmEnrollment => outcome.get("confirmed").unwrap_or(&Value::Null),
            _ => outcome,
        };
        let data = |name: &str| holder.get(name).filter(|data| !data.is_null()).cloned();
        if let Some(delivery) = data("delivery") {
            self.delivery = Some(delivery);
        }
        if let Some(enrollment) = data("enrollment") {
            self.enrollment = Some(enrollment);
        }
    }

    /// The operation with what the case says and, where it says nothing, what the engine would:
    /// channel, mode, the purpose `login`, and what earlier operations left. `null` leaves out.
    pub(crate) fn operation(
        &mut self,
        case: &Case,
        index: usize,
        asked: &CaseOperation,
    ) -> Result<Operation, CaseError> {
        let name = asked.operation;
        if name == OperationName::Start {
            self.recipient = asked.input.get("recipient").cloned();
            self.delivery = None;
        }
        let mut input: Map<String, Value> = Map::new();
        for field in fields(name) {
            let value = match *field {
                "channel" => Some(Value::from(&*case.channel)),
                "mode" => case.mode.as_deref().map(Value::from),
                "purpose" => Some(Value::from("login")),
                "recipient" => self.recipient.clone(),
                "delivery" => self.delivery.clone(),
                "enrollment" => self.enrollment.clone(),
                _ => None,
            };
            input.extend(value.map(|value| ((*field).to_owned(), value)));
        }
        input.extend(asked.input.clone());
        input.retain(|_, value| !value.is_null());
        let whole = json!({ name.as_str(): input });
        let operation = Operation::deserialize(&whole).map_err(|error| {
            // The cause may quote a value.
            CaseError::Input { operation: index, name, reason: Shown::of(&error.to_string()) }
        })?;
        // The contract ignores unknown fields; in a case each is a misspelled one.
        let read = serde_json::to_value(&operation).unwrap_or_default();
        match dropped(&whole, &read, String::new()) {
            None => Ok(operation),
            Some(pointer) => Err(CaseError::UnknownInput { operation: index, name, pointer }),
        }
    }
}

/// The fields of an operation's input that the engine fills in.
const fn fields(operation: OperationName) -> &'static [&'static str] {
    match operation {
        OperationName::TestCredentials | OperationName::Provision => &[],
        OperationName::Enroll => &["channel", "mode"],
        OperationName::ConfirmEnrollment | OperationName::Unenroll => &["channel", "mode", "enrollment"],
        OperationName::Start => &["channel", "mode", "purpose", "enrollment"],
        OperationName::Check => &["channel", "mode", "purpose", "recipient", "enrollment", "delivery"],
        OperationName::Cancel => &["channel", "mode", "delivery"],
        OperationName::Status => &["channel", "mode", "recipient", "delivery"],
        OperationName::Receive => &["delivery"],
    }
}

/// Where something that was written did not come through reading.
fn dropped(written: &Value, read: &Value, pointer: String) -> Option<String> {
    match (written, read) {
        (Value::Null, _) => None,
        (Value::Object(written), Value::Object(read)) => written.iter().find_map(|(key, value)| {
            let pointer = format!("{pointer}/{key}");
            match read.get(key) {
                Some(read) => dropped(value, read, pointer),
                None => Some(pointer).filter(|_| !value.is_null()),
            }
        }),
        (written, read) => (written != read).then_some(pointer),
    }
}
