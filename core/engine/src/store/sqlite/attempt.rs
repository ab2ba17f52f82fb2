//! Attempts, counted before anybody looks at the code.

use countersign_plugin::Timestamp;
use rusqlite::{named_params, params};

use super::fault::Fault;
use super::transition::{Transition, millis, moment, seconds};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::{Attempt, AttemptRule, ChallengeId, EnrollmentId, UNTIL_UNLOCKED, UserId};

/// NIST SP 800-63B §5.2.2: at most 100 consecutive failures on one account. No rule raises that.
const MOST_IN_A_ROW: u32 = 100;

/// No lock that ends by itself is longer, unless the first one is already: a longer one would be
/// a way to keep somebody out.
const LONGEST_LOCK_SECONDS: u64 = 24 * 60 * 60;

/// An attempt counts on the user unless they are locked. Each one that makes the limit full locks,
/// every time for twice as long up to the longest lock; the last that is allowed in a row locks
/// for good. The end of a lock clears nothing: that takes a full success or an unlock.
const COUNT_ON_USER: &str = "
    UPDATE users SET
        failures = failures + 1,
        locked_until = CASE
            WHEN failures + 1 >= :most THEN :for_good
            WHEN (failures + 1) % :per_user = 0 THEN min(:for_good - 1, :now + CASE
                WHEN :lock >= :longest THEN :lock
                ELSE min(:longest, :lock << min(20, (failures + 1) / :per_user - 1)) END) END
    WHERE id = :user AND (locked_until IS NULL OR locked_until <= :now)";

