use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Module;
use mammo_ops::{Activation, Conv2dConfig, Precision, leaky_relu};
use rand::Rng;

use crate::layer::{Conv, ConvShape, Frozen, NewParameters, Norm, NormStyle, Source, WeightStyle, padding};
use crate::{DiscriminatorConfig, DiscriminatorKind, ModelError, PaddingMode, Parameters};

/// Slope of the discriminator's activations, in Zhu as in Becker.
const SLOPE: f64 = 0.2;

/// Epsilon of the norms, in Zhu as in Becker.
const EPSILON: f64 = 1e-5;

/// Judges overlapping patches of an image (a PatchGAN) or its pixels as real or fake, with one logit each.
///
/// Layers and parameters are named `conv0` ..., and `norm1` ... behind all but the first and the last.
///
/// # Shapes
/// N x 1 x H x W in [-1, 1] to logits N x 1 x H' x W'; three layers with padding 2 make 35 x 35 of 256 x 256. N x 2 x H x W
/// where images have a region of interest.
pub struct Discriminator {
    config: DiscriminatorConfig,
    parameters: Parameters,
    layers: Vec<(Conv, Option<Norm>)>,
    precision: Precision,
}

impl Discriminator {
    /// A network with fresh parameters, drawn from `rng` in the order of the layers.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a configuration that makes no network, and failures of the tensor library.
    pub fn new(
        config: &DiscriminatorConfig,
        rng: &mut impl Rng,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        config.check(256, 256)?;
        let mut source = NewParameters { parameters: Parameters::default(), rng, dtype, device };
        let layers = layers(config, &mut source)?;
        Ok(Self { config: config.clone(), parameters: source.parameters, layers, precision: Precision::Full })
    }

    /// The same network with convolutions of this precision.
    #[must_use]
    pub fn training_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &DiscriminatorConfig {
        &self.config
    }

    /// What it has learned.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Logits of a batch, as they train the discriminator.
    ///
    /// # Errors
    /// When the image is too small, and failures of the tensor library.
    pub fn forward(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(run(&self.layers, x, self.precision)?)
    }

    /// Logits of a batch, as they train the generator: the gradient passes through to `x` and not to the
    /// discriminator's own parameters, whose gradients would be work for nothing.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_frozen(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(run(&layers(&self.config, &mut Frozen(&self.parameters))?, x, self.precision)?)
    }
}

impl Discriminator {
    /// Moves the estimates of the spectral norms by one step of the power method, once for each step of training. Nothing
    /// happens where there are none.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn iterate_spectral_norms(&self) -> std::result::Result<(), ModelError> {
        for (conv, _) in &self.layers {
            conv.iterate()?;
        }
        Ok(())
    }
}

impl Module for Discriminator {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Self::forward(self, x).map_err(candle_core::Error::wrap)
    }
}

fn run(layers: &[(Conv, Option<Norm>)], x: &Tensor, precision: Precision) -> Result<Tensor> {
    let mut y = x.clone();
    for (i, (conv, norm)) in layers.iter().enumerate() {
        y = conv.forward(&y, precision)?;
        y = match norm {
            Some(norm) => norm.forward(&y)?,
            None if i + 1 < layers.len() => leaky_relu(&y, SLOPE)?,
            None => y,
        };
    }
    Ok(y)
}

