//! Marking what has expired. No rule waits for it: each compares with the present itself. This
//! deletes seeds and numbers of enrollments that nobody confirmed, and keeps the tables small.

use rusqlite::params;

use super::audit::parsed;
use super::challenge::read_id;
use super::fault::Fault;
use super::transition::{Transition, seconds};
use crate::audit::AuditKind;
use crate::enrollment::APPROVAL_LIFETIME;
use crate::store::{ChallengeState, EnrollmentId};

/// How long a challenge stays after its time, in seconds. A host may still ask about it, a passed
/// one is leave for a change for [`APPROVAL_LIFETIME`], and a day is what a support desk asks about.
const KEPT_SECONDS: u64 = 24 * 60 * 60;
const _: () = assert!(KEPT_SECONDS > APPROVAL_LIFETIME.as_secs(), "an approval must outlive its use");

/// Challenges deleted at once, so that logins need not wait long. The rest goes the next time.
const BATCH: u32 = 500;

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
        let ended = self.delete_ended()?;
        Ok((challenges + enrollments + deliveries + codes + ended) as u64)
    }

    /// Deletes challenges that ended long ago, with their deliveries; the audit has what happened. One
    /// whose code may live on at the provider stays as long, so that it can be canceled there.
    fn delete_ended(&self) -> Result<usize, Fault> {
        let long_ago = self.now().saturating_sub(seconds(KEPT_SECONDS));
        Ok(self.connection.execute(
            "DELETE FROM challenges WHERE id IN (
                 SELECT id FROM challenges c
                 WHERE state NOT IN ('sending', 'pending') AND expires <= ?1
                   AND NOT EXISTS (SELECT 1 FROM deliveries WHERE challenge = c.id AND expires > ?2)
                 ORDER BY expires LIMIT ?3)",
            params![long_ago, self.now(), BATCH],
        )?)
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
