use candle_core::{Tensor, Var, backprop::GradStore};
use mammo_models::{Discriminator, Pieces, ResnetGenerator};
use mammo_ops::{AdamConfig, Replay, l1_loss};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::config::LossWeights;
use crate::{CycleGan, GanMode, ImagePool, TrainError};

/// In which order a step updates the networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateOrder {
    /// Both generators together, then both discriminators on the same fakes, as Zhu.
    #[default]
    Joint,
    /// The generator that injects, its discriminator, the generator that removes, its discriminator, as Becker's experiment 1:
    /// the second half of the step sees what the first half has learned. Half as fast, because everything runs twice.
    Alternating,
}

/// How a step is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSettings {
    /// Loss weights.
    pub weights: LossWeights,
    /// The adversarial loss.
    pub gan: GanMode,
    /// In which order the networks are updated.
    pub order: UpdateOrder,
    /// Adam's constants for the generators.
    pub generators: AdamConfig,
    /// Adam's constants for the discriminators.
    pub discriminators: AdamConfig,
    /// Decay of the generators' moving average, if there is one.
    pub ema_decay: Option<f64>,
}

/// Which generators a pass trains; no gradient is computed for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trained {
    /// Both.
    Both,
    /// The one that injects, from healthy to cancer.
    AToB,
    /// The one that removes.
    BToA,
}

/// One of the two ways that a CycleGAN translates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Healthy to cancer and back: `g_ab`, then `g_ba`, judged by `d_b`.
    AToB,
    /// Cancer to healthy and back: `g_ba`, then `g_ab`, judged by `d_a`.
    BToA,
}

/// What a batch of real images on the way there and back left: gradients and detached tensors only, because what holds on to the
/// graph holds on to its memory.
pub struct CyclePass {
    /// The batch translated.
    pub fake: Tensor,
    /// The gradients of the sum of all losses, in parts that add up: a parameter may have one in each.
    pub gradients: Vec<GradStore>,
    /// The generator's adversarial loss, such as the mean of `(d(fake) - 1)^2`: a scalar.
    pub adversarial: Tensor,
    /// Weighted mean of `|rec - real|`: a scalar.
    pub cycle: Tensor,
    /// Weighted mean of `|back(real) - real|`, where the generator of the way back should change nothing; 0 where it does
    /// not count, or that generator is not trained. A scalar.
    pub identity: Tensor,
}

/// What is kept of steps so that the next are cheap: on a GPU the launches of their parts, recorded. Belongs to one model, its
/// settings and one size of images.
#[derive(Default)]
pub struct StepRecordings {
    generators: [Replay; 2],
    discriminators: [Replay; 2],
}

impl StepRecordings {
    /// Why steps are launched piece by piece on a GPU, if so.
    pub fn refusal(&self) -> Option<&str> {
        self.generators.iter().chain(&self.discriminators).find_map(Replay::refusal)
    }
}

/// The losses of one step, read back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Adversarial loss of the generator that injects.
    pub adversarial_ab: f32,
    /// Adversarial loss of the generator that removes.
    pub adversarial_ba: f32,
    /// Cycle loss healthy to cancer to healthy, weighted.
    pub cycle_a: f32,
    /// Cycle loss cancer to healthy to cancer, weighted.
    pub cycle_b: f32,
    /// Identity loss on healthy images, weighted; 0 where it does not count.
    pub identity_a: f32,
    /// Identity loss on cancer images, weighted; 0 where it does not count.
    pub identity_b: f32,
    /// Loss of the discriminator of healthy images.
    pub d_a: f32,
    /// Loss of the discriminator of cancer images.
    pub d_b: f32,
}

impl Losses {
    /// The first loss that is not a finite number.
    pub(crate) fn not_finite(&self) -> Option<&'static str> {
        let all = [
            ("adversarial_ab", self.adversarial_ab),
            ("adversarial_ba", self.adversarial_ba),
            ("cycle_a", self.cycle_a),
            ("cycle_b", self.cycle_b),
            ("identity_a", self.identity_a),
            ("identity_b", self.identity_b),
            ("d_a", self.d_a),
            ("d_b", self.d_b),
        ];
        all.into_iter().find(|(_, value)| !value.is_finite()).map(|(name, _)| name)
    }
}

