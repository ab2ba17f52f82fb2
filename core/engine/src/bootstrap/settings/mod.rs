//! A service's settings, checked against its plugin's schema, with the secrets taken out.

mod secret;
#[cfg(test)]
mod tests;
mod violation;

use std::collections::BTreeMap;
use std::path::Path;

use countersign_plugin::manifest::Shape;
use serde_json::{Map, Number, Value, json};

use super::environment::folded;
use super::error::{Fault, lines};
use super::key::{KeyPath, nearest};
use super::keys::SERVICE_KEYS;
use super::origin::Origin;
use super::reader::comma_separated;
use super::service::{RawSetting, Service};
use crate::secrets::{Secret, Secrets};
use crate::warning::Warning;

pub use self::secret::SecretProblem;

use self::violation::{Rule, Violation, violations};

/// Settings that fit the plugin's schema.
#[derive(Debug)]
#[non_exhaustive]
pub struct ResolvedSettings {
    /// What the plugin is opened with; each secret is replaced by `{"secret": "<setting>"}`.
    pub json: Value,
    /// The secrets. They stay with the engine.
    pub secrets: Secrets,
    /// What should be mended about them.
    pub warnings: Vec<Warning>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The plugin's schema is no JSON Schema: the plugin is at fault, and not the bootstrap.
    #[error(
        "the manifest of plugin `{provider}` has a settings schema that is none, at `{place}`; ask its vendor for a correct one"
    )]
    Schema {
        /// The plugin.
        provider: String,
        /// The place within the schema, as a JSON pointer.
        place: String,
    },
    /// The plugin's schema marks a secret within a setting: the plugin is at fault, and not the bootstrap.
    #[error(
        "the manifest of plugin `{provider}` has a secret within setting `{setting}`, where it could not be kept apart; ask its vendor to make it a setting of its own"
    )]
    SecretWithin {
        /// The plugin.
        provider: String,
        /// The setting.
        setting: String,
    },
    /// Settings are wrong: all of them, one line each.
    #[error("{}", lines(faults))]
    Invalid {
        /// The service.
        service: String,
        /// Everything that is wrong.
        faults: Vec<Fault<SettingProblem>>,
    },
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingProblem {
    /// The plugin has no such setting.
    #[error("is no setting of plugin `{provider}`{}", suggestion(nearest.as_deref(), known))]
    Unknown {
        /// The plugin.
        provider: String,
        /// The setting, or the key of services, that is most like it.
        nearest: Option<String>,
        /// The settings that the plugin has.
        known: Vec<String>,
    },
    /// The plugin needs a setting that is not there.
    #[error("is missing{}; set {remedy}", explanation(description.as_deref()))]
    Missing {
        /// What the setting is, by the plugin's schema.
        description: Option<String>,
        /// How it can be set.
        remedy: String,
    },
    /// A value is not as the plugin's schema wants it.
    #[error("is {found}; it has to be {expected}{}", explanation(description.as_deref()))]
    Violation {
        /// The value that was found, shortened; of secrets nothing is shown.
        found: String,
        /// What the schema wants.
        expected: String,
        /// What the setting is, by the plugin's schema.
        description: Option<String>,
    },
    /// The settings are each in order, but not all of them together.
    #[error("has settings that do not go together; the plugin wants {expected}")]
    Together {
        /// What the schema wants.
        expected: String,
    },
    /// A value is well-formed, but has no place in these settings.
    #[error("has no place here{}; remove it", explanation(description.as_deref()))]
    OutOfPlace {
        /// What the setting is, by the plugin's schema.
        description: Option<String>,
    },
    /// A setting that is no secret refers to a file or a variable.
    #[error(
        "is not a secret by its plugin's manifest; write its value here, or, if it is a credential, have the plugin mark it with \"x-secret\""
    )]
    NotASecret,
    /// A secret cannot be had.
    #[error("{problem}{}", remedy.as_ref().map(|remedy| format!("; write {remedy}")).unwrap_or_default())]
    Secret {
        /// What is wrong with it.
        problem: SecretProblem,
        /// How it can be given, where it is not given in one of the ways that there are.
        remedy: Option<String>,
    },
}

