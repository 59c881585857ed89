use candle_core::Tensor;
use mammo_models::NLayerDiscriminator;
use mammo_ops::{AdamConfig, l1_loss, least_squares_loss};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::config::LossWeights;
use crate::{CycleGan, ImagePool, TrainError};

/// One of the two ways that a CycleGAN translates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Healthy to cancer and back: `g_ab`, then `g_ba`, judged by `d_b`.
    AToB,
    /// Cancer to healthy and back: `g_ba`, then `g_ab`, judged by `d_a`.
    BToA,
}

/// What the generators make of a batch of real images on the way there and back, and the losses of it. The losses
/// are scalars that take part in gradients.
pub struct CyclePass {
    /// The batch translated.
    pub fake: Tensor,
    /// The fake translated back.
    pub rec: Tensor,
    /// Mean of `(d(fake) - 1)^2`.
    pub adversarial: Tensor,
    /// Weighted mean of `|rec - real|`.
    pub cycle: Tensor,
    /// Weighted mean of `|back(real) - real|`, where the generator of the way back should change nothing; if it counts.
    pub identity: Option<Tensor>,
    /// Sum of all.
    pub total: Tensor,
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

/// Runs a batch there and back and forms its losses, with the discriminator frozen (the seed report's equations 3 and 4,
/// with the least-squares adversarial loss that the study's code uses instead of equation 2).
///
/// # Errors
/// Failures of the networks.
pub fn cycle_pass(
    model: &CycleGan,
    way: Way,
    real: &Tensor,
    weights: &LossWeights,
) -> Result<CyclePass, TrainError> {
    let (there, back, judge) = match way {
        Way::AToB => (&model.g_ab, &model.g_ba, &model.d_b),
        Way::BToA => (&model.g_ba, &model.g_ab, &model.d_a),
    };
    let fake = there.forward(real)?;
    let rec = back.forward(&fake)?;
    let adversarial = least_squares_loss(&judge.forward_frozen(&fake)?, 1.0)?;
    let cycle = l1_loss(&rec, real)?.affine(weights.lambda_cycle, 0.0)?;
    let mut total = (&adversarial + &cycle)?;
    let identity = if weights.lambda_identity > 0.0 {
        let weight = weights.lambda_cycle * weights.lambda_identity;
        let identity = l1_loss(&back.forward(real)?, real)?.affine(weight, 0.0)?;
        total = (total + &identity)?;
        Some(identity)
    } else {
        None
    };
    Ok(CyclePass { fake, rec, adversarial, cycle, identity, total })
}

/// The loss of a discriminator: half the least squares of real images against 1 and of fakes against 0.
///
/// # Errors
/// Failures of the network.
pub fn discriminator_loss(
    judge: &NLayerDiscriminator,
    real: &Tensor,
    fake: &Tensor,
) -> Result<Tensor, TrainError> {
    // One batch of both: every image is normalised by itself, so the logits are those of two calls, at less cost.
    let logits = judge.forward(&Tensor::cat(&[real, &fake.detach()], 0)?)?;
    let part = |first, images: &Tensor| logits.narrow(0, first, images.dim(0)?)?.contiguous();
    let on_real = least_squares_loss(&part(0, real)?, 1.0)?;
    let on_fake = least_squares_loss(&part(real.dim(0)?, fake)?, 0.0)?;
    Ok((on_real + on_fake)?.affine(0.5, 0.0)?)
}

/// One update in Zhu's order: both generators together against frozen discriminators, then both discriminators on the
/// same fakes, which were made before the generators moved and pass through the pools (of fake A, of fake B).
///
/// The two ways share parameters and nothing else, so that small networks run them side by side on rayon's threads, and
/// so the two discriminators; large ones have work enough for all threads in each operation and need only the memory of
/// one way. The gradients are added in a fixed order: results depend neither on that nor on the number of threads.
///
/// # Errors
/// Failures of the networks.
pub fn train_step(
    model: &mut CycleGan,
    real: (&Tensor, &Tensor),
    pools: &mut (ImagePool, ImagePool),
    weights: &LossWeights,
    adam: AdamConfig,
    rng: &mut impl Rng,
) -> Result<Losses, TrainError> {
    let (real_a, real_b) = real;
    let there_and_back = |way, real| -> Result<_, TrainError> {
        let pass = cycle_pass(model, way, real, weights)?;
        let gradients = pass.total.backward()?;
        let identity = pass.identity.as_ref().map(number).transpose()?.unwrap_or(0.0);
        // Numbers and a detached image only: what holds on to the graph holds on to its memory.
        let losses = [number(&pass.adversarial)?, number(&pass.cycle)?, identity];
        Ok((gradients, pass.fake.detach(), losses))
    };
    let (_, _, height, width) = real_a.dims4()?;
    let small = model.g_ab.config().ngf * height * width <= SIDE_BY_SIDE_VALUES;
    let (ab, ba) = both(small, || there_and_back(Way::AToB, real_a), || there_and_back(Way::BToA, real_b));
    let ((gradients_ab, fake_b, losses_ab), (gradients_ba, fake_a, losses_ba)) = (ab?, ba?);
    for (_, optimizer) in &mut model.adam[..2] {
        optimizer.update(&[&gradients_ab, &gradients_ba], adam)?;
    }
    drop((gradients_ab, gradients_ba));

    let pooled_a = query(&mut pools.0, &fake_a, rng)?;
    let pooled_b = query(&mut pools.1, &fake_b, rng)?;
    let judge = |judge, real, fake| -> Result<_, TrainError> {
        let loss = discriminator_loss(judge, real, fake)?;
        Ok((loss.backward()?, number(&loss)?))
    };
    let (a, b) =
        both(small, || judge(&model.d_a, real_a, &pooled_a), || judge(&model.d_b, real_b, &pooled_b));
    let ((gradients_a, d_a), (gradients_b, d_b)) = (a?, b?);
    model.adam[2].1.update(&[&gradients_a], adam)?;
    model.adam[3].1.update(&[&gradients_b], adam)?;
    let ([adversarial_ab, cycle_a, identity_a], [adversarial_ba, cycle_b, identity_b]) =
        (losses_ab, losses_ba);
    Ok(Losses { adversarial_ab, adversarial_ba, cycle_a, cycle_b, identity_a, identity_b, d_a, d_b })
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

fn number(scalar: &Tensor) -> Result<f32, TrainError> {
    Ok(scalar.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?)
}

/// Passes a batch through a pool image by image.
fn query(pool: &mut ImagePool, batch: &Tensor, rng: &mut impl Rng) -> Result<Tensor, TrainError> {
    let images = (0..batch.dim(0)?)
        .map(|i| Ok(pool.query(&batch.narrow(0, i, 1)?.contiguous()?, rng)))
        .collect::<Result<Vec<_>, TrainError>>()?;
    Ok(Tensor::cat(&images, 0)?)
}
