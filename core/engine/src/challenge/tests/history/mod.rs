//! Random histories against a simple model of what a person may rely on.

mod factors;

use std::collections::{BTreeMap, BTreeSet};

use countersign_plugin::{Failure, FailureKind, Purpose, Status, Timestamp};
use proptest::prelude::*;

use self::factors::{Leave, Pass};
use super::*;
use crate::enrollment::{Actor, BeginFactor, Enrolling};
use crate::rig::Fault;
use crate::store::Store as _;

/// Ada and Bob share a telephone; Cy has one of his own, and an app. All have a device for approvals.
const USERS: [&str; 3] = ["ada", "bob", "cy"];
const METHODS: [&str; 5] = ["sms", "call", "totp", "hotline", "push"];
/// Locks in a row double up to this.
const LONGEST_LOCK: std::time::Duration = std::time::Duration::from_secs(86_400);

fn number(user: usize) -> &'static str {
    if user == 2 { OTHER_NUMBER } else { NUMBER }
}

#[derive(Clone, Debug)]
enum Move {
    Start {
        user: usize,
        method: usize,
    },
    /// A factor that is there already must not be had twice; a new number needs a leave.
    Enroll {
        user: usize,
    },
    Resend {
        challenge: usize,
        method: Option<usize>,
    },
    Check {
        challenge: usize,
        typed: Guess,
    },
    Cancel {
        challenge: usize,
    },
    /// The person answers a request on their device.
    Decide {
        challenge: usize,
        status: Status,
    },
    Poll {
        challenge: usize,
    },
    /// A whole login by the code or the answer that is right.
    Login {
        user: usize,
        method: usize,
    },
    /// An app is enrolled, and its first code typed.
    EnrollApp {
        user: usize,
        leave: Leave,
    },
    Remove {
        user: usize,
        phone: bool,
        leave: Leave,
    },
    /// An administrator changes the number, and the person proves it.
    ChangeNumber {
        user: usize,
    },
    Wait {
        millis: u64,
    },
    Tidy,
}

#[derive(Clone, Copy, Debug)]
enum Guess {
    Right,
    Wrong,
    NoCode,
    /// One that was accepted before.
    Used(usize),
    /// The newest on somebody's screen.
    OfScreen(usize),
}

#[derive(Clone, Debug)]
enum Trouble {
    None,
    Weather(Weather),
    Store { writes: usize, fault: Fault },
}

/// For each four that start, check or wait, so many that change factors.
fn moves(factors: u32) -> impl Strategy<Value = Vec<(Move, Trouble)>> {
    let guess = prop_oneof![
        6 => Just(Guess::Right),
        4 => Just(Guess::Wrong),
        1 => Just(Guess::NoCode),
        2 => (0..8_usize).prop_map(Guess::Used),
        1 => (0..3_usize).prop_map(Guess::OfScreen),
    ];
    let status = prop::sample::select(vec![Status::Approved, Status::Approved, Status::Denied, Status::Expired]);
    let leave = prop_oneof![
        1 => Just(Leave::Nobodys),
        4 => (0..4_usize).prop_map(Leave::Approval),
        1 => Just(Leave::Administrators),
    ];
    let one = prop_oneof![
        5 => (0..3_usize, 0..5_usize).prop_map(|(user, method)| Move::Start { user, method }),
        1 => (0..3_usize).prop_map(|user| Move::Enroll { user }),
        3 => (0..4_usize, prop::option::of(0..5_usize))
            .prop_map(|(challenge, method)| Move::Resend { challenge, method }),
        8 => (0..4_usize, guess).prop_map(|(challenge, typed)| Move::Check { challenge, typed }),
        1 => (0..4_usize).prop_map(|challenge| Move::Cancel { challenge }),
        2 => (0..4_usize, status).prop_map(|(challenge, status)| Move::Decide { challenge, status }),
        3 => (0..4_usize).prop_map(|challenge| Move::Poll { challenge }),
        4 => prop::sample::select(vec![1, 29_999, 30_000, 60_000, 300_000, 600_000, 900_000])
            .prop_map(|millis| Move::Wait { millis }),
        1 => Just(Move::Tidy),
    ];
    let changing = prop_oneof![
        4 => (0..3_usize, 1..5_usize).prop_map(|(user, method)| Move::Login { user, method }),
        3 => (0..3_usize, leave.clone()).prop_map(|(user, leave)| Move::EnrollApp { user, leave }),
        3 => (0..3_usize, any::<bool>(), leave).prop_map(|(user, phone, leave)| Move::Remove { user, phone, leave }),
        1 => (0..3_usize).prop_map(|user| Move::ChangeNumber { user }),
    ];
    let one = prop_oneof![4 => one, factors => changing];
    let weather = prop::sample::select(vec![
        Weather::NotSent,
        Weather::LostRequest,
        Weather::LostReply,
        Weather::DieBefore,
        Weather::DieAfter,
        Weather::Slow(40),
        Weather::Refused(Failure::new(FailureKind::Unavailable, "out of order")),
        Weather::Refused(Failure::new(FailureKind::Blocked, "fraud")),
    ]);
    let fault = prop::sample::select(vec![Fault::Fails, Fault::DieBefore, Fault::DieAfter]);
    let trouble = prop_oneof![
        7 => Just(Trouble::None),
        2 => weather.prop_map(Trouble::Weather),
        1 => (0..5_usize, fault).prop_map(|(writes, fault)| Trouble::Store { writes, fault }),
    ];
    prop::collection::vec((one, trouble), 1..60)
}

