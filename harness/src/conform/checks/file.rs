//! The file and its manifest, as far as they are read without running anything; and loading it.

use std::path::Path;

use countersign::registry::{ContactError, LoadError, inspect};
use countersign_plugin::contract::{ambiguity, written_path};
use countersign_plugin::manifest::Shape;
use countersign_plugin::{Manifest, OperationName};

use super::super::judging::{Job, load};
use super::super::report::{Problem, Verdict};
use super::problems::Problems;

/// The file is a whole dynamic library of this machine, and has a manifest.
pub(in super::super) fn whole(job: &Job) -> Verdict {
    match inspect(&job.plugin) {
        Ok(_) => Verdict::passed(),
        // What is in the manifest is another question, unless no host reads it.
        Err(error) => refused(&error, "build it again as `cdylib` with `export_provider!`, and copy it whole"),
    }
}

/// The manifest says nothing that a host cannot show, and all that it needs.
pub(in super::super) fn manifest(job: &Job) -> Verdict {
    let Ok(inspection) = inspect(&job.plugin) else {
        return not_whole();
    };
    let mut problems = Problems::default();
    let mut add = |what: String| problems.add(what, "correct `manifest.json` and build the plugin again");
    told(&inspection.manifest, &job.plugin, &mut add);
    problems.verdict()
}

/// A host of this release loads it.
pub(in super::super) fn loads(job: &Job) -> Verdict {
    match load(&job.plugin) {
        Ok(_) | Err(LoadError::Contact { cause: ContactError::TwoManifests, .. }) => Verdict::passed(),
        Err(error @ LoadError::Contact { .. }) => {
            refused(&error, "build it with the countersign-plugin of this release")
        }
        Err(_) => not_whole(),
    }
}

/// The code says of itself what the file says.
pub(in super::super) fn described(job: &Job) -> Verdict {
    match load(&job.plugin) {
        Ok(_) => Verdict::passed(),
        Err(error @ LoadError::Contact { cause: ContactError::TwoManifests, .. }) => {
            refused(&error, "let `export_provider!` put the manifest into both places")
        }
        Err(LoadError::Contact { .. }) => Verdict::Skipped { because: "`loads` failed; mend that first".to_owned() },
        Err(_) => not_whole(),
    }
}

/// Nothing more can be said of such a file.
fn not_whole() -> Verdict {
    Verdict::Skipped { because: "`file-whole` failed; mend that first".to_owned() }
}

fn refused(error: &LoadError, remedy: &str) -> Verdict {
    Verdict::of(vec![Problem::new(error.to_string(), remedy)])
}

/// What the engine refuses is refused before; this is what is left.
fn told(manifest: &Manifest, file: &Path, add: &mut dyn FnMut(String)) {
    let named = format!("lib{}.so", manifest.id.replace('-', "_"));
    if file.file_name().is_some_and(|name| name != named.as_str()) {
        let found = file.file_name().map(|name| name.display().to_string()).unwrap_or_default();
        add(format!("the id is `{}`, so hosts look for `{named}`, and the file is called `{found}`", manifest.id));
    }
    if !is_version(&manifest.version) {
        add(format!("the version `{}` is none as semver has them, such as 1.2.3", manifest.version));
    }
    if manifest.vendor.name.trim().is_empty() {
        add("`vendor.name` is empty".to_owned());
    }
    match manifest.labels.get("en") {
        None => add("`labels` lacks `en`, in which every host can show it".to_owned()),
        Some(label) if label.name.trim().is_empty() => add("`labels.en.name` is empty".to_owned()),
        Some(_) => {}
    }
    if manifest.channels.is_empty() {
        add("`channels` is empty: there is nothing to use it for".to_owned());
    }
    if manifest.data_version == 0 {
        add("`data_version` is 0; it counts from 1".to_owned());
    }
    for channel in &manifest.channels {
        let unlabelled = channel.labels.values().any(|label| label.name.trim().is_empty());
        if unlabelled {
            add(format!("a label of the channel `{}` is empty", channel.channel));
        }
        if channel.code_lifetime_seconds == Some(0) {
            add(format!("codes of the channel `{}` live for 0 seconds", channel.channel));
        }
    }
    operations(manifest, add);
    egress(manifest, add);
    settings(manifest, add);
}

fn operations(manifest: &Manifest, add: &mut dyn FnMut(String)) {
    let lists = manifest.channels.iter().map(|channel| (&*channel.channel, &channel.operations));
    for (of, list) in lists.chain([("the plugin", &manifest.operations)]) {
        let twice = list.iter().enumerate().find(|(at, name)| list.iter().take(*at).any(|other| other == *name));
        if let Some((_, name)) = twice {
            add(format!("`operations` of {of} has `{name}` twice"));
        }
    }
    let asks = manifest.channels.iter().any(|channel| channel.operations.contains(&OperationName::Start));
    if manifest.requires.iter().all(|feature| feature != "http") && !manifest.egress.is_empty() {
        add("it has `egress`, but does not require `http`".to_owned());
    }
    if asks && manifest.egress.is_empty() && manifest.requires.iter().any(|feature| feature == "http") {
        add("it requires `http` and sends, but declares no `egress`: every request would be refused".to_owned());
    }
}

