use super::{append, now_ms};
use crate::{Item, RoomError};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads; sees nothing of other readers.
    Reader,
    /// Sees how far the readers are, and nothing that they answered or that is true.
    Coordinator,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Coordinator => "coordinator",
        }
    }
}

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The number in the database.
    pub number: i64,
    /// The name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether a program reads.
    pub simulated: bool,
    pub(crate) code_hash: String,
}

/// Whether a code belongs to a hash. Takes some 20 ms, by design.
pub(crate) fn opens(hash: &str, code: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(code.as_bytes(), &hash).is_ok())
}

/// The hash of a code that nobody has.
pub(crate) fn hash_nobody() -> Result<String, RoomError> {
    hash_code(&new_code()?)
}

/// Letters and digits that are not taken for one another.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";

/// Bytes that nobody can guess.
pub(crate) fn secret<const N: usize>() -> Result<[u8; N], RoomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| RoomError::Account(format!("this machine gives no random numbers: {error}")))?;
    Ok(bytes)
}

/// A code of 80 random bits in four groups.
fn new_code() -> Result<String, RoomError> {
    let letters: String = secret::<16>()?.iter().map(|b| char::from(SIGNS[usize::from(b % 32)])).collect();
    Ok([&letters[..4], &letters[4..8], &letters[8..12], &letters[12..]].join("-"))
}

/// Hashes a code with argon2id.
fn hash_code(code: &str) -> Result<String, RoomError> {
    let failed =
        |error: argon2::password_hash::Error| RoomError::Account(format!("the code cannot be used: {error}"));
    let salt = SaltString::encode_b64(&secret::<16>()?).map_err(failed)?;
    Ok(Argon2::default().hash_password(code.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Adds an account with the steps of its way and gives the code to sign in with: `password`, or a new one of 80 random
/// bits. Only its hash is kept.
///
/// # Errors
/// [`RoomError::Account`] for a name that is empty, too long or taken, and for a password of fewer than ten characters.
pub fn add_account(
    db: &mut Connection,
    name: &str,
    role: Role,
    simulated: bool,
    password: Option<&str>,
    items: &[Item],
) -> Result<String, RoomError> {
    let refuse = |what: String| Err(RoomError::Account(what));
    if name.is_empty()
        || name.chars().count() > 60
        || name.trim() != name
        || name.chars().any(char::is_control)
    {
        return refuse(format!("{name:?}: a name has 1 to 60 characters without blanks at its ends"));
    }
    if simulated != name.starts_with("SIMULATED") {
        return refuse(format!("{name}: names of simulated readers, and no others, begin with SIMULATED"));
    }
    if password.is_some_and(|p| p.chars().count() < 10) {
        return refuse("the password is shorter than ten characters; leave it out to get a code".to_owned());
    }
    let code = match password {
        Some(password) => password.to_owned(),
        None => new_code()?,
    };
    let hash = hash_code(&code)?;
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if account_by_name(&transaction, name)?.is_some() {
        return refuse(format!("{name} has an account already; choose another name"));
    }
    let now = now_ms();
    transaction.execute(
        "INSERT INTO readers (name, role, simulated, code_hash, added_ms) VALUES (?, ?, ?, ?, ?)",
        params![name, role.name(), simulated, hash, now],
    )?;
    let number = transaction.last_insert_rowid();
    for (i, item) in items.iter().enumerate() {
        transaction.prepare_cached("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(params![
            number,
            i + 1,
            item.session,
            item.kind.name(),
            item.first,
            item.second,
            item.repeat
        ])?;
    }
    let order = order_digest(&transaction, number)?;
    let payload = json!({"role": role.name(), "simulated": simulated, "items": items.len(), "order": order});
    append(&transaction, now, name, "reader added", &payload)?;
    transaction.commit()?;
    Ok(code)
}

/// SHA-256 of a reader's steps, for the log.
pub(crate) fn order_digest(db: &Connection, number: i64) -> Result<String, RoomError> {
    let items = super::items(db, number)?;
    let text = serde_json::to_string(&items)?;
    Ok(mammo_files::sha256(text.as_bytes()))
}

const COLUMNS: &str = "SELECT id, name, role, simulated, code_hash FROM readers";

fn account(row: &rusqlite::Row<'_>) -> rusqlite::Result<Account> {
    let role: String = row.get(2)?;
    Ok(Account {
        number: row.get(0)?,
        name: row.get(1)?,
        role: if role == "coordinator" { Role::Coordinator } else { Role::Reader },
        simulated: row.get(3)?,
        code_hash: row.get(4)?,
    })
}

pub(crate) fn account_by_name(db: &Connection, name: &str) -> Result<Option<Account>, RoomError> {
    Ok(db.prepare_cached(&format!("{COLUMNS} WHERE name = ?"))?.query_row([name], account).optional()?)
}

pub(crate) fn account_by_number(db: &Connection, number: i64) -> Result<Option<Account>, RoomError> {
    Ok(db.prepare_cached(&format!("{COLUMNS} WHERE id = ?"))?.query_row([number], account).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{open, verify};

    #[test]
    fn codes_open_their_own_account_and_only_their_hash_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sqlite");
        let mut db = open(&path).unwrap();
        let ann = add_account(&mut db, "ann", Role::Reader, false, None, &[]).unwrap();
        let ben = add_account(&mut db, "ben", Role::Coordinator, false, Some("ten letters"), &[]).unwrap();
        assert_eq!((ann.len(), ben.as_str()), (19, "ten letters"));
        let account = account_by_name(&db, "ann").unwrap().unwrap();
        let hash = &account.code_hash;
        assert!(opens(hash, &ann) && !opens(hash, &ben) && !opens(hash, ""));
        assert!(account.code_hash.starts_with("$argon2id$") && !account.code_hash.contains(&ann));
        for (name, simulated, password, part) in [
            ("ann", false, None, "already"),
            ("", false, None, "1 to 60"),
            ("a\n", false, None, "1 to 60"),
            ("robot", true, None, "SIMULATED"),
            ("SIMULATED x", false, None, "SIMULATED"),
            ("cy", false, Some("short"), "ten"),
        ] {
            let error = add_account(&mut db, name, Role::Reader, simulated, password, &[]).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(verify(&db, &path).unwrap().entries, 2);
        db.execute("UPDATE readers SET name = 'eve' WHERE name = 'ann'", []).unwrap();
        assert!(verify(&db, &path).is_err());
    }
}
