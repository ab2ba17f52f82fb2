//! One transaction, with what all transitions need: time, keys, refusals that undo what they did.

use countersign_plugin::{Data, Timestamp};
use rusqlite::{Connection, Params, Row};
use zeroize::Zeroizing;

use super::fault::Fault;
use crate::store::keys::{KeyRing, Place};

/// A transaction under way. The transitions are methods of it, in the files beside this one.
pub(super) struct Transition<'a> {
    pub(super) connection: &'a Connection,
    pub(super) keys: &'a KeyRing,
    pub(super) now: Timestamp,
}

impl Transition<'_> {
    /// The present, as the database counts it.
    pub(super) fn now(&self) -> i64 {
        millis(self.now)
    }

    /// Executes a conditional statement and tells whether its condition held. All of them name
    /// one row by its key; more than one would mean that the wrong ones were hit.
    pub(super) fn hit(&self, sql: &str, params: impl Params) -> Result<bool, Fault> {
        match self.connection.execute(sql, params)? {
            0 => Ok(false),
            1 => Ok(true),
            more => Err(rusqlite::Error::StatementChangedRows(more).into()),
        }
    }

    /// The first row, if there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let mut statement = self.connection.prepare(sql)?;
        statement.query_and_then(params, read)?.next().transpose()
    }

    /// All rows.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut statement = self.connection.prepare(sql)?;
        statement.query_and_then(params, read)?.collect()
    }

    /// Runs steps of which all or none happen: on a refusal what they wrote is undone, while the
    /// transaction goes on, so that the refusal can be written down.
    pub(super) fn unless_refused<T, R>(
        &self,
        steps: impl FnOnce() -> Result<Result<T, R>, Fault>,
    ) -> Result<Result<T, R>, Fault> {
        self.connection.execute_batch("SAVEPOINT steps")?;
        let outcome = steps()?;
        if outcome.is_err() {
            self.connection.execute_batch("ROLLBACK TO steps")?;
        }
        self.connection.execute_batch("RELEASE steps")?;
        Ok(outcome)
    }

    pub(super) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(self.keys.seal(place, plain)?)
    }

    pub(super) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.keys.open(place, sealed).map_err(|_| Fault::Sealed { table: place.table, column: place.column })
    }

    pub(super) fn seal_data(&self, place: Place<'_>, data: &Data) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(data).map(Zeroizing::new);
        let plain = plain.map_err(|_| Fault::Damaged { table: place.table, column: place.column })?;
        self.seal(place, &plain)
    }

    pub(super) fn open_data(&self, place: Place<'_>, sealed: &[u8]) -> Result<Data, Fault> {
        let plain = self.open(place, sealed)?;
        // The cause is left out: it may quote the value, and the value may be a seed.
        serde_json::from_slice(&plain).map_err(|_| Fault::Damaged { table: place.table, column: place.column })
    }
}

/// A moment as the database counts it; the far end of time instead of an overflow.
pub(super) fn millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

/// A duration in milliseconds, likewise.
pub(super) fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// A moment from the database.
pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}
