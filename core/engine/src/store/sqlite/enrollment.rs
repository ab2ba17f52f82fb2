//! Enrollments and the data that providers keep on them.

use countersign_plugin::{Data, Phone};
use rusqlite::{Row, named_params, params};
use zeroize::Zeroizing;

use super::audit::parsed;
use super::authority;
use super::fault::Fault;
use super::transition::{Transition, millis, moment};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::keys::Place;
use crate::store::{
    Authority, ChallengeId, Enrollment, EnrollmentBegun, EnrollmentConfirmed, EnrollmentId, EnrollmentRemoved, Factor,
    Holder, MustRemain, NewEnrollment, Proof, UserId,
};

const COLUMNS: &str = "id, user, kind, channel, state, phone, provider, last_step, expires, authority";

impl Transition<'_> {
    pub(super) fn begin_enrollment(&self, new: &NewEnrollment) -> Result<EnrollmentBegun, Fault> {
        let begun = self.unless_refused(|| {
            // Examined before the pending one is dropped: that may be an administrator's.
            let leave = self.leave_to_begin(&new.user, &new.authority)?;
            self.drop_pending(&new.user, &new.factor)?;
            if !self.insert_enrollment(new)? {
                let known = self.user_by("id", new.user.as_str())?.is_some();
                return Ok(Err(if known { EnrollmentBegun::AlreadyEnrolled } else { EnrollmentBegun::NoUser }));
            }
            if let Err(refused) = leave {
                return Ok(Err(refused));
            }
            if let Some((holder, data)) = &new.data {
                self.put_provider_data(&new.id, holder, data)?;
            }
            let (authority, _) = authority::columns(&new.authority);
            let event = about(AuditKind::EnrollmentBegun, &new.user, &new.id, &new.factor);
            self.append(&event.fact("authority", authority))?;
            Ok(Ok(EnrollmentBegun::Begun))
        })?;
        Ok(begun.unwrap_or_else(|refused| refused))
    }

    pub(super) fn may_begin_enrollment(
        &self,
        user: &UserId,
        factor: &Factor,
        authority: &Authority,
    ) -> Result<EnrollmentBegun, Fault> {
        if self.user_by("id", user.as_str())?.is_none() {
            return Ok(EnrollmentBegun::NoUser);
        }
        if self.enrollments_of(user, factor)?.iter().any(|enrollment| enrollment.active) {
            return Ok(EnrollmentBegun::AlreadyEnrolled);
        }
        Ok(self.leave_to_begin(user, authority)?.map_or_else(|refused| refused, |()| EnrollmentBegun::Begun))
    }

    pub(super) fn enrollments(&self, user: &UserId) -> Result<Vec<Enrollment>, Fault> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM enrollments
                 WHERE user = ?1 AND (expires IS NULL OR expires > ?2) ORDER BY created, id"
            ),
            params![user.as_str(), self.now()],
            |row| self.read_enrollment(row),
        )
    }

    /// Those of one factor, also a pending one that has expired.
    pub(super) fn enrollments_of(&self, user: &UserId, factor: &Factor) -> Result<Vec<Enrollment>, Fault> {
        let (kind, channel) = factor_columns(factor);
        self.all(
            &format!("SELECT {COLUMNS} FROM enrollments WHERE user = ?1 AND kind = ?2 AND channel = ?3"),
            params![user.as_str(), kind, channel],
            |row| self.read_enrollment(row),
        )
    }

    /// Also a pending one that has expired.
    pub(super) fn enrollment(&self, enrollment: &EnrollmentId) -> Result<Option<Enrollment>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM enrollments WHERE id = ?1");
        self.first(&sql, [enrollment.as_str()], |row| self.read_enrollment(row))
    }

    pub(super) fn confirm_enrollment(
        &self,
        id: &EnrollmentId,
        proof: &Proof,
        data: Option<&(Holder, Data)>,
    ) -> Result<EnrollmentConfirmed, Fault> {
        let confirmed = self.unless_refused(|| {
            // A phone is proven by a challenge, never by this.
            let device = self.enrollment(id)?.filter(|enrollment| enrollment.factor != Factor::Phone);
            let Some(enrollment) = device else { return Ok(Err(EnrollmentConfirmed::Gone)) };
            if !self.activate(id)? || !self.consume(id, proof)? {
                return Ok(Err(EnrollmentConfirmed::Gone));
            }
            if let Some((holder, data)) = data {
                self.put_provider_data(id, holder, data)?;
            }
            self.clear_failures(&enrollment.user)?;
            self.append(&about(AuditKind::EnrollmentConfirmed, &enrollment.user, id, &enrollment.factor))?;
            Ok(Ok(EnrollmentConfirmed::Confirmed))
        })?;
        Ok(confirmed.unwrap_or_else(|refused| refused))
    }

    pub(super) fn remove_enrollment(
        &self,
        id: &EnrollmentId,
        authority: &Authority,
        must_remain: MustRemain,
    ) -> Result<EnrollmentRemoved, Fault> {
        let removed = self.unless_refused(|| {
            let Some(enrollment) = self.enrollment(id)? else { return Ok(Err(EnrollmentRemoved::Gone)) };
            if let Err(refused) = self.leave_to_remove(id, &enrollment.user, authority)? {
                return Ok(Err(refused));
            }
            // Undone with everything else where it was the last one, the use of the approval too.
            let ended =
                self.end_leaving(must_remain, &enrollment, AuditKind::EnrollmentRemoved, "enrollment removed")?;
            Ok(if ended { Ok(EnrollmentRemoved::Removed) } else { Err(EnrollmentRemoved::LastFactor) })
        })?;
        Ok(removed.unwrap_or_else(|refused| refused))
    }

    pub(super) fn provider_data(&self, enrollment: &EnrollmentId, holder: &Holder) -> Result<Option<Data>, Fault> {
        let key = holder.key();
        let row = [enrollment.as_str(), &key];
        let sealed =
            self.first("SELECT data FROM enrollment_data WHERE enrollment = ?1 AND provider = ?2", row, |row| {
                Ok(row.get::<_, Vec<u8>>(0)?)
            })?;
        sealed.map(|sealed| self.open_data(data_place(&row), &sealed)).transpose()
    }

    pub(super) fn holders(&self, enrollment: &EnrollmentId) -> Result<Vec<Holder>, Fault> {
        let sql = "SELECT provider FROM enrollment_data WHERE enrollment = ?1 ORDER BY provider";
        self.all(sql, [enrollment.as_str()], |row| {
            let damaged = Fault::Damaged { table: "enrollment_data", column: "provider" };
            Holder::from_key(&row.get::<_, String>(0)?).ok_or(damaged)
        })
    }

    pub(super) fn put_provider_data(
        &self,
        enrollment: &EnrollmentId,
        holder: &Holder,
        data: &Data,
    ) -> Result<bool, Fault> {
        let key = holder.key();
        self.hit(
            "INSERT INTO enrollment_data (enrollment, provider, data)
             SELECT id, ?2, ?3 FROM enrollments WHERE id = ?1
             ON CONFLICT (enrollment, provider) DO UPDATE SET data = excluded.data",
            params![enrollment.as_str(), key, self.seal_data(data_place(&[enrollment.as_str(), &key]), data)?],
        )
    }

    /// Deletes an enrollment with its data, after canceling what is open on it.
    pub(super) fn end_enrollment(
        &self,
        enrollment: &Enrollment,
        kind: AuditKind,
        reason: &'static str,
    ) -> Result<(), Fault> {
        self.end_leaving(MustRemain::Nothing, enrollment, kind, reason).map(|_always| ())
    }

    /// The same, if what must remain does. Where it answers `false`, the caller undoes the steps.
    fn end_leaving(
        &self,
        must_remain: MustRemain,
        enrollment: &Enrollment,
        kind: AuditKind,
        reason: &'static str,
    ) -> Result<bool, Fault> {
        let open = self.open_on(&enrollment.id)?;
        for challenge in open {
            self.cancel(&challenge, &enrollment.user, reason)?;
        }
        let condition = match must_remain {
            MustRemain::Nothing => "TRUE",
            MustRemain::AnotherFactor => {
                "(state <> 'active' OR EXISTS (SELECT 1 FROM enrollments other
                     WHERE other.user = enrollments.user AND other.id <> enrollments.id AND other.state = 'active'))"
            }
        };
        let delete = format!("DELETE FROM enrollments WHERE id = ?1 AND {condition}");
        if !self.hit(&delete, [enrollment.id.as_str()])? {
            return Ok(false);
        }
        self.append(&about(kind, &enrollment.user, &enrollment.id, &enrollment.factor))?;
        Ok(true)
    }

    fn insert_enrollment(&self, new: &NewEnrollment) -> Result<bool, Fault> {
        let (kind, channel) = factor_columns(&new.factor);
        let (authority, approval) = authority::columns(&new.authority);
        let phone = new.phone.as_ref().map(|phone| self.seal_phone(&new.id, phone)).transpose()?;
        self.hit(
            "INSERT INTO enrollments
                 (id, user, kind, channel, state, phone, provider, authority, approval, expires, created)
             SELECT :id, u.id, :kind, :channel, 'pending', :phone, :provider, :authority, :approval, :expires, :now
             FROM users u
             WHERE u.id = :user AND NOT EXISTS (
                 SELECT 1 FROM enrollments
                 WHERE user = u.id AND kind = :kind AND channel = :channel AND state = 'active')",
            named_params! {
                ":id": new.id.as_str(),
                ":kind": kind,
                ":channel": channel,
                ":phone": phone,
                ":provider": new.data.as_ref().map(|(holder, _)| &holder.provider),
                ":authority": authority,
                ":approval": approval.map(ChallengeId::as_str),
                ":expires": millis(new.expires),
                ":now": self.now(),
                ":user": new.user.as_str(),
            },
        )
    }

    /// Only the newest of two enrollments under way works.
    fn drop_pending(&self, user: &UserId, factor: &Factor) -> Result<(), Fault> {
        match self.enrollments_of(user, factor)?.into_iter().find(|enrollment| !enrollment.active) {
            Some(pending) => self.end_enrollment(&pending, AuditKind::EnrollmentRemoved, "enrollment replaced"),
            None => Ok(()),
        }
    }

    fn read_enrollment(&self, row: &Row<'_>) -> Result<Enrollment, Fault> {
        let damaged = |column| Fault::Damaged { table: "enrollments", column };
        let id = parsed(row.get(0)?, EnrollmentId::parse, damaged("id"))?.ok_or_else(|| damaged("id"))?;
        let phone = row.get::<_, Option<Vec<u8>>>(5)?;
        let channel: String = row.get(3)?;
        Ok(Enrollment {
            user: parsed(row.get(1)?, UserId::parse, damaged("user"))?.ok_or_else(|| damaged("user"))?,
            factor: match row.get::<_, String>(2)?.as_str() {
                "phone" => Factor::Phone,
                "device" => Factor::Device(channel),
                "other" => Factor::Other(channel),
                _ => return Err(damaged("kind")),
            },
            active: row.get::<_, String>(4)? == "active",
            by_administrator: row.get::<_, String>(9)? == "administrator",
            phone: phone.map(|sealed| self.open_phone(&id, &sealed)).transpose()?,
            provider: row.get(6)?,
            last_step: row.get::<_, Option<i64>>(7)?.map(|step| u64::try_from(step).unwrap_or(0)),
            expires: row.get::<_, Option<i64>>(8)?.map(moment),
            id,
        })
    }

    fn seal_phone(&self, enrollment: &EnrollmentId, phone: &Phone) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(phone).map(Zeroizing::new);
        let plain = plain.map_err(|_| Fault::Damaged { table: "enrollments", column: "phone" })?;
        self.seal(phone_place(&[enrollment.as_str()]), &plain)
    }

    fn open_phone(&self, enrollment: &EnrollmentId, sealed: &[u8]) -> Result<Phone, Fault> {
        let plain = self.open(phone_place(&[enrollment.as_str()]), sealed)?;
        // The cause is left out: it may quote the number.
        serde_json::from_slice(&plain).map_err(|_| Fault::Damaged { table: "enrollments", column: "phone" })
    }
}

/// An event about an enrollment.
fn about(kind: AuditKind, user: &UserId, enrollment: &EnrollmentId, factor: &Factor) -> AuditEvent {
    let (name, channel) = factor_columns(factor);
    let event = AuditEvent::new(kind).user(user).enrollment(Some(enrollment)).fact("factor", name);
    if channel.is_empty() { event } else { event.fact("channel", channel) }
}

fn factor_columns(factor: &Factor) -> (&'static str, &str) {
    match factor {
        Factor::Phone => ("phone", ""),
        Factor::Device(channel) => ("device", channel),
        Factor::Other(channel) => ("other", channel),
    }
}

/// A step as the database counts it. No clock reaches the far end.
pub(super) fn signed(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

pub(super) fn phone_place<'a>(row: &'a [&'a str]) -> Place<'a> {
    Place { table: "enrollments", column: "phone", row }
}

pub(super) fn data_place<'a>(row: &'a [&'a str]) -> Place<'a> {
    Place { table: "enrollment_data", column: "data", row }
}