/// What the model knows of a challenge.
#[derive(Clone, Debug)]
struct Known {
    id: ChallengeId,
    user: usize,
    purpose: Purpose,
    way: Way,
    /// The code that the person was told to type, as long as they may rely on it.
    good: Option<(String, Timestamp)>,
    /// Every code that was ever right here.
    right: BTreeSet<String>,
    judged: u32,
}

/// How a challenge is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Code,
    App,
    Push,
}

struct Model {
    rig: Rig,
    /// The newest app of each user, confirmed or not.
    apps: BTreeMap<usize, Enrolling>,
    known: Vec<Known>,
    /// What was passed, newest last.
    passes: Vec<Pass>,
    /// What was accepted: a code of a screen, a step of an app, a request. Nothing twice.
    accepted: BTreeSet<String>,
    used: Vec<String>,
    /// Wrong codes since the last success or lock.
    failures: BTreeMap<usize, u32>,
    locked: BTreeMap<usize, Timestamp>,
}

impl Model {
    async fn new() -> Self {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        rig.with_phone("bob", NUMBER).await;
        rig.with_phone("cy", OTHER_NUMBER).await;
        let app = rig.with_app_approved("cy").await;
        for user in USERS {
            let begin = BeginFactor { user, method: "push", locale: None, actor: Actor::Administrator };
            let started = rig.engine.begin_other(begin).await.unwrap();
            rig.world.decide(Status::Approved);
            let polled = rig.engine.poll_enrollment(&started.challenge).await.unwrap();
            assert!(matches!(polled, Progress::Over(Verdict::Approved(_))));
            rig.clock.advance(30);
        }
        rig.clock.advance(600);
        Self {
            rig,
            apps: BTreeMap::from([(2, app)]),
            known: Vec::new(),
            passes: Vec::new(),
            accepted: BTreeSet::new(),
            used: Vec::new(),
            failures: BTreeMap::new(),
            locked: BTreeMap::new(),
        }
    }

    /// One of the newest challenges.
    fn pick(&self, nth: usize) -> Option<usize> {
        self.known.len().checked_sub(1 + nth % 4)
    }

    async fn play(&mut self, next: &Move, trouble: &Trouble) {
        match trouble {
            Trouble::None => {}
            Trouble::Weather(weather) => {
                self.rig.world.next(weather.clone());
                // The engine repeats what did not leave, and a lost cancellation.
                if matches!(weather, Weather::NotSent | Weather::LostRequest) {
                    self.rig.world.next(weather.clone());
                }
            }
            Trouble::Store { writes, fault } => self.rig.store.after(*writes, *fault),
        }
        let calm = matches!(trouble, Trouble::None);
        match next {
            Move::Start { user, method } => self.start(*user, METHODS[*method]).await,
            Move::Enroll { user } => self.enroll(*user).await,
            Move::Resend { challenge, method } => self.resend(*challenge, method.map(|method| METHODS[method])).await,
            Move::Check { challenge, typed } => self.check(*challenge, *typed, calm).await,
            Move::Cancel { challenge } => self.cancel(*challenge).await,
            Move::Decide { challenge, status } => self.decide(*challenge, *status).await,
            Move::Poll { challenge } => self.poll(*challenge).await,
            Move::Login { user, method } => self.login(*user, METHODS[*method], calm).await,
            Move::EnrollApp { user, leave } => self.enroll_app(*user, *leave).await,
            Move::Remove { user, phone, leave } => self.remove(*user, *phone, *leave).await,
            Move::ChangeNumber { user } => self.change_number(*user).await,
            Move::Wait { millis } => self.rig.clock.advance_millis(*millis),
            Move::Tidy => {
                let _counted = self.rig.unless_we_die(self.rig.engine.expire()).await;
            }
        }
        self.rig.world.clear();
        self.rig.store.calm();
        if !calm {
            self.rig.reborn();
        }
        self.rules().await;
    }

