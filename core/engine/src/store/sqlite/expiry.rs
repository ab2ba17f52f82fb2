//! Marking what has expired. No rule waits for it: each compares with the present itself. This
//! deletes seeds and numbers of enrollments that nobody confirmed, and keeps the tables small.

use rusqlite::params;

use super::audit::parsed;
use super::challenge::read_id;
use super::fault::Fault;
use super::transition::Transition;
use crate::audit::AuditKind;
use crate::store::{ChallengeState, EnrollmentId};

impl Transition<'_> {
    pub(super) fn expire(&self) -> Result<u64, Fault> {
        let challenges = self.expire_challenges()?;
        let enrollments = self.expire_enrollments()?;
        let deliveries = self.connection.execute(
            "UPDATE deliveries SET state = 'released'
             WHERE state IN ('sending', 'sent', 'unclear', 'superseded') AND expires <= ?1",
            [self.now()],
        )?;
        let codes = self.connection.execute("DELETE FROM used_codes WHERE until <= ?1", [self.now()])?;
        self.connection.execute("DELETE FROM live_keys WHERE until <= ?1", [self.now()])?;
        self.connection.execute("DELETE FROM sends WHERE idle_from <= ?1", [self.now()])?;
        Ok((challenges + enrollments + deliveries + codes) as u64)
    }

    fn expire_challenges(&self) -> Result<usize, Fault> {
        let over = self.all(
            "SELECT id FROM challenges WHERE state IN ('sending', 'pending') AND expires <= ?1 ORDER BY expires, id",
            [self.now()],
            read_id,
        )?;
        for challenge in &over {
            self.close_challenge(challenge, None, ChallengeState::Expired)?;
        }
        Ok(over.len())
    }

    fn expire_enrollments(&self) -> Result<usize, Fault> {
        let damaged = || Fault::Damaged { table: "enrollments", column: "id" };
        let over = self.all(
            "SELECT id FROM enrollments WHERE state = 'pending' AND expires <= ?1 ORDER BY expires, id",
            [self.now()],
            |row| parsed(row.get(0)?, EnrollmentId::parse, damaged())?.ok_or_else(damaged),
        )?;
        for id in &over {
            if let Some(enrollment) = self.enrollment(id)? {
                self.end_enrollment(&enrollment, AuditKind::EnrollmentExpired, "enrollment expired")?;
            }
        }
        Ok(over.len())
    }

    pub(super) fn is_pending(&self, enrollment: &EnrollmentId) -> Result<bool, Fault> {
        let pending = self.first(
            "SELECT 1 FROM enrollments WHERE id = ?1 AND state = 'pending' AND kind <> 'phone' AND expires > ?2",
            params![enrollment.as_str(), self.now()],
            |_| Ok(()),
        )?;
        Ok(pending.is_some())
    }
}
