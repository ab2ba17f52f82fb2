//! What must survive: users, enrollments, challenges, deliveries, counters, audit.
//!
//! Each method is one atomic, durable transition, decided by conditional statements and never by
//! a read followed by a write, so that several nodes may share a store. Each transition appends
//! its audit events in the same transaction. Secrets (seeds, numbers, addresses, opaque data)
//! are encrypted at rest, bound to their row; numbers are found by keyed hash.

mod error;
mod key_file;
mod keys;
mod private;
mod record;
mod sqlite;

use async_trait::async_trait;
use countersign_plugin::{Data, Failure, Timestamp};

use crate::audit::AuditEvent;

pub use error::{KeyFileProblem, StoreError};
pub use key_file::{add_seal_key, check_key_file, create_key_file};
pub use record::*;
pub use sqlite::{Observer, SqliteStore};

/// The store, as the engine uses it. SQLite implements it; PostgreSQL will.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keyed hash under a key of this store that is never rotated: HMAC-SHA-256 over the domain
    /// and the parts, each with its length, so that no two inputs can be confused.
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> KeyedHash;

    // Users. Names arrive normalised (see `crate::user`).

    /// Adds a user; `None` if the name is taken.
    async fn add_user(&self, user: NewUser, now: Timestamp) -> Result<Option<User>, StoreError>;
    /// Finds a user by normalised name.
    async fn user(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// Users in the order of their names, after this one, at most `limit`.
    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError>;
    /// Changes what is given, and ends the factors that are named with it; `false` if there is no
    /// such user.
    async fn update_user(&self, user: &UserId, change: UserChange, now: Timestamp) -> Result<bool, StoreError>;
    /// Ends the guess lock and clears the count of failures: an audited unlock.
    async fn unlock_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;
    /// Lets a user who had a factor and has none register a first one again without anybody's
    /// leave (see [`Authority::Nobody`]); `false` if there was nothing to let.
    async fn release_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;
    /// Deletes the user with everything that belongs to them; the audit keeps its rows, which
    /// name the user by id only.
    async fn forget_user(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;

    // Enrollments: at most one active and one pending per user and factor.

    /// Begins an enrollment. A pending one of the same factor is replaced (only the newest
    /// works) and its open challenges are canceled; an active one makes it `AlreadyEnrolled`.
    /// The authority is examined in the same transaction (see [`Authority`]), but an approval is
    /// used up only when the enrollment becomes active: a send that fails does not waste it.
    async fn begin_enrollment(&self, new: NewEnrollment, now: Timestamp) -> Result<EnrollmentBegun, StoreError>;
    /// What [`begin_enrollment`](Self::begin_enrollment) would answer at this moment, changing nothing: so
    /// that nothing is prepared in vain, or for somebody without leave.
    async fn may_begin_enrollment(
        &self,
        user: &UserId,
        factor: &Factor,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<EnrollmentBegun, StoreError>;
    /// All of a user's enrollments, pending ones that have not expired included.
    async fn enrollments(&self, user: &UserId, now: Timestamp) -> Result<Vec<Enrollment>, StoreError>;
    /// Makes a pending device enrollment active and consumes the proof of its first code, in one
    /// conditional write; nothing happens where it expired or was replaced, or where its
    /// authority no longer holds (see [`Authority`]). It clears the user's failures.
    async fn confirm_enrollment(
        &self,
        enrollment: &EnrollmentId,
        proof: Proof,
        data: Option<(Holder, Data)>,
        now: Timestamp,
    ) -> Result<EnrollmentConfirmed, StoreError>;
    /// Counts a wrong code for a pending device enrollment, before the plugin is asked, and on
    /// the user like every attempt.
    async fn count_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;
    /// Gives such an attempt back, as [`give_back_attempt`](Self::give_back_attempt) does on a challenge.
    async fn give_back_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes an enrollment with its data; open challenges on it are canceled. An approval is
    /// used up in the same transaction, as is decided whether what must remain does: of two
    /// removals at once that would leave nothing, also on two nodes, one is refused.
    ///
    /// The reasons to refuse are tried in the order of [`EnrollmentRemoved`]: whoever comes
    /// without leave does not learn whether this is the last factor. A refusal changes nothing;
    /// an approval that was refused for the last factor is still good for another change.
    async fn remove_enrollment(
        &self,
        enrollment: &EnrollmentId,
        authority: &Authority,
        must_remain: MustRemain,
        now: Timestamp,
    ) -> Result<EnrollmentRemoved, StoreError>;
    /// This holder's data on an enrollment.
    async fn provider_data(&self, enrollment: &EnrollmentId, holder: &Holder) -> Result<Option<Data>, StoreError>;
    /// Everybody who has data on an enrollment.
    async fn holders(&self, enrollment: &EnrollmentId) -> Result<Vec<Holder>, StoreError>;
    /// Replaces this holder's data on an enrollment; `false` if the enrollment is gone.
    async fn put_provider_data(
        &self,
        enrollment: &EnrollmentId,
        holder: &Holder,
        data: &Data,
    ) -> Result<bool, StoreError>;

    // Challenges and deliveries.

    /// Writes down a challenge with its first delivery, in state `sending`, before anything is
    /// sent. Conditions, all in the same transaction: the user is not guess-locked; the
    /// recipient's cool-down is over and its cap and send lock allow it (the send is counted
    /// here, so a failing one counts too); no other live provider-made delivery exists for the
    /// same `live_key`.
    async fn open_challenge(
        &self,
        challenge: NewChallenge,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError>;
    /// Adds a delivery to a challenge that is `sending` or `pending` and has attempts left (resend,
    /// other channel, fallback) under the same conditions. The newer one is the only checkable one from this moment on. A delivery of
    /// the *same* challenge and `live_key` does not stand in its own way: it is superseded, and
    /// the new one has its data from the start, for the provider sends the same code again.
    async fn add_delivery(
        &self,
        challenge: &ChallengeId,
        delivery: NewDelivery,
        rule: SendRule,
        now: Timestamp,
    ) -> Result<SendAllowed, StoreError>;
    /// Replaces the opaque data of a delivery (a `keep` step); `false` if it is gone.
    async fn keep_delivery(&self, delivery: &DeliveryId, data: &Data) -> Result<bool, StoreError>;
    /// `sending` → `sent`; the challenge becomes `pending`. `expires` may only shorten the life.
    async fn delivery_sent(
        &self,
        delivery: &DeliveryId,
        data: Option<&Data>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// With `delivered_nothing`: `sending` → `failed`, and the live key is released at once.
    /// Without: `sending` → `unclear`; the delivery stays checkable and live, and the challenge
    /// becomes `pending`. The challenge takes another delivery in any case. Of the failure, its kind
    /// and the provider's code are audited.
    async fn delivery_failed(
        &self,
        delivery: &DeliveryId,
        delivered_nothing: bool,
        why: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The provider confirmed that the code of this delivery is dead: its live key is free.
    async fn release_delivery(&self, delivery: &DeliveryId, now: Timestamp) -> Result<bool, StoreError>;
    /// One delivery, the newest of its challenge or not.
    async fn delivery(&self, delivery: &DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// A challenge with its newest delivery, enrollment and user.
    async fn challenge(&self, challenge: &ChallengeId) -> Result<Option<OpenChallenge>, StoreError>;
    /// The open challenges of a user, newest first.
    async fn open_challenges(&self, user: &UserId, now: Timestamp) -> Result<Vec<ChallengeId>, StoreError>;
    /// Commits one attempt *before* anybody looks at the code: on the challenge and on the user,
    /// in one transaction of its own. The attempt that reaches the user's limit locks the user
    /// (that attempt itself is still judged); see [`AttemptRule`]. A challenge in `sending` counts
    /// as `pending`.
    async fn count_attempt(
        &self,
        challenge: &ChallengeId,
        rule: AttemptRule,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;
    /// Gives one attempt back, on the challenge and on the user: only where the transport proved
    /// that nothing left. `lock` is the `locks_until` of that attempt; a lock that ends at
    /// exactly that moment is the one this attempt set, and is lifted.
    async fn give_back_attempt(
        &self,
        challenge: &ChallengeId,
        lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// The one way to yes: `pending → approved`, on this newest delivery, unexpired, together
    /// with consuming the proof, clearing the user's failures, releasing the live key, and, for
    /// purpose enroll, making the enrollment active while its authority holds. All or nothing.
    /// A challenge in `sending` counts as `pending`.
    ///
    /// A locked user is not approved. `own_lock` is the `locks_until` of the attempt that is
    /// judged: the lock that it set itself does not stand in its way.
    async fn approve(
        &self,
        challenge: &ChallengeId,
        delivery: &DeliveryId,
        proof: Proof,
        own_lock: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Approval, StoreError>;
    /// `sending | pending → state` for a state other than approved; `false` if it was over. What is
    /// decided by a word about one delivery names it, and nothing happens where a newer one has
    /// taken its place.
    async fn close_challenge(
        &self,
        challenge: &ChallengeId,
        delivery: Option<&DeliveryId>,
        state: ChallengeState,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Marks what has expired: challenges, deliveries (their live keys become free), pending
    /// enrollments (their seeds are deleted), used codes past their time. Deletes challenges that
    /// ended more than a day ago. Returns how many.
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError>;

    // Audit.

    /// Appends an event that no transition appends by itself.
    async fn append(&self, event: AuditEvent, now: Timestamp) -> Result<(), StoreError>;
    /// Events after a sequence number, oldest first, at most `limit`.
    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;
}
