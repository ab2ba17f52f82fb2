//! Test credentials, API keys, trial accounts and suspended ones.

use serde_json::json;

use super::*;

const CALLS: &str = "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Calls.json";
const TEST: &str = "/2010-04-01/Accounts/ACdddddddddddddddddddddddddddddddd";
const GOOD: &str = "+15005550006";
const TWIML: &str = "<Response><Say>1, 2, 3, 4.</Say></Response>";

fn test(rig: &Rig, method: &str, path: &str, form: &[(&str, &str)]) -> Got {
    rig.send(&as_user(TEST_ACCOUNT, method, path, form))
}

#[track_caller]
fn answered(got: &Got, code: Option<u32>) {
    match code {
        Some(code) => got.refused(400, code),
        None => assert_eq!(got.status, 201, "{}", got.body),
    }
}

#[test]
fn calls_with_test_credentials_are_judged_by_their_magic_numbers_and_call_nobody() {
    let rig = Rig::new();
    let check = |from: &str, to: &str, code: Option<u32>| {
        let got = test(&rig, "POST", &format!("{TEST}/Calls.json"), &[("To", to), ("From", from), ("Twiml", TWIML)]);
        answered(&got, code);
        got.body
    };
    check("+15005550001", "+14155552671", Some(21212));
    check("+15005550009", "+14155552671", Some(21210));
    check("+14155552671", "+14155552672", Some(21210));
    for (to, code) in [("1", 21217), ("2", 21214), ("3", 21215), ("4", 21216)] {
        check(GOOD, &format!("+1500555000{to}"), Some(code));
    }
    check(GOOD, "nobody", Some(21211));
    for to in ["+14155552671", GOOD] {
        let call = check(GOOD, to, None);
        assert_eq!((&call["status"], &call["account_sid"]), (&json!("queued"), &json!(TEST_ACCOUNT)));
    }
    assert!(rig.emulator.inbox().is_empty());
}

#[test]
fn messages_with_test_credentials_are_judged_by_their_magic_numbers_and_reach_nobody() {
    let rig = Rig::new();
    let check = |from: &str, to: &str, code: Option<u32>| {
        let form = [("To", to), ("From", from), ("Body", "Your code is 482913")];
        answered(&test(&rig, "POST", &format!("{TEST}/Messages.json"), &form), code);
    };
    for (from, code) in [("1", 21212), ("7", 21606), ("8", 21611), ("9", 21606)] {
        check(&format!("+1500555000{from}"), "+14155552671", Some(code));
    }
    for (to, code) in [("1", 21211), ("2", 21612), ("3", 21408), ("4", 21610), ("9", 21614)] {
        check(GOOD, &format!("+1500555000{to}"), Some(code));
    }
    check(GOOD, "+14155552671", None);
    assert!(rig.emulator.inbox().is_empty());
}

#[test]
fn numbers_are_bought_with_test_credentials_by_magic_and_nobody_has_them() {
    let rig = Rig::new();
    let path = format!("{TEST}/IncomingPhoneNumbers.json");
    let buy = |form: &[(&str, &str)]| test(&rig, "POST", &path, form);
    buy(&[("PhoneNumber", "+15005550000")]).refused(400, 21422);
    buy(&[("PhoneNumber", "+15005550001")]).refused(400, 21421);
    buy(&[("AreaCode", "533")]).refused(400, 21452);
    for form in [("PhoneNumber", GOOD), ("AreaCode", "500")] {
        assert_eq!(buy(&[form]).expect(201)["phone_number"], GOOD);
    }
    test(&rig, "GET", &path, &[]).refused(403, 20008);
}

#[test]
fn test_credentials_reach_nothing_else() {
    let rig = Rig::new();
    for (method, path) in [
        ("GET", "/v2/Services".to_owned()),
        ("POST", format!("/v2/Services/{SERVICE}/Verifications")),
        ("GET", format!("{TEST}.json")),
        ("GET", format!("{TEST}/Calls.json")),
        ("GET", format!("{TEST}/Balance.json")),
        ("POST", format!("{TEST}/OutgoingCallerIds.json")),
    ] {
        test(&rig, method, &path, &[("To", TO), ("Channel", "sms")]).refused(403, 20008);
    }
    test(&rig, "GET", "/v2/PhoneNumbers/+14155552671", &[]).expect(200);
    // Nor do magic numbers mean anything to the other credentials.
    let form = [("To", "+15005550001"), ("From", FROM), ("Twiml", TWIML)];
    rig.post(CALLS, &form).expect(201);
}

