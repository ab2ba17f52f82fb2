//! What is told at the prompt and in errors: the actual cause, once, with the command that helps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::Write as _;

use common::app::App;
use common::verify::{NUMBER, Verify, WRONG, code};
use common::{Ran, Site, block_on, finish, json, piped, ran};

const LOGIN: [&str; 4] = ["login", "ada", "--type", "web-portal"];
const BY_ADMINISTRATOR: [&str; 5] = ["enroll", "ada", "--method", "totp", "--as-administrator"];

/// A site without network, with a user.
fn local(more: &str) -> Site {
    let site = Site::with(&format!(
        "version = 1\n[services.totp]\ndelivery_type = \"local\"\nprovider = \"totp\"\nissuer = \"ACME\"\nperiod = 120\n\
         skew = 2\n[two_factor.login_types]\nweb-portal = \"everyone\"\n{more}"
    ));
    site.done(&["user", "add", "ada"]);
    site
}

/// A site with sms and totp, whose user has proven the number by the first verification.
fn registered(verify: &Verify, more: &str) -> Site {
    let site = verify.site(more);
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();
    site
}

#[track_caller]
fn told(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not in {ran:#?}");
    }
}

#[test]
fn what_can_be_no_code_costs_no_attempt() {
    let site = local("");
    let (app, _) = App::register(&site, "ada", "", &[]);
    let mut child = piped(&mut site.command(&[&LOGIN[..], &["--json"]].concat()));
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\xff\xfe123456\nhelp\n12345\n123456789\n123-456\n").unwrap();
    writeln!(input, "{WRONG}").unwrap();
    drop(input);
    let ended = ran(child.wait_with_output().unwrap());
    // Only the last one was tried.
    assert_eq!((ended.code, &json(&ended.stdout)["attempts_left"]), (Some(1), &4.into()), "{ended:#?}");
    assert_eq!(ended.stderr.matches("A code has digits only; this was not tried.").count(), 3, "{ended:#?}");
    assert_eq!(ended.stderr.matches("A code has 6 digits; this was not tried.").count(), 2, "{ended:#?}");
    let login = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
    assert!(login.code == Some(0) && login.stdout.ends_with("by totp\n"), "{login:#?}");
}

#[test]
fn the_end_of_input_is_told_and_the_wrong_code_not_twice() {
    let site = local("");
    let (app, _) = App::register(&site, "ada", "", &[]);
    let ended = site.run_with(&LOGIN, &format!("{WRONG}\n"));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), "wrong code, and no more input (4 left)\n"),
        "{ended:#?}"
    );
    assert_eq!(ended.stderr.matches("That is not the code.").count(), 1, "{ended:#?}");
    let used = site.run_with(&LOGIN, &format!("{}\n", app.code(-1)));
    assert_eq!(used.stdout, "replayed: that code was used before, and no more input\n", "{used:#?}");

    site.done(&["user", "add", "bob"]);
    let ended = site.run_with(&["enroll", "bob", "--method", "totp"], "123456\n");
    assert!(ended.stdout.ends_with("\nwrong code, and no more input (4 left)\n"), "{ended:#?}");
}

#[test]
fn nobody_is_told_to_ask_an_app_for_a_new_code() {
    let site = local("[limits]\nattempts_per_challenge = 1\n");
    let (_, _) = App::register(&site, "ada", "", &[]);
    let last = site.run_with(&LOGIN, &format!("{WRONG}\n"));
    assert_eq!(last.code, Some(1), "{last:#?}");
    let expected = "wrong code: That is not the code. Please start again, with the next code that your app shows.\n";
    assert_eq!(last.stdout, expected);

    let verify = block_on(Verify::start());
    let site = registered(&verify, "[limits]\nattempts_per_challenge = 1");
    let last = site.run_with(&LOGIN, &format!("{WRONG}\n"));
    assert_eq!(last.stdout, "wrong code: That is not the code. Please ask for a new one.\n", "{last:#?}");
}

#[test]
fn a_lock_names_the_command_that_ends_it() {
    let site = local("[limits]\nattempts_per_user = 1\n");
    let (_, _) = App::register(&site, "ada", "", &[]);
    let locked = site.run_with(&LOGIN, &format!("{WRONG}\n"));
    assert!(locked.stdout.contains("15 min") && locked.stdout.contains("`countersign user unlock ada`"), "{locked:#?}");
    told(&site.run(&LOGIN), &["too many wrong codes", "try again in 15 min", "`countersign user unlock ada`"]);
}

#[test]
fn who_has_a_factor_already_is_told_how_it_is_removed() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let (app, _) = App::register(&site, "ada", &format!("{}\n", code(1)), &[]);
    site.let_cool_down();
    let again = site.run_with(&["enroll", "ada", "--method", "totp"], &format!("{}\n", app.code(0)));
    told(&again, &["already", "`countersign user remove-factor ada --method totp`"]);
    let number = ["enroll", "ada", "--method", "sms", "--phone", NUMBER, "--as-administrator"];
    told(&site.run(&number), &["already", "`countersign user change-number ada --phone NUMBER`"]);
}

