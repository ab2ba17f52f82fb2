//! Attempts and the guess lock.

use super::*;

async fn attempt(store: &SqliteStore, challenge: &ChallengeId, rule: AttemptRule, now: Timestamp) -> Attempt {
    store.count_attempt(challenge, rule, now).await.unwrap()
}

fn counted(left: u32) -> Attempt {
    Attempt::Counted { left, locks_until: None }
}

#[test]
fn an_attempt_counts_on_the_challenge_and_on_the_user() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let device = device(&store, &ada).await;
        let (challenge, _) = open(&store, &ada, &device).await;
        let rule = AttemptRule { per_challenge: 3, ..ATTEMPTS };
        for (number, left) in [(1, 2), (2, 1), (3, 0)] {
            assert_eq!(attempt(&store, &challenge, rule, at(1)).await, counted(left));
            assert_eq!(reread(&store, "ada").await.failures, number);
            assert_eq!(store.challenge(&challenge).await.unwrap().unwrap().attempts, number);
        }
        assert_eq!(attempt(&store, &challenge, rule, at(1)).await, Attempt::NoneLeft);
        assert_eq!(last_event(&store).await.facts["reason"], "none_left");
        // What was refused counted nowhere.
        assert_eq!(reread(&store, "ada").await.failures, 3);
        assert_eq!(store.challenge(&challenge).await.unwrap().unwrap().attempts, 3);
        assert_eq!((reread(&store, "bob").await.id, reread(&store, "bob").await.failures), (bob, 0));
        let unknown = ChallengeId::new(&SystemRandom).unwrap();
        assert_eq!(attempt(&store, &unknown, rule, at(1)).await, Attempt::Over);
    });
}

#[test]
fn fresh_challenges_give_no_fresh_attempts() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = AttemptRule { per_challenge: 3, per_user: 4, lock_seconds: 900 };
        let (first, _) = open(&store, &ada, &device).await;
        let (second, second_delivery) = open(&store, &ada, &device).await;
        for left in [2, 1, 0] {
            assert_eq!(attempt(&store, &first, rule, at(1)).await, counted(left));
        }
        // A resend does not reset the counter either.
        assert_eq!(store.add_delivery(&first, delivery(), SEND, at(1)).await.unwrap(), SendAllowed::Go);
        assert_eq!(attempt(&store, &first, rule, at(1)).await, Attempt::NoneLeft);
        // The attempt that reaches the limit is judged itself.
        let last = Attempt::Counted { left: 2, locks_until: Some(at(901)) };
        assert_eq!(attempt(&store, &second, rule, at(1)).await, last);
        let events = kinds(&store).await;
        assert_eq!(events[events.len() - 2..], [AuditKind::AttemptCounted, AuditKind::UserLocked]);
        assert_eq!(attempt(&store, &second, rule, just_before(at(901))).await, Attempt::Locked { until: at(901) });
        assert_eq!(store.challenge(&second).await.unwrap().unwrap().attempts, 1);
        assert_eq!(reread(&store, "ada").await.locked_until, Some(at(901)));
        // Whoever was not judged when it locked is too late; also where the lock is another's.
        for own in [None, Some(at(900)), Some(at(902))] {
            let approval = store.approve(&second, &second_delivery, Proof::Nothing, own, at(2)).await.unwrap();
            assert_eq!(approval, Approval::Locked { until: at(901) });
            assert_eq!(last_event(&store).await.facts["reason"], "guess_locked");
        }
        // That one, if it was right, is a full success, and clears.
        let approval = store.approve(&second, &second_delivery, Proof::Nothing, Some(at(901)), at(2)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
        let user = reread(&store, "ada").await;
        assert_eq!((user.failures, user.locked_until), (0, None));
    });
}

#[test]
fn a_lock_ends_by_itself_and_clears_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = AttemptRule { per_challenge: 100, per_user: 2, lock_seconds: 900 };
        let (challenge, _) = open(&store, &ada, &device).await;
        assert_eq!(attempt(&store, &challenge, rule, at(0)).await, counted(99));
        assert!(matches!(
            attempt(&store, &challenge, rule, at(0)).await,
            Attempt::Counted { locks_until: Some(_), .. }
        ));
        assert_eq!(attempt(&store, &challenge, rule, just_before(at(900))).await, Attempt::Locked { until: at(900) });
        assert_eq!(attempt(&store, &challenge, rule, at(900)).await, counted(97));
        let user = reread(&store, "ada").await;
        assert_eq!((user.failures, user.locked_until), (3, None));
        // The second lock in a row is twice as long.
        let again = Attempt::Counted { left: 96, locks_until: Some(at(2700)) };
        assert_eq!(attempt(&store, &challenge, rule, at(900)).await, again);
    });
}

