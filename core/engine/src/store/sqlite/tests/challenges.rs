//! The life of a challenge.

use super::*;

#[test]
fn what_ended_more_than_a_day_ago_is_deleted() {
    const DAY: u64 = 86_400;
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let opened = async |challenge_end: u64, code_end: u64| {
            let challenge = NewChallenge { expires: at(challenge_end), ..login(&ada, &device) };
            let sent = NewDelivery { expires: at(code_end), ..delivery() };
            let ids = (challenge.id.clone(), sent.id.clone());
            assert_eq!(store.open_challenge(challenge, sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
            ids
        };
        let (passed, left, long_code) =
            (opened(600, 600).await, opened(600, 600).await, opened(600, 600 + 2 * DAY).await);
        let approval = store.approve(&passed.0, &passed.1, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
        store.expire(at(600)).await.unwrap();
        assert_eq!(store.expire(just_before(at(600 + DAY))).await.unwrap(), 0);
        assert_eq!(store.expire(at(600 + DAY)).await.unwrap(), 2);
        for gone in [&passed, &left] {
            assert!(store.challenge(&gone.0).await.unwrap().is_none());
            assert!(store.delivery(&gone.1).await.unwrap().is_none());
        }
        assert!(store.challenge(&long_code.0).await.unwrap().is_some(), "its code lives on at the provider");
        assert!(kinds(&store).await.contains(&AuditKind::Approved));
        assert_eq!(store.expire(at(600 + 2 * DAY)).await.unwrap(), 2, "marked and deleted");
        assert!(store.challenge(&long_code.0).await.unwrap().is_none());
    });
}

#[test]
fn of_many_that_ended_some_are_deleted_at_a_time() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        device(&store, &ada).await;
        raw(
            &store,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
             INSERT INTO challenges (id, user, purpose, state, created, expires)
             SELECT printf('%032x', i), (SELECT id FROM users), 'login', 'denied', 0, 1 FROM n",
        )
        .await
        .unwrap();
        assert_eq!(store.expire(at(0)).await.unwrap(), 500);
        assert_eq!(store.expire(at(0)).await.unwrap(), 200);
    });
}

#[test]
fn word_about_an_earlier_delivery_closes_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, first) = open(&store, &ada, &device).await;
        let (_, others) = open(&store, &ada, &device).await;
        let second = delivery();
        assert_eq!(store.add_delivery(&challenge, second.clone(), SEND, at(1)).await.unwrap(), SendAllowed::Go);
        for (named, closes) in [(&first, false), (&others, false), (&second.id, true), (&second.id, false)] {
            let closed = store.close_challenge(&challenge, Some(named), ChallengeState::Denied, at(2)).await.unwrap();
            assert_eq!(closed, closes);
        }
        assert_eq!(state(&store, &challenge).await, ChallengeState::Denied);
    });
}

#[test]
fn a_challenge_goes_from_sending_over_pending_to_approved_once() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, delivery) = (login(&ada, &device), delivery());
        let (id, delivery_id) = (challenge.id.clone(), delivery.id.clone());

        assert_eq!(store.open_challenge(challenge, delivery, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert_eq!(state(&store, &id).await, ChallengeState::Sending);
        assert!(store.delivery_sent(&delivery_id, Some(&data("sid")), None, at(1)).await.unwrap());
        assert!(!store.delivery_sent(&delivery_id, None, None, at(1)).await.unwrap());
        let opened = store.challenge(&id).await.unwrap().unwrap();
        assert_eq!((opened.state, opened.attempts, opened.deliveries), (ChallengeState::Pending, 0, 1));
        assert_eq!((opened.purpose, opened.login_type.as_deref()), (Purpose::Login, Some("web-portal")));
        assert_eq!((opened.user.id, opened.enrollment.unwrap().id), (ada, device));
        assert_eq!(opened.delivery.data, Some(data("sid")));
        assert_eq!(opened.delivery.state, DeliveryState::Sent);

        let approve = || store.approve(&id, &delivery_id, Proof::Nothing, None, at(2));
        assert_eq!(approve().await.unwrap(), Approval::Approved);
        assert_eq!(approve().await.unwrap(), Approval::NotPending);
        assert_eq!(state(&store, &id).await, ChallengeState::Approved);
        for end in [ChallengeState::Denied, ChallengeState::Canceled] {
            assert!(!store.close_challenge(&id, None, end, at(3)).await.unwrap());
        }
    });
}

