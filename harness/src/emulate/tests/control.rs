//! The controls, and what the emulator is made from.

use serde_json::json;

use super::super::OptionsError;
use super::*;

fn local(method: &str, path: &str) -> WireRequest {
    let mut request = request(method, path, &[]);
    request.host = None;
    request.headers = vec![("Host".to_owned(), "127.0.0.1:8090".to_owned())];
    request
}

#[test]
fn the_inbox_tells_what_arrived_oldest_first() {
    let rig = Rig::new();
    assert_eq!(rig.send(&local("GET", "/_countersign/inbox")).expect(200), json!([]));
    rig.start(TO, "sms").expect(201);
    rig.advance(1);
    rig.start(TO, "call").expect(201);
    let inbox = rig.send(&local("GET", "/_countersign/inbox"));
    assert_eq!(inbox.header("Countersign-Dropped"), Some("0"));
    let code = rig.code();
    let first = json!({"to": TO, "channel": "sms", "code": code, "time": "2015-07-30T20:00:00Z",
        "text": format!("Your Countersign verification code is: {code}")});
    assert_eq!(inbox.body[0], first);
    assert_eq!((&inbox.body[1]["channel"], &inbox.body[1]["time"]), (&json!("voice"), &json!("2015-07-30T20:00:01Z")));
}

#[test]
fn the_clock_is_moved_by_a_request() {
    let rig = Rig::new();
    rig.start(TO, "sms").expect(201);
    let moved = rig.control("clock", &json!({"advance_seconds": 600})).expect(200);
    assert_eq!(moved["now"], "2015-07-30T20:10:00Z");
    rig.check(TO, &rig.code()).refused(404, 20404);
}

