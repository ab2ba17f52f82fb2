//! Appending to the audit, and reading it.

use rusqlite::params;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::transition::{Transition, moment};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::{ChallengeId, EnrollmentId, StoredEvent, UserId};

impl AuditEvent {
    pub(super) fn user(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    pub(super) fn challenge(mut self, challenge: &ChallengeId) -> Self {
        self.challenge = Some(challenge.clone());
        self
    }

    pub(super) fn enrollment(mut self, enrollment: Option<&EnrollmentId>) -> Self {
        self.enrollment = enrollment.cloned();
        self
    }

    pub(super) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

impl Transition<'_> {
    pub(super) fn append(&self, event: &AuditEvent) -> Result<(), Fault> {
        let kind = serde_json::to_value(event.kind);
        let Ok(Value::String(kind)) = kind else {
            return Err(Fault::Damaged { table: "audit", column: "kind" });
        };
        self.connection.execute(
            "INSERT INTO audit (sequence, at, kind, user, challenge, enrollment, facts)
             SELECT coalesce(max(sequence), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6 FROM audit",
            params![
                self.now(),
                kind,
                event.user.as_ref().map(UserId::as_str),
                event.challenge.as_ref().map(ChallengeId::as_str),
                event.enrollment.as_ref().map(EnrollmentId::as_str),
                Value::Object(event.facts.clone()).to_string(),
            ],
        )?;
        Ok(())
    }

    pub(super) fn audit(&self, after: u64, limit: u32) -> Result<Vec<StoredEvent>, Fault> {
        self.all(
            "SELECT sequence, at, kind, user, challenge, enrollment, facts FROM audit
             WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
            params![i64::try_from(after).unwrap_or(i64::MAX), limit],
            |row| {
                let damaged = |column| Fault::Damaged { table: "audit", column };
                let kind: AuditKind =
                    serde_json::from_value(Value::String(row.get(2)?)).map_err(|_| damaged("kind"))?;
                let facts: Map<String, Value> =
                    serde_json::from_str(&row.get::<_, String>(6)?).map_err(|_| damaged("facts"))?;
                let id = |column: usize| row.get::<_, Option<String>>(column);
                Ok(StoredEvent {
                    sequence: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| damaged("sequence"))?,
                    at: moment(row.get(1)?),
                    event: AuditEvent {
                        kind,
                        user: parsed(id(3)?, UserId::parse, damaged("user"))?,
                        challenge: parsed(id(4)?, ChallengeId::parse, damaged("challenge"))?,
                        enrollment: parsed(id(5)?, EnrollmentId::parse, damaged("enrollment"))?,
                        facts,
                    },
                })
            },
        )
    }
}

/// Reads what may be absent, but must have its shape.
pub(super) fn parsed<T>(
    text: Option<String>,
    parse: impl FnOnce(&str) -> Option<T>,
    damaged: Fault,
) -> Result<Option<T>, Fault> {
    match text {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or(damaged),
    }
}
