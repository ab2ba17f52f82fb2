//! The demo, on the built program and on a copy of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command};

use common::{PROGRAM, Ran, Site, copy, finish, json, piped, plugin_file, ran};

const MOVES: [&str; 8] = [
    "register a phone, confirm by SMS",
    "log in by SMS",
    "log in by an Authy-style call",
    "log in by a spoken code",
    "register an app, log in by TOTP",
    "type a wrong code",
    "type a code a second time",
    "guess until locked out",
];

#[track_caller]
fn all_moves_are_ok(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), MOVES.len(), "{ran:#?}");
    for (number, (line, title)) in lines.iter().zip(MOVES).enumerate() {
        assert!(line.starts_with(&format!("ok     {}. {title}: ", number + 1)), "{line}");
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn every_move_ends_as_it_should_from_any_folder() {
    let site = Site::empty();
    let ran = site.run(&["demo", "--headless"]);
    all_moves_are_ok(&ran);
    for words in ["the phone shows", "the phone says", "the app shows", "the demo's clock was moved by"] {
        assert!(ran.stdout.contains(words), "{words}: {ran:#?}");
    }
    assert!(site.files().is_empty(), "nothing is left behind");
}

#[test]
fn scripts_get_the_verdicts_and_no_code() {
    let ran = Site::empty().run(&["demo", "--json"]);
    let moves: Vec<_> = ran.stdout.lines().map(json).collect();
    let verdicts: Vec<_> = moves.iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    let approved = ["approved"; 5];
    assert_eq!(verdicts, [&approved[..], &["wrong_code", "replayed", "locked"]].concat());
    assert!(moves.iter().all(|it| it["ok"] == true));
    assert!(!ran.stdout.contains("phone shows"), "{ran:#?}");
    // 15 minutes of lock, at least.
    assert!(moves[7]["waited_seconds"].as_u64().unwrap() >= 900, "{ran:#?}");
}

#[test]
fn a_folder_is_kept_and_the_demo_may_be_repeated_in_it() {
    let site = Site::empty();
    all_moves_are_ok(&site.run(&["demo", "--headless", "--dir", "stage"]));
    all_moves_are_ok(&site.run(&["demo", "--headless", "--dir", "stage"]));
    for name in ["countersign.toml", "countersign.key", "countersign.sqlite"] {
        assert!(site.path("stage").join(name).is_file(), "{name}");
    }
    let shown = site.json(&["--bootstrap", "stage/countersign.toml", "user", "show", "ada-2"]);
    assert_eq!(shown["factors"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(
        site.json(&["--bootstrap", "stage/countersign.toml", "validate"])["services"].as_array().unwrap().len(),
        4
    );
}

#[test]
fn somebody_elses_bootstrap_is_left_alone() {
    let site = Site::empty();
    site.done(&["init"]);
    site.refused(&["demo", "--headless", "--dir", "."], 2, &["countersign.toml", "not the demo's"]);
    site.write("file", "x");
    site.refused(&["demo", "--headless", "--dir", "file"], 2, &["file", "--dir"]);
}

#[test]
fn the_environment_of_another_bootstrap_does_not_matter() {
    let site = Site::empty();
    let mut command = site.command(&["demo", "--headless"]);
    command.env("COUNTERSIGN_SERVICES__SMS__PROVIDER", "other").env("COUNTERSIGN_BOOTSTRAP", "other.toml");
    all_moves_are_ok(&finish(command, ""));
}

/// The program alone in a folder, with plugin files beside it except this one.
fn without(missing: &str) -> (Site, Command) {
    let site = Site::empty();
    let program = site.path("bin/countersign");
    copy(Path::new(PROGRAM), &program);
    for name in ["totp", "twilio_verify", "twilio_voice"].into_iter().filter(|name| *name != missing) {
        copy(&plugin_file(name), &program.with_file_name(format!("lib{name}.so")));
    }
    let mut command = Command::new(program);
    command.args(["demo", "--headless"]).current_dir(site.path("")).env_clear();
    (site, command)
}

#[test]
fn the_program_needs_nothing_beside_it_but_the_plugin_files() {
    let (_site, command) = without("nothing");
    all_moves_are_ok(&finish(command, ""));
}

#[test]
fn with_any_plugin_file_deleted_it_fails() {
    for name in ["totp", "twilio_verify", "twilio_voice"] {
        let (_site, command) = without(name);
        let ran = finish(command, "");
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.contains(&format!("lib{name}.so")), "{ran:#?}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn with_a_broken_plugin_file_it_fails() {
    let (site, command) = without("nothing");
    let file = site.path("bin/libtotp.so");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let ran = finish(command, "");
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.stderr.contains("libtotp.so") && ran.stderr.contains("cut short"), "{ran:#?}");
}

/// A person at the demo: reads what is on the screen, and types.
struct Visitor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    seen: String,
}

impl Visitor {
    fn at(site: &Site) -> Self {
        let mut child = piped(&mut site.command(&["demo"]));
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout, seen: String::new() }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Reads on until these words, and takes the digits of their line.
    #[track_caller]
    fn reads(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "{words:?} is not in: {}", self.seen);
            self.seen.push_str(&line);
            if line.contains(words) {
                return line.chars().filter(char::is_ascii_digit).collect();
            }
        }
    }

    fn leaves(mut self) -> Ran {
        drop(self.stdin);
        std::io::Read::read_to_string(&mut self.stdout, &mut self.seen).unwrap();
        Ran { stdout: self.seen, ..ran(self.child.wait_with_output().unwrap()) }
    }
}

