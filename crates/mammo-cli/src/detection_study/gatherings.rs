//! What rotations have found, until it becomes tables.

use super::config::DetectionConfig;
use super::detectors::{MEASURES, NETWORK};
use super::effects::{self, Effect};
use super::images::TRANSPOSED;
use super::parts::{Parts, Roles};
use super::places::{self, Place};
use super::readers;
use super::results::Results;
use super::scores::Gathered;
use crate::detect::beside::{Said, beside, readers_alone};
use crate::detect::judge::Scored;
use crate::run::RunFolder;
use mammo_core::Label;
use std::collections::BTreeSet;

/// What rotations have found.
#[derive(Default)]
pub(super) struct Gatherings {
    pub(super) scores: Gathered,
    pub(super) said: Vec<Said>,
    pub(super) places: Vec<Place>,
    pub(super) effects: Vec<Effect>,
    /// Labels of the judged images, and areas of the lesions taken out and the changes put in, in pixels.
    pub(super) sizes: Vec<(Label, usize)>,
    pub(super) patients: BTreeSet<String>,
}

/// A row's name for a number of steps.
pub(super) fn step_name(step: usize) -> String {
    format!("{step} steps")
}

impl Gatherings {
    /// Adds what a detector says of the judged images to what the readers say.
    pub(super) fn say(&mut self, name: &str, set: &str, roles: Roles, scored: &[Scored]) {
        for (image, row) in roles.judged.iter().zip(scored) {
            for (modified, rating) in [(false, row.log_odds[1]), (true, row.log_odds[2])] {
                self.said.push(Said {
                    reader: name.to_owned(),
                    machine: true,
                    set: set.to_owned(),
                    case: readers::case(image.record.image_id.as_str(), modified),
                    patient: row.patient.clone(),
                    modified,
                    rating,
                });
            }
        }
    }

    /// Writes every score: `scores.csv`.
    pub(super) fn write_scores(&self, folder: &RunFolder) -> anyhow::Result<()> {
        Ok(mammo_files::write(&folder.path("scores.csv"), self.scores.csv().as_bytes())?)
    }

    /// The tables.
    pub(super) fn results(mut self, config: &DetectionConfig, parts: &Parts) -> anyhow::Result<Results> {
        self.by_size();
        let last = step_name(config.preset.train.steps);
        let mut reader_steps = Vec::new();
        for step in config.preset.early_steps.iter().chain([&config.preset.train.steps]) {
            let alone = readers_alone(&self.said, &step_name(*step))?;
            reader_steps.extend(alone.into_iter().map(|reader| (*step, reader.name, reader.auc)));
        }
        let roles = parts.roles(0);
        Ok(Results {
            schema: Results::SCHEMA.to_owned(),
            judged_images: self.sizes.len(),
            judged_patients: self.patients.len(),
            generator_images: roles.generators.len(),
            detector_images: roles.detectors.len(),
            generators: self.scores.table("generators")?,
            controls: self.scores.table("controls")?,
            handlings: self.scores.table("handlings")?,
            steps: self.scores.table("steps")?,
            reader_steps,
            sizes: self.scores.table("sizes")?,
            attacks: effects::summarise(&self.effects),
            attack_detection: self.scores.table("attacks")?,
            evasion: self.scores.table("evasion")?,
            readers: beside(&self.said, &last)?,
            splices: self.scores.table("splices")?,
            places: places::area(&self.places),
        })
    }

    /// Cuts each direction into thirds by the area of the lesion or of the change.
    fn by_size(&mut self) {
        for (label, what) in [(Label::Cancer, "lesion taken out"), (Label::Healthy, "change put in")] {
            let mut areas: Vec<usize> =
                self.sizes.iter().filter(|i| i.0 == label && i.1 > 0).map(|i| i.1).collect();
            if areas.len() < 6 {
                continue;
            }
            areas.sort_unstable();
            let cut = |third: usize| areas[third * areas.len() / 3];
            let bounds = [(1, cut(1)), (cut(1), cut(2)), (cut(2), usize::MAX)];
            for (low, high) in bounds {
                let row = if high == usize::MAX {
                    format!("{what}, {low} pixels and more")
                } else {
                    format!("{what}, {low} to {} pixels", high.saturating_sub(1))
                };
                for name in [MEASURES, NETWORK] {
                    let scored = self.scores.pairs("generators", name, TRANSPOSED);
                    let picked: Vec<Scored> = scored
                        .iter()
                        .zip(&self.sizes)
                        .filter(|(_, image)| image.0 == label && (low..high).contains(&image.1))
                        .map(|(scored, _)| scored.clone())
                        .collect();
                    if !picked.is_empty() {
                        self.scores.add("sizes", name, &row, picked);
                    }
                }
            }
        }
    }
}