#[test]
fn keys_do_what_their_kind_allows() {
    let rig = Rig::new();
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let as_key = |key: &str, path: &str| rig.send(&as_user(key, "GET", path, &[]));
    for key in [STANDARD_KEY, MAIN_KEY] {
        as_key(key, &format!("/v2/Services/{SERVICE}")).expect(200);
        as_key(key, CALLS).expect(200);
        as_key(key, &format!("{account}/IncomingPhoneNumbers.json")).expect(200);
    }
    for path in [format!("{account}.json"), "/2010-04-01/Accounts.json".to_owned(), format!("{account}/Keys.json")] {
        as_key(STANDARD_KEY, &path).refused(401, 20003);
        as_key(MAIN_KEY, &path).expect(200);
    }
    as_key(STANDARD_KEY, &format!("{account}/Keys/{STANDARD_KEY}.json")).refused(401, 20003);
    let key = as_key(MAIN_KEY, &format!("{account}/Keys/{STANDARD_KEY}.json")).expect(200);
    assert_eq!(key["sid"], STANDARD_KEY);
    assert!(!key.to_string().contains(TOKEN));
    let keys = rig.get(&format!("{account}/Keys.json")).expect(200);
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    as_key(&format!("SK{}", "c".repeat(32)), CALLS).refused(401, 20003);
}

#[test]
fn a_trial_account_reaches_only_whom_it_has_verified() {
    let rig = Rig::new();
    rig.control("account", &json!({"type": "trial"})).expect(200);
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    assert_eq!(rig.get(&format!("{account}.json")).expect(200)["type"], "Trial");
    let other = "+14155552671";
    let call = |to: &str| rig.post(CALLS, &[("To", to), ("From", FROM), ("Twiml", TWIML)]);
    let message =
        |to: &str| rig.post(&format!("{account}/Messages.json"), &[("To", to), ("From", FROM), ("Body", "hello")]);
    call(other).refused(400, 21219);
    message(other).refused(400, 21608);
    rig.start(other, "sms").refused(400, 21608);
    rig.start(other, "call").refused(400, 21219);
    assert!(rig.emulator.inbox().is_empty());
    rig.post(&format!("{account}/OutgoingCallerIds.json"), &[("PhoneNumber", other)]).expect(200);
    call(other).expect(201);
    message(other).expect(201);
    rig.start(other, "sms").expect(201);
    rig.start(TO, "sms").refused(400, 21608);
    rig.control("account", &json!({"type": "full"})).expect(200);
    rig.start(TO, "sms").expect(201);
}

#[test]
fn a_suspended_account_says_so_and_does_nothing_else() {
    let rig = Rig::new();
    for status in ["suspended", "closed"] {
        rig.control("account", &json!({"sid": ACCOUNT, "status": status})).expect(200);
        assert_eq!(rig.get(&format!("/2010-04-01/Accounts/{ACCOUNT}.json")).expect(200)["status"], status);
        rig.start(TO, "sms").refused(401, 20003);
        rig.get(CALLS).refused(401, 20003);
    }
    rig.control("account", &json!({"status": "active"})).expect(200);
    rig.start(TO, "sms").expect(201);
    rig.control("account", &json!({"status": "closed"})).expect(200);
    rig.control("reset", &json!({})).expect(200);
    rig.start(TO, "sms").expect(201);
}

#[test]
fn bad_orders_about_accounts_name_the_field() {
    let rig = Rig::new();
    let check = |body: Value, field: &str| {
        let got = rig.control("account", &body);
        assert_eq!((got.status, &got.body["field"]), (400, &json!(field)), "{}", got.body);
    };
    check(json!({}), "type");
    check(json!({"type": "free"}), "type");
    check(json!({"type": 1}), "type");
    check(json!({"status": "lost"}), "status");
    check(json!({"sid": TEST_ACCOUNT, "type": "trial"}), "sid");
    assert_eq!(rig.get(&format!("/2010-04-01/Accounts/{ACCOUNT}.json")).expect(200)["type"], "Full");
}
