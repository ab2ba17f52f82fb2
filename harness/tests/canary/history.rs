//! What happens at the site: everything goes well once, and then everything goes wrong.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign::account::NewAccount;
use countersign::bootstrap::Bootstrap;
use countersign::challenge::{Resend, StartLogin, Started};
use countersign::clock::Clock as _;
use countersign::enrollment::{Actor, BeginFactor, BeginPhone};
use countersign::registry::{Registry, RegistryOptions, services};
use countersign_harness::cassette::Player;
use countersign_harness::replay::ReplayTransport;

use crate::app;
use crate::provider::{Mood, Provider};
use crate::secrets::{EMAIL, NATIONAL, NUMBER, Secrets, TOKEN, WRONG};
use crate::site::{FAULTS, Site, WHEN, misbehaving};
use crate::watch::Watch;

const USER: &str = "ada";
/// Longer than any cool-down, and than any code lives.
const LATER: u64 = 700;

pub(crate) fn play(folder: &Path, watch: &Watch) -> Secrets {
    let provider = Provider::start();
    let site = Site::open(folder, &provider.base, watch);
    let mut secrets = Secrets::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let play = Play { site: &site, provider: &provider, watch };
    runtime.block_on(async {
        play.everything_goes_well(&mut secrets).await;
        for way in 0..Mood::BAD {
            for method in ["sms", "call", "authy"] {
                play.a_provider_goes_wrong(method, Mood::Bad(way)).await;
            }
        }
        play.nobody_answers().await;
        for (fault, when) in FAULTS.iter().flat_map(|fault| WHEN.map(|when| (fault, when))) {
            play.a_plugin_goes_wrong(&misbehaving(fault, when)).await;
        }
        play.a_plugin_gossips().await;
        play.nothing_is_recorded().await;
        play.people_mistype().await;
        play.an_operator_mistypes(folder);
        watch.files(&folder.join("store"));
        play.the_audit_is_read().await;
        watch.answer(site.engine.forget("bob").await);
    });
    for code in provider.codes() {
        if !code.is_empty() {
            secrets.add_code(&code);
        }
    }
    drop(site);
    watch.files(&folder.join("store"));
    secrets
}

struct Play<'a> {
    site: &'a Site,
    provider: &'a Provider,
    watch: &'a Watch,
}

