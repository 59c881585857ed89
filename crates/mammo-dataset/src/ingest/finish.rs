//! What is done once every image is prepared: duplicates, numbers, the files that describe the set, the folders of folds.

use super::{
    Entry, IngestConfig, IngestError, Partition, PreparedRecord, SkippedRecord,
    folder::{DatasetTerms, Folder, Provenance},
    skip,
    work::Work,
};
use crate::{Cohort, CohortPreset, CohortSummary, DataManifest, Dataset, ImageRecord, Split};
use mammo_core::{Label, Seed};
use mammo_files::FileError;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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

/// Refuses images with the same bytes, or leaves out all but the first: one would be counted twice, and might be in both
/// parts of a split.
pub(super) fn without_duplicates(
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
pub(super) fn summarise(
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
pub(super) fn finish(
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
