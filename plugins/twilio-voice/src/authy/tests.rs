//! Mode `authy`, outcome by outcome and refusal by refusal.

use countersign_plugin::http::{Body, FieldValue};
use countersign_plugin::testing::{self, Ran};
use countersign_plugin::{
    CheckCode, Checked, Data, Delivered, Effect, FailureKind as Kind, Level, Person, Phone, Recipient, Reply, Request,
    Retry, Scope, SecretRef, StartChallenge, Started, TransportFailureKind,
};
use serde_json::{Value, json};

use super::TABLE;
use crate::tests::{CANARY, TO, authy_settings, bench, check_table, must_not_tell, with};

mod any_reply;
mod diagnosis;

const CODE: &str = "0427193";

fn start() -> StartChallenge {
    let person = Person::default().email("ada@example.com".to_owned());
    testing::start("voice").mode("authy".to_owned()).person(person)
}

fn check() -> CheckCode {
    testing::check("voice", CODE).delivery(delivery())
}

fn enrollment() -> Option<Data> {
    Some(Data::from_json(1, json!({"authy_id": "1000", "phone": TO})))
}

fn delivery() -> Option<Data> {
    Some(Data::from_json(1, json!({"authy_id": "1000"})))
}

fn user() -> Value {
    json!({"message": "User created successfully.", "user": {"id": 1000}, "success": true})
}

fn called() -> Value {
    json!({"success": true, "message": "Call started...", "cellphone": "+1-XXX-XXX-XX06"})
}

fn valid() -> Value {
    json!({"message": "Token is valid.", "token": "is valid", "success": "true", "device": {"os_type": "sms"}})
}

fn error(code: u32) -> Value {
    json!({"message": CANARY, "success": false, "errors": {"message": CANARY}, "error_code": code.to_string()})
}

#[track_caller]
fn fails<T: std::fmt::Debug>(ran: Ran<T>, kind: Kind, delivered: Delivered, retry: Retry) {
    for secret in [CODE, CANARY, TO, "ada@example.com"] {
        must_not_tell(&ran.outcome, secret);
        must_not_tell(&ran.logs, secret);
    }
    let failure = ran.outcome.expect_err("must fail");
    assert_eq!((failure.kind, failure.delivered, failure.retry), (kind, delivered, retry), "{failure}");
}

#[track_caller]
fn is(request: &Request, method: &str, path: &str, effect: Effect) {
    let expected = format!("https://api.authy.com/protected/json/{path}");
    assert_eq!((request.method.as_str(), request.url.as_str(), request.effect), (method, expected.as_str(), effect));
    let key = FieldValue::Secret(SecretRef::named("authy_api_key"));
    assert_eq!(request.headers, [("X-Authy-API-Key".to_owned(), key)]);
    assert_eq!(request.auth, None);
}

#[test]
fn a_new_user_is_registered_kept_and_called() {
    let ran = bench(authy_settings()).host().reply(200, user()).reply(200, called()).start(start());
    assert_eq!(ran.outcome, Ok(Started::new().delivery(delivery())));
    let [register, call] = ran.requests.as_slice() else { panic!("two requests") };
    is(register, "POST", "users/new", Effect::Idempotent);
    let form = [
        ("user[email]", "ada@example.com"),
        ("user[cellphone]", "5005550006"),
        ("user[country_code]", "1"),
        ("send_install_link_via_sms", "false"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), FieldValue::from(value)));
    assert_eq!(register.body, Some(Body::Form(form.to_vec())));
    is(call, "GET", "call/1000?force=true", Effect::Act);
    assert_eq!(ran.kept, [(Scope::Enrollment, enrollment().expect("some"))]);
    assert_eq!(ran.logs.iter().map(|line| line.level).collect::<Vec<_>>(), [Level::Warn]);
}

#[test]
fn the_id_is_kept_even_if_the_call_fails() {
    let ran = bench(authy_settings()).host().reply(200, user()).no_reply(TransportFailureKind::NoAnswer).start(start());
    assert_eq!(ran.kept.len(), 1);
    fails(ran, Kind::Unavailable, Delivered::Maybe, Retry::AnotherProvider);
}

#[test]
fn a_known_user_is_called_without_registering_and_without_an_email() {
    let person = Person::default().locale("de-AT".to_owned());
    let input = start().enrollment(enrollment()).person(person);
    let ran = bench(authy_settings()).host().reply(200, called()).start(input);
    assert!(ran.outcome.is_ok() && ran.kept.is_empty());
    is(&ran.requests[0], "GET", "call/1000?force=true&locale=de", Effect::Act);
}

