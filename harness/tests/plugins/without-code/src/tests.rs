//! Every answer of the made-up service, and what must not be taken for one.

use countersign_plugin::testing::{self, Bench};
use countersign_plugin::{
    AskStatus, CancelChallenge, Canceled, Data, Delivered, FailureKind, Retry, Started, Status, TransportFailureKind,
};
use serde_json::{Value, json};

use super::WithoutCode;

fn bench() -> Bench<WithoutCode> {
    Bench::open(json!({})).manifest(include_bytes!("../manifest.json"))
}

fn delivery() -> Option<Data> {
    Some(Data::from_json(1, json!({"request": "r1"})))
}

fn status() -> AskStatus {
    AskStatus::new("approval").delivery(delivery())
}

fn cancel() -> CancelChallenge {
    CancelChallenge::new("approval").delivery(delivery())
}

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<WithoutCode>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

#[test]
fn a_start_remembers_the_request() {
    let ran = bench().host().reply(201, json!({"request": "r1"})).start(testing::start("approval"));
    assert_eq!(ran.outcome, Ok(Started::new().delivery(delivery())));
    assert_eq!((ran.requests[0].method.as_str(), &*ran.requests[0].url), ("POST", "https://approve.example/requests"));
}

#[test]
fn a_start_that_is_not_answered_with_a_request_fails() {
    #[track_caller]
    fn check(http: u16, body: Value, kind: FailureKind, delivered: Delivered) {
        let failure = bench().host().reply(http, body).start(testing::start("approval")).outcome.unwrap_err();
        assert_eq!((failure.kind, failure.delivered), (kind, delivered), "{failure}");
    }
    for bad in [json!({}), json!({"request": ""}), json!({"request": "../x"}), json!({"request": 7}), json!([])] {
        check(200, bad, FailureKind::MalformedReply, Delivered::Maybe);
    }
    let good = || json!({"request": "r1"});
    check(302, good(), FailureKind::MalformedReply, Delivered::Maybe);
    check(403, good(), FailureKind::Misconfigured, Delivered::No);
    check(404, good(), FailureKind::Misconfigured, Delivered::No);
    check(408, good(), FailureKind::Unavailable, Delivered::Maybe);
    check(429, good(), FailureKind::RateLimited, Delivered::No);
    check(503, good(), FailureKind::Unavailable, Delivered::Maybe);
    let failure = bench().host().reply(429, good()).start(testing::start("approval")).outcome.unwrap_err();
    assert_eq!(failure.retry, Retry::After { seconds: 5 });
}

#[test]
fn only_a_successful_answer_about_this_request_approves() {
    #[track_caller]
    fn check(http: u16, body: Value, expected: Result<Status, FailureKind>) {
        let ran = bench().host().reply(http, body.clone()).status(status());
        assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected, "HTTP {http} {body}");
        assert_eq!(
            (ran.requests[0].method.as_str(), &*ran.requests[0].url),
            ("GET", "https://approve.example/requests/r1")
        );
    }
    let told = |state: &str| json!({"request": "r1", "state": state});
    check(200, told("approved"), Ok(Status::Approved));
    check(200, told("denied"), Ok(Status::Denied));
    check(200, told("expired"), Ok(Status::Expired));
    for state in ["pending", "Approved", "approved ", ""] {
        check(200, told(state), Ok(Status::Pending));
    }
    check(404, told("approved"), Ok(Status::Expired));
    let malformed = || Err(FailureKind::MalformedReply);
    check(200, json!({"request": "r2", "state": "approved"}), malformed());
    check(200, json!({"state": "approved"}), malformed());
    check(200, json!({"request": "r1"}), malformed());
    check(302, told("approved"), malformed());
    check(401, told("approved"), Err(FailureKind::Misconfigured));
    check(429, told("approved"), Err(FailureKind::RateLimited));
    check(500, told("approved"), Err(FailureKind::Unavailable));
}

#[test]
fn a_request_is_dead_only_if_the_service_says_so() {
    #[track_caller]
    fn check(http: u16, expected: Result<Canceled, FailureKind>) {
        let ran = bench().host().reply(http, json!({})).cancel(cancel());
        assert_eq!(ran.outcome.map_err(|failure| failure.kind), expected, "HTTP {http}");
        assert_eq!(
            (ran.requests[0].method.as_str(), &*ran.requests[0].url),
            ("DELETE", "https://approve.example/requests/r1")
        );
    }
    check(200, Ok(Canceled::Canceled));
    check(204, Ok(Canceled::Canceled));
    check(404, Ok(Canceled::AlreadyOver));
    check(302, Err(FailureKind::MalformedReply));
    check(403, Err(FailureKind::Misconfigured));
    check(429, Err(FailureKind::RateLimited));
    check(503, Err(FailureKind::Unavailable));
    let ran = bench().host().no_reply(TransportFailureKind::NoAnswer).cancel(cancel());
    assert_eq!(ran.outcome.unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn without_a_request_of_ours_nobody_is_asked() {
    for delivery in [None, Some(Data::from_json(1, json!({"id": "r1"})))] {
        let ran = bench().host().status(status().delivery(delivery.clone()));
        assert!(ran.outcome.is_err() && ran.requests.is_empty());
        let ran = bench().host().cancel(cancel().delivery(delivery));
        assert!(ran.outcome.is_err() && ran.requests.is_empty());
    }
}
