//! What the person does, until the process dies: registers a phone, logs in by each method, registers an app, and
//! cancels a login.

use countersign::challenge::{Cancellation, Resend, StartLogin, Started, Verdict};
use countersign::clock::Clock as _;
use countersign::enrollment::{Actor, BeginFactor, BeginPhone};
use countersign_plugin::{Purpose, Timestamp};

use crate::app;
use crate::journal::Line;
use crate::site::Site;

pub(crate) const USER: &str = "ada";
pub(crate) const NUMBER: &str = "+15005550006";
/// Longer than the cool-down between two sends, and than a time step.
pub(crate) const PAUSE: u64 = 31;

pub(crate) async fn play(site: &Site) {
    let Site { engine, world, clock, journal, .. } = site;

    journal.asks("register a phone");
    let started = engine.begin_phone(phone()).await.unwrap();
    journal.started(&started, Purpose::Enroll);
    let code = world.last_code();
    journal.types(&started.challenge, &code, clock.now());
    let verdict = engine.confirm_phone(&started.challenge, &code).await.unwrap();
    journal.judged(&started.challenge, &verdict);
    assert_eq!(verdict.name(), "approved");

    clock.advance(PAUSE);
    let started = start(site, "sms").await;
    check(site, &started, &another(&[world.last_code()]), "wrong_code").await;
    clock.advance(PAUSE);
    journal.asks("resend");
    let again = Resend { challenge: &started.challenge, method: None, locale: None };
    let started = engine.resend(again).await.unwrap();
    journal.started(&started, Purpose::Login);
    check(site, &started, &world.last_code(), "approved").await;

    clock.advance(PAUSE);
    let spoken = start(site, "voice").await;
    check(site, &spoken, &another(&[world.last_code()]), "wrong_code").await;
    check(site, &spoken, &world.last_code(), "approved").await;

    journal.asks("register an app");
    let approval = Some(&spoken.challenge);
    let enrolling = engine.begin_device(device(Actor::Person { approval })).await.unwrap();
    let (enrollment, key) = (enrolling.enrollment.to_string(), enrolling.setup.key.clone());
    journal.tell(&Line::SetUp { enrollment, key: key.clone() });
    let right = app_codes(&key, clock.now());
    for (code, expected) in [(another(&right), "wrong_code"), (right[1].clone(), "approved")] {
        journal.types(&enrolling.enrollment, &code, clock.now());
        let verdict = engine.confirm_device(USER, &enrolling.enrollment, &code).await.unwrap();
        journal.judged(&enrolling.enrollment, &verdict);
        assert_eq!(verdict.name(), expected);
    }

    clock.advance(PAUSE);
    let started = start(site, "totp").await;
    check(site, &started, &app_code(&key, clock.now()), "approved").await;

    clock.advance(PAUSE);
    let started = start(site, "sms").await;
    journal.asks("cancel");
    assert_eq!(engine.cancel(&started.challenge).await.unwrap(), Cancellation::Canceled);
    journal.tell(&Line::Canceled { challenge: started.challenge.to_string() });
}

pub(crate) fn phone() -> BeginPhone<'static> {
    let actor = Actor::Person { approval: None };
    BeginPhone { user: USER, number: NUMBER, method: "sms", locale: None, actor }
}

pub(crate) fn device(actor: Actor<'_>) -> BeginFactor<'_> {
    BeginFactor { user: USER, method: "totp", locale: None, actor }
}

pub(crate) fn login(method: &str) -> StartLogin<'_> {
    StartLogin { user: USER, login_type: "web-portal", method: Some(method), locale: None }
}

async fn start(site: &Site, method: &str) -> Started {
    site.journal.asks(method);
    let started = site.engine.start(login(method)).await.unwrap();
    site.journal.started(&started, Purpose::Login);
    started
}

async fn check(site: &Site, started: &Started, code: &str, expected: &str) {
    site.journal.types(&started.challenge, code, site.clock.now());
    let verdict: Verdict = site.engine.check(&started.challenge, code).await.unwrap();
    site.journal.judged(&started.challenge, &verdict);
    assert_eq!(verdict.name(), expected);
}

/// A code that is none of these.
pub(crate) fn another(codes: &[String]) -> String {
    let mut all = (0..10).map(|digit| digit.to_string().repeat(6));
    all.find(|code| !codes.contains(code)).unwrap()
}

/// What the person's app shows.
pub(crate) fn app_code(key: &str, now: Timestamp) -> String {
    app::code(key, 6, now)
}

/// The codes of the step before, of this one and of the next.
fn app_codes(key: &str, now: Timestamp) -> [String; 3] {
    let now = now.as_secs();
    [now - app::PERIOD, now, now + app::PERIOD].map(|seconds| app_code(key, Timestamp::from_secs(seconds)))
}
