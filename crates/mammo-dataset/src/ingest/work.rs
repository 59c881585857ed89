//! The threads: some prepare, some write.

use super::{
    Entry, IngestConfig, IngestError, PreparedRecord,
    folder::{Finished, Folder, Stamp},
    image::{self, Ready, prepare_one},
    place::Place,
};
use crate::{Cohort, DatasetError, workers};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
};

/// Threads that write what the others prepared. A write waits for the disk twice, some milliseconds each.
const WRITERS: usize = 4;

/// How far the work came.
pub(super) enum Progress {
    All(Results),
    Stopped(usize),
}

pub(super) type Results = BTreeMap<usize, Result<PreparedRecord, IngestError>>;

pub(super) struct Work<'a> {
    pub(super) config: &'a IngestConfig,
    pub(super) folder: &'a Folder,
    pub(super) cohort: &'a Cohort,
    pub(super) entries: &'a [Entry<'a>],
    pub(super) places: &'a [Place],
}

impl Work<'_> {
    /// Of what is finished already, that whose file is as it was and whose picture is whole.
    pub(super) fn still_good(&self, done: Finished) -> BTreeMap<usize, PreparedRecord> {
        let is_good = |index: usize, stamp: &Stamp, record: &PreparedRecord| {
            let Some(place) = self.places.get(index) else { return false };
            let entry = &self.entries[self.cohort.members[index].record];
            record.file == place.file
                && record.source == entry.record.path
                && Stamp::of(&entry.root.join(&entry.record.path)).is_ok_and(|now| now == *stamp)
                && mammo_files::sha256_file(&self.folder.path(&place.file)).is_ok_and(|s| s == record.sha256)
        };
        done.into_iter()
            .filter(|(index, (stamp, record))| is_good(*index, stamp, record))
            .map(|(index, (_, record))| (index, record))
            .collect()
    }

    /// Prepares every image that is not `done`.
    pub(super) fn run(
        &self,
        done: BTreeMap<usize, PreparedRecord>,
        progress: &(dyn Fn(usize, usize) + Sync),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Progress, IngestError> {
        let total = self.cohort.members.len();
        let todo: Vec<usize> = (0..total).filter(|index| !done.contains_key(index)).collect();
        let finished = AtomicUsize::new(done.len());
        progress(done.len(), total);
        let results: Mutex<Results> =
            Mutex::new(done.into_iter().map(|(index, record)| (index, Ok(record))).collect());
        let (stopped, failed) = (AtomicBool::new(false), AtomicBool::new(false));
        let settle = |index: usize, result: Result<PreparedRecord, IngestError>| {
            // A full disk or the like ends the work whatever bad files may do.
            let is_fatal = match &result {
                Ok(_) => false,
                Err(IngestError::Dataset(_)) => !self.config.skip_bad,
                Err(_) => true,
            };
            results.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
            if is_fatal {
                failed.store(true, Ordering::Relaxed);
            } else {
                progress(finished.fetch_add(1, Ordering::Relaxed) + 1, total);
            }
        };
        let sizes = todo.iter().map(|index| self.entries[self.cohort.members[*index].record].record.size_px);
        let threads = workers::threads(sizes);
        // Waiting for the disk must not keep a core from preparing; the queue is short, so that little waits in memory.
        let (sender, receiver) = sync_channel::<(usize, Stamp, Ready)>(2 * threads);
        let receiver = Mutex::new(receiver);
        let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    while let Ok((index, stamp, ready)) = next() {
                        settle(index, self.write(index, stamp, ready));
                    }
                });
            }
            let sender = sender;
            workers::run(todo.len(), threads, |at| {
                if failed.load(Ordering::Relaxed) {
                    return false;
                }
                if stop() {
                    stopped.store(true, Ordering::Relaxed);
                    return false;
                }
                let index = todo[at];
                match self.prepare(index) {
                    // The writers take what is sent until the sender goes.
                    Ok((stamp, ready)) => sender.send((index, stamp, ready)).is_ok(),
                    Err(error) => {
                        settle(index, Err(error));
                        true
                    }
                }
            });
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let bad = |(_, result): &(&usize, &Result<_, _>)| result.is_err();
        if failed.into_inner() {
            let count = results.iter().filter(bad).count();
            let first = results.iter().find(bad).map(|(index, _)| *index);
            return match first.and_then(|index| results.remove(&index)) {
                Some(Err(IngestError::Dataset(error))) => {
                    Err(IngestError::Bad { count, first: error.to_string() })
                }
                Some(Err(error)) => Err(error),
                Some(Ok(_)) | None => Ok(Progress::Stopped(results.len())),
            };
        }
        Ok(if stopped.into_inner() {
            Progress::Stopped(finished.into_inner())
        } else {
            Progress::All(results)
        })
    }

    fn prepare(&self, index: usize) -> Result<(Stamp, Ready), IngestError> {
        let entry = &self.entries[self.cohort.members[index].record];
        let stamp = Stamp::of(&entry.root.join(&entry.record.path)).map_err(DatasetError::from)?;
        Ok((
            stamp,
            prepare_one(entry.root, entry.record, (self.config.size, self.config.look), &self.places[index])?,
        ))
    }

    fn write(&self, index: usize, stamp: Stamp, ready: Ready) -> Result<PreparedRecord, IngestError> {
        image::write(self.folder, &ready)?;
        self.folder.note_done(index, stamp, &ready.record)?;
        Ok(ready.record)
    }
}
