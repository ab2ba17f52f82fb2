//! Under which conditions something is sent.

use super::*;

/// A login with one delivery to this number.
async fn send(store: &SqliteStore, user: &UserId, device: &EnrollmentId, number: &str, now: Timestamp) -> SendAllowed {
    send_by(store, user, device, number, SEND, now).await
}

/// The same, by another rule, and without a live key.
async fn send_by(
    store: &SqliteStore,
    user: &UserId,
    device: &EnrollmentId,
    number: &str,
    rule: SendRule,
    now: Timestamp,
) -> SendAllowed {
    let sent = NewDelivery { live_key: None, ..to(store, number) };
    store.open_challenge(login(user, device), sent, rule, now).await.unwrap()
}

#[test]
fn a_cool_down_lies_between_two_sends_to_one_number_whoever_asks() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        assert_eq!(send(&store, &ada, &adas, "+15005550006", at(0)).await, SendAllowed::Go);
        let refused = SendAllowed::CoolDown { until: at(30) };
        assert_eq!(send(&store, &bob, &bobs, "+15005550006", just_before(at(30))).await, refused);
        assert_eq!(last_event(&store).await.facts["reason"], "cool_down");
        assert_eq!(send(&store, &bob, &bobs, "+15005550007", at(1)).await, SendAllowed::Go);
        // Refusals do not lengthen it.
        assert_eq!(send(&store, &bob, &bobs, "+15005550006", at(30)).await, SendAllowed::Go);
        // A clock that goes back opens nothing.
        assert_eq!(send(&store, &ada, &adas, "+15005550006", at(1)).await, SendAllowed::CoolDown { until: at(60) });
    });
}

#[test]
fn what_does_not_count_is_not_held_up() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let free = SendRule { counts: false, ..SEND };
        assert_eq!(send(&store, &ada, &device, "+15005550006", at(0)).await, SendAllowed::Go);
        for _ in 0..20 {
            assert_eq!(send_by(&store, &ada, &device, "+15005550006", free, at(0)).await, SendAllowed::Go);
        }
        let go = store.open_challenge(login(&ada, &device), delivery(), SEND, at(0)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
    });
}

#[test]
fn the_send_that_reaches_the_cap_locks_until_the_lock_ends_by_itself() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = SendRule { cool_down_seconds: 1, cap: 3, window_seconds: 100, lock_seconds: 500, ..SEND };
        let number = "+15005550006";
        for second in [0, 10, 20] {
            assert_eq!(send_by(&store, &ada, &device, number, rule, at(second)).await, SendAllowed::Go);
        }
        let locked = SendAllowed::SendLocked { until: at(520) };
        for moment in [at(21), at(101), just_before(at(520))] {
            assert_eq!(send_by(&store, &ada, &device, number, rule, moment).await, locked);
        }
        // The count begins anew with the lock's end.
        for second in [520, 530, 540] {
            assert_eq!(send_by(&store, &ada, &device, number, rule, at(second)).await, SendAllowed::Go);
        }
        let locked = SendAllowed::SendLocked { until: at(1040) };
        assert_eq!(send_by(&store, &ada, &device, number, rule, at(541)).await, locked);
        // Something that is not sent to a number stays possible.
        let go = store.open_challenge(login(&ada, &device), delivery(), rule, at(541)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
    });
}

#[test]
fn a_window_ends_after_its_time() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = SendRule { cool_down_seconds: 0, cap: 3, window_seconds: 100, lock_seconds: 50, ..SEND };
        for moment in [at(0), at(1), at(100), at(101), at(102)] {
            let answer = send_by(&store, &ada, &device, "+15005550006", rule, moment).await;
            assert_eq!(answer, SendAllowed::Go, "{moment:?}");
        }
        // The window that began at 100 has its three now, and this number is locked.
        let locked = SendAllowed::SendLocked { until: at(152) };
        assert_eq!(send_by(&store, &ada, &device, "+15005550006", rule, at(103)).await, locked);
        // One millisecond less, and the first two sends would still have counted.
        for moment in [at(0), at(1), just_before(at(100))] {
            let answer = send_by(&store, &ada, &device, "+15005550007", rule, moment).await;
            assert_eq!(answer, SendAllowed::Go, "{moment:?}");
        }
        let answer = send_by(&store, &ada, &device, "+15005550007", rule, at(100)).await;
        assert!(matches!(answer, SendAllowed::SendLocked { .. }), "{answer:?}");
    });
}

#[test]
fn a_lock_shorter_than_the_window_ends_the_window_too() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = SendRule { cool_down_seconds: 0, cap: 3, window_seconds: 1000, lock_seconds: 50, ..SEND };
        for moment in [at(0), at(1), at(2), at(52), at(53), at(54)] {
            let answer = send_by(&store, &ada, &device, "+15005550006", rule, moment).await;
            assert_eq!(answer, SendAllowed::Go, "{moment:?}");
        }
        let locked = SendAllowed::SendLocked { until: at(104) };
        assert_eq!(send_by(&store, &ada, &device, "+15005550006", rule, at(55)).await, locked);
    });
}

#[test]
fn a_cap_of_nothing_sends_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = SendRule { cap: 0, ..SEND };
        for second in [0, 10_000] {
            let refused = SendAllowed::SendLocked { until: at(second + 600) };
            assert_eq!(send_by(&store, &ada, &device, "+15005550006", rule, at(second)).await, refused);
        }
        let rule = SendRule { cap: 1, ..SEND };
        assert_eq!(send_by(&store, &ada, &device, "+15005550007", rule, at(0)).await, SendAllowed::Go);
        let locked = SendAllowed::SendLocked { until: at(600) };
        assert_eq!(send_by(&store, &ada, &device, "+15005550007", rule, at(0)).await, locked);
    });
}

