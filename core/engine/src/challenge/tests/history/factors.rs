//! Moves that change factors, and what they rest on.

use std::time::Duration;

use super::*;
use crate::enrollment::APPROVAL_LIFETIME;
use crate::store::{EnrollmentId, Factor};

/// By whose leave a factor comes or goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leave {
    Nobodys,
    /// One of the newest passes, however old and whether used or not: the user's own, or (from 3 on)
    /// whoever's.
    Approval(usize),
    Administrators,
}

/// A challenge that was passed.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    challenge: ChallengeId,
    user: usize,
    purpose: Purpose,
    at: Timestamp,
    /// The factor that it was passed by.
    by: Option<EnrollmentId>,
    /// Whether a change was made by it.
    used: bool,
}

impl Model {
    /// What an app's code stands for: the newest step around this moment whose code it is.
    pub(super) fn step(&self, app: &Enrolling, typed: &str, now: Timestamp) -> String {
        let shown = (-1..=1).rev().find(|later| self.rig.world.app_code_at(&app.setup, *later) == typed);
        let later = shown.expect("a code that the app shows around now");
        format!("{} {}", app.enrollment, (now.as_secs() / 30).checked_add_signed(later).unwrap())
    }

    /// Somebody passed this challenge.
    pub(super) fn passed(&mut self, at: usize, who: usize) {
        self.known[at].good = None;
        self.failures.insert(who, 0);
        self.locked.remove(&who);
        let Known { id, user, purpose, .. } = self.known[at].clone();
        let at = self.rig.now();
        self.passes.push(Pass { challenge: id, user, purpose, at, by: None, used: false });
    }

    pub(super) async fn login(&mut self, user: usize, method: &str, calm: bool) {
        let before = self.known.len();
        self.start(user, method).await;
        if self.known.len() == before {
            return;
        }
        if method == "push" {
            self.decide(0, Status::Approved).await;
            self.poll(0).await;
        } else {
            self.check(0, Guess::Right, calm).await;
        }
    }

    pub(super) async fn decide(&mut self, nth: usize, status: Status) {
        let Some(at) = self.pick(nth) else { return };
        if let Some(sid) = self.request(at).await {
            self.rig.world.decide_for(sid, status);
        }
    }

    /// The request that is on the person's device.
    async fn request(&self, at: usize) -> Option<u64> {
        let open = self.rig.store.challenge(&self.known[at].id).await.unwrap()?;
        let pushed = Some(open.delivery).filter(|delivery| delivery.channel == "push");
        pushed.and_then(|delivery| delivery.data).map(|data| data.read().unwrap())
    }

    pub(super) async fn poll(&mut self, nth: usize) {
        let Some(at) = self.pick(nth) else { return };
        let (request, known) = (self.request(at).await, self.known[at].clone());
        let now = self.rig.now();
        let polled = self.rig.unless_we_die(async {
            match known.purpose {
                Purpose::Login => self.rig.engine.poll(&known.id).await,
                Purpose::Enroll => self.rig.engine.poll_enrollment(&known.id).await,
                other => panic!("nothing begins a challenge for {other:?}"),
            }
        });
        if let Some(Ok(Progress::Over(Verdict::Approved(passed)))) = polled.await {
            let sid = request.expect("approved without a request");
            assert_eq!(self.rig.world.answer_to(sid), Some(Status::Approved));
            assert!(self.locked.get(&known.user).is_none_or(|until| now >= *until), "approved while locked");
            assert_eq!((passed.user.as_str(), passed.purpose), (USERS[known.user], known.purpose));
            assert!(self.accepted.insert(format!("request {sid}")), "one answer, two approvals");
            self.passed(at, known.user);
        }
    }

    /// The challenge that a leave names.
    async fn leave(&mut self, user: usize, leave: Leave) -> Option<(usize, ChallengeId)> {
        let Leave::Approval(nth) = leave else { return None };
        let own = |pass: &Pass| nth >= 3 || pass.user == user;
        let mut newest = (0..self.passes.len()).rev().filter(|at| own(&self.passes[*at]));
        let at = newest.nth(nth % 3)?;
        let pass = self.passes[at].clone();
        if pass.by.is_none() {
            let open = self.rig.store.challenge(&pass.challenge).await.unwrap();
            self.passes[at].by = open.and_then(|open| open.enrollment).map(|found| found.id);
        }
        Some((at, pass.challenge))
    }

    /// A change was made for a user by this leave: it must have been one, and is none any more.
    fn made_by(&mut self, user: usize, leave: Leave, pass: Option<usize>, active: &[EnrollmentId], now: Timestamp) {
        assert!(!matches!(leave, Leave::Nobodys), "changed without leave");
        let Leave::Approval(_) = leave else { return };
        let pass = &mut self.passes[pass.expect("a leave that does not exist")];
        assert_eq!((pass.user, pass.purpose), (user, Purpose::Login), "somebody else's, or no login: {pass:?}");
        assert!(now.since(pass.at) <= APPROVAL_LIFETIME + Duration::from_secs(40), "too old: {pass:?}");
        assert!(!pass.used, "used twice: {pass:?}");
        assert!(pass.by.as_ref().is_some_and(|by| active.contains(by)), "passed by what is gone: {pass:?}");
        pass.used = true;
    }

