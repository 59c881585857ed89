use candle_core::{DType, Device, Result, Tensor, Var};
use mammo_ops::{
    Activation, Conv2dConfig, ConvTranspose2dConfig, Padding, Precision, blur_double, conv_transpose2d,
    conv2d, doubled_conv2d, instance_norm, instance_norm_residual,
};
use rand::Rng;
use rand_distr::{Distribution, Normal, StandardNormal, Uniform};

use crate::spectral::{SpectralNorm, unit};
use crate::{PaddingMode, Parameters, Upsampling};

/// Standard deviation of the initial weights (Zhu et al. section 7.1, Becker's code).
const INIT_SD: f64 = 0.02;

/// Steps of the power method before training, so that the first division is by about the right number; as PyTorch.
const FIRST_ITERATIONS: usize = 15;

/// What a parameter starts as.
#[derive(Clone, Copy)]
pub(crate) enum Init {
    /// Normal about a mean; cut at two standard deviations where the source says truncated.
    Normal {
        mean: f64,
        sd: f64,
        truncated: bool,
    },
    /// Uniform between the bound and its negative.
    Uniform {
        bound: f64,
    },
    Zero,
}

impl Init {
    /// As in CycleGANs, about a mean.
    fn of_gan(mean: f64, truncated: bool) -> Self {
        Self::Normal { mean, sd: INIT_SD, truncated }
    }

    /// Keeps the variance of what passes through, either way (Glorot and Bengio 2010, equation 16).
    pub(crate) fn xavier(shape: &ConvShape) -> Self {
        let fans = ((shape.from + shape.to) * shape.kernel * shape.kernel) as f64;
        Self::Uniform { bound: (6.0 / fans).sqrt() }
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

    /// The spectral norm of the weight `name`, which `get` gave.
    fn spectral(&mut self, name: &str, weight: &Tensor, output_axis: usize) -> Result<SpectralNorm>;
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
            Init::Uniform { bound } => {
                let uniform = Uniform::new_inclusive(-bound, bound).map_err(candle_core::Error::wrap)?;
                uniform.sample_iter(&mut *self.rng).take(count).collect()
            }
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

    fn spectral(&mut self, name: &str, weight: &Tensor, output_axis: usize) -> Result<SpectralNorm> {
        let rows = weight.dim(output_axis)?;
        let mut vector = |length: usize| -> Result<Var> {
            let values: Vec<f64> = (&mut *self.rng).sample_iter(StandardNormal).take(length).collect();
            Var::from_tensor(&unit(&Tensor::from_vec(values, length, self.device)?.to_dtype(self.dtype)?)?)
        };
        let (u, v) = (vector(rows)?, vector(weight.elem_count() / rows)?);
        let norm = SpectralNorm { u, v, output_axis };
        for _ in 0..FIRST_ITERATIONS {
            norm.iterate(weight)?;
        }
        self.parameters.insert_state(format!("{name}.u"), norm.u.clone());
        self.parameters.insert_state(format!("{name}.v"), norm.v.clone());
        Ok(norm)
    }
}

/// Existing parameters without gradient: whatever is computed with them trains only what came before.
pub(crate) struct Frozen<'a>(pub(crate) &'a Parameters);

impl Frozen<'_> {
    fn var(&self, name: &str) -> Result<&Var> {
        self.0.get(name).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }
}

impl Source for Frozen<'_> {
    fn get(&mut self, name: &str, _: &[usize], _: Init) -> Result<Tensor> {
        Ok(self.var(name)?.as_detached_tensor())
    }

    fn spectral(&mut self, name: &str, _: &Tensor, output_axis: usize) -> Result<SpectralNorm> {
        let (u, v) = (self.var(&format!("{name}.u"))?.clone(), self.var(&format!("{name}.v"))?.clone());
        Ok(SpectralNorm { u, v, output_axis })
    }
}

/// A weight, divided by its largest singular value where the network asks for it.
struct Weight {
    raw: Tensor,
    spectral: Option<SpectralNorm>,
}

impl Weight {
    fn new(
        source: &mut impl Source,
        name: &str,
        shape: &[usize],
        init: Init,
        spectral_output_axis: Option<usize>,
    ) -> Result<Self> {
        let raw = source.get(name, shape, init)?;
        let spectral = spectral_output_axis.map(|axis| source.spectral(name, &raw, axis)).transpose()?;
        Ok(Self { raw, spectral })
    }

    fn value(&self) -> Result<Tensor> {
        self.spectral.as_ref().map_or_else(|| Ok(self.raw.clone()), |norm| norm.normalise(&self.raw))
    }

    fn iterate(&self) -> Result<()> {
        self.spectral.as_ref().map_or(Ok(()), |norm| norm.iterate(&self.raw))
    }
}

/// A convolution with bias.
pub(crate) struct Conv {
    weight: Weight,
    bias: Tensor,
    config: Conv2dConfig,
}

/// Channels and kernel of a convolution to be made.
pub(crate) struct ConvShape {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kernel: usize,
}

/// What the weights of a network have in common.
#[derive(Clone, Copy)]
pub(crate) struct WeightStyle {
    pub(crate) init: Init,
    pub(crate) spectral_norm: bool,
}

impl WeightStyle {
    /// Normal weights of a GAN; cut at two standard deviations where the source says truncated.
    pub(crate) fn of_gan(truncated: bool, spectral_norm: bool) -> Self {
        Self { init: Init::of_gan(0.0, truncated), spectral_norm }
    }

