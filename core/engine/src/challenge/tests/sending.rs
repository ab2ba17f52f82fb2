//! Sending codes: limits, live codes, fallbacks.

use countersign_plugin::{Failure, FailureKind, OperationName, Retry};

use super::*;
use crate::bootstrap::Limits;
use crate::policy::Unusable;
use crate::store::Store as _;

#[test]
fn sends_to_one_number_wait_for_the_cool_down_whoever_asks() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.clock.advance(600);
        let first = rig.start("ada", "sms").await.unwrap();
        let until = rig.after(30);
        assert_eq!(first.resend_at, Some(until));
        rig.clock.advance_millis(29_999);
        assert_eq!(not_sent(rig.resend(&first.challenge, None).await), NotSent::CoolDown { until });
        assert_eq!(not_sent(rig.start("ada", "call").await), NotSent::CoolDown { until });
        // Another user, the same telephone in another spelling.
        let other = rig.begin_phone("bob", "+1 (500) 555-0006", "call").await.unwrap_err();
        assert_eq!(other.to_string(), NotSent::CoolDown { until }.to_string());
        rig.clock.advance_millis(1);
        let again = rig.resend(&first.challenge, None).await.unwrap();
        assert_eq!(again.challenge, first.challenge);
    });
}

#[test]
fn a_send_lock_leaves_the_app_usable_and_ends_by_itself() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        rig.clock.advance(600);
        let mut until = rig.now();
        for _ in 0..5 {
            until = rig.after(600);
            let _started = rig.start("ada", "call").await.unwrap();
            rig.clock.advance(30);
        }
        assert_eq!(not_sent(rig.start("ada", "call").await), NotSent::SendLocked { until });
        let totp = rig.start("ada", "totp").await.unwrap();
        approved(&rig.check(&totp.challenge, &rig.world.app_code(&app.setup)).await);
        rig.clock.advance_millis(until.since(rig.now()).as_millis() as u64 - 1);
        assert_eq!(not_sent(rig.start("ada", "call").await), NotSent::SendLocked { until });
        rig.clock.advance_millis(1);
        let _started = rig.start("ada", "call").await.unwrap();
    });
}

#[test]
fn failing_sends_count_too() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.clock.advance(600);
        rig.world.weather(Weather::NotSent);
        let mut last = rig.now();
        for _ in 0..5 {
            last = rig.now();
            assert!(
                matches!(not_sent(rig.start("ada", "call").await), NotSent::Failed { service, .. } if service == "call")
            );
            rig.clock.advance(30);
        }
        let until = last + std::time::Duration::from_secs(600);
        assert_eq!(not_sent(rig.start("ada", "call").await), NotSent::SendLocked { until });
    });
}

#[test]
fn a_challenge_has_so_many_sends() {
    run(async {
        let limits = Limits { sends_per_challenge: 2, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        rig.clock.advance(30);
        let _second = rig.resend(&started.challenge, None).await.unwrap();
        rig.clock.advance(30);
        assert_eq!(not_sent(rig.resend(&started.challenge, None).await), NotSent::NoSendsLeft);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn attempts_keep_counting_over_resends_and_methods() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 2).await, wrong(3));
        rig.clock.advance(30);
        let _again = rig.resend(&started.challenge, None).await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(2));
        rig.clock.advance(30);
        let _called = rig.resend(&started.challenge, Some("call")).await.unwrap();
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(1));
        assert_eq!(rig.failures("ada").await, 4);
    });
}

#[test]
fn each_send_of_a_challenge_may_live_its_full_time() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        rig.clock.advance(599);
        let again = rig.resend(&started.challenge, None).await.unwrap();
        assert_eq!(again.expires, rig.after(600));
        rig.clock.advance(599);
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_resend_brings_the_same_code_of_the_same_provider() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let first = rig.world.last_code(NUMBER);
        rig.clock.advance(30);
        let again = rig.resend(&started.challenge, None).await.unwrap();
        assert_eq!(rig.world.last_code(NUMBER), first);
        assert_eq!(again.expires, started.expires, "the provider tells when it ends");
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 0);
        approved(&rig.check(&started.challenge, &first).await);
    });
}

#[test]
fn a_resend_that_fails_leaves_the_code_that_is_out_good() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let first = rig.world.last_code(NUMBER);
        rig.clock.advance(30);
        rig.world.weather(Weather::NotSent);
        let why = not_sent(rig.resend(&started.challenge, None).await);
        assert!(matches!(why, NotSent::Failed { service, .. } if service == "sms"));
        assert_eq!(rig.world.live().len(), 1, "no fallback while the first code cannot be canceled");
        rig.world.weather(Weather::Fair);
        approved(&rig.check(&started.challenge, &first).await);
    });
}

