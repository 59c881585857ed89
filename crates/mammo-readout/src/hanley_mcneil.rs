use crate::{
    AucEstimate, Interval, ReadoutError, VarianceMethod,
    auc::{Classes, Placements},
    delong::at_least_two,
};

/// AUC with the standard error of Hanley and McNeil (Radiology 1982;143:29, equation 1), with `Q1` and `Q2` counted
/// from the ratings: `Q1` is the chance that two positive images both outrank one negative, `Q2` that one positive
/// outranks two negatives, a tie with one of the two counting one half and with both one third.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
///
/// ```
/// use mammo_readout::{Interval, hanley_mcneil};
/// let positive = [false, false, false, true, true, true];
/// let estimate = hanley_mcneil(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, Interval::default())?;
/// assert!(estimate.se > 0.0 && estimate.ci_high < 1.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn hanley_mcneil(
    ratings: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    let classes = Classes::new(ratings, positive)?;
    let (m, n) = (classes.positive().len(), classes.negative().len());
    at_least_two(m, n)?;
    let auc = Placements::new(&classes).auc;
    let mut positive = classes.positive().to_vec();
    let mut negative = classes.negative().to_vec();
    positive.sort_unstable_by(f64::total_cmp);
    negative.sort_unstable_by(f64::total_cmp);
    let q1 = mean_of_pairs(&negative, &positive, |below, equal, all| (all - below - equal, equal));
    let q2 = mean_of_pairs(&positive, &negative, |below, equal, _| (below, equal));
    let se = standard_error(auc, q1, q2, m, n);
    AucEstimate::new(auc, se, (m, n), m.min(n), VarianceMethod::HanleyMcNeil, interval)
}

/// The uncertainty of an AUC of which only its value and the class sizes are known, as in a published table. `Q1`
/// and `Q2` are those of exponential ratings, `A / (2 - A)` and `2 A² / (1 + A)` (the same paper, equation 2).
///
/// # Errors
/// [`ReadoutError`] when `auc` is not in `[0, 1]` or a class has fewer than two images.
///
/// ```
/// use mammo_readout::{Interval, hanley_mcneil_published};
/// // An AUC of .66 from 30 altered and 30 original images.
/// let estimate = hanley_mcneil_published(0.66, 30, 30, Interval::default())?;
/// assert!((estimate.se - 0.0704).abs() < 1e-4);
/// assert!(estimate.ci_low > 0.5 && estimate.ci_high < 0.79);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn hanley_mcneil_published(
    auc: f64,
    n_pos: usize,
    n_neg: usize,
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    at_least_two(n_pos, n_neg)?;
    interval.around(auc, 0.0, 1)?;
    let se = standard_error(auc, auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc), n_pos, n_neg);
    AucEstimate::new(auc, se, (n_pos, n_neg), n_pos.min(n_neg), VarianceMethod::HanleyMcNeil, interval)
}

/// Mean over `these` of the chance that two of the sorted `others` are both on the side that `pick` chooses from the
/// counts below, equal and all: `a` on that side and `e` equal give `a² + a e + e² / 3` of `k²` ordered pairs.
fn mean_of_pairs(these: &[f64], others: &[f64], pick: fn(f64, f64, f64) -> (f64, f64)) -> f64 {
    let all = others.len() as f64;
    let sum: f64 = these
        .iter()
        .map(|&one| {
            let below = others.partition_point(|&o| o < one) as f64;
            let not_above = others.partition_point(|&o| o <= one) as f64;
            let (a, e) = pick(below, not_above - below, all);
            a * a + a * e + e * e / 3.0
        })
        .sum();
    sum / (these.len() as f64 * all * all)
}

fn standard_error(a: f64, q1: f64, q2: f64, m: usize, n: usize) -> f64 {
    let (m, n) = (m as f64, n as f64);
    let variance = (a * (1.0 - a) + (m - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (m * n);
    variance.max(0.0).sqrt()
}