/// Runs a batch there and back and takes the gradients of its losses, with the discriminator frozen (the seed report's
/// equations 3 and 4, and 2 by the mode of the adversarial loss).
///
/// The graph is cut at the fake and inside the generators: the way back and the discriminator are differentiated first and
/// forgotten, then the way there, so that the activations of both generators and their gradients are never all held at once.
///
/// # Errors
/// Failures of the networks.
pub fn cycle_pass(
    model: &CycleGan,
    way: Way,
    real: &Tensor,
    trained: Trained,
    weights: &LossWeights,
    gan: GanMode,
) -> Result<CyclePass, TrainError> {
    let (ab, ba) = ((&model.g_ab, trained != Trained::BToA), (&model.g_ba, trained != Trained::AToB));
    let ((there, trains_there), (back, trains_back), judge) = match way {
        Way::AToB => (ab, ba, &model.d_b),
        Way::BToA => (ba, ab, &model.d_a),
    };
    let run = |generator: &ResnetGenerator, trains: bool, x: &Tensor| {
        if trains { generator.forward_in_pieces(x) } else { generator.forward_frozen(x).map(Pieces::from) }
    };
    let made = run(there, trains_there, real)?;
    let fake = made.output().detach();

    let seam = Var::from_tensor(&fake)?;
    let seen = if trains_there { seam.as_tensor() } else { &fake };
    let rec = run(back, trains_back, seen)?;
    // The losses hold on to the graph too, so that they are read and let go before it is differentiated.
    let (total, adversarial, cycle) = {
        let adversarial = gan.generator_loss(&judge.forward_frozen(seen)?)?;
        let cycle = l1_loss(rec.output(), real)?.affine(weights.lambda_cycle, 0.0)?;
        ((&adversarial + &cycle)?, adversarial.detach(), cycle.detach())
    };
    let mut gradients = rec.backward(total)?;
    let to_fake = gradients.iter_mut().filter_map(|part| part.remove(&seam)).map(Ok).reduce(|a, b| a? + b?);
    if let Some(gradient) = to_fake.transpose()? {
        gradients.extend(made.backward_from(&gradient)?);
    }

    let mut identity = Tensor::zeros((), real.dtype(), real.device())?;
    if weights.lambda_identity > 0.0 && trains_back {
        let weight = weights.lambda_cycle * weights.lambda_identity;
        let same = back.forward_in_pieces(real)?;
        let loss = l1_loss(same.output(), real)?.affine(weight, 0.0)?;
        identity = loss.detach();
        gradients.extend(same.backward(loss)?);
    }
    Ok(CyclePass { fake, gradients, adversarial, cycle, identity })
}

/// The loss of a discriminator: half the sum of what it says of real images and of fakes.
///
/// # Errors
/// Failures of the network.
pub fn discriminator_loss(
    judge: &Discriminator,
    real: &Tensor,
    fake: &Tensor,
    gan: GanMode,
) -> Result<Tensor, TrainError> {
    // One batch of both: every image is normalised by itself, so the logits are those of two calls, at less cost.
    let logits = judge.forward(&Tensor::cat(&[real, &fake.detach()], 0)?)?;
    let part = |first, images: &Tensor| logits.narrow(0, first, images.dim(0)?)?.contiguous();
    Ok(gan.discriminator_loss(&part(0, real)?, &part(real.dim(0)?, fake)?)?)
}

