//! Counting attempts, and locks.

use countersign_plugin::{Failure, FailureKind, OperationName, Status};

use super::*;
use crate::audit::{AuditEvent, AuditKind};
use crate::bootstrap::Limits;
use crate::enrollment::{Actor, BeginFactor};
use crate::rig::Fault;

impl Rig {
    async fn last_event(&self) -> AuditEvent {
        crate::store::Store::audit(&*self.store, 0, 1000).await.unwrap().pop().unwrap().event
    }
}

#[test]
fn what_cannot_be_a_code_counts_and_reaches_no_plugin() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let before = rig.world.times("verify", OperationName::Check);
        let started = rig.start("ada", "sms").await.unwrap();
        for (typed, left) in [("12345", 4), ("１２３４５６", 3), ("123-456", 2), ("12345\x006", 1)] {
            assert_eq!(rig.check(&started.challenge, typed).await, wrong(left));
        }
        assert_eq!(rig.check(&started.challenge, &"1".repeat(100_000)).await, wrong(0));
        assert_eq!(rig.world.times("verify", OperationName::Check), before);
        assert_eq!(rig.failures("ada").await, 5);
    });
}

#[test]
fn nothing_typed_is_no_attempt() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        for typed in ["", " \n", "\u{200b}"] {
            assert!(matches!(rig.engine.check(&started.challenge, typed).await, Err(CheckError::Empty)));
        }
        assert_eq!(rig.failures("ada").await, 0);
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(4));
    });
}

#[test]
fn attempts_end_and_the_right_code_comes_too_late() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        assert_eq!(rig.guess(&started.challenge, 4).await, wrong(1));
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(0));
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
        rig.clock.advance(30);
        assert_eq!(not_sent(rig.resend(&started.challenge, None).await), NotSent::Over);
    });
}

#[test]
fn what_was_not_judged_or_came_too_late_is_audited() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let _app = rig.with_app_approved("ada").await;
        let started = rig.start("ada", "sms").await.unwrap();
        let failure = Failure::new(FailureKind::RateLimited, "x").code("20429");
        rig.world.next(Weather::Refused(failure.clone()));
        assert!(matches!(rig.check(&started.challenge, "123456").await, Verdict::Unavailable { .. }));
        let event = rig.last_event().await;
        assert_eq!((event.kind, event.challenge.as_ref()), (AuditKind::NotJudged, Some(&started.challenge)));
        assert_eq!((&event.facts["failure"], &event.facts["provider_code"]), (&"rate_limited".into(), &"20429".into()));
        assert_eq!((&event.facts["service"], &event.facts["channel"]), (&"sms".into(), &"sms".into()));
        rig.world.next(Weather::Slow(600));
        let code = rig.world.last_code(NUMBER);
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
        assert_eq!(rig.last_event().await.kind, AuditKind::ApprovalTooLate);
        rig.clock.advance(30);
        rig.world.next(Weather::Refused(failure));
        assert!(matches!(not_sent(rig.start("ada", "call").await), NotSent::Failed { .. }));
        let events = crate::store::Store::audit(&*rig.store, 0, 1000).await.unwrap();
        let failed = events.iter().rfind(|event| event.event.kind == AuditKind::DeliveryFailed).unwrap();
        assert_eq!(failed.event.facts["provider_code"], "20429");
    });
}

#[test]
fn the_last_attempt_ends_the_challenge_whatever_came_of_it() {
    run(async {
        for weather in [
            Weather::LostRequest,
            Weather::Refused(Failure::new(FailureKind::Expired, "unknown")),
            Weather::Refused(Failure::new(FailureKind::Unavailable, "down")),
            Weather::Refused(Failure::new(FailureKind::TooManyAttempts, "five")),
            Weather::NotSent,
        ] {
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            let started = rig.start("ada", "sms").await.unwrap();
            assert_eq!(rig.guess(&started.challenge, 4).await, wrong(1));
            let given_back = matches!(weather, Weather::NotSent);
            rig.world.weather(weather.clone());
            let verdict = rig.check(&started.challenge, "123456").await;
            assert!(matches!(verdict, Verdict::Unavailable { .. } | Verdict::Expired), "{verdict:?}");
            rig.world.clear();
            rig.clock.advance(30);
            let again = rig.resend(&started.challenge, Some("call")).await;
            assert_eq!(again.is_ok(), given_back, "{weather:?}: {again:?}");
            let sent = usize::from(given_back);
            assert_eq!(rig.world.times("caller", OperationName::Start), sent, "{weather:?}");
        }
    });
}

