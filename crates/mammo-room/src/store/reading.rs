use super::append;
use crate::{GivenAnswer, Item, ItemKind, RoomError, RoomQuestion};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

/// What a reader is to answer next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub position: usize,
    /// Steps in all.
    pub total: usize,
    /// What is shown.
    pub item: Item,
    /// What is asked.
    pub question: RoomQuestion,
    /// Whether it is the first step of its sitting.
    pub opens_sitting: bool,
}

fn item(row: &rusqlite::Row<'_>) -> rusqlite::Result<(usize, Item)> {
    let kind: String = row.get(2)?;
    let item = Item {
        session: row.get(1)?,
        kind: ItemKind::from_name(&kind).unwrap_or(ItemKind::Single),
        first: row.get(3)?,
        second: row.get(4)?,
        repeat: row.get(5)?,
    };
    Ok((row.get(0)?, item))
}

/// The steps of a reader in order.
///
/// # Errors
/// [`RoomError::Database`].
pub fn items(db: &Connection, reader: i64) -> Result<Vec<Item>, RoomError> {
    let mut statement = db.prepare_cached(
        "SELECT position, session, kind, first, second, repeat FROM items WHERE reader = ? ORDER BY position",
    )?;
    let rows = statement.query_map([reader], |row| Ok(item(row)?.1))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The first question that has no answer; `None` when all have.
///
/// # Errors
/// [`RoomError::Database`].
pub fn step(db: &Connection, reader: i64) -> Result<Option<Step>, RoomError> {
    let position: Option<usize> = db
        .prepare_cached(
            "SELECT i.position FROM items i WHERE i.reader = ?1 AND
               (SELECT count(*) FROM answers a WHERE a.reader = ?1 AND a.position = i.position)
               < (CASE i.kind WHEN 'pair' THEN 1 ELSE 2 END)
             ORDER BY i.position LIMIT 1",
        )?
        .query_row([reader], |row| row.get(0))
        .optional()?;
    match position {
        Some(position) => step_at(db, reader, position),
        None => Ok(None),
    }
}

/// The step at a position, with its first question that has no answer, or its first one.
///
/// # Errors
/// [`RoomError::Database`].
pub fn step_at(db: &Connection, reader: i64, position: usize) -> Result<Option<Step>, RoomError> {
    let found = db
        .prepare_cached(
            "SELECT position, session, kind, first, second, repeat FROM items WHERE reader = ? AND position = ?",
        )?
        .query_row(params![reader, position], item)
        .optional()?;
    let Some((position, item)) = found else { return Ok(None) };
    let total = db
        .prepare_cached("SELECT count(*) FROM items WHERE reader = ?")?
        .query_row([reader], |row| row.get(0))?;
    let before: Option<usize> = db
        .prepare_cached("SELECT session FROM items WHERE reader = ? AND position = ?")?
        .query_row(params![reader, position - 1], |row| row.get(0))
        .optional()?;
    let asked = RoomQuestion::of(item.kind);
    let mut question = asked[0];
    for &candidate in asked {
        if answer(db, reader, position, candidate)?.is_none() {
            question = candidate;
            break;
        }
    }
    let opens_sitting = question == asked[0] && before.is_some_and(|session| session < item.session);
    Ok(Some(Step { position, total, item, question, opens_sitting }))
}

/// Until when a reader must wait before the sitting that `step` opens, if it is not over yet.
///
/// # Errors
/// [`RoomError::Database`].
pub fn waiting_until_ms(
    db: &Connection,
    reader: i64,
    step: &Step,
    washout_days: u32,
    now_ms: i64,
) -> Result<Option<i64>, RoomError> {
    if !step.opens_sitting || washout_days == 0 {
        return Ok(None);
    }
    let last: Option<i64> = db
        .prepare_cached("SELECT max(at_ms) FROM answers WHERE reader = ? AND position < ?")?
        .query_row(params![reader, step.position], |row| row.get(0))?;
    let until = last.map(|last| last + i64::from(washout_days) * 86_400_000);
    Ok(until.filter(|&until| until > now_ms))
}

fn answer(
    db: &Connection,
    reader: i64,
    position: usize,
    question: RoomQuestion,
) -> Result<Option<GivenAnswer>, RoomError> {
    let text: Option<String> = db
        .prepare_cached("SELECT answer FROM answers WHERE reader = ? AND position = ? AND question = ?")?
        .query_row(params![reader, position, question.name()], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// How an answer was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Stored.
    Stored,
    /// Stored in place of an earlier one; the log keeps both.
    Changed,
    /// It was stored already.
    Known,
    /// Refused: it was answered before otherwise, and the study does not allow going back.
    Closed,
    /// Refused: it is not this question's turn.
    NotYet,
}

/// Takes an answer, and enters it into the log in the same transaction.
///
/// # Errors
/// [`RoomError::Database`].
pub fn record(
    db: &Connection,
    (reader, name): (i64, &str),
    given: &GivenAnswer,
    go_back: bool,
    now_ms: i64,
) -> Result<Recorded, RoomError> {
    let value = serde_json::to_value(given)?;
    if let Some(earlier) = answer(db, reader, given.position, given.question)? {
        if earlier.says_the_same(given) {
            return Ok(Recorded::Known);
        }
        // In training the feedback has been seen.
        let training =
            step_at(db, reader, given.position)?.is_some_and(|s| s.item.kind == ItemKind::Training);
        if !go_back || training {
            return Ok(Recorded::Closed);
        }
        db.prepare_cached(
            "UPDATE answers SET answer = ?, at_ms = ? WHERE reader = ? AND position = ? AND question = ?",
        )?
        .execute(params![
            value.to_string(),
            now_ms,
            reader,
            given.position,
            given.question.name()
        ])?;
        append(db, now_ms, name, "answer changed", &value)?;
        return Ok(Recorded::Changed);
    }
    match step(db, reader)? {
        Some(step) if (step.position, step.question) == (given.position, given.question) => {}
        _ => return Ok(Recorded::NotYet),
    }
    db.prepare_cached("INSERT INTO answers VALUES (?, ?, ?, ?, ?)")?.execute(params![
        reader,
        given.position,
        given.question.name(),
        value.to_string(),
        now_ms
    ])?;
    append(db, now_ms, name, "answer", &value)?;
    Ok(Recorded::Stored)
}

/// All answers of a reader with the time of each, in the order of the steps.
///
/// # Errors
/// [`RoomError::Database`].
pub fn answers(db: &Connection, reader: i64) -> Result<Vec<(GivenAnswer, i64)>, RoomError> {
    let mut statement = db.prepare_cached(
        "SELECT answer, at_ms FROM answers WHERE reader = ? ORDER BY position, question = 'tampering'",
    )?;
    let rows = statement.query_map([reader], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (text, at_ms) = row?;
        Ok((serde_json::from_str(&text)?, at_ms))
    })
    .collect()
}

/// The comments: reader, step, words.
///
/// # Errors
/// [`RoomError::Database`].
pub fn comments(db: &Connection) -> Result<Vec<(String, usize, String)>, RoomError> {
    let mut statement = db.prepare("SELECT reader, payload FROM log WHERE event = 'comment' ORDER BY seq")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (reader, payload) = row?;
        let value: serde_json::Value = serde_json::from_str(&payload)?;
        let position = value["position"].as_u64().unwrap_or_default() as usize;
        Ok((reader, position, value["text"].as_str().unwrap_or_default().to_owned()))
    })
    .collect()
}

