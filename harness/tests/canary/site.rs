//! A site with every plugin file there is, over real exchanges with a provider on loopback.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use countersign::bootstrap::Bootstrap;
use countersign::clock::{Clock, SystemRandom};
use countersign::engine::{Engine, EngineParts};
use countersign::operation::{RunLimits, Runner};
use countersign::registry::{ProviderId, Registry, RegistryOptions, Search, inspect, services};
use countersign::service::Service;
use countersign::store::{SqliteStore, Store};
use countersign::transport::{LiveTransport, Transport};
use countersign_plugin::Timestamp;

use crate::gossip::Gossip;
use crate::secrets::{API_KEY, TOKEN};
use crate::watch::Watch;

/// What the misbehaving plugin does, and in which operation.
pub(crate) const FAULTS: [&str; 12] = [
    "panic",
    "foreign_await",
    "endless_steps",
    "huge_step",
    "huge_data",
    "wrong_outcome",
    "other_host",
    "encoded_slash",
    "act_as_read",
    "act_in_test",
    "secret_in_url",
    "log_code",
];
pub(crate) const WHEN: [&str; 3] = ["start", "check", "test_credentials"];

/// The name of a service that misbehaves.
pub(crate) fn misbehaving(fault: &str, when: &str) -> String {
    format!("{fault}-in-{when}").replace('_', "-")
}

pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<OwnClock>,
    bootstrap: Bootstrap,
}

impl Site {
    pub(crate) fn open(folder: &Path, base: &str, watch: &Watch) -> Self {
        for part in ["bootstrap", "store", "key"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let file = folder.join("bootstrap/countersign.toml");
        fs::write(&file, bootstrap(base)).unwrap();
        fs::write(folder.join("bootstrap/token"), TOKEN).unwrap();
        fs::write(folder.join("bootstrap/key"), API_KEY).unwrap();
        let bootstrap = Bootstrap::read_with(&file, []).unwrap();
        let registry = Registry::of_bootstrap(&bootstrap, &RegistryOptions::default()).unwrap();
        let mut services = services::build(&bootstrap, &registry).unwrap();
        watch.value(&(&bootstrap, &registry, &services));

        let at = services.iter().position(|service| service.name == "gossip").unwrap();
        let mut service = Arc::into_inner(services.remove(at)).unwrap();
        let gossip = Arc::new(Gossip { plugin: service.instance, starts: AtomicBool::new(false) });
        service.instance = gossip.clone();
        services.push(Arc::new(service));

        let store = SqliteStore::open(&folder.join("store/store.db"), &folder.join("key/store.key")).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let clock = Arc::new(OwnClock(AtomicU64::new(1_767_225_600)));
        let engine = engine(&bootstrap, &services, &store, &clock, Arc::new(LiveTransport::default()));
        Self { engine, services, gossip, store, clock, bootstrap }
    }

    /// The same site over another transport.
    pub(crate) fn over(&self, transport: Arc<dyn Transport>) -> Engine {
        engine(&self.bootstrap, &self.services, &self.store, &self.clock, transport)
    }
}

fn engine(
    bootstrap: &Bootstrap,
    services: &[Arc<Service>],
    store: &Arc<dyn Store>,
    clock: &Arc<OwnClock>,
    transport: Arc<dyn Transport>,
) -> Engine {
    let random = Arc::new(SystemRandom);
    Engine::new(EngineParts {
        services: services.to_vec(),
        store: Arc::clone(store),
        runner: Runner::new(transport, clock.clone(), random.clone(), RunLimits::default()),
        clock: clock.clone(),
        random,
        two_factor: bootstrap.two_factor.clone(),
        limits: bootstrap.limits.clone(),
    })
}

fn bootstrap(base: &str) -> String {
    let verify = |name: &str, base: &str| {
        format!(
            "[services.{name}]\nchannel = \"sms\"\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-verify\"\n\
             auth_id = \"AC00000000000000000000000000000001\"\nauth_token = {{ file = \"token\" }}\n\
             service_sid = \"VA00000000000000000000000000000001\"\nbase_url = \"{base}\"\n"
        )
    };
    let voice = |name: &str, settings: &str| {
        format!(
            "[services.{name}]\nchannel = \"voice\"\ndelivery_type = \"hosted-service\"\n\
             provider = \"twilio-voice\"\nbase_url = \"{base}\"\n{settings}\n"
        )
    };
    let mut text = "version = 1\n".to_owned();
    text += &verify("sms", base);
    text += &verify("gossip", base);
    // Nobody listens there.
    text += &verify("closed", "http://127.0.0.1:9");
    text += &voice(
        "call",
        "mode = \"call\"\nauth_id = \"AC00000000000000000000000000000001\"\nauth_token = { file = \"token\" }\n\
         from = \"+15005550009\"",
    );
    text += &voice("authy", "mode = \"authy\"\nauthy_api_key = { file = \"key\" }");
    text += "[services.totp]\ndelivery_type = \"local\"\nprovider = \"totp\"\nissuer = \"ACME\"\ndigits = 8\n";
    for (fault, when) in FAULTS.iter().flat_map(|fault| WHEN.map(|when| (fault, when))) {
        text += &format!(
            "[services.{}]\nchannel = \"sms\"\ndelivery_type = \"hosted-service\"\nprovider = \"misbehave\"\n\
             fault = \"{fault}\"\nwhen = \"{when}\"\ntoken = {{ file = \"token\" }}\nbase_url = \"{base}\"\n",
            misbehaving(fault, when)
        );
    }
    text += "[two_factor]\nenabled = true\nunknown_users = \"register\"\nregistration = [\"phone\", \"app\"]\n\
             [two_factor.login_types]\nweb-portal = \"everyone\"\n\
             [limits]\ncode_digits = 10\nattempts_per_user = 100\nsends_per_number = 100\n";
    for id in ["misbehave", "totp", "twilio-verify", "twilio-voice"] {
        let found = Search::beside_program().unwrap().find(&ProviderId::parse(id).unwrap()).unwrap();
        text += &format!("[plugins.{id}]\nsha256 = \"{}\"\n", inspect(&found.path).unwrap().sha256);
    }
    text
}

/// Tells the time that the test sets.
pub(crate) struct OwnClock(AtomicU64);

impl OwnClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for OwnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}