#[test]
fn a_send_that_fails_counts() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let sent = to(&store, "+15005550006");
        let id = sent.id.clone();
        let go = store.open_challenge(login(&ada, &device), sent, SEND, at(0)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
        assert!(store.delivery_failed(&id, true, &failure(), at(1)).await.unwrap());
        let refused = SendAllowed::CoolDown { until: at(30) };
        assert_eq!(send(&store, &ada, &device, "+15005550006", at(2)).await, refused);
    });
}

#[test]
fn a_refused_send_leaves_nothing_but_its_audit_event() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        assert_eq!(send(&store, &ada, &device, "+15005550006", at(0)).await, SendAllowed::Go);
        let (challenge, refused) = (login(&ada, &device), to(&store, "+15005550006"));
        let ids = (challenge.id.clone(), refused.id.clone());
        let answer = store.open_challenge(challenge, refused, SEND, at(1)).await.unwrap();
        assert_eq!(answer, SendAllowed::CoolDown { until: at(30) });
        assert!(store.challenge(&ids.0).await.unwrap().is_none());
        assert!(store.delivery(&ids.1).await.unwrap().is_none());
        let event = last_event(&store).await;
        assert_eq!((event.kind, event.challenge), (AuditKind::SendRefused, Some(ids.0)));

        // A refused resend does not take the place of what was sent.
        let (open, sent) = open(&store, &ada, &device).await;
        let resend = store.add_delivery(&open, to(&store, "+15005550006"), SEND, at(1)).await.unwrap();
        assert_eq!(resend, SendAllowed::CoolDown { until: at(30) });
        assert_eq!(store.delivery(&sent).await.unwrap().unwrap().state, DeliveryState::Sent);
    });
}

#[test]
fn a_challenge_has_only_so_many_deliveries() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = SendRule { per_challenge: 2, ..SEND };
        let (challenge, _) = open(&store, &ada, &device).await;
        assert_eq!(store.add_delivery(&challenge, delivery(), rule, at(1)).await.unwrap(), SendAllowed::Go);
        let refused = store.add_delivery(&challenge, delivery(), rule, at(2)).await.unwrap();
        assert_eq!(refused, SendAllowed::NoSendsLeft);
        assert_eq!(store.challenge(&challenge).await.unwrap().unwrap().deliveries, 2);
        assert!(store.close_challenge(&challenge, None, ChallengeState::Canceled, at(3)).await.unwrap());
        let over = store.add_delivery(&challenge, delivery(), rule, at(3)).await.unwrap();
        assert_eq!(over, SendAllowed::Over);
        let none = SendRule { per_challenge: 0, ..SEND };
        let refused = store.open_challenge(login(&ada, &device), delivery(), none, at(2)).await.unwrap();
        assert_eq!(refused, SendAllowed::NoSendsLeft);
    });
}

#[test]
fn nothing_is_sent_to_who_guessed_too_often() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, _) = open(&store, &ada, &device).await;
        let rule = AttemptRule { per_user: 1, ..ATTEMPTS };
        let counted = store.count_attempt(&challenge, rule, at(0)).await.unwrap();
        assert_eq!(counted, Attempt::Counted { left: 4, locks_until: Some(at(900)) });
        let locked = SendAllowed::GuessLocked { until: at(900) };
        let moment = just_before(at(900));
        assert_eq!(send(&store, &ada, &device, "+15005550006", moment).await, locked);
        assert_eq!(store.add_delivery(&challenge, delivery(), SEND, moment).await.unwrap(), locked);
        assert_eq!(send(&store, &ada, &device, "+15005550006", at(900)).await, SendAllowed::Go);
        assert_eq!(store.add_delivery(&challenge, delivery(), SEND, at(900)).await.unwrap(), SendAllowed::Go);
    });
}

#[test]
fn only_the_newest_delivery_can_be_approved() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, first) = open(&store, &ada, &device).await;
        let second = delivery();
        let second_id = second.id.clone();
        assert_eq!(store.add_delivery(&challenge, second, SEND, at(1)).await.unwrap(), SendAllowed::Go);
        let old = store.approve(&challenge, &first, Proof::Nothing, None, at(2)).await.unwrap();
        assert_eq!(old, Approval::NotPending);
        // The answer to the first start comes late: its data is kept to cancel it, no more.
        assert!(!store.delivery_sent(&first, Some(&data("late sid")), None, at(2)).await.unwrap());
        let late = store.delivery(&first).await.unwrap().unwrap();
        assert_eq!((late.state, late.data), (DeliveryState::Superseded, Some(data("late sid"))));
        // A released one is dead also while it is the newest.
        assert!(store.release_delivery(&second_id, at(3)).await.unwrap());
        for dead in [&first, &second_id] {
            let approval = store.approve(&challenge, dead, Proof::Nothing, None, at(3)).await.unwrap();
            assert_eq!(approval, Approval::NotPending);
        }
    });
}

#[test]
fn the_counters_of_idle_recipients_are_cleared_away() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        assert_eq!(send(&store, &ada, &device, "+15005550006", at(0)).await, SendAllowed::Go);
        let rows = async || {
            let count = store.writer.run(|c| c.query_row("SELECT count(*) FROM sends", [], |row| row.get::<_, u32>(0)));
            count.await.ok().unwrap().unwrap()
        };
        store.expire(just_before(at(600))).await.unwrap();
        assert_eq!(rows().await, 1);
        store.expire(at(600)).await.unwrap();
        assert_eq!(rows().await, 0);
    });
}
