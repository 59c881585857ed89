//! Training with live progress, sample sheets and measurements of images that do not train.

use super::choice::Choice;
use super::config::RunConfig;
use super::images::Images;
use super::measures::{Gauge, Measures};
use super::readings::Reading;
use super::region::{Translator, region};
use super::translation;
use crate::run::{MADE_BY, RunFolder, StudyImage, TrainingProgress};
use anyhow::Context;
use mammo_core::{Label, Seed};
use mammo_files::JsonLines;
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};
use mammo_reader::SimulatedReader;
use mammo_tensorboard::EventFile;
use mammo_train::{
    CycleGan, Observer, RegionsOfInterest, SkippedCheckpoint, StepReport, TrainingSet, Verdict,
};
use std::path::PathBuf;
use std::time::SystemTime;

/// Images of each label on a sample sheet.
const SAMPLES: usize = 3;

/// Steps from one line of TensorBoard's curves to the next.
const EVENT_EVERY_STEPS: usize = 10;

/// The change that gets the strongest colour, as a share of the grey scale.
pub(crate) const CHANGE_LIMIT: f32 = 0.25;

/// How a training ended.
pub(crate) struct Trained {
    /// The networks that translate: of the last step, or those that the preset's choice fell on.
    pub(crate) model: CycleGan,
    /// The step that they are of.
    pub(crate) chosen_step: usize,
    /// Steps done.
    pub(crate) step: usize,
    /// Whether it is over, and not interrupted.
    pub(crate) finished: bool,
}

/// Trains, or goes on where the folder's checkpoints end.
pub(crate) fn train(
    config: &RunConfig,
    folder: &RunFolder,
    images: &Images,
    observer: Option<&SimulatedReader>,
    early: &[&Reading],
) -> anyhow::Result<Trained> {
    let training = &config.preset.train;
    let regions_of =
        |label| images.train.iter().filter(|i| i.label == label).map(|i| region(i, config.seed)).collect();
    let set = TrainingSet {
        healthy: images.training_planes(Label::Healthy),
        cancer: images.training_planes(Label::Cancer),
        regions: training.generator.roi_channel.then(|| RegionsOfInterest {
            healthy: regions_of(Label::Healthy),
            cancer: regions_of(Label::Cancer),
        }),
    };
    // Sheets show images that the networks are not judged by, where there are some.
    let shown = if images.validation.is_empty() { &images.test } else { &images.validation };
    let pick = |label| shown.iter().filter(|i| i.label == label).take(SAMPLES).collect::<Vec<_>>();
    let gauge = observer.map(|observer| Gauge::new(images, observer, config.seed)).transpose()?.flatten();
    if let Some(gauge) = &gauge {
        mammo_files::write_json(&folder.path("measures-real.json"), &gauge.real()?)?;
    }
    let mut watch = Watch {
        progress: TrainingProgress::new(training.steps),
        healthy: pick(Label::Healthy),
        cancer: pick(Label::Cancer),
        samples: folder.subfolder("samples")?,
        seed: config.seed,
        gauge,
        choice: config.preset.choice.clone(),
        measures: Measurements { path: folder.path("measures.jsonl"), done: Vec::new(), log: None },
        folder,
        images,
        early,
        events: None,
        failed: None,
    };
    let outcome = mammo_train::train(training, &set, folder.root(), true, &mut watch)?;
    if let Some(error) = watch.failed {
        return Err(error);
    }
    watch.progress.finish(outcome.step);
    let (model, chosen_step) =
        if outcome.finished && config.preset.choice.by != super::choice::Criterion::Last {
            let (model, checkpoint) = CycleGan::load_best(folder.root())?;
            (model, checkpoint.step)
        } else {
            (outcome.model, outcome.step)
        };
    Ok(Trained { model, chosen_step, step: outcome.step, finished: outcome.finished })
}

/// `measures.jsonl` and what is in it.
struct Measurements {
    path: PathBuf,
    done: Vec<Measures>,
    log: Option<JsonLines>,
}

impl Measurements {
    /// Goes on after `step`; what lies beyond is measured again.
    fn resume(&mut self, step: usize) -> anyhow::Result<()> {
        if step > 0 && self.path.exists() {
            self.done = mammo_files::read_json_lines::<Measures>(&self.path)?;
            self.done.retain(|measures| measures.step <= step);
        }
        self.log = Some(JsonLines::open(&self.path, self.done.len())?);
        Ok(())
    }

    fn add(&mut self, measures: Measures) -> anyhow::Result<()> {
        self.log.as_mut().context("the measurements have not begun")?.push(&measures)?;
        self.done.push(measures);
        Ok(())
    }
}

struct Watch<'a> {
    progress: TrainingProgress,
    healthy: Vec<&'a StudyImage>,
    cancer: Vec<&'a StudyImage>,
    samples: PathBuf,
    seed: Seed,
    gauge: Option<Gauge<'a>>,
    choice: Choice,
    measures: Measurements,
    folder: &'a RunFolder,
    images: &'a Images,
    early: &'a [&'a Reading],
    events: Option<EventFile>,
    /// What failed where the training cannot be told; it ends at the next step.
    failed: Option<anyhow::Error>,
}

