//! Faults, one by one: what each does to an answer, and what a transport reports of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use countersign::clock::Clock;
use countersign::secrets::{Secret, Secrets};
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::{Endpoint, Reply, RetryAfter, SecretRef, Timestamp, TransportFailureKind};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::wire::{Disturbance, Reached, Responder, WireAnswer, WireReply, WireRequest};

const NOW: Timestamp = Timestamp::from_secs(1_445_412_420);
const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Answers everything alike, and counts.
struct Always(WireAnswer, AtomicU64);

impl Responder for Always {
    fn respond(&self, _: &WireRequest) -> WireAnswer {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.clone()
    }
}

#[async_trait]
impl Transport for Always {
    async fn send(&self, _: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let WireAnswer::Reply(reply) = &self.0 else { panic!("tests of transports answer") };
        Ok(Reply::new(reply.status, reply.body.to_vec()).with_headers(reply.headers.iter().cloned()))
    }
}

fn always(body: &Value) -> Arc<Always> {
    Arc::new(Always(WireAnswer::Reply(WireReply::json(200, body)), AtomicU64::new(0)))
}

fn verification() -> Value {
    json!({"sid": SID, "to": "+15005550006", "status": "approved", "valid": true})
}

fn chosen(id: &str) -> Chosen {
    Chosen::new(fault(id).expect("is in the catalogue"))
}

fn asked() -> WireRequest {
    WireRequest {
        method: "POST".to_owned(),
        host: None,
        target: "/v2/Services/VA01/VerificationCheck".to_owned(),
        headers: vec![("authorization".to_owned(), "Basic Y2FuYXJ5".to_owned())],
        body: format!("VerificationSid={SID}&Code=135790").into_bytes(),
    }
}

/// What becomes of that answer.
fn answered(id: &str, body: &Value) -> WireAnswer {
    FaultyResponder::new(always(body), chosen(id), When::Always, 1, Arc::new(Standing)).respond(&asked())
}

