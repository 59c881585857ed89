//! What a study of detection is asked to do, resolved to the last number.

use crate::args::DetectionArgs;
use crate::preset::{PhantomPreset, load};
use crate::run::{DataSource, SMALLEST_PX, Settings, file_stem};
use anyhow::{Context, bail};
use mammo_core::{LabelRule, Seed};
use mammo_dataset::{ImageSize, ViewFilter};
use mammo_train::TrainConfig;
use serde::{Deserialize, Serialize};
use std::path::Path;

const BUILT_IN: [(&str, &str); 3] = [
    ("detection", include_str!("../../presets/detection.toml")),
    ("detection-512", include_str!("../../presets/detection-512.toml")),
    ("detection-smoke", include_str!("../../presets/detection-smoke.toml")),
];

/// Parts of the patients: for generators, for detectors, for judging.
pub(super) const PARTS: usize = 3;

/// Settings of a study that do not depend on where its images come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DetectionPreset {
    /// One line for people.
    pub(crate) description: String,
    /// Steps after which the generator alters the judged images, too.
    pub(crate) early_steps: Vec<usize>,
    /// Steps of the generator that is trained to change nothing.
    pub(crate) identity_steps: usize,
    /// Epochs of a network that detects.
    pub(crate) network_epochs: usize,
    /// Epochs of the malignancy classifier.
    pub(crate) classifier_epochs: usize,
    /// The release that is made where no other is given.
    pub(crate) phantom: PhantomPreset,
    /// Networks and training of the generators with transposed convolutions; the others differ in the way up alone.
    pub(crate) train: TrainConfig,
}

/// Everything that decides the results; `run.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectionConfig {
    pub(crate) experiment: String,
    pub(crate) data: String,
    pub(crate) labels: LabelRule,
    pub(crate) views: ViewFilter,
    pub(crate) preset_name: String,
    pub(crate) preset: DetectionPreset,
    /// How often the parts change roles, so that up to all patients are judged once.
    pub(crate) rotations: usize,
    pub(crate) seed: Seed,
    pub(crate) version: String,
}

impl Settings for DetectionConfig {
    fn results(&self) -> Vec<String> {
        ["run.json", "manifest.jsonl", "scores.csv", "results.json", "report.html"]
            .map(str::to_owned)
            .to_vec()
    }

    fn name(&self) -> String {
        let data = self.data.split(':').next().unwrap_or("data");
        format!("{}-{data}-{}-seed{}", file_stem(&self.preset_name), self.labels, self.seed.0)
    }
}

/// Refuses what can be no preset, when the command line is read.
pub(crate) fn known_preset(name: &str) -> Result<String, String> {
    if BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
        || Path::new(name).extension().is_some_and(|e| e == "toml")
    {
        return Ok(name.to_owned());
    }
    Err(format!(
        "there is no preset {name:?}; use detection, detection-512, detection-smoke or the path of a .toml file"
    ))
}

impl DetectionConfig {
    /// Puts preset and command line together and checks every number before any work is done.
    pub(super) fn resolve(args: &DetectionArgs) -> anyhow::Result<Self> {
        let preset_name = if args.quick { "detection-smoke" } else { &args.preset };
        let mut preset: DetectionPreset = load(preset_name, &BUILT_IN)?;
        if let Some(steps) = args.steps {
            preset.train.steps = steps;
            preset.train.constant_steps = steps / 2;
            preset.early_steps.retain(|early| *early < steps);
        }
        let seed = Seed(args.run.seed);
        preset.train.seed = seed.derive("train");
        preset.train.check().with_context(|| format!("preset {preset_name}"))?;
        let (height, width) = (preset.train.height_px, preset.train.width_px);
        ImageSize::new(height, width)?;
        if height.min(width) < SMALLEST_PX {
            bail!(
                "preset {preset_name}: images of {height} x {width} px are too small; each side needs {SMALLEST_PX}"
            );
        }
        let every = preset.train.sample_every_steps;
        if let Some(early) =
            preset.early_steps.iter().find(|s| **s == 0 || **s % every != 0 || **s >= preset.train.steps)
        {
            bail!(
                "preset {preset_name}: early_steps has {early}; they are multiples of sample_every_steps ({every}) below \
                 steps ({})",
                preset.train.steps
            );
        }
        for (name, number) in [
            ("identity_steps", preset.identity_steps),
            ("network_epochs", preset.network_epochs),
            ("classifier_epochs", preset.classifier_epochs),
        ] {
            anyhow::ensure!(number > 0, "preset {preset_name}: {name} must be at least 1");
        }
        let config = Self {
            experiment: "reproduce-detection".to_owned(),
            data: args.run.data.to_string(),
            labels: args.run.labels.unwrap_or(LabelRule::BiradsGe3),
            views: args.run.views.unwrap_or_else(|| args.run.data.usual_views()),
            preset_name: preset_name.to_owned(),
            preset,
            rotations: usize::from(args.rotations),
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if config.source()? == DataSource::Phantom {
            config.preset.phantom.config(seed).check().with_context(|| format!("preset {preset_name}"))?;
        }
        Ok(config)
    }

    /// Where the images come from.
    pub(super) fn source(&self) -> anyhow::Result<DataSource> {
        self.data.parse().map_err(anyhow::Error::msg)
    }

    /// Size of the prepared images.
    pub(super) fn size(&self) -> anyhow::Result<ImageSize> {
        Ok(ImageSize::new(self.preset.train.height_px, self.preset.train.width_px)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_preset_is_valid() {
        for (name, _) in BUILT_IN {
            let preset: DetectionPreset = load(name, &BUILT_IN).unwrap_or_else(|e| panic!("{name}: {e:#}"));
            preset.train.check().unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(preset.early_steps.iter().all(|s| s % preset.train.sample_every_steps == 0), "{name}");
        }
    }
}
