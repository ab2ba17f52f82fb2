//! Bringing sealed values under the newest key.

use rusqlite::{params_from_iter, types::Value};

use super::fault::Fault;
use super::transition::Transition;
use crate::audit::{AuditEvent, AuditKind};
use crate::store::keys::Place;

/// Values per transaction, so that logins need not wait long.
const BATCH: u32 = 200;

/// A sealed column, and what its row's key consists of.
pub(super) struct Column {
    table: &'static str,
    column: &'static str,
    key: &'static [&'static str],
}

pub(super) const SEALED: [Column; 5] = [
    Column { table: "users", column: "email", key: &["id"] },
    Column { table: "enrollments", column: "phone", key: &["id"] },
    Column { table: "enrollment_data", column: "data", key: &["enrollment", "provider"] },
    Column { table: "deliveries", column: "data", key: &["id"] },
    // The last, so that an older key opens the store until nothing else needs it.
    Column { table: "meta", column: "seal_check", key: &["CAST(id AS TEXT)"] },
];

impl Column {
    /// A key before the first row's.
    pub(super) fn beginning(&self) -> Vec<String> {
        vec![String::new(); self.key.len()]
    }
}

impl Transition<'_> {
    /// Reseals some values after a row, and returns how many and the last one's row; `None` when
    /// there are none left.
    pub(super) fn reseal_some(
        &self,
        Column { table, column, key }: &Column,
        after: &[String],
    ) -> Result<Option<(u64, Vec<String>)>, Fault> {
        let key_columns = key.join(", ");
        let holes = vec!["?"; key.len()].join(", ");
        let select = format!(
            "SELECT {column}, {key_columns} FROM {table}
             WHERE ({key_columns}) > ({holes}) AND substr({column}, 2, 4) <> ? ORDER BY {key_columns} LIMIT {BATCH}"
        );
        let newest = Value::Blob(self.keys.newest_seal().to_be_bytes().to_vec());
        let rows = self.all(&select, params_from_iter(texts(after).chain([newest])), |row| {
            let key = (1..=key.len()).map(|index| row.get::<_, String>(index)).collect::<Result<Vec<_>, _>>()?;
            Ok((row.get::<_, Vec<u8>>(0)?, key))
        })?;
        // Only what is still the value that was read.
        let update = format!("UPDATE {table} SET {column} = ? WHERE {column} = ? AND ({key_columns}) = ({holes})");
        for (old, key) in &rows {
            let row = key.iter().map(String::as_str).collect::<Vec<_>>();
            let place = Place { table, column, row: &row };
            let new = self.seal(place, &self.open(place, old)?)?;
            self.hit(
                &update,
                params_from_iter([Value::Blob(new), Value::Blob(old.clone())].into_iter().chain(texts(key))),
            )?;
        }
        let count = rows.len() as u64;
        Ok(rows.into_iter().last().map(|(_, key)| (count, key)))
    }

    pub(super) fn resealed(&self, values: u64) -> Result<(), Fault> {
        let event = AuditEvent::new(AuditKind::StoreResealed);
        self.append(&event.fact("seal_key", self.keys.newest_seal()).fact("values", values))
    }
}

fn texts(parts: &[String]) -> impl Iterator<Item = Value> {
    parts.iter().cloned().map(Value::Text)
}
