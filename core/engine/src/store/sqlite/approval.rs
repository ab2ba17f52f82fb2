//! The one way to yes.

use countersign_plugin::{Purpose, Timestamp};
use rusqlite::{named_params, params};

use super::enrollment::signed;
use super::fault::Fault;
use super::transition::{Transition, millis};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::{Approval, ChallengeId, DeliveryId, EnrollmentId, OpenChallenge, Proof};

/// `sending` too: where we died between sending and writing that it was sent, it counts as sent.
const APPROVE: &str = "
    UPDATE challenges SET state = 'approved', approved = :now
    WHERE id = :challenge AND state IN ('sending', 'pending') AND expires > :now
      AND EXISTS (SELECT 1 FROM users u WHERE u.id = challenges.user
          AND (u.locked_until IS NULL OR u.locked_until <= :now OR u.locked_until = :own_lock))
      AND EXISTS (SELECT 1 FROM deliveries d
          WHERE d.id = :delivery AND d.challenge = challenges.id AND d.expires > :now
            AND d.state IN ('sending', 'sent', 'unclear')
            AND d.number = (SELECT max(number) FROM deliveries WHERE challenge = challenges.id))
      AND EXISTS (SELECT 1 FROM enrollments e
          WHERE e.id = challenges.enrollment AND e.user = challenges.user
            AND e.state = CASE challenges.purpose WHEN 'login' THEN 'active' ELSE 'pending' END)";

impl Transition<'_> {
    pub(super) fn approve(
        &self,
        challenge: &ChallengeId,
        delivery: &DeliveryId,
        proof: &Proof,
        own_lock: Option<Timestamp>,
    ) -> Result<Approval, Fault> {
        let Some(opened) = self.challenge(challenge)? else { return Ok(Approval::NotPending) };
        let Some(enrollment) = opened.enrollment.as_ref().map(|enrollment| enrollment.id.clone()) else {
            return self.decided(&opened, None, Approval::NotPending);
        };
        let approved = self.unless_refused(|| {
            let pending = self.hit(
                APPROVE,
                named_params! {
                    ":challenge": challenge.as_str(),
                    ":delivery": delivery.as_str(),
                    ":now": self.now(),
                    ":own_lock": own_lock.map(millis),
                },
            )?;
            if !pending {
                let lock = opened.user.locked_until.filter(|until| *until > self.now && Some(*until) != own_lock);
                return Ok(Err(lock.map_or(Approval::NotPending, |until| Approval::Locked { until })));
            }
            if !self.consume(&enrollment, proof)? {
                return Ok(Err(Approval::Replayed));
            }
            self.clear_failures(&opened.user.id)?;
            self.free_live_key(delivery)?;
            self.hit("UPDATE deliveries SET state = 'released' WHERE id = ?1", [delivery.as_str()])?;
            if opened.purpose == Purpose::Enroll && !self.activate(&enrollment)? {
                return Ok(Err(Approval::NotPending));
            }
            Ok(Ok(()))
        })?;
        let decided = approved.map_or_else(|refused| refused, |()| Approval::Approved);
        self.decided(&opened, Some(&enrollment), decided)
    }

    /// Whether the proof was still unused; it is used now.
    pub(super) fn consume(&self, enrollment: &EnrollmentId, proof: &Proof) -> Result<bool, Fault> {
        match proof {
            Proof::Nothing => Ok(true),
            Proof::Step(step) => self.hit(
                "UPDATE enrollments SET last_step = ?2 WHERE id = ?1 AND (last_step IS NULL OR last_step < ?2)",
                params![enrollment.as_str(), signed(*step)],
            ),
            Proof::Code { hash, until } => self.hit(
                "INSERT INTO used_codes (enrollment, code, until) VALUES (?1, ?2, ?3)
                 ON CONFLICT (enrollment, code) DO UPDATE SET until = excluded.until WHERE used_codes.until <= ?4",
                params![enrollment.as_str(), hash.0, millis(*until), self.now()],
            ),
        }
    }

    fn decided(
        &self,
        challenge: &OpenChallenge,
        enrollment: Option<&EnrollmentId>,
        decided: Approval,
    ) -> Result<Approval, Fault> {
        let event =
            |kind| AuditEvent::new(kind).user(&challenge.user.id).challenge(&challenge.id).enrollment(enrollment);
        match decided {
            Approval::Approved => {
                let approved = event(AuditKind::Approved)
                    .fact("service", challenge.delivery.service.as_str())
                    .fact("channel", challenge.delivery.channel.as_str());
                self.append(&approved)?;
                if challenge.purpose == Purpose::Enroll {
                    self.append(&event(AuditKind::EnrollmentConfirmed))?;
                }
            }
            Approval::Replayed => self.append(&event(AuditKind::ReplayRefused))?,
            Approval::Locked { until } => {
                let refused = event(AuditKind::AttemptRefused).fact("reason", "guess_locked");
                self.append(&refused.fact("until", until.as_millis()))?;
            }
            Approval::NotPending => self.append(&event(AuditKind::ApprovalTooLate))?,
        }
        Ok(decided)
    }
}
