//! Removing factors, and what administrators do.

use super::*;

#[test]
fn a_mailbox_is_proven_and_forgotten_with_its_address() {
    run(async {
        let rig = Rig::new();
        let begin = BeginFactor { user: "ada", method: "mail", locale: None, actor: BY_ADMINISTRATOR };
        refused(rig.engine.begin_other(begin).await, "the user has no e-mail address");
        rig.engine.set_email("ada", Some("ada@example.com")).await.unwrap();
        let started = rig.engine.begin_other(begin).await.unwrap();
        assert_eq!(started.recipient.as_deref(), Some("a••••@example.com"));
        approved(&rig.prove("ada@example.com", &started).await);
        rig.clock.advance(30);
        let login = rig.start("ada", "mail").await.unwrap();
        rig.engine.set_email("ada", Some("eve@example.com")).await.unwrap();
        assert_eq!(rig.factors("ada").await, []);
        let code = rig.world.last_code("ada@example.com");
        assert_eq!(rig.engine.check(&login.challenge, &code).await.unwrap(), Verdict::Expired);
        assert!(rig.world.live().is_empty());
        for bad in ["ada", "@example.com", "ada@", "a da@example.com", "ada@example.com\n.", &"a".repeat(300)] {
            assert!(matches!(rig.engine.set_email("ada", Some(bad)).await, Err(AdminError::Address)), "{bad}");
        }
    });
}

#[test]
fn a_mailbox_under_way_ends_with_its_address() {
    run(async {
        let rig = Rig::new();
        rig.engine.add_user(NewAccount { name: "ada", ..NewAccount::default() }).await.unwrap();
        rig.engine.set_email("ada", Some("ada@example.com")).await.unwrap();
        let begin = BeginFactor { user: "ada", method: "mail", locale: None, actor: BY_ADMINISTRATOR };
        let started = rig.engine.begin_other(begin).await.unwrap();
        let app = rig.begin_app("ada", BY_ADMINISTRATOR).await.unwrap();
        rig.store.fail("update_user");
        assert!(rig.engine.set_email("ada", Some("eve@example.com")).await.is_err());
        rig.store.calm();
        assert_eq!(rig.world.live().len(), 1, "nothing has changed");
        rig.engine.set_email("ada", Some("eve@example.com")).await.unwrap();
        assert!(rig.world.live().is_empty());
        assert_eq!(rig.prove("ada@example.com", &started).await, Verdict::Expired);
        assert_eq!(rig.factors("ada").await, []);
        approved(&rig.confirm("ada", &app).await);
    });
}

#[test]
fn a_store_that_fails_after_a_removal_does_not_deny_it_nor_keep_providers_from_forgetting() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let account = rig.engine.show_user("ada").await.unwrap();
        let data = countersign_plugin::Data::from_json(1, serde_json::json!(7));
        assert!(
            rig.store.put_provider_data(&account.factors[0].enrollment, &rig.holder("hotline"), &data).await.unwrap()
        );
        let _login = rig.start("ada", "sms").await.unwrap();
        rig.store.fail("release_delivery");
        let removed = rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await;
        assert_eq!(removed.unwrap(), Removed { left_at: vec![] });
        assert_eq!(rig.world.times("hotline", OperationName::Unenroll), 1);
        rig.store.calm();

        rig.clock.advance(30);
        rig.with_phone("bob", OTHER_NUMBER).await;
        let login = rig.start("bob", "sms").await.unwrap();
        rig.store.fail("release_delivery");
        assert_eq!(rig.engine.cancel(&login.challenge).await.unwrap(), crate::challenge::Cancellation::Canceled);
        assert!(rig.engine.forget("bob").await.is_ok());
    });
}