    /// The same with other initial values.
    pub(crate) fn starting_as(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

impl Conv {
    pub(crate) fn new(
        source: &mut impl Source,
        name: &str,
        shape: &ConvShape,
        config: Conv2dConfig,
        style: WeightStyle,
    ) -> Result<Self> {
        let ConvShape { from, to, kernel } = *shape;
        let axis = style.spectral_norm.then_some(0);
        Ok(Self {
            weight: Weight::new(
                source,
                &format!("{name}.weight"),
                &[to, from, kernel, kernel],
                style.init,
                axis,
            )?,
            bias: source.get(&format!("{name}.bias"), &[to], Init::Zero)?,
            config,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor> {
        conv2d(x, &self.weight.value()?, Some(&self.bias), Conv2dConfig { precision, ..self.config })
    }

    /// The convolution of the image with both sides doubled.
    fn forward_doubled(&self, x: &Tensor, precision: Precision) -> Result<Tensor> {
        doubled_conv2d(x, &self.weight.value()?, Some(&self.bias), Conv2dConfig { precision, ..self.config })
    }

    /// Moves the estimate of the largest singular value, if there is one.
    pub(crate) fn iterate(&self) -> Result<()> {
        self.weight.iterate()
    }
}

/// A layer that doubles both sides of its images.
pub(crate) enum UpConv {
    /// A transposed convolution of stride 2.
    Transposed { weight: Weighted },
    /// Every pixel becomes four, then a convolution.
    Resize(Conv),
    /// Bilinear interpolation, then a convolution.
    Blur(Conv),
}

/// Weight and bias of a transposed convolution.
pub(crate) struct Weighted {
    weight: Weight,
    bias: Tensor,
}

impl UpConv {
    /// The way up from `from` to `to` channels; `same_size` is how a convolution behind an enlargement moves.
    pub(crate) fn new(
        source: &mut impl Source,
        name: &str,
        (from, to): (usize, usize),
        how: Upsampling,
        same_size: Conv2dConfig,
        style: WeightStyle,
    ) -> Result<Self> {
        let shape = ConvShape { from, to, kernel: 3 };
        Ok(match how {
            Upsampling::Transposed => {
                let axis = style.spectral_norm.then_some(1);
                let weight =
                    Weight::new(source, &format!("{name}.weight"), &[from, to, 3, 3], style.init, axis)?;
                let bias = source.get(&format!("{name}.bias"), &[to], Init::Zero)?;
                Self::Transposed { weight: Weighted { weight, bias } }
            }
            Upsampling::Resize => Self::Resize(Conv::new(source, name, &shape, same_size, style)?),
            Upsampling::Blur => Self::Blur(Conv::new(source, name, &shape, same_size, style)?),
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor> {
        match self {
            Self::Transposed { weight } => {
                let config = ConvTranspose2dConfig { stride: 2, padding: 1, output_padding: 1, precision };
                conv_transpose2d(x, &weight.weight.value()?, Some(&weight.bias), config)
            }
            Self::Resize(conv) => conv.forward_doubled(x, precision),
            Self::Blur(conv) => conv.forward(&blur_double(x)?, precision),
        }
    }

    /// Moves the estimate of the largest singular value, if there is one.
    pub(crate) fn iterate(&self) -> Result<()> {
        match self {
            Self::Transposed { weight } => weight.weight.iterate(),
            Self::Resize(conv) | Self::Blur(conv) => conv.iterate(),
        }
    }
}

/// Instance norm with the activation behind it.
pub(crate) struct Norm {
    affine: Option<(Tensor, Tensor)>,
    epsilon: f64,
    activation: Activation,
}

/// What the norms of a network have in common.
#[derive(Clone, Copy)]
pub(crate) struct NormStyle {
    /// Whether they learn a scale and a shift.
    pub(crate) affine: bool,
    /// What is added to a variance before its root is divided by.
    pub(crate) epsilon: f64,
}

impl Norm {
    pub(crate) fn new(
        source: &mut impl Source,
        name: &str,
        channels: usize,
        style: NormStyle,
        activation: Activation,
    ) -> Result<Self> {
        let affine = if style.affine {
            let scale = Init::of_gan(1.0, true);
            Some((
                source.get(&format!("{name}.weight"), &[channels], scale)?,
                source.get(&format!("{name}.bias"), &[channels], Init::Zero)?,
            ))
        } else {
            None
        };
        Ok(Self { affine, epsilon: style.epsilon, activation })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let affine = self.affine.as_ref().map(|(scale, shift)| (scale, shift));
        instance_norm(x, affine, self.epsilon, self.activation)
    }

    /// The activation of the sum of the normalised `x` and `residual`.
    pub(crate) fn forward_residual(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let affine = self.affine.as_ref().map(|(scale, shift)| (scale, shift));
        instance_norm_residual(x, affine, self.epsilon, residual, self.activation)
    }
}

/// The padding of a layer that sees the mirrored image where the mode says so for all of `mirrored`.
pub(crate) fn padding(mode: PaddingMode, mirrored: &[PaddingMode], pixels: usize) -> Padding {
    if mirrored.contains(&mode) { Padding::Reflect(pixels) } else { Padding::Zero(pixels) }
}

/// Leaky ReLU, or ReLU for a slope of zero.
pub(crate) fn rectifier(slope: f64) -> Activation {
    if slope == 0.0 { Activation::Relu } else { Activation::LeakyRelu(slope) }
}
