//! Opening the file: settings of the connection, migrations, and whether the key fits.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::fault::Fault;
use crate::store::keys::{KeyRing, Place};
use crate::store::{StoreError, private};

/// The schema, one file per version, oldest first. A file that was released is never changed.
const MIGRATIONS: [&str; 2] = [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Marks the file as a store, for `file` and for us.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"CSgn");

/// How long a transaction waits for another process's, before it fails.
const BUSY: Duration = Duration::from_secs(10);

/// How long it waits before it tries again what SQLite does not wait for.
const AGAIN: Duration = Duration::from_millis(5);

const SEAL_CHECK: Place<'_> = Place { table: "meta", column: "seal_check", row: &["1"] };
const SEAL_CHECK_TEXT: &[u8] = b"this key file belongs to this store";

/// Creates an empty file for its owner only; SQLite gives the files beside it the same rights.
/// Losing a race against another process is as good as winning it.
pub(super) fn create(path: &Path) -> std::io::Result<()> {
    match private::create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => private::sync_folder_of(path),
    }
}

pub(super) fn open(path: &Path, key_file: &Path, keys: &KeyRing) -> Result<Connection, StoreError> {
    // Neither creating the file with whatever rights, nor reading its name as a URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || Ok::<_, rusqlite::Error>((Connection::open_with_flags(path, flags)?, "wal"));
    prepare(connect, path, key_file, keys)
}

pub(super) fn in_memory(path: &Path, keys: &KeyRing) -> Result<Connection, StoreError> {
    prepare(|| Ok((Connection::open_in_memory()?, "memory")), path, path, keys)
}

fn prepare(
    connect: impl FnOnce() -> rusqlite::Result<(Connection, &'static str)>,
    path: &Path,
    key_file: &Path,
    keys: &KeyRing,
) -> Result<Connection, StoreError> {
    let database = |error: rusqlite::Error| Fault::from(error).of(path);
    let (mut connection, journal) = connect().map_err(database)?;
    set_up(&connection, journal).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::NotAStore { path: path.to_owned() },
        _ => database(error),
    })?;
    migrate(&mut connection, path, key_file, keys)?;
    Ok(connection)
}

fn set_up(connection: &Connection, journal: &str) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    let found = set_journal(connection, journal)?;
    if !found.eq_ignore_ascii_case(journal) {
        // Shared memory is missing, as on network file systems: two nodes would not see each other's locks.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_PROTOCOL),
            Some(format!("the file system offers the journal mode `{found}` only, not `{journal}`")),
        ));
    }
    // FULL: what was answered survives a power failure, not only a crash.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Sets the journal mode, and tells which one there is then. Of processes that do so at once on a
/// new file each may hold what another waits for: SQLite then fails at once instead of waiting for
/// [`BUSY`], and it is tried again here.
fn set_journal(connection: &Connection, journal: &str) -> rusqlite::Result<String> {
    let begun = Instant::now();
    loop {
        let set = connection.pragma_update_and_check(None, "journal_mode", journal, |row| row.get(0));
        let busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        if !set.as_ref().is_err_and(busy) || begun.elapsed() >= BUSY {
            return set;
        }
        thread::sleep(AGAIN);
    }
}

/// Brings the schema to the newest version and checks the key, both in one transaction: of two
/// processes at once, one does it and the other finds it done.
fn migrate(connection: &mut Connection, path: &Path, key_file: &Path, keys: &KeyRing) -> Result<(), StoreError> {
    let database = |error: rusqlite::Error| Fault::from(error).of(path);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database)?;
    let found: u32 = pragma(&tx, "user_version").map_err(database)?;
    let marked = pragma(&tx, "application_id").map_err(database)?;
    let tables: u32 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(database)?;
    let empty = found == 0 && marked == 0 && tables == 0;
    if !empty && marked != APPLICATION_ID {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        tx.execute_batch(migration).map_err(database)?;
    }
    // Setting what is set already would still change the file.
    if found < known {
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(database)?;
        tx.pragma_update(None, "user_version", known).map_err(database)?;
    }
    if empty {
        let seal_check = keys.seal(SEAL_CHECK, SEAL_CHECK_TEXT)?;
        tx.execute("INSERT INTO meta VALUES (1, ?1, ?2)", params![index_check(keys), seal_check]).map_err(database)?;
    }
    let fits = key_fits(&tx, keys).map_err(|fault| fault.of(path))?;
    if !fits {
        return Err(StoreError::WrongKey { path: path.to_owned(), key_file: key_file.to_owned() });
    }
    tx.commit().map_err(database)
}

fn key_fits(connection: &Connection, keys: &KeyRing) -> Result<bool, Fault> {
    let row = connection
        .query_row("SELECT index_check, seal_check FROM meta", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    let (index, seal) = row.ok_or(Fault::Damaged { table: "meta", column: "index_check" })?;
    let opens = keys.open(SEAL_CHECK, &seal).is_ok_and(|text| text.as_slice() == SEAL_CHECK_TEXT);
    Ok(opens && index == index_check(keys))
}

fn index_check(keys: &KeyRing) -> Vec<u8> {
    keys.hash("countersign key check", &[]).0.to_vec()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
