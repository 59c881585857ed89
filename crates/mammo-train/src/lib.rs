//! The CycleGAN training step and loop: Adam, learning-rate schedule, image pool, checkpoints that resume to the same
//! bits, and translation of images with a trained generator; and the training of a small classifier of images.
//!
//! Domain A is healthy and domain B is cancer: `g_ab` injects, `g_ba` removes, `d_a` and `d_b` judge the domain they
//! are named for. (In the paper's letters `G`, `F`, `D_X`, `D_Y`.)
//!
//! ```
//! use mammo_core::{Plane, Seed};
//! use mammo_models::{DiscriminatorConfig, GeneratorConfig};
//! use mammo_train::{Silent, TrainConfig, TrainingSet, train};
//!
//! let image = |level: f32| Plane::filled(32, 32, level);
//! let set = TrainingSet { healthy: vec![image(0.2), image(0.3)], cancer: vec![image(0.7)], regions: None };
//! let config = TrainConfig {
//!     steps: 2,
//!     constant_steps: 1,
//!     ..TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(1))
//! };
//! let dir = tempfile::tempdir()?;
//! let outcome = train(&config, &set, dir.path(), false, &mut Silent)?;
//! assert_eq!(outcome.step, 2);
//! let injected = outcome.model.inject(&set.healthy[0])?;
//! assert_eq!((injected.width(), injected.height()), (32, 32));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adam;
mod checkpoint;
mod classifier;
mod config;
mod data;
mod ema;
mod error;
mod exchange;
mod gan;
mod identity;
mod model;
mod pool;
mod process;
mod schedule;
mod step;
mod trainer;
mod watchdog;

pub use adam::Adam;
pub use checkpoint::{Checkpoint, SkippedCheckpoint};
pub use classifier::{
    ClassifierTraining, Example, Examples, StoredClassifier, StoredParameter, TrainedClassifier,
    train_classifier,
};
pub use config::{LossWeights, TrainConfig};
pub use data::{RegionsOfInterest, TrainingSet, plane_to_tensor, tensor_to_plane};
pub use error::TrainError;
pub use gan::GanMode;
pub use identity::{IdentityGenerator, train_identity};
pub use model::CycleGan;
pub use pool::ImagePool;
pub use process::tune_process;
pub use schedule::learning_rate;
pub use step::{
    CyclePass, Losses, StepRecordings, StepSettings, Trained, UpdateOrder, Way, cycle_pass,
    discriminator_loss, train_step,
};
pub use trainer::{Observer, Outcome, Silent, StepReport, Verdict, train};
pub use watchdog::Watchdog;
