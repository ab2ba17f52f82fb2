//! Challenges outlive engines, and what is written down outlives what was forgotten.

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
