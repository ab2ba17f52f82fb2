//! What becomes of a delivery once it was written down.

use countersign_plugin::{Data, Failure, Timestamp};
use rusqlite::{named_params, params};

use super::audit::parsed;
use super::fault::Fault;
use super::transition::{Transition, millis};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::keys::Place;
use crate::store::{ChallengeId, DeliveryId, EnrollmentId, UserId};

impl Transition<'_> {
    pub(super) fn keep_delivery(&self, delivery: &DeliveryId, data: &Data) -> Result<bool, Fault> {
        let sealed = self.seal_data(data_place(&[delivery.as_str()]), data)?;
        self.hit("UPDATE deliveries SET data = ?2 WHERE id = ?1", params![delivery.as_str(), sealed])
    }

    pub(super) fn delivery_sent(
        &self,
        delivery: &DeliveryId,
        data: Option<&Data>,
        expires: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        // Also where a newer one has taken its place meanwhile: it takes the data to cancel it.
        if let Some(data) = data {
            self.keep_delivery(delivery, data)?;
        }
        let sent = self.hit(
            "UPDATE deliveries SET state = 'sent', expires = min(expires, coalesce(:expires, expires))
             WHERE id = :id AND state = 'sending'",
            named_params! {":expires": expires.map(millis), ":id": delivery.as_str()},
        )?;
        if sent {
            self.shorten_live_key(delivery)?;
            self.now_pending(delivery)?;
            self.append(&self.about_delivery(AuditKind::DeliverySent, delivery)?)?;
        }
        Ok(sent)
    }

    pub(super) fn delivery_failed(
        &self,
        delivery: &DeliveryId,
        delivered_nothing: bool,
        why: &Failure,
    ) -> Result<bool, Fault> {
        let failed = if delivered_nothing {
            // A superseded one, too: the key must not go back to what was never delivered.
            self.hit(
                "UPDATE deliveries SET state = 'failed' WHERE id = ?1 AND state IN ('sending', 'superseded')",
                [delivery.as_str()],
            )?
        } else {
            self.hit(
                "UPDATE deliveries SET state = 'unclear' WHERE id = ?1 AND state = 'sending'",
                [delivery.as_str()],
            )?
        };
        if !failed {
            return Ok(false);
        }
        let event = self.about_delivery(AuditKind::DeliveryFailed, delivery)?;
        self.append(&event.fact("delivered", if delivered_nothing { "no" } else { "maybe" }).failure(why))?;
        if delivered_nothing {
            self.hand_back_live_key(delivery)?;
        } else {
            self.now_pending(delivery)?;
        }
        Ok(true)
    }

    pub(super) fn release_delivery(&self, delivery: &DeliveryId) -> Result<bool, Fault> {
        let released = self.hit(
            "UPDATE deliveries SET state = 'released'
             WHERE id = ?1 AND state IN ('sending', 'sent', 'unclear', 'superseded')",
            [delivery.as_str()],
        )?;
        // On its own: the key outlives the delivery of a forgotten user.
        let freed = self.free_live_key(delivery)?;
        if released {
            self.append(&self.about_delivery(AuditKind::DeliveryReleased, delivery)?)?;
        }
        Ok(released || freed)
    }

    fn now_pending(&self, delivery: &DeliveryId) -> Result<bool, Fault> {
        self.hit(
            "UPDATE challenges SET state = 'pending'
             WHERE id = (SELECT challenge FROM deliveries WHERE id = ?1) AND state = 'sending'",
            [delivery.as_str()],
        )
    }

    fn about_delivery(&self, kind: AuditKind, delivery: &DeliveryId) -> Result<AuditEvent, Fault> {
        let damaged = |column| Fault::Damaged { table: "challenges", column };
        let found = self.first(
            "SELECT c.user, c.id, c.enrollment, d.service, d.channel
             FROM deliveries d JOIN challenges c ON c.id = d.challenge WHERE d.id = ?1",
            [delivery.as_str()],
            |row| {
                let mut event = AuditEvent::new(kind);
                event.user = parsed(row.get(0)?, UserId::parse, damaged("user"))?;
                event.challenge = parsed(row.get(1)?, ChallengeId::parse, damaged("id"))?;
                event.enrollment = parsed(row.get(2)?, EnrollmentId::parse, damaged("enrollment"))?;
                Ok(event.fact("service", row.get::<_, String>(3)?).fact("channel", row.get::<_, String>(4)?))
            },
        )?;
        Ok(found.unwrap_or_else(|| AuditEvent::new(kind)).fact("delivery", delivery.as_str()))
    }
}

pub(super) fn data_place<'a>(row: &'a [&'a str]) -> Place<'a> {
    Place { table: "deliveries", column: "data", row }
}