#[test]
fn a_challenge_ends_once_and_never_by_another_name() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ends = [
            (ChallengeState::Denied, AuditKind::ChallengeDenied),
            (ChallengeState::Expired, AuditKind::ChallengeExpired),
            (ChallengeState::Canceled, AuditKind::ChallengeCanceled),
            (ChallengeState::Failed, AuditKind::ChallengeFailed),
        ];
        for (end, kind) in ends {
            let (challenge, sent) = open(&store, &ada, &device).await;
            for no_end in [ChallengeState::Approved, ChallengeState::Sending, ChallengeState::Pending] {
                assert!(!store.close_challenge(&challenge, None, no_end, at(1)).await.unwrap());
            }
            assert_eq!(state(&store, &challenge).await, ChallengeState::Pending);
            assert_eq!(store.open_challenges(&ada, at(1)).await.unwrap(), std::slice::from_ref(&challenge));
            assert!(store.close_challenge(&challenge, None, end, at(1)).await.unwrap());
            assert_eq!(last_event(&store).await.kind, kind);
            assert!(!store.close_challenge(&challenge, None, ChallengeState::Denied, at(1)).await.unwrap());
            assert_eq!(state(&store, &challenge).await, end);
            assert!(store.open_challenges(&ada, at(1)).await.unwrap().is_empty());
            let approval = store.approve(&challenge, &sent, Proof::Nothing, None, at(1)).await.unwrap();
            assert_eq!(approval, Approval::NotPending);
            let more = store.add_delivery(&challenge, delivery(), SEND, at(1)).await.unwrap();
            assert_eq!(more, SendAllowed::Over);
            assert_eq!(store.count_attempt(&challenge, ATTEMPTS, at(1)).await.unwrap(), Attempt::Over);
        }
    });
}

#[test]
fn what_was_sending_when_we_died_is_checkable_and_can_be_approved() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, sent) = (login(&ada, &device), delivery());
        let ids = (challenge.id.clone(), sent.id.clone());
        assert_eq!(store.open_challenge(challenge, sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        let counted = store.count_attempt(&ids.0, ATTEMPTS, at(1)).await.unwrap();
        assert_eq!(counted, Attempt::Counted { left: 4, locks_until: None });
        assert_eq!(state(&store, &ids.0).await, ChallengeState::Pending);
        let approval = store.approve(&ids.0, &ids.1, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
    });
}

#[test]
fn the_open_challenges_come_newest_first_and_without_the_expired() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let mut short = login(&ada, &device);
        short.expires = at(60);
        let (first, second) = (short.id.clone(), login(&ada, &device));
        assert_eq!(store.open_challenge(short, delivery(), SEND, at(0)).await.unwrap(), SendAllowed::Go);
        let id = second.id.clone();
        assert_eq!(store.open_challenge(second, delivery(), SEND, at(1)).await.unwrap(), SendAllowed::Go);
        let open = store.open_challenges(&ada, just_before(at(60))).await.unwrap();
        assert_eq!(open, [id.clone(), first.clone()]);
        assert_eq!(store.open_challenges(&ada, at(60)).await.unwrap(), [id]);

        assert_eq!(store.expire(just_before(at(60))).await.unwrap(), 0);
        assert_eq!(store.expire(at(60)).await.unwrap(), 1);
        assert_eq!(state(&store, &first).await, ChallengeState::Expired);
        assert_eq!(last_event(&store).await.kind, AuditKind::ChallengeExpired);
        assert_eq!(store.expire(at(60)).await.unwrap(), 0);
    });
}

#[test]
fn a_challenge_that_would_be_over_at_once_is_not_opened() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let over = NewChallenge { expires: at(5), ..login(&ada, &adas) };
        let elses = login(&ada, &bobs);
        let nobodys = login(&user_id(), &adas);
        let enroll = NewChallenge { purpose: Purpose::Enroll, ..login(&ada, &adas) };
        for challenge in [over, elses, nobodys, enroll] {
            let id = challenge.id.clone();
            let refused = store.open_challenge(challenge, delivery(), SEND, at(5)).await.unwrap();
            assert_eq!(refused, SendAllowed::Over);
            assert!(store.challenge(&id).await.unwrap().is_none());
            assert_eq!(last_event(&store).await.kind, AuditKind::SendRefused);
        }
    });
}

#[test]
fn a_delivery_keeps_what_it_is_told_to() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let code = store.hash("code", &[b"123456"]);
        let new = NewDelivery { code: Some(code), expires: at(600), ..delivery() };
        let id = new.id.clone();
        let go = store.open_challenge(login(&ada, &device), new, SEND, at(3)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
        assert!(store.keep_delivery(&id, &data("sid")).await.unwrap());
        let kept = store.delivery(&id).await.unwrap().unwrap();
        assert_eq!((kept.data, kept.code, kept.created), (Some(data("sid")), Some(code), at(3)));
        assert_eq!((kept.state, kept.expires), (DeliveryState::Sending, at(600)));
        // The life is shortened, never lengthened, and data is kept where none is given.
        assert!(store.delivery_sent(&id, None, Some(at(300)), at(4)).await.unwrap());
        let sent = store.delivery(&id).await.unwrap().unwrap();
        assert_eq!((sent.data, sent.expires), (Some(data("sid")), at(300)));

        let (challenge, _) = open(&store, &ada, &device).await;
        let longer = NewDelivery { expires: at(600), ..delivery() };
        let id = longer.id.clone();
        assert_eq!(store.add_delivery(&challenge, longer, SEND, at(5)).await.unwrap(), SendAllowed::Go);
        assert!(store.delivery_sent(&id, None, Some(at(900)), at(5)).await.unwrap());
        assert_eq!(store.delivery(&id).await.unwrap().unwrap().expires, at(600));
        let unknown = DeliveryId::new(&SystemRandom).unwrap();
        assert!(!store.keep_delivery(&unknown, &data("sid")).await.unwrap());
        assert!(!store.release_delivery(&unknown, at(5)).await.unwrap());
        assert!(!store.delivery_failed(&unknown, true, &failure(), at(5)).await.unwrap());
        assert!(store.delivery(&unknown).await.unwrap().is_none());
    });
}

