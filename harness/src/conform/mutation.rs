//! Settings of another shape than the schema's, and what a host says of them.

use std::fs;

use countersign::bootstrap::Bootstrap;
use countersign_plugin::Manifest;
use countersign_plugin::manifest::Shape;
use serde_json::{Map, Value, json};

/// What a wrong value is made of; it stands in no text of a plugin's own.
pub(super) const CANARY: &str = "kitcanarykitcanary";
/// The variable that holds every secret for the host.
const VARIABLE: &str = "KIT_SECRET";
/// Far beyond any `maxLength`.
const LONG: usize = 5_000;

/// One thing that is wrong with settings.
pub(super) struct Mutation {
    /// What, as "settings with …".
    pub(super) what: String,
    /// Which setting it is about.
    pub(super) setting: String,
    /// The settings.
    pub(super) settings: Value,
    /// Whether they are of another shape, and not merely out of range: no settings struct reads them.
    pub(super) structural: bool,
}

/// Everything that can be wrong with good settings, one thing at a time.
pub(super) fn mutations(schema: &Value, good: &Value) -> Vec<Mutation> {
    let shape = Shape::of(schema);
    let Some(members) = good.as_object() else { return Vec::new() };
    let mut all = Vec::new();
    let mut add = |what: String, setting: &str, structural: bool, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut settings = members.clone();
        change(&mut settings);
        all.push(Mutation { what, setting: setting.to_owned(), settings: settings.into(), structural });
    };
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        add(format!("no `{name}`"), name, true, &|settings| drop(settings.remove(name)));
    }
    for name in shape.names() {
        let types = shape.types(name);
        if shape.is_secret(name) {
            add(format!("the secret `{name}` as plain text"), name, true, &|settings| {
                settings.insert(name.to_owned(), json!(CANARY));
            });
            continue;
        }
        let choices = !shape.choices(name).is_empty();
        for (kind, value) in others(&types) {
            // Without a type there is no other one; that is told by itself.
            if types.is_empty() && !choices {
                break;
            }
            add(format!("{kind} for `{name}`"), name, true, &|settings| {
                settings.insert(name.to_owned(), value.clone());
            });
        }
        if choices {
            add(format!("another word for `{name}`"), name, true, &|settings| {
                settings.insert(name.to_owned(), json!(CANARY));
            });
        }
        let described = property(schema, name);
        if let Some(pattern) = described.and_then(|it| it.get("pattern")).and_then(Value::as_str) {
            // A text that most patterns refuse; where one takes it, nothing is wrong with it.
            if pattern.starts_with('^') && pattern.ends_with('$') && !pattern.contains(".*") {
                add(format!("a `{name}` that is not as its pattern"), name, false, &|settings| {
                    settings.insert(name.to_owned(), json!(format!(":{CANARY} ?#@\n")));
                });
            }
        }
        if described.is_some_and(|it| it.get("maxLength").is_some()) {
            add(format!("a `{name}` that is too long"), name, false, &|settings| {
                settings.insert(name.to_owned(), json!("x".repeat(LONG)));
            });
        }
        for (limit, value) in [("maximum", 1_000_000_000_i64), ("minimum", -1)] {
            if let Some(bound) = described.and_then(|it| it.get(limit)).and_then(Value::as_i64) {
                let value = if limit == "maximum" { value.max(bound.saturating_add(1)) } else { value.min(bound - 1) };
                add(format!("a `{name}` beyond its {limit}"), name, false, &|settings| {
                    settings.insert(name.to_owned(), json!(value));
                });
            }
        }
    }
    add("a key that there is not".to_owned(), "kit_unknown", true, &|settings| {
        settings.insert("kit_unknown".to_owned(), json!(CANARY));
    });
    all
}

/// The property's own schema, where it stands at the top.
fn property<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(name)
}

/// Values of all types but these.
fn others(types: &[&str]) -> Vec<(&'static str, Value)> {
    let all = [
        ("a text", "string", json!(CANARY)),
        ("a number", "number", json!(7.5)),
        ("a list", "array", json!([CANARY])),
        ("an object", "object", json!({CANARY: CANARY})),
        ("a truth value", "boolean", json!(true)),
    ];
    // Where a type goes by `enum` or `const` alone, it is a text.
    let types = if types.is_empty() { &["string"] } else { types };
    all.into_iter().filter(|(_, name, _)| !types.contains(name)).map(|(what, _, value)| (what, value)).collect()
}

