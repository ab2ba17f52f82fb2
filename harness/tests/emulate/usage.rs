//! What is given on the command line, and what is made up.

use std::process::{Command, Output};

use crate::program::{Emulating, PROGRAM};

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn what_is_given_is_used_and_given_secrets_are_not_repeated() {
    let pair = format!("{ACCOUNT}:given:token");
    let service = format!("VA{}", "b".repeat(32));
    let emulating = Emulating::start(&[
        "--account",
        &pair,
        "--service",
        &service,
        "--from",
        "+15005550009",
        "--authy-key",
        "given-key",
    ]);
    assert_eq!((emulating.value("auth_id"), emulating.value("service_sid")), (ACCOUNT.to_owned(), service.clone()));
    assert_eq!(emulating.value("from"), "+15005550009");
    assert!(!emulating.told.contains("given:token") && !emulating.told.contains("given-key"), "{}", emulating.told);
    let basic = |pair: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
    };
    let path = format!("/v2/Services/{service}");
    let status = |pair: &str| emulating.send("GET", &path, &[("Authorization", &basic(pair))], "").status;
    assert_eq!((status(&pair), status(&format!("{ACCOUNT}:given"))), (200, 401));
    let app = "/protected/json/app/details";
    let key = |key: &str| emulating.send("GET", app, &[("X-Authy-API-Key", key)], "").status;
    assert_eq!((key("given-key"), key("another")), (200, 401));
}

#[test]
fn a_seed_makes_everything_the_same_again_and_nothing_else_does() {
    let run = |arguments: &[&str]| {
        let emulating = Emulating::start(arguments);
        let (sid, token) = (emulating.value("auth_id"), emulating.value("export EMULATOR_AUTH_TOKEN"));
        let told = emulating.told.replace(&emulating.address, "");
        assert!(sid.starts_with("AC") && token.len() == 32, "{told}");
        let key = emulating.value("export EMULATOR_AUTHY_KEY");
        let form = "country_code=1&phone_number=5005550006&via=sms";
        let headers = [("X-Authy-API-Key", &*key), ("Content-Type", "application/x-www-form-urlencoded")];
        let got = emulating.send("POST", "/protected/json/phones/verification/start", &headers, form);
        assert_eq!(got.status, 200, "{}", got.text);
        (told, emulating.code())
    };
    assert_eq!(run(&["--seed", "7"]), run(&["--seed", "7"]));
    assert_ne!(run(&["--seed", "7"]), run(&["--seed", "8"]));
    assert_ne!(run(&[]).0, run(&[]).0);
}

#[test]
fn bad_shapes_are_refused_in_one_clear_line_without_the_secret() {
    #[track_caller]
    fn check(arguments: &[&str], says: &str) {
        let Output { status, stdout, stderr } = Command::new(PROGRAM).arg("serve").args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(2), "{text}");
        assert!(text.contains(says) && !text.contains("s3cret") && !text.contains("listening"), "{text}");
    }
    let emulate = |more: &[&'static str]| [&["--emulate", "twilio"], more].concat();
    check(&[], "--cassette");
    check(&["--emulate", "twilio", "--cassette", "x.har"], "cannot be used with");
    check(&["--emulate", "carrier-pigeon"], "twilio");
    check(&["--cassette", "x.har", "--seed", "1"], "cannot be used with");
    check(&emulate(&["--account", "s3cret"]), "no colon");
    check(&emulate(&["--account", "AC1:s3cret"]), "no account SID");
    check(&emulate(&["--account", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:"]), "no auth token");
    check(&emulate(&["--api-key", "s3cret"]), "no colon");
    check(&emulate(&["--main-key", "AC1:s3cret"]), "no key's SID");
    check(&emulate(&["--test-account", "s3cret"]), "no colon");
    check(&emulate(&["--service", "VA1"]), "no Verify service SID");
    check(&emulate(&["--from", "5005550006"]), "E.164");
    check(&emulate(&["--authy-key", ""]), "empty");
    check(&emulate(&["--seed", "many"]), "invalid value");
    check(&emulate(&["--proxy"]), "--ca-out");
    check(&emulate(&["--ca-out", "x.pem"]), "--proxy");
    check(&emulate(&["--proxy", "--ca-out", "/nowhere/at/all.pem"]), "/nowhere/at/all.pem: cannot be written");
    check(&emulate(&["--listen", "192.0.2.1:1"]), "192.0.2.1:1: cannot listen there");
}