    async fn active(&self, user: usize) -> Vec<(EnrollmentId, Factor)> {
        let id = self.rig.store.user(USERS[user]).await.unwrap().unwrap().id;
        let all = self.rig.store.enrollments(&id, self.rig.now()).await.unwrap().into_iter();
        all.filter(|found| found.active).map(|found| (found.id, found.factor)).collect()
    }

    async fn active_ids(&self, user: usize) -> Vec<EnrollmentId> {
        self.active(user).await.into_iter().map(|(id, _)| id).collect()
    }

    pub(super) async fn enroll_app(&mut self, user: usize, leave: Leave) {
        let named = self.leave(user, leave).await;
        let approval = named.as_ref().map(|(_, challenge)| challenge);
        let actor = match leave {
            Leave::Administrators => Actor::Administrator,
            Leave::Nobodys | Leave::Approval(_) => Actor::Person { approval },
        };
        let (before, now) = (self.active_ids(user).await, self.rig.now());
        let Some(Ok(enrolling)) = self.rig.unless_we_die(self.rig.begin_app(USERS[user], actor)).await else { return };
        self.apps.insert(user, enrolling.clone());
        let code = self.rig.world.app_code(&enrolling.setup);
        let moment = self.rig.now();
        let confirm = self.rig.engine.confirm_device(USERS[user], &enrolling.enrollment, &code);
        let verdict = self.rig.unless_we_die(confirm).await;
        // Also where nobody was told.
        if self.active_ids(user).await.contains(&enrolling.enrollment) {
            self.made_by(user, leave, named.map(|(at, _)| at), &before, now);
            assert!(self.accepted.insert(self.step(&enrolling, &code, moment)));
            self.failures.insert(user, 0);
            self.locked.remove(&user);
        } else {
            assert!(!matches!(verdict, Some(Ok(Verdict::Approved(_)))), "it was said to be enrolled");
        }
    }

    pub(super) async fn remove(&mut self, user: usize, phone: bool, leave: Leave) {
        let named = self.leave(user, leave).await;
        let approval = named.as_ref().map(|(_, challenge)| challenge);
        let actor = match leave {
            Leave::Administrators => Actor::Administrator,
            Leave::Nobodys | Leave::Approval(_) => Actor::Person { approval },
        };
        let factor = if phone { Factor::Phone } else { Factor::Device("totp".to_owned()) };
        let (before, now) = (self.active_ids(user).await, self.rig.now());
        let _told = self.rig.unless_we_die(self.rig.engine.remove_factor(USERS[user], &factor, actor)).await;
        let after = self.active_ids(user).await;
        if after.len() < before.len() {
            self.made_by(user, leave, named.map(|(at, _)| at), &before, now);
            if !matches!(leave, Leave::Administrators) {
                assert!(!after.is_empty(), "the last factor went, and the site asks for one");
            }
            self.forgo(user);
        }
    }

    /// What waits for a factor that is gone is over.
    fn forgo(&mut self, user: usize) {
        for known in self.known.iter_mut().filter(|known| known.user == user) {
            known.good = None;
        }
    }

    pub(super) async fn change_number(&mut self, user: usize) {
        self.shake(user);
        let changed = self.rig.engine.change_number(USERS[user], number(user), "sms");
        let changed = self.rig.unless_we_die(changed).await;
        self.forgo(user);
        if let Some(Ok(started)) = changed {
            let code = self.rig.world.last_code(number(user));
            let proof = self.rig.engine.confirm_phone(&started.challenge, &code);
            if let Some(Ok(Verdict::Approved(passed))) = self.rig.unless_we_die(proof).await {
                assert_eq!((passed.user.as_str(), passed.purpose), (USERS[user], Purpose::Enroll));
                assert!(self.accepted.insert(code.clone()), "accepted twice: {code}");
                self.used.push(code);
                self.failures.insert(user, 0);
                self.locked.remove(&user);
            }
        }
    }

    /// Gives a user back what went in the course of things.
    pub(super) async fn mend(&mut self, user: usize) {
        self.rig.clock.advance(600);
        let name = USERS[user];
        self.rig.engine.unlock(name).await.unwrap();
        let factors = self.active(user).await;
        if !factors.iter().any(|(_, factor)| *factor == Factor::Phone) {
            let started = self.rig.engine.change_number(name, number(user), "call").await.unwrap();
            let code = self.rig.world.last_code(number(user));
            approved(&self.rig.engine.confirm_phone(&started.challenge, &code).await.unwrap());
        }
        let _had_none =
            self.rig.engine.remove_factor(name, &Factor::Device("totp".to_owned()), Actor::Administrator).await;
        self.apps.insert(user, self.rig.with_app_approved(name).await);
    }
}
