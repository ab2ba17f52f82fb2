//! Users and their factors, on the built program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::app::App;
use common::verify::{NUMBER, Verify, WRONG, code};
use common::{Site, block_on, json};

const LOGIN: [&str; 4] = ["login", "ada", "--type", "web-portal"];

/// A site without network, with a user.
fn local() -> Site {
    let site = Site::empty();
    site.done(&["init"]);
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    let text = text.replace("period = 30 ", "period = 120 ").replace("skew = 1 ", "skew = 2 ");
    site.write("countersign.toml", text.replace("attempts_per_user = 10 ", "attempts_per_user = 3 "));
    site.done(&["user", "add", "Ada"]);
    site
}

#[test]
fn an_app_is_registered_and_logs_in_with_each_code_once() {
    let site = local();
    let (app, registered) = App::register(&site, "ada", "", &[]);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
    assert_eq!(json(&registered.stdout)["verdict"], "approved");

    // The code that registered the app is used up.
    let again = site.run_with(&LOGIN, &format!("{}\n", app.code(-1)));
    assert_eq!(again.code, Some(1), "{again:#?}");

    let login = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
    assert_eq!(login.code, Some(0), "{login:#?}");
    assert!(login.stdout.starts_with("approved: ada ") && login.stdout.contains("totp"), "{login:#?}");

    let replayed = site.run_with(&[&LOGIN[..], &["--json"]].concat(), &format!("{}\n", app.code(0)));
    assert_eq!((replayed.code, &json(&replayed.stdout)["verdict"]), (Some(1), &"replayed".into()), "{replayed:#?}");
}

#[test]
fn what_is_left_to_administrators_is_enrolled_by_one() {
    let site = local();
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", text.replace("registration = [\"phone\", \"app\"]", "registration = []"));
    let refused = site.run(&["enroll", "ada", "--method", "totp"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(
        refused.stderr.contains("two_factor.registration; an administrator enrolls it by `--as-admin"),
        "{refused:#?}"
    );
    let by = ["enroll", "ada", "--method", "totp", "--as-administrator", "--json"];
    let (_, registered) = App::register_by(&site, &by, "", &[]);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
    // A second one would need the first to go.
    let again = site.run(&by);
    assert_eq!(again.code, Some(1), "{again:#?}");
    assert!(json(&again.stdout)["error"]["message"].as_str().unwrap().contains("already"), "{again:#?}");
}

#[test]
fn an_administrator_takes_a_lost_app_away_and_the_user_registers_another() {
    let site = local();
    let remove = ["user", "remove-factor", "ada", "--method", "totp"];
    assert_eq!(site.run(&remove).code, Some(1), "there is none yet");
    let (_, registered) = App::register(&site, "ada", "", &[]);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
    let removed = site.run(&remove);
    assert!(removed.code == Some(0) && removed.stdout.contains("factors   none"), "{removed:#?}");
    let unknown = site.run(&["user", "remove-factor", "ada", "--method", "fax"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("`fax`"), "{unknown:#?}");
    let (_, again) = App::register(&site, "ada", "", &[]);
    assert_eq!(again.code, Some(0), "{again:#?}");
}

#[test]
fn a_prompt_says_how_many_digits_are_configured() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let (app, registered) = App::register(&site, "ada", "", &[]);
    assert!(registered.stderr.contains("Code (6 digits), as the app shows it:"), "{registered:#?}");
    let asked = site.run(&LOGIN);
    assert!(asked.stderr.contains("Code (6 digits):"), "{asked:#?}");

    // Only the provider knows how many digits its codes have.
    site.done(&["user", "add", "bob"]);
    let asked = site.run(&["enroll", "bob", "--method", "sms", "--phone", NUMBER]);
    assert!(asked.stderr.contains("Code (4 to 10 digits):"), "{asked:#?}");

    // An app registered under the old setting goes on.
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", text.replace("period = 120", "period = 120\ndigits = 8"));
    let asked = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
    assert!(asked.stderr.contains("Code (8 digits):"), "{asked:#?}");
    assert_eq!(asked.code, Some(0), "{asked:#?}");
}

#[test]
fn wrong_codes_lock_until_an_administrator_unlocks() {
    let site = local();
    let (app, _) = App::register(&site, "ada", "", &[]);
    let wrong = format!("{WRONG}\n").repeat(3);
    let locked = site.run_with(&LOGIN, &wrong);
    assert_eq!(locked.code, Some(1), "{locked:#?}");
    assert!(locked.stdout.starts_with("locked: ") && locked.stdout.contains("15 min"), "{locked:#?}");

    let right = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
    assert_eq!(right.code, Some(1), "{right:#?}");
    assert!(right.stderr.contains("too many wrong codes"), "{right:#?}");
    assert!(site.json(&["user", "show", "ada"])["locked_until"].is_u64());

    assert!(site.json(&["user", "unlock", "ada"])["locked_until"].is_null());
    let right = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
    assert_eq!(right.code, Some(0), "{right:#?}");
}

#[test]
fn one_wrong_code_and_no_other_is_denied() {
    let site = local();
    let (_, _) = App::register(&site, "ada", "", &[]);
    let ran = site.run_with(&[&LOGIN[..], &["--json"]].concat(), "\nhelp\n1234567\n");
    let verdict = json(&ran.stdout);
    assert_eq!((ran.code, &verdict["verdict"], &verdict["attempts_left"]), (Some(1), &"wrong_code".into(), &4.into()));
    assert!(ran.stderr.contains("No code was typed") && ran.stderr.contains("this was not tried"), "{ran:#?}");

    let ran = site.run(&LOGIN);
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.stderr.contains("standard input ended where the code was asked for"), "{ran:#?}");
}

