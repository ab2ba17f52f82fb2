//! `kill -9` right before and right after each commit of the store: what was committed is
//! there, what was not has left no trace, and a host that goes on arrives where it would have.

#![allow(clippy::unwrap_used, reason = "all of this file is a test, helpers outside of test functions too")]

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use countersign::audit::{AuditEvent, AuditKind};
use countersign::store::*;
use countersign_plugin::{Data, Failure, FailureKind, Phone, Purpose, Timestamp};
use serde_json::json;

/// The folder in which the child works, and the commit at which it dies.
const FOLDER: &str = "STORE_CRASH_FOLDER";
const MOMENT: &str = "STORE_CRASH_MOMENT";

const SEND: SendRule = SendRule {
    counts: true,
    cool_down_seconds: 30,
    cap: 5,
    window_seconds: 600,
    lock_seconds: 600,
    per_challenge: 5,
    attempts_per_challenge: 5,
};
const ATTEMPTS: AttemptRule = AttemptRule { per_challenge: 5, per_user: 2, lock_seconds: 900 };

/// Every transition of the store, so that none is missing in the history.
const NAMES: [&str; 23] = [
    "add_user",
    "add_delivery",
    "append",
    "approve",
    "begin_enrollment",
    "close_challenge",
    "confirm_enrollment",
    "count_attempt",
    "count_enrollment_attempt",
    "delivery_failed",
    "delivery_sent",
    "expire",
    "forget_user",
    "give_back_attempt",
    "give_back_enrollment_attempt",
    "keep_delivery",
    "open_challenge",
    "put_provider_data",
    "release_delivery",
    "release_user",
    "remove_enrollment",
    "unlock_user",
    "update_user",
];

#[test]
fn a_crash_at_any_commit_leaves_the_whole_transition_or_nothing() {
    let reference = tempfile::tempdir().unwrap();
    drop(open(reference.path()));
    // One key for all, so that hashes are the same everywhere.
    let key = fs::read(reference.path().join("store.key")).unwrap();
    let (snapshots, names) = play_through(reference.path());
    assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(NAMES));
    let end = snapshots.last().unwrap();

    for moment in 0..names.len() * 2 {
        let folder = tempfile::tempdir().unwrap();
        write_key(folder.path(), &key);
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_child_that_is_killed", "--ignored"])
            .envs([(FOLDER, folder.path().as_os_str()), (MOMENT, moment.to_string().as_ref())])
            .output()
            .unwrap();
        assert!(was_killed(child.status), "it is killed at moment {moment}: {child:?}");

        // Before the commit all of the transition is missing, after it all is there.
        let (number, committed) = (moment / 2, moment % 2 == 1);
        let name = names[number];
        let store = open(folder.path());
        assert_eq!(integrity(folder.path()), "ok", "{name}");
        let expected = &snapshots[number + usize::from(committed)];
        assert_eq!(&snapshot(folder.path()), expected, "{name}, committed: {committed}");

        // The host goes on where it was, and nothing is lost or done twice.
        go_on(&store, number + usize::from(committed), |_| {});
        drop(store);
        assert_eq!(&snapshot(folder.path()), end, "{name}, committed: {committed}");
    }
}

#[test]
#[ignore = "is what the test above runs as its child"]
fn the_child_that_is_killed() {
    let folder = env::var_os(FOLDER).expect("is set by the test that starts this");
    let moment = env::var(MOMENT).expect("is set by the test that starts this");
    let folder = Path::new(&folder);
    let death = Arc::new(Death { moment: moment.parse().unwrap(), seen: AtomicUsize::new(0) });
    let store = SqliteStore::open_observed(&folder.join("store.db"), &folder.join("store.key"), death).unwrap();
    go_on(&store, 0, |_| {});
}

/// Ends the process at one moment as `kill -9` does: nothing is unwound, closed or caught.
struct Death {
    moment: usize,
    seen: AtomicUsize,
}

impl Death {
    fn pass(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.moment {
            kill();
        }
    }
}

/// The signal of `kill -9`, sent by this process to itself.
#[cfg(unix)]
fn kill() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    // The signal is there before the call returns. No thread goes on, in any case.
    loop {
        std::thread::park();
    }
}

/// Where there are no signals, the nearest to it.
#[cfg(not(unix))]
fn kill() -> ! {
    std::process::abort()
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

/// 101 is a failed assertion.
#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success() && status.code() != Some(101)
}

impl Observer for Death {
    fn before_commit(&self, _: &'static str) {
        self.pass();
    }

    fn after_commit(&self, _: &'static str) {
        self.pass();
    }
}

