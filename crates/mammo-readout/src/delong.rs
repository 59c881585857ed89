use crate::{
    AucEstimate, AucTest, Interval, ReadoutError, TestMethod, VarianceMethod,
    auc::{Classes, Placements, Truth, check_lengths},
    distribution::student_t,
    interval::is_zero,
    test_result::difference_test,
};

/// AUC with DeLong's standard error (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837):
/// `var = S10 / m + S01 / n`, where `S10` and `S01` are the sample variances of the placement values of the `m`
/// positive and `n` negative images. Assumes that the images are independent.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
///
/// ```
/// use mammo_readout::{Interval, delong};
/// let positive = [false, false, false, true, true, true];
/// let estimate = delong(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, Interval::default())?;
/// assert!(estimate.ci_low < estimate.auc && estimate.auc < estimate.ci_high);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn delong(ratings: &[f64], positive: &[bool], interval: Interval) -> Result<AucEstimate, ReadoutError> {
    let classes = Classes::new(ratings, positive)?;
    estimate(&Placements::new(&classes), interval)
}

/// DeLong's test for two AUCs on the same images: entry `i` of `a`, `b` and `positive` belong to one image.
///
/// # Errors
/// As [`delong`].
///
/// ```
/// use mammo_readout::{Interval, compare_paired};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let test = compare_paired(&a, &b, &positive, Interval::default())?;
/// assert!((test.difference - (test.auc - test.reference)).abs() < 1e-12);
/// assert!(test.p > 0.05);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn compare_paired(
    a: &[f64],
    b: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    check_lengths("the first list of ratings", a.len(), "the second", b.len())?;
    check_lengths("ratings", a.len(), "truths", positive.len())?;
    let truth = Truth::new(positive)?;
    let place = |ratings: &[f64]| truth.split(ratings).map(|c| Placements::new(&c));
    let (in_a, in_b) = rayon::join(|| place(a), || place(b));
    let (in_a, in_b) = (in_a?, in_b?);
    // The variance of the difference of placements, rather than var + var - 2 cov, cannot come out negative.
    let variance_of = |x: &[f64], y: &[f64]| mean_variance(x.len(), || x.iter().zip(y).map(|(x, y)| x - y));
    let variance = variance_of(&in_a.v10, &in_b.v10) + variance_of(&in_a.v01, &in_b.v01);
    difference_test(
        &estimate(&in_a, interval)?,
        &estimate(&in_b, interval)?,
        variance.sqrt(),
        interval.level,
        TestMethod::DeLongPaired,
    )
}

/// DeLong's test for two AUCs on different images: the variances add.
///
/// # Errors
/// As [`delong`].
///
/// ```
/// use mammo_readout::{Interval, compare_unpaired, delong};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let test = compare_unpaired((&a, &positive), (&b, &positive), Interval::default())?;
/// let [x, y] = [&a, &b].map(|r| delong(r, &positive, Interval::default()).unwrap());
/// assert!((test.se.powi(2) - x.se.powi(2) - y.se.powi(2)).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn compare_unpaired(
    (a, positive_a): (&[f64], &[bool]),
    (b, positive_b): (&[f64], &[bool]),
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    let a = delong(a, positive_a, interval)?;
    let b = delong(b, positive_b, interval)?;
    difference_test(&a, &b, a.se.hypot(b.se), interval.level, TestMethod::DeLongUnpaired)
}

/// [`compare_unpaired`] against Student's t in place of the normal distribution, for small studies:
/// `df = (V_a + V_b)² / (V_a² / (N_a - 1) + V_b² / (N_b - 1))` for variances `V` and numbers of images `N` (the
/// Welch-Satterthwaite rule, as R's pROC applies it to two curves). The limits use the same distribution.
///
/// # Errors
/// As [`delong`].
///
/// ```
/// use mammo_readout::{Interval, compare_unpaired, compare_unpaired_t};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let t = compare_unpaired_t((&a, &positive), (&b, &positive), Interval::default())?;
/// let z = compare_unpaired((&a, &positive), (&b, &positive), Interval::default())?;
/// assert!(t.df.unwrap() > 7.0 && t.p > z.p);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn compare_unpaired_t(
    (a, positive_a): (&[f64], &[bool]),
    (b, positive_b): (&[f64], &[bool]),
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    let mut test = compare_unpaired((a, positive_a), (b, positive_b), interval)?;
    let [in_a, in_b] = [delong(a, positive_a, interval)?, delong(b, positive_b, interval)?];
    test.method = TestMethod::DeLongUnpairedT;
    if is_zero(in_a.se) || is_zero(in_b.se) {
        return Ok(test);
    }
    let share = |e: &AucEstimate| e.se.powi(4) / (e.n_pos + e.n_neg - 1) as f64;
    let df = test.se.powi(4) / (share(&in_a) + share(&in_b));
    let quantile = student_t::quantile(0.5 + interval.level / 2.0, df)?;
    test.p = student_t::two_sided_p(test.z, df)?;
    test.ci_low = (test.difference - quantile * test.se).max(-1.0);
    test.ci_high = (test.difference + quantile * test.se).min(1.0);
    test.df = Some(df);
    Ok(test)
}

pub(crate) fn estimate(p: &Placements, interval: Interval) -> Result<AucEstimate, ReadoutError> {
    let (m, n) = (p.v10.len(), p.v01.len());
    at_least_two(m, n)?;
    let variance_of = |v: &[f64]| mean_variance(v.len(), || v.iter().copied());
    let se = (variance_of(&p.v10) + variance_of(&p.v01)).sqrt();
    AucEstimate::new(p.auc, se, (m, n), m.min(n), VarianceMethod::DeLong, interval)
}

pub(crate) fn at_least_two(positives: usize, negatives: usize) -> Result<(), ReadoutError> {
    for (class, found) in [("positive", positives), ("negative", negatives)] {
        if found < 2 {
            return Err(ReadoutError::TooFew { class, found });
        }
    }
    Ok(())
}

/// Variance of the mean of `count` values: sample variance (divisor n - 1) divided by n.
fn mean_variance<I: Iterator<Item = f64>>(count: usize, values: impl Fn() -> I) -> f64 {
    let n = count as f64;
    let mean = values().sum::<f64>() / n;
    values().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_ratings_do_not_differ() {
        let ratings = [1.0, 3.0, 2.0, 4.0, 5.0, 3.0];
        let positive = [false, false, false, true, true, true];
        let test = compare_paired(&ratings, &ratings, &positive, Interval::default()).unwrap();
        assert_eq!((test.difference, test.se, test.z, test.p), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn one_positive_image_has_no_variance() {
        assert_eq!(
            delong(&[1.0, 2.0, 3.0], &[false, false, true], Interval::default()),
            Err(ReadoutError::TooFew { class: "positive", found: 1 })
        );
    }
}
