//! Mode `call`, outcome by outcome and refusal by refusal.

use countersign_plugin::http::{Auth, Body, FieldValue};
use countersign_plugin::testing::{self, Ran};
use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, Code, Data, Delivered, Effect, FailureKind as Kind, Person, Recipient, Reply,
    Request, Retry, Scope, SecretRef, StartChallenge, Started, Status, TransportFailureKind,
};
use serde_json::{Value, json};

use super::TABLE;
use crate::tests::{AC, CA, CANARY, SK, TO, bench, call_settings, check_table, must_not_tell, with};

mod any_reply;
mod diagnosis;

const CODE: &str = "042719";
/// Where no other provider could do it.
const LATER: Retry = Retry::After { seconds: 5 };

fn start() -> StartChallenge {
    testing::start("voice").code(Code::new(CODE)).mode("call".to_owned())
}

fn speaking(locale: &str) -> StartChallenge {
    start().person(Person::default().locale(locale.to_owned()))
}

fn delivery() -> Option<Data> {
    Some(Data::from_json(1, json!({"sid": CA})))
}

fn call(status: &str) -> Value {
    json!({"sid": CA, "to": TO, "from": "+15017122661", "status": status, "price": null, "queue_time": "0"})
}

fn cancel() -> CancelChallenge {
    CancelChallenge::new("voice").delivery(delivery())
}

fn status() -> AskStatus {
    let recipient = Some(Recipient::Phone(testing::phone()));
    AskStatus::new("voice").recipient(recipient).delivery(delivery())
}

#[track_caller]
fn field<'a>(request: &'a Request, name: &str) -> &'a str {
    let Some(Body::Form(form)) = &request.body else { panic!("no form") };
    match form.iter().find(|(known, _)| known == name) {
        Some((_, FieldValue::Text(text))) => text,
        other => panic!("{name}: {other:?}"),
    }
}

#[track_caller]
fn fails<T: std::fmt::Debug>(ran: Ran<T>, kind: Kind, delivered: Delivered, retry: Retry) {
    must_not_tell(&ran.outcome, CODE);
    must_not_tell(&ran.logs, CODE);
    let failure = ran.outcome.expect_err("must fail");
    assert_eq!((failure.kind, failure.delivered, failure.retry), (kind, delivered, retry), "{failure}");
}