fn egress(manifest: &Manifest, add: &mut dyn FnMut(String)) {
    for place in &manifest.egress {
        let base = place.base.strip_prefix("https://").filter(|rest| !rest.contains(['?', '#', '@']));
        if base.is_none() || written_path(&place.base).is_none_or(|path| ambiguity(path).is_some()) {
            add(format!("the egress base `{}` is not https, host and path alone", place.base));
        }
        if place.paths.is_empty() {
            add(format!("the egress base `{}` has no `paths`: nothing may be sent there", place.base));
        }
        for path in &place.paths {
            if !path.starts_with('/') || ambiguity(path).is_some() || path.contains(['?', '#']) {
                add(format!("the egress path `{path}` is not a path that begins with a slash"));
            }
        }
    }
}

/// Names that sound like secrets, by how they end.
const SECRETS: [&str; 7] = ["token", "secret", "password", "api_key", "apikey", "private_key", "passphrase"];

fn settings(manifest: &Manifest, add: &mut dyn FnMut(String)) {
    let shape = Shape::of(&manifest.settings);
    for name in shape.names() {
        let lower = name.to_ascii_lowercase();
        if SECRETS.iter().any(|secret| lower.ends_with(secret)) && !shape.is_secret(name) {
            add(format!("the setting `{name}` sounds like a secret and is not marked with \"x-secret\": true"));
        }
        if shape.description(name).is_none_or(|text| text.trim().is_empty()) {
            add(format!("the setting `{name}` has no `description`, which is what an operator reads"));
        }
    }
}

/// Three numbers without leading zeros, and what may follow them (semver.org, §2, §9, §10).
fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or(text);
    let number = |part: &str| part == "0" || (!part.starts_with('0') && part.parse::<u64>().is_ok());
    let rest = &text[core.len()..];
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    core.split('.').count() == 3 && core.split('.').all(number) && rest.chars().all(allowed) && rest.len() != 1
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sound() -> Value {
        json!({
            "manifest": 1, "id": "acme-sms", "version": "1.2.3", "vendor": {"name": "ACME"}, "requires": ["http"],
            "delivery_type": "hosted-service", "labels": {"en": {"name": "ACME"}},
            "channels": [{
                "channel": "sms", "code_made_by": "provider", "code_checked_by": "provider", "destination": "phone",
                "operations": ["start", "check"], "code_lifetime_seconds": 600,
            }],
            "egress": [{"base": "https://acme.example", "paths": ["/v1"]}],
            "settings": {"properties": {"token": {"x-secret": true, "description": "the token"}}},
        })
    }

    fn problems(manifest: Value) -> Vec<String> {
        let manifest = serde_json::from_value(manifest).expect("a manifest");
        let mut found = Vec::new();
        told(&manifest, Path::new("/x/libacme_sms.so"), &mut |what| found.push(what));
        found
    }

    #[track_caller]
    fn check(pointer: &str, value: Value, expected: &str) {
        let mut manifest = sound();
        *manifest.pointer_mut(pointer).expect("a place") = value;
        let found = problems(manifest);
        assert!(found.len() == 1 && found[0].contains(expected), "{pointer}: {found:?}");
    }

    #[test]
    fn a_sound_manifest_has_no_problem() {
        assert!(problems(sound()).is_empty(), "{:?}", problems(sound()));
    }

    #[test]
    fn each_problem_is_found_by_itself() {
        check("/id", json!("acme"), "hosts look for `libacme.so`");
        check("/version", json!("1.2"), "the version `1.2` is none");
        check("/vendor/name", json!(" "), "`vendor.name` is empty");
        check("/labels", json!({}), "`labels` lacks `en`");
        check("/labels/en/name", json!(""), "`labels.en.name` is empty");
        check("/channels/0/code_lifetime_seconds", json!(0), "live for 0 seconds");
        check("/channels/0/operations", json!(["start", "check", "start"]), "has `start` twice");
        check("/requires", json!([]), "does not require `http`");
        check("/egress", json!([]), "declares no `egress`");
        check("/egress/0/base", json!("http://acme.example"), "is not https");
        check("/egress/0/paths/0", json!("v1"), "not a path that begins with a slash");
        check("/settings/properties/token", json!({"description": "the token"}), "sounds like a secret");
        check("/settings/properties/token", json!({"x-secret": true}), "has no `description`");
    }

    #[test]
    fn versions_are_those_of_semver() {
        for good in ["0.1.0", "1.2.3", "10.20.30-rc.1+build"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-", "v1.2.3", "1.2.3 "] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
