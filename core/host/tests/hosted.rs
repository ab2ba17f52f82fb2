//! A hosted provider, doubled on loopback: numbers, logins and what can go wrong with them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::app::App;
use common::verify::{NUMBER, Verify, WRONG, code};
use common::{Site, block_on, finish, json, piped, plugin_file};

const ENROLL: [&str; 6] = ["enroll", "ada", "--method", "sms", "--phone", NUMBER];
const LOGIN: [&str; 4] = ["login", "ada", "--type", "web-portal"];

/// A site whose user has proven the number by the first verification.
fn registered(verify: &Verify, more: &str) -> Site {
    let site = verify.site(more);
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&ENROLL, &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stdout.contains("•••• 06"), "{ran:#?}");
    site.let_cool_down();
    site
}

#[test]
fn a_number_is_proven_and_then_logs_in() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    site.done(&["user", "add", "ada"]);
    let ran = site.run_with(&ENROLL, &format!("{WRONG}\n{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stderr.contains("(4 left)"), "{ran:#?}");
    assert_eq!(site.json(&["user", "show", "ada"])["factors"][0]["number"], "•••• 06");

    // Too soon: the cool-down of the number.
    let soon = site.run(&LOGIN);
    assert_eq!(soon.code, Some(1), "{soon:#?}");
    assert!(soon.stderr.contains("try again in"), "{soon:#?}");
    assert_eq!(verify.asked("POST Verifications"), 1);

    site.let_cool_down();
    let login = site.run_with(&[&LOGIN[..], &["--json"]].concat(), &format!("{}\n", code(1)));
    assert_eq!(login.code, Some(0), "{login:#?}");
    let verdict = json(&login.stdout);
    assert_eq!((&verdict["verdict"], &verdict["service"]), (&"approved".into(), &"sms".into()));
    assert_eq!((&verdict["recipient"], &verdict["login_type"]), (&"•••• 06".into(), &"web-portal".into()));
}

#[test]
fn a_code_counts_for_its_own_login_only() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let old = site.run_with(&LOGIN, &format!("{}\n", code(0)));
    assert_eq!(old.code, Some(1), "{old:#?}");
}

#[test]
fn guessing_ends_in_a_lock() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "[limits]\nattempts_per_challenge = 2\nattempts_per_user = 3");
    let denied = site.run_with(&LOGIN, &format!("{WRONG}\n{WRONG}\n{}\n", code(1)));
    assert_eq!(denied.code, Some(1), "{denied:#?}");
    assert!(denied.stdout.starts_with("wrong code: "), "{denied:#?}");
    site.let_cool_down();
    let locked = site.run_with(&[&LOGIN[..], &["--json"]].concat(), &format!("{WRONG}\n{}\n", code(2)));
    assert_eq!((locked.code, &json(&locked.stdout)["verdict"]), (Some(1), &"locked".into()), "{locked:#?}");
    site.let_cool_down();
    let sends = verify.asked("POST Verifications");
    assert_eq!(site.run(&LOGIN).code, Some(1));
    assert_eq!(verify.asked("POST Verifications"), sends, "nothing is sent to who is locked");
}

#[test]
fn another_way_and_another_code_can_be_had_at_the_prompt() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let (app, ran) = App::register(&site, "ada", &format!("{}\n", code(1)), &[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();

    let input = format!("resend\nother fax\nother totp\n{}\n", app.code(0));
    let login = site.run_with(&[&LOGIN[..], &["--method", "sms"]].concat(), &input);
    assert_eq!(login.code, Some(0), "{login:#?}");
    assert!(login.stdout.contains("by totp"), "{login:#?}");
    assert!(login.stderr.contains("a moment ago"), "no second code within the cool-down: {login:#?}");
    assert!(login.stderr.contains("there is no method `fax`"), "{login:#?}");
    assert_eq!(verify.asked("POST Verifications"), 3);
}

#[test]
fn a_challenge_that_nobody_answers_is_taken_back() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    assert_eq!(verify.asked("POST Verifications/SID"), 0);
    assert_eq!(site.run(&LOGIN).code, Some(2));
    assert_eq!(verify.asked("POST Verifications/SID"), 1, "canceled at the provider, too");
}

