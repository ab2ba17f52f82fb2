//! Programmable Voice and the account.

use serde_json::json;

use super::*;

const CALLS: &str = "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Calls";
const TWIML: &str = "<Response><Pause length=\"1\"/><Say>Your code is: 4, 8, 2, 9, 1, 3.</Say></Response>";

fn order(rig: &Rig, more: &[(&str, &str)]) -> Got {
    let form: Vec<_> = [("To", TO), ("From", FROM), ("Twiml", TWIML)].iter().chain(more).copied().collect();
    rig.post(&format!("{CALLS}.json"), &form)
}

fn status(rig: &Rig, call: &Value) -> Value {
    let got = rig.get(&format!("{CALLS}/{}.json", call["sid"].as_str().expect("a sid"))).expect(200);
    json!([got["status"], got["duration"], got["price"], got["end_time"].is_null()])
}

#[test]
fn a_call_rings_speaks_and_ends_as_the_clock_goes_on() {
    let rig = Rig::new();
    let call = order(&rig, &[]).expect(201);
    assert_eq!((&call["status"], &call["direction"]), (&json!("queued"), &json!("outbound-api")));
    assert_eq!((&call["to_formatted"], &call["start_time"]), (&json!("(500) 555-0006"), &Value::Null));
    let arrival = rig.emulator.inbox().pop().expect("a call");
    assert_eq!((arrival.channel, arrival.text.as_str()), ("voice", "Your code is: 4, 8, 2, 9, 1, 3."));
    assert_eq!(arrival.code.as_deref(), Some("482913"));
    rig.advance(1);
    assert_eq!(status(&rig, &call), json!(["ringing", null, null, true]));
    rig.advance(2);
    assert_eq!(status(&rig, &call), json!(["in-progress", null, null, true]));
    rig.advance(60);
    assert_eq!(status(&rig, &call), json!(["completed", "3", "-0.03000", false]));
}

#[test]
fn calls_end_as_the_telephone_lets_them() {
    #[track_caller]
    fn check(kind: PhoneKind, last: &str) {
        let rig = Rig::new();
        rig.mark(TO, kind);
        let call = order(&rig, &[("Timeout", "20")]).expect(201);
        assert!(rig.emulator.inbox().is_empty());
        rig.advance(2);
        assert_eq!(status(&rig, &call)[0], "ringing");
        rig.advance(30);
        assert_eq!(status(&rig, &call), json!([last, "0", null, false]));
    }
    check(PhoneKind::Busy, "busy");
    check(PhoneKind::NoAnswer, "no-answer");
}

#[test]
fn a_call_that_is_ended_before_anybody_picks_up_was_never_heard() {
    let rig = Rig::new();
    for (how, wait) in [("canceled", 0), ("completed", 0), ("canceled", 2)] {
        let call = order(&rig, &[]).expect(201);
        let path = format!("{CALLS}/{}.json", call["sid"].as_str().expect("a sid"));
        rig.advance(wait);
        assert_eq!(rig.post(&path, &[("Status", how)]).expect(200)["status"], "canceled");
        assert!(rig.emulator.inbox().is_empty());
        rig.post(&path, &[("Status", "completed")]).refused(400, 21220);
    }
    let call = order(&rig, &[]).expect(201);
    let path = format!("{CALLS}/{}.json", call["sid"].as_str().expect("a sid"));
    rig.delete(&path).refused(409, 20009);
    rig.advance(4);
    rig.post(&path, &[("Status", "canceled")]).refused(400, 21220);
    let ended = rig.post(&path, &[("Status", "completed")]).expect(200);
    assert_eq!((&ended["status"], &ended["duration"]), (&json!("completed"), &json!("1")));
    assert_eq!(rig.emulator.inbox().len(), 1);
    assert_eq!(rig.delete(&path).status, 204);
    rig.get(&path).refused(404, 20404);
}

#[test]
fn orders_that_cannot_be_carried_out_are_refused() {
    #[track_caller]
    fn check(form: &[(&str, &str)], code: u32) {
        let rig = Rig::new();
        rig.post(&format!("{CALLS}.json"), form).refused(400, code);
        assert!(rig.emulator.inbox().is_empty());
    }
    let (to, from, twiml) = (("To", TO), ("From", FROM), ("Twiml", TWIML));
    check(&[from, twiml], 21201);
    check(&[to, twiml], 21213);
    check(&[("To", "5005550006"), from, twiml], 21211);
    check(&[to, ("From", "nobody"), twiml], 21212);
    check(&[to, ("From", "+15005550008"), twiml], 21210);
    check(&[("To", FROM), from, twiml], 21211);
    check(&[to, from], 21205);
    check(&[to, from, ("Url", "ftp://example.com")], 21205);
    check(&[to, from, twiml, ("Timeout", "601")], 21208);
    check(&[to, from, ("Twiml", &"x".repeat(4001))], 20001);
}

