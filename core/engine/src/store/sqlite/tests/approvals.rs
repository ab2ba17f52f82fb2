//! The one way to yes.

use super::*;

async fn approve(store: &SqliteStore, ids: &(ChallengeId, DeliveryId), proof: Proof, now: Timestamp) -> Approval {
    store.approve(&ids.0, &ids.1, proof, None, now).await.unwrap()
}

#[test]
fn sixty_four_at_once_and_one_is_approved() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ids = open(&store, &ada, &device).await;
        let answers = std::thread::scope(|scope| {
            let all = (0..64).map(|_| scope.spawn(|| run(approve(&store, &ids, Proof::Nothing, at(1)))));
            let all = all.collect::<Vec<_>>();
            all.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(answers.iter().filter(|answer| **answer == Approval::Approved).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Approval::NotPending).count(), 63);
        let events = kinds(&store).await;
        assert_eq!(events.iter().filter(|kind| **kind == AuditKind::Approved).count(), 1);
    });
}

#[test]
fn a_time_step_is_good_for_one_challenge_and_earlier_ones_for_none() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let (first, second) = (open(&store, &ada, &adas).await, open(&store, &ada, &adas).await);
        assert_eq!(approve(&store, &first, Proof::Step(10), at(1)).await, Approval::Approved);
        for step in [10, 9, 0] {
            assert_eq!(approve(&store, &second, Proof::Step(step), at(1)).await, Approval::Replayed);
            assert_eq!(last_event(&store).await.kind, AuditKind::ReplayRefused);
        }
        // It is still open for a code that was not used.
        assert_eq!(state(&store, &second.0).await, ChallengeState::Pending);
        assert_eq!(approve(&store, &second, Proof::Step(11), at(1)).await, Approval::Approved);
        assert_eq!(store.enrollments(&ada, at(1)).await.unwrap()[0].last_step, Some(11));
        // Another's device counts for itself.
        let others = open(&store, &bob, &bobs).await;
        assert_eq!(approve(&store, &others, Proof::Step(10), at(1)).await, Approval::Approved);
    });
}

#[test]
fn the_code_of_an_enrollment_is_not_good_for_the_first_login() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_device(&ada, "seed")).await;
        let confirmed = store.confirm_enrollment(&id, Proof::Step(10), None, at(0)).await.unwrap();
        assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
        let ids = open(&store, &ada, &id).await;
        assert_eq!(approve(&store, &ids, Proof::Step(10), at(1)).await, Approval::Replayed);
        assert_eq!(approve(&store, &ids, Proof::Step(11), at(1)).await, Approval::Approved);
    });
}

#[test]
fn the_provider_checked_code_of_an_enrollment_is_not_good_for_the_first_login_either() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_device(&ada, "seed")).await;
        let code = || Proof::Code { hash: store.hash("used", &[b"123456"]), until: at(600) };
        let confirmed = store.confirm_enrollment(&id, code(), None, at(0)).await.unwrap();
        assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
        let ids = open(&store, &ada, &id).await;
        assert_eq!(approve(&store, &ids, code(), at(1)).await, Approval::Replayed);
        assert_eq!(approve(&store, &ids, code(), at(600)).await, Approval::Approved);
    });
}

#[test]
fn a_provider_checked_code_is_not_accepted_again_while_it_could_be() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let code = |text: &str| Proof::Code { hash: store.hash("used", &[text.as_bytes()]), until: at(600) };
        let first = open(&store, &ada, &adas).await;
        assert_eq!(approve(&store, &first, code("123456"), at(1)).await, Approval::Approved);
        let second = open(&store, &ada, &adas).await;
        assert_eq!(approve(&store, &second, code("123456"), just_before(at(600))).await, Approval::Replayed);
        assert_eq!(approve(&store, &second, code("654321"), at(2)).await, Approval::Approved);
        // Another enrollment may meet the same digits.
        let others = open(&store, &bob, &bobs).await;
        assert_eq!(approve(&store, &others, code("123456"), at(2)).await, Approval::Approved);
        // Clearing away what has expired does not clear it too early.
        store.expire(just_before(at(600))).await.unwrap();
        let third = open(&store, &ada, &adas).await;
        assert_eq!(approve(&store, &third, code("123456"), just_before(at(600))).await, Approval::Replayed);
        assert_eq!(approve(&store, &third, code("123456"), at(600)).await, Approval::Approved);
        assert_eq!(store.expire(at(600)).await.unwrap(), 3);
    });
}

