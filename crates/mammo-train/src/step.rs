use candle_core::Tensor;
use mammo_ops::{AdamConfig, l1_loss, least_squares_loss};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::config::LossWeights;
use crate::{CycleGan, ImagePool, TrainError};

/// What the generators make of one pair of batches.
pub struct Passes {
    /// `g_ab(real_a)`.
    pub fake_b: Tensor,
    /// `g_ba(real_b)`.
    pub fake_a: Tensor,
    /// `g_ba(fake_b)`.
    pub rec_a: Tensor,
    /// `g_ab(fake_a)`.
    pub rec_b: Tensor,
    /// The generators' losses by name, as they are weighted, and their sum last.
    pub losses: GeneratorLosses,
}

/// Scalars that take part in gradients.
pub struct GeneratorLosses {
    /// Mean of `(d_b(fake_b) - 1)^2`.
    pub adversarial_ab: Tensor,
    /// Mean of `(d_a(fake_a) - 1)^2`.
    pub adversarial_ba: Tensor,
    /// Weighted mean of `|rec_a - real_a|`.
    pub cycle_a: Tensor,
    /// Weighted mean of `|rec_b - real_b|`.
    pub cycle_b: Tensor,
    /// Weighted means of `|g_ba(real_a) - real_a|` and `|g_ab(real_b) - real_b|`, if they count.
    pub identity: Option<(Tensor, Tensor)>,
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

/// Runs both generators both ways and forms their losses, with the discriminators frozen (the seed report's equations
/// 3 and 4, with the least-squares adversarial loss that the study's code uses instead of equation 2).
///
/// # Errors
/// Failures of the networks.
pub fn generator_losses(
    model: &CycleGan,
    real_a: &Tensor,
    real_b: &Tensor,
    weights: &LossWeights,
) -> Result<Passes, TrainError> {
    let fake_b = model.g_ab.forward(real_a)?;
    let fake_a = model.g_ba.forward(real_b)?;
    let rec_a = model.g_ba.forward(&fake_b)?;
    let rec_b = model.g_ab.forward(&fake_a)?;
    let adversarial_ab = least_squares_loss(&model.d_b.forward_frozen(&fake_b)?, 1.0)?;
    let adversarial_ba = least_squares_loss(&model.d_a.forward_frozen(&fake_a)?, 1.0)?;
    let cycle_a = l1_loss(&rec_a, real_a)?.affine(weights.lambda_cycle, 0.0)?;
    let cycle_b = l1_loss(&rec_b, real_b)?.affine(weights.lambda_cycle, 0.0)?;
    let mut total = (((&adversarial_ab + &adversarial_ba)? + &cycle_a)? + &cycle_b)?;
    let identity = if weights.lambda_identity > 0.0 {
        let weight = weights.lambda_cycle * weights.lambda_identity;
        let a = l1_loss(&model.g_ba.forward(real_a)?, real_a)?.affine(weight, 0.0)?;
        let b = l1_loss(&model.g_ab.forward(real_b)?, real_b)?.affine(weight, 0.0)?;
        total = ((total + &a)? + &b)?;
        Some((a, b))
    } else {
        None
    };
    let losses = GeneratorLosses { adversarial_ab, adversarial_ba, cycle_a, cycle_b, identity, total };
    Ok(Passes { fake_b, fake_a, rec_a, rec_b, losses })
}

/// The losses of `d_a` and `d_b`: half the least squares of real images against 1 and of fakes against 0.
///
/// # Errors
/// Failures of the networks.
pub fn discriminator_losses(
    model: &CycleGan,
    real: (&Tensor, &Tensor),
    fake: (&Tensor, &Tensor),
) -> Result<(Tensor, Tensor), TrainError> {
    let loss = |d: &mammo_models::NLayerDiscriminator, real: &Tensor, fake: &Tensor| {
        let on_real = least_squares_loss(&d.forward(real)?, 1.0)?;
        let on_fake = least_squares_loss(&d.forward(&fake.detach())?, 0.0)?;
        Ok::<_, TrainError>((on_real + on_fake)?.affine(0.5, 0.0)?)
    };
    Ok((loss(&model.d_a, real.0, fake.0)?, loss(&model.d_b, real.1, fake.1)?))
}

/// One update in Zhu's order: both generators together against frozen discriminators, then both discriminators on the
/// same fakes, which were made before the generators moved and pass through the pools (`fake_a`, `fake_b`).
///
/// # Errors
/// Failures of the networks.
pub fn train_step(
    model: &mut CycleGan,
    real: (&Tensor, &Tensor),
    pools: (&mut ImagePool, &mut ImagePool),
    weights: &LossWeights,
    adam: AdamConfig,
    rng: &mut impl Rng,
) -> Result<Losses, TrainError> {
    let (real_a, real_b) = real;
    let Passes { fake_b, fake_a, losses, .. } = generator_losses(model, real_a, real_b, weights)?;
    let gradients = losses.total.backward()?;
    for (_, optimizer) in &mut model.adam[..2] {
        optimizer.update(&gradients, adam)?;
    }
    drop(gradients);

    let pooled_a = query(pools.0, &fake_a, rng)?;
    let pooled_b = query(pools.1, &fake_b, rng)?;
    let (d_a, d_b) = discriminator_losses(model, (real_a, real_b), (&pooled_a, &pooled_b))?;
    let gradients = (&d_a + &d_b)?.backward()?;
    for (_, optimizer) in &mut model.adam[2..] {
        optimizer.update(&gradients, adam)?;
    }

    // Read as plain numbers: a loss kept as a tensor would keep its whole graph alive.
    let read = |t: &Tensor| -> Result<f32, TrainError> {
        Ok(t.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?)
    };
    let (identity_a, identity_b) = match &losses.identity {
        Some((a, b)) => (read(a)?, read(b)?),
        None => (0.0, 0.0),
    };
    Ok(Losses {
        adversarial_ab: read(&losses.adversarial_ab)?,
        adversarial_ba: read(&losses.adversarial_ba)?,
        cycle_a: read(&losses.cycle_a)?,
        cycle_b: read(&losses.cycle_b)?,
        identity_a,
        identity_b,
        d_a: read(&d_a)?,
        d_b: read(&d_b)?,
    })
}

/// Passes a batch through a pool image by image.
fn query(pool: &mut ImagePool, batch: &Tensor, rng: &mut impl Rng) -> Result<Tensor, TrainError> {
    let images = (0..batch.dim(0)?)
        .map(|i| Ok(pool.query(&batch.narrow(0, i, 1)?.contiguous()?, rng)))
        .collect::<Result<Vec<_>, TrainError>>()?;
    Ok(Tensor::cat(&images, 0)?)
}
