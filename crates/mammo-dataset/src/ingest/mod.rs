//! From releases to a prepared set that other tools can read: folders `trainA`, `trainB`, `testA`, `testB` of 16-bit PNG (A
//! healthy, B cancer), `manifest.jsonl`, `cohort.json`, `provenance.json`.
//!
//! Each image file is read once: its digest and its pixels come from the same bytes. Images are prepared on several threads,
//! as many as fit the memory that is allowed, and the set does not depend on their number. The digest of a source is BLAKE3,
//! since SHA-256 of a full-field mammogram takes as long as everything else together.

mod config;
mod finish;
mod folder;
mod image;
mod place;
mod read;
mod record;
mod work;

pub use config::{IngestConfig, IngestError, Outcome, Partition, Summary};
pub use read::PreparedSet;
pub use record::{Part, PreparedRecord, PreparedRoi, SkippedRecord, Transform};

use crate::{Cohort, CohortPlan, Exclusions, ImageRecord, NoteKind, Scan, Split, scan_release};
use finish::{finish, summarise, without_duplicates};
use folder::Folder;
use mammo_core::Label;
use place::places;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use work::{Progress, Work};

/// One chosen image: its release and its record.
struct Entry<'a> {
    root: &'a Path,
    record: &'a ImageRecord,
}