#[test]
fn nothing_expired_is_approved() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        // The end of the challenge, the end of its delivery.
        for (challenge_end, delivery_end) in [(60, 600), (600, 60)] {
            let challenge = NewChallenge { expires: at(challenge_end), ..login(&ada, &device) };
            let sent = NewDelivery { expires: at(delivery_end), ..delivery() };
            let ids = (challenge.id.clone(), sent.id.clone());
            assert_eq!(store.open_challenge(challenge, sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
            assert_eq!(approve(&store, &ids, Proof::Nothing, at(60)).await, Approval::NotPending);
            assert_eq!(last_event(&store).await.kind, AuditKind::ApprovalTooLate);
            assert_eq!(approve(&store, &ids, Proof::Nothing, just_before(at(60))).await, Approval::Approved);
        }
    });
}

#[test]
fn a_delivery_approves_its_own_challenge_only() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (first, second) = (open(&store, &ada, &device).await, open(&store, &ada, &device).await);
        let crossed = (first.0.clone(), second.1.clone());
        assert_eq!(approve(&store, &crossed, Proof::Nothing, at(1)).await, Approval::NotPending);
        assert_eq!(state(&store, &first.0).await, ChallengeState::Pending);
        assert_eq!(state(&store, &second.0).await, ChallengeState::Pending);
        let unknown = (ChallengeId::new(&SystemRandom).unwrap(), second.1);
        assert_eq!(approve(&store, &unknown, Proof::Nothing, at(1)).await, Approval::NotPending);
    });
}

#[test]
fn an_approved_delivery_is_dead() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ids = open(&store, &ada, &device).await;
        assert_eq!(approve(&store, &ids, Proof::Nothing, at(1)).await, Approval::Approved);
        assert_eq!(store.delivery(&ids.1).await.unwrap().unwrap().state, DeliveryState::Released);
    });
}

#[test]
fn states_that_no_transition_makes_approve_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ids = open(&store, &ada, &device).await;
        assert_eq!(store.add_delivery(&ids.0, delivery(), SEND, at(1)).await.unwrap(), SendAllowed::Go);
        raw(&store, "UPDATE deliveries SET state = 'sent'").await.unwrap();
        assert_eq!(approve(&store, &ids, Proof::Nothing, at(1)).await, Approval::NotPending);

        let ids = open(&store, &ada, &device).await;
        raw(&store, "UPDATE enrollments SET state = 'pending', expires = 9000000000000").await.unwrap();
        assert_eq!(approve(&store, &ids, Proof::Nothing, at(1)).await, Approval::NotPending);
        raw(&store, "UPDATE enrollments SET state = 'active', expires = NULL").await.unwrap();
        assert_eq!(approve(&store, &ids, Proof::Nothing, at(1)).await, Approval::Approved);
    });
}

#[test]
fn a_refused_approval_consumes_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let ids = open(&store, &ada, &device).await;
        assert!(matches!(store.count_attempt(&ids.0, ATTEMPTS, at(1)).await.unwrap(), Attempt::Counted { .. }));
        assert!(store.close_challenge(&ids.0, None, ChallengeState::Canceled, at(1)).await.unwrap());
        assert_eq!(approve(&store, &ids, Proof::Step(10), at(1)).await, Approval::NotPending);
        assert_eq!(store.enrollments(&ada, at(1)).await.unwrap()[0].last_step, None);
        assert_eq!(reread(&store, "ada").await.failures, 1);
    });
}
