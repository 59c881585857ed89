use super::{check_alpha, check_power, critical, in_range, phi};
use crate::{mrmc::MrmcError, normal};
use serde::{Deserialize, Serialize};

/// Two ROC curves on the same cases, planned from a pilot: `V₀ = 2 var(a) - 2 cov` under the null hypothesis that both
/// curves are that of `a`, and `V = var(a) + var(b) - 2 cov` (Obuchowski and McClish, Statistics in Medicine 1997;16:1529).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedRoc {
    /// Difference of the AUCs, not zero.
    pub difference: f64,
    /// Variance of the first AUC in the pilot.
    pub var_a: f64,
    /// Variance of the second AUC in the pilot.
    pub var_b: f64,
    /// Their covariance in the pilot.
    pub covariance: f64,
    /// Positive cases of the pilot; the ratio of negatives to positives is kept.
    pub pilot_positives: f64,
    /// Significance level.
    pub alpha: f64,
    /// Whether the level is split over both tails.
    pub two_sided: bool,
}

impl PairedRoc {
    fn variances(&self) -> Result<(f64, f64), MrmcError> {
        check_alpha(self.alpha)?;
        in_range(
            "the difference",
            self.difference,
            self.difference != 0.0 && self.difference.abs() < 1.0,
            "in (-1, 1) and not 0",
        )?;
        in_range(
            "the pilot's number of positive cases",
            self.pilot_positives,
            self.pilot_positives > 0.0,
            "above 0",
        )?;
        let null = 2.0 * (self.var_a - self.covariance);
        let own = self.var_a + self.var_b - 2.0 * self.covariance;
        in_range(
            "the variance under the null hypothesis",
            null,
            null > 0.0,
            "above 0: the covariance is too large",
        )?;
        in_range("the variance of the difference", own, own > 0.0, "above 0: the covariance is too large")?;
        Ok((null, own))
    }

    /// Power with this number of positive cases.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::PairedRoc;
    ///
    /// let pilot = PairedRoc {
    ///     difference: 0.1, var_a: 0.003, var_b: 0.002, covariance: 0.0012, pilot_positives: 40.0, alpha: 0.05,
    ///     two_sided: true,
    /// };
    /// let needed = pilot.positives_for(0.8)?;
    /// assert!((pilot.power(needed)? - 0.8).abs() < 1e-9);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn power(&self, positives: f64) -> Result<f64, MrmcError> {
        let (null, own) = self.variances()?;
        in_range("the number of positive cases", positives, positives >= 2.0, "2 or more")?;
        let scale = (self.pilot_positives / positives).sqrt();
        let z = critical(self.alpha, self.two_sided);
        Ok(phi((self.difference.abs() - z * null.sqrt() * scale) / (own.sqrt() * scale)))
    }

    /// Positive cases for a power; not rounded.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::PairedRoc;
    /// let pilot = PairedRoc {
    ///     difference: 0.1, var_a: 0.003, var_b: 0.002, covariance: 0.0012, pilot_positives: 40.0, alpha: 0.05,
    ///     two_sided: true,
    /// };
    /// assert!(pilot.positives_for(0.9)? > pilot.positives_for(0.8)?);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn positives_for(&self, power: f64) -> Result<f64, MrmcError> {
        let (null, own) = self.variances()?;
        check_power(power)?;
        let sum = critical(self.alpha, self.two_sided) * null.sqrt() + normal::quantile(power) * own.sqrt();
        Ok((sum / self.difference).powi(2) * self.pilot_positives)
    }
}
