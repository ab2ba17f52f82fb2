//! Judging codes.

use countersign_plugin::manifest::{Checker, Maker};
use countersign_plugin::{Failure, FailureKind, OperationName};

use super::*;
use crate::account::NewAccount;
use crate::bootstrap::Limits;
use crate::store::{Store as _, StoreError};

#[test]
fn an_accepted_code_is_remembered_as_long_as_its_provider_may_honour_it() {
    run(async {
        for (told, lifetime, remembered) in [(None, 60, 600), (Some(120), 60, 120), (Some(30), 60, 60)] {
            let mut rig = Rig::with(two_factor(), Limits { code_lifetime_seconds: lifetime, ..Limits::default() });
            rig.with_phone("ada", NUMBER).await;
            // It says yes to everything, and does not know that it said so before.
            let mut offer = crate::rig::offer("relay", Maker::Engine, Checker::Provider);
            offer.code_lifetime_seconds = told;
            rig.plus(crate::rig::service(&rig.world, "relay", "relay", crate::rig::Kind::Caller, offer));
            let first = rig.start("ada", "relay").await.unwrap();
            approved(&rig.check(&first.challenge, "123456").await);
            rig.clock.advance_millis(remembered * 1000 - 1);
            let again = rig.start("ada", "relay").await.unwrap();
            assert_eq!(rig.check(&again.challenge, "123456").await, Verdict::Replayed, "{told:?}");
            rig.clock.advance_millis(1);
            approved(&rig.check(&again.challenge, "123456").await);
        }
    });
}

#[test]
fn the_right_code_is_approved_once() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("Ada", NUMBER).await;
        for (method, channel) in [("sms", "sms"), ("call", "voice")] {
            let started = rig.start("ＡＤＡ", method).await.unwrap();
            let code = rig.world.last_code(NUMBER);
            assert_eq!(rig.check(&started.challenge, &code).await, passed("ada", method, channel));
            assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
            rig.clock.advance(30);
        }
        let app = rig.with_app_approved("ada").await;
        rig.clock.advance(30);
        let started = rig.start("ada", "totp").await.unwrap();
        assert_eq!((started.recipient, started.resend_at), (None, None));
        assert_eq!(rig.check(&started.challenge, &rig.world.app_code(&app.setup)).await, passed("ada", "totp", "totp"));
    });
}

#[test]
fn a_code_with_spaces_is_the_same_code_also_when_it_is_replayed() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let started = rig.start("ada", "totp").await.unwrap();
        let code = rig.world.app_code(&app.setup);
        let spaced = format!(" {} {}\u{a0}", &code[..3], &code[3..]);
        approved(&rig.check(&started.challenge, &spaced).await);
        let again = rig.start("ada", "totp").await.unwrap();
        for variant in [code.clone(), spaced, format!("{code}\u{200b}")] {
            assert_eq!(rig.check(&again.challenge, &variant).await, Verdict::Replayed);
        }
    });
}

#[test]
fn an_earlier_step_than_the_last_accepted_is_a_replay() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let started = rig.start("ada", "totp").await.unwrap();
        approved(&rig.check(&started.challenge, &rig.world.app_code_at(&app.setup, 1)).await);
        let started = rig.start("ada", "totp").await.unwrap();
        assert_eq!(rig.check(&started.challenge, &rig.world.app_code(&app.setup)).await, Verdict::Replayed);
        assert_eq!(rig.check(&started.challenge, &rig.world.app_code_at(&app.setup, 1)).await, Verdict::Replayed);
        // Replays count as attempts, and do not end the challenge.
        rig.clock.advance(60);
        approved(&rig.check(&started.challenge, &rig.world.app_code(&app.setup)).await);
    });
}

