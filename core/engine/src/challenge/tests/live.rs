//! Live codes: at most one at a provider, and none left behind.

use countersign_plugin::OperationName;

use super::*;
use crate::store::Store as _;

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
        let old = rig.start("ada", "hotline").await.unwrap();
        let until = rig.after(600);
        rig.clock.advance_millis(599_999);
        assert_eq!(not_sent(rig.start("ada", "hotline").await), NotSent::TryAgainAt { until });
        assert_eq!(rig.guess(&old.challenge, 1).await, wrong(4), "the old one is still good");
        rig.clock.advance_millis(1);
        let _new = rig.start("ada", "hotline").await.unwrap();
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