#[test]
fn another_method_makes_the_earlier_code_worthless_here_and_at_the_provider() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let texted = rig.world.last_code(NUMBER);
        rig.clock.advance(30);
        let called = rig.resend(&started.challenge, Some("call")).await.unwrap();
        assert_eq!((called.service.as_str(), called.channel.as_str(), called.fallback), ("call", "voice", false));
        assert!(rig.world.live().is_empty());
        assert_eq!(rig.check(&started.challenge, &texted).await, wrong(4));
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_new_challenge_waits_until_the_provider_has_canceled_the_old_code() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let old = rig.start("ada", "sms").await.unwrap();
        let old_code = rig.world.last_code(NUMBER);
        let until = rig.after(600);
        rig.clock.advance(30);
        rig.world.next(Weather::LostRequest);
        rig.world.next(Weather::LostRequest);
        assert_eq!(not_sent(rig.start("ada", "sms").await), NotSent::TryAgainAt { until });
        let new = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.live().len(), 1);
        assert_ne!(rig.world.last_code(NUMBER), old_code);
        assert_eq!(rig.check(&old.challenge, &rig.world.last_code(NUMBER)).await, Verdict::Expired);
        rig.clock.advance(30);
        assert_eq!(not_sent(rig.resend(&old.challenge, None).await), NotSent::Over, "it made way");
        assert_eq!(rig.check(&new.challenge, &old_code).await, wrong(4));
        approved(&rig.check(&new.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_provider_that_cannot_cancel_makes_a_new_challenge_wait_for_the_end_of_the_old() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let old = rig.start("ada", "authy").await.unwrap();
        let until = rig.after(600);
        rig.clock.advance_millis(599_999);
        assert_eq!(not_sent(rig.start("ada", "authy").await), NotSent::TryAgainAt { until });
        assert_eq!(rig.guess(&old.challenge, 1).await, wrong(4), "the old one is still good");
        rig.clock.advance_millis(1);
        let _new = rig.start("ada", "authy").await.unwrap();
        assert_eq!(rig.world.live().len(), 1);
    });
}

#[test]
fn one_telephone_of_two_users_has_one_live_code() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.with_phone("bob", NUMBER).await;
        let ada = rig.start("ada", "sms").await.unwrap();
        let hers = rig.world.last_code(NUMBER);
        rig.clock.advance(30);
        let bob = rig.start("bob", "sms").await.unwrap();
        let his = rig.world.last_code(NUMBER);
        assert_ne!(hers, his);
        assert_eq!(rig.check(&bob.challenge, &hers).await, wrong(4));
        assert_eq!(rig.check(&ada.challenge, &his).await, Verdict::Expired);
        approved(&rig.check(&bob.challenge, &his).await);
    });
}

#[test]
fn an_approved_code_makes_way_for_the_next() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let first = rig.start("ada", "sms").await.unwrap();
        approved(&rig.check(&first.challenge, &rig.world.last_code(NUMBER)).await);
        rig.clock.advance(30);
        let second = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 0);
        approved(&rig.check(&second.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_code_whose_challenge_went_on_by_call_does_not_end_it_when_it_must_make_way() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.with_phone("bob", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        rig.clock.advance(30);
        // The cancellation of the text's code is lost: it lives on at the provider.
        rig.world.next(Weather::LostRequest);
        rig.world.next(Weather::LostRequest);
        let _called = rig.resend(&started.challenge, Some("call")).await.unwrap();
        let spoken = rig.world.last_code(NUMBER);
        assert_eq!(rig.world.live().len(), 1);
        rig.clock.advance(30);
        let _bob = rig.start("bob", "sms").await.unwrap();
        assert_eq!(rig.world.live().len(), 1);
        approved(&rig.check(&started.challenge, &spoken).await);
    });
}

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
            assert!(matches!(&why, NotSent::Failed { service, failure } if service == "sms" && failure.kind == kind));
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
        assert!(matches!(&why, NotSent::Failed { service, .. } if service == "sms fallback 1"), "{why:?}");
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
fn a_channel_that_is_off_cannot_be_asked_for_directly() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        rig.clock.advance(30);
        let mut options = two_factor();
        options.channels.insert("sms".to_owned(), false);
        rig.reborn_as(options, rig.engine.limits.clone());
        let off = |result: Result<Started, StartError>| matches!(result, Err(StartError::Unusable { method, because: Unusable::ChannelOff { .. } }) if method == "sms");
        assert!(off(rig.start("ada", "sms").await));
        assert!(off(rig.resend(&started.challenge, Some("sms")).await));
        assert!(rig.begin_phone("bob", OTHER_NUMBER, "sms").await.is_err());
        assert_eq!(rig.world.times("verify", OperationName::Start), 1);
    });
}

