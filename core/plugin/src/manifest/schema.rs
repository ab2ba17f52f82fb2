//! What a plugin's JSON Schema says about single settings: which there are, which are secrets, of
//! what type.

use std::collections::BTreeMap;

use serde_json::Value;

/// The settings of a plugin by its schema.
pub struct Shape<'s> {
    root: &'s Value,
    properties: BTreeMap<&'s str, Vec<&'s Value>>,
}

impl<'s> Shape<'s> {
    /// Reads the schema. References within it and branches of `oneOf` and the like are followed.
    pub fn of(schema: &'s Value) -> Self {
        let mut properties: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for branch in branches(schema, schema) {
            let here = branch.get("properties").and_then(Value::as_object);
            for (name, property) in here.into_iter().flatten() {
                // A property may be described once in each branch of a `oneOf`.
                let described = properties.entry(name.as_str()).or_default();
                described.extend(branches(schema, property));
            }
        }
        Self { root: schema, properties }
    }

    /// The settings that there are, in the order of their names.
    pub fn names(&self) -> impl Iterator<Item = &'s str> {
        self.properties.keys().copied()
    }

    /// Whether there is a setting of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// Whether that setting is a secret: its schema, or what that refers to, carries
    /// `"x-secret": true`.
    pub fn is_secret(&self, name: &str) -> bool {
        self.parts(name).iter().any(|part| is_marked(part))
    }

    /// A setting that is no secret and yet has one within, where it would be taken for plain text.
    pub fn around_a_secret(&self) -> Option<&'s str> {
        self.names().filter(|name| !self.is_secret(name)).find(|name| self.has_secret_within(name))
    }

    fn has_secret_within(&self, name: &str) -> bool {
        let mut seen: Vec<&Value> = Vec::new();
        let mut open = self.parts(name).to_vec();
        while let Some(value) = open.pop() {
            if seen.iter().any(|seen| std::ptr::eq(*seen, value)) {
                continue;
            }
            seen.push(value);
            if is_marked(value) {
                return true;
            }
            match value {
                Value::Object(entries) => {
                    open.extend(target(self.root, value));
                    open.extend(entries.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        false
    }

    /// The types that a setting may have; empty if the schema leaves that open.
    pub fn types(&self, name: &str) -> Vec<&'s str> {
        let listed = self.parts(name).iter().flat_map(|part| {
            match part.get("type") {
                Some(Value::Array(types)) => types.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => &[],
            }
            .iter()
            .filter_map(Value::as_str)
        });
        listed.collect()
    }

    /// What the schema says that the setting is.
    pub fn description(&self, name: &str) -> Option<&'s str> {
        let described = self.parts(name).iter();
        described.filter_map(|part| part.get("description")).find_map(Value::as_str)
    }

    /// The texts that a setting may have; empty if the schema leaves that open.
    pub fn choices(&self, name: &str) -> Vec<&'s str> {
        let listed = self.parts(name).iter().flat_map(|part| {
            let one = part.get("const").into_iter();
            let several = part.get("enum").and_then(Value::as_array).into_iter().flatten();
            one.chain(several).filter_map(Value::as_str)
        });
        listed.collect()
    }

    fn parts(&self, name: &str) -> &[&'s Value] {
        self.properties.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A schema and all that applies, or may apply, to the same value: references and branches.
fn branches<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut found: Vec<&Value> = Vec::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        // A schema may refer to itself.
        if found.iter().any(|seen| std::ptr::eq(*seen, schema)) {
            continue;
        }
        found.push(schema);
        open.extend(target(root, schema));
        for keyword in ["then", "else"] {
            open.extend(schema.get(keyword));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let branches = schema.get(keyword).and_then(Value::as_array);
            open.extend(branches.into_iter().flatten());
        }
    }
    found
}

fn is_marked(schema: &Value) -> bool {
    schema.get("x-secret") == Some(&Value::Bool(true))
}

/// What a schema's `$ref` refers to, within the same document.
fn target<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    let reference = schema.get("$ref")?.as_str()?;
    root.pointer(reference.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_secret(property: Value, expected: bool) {
        let schema = json!({
            "$defs": {
                "SecretRef": {"type": "object", "x-secret": true},
                "Plain": {"type": "string"},
                "Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}, {"$ref": "#/$defs/SecretRef"}]},
            },
            "properties": {"token": property},
        });
        assert_eq!(Shape::of(&schema).is_secret("token"), expected);
    }

    #[test]
    fn a_secret_is_known_by_its_mark_wherever_that_stands() {
        check_secret(json!({"type": "object", "x-secret": true}), true);
        check_secret(json!({"$ref": "#/$defs/SecretRef"}), true);
        check_secret(json!({"anyOf": [{"$ref": "#/$defs/SecretRef"}, {"type": "null"}]}), true);
        check_secret(json!({"oneOf": [{"type": "null"}, {"x-secret": true}]}), true);
        check_secret(json!({"$ref": "#/$defs/Loop"}), true);
        check_secret(json!({"$ref": "#/$defs/Plain"}), false);
        check_secret(json!({"type": "object", "x-secret": false}), false);
    }

    #[track_caller]
    fn check_around(property: Value, expected: Option<&str>) {
        let schema = json!({
            "$defs": {"SecretRef": {"x-secret": true}, "Tree": {"items": {"$ref": "#/$defs/Tree"}}},
            "properties": {"token": {"x-secret": true}, "accounts": property},
        });
        assert_eq!(Shape::of(&schema).around_a_secret(), expected);
    }

    #[test]
    fn a_secret_within_a_setting_is_found() {
        check_around(json!({"items": {"$ref": "#/$defs/SecretRef"}}), Some("accounts"));
        check_around(json!({"properties": {"a": {"anyOf": [{"x-secret": true}]}}}), Some("accounts"));
        check_around(json!({"$ref": "#/$defs/SecretRef"}), None);
        check_around(json!({"$ref": "#/$defs/Tree"}), None);
        check_around(json!({"type": "string"}), None);
    }

    #[test]
    fn choices_are_collected_from_all_branches() {
        let schema = json!({
            "$defs": {"Mode": {"oneOf": [{"const": "call"}, {"enum": ["authy", null]}]}},
            "properties": {"mode": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"type": "null"}]}, "open": {"type": "string"}},
        });
        let shape = Shape::of(&schema);
        let mut choices = shape.choices("mode");
        choices.sort_unstable();
        assert_eq!(choices, ["authy", "call"]);
        assert!(shape.choices("open").is_empty() && shape.choices("none").is_empty());
    }

    #[test]
    fn settings_of_all_branches_are_known() {
        let schema = json!({
            "properties": {"mode": {"type": "string"}},
            "oneOf": [
                {"properties": {"auth_id": {"type": "string", "description": "the account"}}},
                {"$ref": "#/$defs/Authy"},
            ],
            "$defs": {"Authy": {"properties": {"pause": {"type": ["integer", "null"]}}}},
        });
        let shape = Shape::of(&schema);
        assert_eq!(shape.names().collect::<Vec<_>>(), ["auth_id", "mode", "pause"]);
        assert_eq!(shape.types("pause"), ["integer", "null"]);
        assert_eq!(shape.description("auth_id"), Some("the account"));
    }
}
