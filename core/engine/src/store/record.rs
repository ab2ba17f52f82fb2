//! The records of the store and the answers of its transitions.

use std::fmt;

use countersign_plugin::{Data, Phone, Purpose, Timestamp};

use crate::audit::AuditEvent;
use crate::clock::{NoRandomness, Random};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// 128 random bits as 32 lower-case hexadecimal digits.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new one.
            ///
            /// # Errors
            /// Where there is no randomness.
            pub fn new(random: &dyn Random) -> Result<Self, NoRandomness> {
                let mut bytes = [0; 16];
                random.fill(&mut bytes)?;
                Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
            }

            /// Reads one back; `None` where it does not have the shape.
            pub fn parse(text: &str) -> Option<Self> {
                let shape = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                shape.then(|| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )+};
}

id! {
    /// Names a user.
    UserId,
    /// Names an enrollment.
    EnrollmentId,
    /// Names a challenge.
    ChallengeId,
    /// Names a delivery.
    DeliveryId,
}

/// A keyed hash (HMAC-SHA-256 under a key of the store's) of something that must be found or
/// compared but not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyedHash(pub [u8; 32]);

/// Whose data it is: a provider's, and where it is worth something in one account there only, that
/// account's. So a service that is given another account does not find what the old one knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The provider.
    pub provider: String,
    /// Keyed hash of the account; `None` for what a plugin judges by itself.
    pub account: Option<KeyedHash>,
}

impl Holder {
    /// Both as one text. Ids of providers have no space.
    pub(super) fn key(&self) -> String {
        let account = self.account.iter().flat_map(|account| account.0).map(|byte| format!("{byte:02x}"));
        let account: String = account.collect();
        if account.is_empty() { self.provider.clone() } else { format!("{} {account}", self.provider) }
    }

    /// The holder of such a text; `None` where it is none.
    pub(super) fn from_key(key: &str) -> Option<Self> {
        let Some((provider, digits)) = key.split_once(' ') else {
            return Some(Self { provider: key.to_owned(), account: None });
        };
        let mut account = [0; 32];
        if digits.len() != 2 * account.len() {
            return None;
        }
        for (at, byte) in account.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self { provider: provider.to_owned(), account: Some(KeyedHash(account)) })
    }
}

/// An e-mail address; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(pub String);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A user to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// The normalised name.
    pub name: String,
    /// For providers that want one.
    pub email: Option<Email>,
    /// BCP 47 tag.
    pub locale: Option<String>,
    /// The box "Two Factor Auth. Required".
    pub required: bool,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The normalised name.
    pub name: String,
    /// For providers that want one.
    pub email: Option<Email>,
    /// BCP 47 tag.
    pub locale: Option<String>,
    /// The box "Two Factor Auth. Required".
    pub required: bool,
    /// Failures since the last full success or unlock, over all challenges, channels, providers and
    /// locks.
    pub failures: u32,
    /// No code of this user is judged before then; [`UNTIL_UNLOCKED`]: before an unlock.
    pub locked_until: Option<Timestamp>,
    /// Whether a factor was active once and the user was not released since.
    pub had_factor: bool,
}

/// Changes of a user; `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Sets the box.
    pub required: Option<bool>,
    /// Sets or clears the address.
    pub email: Option<Option<Email>>,
    /// Sets or clears the language.
    pub locale: Option<Option<String>>,
    /// Factors that end with the change, pending ones too: what the old address proved.
    pub ends: Vec<Factor>,
}

/// What a factor is: a proven number (for every channel that reaches phones), or something
/// enrolled for one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Factor {
    /// A phone number, proven by a code.
    Phone,
    /// A device enrolled for this channel (`totp`).
    Device(String),
    /// A person reached without number or device, on this channel (an approval elsewhere).
    Other(String),
}

/// By whose leave a factor is enrolled or removed. The condition is part of the store's
/// transition, so that no two of them can slip through on one leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Nobody's: only the first factor of a user may be enrolled so. Beginning needs that the
    /// user has no active factor (else `NeedsApproval`), never had one since the last
    /// [`release_user`](crate::store::Store::release_user), and that no administrator is enrolling
    /// one just now (else `NeedsAdministrator`); and so does becoming active (else it is gone).
    /// Nothing can be removed so.
    Nobody,
    /// The person passed a second factor for this: the challenge must be the user's own, of
    /// purpose login, approved at or after `not_before` by a factor that is still there, and not
    /// used up by another change (else `ApprovalRefused`). It is used up when the enrollment
    /// becomes active (which checks again that factor and approval are still there; else it is
    /// gone), or by the removal.
    Approval {
        /// The approved challenge.
        challenge: ChallengeId,
        /// The earliest moment at which it may have been approved.
        not_before: Timestamp,
    },
    /// An administrator answers for it.
    Administrator,
}

