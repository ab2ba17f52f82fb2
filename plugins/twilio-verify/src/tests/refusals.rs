//! Each error code that these operations can meet, against an own list of what it means.

use countersign_plugin::FailureKind::*;
use countersign_plugin::{Bytes, Checked, Delivered, Failure, FailureKind, Reply, Retry, testing};
use serde_json::{Value, json};

use super::*;

const NEVER: Retry = Retry::Never;
const ELSEWHERE: Retry = Retry::AnotherProvider;

const fn after(seconds: u64) -> Retry {
    Retry::After { seconds }
}

fn start(reply: Reply) -> Failure {
    bench().host().raw_reply(reply).start(testing::start("sms")).outcome.unwrap_err()
}

fn check(reply: Reply) -> Failure {
    bench().host().raw_reply(reply).check(check_input(CODE)).outcome.unwrap_err()
}

#[test]
fn a_refused_start_says_what_is_wrong_and_whether_to_try_again() {
    let table: &[(u16, u32, FailureKind, Retry)] = &[
        (400, 10001, Misconfigured, NEVER),
        (400, 10002, Misconfigured, NEVER),
        (429, 10004, RateLimited, after(10)),
        (400, 20001, Misconfigured, NEVER),
        (401, 20003, BadCredentials, NEVER),
        (403, 20005, Misconfigured, NEVER),
        (403, 20006, Misconfigured, NEVER),
        (403, 20008, BadCredentials, NEVER),
        (400, 20010, Misconfigured, NEVER),
        (403, 20403, Misconfigured, NEVER),
        (404, 20404, Misconfigured, NEVER),
        (422, 20422, Misconfigured, NEVER),
        (400, 20423, Misconfigured, NEVER),
        (426, 20426, Misconfigured, NEVER),
        (429, 20429, RateLimited, after(5)),
        (400, 60200, InvalidRecipient, NEVER),
        (400, 60201, Misconfigured, NEVER),
        (429, 60202, TooManyAttempts, after(600)),
        (429, 60203, TooManyAttempts, after(600)),
        (403, 60204, Misconfigured, NEVER),
        (403, 60205, UnreachableRecipient, NEVER),
        (400, 60206, Misconfigured, NEVER),
        (429, 60212, RateLimited, after(5)),
        (400, 60214, Misconfigured, NEVER),
        (400, 60220, Misconfigured, NEVER),
        (400, 60221, Misconfigured, NEVER),
        (400, 60223, Misconfigured, NEVER),
        (400, 60224, Misconfigured, NEVER),
        (400, 60226, Misconfigured, NEVER),
        (400, 60227, Misconfigured, NEVER),
        (400, 60228, Misconfigured, NEVER),
        (400, 60229, Misconfigured, NEVER),
        (403, 60238, Blocked, NEVER),
        (400, 60329, Misconfigured, NEVER),
        (400, 60331, Unsupported, NEVER),
        (400, 60408, Misconfigured, NEVER),
        (403, 60410, Blocked, NEVER),
        (403, 60413, Blocked, NEVER),
        (400, 60441, Unsupported, NEVER),
        (400, 60550, UnreachableRecipient, NEVER),
        (400, 60602, Misconfigured, NEVER),
        (401, 60603, Misconfigured, NEVER),
        (401, 60604, Misconfigured, NEVER),
        (403, 60605, Blocked, NEVER),
        (400, 60606, Misconfigured, NEVER),
        (429, 60616, RateLimited, after(60)),
        (400, 60699, Misconfigured, NEVER),
        (400, 21202, Blocked, NEVER),
        (400, 21203, Blocked, NEVER),
        (400, 21211, InvalidRecipient, NEVER),
        (400, 21214, UnreachableRecipient, NEVER),
        (400, 21215, Blocked, NEVER),
        (400, 21216, Blocked, NEVER),
        (400, 21217, InvalidRecipient, NEVER),
        (400, 21219, Misconfigured, NEVER),
        (400, 21401, InvalidRecipient, NEVER),
        (400, 21408, Blocked, NEVER),
        (400, 21421, InvalidRecipient, NEVER),
        (400, 21607, Misconfigured, NEVER),
        (400, 21608, Misconfigured, NEVER),
        (400, 21610, UnreachableRecipient, NEVER),
        (400, 21611, RateLimited, after(60)),
        (400, 21612, UnreachableRecipient, NEVER),
        (400, 21614, UnreachableRecipient, NEVER),
        (400, 21635, UnreachableRecipient, NEVER),
    ];
    for &(status, code, kind, retry) in table {
        let failure = start(Reply::from_json(status, &error(code, status)));
        assert_eq!((failure.kind, failure.retry), (kind, retry), "{code}");
        assert_eq!(failure.delivered, Delivered::No, "{code}");
        assert_eq!(failure.provider_code, Some(code.to_string()));
        assert!(!failure.operator.contains("without an error code"), "{code} has no row");
    }
    for code in [20500, 20503] {
        let failure = start(Reply::from_json(503, &error(code, 503)));
        assert_eq!((failure.kind, failure.retry), (Unavailable, ELSEWHERE), "{code}");
        assert_eq!(failure.delivered, Delivered::Maybe, "{code}");
    }
}