/// The lengths of the locks until the one for good, and how many attempts were judged until then.
async fn locks(store: &SqliteStore, rule: AttemptRule) -> (Vec<u64>, u32) {
    let user = add_user(store, "guessed at").await;
    let device = device(store, &user).await;
    let (mut now, mut lengths, mut judged) = (at(0), Vec::new(), 0);
    loop {
        let endless = NewChallenge { expires: UNTIL_UNLOCKED, ..login(&user, &device) };
        let id = endless.id.clone();
        let sent = NewDelivery { expires: UNTIL_UNLOCKED, ..delivery() };
        assert_eq!(store.open_challenge(endless, sent, SEND, now).await.unwrap(), SendAllowed::Go);
        let Attempt::Counted { locks_until, .. } = attempt(store, &id, rule, now).await else { panic!("not counted") };
        judged += 1;
        match locks_until {
            Some(UNTIL_UNLOCKED) => break,
            Some(until) => {
                lengths.push(until.since(now).as_secs());
                assert_eq!(attempt(store, &id, rule, just_before(until)).await, Attempt::Locked { until });
                now = until;
            }
            None => {}
        }
    }
    // However long one waits.
    let ages = Timestamp::from_millis(UNTIL_UNLOCKED.as_millis() - 1);
    let late = NewChallenge { expires: UNTIL_UNLOCKED, ..login(&user, &device) };
    let refused = store.open_challenge(late, delivery(), SEND, ages).await.unwrap();
    assert_eq!(refused, SendAllowed::GuessLocked { until: UNTIL_UNLOCKED });
    assert!(store.unlock_user(&user, ages).await.unwrap());
    assert_eq!(reread(store, "guessed at").await.failures, 0);
    assert!(store.forget_user(&user, ages).await.unwrap());
    (lengths, judged)
}

#[test]
fn a_hundred_failures_in_a_row_are_the_last_over_all_locks_and_whatever_the_rule() {
    on_both(|store| async move {
        const DAY: u64 = 86_400;
        let rule = |per_user, lock_seconds| AttemptRule { per_challenge: 5, per_user, lock_seconds };
        let doubled = vec![900, 1800, 3600, 7200, 14_400, 28_800, 57_600, DAY, DAY];
        assert_eq!(locks(&store, rule(10, 900)).await, (doubled, 100));
        assert_eq!(locks(&store, rule(30, 60)).await, (vec![60, 120, 240], 100));
        assert_eq!(locks(&store, rule(40, 2 * DAY)).await, (vec![2 * DAY; 2], 100));
        assert_eq!(locks(&store, rule(100, 900)).await, (vec![], 100));
        assert_eq!(locks(&store, rule(u32::MAX, u64::MAX)).await, (vec![], 100));
        for per_user in [0, 1] {
            let (lengths, judged) = locks(&store, rule(per_user, 1)).await;
            assert_eq!((lengths.len(), judged, lengths[0], lengths[98]), (99, 100, 1, DAY));
        }
    });
}

#[test]
fn a_lock_of_an_endless_rule_ends_before_the_one_for_good() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = AttemptRule { per_challenge: 5, per_user: 1, lock_seconds: u64::MAX };
        let (challenge, _) = open(&store, &ada, &device).await;
        let locked = attempt(&store, &challenge, rule, at(0)).await;
        assert_eq!(locked, Attempt::Counted { left: 4, locks_until: Some(just_before(UNTIL_UNLOCKED)) });
    });
}

#[test]
fn an_unlock_is_audited_and_clears() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = AttemptRule { per_user: 1, ..ATTEMPTS };
        let (challenge, _) = open(&store, &ada, &device).await;
        assert!(matches!(attempt(&store, &challenge, rule, at(0)).await, Attempt::Counted { .. }));
        assert!(store.unlock_user(&ada, at(1)).await.unwrap());
        assert_eq!(last_event(&store).await.kind, AuditKind::UserUnlocked);
        let user = reread(&store, "ada").await;
        assert_eq!((user.failures, user.locked_until), (0, None));
        assert!(matches!(attempt(&store, &challenge, rule, at(1)).await, Attempt::Counted { .. }));
        assert!(!store.unlock_user(&user_id(), at(1)).await.unwrap());
    });
}

#[test]
fn an_attempt_on_what_is_over_does_not_count() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let short = NewChallenge { expires: at(60), ..login(&ada, &device) };
        let id = short.id.clone();
        assert_eq!(store.open_challenge(short, delivery(), SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert_eq!(attempt(&store, &id, ATTEMPTS, just_before(at(60))).await, counted(4));
        assert_eq!(attempt(&store, &id, ATTEMPTS, at(60)).await, Attempt::Over);
        assert_eq!(reread(&store, "ada").await.failures, 1);
    });
}

