//! What comes of the operations when Twilio does as it was asked.

use countersign_plugin::http::{Auth, Body, FieldValue, Method};
use countersign_plugin::{
    Canceled, Checked, Delivered, Effect, Failure, FailureKind, Person, Recipient, Request, Retry, Scope, SecretRef,
    Status, TransportFailureKind, testing,
};
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn is(request: &Request, method: Method, path: &str, effect: Effect, form: &[(&str, &str)]) {
    assert_eq!((request.method, request.effect), (method, effect));
    assert_eq!(request.url, format!("https://verify.twilio.com/v2/Services/{SERVICE}{path}"));
    let password = FieldValue::Secret(SecretRef::named("auth_token"));
    assert_eq!(request.auth, Some(Auth::Basic { user: AUTH_ID.into(), password }));
    let form = form.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::from(*value))).collect::<Vec<_>>();
    assert_eq!(request.body, (!form.is_empty()).then_some(Body::Form(form)));
}

#[test]
fn start_asks_twilio_to_send_and_keeps_the_sid_before_anything_else() {
    for status in [200, 201] {
        let ran = bench().host().reply(status, verification("pending", false)).start(testing::start("sms"));
        let started = ran.outcome.unwrap();
        assert_eq!(started.delivery, delivery());
        assert_eq!(started.expires_in_seconds, Some(600));
        assert_eq!(ran.kept, [(Scope::Delivery, delivery().unwrap())]);
        assert_eq!(ran.requests.len(), 1);
        is(&ran.requests[0], Method::Post, "/Verifications", Effect::Act, &[("To", NUMBER), ("Channel", "sms")]);
    }
}

#[test]
fn voice_is_a_call_in_the_language_of_the_person() {
    #[track_caller]
    fn check(locale: Option<&str>, expected: &[(&str, &str)]) {
        let person = Person::default().locale(locale.map(str::to_owned));
        let ran = bench().host().start(testing::start("voice").person(person));
        is(&ran.requests[0], Method::Post, "/Verifications", Effect::Act, expected);
    }
    check(None, &[("To", NUMBER), ("Channel", "call")]);
    check(Some("de-AT"), &[("To", NUMBER), ("Channel", "call"), ("Locale", "de")]);
    check(Some("x-klingon"), &[("To", NUMBER), ("Channel", "call")]);
}

#[test]
fn a_code_that_is_sent_again_lives_only_as_long_as_the_first() {
    let body = with(
        verification("pending", false),
        "send_code_attempts",
        json!([{"time": "2015-07-30T20:00:00Z"}, {"time": "2015-07-30T20:04:00Z"}]),
    );
    let ran = bench().host().reply(201, body).start(testing::start("sms"));
    assert_eq!(ran.outcome.unwrap().expires_in_seconds, Some(360));
}

#[test]
fn what_only_tells_the_lifetime_may_be_missing_or_odd() {
    for field in ["date_created", "send_code_attempts"] {
        for odd in [json!(null), json!(7), json!({}), json!([{}]), json!("soon")] {
            let body = with(verification("pending", false), field, odd);
            let started = bench().host().reply(201, body).start(testing::start("sms")).outcome.unwrap();
            assert_eq!((started.delivery, started.expires_in_seconds), (delivery(), None));
        }
    }
}

#[test]
fn a_start_whose_reply_does_not_fit_may_have_sent_a_code() {
    #[track_caller]
    fn check(body: Value, kept: usize) {
        let ran = bench().host().reply(201, body.clone()).start(testing::start("sms"));
        let failure = ran.outcome.unwrap_err();
        assert_eq!((failure.kind, failure.delivered), (FailureKind::MalformedReply, Delivered::Maybe));
        assert_eq!(ran.kept, vec![(Scope::Delivery, delivery().unwrap()); kept], "{body}");
    }
    let good = || verification("pending", false);
    for sid in [json!(null), json!(7), json!(SERVICE), json!("VE../../../../../../../../../../..")] {
        check(with(good(), "sid", sid), 0);
    }
    check(without(good(), "sid"), 0);
    // Whatever else is wrong: what has a name can be canceled.
    for field in ["to", "status"] {
        check(without(good(), field), 1);
        check(with(good(), field, json!(null)), 1);
        check(with(good(), field, json!({"pending": null})), 1);
    }
    check(with(good(), "to", json!(OTHER_NUMBER)), 1);
    for status in ["approved", "canceled", "expired", "sending", ""] {
        check(with(good(), "status", json!(status)), 1);
    }
}

