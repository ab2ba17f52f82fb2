//! A store whose writes fail, or die, when a test wants it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use countersign_plugin::{Data, Failure, Timestamp};
use tokio::sync::{Barrier, Notify};

use crate::audit::AuditEvent;
use crate::store::*;

/// What happens to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not happen, and says so.
    Fails,
    /// We die before it happens.
    DieBefore,
    /// It happens, and we die.
    DieAfter,
}

pub(crate) struct Gate {
    inner: SqliteStore,
    /// After so many more writes, this.
    fault: Mutex<Option<(usize, Fault)>>,
    /// Every write of this name fails.
    failing: Mutex<Option<&'static str>>,
    /// Writes of this name wait for each other.
    meeting: Mutex<Option<(&'static str, Arc<Barrier>)>>,
    writes: Mutex<Vec<&'static str>>,
    pub(crate) died: Notify,
}

impl Gate {
    pub(crate) fn new(inner: SqliteStore) -> Self {
        Self {
            inner,
            fault: Mutex::default(),
            failing: Mutex::default(),
            meeting: Mutex::default(),
            writes: Mutex::default(),
            died: Notify::new(),
        }
    }

    /// The write after so many others meets this.
    pub(crate) fn after(&self, writes: usize, fault: Fault) {
        *self.fault.lock().unwrap() = Some((writes, fault));
    }

    /// Whatever was to come does not.
    pub(crate) fn calm(&self) {
        *self.fault.lock().unwrap() = None;
        *self.failing.lock().unwrap() = None;
        *self.meeting.lock().unwrap() = None;
    }

    /// Whether what was to come is still to come.
    pub(crate) fn waits(&self) -> bool {
        self.fault.lock().unwrap().is_some()
    }

    /// Every write of this name fails.
    pub(crate) fn fail(&self, write: &'static str) {
        *self.failing.lock().unwrap() = Some(write);
    }

    /// Writes of this name wait until so many of them are about to happen.
    pub(crate) fn meet(&self, write: &'static str, count: usize) {
        *self.meeting.lock().unwrap() = Some((write, Arc::new(Barrier::new(count))));
    }

    /// The writes so far, by name.
    pub(crate) fn writes(&self) -> Vec<&'static str> {
        self.writes.lock().unwrap().clone()
    }

    async fn write<T>(
        &self,
        name: &'static str,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.writes.lock().unwrap().push(name);
        let meeting = self.meeting.lock().unwrap().clone().filter(|(write, _)| *write == name);
        if let Some((_, others)) = meeting {
            others.wait().await;
        }
        let now = {
            let mut fault = self.fault.lock().unwrap();
            match fault.as_mut() {
                Some((0, what)) => {
                    let what = *what;
                    *fault = None;
                    Some(what)
                }
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        let fails = *self.failing.lock().unwrap() == Some(name);
        match now {
            Some(Fault::Fails) => Err(StoreError::Closed),
            _ if fails => Err(StoreError::Closed),
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::DieAfter) => {
                let _never_seen = write.await;
                self.die().await
            }
            None => write.await,
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

macro_rules! through {
    ($(async fn $name:ident(&self $(, $arg:ident: $type:ty)* $(,)?) -> $answer:ty;)+) => {
        #[async_trait]
        impl Store for Gate {
            fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> KeyedHash {
                self.inner.hash(domain, parts)
            }
            async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
                self.inner.user(name).await
            }
            async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
                self.inner.users(after, limit).await
            }
            async fn enrollments(&self, user: &UserId, now: Timestamp) -> Result<Vec<Enrollment>, StoreError> {
                self.inner.enrollments(user, now).await
            }
            async fn may_begin_enrollment(
                &self,
                user: &UserId,
                factor: &Factor,
                authority: &Authority,
                now: Timestamp,
            ) -> Result<EnrollmentBegun, StoreError> {
                self.inner.may_begin_enrollment(user, factor, authority, now).await
            }
            async fn provider_data(&self, enrollment: &EnrollmentId, holder: &Holder) -> Result<Option<Data>, StoreError> {
                self.inner.provider_data(enrollment, holder).await
            }
            async fn holders(&self, enrollment: &EnrollmentId) -> Result<Vec<Holder>, StoreError> {
                self.inner.holders(enrollment).await
            }
            async fn delivery(&self, delivery: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
                self.inner.delivery(delivery).await
            }
            async fn challenge(&self, challenge: &ChallengeId) -> Result<Option<OpenChallenge>, StoreError> {
                self.inner.challenge(challenge).await
            }
            async fn open_challenges(&self, user: &UserId, now: Timestamp) -> Result<Vec<ChallengeId>, StoreError> {
                self.inner.open_challenges(user, now).await
            }
            async fn audit(&self, after: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
                self.inner.audit(after, limit).await
            }
            $(async fn $name(&self $(, $arg: $type)*) -> $answer {
                self.write(stringify!($name), self.inner.$name($($arg),*)).await
            })+
        }
    };
}

through! {
    async fn add_user(&self, user: NewUser, now: Timestamp) -> Result<Option<User>, StoreError>;
    async fn update_user(&self, user: &UserId, change: UserChange, now: Timestamp) -> Result<bool, StoreError>;
    async fn unlock_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;
    async fn release_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;
    async fn forget_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;
    async fn begin_enrollment(&self, new: NewEnrollment, now: Timestamp) -> Result<EnrollmentBegun, StoreError>;
    async fn confirm_enrollment(
        &self,
        enrollment: &EnrollmentId,
        proof: Proof,
        data: Option<(Holder, Data)>,
        now: Timestamp,
    ) -> Result<EnrollmentConfirmed, StoreError>;
    async fn count_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;
    async fn give_back_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn remove_enrollment(
        &self,
        enrollment: &EnrollmentId,
        authority: &Authority,
        must_remain: MustRemain,
        now: Timestamp,
    ) -> Result<EnrollmentRemoved, StoreError>;
    async fn put_provider_data(
        &self,
        enrollment: &EnrollmentId,
        holder: &Holder,
        data: &Data,
    ) -> Result<bool, StoreError>;
    async fn open_challenge(
        &self,
        challenge: NewChallenge,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError>;
    async fn add_delivery(
        &self,
        challenge: &ChallengeId,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError>;
    async fn keep_delivery(&self, delivery: &DeliveryId, data: &Data) -> Result<bool, StoreError>;
    async fn delivery_sent(
        &self,
        delivery: &DeliveryId,
        data: Option<&Data>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    async fn delivery_failed(
        &self,
        delivery: &DeliveryId,
        delivered_nothing: bool,
        why: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    async fn release_delivery(&self, delivery: &DeliveryId, now: Timestamp) -> Result<bool, StoreError>;
    async fn count_attempt(
        &self,
        challenge: &ChallengeId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;
    async fn give_back_attempt(
        &self,
        challenge: &ChallengeId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn approve(
        &self,
        challenge: &ChallengeId,
        delivery: &DeliveryId,
        proof: Proof,
        own_lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Approval, StoreError>;
    async fn close_challenge(
        &self,
        challenge: &ChallengeId,
        delivery: Option<&DeliveryId>,
        state: ChallengeState,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError>;
    async fn append(&self, event: AuditEvent, now: Timestamp) -> Result<(), StoreError>;
}
