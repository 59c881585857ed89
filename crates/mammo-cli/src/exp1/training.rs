//! Training with live progress and sample sheets of held-out images.

use super::config::RunConfig;
use super::images::Images;
use crate::run::{MADE_BY, RunFolder, StudyImage, TrainingProgress};
use mammo_core::Label;
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};
use mammo_train::{CycleGan, Observer, Outcome, SkippedCheckpoint, StepReport, TrainingSet};
use std::path::PathBuf;

/// Images of each label on a sample sheet.
const SAMPLES: usize = 3;

/// The change that gets the strongest colour, as a share of the grey scale.
pub(crate) const CHANGE_LIMIT: f32 = 0.25;

/// Trains, or goes on where the folder's checkpoints end.
pub(crate) fn train(config: &RunConfig, folder: &RunFolder, images: &Images) -> anyhow::Result<Outcome> {
    let set = TrainingSet {
        healthy: images.training_planes(Label::Healthy),
        cancer: images.training_planes(Label::Cancer),
    };
    let pick = |label| images.test.iter().filter(|i| i.label == label).take(SAMPLES).collect::<Vec<_>>();
    let mut watch = Watch {
        progress: TrainingProgress::new(config.preset.train.steps),
        healthy: pick(Label::Healthy),
        cancer: pick(Label::Cancer),
        samples: folder.subfolder("samples")?,
    };
    let outcome = mammo_train::train(&config.preset.train, &set, folder.root(), true, &mut watch)?;
    watch.progress.finish(outcome.step);
    Ok(outcome)
}

struct Watch<'a> {
    progress: TrainingProgress,
    healthy: Vec<&'a StudyImage>,
    cancer: Vec<&'a StudyImage>,
    samples: PathBuf,
}

impl Observer for Watch<'_> {
    fn started(&mut self, done: usize, skipped: &[SkippedCheckpoint]) {
        self.progress.started(done, skipped);
    }

    fn step(&mut self, report: &StepReport) -> bool {
        self.progress.step(report)
    }

    fn sample(
        &mut self,
        step: usize,
        model: &CycleGan,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut rows = Vec::new();
        for (images, what) in [(&self.healthy, "injected"), (&self.cancer, "removed")] {
            for image in images {
                let original = &image.prepared.plane;
                let (modified, back) = if image.label == Label::Healthy {
                    let fake = model.inject(original)?;
                    let back = model.remove(&fake)?;
                    (fake, back)
                } else {
                    let fake = model.remove(original)?;
                    let back = model.inject(&fake)?;
                    (fake, back)
                };
                let change = original.zip(&modified, |a, b| b - a);
                rows.push(SheetRow {
                    label: what.to_owned(),
                    tiles: vec![
                        Tile::Gray(original.clone()),
                        Tile::Gray(modified),
                        Tile::Difference { plane: change, limit: CHANGE_LIMIT },
                        Tile::Gray(back),
                    ],
                });
            }
        }
        let sheet = Sheet {
            columns: ["original", "modified", "change", "back again"].map(str::to_owned).to_vec(),
            rows,
            zoom: zoom(model_width(&self.healthy)),
        };
        let mark = Mark::new(MADE_BY, format!("samples of a CycleGAN after {step} steps"));
        write_canvas(&self.samples.join(format!("step-{step:07}.png")), &sheet.draw(), &mark)?;
        Ok(())
    }
}

fn model_width(images: &[&StudyImage]) -> usize {
    images.first().map_or(128, |image| image.prepared.plane.width())
}

/// Screen pixels for each image pixel, so that small images can be judged by eye.
pub(crate) fn zoom(width_px: usize) -> usize {
    (256 / width_px.max(1)).clamp(1, 4)
}