impl Service {
    /// Checks the settings against the plugin's schema and reads the secrets. `folder` is the bootstrap's, where
    /// relative names of files with secrets start.
    ///
    /// A property is a secret if its schema, or what that refers to, carries `"x-secret": true`.
    ///
    /// # Errors
    /// [`SettingsError`]: a setting is unknown, missing or not as the schema wants it, or a secret cannot be had; all
    /// faults at once. Of a secret's value nothing is ever told.
    pub fn resolve(&self, schema: &Value, folder: &Path) -> Result<ResolvedSettings, SettingsError> {
        let validator = jsonschema::validator_for(schema).map_err(|error| SettingsError::Schema {
            provider: self.provider.clone(),
            place: error.instance_path().as_str().to_owned(),
        })?;
        let shape = Shape::of(schema);
        if let Some(setting) = shape.around_a_secret() {
            return Err(SettingsError::SecretWithin { provider: self.provider.clone(), setting: setting.to_owned() });
        }
        let mut resolving = Resolving {
            service: self,
            shape,
            json: Map::new(),
            given: BTreeMap::new(),
            secrets: BTreeMap::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        for (name, setting) in &self.settings.0 {
            resolving.take(name, setting, folder);
        }
        let json = Value::Object(std::mem::take(&mut resolving.json));
        for error in validator.iter_errors(&json) {
            for violation in violations(&error) {
                resolving.violated(violation);
            }
        }
        let Resolving { secrets, faults, warnings, .. } = resolving;
        if faults.is_empty() {
            Ok(ResolvedSettings { json, secrets: secrets.into_iter().collect(), warnings })
        } else {
            Err(SettingsError::Invalid { service: self.name.clone(), faults })
        }
    }
}

/// A setting of which a plugin speaks where it refuses its settings.
pub(crate) struct Spoken {
    /// Where it was given, or else where its service is.
    pub(crate) origin: Origin,
    pub(crate) key: String,
    /// How it can be given.
    pub(crate) remedy: String,
}

impl Service {
    /// The first setting that a text names in backquotes.
    pub(crate) fn spoken_of(&self, schema: &Value, text: &str) -> Option<Spoken> {
        let shape = Shape::of(schema);
        // Every second piece stands between two of them.
        let mut quoted = text.split('`').skip(1).step_by(2);
        let name = quoted.find(|name| shape.contains(name))?;
        let given = self.settings.0.get(name);
        Some(Spoken {
            origin: given.map_or_else(|| self.origin.clone(), |setting| setting.origin.clone()),
            key: given.map_or_else(|| self.key.child(name), |setting| setting.key.clone()).to_string(),
            remedy: if given.is_some() {
                "correct it".to_owned()
            } else {
                format!("set {}", self.remedy(&shape, name))
            },
        })
    }

    /// How a setting can be given.
    fn remedy(&self, shape: &Shape<'_>, name: &str) -> String {
        let (service, provider) = (&self.key, self.provider_key());
        // A fallback has no name by which a variable could reach it.
        let table = if service.has_index() { &provider } else { service };
        let variable = table.child(name).variable();
        if shape.is_secret(name) {
            let references = "{ file = \"FILE\" } or { env = \"VARIABLE\" }";
            format!("{name} = {references}, or set {variable}")
        } else {
            let own = if service.has_index() { "that fallback".to_owned() } else { format!("[{service}]") };
            format!("it in {own} or [{provider}], or by {variable}")
        }
    }
}

struct Resolving<'a> {
    service: &'a Service,
    shape: Shape<'a>,
    json: Map<String, Value>,
    given: BTreeMap<String, &'a RawSetting>,
    secrets: BTreeMap<String, Secret>,
    faults: Vec<Fault<SettingProblem>>,
    warnings: Vec<Warning>,
}

impl<'a> Resolving<'a> {
    fn take(&mut self, written: &str, setting: &'a RawSetting, folder: &Path) {
        let from_variable = matches!(setting.origin, Origin::Variable { .. });
        let Some(name) = self.spelled(written, from_variable) else {
            let provider = self.service.provider.clone();
            let candidates = self.shape.names().chain(SERVICE_KEYS);
            let problem = SettingProblem::Unknown {
                provider,
                nearest: nearest(written, candidates),
                known: self.shape.names().map(str::to_owned).collect(),
            };
            return self.fault(&setting.origin, &setting.key, problem);
        };
        self.given.insert(name.clone(), setting);
        if self.shape.is_secret(&name) {
            match secret::read(setting, folder, &mut self.warnings) {
                Ok(secret) => {
                    self.secrets.insert(name.clone(), secret);
                }
                Err(problem) => {
                    let remedy = problem.is_of_form().then(|| self.remedy(&name));
                    let problem = SettingProblem::Secret { problem, remedy };
                    self.fault(&setting.origin, &setting.key, problem);
                }
            }
            // Also where it could not be read, so that it is not reported as missing on top.
            self.json.insert(name.clone(), json!({ "secret": name }));
            return;
        }
        let types = self.shape.types(&name);
        let value = match &setting.value {
            Value::String(text) if from_variable => parsed(text, &types),
            value => value.clone(),
        };
        if secret::is_reference(&value) && !types.is_empty() && !types.contains(&"object") {
            self.fault(&setting.origin, &setting.key, SettingProblem::NotASecret);
        }
        self.json.insert(name, value);
    }