#[test]
fn a_code_that_died_at_the_provider_asks_for_a_new_one() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        rig.world.next(Weather::LostReply);
        assert!(matches!(rig.check(&started.challenge, &code).await, Verdict::Unavailable { attempts_left: 4, .. }));
        // The provider had said yes; nobody heard it, so it does not count.
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
        rig.clock.advance(30);
        let again = rig.resend(&started.challenge, None).await.unwrap();
        assert_ne!(rig.world.last_code(NUMBER), code);
        approved(&rig.check(&again.challenge, &rig.world.last_code(NUMBER)).await);
        // What is dead there does not stand in the way, even where nothing can be canceled.
        rig.clock.advance(30);
        let started = rig.start("ada", "hotline").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        rig.world.next(Weather::LostReply);
        let unheard = rig.check(&started.challenge, &code).await;
        assert!(matches!(unheard, Verdict::Unavailable { .. }));
        rig.clock.advance(30);
        assert!(matches!(not_sent(rig.start("ada", "hotline").await), NotSent::TryAgainAt { .. }));
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
        let _started = rig.start("ada", "hotline").await.unwrap();
    });
}

#[test]
fn a_code_is_accepted_until_its_last_millisecond() {
    run(async {
        for (wait, good) in [(599_999, true), (600_000, false)] {
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            let started = rig.start("ada", "call").await.unwrap();
            assert_eq!(started.expires, rig.after(600));
            let code = rig.world.last_code(NUMBER);
            rig.clock.advance_millis(wait);
            let verdict = rig.check(&started.challenge, &code).await;
            assert_eq!(matches!(verdict, Verdict::Approved(_)), good, "{wait}: {verdict:?}");
            assert_eq!(verdict == Verdict::Expired, !good);
            assert_eq!(rig.failures("ada").await, 0);
        }
    });
}