/// One update of all networks, in the order of the settings; fakes reach the discriminators through the pools (of fake A, of
/// fake B), as they were before the generator that made them moved. `step` counts from 0.
///
/// On the CPU the two ways share parameters and nothing else, so that small networks run them side by side on rayon's threads,
/// and so the two discriminators; large ones have work enough for all threads in each operation and need only the memory of
/// one way. The gradients are added in a fixed order: results depend neither on that nor on the number of threads.
///
/// # Errors
/// Failures of the networks.
pub fn train_step(
    model: &mut CycleGan,
    real: (&Tensor, &Tensor),
    pools: &mut (ImagePool, ImagePool),
    settings: &StepSettings,
    step: usize,
    recordings: &mut StepRecordings,
    rng: &mut impl Rng,
) -> Result<Losses, TrainError> {
    model.iterate_spectral_norms()?;
    let losses = match settings.order {
        UpdateOrder::Joint => joint(model, real, pools, settings, recordings, rng)?,
        UpdateOrder::Alternating => alternating(model, real, pools, settings, recordings, rng)?,
    };
    if let Some(decay) = settings.ema_decay {
        model.average(decay, step)?;
    }
    Ok(losses)
}

/// What an update of generators left.
struct Made {
    fake_a: Tensor,
    fake_b: Tensor,
    /// Adversarial of A to B and of B to A, cycle of both, identity of both.
    losses: Tensor,
}

/// Updates the generators that are trained, by both ways there and back.
fn update_generators(
    model: &mut CycleGan,
    (real_a, real_b): (&Tensor, &Tensor),
    trained: Trained,
    settings: &StepSettings,
    recording: &mut Replay,
) -> Result<Made, TrainError> {
    let moved = match trained {
        Trained::Both => 0..2,
        Trained::AToB => 0..1,
        Trained::BToA => 1..2,
    };
    for (_, adam) in &mut model.adam[moved.clone()] {
        adam.tick(settings.generators)?;
    }
    let model = &*model;
    let made = recording.run(&[real_a, real_b], |real| {
        let one = |way, real| cycle_pass(model, way, real, trained, &settings.weights, settings.gan);
        let (ab, ba) =
            both(is_small(model, &real[0])?, || one(Way::AToB, &real[0]), || one(Way::BToA, &real[1]));
        let (ab, ba) = (ab?, ba?);
        for (_, adam) in &model.adam[moved.clone()] {
            adam.update(ab.gradients.iter().chain(&ba.gradients), settings.generators)?;
        }
        let losses = [ab.adversarial, ba.adversarial, ab.cycle, ba.cycle, ab.identity, ba.identity];
        Ok::<_, TrainError>(vec![ba.fake, ab.fake, Tensor::stack(&losses, 0)?])
    })?;
    let [fake_a, fake_b, losses] = <[Tensor; 3]>::try_from(made).map_err(|_| nothing_made())?;
    Ok(Made { fake_a, fake_b, losses })
}

/// One of the discriminators with what it judges: real images, and fakes out of its pool.
type Judged<'a> = (usize, &'a Tensor, &'a Tensor);

/// Where the discriminators' optimisers are.
const D_A: usize = 2;
const D_B: usize = 3;

/// Updates discriminators; gives the loss of each, in one tensor.
fn update_discriminators(
    model: &mut CycleGan,
    judged: &[Judged],
    settings: &StepSettings,
    recording: &mut Replay,
) -> Result<Tensor, TrainError> {
    for (which, _, _) in judged {
        model.adam[*which].1.tick(settings.discriminators)?;
    }
    let model = &*model;
    let images: Vec<&Tensor> = judged.iter().flat_map(|(_, real, fake)| [*real, *fake]).collect();
    let made = recording.run(&images, |images| {
        let one = |i: usize| {
            let network = if judged[i].0 == D_A { &model.d_a } else { &model.d_b };
            let loss = discriminator_loss(network, &images[2 * i], &images[2 * i + 1], settings.gan)?;
            Ok::<_, TrainError>((loss.backward()?, loss.detach()))
        };
        let done = if judged.len() == 1 {
            vec![one(0)?]
        } else {
            let (a, b) = both(is_small(model, &images[0])?, || one(0), || one(1));
            vec![a?, b?]
        };
        for ((which, _, _), (gradients, _)) in judged.iter().zip(&done) {
            model.adam[*which].1.update([gradients], settings.discriminators)?;
        }
        let losses: Vec<Tensor> = done.into_iter().map(|(_, loss)| loss).collect();
        Ok::<_, TrainError>(vec![Tensor::stack(&losses, 0)?])
    })?;
    made.into_iter().next().ok_or_else(nothing_made)
}