#[test]
fn a_replayed_last_attempt_ends_the_challenge_too() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        rig.clock.advance(30);
        let first = rig.start("ada", "totp").await.unwrap();
        let code = rig.world.app_code(&app.setup);
        approved(&rig.check(&first.challenge, &code).await);
        let second = rig.start("ada", "totp").await.unwrap();
        assert_eq!(rig.guess(&second.challenge, 4).await, wrong(1));
        assert_eq!(rig.check(&second.challenge, &code).await, Verdict::Replayed);
        let open = crate::store::Store::challenge(&*rig.store, &second.challenge).await.unwrap().unwrap();
        assert_eq!(open.state, crate::store::ChallengeState::Denied);
    });
}

#[test]
fn nothing_is_sent_where_no_attempts_are_left() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 4).await, wrong(1));
        // We die between the last attempt and the end of the challenge.
        rig.store.fail("close_challenge");
        assert!(matches!(rig.engine.check(&started.challenge, WRONG).await, Err(CheckError::Store(_))));
        rig.store.calm();
        rig.clock.advance(30);
        let before = rig.world.times("caller", OperationName::Start);
        assert_eq!(not_sent(rig.resend(&started.challenge, None).await), NotSent::Over);
        assert_eq!(rig.world.times("caller", OperationName::Start), before);
    });
}

#[test]
fn the_last_attempt_may_be_right() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 4).await, wrong(1));
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
        assert_eq!(rig.failures("ada").await, 0);
    });
}

#[test]
fn guesses_count_per_user_over_all_channels_and_lock_them_all() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        rig.clock.advance(30);
        let sms = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.guess(&sms.challenge, 4).await, wrong(1));
        rig.clock.advance(30);
        let call = rig.start("ada", "call").await.unwrap();
        let spoken = rig.world.last_code(NUMBER);
        assert_eq!(rig.guess(&call.challenge, 4).await, wrong(1));
        let totp = rig.start("ada", "totp").await.unwrap();
        assert_eq!(rig.guess(&totp.challenge, 1).await, wrong(4));
        assert_eq!(rig.failures("ada").await, 9);
        let until = rig.after(900);
        assert_eq!(rig.guess(&totp.challenge, 1).await, Verdict::Locked { until });
        // Right codes, everywhere, and until the very end.
        rig.clock.advance_millis(900_000 - 1);
        assert_eq!(rig.check(&call.challenge, &spoken).await, Verdict::Expired, "the code itself has ended");
        assert_eq!(not_sent(rig.start("ada", "totp").await), NotSent::GuessLocked { until });
        assert_eq!(not_sent(rig.start("ada", "sms").await), NotSent::GuessLocked { until });
        rig.clock.advance_millis(1);
        let totp = rig.start("ada", "totp").await.unwrap();
        approved(&rig.check(&totp.challenge, &rig.world.app_code(&app.setup)).await);
        assert_eq!(rig.failures("ada").await, 0);
    });
}