#[test]
fn a_user_registered_under_another_number_is_registered_anew() {
    for stored in [json!({"authy_id": 7, "phone": "+15005550007"}), json!({"authy_id": "7"})] {
        let input = start().enrollment(Data::from_json(1, stored));
        let ran = bench(authy_settings()).host().reply(200, user()).reply(200, called()).start(input);
        assert!(ran.outcome.is_ok());
        is(&ran.requests[1], "GET", "call/1000?force=true", Effect::Act);
    }
}

#[test]
fn a_user_who_was_removed_at_the_service_is_registered_once_more() {
    let input = || start().enrollment(enrollment());
    let again = json!({"user": {"id": "1001"}, "success": "true"});
    let host = bench(authy_settings()).host();
    let ran = host.reply(404, error(60026)).reply(200, again.clone()).reply(200, called()).start(input());
    assert!(ran.outcome.is_ok());
    is(&ran.requests[2], "GET", "call/1001?force=true", Effect::Act);
    assert_eq!(ran.kept[0].1.value["authy_id"], "1001");
    let host = bench(authy_settings()).host();
    let ran = host.reply(404, error(60026)).reply(200, again).reply(404, error(60026)).start(input());
    assert_eq!(ran.requests.len(), 3);
    fails(ran, Kind::Expired, Delivered::No, Retry::Never);
}

#[test]
fn without_an_email_the_operator_is_told_how_to_give_one() {
    for email in [None, Some(" ".to_owned())] {
        let input = start().person(Person::default().email(email));
        let ran = bench(authy_settings()).host().start(input);
        assert!(ran.requests.is_empty());
        let failure = ran.outcome.as_ref().expect_err("no e-mail");
        assert!(failure.operator.contains("countersign user add NAME --email"), "{failure}");
        fails(ran, Kind::Misconfigured, Delivered::No, Retry::Never);
    }
}

#[test]
fn a_registration_without_success_and_id_registers_nobody() {
    for body in [
        json!({"user": {"id": 1000}}),
        json!({"user": {"id": 1000}, "success": false}),
        json!({"user": {"id": "../app"}, "success": true}),
        json!({"user": {}, "success": true}),
        json!({"success": true}),
    ] {
        let ran = bench(authy_settings()).host().reply(200, body).start(start());
        assert!(ran.kept.is_empty() && ran.requests.len() == 1);
        fails(ran, Kind::MalformedReply, Delivered::No, Retry::AnotherProvider);
    }
}

#[test]
fn a_refused_registration_says_which_field_is_wrong() {
    let run = |field: &str| {
        let errors = json!({field: "is invalid", "message": "User was not valid"});
        let body = with(error(60027), "errors", errors);
        bench(authy_settings()).host().reply(400, body).start(start())
    };
    fails(run("cellphone"), Kind::InvalidRecipient, Delivered::No, Retry::Never);
    fails(run("country_code"), Kind::InvalidRecipient, Delivered::No, Retry::Never);
    fails(run("email"), Kind::Misconfigured, Delivered::No, Retry::Never);
    let ran = bench(authy_settings()).host().reply(503, json!(null)).start(start());
    fails(ran, Kind::Unavailable, Delivered::No, Retry::AnotherProvider);
    let ran = bench(authy_settings()).host().no_reply(TransportFailureKind::NoAnswer).start(start());
    fails(ran, Kind::Unavailable, Delivered::No, Retry::AnotherProvider);
}

fn call_answers(status: u16, body: Value) -> Ran<Started> {
    let input = start().enrollment(enrollment());
    bench(authy_settings()).host().reply(status, body).start(input)
}

#[test]
fn an_ignored_call_tells_the_person_to_open_the_app() {
    let ran = call_answers(200, with(with(called(), "ignored", json!(true)), "device", json!("iphone")));
    let started = ran.outcome.expect("started");
    assert!(started.instruction.is_some_and(|text| text.contains("app")));
    assert_eq!(started.delivery, delivery());
    assert_eq!(call_answers(200, called()).outcome.expect("started").instruction, None);
}

#[test]
fn only_success_as_boolean_or_text_means_that_it_rings() {
    assert!(call_answers(200, json!({"success": "true"})).outcome.is_ok());
    for body in [json!({}), json!({"success": false}), json!({"success": "false"}), json!({"success": 1})] {
        fails(call_answers(200, body), Kind::MalformedReply, Delivered::Maybe, Retry::AnotherProvider);
    }
    let refused = with(error(60006), "success", json!("false"));
    fails(call_answers(200, refused), Kind::Misconfigured, Delivered::Maybe, Retry::Never);
    fails(call_answers(201, called()), Kind::MalformedReply, Delivered::Maybe, Retry::AnotherProvider);
}

