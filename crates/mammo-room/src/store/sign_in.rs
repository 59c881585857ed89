use super::accounts::secret;
use super::{Account, account_by_number, append};
use crate::RoomError;
use mammo_files::hex;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

/// Someone who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) account: Account,
    /// What every change must carry in its header.
    pub(crate) csrf: String,
    /// Whether the display was checked since signing in.
    pub(crate) checked: bool,
}

fn digest(token: &str) -> String {
    mammo_files::sha256(token.as_bytes())
}

/// Signs in and gives the token for the cookie. The database keeps its digest only.
pub(crate) fn sign_in(db: &Connection, account: &Account, now_ms: i64) -> Result<String, RoomError> {
    let token = hex(&secret::<32>()?);
    let csrf = hex(&secret::<16>()?);
    db.prepare_cached("INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?, 0)")?.execute(params![
        digest(&token),
        account.number,
        csrf,
        now_ms,
        now_ms
    ])?;
    append(db, now_ms, &account.name, "signed in", &json!({}))?;
    Ok(token)
}

/// Who holds this token, unless it has lain idle or lasted too long.
pub(crate) fn find_sign_in(
    db: &Connection,
    token: &str,
    now_ms: i64,
    (idle_ms, life_ms): (i64, i64),
) -> Result<Option<SignIn>, RoomError> {
    let digest = digest(token);
    let found = db
        .prepare_cached("SELECT reader, csrf, made_ms, seen_ms, checked FROM sign_ins WHERE token = ?")?
        .query_row([&digest], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get(4)?,
            ))
        })
        .optional()?;
    let Some((reader, csrf, made_ms, seen_ms, checked)) = found else { return Ok(None) };
    if now_ms - seen_ms > idle_ms || now_ms - made_ms > life_ms {
        db.execute("DELETE FROM sign_ins WHERE token = ?", [&digest])?;
        return Ok(None);
    }
    // A write for every picture would be a write too many.
    if now_ms - seen_ms > idle_ms / 20 {
        db.prepare_cached("UPDATE sign_ins SET seen_ms = ? WHERE token = ?")?
            .execute(params![now_ms, digest])?;
    }
    Ok(account_by_number(db, reader)?.map(|account| SignIn { account, csrf, checked }))
}

/// Notes that the display was checked.
pub(crate) fn mark_checked(db: &Connection, token: &str) -> Result<(), RoomError> {
    db.execute("UPDATE sign_ins SET checked = 1 WHERE token = ?", [digest(token)])?;
    Ok(())
}

/// Ends a session.
pub(crate) fn sign_out(db: &Connection, token: &str) -> Result<(), RoomError> {
    db.execute("DELETE FROM sign_ins WHERE token = ?", [digest(token)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Role, account_by_name, add_account, open};

    #[test]
    fn sessions_end_when_idle_and_after_their_life() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir.path().join("room.sqlite")).unwrap();
        add_account(&mut db, "ann", Role::Reader, false, None, &[]).unwrap();
        let ann = account_by_name(&db, "ann").unwrap().unwrap();
        let limits = (100, 1000);
        let token = sign_in(&db, &ann, 0).unwrap();
        let holds = |now| find_sign_in(&db, &token, now, limits).unwrap().is_some();
        assert!((0..=10).all(|i| holds(i * 90)), "in use");
        assert!(!holds(1001), "its life is over");
        assert!(!holds(900), "and it does not come back");
        let token = sign_in(&db, &ann, 2000).unwrap();
        assert!(find_sign_in(&db, &token, 2101, limits).unwrap().is_none(), "idle");
        let stored: String = db
            .query_row("SELECT group_concat(token) FROM sign_ins", [], |row| row.get(0))
            .unwrap_or_default();
        assert!(!stored.contains(&token), "the token itself is not stored");
    }
}
