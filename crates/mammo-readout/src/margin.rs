//! Non-inferiority and equivalence: showing that a difference is small, which a large p-value does not.

use crate::{
    AucEstimate, AucTest, ReadoutError, compare_with_constant, distribution::student_t, interval::in_range,
    normal,
};
use serde::{Deserialize, Serialize};

/// The result of a test against margins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MarginTest {
    /// The difference that was tested.
    pub difference: f64,
    /// Lower margin; the difference is to be shown to exceed it.
    pub lower: f64,
    /// Upper margin, for equivalence.
    pub upper: Option<f64>,
    /// One-sided p-value of "the difference is at or below `lower`".
    pub p_lower: f64,
    /// One-sided p-value of "the difference is at or above `upper`".
    pub p_upper: Option<f64>,
    /// The p-value of the whole test: the larger of the two.
    pub p: f64,
    /// One-sided level of the test.
    pub alpha: f64,
    /// Whether `p < alpha`, so that the claim is shown.
    pub shown: bool,
}

/// Tests that the first AUC is not worse than the second by `margin` (positive) or more, one-sided at `alpha`.
///
/// ```
/// use mammo_readout::{AucEstimate, Interval, TestMethod, difference_test, non_inferiority};
/// let given = |auc| AucEstimate::given(auc, 0.03, (100, 100), 100, Interval::default());
/// let test = difference_test(&given(0.82)?, &given(0.83)?, 0.02, 0.95, TestMethod::Given)?;
/// let result = non_inferiority(&test, 0.05, 0.025)?;
/// assert!(result.shown && (result.p - 0.02275013).abs() < 1e-8);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError::OutOfRange`] when the margin is not positive or `alpha` not inside `(0, 0.5)`;
/// [`ReadoutError::Undefined`] when the test has a standard error of zero.
pub fn non_inferiority(test: &AucTest, margin: f64, alpha: f64) -> Result<MarginTest, ReadoutError> {
    check(margin, alpha)?;
    let p_lower = one_sided(test, -margin)?;
    Ok(MarginTest {
        difference: test.difference,
        lower: -margin,
        upper: None,
        p_lower,
        p_upper: None,
        p: p_lower,
        alpha,
        shown: p_lower < alpha,
    })
}

/// Two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987;15:657) that the AUCs
/// differ by less than `margin` in either direction. Shown exactly when the `1 - 2 alpha` interval of the difference
/// lies inside the margins.
///
/// # Errors
/// As [`non_inferiority`].
///
/// ```
/// use mammo_readout::{AucEstimate, Interval, TestMethod, difference_test, equivalence};
/// let given = |auc| AucEstimate::given(auc, 0.03, (100, 100), 100, Interval::default());
/// let test = difference_test(&given(0.82)?, &given(0.83)?, 0.02, 0.95, TestMethod::Given)?;
/// assert!(equivalence(&test, 0.05, 0.05)?.shown);
/// assert!(!equivalence(&test, 0.03, 0.05)?.shown);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn equivalence(test: &AucTest, margin: f64, alpha: f64) -> Result<MarginTest, ReadoutError> {
    check(margin, alpha)?;
    let p_lower = one_sided(test, -margin)?;
    let p_upper = one_sided(&AucTest { difference: -test.difference, ..test.clone() }, -margin)?;
    Ok(two_sided(test.difference, margin, (p_lower, p_upper), alpha))
}

/// Two one-sided tests that an AUC lies within `margin` of `constant`, usually one half ("readers are fooled").
/// Each is [`compare_with_constant`] at a margin, so that an AUC of 0 or 1 has an answer too.
///
/// # Errors
/// [`ReadoutError::OutOfRange`] when the margin is not positive, `constant ± margin` is not inside `(0, 1)`, or
/// `alpha` not inside `(0, 0.5)`.
///
/// ```
/// use mammo_readout::{Interval, equivalence_to_constant, hanley_mcneil_published};
/// // Readers at chance on 30 + 30 images: the study is too small to say that they are fooled.
/// let detection = hanley_mcneil_published(0.5, 30, 30, Interval::default())?;
/// assert!(!equivalence_to_constant(&detection, 0.5, 0.1, 0.05)?.shown);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn equivalence_to_constant(
    estimate: &AucEstimate,
    constant: f64,
    margin: f64,
    alpha: f64,
) -> Result<MarginTest, ReadoutError> {
    check(margin, alpha)?;
    let p_lower = normal::below(-compare_with_constant(estimate, constant - margin)?.z);
    let p_upper = normal::below(compare_with_constant(estimate, constant + margin)?.z);
    Ok(two_sided(estimate.auc - constant, margin, (p_lower, p_upper), alpha))
}

fn two_sided(difference: f64, margin: f64, (p_lower, p_upper): (f64, f64), alpha: f64) -> MarginTest {
    let p = p_lower.max(p_upper);
    MarginTest {
        difference,
        lower: -margin,
        upper: Some(margin),
        p_lower,
        p_upper: Some(p_upper),
        p,
        alpha,
        shown: p < alpha,
    }
}

fn check(margin: f64, alpha: f64) -> Result<(), ReadoutError> {
    in_range("the margin", margin, margin > 0.0 && margin.is_finite(), "above 0")?;
    in_range("alpha", alpha, alpha > 0.0 && alpha < 0.5, "inside (0, 0.5)")
}

/// P(statistic >= that seen) when the true difference is `bound`.
fn one_sided(test: &AucTest, bound: f64) -> Result<f64, ReadoutError> {
    if test.se <= 0.0 {
        return Err(ReadoutError::Undefined {
            what: "a test against a margin",
            reason: "the standard error of the difference is zero (the two sets of ratings agree entirely)",
        });
    }
    let statistic = (test.difference - bound) / test.se;
    Ok(match test.df {
        None => normal::below(-statistic),
        Some(df) => student_t::cdf(-statistic, df)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interval, TestMethod, difference_test};
    use proptest::prelude::*;

    fn test(difference: f64, se: f64, level: f64) -> AucTest {
        let given = |auc| AucEstimate::given(auc, 0.05, (50, 50), 50, Interval::default()).unwrap();
        difference_test(&given(0.5 + difference), &given(0.5), se, level, TestMethod::Given).unwrap()
    }

    proptest! {
        #[test]
        fn equivalence_is_the_interval_inside_the_margins(
            difference in -0.3f64..0.3, se in 0.01f64..0.2, margin in 0.02f64..0.3
        ) {
            let alpha = 0.05;
            let t = test(difference, se, 1.0 - 2.0 * alpha);
            prop_assume!((t.ci_low + margin).abs() > 1e-9 && (t.ci_high - margin).abs() > 1e-9);
            let shown = equivalence(&t, margin, alpha).unwrap().shown;
            prop_assert_eq!(shown, t.ci_low > -margin && t.ci_high < margin);
            prop_assert_eq!(non_inferiority(&t, margin, alpha).unwrap().shown, t.ci_low > -margin);
        }
    }

    #[test]
    fn an_auc_at_chance_is_equivalent_to_it_only_with_enough_images() {
        let estimate = |se| AucEstimate::given(0.5, se, (100, 100), 100, Interval::normal()).unwrap();
        let small = equivalence_to_constant(&estimate(0.075), 0.5, 0.1, 0.05).unwrap();
        assert!(!small.shown && (small.p - normal::below(-0.1 / 0.075)).abs() < 1e-12);
        assert!(equivalence_to_constant(&estimate(0.05), 0.5, 0.1, 0.05).unwrap().shown);
        assert!(equivalence_to_constant(&estimate(0.05), 0.5, 0.6, 0.05).is_err());
    }
}
