//! What happened, without secrets: append-only events.

use countersign_plugin::Failure;
use serde::{Deserialize, Serialize};

use crate::store::{ChallengeId, EnrollmentId, UserId};

/// Providers have numbers, or short words; whatever else a plugin calls a code is cut.
const PROVIDER_CODE_CHARS: usize = 64;

/// One event. It names people and things by id, never by number, code or address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// Whom it concerns.
    pub user: Option<UserId>,
    /// On which challenge.
    pub challenge: Option<ChallengeId>,
    /// On which enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Facts without secrets: service, channel, failure kind, provider code, attempts left …
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// Kinds of events. The names are stored; none is ever renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say it")]
pub enum AuditKind {
    UserAdded,
    UserChanged,
    UserUnlocked,
    UserReleased,
    UserForgotten,
    UserLocked,
    EnrollmentBegun,
    EnrollmentConfirmed,
    EnrollmentRemoved,
    EnrollmentExpired,
    ChallengeOpened,
    DeliverySending,
    DeliverySent,
    DeliveryFailed,
    DeliveryReleased,
    SendRefused,
    AttemptCounted,
    AttemptGivenBack,
    AttemptRefused,
    Approved,
    ReplayRefused,
    ApprovalTooLate,
    WrongCode,
    NotJudged,
    ChallengeExpired,
    ChallengeCanceled,
    ChallengeDenied,
    ChallengeFailed,
    CredentialsTested,
    StoreResealed,
}

impl AuditEvent {
    /// An event about nobody in particular; fill in what is known.
    pub fn new(kind: AuditKind) -> Self {
        Self { kind, user: None, challenge: None, enrollment: None, facts: serde_json::Map::new() }
    }

    /// A provider's failure: its kind, and the provider's own code. The texts are for logs.
    pub(crate) fn failure(mut self, failure: &Failure) -> Self {
        self.facts.insert("failure".to_owned(), failure.kind.name().into());
        if let Some(code) = &failure.provider_code {
            let code: String = code.chars().take(PROVIDER_CODE_CHARS).collect();
            self.facts.insert("provider_code".to_owned(), code.into());
        }
        self
    }
}
