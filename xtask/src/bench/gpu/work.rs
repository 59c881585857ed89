//! What a training step must at least do, counted from the description of the networks: operations of its convolutions and
//! bytes that these move. Over what the machine does at best, measured on the spot, that is the least time of a step.
//!
//! A convolution is multiplied out three times at most: forward, for the gradient of its weights, and for the gradient of its
//! input; each costs the same. In a step as `mammo_train::train_step` and `torch_step.py` take it (both networks together):
//!
//! * generators run forward four times (there and back, both ways) and are differentiated as often, but for the gradient of the
//!   first layer's input where that is a real image, twice;
//! * discriminators run on a fake each for the generators, with the gradient of their input and none of weights;
//! * and each on a real image and a fake, with gradients of weights and of inputs, but for the first layer's.
//!
//! An operation is a multiplication or an addition. Borders are counted as if they were not padding, and sums in other orders
//! (Winograd, Fourier), which need fewer multiplications, are not looked at: a step can in principle be faster than this floor
//! of operations, but not by much in what libraries do. Of bytes only those of convolutions (each operand read once, each result
//! written once) and of Adam are counted: all else could be done while these pass by.

/// Networks and images of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    /// Becker's networks; else Zhu's.
    pub(super) becker: bool,
    pub(super) height: u64,
    pub(super) width: u64,
    pub(super) ngf: u64,
    pub(super) ndf: u64,
    pub(super) blocks: u64,
    pub(super) batch: u64,
}

/// A convolution for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layer {
    kernel: u64,
    channels: (u64, u64),
    /// Pixels of a channel that comes in, and of one that goes out.
    pixels: (u64, u64),
    transposed: bool,
}

impl Layer {
    /// Multiplications with an addition each, of one pass.
    fn products(&self) -> u64 {
        // Every number that goes out is a sum over the kernel; of a transposed one every number that comes in is spread over it.
        let pixels = if self.transposed { self.pixels.0 } else { self.pixels.1 };
        self.weights() * pixels
    }

    fn weights(&self) -> u64 {
        self.channels.0 * self.channels.1 * self.kernel * self.kernel
    }

    /// Weights, biases.
    fn parameters(&self) -> u64 {
        self.weights() + self.channels.1
    }

    /// Numbers that a pass touches: two of input, output and weights are read and the third is written.
    fn values(&self, batch: u64) -> u64 {
        batch * (self.channels.0 * self.pixels.0 + self.channels.1 * self.pixels.1) + self.weights()
    }
}

/// Convolutions of a generator: `mammo_models::ResnetGenerator` with transposed ones on the way up.
fn generator(config: &Config) -> Vec<Layer> {
    let (full, half, quarter) = {
        let pixels = config.height * config.width;
        (pixels, pixels / 4, pixels / 16)
    };
    let plain = |kernel, channels, pixels| Layer { kernel, channels, pixels, transposed: false };
    let ngf = config.ngf;
    let mut layers = vec![
        plain(7, (1, ngf), (full, full)),
        plain(3, (ngf, 2 * ngf), (full, half)),
        plain(3, (2 * ngf, 4 * ngf), (half, quarter)),
    ];
    let of_block = plain(3, (4 * ngf, 4 * ngf), (quarter, quarter));
    layers.extend((0..2 * config.blocks).map(|_| of_block));
    for (from, pixels) in [(4 * ngf, (quarter, half)), (2 * ngf, (half, full))] {
        layers.push(Layer { kernel: 3, channels: (from, from / 2), pixels, transposed: true });
    }
    layers.push(plain(7, (ngf, 1), (full, full)));
    layers
}

/// Convolutions of a discriminator of three layers, whose padding is the paper's.
fn discriminator(config: &Config) -> Vec<Layer> {
    const KERNEL: u64 = 4;
    let padding = if config.becker { 2 } else { 1 };
    let after = |side: u64, stride: u64| (side + 2 * padding - KERNEL) / stride + 1;
    let (mut height, mut width, mut from) = (config.height, config.width, 1);
    let ends = [(config.ndf, 2), (2 * config.ndf, 2), (4 * config.ndf, 2), (8 * config.ndf, 1), (1, 1)];
    ends.map(|(to, stride)| {
        let before = height * width;
        (height, width) = (after(height, stride), after(width, stride));
        let channels = (from, to);
        from = to;
        Layer { kernel: KERNEL, channels, pixels: (before, height * width), transposed: false }
    })
    .to_vec()
}