#[test]
fn an_unanswered_start_counts_as_sent_unless_nothing_left() {
    for (kind, delivered) in [
        (TransportFailureKind::NotSent, Delivered::No),
        (TransportFailureKind::NoAnswer, Delivered::Maybe),
        (TransportFailureKind::Deadline, Delivered::Maybe),
    ] {
        let failure = bench().host().no_reply(kind).start(testing::start("sms")).outcome.unwrap_err();
        assert_eq!((failure.kind, failure.delivered), (FailureKind::Unavailable, delivered));
        assert_eq!(failure.retry, Retry::AnotherProvider);
    }
}

#[test]
fn nothing_is_asked_without_a_phone_or_on_another_channel() {
    let email = Some(Recipient::Email("ada@example.com".to_owned()));
    for recipient in [None, email] {
        let ran = bench().host().start(testing::start("sms").recipient(recipient.clone()));
        assert_eq!(ran.outcome.unwrap_err().kind, FailureKind::InvalidRecipient);
        assert!(ran.requests.is_empty());
        let ran = bench().host().check(check_input(CODE).recipient(recipient));
        assert_eq!(ran.outcome.unwrap_err().kind, FailureKind::InvalidRecipient);
        assert!(ran.requests.is_empty());
    }
    let ran = bench().host().start(testing::start("whatsapp"));
    assert_eq!(ran.outcome.unwrap_err().kind, FailureKind::Unsupported);
    assert!(ran.requests.is_empty());
}

#[test]
fn check_asks_by_sid_and_never_by_number() {
    let ran = bench().host().reply(200, verification("approved", true)).check(check_input(CODE));
    let form = [("VerificationSid", SID), ("Code", CODE)];
    is(&ran.requests[0], Method::Post, "/VerificationCheck", Effect::Act, &form);
}

#[test]
fn only_status_and_valid_together_approve() {
    #[track_caller]
    fn check(body: Value, expected: Result<Checked, FailureKind>) {
        for http in [200, 201] {
            let ran = bench().host().reply(http, body.clone()).check(check_input(CODE));
            assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected, "{body}");
        }
    }
    let malformed = || Err(FailureKind::MalformedReply);
    check(verification("approved", true), Ok(Checked::approved()));
    check(verification("pending", false), Ok(Checked::WrongCode));
    check(verification("expired", false), Err(FailureKind::Expired));
    check(verification("canceled", false), Err(FailureKind::Expired));
    check(verification("deleted", false), Err(FailureKind::Expired));
    check(verification("failed", false), Err(FailureKind::Expired));
    check(verification("max_attempts_reached", false), Err(FailureKind::TooManyAttempts));
    check(verification("approved", false), malformed());
    check(verification("pending", true), malformed());
    check(verification("expired", true), malformed());
    for status in ["APPROVED", "approved ", "Approved", "", "reviewing"] {
        check(verification(status, true), malformed());
        check(verification(status, false), malformed());
    }
    for valid in [json!("true"), json!(1), json!(null), json!([true]), json!({"true": null})] {
        check(with(verification("approved", true), "valid", valid), malformed());
    }
    for field in ["sid", "to", "status", "valid"] {
        check(without(verification("approved", true), field), malformed());
    }
    check(with(verification("approved", true), "status", json!({"approved": null})), malformed());
    check(with(verification("approved", true), "status", json!(["approved"])), malformed());
    check(with(verification("approved", true), "sid", json!(OTHER_SID)), malformed());
    check(with(verification("approved", true), "sid", json!(SID.to_lowercase())), malformed());
    check(with(verification("approved", true), "to", json!(OTHER_NUMBER)), malformed());
    check(with(verification("approved", true), "to", json!("15005550006")), malformed());
    check(with(verification("approved", true), "news", json!({"a": [1]})), Ok(Checked::approved()));
}

