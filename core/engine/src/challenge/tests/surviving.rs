//! Challenges outlive engines, and what is written down outlives what was forgotten.

use countersign_plugin::OperationName;

use super::*;
use crate::rig::Fault;
use crate::store::Store as _;

#[test]
fn another_engine_goes_on_with_the_same_challenges() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        for method in ["sms", "call"] {
            let started = rig.start("ada", method).await.unwrap();
            assert_eq!(rig.guess(&started.challenge, 2).await, wrong(3));
            rig.reborn();
            assert_eq!(rig.guess(&started.challenge, 1).await, wrong(2));
            approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
            rig.clock.advance(30);
        }
    });
}

#[test]
fn a_challenge_that_was_cut_off_counts_as_sent_and_stays_checkable() {
    run(async {
        // Cut off before anything was written about the answer: the sid is lost, the code is dead
        // to us. After the plugin had it kept: the code is good.
        for (weather, store, good) in [
            (Weather::DieAfter, None, false),
            (Weather::Fair, Some((1, Fault::DieAfter)), true),
            (Weather::Fair, Some((2, Fault::DieBefore)), true),
        ] {
            let mut rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            rig.world.next(weather);
            if let Some((writes, fault)) = store {
                rig.store.after(writes, fault);
            }
            assert!(rig.unless_we_die(rig.start("ada", "sms")).await.is_none());
            rig.reborn();
            let user = rig.engine.show_user("ada").await.unwrap().id;
            let [challenge] = rig.store.open_challenges(&user, rig.now()).await.unwrap().try_into().unwrap();
            let sends = rig.world.screen(NUMBER).len();
            let verdict = rig.check(&challenge, &rig.world.last_code(NUMBER)).await;
            assert_eq!(matches!(verdict, Verdict::Approved(_)), good, "{verdict:?}");
            assert_eq!(rig.world.screen(NUMBER).len(), sends, "nothing is sent again by itself");
        }
    });
}

#[test]
fn a_challenge_whose_service_is_gone_says_so() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let started = rig.start("ada", "sms").await.unwrap();
        rig.without("sms");
        let gone = rig.engine.check(&started.challenge, "123456").await.unwrap_err();
        assert!(matches!(&gone, CheckError::ServiceGone { service } if service == "sms"), "{gone}");
        rig.clock.advance(30);
        assert!(matches!(rig.resend(&started.challenge, None).await, Err(StartError::ServiceGone { .. })));
        let _called = rig.resend(&started.challenge, Some("call")).await.unwrap();
        approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
    });
}

#[test]
fn what_never_was_is_unknown() {
    run(async {
        let rig = Rig::new();
        let never = ChallengeId::parse(&"0".repeat(32)).unwrap();
        assert!(matches!(rig.engine.check(&never, "123456").await, Err(CheckError::UnknownChallenge)));
        assert!(matches!(rig.engine.confirm_phone(&never, "123456").await, Err(CheckError::UnknownChallenge)));
        assert!(matches!(rig.engine.poll(&never).await, Err(CheckError::UnknownChallenge)));
        assert!(matches!(rig.engine.cancel(&never).await, Err(CheckError::UnknownChallenge)));
        assert!(matches!(rig.resend(&never, None).await, Err(StartError::UnknownChallenge)));
    });
}

#[test]
fn nothing_of_one_account_is_asked_for_at_another() {
    run(async {
        let mut rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        rig.clock.advance(30);
        let enrollment = rig.engine.show_user("ada").await.unwrap().factors[0].enrollment.clone();
        let data = countersign_plugin::Data::from_json(1, serde_json::json!(7));
        assert!(rig.store.put_provider_data(&enrollment, &rig.holder("hotline"), &data).await.unwrap());
        let texted = rig.start("ada", "sms").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        let by_app = rig.start("ada", "totp").await.unwrap();

        rig.with_other_accounts();
        // It is not taken for a code that is dead.
        let checked = rig.engine.check(&texted.challenge, &code).await;
        assert!(matches!(checked, Err(CheckError::ServiceGone { service }) if service == "sms"));
        assert_eq!(rig.engine.cancel(&texted.challenge).await.unwrap(), Cancellation::Canceled);
        assert_eq!(rig.world.times("verify", OperationName::Cancel), 0);
        assert_eq!(rig.world.live().len(), 1, "nobody there knows of it");
        assert_eq!(rig.store.provider_data(&enrollment, &rig.holder("hotline")).await.unwrap(), None);
        // What is judged from the device's own secret goes on, and so do new challenges.
        approved(&rig.check(&by_app.challenge, &rig.world.app_code(&app.setup)).await);
        rig.clock.advance(30);
        rig.world.clear();
        let called = rig.start("ada", "call").await.unwrap();
        approved(&rig.check(&called.challenge, &rig.world.last_code(NUMBER)).await);
        assert!(
            rig.engine
                .remove_factor("ada", &crate::store::Factor::Phone, crate::enrollment::Actor::Administrator)
                .await
                .is_ok()
        );
        assert_eq!(rig.world.times("hotline", OperationName::Unenroll), 0);
    });
}
