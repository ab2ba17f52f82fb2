//! Writing a delivery down before it is sent, under all conditions for sending.

use countersign_plugin::{Purpose, Timestamp};
use rusqlite::{named_params, params};

use super::fault::Fault;
use super::transition::{Transition, millis, moment};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::{ChallengeId, NewChallenge, NewDelivery, SendAllowed, SendRule, UserId};

impl Transition<'_> {
    pub(super) fn open_challenge(
        &self,
        challenge: &NewChallenge,
        delivery: &NewDelivery,
        rule: SendRule,
    ) -> Result<SendAllowed, Fault> {
        let opened = self.unless_refused(|| {
            let inserted = self.hit(
                "INSERT INTO challenges (id, user, purpose, login_type, enrollment, state, created, expires)
                 SELECT :id, u.id, :purpose, :login_type, e.id, 'sending', :now, :expires
                 FROM users u JOIN enrollments e ON e.user = u.id
                 WHERE u.id = :user AND e.id = :enrollment
                   AND e.state = CASE :purpose WHEN 'login' THEN 'active' ELSE 'pending' END",
                named_params! {
                    ":id": challenge.id.as_str(),
                    ":purpose": purpose_text(challenge.purpose),
                    ":login_type": challenge.login_type,
                    ":now": self.now(),
                    ":expires": millis(challenge.expires),
                    ":user": challenge.user.as_str(),
                    ":enrollment": challenge.enrollment.as_str(),
                },
            )?;
            if !inserted {
                return Ok(Err(SendAllowed::Over));
            }
            let opened = AuditEvent::new(AuditKind::ChallengeOpened)
                .user(&challenge.user)
                .challenge(&challenge.id)
                .enrollment(Some(&challenge.enrollment))
                .fact("purpose", purpose_text(challenge.purpose))
                .fact("login_type", challenge.login_type.clone());
            self.append(&opened)?;
            self.write_down(&challenge.id, &challenge.user, delivery, rule)
        })?;
        self.answer(&challenge.id, &challenge.user, delivery, opened)
    }

    pub(super) fn add_delivery(
        &self,
        challenge: &ChallengeId,
        delivery: &NewDelivery,
        rule: SendRule,
    ) -> Result<SendAllowed, Fault> {
        let Some(user) = self.user_of(challenge)? else { return Ok(SendAllowed::Over) };
        let added = self.unless_refused(|| self.write_down(challenge, &user, delivery, rule))?;
        self.answer(challenge, &user, delivery, added)
    }

    /// The delivery with all its conditions, for a challenge that has been written.
    fn write_down(
        &self,
        challenge: &ChallengeId,
        user: &UserId,
        delivery: &NewDelivery,
        rule: SendRule,
    ) -> Result<Result<(), SendAllowed>, Fault> {
        let inserted = self.hit(
            "INSERT INTO deliveries
                 (id, challenge, number, service, channel, provider, account, state, live_key, code, created, expires)
             SELECT :id, c.id, 1 + (SELECT count(*) FROM deliveries WHERE challenge = c.id),
                 :service, :channel, :provider, :account, 'sending', :live_key, :code, :now, :expires
             FROM challenges c JOIN users u ON u.id = c.user JOIN enrollments e ON e.id = c.enrollment
             WHERE c.id = :challenge AND c.state IN ('sending', 'pending') AND c.expires > :now
               AND (u.locked_until IS NULL OR u.locked_until <= :now)
               AND (e.expires IS NULL OR e.expires > :now)
               AND c.attempts < :attempts
               AND (SELECT count(*) FROM deliveries WHERE challenge = c.id) < :per_challenge",
            named_params! {
                ":id": delivery.id.as_str(),
                ":service": delivery.service,
                ":channel": delivery.channel,
                ":provider": delivery.holder.provider,
                ":account": delivery.holder.account.map(|account| account.0),
                ":live_key": delivery.live_key.map(|key| key.0),
                ":code": delivery.code.map(|code| code.0),
                ":now": self.now(),
                ":expires": millis(delivery.expires),
                ":challenge": challenge.as_str(),
                ":attempts": rule.attempts_per_challenge,
                ":per_challenge": rule.per_challenge,
            },
        )?;
        if !inserted {
            let used_up = self.is_open(challenge)? && self.deliveries_of(challenge)? >= rule.per_challenge;
            let otherwise = if used_up { SendAllowed::NoSendsLeft } else { SendAllowed::Over };
            return Ok(Err(self.lock_or(user, otherwise)?));
        }
        // Before the live key: who may not be sent anything shall not make others' codes end.
        if rule.counts
            && let Some(recipient) = &delivery.recipient
            && let Err(refused) = self.count_send(recipient, rule)?
        {
            return Ok(Err(refused));
        }
        self.connection.execute(
            "UPDATE deliveries SET state = 'superseded'
             WHERE challenge = ?1 AND id <> ?2 AND state IN ('sending', 'sent', 'unclear')",
            params![challenge.as_str(), delivery.id.as_str()],
        )?;
        if let Some(key) = delivery.live_key {
            if let Err(refused) = self.take_live_key(&key, challenge, delivery)? {
                return Ok(Err(refused));
            }
            self.inherit(&key, challenge, delivery)?;
        }
        Ok(Ok(()))
    }

    /// The user's lock, where that is what stood in the way.
    fn lock_or(&self, user: &UserId, otherwise: SendAllowed) -> Result<SendAllowed, Fault> {
        let locked = self.first(
            "SELECT locked_until FROM users WHERE id = ?1 AND locked_until > ?2",
            params![user.as_str(), self.now()],
            |row| Ok(moment(row.get(0)?)),
        )?;
        Ok(locked.map_or(otherwise, |until| SendAllowed::GuessLocked { until }))
    }

    /// Writes down what was decided, and turns it into the answer.
    fn answer(
        &self,
        challenge: &ChallengeId,
        user: &UserId,
        delivery: &NewDelivery,
        decided: Result<(), SendAllowed>,
    ) -> Result<SendAllowed, Fault> {
        let (kind, answer) = match decided {
            Ok(()) => (AuditKind::DeliverySending, SendAllowed::Go),
            Err(refused) => (AuditKind::SendRefused, refused),
        };
        let mut event = AuditEvent::new(kind)
            .user(user)
            .challenge(challenge)
            .fact("delivery", delivery.id.as_str())
            .fact("service", delivery.service.as_str())
            .fact("channel", delivery.channel.as_str());
        if let Some((reason, until)) = refusal(&answer) {
            event = event.fact("reason", reason).fact("until", until.map(Timestamp::as_millis));
        }
        self.append(&event)?;
        Ok(answer)
    }
}

fn refusal(answer: &SendAllowed) -> Option<(&'static str, Option<Timestamp>)> {
    match answer {
        SendAllowed::Go => None,
        SendAllowed::CoolDown { until } => Some(("cool_down", Some(*until))),
        SendAllowed::SendLocked { until } => Some(("send_locked", Some(*until))),
        SendAllowed::GuessLocked { until } => Some(("guess_locked", Some(*until))),
        SendAllowed::NoSendsLeft => Some(("no_sends_left", None)),
        SendAllowed::LiveElsewhere { until, .. } => Some(("live_elsewhere", Some(*until))),
        SendAllowed::Over => Some(("over", None)),
    }
}

pub(super) const fn purpose_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Login => "login",
        Purpose::Enroll => "enroll",
        // Nothing begins such a challenge; one that is read back as this is damaged.
        _ => "other",
    }
}
