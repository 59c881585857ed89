use crate::{ReadoutError, normal};
use serde::{Deserialize, Serialize};

/// The scale on which an interval is symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// `auc ± z se`, cut at 0 and 1. The form that most papers print.
    Normal,
    /// Symmetric in `ln(auc / (1 - auc))`, so never outside `(0, 1)`; closer to its level in small studies
    /// (Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2).
    #[default]
    Logit,
}

/// How to make a confidence interval for an AUC. The default is 95 % on the logit scale.
///
/// **At AUC 0 and 1** DeLong's variance is zero and both scales fail. Separation of `m` positives from `n` negatives
/// implies that `k = min(m, n)` disjoint positive-negative pairs are all in order, which for a true AUC `A` has
/// probability at most `A^k`. The interval is therefore that of Clopper and Pearson for `k` successes in `k`
/// trials: from `(α/2)^(1/k)` to 1, or its mirror image at AUC 0. It needs no model and is conservative. With
/// clusters, `k` is the largest number of pairs that share no cluster.
///
/// **At a zero variance inside `(0, 1)`**, as when all ratings are equal, the standard error is replaced by the
/// largest that any pair of distributions allows, `sqrt(A (1 - A) / k)` (van Dantzig 1951; Birnbaum and
/// Klose 1957).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Scale of the usual interval.
    pub scale: Scale,
    /// Two-sided coverage, in `(0, 1)`.
    pub level: f64,
}

impl Default for Interval {
    fn default() -> Self {
        Self { scale: Scale::Logit, level: 0.95 }
    }
}

impl Interval {
    /// The default level on the normal scale.
    ///
    /// ```
    /// use mammo_readout::{Interval, Scale};
    /// assert_eq!(Interval::normal(), Interval { scale: Scale::Normal, level: 0.95 });
    /// ```
    pub fn normal() -> Self {
        Self { scale: Scale::Normal, ..Self::default() }
    }

    /// Lower limit, upper limit and how they were found, for an AUC in `[0, 1]` with standard error `se` that rests
    /// on `independent_pairs` (at least 1) disjoint positive-negative pairs.
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] when a number is outside its range.
    ///
    /// ```
    /// use mammo_readout::{Interval, IntervalMethod};
    /// let (low, high, _) = Interval::default().around(0.9, 0.05, 30)?;
    /// assert!(0.9 - low > high - 0.9 && high < 1.0);
    /// // At an AUC of 1 the interval is the exact bound from disjoint pairs.
    /// let (low, _, method) = Interval::default().around(1.0, 0.0, 18)?;
    /// assert_eq!(method, IntervalMethod::DisjointPairs);
    /// assert!((low.powi(18) - 0.025).abs() < 1e-12);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn around(
        self,
        auc: f64,
        se: f64,
        independent_pairs: usize,
    ) -> Result<(f64, f64, IntervalMethod), ReadoutError> {
        in_range("the confidence level", self.level, self.level > 0.0 && self.level < 1.0, "inside (0, 1)")?;
        in_range("the AUC", auc, (0.0..=1.0).contains(&auc), "in [0, 1]")?;
        in_range("the standard error", se, se >= 0.0 && se.is_finite(), "at 0 or above")?;
        let alpha = 1.0 - self.level;
        let k = independent_pairs.max(1) as f64;
        // An error on the AUC that is no larger than rounding is none; an AUC of exactly 0 or 1 has no logit.
        if auc == 0.0 || auc == 1.0 {
            let bound = (alpha / 2.0).powf(1.0 / k);
            let (low, high) = if auc == 1.0 { (bound, 1.0) } else { (0.0, 1.0 - bound) };
            return Ok((low, high, IntervalMethod::DisjointPairs));
        }
        let z = normal::quantile(1.0 - alpha / 2.0);
        let (se, bounded) = if is_zero(se) { (largest_se(auc, k), true) } else { (se, false) };
        let (low, high) = match self.scale {
            Scale::Normal => ((auc - z * se).max(0.0), (auc + z * se).min(1.0)),
            Scale::Logit => {
                let logit = (auc / (1.0 - auc)).ln();
                let half = z * se / (auc * (1.0 - auc));
                (logistic(logit - half), logistic(logit + half))
            }
        };
        let method = match (bounded, self.scale) {
            (true, _) => IntervalMethod::LargestVariance,
            (false, Scale::Normal) => IntervalMethod::Normal,
            (false, Scale::Logit) => IntervalMethod::Logit,
        };
        Ok((low, high, method))
    }
}

/// Standard errors of this size are rounding: a true one is at least of the order of one over the number of pairs.
pub(crate) fn is_zero(se: f64) -> bool {
    se < 1e-12
}

/// The largest standard error that an AUC resting on `k` disjoint pairs can have.
pub(crate) fn largest_se(auc: f64, k: f64) -> f64 {
    (auc * (1.0 - auc) / k).sqrt()
}

pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn in_range(
    what: &'static str,
    value: f64,
    inside: bool,
    range: &'static str,
) -> Result<(), ReadoutError> {
    if inside { Ok(()) } else { Err(ReadoutError::OutOfRange { what, value, range }) }
}

