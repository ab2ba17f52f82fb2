//! Neither token nor seed, code or number is printed, logged or stored in clear, however much is logged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;

use common::app::App;
use common::verify::{NUMBER, TOKEN, Verify, WRONG, code};
use common::{Ran, Site, block_on, finish, holds};

const LOUD: [(&str, &str); 1] = [("COUNTERSIGN_LOG", "trace")];

/// Everything that the program ever said.
struct Said(Vec<Ran>);

impl Said {
    fn run(&mut self, site: &Site, arguments: &[&str], input: &str) {
        for json in [&[][..], &["--json"]] {
            let mut command = site.command(&[arguments, json].concat());
            command.envs(LOUD);
            self.0.push(finish(command, input));
            site.let_cool_down_if_any();
        }
    }
}

#[test]
fn no_secret_is_ever_told() {
    let verify = block_on(Verify::start());
    let site = verify.site("");
    let mut said = Said(Vec::new());
    said.run(&site, &["user", "add", "ada"], "");
    said.run(&site, &["validate"], "");
    said.run(&site, &["test-credentials"], "");
    // The first of both runs proves the number, the other one finds it proven.
    said.run(&site, &["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{WRONG}\n{}\n", code(0)));
    let (app, registered) = App::register(&site, "ada", &format!("{}\n", code(1)), &LOUD);
    assert_eq!(registered.code, Some(0), "{registered:#?}");
    said.0.push(registered);
    site.let_cool_down_if_any();
    let codes = [app.code(-1), app.code(0), app.code(1)];
    said.run(&site, &["login", "ada", "--type", "web-portal", "--method", "sms"], &format!("{}\n", code(2)));
    said.run(&site, &["login", "ada", "--type", "web-portal", "--method", "totp"], &format!("{}\n", codes[1]));
    said.run(&site, &["user", "show", "ada"], "");
    said.run(&site, &["enroll", "ada", "--method", "sms", "--phone", NUMBER], &format!("{}\n", codes[2]));
    said.run(&site, &["user", "change-number", "ada", "--phone", NUMBER], &format!("{}\n", code(4)));
    said.run(&site, &["login", "nobody", "--type", "web-portal"], "");
    verify.fail();
    said.run(&site, &["login", "ada", "--type", "web-portal", "--method", "sms"], &format!("{}\n", code(5)));
    said.run(&site, &["test-credentials"], "");

    // The test can fail: all of this really happened, and something was logged.
    let said: Vec<String> = said.0.iter().map(|ran| format!("{}{}", ran.stdout, ran.stderr)).collect();
    let said = said.join("\n");
    for word in ["approved", "•••• 06", "WARN countersign", "\"verdict\":"] {
        assert!(said.contains(word), "{word:?} was never said: {said}");
    }
    let seed: Vec<u8> = totp_rs::Secret::try_from_base32(&app.key).unwrap().as_ref().to_vec();
    let national = NUMBER.trim_start_matches("+1");
    let secrets = [TOKEN, national, &app.key, &code(0), &code(1), &code(2), &code(4), &codes[0], &codes[1], &codes[2]];
    for secret in secrets {
        assert!(!said.contains(secret), "{secret:?} was told in: {said}");
    }
    for (path, bytes) in site.files() {
        if path == site.path("token") || path == site.path("countersign.toml") {
            continue;
        }
        for secret in secrets {
            assert!(!holds(&bytes, secret.as_bytes()), "{secret:?} is in {}", path.display());
        }
        assert!(!holds(&bytes, &seed), "the seed is in {}", path.display());
    }
    assert!(fs::metadata(site.path("countersign.sqlite")).unwrap().len() > 0);
}