#[test]
fn a_locked_user_is_refused_even_with_the_right_code() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.clock.advance(30);
        let first = rig.start("ada", "call").await.unwrap();
        assert_eq!(rig.guess(&first.challenge, 5).await, wrong(0));
        rig.clock.advance(30);
        let second = rig.start("ada", "call").await.unwrap();
        let until = rig.after(900);
        assert_eq!(rig.guess(&second.challenge, 5).await, Verdict::Locked { until });
        let mut limits = rig.engine.limits.clone();
        limits.attempts_per_challenge = 10;
        let mut rig = rig;
        rig.reborn_as(two_factor(), limits);
        // Nobody even asks whether it is right.
        assert_eq!(rig.check(&second.challenge, "123456").await, Verdict::Expired, "it ended with its attempts");
        assert_eq!(not_sent(rig.start("ada", "call").await), NotSent::GuessLocked { until });
        rig.engine.unlock("ada").await.unwrap();
        rig.clock.advance(30);
        let third = rig.start("ada", "call").await.unwrap();
        approved(&rig.check(&third.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn the_attempt_that_locks_is_judged_all_the_same() {
    run(async {
        let limits = Limits { attempts_per_user: 2, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(4));
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
        rig.clock.advance(30);
        let started = rig.start("ada", "call").await.unwrap();
        let until = rig.after(900);
        assert_eq!(rig.guess(&started.challenge, 2).await, Verdict::Locked { until });
        let right = rig.world.last_code(NUMBER);
        assert_eq!(rig.check(&started.challenge, &right).await, Verdict::Locked { until });
    });
}

#[test]
fn an_attempt_is_given_back_only_where_provably_nothing_left() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let left = |verdict: Verdict| match verdict {
            Verdict::Unavailable { service, attempts_left, .. } if service == "sms" => attempts_left,
            other => panic!("{other:?}"),
        };
        rig.world.weather(Weather::NotSent);
        assert_eq!(left(rig.check(&started.challenge, "123456").await), 5);
        assert_eq!(rig.failures("ada").await, 0);
        rig.world.weather(Weather::LostRequest);
        assert_eq!(left(rig.check(&started.challenge, "123456").await), 4);
        let refused = Failure::new(FailureKind::BadCredentials, "no");
        rig.world.weather(Weather::Refused(refused));
        assert_eq!(left(rig.check(&started.challenge, "123456").await), 3);
        // Also a provider that says itself that nothing was asked.
        rig.world.weather(Weather::Refused(Failure::new(FailureKind::Unavailable, "no")));
        assert_eq!(left(rig.check(&started.challenge, "123456").await), 2);
        assert_eq!(rig.failures("ada").await, 3);
        rig.world.weather(Weather::Fair);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn giving_back_the_attempt_that_locked_lifts_its_lock() {
    run(async {
        let limits = Limits { attempts_per_user: 1, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        rig.world.weather(Weather::NotSent);
        assert!(matches!(rig.check(&started.challenge, "123456").await, Verdict::Unavailable { .. }));
        rig.world.weather(Weather::Fair);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_plugin_that_judges_without_network_cannot_make_guesses_free() {
    run(async {
        let rig = Rig::new();
        let _app = rig.with_app("ada").await;
        let started = rig.start("ada", "totp").await.unwrap();
        rig.world.panic_next();
        let verdict = rig.check(&started.challenge, "123456").await;
        assert!(matches!(verdict, Verdict::Unavailable { attempts_left: 4, .. }), "{verdict:?}");
        assert_eq!(rig.failures("ada").await, 1);
    });
}

#[test]
fn a_locked_user_is_not_approved_by_polling() {
    run(async {
        let limits = Limits { attempts_per_user: 1, guess_lock_seconds: 60, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
        let started = rig.engine.begin_other(enroll).await.unwrap();
        rig.world.decide(Status::Approved);
        assert!(matches!(rig.engine.poll_enrollment(&started.challenge).await.unwrap(), Progress::Over(_)));
        rig.with_phone_by_administrator("ada", NUMBER).await;
        rig.clock.advance(30);
        let push = rig.start("ada", "push").await.unwrap();
        rig.world.decide(Status::Approved);
        let call = rig.start("ada", "call").await.unwrap();
        let until = rig.after(60);
        assert_eq!(rig.guess(&call.challenge, 1).await, Verdict::Locked { until });
        rig.clock.advance_millis(59_999);
        assert_eq!(rig.engine.poll(&push.challenge).await.unwrap(), Progress::Over(Verdict::Locked { until }));
        rig.clock.advance_millis(1);
        let Progress::Over(verdict) = rig.engine.poll(&push.challenge).await.unwrap() else { panic!("waiting") };
        approved(&verdict);
    });
}

#[test]
fn who_is_locked_while_the_provider_is_asked_is_not_approved_by_polling() {
    run(async {
        let limits = Limits { attempts_per_user: 1, guess_lock_seconds: 60, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        let call = rig.start("ada", "call").await.unwrap();
        let enroll = BeginFactor { user: "ada", method: "push", locale: None, actor: Actor::Administrator };
        let started = rig.engine.begin_other(enroll).await.unwrap();
        rig.world.decide(Status::Approved);
        let said = std::sync::Arc::new(tokio::sync::Notify::new());
        rig.world.next(Weather::Until(std::sync::Arc::clone(&said)));
        let until = rig.after(60);
        let guess = async {
            while rig.world.times("push", OperationName::Status) == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(rig.guess(&call.challenge, 1).await, Verdict::Locked { until });
            said.notify_one();
        };
        let (polled, ()) = tokio::join!(rig.engine.poll_enrollment(&started.challenge), guess);
        assert_eq!(polled.unwrap(), Progress::Over(Verdict::Locked { until }));
        rig.clock.advance(60);
        let Progress::Over(verdict) = rig.engine.poll_enrollment(&started.challenge).await.unwrap() else {
            panic!("waiting")
        };
        approved(&verdict);
    });
}

#[test]
fn a_store_that_cannot_count_judges_nothing() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let started = rig.start("ada", "totp").await.unwrap();
        let before = rig.world.times("app", OperationName::Check);
        rig.store.fail("count_attempt");
        let code = rig.world.app_code(&app.setup);
        assert!(matches!(rig.engine.check(&started.challenge, &code).await, Err(CheckError::Store(_))));
        assert_eq!(rig.world.times("app", OperationName::Check), before);
        rig.store.after(1, Fault::Fails);
        rig.store.fail("nothing");
        assert!(
            matches!(rig.engine.check(&started.challenge, &code).await, Err(CheckError::Store(_))),
            "approve failed"
        );
        rig.store.calm();
        approved(&rig.check(&started.challenge, &code).await);
    });
}
