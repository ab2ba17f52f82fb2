//! Users.

use rusqlite::{Row, named_params, params};

use super::fault::Fault;
use super::transition::{Transition, moment};
use crate::audit::{AuditEvent, AuditKind};
use crate::store::keys::Place;
use crate::store::{Email, NewUser, User, UserChange, UserId};

const COLUMNS: &str = "id, name, email, locale, required, failures, locked_until, had_factor";

impl Transition<'_> {
    pub(super) fn add_user(&self, user: &NewUser) -> Result<Option<User>, Fault> {
        let added = self.hit(
            "INSERT INTO users (id, name, email, locale, required, created)
             VALUES (:id, :name, :email, :locale, :required, :now)
             ON CONFLICT (name) DO NOTHING",
            named_params! {
                ":id": user.id.as_str(),
                ":name": user.name,
                ":email": self.seal_email(&user.id, user.email.as_ref())?,
                ":locale": user.locale,
                ":required": user.required,
                ":now": self.now(),
            },
        )?;
        if !added {
            return Ok(None);
        }
        self.append(&AuditEvent::new(AuditKind::UserAdded).user(&user.id).fact("required", user.required))?;
        self.user_by("id", user.id.as_str())
    }

    pub(super) fn user(&self, name: &str) -> Result<Option<User>, Fault> {
        self.user_by("name", name)
    }

    /// No name is empty, so that all come after the empty one.
    pub(super) fn users(&self, after: &str, limit: u32) -> Result<Vec<User>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE name > ?1 ORDER BY name LIMIT ?2");
        self.all(&sql, params![after, limit], |row| self.read_user(row))
    }

    pub(super) fn user_by(&self, column: &'static str, value: &str) -> Result<Option<User>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE {column} = ?1");
        self.first(&sql, [value], |row| self.read_user(row))
    }

    pub(super) fn update_user(&self, user: &UserId, change: &UserChange) -> Result<bool, Fault> {
        let email = change.email.as_ref().map(|email| self.seal_email(user, email.as_ref())).transpose()?;
        let changed = self.hit(
            "UPDATE users SET
                 required = coalesce(:required, required),
                 email = CASE WHEN :set_email THEN :email ELSE email END,
                 locale = CASE WHEN :set_locale THEN :locale ELSE locale END
             WHERE id = :id",
            named_params! {
                ":required": change.required,
                ":set_email": email.is_some(),
                ":email": email.flatten(),
                ":set_locale": change.locale.is_some(),
                ":locale": change.locale.clone().flatten(),
                ":id": user.as_str(),
            },
        )?;
        if changed {
            let mut event = AuditEvent::new(AuditKind::UserChanged).user(user);
            if let Some(required) = change.required {
                event = event.fact("required", required);
            }
            if let Some(email) = &change.email {
                event = event.fact("email", if email.is_some() { "set" } else { "cleared" });
            }
            if let Some(locale) = &change.locale {
                event = event.fact("locale", locale.clone());
            }
            self.append(&event)?;
            for factor in &change.ends {
                for enrollment in self.enrollments_of(user, factor)? {
                    self.end_enrollment(&enrollment, AuditKind::EnrollmentRemoved, "address changed")?;
                }
            }
        }
        Ok(changed)
    }

    pub(super) fn unlock_user(&self, user: &UserId) -> Result<bool, Fault> {
        let unlocked = self.clear_failures(user)?;
        if unlocked {
            self.append(&AuditEvent::new(AuditKind::UserUnlocked).user(user))?;
        }
        Ok(unlocked)
    }

    /// Where there is a factor, it stands in the way of a first one by itself.
    pub(super) fn release_user(&self, user: &UserId) -> Result<bool, Fault> {
        let released = self.hit(
            "UPDATE users SET had_factor = 0 WHERE id = ?1 AND had_factor = 1
               AND NOT EXISTS (SELECT 1 FROM enrollments WHERE user = users.id AND state = 'active')",
            [user.as_str()],
        )?;
        if released {
            self.append(&AuditEvent::new(AuditKind::UserReleased).user(user))?;
        }
        Ok(released)
    }

    /// What a full success does, and an unlock.
    pub(super) fn clear_failures(&self, user: &UserId) -> Result<bool, Fault> {
        self.hit("UPDATE users SET failures = 0, locked_until = NULL WHERE id = ?1", [user.as_str()])
    }

    /// Everything of the user's goes with the row, by foreign keys. What stays names nobody: the
    /// audit has ids; send counters and live keys have hashes of numbers, which others may share.
    pub(super) fn forget_user(&self, user: &UserId) -> Result<bool, Fault> {
        let forgotten = self.hit("DELETE FROM users WHERE id = ?1", [user.as_str()])?;
        if forgotten {
            self.append(&AuditEvent::new(AuditKind::UserForgotten).user(user))?;
        }
        Ok(forgotten)
    }

    fn read_user(&self, row: &Row<'_>) -> Result<User, Fault> {
        let damaged = |column| Fault::Damaged { table: "users", column };
        let id = UserId::parse(&row.get::<_, String>(0)?).ok_or_else(|| damaged("id"))?;
        let email = match row.get::<_, Option<Vec<u8>>>(2)? {
            None => None,
            Some(sealed) => {
                let plain = self.open(email_place(&[id.as_str()]), &sealed)?;
                Some(Email(String::from_utf8(plain.to_vec()).map_err(|_| damaged("email"))?))
            }
        };
        Ok(User {
            email,
            name: row.get(1)?,
            locale: row.get(3)?,
            required: row.get(4)?,
            failures: row.get(5)?,
            locked_until: row.get::<_, Option<i64>>(6)?.map(moment),
            had_factor: row.get(7)?,
            id,
        })
    }

    fn seal_email(&self, user: &UserId, email: Option<&Email>) -> Result<Option<Vec<u8>>, Fault> {
        email.map(|email| self.seal(email_place(&[user.as_str()]), email.0.as_bytes())).transpose()
    }
}

pub(super) fn email_place<'a>(row: &'a [&'a str]) -> Place<'a> {
    Place { table: "users", column: "email", row }
}