#[cfg(unix)]
#[test]
fn an_interrupted_login_ends_by_the_signal_and_holds_up_nobody() {
    use std::io::Read as _;
    use std::os::unix::process::ExitStatusExt as _;
    const SIGINT: i32 = 2;
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let mut child = piped(&mut site.command(&LOGIN));
    let mut stderr = child.stderr.take().unwrap();
    let (mut told, mut byte) = (Vec::new(), [0]);
    while !told.ends_with(b"digits):") {
        stderr.read_exact(&mut byte).unwrap();
        told.extend(byte);
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    // A shell reports this as 128 + 2, and stops a script that called the program.
    assert_eq!(child.wait().unwrap().signal(), Some(SIGINT));

    // What was sent counts as sent. The next login takes it back at the provider before anything is sent again.
    let soon = site.run(&LOGIN);
    assert!(soon.stderr.contains("try again in"), "{soon:#?}");
    site.let_cool_down();
    let login = site.run_with(&LOGIN, &format!("{}\n", code(2)));
    assert_eq!(login.code, Some(0), "{login:#?}");
    assert_eq!((verify.asked("POST Verifications"), verify.asked("POST Verifications/SID")), (3, 1));
}

#[test]
fn an_administrator_changes_a_number_and_it_must_be_proven() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let change = ["user", "change-number", "ada", "--phone", "+15005550012"];
    site.refused(&["user", "change-number", "ada", "--phone", "12345"], 2, &["plus sign"]);

    let gone = site.run(&change);
    assert_eq!(gone.code, Some(2), "{gone:#?}");
    let told = "countersign user change-number ada --phone NUMBER --method sms";
    assert!(gone.stderr.contains(told), "{gone:#?}");
    let factors = &site.json(&["user", "show", "ada"])["factors"];
    assert!(factors.as_array().unwrap().iter().all(|it| it["state"] == "pending"), "{factors}");
    assert_eq!(site.run(&LOGIN).code, Some(1), "nothing is registered any more");

    site.let_cool_down();
    let proven = site.run_with(&[&change[..], &["--method", "sms"]].concat(), &format!("{}\n", code(2)));
    assert_eq!(proven.code, Some(0), "{proven:#?}");
    assert!(!proven.stderr.contains("is gone"), "{proven:#?}");
    assert_eq!(site.json(&["user", "show", "ada"])["factors"][0]["number"], "•••• 12");

    // Nothing could be sent: the old number is gone all the same.
    site.let_cool_down();
    verify.refuse("POST Verifications", 403, 60410);
    let unsent = site.run(&change);
    assert_eq!(unsent.code, Some(1), "{unsent:#?}");
    assert!(unsent.stderr.contains(told), "{unsent:#?}");
    verify.recover();
    site.let_cool_down();
    assert_eq!(site.run_with(&change, &format!("{}\n", code(3))).code, Some(0));

    // Where it is still there, nobody says otherwise.
    let bad = site.run(&["user", "change-number", "ada", "--phone", "12345"]);
    assert!(!bad.stderr.contains("is gone"), "{bad:#?}");
}

#[test]
fn bad_numbers_are_refused_and_never_repeated() {
    let verify = block_on(Verify::start());
    let site = verify.site("[limits]\nallowed_countries = [\"US\"]");
    site.done(&["user", "add", "ada"]);
    for (number, word) in [
        ("5005550006", "plus sign"),
        ("0015005550006", "00"),
        ("+1500555", "number"),
        ("+1500555000612345678", "15 digits"),
        ("+1500CALLME", "character"),
        ("+4930901820", "DE"),
    ] {
        let ran = site.refused(&["enroll", "ada", "--method", "sms", "--phone", number], 2, &[word]);
        assert!(!ran.stderr.contains(number.trim_start_matches('+')), "{ran:#?}");
    }
    assert_eq!(verify.asked("POST Verifications"), 0);
}

#[test]
fn a_provider_out_of_order_is_exit_3() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    verify.fail();
    let ran = site.run(&[&LOGIN[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    let ran = site.run(&["test-credentials", "sms"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
}

#[test]
fn credentials_are_tested_without_sending_anything() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    let tested = site.json(&["test-credentials"]);
    assert_eq!((&tested["services"][0]["service"], &tested["services"][0]["state"]), (&"sms".into(), &"good".into()));
    assert_eq!((&tested["services"][1]["service"], &tested["services"][1]["state"]), (&"totp".into(), &"local".into()));
    assert_eq!(site.run(&["test-credentials"]).code, Some(0));
    assert_eq!((verify.asked("POST Verifications"), verify.asked("GET ")), (0, 2));
    assert!(!site.path("countersign.sqlite").exists());
    site.refused(&["test-credentials", "fax"], 2, &["`fax`", "sms"]);
}

#[test]
fn wrong_credentials_are_findings_with_remedies() {
    let server = block_on(wiremock::MockServer::start());
    let refusal = wiremock::ResponseTemplate::new(401).set_body_json(serde_json::json!({"code": 20003, "status": 401}));
    block_on(wiremock::Mock::given(wiremock::matchers::any()).respond_with(refusal).mount(&server));
    let verify = block_on(Verify::start());
    let site = verify.site("");
    let mut command = site.command(&["test-credentials"]);
    command.env("COUNTERSIGN_SERVICES__SMS__BASE_URL", server.uri());
    let ran = finish(command, "");
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stdout.contains("BAD") && ran.stdout.contains("auth_token"), "{ran:#?}");
}

#[test]
fn a_person_may_approve_without_any_code() {
    let server = block_on(wiremock::MockServer::start());
    let answer = |body| wiremock::ResponseTemplate::new(200).set_body_json(body);
    let mount = |method: &str, body| {
        let mock = wiremock::Mock::given(wiremock::matchers::method(method)).respond_with(answer(body));
        block_on(mock.mount(&server));
    };
    mount("POST", serde_json::json!({"request": "r1"}));
    mount("GET", serde_json::json!({"request": "r1", "state": "approved"}));
    let site = Site::with(&format!(
        "version = 1\n[services.approval]\ndelivery_type = \"hosted-service\"\nprovider = \"without-code\"\nbase_url = \"{}\"\n\
         [two_factor]\nunknown_users = \"register\"\n[two_factor.login_types]\nweb-portal = \"everyone\"\n\
         [plugins.without-code]\nfile = {:?}\n",
        server.uri(),
        plugin_file("without_code"),
    ));
    let enroll = ["enroll", "ada", "--method", "approval"];
    let ran = site.run(&enroll);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();
    let ran = site.run(&[&LOGIN[..], &["--json"]].concat());
    assert_eq!((ran.code, &json(&ran.stdout)["verdict"]), (Some(0), &"approved".into()), "{ran:#?}");
}
