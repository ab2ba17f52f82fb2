//! One process: the plugin files, a store on the disk and an engine over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::bootstrap::Bootstrap;
use countersign::clock::{Clock, SystemRandom};
use countersign::engine::{Engine, EngineParts};
use countersign::operation::{RunLimits, Runner};
use countersign::registry::{ProviderId, Registry, RegistryOptions, Search, inspect, services};
use countersign::service::Service;
use countersign::store::{SqliteStore, Store};
use countersign_plugin::Timestamp;

use crate::journal::Journal;
use crate::moments::{Moments, Stepping};
use crate::provider::World;
use crate::replace;

const BOOTSTRAP: &str = r#"
version = 1

[services.sms]
delivery_type = "hosted-service"
provider = "twilio-verify"
auth_id = "AC00000000000000000000000000000001"
auth_token = { file = "token" }
service_sid = "VA00000000000000000000000000000001"

[services.voice]
delivery_type = "hosted-service"
provider = "twilio-voice"
auth_id = "AC00000000000000000000000000000001"
auth_token = { file = "token" }
from = "+15005550009"

[services.totp]
delivery_type = "local"
provider = "totp"
issuer = "ACME"

[two_factor]
enabled = true
unknown_users = "register"
registration = ["phone", "app"]

[two_factor.login_types]
web-portal = "everyone"

# A person whose logins are all cut off goes through more of these than one whose logins are not.
[limits]
attempts_per_user = 100
sends_per_number = 100
"#;

/// What every process of the site reads: a bootstrap that pins the plugin files, and the plugins loaded.
pub(crate) struct Installation {
    pub(crate) folder: PathBuf,
    bootstrap: Bootstrap,
    registry: Registry,
}

impl Installation {
    pub(crate) fn create(folder: &Path) -> Self {
        // A pinned file needs no probe child, so each of the many processes starts at once.
        let pins = ["totp", "twilio-verify", "twilio-voice"].map(|id| {
            let found = Search::beside_program().unwrap().find(&ProviderId::parse(id).unwrap()).unwrap();
            format!("\n[plugins.{id}]\nsha256 = \"{}\"\n", inspect(&found.path).unwrap().sha256)
        });
        fs::write(folder.join("countersign.toml"), format!("{BOOTSTRAP}{}", pins.concat())).unwrap();
        fs::write(folder.join("token"), "0123456789abcdef0123456789abcdef").unwrap();
        Self::read(folder)
    }

    pub(crate) fn read(folder: &Path) -> Self {
        let bootstrap = Bootstrap::read_with(&folder.join("countersign.toml"), []).unwrap();
        let registry = Registry::of_bootstrap(&bootstrap, &RegistryOptions::default()).unwrap();
        Self { folder: folder.to_owned(), bootstrap, registry }
    }

    fn services(&self, moments: &Arc<Moments>) -> Vec<Arc<Service>> {
        let services = services::build(&self.bootstrap, &self.registry).unwrap();
        let stepping = |service: Arc<Service>| {
            let mut service = Arc::into_inner(service).expect("nobody else has it");
            service.instance = Arc::new(Stepping { plugin: service.instance, moments: Arc::clone(moments) });
            Arc::new(service)
        };
        services.into_iter().map(stepping).collect()
    }
}

/// An engine, and what a test sees of its world.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<OwnClock>,
    pub(crate) journal: Journal,
}

impl Site {
    /// Opens what is in the folder, or begins there.
    pub(crate) fn open(installation: &Installation, folder: &Path, moments: &Arc<Moments>) -> Self {
        let clock = Arc::new(OwnClock::open(folder.join("clock")));
        let world = Arc::new(World::open(folder.join("world"), &clock, moments));
        let observer = Arc::clone(moments);
        let store = SqliteStore::open_observed(&folder.join("store.db"), &folder.join("store.key"), observer).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let random = Arc::new(SystemRandom);
        let engine = Engine::new(EngineParts {
            services: installation.services(moments),
            store: Arc::clone(&store),
            runner: Runner::new(world.clone(), clock.clone(), random.clone(), RunLimits::default()),
            clock: clock.clone(),
            random,
            two_factor: installation.bootstrap.two_factor.clone(),
            limits: installation.bootstrap.limits.clone(),
        });
        let journal = Journal::open(folder.join("journal"), moments);
        Self { engine, store, world, clock, journal }
    }
}

/// Tells the time that the test sets, and knows it after a crash.
pub(crate) struct OwnClock {
    now: AtomicU64,
    file: PathBuf,
}

impl OwnClock {
    fn open(file: PathBuf) -> Self {
        let now = fs::read_to_string(&file).map_or(1_767_225_600, |text| text.parse().unwrap());
        Self { now: AtomicU64::new(now), file }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.set(self.now.load(Ordering::SeqCst) + seconds);
    }

    /// Moves on to a moment, if it lies ahead.
    pub(crate) fn wait_until(&self, moment: Timestamp) {
        self.set(self.now.load(Ordering::SeqCst).max(moment.as_millis().div_ceil(1000)));
    }

    fn set(&self, seconds: u64) {
        self.now.store(seconds, Ordering::SeqCst);
        replace(&self.file, seconds.to_string().as_bytes());
    }
}

impl Clock for OwnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.now.load(Ordering::SeqCst))
    }
}
