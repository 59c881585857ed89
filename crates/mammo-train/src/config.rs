use mammo_augment::Augmentation;
use mammo_core::Seed;
use mammo_models::{DiscriminatorConfig, GeneratorConfig};
use mammo_ops::{AdamConfig, DeviceChoice, Precision};
use serde::{Deserialize, Serialize};

use crate::{GanMode, StepSettings, TrainError, UpdateOrder, Watchdog, learning_rate, schedule::rate_share};

/// Weights of the parts of the generators' loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// Weight of the cycle losses against the adversarial ones; 10 in Zhu and in Becker.
    pub lambda_cycle: f64,
    /// Weight of the identity losses as a share of `lambda_cycle`; 0.5 in Zhu, 0 (none) in Becker.
    pub lambda_identity: f64,
}

// What a configuration of an earlier version did not say is left out where it has the value that it had then, so that
// the runs and checkpoints of that version stay what they are.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Checkpoints that are kept unless told otherwise.
fn usual_checkpoints() -> usize {
    2
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_usual_checkpoints(value: &usize) -> bool {
    *value == usual_checkpoints()
}

/// Everything that decides what a training does. Two trainings with equal configuration and images end the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Both generators.
    pub generator: GeneratorConfig,
    /// Both discriminators.
    pub discriminator: DiscriminatorConfig,
    /// Loss weights.
    pub weights: LossWeights,
    /// The adversarial loss.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gan: GanMode,
    /// In which order the networks are updated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: UpdateOrder,
    /// Rows of the images, divisible by 4.
    pub height_px: usize,
    /// Columns of the images, divisible by 4.
    pub width_px: usize,
    /// Images of each domain in one step.
    pub batch_size: usize,
    /// Steps in all.
    pub steps: usize,
    /// Steps before the learning rate begins to fall.
    pub constant_steps: usize,
    /// Learning rate before it falls.
    pub learning_rate: f64,
    /// Learning rate of the discriminators before it falls, where it is not that of the generators: Becker's experiment 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator_learning_rate: Option<f64>,
    /// Adam's first decay.
    pub beta1: f64,
    /// Adam's second decay.
    pub beta2: f64,
    /// Fakes that each image pool remembers.
    pub pool_size: usize,
    /// Decay of the generators' exponential moving average, such as 0.999; images are then translated by the average.
    /// `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// How exact the multiplications of convolutions are while the networks train. Parameters, moments, norms and losses are f32,
    /// and images are translated in full precision.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// Where the networks train. Sums are formed in another order on a GPU, so that a training there ends near, not at, the numbers
    /// of one on the CPU, and is not continued there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: DeviceChoice,
    /// Random changes to every training image; `None` for none.
    pub augmentation: Option<Augmentation>,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every_steps: usize,
    /// Newest checkpoints that are kept, at least 2, so that a damaged one has one before it.
    #[serde(default = "usual_checkpoints", skip_serializing_if = "is_usual_checkpoints")]
    pub keep_checkpoints: usize,
    /// Steps from one sample sheet, and from one measurement, to the next.
    pub sample_every_steps: usize,
    /// When a training is given up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub watchdog: Watchdog,
    /// Seed of the initial weights, the order of images, augmentation and pools; 0 where a file leaves it out.
    #[serde(default = "zero")]
    pub seed: Seed,
}

fn zero() -> Seed {
    Seed(0)
}

impl TrainConfig {
    /// The study's settings (Becker et al. experiment 1; Zhu et al. section 7.1) for networks of any size: Adam 2e-4
    /// with betas 0.5 and 0.999, cycle weight 10, no identity loss, pools of 50, batch 1, and 2,400 steps of which
    /// the second half decays.
    pub fn new(
        generator: GeneratorConfig,
        discriminator: DiscriminatorConfig,
        height_px: usize,
        width_px: usize,
        seed: Seed,
    ) -> Self {
        Self {
            generator,
            discriminator,
            weights: LossWeights { lambda_cycle: 10.0, lambda_identity: 0.0 },
            gan: GanMode::default(),
            order: UpdateOrder::default(),
            height_px,
            width_px,
            batch_size: 1,
            steps: 2400,
            constant_steps: 1200,
            learning_rate: 2e-4,
            discriminator_learning_rate: None,
            beta1: 0.5,
            beta2: 0.999,
            pool_size: 50,
            ema_decay: None,
            precision: Precision::Full,
            device: DeviceChoice::Cpu,
            augmentation: None,
            checkpoint_every_steps: 200,
            keep_checkpoints: usual_checkpoints(),
            sample_every_steps: 400,
            watchdog: Watchdog::default(),
            seed,
        }
    }

    /// How step `step`, counted from 0, is taken.
    pub fn step_settings(&self, step: usize) -> StepSettings {
        let adam = |rate: f64| AdamConfig {
            learning_rate: rate,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: 1e-8,
        };
        StepSettings {
            weights: self.weights.clone(),
            gan: self.gan,
            order: self.order,
            generators: adam(learning_rate(self, step)),
            discriminators: adam(
                self.discriminator_learning_rate.unwrap_or(self.learning_rate) * rate_share(self, step),
            ),
            ema_decay: self.ema_decay,
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`TrainError::Config`] or [`TrainError::Model`], naming the field.
    pub fn check(&self) -> Result<(), TrainError> {
        self.generator.check(self.height_px, self.width_px)?;
        self.discriminator.check(self.height_px, self.width_px)?;
        if let Some(augmentation) = &self.augmentation {
            augmentation.check().map_err(|e| TrainError::Config(format!("augmentation: {e}")))?;
        }
        if self.generator.roi_channel != self.discriminator.roi_channel {
            return Err(TrainError::Config(
                "roi_channel must be the same for generator and discriminator".to_owned(),
            ));
        }
        if self.keep_checkpoints < 2 {
            return Err(TrainError::Config(format!(
                "keep_checkpoints must be at least 2, not {}",
                self.keep_checkpoints
            )));
        }
        self.watchdog.check()?;
        let at_least_one = [
            ("batch_size", self.batch_size),
            ("steps", self.steps),
            ("checkpoint_every_steps", self.checkpoint_every_steps),
            ("sample_every_steps", self.sample_every_steps),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(TrainError::Config(format!("{name} must be at least 1")));
        }
        if self.constant_steps > self.steps {
            return Err(TrainError::Config(format!(
                "constant_steps ({}) must not be more than steps ({})",
                self.constant_steps, self.steps
            )));
        }
        let ranges = [
            ("learning_rate", self.learning_rate, self.learning_rate > 0.0 && self.learning_rate < 1.0),
            (
                "discriminator_learning_rate",
                self.discriminator_learning_rate.unwrap_or(self.learning_rate),
                self.discriminator_learning_rate.is_none_or(|rate| rate > 0.0 && rate < 1.0),
            ),
            (
                "ema_decay",
                self.ema_decay.unwrap_or(0.0),
                self.ema_decay.is_none_or(|decay| (0.0..1.0).contains(&decay)),
            ),
            ("beta1", self.beta1, (0.0..1.0).contains(&self.beta1)),
            ("beta2", self.beta2, (0.0..1.0).contains(&self.beta2)),
            ("lambda_cycle", self.weights.lambda_cycle, self.weights.lambda_cycle >= 0.0),
            ("lambda_identity", self.weights.lambda_identity, self.weights.lambda_identity >= 0.0),
        ];
        match ranges.iter().find(|(_, _, fine)| !fine) {
            Some((name, value, _)) => Err(TrainError::Config(format!("{name} cannot be {value}"))),
            None => Ok(()),
        }
    }
}