#[test]
fn a_user_is_added_shown_flagged_and_forgotten() {
    let site = local();
    let shown = site.json(&["user", "show", " ADA "]);
    assert_eq!(
        (&shown["user"], &shown["required"], &shown["has_email"]),
        (&"ada".into(), &false.into(), &false.into())
    );
    assert_eq!(shown["factors"], serde_json::json!([]));

    let required = site.json(&["user", "require", "ada"]);
    assert_eq!(required["required"], true);
    assert_eq!(site.json(&["user", "require", "ada", "--off"])["required"], false);

    let added = site.json(&["user", "add", "Bob", "--email", "bob@example.com", "--locale", "de", "--required"]);
    assert_eq!((&added["has_email"], &added["locale"], &added["required"]), (&true.into(), &"de".into(), &true.into()));
    site.refused(&["user", "add", "BOB"], 2, &["`bob`", "choose another name"]);
    site.refused(&["user", "add", "carl", "--email", "nowhere"], 2, &["e-mail"]);
    site.refused(&["user", "add", "a\u{7}b"], 2, &["U+0007"]);

    assert_eq!(site.json(&["user", "forget", "Ada"])["forgotten"], "ada");
    site.refused(&["user", "show", "ada"], 2, &["there is no user `ada`"]);
}

#[test]
fn unknown_users_and_kinds_of_login_are_refused_and_change_nothing() {
    let site = local();
    // What lets unknown users in helps at a login, but never an administrator who mistyped a name.
    for (arguments, registers) in [
        (&["login", "nobody", "--type", "web-portal"][..], true),
        (&["login", "nobody", "--type", "windows"], true),
        (&["enroll", "nobody", "--method", "totp"], true),
        (&["user", "show", "nobody"], false),
        (&["user", "require", "nobody"], false),
        (&["user", "unlock", "nobody"], false),
        (&["user", "forget", "nobody"], false),
    ] {
        let ran = site.refused(arguments, 2, &["there is no user `nobody`; "]);
        assert_eq!(ran.stderr.contains("unknown_users"), registers, "{ran:#?}");
        assert!(ran.stderr.contains("`countersign user add nobody`"), "{ran:#?}");
        assert_eq!(site.json(arguments)["error"]["kind"], "unknown_user");
    }
    site.refused(&["user", "show", "No Body"], 2, &["`no body`; ", "`countersign user add NAME`"]);
    site.refused(&["login", "ada", "--type", "kiosk"], 2, &["`kiosk`", "web-portal", "windows"]);
    site.refused(&["login", "nobody", "--type", "kiosk"], 2, &["`kiosk`"]);
    site.refused(&["enroll", "ada", "--method", "fax"], 2, &["`fax`", "totp"]);
    site.refused(&["enroll", "ada", "--method", "totp", "--phone", NUMBER], 2, &["`totp`", "leave --phone out"]);
}

