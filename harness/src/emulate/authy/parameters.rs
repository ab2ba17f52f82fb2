//! Parameters of the Authy-style service: query, form, or JSON; official clients use all three.

use serde_json::{Map, Value};

use super::answer::Denial;
use crate::emulate::request::Asked;

/// Longest value, in characters.
const LONGEST: usize = 1024;

/// Names and values, `{"user": {"email": …}}` as `user[email]`.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(asked: &Asked<'_>) -> Result<Self, Denial> {
        let mut all: Vec<(String, String)> =
            asked.query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if asked.says_json() {
            match asked.json() {
                Some(Value::Object(object)) => flatten(&mut all, object),
                _ if asked.body().is_empty() => {}
                _ => return Err(Denial::new(400, "60002", "Invalid request")),
            }
        } else {
            all.extend(asked.form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        if all.iter().any(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(Denial::new(400, "60005", "Invalid UTF-8"));
        }
        if all.iter().any(|(_, value)| value.chars().count() > LONGEST) {
            return Err(Denial::new(400, "60004", "Invalid parameter"));
        }
        Ok(Self(all))
    }

    /// What stands below a name, as `name[key]`: key and value.
    pub(super) fn below(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(known, value)| {
            let key = known.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((key, value.as_str()))
        })
    }

    /// The first value of that name that is not empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }
}

/// Two levels are all that the service has.
fn flatten(all: &mut Vec<(String, String)>, object: Map<String, Value>) {
    for (name, value) in object {
        if let Value::Object(inner) = value {
            let scalars = inner.into_iter().filter_map(|(key, value)| Some((key, scalar(value)?)));
            all.extend(scalars.map(|(key, value)| (format!("{name}[{key}]"), value)));
        } else if let Some(value) = scalar(value) {
            all.push((name, value));
        }
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
