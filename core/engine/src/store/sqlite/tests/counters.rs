//! Random histories of sends and attempts, against a simple model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    /// Somebody sends to one of three numbers.
    Send {
        user: usize,
        number: usize,
    },
    /// Somebody guesses at one of their two challenges.
    Guess {
        user: usize,
        challenge: usize,
    },
    GiveBackTheLast,
    Unlock {
        user: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => prop_oneof![Just(1), Just(999), Just(1000), Just(9_999), Just(10_000), 0..20_000u64].prop_map(Event::Wait),
        4 => (0..2usize, 0..3usize).prop_map(|(user, number)| Event::Send { user, number }),
        6 => (0..2usize, 0..2usize).prop_map(|(user, challenge)| Event::Guess { user, challenge }),
        1 => Just(Event::GiveBackTheLast),
        1 => (0..2usize).prop_map(|user| Event::Unlock { user }),
    ]
}

/// What was sent to a number since counting began, and until when it is locked.
#[derive(Default)]
struct Number {
    sent: Vec<u64>,
    locked: Option<u64>,
}

impl Number {
    fn send(&mut self, rule: SendRule, now: u64) -> Option<&'static str> {
        let (cool_down, window) = (rule.cool_down_seconds * 1000, rule.window_seconds * 1000);
        if self.locked.is_some_and(|until| now < until) {
            return Some("send_locked");
        }
        if self.sent.last().is_some_and(|last| now < last + cool_down) {
            return Some("cool_down");
        }
        if self.locked.take().is_some() || self.sent.first().is_some_and(|first| now >= first + window) {
            self.sent.clear();
        }
        self.sent.push(now);
        if self.sent.len() as u32 >= rule.cap {
            self.locked = Some(now + rule.lock_seconds * 1000);
        }
        None
    }
}

/// A user's failures in a row, the lock, and the attempts on each challenge.
#[derive(Default)]
struct Guesser {
    failures: u32,
    locked: Option<u64>,
    attempts: BTreeMap<usize, u32>,
}

impl Guesser {
    fn guess(&mut self, challenge: usize, rule: AttemptRule, now: u64) -> Attempt {
        if let Some(until) = self.locked.filter(|until| now < *until) {
            return Attempt::Locked { until: Timestamp::from_millis(until) };
        }
        let attempts = self.attempts.entry(challenge).or_default();
        if *attempts == rule.per_challenge {
            return Attempt::NoneLeft;
        }
        *attempts += 1;
        self.locked = None;
        self.failures += 1;
        if self.failures == 100 {
            self.locked = Some(UNTIL_UNLOCKED.as_millis());
        } else if self.failures.is_multiple_of(rule.per_user) {
            let before = self.failures / rule.per_user - 1;
            self.locked = Some(now + (rule.lock_seconds << before.min(20)).min(86_400) * 1000);
        }
        Attempt::Counted { left: rule.per_challenge - *attempts, locks_until: self.locked.map(Timestamp::from_millis) }
    }

    fn give_back(&mut self, challenge: usize, lock: Option<Timestamp>) {
        let attempts = self.attempts.entry(challenge).or_default();
        if *attempts == 0 {
            return;
        }
        *attempts -= 1;
        if self.failures > 0 {
            self.failures -= 1;
            if lock.is_some() && self.locked == lock.map(Timestamp::as_millis) {
                self.locked = None;
            }
        }
    }
}

async fn play(events: &[Event], send: SendRule, attempts: AttemptRule) {
    let store = SqliteStore::in_memory().unwrap();
    let mut users = Vec::new();
    for name in ["ada", "bob"] {
        let user = add_user(&store, name).await;
        let device = device(&store, &user).await;
        let challenges = [open(&store, &user, &device).await.0, open(&store, &user, &device).await.0];
        users.push((name, user, device, challenges));
    }
    let (mut numbers, mut guessers) = <([Number; 3], [Guesser; 2])>::default();
    let mut now = at(0).as_millis();
    let mut last = None;
    for event in events {
        match event.clone() {
            Event::Wait(millis) => now += millis,
            Event::Send { user, number } => {
                let (_, id, device, _) = &users[user];
                let recipient = store.hash("recipient", &[&[number as u8]]);
                let sent = NewDelivery { recipient: Some(recipient), ..delivery() };
                let moment = Timestamp::from_millis(now);
                let answer = store.open_challenge(login(id, device), sent, send, moment).await.unwrap();
                let locked = guessers[user].locked.is_some_and(|until| now < until);
                let expected = if locked { Some("guess_locked") } else { numbers[number].send(send, now) };
                let found = match answer {
                    SendAllowed::Go => None,
                    SendAllowed::CoolDown { .. } => Some("cool_down"),
                    SendAllowed::SendLocked { until } => {
                        assert_eq!(Some(until.as_millis()), numbers[number].locked);
                        Some("send_locked")
                    }
                    SendAllowed::GuessLocked { .. } => Some("guess_locked"),
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{event:?} at {now}");
            }
            Event::Guess { user, challenge } => {
                let id = &users[user].3[challenge];
                let answer = store.count_attempt(id, attempts, Timestamp::from_millis(now)).await.unwrap();
                assert_eq!(answer, guessers[user].guess(challenge, attempts, now), "{event:?} at {now}");
                if let Attempt::Counted { locks_until, .. } = answer {
                    last = Some((user, challenge, locks_until));
                }
            }
            Event::GiveBackTheLast => {
                if let Some((user, challenge, lock)) = last.take() {
                    let id = &users[user].3[challenge];
                    store.give_back_attempt(id, lock, Timestamp::from_millis(now)).await.unwrap();
                    guessers[user].give_back(challenge, lock);
                }
            }
            Event::Unlock { user } => {
                assert!(store.unlock_user(&users[user].1, Timestamp::from_millis(now)).await.unwrap());
                (guessers[user].failures, guessers[user].locked) = (0, None);
            }
        }
        for ((name, ..), guesser) in users.iter().zip(&guessers) {
            let user = reread(&store, name).await;
            assert_eq!(user.failures, guesser.failures, "{name} after {event:?}");
            assert_eq!(user.locked_until.map(Timestamp::as_millis), guesser.locked, "{name} after {event:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn counters_do_what_a_simple_model_does(
        events in prop::collection::vec(event(), 1..80),
        cap in 1..5u32,
        cool_down_seconds in 0..3u64,
        window_seconds in 1..40u64,
        lock_seconds in 1..40u64,
        per_user in 1..8u32,
        per_challenge in 1..20u32,
    ) {
        let send = SendRule { counts: true, cool_down_seconds, cap, window_seconds, lock_seconds, per_challenge: 5, attempts_per_challenge: 20 };
        run(play(&events, send, AttemptRule { per_challenge, per_user, lock_seconds }));
    }
}
