use crate::{
    AucEstimate, Interval, ReadoutError,
    interval::{is_zero, largest_se},
    normal,
};
use serde::{Deserialize, Serialize};

/// Which test was made, and with it what it assumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestMethod {
    /// DeLong, DeLong and Clarke-Pearson 1988: both AUCs come from the same images, which are independent.
    #[serde(rename = "delong_paired")]
    DeLongPaired,
    /// DeLong variances added: the AUCs come from different, independent images.
    #[serde(rename = "delong_unpaired")]
    DeLongUnpaired,
    /// As `DeLongUnpaired`, with Student's t and Welch-Satterthwaite degrees of freedom.
    #[serde(rename = "delong_unpaired_t")]
    DeLongUnpairedT,
    /// Standard deviation of the difference over stratified bootstrap samples.
    Bootstrap,
    /// Obuchowski 1997, extended to clusters that occur in one arm only: clusters are independent, images of one
    /// cluster need not be.
    Clustered,
    /// One AUC against a constant, with that AUC's own standard error.
    Constant,
    /// The caller's own standard error, for example a jackknife.
    Given,
}

/// The result of testing one AUC against another, or against a constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AucTest {
    /// The first AUC.
    pub auc: f64,
    /// The second AUC, or the constant.
    pub reference: f64,
    /// `auc - reference`.
    pub difference: f64,
    /// Standard error of `difference` that `z` rests on.
    pub se: f64,
    /// `difference / se`: a standard normal statistic, or Student's t where `df` is given. Always finite.
    pub z: f64,
    /// Degrees of freedom of Student's t; none for a normal statistic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<f64>,
    /// Two-sided p-value.
    pub p: f64,
    /// Lower confidence limit of `difference`.
    pub ci_low: f64,
    /// Upper confidence limit of `difference`.
    pub ci_high: f64,
    /// Two-sided coverage of the limits.
    pub level: f64,
    /// The test.
    pub method: TestMethod,
}

/// Tests `estimate` against a constant in `(0, 1)`, usually one half (chance).
///
/// `z = (auc - constant) / se`, and the limits are those of `estimate` less the constant. Where the standard error
/// is zero the test follows [`Interval`]: at AUC 1 the p-value is `2 c^k` for the constant `c` and `k` disjoint
/// pairs (at AUC 0, `2 (1 - c)^k`), inside `(0, 1)` the largest possible standard error is used.
///
/// # Errors
/// [`ReadoutError::OutOfRange`] when the constant is not inside `(0, 1)`.
///
/// ```
/// use mammo_readout::{Interval, compare_with_constant, hanley_mcneil_published};
/// let detection = hanley_mcneil_published(0.66, 30, 30, Interval::default())?;
/// let test = compare_with_constant(&detection, 0.5)?;
/// assert!((test.p - 0.023).abs() < 0.001);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn compare_with_constant(estimate: &AucEstimate, constant: f64) -> Result<AucTest, ReadoutError> {
    if !(constant > 0.0 && constant < 1.0) {
        let what = "the constant";
        return Err(ReadoutError::OutOfRange { what, value: constant, range: "inside (0, 1)" });
    }
    let difference = estimate.auc - constant;
    let k = estimate.independent_pairs.max(1) as f64;
    let (se, z, p) = if estimate.auc == 0.0 || estimate.auc == 1.0 {
        let in_order = if estimate.auc == 1.0 { constant } else { 1.0 - constant };
        let p = (2.0 * in_order.powf(k)).min(1.0);
        (estimate.se, normal::z_of_p(p, difference), p)
    } else {
        let se = if is_zero(estimate.se) { largest_se(estimate.auc, k) } else { estimate.se };
        let z = difference / se;
        (se, z, normal::two_sided_p(z))
    };
    Ok(AucTest {
        auc: estimate.auc,
        reference: constant,
        difference,
        se,
        z,
        df: None,
        p,
        ci_low: estimate.ci_low - constant,
        ci_high: estimate.ci_high - constant,
        level: estimate.level,
        method: TestMethod::Constant,
    })
}

