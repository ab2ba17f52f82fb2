//! Of the codes that a provider makes, one is live per account, service and recipient.

use super::*;

/// Opens a login to one number, and then adds deliveries to it: to the same number or to another,
/// each with the end of its life.
async fn chain(store: &SqliteStore, user: &UserId, device: &EnrollmentId, links: &[(&str, u64)]) -> Vec<DeliveryId> {
    let rule = SendRule { cool_down_seconds: 0, cap: 100, ..SEND };
    let challenge = login(user, device);
    let (id, mut ids) = (challenge.id.clone(), Vec::new());
    for (number, end) in links {
        let sent = NewDelivery { expires: at(*end), ..to(store, number) };
        ids.push(sent.id.clone());
        let go = match ids.len() {
            1 => store.open_challenge(challenge.clone(), sent, rule, at(0)).await.unwrap(),
            _ => store.add_delivery(&id, sent, rule, at(0)).await.unwrap(),
        };
        assert_eq!(go, SendAllowed::Go);
    }
    ids
}

/// Who holds the live key of this number, and until when.
async fn holder(
    store: &SqliteStore,
    user: &UserId,
    device: &EnrollmentId,
    number: &str,
) -> Option<(DeliveryId, Timestamp)> {
    let rule = SendRule { counts: false, ..SEND };
    match store.open_challenge(login(user, device), to(store, number), rule, at(1)).await.unwrap() {
        SendAllowed::LiveElsewhere { delivery, until, .. } => Some((delivery, until)),
        _ => None,
    }
}

#[test]
fn of_the_codes_of_a_provider_one_is_live_per_recipient() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let rule = SendRule { cool_down_seconds: 0, cap: 100, ..SEND };
        let open = async |user: &UserId, device: &EnrollmentId, moment| {
            let (challenge, sent) =
                (login(user, device), NewDelivery { expires: at(600), ..to(&store, "+15005550006") });
            let ids = (challenge.id.clone(), sent.id.clone());
            (ids, store.open_challenge(challenge, sent, rule, moment).await.unwrap())
        };
        let (first, go) = open(&ada, &adas, at(0)).await;
        assert_eq!(go, SendAllowed::Go);
        let live = SendAllowed::LiveElsewhere { challenge: first.0.clone(), delivery: first.1.clone(), until: at(600) };
        assert_eq!(open(&bob, &bobs, at(1)).await.1, live);
        // Not even the same user gets a second one; closing the first does not end it there.
        assert!(store.close_challenge(&first.0, None, ChallengeState::Canceled, at(2)).await.unwrap());
        assert_eq!(open(&ada, &adas, just_before(at(600))).await.1, live);
        // What was refused did not count as a send.
        let one = SendRule { cool_down_seconds: 300, ..rule };
        let other = NewDelivery { live_key: None, ..to(&store, "+15005550006") };
        let go = store.open_challenge(login(&bob, &bobs), other, one, at(300)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);

        // The provider's word that it is dead frees it.
        assert!(store.release_delivery(&first.1, at(400)).await.unwrap());
        assert!(!store.release_delivery(&first.1, at(400)).await.unwrap());
        let (second, go) = open(&bob, &bobs, at(400)).await;
        assert_eq!(go, SendAllowed::Go);
        // So does approval.
        assert!(store.delivery_sent(&second.1, None, None, at(400)).await.unwrap());
        let approval = store.approve(&second.0, &second.1, Proof::Nothing, None, at(401)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
        let (third, go) = open(&ada, &adas, at(402)).await;
        assert_eq!(go, SendAllowed::Go);
        // So does a failure that delivered nothing, but no other.
        assert!(store.delivery_failed(&third.1, true, &failure(), at(403)).await.unwrap());
        let (fourth, go) = open(&ada, &adas, at(404)).await;
        assert_eq!(go, SendAllowed::Go);
        assert!(store.delivery_failed(&fourth.1, false, &failure(), at(405)).await.unwrap());
        assert!(matches!(open(&bob, &bobs, at(406)).await.1, SendAllowed::LiveElsewhere { .. }));
        // So does its expiry, without anybody having marked it.
        let late = NewDelivery { expires: at(1200), ..to(&store, "+15005550006") };
        let refused = store.open_challenge(login(&bob, &bobs), late.clone(), rule, just_before(at(600))).await.unwrap();
        assert!(matches!(refused, SendAllowed::LiveElsewhere { .. }));
        let go = store.open_challenge(login(&bob, &bobs), late, rule, at(600)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
    });
}

#[test]
fn a_shorter_life_frees_the_live_key_earlier() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let first = to(&store, "+15005550006");
        let id = first.id.clone();
        assert_eq!(store.open_challenge(login(&ada, &adas), first, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert!(store.delivery_sent(&id, None, Some(at(120)), at(1)).await.unwrap());
        let open = |moment| store.open_challenge(login(&bob, &bobs), to(&store, "+15005550006"), SEND, moment);
        let refused = open(just_before(at(120))).await.unwrap();
        assert!(matches!(refused, SendAllowed::LiveElsewhere { until, .. } if until == at(120)));
        assert_eq!(open(at(120)).await.unwrap(), SendAllowed::Go);
    });
}

