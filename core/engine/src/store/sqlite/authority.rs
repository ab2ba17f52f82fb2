//! By whose leave factors change, and how enrollments become active.

use rusqlite::{named_params, params};

use super::fault::Fault;
use super::transition::{Transition, millis};
use crate::store::{Authority, ChallengeId, EnrollmentBegun, EnrollmentId, EnrollmentRemoved, UserId};

/// An approval that a change may rest on: the user's own, of a login, not used up, and passed with
/// a factor that is still there. Who lost their telephone has it removed, and with it goes the leave
/// of whoever found it.
const UNUSED: &str = "user = :user AND purpose = 'login' AND state = 'approved' AND used_for IS NULL
    AND enrollment IS NOT NULL";

impl Transition<'_> {
    /// Whether an enrollment may begin.
    pub(super) fn leave_to_begin(
        &self,
        user: &UserId,
        authority: &Authority,
    ) -> Result<Result<(), EnrollmentBegun>, Fault> {
        Ok(match authority {
            Authority::Administrator => Ok(()),
            Authority::Nobody if self.has_factor(user)? => Err(EnrollmentBegun::NeedsApproval),
            Authority::Nobody if self.left_to_administrators(user)? => Err(EnrollmentBegun::NeedsAdministrator),
            Authority::Nobody => Ok(()),
            Authority::Approval { challenge, not_before } => {
                let fresh = self.first(
                    &format!("SELECT 1 FROM challenges WHERE id = :challenge AND approved >= :not_before AND {UNUSED}"),
                    named_params! {
                        ":challenge": challenge.as_str(),
                        ":not_before": millis(*not_before),
                        ":user": user.as_str(),
                    },
                    |_| Ok(()),
                )?;
                fresh.ok_or(EnrollmentBegun::ApprovalRefused)
            }
        })
    }

    /// Whether this enrollment may be removed. An approval is used up by it.
    pub(super) fn leave_to_remove(
        &self,
        enrollment: &EnrollmentId,
        user: &UserId,
        authority: &Authority,
    ) -> Result<Result<(), EnrollmentRemoved>, Fault> {
        Ok(match authority {
            Authority::Administrator => Ok(()),
            Authority::Nobody => Err(EnrollmentRemoved::NeedsApproval),
            Authority::Approval { challenge, not_before } => {
                let used = self.hit(
                    &format!(
                        "UPDATE challenges SET used_for = :enrollment
                         WHERE id = :challenge AND approved >= :not_before AND {UNUSED}"
                    ),
                    named_params! {
                        ":enrollment": enrollment.as_str(),
                        ":challenge": challenge.as_str(),
                        ":not_before": millis(*not_before),
                        ":user": user.as_str(),
                    },
                )?;
                if used { Ok(()) } else { Err(EnrollmentRemoved::ApprovalRefused) }
            }
        })
    }

    /// Makes a pending enrollment active, if its authority still holds; uses up its approval.
    /// Where it answers `false`, the caller undoes the steps.
    pub(super) fn activate(&self, enrollment: &EnrollmentId) -> Result<bool, Fault> {
        let active = self.hit(
            "UPDATE enrollments SET state = 'active', expires = NULL
             WHERE id = :id AND state = 'pending' AND expires > :now
               AND (authority <> 'nobody' OR (
                   EXISTS (SELECT 1 FROM users WHERE id = enrollments.user AND had_factor = 0)
                   AND NOT EXISTS (SELECT 1 FROM enrollments other
                       WHERE other.user = enrollments.user AND (other.state = 'active'
                           OR other.authority = 'administrator' AND other.expires > :now))))",
            named_params! {":id": enrollment.as_str(), ":now": self.now()},
        )?;
        if !active {
            return Ok(false);
        }
        self.hit(
            "UPDATE users SET had_factor = 1 WHERE id = (SELECT user FROM enrollments WHERE id = ?1)",
            [enrollment.as_str()],
        )?;
        let rests_on = self.first(
            "SELECT user, approval FROM enrollments WHERE id = ?1 AND authority = 'approval'",
            [enrollment.as_str()],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
        )?;
        let Some((user, approval)) = rests_on else { return Ok(true) };
        self.hit(
            &format!("UPDATE challenges SET used_for = :enrollment WHERE id = :approval AND {UNUSED}"),
            named_params! {":enrollment": enrollment.as_str(), ":approval": approval, ":user": user},
        )
    }

    /// Whether the user had a factor and was not released, or an administrator is enrolling one.
    fn left_to_administrators(&self, user: &UserId) -> Result<bool, Fault> {
        let left = self.first(
            "SELECT 1 FROM users WHERE id = ?1 AND (had_factor = 1 OR EXISTS (SELECT 1 FROM enrollments
                 WHERE user = users.id AND authority = 'administrator' AND state = 'pending' AND expires > ?2))",
            params![user.as_str(), self.now()],
            |_| Ok(()),
        )?;
        Ok(left.is_some())
    }

    fn has_factor(&self, user: &UserId) -> Result<bool, Fault> {
        let factor = self.first(
            "SELECT 1 FROM enrollments WHERE user = ?1 AND state = 'active'",
            params![user.as_str()],
            |_| Ok(()),
        )?;
        Ok(factor.is_some())
    }
}

/// The authority as columns: its name, and the approval it rests on.
pub(super) fn columns(authority: &Authority) -> (&'static str, Option<&ChallengeId>) {
    match authority {
        Authority::Nobody => ("nobody", None),
        Authority::Approval { challenge, .. } => ("approval", Some(challenge)),
        Authority::Administrator => ("administrator", None),
    }
}