#[test]
fn who_cannot_be_challenged_is_told_why() {
    run(async {
        let rig = Rig::new();
        let nothing = rig.start("ada", "sms").await.unwrap_err();
        assert!(matches!(nothing, StartError::NothingRegistered));
        let first = StartLogin { user: "ada", login_type: "web", method: None, locale: None };
        assert!(matches!(rig.engine.start(first).await, Err(StartError::NothingRegistered)));
        rig.with_phone("ada", NUMBER).await;
        let unknown = rig.start("ada", "fax").await.unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "there is no method `fax`; the bootstrap has sms, call, totp, push, mail, authy"
        );
        let no_app = rig.start("ada", "totp").await.unwrap_err();
        assert_eq!(no_app.to_string(), "method `totp` cannot be used: the user has no device enrolled for totp");
        let unlisted = StartLogin { login_type: "vpn", ..first };
        assert!(matches!(rig.engine.start(unlisted).await, Err(StartError::Login(_))));
        // A fallback is no method of its own.
        assert!(matches!(rig.start("ada", "sms fallback 1").await, Err(StartError::UnknownMethod { .. })));
    });
}

#[test]
fn unknown_and_unusable_look_alike_to_the_person() {
    run(async {
        let mut options = two_factor();
        options.unknown_users = crate::bootstrap::UnknownUsers::Error;
        let rig = Rig::with(options, Limits::default());
        let unknown = rig.start("nobody", "sms").await.unwrap_err();
        assert!(matches!(unknown, StartError::User(_)));
        rig.engine.add_user(crate::account::NewAccount { name: "ada", ..Default::default() }).await.unwrap();
        let bare = rig.start("ada", "sms").await.unwrap_err();
        assert_eq!(unknown.person(), bare.person());
    });
}

#[test]
fn a_canceled_challenge_is_over_here_and_at_the_provider() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        assert_eq!(rig.engine.cancel(&started.challenge).await.unwrap(), Cancellation::Canceled);
        assert!(rig.world.live().is_empty());
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
        assert_eq!(rig.engine.cancel(&started.challenge).await.unwrap(), Cancellation::AlreadyOver);
        rig.clock.advance(30);
        assert_eq!(not_sent(rig.resend(&started.challenge, None).await), NotSent::Over);
        let next = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 1, "its way was free");
        approved(&rig.check(&next.challenge, &rig.world.last_code(NUMBER)).await);
        assert_eq!(rig.engine.cancel(&next.challenge).await.unwrap(), Cancellation::AlreadyOver);
        // What has ended there by itself is left alone.
        for (wait, asked) in [(599_999, 2), (600_000, 2)] {
            rig.clock.advance(600);
            let started = rig.start("ada", "sms").await.unwrap();
            rig.clock.advance_millis(wait);
            assert_eq!(rig.engine.cancel(&started.challenge).await.unwrap(), Cancellation::Canceled);
            assert_eq!(rig.world.times("verify", OperationName::Cancel), asked);
        }
    });
}

#[test]
fn a_canceled_request_is_taken_back_from_the_persons_device() {
    run(async {
        let rig = Rig::new();
        let begin = crate::enrollment::BeginFactor {
            user: "ada",
            method: "push",
            locale: None,
            actor: crate::enrollment::Actor::Administrator,
        };
        let started = rig.engine.begin_other(begin).await.unwrap();
        assert_eq!(rig.engine.cancel(&started.challenge).await.unwrap(), Cancellation::Canceled);
        assert_eq!(rig.world.times("push", OperationName::Cancel), 1);
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
fn a_plugin_that_breaks_before_it_asks_for_anything_has_sent_nothing() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.world.panic_next();
        let why = not_sent(rig.start("ada", "call").await);
        assert!(matches!(&why, NotSent::Failed { failure, .. } if failure.kind == FailureKind::PluginFault), "{why:?}");
    });
}

#[test]
fn a_resend_after_the_code_has_ended_is_a_new_code_or_nothing() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        rig.clock.advance(600);
        rig.world.weather(Weather::NotSent);
        assert!(matches!(not_sent(rig.resend(&started.challenge, None).await), NotSent::Failed { .. }));
        assert_eq!(rig.world.times("backup", OperationName::Start), 1, "nothing stood in its way");
        rig.world.weather(Weather::Fair);
        rig.clock.advance(30);
        let _started = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 0);
    });
}

