use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Module;
use mammo_ops::{Activation, Conv2dConfig, Padding, leaky_relu};
use rand::Rng;

use crate::layer::{Conv, ConvShape, Frozen, NewParameters, Norm, Source};
use crate::{DiscriminatorConfig, ModelError, Parameters};

/// Slope of the discriminator's activations, in Zhu as in Becker.
const SLOPE: f64 = 0.2;

/// A PatchGAN: judges overlapping patches of an image as real or fake, with one logit each.
///
/// Layers and parameters are named `conv0` ..., and `norm1` ... behind all but the first and the last.
///
/// # Shapes
/// N x 1 x H x W in [-1, 1] to logits N x 1 x H' x W'; three layers with padding 2 make 35 x 35 of 256 x 256.
pub struct NLayerDiscriminator {
    config: DiscriminatorConfig,
    parameters: Parameters,
    layers: Vec<(Conv, Option<Norm>)>,
}

impl NLayerDiscriminator {
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
        Ok(Self { config: config.clone(), parameters: source.parameters, layers })
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
        Ok(run(&self.layers, x)?)
    }

    /// Logits of a batch, as they train the generator: the gradient passes through to `x` and not to the
    /// discriminator's own parameters, whose gradients would be work for nothing.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_frozen(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(run(&layers(&self.config, &mut Frozen(&self.parameters))?, x)?)
    }
}

impl Module for NLayerDiscriminator {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Self::forward(self, x).map_err(candle_core::Error::wrap)
    }
}

fn run(layers: &[(Conv, Option<Norm>)], x: &Tensor) -> Result<Tensor> {
    let mut y = x.clone();
    for (i, (conv, norm)) in layers.iter().enumerate() {
        y = conv.forward(&y)?;
        y = match norm {
            Some(norm) => norm.forward(&y)?,
            None if i + 1 < layers.len() => leaky_relu(&y, SLOPE)?,
            None => y,
        };
    }
    Ok(y)
}

fn layers(config: &DiscriminatorConfig, source: &mut impl Source) -> Result<Vec<(Conv, Option<Norm>)>> {
    let mut layers = Vec::new();
    let mut from = 1;
    for i in 0..config.n_layers + 2 {
        let last = i == config.n_layers + 1;
        let to = if last { 1 } else { config.ndf << i.min(3) };
        let stride = if i < config.n_layers { 2 } else { 1 };
        let how = Conv2dConfig { stride, padding: Padding::Zero(config.padding) };
        let shape = ConvShape { from, to, kernel: 4 };
        let conv = Conv::new(source, &format!("conv{i}"), &shape, how, config.affine)?;
        let norm = (i > 0 && !last)
            .then(|| {
                let active = Activation::LeakyRelu(SLOPE);
                Norm::new(source, &format!("norm{i}"), to, config.affine, active)
            })
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

    fn network(config: &DiscriminatorConfig) -> NLayerDiscriminator {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        NLayerDiscriminator::new(config, &mut rng, DType::F32, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_papers_networks_have_their_papers_sizes() {
        assert_eq!(network(&DiscriminatorConfig::zhu(64)).parameters().count(), 2_762_689);
        assert_eq!(network(&DiscriminatorConfig::becker(64)).parameters().count(), 2_764_481);
        let x = Tensor::zeros((1, 1, 256, 256), DType::F32, &Device::Cpu).unwrap();
        for (config, side) in [(DiscriminatorConfig::zhu(2), 30), (DiscriminatorConfig::becker(2), 35)] {
            assert_eq!(network(&config).forward(&x).unwrap().dims(), [1, 1, side, side]);
        }
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