/// What an attempt counts on, beside the user.
#[derive(Clone, Copy)]
enum Target<'a> {
    Challenge(&'a ChallengeId),
    Enrollment(&'a EnrollmentId),
}

impl Transition<'_> {
    pub(super) fn count_attempt(&self, challenge: &ChallengeId, rule: AttemptRule) -> Result<Attempt, Fault> {
        let user = self.user_of(challenge)?;
        self.count(user.as_ref(), Target::Challenge(challenge), rule)
    }

    pub(super) fn count_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        rule: AttemptRule,
    ) -> Result<Attempt, Fault> {
        let user = self.enrollment(enrollment)?.map(|enrollment| enrollment.user);
        self.count(user.as_ref(), Target::Enrollment(enrollment), rule)
    }

    /// A lock is lifted only where it ends when this attempt's own would: another attempt may have
    /// locked the user since.
    pub(super) fn give_back_attempt(&self, challenge: &ChallengeId, lock: Option<Timestamp>) -> Result<(), Fault> {
        let given_back = self.hit(
            "UPDATE challenges SET attempts = attempts - 1 WHERE id = ?1 AND attempts > 0 AND state <> 'approved'",
            [challenge.as_str()],
        )?;
        let Some(user) = self.user_of(challenge)?.filter(|_| given_back) else { return Ok(()) };
        self.give_back_on_user(&user, lock)?;
        self.append(&AuditEvent::new(AuditKind::AttemptGivenBack).user(&user).challenge(challenge))
    }

    pub(super) fn give_back_enrollment_attempt(
        &self,
        enrollment: &EnrollmentId,
        lock: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let given_back = self.hit(
            "UPDATE enrollments SET attempts = attempts - 1 WHERE id = ?1 AND attempts > 0 AND state = 'pending'",
            [enrollment.as_str()],
        )?;
        let Some(found) = self.enrollment(enrollment)?.filter(|_| given_back) else { return Ok(()) };
        self.give_back_on_user(&found.user, lock)?;
        self.append(&AuditEvent::new(AuditKind::AttemptGivenBack).user(&found.user).enrollment(Some(enrollment)))
    }

    fn give_back_on_user(&self, user: &UserId, lock: Option<Timestamp>) -> Result<bool, Fault> {
        self.hit(
            "UPDATE users SET failures = failures - 1, locked_until = nullif(locked_until, ?2)
             WHERE id = ?1 AND failures > 0",
            params![user.as_str(), lock.map(millis)],
        )
    }

    fn count(&self, user: Option<&UserId>, target: Target<'_>, rule: AttemptRule) -> Result<Attempt, Fault> {
        let counted = match user {
            Some(user) => self.unless_refused(|| self.count_on_both(user, target, rule))?,
            None => Err(Attempt::Over),
        };
        let event = |kind| {
            let mut event = AuditEvent::new(kind);
            event.user = user.cloned();
            match target {
                Target::Challenge(challenge) => event.challenge(challenge),
                Target::Enrollment(enrollment) => event.enrollment(Some(enrollment)),
            }
        };
        let attempt = counted.unwrap_or_else(|refused| refused);
        match attempt {
            Attempt::Counted { left, locks_until } => {
                self.append(&event(AuditKind::AttemptCounted).fact("left", left))?;
                if let Some(until) = locks_until {
                    self.append(&event(AuditKind::UserLocked).fact("until", until.as_millis()))?;
                }
            }
            Attempt::Locked { until } => {
                let refused = event(AuditKind::AttemptRefused).fact("reason", "guess_locked");
                self.append(&refused.fact("until", until.as_millis()))?;
            }
            Attempt::NoneLeft => self.append(&event(AuditKind::AttemptRefused).fact("reason", "none_left"))?,
            Attempt::Over => self.append(&event(AuditKind::AttemptRefused).fact("reason", "over"))?,
        }
        Ok(attempt)
    }

    fn count_on_both(
        &self,
        user: &UserId,
        target: Target<'_>,
        rule: AttemptRule,
    ) -> Result<Result<Attempt, Attempt>, Fault> {
        let on_user = self.hit(
            COUNT_ON_USER,
            named_params! {
                ":user": user.as_str(),
                ":now": self.now(),
                ":most": MOST_IN_A_ROW,
                ":for_good": millis(UNTIL_UNLOCKED),
                ":per_user": rule.per_user.max(1),
                // Never so long that adding to it would overflow.
                ":lock": seconds(rule.lock_seconds).min(millis(UNTIL_UNLOCKED)),
                ":longest": seconds(LONGEST_LOCK_SECONDS),
            },
        )?;
        let lock = self.first("SELECT locked_until FROM users WHERE id = ?1", [user.as_str()], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.map(moment))
        })?;
        let lock = lock.flatten();
        if !on_user {
            return Ok(Err(lock.map_or(Attempt::Over, |until| Attempt::Locked { until })));
        }
        if !self.count_on(target, rule)? {
            let open = match target {
                Target::Challenge(challenge) => self.is_open(challenge)?,
                Target::Enrollment(enrollment) => self.is_pending(enrollment)?,
            };
            return Ok(Err(if open { Attempt::NoneLeft } else { Attempt::Over }));
        }
        let (sql, id) = match target {
            Target::Challenge(challenge) => ("SELECT attempts FROM challenges WHERE id = ?1", challenge.as_str()),
            Target::Enrollment(enrollment) => ("SELECT attempts FROM enrollments WHERE id = ?1", enrollment.as_str()),
        };
        let used = self.first(sql, [id], |row| Ok(row.get::<_, u32>(0)?))?.unwrap_or(rule.per_challenge);
        Ok(Ok(Attempt::Counted { left: rule.per_challenge.saturating_sub(used), locks_until: lock }))
    }

    fn count_on(&self, target: Target<'_>, rule: AttemptRule) -> Result<bool, Fault> {
        let (sql, id) = match target {
            Target::Challenge(challenge) => (
                "UPDATE challenges SET attempts = attempts + 1, state = 'pending'
                 WHERE id = ?1 AND state IN ('sending', 'pending') AND expires > ?2 AND attempts < ?3",
                challenge.as_str(),
            ),
            Target::Enrollment(enrollment) => (
                "UPDATE enrollments SET attempts = attempts + 1
                 WHERE id = ?1 AND state = 'pending' AND kind <> 'phone' AND expires > ?2 AND attempts < ?3",
                enrollment.as_str(),
            ),
        };
        self.hit(sql, params![id, self.now(), rule.per_challenge])
    }
}
