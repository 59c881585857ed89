use crate::ReadoutError;
use std::f64::consts::PI;

/// A binormal curve by its two parameters alone: `TPR = Φ(a + b Φ⁻¹(FPR))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinormalCurve {
    /// Intercept on normal deviates.
    pub a: f64,
    /// Slope on normal deviates, above 0.
    pub b: f64,
}

/// Covariance of the areas under two binormal curves that were read on the same cases (Obuchowski and McClish, Statistics
/// in Medicine 1997;16:1529). With `f = ∂A/∂a` and `g = ∂A/∂b` at each curve, `r₊` and `r₋` the correlations of the two
/// ratings among `m` positive and `n` negative cases, and `κ = n / m`,
///
/// `m cov = f₁ f₂ (r₊ + r₋ b₁ b₂ / κ + r₊² a₁ a₂ / 2) + g₁ g₂ b₁ b₂ (r₋² / κ + r₊²) / 2 + (f₁ g₂ a₁ b₂ + f₂ g₁ a₂ b₁) r₊² / 2`.
///
/// With one curve twice and correlations of 1 it is the variance of its area; at `b = 1` that is
/// `exp(-a² / 2) (a² + 8) (1 + 1 / κ) / (32 π m)`. [`crate::obuchowski_published`] has `5 a² + 8` for the part of the
/// positives, because its formula leaves out the covariance of `a` and `b`, and so is larger. The ratings are taken as normal as they
/// are, without a transformation, which is what makes the correlations ordinary ones; for ratings that are far from
/// normal use DeLong's covariance ([`crate::compare_paired`]).
///
/// # Errors
/// [`ReadoutError::OutOfRange`] for a slope that is not above 0, an intercept that is not finite, a correlation outside
/// `[-1, 1]`, or fewer than two cases of a class.
///
/// ```
/// use mammo_readout::{BinormalCurve, binormal_covariance};
/// let (one, other) = (BinormalCurve { a: 1.2, b: 0.9 }, BinormalCurve { a: 0.8, b: 1.1 });
/// let variance = binormal_covariance([one, one], 1.0, 1.0, 40, 60)?;
/// let covariance = binormal_covariance([one, other], 0.5, 0.4, 40, 60)?;
/// assert!(covariance < variance && covariance > 0.0);
/// assert_eq!(binormal_covariance([one, other], 0.0, 0.0, 40, 60)?, 0.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn binormal_covariance(
    curves: [BinormalCurve; 2],
    r_positive: f64,
    r_negative: f64,
    positives: usize,
    negatives: usize,
) -> Result<f64, ReadoutError> {
    for curve in curves {
        curve.check()?;
    }
    for value in [r_positive, r_negative] {
        if !(-1.0..=1.0).contains(&value) {
            return Err(ReadoutError::OutOfRange { what: "a correlation", value, range: "in [-1, 1]" });
        }
    }
    let kappa = ratio(positives, negatives)?;
    let [one, two] = curves;
    let ((f1, g1), (f2, g2)) = (one.slopes(), two.slopes());
    let r2 = r_positive * r_positive;
    let aa = r_positive + r_negative * one.b * two.b / kappa + r2 * one.a * two.a / 2.0;
    let bb = one.b * two.b * (r_negative * r_negative / kappa + r2) / 2.0;
    let (ab, ba) = (one.a * two.b * r2 / 2.0, two.a * one.b * r2 / 2.0);
    Ok((f1 * f2 * aa + g1 * g2 * bb + f1 * g2 * ab + f2 * g1 * ba) / positives as f64)
}

/// Variance of the area under a binormal curve as sample-size formulas take it: without the covariance of `a` and `b`,
/// `m var = f² (1 + b² / κ + a² / 2) + g² b² (1 + 1 / κ) / 2`, with the letters of [`binormal_covariance`]. At `b = 1` it is
/// [`crate::obuchowski_published`]; it is never below the variance of the area.
///
/// # Errors
/// As [`binormal_covariance`].
///
/// ```
/// use mammo_readout::{BinormalCurve, binormal_covariance, binormal_variance_published};
/// let curve = BinormalCurve { a: 1.2, b: 0.9 };
/// let published = binormal_variance_published(curve, 40, 60)?;
/// assert!(published > binormal_covariance([curve, curve], 1.0, 1.0, 40, 60)?);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn binormal_variance_published(
    curve: BinormalCurve,
    positives: usize,
    negatives: usize,
) -> Result<f64, ReadoutError> {
    curve.check()?;
    let kappa = ratio(positives, negatives)?;
    let ((f, g), BinormalCurve { a, b }) = (curve.slopes(), curve);
    let (of_a, of_b) = (1.0 + b * b / kappa + a * a / 2.0, b * b * (1.0 + 1.0 / kappa) / 2.0);
    Ok((f * f * of_a + g * g * of_b) / positives as f64)
}

