//! The Authy-style service: what the histories do not reach.

use serde_json::json;

use super::*;

fn register(rig: &Rig) -> u64 {
    let form = [("user[email]", "user@example.com"), ("user[cellphone]", "5005550006"), ("user[country_code]", "1")];
    let body = rig.post("/protected/json/users/new", &form).expect(200);
    assert_eq!((&body["success"], &body["message"]), (&json!(true), &json!("User created successfully.")));
    body["user"]["id"].as_u64().expect("a number")
}

#[track_caller]
fn denied(got: &Got, status: u16, code: &str) {
    assert_eq!((got.status, &got.body["error_code"]), (status, &json!(code)), "{}", got.body);
    assert_eq!(got.body["success"], json!(false));
    assert_eq!(got.header("content-type"), Some("application/json;charset=utf-8"));
}

#[test]
fn a_token_in_the_shape_of_a_path_leads_nowhere_and_sends_nothing() {
    let rig = Rig::new();
    let id = register(&rig);
    for token in ["..%2fsms", "..%2Fsms", "%2e%2e%2fsms", "..%252fsms", "1234567%2f..", "..", "%2e%2e", "", "١٢٣٤٥٦٧"]
    {
        let got = rig.get(&format!("/protected/json/verify/{token}/{id}?force=true"));
        assert_eq!((got.status, &got.body["error_code"]), (401, &json!("60020")), "{token}");
        assert_ne!(got.body["token"], "is valid");
    }
    denied(&rig.get(&format!("/protected/json/verify/../sms/{id}?force=true")), 404, "60000");
    assert!(rig.emulator.inbox().is_empty());
    rig.get(&format!("/protected/json/verify/..%2fsms/{id}")).expect(401);
}

#[test]
fn the_key_is_taken_from_the_header_or_from_a_parameter() {
    let rig = Rig::new();
    let bare = |target: &str| {
        let mut request = request("GET", target, &[]);
        request.headers.clear();
        rig.send(&request)
    };
    denied(&bare("/protected/json/app/details"), 401, "60001");
    denied(&bare("/protected/json/app/details?api_key=other"), 401, "60001");
    let details = bare(&format!("/protected/json/app/details?api_key={KEY}")).expect(200);
    assert_eq!(details["app"]["phone_calls_enabled"], true);
}

#[test]
fn json_bodies_are_read_as_forms_are() {
    let rig = Rig::new();
    let known = register(&rig);
    let mut request = request("POST", "/protected/json/users/new", &[]);
    request.headers[2].1 = "application/json; charset=utf-8".to_owned();
    let body = json!({"user": {"email": "user@example.com", "cellphone": "500-555-0006", "country_code": 1}});
    request.body = body.to_string().into_bytes();
    assert_eq!(rig.send(&request).expect(200)["user"]["id"], known);
    request.body = b"[".to_vec();
    denied(&rig.send(&request), 400, "60002");
}

#[test]
fn invalid_users_are_told_which_fields() {
    let rig = Rig::new();
    let got = rig.post("/protected/json/users/new", &[]);
    denied(&got, 400, "60027");
    let fields = json!({"cellphone": "is invalid", "email": "is invalid", "message": "User was not valid"});
    assert_eq!((&got.body["errors"], &got.body["email"]), (&fields, &json!("is invalid")));
    denied(&rig.get("/protected/json/users/77/status"), 404, "60026");
}

#[test]
fn a_user_shows_what_is_known_of_it() {
    let rig = Rig::new();
    let id = register(&rig);
    rig.get(&format!("/protected/json/sms/{id}?force=true")).expect(200);
    rig.get(&format!("/protected/json/verify/{}/{id}?force=true", rig.code())).expect(200);
    let status = rig.get(&format!("/protected/json/users/{id}/status")).expect(200);
    let status = &status["status"];
    assert_eq!((&status["confirmed"], &status["registered"]), (&json!(true), &json!(false)));
    assert_eq!((&status["phone_number"], &status["country_code"]), (&json!("XXX-XXX-0006"), &json!(1)));
    rig.post(&format!("/protected/json/users/{id}/update"), &[("email", "new@example.com")]).expect(200);
    let email = rig.post(&format!("/protected/json/email/{id}"), &[]).expect(200);
    assert_eq!(email["email"], "new@example.com");
    assert_eq!(rig.emulator.inbox().pop().map(|last| last.channel), Some("email"));
    let activity = format!("/protected/json/users/{id}/register_activity");
    rig.post(&activity, &[("type", "cookie_login")]).expect(200);
    denied(&rig.post(&activity, &[("type", "dancing")]), 400, "60004");
    let stats = rig.get("/protected/json/app/stats").expect(200);
    assert_eq!((&stats["total_users"], &stats["stats"][0]["auths_count"]), (&json!(1), &json!(1)));
}

#[test]
fn landlines_get_calls_and_no_text_messages() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Landline);
    let id = register(&rig);
    denied(&rig.get(&format!("/protected/json/sms/{id}")), 403, "60082");
    rig.get(&format!("/protected/json/call/{id}")).expect(200);
    assert_eq!(rig.emulator.inbox().len(), 1);
}

#[test]
fn a_phone_is_verified_without_a_user() {
    let rig = Rig::new();
    let number = [("country_code", "1"), ("phone_number", "500-555-0006")];
    let with = |more: (&'static str, String)| {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(number).append_pair(more.0, &more.1);
        query.finish()
    };
    let check = |code: &str| {
        rig.get(&format!("/protected/json/phones/verification/check?{}", with(("verification_code", code.to_owned()))))
    };
    let none = check("1234");
    denied(&none, 404, "60023");
    assert_eq!(none.body["message"], "No pending verifications for +1 500-555-0006 found.");
    let start =
        || rig.post("/protected/json/phones/verification/start", &[number[0], number[1], ("via", "sms")]).expect(200);
    let started = start();
    assert_eq!(started["message"], "Text message sent to +1 500-555-0006.");
    let code = rig.code();
    assert_eq!(code.len(), 4);
    rig.advance(5);
    let again = start();
    assert_eq!(
        (&again["uuid"], &again["seconds_to_expire"], rig.code()),
        (&started["uuid"], &json!(595), code.clone())
    );
    denied(&check("00000"), 401, "60022");
    let uuid = started["uuid"].as_str().expect("a uuid");
    let status =
        || rig.get(&format!("/protected/json/phones/verification/status?uuid={uuid}")).expect(200)["status"].clone();
    assert_eq!(status(), "pending");
    assert_eq!(check(&code).expect(200)["success"], true);
    assert_eq!(status(), "verified");
    denied(&check(&code), 404, "60023");
    start();
    rig.advance(600);
    denied(&check(&rig.code()), 404, "60023");
    let info =
        rig.get(&format!("/protected/json/phones/info?{}", with(("user_ip", "192.0.2.1".to_owned())))).expect(200);
    assert_eq!(info["type"], "cellphone");
}
