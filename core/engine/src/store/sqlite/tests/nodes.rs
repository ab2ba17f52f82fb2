//! Two handles on one file, as two processes have them.

use std::sync::Barrier;
use std::thread;

use super::*;

/// Lets several threads do something at the same moment, in turns on one handle or the other.
fn at_once<T: Send>(
    (one, two): (&SqliteStore, &SqliteStore),
    count: usize,
    act: impl Fn(&SqliteStore, usize) -> T + Sync,
) -> Vec<T> {
    let start = Barrier::new(count);
    let (start, act) = (&start, &act);
    thread::scope(|scope| {
        let threads = (0..count).map(|number| {
            let store = if number % 2 == 0 { one } else { two };
            scope.spawn(move || {
                start.wait();
                act(store, number)
            })
        });
        let threads = threads.collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().filter(|answer| *answer == one).count()
}

#[test]
fn two_nodes_start_at_once_on_nothing() {
    let files = Files::new();
    let start = Barrier::new(8);
    let stores = thread::scope(|scope| {
        let threads = (0..8).map(|_| {
            scope.spawn(|| {
                start.wait();
                files.open()
            })
        });
        let threads = threads.collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    run(add_user(&stores[0], "ada"));
    let expected = stores[0].hash("same key", &[]);
    for store in &stores {
        assert_eq!(store.hash("same key", &[]), expected);
        run(reread(store, "ada"));
    }
}

#[test]
fn two_nodes_keep_each_rule() {
    let files = Files::new();
    let (one, two) = (files.open(), files.open());
    let nodes = (&one, &two);
    let (ada, device) = run(async {
        let ada = add_user(&one, "ada").await;
        let device = device(&one, &ada).await;
        (ada, device)
    });

    // One approval.
    let ids = run(open(&one, &ada, &device));
    let answers =
        at_once(nodes, 8, |store, _| run(store.approve(&ids.0, &ids.1, Proof::Nothing, None, at(1))).unwrap());
    assert_eq!(count(&answers, &Approval::Approved), 1);

    // One use of a step, over two challenges.
    let both = [run(open(&one, &ada, &device)), run(open(&two, &ada, &device))];
    let answers = at_once(nodes, 8, |store, number| {
        let (challenge, delivery) = &both[number / 4];
        run(store.approve(challenge, delivery, Proof::Step(50), None, at(1))).unwrap()
    });
    assert_eq!(count(&answers, &Approval::Approved), 1);

    // So many attempts, and the stored count is the number of those that counted.
    let ids = run(open(&one, &ada, &device));
    let rule = AttemptRule { per_challenge: 5, per_user: 100, lock_seconds: 900 };
    let answers = at_once(nodes, 12, |store, _| run(store.count_attempt(&ids.0, rule, at(1))).unwrap());
    let counted = answers.iter().filter(|answer| matches!(answer, Attempt::Counted { .. })).count();
    assert_eq!((counted, count(&answers, &Attempt::NoneLeft)), (5, 7));
    assert_eq!(run(reread(&two, "ada")).failures, 5);

    // So many over all challenges.
    assert!(run(one.unlock_user(&ada, at(1))).unwrap());
    let many = (0..12).map(|_| run(open(&one, &ada, &device)).0).collect::<Vec<_>>();
    let rule = AttemptRule { per_challenge: 5, per_user: 4, lock_seconds: 900 };
    let answers = at_once(nodes, 12, |store, number| run(store.count_attempt(&many[number], rule, at(1))).unwrap());
    let counted = answers.iter().filter(|answer| matches!(answer, Attempt::Counted { .. })).count();
    assert_eq!((counted, count(&answers, &Attempt::Locked { until: at(901) })), (4, 8));
    assert!(run(two.unlock_user(&ada, at(1))).unwrap());

    // One send within the cool-down, with live keys and without.
    for number in ["+15005550006", "+15005550007"] {
        let answers = at_once(nodes, 12, |store, _| {
            let mut sent = to(store, number);
            if number.ends_with('7') {
                sent.live_key = None;
            }
            run(store.open_challenge(login(&ada, &device), sent, SEND, at(2))).unwrap()
        });
        assert_eq!(count(&answers, &SendAllowed::Go), 1);
    }

    // One live code.
    let rule = SendRule { counts: false, ..SEND };
    let answers = at_once(nodes, 12, |store, _| {
        let sent = to(store, "+15005550008");
        run(store.open_challenge(login(&ada, &device), sent, rule, at(2))).unwrap()
    });
    assert_eq!(count(&answers, &SendAllowed::Go), 1);
    assert!(answers.iter().all(|answer| matches!(answer, SendAllowed::Go | SendAllowed::LiveElsewhere { .. })));

    // One name, one change by one approval, one enrollment under way.
    let answers = at_once(nodes, 8, |store, _| {
        let new = NewUser { id: user_id(), name: "eve".into(), email: None, locale: None, required: false };
        run(store.add_user(new, at(2))).unwrap().is_some()
    });
    assert_eq!(count(&answers, &true), 1);
    let approved = run(open(&one, &ada, &device));
    assert_eq!(run(one.approve(&approved.0, &approved.1, Proof::Nothing, None, at(3))).unwrap(), Approval::Approved);
    let leave = Authority::Approval { challenge: approved.0, not_before: at(0) };
    let pending = (0..4).map(|number| NewEnrollment {
        factor: Factor::Device(format!("device {number}")),
        authority: leave.clone(),
        ..new_device(&ada, "seed")
    });
    let pending = pending.collect::<Vec<_>>();
    for new in &pending {
        assert_eq!(run(one.begin_enrollment(new.clone(), at(3))).unwrap(), EnrollmentBegun::Begun);
    }
    let answers = at_once(nodes, 4, |store, number| {
        run(store.confirm_enrollment(&pending[number].id, Proof::Step(1), None, at(3))).unwrap()
    });
    assert_eq!(count(&answers, &EnrollmentConfirmed::Confirmed), 1);

    // One factor that remains.
    let carol = run(add_user(&one, "carol"));
    let devices = (0..4).map(|number| {
        let new = NewEnrollment { factor: Factor::Device(format!("device {number}")), ..new_device(&carol, "seed") };
        run(activate(&one, &new))
    });
    let devices = devices.collect::<Vec<_>>();
    let answers = at_once(nodes, 4, |store, number| {
        let leave = Authority::Administrator;
        run(store.remove_enrollment(&devices[number], &leave, MustRemain::AnotherFactor, at(4))).unwrap()
    });
    assert_eq!((count(&answers, &EnrollmentRemoved::Removed), count(&answers, &EnrollmentRemoved::LastFactor)), (3, 1));

    // The audit has no gaps, whoever wrote.
    let sequences = run(two.audit(0, 10_000)).unwrap().into_iter().map(|stored| stored.sequence);
    assert!(sequences.eq(1..=run(one.audit(0, 10_000)).unwrap().len() as u64));
}

#[test]
fn a_node_sees_at_once_what_another_wrote() {
    let files = Files::new();
    let (one, two) = (files.open(), files.open());
    for number in 0..20 {
        let name = format!("user {number}");
        run(add_user(&one, &name));
        run(reread(&two, &name));
    }
}

#[test]
fn a_dropped_store_has_closed_its_file() {
    let files = Files::new();
    let store = files.open();
    run(add_user(&store, "ada"));
    drop(store);
    assert!(!files.store().with_extension("db-wal").exists(), "its log was taken in when it closed");
}