/// What a host says of settings.
pub(super) enum Refusal {
    /// It accepts them.
    None,
    /// It does not.
    Because(String),
    /// It could not be asked.
    NotTried(String),
}

/// Puts the settings into a bootstrap and reads that, as a host does.
pub(super) fn refusal(manifest: &Manifest, settings: &Value) -> Refusal {
    let shape = Shape::of(&manifest.settings);
    let channel = manifest.channels.first().map_or("kit", |channel| &channel.channel);
    let mut service = Map::new();
    for (name, value) in settings.as_object().into_iter().flatten() {
        let reference = shape.is_secret(name) && value.get("secret").is_some();
        service.insert(name.clone(), if reference { json!({ "env": VARIABLE }) } else { value.clone() });
    }
    service.insert("channel".to_owned(), json!(channel));
    service.insert("provider".to_owned(), json!(manifest.id));
    service.insert("delivery_type".to_owned(), json!(manifest.delivery_type.as_str()));
    let bootstrap = json!({ "version": 1, "services": { "kit": service } });
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return Refusal::NotTried(format!("there is no folder for a bootstrap file ({error})")),
    };
    let path = folder.path().join("countersign.json");
    if let Err(error) = fs::write(&path, bootstrap.to_string()) {
        return Refusal::NotTried(format!("no bootstrap file could be written ({error})"));
    }
    let variables = [(VARIABLE.to_owned(), super::inputs::SECRET.to_owned())];
    let bootstrap = match Bootstrap::read_with(&path, variables) {
        Ok(bootstrap) => bootstrap,
        Err(error) => return Refusal::Because(without(&error.to_string(), &path)),
    };
    let Some(service) = bootstrap.services.get("kit") else {
        return Refusal::Because("the host finds no service in it".to_owned());
    };
    match service.resolve(&manifest.settings, folder.path()) {
        Ok(_) => Refusal::None,
        Err(error) => Refusal::Because(without(&error.to_string(), &path)),
    }
}

/// The text without the file, which is nobody's.
fn without(text: &str, path: &std::path::Path) -> String {
    text.replace(&path.display().to_string(), "bootstrap").replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["id", "token"],
            "properties": {
                "id": {"type": "string", "pattern": "^A[0-9]{2}$", "maxLength": 3},
                "token": {"type": "object", "x-secret": true},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
            },
        })
    }

    fn manifest() -> Manifest {
        serde_json::from_value(json!({
            "manifest": 1, "id": "acme", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "local",
            "labels": {"en": {"name": "ACME"}}, "settings": schema(),
            "channels": [{
                "channel": "sms", "code_made_by": "provider", "code_checked_by": "provider", "destination": "phone",
                "operations": ["start", "check"],
            }],
        }))
        .expect("a manifest")
    }

    fn good() -> Value {
        json!({"id": "A12", "token": {"secret": "token"}})
    }

    #[test]
    fn good_settings_are_accepted_and_every_wrong_one_is_refused_by_its_name() {
        assert!(matches!(refusal(&manifest(), &good()), Refusal::None));
        let all = mutations(&schema(), &good());
        for Mutation { what, setting, settings, .. } in &all {
            let Refusal::Because(why) = refusal(&manifest(), settings) else {
                panic!("{what} is accepted: {settings}")
            };
            assert!(why.contains(setting.as_str()), "{what}: {why}");
            assert!(!why.contains(CANARY) || setting == "mode", "{what}: {why}");
        }
        let told: Vec<_> = all.iter().map(|it| it.what.as_str()).collect();
        for what in [
            "no `id`",
            "a list for `id`",
            "the secret `token` as plain text",
            "another word for `mode`",
            "a text for `n`",
            "a `n` beyond its maximum",
            "a `n` beyond its minimum",
            "a `id` that is too long",
            "a `id` that is not as its pattern",
            "a key that there is not",
        ] {
            assert!(told.contains(&what), "{what}: {told:?}");
        }
    }
}
