//! Which images are read, of which step's networks, and under which names.

use super::config::RunConfig;
use super::images::Images;
use mammo_core::Label;
use mammo_reader::{Arm, Exp1Plan, SourceImage, StudyDesign};
use std::collections::BTreeSet;

/// One readout: the networks after a step, and the study that shows what they made.
pub(crate) struct Reading {
    /// Steps done.
    pub(crate) step: usize,
    /// Sub-folder of the run.
    pub(crate) folder: String,
    /// Whether it is the last one, of the networks that translate in the end.
    pub(crate) is_last: bool,
    pub(crate) design: StudyDesign,
}

/// Steps and sub-folders of the readouts of a run, the last one last. A single one needs no name.
pub(crate) fn places(config: &RunConfig) -> Vec<(usize, String)> {
    let preset = &config.preset;
    if preset.early.is_empty() {
        return vec![(preset.train.steps, "readout".to_owned())];
    }
    let steps = preset.early.iter().map(|early| early.step).chain([preset.train.steps]);
    steps.map(|step| (step, format!("readout/step-{step:07}"))).collect()
}

/// Draws the studies: which held-out images are shown, in which arm and under which name. No image is in two of them.
pub(crate) fn design(config: &RunConfig, images: &Images) -> anyhow::Result<Vec<Reading>> {
    let mut sources: Vec<SourceImage> = images
        .test
        .iter()
        .map(|image| SourceImage {
            id: image.record.image_id.clone(),
            patient: image.record.patient_id.clone(),
            label: image.label,
        })
        .collect();
    let plans = config.preset.early.iter().map(|early| early.plan).chain([config.preset.plan]);
    let plans: Vec<Exp1Plan> = plans.collect();
    let wanted: usize = plans.iter().map(|plan| plan.n_sources()).sum();
    let mut readings = Vec::new();
    for (i, ((step, folder), plan)) in places(config).into_iter().zip(&plans).enumerate() {
        let count = |label| sources.iter().filter(|s| s.label == label).count();
        let (mut healthy, mut cancer) = (count(Label::Healthy), count(Label::Cancer));
        let left: usize = plans[i..].iter().map(|plan| plan.n_sources()).sum();
        if left > 2 * healthy.min(cancer) {
            // Too few for all: each readout gets its share of those that there are.
            let share = |n: usize| (n * plan.n_sources()).div_ceil(left);
            (healthy, cancer) = (share(healthy), share(cancer));
        }
        let fitting = plan.shrunk_to(healthy, cancer);
        if fitting != *plan {
            eprintln!(
                "note: the held-out images allow {} cases in {folder} instead of {}",
                fitting.n_cases(),
                plan.n_cases()
            );
        }
        let is_last = i + 1 == plans.len();
        // The only readout of a run is drawn as it always was.
        let seed = if wanted == plan.n_sources() { config.seed } else { config.seed.derive(&folder) };
        let design = StudyDesign::draw(fitting, &sources, seed)?;
        for arm in [Arm::Original, Arm::Modified] {
            for label in [Label::Healthy, Label::Cancer] {
                let shown = design.cases.iter().filter(|case| case.arm == arm && case.label == label).count();
                anyhow::ensure!(
                    shown >= 2,
                    "the held-out images give the {arm} arm of {folder} {shown} {label} images and it needs two; use \
                     more patients or a larger test_fraction"
                );
            }
        }
        let used: BTreeSet<_> = design.cases.iter().map(|case| case.source.clone()).collect();
        sources.retain(|source| !used.contains(&source.id));
        readings.push(Reading { step, folder, is_last, design });
    }
    Ok(readings)
}
