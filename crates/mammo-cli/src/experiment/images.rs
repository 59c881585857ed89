//! From a release to prepared images, split by patient.

use super::config::RunConfig;
use crate::run::{DataSource, RunFolder, Selection, StudyImage, write_manifest};
use mammo_core::{Label, Plane};
use mammo_dataset::{CohortSummary, Split};

/// The prepared images of a run.
pub(crate) struct Images {
    pub(crate) train: Vec<StudyImage>,
    /// Of patients that neither train nor are judged: what is measured while the networks train is measured on them.
    pub(crate) validation: Vec<StudyImage>,
    /// Held out: no image of these patients is in the other parts.
    pub(crate) test: Vec<StudyImage>,
}

impl Images {
    /// Training images of one label.
    pub(crate) fn training_planes(&self, label: Label) -> Vec<Plane> {
        self.train.iter().filter(|i| i.label == label).map(|i| i.prepared.plane.clone()).collect()
    }
}

/// Selects from the release that the command line names, so that an unfit one is refused before there is a run folder;
/// `None` where the release is made.
pub(crate) fn select_given(config: &RunConfig) -> anyhow::Result<Option<Given>> {
    match config.source()? {
        DataSource::Release(source) => {
            split(config, Selection::of(&source, config.labels, config.views)?).map(Some)
        }
        DataSource::Phantom => Ok(None),
    }
}

/// A selection and which of it are held out.
pub(crate) type Given = (Selection, Split);

fn split(config: &RunConfig, selection: Selection) -> anyhow::Result<Given> {
    let split = selection.cohort.split(config.preset.test_fraction, config.seed)?;
    Ok((selection, split))
}

/// Makes the release unless one is `given`, selects and splits the cohort, and prepares every image of it.
pub(crate) fn load(config: &RunConfig, folder: &RunFolder, given: Option<Given>) -> anyhow::Result<Images> {
    let (selection, split) = match given {
        Some(given) => given,
        None => split(config, Selection::made(folder, &config.phantom(), config.labels, config.views)?)?,
    };
    let fraction = config.preset.validation_fraction;
    let (training, watching) = selection.cohort.validation(&split, fraction, config.seed)?;
    let split = Split { train: training, ..split };
    let mut summary = CohortSummary::new(&selection.release, &selection.cohort, &split);
    if fraction > 0.0 {
        summary = summary.watched_by(&selection.cohort, &watching);
    }
    mammo_files::write_json(&folder.path("cohort.json"), &summary)?;
    let size = config.size()?;
    let train = selection.prepare(&split.train, size, "training images prepared")?;
    let validation = if watching.is_empty() {
        Vec::new()
    } else {
        selection.prepare(&watching, size, "images prepared that the training is watched by")?
    };
    let test = selection.prepare(&split.test, size, "held-out images prepared")?;
    let images = Images { train, validation, test };
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
    write_manifest(
        folder,
        &[("train", &images.train), ("validation", &images.validation), ("test", &images.test)],
    )?;
    Ok(images)
}
