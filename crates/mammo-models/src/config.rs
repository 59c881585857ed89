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
    /// The mirrored image in every layer, as in Becker's experiment 2.
    ReflectAll,
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
    /// Bilinear interpolation, then a convolution of stride 1: anti-aliased, as in the successors of CycleGAN.
    Blur,
}

/// What the weights of the two layers that double the sides start as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpsamplingInit {
    /// Normal of deviation 0.02, as all others.
    #[default]
    Normal,
    /// Uniform, of the variance that keeps that of what passes through (Glorot and Bengio 2010), as in Becker's experiment 2.
    Xavier,
}

/// PyTorch's epsilon of instance norms, also that of Becker's experiment 1.
fn usual_epsilon() -> f64 {
    1e-5
}

// What a configuration of an earlier version did not say is left out where it has the value that it had then, so that
// the runs and checkpoints of that version stay what they are.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_usual_epsilon(value: &f64) -> bool {
    *value == usual_epsilon()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_padding(value: &PaddingMode) -> bool {
    *value == PaddingMode::Zero
}

fn zero_padding() -> PaddingMode {
    PaddingMode::Zero
}

/// The shape of a [`crate::ResnetGenerator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a choice of its own in the papers' tables, and combines with all others
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub upsampling: Upsampling,
    /// What the weights of the way up start as.
    #[serde(default, skip_serializing_if = "is_default")]
    pub upsampling_init: UpsamplingInit,
    /// Whether every convolution is divided by its largest singular value (Miyato et al., arXiv 1802.05957).
    #[serde(default, skip_serializing_if = "is_default")]
    pub spectral_norm: bool,
    /// Whether images have a second channel, which is 1 inside the region of interest and -1 outside.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roi_channel: bool,
    /// What is added to a variance before its root is divided by.
    #[serde(default = "usual_epsilon", skip_serializing_if = "is_usual_epsilon")]
    pub norm_epsilon: f64,
}

impl GeneratorConfig {
    /// Zhu et al. (arXiv 1703.10593, appendix 7.2): reflection padding, ReLU, plain instance norm.
    pub fn zhu(ngf: usize, n_blocks: usize) -> Self {
        Self { padding: PaddingMode::Reflect, ..Self::plain(ngf, n_blocks) }
    }

    /// Experiment 1 of Becker et al. (their code): zero padding, leaky ReLU 0.2, affine norms, a ReLU after each
    /// residual sum, output `tanh(x + r)`. The paper has `ngf` 32 and 9 blocks.
    pub fn becker(ngf: usize, n_blocks: usize) -> Self {
        Self {
            leaky_slope: 0.2,
            affine: true,
            relu_after_sum: true,
            input_skip: true,
            ..Self::plain(ngf, n_blocks)
        }
    }

    /// Experiment 2 of Becker et al. (their code): mirrored edges in every layer, ReLU, affine norms of epsilon 1e-3, resize
    /// and convolution on the way up with Xavier weights, spectral norm. The paper has `ngf` 64 and 9 blocks.
    pub fn becker2(ngf: usize, n_blocks: usize) -> Self {
        Self {
            padding: PaddingMode::ReflectAll,
            affine: true,
            upsampling: Upsampling::Resize,
            upsampling_init: UpsamplingInit::Xavier,
            spectral_norm: true,
            norm_epsilon: 1e-3,
            ..Self::plain(ngf, n_blocks)
        }
    }

    fn plain(ngf: usize, n_blocks: usize) -> Self {
        Self {
            ngf,
            n_blocks,
            padding: PaddingMode::Zero,
            leaky_slope: 0.0,
            affine: false,
            relu_after_sum: false,
            input_skip: false,
            upsampling: Upsampling::Transposed,
            upsampling_init: UpsamplingInit::Normal,
            spectral_norm: false,
            roi_channel: false,
            norm_epsilon: usual_epsilon(),
        }
    }

