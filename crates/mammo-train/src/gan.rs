use candle_core::{Result, Tensor};
use mammo_ops::{hinge_loss, least_squares_loss, logistic_loss};
use serde::{Deserialize, Serialize};

/// The adversarial loss: what a discriminator learns to say, and what its generator wants it to say.
///
/// With logits `r` of real images and `f` of fakes, `s` the logistic function, and means over all places:
///
/// | mode | discriminator | generator |
/// |---|---|---|
/// | least squares | `((r - 1)^2 + f^2) / 2` | `(f - 1)^2` |
/// | log | `-(log s(r) + log(1 - s(f))) / 2` | `-log s(f)` |
/// | minimax | as log | `log(1 - s(f))` |
/// | hinge | `(max(0, 1 - r) + max(0, 1 + f)) / 2` | `-f` |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GanMode {
    /// Mao et al. (arXiv 1611.04076), as in Zhu and in Becker's code.
    #[default]
    LeastSquares,
    /// Goodfellow et al. (arXiv 1406.2661) with the generator's loss that they advise, which does not vanish when the
    /// discriminator wins.
    Log,
    /// The same to the letter of their equation 1, which is the seed report's equation 2: the generator minimises what the
    /// discriminator maximises.
    Minimax,
    /// Lim and Ye (arXiv 1705.02894), the usual companion of spectral norm.
    Hinge,
}

impl GanMode {
    /// The generator's loss of its discriminator's logits, a scalar.
    pub(crate) fn generator_loss(self, fake: &Tensor) -> Result<Tensor> {
        match self {
            Self::LeastSquares => least_squares_loss(fake, 1.0),
            Self::Log => cross_entropy(fake, 1.0),
            Self::Minimax => cross_entropy(fake, 0.0)?.neg(),
            Self::Hinge => fake.mean_all()?.neg(),
        }
    }

    /// The discriminator's loss of its logits of real images and of fakes, a scalar; half of the sum of both, as in Zhu.
    pub(crate) fn discriminator_loss(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let (on_real, on_fake) = match self {
            Self::LeastSquares => (least_squares_loss(real, 1.0)?, least_squares_loss(fake, 0.0)?),
            Self::Log | Self::Minimax => (cross_entropy(real, 1.0)?, cross_entropy(fake, 0.0)?),
            Self::Hinge => (hinge_loss(real, 1.0)?, hinge_loss(fake, -1.0)?),
        };
        (on_real + on_fake)?.affine(0.5, 0.0)
    }

    /// The loss of a discriminator that says the same of everything, in the best case: what its loss is measured against.
    pub(crate) fn chance_loss(self) -> f64 {
        match self {
            Self::LeastSquares => 0.25,
            Self::Log | Self::Minimax => std::f64::consts::LN_2,
            Self::Hinge => 1.0,
        }
    }
}

fn cross_entropy(logits: &Tensor, target: f64) -> Result<Tensor> {
    let ones = logits.ones_like()?;
    logistic_loss(logits, &ones.affine(target, 0.0)?, &ones)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    const ALL: [GanMode; 4] = [GanMode::LeastSquares, GanMode::Log, GanMode::Minimax, GanMode::Hinge];

    fn var(values: &[f64]) -> Var {
        Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()
    }

    fn number(scalar: &Tensor) -> f64 {
        scalar.to_scalar().unwrap()
    }

    #[test]
    fn the_table_holds() {
        let (real, fake) = (var(&[1.5, -0.5]), var(&[0.25, -2.0]));
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        let mean = |f: &dyn Fn(f64) -> f64, v: [f64; 2]| f64::midpoint(f(v[0]), f(v[1]));
        let (r, f) = ([1.5, -0.5], [0.25, -2.0]);
        let log = f64::midpoint(mean(&|x| -s(x).ln(), r), mean(&|x| -(1.0 - s(x)).ln(), f));
        let expected = [
            (
                f64::midpoint(mean(&|x| (x - 1.0).powi(2), r), mean(&|x| x * x, f)),
                mean(&|x| (x - 1.0).powi(2), f),
            ),
            (log, mean(&|x| -s(x).ln(), f)),
            (log, mean(&|x| (1.0 - s(x)).ln(), f)),
            (
                f64::midpoint(mean(&|x| (1.0 - x).max(0.0), r), mean(&|x| (1.0 + x).max(0.0), f)),
                mean(&|x| -x, f),
            ),
        ];
        for (mode, (of_discriminator, of_generator)) in ALL.into_iter().zip(expected) {
            let ours = number(&mode.discriminator_loss(&real, &fake).unwrap());
            assert!((ours - of_discriminator).abs() < 1e-12, "{mode:?} {ours} {of_discriminator}");
            let ours = number(&mode.generator_loss(&fake).unwrap());
            assert!((ours - of_generator).abs() < 1e-12, "{mode:?} {ours} {of_generator}");
        }
    }

    #[test]
    fn every_generator_wants_larger_logits_and_every_discriminator_tells_them_apart() {
        for mode in ALL {
            // Between what the modes want of both.
            let (real, fake) = (var(&[0.1, -0.3]), var(&[0.2, 0.4]));
            let slopes =
                |loss: Tensor, of: &Var| loss.backward().unwrap().get(of).unwrap().to_vec1::<f64>().unwrap();
            assert!(slopes(mode.generator_loss(&fake).unwrap(), &fake).iter().all(|g| *g < 0.0), "{mode:?}");
            let judged = || mode.discriminator_loss(&real, &fake).unwrap();
            assert!(slopes(judged(), &real).iter().all(|g| *g < 0.0), "{mode:?}");
            assert!(slopes(judged(), &fake).iter().all(|g| *g > 0.0), "{mode:?}");
            // One answer to everything is no better than chance.
            let same = var(&[0.37, 0.37]);
            assert!(number(&mode.discriminator_loss(&same, &same).unwrap()) >= mode.chance_loss() - 1e-12);
        }
    }
}
