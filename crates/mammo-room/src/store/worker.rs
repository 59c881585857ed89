use super::open_existing;
use crate::RoomError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// A piece of work, and what tells its caller how it ended once the transaction is safe on the disk.
type Job = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(bool) + Send> + Send>;

/// The database behind one thread. Work that waits is done in one transaction, so that fifty readers cost one flush of
/// the disk and not fifty; nobody hears "stored" before the flush.
#[derive(Clone)]
pub struct Store {
    jobs: Sender<Job>,
}

/// Jobs in one transaction.
const BATCH: usize = 128;

impl Store {
    /// Opens the database of a study that has readers.
    ///
    /// # Errors
    /// As [`open_existing`], and when no thread can be started.
    pub fn open(path: &Path) -> Result<Self, RoomError> {
        let connection = open_existing(path)?;
        let (jobs, waiting) = channel();
        std::thread::Builder::new()
            .name("room-store".to_owned())
            .spawn(move || work(&connection, &waiting))?;
        Ok(Self { jobs })
    }

    /// Does `work` in a transaction of its own meaning: it is undone as a whole when it fails. Answers after the data is
    /// on the disk.
    ///
    /// # Errors
    /// Those of `work`, and [`RoomError::Database`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, RoomError> + Send + 'static,
    ) -> Result<T, RoomError> {
        let (answer, heard) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |safe| {
                let result = if safe { result } else { result.and(Err(gone())) };
                // The caller may have hung up.
                let _ = answer.send(result);
            })
        });
        self.jobs.send(job).map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }
}

fn gone() -> RoomError {
    RoomError::Room("the answer could not be stored".to_owned())
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, RoomError>,
) -> Result<T, RoomError> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = work(connection);
    connection.execute_batch(if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
    result
}

fn work(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let begun = connection.execute_batch("BEGIN IMMEDIATE").is_ok();
        let jobs = std::iter::once(first).chain(waiting.try_iter().take(BATCH - 1));
        let answers: Vec<_> = jobs.map(|job| job(connection)).collect();
        let safe = begun && connection.execute_batch("COMMIT").is_ok();
        if !safe {
            // Without an open transaction there is nothing to roll back.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(safe);
        }
    }
}