    /// Whoever starts or repeats may cost others on this telephone their code.
    fn shake(&mut self, user: usize) {
        for known in self.known.iter_mut().filter(|known| number(known.user) == number(user) && known.way == Way::Code)
        {
            known.good = None;
        }
    }

    async fn start(&mut self, user: usize, method: &str) {
        if !matches!(method, "totp" | "push") {
            self.shake(user);
        }
        let Some(Ok(started)) = self.rig.unless_we_die(self.rig.start(USERS[user], method)).await else { return };
        let known = self.told(started, user, Purpose::Login);
        self.known.push(known);
    }

    /// Somebody who has a factor wants another number without passing first.
    async fn enroll(&mut self, user: usize) {
        let actor = Actor::Person { approval: None };
        let begun = self.rig.begin_phone_as(USERS[user], "+15005550008", "call", actor);
        assert!(!matches!(self.rig.unless_we_die(begun).await, Some(Ok(_))), "enrolled without leave");
        // A newcomer may, and proves nothing but a number.
        let name = format!("newcomer {}", self.known.len());
        self.shake(user);
        let begun = self.rig.begin_phone(&name, number(user), "sms");
        if let Some(Ok(started)) = self.rig.unless_we_die(begun).await {
            let known = self.told(started, user, Purpose::Enroll);
            self.known.push(known);
        }
    }

    fn told(&self, started: Started, user: usize, purpose: Purpose) -> Known {
        let way = match started.channel.as_str() {
            "totp" => Way::App,
            "push" => Way::Push,
            _ => Way::Code,
        };
        let code = if way == Way::Code { self.rig.world.last_code(number(user)) } else { String::new() };
        let right = BTreeSet::from([code.clone()]);
        // A provider that does not tell when its code ends may end it sooner.
        let live = self.rig.world.live().into_iter().find(|live| live.code == code);
        let ends = live.filter(|_| started.channel == "hotline").map_or(started.expires, |live| live.until);
        let sure = started.unconfirmed.is_none() && way == Way::Code;
        let good = sure.then_some((code, started.expires.min(ends)));
        Known { id: started.challenge, user, purpose, way, good, right, judged: 0 }
    }

    async fn resend(&mut self, nth: usize, method: Option<&str>) {
        let Some(at) = self.pick(nth) else { return };
        let Known { id, user, purpose, .. } = self.known[at].clone();
        if !matches!(method, Some("totp" | "push")) {
            self.shake(user);
        }
        self.known[at].good = None;
        let done = self.rig.unless_we_die(self.rig.resend(&id, method)).await;
        let screen = self.rig.world.screen(number(user)).pop();
        // Cut off, it may have been sent.
        self.known[at].right.extend(screen);
        if let Some(Ok(started)) = done {
            let told = self.told(started, user, purpose);
            let known = &mut self.known[at];
            known.way = told.way;
            known.good = told.good;
        }
    }

    async fn cancel(&mut self, nth: usize) {
        let Some(at) = self.pick(nth) else { return };
        self.known[at].good = None;
        let id = self.known[at].id.clone();
        let _answer = self.rig.unless_we_die(self.rig.engine.cancel(&id)).await;
    }

