//! From releases to a prepared set that other tools can read: folders `trainA`, `trainB`, `testA`, `testB` of 16-bit PNG (A
//! healthy, B cancer), `manifest.jsonl`, `cohort.json`, `provenance.json`.
//!
//! Each image file is read once: its digest and its pixels come from the same bytes. Images are prepared on several threads,
//! as many as fit the memory that is allowed, and the set does not depend on their number. The digest of a source is BLAKE3,
//! since SHA-256 of a full-field mammogram takes as long as everything else together.

mod folder;
mod image;
mod record;

pub use record::{Part, PreparedRecord, PreparedRoi, SkippedRecord, Transform};

use crate::{
    Cohort, CohortPlan, CohortPreset, CohortSummary, DataManifest, Dataset, DatasetError, Exclusions,
    ImageRecord, ImageSize, Labelling, NoteKind, Scan, Source, Split, ViewFilter, scan_release, workers,
};
use folder::{DatasetTerms, Folder, Provenance, Stamp};
use image::{Place, Ready, prepare_one};
use mammo_core::{Label, Seed};
use mammo_files::FileError;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
};

/// Threads that write what the others prepared. A write waits for the disk twice, some milliseconds each.
const WRITERS: usize = 4;

/// How the cohort is divided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// This share of the patients trains, the others are held out.
    TrainShare(f64),
    /// So many parts, each of which is held out once.
    Folds(usize),
}

/// Everything that decides what a prepared set holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestConfig {
    /// The releases, as given.
    pub sources: Vec<Source>,
    /// A named cohort, which gave what follows unless it was asked for otherwise.
    pub cohort: Option<CohortPreset>,
    /// What is called cancer.
    pub labels: Labelling,
    /// Projections.
    pub views: ViewFilter,
    /// Data sets that take part; all of those found if absent.
    pub datasets: Option<BTreeSet<Dataset>>,
    /// SHA-256 of the list of exclusions.
    pub exclusions_sha256: Option<String>,
    /// Rows and columns of the pictures.
    pub size: ImageSize,
    /// How the cohort is divided.
    pub partition: Partition,
    /// The number that the division is drawn from.
    pub seed: Seed,
    /// Whether files that cannot be used are left out instead of ending the work.
    pub skip_bad: bool,
    /// The version of the program.
    pub version: String,
}

/// Why a set could not be made. Every message names the file or value, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A release or one of its images.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    File(#[from] FileError),
    /// A picture could not be written.
    #[error(transparent)]
    Png(#[from] mammo_png::PngError),
    /// The folder cannot be used.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Files that cannot be used.
    #[error(
        "{count} files cannot be used, first: {first}; see all by mammo audit, or leave them out by --skip-bad"
    )]
    Bad {
        /// How many.
        count: usize,
        /// What is wrong with the first.
        first: String,
    },
    /// Nothing of one domain is left.
    #[error("no {0} image is left after those that cannot be used; get the files again")]
    NothingLeft(Label),
}

/// How the work ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The set is whole.
    Whole(Box<Summary>),
    /// It was stopped; the same call goes on with it.
    Interrupted {
        /// Images that are finished.
        done: usize,
        /// Images of the set.
        total: usize,
    },
}

/// What a whole set holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The cohort in numbers, by the first split where there are folds.
    pub cohort: CohortSummary,
    /// Images that were prepared before, by an interrupted call.
    pub resumed: usize,
    /// Images and rows that were left out and are listed in the manifest.
    pub skipped: usize,
    /// Entries of the list of exclusions that name no image.
    pub unmatched_exclusions: usize,
}

/// One chosen image: its release and its record.
struct Entry<'a> {
    root: &'a Path,
    record: &'a ImageRecord,
}

/// `cohort.json`.
#[derive(Serialize)]
struct CohortFile<'a> {
    preset: Option<CohortPreset>,
    #[serde(flatten)]
    summary: &'a CohortSummary,
    partition: Partition,
    seed: Seed,
    /// Test parts of the folds; absent without folds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    folds: Vec<crate::PartSummary>,
    skipped: usize,
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