#[test]
fn what_is_canceled_or_replaced_while_it_is_sent_leaves_no_code_behind() {
    run(async {
        for replaced in [false, true] {
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            let user = rig.engine.show_user("ada").await.unwrap().id;
            let said = std::sync::Arc::new(tokio::sync::Notify::new());
            rig.world.next(Weather::Until(std::sync::Arc::clone(&said)));
            let meddle = async {
                while rig.world.live().is_empty() {
                    tokio::task::yield_now().await;
                }
                let open = rig.store.open_challenges(&user, rig.now()).await.unwrap();
                if replaced {
                    rig.clock.advance(30);
                    let again = rig.resend(&open[0], Some("call")).await.unwrap();
                    assert_eq!(again.challenge, open[0]);
                } else {
                    assert_eq!(rig.engine.cancel(&open[0]).await.unwrap(), Cancellation::Canceled);
                }
                said.notify_one();
                open[0].clone()
            };
            let (started, challenge) = tokio::join!(rig.start("ada", "sms"), meddle);
            assert_eq!(not_sent(started), NotSent::Over);
            assert!(rig.world.live().is_empty(), "replaced: {replaced}");
            let verdict = rig.check(&challenge, &rig.world.last_code(NUMBER)).await;
            assert_eq!(matches!(verdict, Verdict::Approved(_)), replaced, "{verdict:?}");
        }
    });
}

#[test]
fn the_same_code_sent_again_while_it_is_sent_is_left_alive() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let user = rig.engine.show_user("ada").await.unwrap().id;
        let said = std::sync::Arc::new(tokio::sync::Notify::new());
        rig.world.next(Weather::Until(std::sync::Arc::clone(&said)));
        let meddle = async {
            while rig.world.live().is_empty() {
                tokio::task::yield_now().await;
            }
            let open = rig.store.open_challenges(&user, rig.now()).await.unwrap();
            rig.clock.advance(30);
            let again = rig.resend(&open[0], None).await.unwrap();
            said.notify_one();
            again
        };
        let (started, again) = tokio::join!(rig.start("ada", "sms"), meddle);
        assert_eq!(not_sent(started), NotSent::Over);
        approved(&rig.check(&again.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn the_language_goes_with_the_code() {
    run(async {
        let rig = Rig::new();
        rig.engine
            .add_user(crate::account::NewAccount { name: "ada", locale: Some("de"), ..Default::default() })
            .await
            .unwrap();
        rig.with_phone("ada", NUMBER).await;
        assert_eq!(rig.world.last_locale().as_deref(), Some("de"));
        let login = StartLogin { user: "ada", login_type: "web", method: Some("sms"), locale: Some("pt-BR") };
        let _started = rig.engine.start(login).await.unwrap();
        assert_eq!(rig.world.last_locale().as_deref(), Some("pt-BR"));
    });
}

#[test]
fn codes_of_the_engine_have_the_digits_that_bootstrap_and_channel_agree_on() {
    run(async {
        for (wanted, expected) in [(4, 6), (6, 6), (10, 6)] {
            let limits = Limits { code_digits: wanted, ..Limits::default() };
            let rig = Rig::with(two_factor(), limits);
            rig.with_phone("ada", NUMBER).await;
            let started = rig.start("ada", "call").await.unwrap();
            assert_eq!(started.code_digits, Some([expected, expected]));
            assert_eq!(rig.world.last_code(NUMBER).len(), usize::from(expected));
        }
    });
}

#[test]
fn every_refusal_tells_when_it_ends_and_has_a_word_for_the_person() {
    let until = countersign_plugin::Timestamp::from_secs(1);
    let failure = Box::new(Failure::new(FailureKind::Blocked, "operator's"));
    for (why, ends) in [
        (NotSent::CoolDown { until }, true),
        (NotSent::SendLocked { until }, true),
        (NotSent::GuessLocked { until }, true),
        (NotSent::TryAgainAt { until }, true),
        (NotSent::NoSendsLeft, false),
        (NotSent::Over, false),
        (NotSent::Failed { service: "sms".to_owned(), failure }, false),
    ] {
        assert_eq!(why.until(), ends.then_some(until));
        let error = StartError::from(why.clone());
        assert_eq!(error.person(), why.person());
        assert!(why.person().ends_with('.') && !why.person().contains("operator"));
    }
}
