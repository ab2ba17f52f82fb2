//! What the store promises, on memory and on a file.

mod approvals;
mod attempts;
mod audit;
mod challenges;
mod counters;
mod disk;
mod enrollments;
mod key_file;
mod live_keys;
mod nodes;
mod removals;
mod sealing;
mod sends;
mod users;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_plugin::{Data, Failure, FailureKind, Phone, Purpose, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::SqliteStore;
use crate::audit::{AuditEvent, AuditKind};
use crate::clock::SystemRandom;
use crate::store::*;

/// Rules as the bootstrap's defaults have them.
const SEND: SendRule = SendRule {
    counts: true,
    cool_down_seconds: 30,
    cap: 5,
    window_seconds: 600,
    lock_seconds: 600,
    per_challenge: 5,
    attempts_per_challenge: 5,
};
const ATTEMPTS: AttemptRule = AttemptRule { per_challenge: 5, per_user: 10, lock_seconds: 900 };

/// Where the tests' time begins: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;

/// Seconds after the beginning.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(START + seconds)
}

/// One millisecond earlier.
fn just_before(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() - 1)
}

/// Runs a test on a store in memory and on one in a file.
fn on_both<F: Future<Output = ()>>(test: impl Fn(Arc<SqliteStore>) -> F) {
    run(test(Arc::new(SqliteStore::in_memory().unwrap())));
    let files = Files::new();
    run(test(Arc::new(files.open())));
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A folder with a store and its key.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("store.key")
    }

    fn open(&self) -> SqliteStore {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.store(), &self.key())
    }
}

fn user_id() -> UserId {
    UserId::new(&SystemRandom).unwrap()
}

fn enrollment_id() -> EnrollmentId {
    EnrollmentId::new(&SystemRandom).unwrap()
}

fn phone(e164: &str) -> Phone {
    Phone::new(e164, "1", &e164[2..])
}

/// Data that belongs to no account.
fn local(provider: &str) -> Holder {
    Holder { provider: provider.into(), account: None }
}

/// How a provider failed.
fn failure() -> Failure {
    let failure = Failure::new(FailureKind::RateLimited, "operator's text");
    failure.code("60203".repeat(20))
}

fn data(value: &str) -> Data {
    Data::new(1, &json!({ "value": value })).unwrap()
}

async fn add_user(store: &SqliteStore, name: &str) -> UserId {
    let id = user_id();
    let user = NewUser { id: id.clone(), name: name.into(), email: None, locale: None, required: false };
    store.add_user(user, at(0)).await.unwrap().unwrap();
    id
}

async fn reread(store: &SqliteStore, name: &str) -> User {
    store.user(name).await.unwrap().unwrap()
}

fn new_phone(user: &UserId, number: &str) -> NewEnrollment {
    NewEnrollment {
        id: enrollment_id(),
        user: user.clone(),
        factor: Factor::Phone,
        phone: Some(phone(number)),
        data: None,
        expires: at(600),
        authority: Authority::Administrator,
    }
}

fn new_device(user: &UserId, seed: &str) -> NewEnrollment {
    NewEnrollment {
        id: enrollment_id(),
        user: user.clone(),
        factor: Factor::Device("totp".into()),
        phone: None,
        data: Some((local("totp"), data(seed))),
        expires: at(600),
        authority: Authority::Administrator,
    }
}

async fn begin(store: &SqliteStore, new: &NewEnrollment) -> EnrollmentId {
    assert_eq!(store.begin_enrollment(new.clone(), at(0)).await.unwrap(), EnrollmentBegun::Begun);
    new.id.clone()
}

/// An enrolled device of a user.
async fn device(store: &SqliteStore, user: &UserId) -> EnrollmentId {
    activate(store, &new_device(user, "seed")).await
}

/// Enrolls a device.
async fn activate(store: &SqliteStore, new: &NewEnrollment) -> EnrollmentId {
    let id = begin(store, new).await;
    let confirmed = store.confirm_enrollment(&id, Proof::Nothing, None, at(0)).await.unwrap();
    assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
    id
}

fn login(user: &UserId, enrollment: &EnrollmentId) -> NewChallenge {
    NewChallenge {
        id: ChallengeId::new(&SystemRandom).unwrap(),
        user: user.clone(),
        purpose: Purpose::Login,
        login_type: Some("web-portal".into()),
        enrollment: enrollment.clone(),
        expires: at(100_000),
    }
}

/// A delivery that counts nowhere and holds no live key.
fn delivery() -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(&SystemRandom).unwrap(),
        service: "totp".into(),
        channel: "totp".into(),
        holder: local("totp"),
        recipient: None,
        live_key: None,
        code: None,
        expires: at(100_000),
    }
}

/// A delivery to the recipient of this number, made by a provider.
fn to(store: &SqliteStore, number: &str) -> NewDelivery {
    NewDelivery {
        recipient: Some(store.hash("recipient", &[number.as_bytes()])),
        live_key: Some(store.hash("live", &[number.as_bytes()])),
        expires: at(600),
        ..delivery()
    }
}

/// Opens a login that is only waiting for its code.
async fn open(store: &SqliteStore, user: &UserId, enrollment: &EnrollmentId) -> (ChallengeId, DeliveryId) {
    open_at(store, user, enrollment, at(0)).await
}

async fn open_at(
    store: &SqliteStore,
    user: &UserId,
    enrollment: &EnrollmentId,
    now: Timestamp,
) -> (ChallengeId, DeliveryId) {
    let (challenge, delivery) = (login(user, enrollment), delivery());
    let ids = (challenge.id.clone(), delivery.id.clone());
    assert_eq!(store.open_challenge(challenge, delivery, SEND, now).await.unwrap(), SendAllowed::Go);
    assert!(store.delivery_sent(&ids.1, None, None, now).await.unwrap());
    ids
}

/// A login of this user's that was approved at this moment.
async fn approved(store: &SqliteStore, user: &UserId, enrollment: &EnrollmentId, now: Timestamp) -> ChallengeId {
    let (challenge, delivery) = open_at(store, user, enrollment, now).await;
    assert_eq!(store.approve(&challenge, &delivery, Proof::Nothing, None, now).await.unwrap(), Approval::Approved);
    challenge
}

fn by(challenge: &ChallengeId, not_before: Timestamp) -> Authority {
    Authority::Approval { challenge: challenge.clone(), not_before }
}

async fn state(store: &SqliteStore, challenge: &ChallengeId) -> ChallengeState {
    store.challenge(challenge).await.unwrap().unwrap().state
}

/// What the audit holds, by kind.
async fn kinds(store: &SqliteStore) -> Vec<AuditKind> {
    store.audit(0, 1000).await.unwrap().into_iter().map(|stored| stored.event.kind).collect()
}

/// The last event.
async fn last_event(store: &SqliteStore) -> AuditEvent {
    store.audit(0, 1000).await.unwrap().pop().unwrap().event
}

/// Executes something on the store's own connection, as no caller can.
async fn raw(store: &SqliteStore, sql: &'static str) -> rusqlite::Result<()> {
    store.writer.run(move |connection| connection.execute_batch(sql)).await.ok().unwrap()
}