    async fn check(&mut self, nth: usize, guess: Guess, calm: bool) {
        let Some(at) = self.pick(nth) else { return };
        let known = self.known[at].clone();
        let newest = |user: usize| self.rig.world.screen(number(user)).pop().unwrap_or_default();
        let typed = match guess {
            Guess::Right if known.way == Way::App => match self.apps.get(&known.user) {
                Some(app) => self.rig.world.app_code(&app.setup),
                None => WRONG.to_owned(),
            },
            Guess::Right => known.good.as_ref().map_or_else(|| newest(known.user), |(code, _)| code.clone()),
            Guess::Wrong => WRONG.to_owned(),
            Guess::NoCode => "12-34-56".to_owned(),
            Guess::Used(nth) => self.used.get(nth).cloned().unwrap_or_else(|| WRONG.to_owned()),
            Guess::OfScreen(user) => newest(user),
        };
        let before = self.rig.now();
        let was_locked = self.locked.get(&known.user).is_some_and(|until| before < *until);
        let answer = match known.purpose {
            Purpose::Login => {
                let wrong_door = self.rig.engine.confirm_phone(&known.id, &typed).await;
                assert!(!matches!(wrong_door, Ok(Verdict::Approved(_))));
                self.rig.unless_we_die(self.rig.engine.check(&known.id, &typed)).await
            }
            Purpose::Enroll => {
                let wrong_door = self.rig.engine.check(&known.id, &typed).await;
                assert!(matches!(wrong_door, Err(CheckError::UnknownChallenge | CheckError::Store(_))));
                self.rig.unless_we_die(self.rig.engine.confirm_phone(&known.id, &typed)).await
            }
            other => panic!("nothing begins a challenge for {other:?}"),
        };
        if !calm {
            // The provider may have taken the code, and nobody heard of it.
            self.known[at].good = None;
        }
        // A newcomer is a user of their own.
        let who = if known.purpose == Purpose::Login { known.user } else { 1000 + at };
        match answer {
            Some(Ok(Verdict::Approved(passed))) => {
                assert!(!was_locked, "approved while locked");
                assert_eq!(passed.purpose, known.purpose);
                if known.purpose == Purpose::Login {
                    assert_eq!(passed.user, USERS[known.user]);
                }
                let what = match known.way {
                    Way::App => self.step(&self.apps[&known.user], &typed, before),
                    Way::Code => {
                        assert!(known.right.contains(&typed), "{typed} was never right here: {known:?}");
                        typed.clone()
                    }
                    Way::Push => panic!("a code for what has none"),
                };
                assert!(self.accepted.insert(what), "accepted twice: {typed}");
                self.used.push(typed);
                self.passed(at, who);
            }
            Some(Ok(Verdict::WrongCode { attempts_left })) => {
                self.known[at].judged += 1;
                assert!(self.known[at].judged <= 5 && attempts_left < 5);
                if attempts_left == 0 {
                    self.known[at].good = None;
                }
                let failures = self.failures.entry(who).or_default();
                *failures += 1;
                assert!(*failures < 10, "the tenth wrong code locks");
                self.relies(at, &typed, &known, before, "wrong");
            }
            Some(Ok(Verdict::Locked { until })) => {
                assert!(until > before && until <= self.rig.now() + LONGEST_LOCK);
                self.failures.insert(who, 0);
                self.locked.insert(who, until);
            }
            Some(Ok(Verdict::Expired)) if calm => self.relies(at, &typed, &known, before, "expired"),
            _ => {}
        }
    }

    /// Nothing that was told to a person is lost: the code they were told to type is good, unless
    /// something happened to it.
    #[track_caller]
    fn relies(&self, at: usize, typed: &str, known: &Known, now: Timestamp, verdict: &str) {
        if let Some((code, expires)) = &known.good
            && code == typed
            && now < *expires
            && self.known[at].judged < 5
        {
            panic!("{typed} was told to a person and is {verdict}: {known:?}");
        }
    }

    /// What holds at every moment.
    async fn rules(&self) {
        // No two open challenges can be passed by one code of a provider.
        let mut waiting = BTreeSet::new();
        for name in USERS {
            let user = self.rig.store.user(name).await.unwrap().unwrap();
            assert!(user.failures <= 100);
            for id in self.rig.store.open_challenges(&user.id, self.rig.now()).await.unwrap() {
                let open = self.rig.store.challenge(&id).await.unwrap().unwrap();
                assert!(open.attempts <= 5);
                let delivery = open.delivery;
                let waits = delivery.state.checkable();
                let Some(data) = delivery.data.filter(|_| waits && delivery.channel != "voice") else { continue };
                // A request on a device is no code.
                if delivery.channel == "push" {
                    continue;
                }
                let sid: u64 = data.read().unwrap();
                if self.rig.world.live().iter().any(|live| live.sid == sid) {
                    assert!(waiting.insert(sid), "two challenges wait for one code");
                }
            }
        }
    }
}

async fn play(history: &[(Move, Trouble)]) {
    let mut model = Model::new().await;
    for (next, trouble) in history {
        model.play(next, trouble).await;
    }
    // Locks end by themselves.
    model.rig.clock.advance(LONGEST_LOCK.as_secs());
    for (user, method) in [(0, "call"), (1, "sms"), (2, "totp")] {
        model.mend(user).await;
        model.rig.clock.advance(600);
        let started = model.rig.start(USERS[user], method).await.unwrap();
        let code = if method == "totp" {
            model.rig.world.app_code(&model.apps[&user].setup)
        } else {
            model.rig.world.last_code(number(user))
        };
        approved(&model.rig.check(&started.challenge, &code).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_history_approves_wrongly_or_twice_or_loses_what_was_told(history in moves(1)) {
        run(play(&history));
    }

    #[test]
    fn no_history_changes_factors_without_leave(history in moves(12)) {
        run(play(&history));
    }
}