#[test]
fn a_person_is_walked_through_it() {
    let site = Site::empty();
    let mut visitor = Visitor::at(&site);
    visitor.reads("libtwilio_voice.so");
    visitor.types("Grace");
    visitor.types("12345"); // no number: asked again
    visitor.types("+1 (500) 555-0012");
    let code = visitor.reads("verification code is: ");
    visitor.types("");
    visitor.types("12");
    visitor.types("000000");
    visitor.reads("(4 left)");
    visitor.types(&code);
    visitor.reads("✓ approved, by sms\n");
    visitor.reads("sms: a text message");
    visitor.types("fax");
    visitor.types("");
    let code = visitor.reads("verification code is: ");
    visitor.types(&code);
    visitor.reads("✓ approved, by sms\n");
    visitor.reads("voice: a call");
    visitor.types("");
    visitor.reads("Incoming call");
    let code = visitor.reads("Your code is: ");
    visitor.types(&code);
    visitor.reads("✓ approved, by voice\n");
    visitor.reads("authy: a call");
    visitor.types("authy");
    visitor.reads("Incoming call");
    let code = visitor.reads(" code");
    visitor.types(&code);
    visitor.reads("✓ approved, by authy (voice)");
    visitor.reads("Scan this");
    visitor.types("show");
    let code = visitor.reads("The app shows ");
    visitor.types(&code);
    visitor.reads("✓ approved, by totp\n");
    visitor.types(&code);
    visitor.reads("used before");
    visitor.types("show");
    let code = visitor.reads("The app shows ");
    visitor.types(&code);
    visitor.reads("✓ approved, by totp\n");
    // The commands are told so that they are found from here.
    visitor.reads(&format!("{PROGRAM} demo --headless"));
    let ran = visitor.leaves();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for words in [
        "plus sign",
        "Press Enter to log in by sms, or type `skip`",
        "The demo's clock is moved",
        "No code was typed",
        "A code has 4 to 10 digits; this was not tried.",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {ran:#?}");
    }
    assert!(site.files().is_empty(), "nothing is left behind");
}

#[test]
fn all_but_one_way_may_be_left_out() {
    let mut visitor = Visitor::at(&Site::empty());
    visitor.types("Grace");
    visitor.types("");
    let code = visitor.reads("verification code is: ");
    visitor.types(&code);
    for _ in 0..3 {
        visitor.types("skip");
    }
    visitor.reads("authy: a call");
    visitor.reads("Incoming call");
    let code = visitor.reads(" code");
    visitor.types(&code);
    visitor.reads("✓ approved, by authy (voice)");
    visitor.reads("Scan this");
    assert!(!visitor.seen.contains("by voice\n"), "{}", visitor.seen);
}

#[test]
fn a_number_with_a_trunk_prefix_reaches_the_phone() {
    let site = Site::empty();
    let mut visitor = Visitor::at(&site);
    visitor.types("Grace");
    visitor.types("+49 (0)30 901820"); // the 0 is not part of it
    visitor.reads("Your phone");
    assert!(visitor.seen.ends_with("Your phone:\n"), "{}", visitor.seen);
    let code = visitor.reads("verification code is: ");
    visitor.types(&code);
    visitor.reads("✓ approved, by sms\n");
}

#[test]
fn who_goes_away_in_the_middle_has_not_passed() {
    let ran = Site::empty().run_with(&["demo"], "\n\n");
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.stderr.contains("standard input ended where the code was asked for"), "{ran:#?}");
}
