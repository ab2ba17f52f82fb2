//! The trait, method by method: each hands its transition to the store's thread.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use countersign_plugin::{Data, Failure, Timestamp};

use super::SqliteStore;
use crate::audit::AuditEvent;
use crate::store::{
    Approval, Attempt, AttemptRule, Authority, ChallengeId, ChallengeState, Delivery, DeliveryId, Enrollment,
    EnrollmentBegun, EnrollmentConfirmed, EnrollmentId, EnrollmentRemoved, Factor, Holder, KeyedHash, MustRemain,
    NewChallenge, NewDelivery, NewEnrollment, NewUser, OpenChallenge, Proof, SendAllowed, SendRule, Store, StoreError,
    StoredEvent, User, UserChange, UserId,
};

/// The time of transitions that no rule about time applies to.
const TIMELESS: Timestamp = Timestamp::from_millis(0);

#[async_trait]
impl Store for SqliteStore {
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> KeyedHash {
        self.keys.hash(domain, parts)
    }

    async fn add_user(&self, user: NewUser, now: Timestamp) -> Result<Option<User>, StoreError> {
        self.write("add_user", now, move |tx| tx.add_user(&user)).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let name = name.to_owned();
        self.read(TIMELESS, move |tx| tx.user(&name)).await
    }

    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
        let after = after.unwrap_or_default().to_owned();
        self.read(TIMELESS, move |tx| tx.users(&after, limit)).await
    }

    async fn update_user(&self, user: &UserId, change: UserChange, now: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        self.write("update_user", now, move |tx| tx.update_user(&user, &change)).await
    }

    async fn unlock_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        self.write("unlock_user", now, move |tx| tx.unlock_user(&user)).await
    }

    async fn release_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        self.write("release_user", now, move |tx| tx.release_user(&user)).await
    }

    async fn forget_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        let forgotten = self.write("forget_user", now, move |tx| tx.forget_user(&user)).await?;
        if forgotten {
            self.checkpoint().await;
        }
        Ok(forgotten)
    }

    async fn begin_enrollment(&self, new: NewEnrollment, now: Timestamp) -> Result<EnrollmentBegun, StoreError> {
        self.write("begin_enrollment", now, move |tx| tx.begin_enrollment(&new)).await
    }

    async fn may_begin_enrollment(
        &self,
        user: &UserId,
        factor: &Factor,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<EnrollmentBegun, StoreError> {
        let (user, factor, authority) = (user.clone(), factor.clone(), authority.clone());
        self.read(now, move |tx| tx.may_begin_enrollment(&user, &factor, &authority)).await
    }

    async fn enrollments(&self, user: &UserId, now: Timestamp) -> Result<Vec<Enrollment>, StoreError> {
        let user = user.clone();
        self.read(now, move |tx| tx.enrollments(&user)).await
    }

    async fn confirm_enrollment(
        &self,
        enrollment: &EnrollmentId,
        proof: Proof,
        data: Option<(Holder, Data)>,
        now: Timestamp,
    ) -> Result<EnrollmentConfirmed, StoreError> {
        let enrollment = enrollment.clone();
        self.write("confirm_enrollment", now, move |tx| tx.confirm_enrollment(&enrollment, &proof, data.as_ref())).await
    }

    async fn count_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let enrollment = enrollment.clone();
        self.write("count_enrollment_attempt", now, move |tx| tx.count_enrollment_attempt(&enrollment, rule)).await
    }

    async fn give_back_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let enrollment = enrollment.clone();
        self.write("give_back_enrollment_attempt", now, move |tx| tx.give_back_enrollment_attempt(&enrollment, lock))
            .await
    }

    async fn remove_enrollment(
        &self,
        enrollment: &EnrollmentId,
        authority: &Authority,
        must_remain: MustRemain,
        now: Timestamp,
    ) -> Result<EnrollmentRemoved, StoreError> {
        let (enrollment, authority) = (enrollment.clone(), authority.clone());
        self.write("remove_enrollment", now, move |tx| tx.remove_enrollment(&enrollment, &authority, must_remain)).await
    }

    async fn provider_data(&self, enrollment: &EnrollmentId, holder: &Holder) -> Result<Option<Data>, StoreError> {
        let enrollment = enrollment.clone();
        let holder = holder.clone();
        self.read(TIMELESS, move |tx| tx.provider_data(&enrollment, &holder)).await
    }

    async fn holders(&self, enrollment: &EnrollmentId) -> Result<Vec<Holder>, StoreError> {
        let enrollment = enrollment.clone();
        self.read(TIMELESS, move |tx| tx.holders(&enrollment)).await
    }

    async fn put_provider_data(
        &self,
        enrollment: &EnrollmentId,
        holder: &Holder,
        data: &Data,
    ) -> Result<bool, StoreError> {
        let enrollment = enrollment.clone();
        let holder = holder.clone();
        let data = data.clone();
        self.write("put_provider_data", TIMELESS, move |tx| tx.put_provider_data(&enrollment, &holder, &data)).await
    }

    async fn open_challenge(
        &self,
        challenge: NewChallenge,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError> {
        self.write("open_challenge", now, move |tx| tx.open_challenge(&challenge, &delivery, rule)).await
    }

    async fn add_delivery(
        &self,
        challenge: &ChallengeId,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError> {
        let challenge = challenge.clone();
        self.write("add_delivery", now, move |tx| tx.add_delivery(&challenge, &delivery, rule)).await
    }

    async fn keep_delivery(&self, delivery: &DeliveryId, data: &Data) -> Result<bool, StoreError> {
        let delivery = delivery.clone();
        let data = data.clone();
        self.write("keep_delivery", TIMELESS, move |tx| tx.keep_delivery(&delivery, &data)).await
    }

    async fn delivery_sent(
        &self,
        delivery: &DeliveryId,
        data: Option<&Data>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let delivery = delivery.clone();
        let data = data.cloned();
        self.write("delivery_sent", now, move |tx| tx.delivery_sent(&delivery, data.as_ref(), expires)).await
    }

    async fn delivery_failed(
        &self,
        delivery: &DeliveryId,
        delivered_nothing: bool,
        why: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (delivery, why) = (delivery.clone(), why.clone());
        self.write("delivery_failed", now, move |tx| tx.delivery_failed(&delivery, delivered_nothing, &why)).await
    }

    async fn release_delivery(&self, delivery: &DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        let delivery = delivery.clone();
        self.write("release_delivery", now, move |tx| tx.release_delivery(&delivery)).await
    }

    async fn delivery(&self, delivery: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let delivery = delivery.clone();
        self.read(TIMELESS, move |tx| tx.delivery(&delivery)).await
    }

    async fn challenge(&self, challenge: &ChallengeId) -> Result<Option<OpenChallenge>, StoreError> {
        let challenge = challenge.clone();
        self.read(TIMELESS, move |tx| tx.challenge(&challenge)).await
    }

    async fn open_challenges(&self, user: &UserId, now: Timestamp) -> Result<Vec<ChallengeId>, StoreError> {
        let user = user.clone();
        self.read(now, move |tx| tx.open_challenges(&user)).await
    }

    async fn count_attempt(
        &self,
        challenge: &ChallengeId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let challenge = challenge.clone();
        self.write("count_attempt", now, move |tx| tx.count_attempt(&challenge, rule)).await
    }

    async fn give_back_attempt(
        &self,
        challenge: &ChallengeId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let challenge = challenge.clone();
        self.write("give_back_attempt", now, move |tx| tx.give_back_attempt(&challenge, lock)).await
    }

    async fn approve(
        &self,
        challenge: &ChallengeId,
        delivery: &DeliveryId,
        proof: Proof,
        own_lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Approval, StoreError> {
        let challenge = challenge.clone();
        let delivery = delivery.clone();
        self.write("approve", now, move |tx| tx.approve(&challenge, &delivery, &proof, own_lock)).await
    }

    async fn close_challenge(
        &self,
        challenge: &ChallengeId,
        delivery: Option<&DeliveryId>,
        state: ChallengeState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (challenge, delivery) = (challenge.clone(), delivery.cloned());
        self.write("close_challenge", now, move |tx| tx.close_challenge(&challenge, delivery.as_ref(), state)).await
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        let expired = self.write("expire", now, move |tx| tx.expire()).await?;
        if self.not_emptied.load(Ordering::Relaxed) {
            self.checkpoint().await;
        }
        Ok(expired)
    }

    async fn append(&self, event: AuditEvent, now: Timestamp) -> Result<(), StoreError> {
        self.write("append", now, move |tx| tx.append(&event)).await
    }

    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(TIMELESS, move |tx| tx.audit(after, limit)).await
    }
}
