//! A whole engine on a store in memory, with providers that behave as real ones do, a clock and
//! randomness of the tests' own, and faults on demand. For tests only.

mod gate;
mod plugin;
mod world;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_plugin::Timestamp;
use countersign_plugin::manifest::{Channel, Checker, Destination, Maker};

use crate::bootstrap::{Limits, Registration, TwoFactor, UnknownUsers, WhoMustPass};
use crate::challenge::{Resend, StartError, StartLogin, Started, Verdict};
use crate::clock::{Clock, NoRandomness, Random};
use crate::engine::{Engine, EngineParts};
use crate::enrollment::{Actor, BeginFactor, BeginPhone, EnrollError, Enrolling};
use crate::operation::{RunLimits, Runner};
use crate::secrets::Secrets;
use crate::service::Service;
use crate::store::{ChallengeId, Holder, SqliteStore};

pub(crate) use gate::{Fault, Gate};
pub(crate) use plugin::{Plugin, offer};
pub(crate) use world::{Kind, Weather, World};

/// A number that every test may use.
pub(crate) const NUMBER: &str = "+15005550006";
/// Another one.
pub(crate) const OTHER_NUMBER: &str = "+15005550007";
/// A code that is never right: the rig's own codes do not begin with a nine.
pub(crate) const WRONG: &str = "999999";

/// Tells the time that a test sets.
pub(crate) struct OwnClock(AtomicU64);

impl OwnClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.as_millis()))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.advance_millis(seconds * 1000);
    }

    pub(crate) fn advance_millis(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for OwnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Counts, so that a history is the same in every run; no byte of a code begins with a nine.
pub(crate) struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for (byte, value) in chunk.iter_mut().zip(next.to_be_bytes()) {
                *byte = if value % 10 == 9 { value - 1 } else { value };
            }
        }
        Ok(())
    }
}

/// The engine with everything around it.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<OwnClock>,
    pub(crate) random: Arc<Counting>,
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Gate>,
    services: Vec<Arc<Service>>,
}

impl Rig {
    /// Logins of type `web` (everyone), `flagged` (flagged users) and `open` (nobody); services
    /// `sms` (with a fallback by another provider), `call`, `totp`, `push`, `mail` and `hotline`,
    /// which cannot cancel.
    pub(crate) fn new() -> Self {
        Self::with(two_factor(), Limits::default())
    }

    pub(crate) fn with(two_factor: TwoFactor, limits: Limits) -> Self {
        let clock = Arc::new(OwnClock(AtomicU64::new(1_767_225_600_000)));
        let random = Arc::new(Counting(AtomicU64::new(1)));
        let world = Arc::new(World::new(Arc::clone(&clock)));
        let store = Arc::new(Gate::new(SqliteStore::in_memory().unwrap()));
        let services = services(&world);
        let engine = engine(&services, &store, &clock, &random, &world, two_factor, limits);
        Self { engine, clock, random, world, store, services }
    }

    /// The engine dies, and another one goes on with the same store.
    pub(crate) fn reborn(&mut self) {
        let (two_factor, limits) = (self.engine.two_factor.clone(), self.engine.limits.clone());
        self.reborn_as(two_factor, limits);
    }