#[test]
fn a_call_without_a_number_is_refused() {
    let mail = Some(Recipient::Email("ada@example.com".to_owned()));
    for recipient in [None, mail] {
        let ran = bench(authy_settings()).host().start(start().recipient(recipient));
        assert!(ran.requests.is_empty());
        fails(ran, Kind::InvalidRecipient, Delivered::No, Retry::Never);
    }
}

fn check_answers(status: u16, body: Value) -> Ran<Checked> {
    bench(authy_settings()).host().reply(status, body).check(check())
}

#[test]
fn a_valid_token_is_a_yes() {
    let ran = check_answers(200, valid());
    is(&ran.requests[0], "GET", "verify/0427193/1000?force=true", Effect::Act);
    assert_eq!(ran.outcome, Ok(Checked::approved()));
    must_not_tell(&ran.logs, CODE);
    assert!(check_answers(200, with(valid(), "success", json!(true))).outcome.is_ok());
}

#[test]
fn without_a_valid_token_nothing_is_a_yes() {
    for body in [
        called(),
        json!({"success": true}),
        with(valid(), "token", json!("is invalid")),
        with(valid(), "token", json!("Is valid")),
        with(valid(), "token", json!(true)),
        with(valid(), "token", json!(["is valid"])),
        with(valid(), "success", json!(false)),
        with(valid(), "success", json!("false")),
        with(valid(), "success", json!(null)),
        error(60020),
        json!([]),
        json!(["true", "is valid"]),
    ] {
        fails(check_answers(200, body), Kind::MalformedReply, Delivered::Maybe, Retry::Never);
    }
    for status in [201, 204] {
        fails(check_answers(status, valid()), Kind::MalformedReply, Delivered::Maybe, Retry::Never);
    }
    fails(check_answers(302, valid()), Kind::Misconfigured, Delivered::Maybe, Retry::Never);
    for (status, kind) in [(401, Kind::BadCredentials), (404, Kind::Misconfigured)] {
        fails(check_answers(status, valid()), kind, Delivered::No, Retry::Never);
    }
    let twice = r#"{"token":"is invalid","token":"is valid","success":true}"#;
    let reply = Reply::new(200, twice);
    let ran = bench(authy_settings()).host().raw_reply(reply).check(check());
    fails(ran, Kind::MalformedReply, Delivered::Maybe, Retry::Never);
}

#[test]
fn a_wrong_code_is_told_apart_from_a_wrong_key_by_the_error_code() {
    for body in [error(60020), error(60019), json!({"success": false, "error_code": 60020})] {
        assert_eq!(check_answers(401, body).outcome, Ok(Checked::WrongCode));
    }
    fails(check_answers(401, error(60001)), Kind::BadCredentials, Delivered::No, Retry::Never);
    fails(check_answers(404, error(60026)), Kind::Expired, Delivered::No, Retry::Never);
    fails(check_answers(429, error(60003)), Kind::RateLimited, Delivered::No, Retry::After { seconds: 60 });
    let html = Reply::new(503, "<html>");
    let ran = bench(authy_settings()).host().raw_reply(html).check(check());
    fails(ran, Kind::Unavailable, Delivered::Maybe, Retry::Never);
}

#[test]
fn a_check_that_may_have_arrived_asks_for_a_new_code() {
    let host = || bench(authy_settings()).host();
    let html = |status| Reply::new(status, "<html>").with_header("Retry-After", "9");
    for ran in [
        host().no_reply(TransportFailureKind::NoAnswer).check(check()),
        host().no_reply(TransportFailureKind::Deadline).check(check()),
        host().no_reply(TransportFailureKind::TooLarge).check(check()),
        host().raw_reply(html(302)).check(check()),
        host().raw_reply(html(408)).check(check()),
        host().raw_reply(html(500)).check(check()),
        host().raw_reply(html(200)).check(check()),
    ] {
        let failure = ran.outcome.expect_err("no answer");
        assert_eq!((failure.delivered, failure.retry), (Delivered::Maybe, Retry::Never), "{failure}");
        assert!(failure.person.contains("new one"), "{}", failure.person);
    }
    // What never left can be sent again, but not elsewhere: nobody else knows the code.
    let ran = host().no_reply(TransportFailureKind::NotSent).check(check());
    fails(ran, Kind::Unavailable, Delivered::No, Retry::After { seconds: 5 });
}

