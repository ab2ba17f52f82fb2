//! What a person at the prompt can still do when something in between goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStderr};

use common::app::App;
use common::verify::{NUMBER, Verify, WRONG, code};
use common::{Ran, Site, block_on, json, piped, plugin_file, ran};

const LOGIN: [&str; 4] = ["login", "ada", "--type", "web-portal"];

/// The program at work, between two lines that are typed.
struct Talk {
    child: Child,
    stderr: ChildStderr,
    told: String,
}

impl Talk {
    /// Begins, and reads up to the first question.
    fn begin(site: &Site, arguments: &[&str]) -> Self {
        let mut child = piped(&mut site.command(arguments));
        let stderr = child.stderr.take().unwrap();
        let mut talk = Self { child, stderr, told: String::new() };
        talk.read();
        talk
    }

    /// Types a line, and gives what is told up to the next question.
    fn say(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        self.read()
    }

    fn read(&mut self) -> String {
        let (mut told, mut byte) = (Vec::new(), [0]);
        while !told.ends_with(b" digits):") && self.stderr.read(&mut byte).unwrap() > 0 {
            told.extend(byte);
        }
        let told = String::from_utf8(told).unwrap();
        self.told.push_str(&told);
        told
    }

    /// Types the last line.
    fn end(mut self, line: &str) -> Ran {
        self.say(line);
        drop(self.child.stdin.take());
        self.read();
        let ran = ran(self.child.wait_with_output().unwrap());
        Ran { stderr: self.told, ..ran }
    }
}

/// A site whose user has proven the number by the first verification.
fn registered(verify: &Verify, more: &str) -> Site {
    let site = verify.site(more);
    site.done(&["user", "add", "ada"]);
    let enroll = ["enroll", "ada", "--method", "sms", "--phone", NUMBER];
    let ran = site.run_with(&enroll, &format!("{}\n", code(0)));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.let_cool_down();
    site
}

#[test]
fn a_resend_that_fails_leaves_the_first_code_good() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let mut talk = Talk::begin(&site, &LOGIN);
    site.let_cool_down();
    verify.refuse("POST Verifications", 403, 60410);
    let told = talk.say("resend");
    assert!(told.contains("service `sms` failed"), "{told}");
    let login = talk.end(&code(1));
    assert_eq!(login.code, Some(0), "{login:#?}");
}

#[test]
fn a_resend_that_fails_is_the_answer_where_nothing_more_is_typed() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let mut talk = Talk::begin(&site, &LOGIN);
    site.let_cool_down();
    verify.refuse("POST Verifications", 403, 60410);
    talk.say("resend");
    let ended = talk.end("help");
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("error: service `sms` failed"), "{ended:#?}");
    assert_eq!(verify.asked("POST Verifications/SID"), 1, "what was sent before is taken back");
}

#[test]
fn a_code_of_another_that_cannot_be_canceled_leaves_the_app() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let (app, _) = App::register(&site, "ada", &format!("{}\n", code(1)), &[]);
    site.let_cool_down();
    verify.refuse("POST Verifications/SID", 403, 60410);
    site.done(&["user", "add", "bob"]);
    let bob = site.run(&["enroll", "bob", "--method", "sms", "--phone", NUMBER]);
    assert_eq!(bob.code, Some(2), "{bob:#?}");
    site.let_cool_down();

    let mut talk = Talk::begin(&site, &[&LOGIN[..], &["--method", "totp"]].concat());
    let told = talk.say("other sms");
    assert!(told.contains("another code for this recipient is live"), "{told}");
    let login = talk.end(&app.code(0));
    assert_eq!(login.code, Some(0), "{login:#?}");
}

#[test]
fn a_code_that_nobody_could_judge_may_be_typed_again() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "");
    let mut talk = Talk::begin(&site, &LOGIN);
    verify.fail();
    let told = talk.say(&code(1));
    assert!(told.contains("Service `sms` failed: ") && told.contains("(4 left)"), "{told}");
    verify.recover();
    let login = talk.end(&code(1));
    assert_eq!(login.code, Some(0), "{login:#?}");

    site.let_cool_down();
    let mut talk = Talk::begin(&site, &[&LOGIN[..], &["--json"]].concat());
    verify.fail();
    talk.say(&code(2));
    let ended = talk.end("");
    assert_eq!((ended.code, &json(&ended.stdout)["verdict"]), (Some(3), &"unavailable".into()), "{ended:#?}");
}

#[test]
fn whatever_ends_without_approval_is_taken_back() {
    let verify = block_on(Verify::start());
    let site = registered(&verify, "[limits]\nattempts_per_user = 2");
    let locked = site.run_with(&LOGIN, &format!("{WRONG}\n{WRONG}\n"));
    assert_eq!(locked.code, Some(1), "{locked:#?}");
    assert!(locked.stdout.starts_with("locked: "), "{locked:#?}");
    assert_eq!(verify.asked("POST Verifications/SID"), 1);
}

#[test]
fn where_nothing_is_read_nobody_is_told_to_type() {
    let server = block_on(wiremock::MockServer::start());
    for (method, body) in [
        ("POST", serde_json::json!({"request": "r1"})),
        ("GET", serde_json::json!({"request": "r1", "state": "approved"})),
    ] {
        let answer = wiremock::ResponseTemplate::new(200).set_body_json(body);
        block_on(wiremock::Mock::given(wiremock::matchers::method(method)).respond_with(answer).mount(&server));
    }
    let site = Site::with(&format!(
        "version = 1\n[services.approval]\ndelivery_type = \"hosted-service\"\nprovider = \"without-code\"\nbase_url = \"{}\"\n\
         [two_factor.login_types]\nweb-portal = \"everyone\"\n[plugins.without-code]\nfile = {:?}\n",
        server.uri(),
        plugin_file("without_code"),
    ));
    site.done(&["user", "add", "ada"]);
    let ran = site.run(&["enroll", "ada", "--method", "approval"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stderr.contains("approve the request on your device") && !ran.stderr.contains("resend"), "{ran:#?}");
}
