//! How answers and usage are written: lists, lines of what was done, tables in narrow terminals, usage for scripts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::app::App;
use common::verify::Verify;
use common::{Ran, Site, block_on, finish, json, plugin_file};

/// A site without network.
fn local() -> Site {
    let site = Site::empty();
    site.done(&["init"]);
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", text.replace("period = 30 ", "period = 120 ").replace("skew = 1 ", "skew = 2 "));
    site
}

/// Runs where so many columns are shown.
fn narrow(site: &Site, arguments: &[&str], columns: u16) -> Ran {
    let mut command = site.command(arguments);
    command.env("COLUMNS", columns.to_string());
    finish(command, "")
}

#[test]
fn users_are_listed_with_their_factors_and_locks() {
    let site = local();
    assert_eq!(site.done(&["user", "list"]), "no users; `countersign user add NAME` adds one\n");
    assert_eq!(site.done(&["user", "list", "--json"]), "");
    assert!(!site.path("countersign.sqlite").exists(), "who only looks makes no store");
    for name in ["carl", "Ada", "bob"] {
        site.done(&["user", "add", name]);
    }
    site.done(&["user", "require", "bob"]);
    let (_, registered) = App::register(&site, "ada", "", &[]);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
    assert_eq!(site.run(&["enroll", "carl", "--method", "totp"]).code, Some(2), "nobody typed the first code");

    let listed = site.done(&["user", "list"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["user", "required", "factors", "locked"]);
    assert_eq!(
        rows[2..],
        [vec!["ada", "no", "totp", "no"], vec!["bob", "yes", "-", "no"], vec!["carl", "no", "totp", "(pending)", "no"]]
    );

    let documents: Vec<_> = site.done(&["user", "list", "--json"]).lines().map(json).collect();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[0], site.json(&["user", "show", "ada"]), "the same as of one");
}

#[test]
fn what_was_done_is_said_before_the_user_is_shown() {
    let site = local();
    for (command, done) in [
        (&["user", "add", "Ada"][..], "added ada"),
        (&["user", "unlock", "ada"], "unlocked ada"),
        (&["user", "require", "ada"], "ticked the box"),
        (&["user", "require", "ada", "--off"], "cleared the box"),
    ] {
        let told = site.done(command);
        assert!(told.starts_with(done) && told.contains("\nuser      ada\n"), "{told}");
    }
    let (_, _) = App::register(&site, "ada", "", &[]);
    let told = site.done(&["user", "remove-factor", "ada", "--method", "totp"]);
    assert!(told.starts_with("removed the totp device\n"), "{told}");
    // Scripts get the one document.
    assert_eq!(json(&site.done(&["user", "unlock", "ada", "--json"]))["user"], "ada");
    assert!(site.done(&["user", "show", "ada"]).starts_with("user      ada\n"));
}

#[test]
fn a_terminal_too_narrow_for_the_table_gets_a_block_for_each_service() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    let table = site.done(&["validate"]);
    let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
    let wide = narrow(&site, &["validate"], u16::try_from(widest).unwrap());
    assert_eq!(wide.stdout, table, "it fits");
    let blocks = narrow(&site, &["validate"], 80);
    assert_eq!(blocks.code, Some(0), "{blocks:#?}");
    assert!(blocks.stdout.contains("\nsms\n  delivery type hosted-service\n"), "{}", blocks.stdout);
    assert!(blocks.stdout.contains("\n\ntotp\n  delivery type local\n"), "{}", blocks.stdout);
    assert!(!blocks.stdout.contains("service  "), "{}", blocks.stdout);
}

#[test]
fn descriptions_are_broken_where_the_terminal_ends_and_nowhere_else() {
    let site = Site::empty();
    let file = plugin_file("twilio_voice");
    let command = ["plugin", "inspect", file.to_str().unwrap()];
    for columns in [70, 140] {
        let ran = narrow(&site, &command, columns);
        let table: Vec<_> = ran.stdout.lines().skip_while(|line| !line.starts_with(" setting")).collect();
        let widest = table.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.into() && widest + 20 > columns.into(), "{widest} of {columns}: {}", ran.stdout);
        // Filled lines: but the last of a description, none is much shorter than the column.
        let short = table.iter().filter(|line| line.trim_end().chars().count() + 30 < widest).count();
        let settings = table.iter().filter(|line| line.starts_with(' ') && line.as_bytes()[1] != b' ').count();
        assert!(short <= settings, "{short} short lines of {settings} settings: {}", ran.stdout);
    }
}

#[test]
fn commands_that_read_no_bootstrap_neither_offer_nor_take_one() {
    let site = Site::empty();
    for command in [&["demo"][..], &["plugin"], &["plugin", "inspect"]] {
        let help = site.done(&[command, &["--help"]].concat());
        assert!(!help.contains("--bootstrap"), "{help}");
    }
    for command in [&["validate"][..], &["user", "show"], &["init"], &["login"]] {
        let help = site.done(&[command, &["--help"]].concat());
        assert!(help.contains("--bootstrap <FILE>"), "{help}");
    }
    for command in [
        &["demo", "--headless", "--bootstrap", "x.toml"][..],
        &["--bootstrap", "x.toml", "demo", "--headless"],
        &["plugin", "inspect", "x.so", "--bootstrap", "x.toml"],
    ] {
        let ran = site.run(command);
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.contains("leave --bootstrap out"), "{ran:#?}");
    }
}

#[test]
fn wrong_usage_is_told_to_scripts_apart_from_the_usage() {
    let site = Site::empty();
    for (arguments, message, usage) in [
        (&["logni"][..], "unrecognized subcommand 'logni'", "countersign [OPTIONS] <COMMAND>"),
        (
            &["login", "ada"],
            "the following required arguments were not provided",
            "countersign login --type <LOGIN> --json <USER>",
        ),
        (&[], "'countersign' requires a subcommand but one was not provided", "countersign [OPTIONS] <COMMAND>"),
    ] {
        let told = json(&site.run(&[arguments, &["--json"]].concat()).stdout)["error"].clone();
        assert_eq!(told["kind"], "usage");
        let (said, shown) = (told["message"].as_str().unwrap(), told["usage"].as_str().unwrap());
        assert!(said.starts_with(message) && !said.contains("Usage"), "{told}");
        assert_eq!(shown, usage);
    }
}