#[test]
fn without_an_error_code_a_no_is_a_wrong_code() {
    // The oldest documented form; `token` came later, and so did the boolean.
    let oldest = json!({"success": "false", "message": CANARY, "errors": {"message": CANARY}});
    for body in [
        oldest.clone(),
        with(oldest.clone(), "success", json!(false)),
        with(oldest.clone(), "success", json!("False")),
        with(oldest.clone(), "token", json!("is invalid")),
        with(oldest.clone(), "error_code", json!(null)),
    ] {
        assert_eq!(check_answers(401, body.clone()).outcome, Ok(Checked::WrongCode), "{body}");
        fails(check_answers(403, body.clone()), Kind::Misconfigured, Delivered::No, Retry::Never);
        fails(check_answers(200, body), Kind::MalformedReply, Delivered::Maybe, Retry::Never);
    }
    for body in [
        with(oldest.clone(), "error_code", json!("60001")),
        with(oldest.clone(), "error_code", json!("unheard of")),
        with(oldest.clone(), "error_code", json!({})),
        with(oldest.clone(), "success", json!(null)),
        with(oldest, "success", json!(0)),
        json!({"token": "is invalid"}),
        json!({}),
        json!(["false", "is invalid"]),
        json!("false"),
        json!(false),
        json!(null),
    ] {
        fails(check_answers(401, body), Kind::BadCredentials, Delivered::No, Retry::Never);
    }
    for body in ["", "<html>", r#"{"success":false"#, r#"{"success":true,"success":false}"#] {
        let reply = Reply::new(401, body);
        let ran = bench(authy_settings()).host().raw_reply(reply).check(check());
        fails(ran, Kind::BadCredentials, Delivered::No, Retry::Never);
    }
}

#[test]
fn a_code_that_is_not_6_to_12_digits_is_wrong_without_being_sent() {
    for code in
        ["", "12345", "1234567890123", "../sms", "..%2fsms", "123456/../../sms/1", "12345a", "١٢٣٤٥٦", " 123456"]
    {
        let input = testing::check("voice", code).delivery(delivery());
        let ran = bench(authy_settings()).host().reply(200, valid()).check(input);
        assert_eq!(ran.outcome, Ok(Checked::WrongCode), "{code}");
        assert!(ran.requests.is_empty(), "{code}");
    }
}

#[test]
fn the_user_comes_from_the_delivery_else_from_the_enrollment() {
    let run = |delivery: Option<Data>, enrollment: Option<Data>| {
        let input = testing::check("voice", CODE).delivery(delivery).enrollment(enrollment);
        bench(authy_settings()).host().reply(200, valid()).check(input)
    };
    let other = Some(Data::from_json(1, json!({"authy_id": 2, "phone": TO})));
    is(&run(delivery(), other).requests[0], "GET", "verify/0427193/1000?force=true", Effect::Act);
    is(&run(None, enrollment()).requests[0], "GET", "verify/0427193/1000?force=true", Effect::Act);
    fails(run(None, None), Kind::Expired, Delivered::No, Retry::Never);
    let bad = Some(Data::from_json(1, json!({"authy_id": "../sms"})));
    fails(run(bad, None), Kind::PluginFault, Delivered::No, Retry::Never);
}

#[test]
fn numbers_go_as_country_code_and_national_part() {
    let phone = Phone::new("+4915112345678", "49", "15112345678");
    let input = start().recipient(Recipient::Phone(phone));
    let ran = bench(authy_settings()).host().reply(200, user()).reply(200, called()).start(input);
    let Some(Body::Form(form)) = &ran.requests[0].body else { panic!("a form") };
    assert_eq!(form[1].1, FieldValue::from("15112345678"));
    assert_eq!(form[2].1, FieldValue::from("49"));
}

#[test]
fn every_error_code_has_its_meaning() {
    let never = Retry::Never;
    check_table(
        &TABLE,
        &[
            (Kind::BadCredentials, never, &[60001, 60047, 60069, 60070, 60071, 60072, 60073]),
            (
                Kind::Misconfigured,
                never,
                &[60002, 60004, 60005, 60006, 60008, 60031, 60038, 60056, 60057, 60060, 60061, 60063, 60074, 60123],
            ),
            (Kind::RateLimited, Retry::After { seconds: 60 }, &[60003]),
            (Kind::Blocked, never, &[60013, 60017, 60018, 60106, 60107]),
            (Kind::InvalidRecipient, never, &[60027, 60030, 60033, 60058, 60059, 60078]),
            (Kind::UnreachableRecipient, never, &[60083, 60115, 60127, 60130]),
            (Kind::Expired, never, &[60016, 60026, 60128]),
            // Used up for all, so that a fallback may step in; the engine has none for `RateLimited`.
            (Kind::Unavailable, Retry::AnotherProvider, &[60011, 60012, 60014]),
        ],
    );
}