#[test]
fn a_resend_does_not_stand_in_its_own_way_and_hands_back_the_key_if_it_delivers_nothing() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let rule = SendRule { cool_down_seconds: 0, cap: 100, ..SEND };
        let (challenge, first) = (login(&ada, &adas), to(&store, "+15005550006"));
        let (id, first_id) = (challenge.id.clone(), first.id.clone());
        assert_eq!(store.open_challenge(challenge, first, rule, at(0)).await.unwrap(), SendAllowed::Go);
        assert!(store.delivery_sent(&first_id, None, None, at(0)).await.unwrap());

        let resend = NewDelivery { expires: at(900), ..to(&store, "+15005550006") };
        let resend_id = resend.id.clone();
        assert_eq!(store.add_delivery(&id, resend, rule, at(60)).await.unwrap(), SendAllowed::Go);
        assert_eq!(store.delivery(&first_id).await.unwrap().unwrap().state, DeliveryState::Superseded);
        let holder = async || {
            let refused = store.open_challenge(login(&bob, &bobs), to(&store, "+15005550006"), rule, at(61)).await;
            match refused.unwrap() {
                SendAllowed::LiveElsewhere { delivery, until, .. } => Some((delivery, until)),
                _ => None,
            }
        };
        assert_eq!(holder().await, Some((resend_id.clone(), at(900))));
        // The resend never left, so what lives at the provider is the first one's code.
        assert!(store.delivery_failed(&resend_id, true, &failure(), at(61)).await.unwrap());
        assert_eq!(holder().await, Some((first_id.clone(), at(600))));
        assert!(store.release_delivery(&first_id, at(62)).await.unwrap());
        assert_eq!(holder().await, None);
    });
}

#[test]
fn a_live_key_goes_back_to_the_last_delivery_that_may_have_left() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (one, two, three) = ("+15005550001", "+15005550002", "+15005550003");

        let ids = chain(&store, &ada, &device, &[(one, 500), (one, 510), (one, 520)]).await;
        assert!(store.delivery_failed(&ids[2], true, &failure(), at(0)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, one).await, Some((ids[1].clone(), at(510))));
        assert!(store.release_delivery(&ids[1], at(0)).await.unwrap());

        // The second one turns out to have delivered nothing before the third does.
        let ids = chain(&store, &ada, &device, &[(two, 500), (two, 510), (two, 520)]).await;
        assert!(store.delivery_failed(&ids[1], true, &failure(), at(0)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, two).await, Some((ids[2].clone(), at(520))));
        assert!(store.delivery_failed(&ids[2], true, &failure(), at(0)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, two).await, Some((ids[0].clone(), at(500))));

        // One of another key does not get it, and keeps its own.
        let ids = chain(&store, &ada, &device, &[(one, 500), (three, 510)]).await;
        assert!(store.delivery_failed(&ids[1], true, &failure(), at(0)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, one).await, Some((ids[0].clone(), at(500))));
        assert_eq!(holder(&store, &ada, &device, three).await, None);
    });
}

#[test]
fn a_live_key_lasts_as_long_as_any_code_of_its_challenge() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ids = chain(&store, &ada, &device, &[("+15005550001", 500), ("+15005550001", 400)]).await;
        assert_eq!(holder(&store, &ada, &device, "+15005550001").await, Some((ids[1].clone(), at(500))));
        assert!(store.delivery_sent(&ids[1], None, Some(at(300)), at(1)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, "+15005550001").await, Some((ids[1].clone(), at(500))));
        // Where the first one is dead, the second's end counts.
        let ids = chain(&store, &ada, &device, &[("+15005550002", 500), ("+15005550002", 600)]).await;
        assert!(store.release_delivery(&ids[0], at(1)).await.unwrap());
        assert!(store.delivery_sent(&ids[1], None, Some(at(300)), at(1)).await.unwrap());
        assert_eq!(holder(&store, &ada, &device, "+15005550002").await, Some((ids[1].clone(), at(300))));
    });
}

#[test]
fn a_resend_of_the_same_code_has_its_data_from_the_start_and_another_code_has_not() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let number = "+15005550006";
        let add = async |challenge: &ChallengeId, delivery: NewDelivery, now| {
            let id = delivery.id.clone();
            assert_eq!(store.add_delivery(challenge, delivery, SEND, now).await.unwrap(), SendAllowed::Go);
            store.delivery(&id).await.unwrap().unwrap()
        };

        let (challenge, first) = (login(&ada, &device), to(&store, number));
        let (id, sent) = (challenge.id.clone(), first.id.clone());
        assert_eq!(store.open_challenge(challenge, first, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert!(store.delivery_sent(&sent, Some(&data("sid")), None, at(0)).await.unwrap());
        let again = add(&id, to(&store, number), at(30)).await;
        assert_eq!(again.data, Some(data("sid")));
        // Where the send in between came to nothing, the code of the one before is still out.
        assert!(store.delivery_failed(&again.id, true, &failure(), at(31)).await.unwrap());
        assert_eq!(add(&id, to(&store, number), at(60)).await.data, Some(data("sid")));

        let other = NewDelivery { live_key: Some(store.hash("live", &[b"another"])), ..to(&store, number) };
        assert_eq!(add(&id, other, at(90)).await.data, None);
        assert_eq!(add(&id, NewDelivery { expires: at(900), ..to(&store, number) }, at(600)).await.data, None);
    });
}
