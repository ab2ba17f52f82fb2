//! The conformance kit over real plugin files: good ones pass every check, and each bad one fails the check made for it
//! and no other.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "a test")]

#[path = "conform/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign::registry::{ProviderId, Search};
use countersign_harness::conform::{self, CheckResult, Options, Report, Token, Verdict};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

/// The file that cargo built of a plugin.
fn file(id: &str) -> PathBuf {
    let id = ProviderId::parse(id).expect("an id");
    Search::beside_program().expect("a folder").find(&id).expect("cargo has built it").path
}

fn options(plugin: &Path) -> Options {
    let mut options = Options::new(plugin);
    options.program = Some(PathBuf::from(PROGRAM));
    options
}

fn judged(options: &Options) -> Report {
    conform::run(options, &|_| ()).expect("there is something to judge")
}

fn told(check: &CheckResult) -> String {
    format!("{}: {:?}", check.id, check.judged.verdict)
}

#[track_caller]
fn passes(options: &Options) {
    let report = judged(options);
    let others: Vec<_> = report
        .checks
        .iter()
        .filter(|check| !matches!(check.judged.verdict, Verdict::Passed { .. }))
        .map(told)
        .collect();
    assert!(others.is_empty(), "{}: {}", options.plugin.display(), others.join("\n"));
    assert_eq!(report.checks.len(), conform::catalogue().len());
}

#[test]
fn the_plugins_pass_every_check() {
    for id in ["totp", "twilio-verify", "twilio-voice"] {
        passes(&options(&file(id)));
    }
}

#[test]
fn plugins_pass_that_ask_for_two_things_at_once_or_know_no_codes() {
    for id in ["twofold", "without-code", "bad-nothing"] {
        passes(&options(&file(id)));
    }
}

#[test]
fn the_plugins_pass_every_check_with_the_cases_of_their_cassettes() {
    for id in ["totp", "twilio-verify", "twilio-voice"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(id);
        let mut options = options(&file(id));
        options.cassettes =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        options.cassettes.retain(|path| path.extension().is_some_and(|extension| extension == "har"));
        options.cassettes.sort();
        passes(&options);
    }
}

/// The flaw, and the check made for it.
const BAD: [(&str, &str); 25] = [
    ("approve", "wrong-code"),
    ("delivered", "delivery-open"),
    ("describe", "describes-itself"),
    ("effect", "effects-true"),
    ("egress", "egress"),
    ("examples", "settings-examples"),
    ("handles", "handles-clean"),
    ("header", "requests-sound"),
    ("leak", "cost"),
    ("limits", "limits"),
    ("loads", "loads"),
    ("manifest", "manifest-sound"),
    ("mixed", "concurrent"),
    ("odd", "odd-replies"),
    ("open", "open-clean"),
    ("outcome", "outcomes-sound"),
    ("path", "paths-escaped"),
    ("person", "person-text"),
    ("resend", "no-resend"),
    ("schema", "settings-refused"),
    ("secret", "secrets-kept"),
    ("steps", "same-steps"),
    ("unavailable", "declared-succeed"),
    ("undeclared", "undeclared-unsupported"),
    ("unsupported", "declared-answered"),
];

/// Fails this check and no other; what is not made is not made because of it.
#[track_caller]
fn fails_only(options: &Options, id: &str) {
    let report = judged(options);
    let plugin = options.plugin.display();
    for check in &report.checks {
        match &check.judged.verdict {
            Verdict::Failed { problems } => {
                assert_eq!(check.id, id, "{plugin}: {}", told(check));
                assert!(problems.iter().all(|problem| !problem.what.is_empty() && !problem.remedy.is_empty()));
                assert!(problems.iter().all(|problem| !problem.what.contains('\n')), "{}", told(check));
            }
            Verdict::Skipped { because } => assert!(because.contains(&format!("`{id}`")), "{plugin}: {}", told(check)),
            Verdict::Passed { .. } => assert_ne!(check.id, id, "{plugin} passes the check made for it"),
        }
    }
    assert_eq!(report.failed().count() + report.warned().count(), 1, "{plugin}");
}

#[test]
fn each_bad_plugin_fails_the_check_made_for_it_and_no_other() {
    for (flaw, check) in BAD {
        fails_only(&options(&file(&format!("bad-{flaw}"))), check);
    }
}

#[test]
fn every_check_has_a_bad_plugin() {
    for check in conform::catalogue().filter(|check| check.id != "file-whole") {
        assert!(BAD.iter().any(|(_, id)| *id == check.id), "{} cannot fail", check.id);
    }
}

#[test]
fn a_file_that_is_cut_short_is_not_whole_and_nothing_of_it_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = folder.path().join("libbad_nothing.so");
    let bytes = fs::read(file("bad-nothing")).expect("a file");
    fs::write(&cut, &bytes[..bytes.len() * 7 / 10]).expect("is written");
    fails_only(&options(&cut), "file-whole");
}

#[test]
fn an_endless_loop_is_the_failure_of_its_check_and_can_be_run_again() {
    let mut options = options(&file("bad-endless"));
    options.deadline = Duration::from_secs(20);
    options.only = vec!["odd-replies".to_owned(), "egress".to_owned()];
    let report = judged(&options);
    let [egress, odd] = &report.checks[..] else { panic!("two checks: {report:?}") };
    assert!(matches!(egress.judged.verdict, Verdict::Passed { .. }), "{}", told(egress));
    let Verdict::Failed { problems } = &odd.judged.verdict else { panic!("{}", told(odd)) };
    assert!(problems[0].what.contains("was stopped after 20 s"), "{}", told(odd));
    options.deadline = Duration::from_secs(2);
    options.reproduce = problems[0].reproduce.as_ref().map(|token| token.parse().expect("a token"));
    assert!(options.reproduce.is_some(), "{}", told(odd));
    let again = judged(&options);
    let [again] = &again.checks[..] else { panic!("one check") };
    assert!(again.judged.verdict.is_failed(), "{}", told(again));
}

#[test]
fn a_counterexample_is_run_again_exactly_and_is_gone_with_the_flaw() {
    let mut options = options(&file("bad-odd"));
    options.only = vec!["odd-replies".to_owned()];
    let report = judged(&options);
    let Verdict::Failed { problems } = &report.checks[0].judged.verdict else { panic!("{}", told(&report.checks[0])) };
    let token = problems[0].reproduce.as_deref().expect("a token");
    assert!(problems[0].what.contains("replies are text"), "{}", problems[0].what);
    let token: Token = token.parse().expect("a token");
    options.reproduce = Some(token.clone());
    let again = judged(&options);
    let Verdict::Failed { problems: again } = &again.checks[0].judged.verdict else { panic!("it is still bad") };
    assert_eq!(again[0], problems[0]);
    let mut mended = self::options(&file("bad-nothing"));
    mended.reproduce = Some(token);
    let report = judged(&mended);
    assert!(matches!(report.checks[0].judged.verdict, Verdict::Passed { .. }), "{}", told(&report.checks[0]));
}

#[test]
fn the_same_seed_judges_alike() {
    let told = |seed| {
        let mut options = options(&file("bad-odd"));
        options.only = vec!["odd-replies".to_owned()];
        options.seed = seed;
        judged(&options).checks.into_iter().map(|check| check.judged).collect::<Vec<_>>()
    };
    assert_eq!(told(7), told(7));
}