#[test]
fn a_failed_delivery_is_checkable_only_where_it_may_have_arrived() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let cases = [
            (true, DeliveryState::Failed, ChallengeState::Sending, Approval::NotPending),
            (false, DeliveryState::Unclear, ChallengeState::Pending, Approval::Approved),
        ];
        for (nothing, delivery_state, challenge_state, approval) in cases {
            let (challenge, sent) = (login(&ada, &device), delivery());
            let ids = (challenge.id.clone(), sent.id.clone());
            assert_eq!(store.open_challenge(challenge, sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
            assert!(store.delivery_failed(&ids.1, nothing, &failure(), at(1)).await.unwrap());
            assert!(!store.delivery_failed(&ids.1, nothing, &failure(), at(1)).await.unwrap());
            let event = last_event(&store).await;
            assert_eq!((event.kind, &event.facts["failure"]), (AuditKind::DeliveryFailed, &json!("rate_limited")));
            assert_eq!(event.facts["provider_code"].as_str().map(str::len), Some(64));
            assert!(!format!("{event:?}").contains("operator"));
            let failed = store.challenge(&ids.0).await.unwrap().unwrap();
            assert_eq!((failed.delivery.state, failed.state), (delivery_state, challenge_state));
            assert_eq!(failed.delivery.state.checkable(), approval == Approval::Approved);
            assert_eq!(store.approve(&ids.0, &ids.1, Proof::Nothing, None, at(2)).await.unwrap(), approval);
        }
    });
}

#[test]
fn another_delivery_can_follow_one_that_delivered_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, first, second) = (login(&ada, &device), delivery(), delivery());
        let (id, first_id, second_id) = (challenge.id.clone(), first.id.clone(), second.id.clone());
        assert_eq!(store.open_challenge(challenge, first, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert!(store.delivery_failed(&first_id, true, &failure(), at(1)).await.unwrap());
        assert_eq!(store.add_delivery(&id, second, SEND, at(1)).await.unwrap(), SendAllowed::Go);
        assert_eq!(store.delivery(&first_id).await.unwrap().unwrap().state, DeliveryState::Failed);
        assert!(store.delivery_sent(&second_id, None, None, at(2)).await.unwrap());
        let opened = store.challenge(&id).await.unwrap().unwrap();
        assert_eq!((opened.state, opened.deliveries, opened.delivery.id), (ChallengeState::Pending, 2, second_id));
        // The second one stands, so a late word on the first changes nothing.
        assert!(!store.delivery_failed(&first_id, true, &failure(), at(3)).await.unwrap());
        assert_eq!(state(&store, &id).await, ChallengeState::Pending);
    });
}

#[test]
fn what_expired_takes_no_further_delivery() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let short = NewChallenge { expires: at(60), ..login(&ada, &device) };
        let id = short.id.clone();
        assert_eq!(store.open_challenge(short, delivery(), SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert_eq!(store.add_delivery(&id, delivery(), SEND, at(60)).await.unwrap(), SendAllowed::Over);
        let in_time = store.add_delivery(&id, delivery(), SEND, just_before(at(60))).await.unwrap();
        assert_eq!(in_time, SendAllowed::Go);

        // An enrollment may end before the challenge that is to prove it.
        let phone = begin(&store, &new_phone(&ada, "+15005550006")).await;
        let enroll = || NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &phone) };
        let challenge = enroll();
        let id = challenge.id.clone();
        let go = store.open_challenge(challenge, delivery(), SEND, just_before(at(600))).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
        let late = store.open_challenge(enroll(), delivery(), SEND, at(600)).await.unwrap();
        assert_eq!(late, SendAllowed::Over);
        let late = store.add_delivery(&id, delivery(), SEND, at(600)).await.unwrap();
        assert_eq!(late, SendAllowed::Over);
    });
}

#[test]
fn an_expired_delivery_is_marked_dead_not_earlier() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let sent = to(&store, "+15005550006");
        let id = sent.id.clone();
        assert_eq!(store.open_challenge(login(&ada, &device), sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        let keys = async || {
            let count =
                |c: &mut rusqlite::Connection| c.query_row("SELECT count(*) FROM live_keys", [], |row| row.get(0));
            store.writer.run(count).await.ok().unwrap().unwrap()
        };
        assert_eq!(store.expire(just_before(at(600))).await.unwrap(), 0);
        assert_eq!((store.delivery(&id).await.unwrap().unwrap().state, keys().await), (DeliveryState::Sending, 1));
        assert_eq!(store.expire(at(600)).await.unwrap(), 1);
        assert_eq!((store.delivery(&id).await.unwrap().unwrap().state, keys().await), (DeliveryState::Released, 0));
    });
}
