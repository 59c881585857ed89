//! CycleGAN generators and discriminators, as the papers draw them, and a small classifier of images, on the operations of
//! `mammo-ops`.
//!
//! In the paper's letters, with X healthy and Y cancer: `G: X -> Y` is the generator from domain A to B, `F: Y -> X`
//! the one from B to A; `D_X` judges domain A and `D_Y` domain B.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use mammo_models::{DiscriminatorConfig, GeneratorConfig, Discriminator, ResnetGenerator};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let generator = ResnetGenerator::new(&GeneratorConfig::becker(4, 1), &mut rng, DType::F32, &Device::Cpu)?;
//! let discriminator =
//!     Discriminator::new(&DiscriminatorConfig::becker(4), &mut rng, DType::F32, &Device::Cpu)?;
//! let x = Tensor::zeros((1, 1, 32, 32), DType::F32, &Device::Cpu)?;
//! let fake = generator.forward(&x)?;
//! assert_eq!(fake.dims(), x.dims());
//! assert_eq!(discriminator.forward(&fake)?.dims(), [1, 1, 7, 7]);
//! # Ok::<(), mammo_models::ModelError>(())
//! ```

mod classifier;
mod config;
mod discriminator;
mod generator;
mod layer;
mod parameters;
mod pieces;
mod pytorch;
mod spectral;

pub use classifier::{Classifier, ClassifierConfig, Evidence, View};
pub use config::{
    DiscriminatorConfig, DiscriminatorKind, GeneratorConfig, PaddingMode, Upsampling, UpsamplingInit,
};
pub use discriminator::Discriminator;
pub use generator::ResnetGenerator;
pub use parameters::Parameters;
pub use pieces::Pieces;

/// Why a network could not be built, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A size or number that the networks cannot work with.
    #[error("{0}")]
    Config(String),
    /// Stored parameters are not those of this network.
    #[error("the stored parameters do not fit the network: {0}")]
    Parameters(String),
    /// The tensor library failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
