//! Settings: the schema's own examples, and whatever is wrong with them.

use countersign::registry::OpenError;
use countersign_plugin::manifest::Shape;
use countersign_plugin::{FaultKind, limits};

use super::super::judging::Loaded;
use super::super::kit::subjects;
use super::super::mutation::{CANARY, Mutation, Refusal, mutations, refusal};
use super::super::report::{Problem, Verdict};
use super::super::scenario::open;
use super::super::subject::Subject;
use super::problems::Problems;

/// A host accepts the examples, and the plugin opens with them.
pub(in super::super) fn examples(loaded: &Loaded) -> Verdict {
    let mut problems = Problems::default();
    let manifest = loaded.manifest();
    let subjects = match subjects(manifest, &loaded.job) {
        Ok(subjects) => subjects,
        Err(error) => return Verdict::of(vec![Problem::new(error.to_string(), "add `examples` to the schema")]),
    };
    for subject in &subjects {
        let Subject { name, settings, .. } = &**subject;
        match refusal(manifest, settings) {
            Refusal::None => {}
            Refusal::Because(why) => {
                problems.add(format!("the schema refuses {name}: {why}"), "correct the example, or the schema")
            }
            Refusal::NotTried(why) => return Verdict::Skipped { because: why },
        }
        if let Err(error) = open(&loaded.plugin, subject) {
            problems.add(format!("it does not open with {name}: {error}"), "let `open` accept what the schema accepts");
        }
        if subject.offers.is_empty() {
            problems.add(format!("{name} sets a mode in which it offers no channel"), "correct `mode` or `channels`");
        }
    }
    for channel in &manifest.channels {
        let seen = subjects.iter().any(|subject| subject.offers.contains(channel));
        if !seen && loaded.job.settings.is_none() {
            let mode = channel.mode.as_deref().unwrap_or_default();
            problems.add(
                format!("no example sets the mode `{mode}`, in which it offers `{}`", channel.channel),
                "add an example for each mode to the schema",
            );
        }
    }
    problems.verdict_with(format!("{} sets of settings", subjects.len()))
}

/// What the schema does not allow is refused by it, and the plugin's part of the text says what the setting is.
pub(in super::super) fn refused(loaded: &Loaded) -> Verdict {
    let mut problems = Problems::default();
    let manifest = loaded.manifest();
    let shape = Shape::of(&manifest.settings);
    for name in shape.names() {
        let types = shape.types(name);
        if types.is_empty() && shape.choices(name).is_empty() {
            problems.add(
                format!("the schema takes anything for the setting `{name}`: it names no type"),
                "name its type, so that a host refuses what the plugin cannot use",
            );
        }
        if shape.is_secret(name) && types.contains(&"string") {
            problems.add(
                format!("the schema takes the secret `{name}` as plain text"),
                "let its type be `SecretRef` alone: a plugin never holds a secret",
            );
        }
    }
    let mut made = 0;
    for subject in subjects(manifest, &loaded.job).unwrap_or_default() {
        for Mutation { what, setting, settings, .. } in mutations(&manifest.settings, &subject.settings) {
            made += 1;
            match refusal(manifest, &settings) {
                Refusal::None => problems.add(
                    format!("the schema accepts settings with {what}"),
                    "say in the schema what the setting may be",
                ),
                Refusal::Because(why) if !why.contains(&setting) => problems.add(
                    format!("settings with {what} are refused without naming `{setting}`: {why}"),
                    "describe the setting by itself in `properties`",
                ),
                Refusal::Because(_) => {}
                Refusal::NotTried(why) => return Verdict::Skipped { because: why },
            }
        }
    }
    problems.verdict_with(format!("{made} wrong settings"))
}

/// What a host should have refused is refused by the plugin, too, or does no harm.
pub(in super::super) fn open_cleanly(loaded: &Loaded) -> Verdict {
    let mut problems = Problems::default();
    let manifest = loaded.manifest();
    let mut tried = 0;
    let mut open_with = |settings: &[u8], what: &str, must_refuse: bool, problems: &mut Problems| {
        tried += 1;
        let fault = match loaded.plugin.open(settings) {
            Ok(_) if must_refuse => {
                return problems.add(
                    format!("it opens with {what}"),
                    "refuse it in `open`: not every host has checked the schema; `deny_unknown_fields` helps",
                );
            }
            Ok(_) => return,
            Err(OpenError::Settings { fault, .. }) => fault,
            Err(error) => return problems.add(format!("{what}: {error}"), "let `open` end with an error"),
        };
        if !matches!(fault.kind, FaultKind::BadSettings | FaultKind::TooLarge) {
            return problems.add(
                format!("opening it with {what} breaks it: {}", fault.message),
                "return a failure `misconfigured` that names the setting; never unwrap a setting",
            );
        }
        if fault.message.trim().is_empty() || fault.message.contains('\n') {
            problems.add(
                format!("{what} is refused in {} lines", fault.message.lines().count()),
                "say in one line which setting is wrong, and what to write",
            );
        }
        // Words to choose from are told, so that a misspelled one is seen.
        if fault.message.contains(CANARY) && !fault.message.contains(&format!("unknown variant `{CANARY}`")) {
            problems.add(
                format!("{what} is refused by a text that quotes the value, which may be a secret in the wrong place"),
                "name the setting, and leave its value out",
            );
        }
    };
    for subject in subjects(manifest, &loaded.job).unwrap_or_default() {
        for Mutation { what, settings, structural, .. } in mutations(&manifest.settings, &subject.settings) {
            open_with(settings.to_string().as_bytes(), &format!("settings with {what}"), structural, &mut problems);
        }
        let whole = subject.settings.to_string();
        for cut in [0, 1, whole.len() / 2, whole.len().saturating_sub(1)] {
            let part = whole.as_bytes().get(..cut).unwrap_or_default();
            open_with(part, "settings that are cut", true, &mut problems);
        }
    }
    for (what, settings) in [
        ("a text for settings", "\"kit\"".to_owned()),
        ("nothing for settings", "null".to_owned()),
        ("settings that are 10,000 deep", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ("settings that are too large", format!("{{\"kit\":\"{}\"}}", "x".repeat(limits::SETTINGS_BYTES))),
    ] {
        open_with(settings.as_bytes(), what, true, &mut problems);
    }
    // A list may be read as the values of a struct in their order; no host writes settings so, and it does no harm.
    open_with(b"[]", "a list for settings", false, &mut problems);
    open_with(b"\xff\xfe{}", "settings that are not UTF-8", true, &mut problems);
    problems.verdict_with(format!("opened {tried} times"))
}
