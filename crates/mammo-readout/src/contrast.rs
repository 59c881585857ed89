//! Several AUCs on the same images, their covariance, and tests of linear contrasts.

use crate::{
    AucEstimate, Interval, ReadoutError,
    auc::{Placements, Truth, check_lengths},
    delong::{at_least_two, estimate},
    distribution::chi_square as chi_square_distribution,
    interval::in_range,
    normal, symmetric,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// AUCs of several curves on the same images with their covariance matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelatedAucs {
    /// One AUC a curve, with its DeLong standard error and interval.
    pub estimates: Vec<AucEstimate>,
    /// `covariance[i][j]` of AUCs `i` and `j`; symmetric, the squares of the standard errors on its diagonal.
    pub covariance: Vec<Vec<f64>>,
}

/// One row of a contrast: a weighted sum of the AUCs against zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ContrastEstimate {
    /// The weighted sum.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// `value / se`; zero where both are zero.
    pub z: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// Lower confidence limit, `value - z se`.
    pub ci_low: f64,
    /// Upper confidence limit.
    pub ci_high: f64,
}

/// A joint test that all rows of a contrast are zero, and the rows one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastTest {
    /// The rows, in the order given; their p-values are not corrected for their number.
    pub rows: Vec<ContrastEstimate>,
    /// `θ' L' (L S L')⁻ L θ`.
    pub chi_square: f64,
    /// Rank of `L S L'`: rows that follow from others do not count.
    pub df: usize,
    /// P(chi-square with `df` >= `chi_square`).
    pub p: f64,
    /// Two-sided coverage of the limits in `rows`.
    pub level: f64,
}

/// DeLong's covariance for any number of curves: entry `i` of each curve and of `positive` belongs to one image
/// (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837, equations 4 to 6). The curves are placed in parallel;
/// the result does not depend on the number of threads.
///
/// ```
/// use mammo_readout::{Interval, delong_curves};
/// let positive = [false, false, false, true, true, true];
/// let curves: [&[f64]; 3] =
///     [&[1.0, 2.0, 3.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 4.0, 2.0, 5.0], &[1.0, 3.0, 2.0, 3.0, 2.0, 1.0]];
/// let aucs = delong_curves(&curves, &positive, Interval::default())?;
/// let test = aucs.all_equal(0.95)?;
/// assert_eq!(test.df, 2);
/// assert!(test.p > 0.0 && test.p < 1.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when there is no curve, a list differs in length, a rating is not finite, or a class has fewer
/// than two images.
pub fn delong_curves(
    curves: &[&[f64]],
    positive: &[bool],
    interval: Interval,
) -> Result<CorrelatedAucs, ReadoutError> {
    if curves.is_empty() {
        return Err(ReadoutError::TooFewOf { what: "curves", found: 0, least: 1 });
    }
    let truth = Truth::new(positive)?;
    at_least_two(truth.positive_at.len(), truth.negative_at.len())?;
    let placed: Vec<Placements> = curves
        .par_iter()
        .map(|ratings| truth.split(ratings).map(|c| Placements::new(&c)))
        .collect::<Result<_, _>>()?;
    let covariance = placed
        .iter()
        .map(|a| {
            placed
                .iter()
                .map(|b| {
                    mean_covariance(&a.v10, a.auc, &b.v10, b.auc)
                        + mean_covariance(&a.v01, a.auc, &b.v01, b.auc)
                })
                .collect()
        })
        .collect();
    let estimates = placed.iter().map(|p| estimate(p, interval)).collect::<Result<_, _>>()?;
    Ok(CorrelatedAucs { estimates, covariance })
}

/// Sample covariance of two lists with known means, divided by their length.
fn mean_covariance(a: &[f64], mean_a: f64, b: &[f64], mean_b: f64) -> f64 {
    let n = a.len() as f64;
    a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum::<f64>() / (n - 1.0) / n
}