impl BinormalCurve {
    fn check(self) -> Result<(), ReadoutError> {
        let refuse = |what, value, range| Err(ReadoutError::OutOfRange { what, value, range });
        if !(self.b > 0.0 && self.b.is_finite()) {
            return refuse("the slope of a binormal curve", self.b, "above 0");
        }
        if !self.a.is_finite() {
            return refuse("the intercept of a binormal curve", self.a, "finite");
        }
        Ok(())
    }

    /// Derivatives of the area by `a` and by `b`.
    fn slopes(self) -> (f64, f64) {
        let s = 1.0 + self.b * self.b;
        let f = (-self.a * self.a / (2.0 * s)).exp() / (2.0 * PI * s).sqrt();
        (f, -self.a * self.b * f / s)
    }
}

/// Negatives to positives.
fn ratio(positives: usize, negatives: usize) -> Result<f64, ReadoutError> {
    let fewest = positives.min(negatives);
    if fewest < 2 {
        let what = "the number of cases of a class";
        return Err(ReadoutError::OutOfRange { what, value: fewest as f64, range: "2 or more" });
    }
    Ok(negatives as f64 / positives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interval, obuchowski_published};

    #[test]
    fn with_equal_spreads_the_variance_has_a_short_form() {
        for a in [0.0, 0.5, 1.5] {
            let curve = BinormalCurve { a, b: 1.0 };
            let ours = binormal_covariance([curve, curve], 1.0, 1.0, 40, 70).unwrap();
            let short = (-a * a / 2.0).exp() * (a * a + 8.0) * (1.0 + 40.0 / 70.0) / (32.0 * PI * 40.0);
            assert!((ours / short - 1.0).abs() < 1e-12, "{a}: {ours} {short}");
            let auc = crate::normal::below(a / 2f64.sqrt());
            let published = obuchowski_published(auc, 40, 70, Interval::default()).unwrap().se.powi(2);
            assert!(ours <= published * (1.0 + 1e-12), "{a}: {ours} {published}");
            let long = binormal_variance_published(curve, 40, 70).unwrap();
            // As far as the normal quantile holds.
            assert!((long / published - 1.0).abs() < 1e-9, "{a}: {long} {published}");
        }
    }

    #[test]
    fn exchanging_the_classes_changes_nothing() {
        // TPR and TNR exchange their places when all ratings change sign: a becomes a / b and b becomes 1 / b.
        let (one, two) = (BinormalCurve { a: 1.3, b: 0.7 }, BinormalCurve { a: 0.4, b: 1.6 });
        let turned = |c: BinormalCurve| BinormalCurve { a: c.a / c.b, b: 1.0 / c.b };
        let straight = binormal_covariance([one, two], 0.6, 0.3, 41, 72).unwrap();
        let back = binormal_covariance([turned(one), turned(two)], 0.3, 0.6, 72, 41).unwrap();
        assert!((straight / back - 1.0).abs() < 1e-12, "{straight} {back}");
    }

    #[test]
    fn what_is_no_curve_is_refused() {
        let good = BinormalCurve { a: 1.0, b: 1.0 };
        let covariance = |c, r, m| binormal_covariance([good, c], r, r, m, m).unwrap_err().to_string();
        assert!(covariance(BinormalCurve { a: 1.0, b: 0.0 }, 0.5, 9).contains("slope"));
        assert!(covariance(BinormalCurve { a: f64::NAN, b: 1.0 }, 0.5, 9).contains("intercept"));
        assert!(covariance(good, 1.5, 9).contains("correlation"));
        assert!(covariance(good, 0.5, 1).contains("class"));
    }
}
