use candle_core::{DType, Device, Result, Tensor};
use mammo_ops::{Conv2dConfig, Padding, Precision, conv2d, leaky_relu};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::layer::{Conv, ConvShape, Init, NewParameters, Source, WeightStyle};
use crate::{ModelError, Parameters};

/// Slope of the activations for negative values.
const SLOPE: f64 = 0.1;

/// Residuals are some hundredths of an image's range; the network's first layer wants numbers of about one.
const RESIDUAL_GAIN: f64 = 16.0;

/// Weights of the blur before every halving and of the low-pass that a residual is the rest of: 1 2 1, both ways.
const BINOMIAL: [f64; 9] = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0];

/// What a classifier sees of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The image: for what it shows, such as a lesion.
    Image,
    /// The image less its 3 x 3 binomial blur: for traces of how it was made, which the anatomy would hide.
    Residual,
}

/// Where in an image the evidence for its class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// In every place alike, as the traces of a generator that the whole image went through: the image's logit is the mean
    /// of its places.
    Everywhere,
    /// In some place, as a lesion: the image's logit is the logarithm of the mean exponential of its places.
    Somewhere,
}

/// The shape of a [`Classifier`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Channels of the first layer; the others have twice as many.
    pub channels: usize,
    /// Halvings: a place of the map is `2^stages` pixels a side.
    pub stages: usize,
    /// What it sees.
    pub view: View,
    /// How places make an image.
    pub evidence: Evidence,
}

impl ClassifierConfig {
    /// Finds what generators leave: the residual, evidence everywhere, places of 8 x 8 pixels that see 45 x 45.
    pub fn tampering() -> Self {
        Self { channels: 16, stages: 3, view: View::Residual, evidence: Evidence::Everywhere }
    }

    /// Finds lesions: the image, evidence somewhere, places of 8 x 8 pixels that see 45 x 45.
    pub fn malignancy() -> Self {
        Self { channels: 16, stages: 3, view: View::Image, evidence: Evidence::Somewhere }
    }

    /// Sides of the map of an image.
    pub fn map_size(&self, height: usize, width: usize) -> (usize, usize) {
        let place = 1 << self.stages;
        (height.div_ceil(place), width.div_ceil(place))
    }

    /// Checks the numbers, and that an image of `height` x `width` pixels has a place.
    ///
    /// # Errors
    /// [`ModelError::Config`], saying which and what to do.
    pub fn check(&self, height: usize, width: usize) -> std::result::Result<(), ModelError> {
        if self.channels == 0 || !(1..=5).contains(&self.stages) {
            return Err(ModelError::Config("channels must be at least 1 and stages 1 to 5".into()));
        }
        if height.min(width) < 16 {
            return Err(ModelError::Config(format!(
                "an image of {height} x {width} pixels is too small for a classifier; each side needs 16"
            )));
        }
        Ok(())
    }
}

/// A small convolutional classifier that says what it finds in every place of an image.
///
/// `stages` times a 3 x 3 convolution with leaky ReLU and a blur that halves the sides (Zhang, arXiv 1904.11486, so that the
/// answer does not hang on where the grid of a generator falls), a last 3 x 3 convolution, and a 1 x 1 convolution to one
/// logit a place. No norms: how strong a residual is says as much as its pattern. Parameters are named `conv0` ..., `head`.
pub struct Classifier {
    config: ClassifierConfig,
    parameters: Parameters,
    layers: Vec<Conv>,
    head: Conv,
    blur: Tensor,
}

impl Classifier {
    /// A network with fresh parameters, drawn from `rng` in the order of the layers.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a configuration that makes no network, and failures of the tensor library.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use mammo_models::{Classifier, ClassifierConfig};
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let network = Classifier::new(&ClassifierConfig::tampering(), &mut rng, DType::F32, &Device::Cpu)?;
    /// let places = network.forward(&Tensor::zeros((2, 1, 64, 48), DType::F32, &Device::Cpu)?)?;
    /// assert_eq!(places.dims(), [2, 1, 8, 6]);
    /// assert_eq!(network.pool(&places, &places.ones_like()?)?.dims(), [2]);
    /// # Ok::<(), mammo_models::ModelError>(())
    /// ```
    pub fn new(
        config: &ClassifierConfig,
        rng: &mut impl Rng,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        config.check(64, 64)?;
        let mut source = NewParameters { parameters: Parameters::default(), rng, dtype, device };
        let mut layers = Vec::new();
        let mut from = 1;
        for i in 0..=config.stages {
            let to = if i == 0 { config.channels } else { 2 * config.channels };
            layers.push(layer(&mut source, &format!("conv{i}"), &ConvShape { from, to, kernel: 3 })?);
            from = to;
        }
        let head = layer(&mut source, "head", &ConvShape { from, to: 1, kernel: 1 })?;
        let blur =
            Tensor::from_vec(BINOMIAL.map(|v| v / 16.0).to_vec(), (1, 1, 3, 3), device)?.to_dtype(dtype)?;
        Ok(Self { config: config.clone(), parameters: source.parameters, layers, head, blur })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// What it has learned.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Logits of all places of a batch.
    ///
    /// # Shapes
    /// N x 1 x H x W in [-1, 1] to N x 1 x H' x W', the sides of [`ClassifierConfig::map_size`].
    ///
    /// # Errors
    /// When the image is too small, and failures of the tensor library.
    pub fn forward(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(self.run(x)?)
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let mut y = match self.config.view {
            View::Image => x.clone(),
            View::Residual => {
                let low = conv2d(x, &self.blur, None, Conv2dConfig::new(1, Padding::Reflect(1)))?;
                (x - low)?.affine(RESIDUAL_GAIN, 0.0)?
            }
        };
        for (i, conv) in self.layers.iter().enumerate() {
            y = leaky_relu(&conv.forward(&y, Precision::Full)?, SLOPE)?;
            if i < self.config.stages {
                y = self.halve(&y)?;
            }
        }
        self.head.forward(&y, Precision::Full)
    }

    /// Blurs and takes every second pixel; each channel is an image by itself.
    fn halve(&self, x: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let how = Conv2dConfig::new(2, Padding::Zero(1));
        let y = conv2d(&x.reshape((n * c, 1, h, w))?, &self.blur, None, how)?;
        y.reshape((n, c, h.div_ceil(2), w.div_ceil(2)))
    }

    /// One logit an image from the logits of its places, each with its `weight` (0 for a place that is not looked at).
    ///
    /// # Shapes
    /// Twice N x 1 x H' x W' to N.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn pool(&self, places: &Tensor, weight: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (places, weight) = (places.flatten_from(1)?, weight.flatten_from(1)?);
        let total = weight.sum(1)?;
        Ok(match self.config.evidence {
            Evidence::Everywhere => (places * &weight)?.sum(1)?.div(&total)?,
            Evidence::Somewhere => {
                // Less the largest logit, so that no exponential is too large.
                let top = places.detach().max_keepdim(1)?;
                let mean = (places.broadcast_sub(&top)?.exp()? * &weight)?.sum(1)?.div(&total)?;
                // A place without weight may hold the top; then what is left can be too small for a logarithm.
                ((mean + 1e-30)?.log()? + top.squeeze(1)?)?
            }
        })
    }
}

