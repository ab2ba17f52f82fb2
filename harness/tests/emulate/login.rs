//! The three plugins, through the engine, against the program: by the bootstrap that it prints.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign::account::NewAccount;
use countersign::bootstrap::Bootstrap;
use countersign::challenge::StartLogin;
use countersign::clock::{Clock, SystemRandom};
use countersign::engine::{Engine, EngineParts};
use countersign::enrollment::{Actor, BeginPhone};
use countersign::operation::{RunLimits, Runner};
use countersign::registry::{ProviderId, Registry, RegistryOptions, Search, inspect, services};
use countersign::store::{SqliteStore, Store};
use countersign::transport::LiveTransport;
use countersign_plugin::{Health, Timestamp};

use crate::program::Emulating;

const REST: &str = "\n[two_factor]\nenabled = true\nunknown_users = \"register\"\nregistration = [\"phone\"]\n\
                    [two_factor.login_types]\nweb-portal = \"everyone\"\n\
                    [limits]\nsends_per_number = 100\nattempts_per_user = 100\n";

/// An engine, on a clock that moves together with the emulator's.
struct Site<'a> {
    engine: Engine,
    clock: Arc<OwnClock>,
    emulating: &'a Emulating,
}

struct OwnClock(AtomicU64);

impl Clock for OwnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

impl<'a> Site<'a> {
    fn open(folder: &Path, emulating: &'a Emulating) -> Self {
        let (_, printed) = emulating.told.split_once("# For the bootstrap:\n").unwrap();
        let mut text = format!("version = 1\n\n{printed}{REST}");
        for id in ["twilio-verify", "twilio-voice"] {
            let found = Search::beside_program().unwrap().find(&ProviderId::parse(id).unwrap()).unwrap();
            text += &format!("[plugins.{id}]\nsha256 = \"{}\"\n", inspect(&found.path).unwrap().sha256);
        }
        let file = folder.join("countersign.toml");
        fs::write(&file, text).unwrap();
        let exported = emulating.told.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let exported = exported.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bootstrap = Bootstrap::read_with(&file, exported).unwrap();
        let registry = Registry::of_bootstrap(&bootstrap, &RegistryOptions::default()).unwrap();
        let services = services::build(&bootstrap, &registry).unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&folder.join("store.db"), &folder.join("store.key")).unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (clock, random) = (Arc::new(OwnClock(AtomicU64::new(now))), Arc::new(SystemRandom));
        let transport = Arc::new(LiveTransport::default());
        let engine = Engine::new(EngineParts {
            services,
            store,
            runner: Runner::new(transport, clock.clone(), random.clone(), RunLimits::default()),
            clock: clock.clone(),
            random,
            two_factor: bootstrap.two_factor.clone(),
            limits: bootstrap.limits,
        });
        Self { engine, clock, emulating }
    }

    fn later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.emulating.advance(seconds);
    }

    async fn log_in(&self, method: &str) {
        let login = || StartLogin { user: "ada", login_type: "web-portal", method: Some(method), locale: None };
        self.later(700);
        let started = self.engine.start(login()).await.unwrap();
        let code = self.emulating.code();
        let wrong = if code.starts_with('1') { code.replacen('1', "2", 1) } else { format!("1{}", &code[1..]) };
        assert_eq!(self.engine.check(&started.challenge, &wrong).await.unwrap().name(), "wrong_code", "{method}");
        assert_eq!(self.engine.check(&started.challenge, &code).await.unwrap().name(), "approved", "{method}");
        assert_ne!(self.engine.check(&started.challenge, &code).await.unwrap().name(), "approved", "{method}");

        self.later(700);
        let started = self.engine.start(login()).await.unwrap();
        let code = self.emulating.code();
        self.later(601);
        assert_eq!(self.engine.check(&started.challenge, &code).await.unwrap().name(), "expired", "{method}");
    }
}

#[test]
fn people_log_in_by_every_plugin_with_what_the_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let emulating = Emulating::start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let site = Site::open(folder.path(), &emulating);
        for service in ["sms", "voice", "authy"] {
            let diagnosis = site.engine.test_credentials(service).await.unwrap();
            let findings = &diagnosis.findings;
            let good = findings.iter().all(|finding| matches!(finding.state, Health::Good | Health::Notice));
            assert!(good && !findings.is_empty(), "{service}: {findings:?}");
        }
        let account = NewAccount { name: "ada", email: Some("ada@example.com"), locale: None, required: true };
        site.engine.add_user(account).await.unwrap();
        let actor = Actor::Person { approval: None };
        let begin = BeginPhone { user: "ada", number: "+15005550006", method: "sms", locale: None, actor };
        let started = site.engine.begin_phone(begin).await.unwrap();
        let verdict = site.engine.confirm_phone(&started.challenge, &emulating.code()).await.unwrap();
        assert_eq!(verdict.name(), "approved");
        for method in ["sms", "voice", "authy"] {
            site.log_in(method).await;
        }
    });
    let inbox = emulating.inbox();
    let channels: Vec<_> = inbox.iter().map(|arrival| arrival["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["sms", "sms", "sms", "voice", "voice", "voice", "voice"]);
    assert!(inbox.iter().all(|arrival| arrival["to"] == "+15005550006"));
    assert_eq!(emulating.end(), (Some(0), String::new()));
}