impl CorrelatedAucs {
    /// Tests that every row of weights, one weight a curve, gives zero. `level` is the two-sided coverage of the
    /// limits of single rows.
    ///
    /// # Errors
    /// [`ReadoutError`] when there is no row, a row has another length than the curves, a weight is not finite, the
    /// level is not inside `(0, 1)`, or a combination of rows differs from zero but has no variance, so that no
    /// chi-square exists (as when both AUCs of a difference are 0 or 1).
    ///
    /// ```
    /// use mammo_readout::{Interval, delong_curves};
    /// let positive = [false, false, false, true, true, true];
    /// let curves: [&[f64]; 3] =
    ///     [&[1.0, 2.0, 3.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 4.0, 2.0, 5.0], &[1.0, 3.0, 2.0, 3.0, 2.0, 1.0]];
    /// let aucs = delong_curves(&curves, &positive, Interval::default())?;
    /// // The first curve against the mean of the others.
    /// let test = aucs.contrast(&[vec![1.0, -0.5, -0.5]], 0.95)?;
    /// assert_eq!(test.df, 1);
    /// assert!((test.rows[0].z.powi(2) - test.chi_square).abs() < 1e-9);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn contrast(&self, rows: &[Vec<f64>], level: f64) -> Result<ContrastTest, ReadoutError> {
        in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
        if rows.is_empty() {
            return Err(ReadoutError::TooFewOf { what: "rows of the contrast", found: 0, least: 1 });
        }
        for row in rows {
            check_lengths("a row of the contrast", row.len(), "the list of curves", self.estimates.len())?;
            for &weight in row {
                in_range("a weight of the contrast", weight, weight.is_finite(), "among the finite numbers")?;
            }
        }
        let values: Vec<f64> =
            rows.iter().map(|r| r.iter().zip(&self.estimates).map(|(w, e)| w * e.auc).sum()).collect();
        let covariance: Vec<Vec<f64>> =
            rows.iter().map(|r| rows.iter().map(|c| self.quadratic(r, c)).collect()).collect();
        let quantile = normal::quantile(0.5 + level / 2.0);
        let singles = values
            .iter()
            .enumerate()
            .map(|(i, &value)| {
                let scale: f64 = rows[i].iter().enumerate().map(|(j, w)| w * w * self.covariance[j][j]).sum();
                let variance = covariance[i][i];
                let se = if variance <= 1e-13 * scale { 0.0 } else { variance.sqrt() };
                let value = if value.abs() < 1e-14 { 0.0 } else { value };
                if se == 0.0 && value != 0.0 {
                    return Err(NO_VARIANCE);
                }
                let z = if se == 0.0 { 0.0 } else { value / se };
                let (ci_low, ci_high) = (value - quantile * se, value + quantile * se);
                Ok(ContrastEstimate { value, se, z, p: normal::two_sided_p(z), ci_low, ci_high })
            })
            .collect::<Result<_, _>>()?;
        let (chi_square, df) = symmetric::inverse_form(&covariance, &values).ok_or(NO_VARIANCE)?;
        // No rows that differ leave nothing to test.
        let p = if df == 0 { 1.0 } else { chi_square_distribution::survival(chi_square, df as f64)? };
        Ok(ContrastTest { rows: singles, chi_square, df, p, level })
    }

    /// Each other curve less the curve `reference` (counted from 0), as SAS `ROCCONTRAST REFERENCE`.
    ///
    /// # Errors
    /// As [`Self::contrast`]; [`ReadoutError::TooFewOf`] when there is no such curve or no other.
    ///
    /// ```
    /// use mammo_readout::{Interval, delong_curves};
    /// let positive = [false, false, false, true, true, true];
    /// let curves: [&[f64]; 3] =
    ///     [&[1.0, 2.0, 3.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 4.0, 2.0, 5.0], &[1.0, 3.0, 2.0, 3.0, 2.0, 1.0]];
    /// let aucs = delong_curves(&curves, &positive, Interval::default())?;
    /// let test = aucs.against(2, 0.95)?;
    /// assert!((test.rows[0].value - (aucs.estimates[0].auc - aucs.estimates[2].auc)).abs() < 1e-12);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn against(&self, reference: usize, level: f64) -> Result<ContrastTest, ReadoutError> {
        let k = self.estimates.len();
        if k < 2 || reference >= k {
            return Err(ReadoutError::TooFewOf { what: "curves", found: k, least: (reference + 1).max(2) });
        }
        let weight = |row: usize, column: usize| {
            f64::from(u8::from(row == column)) - f64::from(u8::from(column == reference))
        };
        let rows: Vec<Vec<f64>> = (0..k)
            .filter(|&row| row != reference)
            .map(|row| (0..k).map(|column| weight(row, column)).collect())
            .collect();
        self.contrast(&rows, level)
    }

    /// Tests that all AUCs are equal; the rows are the differences from the first curve.
    ///
    /// # Errors
    /// As [`Self::against`].
    ///
    /// ```
    /// use mammo_readout::{Interval, delong_curves};
    /// let positive = [false, false, false, true, true, true];
    /// let curves: [&[f64]; 3] =
    ///     [&[1.0, 2.0, 3.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 4.0, 2.0, 5.0], &[1.0, 3.0, 2.0, 3.0, 2.0, 1.0]];
    /// let aucs = delong_curves(&curves, &positive, Interval::default())?;
    /// // Which curve the others are held against does not matter.
    /// assert!((aucs.all_equal(0.95)?.chi_square - aucs.against(1, 0.95)?.chi_square).abs() < 1e-9);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn all_equal(&self, level: f64) -> Result<ContrastTest, ReadoutError> {
        self.against(0, level)
    }

    fn quadratic(&self, left: &[f64], right: &[f64]) -> f64 {
        left.iter()
            .zip(&self.covariance)
            .map(|(l, row)| l * row.iter().zip(right).map(|(s, r)| s * r).sum::<f64>())
            .sum()
    }
}

const NO_VARIANCE: ReadoutError = ReadoutError::Undefined {
    what: "a contrast of AUCs",
    reason: "it differs from zero but its estimated variance is zero; compare the two curves by compare_paired",
};