#[test]
fn a_factor_is_removed_with_its_challenges_and_codes() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        let approval = rig.approval("ada", &app).await;
        let open = rig.start("ada", "sms").await.unwrap();
        assert_eq!(rig.world.live().len(), 1);
        refused(rig.engine.remove_factor("ada", &Factor::Phone, BY_NOBODY).await, "needs an approval");
        assert_eq!(
            rig.engine.remove_factor("ada", &Factor::Phone, by(&approval)).await.unwrap(),
            Removed { left_at: vec![] }
        );
        assert_eq!(rig.factors("ada").await, [totp()]);
        assert!(rig.world.live().is_empty());
        let code = rig.world.last_code(NUMBER);
        assert_eq!(rig.engine.check(&open.challenge, &code).await.unwrap(), Verdict::Expired);
        let approval = rig.approval("ada", &app).await;
        refused(rig.engine.remove_factor("ada", &Factor::Phone, by(&approval)).await, "no phone number");
    });
}

#[test]
fn the_last_factor_stays_where_the_site_asks_for_one() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let approval = rig.approval("ada", &app).await;
        refused(rig.engine.remove_factor("ada", &totp(), by(&approval)).await, "last factor");
        assert!(rig.engine.remove_factor("ada", &totp(), BY_ADMINISTRATOR).await.is_ok());
        // Where nobody asks, the person may be without.
        for (login_type, boxed, enabled, may) in [
            ("web", false, true, false),
            ("flagged", true, true, false),
            ("flagged", false, true, true),
            ("open", true, true, true),
            ("web", true, false, true),
        ] {
            let mut options = two_factor();
            options.login_types.retain(|name, _| name == login_type);
            options.enabled = enabled;
            let mut rig = Rig::new();
            let app = rig.with_app("ada").await;
            let approval = rig.approval("ada", &app).await;
            rig.engine.require("ada", boxed).await.unwrap();
            rig.reborn_as(options, Limits::default());
            let removed = rig.engine.remove_factor("ada", &totp(), by(&approval)).await;
            assert_eq!(removed.is_ok(), may, "{login_type} {boxed}: {removed:?}");
        }
    });
}

#[test]
fn of_two_removals_at_once_one_leaves_the_last_factor() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        // Each passed by the factor that it is to remove: one passed by the other's would go with that.
        let by_phone = rig.start("ada", "call").await.unwrap();
        approved(&rig.engine.check(&by_phone.challenge, &rig.world.last_code(NUMBER)).await.unwrap());
        let (one, other) = (by_phone.challenge, rig.approval("ada", &app).await);
        let device = totp();
        // Each sees two factors before the other removes one.
        rig.store.meet("remove_enrollment", 2);
        let answers = tokio::join!(
            rig.engine.remove_factor("ada", &Factor::Phone, by(&one)),
            rig.engine.remove_factor("ada", &device, by(&other)),
        );
        rig.store.calm();
        let left = match answers {
            (Ok(_), Err(EnrollError::LastFactor)) => totp(),
            (Err(EnrollError::LastFactor), Ok(_)) => Factor::Phone,
            both => panic!("one of them must win: {both:?}"),
        };
        assert_eq!(rig.factors("ada").await, std::slice::from_ref(&left));
        // The approval of the one that lost is not used up: the person may go on with it.
        let unused = if left == totp() { &other } else { &one };
        let again = match left {
            Factor::Phone => rig.begin_app("ada", by(unused)).await.map(|_| ()),
            _ => rig.begin_phone_as("ada", OTHER_NUMBER, "sms", by(unused)).await.map(|_| ()),
        };
        assert!(again.is_ok(), "{again:?}");
        assert!(rig.engine.remove_factor("ada", &left, BY_ADMINISTRATOR).await.is_ok());
        assert_eq!(rig.factors("ada").await, []);
    });
}

#[test]
fn whether_a_factor_is_the_last_one_is_told_to_nobody_without_leave() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let stale = rig.approval("ada", &app).await;
        rig.clock.advance(APPROVAL_LIFETIME.as_secs() + 1);
        refused(rig.engine.remove_factor("ada", &totp(), BY_NOBODY).await, "needs an approval");
        refused(rig.engine.remove_factor("ada", &totp(), by(&stale)).await, "the approval does not count");
    });
}

