//! Named settings of experiments, as TOML: built in, or a file of the user's own.

use crate::experiment::Choice;
use anyhow::Context;
use fs_err as fs;
use mammo_core::{LabelRule, Seed};
use mammo_dataset::ViewFilter;
use mammo_phantom::PhantomConfig;
use mammo_reader::Exp1Plan;
use mammo_train::TrainConfig;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

const BUILT_IN: [(&str, &str); 10] = [
    ("cpu", include_str!("../presets/cpu.toml")),
    ("cpu-becker", include_str!("../presets/cpu-becker.toml")),
    ("cpu-exp2", include_str!("../presets/cpu-exp2.toml")),
    ("smoke", include_str!("../presets/smoke.toml")),
    ("smoke-exp2", include_str!("../presets/smoke-exp2.toml")),
    ("becker-exp1", include_str!("../presets/becker-exp1.toml")),
    ("becker-exp2", include_str!("../presets/becker-exp2.toml")),
    ("report-birads", include_str!("../presets/report-birads.toml")),
    ("report-mass", include_str!("../presets/report-mass.toml")),
    ("zhu", include_str!("../presets/zhu.toml")),
];

/// Settings of a run that do not depend on where its images come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preset {
    /// One line for people.
    pub(crate) description: String,
    /// What is called cancer, unless the command line says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<LabelRule>,
    /// Projections, unless the command line says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) views: Option<ViewFilter>,
    /// Share of the patients that is held out.
    pub(crate) test_fraction: f64,
    /// Share of the other patients that the training is watched by; they do not train.
    #[serde(default)]
    pub(crate) validation_fraction: f64,
    /// The readout's size.
    pub(crate) plan: Exp1Plan,
    /// Readouts of earlier steps, each of other images than the rest, before that of the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) early: Vec<EarlyReading>,
    /// Which networks translate in the end, and when the training may end early.
    #[serde(default)]
    pub(crate) choice: Choice,
    /// The release that is made where no other is given.
    pub(crate) phantom: PhantomPreset,
    /// Networks and training; the seed comes from the command line.
    pub(crate) train: TrainConfig,
}

/// A readout of the networks as they were at some step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlyReading {
    /// Steps done; a multiple of `train.sample_every_steps`.
    pub(crate) step: usize,
    /// The readout's size.
    pub(crate) plan: Exp1Plan,
}

/// Size of a phantom release.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhantomPreset {
    /// People.
    pub(crate) patients: usize,
    /// Columns of an image.
    pub(crate) width_px: usize,
    /// Rows of an image.
    pub(crate) height_px: usize,
    /// Share of the people with a lesion in one breast.
    pub(crate) lesion_fraction: f64,
    /// Least and largest brightness of a lesion's middle as a share of that of its surroundings; the phantom's own where it is
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lesion_contrast: Option<[f32; 2]>,
}

impl PhantomPreset {
    /// The release of a seed.
    pub(crate) fn config(&self, seed: Seed) -> PhantomConfig {
        let usual = PhantomConfig::default();
        PhantomConfig {
            lesion_contrast: self.lesion_contrast.unwrap_or(usual.lesion_contrast),
            seed: seed.derive("phantom"),
            patients: self.patients,
            width_px: self.width_px,
            height_px: self.height_px,
            lesion_fraction: self.lesion_fraction,
            ..usual
        }
    }
}

impl Preset {
    /// Finds a built-in preset by name, or reads a TOML file.
    pub(crate) fn find(name: &str) -> anyhow::Result<Self> {
        load(name, &BUILT_IN)
    }
}

/// The preset of this name among those that are built in, or that of a TOML file.
pub(crate) fn load<P: DeserializeOwned>(name: &str, built_in: &[(&str, &str)]) -> anyhow::Result<P> {
    if let Some((_, text)) = built_in.iter().find(|(built_in, _)| *built_in == name) {
        return parse(text).with_context(|| format!("preset {name}"));
    }
    let text = fs::read_to_string(name)?;
    parse(&text).with_context(|| format!("{name}: not a preset"))
}

/// Refuses what can be no preset, when the command line is read.
pub(crate) fn known(name: &str) -> Result<String, String> {
    if BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
        || Path::new(name).extension().is_some_and(|e| e == "toml")
    {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    Err(format!("there is no preset {name:?}; use {} or the path of a .toml file", names.join(", ")))
}

/// The parser's own message shows the place over several lines; ours is one sentence.
fn parse<P: DeserializeOwned>(text: &str) -> anyhow::Result<P> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().map_or("", |span| &text[..span.start.min(text.len())]);
        anyhow::anyhow!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_preset_is_valid() {
        for (name, _) in BUILT_IN {
            let preset = Preset::find(name).unwrap_or_else(|e| panic!("{name}: {e:#}"));
            preset.train.check().unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(preset.description.len() > 10, "{name}");
        }
    }

    #[test]
    fn becker_exp1_has_the_published_numbers() {
        let train = Preset::find("becker-exp1").unwrap().train;
        assert_eq!((train.height_px, train.width_px, train.batch_size), (256, 256, 1));
        assert_eq!((train.generator.ngf, train.generator.n_blocks, train.discriminator.ndf), (32, 9, 64));
        assert_eq!((train.learning_rate, train.beta1, train.pool_size), (2e-4, 0.5, 50));
        assert_eq!(train.weights.lambda_cycle, 10.0);
    }

    #[test]
    fn becker_exp2_has_the_published_numbers() {
        use mammo_models::{DiscriminatorConfig, GeneratorConfig};
        let preset = Preset::find("becker-exp2").unwrap();
        let train = &preset.train;
        assert_eq!((train.height_px, train.width_px, train.batch_size), (512, 408, 1));
        assert_eq!(train.generator, GeneratorConfig::becker2(64, 9));
        assert_eq!(train.discriminator, DiscriminatorConfig::becker2(64));
        assert_eq!((train.learning_rate, train.discriminator_learning_rate), (2e-4, Some(1e-4)));
        assert!(train.augmentation.is_none());
        let plans = preset.early.iter().map(|early| early.plan).chain([preset.plan]);
        assert_eq!(plans.map(mammo_reader::Exp1Plan::n_cases).sum::<usize>(), 72);
        assert_eq!((preset.early[0].step, train.steps), (35_000, 70_000));
    }

    #[test]
    fn zhu_has_the_published_numbers() {
        use mammo_models::{DiscriminatorConfig, GeneratorConfig};
        let train = Preset::find("zhu").unwrap().train;
        assert_eq!(train.generator, GeneratorConfig::zhu(64, 9));
        assert_eq!(train.discriminator, DiscriminatorConfig::zhu(64));
        assert_eq!((train.weights.lambda_cycle, train.weights.lambda_identity), (10.0, 0.5));
    }

    #[test]
    fn unknown_names_say_what_there_is() {
        let message = known("gpu").unwrap_err();
        assert!(BUILT_IN.iter().all(|(name, _)| message.contains(name)), "{message}");
    }
}
