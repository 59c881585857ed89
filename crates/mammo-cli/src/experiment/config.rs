//! What a run is asked to do, resolved to the last number.

use super::choice::{Choice, Criterion};
use super::readings::places;
use crate::args::ExperimentArgs;
use crate::preset::Preset;
use crate::run::{DataSource, SMALLEST_PX, Settings, file_stem};
use anyhow::{Context, bail};
use mammo_core::{LabelRule, Seed};
use mammo_dataset::{ImageSize, ViewFilter};
use mammo_phantom::PhantomConfig;
use serde::{Deserialize, Serialize};

/// Each arm of the readout needs two images of each label, or there is no AUC with an interval.
const SMALLEST_ARM: usize = 4;

/// Which experiment of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Experiment {
    /// One readout of the last networks.
    One,
    /// Higher resolution, with a readout of earlier networks.
    Two,
}

impl Experiment {
    /// Name of its command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "reproduce-exp1",
            Self::Two => "reproduce-exp2",
        }
    }

    fn usual_preset(self) -> &'static str {
        match self {
            Self::One => "cpu",
            Self::Two => "cpu-exp2",
        }
    }

    fn smoke_preset(self) -> &'static str {
        match self {
            Self::One => "smoke",
            Self::Two => "smoke-exp2",
        }
    }
}

/// Everything that decides the results of a run; `run.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunConfig {
    /// Name of the experiment.
    pub(crate) experiment: String,
    /// Images, as given on the command line.
    pub(crate) data: String,
    /// What is called cancer.
    pub(crate) labels: LabelRule,
    /// Projections.
    pub(crate) views: ViewFilter,
    /// Name of the preset, or path of its file.
    pub(crate) preset_name: String,
    /// The preset with the command line's changes.
    pub(crate) preset: Preset,
    /// Where it computes.
    pub(crate) device: String,
    /// What everything random is drawn from.
    pub(crate) seed: Seed,
    /// Version of the program.
    pub(crate) version: String,
}

impl Settings for RunConfig {
    fn results(&self) -> Vec<String> {
        let mut results: Vec<String> =
            ["run.json", "manifest.jsonl", "cohort.json", "metrics.jsonl", "spectra.json", "report.html"]
                .map(str::to_owned)
                .to_vec();
        for (_, folder) in places(self) {
            results.extend(["ratings.csv", "analysis.json"].map(|file| format!("{folder}/{file}")));
        }
        results
    }

    fn name(&self) -> String {
        let data = self.data.split(':').next().unwrap_or("data");
        let experiment = self.experiment.trim_start_matches("reproduce-");
        format!("{experiment}-{data}-{}-{}-seed{}", self.labels, file_stem(&self.preset_name), self.seed.0)
    }
}

impl RunConfig {
    /// Puts preset and command line together and checks every number before any work is done.
    pub(crate) fn resolve(experiment: Experiment, args: &ExperimentArgs) -> anyhow::Result<Self> {
        Self::resolve_with(experiment, args, Ok)
    }

    /// [`Self::resolve`] with a change of the preset before the command line has its say.
    pub(crate) fn resolve_with(
        experiment: Experiment,
        args: &ExperimentArgs,
        change: impl FnOnce(Preset) -> anyhow::Result<Preset>,
    ) -> anyhow::Result<Self> {
        let usual = args.preset.as_deref().unwrap_or(experiment.usual_preset());
        let preset_name = if args.quick { experiment.smoke_preset() } else { usual };
        let mut preset = change(Preset::find(preset_name)?)?;
        if let Some(steps) = args.steps {
            let every = preset.train.sample_every_steps.max(1);
            for early in &mut preset.early {
                // At the same share of the training, where networks are looked at.
                let scaled = early.step * steps / preset.train.steps.max(1);
                early.step = ((scaled + every / 2) / every).max(1) * every;
            }
            preset.train.steps = steps;
            preset.train.constant_steps = steps / 2;
        }
        preset.train.device = args.device.unwrap_or(preset.train.device);
        preset.train.precision = args.precision.unwrap_or(preset.train.precision);
        // Found out now, not when the images are ready.
        preset.train.device.open().with_context(|| format!("device {}", preset.train.device))?;
        let seed = Seed(args.run.seed);
        preset.train.seed = seed.derive("train");
        preset.train.check().with_context(|| format!("preset {preset_name}"))?;
        ImageSize::new(preset.train.height_px, preset.train.width_px)?;
        let (height, width) = (preset.train.height_px, preset.train.width_px);
        if height.min(width) < SMALLEST_PX {
            bail!(
                "preset {preset_name}: images of {height} x {width} px are too small; each side needs {SMALLEST_PX}"
            );
        }
        let fraction = preset.test_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            bail!("preset {preset_name}: test_fraction must be above 0 and below 1, not {fraction}");
        }
        let fraction = preset.validation_fraction;
        if !(0.0..1.0).contains(&fraction) {
            bail!("preset {preset_name}: validation_fraction must be from 0 to below 1, not {fraction}");
        }
        if preset.choice.by != Criterion::Last && fraction == 0.0 {
            bail!(
                "preset {preset_name}: choice.by needs patients to measure on that do not train and are not judged; set \
                 validation_fraction, for example to 0.15"
            );
        }
        if preset.choice.by == Criterion::Counterfactual && args.run.data != DataSource::Phantom {
            eprintln!(
                "note: true twins, which networks are to be chosen by, are for phantoms alone; the last networks translate"
            );
            preset.choice = Choice::default();
        }
        let every = preset.train.sample_every_steps;
        for early in &preset.early {
            if early.step == 0 || early.step % every != 0 || early.step >= preset.train.steps {
                bail!(
                    "preset {preset_name}: early.step must be a multiple of train.sample_every_steps ({every}) below \
                     train.steps ({}), not {}",
                    preset.train.steps,
                    early.step
                );
            }
        }
        if preset.early.windows(2).any(|pair| pair[0].step >= pair[1].step) {
            bail!("preset {preset_name}: the steps of the early readouts must rise");
        }
        let plan = preset.plan;
        for (name, single) in [("modified_only", plan.modified_only), ("original_only", plan.original_only)] {
            if plan.pairs + single < SMALLEST_ARM {
                bail!(
                    "preset {preset_name}: plan.pairs ({}) and plan.{name} ({single}) must come to {SMALLEST_ARM}, \
                     two images of each label",
                    plan.pairs
                );
            }
        }
        let config = Self {
            experiment: experiment.name().to_owned(),
            data: args.run.data.to_string(),
            labels: args.run.labels.or(preset.labels).unwrap_or(LabelRule::BiradsGe3),
            views: args.run.views.or(preset.views).unwrap_or_else(|| args.run.data.usual_views()),
            preset_name: preset_name.to_owned(),
            device: preset.train.device.to_string(),
            preset,
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if config.source()? == DataSource::Phantom {
            config.phantom().check().with_context(|| format!("preset {preset_name}"))?;
        }
        Ok(config)
    }

    /// Where the images come from.
    pub(crate) fn source(&self) -> anyhow::Result<DataSource> {
        self.data.parse().map_err(anyhow::Error::msg)
    }

    /// Size of the prepared images.
    pub(crate) fn size(&self) -> anyhow::Result<ImageSize> {
        Ok(ImageSize::new(self.preset.train.height_px, self.preset.train.width_px)?)
    }

    /// The release to be made.
    pub(crate) fn phantom(&self) -> PhantomConfig {
        self.preset.phantom.config(self.seed)
    }
}
