//! Settings out of a schema: its `examples`, or what can be put together without them.

use countersign_plugin::manifest::Shape;
use serde_json::{Map, Value, json};

/// Whole sets of settings: the schema's `examples` at its top, or else one set with what each required setting has as
/// `examples`, `default` or choices. References to secrets are added where they are missing.
///
/// # Errors
/// The required settings for which there is nothing of this.
pub(super) fn of(schema: &Value) -> Result<Vec<Value>, Vec<String>> {
    let whole: Vec<_> = schema.get("examples").and_then(Value::as_array).into_iter().flatten().cloned().collect();
    if !whole.is_empty() {
        return Ok(whole);
    }
    let shape = Shape::of(schema);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut settings = Map::new();
    let mut missing = Vec::new();
    for name in required {
        match example(schema, &shape, name) {
            Some(value) => drop(settings.insert(name.to_owned(), value)),
            None => missing.push(name.to_owned()),
        }
    }
    if missing.is_empty() { Ok(vec![settings.into()]) } else { Err(missing) }
}

fn example(schema: &Value, shape: &Shape<'_>, name: &str) -> Option<Value> {
    if shape.is_secret(name) {
        return Some(json!({ "secret": name }));
    }
    let property = schema.get("properties")?.get(name)?;
    let first = property.get("examples").and_then(Value::as_array).and_then(|examples| examples.first());
    let known = first.or_else(|| property.get("default").filter(|default| !default.is_null()));
    known.cloned().or_else(|| shape.choices(name).first().map(|choice| Value::from(*choice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &Value, expected: Result<Vec<Value>, Vec<&str>>) {
        let expected = expected.map_err(|names| names.into_iter().map(str::to_owned).collect());
        assert_eq!(of(schema), expected);
    }

    #[test]
    fn whole_examples_win_and_others_are_put_together() {
        let secret = json!({"type": "object", "x-secret": true});
        check(&json!({"examples": [{"a": 1}, {"a": 2}]}), Ok(vec![json!({"a": 1}), json!({"a": 2})]));
        check(&json!({"properties": {"a": {"type": "string"}}}), Ok(vec![json!({})]));
        let schema = json!({
            "properties": {
                "token": secret, "from": {"examples": ["+1", "+2"]}, "mode": {"enum": ["call"]}, "n": {"default": 3},
            },
            "required": ["token", "from", "mode", "n"],
        });
        check(&schema, Ok(vec![json!({"token": {"secret": "token"}, "from": "+1", "mode": "call", "n": 3})]));
    }

    #[test]
    fn what_nobody_gives_an_example_of_is_named() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"default": null}}, "required": ["a", "b"]});
        check(&schema, Err(vec!["a", "b"]));
    }
}
