use mammo_augment::Augmentation;
use mammo_core::Seed;
use mammo_models::{DiscriminatorConfig, GeneratorConfig};
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Weights of the parts of the generators' loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// Weight of the cycle losses against the adversarial ones; 10 in Zhu and in Becker.
    pub lambda_cycle: f64,
    /// Weight of the identity losses as a share of `lambda_cycle`; 0.5 in Zhu, 0 (none) in Becker.
    pub lambda_identity: f64,
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
    /// Adam's first decay.
    pub beta1: f64,
    /// Adam's second decay.
    pub beta2: f64,
    /// Fakes that each image pool remembers.
    pub pool_size: usize,
    /// Random changes to every training image; `None` for none.
    pub augmentation: Option<Augmentation>,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every_steps: usize,
    /// Steps from one sample sheet to the next.
    pub sample_every_steps: usize,
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
            height_px,
            width_px,
            batch_size: 1,
            steps: 2400,
            constant_steps: 1200,
            learning_rate: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            pool_size: 50,
            augmentation: None,
            checkpoint_every_steps: 200,
            sample_every_steps: 400,
            seed,
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
