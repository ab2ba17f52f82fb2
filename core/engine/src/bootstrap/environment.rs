//! The environment as the last layer: `COUNTERSIGN_SERVICES__VOICE__AUTH_TOKEN` and its like.
//!
//! `__` goes one table deeper, and `_` also stands for `-`: a key that the file has, or that is known here,
//! decides which is meant. Values are text, taken verbatim; the reader of a key knows its type.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use figment::value::{Dict, Map, Tag, Value};
use figment::{Metadata, Profile, Provider, Source};
use zeroize::{Zeroize as _, Zeroizing};

use super::error::{Fault, Problem};
use super::key::{KeyPath, nearest};
use super::keys::{Level, Names, ROOT};
use super::origin::Origin;

/// What all variables of ours begin with.
pub(super) const PREFIX: &str = "COUNTERSIGN_";

/// Read by the program before there is a bootstrap.
const RESERVED: [&str; 2] = ["COUNTERSIGN_BOOTSTRAP", "COUNTERSIGN_LOG"];

/// The environment, of the process or of a test. Its values may be secrets: this copy of them is wiped.
pub(super) struct Environment(BTreeMap<String, OsString>);

impl Drop for Environment {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            std::mem::take(value).into_encoded_bytes().zeroize();
        }
    }
}

impl Environment {
    pub(super) fn of_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self(std::env::vars_os().filter_map(named).collect())
    }

    pub(super) fn new(variables: impl IntoIterator<Item = (String, impl Into<OsString>)>) -> Self {
        let pairs = variables.into_iter();
        Self(pairs.map(|(name, value)| (name, value.into())).collect())
    }

    pub(super) fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// The keys that are set by variables, over a tree which the defaults and the file have grown.
    pub(super) fn assignments(&self, below: &Value) -> (Vec<Assignment>, Vec<Fault<Problem>>) {
        let mut assignments: Vec<Assignment> = Vec::new();
        let mut faults = Vec::new();
        let mut secret_names = named_variables(below);
        secret_names.extend(self.references());
        for (variable, value) in &self.0 {
            let Some(words) = words(variable) else {
                continue;
            };
            let assignment = locate(&words, below, &ROOT).and_then(|path| {
                // Also where one is the whole of which the other is a part: a secret, and where it is to be found.
                let covers = |other: &&Assignment| other.path.starts_with(&path) || path.starts_with(&other.path);
                let other = assignments.iter().find(covers);
                match (other, value.to_str()) {
                    (Some(other), _) => {
                        Err(Misfit { path, problem: Problem::SetTwice { other: other.variable.clone() } })
                    }
                    (None, None) => Err(Misfit { path, problem: Problem::NotText }),
                    (None, Some(value)) => {
                        Ok(Assignment { variable: variable.clone(), path, value: Zeroizing::new(value.to_owned()) })
                    }
                }
            });
            match assignment {
                Ok(assignment) => assignments.push(assignment),
                // Some `{ env = "…" }`, or a variable in its place, reads it: it is no key, but it is known.
                Err(misfit)
                    if matches!(misfit.problem, Problem::UnknownKey { .. })
                        && secret_names.contains(variable.as_str()) => {}
                Err(misfit) => faults.push(Fault {
                    origin: Origin::Variable { name: variable.clone() },
                    key: KeyPath::from_segments(&misfit.path).to_string(),
                    problem: misfit.problem,
                }),
            }
        }
        (assignments, faults)
    }

    /// The variables that variables name as the place of a secret.
    fn references(&self) -> impl Iterator<Item = &str> {
        let refers =
            |variable: &str| words(variable).is_some_and(|words| words.last().is_some_and(|last| last == "env"));
        self.0.iter().filter(move |(variable, _)| refers(variable)).filter_map(|(_, value)| value.to_str())
    }
}

/// One variable and the key that it sets: a layer of its own, so that figment remembers which it was.
pub(super) struct Assignment {
    variable: String,
    path: Vec<String>,
    value: Zeroizing<String>,
}

impl Assignment {
    /// The setting to which this gives a reference to a secret. What the file says of that setting does not count
    /// then: half of it would make two references out of one.
    pub(super) fn referring(&self) -> Option<&[String]> {
        // The reader of variables has no other keys below a setting.
        let (last, setting) = self.path.split_last()?;
        (setting.len() == SETTING_DEPTH && matches!(last.as_str(), "file" | "env")).then_some(setting)
    }
}

/// The length of a setting's path: `services`, the service, the setting.
const SETTING_DEPTH: usize = 3;