#[test]
fn the_engine_stops_accepting_a_code_before_the_provider_does() {
    run(async {
        let limits = Limits { code_lifetime_seconds: 60, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        assert_eq!(started.expires, rig.after(60));
        let old = rig.world.last_code(NUMBER);
        rig.clock.advance_millis(59_999);
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(4));
        rig.clock.advance_millis(1);
        assert_eq!(rig.check(&started.challenge, &old).await, Verdict::Expired);
        assert_eq!(rig.failures("ada").await, 1);
        // At the provider it lives on, and so nobody else may start there; but it can be canceled.
        let again = rig.start("ada", "sms").await.unwrap();
        assert_ne!(again.challenge, started.challenge);
        assert_ne!(rig.world.last_code(NUMBER), old);
        assert_eq!(rig.world.live().len(), 1);
        approved(&rig.check(&again.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn an_answer_that_comes_after_the_end_is_too_late() {
    run(async {
        // The engine's end, where the provider would go on.
        let limits = Limits { code_lifetime_seconds: 60, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        rig.with_phone("ada", NUMBER).await;
        for (before, slow, good) in [(58_999, 1, true), (59_000, 1, false), (58_999, 2, false)] {
            let started = rig.start("ada", "sms").await.unwrap();
            let code = rig.world.last_code(NUMBER);
            rig.clock.advance_millis(before);
            rig.world.next(Weather::Slow(slow));
            let verdict = rig.check(&started.challenge, &code).await;
            assert_eq!(matches!(verdict, Verdict::Approved(_)), good, "{verdict:?}");
            rig.clock.advance(600);
        }
    });
}

#[test]
fn the_plugin_is_never_asked_about_a_code_of_the_engine() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "call").await.unwrap();
        // The rig's caller would say yes to everything.
        assert_eq!(rig.guess(&started.challenge, 1).await, wrong(4));
        assert_eq!(rig.world.times("caller", OperationName::Check), 0);
    });
}

#[test]
fn the_code_of_the_engine_is_right_for_its_own_delivery_only() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.with_phone("bob", OTHER_NUMBER).await;
        let ada = rig.start("ada", "call").await.unwrap();
        let hers = rig.world.last_code(NUMBER);
        let bob = rig.start("bob", "call").await.unwrap();
        let his = rig.world.last_code(OTHER_NUMBER);
        assert_ne!(hers, his);
        assert_eq!(rig.check(&bob.challenge, &hers).await, wrong(4));
        assert_eq!(rig.check(&ada.challenge, &his).await, wrong(4));
        rig.clock.advance(30);
        let newer = rig.resend(&ada.challenge, None).await.unwrap();
        assert_eq!(newer.challenge, ada.challenge);
        assert_eq!(rig.check(&ada.challenge, &hers).await, wrong(3), "only the newest code is right");
        approved(&rig.check(&ada.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn a_challenge_that_proves_a_number_never_passes_a_login_nor_the_other_way_round() {
    run(async {
        let rig = Rig::new();
        let proof = rig.begin_phone("ada", NUMBER, "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        assert!(matches!(rig.engine.check(&proof.challenge, &code).await, Err(CheckError::UnknownChallenge)));
        let verdict = rig.engine.confirm_phone(&proof.challenge, &code).await.unwrap();
        let Verdict::Approved(passed) = verdict else { panic!("{verdict:?}") };
        assert_eq!((passed.purpose, passed.login_type), (Purpose::Enroll, None));
        rig.clock.advance(30);
        let login = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        assert!(matches!(rig.engine.confirm_phone(&login.challenge, &code).await, Err(CheckError::UnknownChallenge)));
        approved(&rig.check(&login.challenge, &code).await);
    });
}

#[test]
fn a_store_that_fails_after_the_providers_yes_denies_and_the_code_is_used_up() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        rig.store.fail("approve");
        assert!(matches!(rig.engine.check(&started.challenge, &code).await, Err(CheckError::Store(_))));
        rig.store.calm();
        assert_eq!(rig.check(&started.challenge, &code).await, Verdict::Expired);
    });
}

#[test]
fn sixty_four_right_answers_at_once_approve_once() {
    run(async {
        let rig = std::sync::Arc::new({
            let limits = Limits { attempts_per_challenge: 64, attempts_per_user: 100, ..Limits::default() };
            Rig::with(two_factor(), limits)
        });
        let app = rig.with_app("ada").await;
        let started = rig.start("ada", "totp").await.unwrap();
        let other = rig.start("ada", "totp").await.unwrap();
        let code = rig.world.app_code(&app.setup);
        let mut tasks = tokio::task::JoinSet::new();
        for at in 0..64 {
            let (rig, code) = (std::sync::Arc::clone(&rig), code.clone());
            let challenge = if at % 2 == 0 { started.challenge.clone() } else { other.challenge.clone() };
            tasks.spawn(async move { rig.check(&challenge, &code).await });
        }
        let verdicts = tasks.join_all().await;
        let yes = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Approved(_))).count();
        assert_eq!(yes, 1, "{verdicts:?}");
    });
}

#[test]
fn an_accepted_code_of_a_provider_is_not_accepted_again_even_if_the_provider_would() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        approved(&rig.check(&started.challenge, &code).await);
        let account = rig.engine.show_user("ada").await.unwrap();
        let service = rig.engine.service("sms").unwrap();
        rig.clock.advance(30);
        let again = rig.start("ada", "sms").await.unwrap();
        let open = rig.store.challenge(&again.challenge).await.unwrap().unwrap();
        let code = crate::code::read(&code, [6, 6]);
        let crate::code::Typed::Code(code) = code else { panic!("no code") };
        let proof = super::super::proof(&rig.engine, &service, &account.factors[0].enrollment, &code, Some(7));
        let verdict = super::super::check::approve(&rig.engine, &open, proof, None).await.unwrap();
        assert_eq!(verdict, Verdict::Replayed);
    });
}

