//! Reading challenges, and ending them without approval.

use countersign_plugin::Purpose;
use rusqlite::{Row, params};

use super::audit::parsed;
use super::delivery::data_place;
use super::fault::Fault;
use super::transition::{Transition, moment};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::{
    ChallengeId, ChallengeState, Delivery, DeliveryId, DeliveryState, EnrollmentId, KeyedHash, OpenChallenge, UserId,
};

const DELIVERY: &str = "id, service, channel, provider, state, data, code, created, expires, account";

impl Transition<'_> {
    pub(super) fn challenge(&self, challenge: &ChallengeId) -> Result<Option<OpenChallenge>, Fault> {
        let damaged = |column| Fault::Damaged { table: "challenges", column };
        self.first(
            "SELECT user, purpose, login_type, state, attempts, expires, enrollment,
                 (SELECT count(*) FROM deliveries WHERE challenge = challenges.id)
             FROM challenges WHERE id = ?1",
            [challenge.as_str()],
            |row| {
                let enrollment = parsed(row.get(6)?, EnrollmentId::parse, damaged("enrollment"))?;
                let enrollment = enrollment.map(|enrollment| self.enrollment(&enrollment)).transpose()?;
                Ok(OpenChallenge {
                    id: challenge.clone(),
                    user: self.user_by("id", &row.get::<_, String>(0)?)?.ok_or_else(|| damaged("user"))?,
                    purpose: match row.get::<_, String>(1)?.as_str() {
                        "login" => Purpose::Login,
                        "enroll" => Purpose::Enroll,
                        _ => return Err(damaged("purpose")),
                    },
                    login_type: row.get(2)?,
                    state: challenge_state(&row.get::<_, String>(3)?).ok_or_else(|| damaged("state"))?,
                    attempts: row.get(4)?,
                    expires: moment(row.get(5)?),
                    enrollment: enrollment.flatten(),
                    delivery: self.newest_delivery(challenge)?.ok_or_else(|| damaged("id"))?,
                    deliveries: row.get(7)?,
                })
            },
        )
    }

    pub(super) fn delivery(&self, delivery: &DeliveryId) -> Result<Option<Delivery>, Fault> {
        let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE id = ?1");
        self.first(&sql, [delivery.as_str()], |row| self.read_delivery(row))
    }

    pub(super) fn open_challenges(&self, user: &UserId) -> Result<Vec<ChallengeId>, Fault> {
        self.all(
            "SELECT id FROM challenges
             WHERE user = ?1 AND state IN ('sending', 'pending') AND expires > ?2 ORDER BY created DESC, id DESC",
            params![user.as_str(), self.now()],
            read_id,
        )
    }

    /// The open challenges on an enrollment.
    pub(super) fn open_on(&self, enrollment: &EnrollmentId) -> Result<Vec<ChallengeId>, Fault> {
        self.all(
            "SELECT id FROM challenges WHERE enrollment = ?1 AND state IN ('sending', 'pending')",
            [enrollment.as_str()],
            read_id,
        )
    }

    pub(super) fn user_of(&self, challenge: &ChallengeId) -> Result<Option<UserId>, Fault> {
        let damaged = || Fault::Damaged { table: "challenges", column: "user" };
        self.first("SELECT user FROM challenges WHERE id = ?1", [challenge.as_str()], |row| {
            UserId::parse(&row.get::<_, String>(0)?).ok_or_else(damaged)
        })
    }

    pub(super) fn is_open(&self, challenge: &ChallengeId) -> Result<bool, Fault> {
        let open = self.first(
            "SELECT 1 FROM challenges WHERE id = ?1 AND state IN ('sending', 'pending') AND expires > ?2",
            params![challenge.as_str(), self.now()],
            |_| Ok(()),
        )?;
        Ok(open.is_some())
    }

    pub(super) fn deliveries_of(&self, challenge: &ChallengeId) -> Result<u32, Fault> {
        let sql = "SELECT count(*) FROM deliveries WHERE challenge = ?1";
        Ok(self.connection.query_row(sql, [challenge.as_str()], |row| row.get(0))?)
    }

    pub(super) fn close_challenge(
        &self,
        challenge: &ChallengeId,
        delivery: Option<&DeliveryId>,
        state: ChallengeState,
    ) -> Result<bool, Fault> {
        let (text, kind) = match state {
            ChallengeState::Denied => ("denied", AuditKind::ChallengeDenied),
            ChallengeState::Expired => ("expired", AuditKind::ChallengeExpired),
            ChallengeState::Canceled => ("canceled", AuditKind::ChallengeCanceled),
            ChallengeState::Failed => ("failed", AuditKind::ChallengeFailed),
            // No end, or one that has its own way.
            ChallengeState::Sending | ChallengeState::Pending | ChallengeState::Approved => return Ok(false),
        };
        let Some(user) = self.user_of(challenge)? else { return Ok(false) };
        let closed = self.hit(
            "UPDATE challenges SET state = ?2 WHERE id = ?1 AND state IN ('sending', 'pending')
               AND (?3 IS NULL OR ?3 = (SELECT id FROM deliveries WHERE challenge = challenges.id
                   ORDER BY number DESC LIMIT 1))",
            params![challenge.as_str(), text, delivery.map(DeliveryId::as_str)],
        )?;
        if closed {
            self.append(&AuditEvent::new(kind).user(&user).challenge(challenge))?;
        }
        Ok(closed)
    }

    pub(super) fn cancel(&self, challenge: &ChallengeId, user: &UserId, reason: &'static str) -> Result<(), Fault> {
        let canceled = self.hit(
            "UPDATE challenges SET state = 'canceled' WHERE id = ?1 AND state IN ('sending', 'pending')",
            [challenge.as_str()],
        )?;
        if canceled {
            let event = AuditEvent::new(AuditKind::ChallengeCanceled).user(user).challenge(challenge);
            self.append(&event.fact("reason", reason))?;
        }
        Ok(())
    }

    fn newest_delivery(&self, challenge: &ChallengeId) -> Result<Option<Delivery>, Fault> {
        let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE challenge = ?1 ORDER BY number DESC LIMIT 1");
        self.first(&sql, [challenge.as_str()], |row| self.read_delivery(row))
    }

    fn read_delivery(&self, row: &Row<'_>) -> Result<Delivery, Fault> {
        let damaged = |column| Fault::Damaged { table: "deliveries", column };
        let id = DeliveryId::parse(&row.get::<_, String>(0)?).ok_or_else(|| damaged("id"))?;
        let data = row.get::<_, Option<Vec<u8>>>(5)?;
        Ok(Delivery {
            service: row.get(1)?,
            channel: row.get(2)?,
            provider: row.get(3)?,
            state: delivery_state(&row.get::<_, String>(4)?).ok_or_else(|| damaged("state"))?,
            data: data.map(|sealed| self.open_data(data_place(&[id.as_str()]), &sealed)).transpose()?,
            code: row.get::<_, Option<[u8; 32]>>(6)?.map(KeyedHash),
            created: moment(row.get(7)?),
            expires: moment(row.get(8)?),
            account: row.get::<_, Option<[u8; 32]>>(9)?.map(KeyedHash),
            id,
        })
    }
}

pub(super) fn read_id(row: &Row<'_>) -> Result<ChallengeId, Fault> {
    let damaged = || Fault::Damaged { table: "challenges", column: "id" };
    ChallengeId::parse(&row.get::<_, String>(0)?).ok_or_else(damaged)
}

fn challenge_state(text: &str) -> Option<ChallengeState> {
    Some(match text {
        "sending" => ChallengeState::Sending,
        "pending" => ChallengeState::Pending,
        "approved" => ChallengeState::Approved,
        "denied" => ChallengeState::Denied,
        "expired" => ChallengeState::Expired,
        "canceled" => ChallengeState::Canceled,
        "failed" => ChallengeState::Failed,
        _ => return None,
    })
}

fn delivery_state(text: &str) -> Option<DeliveryState> {
    Some(match text {
        "sending" => DeliveryState::Sending,
        "sent" => DeliveryState::Sent,
        "unclear" => DeliveryState::Unclear,
        "failed" => DeliveryState::Failed,
        "superseded" => DeliveryState::Superseded,
        "released" => DeliveryState::Released,
        _ => return None,
    })
}
