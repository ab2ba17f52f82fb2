//! Asking whether the person has approved without a code.

use countersign_plugin::{Failure, FailureKind, OperationName, Status};

use super::*;
use crate::enrollment::{Actor, BeginFactor};

#[test]
fn a_status_of_the_provider_approves_nothing_that_has_a_code() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let polled = rig.engine.poll(&started.challenge).await;
        assert!(matches!(polled, Err(CheckError::HasCode { service }) if service == "sms"));
        assert_eq!(rig.world.times("verify", OperationName::Status), 0);
    });
}

#[test]
fn an_approval_without_code_is_polled() {
    run(async {
        let rig = Rig::new();
        let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
        let started = rig.engine.begin_other(enroll).await.unwrap();
        assert_eq!((started.code_digits, &started.recipient), (None, &None));
        assert_eq!(rig.engine.poll_enrollment(&started.challenge).await.unwrap(), Progress::Waiting);
        assert!(matches!(rig.engine.poll(&started.challenge).await, Err(CheckError::UnknownChallenge)));
        rig.world.decide(Status::Approved);
        let Progress::Over(verdict) = rig.engine.poll_enrollment(&started.challenge).await.unwrap() else {
            panic!("still waiting")
        };
        approved(&verdict);
        let ends = [
            (Status::Approved, passed("ada", "push", "push")),
            (Status::Denied, Verdict::Denied),
            (Status::Expired, Verdict::Expired),
            (Status::Canceled, Verdict::Expired),
        ];
        for (status, expected) in ends {
            rig.clock.advance(600);
            let started = rig.start("ada", "push").await.unwrap();
            assert!(matches!(
                rig.engine.check(&started.challenge, "123456").await,
                Err(CheckError::HasNoCode { service }) if service == "push"
            ));
            rig.world.decide(status);
            assert_eq!(rig.engine.poll(&started.challenge).await.unwrap(), Progress::Over(expected));
            rig.world.decide(Status::Approved);
            let after = rig.engine.poll(&started.challenge).await.unwrap();
            assert_eq!(after, Progress::Over(Verdict::Expired), "what is decided stays so");
        }
        rig.clock.advance(600);
        let started = rig.start("ada", "push").await.unwrap();
        rig.world.decide(Status::Undelivered);
        let Progress::Over(Verdict::Unavailable { failure, .. }) = rig.engine.poll(&started.challenge).await.unwrap()
        else {
            panic!("delivered")
        };
        assert_eq!(failure.kind, FailureKind::UnreachableRecipient);
    });
}

#[test]
fn a_request_that_the_provider_forgot_is_over_and_one_that_it_cannot_tell_of_is_not() {
    run(async {
        let rig = Rig::new();
        let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
        let started = rig.engine.begin_other(enroll).await.unwrap();
        rig.world.decide(Status::Approved);
        rig.world.next(Weather::Refused(Failure::new(FailureKind::Unavailable, "down")));
        let polled = rig.engine.poll_enrollment(&started.challenge).await.unwrap();
        assert!(matches!(polled, Progress::Over(Verdict::Unavailable { .. })), "{polled:?}");
        let polled = rig.engine.poll_enrollment(&started.challenge).await.unwrap();
        assert!(matches!(polled, Progress::Over(Verdict::Approved { .. })), "{polled:?}");

        rig.clock.advance(30);
        let started = rig.start("ada", "push").await.unwrap();
        rig.world.decide(Status::Approved);
        rig.world.next(Weather::Refused(Failure::new(FailureKind::Expired, "unknown")));
        for _ in 0..2 {
            let polled = rig.engine.poll(&started.challenge).await.unwrap();
            assert_eq!(polled, Progress::Over(Verdict::Expired));
        }
        assert_eq!(rig.world.times("push", OperationName::Status), 3, "what is over is not asked for");
    });
}

#[test]
fn word_about_a_request_that_was_repeated_meanwhile_ends_nothing() {
    run(async {
        for status in [Status::Denied, Status::Expired, Status::Canceled, Status::Undelivered, Status::Approved] {
            let rig = Rig::new();
            let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
            let started = rig.engine.begin_other(enroll).await.unwrap();
            rig.world.decide(status);
            let said = std::sync::Arc::new(tokio::sync::Notify::new());
            rig.world.next(Weather::Until(std::sync::Arc::clone(&said)));
            let again = async {
                while rig.world.times("push", OperationName::Status) == 0 {
                    tokio::task::yield_now().await;
                }
                rig.clock.advance(30);
                let again = rig.resend(&started.challenge, None).await.unwrap();
                said.notify_one();
                again
            };
            let (polled, again) = tokio::join!(rig.engine.poll_enrollment(&started.challenge), again);
            assert_eq!(polled.unwrap(), Progress::Waiting, "{status:?}");
            rig.world.decide(Status::Approved);
            let polled = rig.engine.poll_enrollment(&again.challenge).await.unwrap();
            assert!(matches!(polled, Progress::Over(Verdict::Approved { .. })), "{status:?}: {polled:?}");
        }
    });
}

#[test]
fn word_about_a_request_that_is_over_meanwhile_is_the_last_one() {
    run(async {
        for (status, expected) in [
            (Status::Denied, Verdict::Denied),
            (Status::Expired, Verdict::Expired),
            (Status::Canceled, Verdict::Expired),
            (Status::Approved, Verdict::Expired),
        ] {
            for repeated in [false, true] {
                let rig = Rig::new();
                let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
                let started = rig.engine.begin_other(enroll).await.unwrap();
                rig.world.decide(Status::Approved);
                let _active = rig.engine.poll_enrollment(&started.challenge).await.unwrap();
                rig.clock.advance(30);
                let started = rig.start("ada", "push").await.unwrap();
                rig.world.decide(status);
                let said = std::sync::Arc::new(tokio::sync::Notify::new());
                rig.world.next(Weather::Until(std::sync::Arc::clone(&said)));
                let meanwhile = async {
                    while rig.world.times("push", OperationName::Status) == 1 {
                        tokio::task::yield_now().await;
                    }
                    if repeated {
                        rig.clock.advance(30);
                        let _again = rig.resend(&started.challenge, None).await.unwrap();
                    }
                    let _canceled = rig.engine.cancel(&started.challenge).await.unwrap();
                    said.notify_one();
                };
                let (polled, ()) = tokio::join!(rig.engine.poll(&started.challenge), meanwhile);
                assert_eq!(polled.unwrap(), Progress::Over(expected.clone()), "{status:?} {repeated}");
            }
        }
    });
}

#[test]
fn a_polled_request_ends_with_its_time() {
    run(async {
        for (wait, over) in [(599_999, false), (600_000, true)] {
            let rig = Rig::new();
            let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
            let started = rig.engine.begin_other(enroll).await.unwrap();
            rig.clock.advance_millis(wait);
            let progress = rig.engine.poll_enrollment(&started.challenge).await.unwrap();
            assert_eq!(progress == Progress::Over(Verdict::Expired), over);
        }
    });
}
