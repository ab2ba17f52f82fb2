//! One service that is out of order keeps nobody from what does without it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;

use common::app::App;
use common::verify::{NUMBER, Verify, code};
use common::{Ran, Site, block_on, json};

const LOGIN: [&str; 4] = ["login", "ada", "--type", "web-portal"];

/// A site with sms and totp, whose user has an app and, by the first verification, a number.
fn registered(verify: &Verify) -> (Site, App) {
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();
    let (app, ran) = App::register(&site, "ada", &format!("{}\n", code(1)), &[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();
    (site, app)
}

/// What can be wrong with sms, and the words in which it is told.
const MISHAPS: [(&str, [&str; 2]); 2] =
    [("token", ["services.sms.auth_token", "create that file"]), ("plugin", ["libtwilio_verifi.so", "provider"])];

fn strike(site: &Site, mishap: &str) {
    match mishap {
        "token" => fs::remove_file(site.path("token")).unwrap(),
        _ => {
            let text = fs::read_to_string(site.path("countersign.toml")).unwrap();
            site.write("countersign.toml", text.replace("twilio-verify", "twilio-verifi"));
        }
    }
}

#[track_caller]
fn warned_in_one_line(ran: &Ran) {
    let warnings: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(matches!(warnings[..], [line] if line.contains("`countersign validate` says")), "{ran:#?}");
}

#[test]
fn what_an_administrator_does_with_users_needs_no_plugin() {
    for (mishap, words) in MISHAPS {
        let verify = block_on(Verify::start());
        let (site, _) = registered(&verify);
        strike(&site, mishap);
        site.refused(&["validate"], 2, &words);
        for command in [
            &["user", "add", "bob"][..],
            &["user", "show", "ada"],
            &["user", "require", "ada"],
            &["user", "unlock", "ada"],
        ] {
            let ran = site.run(command);
            assert_eq!(ran.code, Some(0), "{mishap}: {ran:#?}");
            warned_in_one_line(&ran);
        }
        assert_eq!(site.json(&["user", "show", "ada"])["factors"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_login_or_registration_needs_the_service_that_it_goes_by_and_no_other() {
    for (mishap, words) in MISHAPS {
        let verify = block_on(Verify::start());
        let (site, app) = registered(&verify);
        strike(&site, mishap);
        site.refused(&[&LOGIN[..], &["--method", "sms"]].concat(), 2, &words);
        site.refused(&["enroll", "ada", "--method", "sms", "--phone", NUMBER], 2, &words);
        site.refused(&["user", "change-number", "ada", "--phone", NUMBER, "--method", "sms"], 2, &words);

        // sms would come first.
        let login = site.run_with(&LOGIN, &format!("{}\n", app.code(0)));
        assert_eq!(login.code, Some(0), "{mishap}: {login:#?}");
        assert!(login.stdout.contains("by totp"), "{login:#?}");
        warned_in_one_line(&login);
        let login = site.run_with(&[&LOGIN[..], &["--method", "totp"]].concat(), &format!("{}\n", app.code(1)));
        assert_eq!(login.code, Some(0), "{mishap}: {login:#?}");

        site.done(&["user", "add", "bob"]);
        let (_, enrolled) = App::register(&site, "bob", "", &[]);
        assert_eq!(enrolled.code, Some(0), "{mishap}: {enrolled:#?}");

        site.done(&["test-credentials", "totp"]);
        site.refused(&["test-credentials", "sms"], 2, &words);
        site.refused(&["test-credentials"], 2, &words);
    }
}

#[test]
fn who_has_nothing_but_what_is_out_of_order_is_told_what_is_wrong_with_it() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    strike(&site, "token");
    for command in [&LOGIN[..], &["enroll", "ada", "--method", "totp"]] {
        let ran = site.run(command);
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.contains("error: countersign.toml:") && ran.stderr.contains("auth_token"), "{ran:#?}");
    }
}

#[test]
fn a_fallback_that_is_out_of_order_leaves_its_service() {
    let verify = block_on(Verify::start());
    let fallback = "[[services.sms.fallback]]\ndelivery_type = \"hosted-service\"\nprovider = \"absent\"\n";
    let site = verify.site(fallback);
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    warned_in_one_line(&ran);
    assert!(ran.stderr.contains("fallbacks of service `sms`"), "{ran:#?}");
    site.refused(&["validate"], 2, &["libabsent.so"]);
    site.refused(&["test-credentials", "sms fallback 1"], 2, &["libabsent.so"]);
}

#[test]
fn factors_and_users_go_although_a_provider_cannot_be_asked() {
    for (mishap, _) in MISHAPS {
        let verify = block_on(Verify::start());
        let (site, _) = registered(&verify);
        strike(&site, mishap);
        let removed = site.run(&["user", "remove-factor", "ada", "--method", "totp"]);
        assert_eq!(removed.code, Some(0), "{mishap}: {removed:#?}");
        warned_in_one_line(&removed);
        let by_sms = site.run(&["user", "remove-factor", "ada", "--method", "sms"]);
        // Without its plugin nobody knows that sms goes to the phone.
        assert_eq!(by_sms.code, Some(if mishap == "token" { 0 } else { 2 }), "{mishap}: {by_sms:#?}");
        let forgotten = site.run(&["user", "forget", "ada", "--json"]);
        assert_eq!((forgotten.code, &json(&forgotten.stdout)["forgotten"]), (Some(0), &"ada".into()), "{forgotten:#?}");
    }
}