/// Tests `a` against `b`, given the standard error of their difference: `z = (a - b) / se`, limits
/// `a - b ± z se` cut at -1 and 1.
///
/// Where either AUC has a variance of zero its share in `se` is missing. Limits then come from those of the two
/// AUCs by the square-and-add rule (MOVER; Newcombe 1998, Zou and Donner 2008), taken as independent, and `se` is
/// the distance to the limit that faces zero, divided by the normal quantile. Equal ratings in both arms, with a
/// difference and standard error of exactly zero, give `z = 0` and `p = 1`.
///
/// # Errors
/// [`ReadoutError::OutOfRange`] when `se` is negative or not finite, or the level is not inside `(0, 1)`.
///
/// ```
/// use mammo_readout::{Interval, TestMethod, difference_test, hanley_mcneil_published};
/// let [a, b] = [0.85, 0.63].map(|auc| hanley_mcneil_published(auc, 15, 15, Interval::default()).unwrap());
/// let test = difference_test(&a, &b, a.se.hypot(b.se), 0.95, TestMethod::Given)?;
/// assert!((test.p - 0.080).abs() < 0.001);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn difference_test(
    a: &AucEstimate,
    b: &AucEstimate,
    se: f64,
    level: f64,
    method: TestMethod,
) -> Result<AucTest, ReadoutError> {
    // Checks the level and the error in one place.
    Interval { level, ..Interval::default() }.around(0.5, se, 1)?;
    let quantile = normal::quantile(0.5 + level / 2.0);
    let difference = a.auc - b.auc;
    let arm_without_variance = is_zero(a.se) || is_zero(b.se);
    let (se, low, high) = if arm_without_variance || (is_zero(se) && difference.abs() > 1e-12) {
        let below = (a.auc - a.ci_low).hypot(b.ci_high - b.auc);
        let above = (a.ci_high - a.auc).hypot(b.auc - b.ci_low);
        let facing_zero = if difference > 0.0 { below } else { above };
        (facing_zero / quantile, difference - below, difference + above)
    } else {
        (se, difference - quantile * se, difference + quantile * se)
    };
    let z = if is_zero(se) { 0.0 } else { difference / se };
    Ok(AucTest {
        auc: a.auc,
        reference: b.auc,
        difference,
        se,
        z,
        df: None,
        p: normal::two_sided_p(z),
        ci_low: low.max(-1.0),
        ci_high: high.min(1.0),
        level,
        method,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delong;

    fn perfect(n: usize) -> AucEstimate {
        let ratings: Vec<f64> = (0..2 * n).map(|i| i as f64).collect();
        let positive: Vec<bool> = (0..2 * n).map(|i| i >= n).collect();
        delong(&ratings, &positive, Interval::default()).unwrap()
    }

    #[test]
    fn a_perfect_reader_beats_chance_with_a_finite_z() {
        let test = compare_with_constant(&perfect(6), 0.5).unwrap();
        assert!((test.p - 2.0 * 0.5f64.powi(6)).abs() < 1e-12);
        assert!(test.z > 2.0 && test.z.is_finite());
        // Test and interval tell the same story.
        assert!(test.ci_low > 0.0);
        let weak = compare_with_constant(&perfect(2), 0.5).unwrap();
        assert!(weak.p > 0.05 && weak.ci_low < 0.0);
    }

    #[test]
    fn two_perfect_readers_do_not_differ_but_the_interval_has_width() {
        let test = difference_test(&perfect(6), &perfect(6), 0.0, 0.95, TestMethod::DeLongUnpaired).unwrap();
        assert_eq!((test.difference, test.z, test.p), (0.0, 0.0, 1.0));
        assert!(test.ci_low < -0.2 && test.ci_high > 0.2);
    }

    #[test]
    fn equal_ratings_everywhere_say_nothing() {
        let estimate =
            delong(&[3.0; 20], &std::array::from_fn::<_, 20, _>(|i| i < 10), Interval::default()).unwrap();
        let test = compare_with_constant(&estimate, 0.5).unwrap();
        assert_eq!((test.z, test.p), (0.0, 1.0));
        assert!(test.ci_low < -0.2 && test.ci_high > 0.2);
    }
}
