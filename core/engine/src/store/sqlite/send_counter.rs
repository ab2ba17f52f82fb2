//! How often a recipient was sent something, over all users.

use rusqlite::named_params;

use super::fault::Fault;
use super::transition::{Transition, moment, seconds};
use crate::store::{KeyedHash, SendAllowed, SendRule};

/// A window begins with its first send and ends after its time, or with the lock that the send
/// reaching the cap sets: after a lock, counting begins anew. A cap of 0 lets nothing out.
const COUNT: &str = "
    INSERT INTO sends (recipient, last, window_start, count, locked_until, idle_from)
    SELECT :recipient, :now, :now, 1, CASE WHEN :cap = 1 THEN :lock_end END, :idle_from WHERE :cap > 0
    ON CONFLICT (recipient) DO UPDATE SET
        last = :now,
        window_start = CASE WHEN window_start <= :window_gone OR locked_until <= :now THEN :now ELSE window_start END,
        count = CASE WHEN window_start <= :window_gone OR locked_until <= :now THEN 1 ELSE count + 1 END,
        locked_until = CASE
            WHEN CASE WHEN window_start <= :window_gone OR locked_until <= :now THEN 1 ELSE count + 1 END >= :cap
            THEN :lock_end END,
        idle_from = :idle_from
    WHERE last <= :cool_down_gone AND (locked_until IS NULL OR locked_until <= :now)";

impl Transition<'_> {
    /// Counts a send that is about to happen, unless it must not: one that fails counts too.
    pub(super) fn count_send(&self, recipient: &KeyedHash, rule: SendRule) -> Result<Result<(), SendAllowed>, Fault> {
        let now = self.now();
        let (cool_down, window) = (seconds(rule.cool_down_seconds), seconds(rule.window_seconds));
        let lock_end = now.saturating_add(seconds(rule.lock_seconds));
        let counted = self.hit(
            COUNT,
            named_params! {
                ":recipient": recipient.0,
                ":now": now,
                ":cap": rule.cap,
                ":lock_end": lock_end,
                ":window_gone": now.saturating_sub(window),
                ":cool_down_gone": now.saturating_sub(cool_down),
                ":idle_from": now.saturating_add(cool_down.max(window)).max(lock_end),
            },
        )?;
        if counted {
            return Ok(Ok(()));
        }
        let row = self.first("SELECT last, locked_until FROM sends WHERE recipient = ?1", [recipient.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
        Ok(Err(match row {
            Some((_, Some(until))) if until > now => SendAllowed::SendLocked { until: moment(until) },
            Some((last, _)) if rule.cap > 0 => SendAllowed::CoolDown { until: moment(last.saturating_add(cool_down)) },
            _ => SendAllowed::SendLocked { until: moment(lock_end) },
        }))
    }
}