#[test]
fn an_administrator_changes_a_number_and_the_new_one_must_be_proven() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let open = rig.start("ada", "sms").await.unwrap();
        let started = rig.engine.change_number("ada", OTHER_NUMBER, "sms").await.unwrap();
        assert_eq!(rig.factors("ada").await, []);
        let old_code = rig.world.screen(NUMBER).pop().unwrap();
        assert_eq!(rig.engine.check(&open.challenge, &old_code).await.unwrap(), Verdict::Expired);
        let wrong = rig.engine.confirm_phone(&started.challenge, &old_code).await.unwrap();
        assert!(matches!(wrong, Verdict::WrongCode { .. }));
        approved(&rig.prove(OTHER_NUMBER, &started).await);
        let account = rig.engine.show_user("ada").await.unwrap();
        assert_eq!(account.factors[0].number.as_deref(), Some("•••• 07"));
        // Who has none is given one.
        rig.engine.add_user(NewAccount { name: "bob", ..NewAccount::default() }).await.unwrap();
        rig.clock.advance(30);
        assert!(rig.engine.change_number("bob", NUMBER, "sms").await.is_ok());
        refused(rig.engine.change_number("carol", NUMBER, "sms").await, "there is no user `carol`");
    });
}

#[test]
fn a_change_of_number_opens_the_account_to_nobody() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let _changed = rig.engine.change_number("ada", OTHER_NUMBER, "sms").await.unwrap();
        // Before the new number is proven, after its time, and on the next day.
        for wait in [0, 600, 86_400] {
            rig.clock.advance(wait);
            rig.engine.expire().await.unwrap();
            refused(rig.begin_phone("ada", NUMBER, "call").await, "let an administrator enroll it");
            refused(rig.begin_app("ada", BY_NOBODY).await, "let an administrator enroll it");
            let Assessment::Register { options, why } = rig.engine.assess("ada", "web").await.unwrap() else {
                panic!("a factor")
            };
            assert!(options.is_empty());
            assert!(why.to_string().contains("only an administrator may enroll it"), "{why}");
        }
        let changed = rig.engine.change_number("ada", OTHER_NUMBER, "sms").await.unwrap();
        approved(&rig.prove(OTHER_NUMBER, &changed).await);
        assert_eq!(rig.factors("ada").await, [Factor::Phone]);
    });
}

#[test]
fn an_administrator_who_removes_the_last_factor_lets_the_user_register_again() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        assert!(rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await.is_ok());
        refused(rig.begin_phone("ada", NUMBER, "call").await, "needs an approval");
        assert!(rig.engine.remove_factor("ada", &totp(), BY_ADMINISTRATOR).await.is_ok());
        approved(&rig.confirm("ada", &rig.begin_app("ada", BY_NOBODY).await.unwrap()).await);
        drop(app);
        // Also where it has gone before, and with what is under way.
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let changed = rig.engine.change_number("ada", OTHER_NUMBER, "sms").await.unwrap();
        assert!(rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await.is_ok());
        assert!(rig.world.live().is_empty());
        assert_eq!(rig.prove(OTHER_NUMBER, &changed).await, Verdict::Expired);
        assert!(rig.begin_app("ada", BY_NOBODY).await.is_ok());
        refused(rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await, "no phone number");
    });
}

#[test]
fn who_removed_their_own_last_factor_asks_an_administrator_for_another() {
    run(async {
        let mut options = two_factor();
        options.login_types.retain(|name, _| name == "open");
        let mut rig = Rig::new();
        let app = rig.with_app("ada").await;
        let approval = rig.approval("ada", &app).await;
        rig.reborn_as(options, Limits::default());
        assert!(rig.engine.remove_factor("ada", &totp(), by(&approval)).await.is_ok());
        refused(rig.begin_app("ada", BY_NOBODY).await, "let an administrator enroll it");
        assert!(rig.engine.remove_factor("ada", &totp(), BY_ADMINISTRATOR).await.is_ok());
        assert!(rig.begin_app("ada", BY_NOBODY).await.is_ok());
    });
}