/// How far a reader is. It says nothing about what was answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// The reader.
    pub reader: String,
    /// Whether a program reads.
    pub simulated: bool,
    /// Steps whose questions all have answers.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// When the last answer came.
    pub last_ms: Option<i64>,
    /// Mean seconds a step, without idle time.
    pub mean_s: Option<f64>,
}

/// How far all readers are.
///
/// # Errors
/// [`RoomError::Database`].
pub fn progress(db: &Connection) -> Result<Vec<Progress>, RoomError> {
    let mut statement = db.prepare_cached(
        "SELECT r.name, r.simulated, (SELECT count(*) FROM items i WHERE i.reader = r.id), r.id
         FROM readers r WHERE r.role = 'reader' ORDER BY r.name",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, usize>(2)?, row.get::<_, i64>(3)?))
    })?;
    rows.map(|row| {
        let (name, simulated, total, reader) = row?;
        let given = answers(db, reader)?;
        let done = step(db, reader)?.map_or(total, |step| step.position - 1);
        let seconds: f64 = given.iter().map(|(a, _)| (a.elapsed_ms - a.idle_ms).max(0.0) / 1000.0).sum();
        Ok(Progress {
            reader: name,
            simulated,
            done,
            total,
            last_ms: given.iter().map(|(_, at)| *at).max(),
            mean_s: (done > 0).then(|| seconds / done as f64),
        })
    })
    .collect()
}
