//! Fallbacks: when another provider is tried.

use countersign_plugin::{Failure, FailureKind, OperationName, Retry};

use super::*;
use crate::bootstrap::Limits;
use crate::store::Store as _;

fn unavailable() -> Weather {
    Weather::Refused(Failure::new(FailureKind::Unavailable, "out of order"))
}

#[test]
fn a_fallback_is_tried_where_the_provider_is_out_of_order() {
    run(async {
        for weather in [
            Weather::NotSent,
            unavailable(),
            Weather::Refused(Failure::new(FailureKind::UnreachableRecipient, "no").retry(Retry::AnotherProvider)),
        ] {
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            let twice = matches!(weather, Weather::NotSent);
            rig.world.next(weather.clone());
            if twice {
                // The engine repeats what certainly did not leave.
                rig.world.next(weather);
            }
            let started = rig.start("ada", "sms").await.unwrap();
            assert_eq!((started.method.as_str(), started.service.as_str()), ("sms", "sms fallback 1"));
            assert!(started.fallback);
            assert_eq!(rig.world.live().len(), 1);
            assert_eq!(
                rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await,
                passed("ada", "sms fallback 1", "sms")
            );
        }
    });
}

#[test]
fn a_fallback_counts_as_a_send_and_needs_no_cool_down() {
    run(async {
        let limits = Limits { sends_per_challenge: 2, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        rig.world.next(unavailable());
        let started = rig.start("ada", "sms").await.unwrap();
        assert!(started.fallback);
        rig.clock.advance(30);
        assert_eq!(not_sent(rig.resend(&started.challenge, None).await), NotSent::NoSendsLeft);
    });
}

#[test]
fn there_is_no_fallback_after_a_refusal_or_a_fraud_block_whatever_the_plugin_makes_of_it() {
    run(async {
        for kind in [
            FailureKind::Blocked,
            FailureKind::InvalidRecipient,
            FailureKind::TooManyAttempts,
            FailureKind::RateLimited,
        ] {
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            rig.world.next(Weather::Refused(Failure::new(kind, "no").retry(Retry::AnotherProvider)));
            let why = not_sent(rig.start("ada", "sms").await);
            assert!(
                matches!(&why, NotSent::Failed { service, failure, before } if service == "sms" && failure.kind == kind && before.is_empty())
            );
            assert_eq!(rig.world.times("backup", OperationName::Start), 0);
        }
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.world.next(Weather::Refused(Failure::new(FailureKind::BadCredentials, "no")));
        assert!(matches!(not_sent(rig.start("ada", "sms").await), NotSent::Failed { .. }));
        assert_eq!(rig.world.times("backup", OperationName::Start), 0);
    });
}

#[test]
fn a_code_that_may_be_out_has_no_fallback_and_stays_checkable() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.world.next(Weather::LostReply);
        let started = rig.start("ada", "call").await.unwrap();
        let failure = started.unconfirmed.expect("nobody knows");
        assert_eq!(failure.kind, FailureKind::Unavailable);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
        rig.clock.advance(30);
        rig.world.next(Weather::LostReply);
        let started = rig.start("ada", "sms").await.unwrap();
        assert!(started.unconfirmed.is_some() && !started.fallback);
        assert_eq!(rig.world.times("backup", OperationName::Start), 0);
        assert_eq!(rig.world.live().len(), 1);
    });
}

#[test]
fn a_fallback_never_leaves_two_live_codes() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        rig.clock.advance(30);
        rig.world.next(unavailable());
        let again = rig.resend(&started.challenge, None).await.unwrap();
        assert!(again.fallback);
        let live = rig.world.live();
        assert_eq!(live.len(), 1);
        assert_eq!(live[0].provider, "backup");
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
        // The key of the canceled code is free again.
        rig.clock.advance(30);
        let next = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 1);
        approved(&rig.check(&next.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn where_all_fail_the_challenge_has_failed_and_the_number_is_free() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.world.weather(Weather::NotSent);
        let why = not_sent(rig.start("ada", "sms").await);
        let NotSent::Failed { service, before, .. } = &why else { panic!("{why:?}") };
        assert_eq!((service.as_str(), before.len(), before[0].0.as_str()), ("sms fallback 1", 1, "sms"));
        let told = why.to_string();
        assert!(
            told.starts_with("service `sms` failed: ") && told.contains("; then service `sms fallback 1` failed: ")
        );
        rig.world.weather(Weather::Fair);
        let user = rig.engine.show_user("ada").await.unwrap().id;
        assert_eq!(rig.store.open_challenges(&user, rig.now()).await.unwrap(), []);
        rig.clock.advance(30);
        let started = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 0);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_fallback_whose_channel_is_off_is_not_used() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.sms_falls_back_to("call");
        rig.world.next(unavailable());
        let started = rig.start("ada", "sms").await.unwrap();
        assert_eq!((started.service.as_str(), started.channel.as_str()), ("call", "voice"));
        rig.clock.advance(30);
        let mut options = two_factor();
        options.channels.insert("voice".to_owned(), false);
        rig.reborn_as(options, rig.engine.limits.clone());
        rig.world.next(unavailable());
        assert!(matches!(not_sent(rig.start("ada", "sms").await), NotSent::Failed { service, .. } if service == "sms"));
    });
}

#[test]
fn a_fallback_may_follow_a_call_which_leaves_no_live_code() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        rig.clock.advance(30);
        rig.world.next(unavailable());
        let again = rig.resend(&started.challenge, Some("sms")).await.unwrap();
        assert!(again.fallback);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn no_fallback_is_tried_beside_an_earlier_code_that_cannot_be_canceled() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "hotline").await.unwrap();
        rig.clock.advance(30);
        rig.world.next(unavailable());
        let why = not_sent(rig.resend(&started.challenge, Some("sms")).await);
        assert!(matches!(&why, NotSent::Failed { service, .. } if service == "sms"), "{why:?}");
        assert_eq!(rig.world.times("backup", OperationName::Start), 0);
        assert_eq!(rig.world.live().len(), 1);
    });
}
