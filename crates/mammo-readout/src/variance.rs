//! Further variances of one AUC: jackknife, unbiased, binormal.

use crate::{
    AucEstimate, Interval, ReadoutError, VarianceMethod,
    auc::{Classes, Placements},
    delong::at_least_two,
    normal,
};
use std::f64::consts::PI;

/// AUC with the standard error of the jackknife over all `N = m + n` images (Quenouille 1956; Tukey 1958):
/// `var = (N - 1) / N Σ (A_(-k) - mean)²`. Leaving out positive image `i` gives `(m A - V10_i) / (m - 1)`, so that no
/// AUC has to be computed again: O(n log n).
///
/// ```
/// use mammo_readout::{Interval, jackknife};
/// let positive = [false, false, false, true, true, true];
/// let estimate = jackknife(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, Interval::default())?;
/// assert!(estimate.se > 0.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
pub fn jackknife(
    ratings: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    let p = placements(ratings, positive)?;
    let (m, n) = (p.v10.len(), p.v01.len());
    // The AUCs without one image average to the AUC in each class, and so in all.
    let squares =
        squares(&p.v10, p.auc) / (m as f64 - 1.0).powi(2) + squares(&p.v01, p.auc) / (n as f64 - 1.0).powi(2);
    let all = (m + n) as f64;
    let se = ((all - 1.0) / all * squares).sqrt();
    AucEstimate::new(p.auc, se, (m, n), m.min(n), VarianceMethod::Jackknife, interval)
}

/// AUC with the unbiased variance of Gallas (Academic Radiology 2006;13:353), for one reader:
/// `[M1 + (m - 1) M2 + (n - 1) M3 + (m - 1)(n - 1) M4] / (m n) - M4`, where the `M` are the mean products of two
/// scores that share both images, the negative one, the positive one, and none. O(n log n).
///
/// # Errors
/// As [`jackknife`], and [`ReadoutError::NegativeVariance`]: being unbiased, the estimate may fall below zero.
///
/// ```
/// use mammo_readout::{Interval, unbiased};
/// let positive = [false, false, false, true, true, true];
/// assert!(unbiased(&[1.0, 4.0, 3.0, 3.0, 2.0, 5.0], &positive, Interval::default())?.se > 0.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn unbiased(ratings: &[f64], positive: &[bool], interval: Interval) -> Result<AucEstimate, ReadoutError> {
    let p = placements(ratings, positive)?;
    let (m, n) = (p.v10.len(), p.v01.len());
    let variance = unbiased_variance(&p);
    // Rounding of sums of order one.
    if variance < -1e-15 {
        return Err(ReadoutError::NegativeVariance { method: "unbiased", value: variance });
    }
    let se = variance.max(0.0).sqrt();
    AucEstimate::new(p.auc, se, (m, n), m.min(n), VarianceMethod::Unbiased, interval)
}

fn unbiased_variance(p: &Placements) -> f64 {
    let (m, n) = (p.v10.len() as f64, p.v01.len() as f64);
    // The estimator does not change when a constant is taken off all scores; taking off the AUC keeps the sums
    // small, and that of all products of two scores zero.
    let pairs = m * n;
    let same = (p.auc - p.auc * p.auc) * pairs - p.tied_pairs as f64 / 4.0;
    let same_negative = squares(&p.v01, p.auc) * m * m - same;
    let same_positive = squares(&p.v10, p.auc) * n * n - same;
    let none = -(same_negative + same_positive + same);
    let m1 = same / pairs;
    let m2 = same_negative / (pairs * (m - 1.0));
    let m3 = same_positive / (pairs * (n - 1.0));
    let m4 = none / (pairs * (m - 1.0) * (n - 1.0));
    (m1 + (m - 1.0) * m2 + (n - 1.0) * m3 + (m - 1.0) * (n - 1.0) * m4) / pairs - m4
}

/// AUC with the standard error that a binormal model of equal spreads gives it: [`obuchowski_published`] at the
/// Mann-Whitney AUC of the ratings.
///
/// # Errors
/// As [`jackknife`].
///
/// ```
/// use mammo_readout::{Interval, obuchowski};
/// let positive = [false, false, false, true, true, true];
/// assert!(obuchowski(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, Interval::default())?.se > 0.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn obuchowski(
    ratings: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    let p = placements(ratings, positive)?;
    obuchowski_published(p.auc, p.v10.len(), p.v01.len(), interval)
}

/// The uncertainty of an AUC of which only its value and the class sizes are known, under a binormal model with
/// `b = 1`, so that `a = √2 Φ⁻¹(A)` (Obuchowski and McClish, Statistics in Medicine 1997;16:1529):
/// `var = exp(-a² / 2) [(5 a² + 8) + (a² + 8) / κ] / (32 π m)` with `κ = n / m`. The paper prints 0.0099 for
/// `1 / (32 π)`.
///
/// # Errors
/// [`ReadoutError`] when `auc` is not in `[0, 1]` or a class has fewer than two images.
///
/// ```
/// use mammo_readout::{Interval, obuchowski_published};
/// let estimate = obuchowski_published(0.66, 30, 30, Interval::default())?;
/// assert!((estimate.se - 0.07).abs() < 0.005);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn obuchowski_published(
    auc: f64,
    n_pos: usize,
    n_neg: usize,
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    at_least_two(n_pos, n_neg)?;
    interval.around(auc, 0.0, 1)?;
    let se = if auc == 0.0 || auc == 1.0 {
        0.0
    } else {
        binormal_variance(std::f64::consts::SQRT_2 * normal::quantile(auc), 1.0, n_pos, n_neg).sqrt()
    };
    AucEstimate::new(auc, se, (n_pos, n_neg), n_pos.min(n_neg), VarianceMethod::Binormal, interval)
}

/// Variance of the binormal AUC `Φ(a / √(1 + b²))` of `m` positive and `n` negative images by the delta method
/// (Obuchowski and McClish 1997): with `R = n / m`, `E = exp(-a² / (2 (1 + b²)))`, `f = E / √(2π (1 + b²))` and
/// `g = -a b E / √(2π (1 + b²)³)`,
/// `var = [f² (1 + b² / R + a² / 2) + g² b² (1 + R) / (2 R)] / m`. As published it leaves out the covariance of the
/// estimates of `a` and `b`, which is positive while `f g` is negative, and so errs to the large side.
pub(crate) fn binormal_variance(a: f64, b: f64, m: usize, n: usize) -> f64 {
    let ratio = n as f64 / m as f64;
    let spread = 1.0 + b * b;
    let e = (-a * a / (2.0 * spread)).exp();
    let f = e / (2.0 * PI * spread).sqrt();
    let g = -a * b * e / (2.0 * PI * spread.powi(3)).sqrt();
    let var_a = 1.0 + b * b / ratio + a * a / 2.0;
    let var_b = b * b * (1.0 + ratio) / (2.0 * ratio);
    (f * f * var_a + g * g * var_b) / m as f64
}

fn placements(ratings: &[f64], positive: &[bool]) -> Result<Placements, ReadoutError> {
    let p = Placements::new(&Classes::new(ratings, positive)?);
    at_least_two(p.v10.len(), p.v01.len())?;
    Ok(p)
}

fn squares(values: &[f64], centre: f64) -> f64 {
    values.iter().map(|v| (v - centre).powi(2)).sum()
}