#[test]
fn a_change_whose_first_code_is_not_sent_says_that_the_old_number_is_gone() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.world.weather(Weather::NotSent);
        let error = rig.engine.change_number("ada", OTHER_NUMBER, "call").await.unwrap_err();
        let EnrollError::NumberGone { cause } = &error else { panic!("{error}") };
        assert!(matches!(&**cause, EnrollError::NotSent(NotSent::Failed { .. })), "{cause}");
        assert!(error.to_string().starts_with("the old number is removed, but no code was sent to the new one: "));
        assert_eq!(error.person(), cause.person());
        // Who had none has lost none.
        let error = rig.engine.change_number("ada", "+15005550008", "call").await.unwrap_err();
        assert!(matches!(error, EnrollError::NotSent(NotSent::Failed { .. })), "{error}");
    });
}

#[test]
fn providers_that_can_forget_are_asked_to() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let account = rig.engine.show_user("ada").await.unwrap();
        let data = countersign_plugin::Data::from_json(1, serde_json::json!(7));
        let put = rig.store.put_provider_data(&account.factors[0].enrollment, &rig.holder("hotline"), &data).await;
        assert!(put.unwrap());
        rig.world.weather(Weather::LostRequest);
        let removed = rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await.unwrap();
        assert_eq!(removed.left_at.len(), 1);
        assert_eq!(removed.left_at[0].0, "hotline");
        rig.world.clear();
        rig.clock.advance(600);
        rig.with_phone("bob", NUMBER).await;
        assert_eq!(rig.engine.forget("bob").await.unwrap(), Removed { left_at: vec![] });
        assert_eq!(rig.world.times("hotline", OperationName::Unenroll), 1, "it knew nothing of Bob");
    });
}

#[test]
fn a_language_has_the_shape_of_a_tag() {
    run(async {
        let rig = Rig::new();
        let ada = crate::account::NewAccount { name: "ada", ..Default::default() };
        rig.engine.add_user(ada).await.unwrap();
        for good in ["en", "pt-BR", "zh-Hant-TW", "de-CH-1996", "x-klingon", " en "] {
            rig.engine.set_locale("ada", Some(good)).await.unwrap();
            assert_eq!(rig.engine.show_user("ada").await.unwrap().locale.as_deref(), Some(good.trim()));
        }
        for bad in ["klingon-12345678910", "", "en_US", "e n", "en-", "1en", "en--US", "ën"] {
            let refused = rig.engine.set_locale("ada", Some(bad)).await;
            assert!(matches!(refused, Err(AdminError::Language)), "{bad}");
            let new = crate::account::NewAccount { name: "new", locale: Some(bad), ..Default::default() };
            assert!(matches!(rig.engine.add_user(new).await, Err(AdminError::Language)), "{bad}");
        }
        rig.engine.set_locale("ada", None).await.unwrap();
    });
}

#[test]
fn providers_that_no_service_can_reach_are_told_of() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let enrollment = rig.engine.show_user("ada").await.unwrap().factors[0].enrollment.clone();
        let data = countersign_plugin::Data::from_json(1, serde_json::json!(7));
        assert!(rig.store.put_provider_data(&enrollment, &rig.holder("hotline"), &data).await.unwrap());
        // What a plugin judges by itself is nowhere else.
        let own = crate::store::Holder { provider: "app".to_owned(), account: None };
        assert!(rig.store.put_provider_data(&enrollment, &own, &data).await.unwrap());
        let _live = rig.start("ada", "sms").await.unwrap();
        rig.engine.services.retain(|service| service.channel == "voice");
        let removed = rig.engine.forget("ada").await.unwrap();
        let left: Vec<_> = removed.left_at.iter().map(|(provider, _)| provider.as_str()).collect();
        assert_eq!(left, ["hotline", "verify"]);
        assert!(removed.left_at.iter().all(|(_, failure)| failure.operator.contains("was not asked")));
        assert!(rig.engine.show_user("ada").await.is_err());
    });
}

