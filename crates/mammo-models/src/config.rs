use serde::{Deserialize, Serialize};

use crate::ModelError;

/// What a generator's convolutions see beyond the edge of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaddingMode {
    /// Zeros, as in Becker's experiment 1.
    Zero,
    /// The mirrored image in the first, the last and the residual layers, as in Zhu; the others see zeros.
    Reflect,
}

/// How a generator doubles the sides of its images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// A transposed convolution of stride 2, as in Zhu and in Becker's experiment 1. It can leave a checkerboard.
    #[default]
    Transposed,
    /// Every pixel becomes four, then a convolution of stride 1, as in Becker's experiment 2.
    Resize,
}

impl Upsampling {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
    fn is_transposed(&self) -> bool {
        *self == Self::Transposed
    }
}

/// The shape of a [`crate::ResnetGenerator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Channels after the first layer.
    pub ngf: usize,
    /// Residual blocks.
    pub n_blocks: usize,
    /// Padding of the first, the last and the residual layers.
    pub padding: PaddingMode,
    /// Slope of the activations for negative values; 0 is ReLU.
    pub leaky_slope: f64,
    /// Whether instance norms learn a scale and a shift.
    pub affine: bool,
    /// Whether a residual block ends in a ReLU after its sum.
    pub relu_after_sum: bool,
    /// Whether the input is added to the last layer before the tanh.
    pub input_skip: bool,
    /// The way up.
    #[serde(default, skip_serializing_if = "Upsampling::is_transposed")]
    pub upsampling: Upsampling,
}

impl GeneratorConfig {
    /// Zhu et al. (arXiv 1703.10593, appendix 7.2): reflection padding, ReLU, plain instance norm.
    pub fn zhu(ngf: usize, n_blocks: usize) -> Self {
        Self {
            ngf,
            n_blocks,
            padding: PaddingMode::Reflect,
            leaky_slope: 0.0,
            affine: false,
            relu_after_sum: false,
            input_skip: false,
            upsampling: Upsampling::Transposed,
        }
    }

    /// Experiment 1 of Becker et al. (their code): zero padding, leaky ReLU 0.2, affine norms, a ReLU after each
    /// residual sum, output `tanh(x + r)`. The paper has `ngf` 32 and 9 blocks.
    pub fn becker(ngf: usize, n_blocks: usize) -> Self {
        Self {
            ngf,
            n_blocks,
            padding: PaddingMode::Zero,
            leaky_slope: 0.2,
            affine: true,
            relu_after_sum: true,
            input_skip: true,
            upsampling: Upsampling::Transposed,
        }
    }

    /// Checks the numbers, and that images of `height` x `width` pixels come back at their size.
    ///
    /// # Errors
    /// [`ModelError::Config`], saying which and what to do.
    pub fn check(&self, height: usize, width: usize) -> Result<(), ModelError> {
        if self.ngf == 0 {
            return Err(ModelError::Config("ngf must be at least 1".into()));
        }
        if !(0.0..1.0).contains(&self.leaky_slope) {
            return Err(ModelError::Config(format!(
                "leaky_slope must be in [0, 1), not {}",
                self.leaky_slope
            )));
        }
        for (name, side) in [("height", height), ("width", width)] {
            if side % 4 != 0 || side < 16 {
                return Err(ModelError::Config(format!(
                    "the image {name} must be divisible by 4 and at least 16, because the generator halves it \
                     twice; it is {side}"
                )));
            }
        }
        Ok(())
    }
}

/// The shape of a [`crate::NLayerDiscriminator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscriminatorConfig {
    /// Channels after the first layer.
    pub ndf: usize,
    /// Layers of stride 2; 3 sees patches of 70 x 70 pixels.
    pub n_layers: usize,
    /// Zero padding of every layer: 1 in Zhu, 2 in Becker.
    pub padding: usize,
    /// Whether instance norms learn a scale and a shift.
    pub affine: bool,
}

impl DiscriminatorConfig {
    /// The 70 x 70 PatchGAN of Zhu et al.
    pub fn zhu(ndf: usize) -> Self {
        Self { ndf, n_layers: 3, padding: 1, affine: false }
    }

    /// Experiment 1 of Becker et al.: padding 2, affine norms. The paper has `ndf` 64.
    pub fn becker(ndf: usize) -> Self {
        Self { ndf, n_layers: 3, padding: 2, affine: true }
    }

    /// Checks the numbers, and that an image of `height` x `width` pixels gives at least one logit.
    ///
    /// # Errors
    /// [`ModelError::Config`], saying which and what to do.
    pub fn check(&self, height: usize, width: usize) -> Result<(), ModelError> {
        if self.ndf == 0 || self.n_layers == 0 || self.n_layers > 6 {
            return Err(ModelError::Config("ndf must be at least 1 and n_layers 1 to 6".into()));
        }
        for (name, mut side) in [("height", height), ("width", width)] {
            let whole = side;
            for layer in 0..self.n_layers + 2 {
                let stride = if layer < self.n_layers { 2 } else { 1 };
                side = (side + 2 * self.padding).checked_sub(4).map_or(0, |rest| rest / stride + 1);
            }
            if side == 0 {
                return Err(ModelError::Config(format!(
                    "an image {name} of {whole} is too small for a discriminator of {} layers",
                    self.n_layers
                )));
            }
        }
        Ok(())
    }
}