fn layer(source: &mut impl Source, name: &str, shape: &ConvShape) -> Result<Conv> {
    let how = Conv2dConfig::new(1, Padding::Zero(shape.kernel / 2));
    Conv::new(source, name, shape, how, WeightStyle { init: Init::he(shape, SLOPE), spectral_norm: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    fn network(config: &ClassifierConfig) -> Classifier {
        Classifier::new(config, &mut ChaCha8Rng::seed_from_u64(2), DType::F64, &Device::Cpu).unwrap()
    }

    fn image(h: usize, w: usize, shift: f64) -> Tensor {
        let values: Vec<f64> =
            (0..h * w).map(|i| ((i * 31 % 17) as f64 / 17.0 - 0.5) * 0.2 + shift).collect();
        Tensor::from_vec(values, (1, 1, h, w), &Device::Cpu).unwrap()
    }

    fn number(t: &Tensor) -> f64 {
        t.sum_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn a_residual_does_not_see_brightness_and_an_image_does() {
        for (config, sees) in [(ClassifierConfig::tampering(), false), (ClassifierConfig::malignancy(), true)]
        {
            let network = network(&config);
            let at = |shift| number(&network.forward(&image(33, 42, shift)).unwrap());
            assert_eq!((at(0.0) - at(0.3)).abs() > 1e-9, sees, "{} {}", at(0.0), at(0.3));
        }
        assert_eq!(ClassifierConfig::tampering().map_size(33, 42), (5, 6));
    }

    #[test]
    fn pooling_is_a_mean_or_close_to_the_strongest_place_and_weights_count() {
        let places = Tensor::new(&[[[[0.0f64, 2.0, 50.0]]]], &Device::Cpu).unwrap();
        let weight = Tensor::new(&[[[[1.0f64, 1.0, 0.0]]]], &Device::Cpu).unwrap();
        let pooled = |config| number(&network(&config).pool(&places, &weight).unwrap());
        assert!((pooled(ClassifierConfig::tampering()) - 1.0).abs() < 1e-12);
        let by_definition = (0.5 + 0.5 * 2f64.exp()).ln();
        assert!((pooled(ClassifierConfig::malignancy()) - by_definition).abs() < 1e-6);
    }

    #[test]
    fn the_gradient_to_the_image_is_the_slope() {
        for config in [ClassifierConfig::tampering(), ClassifierConfig::malignancy()] {
            let network = network(&config);
            let weight = Tensor::ones((1, 1, 3, 2), DType::F64, &Device::Cpu).unwrap();
            let logit = |x: &Tensor| network.pool(&network.forward(x).unwrap(), &weight).unwrap();
            let x = Var::from_tensor(&image(18, 16, 0.1)).unwrap();
            let grads = logit(&x).sum_all().unwrap().backward().unwrap();
            let slope = grads.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            for pixel in [0, 17, 130, 287] {
                let moved = |by: f64| {
                    let mut values = x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                    values[pixel] += by;
                    number(&logit(&Tensor::from_vec(values, (1, 1, 18, 16), &Device::Cpu).unwrap()))
                };
                let finite = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((slope[pixel] - finite).abs() < 1e-6, "{pixel}: {} {finite}", slope[pixel]);
            }
        }
    }

    #[test]
    fn what_it_cannot_work_with_is_refused() {
        let x = Tensor::zeros((1, 1, 12, 64), DType::F64, &Device::Cpu).unwrap();
        let message = network(&ClassifierConfig::tampering()).forward(&x).unwrap_err().to_string();
        assert!(message.contains("12 x 64"), "{message}");
        let config = ClassifierConfig { stages: 0, ..ClassifierConfig::tampering() };
        assert!(config.check(64, 64).is_err());
    }
}