impl Provider for Assignment {
    fn metadata(&self) -> Metadata {
        Metadata::from(self.variable.clone(), Source::Custom("environment".to_owned()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let leaf = Value::from(self.value.as_str());
        let wrap = |value, key: &String| Value::Dict(Tag::Default, Dict::from([(key.clone(), value)]));
        Ok(match self.path.iter().rev().fold(leaf, wrap) {
            Value::Dict(_, entries) => Profile::Default.collect(entries),
            _ => Map::new(),
        })
    }
}

/// A variable that sets no key.
struct Misfit {
    path: Vec<String>,
    problem: Problem,
}

/// The words between the `__` of a variable of ours, in lower case.
fn words(variable: &str) -> Option<Vec<String>> {
    let upper = variable.to_ascii_uppercase();
    let rest = upper.strip_prefix(PREFIX)?;
    if RESERVED.contains(&upper.as_str()) {
        return None;
    }
    Some(rest.split("__").map(str::to_ascii_lowercase).collect())
}

fn locate(words: &[String], tree: &Value, level: &Level) -> Result<Vec<String>, Misfit> {
    let mut path = Vec::new();
    let (mut level, mut tree) = (level, Some(tree));
    for (at, word) in words.iter().enumerate() {
        let misfit = |path: &[String], problem| {
            let rest = words[at..].iter().cloned();
            Err(Misfit { path: path.iter().cloned().chain(rest).collect(), problem })
        };
        match level {
            Level::Table { keys, names } => {
                let existing: Vec<&str> = match tree {
                    Some(Value::Dict(_, entries)) => entries.keys().map(String::as_str).collect(),
                    _ => Vec::new(),
                };
                let key = match spelled(word, keys, names.as_ref(), &existing) {
                    Ok(key) => key,
                    Err(problem) if at == 0 => {
                        return misfit(&path, or_reserved(unknown_as_variable(problem, &path), word));
                    }
                    Err(problem) => return misfit(&path, unknown_as_variable(problem, &path)),
                };
                level = match keys.iter().find(|(known, _)| *known == key) {
                    Some((_, below)) => below,
                    None => names.as_ref().map_or(&Level::Value, |names| names.below),
                };
                tree = match tree {
                    Some(Value::Dict(_, entries)) => entries.get(&key),
                    _ => None,
                };
                path.push(key);
            }
            Level::Setting if at + 1 == words.len() && (word == "file" || word == "env") => {
                path.push(word.clone());
            }
            Level::Setting => return misfit(&path, Problem::PartByVariable),
            Level::Fallbacks => return misfit(&path, Problem::FallbackByVariable),
            Level::Value => {
                let nearest = Some(KeyPath::from_segments(&path).variable());
                let known = Vec::new();
                return misfit(&path, Problem::UnknownKey { nearest, known });
            }
        }
    }
    match level {
        Level::Value | Level::Setting => Ok(path),
        Level::Fallbacks => Err(Misfit { path, problem: Problem::FallbackByVariable }),
        Level::Table { keys, .. } => {
            let known = keys.iter().map(|(known, _)| (*known).to_owned()).collect();
            let nearest = None;
            let problem = unknown_as_variable(Problem::UnknownKey { nearest, known }, &path);
            Err(Misfit { path, problem })
        }
    }
}

/// The key that a word of a variable means.
fn spelled(
    word: &str,
    keys: &[(&'static str, Level)],
    names: Option<&Names>,
    existing: &[&str],
) -> Result<String, Problem> {
    let ours = keys.iter().map(|(known, _)| *known);
    let candidates: BTreeSet<&str> = ours.clone().chain(existing.iter().copied()).collect();
    let mut fitting = candidates.iter().filter(|candidate| folded(candidate) == folded(word));
    match (fitting.next(), fitting.next(), names) {
        (Some(key), None, _) => Ok((*key).to_owned()),
        (Some(first), Some(second), _) => {
            Err(Problem::Ambiguous { first: (*first).to_owned(), second: (*second).to_owned() })
        }
        (None, _, Some(names)) if !word.is_empty() => Ok(word.replace(['-', '_'], &names.hyphen.to_string())),
        (None, _, _) => {
            Err(Problem::UnknownKey { nearest: nearest(word, ours.clone()), known: ours.map(str::to_owned).collect() })
        }
    }
}

/// A key as variables can spell it.
pub(super) fn folded(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

fn unknown_as_variable(problem: Problem, path: &[String]) -> Problem {
    let here = KeyPath::from_segments(path);
    let show = |key: String| here.child(&key).variable();
    match problem {
        Problem::UnknownKey { nearest, known } => {
            Problem::UnknownKey { nearest: nearest.map(show), known: known.into_iter().map(show).collect() }
        }
        other => other,
    }
}

/// Of variables that set no section, those that set no key at all may be meant.
fn or_reserved(problem: Problem, word: &str) -> Problem {
    let Problem::UnknownKey { nearest: closest, mut known } = problem else { return problem };
    let reserved = RESERVED.into_iter().filter_map(|name| name.strip_prefix(PREFIX));
    let closest =
        closest.or_else(|| nearest(&word.to_ascii_uppercase(), reserved).map(|name| format!("{PREFIX}{name}")));
    known.extend(RESERVED.map(str::to_owned));
    Problem::UnknownKey { nearest: closest, known }
}

/// The variables that `{ env = "NAME" }` tables of the file name.
fn named_variables(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Dict(_, entries) => {
            let named = entries.get("env").and_then(Value::as_str);
            let deeper = entries.values().flat_map(named_variables);
            named.into_iter().chain(deeper).collect()
        }
        Value::Array(_, items) => items.iter().flat_map(named_variables).collect(),
        _ => BTreeSet::new(),
    }
}