    /// The engine is replaced by one with another bootstrap.
    pub(crate) fn reborn_as(&mut self, two_factor: TwoFactor, limits: Limits) {
        self.engine = engine(&self.services, &self.store, &self.clock, &self.random, &self.world, two_factor, limits);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn after(&self, seconds: u64) -> Timestamp {
        self.now() + Duration::from_secs(seconds)
    }

    /// A user with a proven number; the cool-down of the proof is over.
    pub(crate) async fn with_phone(&self, user: &str, number: &str) {
        let started = self.begin_phone(user, number, "sms").await.unwrap();
        let verdict = self.engine.confirm_phone(&started.challenge, &self.world.last_code(number)).await.unwrap();
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
        self.clock.advance(30);
    }

    /// A user with an app; its first step is used.
    pub(crate) async fn with_app(&self, user: &str) -> Enrolling {
        let enrolling = self.begin_app(user, Actor::Person { approval: None }).await.unwrap();
        let code = self.world.app_code(&enrolling.setup);
        let verdict = self.engine.confirm_device(user, &enrolling.enrollment, &code).await.unwrap();
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
        self.clock.advance(30);
        enrolling
    }

    /// An app for a user who has a factor already.
    pub(crate) async fn with_app_approved(&self, user: &str) -> Enrolling {
        let enrolling = self.begin_app(user, Actor::Administrator).await.unwrap();
        let code = self.world.app_code(&enrolling.setup);
        let verdict = self.engine.confirm_device(user, &enrolling.enrollment, &code).await.unwrap();
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
        enrolling
    }

    /// A number for a user who has a factor already.
    pub(crate) async fn with_phone_by_administrator(&self, user: &str, number: &str) {
        let started = self.begin_phone_as(user, number, "sms", Actor::Administrator).await.unwrap();
        let verdict = self.engine.confirm_phone(&started.challenge, &self.world.last_code(number)).await.unwrap();
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
    }

    /// Gives `sms` this service for its fallback.
    pub(crate) fn sms_falls_back_to(&mut self, name: &str) {
        let fallback = vec![self.engine.service(name).unwrap()];
        let sms = offer("sms", Maker::Provider, Checker::Provider);
        self.services[0] = Arc::new(Service { fallback, ..service(&self.world, "sms", "verify", Kind::Verify, sms) });
        self.reborn();
    }

    /// Whose data a service's is.
    pub(crate) fn holder(&self, service: &str) -> Holder {
        self.engine.service(service).unwrap().holder(&*self.store)
    }

    /// Gives every service of the bootstrap another account ("Save and Apply").
    pub(crate) fn with_other_accounts(&mut self) {
        fn changed(service: &Service) -> Arc<Service> {
            Arc::new(Service {
                name: service.name.clone(),
                channel: service.channel.clone(),
                mode: service.mode.clone(),
                provider: service.provider.clone(),
                offer: service.offer.clone(),
                configured_digits: service.configured_digits,
                operations: service.operations.clone(),
                instance: Arc::clone(&service.instance),
                secrets: Secrets::default(),
                egress: service.egress.clone(),
                account: [service.account.as_slice(), b", another"].concat().into(),
                fallback: service.fallback.iter().map(|service| changed(service)).collect(),
            })
        }
        self.services = self.services.iter().map(|service| changed(service)).collect();
        self.reborn();
    }

    /// Puts a service into the bootstrap.
    pub(crate) fn plus(&mut self, service: Service) {
        self.services.push(Arc::new(service));
        self.reborn();
    }

    /// Takes a service out of the bootstrap.
    pub(crate) fn without(&mut self, name: &str) {
        self.services.retain(|service| service.name != name);
        self.reborn();
    }

    /// What comes of it, unless we die in the middle.
    pub(crate) async fn unless_we_die<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = doing => Some(done),
            () = self.store.died.notified() => None,
            () = self.world.died.notified() => None,
        }
    }

    pub(crate) async fn begin_phone(&self, user: &str, number: &str, method: &str) -> Result<Started, EnrollError> {
        self.begin_phone_as(user, number, method, Actor::Person { approval: None }).await
    }

    pub(crate) async fn begin_phone_as(
        &self,
        user: &str,
        number: &str,
        method: &str,
        actor: Actor<'_>,
    ) -> Result<Started, EnrollError> {
        self.engine.begin_phone(BeginPhone { user, number, method, locale: None, actor }).await
    }

    pub(crate) async fn begin_app(&self, user: &str, actor: Actor<'_>) -> Result<Enrolling, EnrollError> {
        self.engine.begin_device(BeginFactor { user, method: "totp", locale: None, actor }).await
    }

    pub(crate) async fn start(&self, user: &str, method: &str) -> Result<Started, StartError> {
        let login = StartLogin { user, login_type: "web", method: Some(method), locale: None };
        self.engine.start(login).await
    }

    pub(crate) async fn resend(&self, challenge: &ChallengeId, method: Option<&str>) -> Result<Started, StartError> {
        self.engine.resend(Resend { challenge, method, locale: None }).await
    }

    /// A fresh approval, by an app: it sends nothing, and so is not slowed by a cool-down.
    pub(crate) async fn approval(&self, user: &str, app: &Enrolling) -> ChallengeId {
        self.clock.advance(30);
        let started = self.start(user, "totp").await.unwrap();
        let verdict = self.engine.check(&started.challenge, &self.world.app_code(&app.setup)).await.unwrap();
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
        started.challenge
    }
}

/// Everything on; unknown users register.
pub(crate) fn two_factor() -> TwoFactor {
    let login_types =
        [("web", WhoMustPass::Everyone), ("flagged", WhoMustPass::FlaggedUsers), ("open", WhoMustPass::Nobody)];
    TwoFactor {
        enabled: true,
        channels: Default::default(),
        login_types: login_types.map(|(name, who)| (name.to_owned(), who)).into(),
        unknown_users: UnknownUsers::Register,
        registration: Registration::default(),
    }
}

/// Runs a test.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn engine(
    services: &[Arc<Service>],
    store: &Arc<Gate>,
    clock: &Arc<OwnClock>,
    random: &Arc<Counting>,
    world: &Arc<World>,
    two_factor: TwoFactor,
    limits: Limits,
) -> Engine {
    let runner = Runner::new(world.clone(), clock.clone(), random.clone(), RunLimits::default());
    Engine::new(EngineParts {
        services: services.to_vec(),
        store: store.clone(),
        runner,
        clock: clock.clone(),
        random: random.clone(),
        two_factor,
        limits,
    })
}

fn services(world: &Arc<World>) -> Vec<Arc<Service>> {
    let backup =
        service(world, "sms fallback 1", "backup", Kind::Verify, offer("sms", Maker::Provider, Checker::Provider));
    let mut mail = offer("mail", Maker::Provider, Checker::Provider);
    mail.destination = Destination::Email;
    let mut push = offer("push", Maker::Nobody, Checker::Provider);
    push.destination = Destination::None;
    let mut sms = service(world, "sms", "verify", Kind::Verify, offer("sms", Maker::Provider, Checker::Provider));
    sms.fallback = vec![Arc::new(backup)];
    [
        sms,
        service(world, "call", "caller", Kind::Caller, offer("voice", Maker::Engine, Checker::Engine)),
        service(world, "totp", "app", Kind::App, offer("totp", Maker::Device, Checker::Plugin)),
        service(world, "push", "push", Kind::Push, push),
        service(world, "mail", "mailer", Kind::Verify, mail),
        service(world, "hotline", "hotline", Kind::NoCancel, offer("hotline", Maker::Provider, Checker::Provider)),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

pub(crate) fn service(world: &Arc<World>, name: &str, provider: &str, kind: Kind, offer: Channel) -> Service {
    let plugin = Plugin::new(provider, kind, offer.clone(), Arc::clone(world));
    Service {
        name: name.to_owned(),
        channel: offer.channel.clone(),
        mode: None,
        provider: provider.to_owned(),
        offer: plugin.offer().clone(),
        configured_digits: None,
        operations: plugin.operations(),
        secrets: Secrets::default(),
        egress: plugin.egress(),
        instance: Arc::new(plugin),
        account: format!("account of {provider}").into_bytes().into(),
        fallback: Vec::new(),
    }
}
