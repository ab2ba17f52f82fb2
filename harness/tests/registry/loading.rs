//! A good file, from its name to an answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use countersign::instance::Instance;
use countersign::registry::{ContactError, FindError, LoadError, OpenError, ProbeError, Registry, RegistryOptions};
use countersign_plugin::step::{Action, Answer, Call};
use countersign_plugin::{FaultKind, Operation, Timestamp, testing};

use super::bad_files::with_note;
use super::{Folder, PROVIDER, digest, load, named, only, options, pinned, plugin_file};

#[test]
fn a_plugin_is_found_beside_the_program_loaded_and_answers() {
    let registry = Registry::load(&Default::default(), [PROVIDER, PROVIDER], &options()).unwrap();
    assert_eq!(registry.plugins().count(), 1);
    let plugin = registry.plugin(PROVIDER).unwrap();
    assert_eq!(plugin.manifest.id, PROVIDER);
    assert_eq!(plugin.path, plugin_file());
    assert!(!plugin.pinned);

    let instance: Arc<dyn Instance> = Arc::new(plugin.open(br#"{"base_url": "https://here.example"}"#).unwrap());
    let call = Call::new(Timestamp::from_secs(1), Operation::Start(testing::start("approval")));
    let answer = instance.begin(&serde_json::to_vec(&call).unwrap()).unwrap();
    let answer: Answer = serde_json::from_slice(&answer).unwrap();
    let [step] = answer.steps.as_slice() else { panic!("{answer:?}") };
    let Action::Http(request) = &step.action else { panic!("{step:?}") };
    assert_eq!(request.url, "https://here.example/requests");

    instance.end(answer.handle);
    instance.end(answer.handle);
    let fault = instance.resume(answer.handle, b"{}").unwrap_err();
    assert_eq!(fault.kind, FaultKind::StaleHandle);
}

#[test]
fn two_instances_of_one_plugin_have_settings_of_their_own() {
    let registry = load(&Default::default()).unwrap();
    let plugin = registry.plugin(PROVIDER).unwrap();
    let one = plugin.open(br#"{"base_url": "https://one.example"}"#).unwrap();
    let two = plugin.open(br#"{"base_url": "https://two.example"}"#).unwrap();
    let call = Call::new(Timestamp::from_secs(1), Operation::Start(testing::start("approval")));
    let call = serde_json::to_vec(&call).unwrap();
    drop(one);
    let answer = String::from_utf8(two.begin(&call).unwrap()).unwrap();
    assert!(answer.contains("https://two.example/requests"), "{answer}");
}

#[test]
fn settings_that_the_plugin_refuses_are_an_error_that_names_file_and_setting() {
    let registry = load(&Default::default()).unwrap();
    let pinned = load(&pinned(&plugin_file(), digest(&plugin_file()))).unwrap();
    // From the probe child and from this process alike.
    for registry in [registry, pinned] {
        let error = registry.plugin(PROVIDER).unwrap().open(br#"{"speed": 1}"#).unwrap_err();
        assert!(matches!(error, OpenError::Settings { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("libwithout_code.so") && text.contains("`speed`"), "{text}");
    }
}

#[test]
fn an_unpinned_file_needs_a_program_that_answers_as_probe_and_a_pinned_one_does_not() {
    let folder = Folder::new();
    let file = folder.file("copy.so", &fs::read(plugin_file()).unwrap());
    let options = RegistryOptions::default();

    let error = only(Registry::load(&named(&[(PROVIDER, &file)]), [PROVIDER], &options).unwrap_err());
    assert!(matches!(error, LoadError::Probe { cause: ProbeError::NoProgram, .. }), "{error:?}");
    assert!(error.to_string().contains("run_if_asked"), "{error}");

    let registry = Registry::load(&pinned(&file, digest(&file)), [PROVIDER], &options).unwrap();
    assert!(registry.plugin(PROVIDER).unwrap().pinned);
    registry.plugin(PROVIDER).unwrap().open(b"{}").unwrap();
}

#[test]
fn two_providers_that_lead_to_one_plugin_are_refused_with_both_names() {
    let folder = Folder::new();
    let bytes = fs::read(plugin_file()).unwrap();
    let (one, two) = (folder.file("one.so", &bytes), folder.file("two.so", &bytes));

    let plugins = named(&[(PROVIDER, &one), ("other", &two)]);
    let error = only(Registry::load(&plugins, [PROVIDER, "other"], &options()).unwrap_err());
    assert!(matches!(error, LoadError::DuplicateId { .. }), "{error:?}");
    let text = error.to_string();
    for side in [PROVIDER, "`other`", "one.so", "two.so"] {
        assert!(text.contains(side), "{text}");
    }

    let error = only(Registry::load(&plugins, ["other"], &options()).unwrap_err());
    assert!(matches!(error, LoadError::OtherProvider { .. }), "{error:?}");
    assert!(error.to_string().contains("plugin of provider `without-code`, but the bootstrap calls it `other`"));
}

#[test]
fn all_files_that_are_wrong_are_told_at_once() {
    let folder = Folder::new();
    let mut plugins = named(&[("text", &folder.file("text.so", b"text"))]);
    plugins.search = Some(vec![folder.path()]);
    let errors = Registry::load(&plugins, ["absent", "text", "../x"], &options()).unwrap_err();
    assert!(
        matches!(
            errors.as_slice(),
            [
                LoadError::Find(FindError::InvalidId { .. }),
                LoadError::Find(FindError::Missing { .. }),
                LoadError::Elf { .. }
            ]
        ),
        "{errors:?}"
    );
}

/// Puts other bytes in place of a file, by a rename: a mapped file is never written to.
fn replace(folder: &Folder, file: &Path, bytes: &[u8]) {
    fs::rename(folder.file("new.so", bytes), file).unwrap();
}

#[test]
fn a_file_that_was_replaced_after_it_was_refused_is_not_mistaken_for_the_old_one() {
    let folder = Folder::new();
    // Its code describes itself otherwise: seen only once it is open, which for a pinned file is in this process.
    let file = folder.file("refused.so", &with_note("0.1.0", "0.1.9"));
    let load = || Registry::load(&pinned(&file, digest(&file)), [PROVIDER], &options());
    for _ in 0..2 {
        let error = only(load().unwrap_err());
        assert!(matches!(error, LoadError::Contact { cause: ContactError::TwoManifests, .. }), "{error:?}");
    }
    replace(&folder, &file, &fs::read(plugin_file()).unwrap());
    let error = only(load().unwrap_err());
    assert!(matches!(error, LoadError::Contact { cause: ContactError::Replaced, .. }), "{error:?}");
}

#[test]
fn a_file_that_the_system_did_not_take_in_may_be_mended() {
    let folder = Folder::new();
    let good = fs::read(plugin_file()).unwrap();
    // A library that it needs, by a name that nothing has.
    let name = b"\0libc.so.6\0";
    let at = good.windows(name.len()).position(|window| window == name).unwrap();
    let mut bad = good.clone();
    bad[at + 1..at + 5].copy_from_slice(b"none");
    let file = folder.file("mended.so", &bad);
    let load = || Registry::load(&pinned(&file, digest(&file)), [PROVIDER], &options());
    let error = only(load().unwrap_err());
    assert!(matches!(error, LoadError::Contact { cause: ContactError::NotOpened { .. }, .. }), "{error:?}");
    replace(&folder, &file, &good);
    load().unwrap();
}

#[test]
fn a_file_that_was_replaced_after_it_was_loaded_is_not_mistaken_for_the_old_one() {
    let folder = Folder::new();
    let bytes = fs::read(plugin_file()).unwrap();
    let file = folder.file("replaced.so", &bytes);
    let plugins = named(&[(PROVIDER, &file)]);
    load(&plugins).unwrap();
    load(&plugins).unwrap();

    // Appended bytes change the digest and nothing else.
    replace(&folder, &file, &[&bytes[..], b"newer"].concat());
    let error = only(load(&plugins).unwrap_err());
    assert!(matches!(error, LoadError::Contact { cause: ContactError::Replaced, .. }), "{error:?}");
}