#[test]
fn one_request_has_the_code_spoken() {
    let ran = bench(call_settings()).host().reply(201, call("queued")).start(start());
    let expected = Started::new().delivery(delivery());
    assert_eq!(ran.outcome, Ok(expected));
    let [request] = ran.requests.as_slice() else { panic!("one request") };
    assert_eq!(request.url, format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Calls.json"));
    assert_eq!((request.method.as_str(), request.effect), ("POST", Effect::Act));
    let token = FieldValue::Secret(SecretRef::named("auth_token"));
    assert_eq!(request.auth, Some(Auth::Basic { user: AC.into(), password: token }));
    assert_eq!((field(request, "To"), field(request, "From")), (TO, "+15017122661"));
    assert_eq!(field(request, "Twiml").matches("0, 4, 2, 7, 1, 9.").count(), 2);
    assert!(!request.url.contains(CODE));
    must_not_tell(&ran.logs, CODE);
}

#[test]
fn a_base_url_and_an_account_of_ones_own_are_used() {
    let settings = with(call_settings(), "base_url", json!("http://127.0.0.1:8080/twilio/"));
    let settings = with(with(settings, "auth_id", json!(SK)), "account_sid", json!(AC));
    let ran = bench(settings).host().reply(201, call("queued")).start(start());
    assert_eq!(ran.requests[0].url, format!("http://127.0.0.1:8080/twilio/2010-04-01/Accounts/{AC}/Calls.json"));
    assert!(matches!(&ran.requests[0].auth, Some(Auth::Basic { user: FieldValue::Text(user), .. }) if user == SK));
}

#[track_caller]
fn speaks(settings: Value, input: StartChallenge, expected: &str) {
    let ran = bench(settings).host().reply(201, call("queued")).start(input);
    let twiml = field(&ran.requests[0], "Twiml");
    assert!(twiml.contains(expected), "{twiml}");
}

#[test]
fn the_person_is_spoken_to_in_their_language_or_in_the_sites() {
    speaks(call_settings(), start(), "<Say language=\"en-US\">Your code is:");
    speaks(call_settings(), speaking("de-AT"), "<Say language=\"de-DE\">Ihr Code lautet:");
    speaks(call_settings(), speaking("tlh"), "<Say language=\"en-US\">");
    let german = with(call_settings(), "language", json!("de"));
    speaks(german.clone(), start(), "<Say language=\"de-DE\">");
    speaks(german.clone(), speaking("tlh"), "<Say language=\"de-DE\">");
    speaks(german, speaking("en-GB"), "<Say language=\"en-GB\">");
}

#[test]
fn the_voice_speaks_its_own_language_only() {
    let settings = with(with(call_settings(), "language", json!("de")), "voice", json!("Polly.Vicki"));
    speaks(settings.clone(), start(), "<Say voice=\"Polly.Vicki\" language=\"de-DE\">");
    speaks(settings, speaking("fr"), "<Say language=\"fr-FR\">");
}

#[test]
fn without_a_number_or_a_speakable_code_nothing_is_asked() {
    let host = || bench(call_settings()).host();
    let with_code = |code: &str| start().code(Code::new(code));
    let mail = Some(Recipient::Email("ada@example.com".to_owned()));
    for (input, kind) in [
        (start().recipient(None), Kind::InvalidRecipient),
        (start().recipient(mail), Kind::InvalidRecipient),
        (start().code(None), Kind::PluginFault),
        (with_code("123"), Kind::PluginFault),
        (with_code("12345678901"), Kind::PluginFault),
        (with_code("1234</Say>"), Kind::PluginFault),
        (with_code("١٢٣٤"), Kind::PluginFault),
    ] {
        let ran = host().start(input);
        assert!(ran.requests.is_empty());
        fails(ran, kind, Delivered::No, Retry::Never);
    }
}

#[test]
fn a_reply_that_names_no_call_starts_nothing() {
    for body in [
        with(call("queued"), "sid", json!("SM0123456789abcdef0123456789abcdef")),
        with(call("queued"), "sid", json!("CA../../../../../../etc/passwd0000")),
        with(call("queued"), "sid", json!(7)),
        json!({}),
        json!([]),
        json!([CA, TO, "queued"]),
    ] {
        let ran = bench(call_settings()).host().reply(201, body).start(start());
        assert_eq!(ran.kept, []);
        fails(ran, Kind::MalformedReply, Delivered::Maybe, Retry::AnotherProvider);
    }
}

#[test]
fn what_rings_can_be_hung_up_whatever_else_is_wrong() {
    for body in [
        with(call("queued"), "to", json!("+15005550007")),
        with(call("queued"), "to", json!("15005550006")),
        with(call("queued"), "to", json!(null)),
        with(call("queued"), "status", json!(7)),
    ] {
        let ran = bench(call_settings()).host().reply(201, body).start(start());
        assert_eq!(ran.kept, [(Scope::Delivery, delivery().expect("some"))]);
        fails(ran, Kind::MalformedReply, Delivered::Maybe, Retry::AnotherProvider);
    }
}

#[test]
fn a_call_that_is_given_up_at_once_reached_nobody() {
    for state in ["failed", "canceled"] {
        let ran = bench(call_settings()).host().reply(201, call(state)).start(start());
        fails(ran, Kind::UnreachableRecipient, Delivered::No, Retry::Never);
    }
    for state in ["queued", "ringing", "a-state-of-the-future"] {
        let ran = bench(call_settings()).host().reply(201, call(state)).start(start());
        assert_eq!(ran.kept, [(Scope::Delivery, delivery().expect("some"))], "{state}");
        assert!(ran.outcome.is_ok(), "{state}");
    }
}

#[test]
fn after_a_server_error_nobody_knows_whether_it_rings() {
    let html = Reply::new(502, "<html>Bad gateway</html>");
    let ran = bench(call_settings()).host().raw_reply(html).start(start());
    fails(ran, Kind::Unavailable, Delivered::Maybe, Retry::AnotherProvider);
    let coded = json!({"code": 20500, "message": CANARY});
    let ran = bench(call_settings()).host().reply(500, coded).start(start());
    fails(ran, Kind::Unavailable, Delivered::Maybe, Retry::AnotherProvider);
    let truncated = Reply::new(201, "{\"sid\":\"CA");
    let ran = bench(call_settings()).host().raw_reply(truncated).start(start());
    fails(ran, Kind::MalformedReply, Delivered::Maybe, Retry::AnotherProvider);
}

#[test]
fn without_a_reply_the_transport_decides_what_may_have_rung() {
    for (kind, delivered) in [
        (TransportFailureKind::NotSent, Delivered::No),
        (TransportFailureKind::NoAnswer, Delivered::Maybe),
        (TransportFailureKind::Deadline, Delivered::Maybe),
    ] {
        let ran = bench(call_settings()).host().no_reply(kind).start(start());
        fails(ran, Kind::Unavailable, delivered, Retry::AnotherProvider);
    }
}

#[test]
fn retry_after_is_honoured_where_waiting_helps() {
    let limited = |status: u16, body: Value| {
        let mut reply = Reply::from_json(status, &body);
        reply.headers.push(("retry-after".to_owned(), "17".to_owned()));
        bench(call_settings()).host().raw_reply(reply).start(start())
    };
    let wait = Retry::After { seconds: 17 };
    fails(limited(429, json!({"code": 20429})), Kind::RateLimited, Delivered::No, wait);
    fails(limited(429, json!({})), Kind::RateLimited, Delivered::No, wait);
    fails(limited(503, json!({"code": null})), Kind::Unavailable, Delivered::Maybe, wait);
    fails(limited(400, json!({"code": 21216})), Kind::Blocked, Delivered::No, Retry::Never);
}

#[test]
fn without_a_known_code_the_status_decides() {
    for (code, status, kind, retry) in [
        (json!(null), 400, Kind::Misconfigured, Retry::Never),
        (json!(99999), 400, Kind::Misconfigured, Retry::Never),
        (json!("99999"), 422, Kind::Misconfigured, Retry::Never),
        (json!({}), 401, Kind::BadCredentials, Retry::Never),
        (json!(-1), 403, Kind::Misconfigured, Retry::Never),
        (json!("call +49"), 404, Kind::Misconfigured, Retry::Never),
        (json!(99999), 429, Kind::RateLimited, Retry::After { seconds: 5 }),
    ] {
        let body = json!({"code": code, "message": format!("{CANARY} {CODE}")});
        let ran = bench(call_settings()).host().reply(status, body).start(start());
        must_not_tell(&ran.outcome, CANARY);
        fails(ran, kind, Delivered::No, retry);
    }
}

#[test]
fn after_a_redirect_nobody_knows_what_stands_behind_it() {
    for status in [301, 302, 307, 308] {
        let ran = bench(call_settings()).host().reply(status, json!({})).start(start());
        fails(ran, Kind::Misconfigured, Delivered::Maybe, Retry::Never);
    }
}

#[test]
fn every_error_code_has_its_meaning() {
    let never = Retry::Never;
    check_table(
        &TABLE,
        &[
            (Kind::BadCredentials, never, &[20003, 20008]),
            (
                Kind::Misconfigured,
                never,
                &[
                    10001, 10002, 20001, 20005, 20006, 20010, 20403, 20404, 20422, 20423, 20426, 21210, 21212, 21213,
                    21219,
                ],
            ),
            (Kind::RateLimited, Retry::After { seconds: 10 }, &[10004]),
            (Kind::RateLimited, Retry::After { seconds: 5 }, &[20429]),
            (Kind::Unavailable, Retry::AnotherProvider, &[20500, 20503]),
            (Kind::Blocked, never, &[21202, 21203, 21215, 21216]),
            (Kind::InvalidRecipient, never, &[21201, 21211, 21217, 21401, 21421]),
            (Kind::UnreachableRecipient, never, &[21214]),
            (Kind::Expired, never, &[21220]),
        ],
    );
}

#[test]
fn hanging_up_ends_the_call_or_finds_it_over() {
    let run = |code: u16, body: Value| bench(call_settings()).host().reply(code, body).cancel(cancel());
    let ran = run(200, call("completed"));
    let request = &ran.requests[0];
    assert_eq!(request.url, format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Calls/{CA}.json"));
    assert_eq!((request.method.as_str(), request.effect), ("POST", Effect::Idempotent));
    assert_eq!(field(request, "Status"), "completed");
    assert_eq!(ran.outcome, Ok(Canceled::Canceled));
    assert_eq!(run(200, call("in-progress")).outcome, Ok(Canceled::Canceled));
    assert_eq!(run(200, call("canceled")).outcome, Ok(Canceled::Canceled));
    for state in ["busy", "no-answer", "failed"] {
        assert_eq!(run(200, call(state)).outcome, Ok(Canceled::AlreadyOver), "{state}");
    }
    assert_eq!(run(404, json!({"code": 20404})).outcome, Ok(Canceled::AlreadyOver));
    assert_eq!(run(400, json!({"code": 21220})).outcome, Ok(Canceled::AlreadyOver));
    // Whoever that was.
    fails(run(404, json!(null)), Kind::Misconfigured, Delivered::No, Retry::Never);
    fails(run(200, json!({"code": 20404})), Kind::MalformedReply, Delivered::Maybe, LATER);
    let other = with(call("completed"), "sid", json!(CA.replace('0', "f")));
    fails(run(200, other), Kind::MalformedReply, Delivered::Maybe, LATER);
    fails(run(503, json!({})), Kind::Unavailable, Delivered::No, LATER);
    fails(run(401, json!({"code": 20003})), Kind::BadCredentials, Delivered::No, Retry::Never);
}

#[test]
fn a_call_shows_how_it_went_and_never_approves() {
    let run = |code: u16, body: Value| bench(call_settings()).host().reply(code, body).status(status());
    for (state, expected) in [
        ("queued", Status::Pending),
        ("initiated", Status::Pending),
        ("ringing", Status::Pending),
        ("in-progress", Status::Pending),
        ("completed", Status::Pending),
        ("approved", Status::Pending),
        ("busy", Status::Undelivered),
        ("no-answer", Status::Undelivered),
        ("failed", Status::Undelivered),
        ("canceled", Status::Canceled),
    ] {
        let ran = run(200, call(state));
        assert_eq!(ran.outcome, Ok(expected), "{state}");
        assert_eq!((ran.requests[0].method.as_str(), ran.requests[0].effect), ("GET", Effect::Read));
    }
    assert_eq!(run(404, json!({"code": 20404})).outcome, Ok(Status::Expired));
    fails(run(404, json!({})), Kind::Misconfigured, Delivered::No, Retry::Never);
    let elsewhere = with(call("ringing"), "to", json!("+15005550007"));
    fails(run(200, elsewhere), Kind::MalformedReply, Delivered::No, LATER);
    fails(run(500, json!({})), Kind::Unavailable, Delivered::No, LATER);
}

#[test]
fn without_a_call_of_ours_nothing_is_asked() {
    for (delivery, kind) in [
        (None, Kind::Expired),
        (Some(Data::from_json(1, json!({"sid": "CA/../../x"}))), Kind::PluginFault),
        (Some(Data::from_json(1, json!({}))), Kind::PluginFault),
    ] {
        let ran = bench(call_settings()).host().cancel(cancel().delivery(delivery.clone()));
        assert!(ran.requests.is_empty());
        fails(ran, kind, Delivered::No, Retry::Never);
        let ran = bench(call_settings()).host().status(status().delivery(delivery));
        assert!(ran.requests.is_empty());
        fails(ran, kind, Delivered::No, Retry::Never);
    }
}