/// The least that a step does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Work {
    pub(super) operations: f64,
    /// With activations of so many bytes as it was asked for.
    pub(super) bytes: f64,
}

impl Work {
    fn add(&mut self, layer: &Layer, passes: u64, batch: u64, bytes: u64) {
        self.operations += (2 * layer.products() * batch * passes) as f64;
        self.bytes += (layer.values(batch) * passes * bytes) as f64;
    }
}

/// Of a whole step, where a number of an activation has so many bytes.
pub(super) fn work(config: &Config, bytes: u64) -> Work {
    let mut work = Work::default();
    let (generator, discriminator) = (generator(config), discriminator(config));
    for (i, layer) in generator.iter().enumerate() {
        // Four runs of three passes; two runs begin with a real image.
        work.add(layer, 4 * 3 - if i == 0 { 2 } else { 0 }, config.batch, bytes);
    }
    for (i, layer) in discriminator.iter().enumerate() {
        // For the generators: each discriminator forward, and back to the image.
        work.add(layer, 2 * 2, config.batch, bytes);
        // For themselves: each on real images and fakes in one batch.
        work.add(layer, 2 * if i == 0 { 2 } else { 3 }, 2 * config.batch, bytes);
    }
    // Adam reads parameter, gradient and both moments and writes all but the gradient, in f32.
    let parameters: u64 = generator.iter().chain(&discriminator).map(Layer::parameters).sum();
    work.bytes += (2 * parameters * 7 * 4) as f64;
    work
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZHU: Config =
        Config { becker: false, height: 256, width: 256, ngf: 64, ndf: 64, blocks: 9, batch: 1 };

    #[test]
    fn networks_have_the_parameters_and_sizes_of_their_papers() {
        let count = |layers: Vec<Layer>| layers.iter().map(Layer::parameters).sum::<u64>();
        // As mammo-models counts them, which has scales and shifts of norms besides.
        assert_eq!(count(generator(&ZHU)), 11_365_633);
        let becker = Config { becker: true, ngf: 32, ..ZHU };
        let norms: u64 = 2 * (32 + 64 + 128 + 18 * 128 + 64 + 32);
        assert_eq!(count(generator(&becker)) + norms, 2_849_537);
        let logits = |config: &Config| discriminator(config).last().unwrap().pixels.1;
        assert_eq!((logits(&ZHU), logits(&becker)), (30 * 30, 35 * 35));
    }

    #[test]
    fn a_generator_multiplies_as_counted_by_hand() {
        // 7x7 in and out of 64 channels at 256 x 256, 3x3 between 64, 128 and 256 channels at 128 and 64 pixels, and back.
        let by_hand = 2 * 49 * 64 * 65_536 + 4 * (9 * 64 * 128 * 16_384) + 18 * (9 * 256 * 256 * 4_096);
        assert_eq!(generator(&ZHU).iter().map(Layer::products).sum::<u64>(), by_hand);
    }

    #[test]
    fn work_grows_with_the_batch_and_weights_are_moved_once() {
        let (one, eight) = (work(&ZHU, 4), work(&Config { batch: 8, ..ZHU }, 4));
        assert_eq!(eight.operations, 8.0 * one.operations);
        assert!(eight.bytes < 8.0 * one.bytes && eight.bytes > 4.0 * one.bytes);
        assert!(work(&ZHU, 2).bytes < one.bytes);
    }

    #[test]
    fn a_step_does_what_pytorch_counts_in_it() {
        // torch.utils.flop_counter.FlopCounterMode around the step of torch_step.py, PyTorch 2.15.
        let becker = Config { becker: true, ngf: 32, ..ZHU };
        assert_eq!(work(&becker, 4).operations, 408_731_017_216.0);
        assert_eq!(work(&Config { batch: 2, ..becker }, 4).operations, 817_462_034_432.0);
        assert_eq!(work(&ZHU, 4).operations, 1_268_174_028_800.0);
        assert_eq!(work(&Config { height: 512, width: 408, ..ZHU }, 4).operations, 4_048_174_972_928.0);
    }
}