/// Makes a prepared set in the folder `out`. `progress` hears of finished images and of all; `stop` is asked between images.
///
/// A folder that holds an interrupted set with the same configuration is gone on with; a whole one is checked, and what is
/// missing or damaged is made again.
///
/// # Errors
/// [`IngestError`], naming the file or value.
pub fn ingest(
    config: &IngestConfig,
    exclusions: &Exclusions,
    out: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Outcome, IngestError> {
    let mut scans = Vec::new();
    for source in &config.sources {
        scans.push((source.prefix(), scan_release(source)?));
    }
    let mut skipped: Vec<SkippedRecord> = Vec::new();
    let mut first = None;
    for (origin, scan) in &mut scans {
        leave_out_bad(origin, scan, &mut skipped, &mut first);
    }
    if let (Some(first), false) = (&first, config.skip_bad) {
        return Err(IngestError::Bad { count: skipped.len(), first: first.clone() });
    }
    let entries: Vec<Entry<'_>> = scans
        .iter()
        .flat_map(|(_, scan)| {
            let root = scan.release.root.as_path();
            scan.release.records.iter().map(move |record| Entry { root, record })
        })
        .collect();
    let records: Vec<&ImageRecord> = entries.iter().map(|entry| entry.record).collect();
    let plan = CohortPlan {
        labelling: config.labels.clone(),
        views: config.views,
        datasets: config.datasets.clone(),
        exclusions: exclusions.clone(),
    };
    let cohort = Cohort::choose(&records, &plan)?;
    let splits = match config.partition {
        Partition::TrainShare(share) => vec![cohort.split(1.0 - share, config.seed)?],
        Partition::Folds(folds) => cohort.folds(folds, config.seed)?,
    };
    let places = places(&cohort, &records, config.partition, &splits);

    let roots: Vec<PathBuf> = scans.iter().map(|(_, scan)| scan.release.root.clone()).collect();
    let (folder, done) = Folder::open(out, &roots, config)?;
    folder.begin()?;
    let folders: BTreeSet<String> =
        places.iter().filter_map(|place| Some(place.file.parent()?.to_string_lossy().into_owned())).collect();
    for name in &folders {
        folder.subfolder(name)?;
    }
    let work = Work { config, folder: &folder, cohort: &cohort, entries: &entries, places: &places };
    let done = work.still_good(done);
    let resumed = done.len();
    let results = match work.run(done, progress, stop)? {
        Progress::All(results) => results,
        Progress::Stopped(done) => {
            return Ok(Outcome::Interrupted { done, total: cohort.members.len() });
        }
    };

    let mut prepared = Vec::new();
    for (index, result) in results {
        match result {
            Ok(record) => prepared.push((index, record)),
            Err(error) => {
                let entry = &entries[cohort.members[index].record];
                skipped.push(skip(
                    entry.record.dataset.name(),
                    entry,
                    short(&error.to_string(), entry.root, &entry.record.path),
                ));
            }
        }
    }
    without_duplicates(config, &folder, &cohort, &entries, &mut prepared, &mut skipped)?;
    let kept: BTreeSet<usize> = prepared.iter().map(|(index, _)| *index).collect();
    for label in [Label::Healthy, Label::Cancer] {
        if !prepared.iter().any(|(_, record)| record.label == label) {
            return Err(IngestError::NothingLeft(label));
        }
    }
    for excluded in cohort.excluded.iter().filter(|e| e.reason == crate::ExclusionReason::OnList) {
        let entry = &entries[excluded.record];
        let reason = exclusions.reason(entry.record).unwrap_or("on the list").to_owned();
        skipped.push(skip(
            entry.record.dataset.name(),
            entry,
            format!("on the list of exclusions: {reason}"),
        ));
    }
    skipped.sort();

    let only = |split: &Split| {
        let keep = |part: &[usize]| part.iter().copied().filter(|i| kept.contains(i)).collect();
        Split { train: keep(&split.train), test: keep(&split.test) }
    };
    let splits: Vec<Split> = splits.iter().map(only).collect();
    let notes = scans.iter().map(|(_, scan)| scan.release.counted_notes()).sum();
    let summary = summarise(&cohort, &kept, &records, notes, &splits[0]);
    let pictures = prepared.iter().map(|(_, record)| record.file.clone());
    let listed = pictures.flat_map(|file| [mammo_png::SideCar::path_of(&file), file]).collect();
    folder.keep_only(&folders, &listed)?;
    finish(&work, &summary, &splits, &prepared, &skipped)?;
    let unmatched_exclusions = exclusions.unmatched(records);
    let skipped = skipped.len();
    Ok(Outcome::Whole(Box::new(Summary { cohort: summary, resumed, skipped, unmatched_exclusions })))
}

/// Takes images out of a release that cannot be relied on, and says why.
fn leave_out_bad(
    origin: &str,
    scan: &mut Scan,
    skipped: &mut Vec<SkippedRecord>,
    first: &mut Option<String>,
) {
    let mut bad: BTreeMap<PathBuf, (Option<String>, String)> = BTreeMap::new();
    let root = scan.release.root.clone();
    for problem in &scan.problems {
        first.get_or_insert_with(|| problem.error.to_string());
        let id = problem.image_id.as_ref().map(ToString::to_string);
        let reason = short(&problem.error.to_string(), &root, &problem.path);
        skipped.push(SkippedRecord {
            origin: origin.to_owned(),
            source: problem.path.clone(),
            image_id: id,
            excluded_reason: reason,
        });
    }
    for note in &scan.release.notes {
        let stops = matches!(
            note.kind,
            NoteKind::MissingFile
                | NoteKind::UnlistedFile
                | NoteKind::DuplicateImage
                | NoteKind::Disagreement
        );
        if stops {
            first.get_or_insert_with(|| format!("{}: {}", root.join(&note.path).display(), note.text));
            let record = scan.release.records.iter().find(|record| record.path == note.path);
            let id = record.map(|record| record.image_id.to_string());
            skipped.push(SkippedRecord {
                origin: origin.to_owned(),
                source: note.path.clone(),
                image_id: id.clone(),
                excluded_reason: note.text.clone(),
            });
            // What is said about a table as a whole takes no image out.
            bad.insert(note.path.clone(), (id, note.text.clone()));
        }
    }
    scan.release.records.retain(|record| !bad.contains_key(&record.path));
}

/// A reason without the file's path, which stands beside it, and without the place of the release on this machine, so
/// that the manifest is the same wherever it lies.
fn short(reason: &str, root: &Path, path: &Path) -> String {
    let reason = reason.replace(&format!("{}/", root.display()), "");
    reason.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&reason).to_owned()
}

fn skip(origin: &str, entry: &Entry<'_>, excluded_reason: String) -> SkippedRecord {
    SkippedRecord {
        origin: origin.to_owned(),
        source: entry.record.path.clone(),
        image_id: Some(entry.record.image_id.to_string()),
        excluded_reason,
    }
}