#[test]
fn without_a_known_code_the_status_decides() {
    #[track_caller]
    fn says(status: u16, body: Value, kind: FailureKind, retry: Retry, delivered: Delivered) {
        let failure = start(Reply::from_json(status, &body));
        assert_eq!((failure.kind, failure.retry, failure.delivered), (kind, retry, delivered), "HTTP {status}");
    }
    for body in [json!({}), json!({"code": null}), json!({"code": 60999}), json!("no"), json!({"code": [60203]})] {
        says(400, body.clone(), Misconfigured, NEVER, Delivered::No);
        says(401, body.clone(), BadCredentials, NEVER, Delivered::No);
        says(403, body.clone(), Misconfigured, NEVER, Delivered::No);
        says(404, body.clone(), Misconfigured, NEVER, Delivered::No);
        says(408, body.clone(), Unavailable, ELSEWHERE, Delivered::Maybe);
        says(409, body.clone(), Unavailable, after(5), Delivered::No);
        says(418, body.clone(), Misconfigured, NEVER, Delivered::No);
        says(429, body.clone(), RateLimited, after(5), Delivered::No);
        says(500, body.clone(), Unavailable, ELSEWHERE, Delivered::Maybe);
        says(502, body.clone(), Unavailable, ELSEWHERE, Delivered::Maybe);
        says(302, body.clone(), MalformedReply, ELSEWHERE, Delivered::Maybe);
    }
}

#[test]
fn gateways_that_answer_in_html_are_understood_by_status() {
    for status in [502, 503, 504] {
        let body = Bytes::from(b"<html>Bad Gateway</html>".as_slice());
        let failure = start(Reply::new(status, body).with_header("Content-Type", "text/html"));
        assert_eq!((failure.kind, failure.delivered), (Unavailable, Delivered::Maybe));
        assert_eq!(failure.provider_code, None);
    }
}

#[test]
fn the_code_is_read_from_every_body_that_twilio_uses() {
    let problem = json!({"type": "about:blank", "title": "Too many", "status": 429, "code": 60203, "detail": "…",
        "errors": [{"detail": "…", "pointer": "/To"}]});
    for body in [json!({"code": 60203}), json!({"code": "60203"}), json!({"code": 60203, "message": null}), problem] {
        let failure = start(Reply::from_json(429, &body));
        assert_eq!((failure.kind, failure.provider_code.as_deref()), (TooManyAttempts, Some("60203")), "{body}");
    }
}

#[test]
fn an_echoed_number_is_not_taken_for_a_code() {
    for code in [
        json!(481_516),
        json!("4085550006"),
        json!(15_005_550_006_u64),
        json!("+15005550006"),
        json!(-60203),
        json!(60203.5),
        json!("60203 "),
    ] {
        assert_eq!(start(Reply::from_json(429, &json!({"code": code}))).provider_code, None, "{code}");
    }
}

#[test]
fn a_stated_wait_is_honoured_within_reason() {
    #[track_caller]
    fn waits(status: u16, code: u32, stated: &str, expected: Retry) {
        let mut reply = Reply::from_json(status, &error(code, status));
        reply.headers.push(("Retry-After".to_owned(), stated.to_owned()));
        assert_eq!(start(reply).retry, expected);
    }
    waits(429, 20429, "17", after(17));
    waits(429, 60203, "240", after(240));
    waits(429, 60203, "0", after(1));
    waits(429, 60203, "99999999999", after(86_400));
    waits(429, 20429, "soon", after(5));
    waits(429, 20429, "Thu, 01 Jan 2026 00:00:30 GMT", after(30));
    waits(503, 20503, "30", after(30));
    // Waiting does not lift a block.
    waits(403, 60410, "17", NEVER);
}