#[test]
fn an_enrollment_that_an_administrator_left_open_is_told_with_its_time() {
    let site = local("");
    assert_eq!(site.run(&BY_ADMINISTRATOR).code, Some(2), "nobody typed the first code");
    let shown = site.done(&["user", "show", "ada"]);
    assert!(shown.contains("pending for another 10 min"), "{shown}");
    assert!(shown.contains(&format!("id        {}\n", site.json(&["user", "show", "ada"])["id"].as_str().unwrap())));

    let refused = site.run(&["enroll", "ada", "--method", "totp"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    let commands = [
        "`countersign enroll ada --method totp --as-administrator`",
        "`countersign user remove-factor ada --method totp`",
    ];
    told(
        &refused,
        &["an administrator is registering a totp device for ada", "for another 10 min", commands[0], commands[1]],
    );
    assert!(!refused.stderr.contains("had a second factor"), "{refused:#?}");

    // Taken back, as it says.
    site.done(&["user", "remove-factor", "ada", "--method", "totp"]);
    let (_, registered) = App::register(&site, "ada", "", &[]);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
}

#[test]
fn who_had_a_factor_is_told_so() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    // The old number goes, and the new one is not proven: its enrollment is ended by another one's.
    verify.refuse("POST Verifications", 403, 60410);
    let gone = site.run(&["user", "change-number", "ada", "--phone", "+15005550012"]);
    assert_eq!(gone.code, Some(1), "{gone:#?}");
    let path = site.path("countersign.sqlite");
    rusqlite::Connection::open(path).unwrap().execute("DELETE FROM enrollments", []).unwrap();
    let refused = site.run(&["enroll", "ada", "--method", "totp"]);
    told(
        &refused,
        &["ada had a second factor and has none now", "--as-administrator`", "user remove-factor ada --method totp`"],
    );
    assert!(!refused.stderr.contains("is registering"), "{refused:#?}");
}

#[test]
fn other_ways_are_listed_where_there_are_any() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let only = site.run(&LOGIN);
    told(&only, &["Type `resend` for another one (in "]);
    assert!(!only.stderr.contains("other METHOD"), "{only:#?}");

    site.let_cool_down();
    let (_, _) = App::register(&site, "ada", &format!("{}\n", code(2)), &[]);
    site.let_cool_down();
    told(&site.run(&LOGIN), &["for another one (in ", ", or `other METHOD` for another way (totp)."]);
    let app = site.run_with(&[&LOGIN[..], &["--method", "totp"]].concat(), "help\n");
    told(&app, &["Type `other METHOD` for another way (sms).", "this was not tried. Or type `other METHOD`"]);
    assert!(!app.stderr.contains("resend"), "{app:#?}");

    let local = local("");
    let (_, _) = App::register(&local, "ada", "", &[]);
    let alone = local.run(&LOGIN);
    assert!(!alone.stderr.contains("Type "), "{alone:#?}");
}

#[test]
fn all_that_failed_are_named_and_once() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    // Nobody listens on port 9.
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    let base = text.lines().find(|line| line.contains("base_url")).unwrap();
    let text = text.replace(base, "base_url = \"http://127.0.0.1:9\"");
    site.write(
        "countersign.toml",
        format!(
            "{text}\n[[services.sms.fallback]]\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-verify\"\n\
             auth_id = \"AC00000000000000000000000000000002\"\nauth_token = {{ file = \"token\" }}\n\
             service_sid = \"VA00000000000000000000000000000001\"\nbase_url = \"http://127.0.0.1:9\"\n"
        ),
    );
    let failed = site.run(&LOGIN);
    assert_eq!(failed.code, Some(3), "{failed:#?}");
    told(&failed, &["error: service `sms` failed: ", "; then service `sms fallback 1` failed: "]);
    assert_eq!(failed.stderr.lines().count(), 1, "{failed:#?}");

    // Whoever asks for a log still gets it.
    site.let_cool_down();
    let mut command = site.command(&LOGIN);
    command.env("COUNTERSIGN_LOG", "warn");
    let logged = finish(command, "");
    assert!(logged.stderr.contains("WARN countersign::operation"), "{logged:#?}");
}

#[test]
fn a_host_that_cannot_be_reached_is_named_with_what_may_be_in_the_way() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    let run = |proxy: Option<&str>| {
        let mut command = site.command(&["test-credentials", "sms"]);
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(variable);
        }
        command.envs(proxy.map(|proxy| ("HTTPS_PROXY", proxy)));
        // No such name exists (RFC 6761 §6.4), and nobody listens on port 9.
        command.env("COUNTERSIGN_SERVICES__SMS__BASE_URL", "https://verify.invalid");
        finish(command, "")
    };
    let direct = run(None);
    assert_eq!(direct.code, Some(3), "{direct:#?}");
    assert!(direct.stdout.contains("`verify.invalid` cannot be reached: "), "{direct:#?}");
    assert!(direct.stdout.contains("(DNS)") && direct.stdout.contains("HTTPS_PROXY"), "{direct:#?}");
    assert_eq!(direct.stderr, "", "told once");
    let through = run(Some("http://ada:opensesame@127.0.0.1:9"));
    assert!(through.stdout.contains("through the proxy http://127.0.0.1:9: "), "{through:#?}");
    assert!(!through.stdout.contains("opensesame"), "{through:#?}");
}

#[test]
fn a_country_code_or_language_that_is_none_is_refused() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let number = ["enroll", "ada", "--method", "sms", "--phone", "+999123456789"];
    site.refused(&number, 2, &["begins with no known country code"]);
    site.refused(&["user", "add", "bob", "--locale", "klingon-12345678910"], 2, &["language tag", "`pt-BR`"]);
}