/// How a variance was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceMethod {
    /// DeLong, DeLong and Clarke-Pearson 1988; assumes independent images.
    #[serde(rename = "delong")]
    DeLong,
    /// Hanley and McNeil 1982; assumes independent images (and, from a published AUC, exponential ratings).
    HanleyMcNeil,
    /// Obuchowski 1997; images of one cluster may depend on each other.
    Clustered,
    /// Obuchowski and McClish 1997, from a binormal model; assumes independent images.
    Binormal,
    /// Leaving out one image at a time; assumes independent images.
    Jackknife,
    /// The unbiased estimator of Gallas 2006; assumes independent images.
    Unbiased,
    /// Spread over samples drawn with replacement from each class; assumes independent images.
    Bootstrap,
    /// The caller's own.
    Given,
}

/// How the limits of an interval were found; see [`Interval`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Symmetric about the AUC.
    Normal,
    /// Symmetric on the logit scale.
    Logit,
    /// Quantiles of bootstrap replicates.
    BootstrapPercentile,
    /// Quantiles of bootstrap replicates, corrected for bias and acceleration.
    #[serde(rename = "bootstrap_bca")]
    BootstrapBca,
    /// AUC 0 or 1: exact bound from disjoint pairs.
    DisjointPairs,
    /// Zero variance inside (0, 1): largest variance that is possible.
    LargestVariance,
}

/// An AUC with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AucEstimate {
    /// Area under the curve, in `[0, 1]`; below one half the reading was inverted.
    pub auc: f64,
    /// Standard error of `auc` by `variance`. Zero at AUC 0 and 1.
    pub se: f64,
    /// Lower confidence limit.
    pub ci_low: f64,
    /// Upper confidence limit.
    pub ci_high: f64,
    /// Two-sided coverage of the limits.
    pub level: f64,
    /// Positive images.
    pub n_pos: usize,
    /// Negative images.
    pub n_neg: usize,
    /// Disjoint positive-negative pairs that the AUC rests on: the smaller class, or less with clusters.
    pub independent_pairs: usize,
    /// How `se` was estimated.
    pub variance: VarianceMethod,
    /// How the limits were found.
    pub interval: IntervalMethod,
}

impl AucEstimate {
    /// An AUC whose standard error the caller has estimated, for example a mean over readers with a jackknife.
    /// `independent_pairs` as in [`Interval::around`].
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] when a number is outside its range.
    ///
    /// ```
    /// use mammo_readout::{AucEstimate, Interval};
    /// let mean = AucEstimate::given(0.8, 0.04, (50, 50), 50, Interval::default())?;
    /// assert!(mean.ci_low > 0.7 && mean.ci_high < 0.87);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn given(
        auc: f64,
        se: f64,
        (n_pos, n_neg): (usize, usize),
        independent_pairs: usize,
        interval: Interval,
    ) -> Result<Self, ReadoutError> {
        Self::new(auc, se, (n_pos, n_neg), independent_pairs, VarianceMethod::Given, interval)
    }

    pub(crate) fn new(
        auc: f64,
        se: f64,
        (n_pos, n_neg): (usize, usize),
        independent_pairs: usize,
        variance: VarianceMethod,
        interval: Interval,
    ) -> Result<Self, ReadoutError> {
        let (ci_low, ci_high, method) = interval.around(auc, se, independent_pairs)?;
        Ok(Self {
            auc,
            se,
            ci_low,
            ci_high,
            level: interval.level,
            n_pos,
            n_neg,
            independent_pairs,
            variance,
            interval: method,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separated_classes_get_the_bound_of_disjoint_pairs() {
        let (low, high, method) = Interval::default().around(1.0, 0.0, 18).unwrap();
        // All 18 pairs in order has probability low^18 = 2.5 %.
        assert!((low.powi(18) - 0.025).abs() < 1e-12);
        assert_eq!((high, method), (1.0, IntervalMethod::DisjointPairs));
        let (zero, mirrored, _) = Interval::default().around(0.0, 0.0, 18).unwrap();
        assert!(zero == 0.0 && (mirrored - (1.0 - low)).abs() < 1e-12);
    }

    #[test]
    fn no_interval_has_zero_width_or_leaves_the_unit_range() {
        for scale in [Scale::Normal, Scale::Logit] {
            for auc in [0.0, 0.01, 0.3, 0.5, 0.97, 1.0] {
                for se in [0.0, 1e-15, 0.02, 0.4] {
                    let (low, high, _) = Interval { scale, level: 0.95 }.around(auc, se, 15).unwrap();
                    assert!(high - low > 0.01, "{scale:?} {auc} {se}");
                    assert!(0.0 <= low && low <= auc && auc <= high && high <= 1.0, "{scale:?} {auc} {se}");
                }
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (auc, se, level) in
            [(1.2, 0.1, 0.95), (0.5, f64::NAN, 0.95), (0.5, 0.1, 1.0), (f64::NAN, 0.1, 0.9)]
        {
            assert!(Interval { scale: Scale::Normal, level }.around(auc, se, 9).is_err());
        }
    }
}
