//! Approval requests: a person is asked in their app.

use serde_json::json;

use super::*;

fn user(rig: &Rig) -> String {
    let form = [("user[email]", "ada@example.com"), ("user[cellphone]", "5005550006"), ("user[country_code]", "1")];
    let user = rig.post("/protected/json/users/new", &form).expect(200);
    user["user"]["id"].to_string()
}

fn ask(rig: &Rig, user: &str, form: &[(&str, &str)]) -> Got {
    rig.post(&format!("/onetouch/json/users/{user}/approval_requests"), form)
}

fn status(rig: &Rig, uuid: &Value) -> Value {
    let uuid = uuid.as_str().expect("a uuid");
    rig.get(&format!("/onetouch/json/approval_requests/{uuid}")).expect(200)["approval_request"]["status"].clone()
}

#[test]
fn a_person_is_asked_and_says_yes_or_no_once() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Smartphone);
    let user = user(&rig);
    for answer in ["approved", "denied"] {
        let form = [("message", "Log in to ACME?"), ("details[Place]", "Graz"), ("seconds_to_expire", "120")];
        let uuid = ask(&rig, &user, &form).expect(200)["approval_request"]["uuid"].clone();
        assert_eq!(status(&rig, &uuid), "pending");
        let arrival = rig.emulator.inbox().pop().expect("a request");
        assert_eq!((arrival.channel, arrival.text.as_str()), ("push", "Log in to ACME?\nPlace: Graz"));
        assert_eq!(arrival.approval.as_deref(), uuid.as_str());
        rig.control("approvals", &json!({"uuid": uuid, "status": answer})).expect(200);
        assert_eq!(status(&rig, &uuid), answer);
        assert_eq!(rig.control("approvals", &json!({"uuid": uuid, "status": "approved"})).status, 409);
        assert_eq!(status(&rig, &uuid), answer);
    }
}

#[test]
fn nobody_answers_in_time() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Smartphone);
    let user = user(&rig);
    let form = [("message", "Log in?"), ("seconds_to_expire", "60")];
    let uuid = ask(&rig, &user, &form).expect(200)["approval_request"]["uuid"].clone();
    rig.advance(59);
    assert_eq!(status(&rig, &uuid), "pending");
    rig.advance(1);
    assert_eq!(status(&rig, &uuid), "expired");
    assert_eq!(rig.control("approvals", &json!({"uuid": uuid, "status": "approved"})).status, 409);
    assert_eq!(status(&rig, &uuid), "expired");
}

#[test]
fn requests_that_nobody_could_answer_are_refused() {
    let rig = Rig::new();
    let user = user(&rig);
    let check = |user: &str, form: &[(&str, &str)], status: u16, code: &str| {
        let got = ask(&rig, user, form);
        assert_eq!((got.status, &got.body["error_code"]), (status, &json!(code)), "{}", got.body);
    };
    let good = [("message", "Log in?")];
    check("1", &good, 404, "60026");
    check(&user, &good, 400, "60051");
    rig.mark(TO, PhoneKind::Smartphone);
    check(&user, &[], 400, "60004");
    check(&user, &[("message", &"x".repeat(201))], 400, "60004");
    check(&user, &[("message", "Log in?"), ("seconds_to_expire", "-1")], 400, "60004");
    let unknown = rig.get("/onetouch/json/approval_requests/none");
    assert_eq!((unknown.status, &unknown.body["error_code"]), (404, &json!("60049")));
    assert_eq!(unknown.body["errors"], json!({}));
    for body in [json!({}), json!({"uuid": "none", "status": "approved"}), json!({"uuid": 1})] {
        assert_eq!(rig.control("approvals", &body).status, 400, "{body}");
    }
}

#[test]
fn a_request_for_approval_is_no_longer_than_a_person_would_read() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Smartphone);
    let user = user(&rig);
    let detail = "x".repeat(1000);
    let names: Vec<String> = (0..5).map(|number| format!("details[{number}]")).collect();
    for (details, status) in [(3, 200), (5, 400)] {
        let mut form = vec![("message", "Log in to ACME?")];
        form.extend(names[..details].iter().map(|name| (name.as_str(), detail.as_str())));
        assert_eq!(ask(&rig, &user, &form).status, status, "{details}");
    }
    assert_eq!(rig.emulator.inbox().len(), 1);
}
