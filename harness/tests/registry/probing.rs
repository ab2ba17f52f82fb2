//! The probe child, played by programs that do what a broken plugin makes it do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use countersign::instance::Instance as _;
use countersign::registry::{End, LoadError, OpenError, ProbeError, Registry};
use countersign_plugin::FaultKind;
use countersign_plugin::step::{Action, Answer, Step};

use super::{Folder, PROVIDER, digest, named, only, options, pinned, plugin_file, with_probe};

/// What loading an unpinned file says when the child is this shell script.
fn told(script: &str, limit: Duration) -> ProbeError {
    let folder = Folder::new();
    let file = folder.file("plugin.so", &fs::read(plugin_file()).unwrap());
    let mut options = with_probe(&folder.script("probe", script));
    options.probe_limit = limit;
    let errors = Registry::load(&named(&[(PROVIDER, &file)]), [PROVIDER], &options).unwrap_err();
    match only(errors) {
        LoadError::Probe { path, cause } if path == file => cause,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let text = told(script, Duration::from_secs(10)).to_string();
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_end_of_a_child_is_told_with_its_signal_or_code() {
    check("kill -SEGV $$", "was killed by SIGSEGV (signal 11)");
    check("kill -ABRT $$", "was killed by SIGABRT (signal 6)");
    check("exit 3", "ended with exit code 3");
    check("exit 127", "the system could not run it (exit code 127)");
}

#[test]
fn a_child_that_ends_well_must_have_vouched_for_the_file() {
    check("exit 0", "did not answer as a probe");
    check("echo hello", "did not answer as a probe");
    // Reports of later versions, and of settings that nobody gave, vouch for nothing.
    check("echo '{\"Perhaps\":{}}'", "did not answer as a probe");
    check(r#"echo '{"Settings":{"kind":"bad_settings","message":"x"}}'"#, "did not answer as a probe");
    // Of a flood nobody reads the end.
    check(&format!("while :; do echo {}; done", "x".repeat(4096)), "was killed by signal 13");
    // A report before a crash is none.
    check("echo '{\"Survived\":{\"faults\":[]}}'; kill -SEGV $$", "SIGSEGV");
}

#[test]
fn a_child_that_does_not_end_is_killed_in_time() {
    for script in ["while :; do :; done", "exec >&-; while :; do :; done"] {
        let error = told(script, Duration::from_millis(300));
        assert!(matches!(error, ProbeError::TimedOut { .. }), "{error:?}");
    }
}

#[test]
fn a_child_that_cannot_be_started_is_told_with_its_program() {
    let folder = Folder::new();
    let file = folder.file("plugin.so", &fs::read(plugin_file()).unwrap());
    let options = with_probe(Path::new("/nowhere/probe"));
    let error = only(Registry::load(&named(&[(PROVIDER, &file)]), [PROVIDER], &options).unwrap_err());
    assert!(matches!(error, LoadError::Probe { cause: ProbeError::NotStarted { .. }, .. }), "{error:?}");
    assert!(error.to_string().contains("/nowhere/probe"), "{error}");
}

#[test]
fn each_file_and_settings_are_tried_once_and_a_pinned_file_never() {
    let folder = Folder::new();
    let bytes = fs::read(plugin_file()).unwrap();
    let file = folder.file("counted.so", &bytes);
    let log = folder.path().join("log");
    let script =
        format!("echo run >> '{}'; exec '{}' \"$@\"", log.display(), env!("CARGO_BIN_EXE_countersign-harness"));
    let options = with_probe(&folder.script("probe", &script));
    let runs = || fs::read_to_string(&log).map_or(0, |text| text.lines().count());

    let plugins = named(&[(PROVIDER, &file)]);
    let registry = Registry::load(&plugins, [PROVIDER], &options).unwrap();
    assert_eq!(runs(), 1);
    Registry::load(&plugins, [PROVIDER], &options).unwrap();
    assert_eq!(runs(), 1);
    let plugin = registry.plugin(PROVIDER).unwrap();
    plugin.open(b"{}").unwrap();
    plugin.open(b"{}").unwrap();
    assert_eq!(runs(), 2);
    plugin.open(br#"{"base_url": "https://x.example"}"#).unwrap();
    assert_eq!(runs(), 3);
    // What was refused is tried again.
    for expected in [4, 5] {
        assert!(matches!(plugin.open(br#"{"speed": 1}"#), Err(OpenError::Settings { .. })));
        assert_eq!(runs(), expected);
    }

    let registry = Registry::load(&pinned(&file, digest(&file)), [PROVIDER], &options).unwrap();
    registry.plugin(PROVIDER).unwrap().open(br#"{"base_url": null}"#).unwrap();
    assert_eq!(runs(), 5);
}

#[test]
fn the_child_sees_nothing_of_the_environment() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    check("[ -n \"$CARGO_MANIFEST_DIR\" ] && exit 9; exit 8", "exit code 8");
}

#[test]
fn faults_that_the_contract_catches_do_not_keep_a_plugin_from_being_used() {
    let registry = Registry::load(&Default::default(), ["misbehave"], &options()).unwrap();
    let plugin = registry.plugin("misbehave").unwrap();
    for fault in ["none", "panic", "foreign_await", "endless_steps", "huge_step", "huge_data"] {
        let settings = format!(r#"{{"token": {{"secret": "token"}}, "fault": "{fault}"}}"#);
        assert!(plugin.open(settings.as_bytes()).is_ok(), "{fault}");
    }
    let error = plugin.open(br#"{"token": {"secret": "token"}, "fault": "panic_in_open"}"#).unwrap_err();
    let OpenError::Settings { fault, .. } = &error else { panic!("{error:?}") };
    assert_eq!(fault.kind, FaultKind::Panicked);
    assert!(error.to_string().contains("libmisbehave.so"), "{error}");
}

#[test]
fn a_plugin_that_ends_the_process_in_an_operation_ends_the_child_and_is_told_to_the_host() {
    let registry = Registry::load(&Default::default(), ["misbehave"], &options()).unwrap();
    let plugin = registry.plugin("misbehave").unwrap();
    for when in ["null", "\"start\"", "\"check\"", "\"test_credentials\""] {
        let settings = format!(r#"{{"token": {{"secret": "token"}}, "fault": "abort", "when": {when}}}"#);
        // Not even the second time is it let in.
        for _ in 0..2 {
            let error = plugin.open(settings.as_bytes()).unwrap_err();
            let OpenError::Probe { path, cause: ProbeError::Died { end: End::Signal(6) } } = &error else {
                panic!("{when}: {error:?}")
            };
            assert_eq!(*path, plugin.path);
            let text = error.to_string();
            assert!(text.contains("libmisbehave.so") && text.contains("was killed by SIGABRT (signal 6)"), "{text}");
        }
    }
    // The file is fine with other settings, and so is this process.
    let instance = plugin.open(br#"{"token": {"secret": "token"}}"#).unwrap();
    let call = br#"{"now": 0, "operation": {"test_credentials": {}}}"#;
    let answer: Answer = serde_json::from_slice(&instance.begin(call).unwrap()).unwrap();
    assert!(matches!(answer.steps[..], [Step { action: Action::Http(_), .. }]), "{answer:?}");
    instance.end(answer.handle);
}
