//! The store on SQLite: one file, or memory.
//!
//! All work is done on one thread that owns the connection; each transition is one
//! `BEGIN IMMEDIATE` transaction, so several processes may share the file. A transaction that
//! was answered is on the disk (write-ahead log, full sync).

mod approval;
mod attempt;
mod audit;
mod authority;
mod challenge;
mod delivery;
mod enrollment;
mod expiry;
mod fault;
mod live_key;
mod methods;
mod reseal;
mod schema;
mod send_counter;
mod sending;
mod transition;
mod user;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_plugin::Timestamp;
use rusqlite::TransactionBehavior;

use self::fault::Fault;
use self::transition::Transition;
use self::writer::Writer;
use super::keys::KeyRing;
use super::{StoreError, key_file};

/// Sees every transition right before and right after its commit, on the store's thread. It is
/// for tests that stop the process there; it can neither change nor refuse anything.
pub trait Observer: Send + Sync {
    /// The transition of this name is complete, but not committed.
    fn before_commit(&self, transition: &'static str);
    /// The transition of this name is committed; the caller has not been answered.
    fn after_commit(&self, transition: &'static str);
}

/// The store on SQLite.
///
/// Values that nobody may read are sealed (AES-256-GCM) under keys of a file beside the
/// database; names of users are in clear. Dropping the store waits for the transition under way
/// and closes the file.
pub struct SqliteStore {
    path: PathBuf,
    keys: Arc<KeyRing>,
    observer: Option<Arc<dyn Observer>>,
    writer: Writer,
    /// Whether the log still holds what was deleted.
    not_emptied: AtomicBool,
}

impl SqliteStore {
    /// Opens the store, or creates it together with its key file if neither exists. Both files
    /// are made for their owner only.
    ///
    /// # Errors
    /// Where a file cannot be used, the key file does not fit or may be read by others, or the
    /// store is of a newer version.
    pub fn open(path: &Path, key_file: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, key_file, None)
    }

    /// Opens the store as [`open`](Self::open) does, and has each of its transitions observed.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_observed(path: &Path, key_file: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        Self::open_with(path, key_file, Some(observer))
    }

    /// A store in memory, with keys that nobody else has: all is gone when it is dropped.
    ///
    /// # Errors
    /// Where there is no memory or no randomness.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let keys = KeyRing::random()?;
        let connection = schema::in_memory(&path, &keys)?;
        Self::start(path, keys, connection, None)
    }

    /// Seals every value anew that is sealed under another key than the newest, and returns how
    /// many. The store stays usable meanwhile; after that no older seal key is needed, unless
    /// another process still seals under one. See [`add_seal_key`](super::add_seal_key).
    ///
    /// # Errors
    /// Where a value does not open; those before it are resealed then.
    pub async fn reseal(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut values = 0;
        for column in &reseal::SEALED {
            let mut after = column.beginning();
            while let Some((some, last)) = self.write("reseal", now, move |tx| tx.reseal_some(column, &after)).await? {
                values += some;
                after = last;
            }
        }
        self.write("resealed", now, move |tx| tx.resealed(values)).await?;
        Ok(values)
    }

    fn open_with(path: &Path, key_path: &Path, observer: Option<Arc<dyn Observer>>) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Database { path: path.to_owned(), cause: Box::new(error) };
        // A relative name could change its meaning, and one like `file:…` has another to SQLite.
        let path = &std::path::absolute(path).map_err(unusable)?;
        let exists = path.try_exists().map_err(unusable)?;
        if path.is_dir() {
            return Err(StoreError::NotAStore { path: path.clone() });
        }
        let keys = key_file::read_or_create(key_path, exists)?;
        if !exists {
            schema::create(path).map_err(unusable)?;
        }
        let connection = schema::open(path, key_path, &keys)?;
        Self::start(path.clone(), keys, connection, observer)
    }

    fn start(
        path: PathBuf,
        keys: KeyRing,
        connection: rusqlite::Connection,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, StoreError> {
        let writer = Writer::start(connection)
            .map_err(|error| StoreError::Database { path: path.clone(), cause: Box::new(error) })?;
        Ok(Self { path, keys: Arc::new(keys), observer, writer, not_emptied: AtomicBool::new(false) })
    }

    /// One transition in one transaction: with an error nothing of it has happened.
    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        now: Timestamp,
        steps: impl FnOnce(&Transition<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (keys, observer) = (Arc::clone(&self.keys), self.observer.clone());
        let done = self.writer.run(move |connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = steps(&Transition { connection: &tx, keys: &keys, now })?;
            if let Some(observer) = &observer {
                observer.before_commit(name);
            }
            tx.commit()?;
            if let Some(observer) = &observer {
                observer.after_commit(name);
            }
            Ok(outcome)
        });
        self.outcome(done.await)
    }

    /// Moves what was written into the database file and empties the log beside it, so that what
    /// was deleted is nowhere any more. Where another process reads just now, `expire` tries again.
    async fn checkpoint(&self) {
        let done = self
            .writer
            .run(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)));
        let emptied = match done.await {
            Ok(Ok(busy)) => {
                if busy {
                    tracing::warn!("the store's log was not emptied after a deletion, for another process reads");
                }
                !busy
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store's log could not be emptied after a deletion");
                false
            }
            Err(writer::Gone) => return,
        };
        self.not_emptied.store(!emptied, Ordering::Relaxed);
    }

    /// Reads in one transaction, so that all of it is of one moment.
    async fn read<T: Send + 'static>(
        &self,
        now: Timestamp,
        steps: impl FnOnce(&Transition<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let keys = Arc::clone(&self.keys);
        let done = self.writer.run(move |connection| {
            let tx = connection.transaction()?;
            steps(&Transition { connection: &tx, keys: &keys, now })
        });
        self.outcome(done.await)
    }

    fn outcome<T>(&self, done: Result<Result<T, Fault>, writer::Gone>) -> Result<T, StoreError> {
        match done {
            Ok(outcome) => outcome.map_err(|fault| fault.of(&self.path)),
            Err(writer::Gone) => Err(StoreError::Closed),
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
