//! What must hold once another engine stands where one died, and that the person can go on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use countersign::audit::AuditKind;
use countersign::challenge::{NotSent, StartError, Started, Verdict};
use countersign::clock::Clock as _;
use countersign::enrollment::{Actor, EnrollError};
use countersign::store::{ChallengeId, ChallengeState, EnrollmentId, Factor};
use countersign_plugin::{Purpose, Timestamp};

use crate::app;
use crate::history::{PAUSE, USER, another, app_code, device, login, phone};
use crate::journal::{Known, Line, known, typed};
use crate::site::Site;

/// How long a code that was accepted is remembered, in seconds: as long as it could live.
const REMEMBERED: u64 = 600;

pub(crate) async fn examine(site: &Site, at: &str) {
    let lines = site.journal.lines();
    let (known, key) = (known(&lines), key(&lines));
    let after = After { site, at, lines: &lines, key, accepted: RefCell::default() };
    let messages = site.world.messages().len();

    after.everything_can_be_read().await;
    after.what_was_told_is_written(&known).await;
    after.no_step_of_an_app_serves_again(&known).await;
    // The newest first: none of the others may be what it waits for.
    for challenge in known.iter().rev() {
        after.stands_as_it_was_told(challenge).await;
    }
    after.what_was_never_told_serves_once().await;
    assert_eq!(site.world.messages().len(), messages, "{at}: something was sent that nobody asked for");

    after.the_person_goes_on(&known).await;
    after.each_challenge_was_approved_once().await;
}

struct After<'a> {
    site: &'a Site,
    at: &'a str,
    lines: &'a [Line],
    /// The key of the app that the person has set up.
    key: Option<(EnrollmentId, String)>,
    /// Codes of the provider's that were accepted only now.
    accepted: RefCell<Vec<(String, Timestamp)>>,
}

