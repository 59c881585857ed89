use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Module;
use mammo_ops::{Activation, Conv2dConfig, Precision, tanh, tanh_sum};
use rand::Rng;

use crate::layer::{
    Conv, ConvShape, Frozen, Init, NewParameters, Norm, NormStyle, Source, UpConv, WeightStyle, padding,
    rectifier,
};
use crate::{GeneratorConfig, ModelError, PaddingMode, Parameters, Pieces, UpsamplingInit};

/// Translates images of one domain into the other: two halvings, residual blocks, two doublings.
///
/// Layers and parameters are named `stem`, `down1`, `down2`, `res0` ..., `up1`, `up2`, `head`.
///
/// # Shapes
/// N x 1 x H x W in [-1, 1] to the same, H and W divisible by 4; N x 2 x H x W where images have a region of interest.
pub struct ResnetGenerator {
    config: GeneratorConfig,
    parameters: Parameters,
    layers: Layers,
    precision: Precision,
}

struct Layers {
    stem: (Conv, Norm),
    down: Vec<(Conv, Norm)>,
    blocks: Vec<Block>,
    up: Vec<(UpConv, Norm)>,
    head: Conv,
}

struct Block {
    first: (Conv, Norm),
    /// Its norm's activation stands behind the sum.
    second: (Conv, Norm),
}

impl Block {
    fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor> {
        let y = self.first.1.forward(&self.first.0.forward(x, precision)?)?;
        self.second.1.forward_residual(&self.second.0.forward(&y, precision)?, x)
    }
}

impl ResnetGenerator {
    /// A network with fresh parameters, drawn from `rng` in the order of the layers.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a configuration that makes no network, and failures of the tensor library.
    pub fn new(
        config: &GeneratorConfig,
        rng: &mut impl Rng,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        config.check(16, 16)?;
        let mut source = NewParameters { parameters: Parameters::default(), rng, dtype, device };
        let layers = layers(config, &mut source)?;
        Ok(Self { config: config.clone(), parameters: source.parameters, layers, precision: Precision::Full })
    }

    /// The same network, which trains with convolutions of this precision. It still translates ([`Self::translate`]) in full.
    #[must_use]
    pub fn training_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &GeneratorConfig {
        &self.config
    }

    /// What it has learned.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Translates a batch.
    ///
    /// # Errors
    /// When the shape does not fit, and failures of the tensor library.
    pub fn forward(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(run(&self.layers, &self.config, x, self.precision, &mut Ok)?)
    }

    /// As [`Self::forward`], with the graph in pieces, which needs less memory for the gradients.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_in_pieces(&self, x: &Tensor) -> std::result::Result<Pieces, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        Ok(Pieces::of(|cut| run(&self.layers, &self.config, x, self.precision, cut))?)
    }

    /// Translates a batch so that the gradient passes through to `x` and not to the generator's own parameters.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_frozen(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        self.frozen(x, self.precision)
    }

    /// Moves the estimates of the spectral norms by one step of the power method, once for each step of training. Nothing
    /// happens where there are none.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn iterate_spectral_norms(&self) -> std::result::Result<(), ModelError> {
        let Layers { stem, down, blocks, up, head } = &self.layers;
        let pairs = down.iter().chain(blocks.iter().flat_map(|block| [&block.first, &block.second]));
        for (conv, _) in std::iter::once(stem).chain(pairs) {
            conv.iterate()?;
        }
        for (conv, _) in up {
            conv.iterate()?;
        }
        Ok(head.iterate()?)
    }

    /// Translates a batch without keeping anything for gradients of the generator.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn translate(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        self.frozen(x, Precision::Full)
    }

    fn frozen(&self, x: &Tensor, precision: Precision) -> std::result::Result<Tensor, ModelError> {
        let (_, _, height, width) = x.dims4()?;
        self.config.check(height, width)?;
        let layers = layers(&self.config, &mut Frozen(&self.parameters))?;
        Ok(run(&layers, &self.config, x, precision, &mut Ok)?)
    }
}

impl Module for ResnetGenerator {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Self::forward(self, x).map_err(candle_core::Error::wrap)
    }
}

/// Residual blocks between two places where the graph may be cut.
const BLOCKS_OF_A_PIECE: usize = 3;