#[test]
fn a_code_may_live_at_its_provider_until_it_failed_was_released_or_is_over() {
    use crate::store::DeliveryState;
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.clock.advance(30);
        let started = rig.start("ada", "sms").await.unwrap();
        let live = rig.store.challenge(&started.challenge).await.unwrap().unwrap().delivery;
        let before = Timestamp::from_millis(live.expires.as_millis() - 1);
        let lives = |delivery: &_, now| super::super::remove::may_live(delivery, now);
        assert!(lives(&live, before));
        assert!(!lives(&live, live.expires));
        for state in [DeliveryState::Failed, DeliveryState::Released] {
            assert!(!lives(&crate::store::Delivery { state, ..live.clone() }, before));
        }
        assert!(!lives(&crate::store::Delivery { account: None, ..live.clone() }, before));
        let of_the_engine = crate::store::Delivery { code: live.account, ..live };
        assert!(!lives(&of_the_engine, before));
    });
}

#[test]
fn a_code_that_the_engine_made_is_left_nowhere() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.clock.advance(30);
        let _live = rig.start("ada", "call").await.unwrap();
        rig.engine.services.clear();
        assert_eq!(rig.engine.forget("ada").await.unwrap(), Removed { left_at: vec![] });
    });
}

#[test]
fn each_holder_of_a_factor_is_told_once_by_whatever_service_can() {
    run(async {
        use crate::rig::{Kind, offer, service};
        use crate::service::Service;
        let mut rig = Rig::new();
        let phones = |channel| offer(channel, Maker::Provider, Checker::Provider);
        // Two services of one provider and account; one that only steps in; one without Unenroll; one
        // of another factor.
        let twin = service(&rig.world, "twin", "hotline", Kind::NoCancel, phones("twin"));
        let spare = service(&rig.world, "spare", "spare", Kind::NoCancel, phones("spare"));
        let mute = service(&rig.world, "mute", "mute", Kind::Caller, phones("mute"));
        let mut mail = crate::rig::offer("post", Maker::Provider, Checker::Provider);
        mail.destination = countersign_plugin::manifest::Destination::Email;
        rig.plus(twin);
        let first = service(&rig.world, "first", "first", Kind::Verify, phones("first"));
        rig.plus(Service { fallback: vec![std::sync::Arc::new(spare)], ..first });
        rig.plus(mute);
        let post = service(&rig.world, "post", "post", Kind::NoCancel, mail);
        rig.plus(post);
        rig.with_phone("ada", NUMBER).await;
        let enrollment = rig.engine.show_user("ada").await.unwrap().factors[0].enrollment.clone();
        let data = countersign_plugin::Data::from_json(1, serde_json::json!(7));
        for holder in ["hotline", "spare", "mute", "post"] {
            assert!(rig.store.put_provider_data(&enrollment, &rig.holder(holder), &data).await.unwrap());
        }
        let removed = rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await.unwrap();
        assert_eq!(removed, Removed { left_at: vec![] });
        for (provider, times) in [("hotline", 1), ("spare", 1), ("mute", 0), ("post", 0)] {
            assert_eq!(rig.world.times(provider, OperationName::Unenroll), times, "{provider}");
        }
    });
}

#[test]
fn a_forgotten_user_leaves_nothing_but_events() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let id = rig.engine.show_user("ada").await.unwrap().id;
        let open = rig.start("ada", "sms").await.unwrap();
        assert!(rig.engine.forget("Ada").await.is_ok());
        assert!(rig.world.live().is_empty());
        let code = rig.world.last_code(NUMBER);
        assert!(matches!(rig.engine.check(&open.challenge, &code).await, Err(CheckError::UnknownChallenge)));
        assert!(rig.engine.show_user("ada").await.is_err());
        assert!(matches!(rig.engine.forget("ada").await, Err(AdminError::User(UserError::Unknown { .. }))));
        let events = rig.store.audit(0, 1000).await.unwrap();
        assert!(events.iter().any(|event| event.event.user.as_ref() == Some(&id)));
    });
}