#[test]
fn a_device_without_steps_leaves_its_code_behind() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let service = rig.engine.service("totp").unwrap();
        let code = countersign_plugin::Code::new("123456");
        let proof = |step| super::super::proof(&rig.engine, &service, &app.enrollment, &code, step);
        assert!(matches!(proof(Some(7)), crate::store::Proof::Step(7)));
        let crate::store::Proof::Code { until, .. } = proof(None) else { panic!("a step") };
        assert_eq!(until, rig.after(600));
        let mut offer = crate::rig::offer("sms", Maker::Provider, Checker::Provider);
        offer.code_lifetime_seconds = Some(3600);
        let long = crate::rig::service(&rig.world, "long", "verify", crate::rig::Kind::Verify, offer);
        let proof = super::super::proof(&rig.engine, &long, &app.enrollment, &code, None);
        let crate::store::Proof::Code { until, .. } = proof else { panic!("a step") };
        assert_eq!(until, rig.after(3600));
    });
}

#[test]
fn what_was_passed_is_told_in_full() {
    run(async {
        let rig = Rig::new();
        rig.engine.add_user(NewAccount { name: "Ada", required: true, ..NewAccount::default() }).await.unwrap();
        rig.with_phone("ada", NUMBER).await;
        let login = StartLogin { user: "ada", login_type: "flagged", method: None, locale: None };
        let started = rig.engine.start(login).await.unwrap();
        assert_eq!((started.method.as_str(), started.recipient.as_deref()), ("sms", Some("•••• 06")));
        assert_eq!((started.code_digits, started.resend_at), (Some([6, 6]), Some(rig.after(30))));
        let Verdict::Approved(passed) = rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await else {
            panic!("denied")
        };
        assert_eq!((passed.user.as_str(), passed.login_type.as_deref()), ("ada", Some("flagged")));
    });
}

#[test]
fn every_check_that_cannot_be_made_has_a_word_for_the_person() {
    let service = || "sms".to_owned();
    let over = "That request is over. Please start again.";
    for (error, expected) in [
        (CheckError::Empty, "Please type the code."),
        (CheckError::HasCode { service: service() }, "Please type the code."),
        (CheckError::UnknownChallenge, over),
        (CheckError::ServiceGone { service: service() }, over),
        (CheckError::HasNoCode { service: service() }, "No code is needed. Please approve the request on your device."),
        (
            CheckError::Store(StoreError::Closed),
            "This does not work at the moment. Please try again or tell your administrator.",
        ),
    ] {
        assert_eq!(error.person(), expected, "{error}");
    }
}

#[test]
fn every_verdict_has_a_name_and_a_word_for_the_person() {
    let failure = Box::new(Failure::new(FailureKind::Unavailable, "operator's"));
    let until = countersign_plugin::Timestamp::from_secs(1);
    let verdicts = [
        (passed("ada", "sms", "sms"), "approved", "Thank you."),
        (wrong(1), "wrong_code", "That is not the code. Please try again."),
        (wrong(0), "wrong_code", "That is not the code. Please ask for a new one."),
        (Verdict::Locked { until }, "locked", "Too many wrong codes. Please wait and try again later."),
        (Verdict::Expired, "expired", "That code is no longer valid. Please ask for a new one."),
        (Verdict::Replayed, "replayed", "That code was used before. Please wait for the next one."),
        (Verdict::Denied, "denied", "The request was declined."),
    ];
    for (verdict, name, person) in verdicts {
        assert_eq!((verdict.name(), verdict.person()), (name, person));
    }
    let text = failure.person.clone();
    let unavailable = Verdict::Unavailable { service: "sms".to_owned(), failure, attempts_left: 1 };
    assert_eq!((unavailable.name(), unavailable.person()), ("unavailable", text.as_str()));
}

#[test]
fn nobody_is_told_to_ask_an_app_for_a_new_code() {
    for verdict in [Verdict::WrongCode { attempts_left: 0 }, Verdict::Expired] {
        let told = verdict.person_with_device();
        assert!(told.ends_with("Please start again, with the next code that your app shows."), "{told}");
        assert!(verdict.person().ends_with("Please ask for a new one."));
    }
    for verdict in [Verdict::WrongCode { attempts_left: 1 }, Verdict::Replayed, Verdict::Denied] {
        assert_eq!(verdict.person_with_device(), verdict.person());
    }
}