impl After<'_> {
    async fn everything_can_be_read(&self) {
        let Self { site, at, .. } = self;
        site.engine.expire().await.unwrap();
        let _needs = site.engine.assess(USER, "web-portal").await.unwrap_or_else(|error| panic!("{at}: {error}"));
        site.engine.show_user(USER).await.unwrap();
    }

    /// One approval for each that was told, and at most one that was written and not told any more.
    async fn what_was_told_is_written(&self, known: &[Known]) {
        let at = self.at;
        let approvals = self.approvals().await;
        let told = known.iter().filter(|challenge| challenge.approved).count();
        for challenge in known.iter().filter(|challenge| challenge.approved) {
            assert_eq!(approvals.get(challenge.id.as_str()), Some(&1), "{at}: {challenge:?}");
        }
        let written: usize = approvals.values().sum();
        assert!((told..=told + 1).contains(&written), "{at}: {told} approvals were told, {written} are written");
        if known.iter().any(|challenge| challenge.approved && challenge.purpose == Purpose::Enroll) {
            assert!(self.has(&Factor::Phone).await, "{at}: the phone was told to be registered");
        }
        if self.app_was_told_approved() {
            assert!(self.has_app().await, "{at}: the app was told to be registered");
        }
    }

    /// Not the first code of the app, not that of a login: neither on a new challenge.
    async fn no_step_of_an_app_serves_again(&self, known: &[Known]) {
        let Self { site, at, .. } = self;
        if !self.has_app().await {
            return;
        }
        let mut accepted = Vec::new();
        if let Some((enrollment, _)) = &self.key {
            accepted.extend(typed(self.lines, enrollment.as_str()).last());
        }
        for challenge in known.iter().filter(|challenge| challenge.method == "totp") {
            if self.approvals().await.contains_key(challenge.id.as_str()) {
                accepted.extend(typed(self.lines, challenge.id.as_str()).last());
            }
        }
        for (code, typed) in accepted {
            let started = site.engine.start(login("totp")).await.unwrap();
            let verdict = self.check(&started.challenge, code).await;
            // The plugin looks one step back.
            let in_window = site.clock.now().as_secs() / app::PERIOD - typed.as_secs() / app::PERIOD <= 1;
            let expected = if in_window { "replayed" } else { "wrong_code" };
            assert_eq!(verdict.name(), expected, "{at}: a step of {typed:?} again");
            let _ = site.engine.cancel(&started.challenge).await.unwrap();
        }
    }

    /// It takes the right code once, unless it has ended in a way that can be explained.
    async fn stands_as_it_was_told(&self, challenge: &Known) {
        let Self { site, at, .. } = self;
        let open = site.store.challenge(&challenge.id).await.unwrap();
        let open = open.unwrap_or_else(|| panic!("{at}: {challenge:?} is not known any more"));
        let approvals = self.approvals().await;
        let asked = self.lines.iter().rev().find_map(|line| match line {
            Line::Asks(what) => Some(what.as_str()),
            _ => None,
        });
        match open.state {
            ChallengeState::Sending | ChallengeState::Pending => {
                assert!(!challenge.approved && !challenge.canceled, "{at}: {challenge:?} is open again");
            }
            ChallengeState::Approved => assert!(approvals.contains_key(challenge.id.as_str()), "{at}: {challenge:?}"),
            ChallengeState::Canceled => assert!(challenge.canceled || asked == Some("cancel"), "{at}: {challenge:?}"),
            other => panic!("{at}: {challenge:?} is {other:?}"),
        }
        assert!(open.attempts >= challenge.wrong, "{at}: {challenge:?} has forgotten wrong codes");

        let code = match challenge.method.as_str() {
            "totp" => self.app_code(),
            _ => typed(self.lines, challenge.id.as_str())
                .map(|(code, _)| code.to_owned())
                .filter(|_| challenge.approved)
                .last()
                .unwrap_or_else(|| site.world.last_code()),
        };
        if challenge.method == "sms" {
            let asked = site.world.checks(&code);
            assert!(open.attempts >= asked, "{at}: {challenge:?} counts {} of {asked} guesses", open.attempts);
        }
        let is_open = matches!(open.state, ChallengeState::Sending | ChallengeState::Pending);
        // Where the provider said yes and we died before it was written, the answer is no.
        let spent = challenge.method == "sms" && site.world.has_approved(&code);
        let expected = if is_open && !spent { "approved" } else { "expired" };
        let judge = async || self.judge(&challenge.id, challenge.purpose, &challenge.method, &code).await;
        assert_eq!(judge().await.name(), expected, "{at}: {challenge:?}");
        assert_eq!(judge().await, Verdict::Expired, "{at}: {challenge:?} a second time");
        if expected == "approved" && challenge.purpose == Purpose::Enroll {
            assert!(self.has(&Factor::Phone).await, "{at}");
        }
    }

    /// Challenges that were written down, perhaps sent, and never told: they count as sent.
    async fn what_was_never_told_serves_once(&self) {
        let Self { site, at, .. } = self;
        let Some(code) = site.world.messages().pop() else { return };
        let user = site.engine.show_user(USER).await.unwrap().id;
        for challenge in site.store.open_challenges(&user, site.clock.now()).await.unwrap() {
            let open = site.store.challenge(&challenge).await.unwrap().unwrap();
            let code = if open.delivery.service == "totp" { self.app_code() } else { code.clone() };
            let mut approved = 0;
            for _ in 0..2 {
                let verdict = self.judge(&challenge, open.purpose, &open.delivery.service, &code).await;
                approved += usize::from(verdict.name() == "approved");
            }
            assert!(approved <= 1, "{at}: {challenge} was approved twice");
        }
    }

    async fn the_person_goes_on(&self, known: &[Known]) {
        let Self { site, at, .. } = self;
        site.clock.advance(PAUSE);
        if !self.has(&Factor::Phone).await {
            let started = self.patiently(async || site.engine.begin_phone(phone()).await).await;
            let verdict = site.engine.confirm_phone(&started.challenge, &site.world.last_code()).await.unwrap();
            assert_eq!(verdict.name(), "approved", "{at}: the phone is registered at last");
            site.clock.advance(PAUSE);
        }

        let sent = self.patiently(async || site.engine.start(login("sms")).await).await;
        self.no_code_serves_again(&sent.challenge, known).await;
        let verdict = self.check(&sent.challenge, &site.world.last_code()).await;
        assert_eq!(verdict.name(), "approved", "{at}: a login by text message");

        site.clock.advance(PAUSE);
        let spoken = self.patiently(async || site.engine.start(login("voice")).await).await;
        let code = site.world.last_code();
        assert_eq!(
            self.check(&spoken.challenge, &another(std::slice::from_ref(&code))).await.name(),
            "wrong_code",
            "{at}"
        );
        assert_eq!(self.check(&spoken.challenge, &code).await.name(), "approved", "{at}: a login by call");

        let key = self.app(&spoken).await;
        site.clock.advance(PAUSE);
        let code = app_code(&key, site.clock.now());
        for expected in ["approved", "replayed"] {
            let started = site.engine.start(login("totp")).await.unwrap();
            assert_eq!(self.check(&started.challenge, &code).await.name(), expected, "{at}: a login by app");
        }
        assert!(!site.engine.show_user(USER).await.unwrap().factors.iter().any(|it| it.pending_until.is_some()));
    }

    /// Even if the provider would say yes to all that it once sent.
    async fn no_code_serves_again(&self, fresh: &ChallengeId, known: &[Known]) {
        let Self { site, at, .. } = self;
        let approvals = self.approvals().await;
        let mut accepted = self.accepted.take();
        for challenge in known.iter().filter(|it| it.method == "sms" && approvals.contains_key(it.id.as_str())) {
            let last = typed(self.lines, challenge.id.as_str()).last();
            // One that was approved only now had a wrong one typed before.
            accepted
                .extend(last.filter(|(code, _)| site.world.has_approved(code)).map(|(code, at)| (code.to_owned(), at)));
        }
        let now = site.clock.now();
        site.world.lie(true);
        for (code, typed) in accepted.into_iter().filter(|(_, typed)| now.since(*typed).as_secs() < REMEMBERED) {
            assert_eq!(self.check(fresh, &code).await, Verdict::Replayed, "{at}: {code} of {typed:?} again");
        }
        site.world.lie(false);
    }

    /// The key of an app that is registered; where none is, the one that was shown still serves, or a new one is.
    async fn app(&self, approval: &Started) -> String {
        let Self { site, at, .. } = self;
        let shown = match &self.key {
            Some((_, key)) if self.has_app().await => return key.clone(),
            Some(shown) => shown.clone(),
            None => {
                assert!(!self.has_app().await, "{at}: an app that nobody was shown the key of");
                let actor = Actor::Person { approval: Some(&approval.challenge) };
                let enrolling = site.engine.begin_device(device(actor)).await.unwrap();
                (enrolling.enrollment, enrolling.setup.key)
            }
        };
        let (enrollment, key) = shown;
        let code = app_code(&key, site.clock.now());
        let verdict = site.engine.confirm_device(USER, &enrollment, &code).await.unwrap();
        assert_eq!(verdict.name(), "approved", "{at}: the key that was shown");
        key
    }

    async fn each_challenge_was_approved_once(&self) {
        for (challenge, times) in self.approvals().await {
            assert_eq!(times, 1, "{}: {challenge} has {times} approvals", self.at);
        }
    }

    /// As often as the engine names a time to try again.
    async fn patiently<E: Refusal>(&self, attempt: impl AsyncFn() -> Result<Started, E>) -> Started {
        for _ in 0..3 {
            match attempt().await {
                Ok(started) => return started,
                Err(error) => match error.until() {
                    Some(until) => self.site.clock.wait_until(until),
                    None => panic!("{}: {error:?}", self.at),
                },
            }
        }
        panic!("{}: nothing is ever sent again", self.at)
    }

    async fn judge(&self, challenge: &ChallengeId, purpose: Purpose, method: &str, code: &str) -> Verdict {
        let verdict = match purpose {
            Purpose::Login => self.check(challenge, code).await,
            _ => self.site.engine.confirm_phone(challenge, code).await.unwrap(),
        };
        if method == "sms" && verdict.name() == "approved" {
            self.accepted.borrow_mut().push((code.to_owned(), self.site.clock.now()));
        }
        verdict
    }

    async fn check(&self, challenge: &ChallengeId, code: &str) -> Verdict {
        self.site.engine.check(challenge, code).await.unwrap()
    }

    /// How often each challenge was approved, by the audit.
    async fn approvals(&self) -> BTreeMap<String, usize> {
        let mut approvals = BTreeMap::new();
        for stored in self.site.store.audit(0, u32::MAX).await.unwrap() {
            if stored.event.kind == AuditKind::Approved {
                *approvals.entry(stored.event.challenge.unwrap().to_string()).or_default() += 1;
            }
        }
        approvals
    }

    async fn has(&self, factor: &Factor) -> bool {
        let factors = self.site.engine.show_user(USER).await.unwrap().factors;
        factors.iter().any(|it| it.factor == *factor && it.pending_until.is_none())
    }

    async fn has_app(&self) -> bool {
        self.has(&Factor::Device("totp".to_owned())).await
    }

    fn app_was_told_approved(&self) -> bool {
        let Some((enrollment, _)) = &self.key else { return false };
        let approved = |line: &Line| matches!(line, Line::Judged { on, verdict } if on == enrollment.as_str() && verdict == "approved");
        self.lines.iter().any(approved)
    }

    fn app_code(&self) -> String {
        let (_, key) = self.key.as_ref().expect("the person has an app");
        app_code(key, self.site.clock.now())
    }
}

fn key(lines: &[Line]) -> Option<(EnrollmentId, String)> {
    lines.iter().find_map(|line| match line {
        Line::SetUp { enrollment, key } => Some((EnrollmentId::parse(enrollment).unwrap(), key.clone())),
        _ => None,
    })
}

/// An error that may name a time to try again.
trait Refusal: std::fmt::Debug {
    fn until(&self) -> Option<Timestamp>;
}

impl Refusal for StartError {
    fn until(&self) -> Option<Timestamp> {
        if let Self::NotSent(why) = self { NotSent::until(why) } else { None }
    }
}

impl Refusal for EnrollError {
    fn until(&self) -> Option<Timestamp> {
        if let Self::NotSent(why) = self { NotSent::until(why) } else { None }
    }
}
