//! From a release to prepared images, split by patient.

use super::config::{DataSource, RunConfig};
use super::folder::RunFolder;
use super::parallel;
use crate::progress::Progress;
use anyhow::Context;
use mammo_core::{Label, LabelRule, Plane};
use mammo_dataset::{
    Cohort, CohortSummary, ImageRecord, Prepared, Release, Source, Split, prepare_bytes, prepare_twin,
    read_release,
};
use mammo_phantom::PhantomConfig;
use serde::Serialize;
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

/// The prepared images of a run.
pub(crate) struct Images {
    pub(crate) train: Vec<StudyImage>,
    /// Held out: no image of these patients is in `train`.
    pub(crate) test: Vec<StudyImage>,
}

impl Images {
    /// Training images of one label.
    pub(crate) fn training_planes(&self, label: Label) -> Vec<Plane> {
        self.train.iter().filter(|i| i.label == label).map(|i| i.prepared.plane.clone()).collect()
    }
}

/// One line of `manifest.jsonl`. No free text of a release gets here.
#[derive(Serialize)]
struct ManifestLine<'a> {
    dataset: String,
    image_id: &'a str,
    patient_id: &'a str,
    path: &'a Path,
    sha256: &'a str,
    laterality: String,
    view: Option<String>,
    birads: Option<String>,
    density: Option<u8>,
    labels: BTreeMap<&'static str, Label>,
    label: Label,
    part: &'static str,
    fit: mammo_core::Fit,
    rois: &'a [mammo_core::Roi],
    synthetic: bool,
}

/// A release, the images of it that take part, and which of them are held out.
pub(crate) struct Selection {
    release: Release,
    cohort: Cohort,
    split: Split,
}

/// Selects from the release that the command line names, so that an unfit one is refused before there is a run folder;
/// `None` where the release is made.
pub(crate) fn select_given(config: &RunConfig) -> anyhow::Result<Option<Selection>> {
    match config.source()? {
        DataSource::Release(source) => select(config, &source).map(Some),
        DataSource::Phantom => Ok(None),
    }
}

fn select(config: &RunConfig, source: &Source) -> anyhow::Result<Selection> {
    let release = read_release(source)?;
    for note in release.notes.iter().take(5) {
        eprintln!("note: {}: {}", note.path.display(), note.text);
    }
    if release.notes.len() > 5 {
        eprintln!("note: and {} more", release.notes.len() - 5);
    }
    let cohort = Cohort::select(&release, config.labels, config.views)?;
    let split = cohort.split(config.preset.test_fraction, config.seed)?;
    Ok(Selection { release, cohort, split })
}

/// Makes the release unless one is `given`, selects and splits the cohort, and prepares every image of it.
pub(crate) fn load(
    config: &RunConfig,
    folder: &RunFolder,
    given: Option<Selection>,
) -> anyhow::Result<Images> {
    let (Selection { release, cohort, split }, twins) = if let Some(selection) = given {
        (selection, BTreeMap::new())
    } else {
        let dir = folder.path("release");
        make_phantom(&dir, &config.phantom())?;
        (select(config, &Source::Inbreast(dir.clone()))?, twin_paths(&dir)?)
    };
    mammo_files::write_json(&folder.path("cohort.json"), &CohortSummary::new(&release, &cohort, &split))?;

    let size = config.size()?;
    let load = |index: &usize| -> anyhow::Result<StudyImage> {
        let member = &cohort.members[*index];
        let record = release.records[member.record].clone();
        let path = release.root.join(&record.path);
        let bytes = fs_err::read(&path)?;
        let prepared = prepare_bytes(&bytes, &path, &record, size)?;
        let source_sha256 = mammo_files::sha256(&bytes);
        let twin = twins
            .get(record.image_id.as_str())
            .map(|path| prepare_twin(path, &record, &prepared))
            .transpose()?;
        Ok(StudyImage { record, label: member.label, prepared, source_sha256, twin })
    };
    let train = parallel("preparing", "training images prepared", &split.train, load)?;
    let test = parallel("preparing", "held-out images prepared", &split.test, load)?;
    let images = Images { train, test };
    for (part, set) in [("training", &images.train), ("held-out", &images.test)] {
        for label in [Label::Healthy, Label::Cancer] {
            anyhow::ensure!(
                set.iter().any(|image| image.label == label),
                "there is no {label} image among the {part} ones; there are too few patients for the rule {} or \
                 the share {} of patients held out does not suit them",
                config.labels,
                config.preset.test_fraction
            );
        }
    }
    write_manifest(folder, &images)?;
    Ok(images)
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

fn write_manifest(folder: &RunFolder, images: &Images) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for (part, set) in [("train", &images.train), ("test", &images.test)] {
        for image in set {
            let record = &image.record;
            let labels = LabelRule::ALL
                .into_iter()
                .filter_map(|rule| Some((rule.name(), rule.apply(&record.assessment)?)))
                .collect();
            let line = ManifestLine {
                dataset: record.dataset.to_string(),
                image_id: record.image_id.as_str(),
                patient_id: record.patient_id.as_str(),
                path: &record.path,
                sha256: &image.source_sha256,
                laterality: record.laterality.to_string(),
                view: record.view.map(|view| view.to_string()),
                birads: record.assessment.birads.map(|birads| birads.to_string()),
                density: record.density.map(mammo_core::AcrDensity::class),
                labels,
                label: image.label,
                part,
                fit: image.prepared.fit,
                rois: &image.prepared.rois,
                synthetic: record.synthetic,
            };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
    }
    mammo_files::write(&folder.path("manifest.jsonl"), &text).context("the manifest")
}