#[test]
fn an_attempt_is_given_back_once_and_with_the_lock_that_it_set() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let rule = AttemptRule { per_user: 2, ..ATTEMPTS };
        let (challenge, sent) = open(&store, &ada, &device).await;
        assert_eq!(attempt(&store, &challenge, rule, at(0)).await, counted(4));
        let second = attempt(&store, &challenge, rule, at(1)).await;
        assert_eq!(second, Attempt::Counted { left: 3, locks_until: Some(at(901)) });
        // The first one set no lock, and lifts none.
        store.give_back_attempt(&challenge, None, at(2)).await.unwrap();
        let user = reread(&store, "ada").await;
        assert_eq!((user.failures, user.locked_until), (1, Some(at(901))));
        store.give_back_attempt(&challenge, Some(at(901)), at(2)).await.unwrap();
        let user = reread(&store, "ada").await;
        assert_eq!((user.failures, user.locked_until), (0, None));
        assert_eq!(store.challenge(&challenge).await.unwrap().unwrap().attempts, 0);
        assert_eq!(last_event(&store).await.kind, AuditKind::AttemptGivenBack);
        // There is nothing left to be given back.
        let events = kinds(&store).await.len();
        store.give_back_attempt(&challenge, None, at(3)).await.unwrap();
        assert_eq!(kinds(&store).await.len(), events);
        // Nor after an approval, which has cleared all.
        assert_eq!(attempt(&store, &challenge, rule, at(4)).await, counted(4));
        assert_eq!(store.approve(&challenge, &sent, Proof::Nothing, None, at(4)).await.unwrap(), Approval::Approved);
        store.give_back_attempt(&challenge, None, at(5)).await.unwrap();
        assert_eq!(store.challenge(&challenge).await.unwrap().unwrap().attempts, 1);
    });
}

#[test]
fn an_attempt_at_an_enrollment_is_given_back_like_any_other() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_device(&ada, "seed")).await;
        let rule = AttemptRule { per_challenge: 2, per_user: 2, lock_seconds: 900 };
        assert_eq!(store.count_enrollment_attempt(&id, rule, at(1)).await.unwrap(), counted(1));
        let second = store.count_enrollment_attempt(&id, rule, at(1)).await.unwrap();
        assert_eq!(second, Attempt::Counted { left: 0, locks_until: Some(at(901)) });
        store.give_back_enrollment_attempt(&id, Some(at(901)), at(2)).await.unwrap();
        assert_eq!(last_event(&store).await.kind, AuditKind::AttemptGivenBack);
        assert_eq!((reread(&store, "ada").await.failures, reread(&store, "ada").await.locked_until), (1, None));
        assert!(matches!(
            store.count_enrollment_attempt(&id, rule, at(3)).await.unwrap(),
            Attempt::Counted { left: 0, .. }
        ));
        store.unlock_user(&ada, at(3)).await.unwrap();
        let confirmed = store.confirm_enrollment(&id, Proof::Step(1), None, at(4)).await.unwrap();
        assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
        let events = kinds(&store).await.len();
        store.give_back_enrollment_attempt(&id, None, at(5)).await.unwrap();
        assert_eq!(kinds(&store).await.len(), events, "what is over has nothing to give back");
    });
}

#[test]
fn guesses_at_an_enrollment_count_on_the_user_too() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_device(&ada, "seed")).await;
        let rule = AttemptRule { per_challenge: 2, per_user: 3, lock_seconds: 900 };
        let guess = |moment| store.count_enrollment_attempt(&id, rule, moment);
        assert_eq!(guess(at(1)).await.unwrap(), counted(1));
        assert_eq!(guess(at(1)).await.unwrap(), counted(0));
        assert_eq!(guess(at(1)).await.unwrap(), Attempt::NoneLeft);
        assert_eq!(reread(&store, "ada").await.failures, 2);
        // A new enrollment has its own attempts, the user does not.
        let id = begin(&store, &new_device(&ada, "seed")).await;
        let guess = |moment| store.count_enrollment_attempt(&id, rule, moment);
        assert_eq!(guess(at(2)).await.unwrap(), Attempt::Counted { left: 1, locks_until: Some(at(902)) });
        assert_eq!(guess(at(2)).await.unwrap(), Attempt::Locked { until: at(902) });
        assert_eq!(guess(at(600)).await.unwrap(), Attempt::Locked { until: at(902) });
        assert_eq!(guess(at(902)).await.unwrap(), Attempt::Over);
        assert_eq!(reread(&store, "ada").await.failures, 3);
        assert!(store.unlock_user(&ada, at(2)).await.unwrap());
        assert_eq!(guess(at(3)).await.unwrap(), counted(0));
        // The right code is a full success, which clears.
        let confirmed = store.confirm_enrollment(&id, Proof::Step(1), None, at(4)).await.unwrap();
        assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
        assert_eq!(reread(&store, "ada").await.failures, 0);
        assert_eq!(guess(at(5)).await.unwrap(), Attempt::Over);
        let late =
            begin(&store, &NewEnrollment { factor: Factor::Device("other".into()), ..new_device(&ada, "s") }).await;
        let in_time = store.count_enrollment_attempt(&late, rule, just_before(at(600))).await.unwrap();
        assert_eq!(in_time, counted(1));
        assert_eq!(store.count_enrollment_attempt(&late, rule, at(600)).await.unwrap(), Attempt::Over);
        let unknown = store.count_enrollment_attempt(&enrollment_id(), rule, at(5)).await.unwrap();
        assert_eq!(unknown, Attempt::Over);
    });
}