/// Notes the names of what is committed.
#[derive(Default)]
struct Names(std::sync::Mutex<Vec<&'static str>>);

impl Observer for Names {
    fn before_commit(&self, _: &'static str) {}

    fn after_commit(&self, transition: &'static str) {
        self.0.lock().unwrap().push(transition);
    }
}

/// Plays the history without dying: the store after 0, 1, 2 … transitions, and their names.
fn play_through(folder: &Path) -> (Vec<String>, Vec<&'static str>) {
    let names = Arc::new(Names::default());
    let observer: Arc<dyn Observer> = names.clone();
    let store = SqliteStore::open_observed(&folder.join("store.db"), &folder.join("store.key"), observer).unwrap();
    let mut snapshots = vec![snapshot(folder)];
    go_on(&store, 0, |_| snapshots.push(snapshot(folder)));
    let names = names.0.lock().unwrap().clone();
    assert_eq!(snapshots.len(), names.len() + 1, "each step of the history is one transition");
    (snapshots, names)
}

type Step = for<'a> fn(&'a SqliteStore) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! steps {
    ($($store:ident => $step:expr),+ $(,)?) => { &[$(|$store| Box::pin(async move { $step })),+] };
}

/// The history. Each step is one transition, and each does something.
const HISTORY: &[Step] = steps! {
    store => assert!(store.add_user(user(1, "ada"), at(0)).await.unwrap().is_some()),
    store => assert!(store.add_user(user(2, "bob"), at(0)).await.unwrap().is_some()),
    store => assert!(store.update_user(&id(UserId::parse, 1), required(), at(1)).await.unwrap()),
    store => assert_eq!(store.begin_enrollment(device(), at(2)).await.unwrap(), EnrollmentBegun::Begun),
    store => assert!(counted(store.count_enrollment_attempt(&enrollment(1), ATTEMPTS, at(3)).await.unwrap())),
    store => store.give_back_enrollment_attempt(&enrollment(1), None, at(3)).await.unwrap(),
    store => assert!(store.put_provider_data(&enrollment(1), &holder("totp"), &data("other seed")).await.unwrap()),
    store => assert_eq!(
        store.confirm_enrollment(&enrollment(1), Proof::Step(5), None, at(4)).await.unwrap(),
        EnrollmentConfirmed::Confirmed
    ),
    store => assert_eq!(store.begin_enrollment(phone(), at(5)).await.unwrap(), EnrollmentBegun::Begun),
    store => assert_eq!(
        store.open_challenge(challenge(1, Purpose::Enroll, 2), delivery(store, 1), SEND, at(6)).await.unwrap(),
        SendAllowed::Go
    ),
    store => assert!(store.keep_delivery(&id(DeliveryId::parse, 1), &data("sid")).await.unwrap()),
    store => assert!(store.delivery_sent(&id(DeliveryId::parse, 1), None, Some(at(500)), at(7)).await.unwrap()),
    store => assert!(counted(store.count_attempt(&id(ChallengeId::parse, 1), ATTEMPTS, at(8)).await.unwrap())),
    store => store.give_back_attempt(&id(ChallengeId::parse, 1), None, at(8)).await.unwrap(),
    store => assert!(counted(store.count_attempt(&id(ChallengeId::parse, 1), ATTEMPTS, at(9)).await.unwrap())),
    store => assert_eq!(approve(store, 1, 1, code(store)).await, Approval::Approved),
    store => assert_eq!(
        store.open_challenge(challenge(2, Purpose::Login, 2), delivery(store, 2), SEND, at(60)).await.unwrap(),
        SendAllowed::Go
    ),
    store => assert!(store.delivery_failed(&id(DeliveryId::parse, 2), true, &failure(), at(61)).await.unwrap()),
    store => assert_eq!(
        store.add_delivery(&id(ChallengeId::parse, 2), delivery(store, 3), SEND, at(100)).await.unwrap(),
        SendAllowed::Go
    ),
    store => assert_eq!(approve(store, 2, 3, code(store)).await, Approval::Replayed),
    store => assert!(store.release_delivery(&id(DeliveryId::parse, 3), at(110)).await.unwrap()),
    store => assert!(
        store.close_challenge(&id(ChallengeId::parse, 2), None, ChallengeState::Canceled, at(111)).await.unwrap()
    ),
    store => assert_eq!(
        store.open_challenge(challenge(3, Purpose::Login, 1), plain(4), SEND, at(120)).await.unwrap(),
        SendAllowed::Go
    ),
    store => assert_eq!(approve(store, 3, 4, Proof::Step(6)).await, Approval::Approved),
    store => assert_eq!(
        store.open_challenge(challenge(4, Purpose::Login, 1), plain(5), SEND, at(125)).await.unwrap(),
        SendAllowed::Go
    ),
    store => assert!(store.unlock_user(&id(UserId::parse, 1), at(130)).await.unwrap()),
    store => assert_eq!(
        store.remove_enrollment(&enrollment(2), &leave(3), MustRemain::AnotherFactor, at(140)).await.unwrap(),
        EnrollmentRemoved::Removed
    ),
    store => assert_eq!(store.expire(at(1000)).await.unwrap(), 2),
    store => assert_eq!(
        store.remove_enrollment(&enrollment(1), &Authority::Administrator, MustRemain::Nothing, at(141)).await.unwrap(),
        EnrollmentRemoved::Removed
    ),
    store => assert!(store.release_user(&id(UserId::parse, 1), at(142)).await.unwrap()),
    store => store.append(AuditEvent::new(AuditKind::CredentialsTested), at(1001)).await.unwrap(),
    store => assert!(store.forget_user(&id(UserId::parse, 2), at(1002)).await.unwrap()),
};

fn go_on(store: &SqliteStore, from: usize, mut after: impl FnMut(usize)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (number, step) in HISTORY.iter().enumerate().skip(from) {
        runtime.block_on(step(store));
        after(number);
    }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("store.db"), &folder.join("store.key")).unwrap()
}