#[test]
fn a_body_that_approves_is_worth_nothing_without_2xx() {
    for http in [199, 300, 302, 400, 401, 403, 404, 409, 429, 500, 503] {
        let ran = bench().host().reply(http, verification("approved", true)).check(check_input(CODE));
        assert!(!matches!(ran.outcome, Ok(Checked::Approved { .. })), "HTTP {http}");
    }
}

#[test]
fn what_no_service_makes_is_wrong_without_asking() {
    for code in ["", "123", "12345678901", "12345a", " 123456", "123456\n", "١٢٣٤٥٦", "１２３４", "-1234", "1e55"]
    {
        let ran = bench().host().check(check_input(code));
        assert_eq!(ran.outcome, Ok(Checked::WrongCode), "{code:?}");
        assert!(ran.requests.is_empty(), "{code:?}");
    }
    for code in ["1234", "0123456789"] {
        assert_eq!(bench().host().check(check_input(code)).requests.len(), 1, "{code:?}");
    }
}

#[test]
fn a_check_that_may_have_arrived_asks_for_a_new_code() {
    for kind in [TransportFailureKind::NoAnswer, TransportFailureKind::Deadline, TransportFailureKind::TooLarge] {
        let failure = bench().host().no_reply(kind).check(check_input(CODE)).outcome.unwrap_err();
        assert_eq!((failure.delivered, failure.retry), (Delivered::Maybe, Retry::Never));
        assert!(failure.person.contains("new one"), "{}", failure.person);
    }
    let failure = bench().host().no_reply(TransportFailureKind::NotSent).check(check_input(CODE)).outcome.unwrap_err();
    assert_eq!((failure.delivered, failure.retry), (Delivered::No, Retry::After { seconds: 5 }));
}

#[test]
fn without_a_sid_nobody_is_asked() {
    #[track_caller]
    fn check(requests: &[Request], failure: &Failure) {
        assert!(requests.is_empty());
        assert_eq!((failure.kind, failure.retry), (FailureKind::Expired, Retry::Never));
        // It is not known to be over: only its name was never learned.
        assert!(failure.operator.contains("Twilio may have"), "{failure}");
        assert!(!failure.operator.contains("canceled"), "{failure}");
    }
    let ran = bench().host().check(check_input(CODE).delivery(None));
    check(&ran.requests, &ran.outcome.unwrap_err());
    let ran = bench().host().status(status_input().delivery(None));
    check(&ran.requests, &ran.outcome.unwrap_err());

    let ran = bench().host().cancel(cancel_input().delivery(None));
    let failure = ran.outcome.unwrap_err();
    assert_eq!((failure.kind, failure.delivered), (FailureKind::Unsupported, Delivered::Maybe));
    assert!(ran.requests.is_empty());
}

#[test]
fn damaged_data_never_becomes_a_path() {
    for value in [json!({"sid": "../Services"}), json!({"sid": "VE1"}), json!({"sid": 7}), json!([]), json!(null)] {
        let delivery = Some(Data::from_json(1, value));
        let check = bench().host().check(check_input(CODE).delivery(delivery.clone()));
        let cancel = bench().host().cancel(cancel_input().delivery(delivery.clone()));
        let status = bench().host().status(status_input().delivery(delivery));
        let kinds = [
            check.outcome.map(|_| ()).unwrap_err().kind,
            cancel.outcome.map(|_| ()).unwrap_err().kind,
            status.outcome.map(|_| ()).unwrap_err().kind,
        ];
        assert_eq!(kinds, [FailureKind::PluginFault; 3]);
        assert_eq!(check.requests.len() + cancel.requests.len() + status.requests.len(), 0);
    }
}

