//! The generators: of both ways up, and one that was trained to change nothing.

use super::altered::{other_label, through_files};
use super::config::DetectionConfig;
use super::parts::{Roles, planes_of};
use crate::run::{RunFolder, StudyImage, TrainingProgress};
use crate::{interrupt, progress::Progress};
use mammo_core::Label;
use mammo_models::Upsampling;
use mammo_train::{
    CycleGan, IdentityGenerator, Observer, SkippedCheckpoint, StepReport, TrainConfig, TrainingSet, Verdict,
    train_identity,
};

/// The training images of a rotation's generators.
pub(super) fn training_set(roles: Roles) -> TrainingSet {
    TrainingSet {
        healthy: planes_of(roles.generators, Label::Healthy),
        cancer: planes_of(roles.generators, Label::Cancer),
        regions: None,
    }
}

/// A name for tables and folders.
pub(super) fn name(upsampling: Upsampling) -> &'static str {
    match upsampling {
        Upsampling::Transposed => "transposed",
        Upsampling::Resize => "resize",
        Upsampling::Blur => "blur",
    }
}

/// Sub-folder of the judged images after `step` steps.
pub(super) fn early_folder(roles: Roles, step: usize) -> String {
    format!("{}/images/transposed-step-{step:07}", roles.folder())
}

/// Trains a CycleGAN, or goes on where its checkpoints end; `None` when an end has been asked for. The generator with
/// transposed convolutions alters the judged images at the early steps, too.
pub(super) fn train(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    upsampling: Upsampling,
) -> anyhow::Result<Option<CycleGan>> {
    let mut training: TrainConfig = config.preset.train.clone();
    training.generator.upsampling = upsampling;
    training.seed = training.seed.derive(&format!("{}/{}", roles.folder(), name(upsampling)));
    let dir = folder.subfolder(&format!("{}/generators/{}", roles.folder(), name(upsampling)))?;
    eprintln!("generator: {}, rotation {}", name(upsampling), roles.rotation + 1);
    let early = if upsampling == Upsampling::Transposed { config.preset.early_steps.as_slice() } else { &[] };
    let mut watch = Watch { progress: TrainingProgress::new(training.steps), folder, roles, early };
    let outcome = mammo_train::train(&training, &training_set(roles), &dir, true, &mut watch)?;
    watch.progress.finish(outcome.step);
    if outcome.step < training.steps {
        eprintln!(
            "interrupted after step {}; go on with --resume --out {}",
            outcome.step,
            folder.root().display()
        );
        return Ok(None);
    }
    Ok(Some(outcome.model))
}

/// Trains the generator that changes nothing.
pub(super) fn identity(config: &DetectionConfig, roles: Roles) -> anyhow::Result<Option<IdentityGenerator>> {
    let steps = config.preset.identity_steps;
    let mut training = config.preset.train.clone();
    training.seed = training.seed.derive(&format!("{}/identity", roles.folder()));
    let progress = Progress::new("identity", steps);
    let trained = train_identity(&training, &training_set(roles), steps, &mut |done| {
        progress.set(done, String::new);
        !interrupt::asked()
    })?;
    progress.finish("steps of a generator that is to change nothing");
    Ok(trained)
}

struct Watch<'a> {
    progress: TrainingProgress,
    folder: &'a RunFolder,
    roles: Roles<'a>,
    early: &'a [usize],
}

impl Observer for Watch<'_> {
    fn started(&mut self, done: usize, skipped: &[SkippedCheckpoint]) {
        self.progress.started(done, skipped);
    }

    fn note(&mut self, text: &str) {
        self.progress.note(text);
    }

    fn step(&mut self, report: &StepReport) -> bool {
        self.progress.step(report)
    }

    fn sample(
        &mut self,
        step: usize,
        model: &CycleGan,
    ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        if self.early.contains(&step) {
            let make = |_: usize, image: &StudyImage| other_label(model, image);
            let what = format!("malignant features changed by a CycleGAN after {step} steps");
            through_files(self.folder, &early_folder(self.roles, step), self.roles.judged, &what, make)?;
        }
        Ok(Verdict::default())
    }
}