impl Watch<'_> {
    fn begin(&mut self, done: usize) -> anyhow::Result<()> {
        if self.gauge.is_some() {
            self.measures.resume(done)?;
        }
        let clock = Box::new(SystemTime::now);
        self.events = Some(EventFile::create(&self.folder.subfolder("tensorboard")?, done + 1, clock)?);
        Ok(())
    }

    fn write_losses(&mut self, report: &StepReport) -> anyhow::Result<()> {
        let Some(events) = self.events.as_mut().filter(|_| report.step.is_multiple_of(EVENT_EVERY_STEPS))
        else {
            return Ok(());
        };
        let l = &report.losses;
        Ok(events.scalars(
            report.step,
            &[
                ("loss/cycle_a", l.cycle_a),
                ("loss/cycle_b", l.cycle_b),
                ("loss/adversarial_ab", l.adversarial_ab),
                ("loss/adversarial_ba", l.adversarial_ba),
                ("loss/identity_a", l.identity_a),
                ("loss/identity_b", l.identity_b),
                ("loss/d_a", l.d_a),
                ("loss/d_b", l.d_b),
                ("learning_rate", report.learning_rate as f32),
            ],
        )?)
    }

    fn look(&mut self, step: usize, model: &CycleGan) -> anyhow::Result<Verdict> {
        let sheet = self.draw_sheet(step, model)?;
        if let Some(events) = &mut self.events {
            events.picture(step, "samples", &fs_err::read(&sheet)?)?;
        }
        for reading in self.early.iter().filter(|reading| reading.step == step) {
            let translator = Translator { model, seed: self.seed };
            translation::translate_reading(self.folder, self.images, reading, translator)?;
        }
        let Some(gauge) = &self.gauge else { return Ok(Verdict::default()) };
        let measures = gauge.measure(step, model)?;
        if let Some(events) = &mut self.events {
            events.scalars(step, &as_scalars(&measures))?;
        }
        self.measures.add(measures)?;
        Ok(self.choice.verdict(&self.measures.done))
    }

    /// Draws what the networks make of a few images, there and back.
    fn draw_sheet(&self, step: usize, model: &CycleGan) -> anyhow::Result<PathBuf> {
        let translator = Translator { model, seed: self.seed };
        let mut rows = Vec::new();
        for (images, what) in [(&self.healthy, "injected"), (&self.cancer, "removed")] {
            for image in images {
                let original = &image.prepared.plane;
                let (modified, back) = if image.label == Label::Healthy {
                    let fake = translator.inject(image, original)?;
                    let back = translator.remove(image, &fake)?;
                    (fake, back)
                } else {
                    let fake = translator.remove(image, original)?;
                    let back = translator.inject(image, &fake)?;
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
        let path = self.samples.join(format!("step-{step:07}.png"));
        write_canvas(&path, &sheet.draw(), &mark)?;
        Ok(path)
    }
}

/// The measurements as TensorBoard names them.
fn as_scalars(measures: &Measures) -> Vec<(&'static str, f32)> {
    let (injected, removed) = (&measures.injected, &measures.removed);
    let mut scalars = vec![
        ("error/cycle", measures.cycle_error),
        ("error/identity", measures.identity_error),
        ("grid/injected_2px_db", injected.grid_half_db),
        ("grid/injected_4px_db", injected.grid_quarter_db),
        ("grid/removed_2px_db", removed.grid_half_db),
        ("grid/removed_4px_db", removed.grid_quarter_db),
        ("frechet/injected", injected.frechet),
        ("frechet/removed", removed.frechet),
        ("sliced_wasserstein/injected", injected.sliced_wasserstein),
        ("sliced_wasserstein/removed", removed.sliced_wasserstein),
    ];
    for (name, value) in [
        ("memorisation/injected_ratio", injected.memorisation_ratio),
        ("memorisation/removed_ratio", removed.memorisation_ratio),
        ("observer/raised", measures.observer_raised),
        ("observer/lowered", measures.observer_lowered),
        ("twins/contrast_removed", measures.twins.map(|twins| twins.contrast_removed)),
        ("twins/approach", measures.twins.map(|twins| twins.approach)),
        ("twins/change_outside", measures.twins.map(|twins| twins.change_outside)),
    ] {
        scalars.extend(value.map(|value| (name, value)));
    }
    scalars.into_iter().map(|(name, value)| (name, value as f32)).collect()
}

impl Observer for Watch<'_> {
    fn started(&mut self, done: usize, skipped: &[SkippedCheckpoint]) {
        self.progress.started(done, skipped);
        self.failed = self.begin(done).err();
    }

    fn note(&mut self, text: &str) {
        self.progress.note(text);
    }

    fn step(&mut self, report: &StepReport) -> bool {
        if let Err(error) = self.write_losses(report) {
            self.failed = Some(error);
        }
        self.progress.step(report) && self.failed.is_none()
    }

    fn sample(
        &mut self,
        step: usize,
        model: &CycleGan,
    ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        self.look(step, model).map_err(Into::into)
    }
}

fn model_width(images: &[&StudyImage]) -> usize {
    images.first().map_or(128, |image| image.prepared.plane.width())
}

/// Screen pixels for each image pixel, so that small images can be judged by eye.
pub(crate) fn zoom(width_px: usize) -> usize {
    (256 / width_px.max(1)).clamp(1, 4)
}
