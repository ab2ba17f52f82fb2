//! A violation of a plugin's schema, told by key, what was found and what is expected.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::bootstrap::error::{shown, text_of};

/// One violation, with the place within the settings at which it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// The names from the settings' root to the value; empty for the root.
    pub(super) path: Vec<String>,
    pub(super) rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Something that has to be there is not.
    Missing,
    /// There is something that has no place here.
    Unexpected,
    /// The value is not as expected.
    Expected { found: String, expected: String },
}

/// What an error of the validator means; several violations where it stands for several.
///
/// The validator's own texts are not used, as they repeat the value, which may be a secret.
pub(super) fn violations(error: &ValidationError<'_>) -> Vec<Violation> {
    let path = segments(error.instance_path().as_str());
    let beside = |name: &str, rule| {
        let mut path = path.clone();
        path.push(name.to_owned());
        Violation { path, rule }
    };
    let expected = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return vec![beside(name, Rule::Missing)];
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names = unexpected.iter();
            return names.map(|name| beside(name, Rule::Unexpected)).collect();
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match closest(context) {
            Some(branch) => return branch.iter().flat_map(violations).collect(),
            None => "something else".to_owned(),
        },
        Kind::OneOfMultipleValid { .. } => "settings for one way only, and these fit several".to_owned(),
        Kind::Type { kind } => match kind {
            jsonschema::error::TypeKind::Single(one) => type_name(one.as_str()).to_owned(),
            jsonschema::error::TypeKind::Multiple(several) => {
                let names = several.iter().map(|one| type_name(one.as_str()));
                names.collect::<Vec<_>>().join(" or ")
            }
        },
        Kind::Pattern { pattern } => format!("text that matches {pattern}"),
        Kind::Format { format } => format!("text of the format {format}"),
        Kind::Enum { options } => match options.as_array() {
            Some(options) => format!("one of {}", list(options)),
            None => "one of the listed values".to_owned(),
        },
        Kind::Constant { expected_value } => expected_value.to_string(),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        Kind::UniqueItems => "items that differ from each other".to_owned(),
        Kind::FalseSchema => {
            return vec![Violation { path, rule: Rule::Unexpected }];
        }
        other => format!("what the plugin's schema says by `{}`", other.keyword()),
    };
    let found = found(error.kind(), error.instance());
    vec![Violation { path, rule: Rule::Expected { found, expected } }]
}

/// What stands there, as far as it may be shown: it may be a secret in the wrong setting. Of text only what was to
/// be one of a few words is, and of numbers what was to be a number.
fn found(kind: &Kind, value: &Value) -> String {
    match value {
        Value::String(text) => match kind {
            Kind::Enum { .. } | Kind::Constant { .. } => shown(text),
            _ => text_of(text.chars().count()),
        },
        Value::Number(_) if matches!(kind, Kind::Type { .. }) => "a number".to_owned(),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// The branch that was most probably meant: not one for another mode, and of the others the one with least wrong.
fn closest<'e>(branches: &'e [Vec<ValidationError<'static>>]) -> Option<&'e Vec<ValidationError<'static>>> {
    let of_another_mode = |errors: &[ValidationError<'_>]| {
        let fixed = |kind: &Kind| matches!(kind, Kind::Constant { .. } | Kind::Enum { .. });
        errors.iter().any(|error| fixed(error.kind()))
    };
    // `null` is but the way to leave something out.
    let is_null = |errors: &[ValidationError<'_>]| {
        errors.iter().any(|error| {
            matches!(error.kind(), Kind::Type { kind: jsonschema::error::TypeKind::Single(one) } if one.as_str() == "null")
        })
    };
    let branches = branches.iter().filter(|errors| !errors.is_empty());
    branches.min_by_key(|errors| (is_null(errors), of_another_mode(errors), errors.len()))
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}

fn list(options: &[Value]) -> String {
    let shown: Vec<_> = options.iter().map(Value::to_string).collect();
    shown.join(", ")
}

fn segments(pointer: &str) -> Vec<String> {
    let parts = pointer.split('/').skip(1);
    parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}
