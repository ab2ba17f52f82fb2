//! Messages that the account words itself, and what Lookup knows of numbers.

use serde_json::json;

use super::*;

const MESSAGES: &str = "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages";

fn send(rig: &Rig, more: &[(&str, &str)]) -> Got {
    let given = |name: &str| more.iter().any(|(known, _)| *known == name);
    let usual = [("To", TO), ("From", FROM), ("Body", "Your ACME code is 482913.")];
    let form: Vec<_> = usual.iter().filter(|(name, _)| !given(name)).chain(more).copied().collect();
    rig.post(&format!("{MESSAGES}.json"), &form)
}

#[test]
fn a_message_arrives_as_it_was_worded() {
    let rig = Rig::new();
    let sent = send(&rig, &[]).expect(201);
    assert_eq!((&sent["status"], &sent["num_segments"]), (&json!("queued"), &json!("1")));
    let arrival = rig.emulator.inbox().pop().expect("a message");
    assert_eq!((arrival.text.as_str(), arrival.code.as_deref()), ("Your ACME code is 482913.", Some("482913")));
    let path = format!("{MESSAGES}/{}.json", sent["sid"].as_str().expect("a sid"));
    for (wait, status) in [(0, "queued"), (1, "sent"), (1, "delivered")] {
        rig.advance(wait);
        assert_eq!(rig.get(&path).expect(200)["status"], status);
    }
    let list = rig.get(&format!("{MESSAGES}.json?To=%2B15005550006")).expect(200);
    assert_eq!(list["messages"][0]["sid"], sent["sid"]);
    assert_eq!(rig.get(&format!("{MESSAGES}.json?To=%2B15005550007")).expect(200)["messages"], json!([]));
    assert_eq!(rig.delete(&path).status, 204);
    rig.get(&path).refused(404, 20404);
}

#[test]
fn a_message_that_cannot_be_delivered_says_so_later() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Unreachable);
    let sent = send(&rig, &[]).expect(201);
    rig.advance(2);
    let now = rig.get(&format!("{MESSAGES}/{}.json", sent["sid"].as_str().expect("a sid"))).expect(200);
    assert_eq!((&now["status"], &now["error_code"]), (&json!("undelivered"), &json!(30003)));
    assert!(rig.emulator.inbox().is_empty());
}

#[test]
fn messages_that_cannot_be_sent_are_refused() {
    #[track_caller]
    fn check(form: &[(&str, &str)], code: u32) {
        let rig = Rig::new();
        send(&rig, form).refused(400, code);
        assert!(rig.emulator.inbox().is_empty());
    }
    check(&[("To", "")], 21604);
    check(&[("To", "ada")], 21211);
    check(&[("From", "")], 21603);
    check(&[("From", "ada")], 21212);
    check(&[("From", "+14155552671")], 21606);
    check(&[("From", ""), ("MessagingServiceSid", "MG1")], 21705);
    check(&[("Body", "")], 21602);
    check(&[("Body", &"x".repeat(1601))], 21617);
    for (kind, code) in [
        (PhoneKind::Invalid, 21211),
        (PhoneKind::Landline, 21614),
        (PhoneKind::Blocked, 21610),
        (PhoneKind::NoPermission, 21408),
    ] {
        let rig = Rig::new();
        rig.mark(TO, kind);
        send(&rig, &[]).refused(400, code);
    }
    let service = format!("MG{}", "a".repeat(32));
    let sent = send(&Rig::new(), &[("From", ""), ("MessagingServiceSid", &service)]).expect(201);
    assert_eq!((&sent["from"], &sent["messaging_service_sid"]), (&Value::Null, &json!(service)));
}

#[test]
fn lookup_tells_what_is_known_of_a_number() {
    let rig = Rig::new();
    let known = rig.get("/v2/PhoneNumbers/%2B14155552671").expect(200);
    assert_eq!((&known["valid"], &known["country_code"]), (&json!(true), &json!("US")));
    assert_eq!((&known["national_format"], &known["validation_errors"]), (&json!("(415) 555-2671"), &Value::Null));
    assert_eq!(known["line_type_intelligence"], Value::Null);
    rig.mark("+14155552671", PhoneKind::Landline);
    let fields = "Fields=line_type_intelligence%2Csms_pumping_risk";
    let more = rig.get(&format!("/v2/PhoneNumbers/%2B14155552671?{fields}")).expect(200);
    assert_eq!(more["line_type_intelligence"]["type"], "landline");
    assert_eq!(more["sms_pumping_risk"]["number_blocked"], false);
    for (bad, fault) in [("%2B141555526719", "TOO_LONG"), ("%2B1415", "TOO_SHORT"), ("ada", "NOT_A_NUMBER")] {
        let got = rig.get(&format!("/v2/PhoneNumbers/{bad}")).expect(200);
        assert_eq!((&got["valid"], &got["validation_errors"]), (&json!(false), &json!([fault])));
    }
}