#[test]
fn reset_forgets_everything_but_who_is_who() {
    let rig = Rig::new();
    let before = rig.start(TO, "sms").expect(201);
    rig.mark("+15005550007", PhoneKind::Landline);
    rig.post("/v2/Services", &[("FriendlyName", "other")]).expect(201);
    rig.advance(60);
    rig.control("reset", &json!({})).expect(200);
    assert!(rig.emulator.inbox().is_empty());
    assert_eq!(rig.clock.now().to_string(), "2015-07-30T20:00:00Z");
    let after = rig.start(TO, "sms").expect(201);
    rig.start("+15005550007", "sms").expect(201);
    let services = rig.get("/v2/Services").expect(200);
    assert_eq!(services["services"].as_array().map(Vec::len), Some(1));
    assert_ne!(before["sid"], after["sid"], "an old id never means something new");
    assert_eq!(after["send_code_attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn bad_controls_name_the_field() {
    #[track_caller]
    fn check(action: &str, body: Value, field: Value, says: &str) {
        let got = Rig::new().control(action, &body);
        assert_eq!((got.status, &got.body["field"]), (400, &field), "{}", got.body);
        assert!(got.body["error"].as_str().is_some_and(|error| error.contains(says)), "{}", got.body);
    }
    check("clock", json!([]), Value::Null, "JSON object");
    for bad in
        [json!({}), json!({"advance_seconds": -1}), json!({"advance_seconds": "5"}), json!({"advance_seconds": 1.5})]
    {
        check("clock", bad, json!("advance_seconds"), "whole number");
    }
    check("clock", json!({"advance_seconds": u64::MAX}), json!("advance_seconds"), "year 9998");
    check("phones", json!({"kind": "landline"}), json!("to"), "E.164");
    check("phones", json!({"to": "5005550006", "kind": "landline"}), json!("to"), "E.164");
    check("phones", json!({"to": TO}), json!("kind"), "landline");
    check("phones", json!({"to": TO, "kind": "fridge"}), json!("kind"), "landline");
    check("channels", json!({"channel": "fax", "enabled": true}), json!("channel"), "sms");
    check("channels", json!({"channel": "sms", "enabled": "no"}), json!("enabled"), "true or false");
    check("channels", json!({"channel": "sms", "enabled": false, "service": "VA1"}), json!("service"), "unknown");
}

#[test]
fn what_is_no_control_is_told_so() {
    let rig = Rig::new();
    for path in ["/_countersign/", "/_countersign/nothing", "/_countersign/fault", "/", "/favicon.ico"] {
        let got = rig.send(&local("POST", path));
        assert_eq!(got.status, 404, "{path}");
        assert!(got.body["error"].is_string());
    }
    assert_eq!(rig.send(&local("DELETE", "/_countersign/inbox")).status, 405);
    let mut through_the_proxy = local("GET", "/_countersign/inbox");
    through_the_proxy.host = Some("verify.twilio.com".to_owned());
    assert_eq!(rig.send(&through_the_proxy).status, 401);
    let mut elsewhere = local("GET", "/v2/Services");
    elsewhere.host = Some("conversations.twilio.com".to_owned());
    assert_eq!(rig.send(&elsewhere).status, 404);
}

#[test]
fn a_page_of_another_site_controls_nothing() {
    let rig = Rig::new();
    let reset = |origin: &str| {
        let mut request = local("POST", "/_countersign/reset");
        request.headers.push(("Origin".to_owned(), origin.to_owned()));
        rig.send(&request).status
    };
    assert_eq!(reset("http://127.0.0.1:8090"), 200);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:8091"] {
        assert_eq!(reset(origin), 403, "{origin}");
    }
}

#[test]
fn the_page_of_phones_is_whole_and_holds_no_data() {
    let rig = Rig::new();
    rig.service("Verifications", &[("To", "\"<script>\"@example.com"), ("Channel", "email")]).expect(201);
    let WireAnswer::Reply(reply) = rig.emulator.respond(&local("GET", "/_countersign/phones")) else {
        panic!("no answer");
    };
    let header = |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = header("Content-Security-Policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = std::str::from_utf8(&reply.body).expect("UTF-8");
    assert_eq!((page.matches("<script>").count(), page.matches("<style>").count()), (1, 1), "the policy knows of one");
    assert!(!page.contains("style=") && !page.contains(" onclick"), "the policy knows of none");
    for elsewhere in ["http://", "https://", "src=", "@import", "innerHTML", "insertAdjacentHTML", "document.write"] {
        assert!(!page.contains(elsewhere), "the page must not have {elsewhere}");
    }
    for wanted in ["lang=\"en\"", "role=\"status\"", "prefers-color-scheme", "textContent", "fetch(\"inbox\""] {
        assert!(page.contains(wanted), "the page must have {wanted}");
    }
}

#[test]
fn what_is_missing_is_made_up_and_can_be_asked_for() {
    let made = Emulator::new(EmulatorOptions::default()).expect("nothing is needed");
    let (sid, token) = made.accounts().next().expect("one account");
    assert!(sid.starts_with("AC") && sid.len() == 34 && token.expose().len() == 32);
    assert!(made.services().next().is_some_and(|sid| sid.starts_with("VA") && sid.len() == 34));
    assert!(made.from().next().is_some_and(|number| number.starts_with("+1500555")));
    assert_eq!(made.authy_keys().next().map(|key| key.expose().len()), Some(32));
    let other = Emulator::new(EmulatorOptions::default()).expect("nothing is needed");
    assert_ne!(made.accounts().next().map(|one| one.0.to_owned()), other.accounts().next().map(|one| one.0.to_owned()));
    let seeded = || {
        let options = EmulatorOptions { seed: Some(7), ..EmulatorOptions::default() };
        let emulator = Emulator::new(options).expect("nothing is needed");
        emulator.accounts().map(|(sid, token)| (sid.to_owned(), token.expose().to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(seeded(), seeded());
}

#[test]
fn bad_options_are_named() {
    #[track_caller]
    fn check(options: EmulatorOptions, says: &str) {
        let error: OptionsError = Emulator::new(options).expect_err("bad options");
        assert!(error.to_string().contains(says), "{error}");
    }
    let account = |sid: &str, token: &str| EmulatorOptions {
        accounts: vec![(sid.to_owned(), Secret::new(token))],
        ..EmulatorOptions::default()
    };
    check(account("AC1", "x"), "\"AC1\"");
    check(account(ACCOUNT, ""), "no auth token");
    check(EmulatorOptions { services: vec!["VA1".to_owned()], ..EmulatorOptions::default() }, "\"VA1\"");
    check(EmulatorOptions { from: vec!["0500".to_owned()], ..EmulatorOptions::default() }, "\"0500\"");
    check(EmulatorOptions { authy_keys: vec![Secret::new("")], ..EmulatorOptions::default() }, "key 1");
    let twice = vec![SERVICE.to_owned(), SERVICE.to_owned()];
    check(EmulatorOptions { services: twice, ..EmulatorOptions::default() }, "given twice");
}

#[test]
fn nothing_secret_is_printed() {
    let rig = Rig::new();
    rig.start(TO, "sms").expect(201);
    let printed = format!("{:?} {:?}", rig.emulator, rig.emulator.inbox());
    for secret in [TOKEN, KEY, &rig.code(), TO] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
