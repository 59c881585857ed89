//! A generator that was trained to change nothing: the null control of detectors.

use candle_core::{DType, Device};
use mammo_core::Plane;
use mammo_models::ResnetGenerator;
use mammo_ops::{AdamConfig, l1_loss};

use crate::data::init_stream;
use crate::model::translate;
use crate::{Adam, TrainConfig, TrainError, TrainingSet};

/// A generator that gives back what it is given, as well as it can. What a detector finds in its images is the trace of the
/// network, for nothing was put in or taken out.
pub struct IdentityGenerator(ResnetGenerator);

impl IdentityGenerator {
    /// The image after its way through the network. Values in [0, 1].
    ///
    /// # Errors
    /// When the size does not fit, and failures of the tensor library.
    pub fn reproduce(&self, plane: &Plane) -> Result<Plane, TrainError> {
        translate(&self.0, plane, None)
    }
}

/// Trains the generator of `config` for `steps` steps to reproduce the images of both domains, each drawn and augmented as
/// for a CycleGAN, by their mean absolute difference. `after_step` hears of every step and ends the training by `false`,
/// which gives `None`.
///
/// # Errors
/// [`TrainError`] for an unfit configuration or images, and losses that are no longer numbers.
///
/// ```
/// use mammo_core::{Plane, Seed};
/// use mammo_models::{DiscriminatorConfig, GeneratorConfig};
/// use mammo_train::{TrainConfig, TrainingSet, train_identity};
///
/// let config = TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(1));
/// let image = |level: f32| Plane::filled(32, 32, level);
/// let set = TrainingSet { healthy: vec![image(0.3)], cancer: vec![image(0.6)], regions: None };
/// let generator = train_identity(&config, &set, 20, &mut |_| true)?.expect("nobody ended it");
/// assert!((generator.reproduce(&image(0.5))?.mean() - 0.5).abs() < 0.2);
/// # Ok::<(), mammo_train::TrainError>(())
/// ```
pub fn train_identity(
    config: &TrainConfig,
    set: &TrainingSet,
    steps: usize,
    after_step: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<IdentityGenerator>, TrainError> {
    config.check()?;
    set.check(config)?;
    if config.generator.roi_channel {
        return Err(TrainError::Config("an identity generator sees no region of interest".to_owned()));
    }
    let mut random = init_stream(config.seed, "identity");
    let generator = ResnetGenerator::new(&config.generator, &mut random, DType::F32, &Device::Cpu)?;
    let mut adam = Adam::new(generator.parameters())?;
    for step in 0..steps {
        let (healthy, cancer) = set.batch(config, step)?;
        let image = if step % 2 == 0 { healthy } else { cancer };
        let loss = l1_loss(&generator.forward(&image)?, &image)?;
        let gradients = loss.backward()?;
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Err(TrainError::Diverged { step: step + 1, loss: "identity", last_good: None });
        }
        let rate = config.learning_rate * (1.0 - step as f64 / steps as f64);
        let how = AdamConfig { learning_rate: rate, beta1: config.beta1, beta2: config.beta2, epsilon: 1e-8 };
        adam.tick(how)?;
        adam.update([&gradients], how)?;
        if !after_step(step + 1) {
            return Ok(None);
        }
    }
    Ok(Some(IdentityGenerator(generator)))
}