#[test]
fn what_is_said_comes_from_the_address_where_both_are_given() {
    let rig = Rig::new();
    order(&rig, &[("Url", "https://example.com/say")]).expect(201);
    let arrival = rig.emulator.inbox().pop().expect("a call");
    assert_eq!((arrival.text.as_str(), arrival.code), ("(what https://example.com/say says)", None));
    let form = [("To", TO), ("From", FROM), ("Twiml", "<Response><Say>1, 2")];
    rig.post(&format!("{CALLS}.json"), &form).expect(201);
    let arrival = rig.emulator.inbox().pop().expect("a call");
    assert_eq!(arrival.text, "We are sorry, an application error has occurred. Goodbye.");
}

#[test]
fn the_account_shows_itself_to_its_owner_only() {
    let rig = Rig::new();
    let account = rig.get(&format!("/2010-04-01/Accounts/{ACCOUNT}.json")).expect(200);
    assert_eq!((&account["status"], &account["type"]), (&json!("active"), &json!("Full")));
    assert_eq!(account["auth_token"], TOKEN);
    let other = format!("/2010-04-01/Accounts/AC{}.json", "b".repeat(32));
    rig.get(&other).refused(404, 20404);
    rig.get(&format!("/2010-04-01/Accounts/{ACCOUNT}")).refused(404, 20404);
    rig.post(&format!("/2010-04-01/Accounts/{ACCOUNT}.json"), &[]).refused(405, 20004);
    let balance = rig.get(&format!("/2010-04-01/Accounts/{ACCOUNT}/Balance.json")).expect(200);
    assert_eq!(balance["currency"], "USD");
}

#[test]
fn numbers_are_bought_verified_listed_and_given_back() {
    let rig = Rig::new();
    let path = |list: &str| format!("/2010-04-01/Accounts/{ACCOUNT}/{list}.json");
    let bought = rig.post(&path("IncomingPhoneNumbers"), &[("PhoneNumber", "+15005550011")]).expect(201);
    rig.post(&path("IncomingPhoneNumbers"), &[("PhoneNumber", "+15005550011")]).refused(400, 21422);
    rig.post(&path("IncomingPhoneNumbers"), &[("PhoneNumber", "x")]).refused(400, 21421);
    let listed = rig.get(&format!("{}?PhoneNumber=0011", path("IncomingPhoneNumbers"))).expect(200);
    assert_eq!(listed["incoming_phone_numbers"][0]["sid"], bought["sid"]);
    let one = path(&format!("IncomingPhoneNumbers/{}", bought["sid"].as_str().expect("a sid")));
    assert_eq!(rig.delete(&one).status, 204);
    rig.get(&one).refused(404, 20404);

    rig.mark("+15005550013", PhoneKind::NoAnswer);
    for (number, count) in [("+15005550012", 1), ("+15005550012", 1), ("+15005550013", 1)] {
        let told = rig.post(&path("OutgoingCallerIds"), &[("PhoneNumber", number)]).expect(200);
        assert_eq!(told["validation_code"].as_str().map(str::len), Some(6));
        let listed = rig.get(&path("OutgoingCallerIds")).expect(200);
        assert_eq!(listed["outgoing_caller_ids"].as_array().map(Vec::len), Some(count));
    }
    order(&rig, &[]).expect(201);
    let form = [("To", TO), ("From", "+15005550012"), ("Twiml", TWIML)];
    rig.post(&format!("{CALLS}.json"), &form).expect(201);
    let calls = rig.get(&format!("{CALLS}.json?From=%2B15005550012&PageSize=1")).expect(200);
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(1));
    assert_eq!((&calls["next_page_uri"], &calls["end"]), (&Value::Null, &json!(0)));
    let uri = format!("{CALLS}.json?From=%2B15005550012&PageSize=1&Page=0");
    assert_eq!(calls["first_page_uri"], uri);
}