#[test]
fn a_landline_is_offered_a_call() {
    let failure = start(Reply::from_json(403, &error(60205, 403)));
    assert!(failure.person.contains("call"), "{}", failure.person);
}

#[test]
fn a_refused_check_is_never_blamed_on_the_person_unless_the_code_is() {
    #[track_caller]
    fn says(status: u16, body: Value, kind: FailureKind, retry: Retry) {
        let failure = check(Reply::from_json(status, &body));
        assert_eq!((failure.kind, failure.retry), (kind, retry), "{body}");
    }
    says(404, error(20404, 404), Expired, NEVER);
    says(404, json!({}), MalformedReply, after(5));
    says(404, error(60999, 404), MalformedReply, after(5));
    says(429, error(60202, 429), TooManyAttempts, after(600));
    says(429, error(20429, 429), RateLimited, after(5));
    says(401, error(20003, 401), BadCredentials, NEVER);
    says(500, error(20500, 500), Unavailable, NEVER);
    says(502, json!({}), Unavailable, NEVER);
    says(302, json!({}), MalformedReply, NEVER);
    let ran = bench().host().reply(400, error(60200, 400)).check(check_input(CODE));
    assert_eq!(ran.outcome, Ok(Checked::WrongCode));
}

#[test]
fn a_404_without_twilios_code_is_blamed_on_the_way_there() {
    let reply = || Reply::new(404, b"<html>".as_slice());
    let cancel = bench().host().raw_reply(reply()).cancel(cancel_input()).outcome.unwrap_err();
    let status = bench().host().raw_reply(reply()).status(status_input()).outcome.unwrap_err();
    for failure in [start(reply()), check(reply()), cancel, status] {
        assert!(failure.operator.contains("`base_url`") && failure.operator.contains("proxy"), "{failure}");
        // Whoever it was refused the request.
        assert_eq!(failure.delivered, Delivered::No);
    }
}

#[test]
fn a_check_that_met_an_error_may_have_used_the_code_up() {
    let mut reply = Reply::from_json(503, &error(20503, 503));
    reply.headers.push(("Retry-After".to_owned(), "30".to_owned()));
    let failure = check(reply);
    assert_eq!((failure.retry, failure.delivered), (NEVER, Delivered::Maybe));
    assert!(failure.person.contains("new one"), "{}", failure.person);
}

#[test]
fn a_bad_parameter_elsewhere_is_not_the_recipient() {
    let ran = bench().host().reply(400, error(60200, 400)).cancel(cancel_input());
    assert_eq!(ran.outcome.unwrap_err().kind, Misconfigured);
    let ran = bench().host().reply(400, error(60200, 400)).status(status_input());
    assert_eq!(ran.outcome.unwrap_err().kind, Misconfigured);
}

#[test]
fn asking_delivers_nothing_and_another_provider_does_not_know() {
    let status = bench().host().reply(503, json!({})).status(status_input()).outcome.unwrap_err();
    assert_eq!((status.delivered, status.retry), (Delivered::No, after(5)));
    let cancel = bench().host().reply(503, json!({})).cancel(cancel_input()).outcome.unwrap_err();
    assert_eq!((cancel.delivered, cancel.retry), (Delivered::Maybe, after(5)));
}

#[test]
fn a_refusal_leaves_a_line_by_which_twilio_finds_it() {
    let id = "RQ0123456789abcdef0123456789abcdef";
    for (given, expected) in [(id, id), ("RQ\nforged", "without id")] {
        let mut reply = Reply::from_json(403, &error(60410, 403));
        reply.headers.push(("Twilio-Request-Id".to_owned(), given.to_owned()));
        let ran = bench().host().raw_reply(reply).start(testing::start("sms"));
        let [line] = ran.logs.as_slice() else { panic!("one line") };
        assert_eq!(line.text, format!("start: Twilio answered HTTP 403 with code 60410 (request {expected})"));
    }
}