    /// The setting that is meant: as it is written, or, from a variable, with `-` for `_`.
    fn spelled(&self, written: &str, from_variable: bool) -> Option<String> {
        if self.shape.contains(written) {
            return Some(written.to_owned());
        }
        let fits = |name: &&str| from_variable && folded(name) == folded(written);
        self.shape.names().find(fits).map(str::to_owned)
    }

    fn violated(&mut self, violation: Violation) {
        let Some((name, below)) = violation.path.split_first() else {
            // About the settings as a whole, such as a rule about which of them go together.
            if let Rule::Expected { expected, .. } = violation.rule {
                let problem = SettingProblem::Together { expected };
                self.fault(&self.service.origin, &self.service.key, problem);
            }
            return;
        };
        let setting = self.given.get(name).copied();
        let origin = setting.map_or(&self.service.origin, |setting| &setting.origin);
        let top = match setting {
            Some(setting) => setting.key.clone(),
            None => self.service.key.child(name),
        };
        let key = below.iter().fold(top, |key, part| key.child(part));
        let described = self.shape.description(name).map(str::to_owned);
        let description = described.filter(|_| below.is_empty());
        let problem = match violation.rule {
            Rule::Missing if below.is_empty() => SettingProblem::Missing { description, remedy: self.remedy(name) },
            Rule::Missing => SettingProblem::Missing { description, remedy: "it there".to_owned() },
            Rule::Unexpected => SettingProblem::OutOfPlace { description },
            // One fault is enough for a value that is no value but a reference.
            Rule::Expected { .. } if setting.is_some_and(|setting| self.has_fault(setting)) => {
                return;
            }
            Rule::Expected { found, expected } => {
                SettingProblem::Violation { found: self.redacted(name, found), expected, description }
            }
        };
        self.fault(origin, &key, problem);
    }

    fn has_fault(&self, setting: &RawSetting) -> bool {
        let key = setting.key.to_string();
        self.faults.iter().any(|fault| fault.key == key)
    }

    /// What was found, unless it is a secret or one that was put into the wrong setting.
    fn redacted(&self, name: &str, found: String) -> String {
        let misplaced = |secret: &Secret| {
            let value = secret.expose();
            let raw = self.json_text(name);
            raw.is_some_and(|raw| raw.contains(value))
        };
        if self.shape.is_secret(name) || self.secrets.values().any(misplaced) { "a secret".to_owned() } else { found }
    }

    fn json_text(&self, name: &str) -> Option<String> {
        self.given.get(name).map(|setting| match &setting.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    fn remedy(&self, name: &str) -> String {
        self.service.remedy(&self.shape, name)
    }

    fn fault(&mut self, origin: &Origin, key: &KeyPath, problem: SettingProblem) {
        let fault = Fault { origin: origin.clone(), key: key.to_string(), problem };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// Text of a variable as the schema's type wants it; where it does not fit, it stays text and the schema refuses it.
fn parsed(text: &str, types: &[&str]) -> Value {
    let verbatim = || Value::String(text.to_owned());
    if types.is_empty() || types.contains(&"string") {
        return verbatim();
    }
    let trimmed = text.trim();
    let candidates = types.iter().filter_map(|kind| match *kind {
        "integer" => {
            let signed = || trimmed.parse::<i64>().ok().map(Value::from);
            signed().or_else(|| trimmed.parse::<u64>().ok().map(Value::from))
        }
        "number" => {
            let whole = || trimmed.parse::<i64>().ok().map(Value::from);
            let float = || Number::from_f64(trimmed.parse().ok()?).map(Value::Number);
            whole().or_else(float)
        }
        "boolean" => trimmed.parse::<bool>().ok().map(Value::from),
        "array" => {
            let json = serde_json::from_str(trimmed).ok().filter(Value::is_array);
            json.or_else(|| (!trimmed.starts_with('[')).then(|| comma_separated(text).into()))
        }
        "object" => serde_json::from_str(trimmed).ok().filter(Value::is_object),
        _ => None,
    });
    let first = candidates.into_iter().next();
    first.unwrap_or_else(verbatim)
}

fn suggestion(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => format!("; it has {}", known.join(", ")),
    }
}

/// A description in one line, as vendors wrap theirs.
fn explanation(description: Option<&str>) -> String {
    let words = description.map(|text| text.split(|c: char| c.is_whitespace() || c.is_control()));
    let words: Vec<_> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(" ")) }
}
