//! Verify: what is documented of verifications, one rule at a time.

use super::*;

#[test]
fn a_code_is_sent_arrives_and_is_approved_once() {
    let rig = Rig::new();
    let started = rig.start(TO, "sms").expect(201);
    assert_eq!(started["status"], "pending");
    let arrivals = rig.emulator.inbox();
    assert_eq!(arrivals.len(), 1);
    assert_eq!((arrivals[0].to.as_str(), arrivals[0].channel), (TO, "sms"));
    let code = rig.code();
    assert_eq!(code.len(), 6);
    assert_eq!(arrivals[0].text, format!("Your Countersign verification code is: {code}"));

    let approved = rig.check(TO, &code).expect(200);
    assert_eq!((&approved["status"], &approved["valid"]), (&Value::from("approved"), &Value::from(true)));
    assert_eq!(approved["sid"], started["sid"]);
    rig.check(TO, &code).refused(404, 20404);
}