/// Where each member goes.
fn places(cohort: &Cohort, records: &[&ImageRecord], partition: Partition, splits: &[Split]) -> Vec<Place> {
    let mut names = BTreeSet::new();
    cohort
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let name = file_name(records[member.record], &mut names);
            let domain = if member.label == Label::Healthy { "A" } else { "B" };
            let tested = splits.iter().position(|split| split.test.binary_search(&index).is_ok());
            match partition {
                Partition::TrainShare(_) => {
                    let (part, word) = match tested {
                        Some(_) => (Part::Test, "test"),
                        None => (Part::Train, "train"),
                    };
                    let file = PathBuf::from(format!("{word}{domain}/{name}"));
                    Place { file, label: member.label, part: Some(part), fold: None }
                }
                Partition::Folds(_) => {
                    let file = PathBuf::from(format!("images{domain}/{name}"));
                    Place { file, label: member.label, part: None, fold: tested.map(|fold| fold + 1) }
                }
            }
        })
        .collect()
}

/// A name that is unique in the set and safe in every file system, whatever the image is called.
fn file_name(record: &ImageRecord, taken: &mut BTreeSet<String>) -> String {
    let id = record.image_id.as_str();
    let plain: String = id
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' })
        .collect();
    let name = format!("{}_{plain}", record.dataset);
    // File systems that fold case would take two names for one.
    if plain == id && taken.insert(name.to_ascii_lowercase()) {
        return format!("{name}.png");
    }
    let digest = blake3::hash(format!("{} {id}", record.path.display()).as_bytes()).to_hex();
    let name = format!("{name}-{}", &digest[..12]);
    taken.insert(name.to_ascii_lowercase());
    format!("{name}.png")
}

/// How far the work came.
enum Progress {
    All(Results),
    Stopped(usize),
}

type Results = BTreeMap<usize, Result<PreparedRecord, IngestError>>;

struct Work<'a> {
    config: &'a IngestConfig,
    folder: &'a Folder,
    cohort: &'a Cohort,
    entries: &'a [Entry<'a>],
    places: &'a [Place],
}

impl Work<'_> {
    /// Of what is finished already, that whose file is as it was and whose picture is whole.
    fn still_good(&self, done: BTreeMap<usize, (Stamp, PreparedRecord)>) -> BTreeMap<usize, PreparedRecord> {
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
    fn run(
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
        Ok((stamp, prepare_one(entry.root, entry.record, self.config.size, &self.places[index])?))
    }

    fn write(&self, index: usize, stamp: Stamp, ready: Ready) -> Result<PreparedRecord, IngestError> {
        image::write(self.folder, &ready)?;
        self.folder.note_done(index, stamp, &ready.record)?;
        Ok(ready.record)
    }
}

/// Refuses images with the same bytes, or leaves out all but the first: one would be counted twice, and might be in both
/// parts of a split.
fn without_duplicates(
    config: &IngestConfig,
    folder: &Folder,
    cohort: &Cohort,
    entries: &[Entry<'_>],
    prepared: &mut Vec<(usize, PreparedRecord)>,
    skipped: &mut Vec<SkippedRecord>,
) -> Result<(), IngestError> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut twice = Vec::new();
    for (at, (index, record)) in prepared.iter().enumerate() {
        if let Some(&other) = seen.get(&record.source_digest) {
            let entry = &entries[cohort.members[*index].record];
            let original = &prepared[other].1.source;
            let reason = format!("holds the same bytes as {}", original.display());
            twice.push((at, skip(entry.record.dataset.name(), entry, reason)));
        } else {
            seen.insert(record.source_digest.clone(), at);
        }
    }
    if let (Some((_, first)), false) = (twice.first(), config.skip_bad) {
        let first = format!("{}: {}", first.source.display(), first.excluded_reason);
        return Err(IngestError::Bad { count: twice.len(), first });
    }
    for (at, line) in twice.into_iter().rev() {
        let file = folder.path(&prepared.remove(at).1.file);
        for path in [mammo_png::SideCar::path_of(&file), file] {
            if path.exists() {
                fs_err::remove_file(path).map_err(FileError::from)?;
            }
        }
        skipped.push(line);
    }
    Ok(())
}

