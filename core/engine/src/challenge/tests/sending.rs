//! Sending codes: how often, by whom, by which method.

use countersign_plugin::{Failure, FailureKind, OperationName};

use super::*;
use crate::bootstrap::Limits;
use crate::policy::Unusable;

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
            "there is no method `fax`; the bootstrap has sms, call, totp, push, mail, hotline"
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
        (NotSent::Failed { service: "sms".to_owned(), failure, before: Vec::new() }, false),
    ] {
        assert_eq!(why.until(), ends.then_some(until));
        let error = StartError::from(why.clone());
        assert_eq!(error.person(), why.person());
        assert!(why.person().ends_with('.') && !why.person().contains("operator"));
    }
}

#[test]
fn a_guess_lock_is_told_with_how_it_ends() {
    let told = |until| (NotSent::GuessLocked { until }.to_string(), NotSent::GuessLocked { until }.until());
    let soon = Timestamp::from_secs(1_767_225_600);
    assert_eq!(
        told(soon),
        (
            "the user typed too many wrong codes; the lock ends at Thu, 01 Jan 2026 00:00:00 GMT, or by an administrator's unlock"
                .to_owned(),
            Some(soon)
        )
    );
    let never = crate::store::UNTIL_UNLOCKED;
    assert_eq!(
        told(never),
        ("the user typed too many wrong codes; the lock ends by an administrator's unlock only".to_owned(), None)
    );
}
