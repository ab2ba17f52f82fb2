//! Live keys: of the codes that a provider makes, at most one is live per account, service and
//! recipient, since a provider hands out the same code for one number.

use rusqlite::named_params;

use super::audit::parsed;
use super::delivery::data_place;
use super::fault::Fault;
use super::transition::{Transition, millis, moment};
use crate::store::{ChallengeId, DeliveryId, KeyedHash, NewDelivery, SendAllowed};

impl Transition<'_> {
    /// Takes the key where it is free, expired, or this challenge's own.
    pub(super) fn take_live_key(
        &self,
        key: &KeyedHash,
        challenge: &ChallengeId,
        delivery: &NewDelivery,
    ) -> Result<Result<(), SendAllowed>, Fault> {
        let taken = self.hit(
            "INSERT INTO live_keys (key, challenge, delivery, until) VALUES (:key, :challenge, :delivery, :until)
             ON CONFLICT (key) DO UPDATE
             SET challenge = excluded.challenge, delivery = excluded.delivery, until = max(until, excluded.until)
             WHERE live_keys.until <= :now OR live_keys.challenge = excluded.challenge",
            named_params! {
                ":key": key.0,
                ":challenge": challenge.as_str(),
                ":delivery": delivery.id.as_str(),
                ":until": millis(delivery.expires),
                ":now": self.now(),
            },
        )?;
        if taken {
            return Ok(Ok(()));
        }
        let damaged = |column| Fault::Damaged { table: "live_keys", column };
        let holder = self.first("SELECT challenge, delivery, until FROM live_keys WHERE key = ?1", [key.0], |row| {
            Ok(SendAllowed::LiveElsewhere {
                challenge: parsed(row.get(0)?, ChallengeId::parse, damaged("challenge"))?
                    .ok_or_else(|| damaged("challenge"))?,
                delivery: parsed(row.get(1)?, DeliveryId::parse, damaged("delivery"))?
                    .ok_or_else(|| damaged("delivery"))?,
                until: moment(row.get(2)?),
            })
        })?;
        Ok(Err(holder.ok_or_else(|| damaged("key"))?))
    }

    /// Ends the key with the delivery's code, but not before an earlier code of the challenge, which
    /// the provider may still accept.
    pub(super) fn shorten_live_key(&self, delivery: &DeliveryId) -> Result<(), Fault> {
        self.hit(
            "UPDATE live_keys SET until = (SELECT max(e.expires) FROM deliveries e JOIN deliveries d
                 ON e.challenge = d.challenge AND e.live_key = d.live_key
                 WHERE d.id = ?1 AND (e.id = d.id OR e.state = 'superseded'))
             WHERE delivery = ?1",
            [delivery.as_str()],
        )?;
        Ok(())
    }

    /// The provider sends the code again that is out from this challenge, so what it knows that code
    /// by belongs to the new delivery from the first moment: the person may type it at any.
    pub(super) fn inherit(
        &self,
        key: &KeyedHash,
        challenge: &ChallengeId,
        delivery: &NewDelivery,
    ) -> Result<(), Fault> {
        let earlier = self.first(
            "SELECT id, data FROM deliveries
             WHERE challenge = :challenge AND live_key = :key AND id <> :id
               AND state = 'superseded' AND expires > :now AND data IS NOT NULL
             ORDER BY number DESC LIMIT 1",
            named_params! {
                ":challenge": challenge.as_str(),
                ":key": key.0,
                ":id": delivery.id.as_str(),
                ":now": self.now(),
            },
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)),
        )?;
        if let Some((earlier, sealed)) = earlier {
            let data = self.open_data(data_place(&[&earlier]), &sealed)?;
            self.keep_delivery(&delivery.id, &data)?;
        }
        Ok(())
    }

    /// Frees the key of a delivery that delivered nothing. Where it was a resend, the provider
    /// still holds the code of the one before: that one has the key again.
    pub(super) fn hand_back_live_key(&self, delivery: &DeliveryId) -> Result<(), Fault> {
        let handed_back = self.hit(
            "UPDATE live_keys SET delivery = earlier.id, until = earlier.expires
             FROM (SELECT e.id, e.expires FROM deliveries e JOIN deliveries d
                   ON e.challenge = d.challenge AND e.live_key = d.live_key AND e.number < d.number
                   WHERE d.id = :id AND e.state = 'superseded' AND e.expires > :now
                   ORDER BY e.number DESC LIMIT 1) AS earlier
             WHERE live_keys.delivery = :id",
            named_params! {":id": delivery.as_str(), ":now": self.now()},
        )?;
        if !handed_back {
            self.free_live_key(delivery)?;
        }
        Ok(())
    }

    pub(super) fn free_live_key(&self, delivery: &DeliveryId) -> Result<bool, Fault> {
        self.hit("DELETE FROM live_keys WHERE delivery = ?1", [delivery.as_str()])
    }
}