#[test]
fn without_a_store_nobody_is_known_and_none_is_made() {
    let site = Site::empty();
    site.done(&["init"]);
    site.refused(&["login", "ada", "--type", "web-portal"], 2, &["there is no user `ada`"]);
    site.refused(&["user", "show", "ada"], 2, &["there is no user `ada`"]);
    assert!(!site.path("countersign.sqlite").exists());
}

#[test]
fn unknown_users_register_where_the_bootstrap_says_so() {
    let site = Site::empty();
    site.done(&["init"]);
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", text.replace("unknown_users = \"error\"   ", "unknown_users = \"register\""));
    let ran = site.run(&["login", "ada", "--type", "web-portal", "--json"]);
    assert_eq!((ran.code, &json(&ran.stdout)["verdict"]), (Some(1), &"register".into()), "{ran:#?}");
    assert_eq!(site.json(&["user", "show", "ada"])["user"], "ada");
}

#[test]
fn who_only_looks_makes_no_store() {
    let site = Site::empty();
    site.done(&["init"]);
    let text = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", text.replace("unknown_users = \"error\"   ", "unknown_users = \"register\""));
    site.refused(&["user", "show", "ada"], 2, &["there is no user `ada`"]);
    site.done(&["test-credentials"]);
    assert!(!site.path("countersign.sqlite").exists());
}

#[test]
fn an_unknown_method_is_refused_where_nothing_is_asked() {
    let site = local();
    site.refused(&["login", "ada", "--type", "windows", "--method", "fax"], 2, &["there is no method `fax`", "totp"]);
}

#[test]
fn wrong_usage_is_told_in_json_too() {
    let site = Site::empty();
    for arguments in [&["logni"][..], &["login"], &["user", "add"], &[]] {
        let ran = site.run(&[arguments, &["--json"]].concat());
        assert_eq!((ran.code, &json(&ran.stdout)["error"]["kind"]), (Some(2), &"usage".into()), "{ran:#?}");
    }
    assert_eq!(site.run(&["logni"]).stdout, "");
    assert_eq!(site.run(&["--version", "--json"]).code, Some(0));
}

#[test]
fn a_login_tells_why_nothing_is_asked() {
    let site = local();
    let text = site.done(&["login", "ada", "--type", "windows"]);
    assert!(text.contains("no second factor is required") && text.contains("not ticked"), "{text}");

    site.done(&["user", "require", "ada"]);
    let ran = site.run(&["login", "ada", "--type", "windows"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("countersign enroll ada --method totp"), "{ran:#?}");
}

#[test]
fn who_has_a_factor_passes_it_before_another_one_is_registered() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let (app, _) = App::register(&site, "ada", "", &[]);
    let enroll = ["enroll", "ada", "--method", "sms", "--phone", NUMBER, "--json"];

    let ran = site.run_with(&enroll, &format!("{WRONG}\n"));
    assert_eq!((ran.code, &json(&ran.stdout)["verdict"]), (Some(1), &"wrong_code".into()), "{ran:#?}");
    assert_eq!(verify.asked("POST Verifications"), 0);

    let ran = site.run_with(&enroll, &format!("{}\n{}\n", app.code(0), code(0)));
    assert_eq!((ran.code, &json(&ran.stdout)["verdict"]), (Some(0), &"approved".into()), "{ran:#?}");
    let shown = site.json(&["user", "show", "ada"]);
    let factors: Vec<_> = shown["factors"].as_array().unwrap().iter().map(|it| it["factor"].clone()).collect();
    assert!(factors.contains(&"phone".into()) && factors.contains(&"totp".into()), "{shown}");
}