/// An enrollment to begin.
#[derive(Clone, Debug)]
pub struct NewEnrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// Whose.
    pub user: UserId,
    /// What.
    pub factor: Factor,
    /// The number, for phones.
    pub phone: Option<Phone>,
    /// The provider's data (the seed), for devices.
    pub data: Option<(Holder, Data)>,
    /// The moment until which it must be confirmed.
    pub expires: Timestamp,
    /// By whose leave.
    pub authority: Authority,
}

/// An enrollment.
#[derive(Clone, Debug)]
pub struct Enrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// Whose.
    pub user: UserId,
    /// What.
    pub factor: Factor,
    /// Whether it counts as a factor.
    pub active: bool,
    /// Whether an administrator began it.
    pub by_administrator: bool,
    /// The number, for phones.
    pub phone: Option<Phone>,
    /// The provider that keeps a device's data.
    pub provider: Option<String>,
    /// The last accepted time step.
    pub last_step: Option<u64>,
    /// While pending: the moment until which it must be confirmed.
    pub expires: Option<Timestamp>,
}

/// Answer of `begin_enrollment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EnrollmentBegun {
    /// It is pending now.
    Begun,
    /// An active one stands in the way.
    AlreadyEnrolled,
    /// There is no such user.
    NoUser,
    /// The user has a factor, so an approval is needed.
    NeedsApproval,
    /// The user had a factor, or is being given one: only an administrator may enroll another.
    NeedsAdministrator,
    /// The approval is not one, too old, or used up.
    ApprovalRefused,
}

/// What a removal must leave to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MustRemain {
    /// Another active enrollment of the user's, of whatever factor. (Who removes one that is not
    /// active takes no factor away, and is not asked for this.)
    AnotherFactor,
    /// Nothing: the user may be without a factor.
    Nothing,
}

/// Answer of `remove_enrollment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EnrollmentRemoved {
    /// It is gone now.
    Removed,
    /// There is no such enrollment.
    Gone,
    /// Removing needs an approval.
    NeedsApproval,
    /// The approval is not one, too old, or used up.
    ApprovalRefused,
    /// Another factor must remain, and this is the last active one. Nothing was changed.
    LastFactor,
}

/// Answer of `confirm_enrollment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EnrollmentConfirmed {
    /// It is active now.
    Confirmed,
    /// It expired, was replaced, or is active already.
    Gone,
}

/// A challenge to open.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// Its id.
    pub id: ChallengeId,
    /// Whose.
    pub user: UserId,
    /// What for.
    pub purpose: Purpose,
    /// The kind of login, for logins.
    pub login_type: Option<String>,
    /// The factor that is asked for.
    pub enrollment: EnrollmentId,
    /// The end of its life.
    pub expires: Timestamp,
}

/// A delivery to write down before it is sent.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The service (name in the bootstrap).
    pub service: String,
    /// The channel.
    pub channel: String,
    /// The provider, and the account there.
    pub holder: Holder,
    /// What sends are counted by: keyed hash of the canonical number or the address, or, where
    /// there is neither (a request on somebody's device), of the user and the channel. `None` where
    /// nothing is sent.
    pub recipient: Option<KeyedHash>,
    /// For provider-made codes: keyed hash of account, service and recipient at the provider. At
    /// most one live delivery has it.
    pub live_key: Option<KeyedHash>,
    /// For engine-made codes: keyed hash of the code, bound to the delivery's id.
    pub code: Option<KeyedHash>,
    /// The end of its code's life.
    pub expires: Timestamp,
}

/// How often may be sent.
#[derive(Clone, Copy, Debug)]
pub struct SendRule {
    /// Whether sending counts at all (it does not where nothing is sent, as for TOTP).
    pub counts: bool,
    /// Seconds between two sends to one recipient.
    pub cool_down_seconds: u64,
    /// Sends to one recipient within the window.
    pub cap: u32,
    /// The window, in seconds.
    pub window_seconds: u64,
    /// How long the recipient is locked once the cap is reached, in seconds.
    pub lock_seconds: u64,
    /// Deliveries of one challenge.
    pub per_challenge: u32,
    /// Attempts of one challenge: where they are used up, no code could be right any more.
    pub attempts_per_challenge: u32,
}

