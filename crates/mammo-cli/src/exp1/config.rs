//! What a run is asked to do, resolved to the last number.

use crate::args::Exp1Args;
use crate::preset::Preset;
use anyhow::{Context, bail};
use mammo_core::{LabelRule, Seed};
use mammo_dataset::{ImageSize, Source, ViewFilter};
use mammo_phantom::PhantomConfig;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where the mammograms come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DataSource {
    /// Made on the spot.
    Phantom,
    /// A release on disk.
    Release(Source),
}

impl FromStr for DataSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "phantom" {
            return Ok(Self::Phantom);
        }
        text.parse().map(Self::Release).map_err(|_| {
            format!("{text:?} is not a source of images; use phantom, inbreast:DIR or mini-mias:DIR")
        })
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phantom => f.write_str("phantom"),
            Self::Release(Source::Inbreast(dir)) => write!(f, "inbreast:{}", dir.display()),
            Self::Release(Source::MiniMias(dir)) => write!(f, "mini-mias:{}", dir.display()),
        }
    }
}

/// The spectra and grid scores of the report need this many pixels each way.
const SMALLEST_PX: usize = 48;

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

impl RunConfig {
    /// Puts preset and command line together and checks every number before any work is done.
    pub(crate) fn resolve(args: &Exp1Args) -> anyhow::Result<Self> {
        if args.device != "cpu" {
            match args.device.strip_prefix("cuda:").map(str::parse::<usize>) {
                Some(Ok(_)) => bail!("{}: this build of mammo has no CUDA; use --device cpu", args.device),
                _ => bail!("{:?} is not a device; use cpu or cuda:N", args.device),
            }
        }
        let preset_name = if args.quick { "smoke" } else { &args.preset };
        let mut preset = Preset::find(preset_name)?;
        if let Some(steps) = args.steps {
            preset.train.steps = steps;
            preset.train.constant_steps = steps / 2;
        }
        let seed = Seed(args.seed);
        preset.train.seed = seed.derive("train");
        preset.train.check().with_context(|| format!("preset {preset_name}"))?;
        ImageSize::new(preset.train.height_px, preset.train.width_px)?;
        let (height, width) = (preset.train.height_px, preset.train.width_px);
        if height.min(width) < SMALLEST_PX {
            bail!(
                "preset {preset_name}: images of {height} x {width} px are too small; each side needs {SMALLEST_PX}"
            );
        }
        Ok(Self {
            experiment: "reproduce-exp1".to_owned(),
            data: args.data.to_string(),
            labels: args.labels,
            views: args.views,
            preset_name: preset_name.to_owned(),
            preset,
            device: args.device.clone(),
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
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
        let p = &self.preset.phantom;
        PhantomConfig {
            seed: self.seed.derive("phantom"),
            patients: p.patients,
            width_px: p.width_px,
            height_px: p.height_px,
            lesion_fraction: p.lesion_fraction,
            ..PhantomConfig::default()
        }
    }
}