fn layers(config: &DiscriminatorConfig, source: &mut impl Source) -> Result<Vec<(Conv, Option<Norm>)>> {
    use PaddingMode::{Reflect, ReflectAll};
    let pixel = config.kind == DiscriminatorKind::Pixel;
    let weights = WeightStyle::of_gan(config.affine, config.spectral_norm);
    let norms = NormStyle { affine: config.affine, epsilon: EPSILON };
    let (n_layers, kernel, pixels) = if pixel { (1, 1, 0) } else { (config.n_layers, 4, config.padding) };
    let mut layers = Vec::new();
    let mut from = config.channels();
    for i in 0..n_layers + 2 {
        let last = i == n_layers + 1;
        let to = if last { 1 } else { config.ndf << i.min(3) };
        let stride = if i < n_layers && !pixel { 2 } else { 1 };
        let how = Conv2dConfig::new(stride, padding(config.padding_mode, &[Reflect, ReflectAll], pixels));
        let shape = ConvShape { from, to, kernel };
        let conv = Conv::new(source, &format!("conv{i}"), &shape, how, weights)?;
        let norm = (i > 0 && !last)
            .then(|| Norm::new(source, &format!("norm{i}"), to, norms, Activation::LeakyRelu(SLOPE)))
            .transpose()?;
        layers.push((conv, norm));
        from = to;
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    fn network(config: &DiscriminatorConfig) -> Discriminator {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        Discriminator::new(config, &mut rng, DType::F32, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_papers_networks_have_their_papers_sizes() {
        assert_eq!(network(&DiscriminatorConfig::zhu(64)).parameters().count(), 2_762_689);
        assert_eq!(network(&DiscriminatorConfig::becker(64)).parameters().count(), 2_764_481);
        let x = Tensor::zeros((1, 1, 256, 256), DType::F32, &Device::Cpu).unwrap();
        for (config, side) in [
            (DiscriminatorConfig::zhu(2), 30),
            (DiscriminatorConfig::becker(2), 35),
            (DiscriminatorConfig::becker2(2), 35),
        ] {
            assert_eq!(network(&config).forward(&x).unwrap().dims(), [1, 1, side, side]);
        }
    }

    #[test]
    fn single_pixels_are_judged_by_themselves() {
        let network = network(&DiscriminatorConfig::pixel(4));
        // 1 x 1 convolutions of 1 to 4 to 8 channels to a logit.
        assert_eq!(network.parameters().count(), (4 + 4) + (4 * 8 + 8) + (8 + 1));
        let x = Tensor::zeros((1, 1, 20, 17), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(network.forward(&x).unwrap().dims(), [1, 1, 20, 17]);
    }

    #[test]
    fn a_spectral_norm_bounds_what_a_layer_stretches() {
        let config = DiscriminatorConfig { affine: false, ..DiscriminatorConfig::becker2(4) };
        let network = network(&config);
        // Weights of any size give the same logits, because each is divided by its own norm.
        let x = Tensor::from_vec(
            (0..1024).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect(),
            (1, 1, 32, 32),
            &Device::Cpu,
        );
        let x = x.unwrap();
        for _ in 0..50 {
            network.iterate_spectral_norms().unwrap();
        }
        let before = network.forward(&x).unwrap();
        for (name, var) in network.parameters().learned() {
            if name.ends_with("weight") {
                var.set(&var.affine(7.0, 0.0).unwrap()).unwrap();
            }
        }
        let after = network.forward(&x).unwrap();
        let apart = (before - after).unwrap().sqr().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-10, "{apart}");
        assert!(network.parameters().get("conv1.weight.u").is_some());
        assert_eq!(
            network.parameters().count(),
            self::network(&DiscriminatorConfig { spectral_norm: false, ..config }).parameters().count()
        );
    }

    #[test]
    fn a_frozen_discriminator_passes_gradients_on_and_takes_none() {
        let network = network(&DiscriminatorConfig::becker(2));
        let x = candle_core::Var::zeros((1, 1, 32, 32), DType::F32, &Device::Cpu).unwrap();
        let grads = network.forward_frozen(&x).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(grads.get(x.as_tensor()).is_some());
        assert!(network.parameters().iter().all(|(_, var)| grads.get(var.as_tensor()).is_none()));
    }

    #[test]
    fn images_without_a_logit_are_refused() {
        let x = Tensor::zeros((1, 1, 8, 64), DType::F32, &Device::Cpu).unwrap();
        let message = network(&DiscriminatorConfig::zhu(2)).forward(&x).err().unwrap().to_string();
        assert!(message.contains("height of 8"), "{message}");
    }
}
