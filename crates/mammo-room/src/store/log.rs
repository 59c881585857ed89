use crate::RoomError;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The end of the log. Write it down elsewhere: with it, a log that was cut short is found out too.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LogHead {
    /// Entries.
    pub entries: u64,
    /// SHA-256 of the last entry, which holds that of the entry before, and so on.
    pub hash: String,
}

/// What the first entry names as the one before it.
const BEGINNING: &str = "mammo-room-log/1";

fn hash(seq: i64, at_ms: i64, reader: &str, event: &str, payload: &str, previous: &str) -> String {
    // JSON quotes the parts, so that no text can pass for two.
    let text = serde_json::json!([seq, at_ms, reader, event, payload, previous]).to_string();
    mammo_files::sha256(text.as_bytes())
}

/// The last entry's number and digest.
///
/// # Errors
/// [`RoomError::Database`].
pub fn head(db: &Connection) -> Result<LogHead, RoomError> {
    let last = db
        .prepare_cached("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        .optional()?;
    let (seq, hash) = last.unwrap_or((0, BEGINNING.to_owned()));
    Ok(LogHead { entries: seq.unsigned_abs(), hash })
}

/// Adds an entry. Call it in the transaction of what it records.
///
/// # Errors
/// [`RoomError::Database`].
pub fn append(
    db: &Connection,
    at_ms: i64,
    reader: &str,
    event: &str,
    payload: &Value,
) -> Result<(), RoomError> {
    let LogHead { entries, hash: previous } = head(db)?;
    let seq = entries.cast_signed() + 1;
    let payload = payload.to_string();
    let hash = hash(seq, at_ms, reader, event, &payload, &previous);
    db.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![seq, at_ms, reader, event, payload, previous, hash])?;
    Ok(())
}

/// Goes through the whole log: every entry must hold the digest of the one before, and the answers and the orders of
/// reading must be those that the log records.
///
/// # Errors
/// [`RoomError::Log`] with the first entry that does not fit.
pub fn verify(db: &Connection, path: &Path) -> Result<LogHead, RoomError> {
    let wrong = |what: String| RoomError::Log { path: path.to_owned(), what };
    let mut previous = BEGINNING.to_owned();
    let mut entries: i64 = 0;
    let mut answers: BTreeMap<(String, i64, String), Value> = BTreeMap::new();
    let mut orders: BTreeMap<String, Value> = BTreeMap::new();
    let mut statement =
        db.prepare("SELECT seq, at_ms, reader, event, payload, previous, hash FROM log ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let (reader, event, payload): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let (before, stored): (String, String) = (row.get(5)?, row.get(6)?);
        if seq != entries + 1 {
            return Err(wrong(format!("entry {} of the log is missing", entries + 1)));
        }
        if before != previous || hash(seq, row.get(1)?, &reader, &event, &payload, &before) != stored {
            return Err(wrong(format!("entry {seq} of the log was changed, or one before it was")));
        }
        let value: Value = serde_json::from_str(&payload)?;
        match event.as_str() {
            "answer" | "answer changed" => {
                let position = value["position"].as_i64().unwrap_or_default();
                let question = value["question"].as_str().unwrap_or_default().to_owned();
                answers.insert((reader, position, question), value);
            }
            "reader added" => {
                orders.insert(reader, value);
            }
            _ => {}
        }
        (entries, previous) = (seq, stored);
    }
    for (reader, number) in readers(db)? {
        let recorded =
            orders.remove(&reader).ok_or_else(|| wrong(format!("{reader} was added past the log")))?;
        if recorded["order"] != super::accounts::order_digest(db, number)? {
            return Err(wrong(format!("the order in which {reader} reads was changed")));
        }
    }
    if let Some((reader, _)) = orders.pop_first() {
        return Err(wrong(format!("{reader} was taken out of the study")));
    }
    let mut statement = db.prepare(
        "SELECT r.name, a.position, a.question, a.answer FROM answers a JOIN readers r ON r.id = a.reader",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (reader, position, question): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let answer: Value = serde_json::from_str(&row.get::<_, String>(3)?)?;
        let what = format!("the answer of {reader} to question {question} about item {position}");
        match answers.remove(&(reader, position, question)) {
            Some(logged) if logged == answer => {}
            Some(_) => return Err(wrong(format!("{what} is not the one in the log"))),
            None => return Err(wrong(format!("{what} is not in the log"))),
        }
    }
    if let Some(((reader, position, question), _)) = answers.pop_first() {
        return Err(wrong(format!(
            "the answer of {reader} to question {question} about item {position} is gone"
        )));
    }
    Ok(LogHead { entries: entries.unsigned_abs(), hash: previous })
}

fn readers(db: &Connection) -> Result<Vec<(String, i64)>, RoomError> {
    let mut statement = db.prepare("SELECT name, id FROM readers ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open;
    use serde_json::json;

    #[test]
    fn a_changed_moved_or_missing_entry_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sqlite");
        let db = open(&path).unwrap();
        for i in 0..5 {
            append(&db, i, "ann", "comment", &json!({"position": i, "text": "a \" b"})).unwrap();
        }
        let head = verify(&db, &path).unwrap();
        assert_eq!(head.entries, 5);
        assert!(db.execute("UPDATE log SET at_ms = 9 WHERE seq = 2", []).is_err(), "the trigger");
        db.execute_batch("DROP TRIGGER log_is_not_changed; DROP TRIGGER log_is_not_cut").unwrap();
        for (change, part) in [
            ("UPDATE log SET payload = '{}' WHERE seq = 3", "entry 3"),
            ("UPDATE log SET reader = 'ben' WHERE seq = 1", "entry 1"),
            ("DELETE FROM log WHERE seq = 2", "entry 2"),
        ] {
            db.execute_batch("SAVEPOINT s").unwrap();
            db.execute(change, []).unwrap();
            let message = verify(&db, &path).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            db.execute_batch("ROLLBACK TO s; RELEASE s").unwrap();
        }
        // Cutting off the end leaves a sound chain; its head is another, which is why the head is printed.
        db.execute("DELETE FROM log WHERE seq = 5", []).unwrap();
        assert_ne!(verify(&db, &path).unwrap(), head);
    }
}