/// Answer of `open_challenge` and `add_delivery`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum SendAllowed {
    /// It is written down: send.
    Go,
    /// Too soon after the last send to this recipient.
    CoolDown {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// Too many sends to this recipient.
    SendLocked {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// The user has guessed too often.
    GuessLocked {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// This challenge has had all its deliveries.
    NoSendsLeft,
    /// Another live delivery has the same live key.
    LiveElsewhere {
        /// The challenge it belongs to.
        challenge: ChallengeId,
        /// The delivery.
        delivery: DeliveryId,
        /// When it expires.
        until: Timestamp,
    },
    /// The challenge is over (or there is none), or has no attempts left.
    Over,
}

/// States of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ChallengeState {
    Sending,
    Pending,
    Approved,
    Denied,
    Expired,
    Canceled,
    Failed,
}

/// States of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DeliveryState {
    Sending,
    Sent,
    /// The provider failed, but the message may have arrived: it counts as sent.
    Unclear,
    /// The provider failed, and nothing was delivered.
    Failed,
    /// A newer one of the same challenge took its place.
    Superseded,
    /// Its code is dead.
    Released,
}

impl DeliveryState {
    /// Whether a person may hold its code, so that it can be checked while it is the newest.
    pub const fn checkable(self) -> bool {
        matches!(self, Self::Sending | Self::Sent | Self::Unclear)
    }
}

/// A challenge with what belongs to it.
#[derive(Clone, Debug)]
pub struct OpenChallenge {
    /// Its id.
    pub id: ChallengeId,
    /// Whose.
    pub user: User,
    /// What for.
    pub purpose: Purpose,
    /// The kind of login.
    pub login_type: Option<String>,
    /// How it stands.
    pub state: ChallengeState,
    /// Attempts so far.
    pub attempts: u32,
    /// The end of its life.
    pub expires: Timestamp,
    /// The factor; `None` if it is gone.
    pub enrollment: Option<Enrollment>,
    /// The newest delivery.
    pub delivery: Delivery,
    /// How many deliveries there were.
    pub deliveries: u32,
}

/// A delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The service.
    pub service: String,
    /// The channel.
    pub channel: String,
    /// The provider.
    pub provider: String,
    /// Keyed hash of the account there; `None` where it belongs to none, or nobody knows which.
    pub account: Option<KeyedHash>,
    /// How it stands.
    pub state: DeliveryState,
    /// The provider's data.
    pub data: Option<Data>,
    /// Keyed hash of an engine-made code.
    pub code: Option<KeyedHash>,
    /// When it was written down.
    pub created: Timestamp,
    /// The end of its code's life.
    pub expires: Timestamp,
}

/// The end of a lock that has none but an unlock: after 100 failures in a row, which is as many as
/// NIST SP 800-63B §5.2.2 allows. It is the last moment of the year 9999.
pub const UNTIL_UNLOCKED: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// How often may be guessed.
///
/// Failures count in a row, over locks too: only a full success or an unlock clears them. After
/// every `per_user` of them the user is locked, each time for twice as long as before, up to a day
/// (or up to `lock_seconds`, where that is longer); the 100th in a row locks until
/// [`UNTIL_UNLOCKED`].
#[derive(Clone, Copy, Debug)]
pub struct AttemptRule {
    /// Attempts per challenge (or pending enrollment).
    pub per_challenge: u32,
    /// Failures per user between two locks, from 1 (which is also what 0 means).
    pub per_user: u32,
    /// Length of the first lock, in seconds.
    pub lock_seconds: u64,
}

/// Answer of `count_attempt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Attempt {
    /// It counts; look at the code.
    Counted {
        /// Attempts left on this challenge after this one.
        left: u32,
        /// Whether this attempt, if it fails, leaves the user locked until then.
        locks_until: Option<Timestamp>,
    },
    /// The user is locked; do not look at the code.
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// No attempts are left on this challenge.
    NoneLeft,
    /// The challenge or enrollment is over.
    Over,
}

/// What an approval consumes.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Nothing can be replayed: the engine's own code dies with its challenge; nobody's code.
    Nothing,
    /// A time step on the challenge's enrollment: only one greater than the last accepted passes.
    Step(u64),
    /// A provider-checked code: its keyed hash must not have been accepted on this enrollment
    /// before `until`.
    Code {
        /// Keyed hash of code, enrollment and provider.
        hash: KeyedHash,
        /// How long it is remembered.
        until: Timestamp,
    },
}

/// Answer of `approve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Approval {
    /// Yes.
    Approved,
    /// The proof was used before.
    Replayed,
    /// The user is locked.
    Locked {
        /// The end of the lock.
        until: Timestamp,
    },
    /// The challenge is not pending, has expired, or the delivery is not its newest.
    NotPending,
}

/// An event as stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Counts from 1 without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: AuditEvent,
}
