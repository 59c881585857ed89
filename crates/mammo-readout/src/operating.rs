//! Single operating points of a ROC curve.

use crate::{ReadoutError, RocCurve, RocPoint, interval::in_range, normal};
use serde::{Deserialize, Serialize};

/// Sensitivity where the specificity is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SensitivityAt {
    /// The specificity asked for.
    pub specificity: f64,
    /// Sensitivity on the straight line between the neighbouring operating points; at a vertical step, its top. It
    /// may take a threshold that decides by lot between two ratings.
    pub interpolated: f64,
    /// The operating point of the highest sensitivity whose specificity is at least that asked for.
    pub reached: RocPoint,
}

/// A ratio with its confidence interval on the log scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// Limits; none where a count of zero leaves no variance.
    pub ci: Option<(f64, f64)>,
}

/// Likelihood ratios of an operating point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodRatios {
    /// `sensitivity / (1 - specificity)`; none where no negative image is called positive.
    pub positive: Option<Ratio>,
    /// `(1 - sensitivity) / specificity`; none where every negative image is called positive.
    pub negative: Option<Ratio>,
}

impl RocCurve {
    /// Sensitivity at a specificity in `[0, 1]`.
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] otherwise.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let positive = [false, false, false, false, true, true, true, true];
    /// let curve = RocCurve::new(&[1.0, 2.0, 3.0, 5.0, 3.0, 4.0, 5.0, 6.0], &positive)?;
    /// assert!((curve.sensitivity_at(0.75)?.interpolated - 0.75).abs() < 1e-12);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn sensitivity_at(&self, specificity: f64) -> Result<SensitivityAt, ReadoutError> {
        in_range("the specificity", specificity, (0.0..=1.0).contains(&specificity), "in [0, 1]")?;
        // One minus a share of the negatives may miss it by rounding.
        let rate = 1.0 - specificity + 1e-12;
        let beyond = self.points.partition_point(|p| p.false_positive_rate <= rate);
        // The first point has a rate of zero, so that one is always reached.
        let reached = self.points[beyond - 1];
        let interpolated = self.points.get(beyond).map_or(reached.true_positive_rate, |next| {
            let (x0, y0) = (reached.false_positive_rate, reached.true_positive_rate);
            let step = (rate - 1e-12 - x0).max(0.0) / (next.false_positive_rate - x0);
            y0 + step * (next.true_positive_rate - y0)
        });
        Ok(SensitivityAt { specificity, interpolated, reached })
    }

    /// The operating points with the largest `sensitivity + specificity - 1` (Youden, Cancer 1950;3:32), which is
    /// returned first. Several points may share it; choosing among them is not the statistic's business.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let positive = [false, false, false, false, true, true, true, true];
    /// let curve = RocCurve::new(&[1.0, 2.0, 3.0, 5.0, 3.0, 4.0, 5.0, 6.0], &positive)?;
    /// let (index, points) = curve.youden();
    /// // Thresholds 4 and 3 are equally good.
    /// assert_eq!((index, points.len()), (0.5, 2));
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn youden(&self) -> (f64, Vec<RocPoint>) {
        let index = |p: &RocPoint| p.true_positive_rate - p.false_positive_rate;
        let best = self.points.iter().map(index).fold(f64::NEG_INFINITY, f64::max);
        (best, self.points.iter().filter(|p| index(p) >= best - 1e-12).copied().collect())
    }

    /// The operating point where images rated at least `threshold` are called positive.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let curve = RocCurve::new(&[1.0, 2.0, 2.0, 3.0], &[false, false, true, true])?;
    /// assert_eq!(curve.at_threshold(2.0).false_positive_rate, 0.5);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn at_threshold(&self, threshold: f64) -> RocPoint {
        let reached = self.points.partition_point(|p| p.threshold.is_none_or(|t| t >= threshold));
        self.points[reached.max(1) - 1]
    }

    /// Likelihood ratios of one of this curve's points, with intervals of the given level (Simel, Samsa and Matchar,
    /// Journal of Clinical Epidemiology 1991;44:763): `ln LR ± z √(1/x - 1/m + 1/y - 1/n)` for counts `x` of `m` and
    /// `y` of `n`.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let positive = [false, false, false, true, true, true];
    /// let curve = RocCurve::new(&[1.0, 2.0, 4.0, 3.0, 4.0, 5.0], &positive)?;
    /// let ratios = curve.likelihood_ratios(&curve.at_threshold(4.0), 0.95)?;
    /// assert!((ratios.positive.unwrap().value - 2.0).abs() < 1e-12);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] when the level is not inside `(0, 1)`.
    pub fn likelihood_ratios(&self, point: &RocPoint, level: f64) -> Result<LikelihoodRatios, ReadoutError> {
        in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
        let z = normal::quantile(0.5 + level / 2.0);
        let (m, n) = (self.n_pos as f64, self.n_neg as f64);
        let ratio = |of_positives: f64, of_negatives: f64| {
            if of_negatives <= 0.0 {
                return None;
            }
            let value = of_positives / of_negatives;
            let ci = (of_positives > 0.0).then(|| {
                let variance =
                    (1.0 - of_positives) / (of_positives * m) + (1.0 - of_negatives) / (of_negatives * n);
                let half = z * variance.max(0.0).sqrt();
                (value * (-half).exp(), value * half.exp())
            });
            Some(Ratio { value, ci })
        };
        let (tpr, fpr) = (point.true_positive_rate, point.false_positive_rate);
        Ok(LikelihoodRatios { positive: ratio(tpr, fpr), negative: ratio(1.0 - tpr, 1.0 - fpr) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> RocCurve {
        // Negatives 1 2 3 5, positives 3 4 5 6.
        let ratings = [1.0, 2.0, 3.0, 5.0, 3.0, 4.0, 5.0, 6.0];
        RocCurve::new(&ratings, &[false, false, false, false, true, true, true, true]).unwrap()
    }

    #[test]
    fn a_fixed_specificity_is_read_between_points_or_at_the_last_that_keeps_it() {
        let at = curve().sensitivity_at(0.75).unwrap();
        assert_eq!((at.interpolated, at.reached.threshold), (0.75, Some(4.0)));
        let at = curve().sensitivity_at(0.625).unwrap();
        assert!((at.interpolated - 0.875).abs() < 1e-12 && at.reached.true_positive_rate == 0.75);
        assert_eq!(curve().sensitivity_at(1.0).unwrap().reached.threshold, Some(6.0));
        assert_eq!(curve().sensitivity_at(0.0).unwrap().interpolated, 1.0);
        assert!(curve().sensitivity_at(1.5).is_err());
    }

    #[test]
    fn all_best_points_are_named() {
        let (index, points) = curve().youden();
        let thresholds: Vec<_> = points.iter().map(|p| p.threshold.unwrap()).collect();
        assert_eq!((index, thresholds), (0.5, vec![4.0, 3.0]));
    }

    #[test]
    fn ratios_without_a_denominator_are_none() {
        let curve = curve();
        let strict = curve.likelihood_ratios(&curve.at_threshold(6.0), 0.95).unwrap();
        assert!(strict.positive.is_none() && strict.negative.unwrap().value == 0.75);
        let lax = curve.likelihood_ratios(&curve.at_threshold(0.0), 0.95).unwrap();
        assert!(lax.negative.is_none() && lax.positive.unwrap().value == 1.0);
        assert_eq!(curve.at_threshold(7.0).threshold, None);
    }
}