fn nothing_made() -> TrainError {
    TrainError::Data("a part of a training step left nothing".to_owned())
}

fn joint(
    model: &mut CycleGan,
    real: (&Tensor, &Tensor),
    pools: &mut (ImagePool, ImagePool),
    settings: &StepSettings,
    recordings: &mut StepRecordings,
    rng: &mut impl Rng,
) -> Result<Losses, TrainError> {
    let made = update_generators(model, real, Trained::Both, settings, &mut recordings.generators[0])?;
    let pooled_a = query(&mut pools.0, &made.fake_a, rng)?;
    let pooled_b = query(&mut pools.1, &made.fake_b, rng)?;
    let judged = [(D_A, real.0, &pooled_a), (D_B, real.1, &pooled_b)];
    let judges = update_discriminators(model, &judged, settings, &mut recordings.discriminators[0])?;
    // Everything in one reading, because reading waits for the device.
    let [adversarial_ab, adversarial_ba, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b] =
        numbers(&[made.losses, judges])?;
    Ok(Losses { adversarial_ab, adversarial_ba, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b })
}

fn alternating(
    model: &mut CycleGan,
    real: (&Tensor, &Tensor),
    pools: &mut (ImagePool, ImagePool),
    settings: &StepSettings,
    recordings: &mut StepRecordings,
    rng: &mut impl Rng,
) -> Result<Losses, TrainError> {
    let StepRecordings { generators: [first, second], discriminators: [judge_b, judge_a] } = recordings;
    let injected = update_generators(model, real, Trained::AToB, settings, first)?;
    let pooled = query(&mut pools.1, &injected.fake_b, rng)?;
    let d_b = update_discriminators(model, &[(D_B, real.1, &pooled)], settings, judge_b)?;

    let removed = update_generators(model, real, Trained::BToA, settings, second)?;
    let pooled = query(&mut pools.0, &removed.fake_a, rng)?;
    let d_a = update_discriminators(model, &[(D_A, real.0, &pooled)], settings, judge_a)?;

    // The identity of healthy images is that of the generator that removes.
    let [
        adversarial_ab,
        _,
        cycle_a,
        _,
        _,
        identity_b,
        d_b,
        _,
        adversarial_ba,
        _,
        cycle_b,
        identity_a,
        _,
        d_a,
    ] = numbers(&[injected.losses, d_b, removed.losses, d_a])?;
    Ok(Losses { adversarial_ab, adversarial_ba, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b })
}

/// Whether the two ways run side by side.
fn is_small(model: &CycleGan, real: &Tensor) -> Result<bool, TrainError> {
    let (_, _, height, width) = real.dims4()?;
    // A GPU does one thing after the other and is busy with each.
    Ok(real.device().is_cpu() && model.g_ab.config().ngf * height * width <= SIDE_BY_SIDE_VALUES)
}

/// Values of a generator's first layer up to which the two ways run side by side: four megabytes of f32.
const SIDE_BY_SIDE_VALUES: usize = 1024 * 1024;

/// Does two pieces of work at once or one after the other.
fn both<A: Send, B: Send>(
    side_by_side: bool,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if side_by_side { rayon::join(a, b) } else { (a(), b()) }
}

/// The numbers of several vectors, read together.
fn numbers<const N: usize>(losses: &[Tensor]) -> Result<[f32; N], TrainError> {
    let all: Vec<f32> = Tensor::cat(losses, 0)?.to_dtype(candle_core::DType::F32)?.to_vec1()?;
    <[f32; N]>::try_from(all).map_err(|_| nothing_made())
}

/// Passes a batch through a pool image by image.
fn query(pool: &mut ImagePool, batch: &Tensor, rng: &mut impl Rng) -> Result<Tensor, TrainError> {
    let images = (0..batch.dim(0)?)
        .map(|i| Ok(pool.query(&batch.narrow(0, i, 1)?.contiguous()?, rng)))
        .collect::<Result<Vec<_>, TrainError>>()?;
    Ok(Tensor::cat(&images, 0)?)
}