fn run(
    layers: &Layers,
    config: &GeneratorConfig,
    x: &Tensor,
    precision: Precision,
    cut: &mut dyn FnMut(Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut y = layers.stem.1.forward(&layers.stem.0.forward(x, precision)?)?;
    for (conv, norm) in &layers.down {
        y = norm.forward(&conv.forward(&y, precision)?)?;
    }
    for blocks in layers.blocks.chunks(BLOCKS_OF_A_PIECE) {
        for block in blocks {
            y = block.forward(&y, precision)?;
        }
        y = cut(y)?;
    }
    for (conv, norm) in &layers.up {
        y = norm.forward(&conv.forward(&y, precision)?)?;
    }
    let residual = layers.head.forward(&y, precision)?;
    if config.input_skip { tanh_sum(x, &residual) } else { tanh(&residual) }
}

fn layers(config: &GeneratorConfig, source: &mut impl Source) -> Result<Layers> {
    use PaddingMode::{Reflect, ReflectAll};
    let ngf = config.ngf;
    let active = rectifier(config.leaky_slope);
    let at_size = |pixels| Conv2dConfig::new(1, padding(config.padding, &[Reflect, ReflectAll], pixels));
    let halving = Conv2dConfig::new(2, padding(config.padding, &[ReflectAll], 1));
    let weights = WeightStyle::of_gan(config.affine, config.spectral_norm);
    let norms = NormStyle { affine: config.affine, epsilon: config.norm_epsilon };
    let conv = |source: &mut _, name: &str, from, to, kernel, how| {
        Conv::new(source, name, &ConvShape { from, to, kernel }, how, weights)
    };
    let norm = |source: &mut _, name: &str, channels, activation| {
        Norm::new(source, name, channels, norms, activation)
    };

    let channels = config.channels();
    let stem =
        (conv(source, "stem.conv", channels, ngf, 7, at_size(3))?, norm(source, "stem.norm", ngf, active)?);
    let mut down = Vec::new();
    for (i, channels) in [(1, ngf), (2, 2 * ngf)] {
        let name = format!("down{i}");
        down.push((
            conv(source, &format!("{name}.conv"), channels, 2 * channels, 3, halving)?,
            norm(source, &format!("{name}.norm"), 2 * channels, active)?,
        ));
    }
    let mut blocks = Vec::new();
    for i in 0..config.n_blocks {
        let mut half = |n: usize, activation: Activation| -> Result<_> {
            Ok((
                conv(source, &format!("res{i}.conv{n}"), 4 * ngf, 4 * ngf, 3, at_size(1))?,
                norm(source, &format!("res{i}.norm{n}"), 4 * ngf, activation)?,
            ))
        };
        let after_sum = if config.relu_after_sum { Activation::Relu } else { Activation::Identity };
        let (first, second) = (half(1, active)?, half(2, after_sum)?);
        blocks.push(Block { first, second });
    }
    let mut up = Vec::new();
    for (i, channels) in [(1, 4 * ngf), (2, 2 * ngf)] {
        let (name, to) = (format!("up{i}"), channels / 2);
        let style = match config.upsampling_init {
            UpsamplingInit::Normal => weights,
            UpsamplingInit::Xavier => {
                weights.starting_as(Init::xavier(&ConvShape { from: channels, to, kernel: 3 }))
            }
        };
        let ends = (channels, to);
        up.push((
            UpConv::new(source, &format!("{name}.conv"), ends, config.upsampling, at_size(1), style)?,
            norm(source, &format!("{name}.norm"), to, active)?,
        ));
    }
    let head = conv(source, "head.conv", ngf, config.channels(), 7, at_size(3))?;
    Ok(Layers { stem, down, blocks, up, head })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Upsampling;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn the_papers_networks_have_their_papers_numbers_of_parameters() {
        let count = |config: &GeneratorConfig| {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            ResnetGenerator::new(config, &mut rng, DType::F32, &Device::Cpu).unwrap().parameters().count()
        };
        // Counted from the layer tables of the papers.
        assert_eq!(count(&GeneratorConfig::zhu(64, 9)), 11_365_633);
        assert_eq!(count(&GeneratorConfig::zhu(64, 6)), 7_825_153);
        assert_eq!(count(&GeneratorConfig::becker(32, 9)), 2_849_537);
        // Their 11,370,881 leave out the 5,248 biases in front of norms, which a norm takes away again.
        assert_eq!(count(&GeneratorConfig::becker2(64, 9)), 11_370_881 + 5_248);
    }

    #[test]
    fn both_ways_up_come_back_at_the_size_and_learn() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for (mut config, upsampling) in [
            (GeneratorConfig::becker(2, 1), Upsampling::Resize),
            (GeneratorConfig::zhu(2, 1), Upsampling::Resize),
            (GeneratorConfig::becker(2, 1), Upsampling::Blur),
        ] {
            config.upsampling = upsampling;
            let network = ResnetGenerator::new(&config, &mut rng, DType::F64, &Device::Cpu).unwrap();
            let values: Vec<f64> = (0..640).map(|i| f64::from(i * 37 % 101) / 50.0 - 1.0).collect();
            let x = Tensor::from_vec(values, (2, 1, 20, 16), &Device::Cpu).unwrap();
            let y = network.forward(&x).unwrap();
            assert_eq!(y.dims(), x.dims());
            let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let weight = network.parameters().get("up1.conv.weight").unwrap();
            assert_eq!(weight.dims(), [4, 8, 3, 3]);
            let grad =
                grads.get(weight).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
            assert!(grad > 0.0);
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<GeneratorConfig>(&text).unwrap(), config);
            assert!(text.contains("\"upsampling\":"));
        }
        // A configuration of an earlier version says nothing about what came later.
        let text = serde_json::to_string(&GeneratorConfig::zhu(2, 1)).unwrap();
        assert!(
            ["upsampling", "spectral", "roi", "epsilon"].iter().all(|word| !text.contains(word)),
            "{text}"
        );
    }

    #[test]
    fn sizes_that_do_not_divide_are_refused_with_the_reason() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let config = GeneratorConfig::becker(2, 1);
        let network = ResnetGenerator::new(&config, &mut rng, DType::F32, &Device::Cpu).unwrap();
        let x = Tensor::zeros((1, 1, 30, 32), DType::F32, &Device::Cpu).unwrap();
        let message = network.forward(&x).unwrap_err().to_string();
        assert!(message.contains("height") && message.contains("30"), "{message}");
    }

    #[test]
    fn translating_is_running_without_gradients() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let config = GeneratorConfig::zhu(2, 1);
        let network = ResnetGenerator::new(&config, &mut rng, DType::F64, &Device::Cpu).unwrap();
        let x = Tensor::zeros((1, 1, 16, 20), DType::F64, &Device::Cpu).unwrap();
        let (tracked, plain) = (network.forward(&x).unwrap(), network.translate(&x).unwrap());
        assert!(tracked.track_op() && !plain.track_op());
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&tracked), values(&plain));
    }

    #[test]
    fn gradients_in_pieces_are_those_of_the_whole() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for input_skip in [false, true] {
            let config = GeneratorConfig { input_skip, ..GeneratorConfig::becker(2, 7) };
            let network = ResnetGenerator::new(&config, &mut rng, DType::F64, &Device::Cpu).unwrap();
            let values: Vec<f64> = (0..640).map(|i| f64::from(i * 37 % 101) / 50.0 - 1.0).collect();
            let x = Tensor::from_vec(values, (2, 1, 20, 16), &Device::Cpu).unwrap();
            let x = candle_core::Var::from_tensor(&x).unwrap();
            let loss = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap();
            let whole = loss(&network.forward(&x).unwrap()).backward().unwrap();
            let pass = network.forward_in_pieces(&x).unwrap();
            let loss = loss(pass.output());
            let parts = pass.backward(loss).unwrap();
            assert_eq!(parts.len(), 4);
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            for var in network.parameters().learned().map(|(_, var)| var).chain([&x]) {
                let parts = parts.iter().filter_map(|part| part.get(var).cloned());
                let sum = values(&parts.reduce(|a, b| (a + b).unwrap()).unwrap());
                for (a, b) in sum.iter().zip(values(whole.get(var).unwrap())) {
                    assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} against {b}");
                }
            }
        }
    }

    #[test]
    fn parameters_load_whole_or_not_at_all() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let config = GeneratorConfig::becker(2, 1);
        let network = ResnetGenerator::new(&config, &mut rng, DType::F32, &Device::Cpu).unwrap();
        let mut stored: std::collections::HashMap<_, _> = network
            .parameters()
            .iter()
            .map(|(name, var)| (name.to_owned(), var.as_tensor().affine(2.0, 0.0).unwrap()))
            .collect();
        network.parameters().load(&stored).unwrap();
        stored.remove("head.conv.bias");
        let message = network.parameters().load(&stored).unwrap_err().to_string();
        assert!(message.contains("head.conv.bias is missing"), "{message}");
    }
}