#[test]
fn data_of_another_version_is_not_guessed_at() {
    for version in [0, 2, u32::MAX] {
        let delivery = Some(Data::from_json(version, json!({"sid": SID})));
        let check = bench().host().check(check_input(CODE).delivery(delivery.clone()));
        let cancel = bench().host().cancel(cancel_input().delivery(delivery.clone()));
        let status = bench().host().status(status_input().delivery(delivery));
        assert_eq!(check.requests.len() + cancel.requests.len() + status.requests.len(), 0);
        for failure in [check.outcome.unwrap_err(), cancel.outcome.unwrap_err(), status.outcome.unwrap_err()] {
            assert_eq!(failure.kind, FailureKind::PluginFault);
            assert!(failure.operator.contains("install that version again"), "{failure}");
        }
    }
}

#[test]
fn cancel_is_done_only_when_twilio_says_so() {
    #[track_caller]
    fn check(http: u16, body: Value, expected: Result<Canceled, FailureKind>) {
        let ran = bench().host().reply(http, body).cancel(cancel_input());
        assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected);
        let path = format!("/Verifications/{SID}");
        is(&ran.requests[0], Method::Post, &path, Effect::Idempotent, &[("Status", "canceled")]);
    }
    check(200, verification("canceled", false), Ok(Canceled::Canceled));
    check(404, error(20404, 404), Ok(Canceled::AlreadyOver));
    for body in [json!({}), json!({"code": null}), error(60999, 404), json!("<html>not found</html>")] {
        check(404, body, Err(FailureKind::MalformedReply));
    }
    check(404, error(20003, 404), Err(FailureKind::BadCredentials));
    check(200, error(20404, 200), Err(FailureKind::MalformedReply));
    check(200, verification("pending", false), Err(FailureKind::MalformedReply));
    check(200, verification("approved", true), Err(FailureKind::MalformedReply));
    check(200, with(verification("canceled", false), "sid", json!(OTHER_SID)), Err(FailureKind::MalformedReply));
    check(400, error(60441, 400), Err(FailureKind::Unsupported));
    check(503, error(20503, 503), Err(FailureKind::Unavailable));
}

#[test]
fn status_tells_what_twilio_tells() {
    #[track_caller]
    fn check(http: u16, body: Value, expected: Result<Status, FailureKind>) {
        let ran = bench().host().reply(http, body).status(status_input());
        assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected);
        is(&ran.requests[0], Method::Get, &format!("/Verifications/{SID}"), Effect::Read, &[]);
    }
    check(200, verification("pending", false), Ok(Status::Pending));
    check(200, verification("approved", true), Ok(Status::Approved));
    check(200, verification("approved", false), Err(FailureKind::MalformedReply));
    check(200, verification("canceled", false), Ok(Status::Canceled));
    check(200, verification("expired", false), Ok(Status::Expired));
    check(200, verification("deleted", false), Ok(Status::Expired));
    check(200, verification("failed", false), Ok(Status::Undelivered));
    check(200, verification("max_attempts_reached", false), Ok(Status::Denied));
    check(200, verification("reviewing", true), Ok(Status::Pending));
    check(200, with(verification("approved", true), "to", json!(OTHER_NUMBER)), Err(FailureKind::MalformedReply));
    check(200, with(verification("approved", true), "sid", json!(OTHER_SID)), Err(FailureKind::MalformedReply));
    check(404, error(20404, 404), Ok(Status::Expired));
    check(404, json!("not found"), Err(FailureKind::MalformedReply));
    check(404, error(60999, 404), Err(FailureKind::MalformedReply));
    check(500, json!({}), Err(FailureKind::Unavailable));
}
