use super::{check_alpha, check_auc, check_power, critical, in_range, phi};
use crate::{mrmc::MrmcError, normal};
use serde::{Deserialize, Serialize};

/// Obuchowski's variance function of a binormal AUC,
/// `V = 0.0099 e^(-A²/2) (5 A² + 8 + (A² + 8) / κ)` for `κ` negatives a positive, with `A = √2 Φ⁻¹(AUC)`
/// (Obuchowski and McClish, Statistics in Medicine 1997;16:1529).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinormalVariance {
    /// `√2` to all digits.
    #[default]
    Exact,
    /// `√2` as 1.414, as the papers print it and other programs have it; for comparison with them.
    AsPrinted,
}

impl BinormalVariance {
    /// `n_pos` times the variance.
    pub(crate) fn of(self, auc: f64, kappa: f64) -> f64 {
        let root = match self {
            Self::Exact => std::f64::consts::SQRT_2,
            Self::AsPrinted => 1.414,
        };
        let a = root * normal::quantile(auc);
        0.0099 * (-a * a / 2.0).exp() * (5.0 * a * a + 8.0 + (a * a + 8.0) / kappa)
    }
}

/// One ROC curve against chance, by `z = (√n_pos |AUC - 1/2| - z_α √V(1/2)) / √V(AUC)` (Obuchowski, Lieber and Wians,
/// Clinical Chemistry 2004;50:1118).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SingleRoc {
    /// The true AUC, in `(0, 1)` and not one half.
    pub auc: f64,
    /// Significance level.
    pub alpha: f64,
    /// Whether the level is split over both tails.
    pub two_sided: bool,
    /// The variance function.
    pub variance: BinormalVariance,
}

impl SingleRoc {
    fn check(&self) -> Result<(), MrmcError> {
        check_alpha(self.alpha)?;
        check_auc(self.auc)?;
        in_range(
            "the AUC",
            self.auc,
            self.auc != 0.5,
            "different from one half, which is the null hypothesis",
        )
    }

    /// Power at these numbers of cases, at least 2 each.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{BinormalVariance, SingleRoc};
    /// let reader = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
    /// assert!((reader.power(30.0, 30.0)? - 0.60).abs() < 0.01);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn power(&self, n_pos: f64, n_neg: f64) -> Result<f64, MrmcError> {
        self.check()?;
        in_range("the number of positive cases", n_pos, n_pos >= 2.0, "2 or more")?;
        in_range("the number of negative cases", n_neg, n_neg >= 2.0, "2 or more")?;
        let kappa = n_neg / n_pos;
        let distance = n_pos.sqrt() * (self.auc - 0.5).abs();
        let z = critical(self.alpha, self.two_sided);
        Ok(phi(
            (distance - z * self.variance.of(0.5, kappa).sqrt()) / self.variance.of(self.auc, kappa).sqrt()
        ))
    }

    /// Positive cases for a power, with `kappa` negatives a positive; not rounded.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{BinormalVariance, SingleRoc};
    /// let reader = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
    /// assert_eq!(reader.positives_for(0.8, 1.0)?.ceil(), 48.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn positives_for(&self, power: f64, kappa: f64) -> Result<f64, MrmcError> {
        self.check()?;
        check_power(power)?;
        in_range(
            "the ratio of negative to positive cases",
            kappa,
            kappa > 0.0 && kappa.is_finite(),
            "above 0",
        )?;
        let z = critical(self.alpha, self.two_sided);
        let sum = z * self.variance.of(0.5, kappa).sqrt()
            + normal::quantile(power) * self.variance.of(self.auc, kappa).sqrt();
        Ok((sum / (self.auc - 0.5)).powi(2))
    }

    /// The significance level at which the design has a power.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{BinormalVariance, SingleRoc};
    /// let reader = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
    /// let alpha = reader.alpha_for(0.8, 30.0, 30.0)?;
    /// assert!((SingleRoc { alpha, ..reader }.power(30.0, 30.0)? - 0.8).abs() < 1e-9);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn alpha_for(&self, power: f64, n_pos: f64, n_neg: f64) -> Result<f64, MrmcError> {
        self.power(n_pos, n_neg)?;
        check_power(power)?;
        let kappa = n_neg / n_pos;
        let distance = n_pos.sqrt() * (self.auc - 0.5).abs();
        let z = (distance - normal::quantile(power) * self.variance.of(self.auc, kappa).sqrt())
            / self.variance.of(0.5, kappa).sqrt();
        let tail = 1.0 - phi(z);
        Ok(if self.two_sided { 2.0 * tail } else { tail })
    }

    /// The AUC above one half that the design detects with a power, by bisection; none when no AUC below 1 is.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{BinormalVariance, SingleRoc};
    /// let reader = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
    /// let auc = reader.detectable(0.8, 30.0, 30.0)?.unwrap();
    /// assert!((SingleRoc { auc, ..reader }.power(30.0, 30.0)? - 0.8).abs() < 1e-9);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn detectable(self, power: f64, n_pos: f64, n_neg: f64) -> Result<Option<f64>, MrmcError> {
        check_power(power)?;
        let (mut low, mut high) = (0.5 + 1e-12, 1.0 - 1e-12);
        let at = |auc| Self { auc, ..self }.power(n_pos, n_neg);
        if at(high)? < power {
            return Ok(None);
        }
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if at(middle)? < power { low = middle } else { high = middle }
        }
        Ok(Some(f64::midpoint(low, high)))
    }
}
