use crate::{
    AucEstimate, AucTest, Interval, ReadoutError, TestMethod, VarianceMethod,
    auc::{Classes, Placements, check_lengths},
    test_result::difference_test,
};

/// AUC with DeLong's standard error (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837):
/// `var = S10 / m + S01 / n`, where `S10` and `S01` are the sample variances of the placement values of the `m`
/// positive and `n` negative images. Assumes that the images are independent.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
pub fn delong(ratings: &[f64], positive: &[bool], interval: Interval) -> Result<AucEstimate, ReadoutError> {
    let classes = Classes::new(ratings, positive)?;
    estimate(&classes, &Placements::new(&classes), interval)
}

/// DeLong's test for two AUCs on the same images: entry `i` of `a`, `b` and `positive` belong to one image.
///
/// # Errors
/// As [`delong`].
pub fn compare_paired(
    a: &[f64],
    b: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    check_lengths("the first list of ratings", a.len(), "the second", b.len())?;
    let (classes_a, classes_b) = (Classes::new(a, positive)?, Classes::new(b, positive)?);
    let (in_a, in_b) = (Placements::new(&classes_a), Placements::new(&classes_b));
    // The variance of the difference of placements, rather than var + var - 2 cov, cannot come out negative.
    let differences = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x - y).collect() };
    let variance =
        mean_variance(&differences(&in_a.v10, &in_b.v10)) + mean_variance(&differences(&in_a.v01, &in_b.v01));
    difference_test(
        &estimate(&classes_a, &in_a, interval)?,
        &estimate(&classes_b, &in_b, interval)?,
        variance.sqrt(),
        interval.level,
        TestMethod::DeLongPaired,
    )
}

/// DeLong's test for two AUCs on different images: the variances add.
///
/// # Errors
/// As [`delong`].
pub fn compare_unpaired(
    (a, positive_a): (&[f64], &[bool]),
    (b, positive_b): (&[f64], &[bool]),
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    let a = delong(a, positive_a, interval)?;
    let b = delong(b, positive_b, interval)?;
    difference_test(&a, &b, a.se.hypot(b.se), interval.level, TestMethod::DeLongUnpaired)
}

fn estimate(classes: &Classes, p: &Placements, interval: Interval) -> Result<AucEstimate, ReadoutError> {
    let (m, n) = (p.v10.len(), p.v01.len());
    at_least_two(m, n)?;
    let se = (mean_variance(&p.v10) + mean_variance(&p.v01)).sqrt();
    debug_assert_eq!(classes.positive.len(), m);
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

/// Variance of the mean: sample variance (divisor n - 1) divided by n.
fn mean_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n
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