#[test]
fn accounts_are_added_shown_changed_and_unlocked() {
    run(async {
        let mut options = two_factor();
        options.unknown_users = UnknownUsers::Error;
        let limits = Limits { attempts_per_user: 1, ..Limits::default() };
        let mut rig = Rig::with(options.clone(), limits.clone());
        let new = NewAccount { name: "Ada ", email: Some(" ada@example.com "), locale: Some("de"), required: true };
        let account = rig.engine.add_user(new).await.unwrap();
        assert_eq!((account.name.as_str(), account.required), ("ada", true));
        assert_eq!(account.email.as_ref().map(|email| email.0.as_str()), Some("ada@example.com"));
        assert_eq!(rig.engine.show_user("ADA").await.unwrap(), account);
        let again = rig.engine.add_user(NewAccount { name: "ＡＤＡ", ..NewAccount::default() }).await.unwrap_err();
        assert_eq!(again.to_string(), "there is a user `ada` already; choose another name");
        rig.engine.require("ada", false).await.unwrap();
        rig.engine.set_locale("ada", None).await.unwrap();
        let account = rig.engine.show_user("ada").await.unwrap();
        assert_eq!((account.required, account.locale), (false, None));
        // Unknown is unknown, everywhere, and never "not required".
        let unknown = "there is no user `eve`";
        assert!(rig.engine.assess("eve", "open").await.unwrap_err().to_string().contains(unknown));
        assert!(rig.engine.require("eve", true).await.unwrap_err().to_string().contains(unknown));
        assert!(rig.engine.set_locale("eve", None).await.unwrap_err().to_string().contains(unknown));
        assert!(rig.engine.set_email("eve", None).await.unwrap_err().to_string().contains(unknown));
        assert!(rig.engine.unlock("eve").await.unwrap_err().to_string().contains(unknown));
        refused(rig.begin_app("eve", BY_NOBODY).await, unknown);
        // Locked, shown as such while it lasts, unlocked.
        let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let until = rig.after(900);
        assert_eq!(rig.confirm_with("ada", &enrolling, WRONG).await, Verdict::Locked { until });
        assert_eq!(rig.engine.show_user("ada").await.unwrap().locked_until, Some(until));
        rig.engine.unlock("ada").await.unwrap();
        assert_eq!(rig.engine.show_user("ada").await.unwrap().locked_until, None);
        assert_eq!(rig.confirm_with("ada", &enrolling, WRONG).await, Verdict::Locked { until });
        rig.clock.advance_millis(899_999);
        assert_eq!(rig.engine.show_user("ada").await.unwrap().locked_until, Some(until));
        rig.clock.advance_millis(1);
        assert_eq!(rig.engine.show_user("ada").await.unwrap().locked_until, None);
        assert!(rig.engine.expire().await.unwrap() > 0);
        rig.reborn_as(two_factor(), limits);
        assert!(matches!(rig.engine.assess("Eve", "open").await.unwrap(), Assessment::NotRequired { .. }));
        assert_eq!(rig.engine.show_user("eve").await.unwrap().name, "eve");
    });
}

#[test]
fn credentials_are_tested_where_there_are_any() {
    run(async {
        use crate::engine::TestError;
        let rig = Rig::new();
        assert!(rig.engine.test_credentials("sms").await.is_ok());
        assert!(rig.engine.test_credentials("sms fallback 1").await.is_ok(), "also of a fallback");
        assert!(matches!(rig.engine.test_credentials("fax").await, Err(TestError::UnknownService { .. })));
        let none = rig.engine.test_credentials("totp").await.unwrap_err();
        assert_eq!(none.to_string(), "provider `app` of service `totp` has no credentials that could be tested");
        rig.world.panic_next();
        let failed = rig.engine.test_credentials("sms").await.unwrap_err();
        assert!(matches!(&failed, TestError::Failed { service, .. } if service == "sms"), "{failed}");
        let events = rig.store.audit(0, 1000).await.unwrap();
        let failures: Vec<_> = events.iter().map(|event| event.event.facts.get("failure").cloned()).collect();
        assert_eq!(failures, [None, None, Some("plugin_fault".into())]);
    });
}