fn write_key(folder: &Path, key: &[u8]) {
    let path = folder.join("store.key");
    fs::write(&path, key).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn reader(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("store.db")).unwrap()
}

fn integrity(folder: &Path) -> String {
    let reader = reader(folder);
    let mut broken = reader.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!broken.exists([]).unwrap(), "no row refers to one that is missing");
    reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// All rows of all tables, with the length only of what is sealed anew each time.
fn snapshot(folder: &Path) -> String {
    const SEALED: [&str; 4] = ["email", "phone", "data", "seal_check"];
    let reader = reader(folder);
    let names = |sql: &str| -> Vec<String> {
        let mut statement = reader.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let mut text = String::new();
    for table in names("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let shown = columns.iter().map(|column| match SEALED.contains(&column.as_str()) {
            true => format!("quote(length({column}))"),
            false => format!("quote({column})"),
        });
        let row = shown.collect::<Vec<_>>().join(" || ' ' || ");
        for row in names(&format!("SELECT {row} FROM {table} ORDER BY 1")) {
            text.push_str(&format!("{table}: {row}\n"));
        }
    }
    text
}

async fn approve(store: &SqliteStore, challenge: u8, delivery: u8, proof: Proof) -> Approval {
    let (challenge, delivery) = (id(ChallengeId::parse, challenge), id(DeliveryId::parse, delivery));
    store.approve(&challenge, &delivery, proof, None, at(105)).await.unwrap()
}

fn counted(attempt: Attempt) -> bool {
    matches!(attempt, Attempt::Counted { .. })
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(1_767_225_600 + seconds)
}

/// The id with this number.
fn id<T>(parse: impl Fn(&str) -> Option<T>, number: u8) -> T {
    parse(&format!("{number:032x}")).unwrap()
}

fn enrollment(number: u8) -> EnrollmentId {
    id(EnrollmentId::parse, number)
}

fn holder(provider: &str) -> Holder {
    Holder { provider: provider.into(), account: None }
}

fn failure() -> Failure {
    Failure::new(FailureKind::Unavailable, "out of order")
}

fn data(value: &str) -> Data {
    Data::new(1, &json!(value)).unwrap()
}

fn user(number: u8, name: &str) -> NewUser {
    let email = Some(Email(format!("{name}@example.com")));
    NewUser { id: id(UserId::parse, number), name: name.into(), email, locale: None, required: false }
}

fn required() -> UserChange {
    UserChange { required: Some(true), ..UserChange::default() }
}

fn device() -> NewEnrollment {
    NewEnrollment {
        id: enrollment(1),
        user: id(UserId::parse, 1),
        factor: Factor::Device("totp".into()),
        phone: None,
        data: Some((holder("totp"), data("seed"))),
        expires: at(600),
        authority: Authority::Nobody,
    }
}

fn phone() -> NewEnrollment {
    let number = Phone::new("+15005550006", "1", "5005550006");
    NewEnrollment {
        id: enrollment(2),
        factor: Factor::Phone,
        phone: Some(number),
        data: None,
        authority: Authority::Administrator,
        ..device()
    }
}

fn challenge(number: u8, purpose: Purpose, on: u8) -> NewChallenge {
    NewChallenge {
        id: id(ChallengeId::parse, number),
        user: id(UserId::parse, 1),
        purpose,
        login_type: (purpose == Purpose::Login).then(|| "web-portal".into()),
        enrollment: enrollment(on),
        expires: at(600),
    }
}

/// A delivery by somebody who makes codes.
fn delivery(store: &SqliteStore, number: u8) -> NewDelivery {
    NewDelivery {
        recipient: Some(store.hash("recipient", &[b"+15005550006"])),
        live_key: Some(store.hash("live", &[b"+15005550006"])),
        ..plain(number)
    }
}

fn plain(number: u8) -> NewDelivery {
    NewDelivery {
        id: id(DeliveryId::parse, number),
        service: "sms".into(),
        channel: "sms".into(),
        holder: Holder { account: Some(KeyedHash([7; 32])), ..holder("acme") },
        recipient: None,
        live_key: None,
        code: None,
        expires: at(600),
    }
}

fn code(store: &SqliteStore) -> Proof {
    Proof::Code { hash: store.hash("used", &[b"123456"]), until: at(900) }
}

fn leave(challenge: u8) -> Authority {
    Authority::Approval { challenge: id(ChallengeId::parse, challenge), not_before: at(0) }
}