impl Play<'_> {
    async fn everything_goes_well(&self, secrets: &mut Secrets) {
        let Self { site: Site { engine, clock, .. }, provider, watch } = self;
        for name in [USER, "bob"] {
            let account = NewAccount { name, email: Some(EMAIL), locale: Some("en"), required: true };
            watch.went_well(engine.add_user(account).await);
        }
        let started = watch.answer(engine.begin_phone(phone(USER, "sms")).await).unwrap();
        watch.went_well(engine.confirm_phone(&started.challenge, WRONG).await);
        watch.went_well(engine.confirm_phone(&started.challenge, &provider.last_code()).await);
        let mut approval = None;
        for method in ["sms", "call", "authy"] {
            clock.advance(LATER);
            let started = self.start(method).await.unwrap();
            self.check(&started, WRONG).await;
            clock.advance(31);
            watch.went_well(engine.resend(again(&started)).await);
            self.check(&started, &provider.last_code()).await;
            self.check(&started, &provider.last_code()).await;
            approval = Some(started.challenge);
        }

        let actor = Actor::Person { approval: approval.as_ref() };
        let begin = BeginFactor { user: USER, method: "totp", locale: None, actor };
        let enrolling = watch.answer(engine.begin_device(begin).await).unwrap();
        let key = enrolling.setup.key.clone();
        secrets.add("the seed", &key);
        watch.went_well(engine.confirm_device(USER, &enrolling.enrollment, WRONG).await);
        for _ in 0..2 {
            let code = app::code(&key, 8, clock.now());
            secrets.add_code(&code);
            watch.answer(engine.confirm_device(USER, &enrolling.enrollment, &code).await);
        }
        let stale = app::code(&key, 8, clock.now());
        clock.advance(LATER);
        let code = app::code(&key, 8, clock.now());
        secrets.add_code(&code);
        for _ in 0..2 {
            let started = self.start("totp").await.unwrap();
            for typed in [WRONG, &stale, &code] {
                self.check(&started, typed).await;
            }
        }

        clock.advance(LATER);
        let started = self.start("sms").await.unwrap();
        watch.went_well(engine.cancel(&started.challenge).await);
        watch.went_well(engine.assess(USER, "web-portal").await);
        watch.went_well(engine.show_user(USER).await);
    }

    /// At every exchange of a login and of an enrollment.
    async fn a_provider_goes_wrong(&self, method: &str, mood: Mood) {
        let Self { site: Site { engine, clock, .. }, provider, watch } = self;
        clock.advance(LATER);
        if let Some(started) = self.start(method).await {
            provider.mood(mood);
            self.check(&started, WRONG).await;
            self.check(&started, &provider.last_code()).await;
            clock.advance(31);
            watch.answer(engine.resend(again(&started)).await);
            watch.answer(engine.cancel(&started.challenge).await);
        }
        clock.advance(LATER);
        self.start(method).await;
        watch.answer(engine.test_credentials(method).await);
        clock.advance(LATER);
        // Somebody new has to be registered with the Authy-style service first.
        watch.answer(engine.begin_phone(phone("bob", method)).await);
        provider.mood(Mood::Well);
        watch.answer(engine.unlock(USER).await);
    }

    async fn nobody_answers(&self) {
        let Self { site, watch, .. } = self;
        site.clock.advance(LATER);
        self.start("closed").await;
        watch.answer(site.engine.test_credentials("closed").await);
    }

    async fn a_plugin_goes_wrong(&self, method: &str) {
        let Self { site, provider, watch } = self;
        site.clock.advance(LATER);
        if let Some(started) = self.start(method).await {
            self.check(&started, WRONG).await;
            self.check(&started, &provider.last_code()).await;
        }
        watch.answer(site.engine.test_credentials(method).await);
        watch.answer(site.engine.unlock(USER).await);
    }

    async fn a_plugin_gossips(&self) {
        let Self { site, watch, .. } = self;
        for starts in [false, true] {
            site.gossip.starts.store(starts, Ordering::SeqCst);
            site.clock.advance(LATER);
            if let Some(started) = self.start("gossip").await {
                self.check(&started, WRONG).await;
                watch.answer(site.engine.cancel(&started.challenge).await);
            }
            watch.answer(site.engine.begin_phone(phone("bob", "gossip")).await);
            watch.answer(site.engine.test_credentials("gossip").await);
        }
    }

    /// The replay names what was asked and not recorded.
    async fn nothing_is_recorded(&self) {
        let Self { site, watch, .. } = self;
        let replay = Arc::new(ReplayTransport::new(Player::new(Vec::new())));
        let over = site.over(replay.clone());
        for method in ["sms", "call", "authy"] {
            site.clock.advance(LATER);
            if let Some(started) = self.start(method).await {
                watch.answer(over.check(&started.challenge, WRONG).await);
                watch.answer(over.cancel(&started.challenge).await);
            }
            site.clock.advance(LATER);
            watch.answer(over.start(login(method)).await);
            watch.answer(over.begin_phone(phone("bob", method)).await);
        }
        let mismatches = replay.take_mismatches();
        assert!(mismatches.len() >= 6, "{}", mismatches.len());
        for mismatch in mismatches {
            watch.error(&mismatch);
        }
    }

    async fn people_mistype(&self) {
        let Self { site: Site { engine, .. }, watch, .. } = self;
        for number in
            [NATIONAL, &format!("{NUMBER} ext. 5"), &format!("{NUMBER}{NATIONAL}"), &format!("00{}", &NUMBER[1..])]
        {
            watch.answer(engine.begin_phone(BeginPhone { number, ..phone("bob", "sms") }).await);
            watch.answer(engine.change_number("bob", number, "sms").await);
        }
        watch.answer(engine.set_email("bob", Some(&EMAIL.replace('@', " at "))).await);
        if let Some(started) = self.start("totp").await {
            for typed in [&format!("{WRONG} or 1=1"), NUMBER, "\u{ff17}391520846", ""] {
                self.check(&started, typed).await;
            }
        }
    }

    fn an_operator_mistypes(&self, folder: &Path) {
        let text = std::fs::read_to_string(folder.join("bootstrap/countersign.toml")).unwrap();
        let quoted = serde_json::Value::from(TOKEN).to_string();
        for (from, to) in [
            ("auth_token = { file = \"token\" }", format!("auth_token = {quoted}")),
            ("auth_token = { file = \"token\" }", format!("auth_tokne = {quoted}")),
            ("auth_token = { file = \"token\" }", format!("auth_token = {{ fiel = {quoted} }}")),
            ("auth_token = { file = \"token\" }", format!("auth_token = [{quoted}]")),
        ] {
            let file = folder.join("bootstrap/wrong.toml");
            std::fs::write(&file, text.replacen(from, &to, 1)).unwrap();
            let Some(bootstrap) = self.watch.answer(Bootstrap::read_with(&file, [])) else { continue };
            let registry = Registry::of_bootstrap(&bootstrap, &RegistryOptions::default()).unwrap();
            match services::build(&bootstrap, &registry) {
                Ok(services) => self.watch.value(&services),
                Err(errors) => errors.iter().for_each(|error| self.watch.error(error)),
            }
        }
    }

    async fn the_audit_is_read(&self) {
        let events = self.site.store.audit(0, u32::MAX).await.unwrap();
        assert!(events.len() > 500, "{} events", events.len());
        for stored in events {
            self.watch.value(&stored);
            self.watch.text(&serde_json::Value::Object(stored.event.facts).to_string());
        }
    }

    async fn start(&self, method: &str) -> Option<Started> {
        let started = self.site.engine.start(login(method)).await;
        if let Err(error) = &started {
            self.watch.text(error.person());
        }
        self.watch.answer(started)
    }

    async fn check(&self, started: &Started, typed: &str) {
        let verdict = self.watch.answer(self.site.engine.check(&started.challenge, typed).await);
        if let Some(verdict) = verdict {
            self.watch.text(verdict.person());
        }
    }
}

fn login(method: &str) -> StartLogin<'_> {
    StartLogin { user: USER, login_type: "web-portal", method: Some(method), locale: None }
}

fn again(started: &Started) -> Resend<'_> {
    Resend { challenge: &started.challenge, method: None, locale: None }
}

fn phone<'a>(user: &'a str, method: &'a str) -> BeginPhone<'a> {
    BeginPhone { user, number: NUMBER, method, locale: None, actor: Actor::Administrator }
}
