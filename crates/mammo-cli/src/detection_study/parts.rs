//! Three parts of the patients that take turns: one trains generators, one detectors, one is judged.

use super::config::{DetectionConfig, PARTS};
use crate::run::{DataSource, RunFolder, Selection, StudyImage, write_manifest};
use mammo_core::{Label, Plane};

/// Names of the parts in `manifest.jsonl`.
const NAMES: [&str; PARTS] = ["part 1", "part 2", "part 3"];

/// The prepared images, part by part.
pub(super) struct Parts([Vec<StudyImage>; PARTS]);

/// Who does what in a rotation.
#[derive(Clone, Copy)]
pub(super) struct Roles<'a> {
    /// Rotation, from 0.
    pub(super) rotation: usize,
    /// Trains the generators, and the readers.
    pub(super) generators: &'a [StudyImage],
    /// Trains the detectors.
    pub(super) detectors: &'a [StudyImage],
    /// Is judged.
    pub(super) judged: &'a [StudyImage],
}

impl Roles<'_> {
    /// Sub-folder of the run for what is made in this rotation.
    pub(super) fn folder(&self) -> String {
        format!("rotation-{}", self.rotation + 1)
    }
}

impl Parts {
    /// Selects from the release that the command line names, or makes one, and prepares every image.
    pub(super) fn load(config: &DetectionConfig, folder: &RunFolder) -> anyhow::Result<Self> {
        let selection = match config.source()? {
            DataSource::Release(source) => Selection::of(&source, config.labels, config.views)?,
            DataSource::Phantom => {
                let phantom = config.preset.phantom.config(config.seed);
                Selection::made(folder, &phantom, config.labels, config.views)?
            }
        };
        let folds = selection.cohort.folds(PARTS, config.seed)?;
        let size = config.size()?;
        let mut parts = [const { Vec::new() }; PARTS];
        for (part, fold) in parts.iter_mut().zip(&folds) {
            *part = selection.prepare(&fold.test, size, "images of a part prepared")?;
            for label in [Label::Healthy, Label::Cancer] {
                anyhow::ensure!(
                    part.iter().filter(|image| image.label == label).count() >= 5,
                    "a third of the patients has fewer than five {label} images; there are too few patients for the rule {}",
                    config.labels
                );
            }
        }
        let [one, two, three] = &parts;
        write_manifest(folder, &[(NAMES[0], one), (NAMES[1], two), (NAMES[2], three)])?;
        Ok(Self(parts))
    }

    /// Who does what in rotation `rotation`, from 0.
    pub(super) fn roles(&self, rotation: usize) -> Roles<'_> {
        let part = |role: usize| self.0[(role + rotation) % PARTS].as_slice();
        Roles { rotation, generators: part(0), detectors: part(1), judged: part(2) }
    }
}

/// The planes of the images of one label.
pub(super) fn planes_of(images: &[StudyImage], label: Label) -> Vec<Plane> {
    images.iter().filter(|i| i.label == label).map(|i| i.prepared.plane.clone()).collect()
}
