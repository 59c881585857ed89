//! From a release to prepared images.

use super::RunFolder;
use crate::progress::Progress;
use mammo_core::{Label, LabelRule, Plane};
use mammo_dataset::{
    Cohort, ImageRecord, ImageSize, Prepared, Release, Source, ViewFilter, prepare_bytes, prepare_twin,
    read_release,
};
use mammo_phantom::PhantomConfig;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One prepared image of the cohort.
pub(crate) struct StudyImage {
    pub(crate) record: ImageRecord,
    pub(crate) label: Label,
    pub(crate) prepared: Prepared,
    /// SHA-256 of the image file.
    pub(crate) source_sha256: String,
    /// The same breast without its lesion, where the release is a phantom and the image shows one.
    pub(crate) twin: Option<Plane>,
}

/// A release, the images of it that take part, and where the true twins of them are.
pub(crate) struct Selection {
    pub(crate) release: Release,
    pub(crate) cohort: Cohort,
    twins: BTreeMap<String, PathBuf>,
}

impl Selection {
    /// Selects from a release on disk.
    pub(crate) fn of(source: &Source, labels: LabelRule, views: ViewFilter) -> anyhow::Result<Self> {
        let release = read_release(source)?;
        for note in release.notes.iter().take(5) {
            eprintln!("note: {}: {}", note.path.display(), note.text);
        }
        if release.notes.len() > 5 {
            eprintln!("note: and {} more", release.notes.len() - 5);
        }
        let cohort = Cohort::select(&release, labels, views)?;
        Ok(Self { release, cohort, twins: BTreeMap::new() })
    }

    /// Makes phantoms in the run's folder, unless they are there, and selects from them.
    pub(crate) fn made(
        folder: &RunFolder,
        phantom: &PhantomConfig,
        labels: LabelRule,
        views: ViewFilter,
    ) -> anyhow::Result<Self> {
        let dir = folder.path("release");
        make_phantom(&dir, phantom)?;
        let twins = twin_paths(&dir)?;
        Ok(Self { twins, ..Self::of(&Source::Inbreast(dir), labels, views)? })
    }

    /// Reads and prepares members of the cohort; the results keep their order.
    pub(crate) fn prepare(
        &self,
        members: &[usize],
        size: ImageSize,
        summary: &str,
    ) -> anyhow::Result<Vec<StudyImage>> {
        parallel("preparing", summary, members, |index| {
            let member = &self.cohort.members[*index];
            let record = self.release.records[member.record].clone();
            let path = self.release.root.join(&record.path);
            let bytes = fs_err::read(&path)?;
            let prepared = prepare_bytes(&bytes, &path, &record, size)?;
            let source_sha256 = mammo_files::sha256(&bytes);
            let twin = self
                .twins
                .get(record.image_id.as_str())
                .map(|path| prepare_twin(path, &record, &prepared))
                .transpose()?;
            Ok(StudyImage { record, label: member.label, prepared, source_sha256, twin })
        })
    }
}

/// Makes a phantom release in `dir` unless the same one is there already.
pub(crate) fn make_phantom(dir: &Path, config: &PhantomConfig) -> anyhow::Result<()> {
    if mammo_phantom::is_complete(dir, config) {
        eprintln!("the phantom release in {} is complete", dir.display());
        return Ok(());
    }
    if dir.join("phantom.json").exists() {
        eprintln!("note: {}: another or a damaged phantom release; it is made again", dir.display());
    }
    let progress = Progress::new("phantom", 1);
    let summary = mammo_phantom::write_release(dir, config, &|done, total| {
        progress.set_total(total);
        progress.set(done, String::new);
    })?;
    progress.finish(&format!("{} images and {} twins made", summary.images, summary.twins));
    Ok(())
}

/// Paths of the twins of a phantom release by image.
fn twin_paths(dir: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let manifest = mammo_phantom::read_manifest(dir)?;
    Ok(manifest
        .images
        .into_iter()
        .filter_map(|image| Some((image.image_id, dir.join(image.twin_path?))))
        .collect())
}

/// Runs `work` over all items in parallel, with progress; the results keep the order of the items.
pub(crate) fn parallel<T: Sync, R: Send>(
    label: &'static str,
    summary: &str,
    items: &[T],
    work: impl Fn(&T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    use rayon::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let progress = Progress::new(label, items.len());
    let done = AtomicUsize::new(0);
    let results = items
        .par_iter()
        .map(|item| {
            let result = work(item);
            progress.set(done.fetch_add(1, Ordering::Relaxed) + 1, String::new);
            result
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    progress.finish(&format!("{} {summary}", items.len()));
    Ok(results)
}