/// The numbers of those members that are kept.
fn summarise(
    cohort: &Cohort,
    kept: &BTreeSet<usize>,
    records: &[&ImageRecord],
    notes: usize,
    split: &Split,
) -> CohortSummary {
    let members = kept.iter().map(|index| cohort.members[*index].clone()).collect();
    let reduced = Cohort { members, ..cohort.clone() };
    let place: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let moved = |part: &[usize]| part.iter().map(|index| place[index]).collect();
    let split = Split { train: moved(&split.train), test: moved(&split.test) };
    CohortSummary::of(records, notes, &reduced, &split)
}

/// Writes what describes the set, and the folders of the folds.
fn finish(
    work: &Work<'_>,
    summary: &CohortSummary,
    splits: &[Split],
    prepared: &[(usize, PreparedRecord)],
    skipped: &[SkippedRecord],
) -> Result<(), IngestError> {
    let Work { config, folder, cohort, entries, .. } = work;
    let mut folds = Vec::new();
    if matches!(config.partition, Partition::Folds(_)) {
        link_folds(folder, splits, prepared)?;
        for split in splits {
            folds.push(crate::summary::part(cohort, &split.test));
        }
    }
    let mut lines = Vec::new();
    let json = |path: &str, source| FileError::Json { path: folder.path(path), source };
    for (_, record) in prepared {
        serde_json::to_writer(&mut lines, record).map_err(|e| json("manifest.jsonl", e))?;
        lines.push(b'\n');
    }
    for record in skipped {
        serde_json::to_writer(&mut lines, record).map_err(|e| json("manifest.jsonl", e))?;
        lines.push(b'\n');
    }
    mammo_files::write(&folder.path("manifest.jsonl"), &lines)?;
    let file = CohortFile {
        preset: config.cohort,
        summary,
        partition: config.partition,
        seed: config.seed,
        folds,
        skipped: skipped.len(),
    };
    mammo_files::write_json(&folder.path("cohort.json"), &file)?;
    let mut sha256 = BTreeMap::new();
    for name in ["cohort.json", "manifest.jsonl"] {
        sha256.insert(name.to_owned(), mammo_files::sha256_file(&folder.path(name))?);
    }
    // Phantoms in the layout of a data set are not under its terms.
    let found: BTreeSet<Dataset> =
        prepared.iter().filter(|(_, record)| !record.synthetic).map(|(_, record)| record.dataset).collect();
    let terms = found.into_iter().filter_map(DataManifest::of).map(|manifest| DatasetTerms {
        dataset: manifest.dataset.to_string(),
        licence: manifest.licence.name,
        terms: manifest.licence.terms,
        citation: manifest.citation.text,
    });
    folder.finish(&Provenance {
        made_by: concat!("mammo ", env!("CARGO_PKG_VERSION")).to_owned(),
        images: prepared.len(),
        images_of_the_release: entries.len(),
        synthetic_images: prepared.iter().filter(|(_, record)| record.synthetic).count(),
        config: (*config).clone(),
        datasets: terms.collect(),
        sha256,
    })
}

/// A folder a fold with the four folders that tools expect; their pictures are hard links to those of the set, or copies
/// where the file system has no links.
fn link_folds(
    folder: &Folder,
    splits: &[Split],
    prepared: &[(usize, PreparedRecord)],
) -> Result<(), IngestError> {
    for (number, split) in splits.iter().enumerate() {
        for word in ["trainA", "trainB", "testA", "testB"] {
            folder.subfolder(&format!("fold{}/{word}", number + 1))?;
        }
        for (index, record) in prepared {
            let word = if split.test.binary_search(index).is_ok() { "test" } else { "train" };
            let domain = if record.label == Label::Healthy { "A" } else { "B" };
            let name = record.file.file_name().unwrap_or_default();
            let to = folder.path(format!("fold{}/{word}{domain}", number + 1)).join(name);
            let from = folder.path(&record.file);
            let pairs = [(mammo_png::SideCar::path_of(&from), mammo_png::SideCar::path_of(&to)), (from, to)];
            for (from, to) in pairs.iter().filter(|(from, _)| from.exists()) {
                if fs_err::symlink_metadata(to).is_ok() {
                    fs_err::remove_file(to).map_err(FileError::from)?;
                }
                if std::fs::hard_link(from, to).is_err() {
                    fs_err::copy(from, to).map_err(FileError::from)?;
                }
            }
        }
    }
    Ok(())
}
