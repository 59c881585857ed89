//! Accounts, answers and their log in one SQLite file.

mod accounts;
mod log;
mod reading;
mod sign_in;
mod worker;

pub use accounts::{Account, Role, add_account};
pub(crate) use accounts::{account_by_name, account_by_number, hash_nobody, opens};
pub use log::{LogHead, append, head, verify};
pub use reading::{
    Progress, Recorded, Step, answers, comments, items, progress, record, step, step_at, waiting_until_ms,
};
pub(crate) use sign_in::{SignIn, find_sign_in, mark_checked, sign_in, sign_out};
pub use worker::Store;

use crate::RoomError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// The answers and the log are one transaction, so that neither is without the other. The triggers stop slips of the
/// hand; what stops intent is the chain of digests.
const SCHEMA: &str = "
CREATE TABLE readers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, simulated INTEGER NOT NULL,
    code_hash TEXT NOT NULL, added_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE items (
    reader INTEGER NOT NULL REFERENCES readers(id), position INTEGER NOT NULL, session INTEGER NOT NULL,
    kind TEXT NOT NULL, first TEXT NOT NULL, second TEXT, repeat INTEGER NOT NULL,
    PRIMARY KEY (reader, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
    reader INTEGER NOT NULL REFERENCES readers(id), position INTEGER NOT NULL, question TEXT NOT NULL,
    answer TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (reader, position, question)
) STRICT, WITHOUT ROWID;
CREATE TABLE sign_ins (
    token TEXT PRIMARY KEY, reader INTEGER NOT NULL REFERENCES readers(id), csrf TEXT NOT NULL,
    made_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, checked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reader TEXT NOT NULL, event TEXT NOT NULL,
    payload TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER log_is_not_changed BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_is_not_cut BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
PRAGMA user_version = 1;
";

/// Opens the database of a study, and makes it if it is not there.
///
/// # Errors
/// [`RoomError::Database`]; [`RoomError::Log`] for a database of another version.
pub fn open(path: &Path) -> Result<Connection, RoomError> {
    let mut connection = Connection::open(path)?;
    settle(&connection)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => transaction.execute_batch(SCHEMA)?,
        1 => {}
        _ => {
            return Err(RoomError::Log { path: path.to_owned(), what: "made by another version".to_owned() });
        }
    }
    transaction.commit()?;
    Ok(connection)
}

/// Opens a database that is there.
///
/// # Errors
/// [`RoomError::Study`] when the study has no readers yet, [`RoomError::Database`].
pub fn open_existing(path: &Path) -> Result<Connection, RoomError> {
    if !path.is_file() {
        return Err(RoomError::Study {
            path: path.to_owned(),
            what: "the study has no readers yet; add one by mammo study reader add".to_owned(),
        });
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle(&connection)?;
    Ok(connection)
}

fn settle(connection: &Connection) -> Result<(), RoomError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    // The write-ahead log survives a killed process; FULL makes it survive a power cut too.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Milliseconds since 1970 by this machine's clock.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
