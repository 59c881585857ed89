use candle_core::{DType, Device, Result, Tensor, Var};
use mammo_ops::{
    Activation, Conv2dConfig, ConvTranspose2dConfig, Padding, conv_transpose2d, conv2d, instance_norm,
    instance_norm_residual, nearest_double,
};
use rand::Rng;
use rand_distr::{Distribution, Normal};

use crate::Parameters;

/// Standard deviation of the initial weights (Zhu et al. section 7.1, Becker's code).
const INIT_SD: f64 = 0.02;

/// PyTorch's `InstanceNorm2d` default, also Becker's.
const EPSILON: f64 = 1e-5;

/// What a parameter starts as.
#[derive(Clone, Copy)]
pub(crate) enum Init {
    /// Normal about a mean; cut at two standard deviations where the source says truncated.
    Normal {
        mean: f64,
        sd: f64,
        truncated: bool,
    },
    Zero,
}

impl Init {
    /// As in CycleGANs, about a mean.
    fn of_gan(mean: f64, truncated: bool) -> Self {
        Self::Normal { mean, sd: INIT_SD, truncated }
    }

    /// Keeps the variance of what passes through (He et al., arXiv 1502.01852, equation 14): for networks without norms.
    pub(crate) fn he(shape: &ConvShape, slope: f64) -> Self {
        let fan_in = (shape.from * shape.kernel * shape.kernel) as f64;
        Self::Normal { mean: 0.0, sd: (2.0 / (fan_in * (1.0 + slope * slope))).sqrt(), truncated: false }
    }
}

/// Hands out the parameters of a network while it is put together: new ones, or those it has, cut off from training.
pub(crate) trait Source {
    fn get(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor>;
}

/// Draws new parameters.
pub(crate) struct NewParameters<'a, R> {
    pub(crate) parameters: Parameters,
    pub(crate) rng: &'a mut R,
    pub(crate) dtype: DType,
    pub(crate) device: &'a Device,
}

impl<R: Rng> Source for NewParameters<'_, R> {
    fn get(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor> {
        let count = shape.iter().product();
        let values: Vec<f64> = match init {
            Init::Zero => vec![0.0; count],
            Init::Normal { mean, sd, truncated } => {
                let normal = Normal::new(0.0, sd).map_err(candle_core::Error::wrap)?;
                std::iter::repeat_with(|| normal.sample(self.rng))
                    .filter(|v| !truncated || v.abs() <= 2.0 * sd)
                    .map(|v| mean + v)
                    .take(count)
                    .collect()
            }
        };
        let tensor = Tensor::from_vec(values, shape, self.device)?.to_dtype(self.dtype)?;
        let var = Var::from_tensor(&tensor)?;
        self.parameters.insert(name.to_owned(), var.clone());
        Ok(var.into_inner())
    }
}

/// Existing parameters without gradient: whatever is computed with them trains only what came before.
pub(crate) struct Frozen<'a>(pub(crate) &'a Parameters);

impl Source for Frozen<'_> {
    fn get(&mut self, name: &str, _: &[usize], _: Init) -> Result<Tensor> {
        let var = self.0.get(name).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))?;
        Ok(var.as_detached_tensor())
    }
}

/// A convolution with bias.
pub(crate) struct Conv {
    weight: Tensor,
    bias: Tensor,
    config: Conv2dConfig,
}

/// Channels and kernel of a convolution to be made.
pub(crate) struct ConvShape {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kernel: usize,
}

impl Conv {
    pub(crate) fn new(
        source: &mut impl Source,
        name: &str,
        shape: &ConvShape,
        config: Conv2dConfig,
        truncated: bool,
    ) -> Result<Self> {
        Self::with_init(source, name, shape, config, Init::of_gan(0.0, truncated))
    }

    pub(crate) fn with_init(
        source: &mut impl Source,
        name: &str,
        shape: &ConvShape,
        config: Conv2dConfig,
        init: Init,
    ) -> Result<Self> {
        let ConvShape { from, to, kernel } = *shape;
        Ok(Self {
            weight: source.get(&format!("{name}.weight"), &[to, from, kernel, kernel], init)?,
            bias: source.get(&format!("{name}.bias"), &[to], Init::Zero)?,
            config,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv2d(x, &self.weight, Some(&self.bias), self.config)
    }
}

/// A layer that doubles both sides of its images.
pub(crate) enum UpConv {
    /// A transposed convolution of stride 2.
    Transposed { weight: Tensor, bias: Tensor },
    /// Every pixel becomes four, then a convolution.
    Resize(Conv),
}

impl UpConv {
    pub(crate) fn transposed(
        source: &mut impl Source,
        name: &str,
        (from, to): (usize, usize),
        truncated: bool,
    ) -> Result<Self> {
        Ok(Self::Transposed {
            weight: source.get(&format!("{name}.weight"), &[from, to, 3, 3], Init::of_gan(0.0, truncated))?,
            bias: source.get(&format!("{name}.bias"), &[to], Init::Zero)?,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Transposed { weight, bias } => {
                let config = ConvTranspose2dConfig { stride: 2, padding: 1, output_padding: 1 };
                conv_transpose2d(x, weight, Some(bias), config)
            }
            Self::Resize(conv) => conv.forward(&nearest_double(x)?),
        }
    }
}

/// Instance norm with the activation behind it.
pub(crate) struct Norm {
    affine: Option<(Tensor, Tensor)>,
    activation: Activation,
}

impl Norm {
    pub(crate) fn new(
        source: &mut impl Source,
        name: &str,
        channels: usize,
        affine: bool,
        activation: Activation,
    ) -> Result<Self> {
        let affine = if affine {
            let scale = Init::of_gan(1.0, true);
            Some((
                source.get(&format!("{name}.weight"), &[channels], scale)?,
                source.get(&format!("{name}.bias"), &[channels], Init::Zero)?,
            ))
        } else {
            None
        };
        Ok(Self { affine, activation })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let affine = self.affine.as_ref().map(|(scale, shift)| (scale, shift));
        instance_norm(x, affine, EPSILON, self.activation)
    }

    /// The activation of the sum of the normalised `x` and `residual`.
    pub(crate) fn forward_residual(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let affine = self.affine.as_ref().map(|(scale, shift)| (scale, shift));
        instance_norm_residual(x, affine, EPSILON, residual, self.activation)
    }
}

/// Padding of one kind or the other.
pub(crate) fn padding(reflect: bool, pixels: usize) -> Padding {
    if reflect { Padding::Reflect(pixels) } else { Padding::Zero(pixels) }
}

/// Leaky ReLU, or ReLU for a slope of zero.
pub(crate) fn rectifier(slope: f64) -> Activation {
    if slope == 0.0 { Activation::Relu } else { Activation::LeakyRelu(slope) }
}