    /// Channels of an image: the grey values, and the region of interest where there is one.
    pub fn channels(&self) -> usize {
        1 + usize::from(self.roi_channel)
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
        if !(self.norm_epsilon > 0.0 && self.norm_epsilon < 1.0) {
            return Err(ModelError::Config(format!(
                "norm_epsilon must be above 0 and below 1, not {}",
                self.norm_epsilon
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

/// What a discriminator judges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscriminatorKind {
    /// Overlapping patches (Isola et al., arXiv 1611.07004).
    #[default]
    Patch,
    /// Every pixel by itself: 1 x 1 convolutions, blind to texture.
    Pixel,
}

/// The shape of a [`crate::Discriminator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscriminatorConfig {
    /// Channels after the first layer.
    pub ndf: usize,
    /// Layers of stride 2; 3 sees patches of 70 x 70 pixels. A pixel discriminator has none.
    pub n_layers: usize,
    /// Padding of every layer: 1 in Zhu, 2 in Becker. A pixel discriminator has none.
    pub padding: usize,
    /// Whether instance norms learn a scale and a shift.
    pub affine: bool,
    /// What it judges.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: DiscriminatorKind,
    /// What lies beyond the edge: zeros, but the mirrored image in Becker's experiment 2.
    #[serde(default = "zero_padding", skip_serializing_if = "is_zero_padding")]
    pub padding_mode: PaddingMode,
    /// Whether every convolution is divided by its largest singular value (Miyato et al., arXiv 1802.05957).
    #[serde(default, skip_serializing_if = "is_default")]
    pub spectral_norm: bool,
    /// Whether images have a second channel with the region of interest, as those of the generators.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roi_channel: bool,
}

impl DiscriminatorConfig {
    /// The 70 x 70 PatchGAN of Zhu et al.
    pub fn zhu(ndf: usize) -> Self {
        Self::patch(ndf, 1, false)
    }

    /// Experiment 1 of Becker et al.: padding 2, affine norms. The paper has `ndf` 64.
    pub fn becker(ndf: usize) -> Self {
        Self::patch(ndf, 2, true)
    }

    /// Experiment 2 of Becker et al.: as experiment 1, with mirrored edges and spectral norm. The paper has `ndf` 64.
    pub fn becker2(ndf: usize) -> Self {
        Self { padding_mode: PaddingMode::ReflectAll, spectral_norm: true, ..Self::patch(ndf, 2, true) }
    }

    /// The discriminator of single pixels of pytorch-CycleGAN.
    pub fn pixel(ndf: usize) -> Self {
        Self { kind: DiscriminatorKind::Pixel, n_layers: 0, ..Self::patch(ndf, 0, false) }
    }

    fn patch(ndf: usize, padding: usize, affine: bool) -> Self {
        Self {
            ndf,
            n_layers: 3,
            padding,
            affine,
            kind: DiscriminatorKind::Patch,
            padding_mode: PaddingMode::Zero,
            spectral_norm: false,
            roi_channel: false,
        }
    }

    /// Channels of an image: the grey values, and the region of interest where there is one.
    pub fn channels(&self) -> usize {
        1 + usize::from(self.roi_channel)
    }

    /// Checks the numbers, and that an image of `height` x `width` pixels gives at least one logit.
    ///
    /// # Errors
    /// [`ModelError::Config`], saying which and what to do.
    pub fn check(&self, height: usize, width: usize) -> Result<(), ModelError> {
        if self.ndf == 0 {
            return Err(ModelError::Config("ndf must be at least 1".into()));
        }
        if self.kind == DiscriminatorKind::Pixel {
            return if height.min(width) == 0 {
                Err(ModelError::Config("an image without pixels cannot be judged".into()))
            } else {
                Ok(())
            };
        }
        if self.n_layers == 0 || self.n_layers > 6 {
            return Err(ModelError::Config("n_layers must be 1 to 6".into()));
        }
        for (name, mut side) in [("height", height), ("width", width)] {
            let whole = side;
            for layer in 0..self.n_layers + 2 {
                let stride = if layer < self.n_layers { 2 } else { 1 };
                if self.padding_mode != PaddingMode::Zero && side <= self.padding {
                    side = 0;
                    break;
                }
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