#[track_caller]
fn replied(id: &str, body: &Value) -> WireReply {
    match answered(id, body) {
        WireAnswer::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn body(id: &str) -> Value {
    serde_json::from_slice(&replied(id, &verification()).body).expect("is JSON")
}

fn header<'a>(reply: &'a WireReply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn every_fault_has_its_own_id_and_parameters_within_their_ranges() {
    let ids: BTreeSet<_> = CATALOG.iter().map(|fault| fault.id).collect();
    assert_eq!(ids.len(), CATALOG.len());
    for fault in CATALOG {
        assert!(fault.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        for Parameter { name, default, least, most, .. } in fault.parameters {
            assert!((least..=most).contains(&default), "{} {name}", fault.id);
            assert!(Chosen::new(fault).with(name, *most).is_ok() && Chosen::new(fault).with(name, most + 1).is_err());
        }
    }
}

#[test]
fn what_a_fault_does_not_have_is_refused_with_what_it_has() {
    let error = chosen("delay").with("second", 1).expect_err("has no such parameter");
    assert_eq!(error.to_string(), "fault `delay` has no parameter `second`; it has seconds");
    let error = chosen("delay").with("seconds", 3601).expect_err("is out of range");
    assert_eq!(error.to_string(), "parameter `seconds` of fault `delay` is 3601; it must be 0 to 3600");
    let error = fault("http-5o3").expect_err("is no fault");
    let told = "there is no fault `http-5o3`; did you mean `http-503`?; `countersign-harness faults` lists them";
    assert_eq!(error.to_string(), told);
    assert_eq!(fault("something else").expect_err("is no fault").nearest, None);
}

#[test]
fn faults_of_the_connection_are_for_the_carrier_and_leave_the_answer_whole() {
    for (id, expected) in [
        ("delay", Disturbance::Late(Duration::from_secs(2))),
        ("time-out", Disturbance::Late(Duration::MAX)),
        ("dribble", Disturbance::Pieces { bytes: 64, pause: Duration::from_millis(20) }),
        ("trickle", Disturbance::Pieces { bytes: 1, pause: Duration::from_secs(1) }),
        ("reset-before-headers", Disturbance::Reset(Reached::Nothing)),
    ] {
        let WireAnswer::Disturbed(reply, how) = answered(id, &verification()) else { panic!("{id}") };
        assert_eq!((reply.status, how), (200, expected), "{id}");
        assert_eq!(serde_json::from_slice::<Value>(&reply.body).expect("JSON"), verification());
    }
    for seed in 0..100 {
        let cut = |id: &str| {
            let layer =
                FaultyResponder::new(always(&verification()), chosen(id), When::Always, seed, Arc::new(Standing));
            match layer.respond(&asked()) {
                WireAnswer::Disturbed(reply, how) => (reply.body.len(), how),
                other => panic!("{id}: {other:?}"),
            }
        };
        let (whole, how) = cut("truncated-body");
        assert!(matches!(how, Disturbance::Truncated(part) if part < whole), "{how:?}");
        let (whole, how) = cut("reset-in-body");
        assert!(matches!(how, Disturbance::Reset(Reached::Body(part)) if part < whole), "{how:?}");
        assert!(matches!(cut("reset-in-headers").1, Disturbance::Reset(Reached::Head(1..=15))));
    }
}

#[test]
fn bodies_are_wrong_in_one_way_each() {
    for seed in 0..50 {
        let layer = FaultyResponder::new(
            always(&verification()),
            chosen("malformed-json"),
            When::Always,
            seed,
            Arc::new(Standing),
        );
        let WireAnswer::Reply(reply) = layer.respond(&asked()) else { panic!("an answer") };
        assert!(Reply::new(200, reply.body.to_vec()).json::<Value>().is_err(), "seed {seed}");
    }
    let deep = replied("deep-json", &verification());
    assert!(deep.body.len() > 20_000 && deep.body.starts_with(b"{") && deep.body.ends_with(b"]]}"));
    assert_eq!(replied("huge-body", &verification()).body.len(), 50_000_000);
    let html = replied("wrong-content-type", &verification());
    assert_eq!(header(&html, "Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(serde_json::from_slice::<Value>(&html.body).expect("JSON"), verification());
    let page = replied("html-page", &verification());
    assert!(page.status == 200 && page.body.starts_with(b"<!doctype html>"));
    let empty = replied("empty-200", &verification());
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let twice = replied("duplicate-keys", &json!({"status": "pending", "x": {}}));
    assert!(twice.body.ends_with(br#","status":"approved"}"#) && twice.body.starts_with(br#"{"status":"pending""#));
    let twice = replied("duplicate-keys", &json!({"x": 1}));
    assert_eq!(&*twice.body, br#"{"x":1,"x":1}"#);
}

#[test]
fn answers_contradict_themselves_or_the_question() {
    let contradictory = body("approved-not-valid");
    assert_eq!((&contradictory["status"], &contradictory["valid"]), (&json!("approved"), &json!(false)));
    let other = body("other-number");
    assert_eq!((&other["to"], &other["sid"]), (&json!("+15005550007"), &json!(SID)));
    let other = body("other-sid");
    assert_eq!(other["to"], "+15005550006");
    let sid = other["sid"].as_str().expect("a SID");
    assert!(sid != SID && sid.len() == SID.len() && sid.starts_with("VE"));
    let authy = replied("approved-not-valid", &json!({"success": "true", "token": "is valid"}));
    let authy: Value = serde_json::from_slice(&authy.body).expect("JSON");
    assert_eq!((&authy["success"], &authy["token"]), (&json!("true"), &json!("is invalid")));
}

#[test]
fn what_cannot_be_wrong_in_a_way_is_left_as_it_is() {
    let plain = json!({"list": [1]});
    for id in ["approved-not-valid", "other-number", "other-sid", "tls-expired"] {
        assert_eq!(serde_json::from_slice::<Value>(&replied(id, &plain).body).expect("JSON"), plain, "{id}");
    }
    let unasked = json!({"sid": "VEbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"});
    assert_eq!(serde_json::from_slice::<Value>(&replied("other-sid", &unasked).body).expect("JSON"), unasked);
    let empty = Arc::new(Always(
        WireAnswer::Reply(WireReply { status: 204, headers: Arc::new([]), body: Arc::new([]) }),
        AtomicU64::new(0),
    ));
    for id in ["malformed-json", "deep-json", "huge-body", "html-page", "empty-200", "truncated-body", "reset-in-body"]
    {
        let layer = FaultyResponder::new(empty.clone(), chosen(id), When::Always, 1, Arc::new(Standing));
        assert_eq!(layer.respond(&asked()), empty.0, "{id}");
    }
}

#[test]
fn refusals_come_without_asking_the_provider_and_quote_the_request() {
    for (id, status) in [
        ("http-401", 401),
        ("http-403", 403),
        ("http-404", 404),
        ("http-429", 429),
        ("http-429-seconds", 429),
        ("http-503", 503),
        ("redirect", 307),
    ] {
        let provider = always(&verification());
        let layer = FaultyResponder::new(provider.clone(), chosen(id), When::Always, 1, Arc::new(Standing));
        let WireAnswer::Reply(reply) = layer.respond(&asked()) else { panic!("{id}") };
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status == status && text.contains("135790") && text.contains("Y2FuYXJ5"), "{id}: {text}");
        assert_eq!(provider.1.load(Ordering::Relaxed), 0, "{id}");
    }
    let provider = always(&verification());
    let layer = FaultyResponder::new(provider.clone(), chosen("http-500"), When::Always, 1, Arc::new(Standing));
    assert!(matches!(layer.respond(&asked()), WireAnswer::Reply(reply) if reply.status == 500));
    assert_eq!(provider.1.load(Ordering::Relaxed), 1, "who breaks down may have done it before");
}

#[test]
fn retry_after_is_told_in_every_way() {
    for (id, expected) in [
        ("http-429", RetryAfter::Absent),
        ("http-429-seconds", RetryAfter::Seconds(7)),
        ("http-429-date", RetryAfter::Seconds(7)),
        ("http-429-absurd", RetryAfter::Seconds(u64::MAX)),
    ] {
        let reply = replied(id, &verification());
        let reply = Reply::new(reply.status, "").with_headers(reply.headers.iter().cloned());
        assert_eq!(reply.retry_after(NOW), expected, "{id}");
    }
    let location = replied("redirect", &verification());
    let elsewhere = "https://elsewhere.invalid/v2/Services/VA01/VerificationCheck";
    assert_eq!(header(&location, "Location"), Some(elsewhere));
}

#[test]
fn a_layer_hits_the_exchanges_that_it_is_to_hit() {
    for (when, expected) in [(When::Always, "1111"), (When::At(2), "0010"), (When::First(2), "1100")] {
        let layer = FaultyResponder::new(always(&verification()), chosen("http-503"), when, 1, Arc::new(Standing));
        let status = |_| match layer.respond(&asked()) {
            WireAnswer::Reply(reply) if reply.status == 503 => '1',
            _ => '0',
        };
        assert_eq!((0..4).map(status).collect::<String>(), expected, "{when:?}");
    }
}

#[test]
fn layers_lie_over_layers() {
    let layer = |inner: Arc<dyn Responder>, id: &str| -> Arc<dyn Responder> {
        Arc::new(FaultyResponder::new(inner, chosen(id), When::Always, 1, Arc::new(Standing)))
    };
    let both = layer(layer(always(&verification()), "delay"), "other-number");
    let WireAnswer::Disturbed(reply, Disturbance::Late(_)) = both.respond(&asked()) else { panic!("late") };
    assert_eq!(serde_json::from_slice::<Value>(&reply.body).expect("JSON")["to"], "+15005550007");
    let twice = layer(layer(always(&verification()), "delay"), "time-out");
    let answer = twice.respond(&asked());
    assert!(matches!(answer, WireAnswer::Disturbed(_, Disturbance::Late(by)) if by.as_secs() == 2), "{answer:?}");
}

/// What comes of an exchange through a layer over a transport, and how long it took.
fn sent(chosen: Chosen, seconds: u64) -> (Result<Reply, TransportFailure>, Duration) {
    let waited = Arc::new(Mutex::new(Duration::ZERO));
    let pace = {
        let waited = Arc::clone(&waited);
        Pace::Virtual(Arc::new(move |time| *waited.lock().expect("no panic") += time))
    };
    let provider = always(&verification());
    let layer = FaultyTransport::new(provider, chosen, When::Always, 1, Arc::new(Standing), pace);
    let secrets: Secrets = [("auth_token".to_owned(), Secret::new("canary-token"))].into_iter().collect();
    let token = SecretRef::named("auth_token");
    let request =
        Request::post(Endpoint::new("https://api.example").path(["check"])).bearer(&token).form([("Key", &token)]);
    let url = Url::parse(&request.url).expect("an address");
    let time_left = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left };
    let came = runtime.block_on(layer.send(outgoing));
    let waited = *waited.lock().expect("no panic");
    (came, waited)
}

#[track_caller]
fn reported(id: &str, kind: TransportFailureKind, detail: &str, waited: u64) {
    let (came, took) = sent(chosen(id), 10);
    let failure = came.expect_err("fails");
    assert_eq!((failure.kind, took), (kind, Duration::from_secs(waited)), "{id}");
    assert!(failure.detail.contains(detail) && !failure.detail.contains("canary"), "{id}: {}", failure.detail);
}

#[test]
fn a_transport_reports_what_a_live_one_would() {
    use TransportFailureKind::{NoAnswer, NotSent, TooLarge};
    reported("time-out", NoAnswer, "no complete answer within 10 s", 10);
    reported("trickle", NoAnswer, "no complete answer within 10 s", 10);
    reported("reset-before-headers", NoAnswer, "connection reset", 0);
    reported("reset-in-headers", NoAnswer, "connection reset", 0);
    reported("reset-in-body", NoAnswer, "connection reset", 0);
    reported("truncated-body", NoAnswer, "end of file before message length reached", 0);
    reported("huge-body", TooLarge, "is larger than 1048576 bytes", 0);
    reported("tls-expired", NotSent, "the certificate of `api.example` expired", 0);
    reported("tls-wrong-name", NotSent, "the certificate of `api.example` is not valid for this name", 0);
    reported("tls-self-signed", NotSent, "the certificate of `api.example` comes from an unknown issuer", 0);
}

#[test]
fn a_layer_never_tells_a_plugin_its_secrets() {
    for id in ["http-401", "http-500", "html-page"] {
        let body = sent(chosen(id), 10).0.expect("is answered").body;
        let text = String::from_utf8_lossy(body.as_slice()).into_owned();
        assert!(text.contains("/check") && text.contains("[auth_token]") && !text.contains("canary"), "{id}: {text}");
    }
}

#[test]
fn what_is_late_but_in_time_comes_and_what_is_not_in_time_does_not() {
    let (came, took) = sent(chosen("delay"), 10);
    assert_eq!((came.expect("comes").status, took), (200, Duration::from_secs(2)));
    let (came, took) = sent(chosen("delay"), 2);
    assert_eq!((came.expect_err("is late").kind, took), (TransportFailureKind::NoAnswer, Duration::from_secs(2)));
    let (came, took) = sent(chosen("dribble"), 10);
    assert!(came.is_ok() && took > Duration::from_millis(40) && took < Duration::from_secs(1), "{took:?}");
    let slow = chosen("dribble").with("pause_ms", 3_600_000).expect("is in range");
    assert!(sent(slow, 10).0.is_err());
}

#[test]
fn the_same_seed_draws_the_same_and_faults_and_exchanges_draw_by_themselves() {
    let draws = |seed, fault, exchange| {
        let mut lot = lot::Lot::new(seed, fault, exchange);
        [0; 8].map(|_| lot.below(1000))
    };
    assert_eq!(draws(1, "delay", 0), draws(1, "delay", 0));
    let all = [draws(1, "delay", 0), draws(2, "delay", 0), draws(1, "delay", 1), draws(1, "dribble", 0)];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4);
    assert_eq!(lot::Lot::new(1, "delay", 0).below(0), 0);
}

#[test]
fn nothing_of_a_request_is_shown() {
    let heard = heard::Heard::wire(&asked());
    assert!(heard.quoted().contains("135790"));
    let shown = format!("{heard:?} {:?}", chosen("delay"));
    assert!(!shown.contains("135790") && !shown.contains(SID), "{shown}");
}

#[test]
fn an_id_that_nobody_mistypes_is_compared_with_none() {
    assert_eq!(fault("time-oot").expect_err("no such fault").nearest, Some("time-out"));
    let endless = fault(&"delay".repeat(200_000)).expect_err("no such fault");
    assert_eq!((endless.nearest, endless.id.len()), (None, 64));
}
