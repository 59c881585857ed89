//! Agreement of readers on a scale: intraclass correlations and Bland-Altman limits.

use crate::{
    ReadoutError,
    auc::check_lengths,
    distribution::{f, student_t},
    interval::in_range,
    normal,
};
use serde::{Deserialize, Serialize};

/// An intraclass correlation with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The correlation; at most 1, negative where images differ less than chance would make them.
    pub value: f64,
    /// Lower limit.
    pub ci_low: f64,
    /// Upper limit.
    pub ci_high: f64,
}

/// The six intraclass correlations of Shrout and Fleiss (Psychological Bulletin 1979;86:420).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntraclassCorrelations {
    /// ICC(1,1): each image read by other readers; reliability of one reading.
    pub one_way_single: Correlation,
    /// ICC(2,1): the same readers for all images, a sample of readers; absolute agreement of one reading.
    pub random_single: Correlation,
    /// ICC(3,1): these readers only; consistency of one reading.
    pub fixed_single: Correlation,
    /// ICC(1,k): as ICC(1,1), of the mean of all readers.
    pub one_way_mean: Correlation,
    /// ICC(2,k): as ICC(2,1), of the mean of all readers.
    pub random_mean: Correlation,
    /// ICC(3,k): as ICC(3,1), of the mean of all readers.
    pub fixed_mean: Correlation,
}

/// Intraclass correlations of `ratings[i][j]`, image `i` read by reader `j`, with limits from the F distribution.
///
/// ```
/// use mammo_readout::intraclass_correlations;
/// let ratings = [[9.0, 2.0, 5.0, 8.0], [6.0, 1.0, 3.0, 2.0], [8.0, 4.0, 6.0, 8.0]].map(Vec::from);
/// let icc = intraclass_correlations(&ratings, 0.95)?;
/// assert!(icc.fixed_single.value > icc.random_single.value);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when there are fewer than two images or readers, rows differ in length, a rating is not finite,
/// the level is not inside `(0, 1)`, or nothing varies.
pub fn intraclass_correlations(
    ratings: &[Vec<f64>],
    level: f64,
) -> Result<IntraclassCorrelations, ReadoutError> {
    in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
    let readers = ratings.first().map_or(0, Vec::len);
    for (what, found) in [("images", ratings.len()), ("readers", readers)] {
        if found < 2 {
            return Err(ReadoutError::TooFewOf { what, found, least: 2 });
        }
    }
    for row in ratings {
        check_lengths("an image's ratings", row.len(), "the first image's", readers)?;
    }
    if let Some((index, &value)) = ratings.iter().flatten().enumerate().find(|(_, r)| !r.is_finite()) {
        return Err(ReadoutError::NotFinite { index, value });
    }
    let (n, k) = (ratings.len() as f64, readers as f64);
    let grand = ratings.iter().flatten().sum::<f64>() / (n * k);
    let of_image: Vec<f64> = ratings.iter().map(|row| row.iter().sum::<f64>() / k).collect();
    let of_reader: Vec<f64> =
        (0..readers).map(|j| ratings.iter().map(|row| row[j]).sum::<f64>() / n).collect();
    let squares = |means: &[f64]| means.iter().map(|m| (m - grand).powi(2)).sum::<f64>();
    let within: f64 =
        ratings.iter().zip(&of_image).flat_map(|(row, m)| row.iter().map(move |r| (r - m).powi(2))).sum();
    let residual: f64 = ratings
        .iter()
        .zip(&of_image)
        .flat_map(|(row, i)| row.iter().zip(&of_reader).map(move |(r, j)| (r - i - j + grand).powi(2)))
        .sum();
    let images = k * squares(&of_image) / (n - 1.0);
    let by_reader = n * squares(&of_reader) / (k - 1.0);
    let within = within / (n * (k - 1.0));
    let residual = residual / ((n - 1.0) * (k - 1.0));
    let size = ratings.iter().flatten().fold(0.0f64, |most, r| most.max(r.abs()));
    if images + within <= 1e-24 * size * size {
        return Err(ReadoutError::Undefined {
            what: "an intraclass correlation",
            reason: "all ratings are equal",
        });
    }
    let tail = f64::midpoint(1.0, level);
    let (single_1, mean_1) = from_ratio(images, within, k, (n - 1.0, n * (k - 1.0)), tail)?;
    let (single_3, mean_3) = from_ratio(images, residual, k, (n - 1.0, (n - 1.0) * (k - 1.0)), tail)?;
    let single_2 = random_readers(images, by_reader, residual, (n, k), tail)?;
    let of_mean = |r: f64| k * r / (1.0 + (k - 1.0) * r);
    let mean_2 = Correlation {
        value: (images - residual) / (images + (by_reader - residual) / n),
        ci_low: of_mean(single_2.ci_low),
        ci_high: of_mean(single_2.ci_high),
    };
    Ok(IntraclassCorrelations {
        one_way_single: single_1,
        random_single: single_2,
        fixed_single: single_3,
        one_way_mean: mean_1,
        random_mean: mean_2,
        fixed_mean: mean_3,
    })
}

/// Correlations of one reading and of the mean of `k`, from the ratio of two mean squares.
fn from_ratio(
    images: f64,
    error: f64,
    k: f64,
    (df1, df2): (f64, f64),
    p: f64,
) -> Result<(Correlation, Correlation), ReadoutError> {
    let single = |ratio: f64| (ratio - 1.0) / (ratio + k - 1.0);
    let mean = |ratio: f64| 1.0 - 1.0 / ratio;
    if error <= 1e-14 * images {
        let full = Correlation { value: 1.0, ci_low: 1.0, ci_high: 1.0 };
        return Ok((full, full));
    }
    let ratio = images / error;
    let (low, high) = (ratio / f::quantile(p, df1, df2)?, ratio * f::quantile(p, df2, df1)?);
    let with = |f: &dyn Fn(f64) -> f64| Correlation { value: f(ratio), ci_low: f(low), ci_high: f(high) };
    Ok((with(&single), with(&mean)))
}

/// ICC(2,1) with Shrout and Fleiss' approximate limits (degrees of freedom by Satterthwaite).
fn random_readers(
    images: f64,
    readers: f64,
    error: f64,
    (n, k): (f64, f64),
    p: f64,
) -> Result<Correlation, ReadoutError> {
    let value = (images - error) / (images + (k - 1.0) * error + k * (readers - error) / n);
    if error <= 1e-14 * images && readers <= 1e-14 * images {
        return Ok(Correlation { value: 1.0, ci_low: 1.0, ci_high: 1.0 });
    }
    // Multiplied by the error so that an error of zero divides nothing.
    let first = k * value * readers;
    let second = (n * (1.0 + (k - 1.0) * value) - k * value) * error;
    let df = (k - 1.0) * (n - 1.0) * (first + second).powi(2)
        / ((n - 1.0) * first * first + second * second).max(f64::MIN_POSITIVE);
    let df = df.max(1e-3);
    let (low, high) = (f::quantile(p, n - 1.0, df)?, f::quantile(p, df, n - 1.0)?);
    let rest = k * readers + (k * n - k - n) * error;
    Ok(Correlation {
        value,
        ci_low: n * (images - low * error) / (low * rest + n * images),
        ci_high: n * (high * images - error) / (rest + n * high * images),
    })
}

/// Limits of agreement of two readers or two methods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LimitsOfAgreement {
    /// Mean of first minus second.
    pub bias: f64,
    /// Confidence interval of the bias (Student's t).
    pub bias_ci: (f64, f64),
    /// Standard deviation of the differences.
    pub sd: f64,
    /// `bias - z sd`, below which `(1 - coverage) / 2` of differences are expected.
    pub lower: f64,
    /// `bias + z sd`.
    pub upper: f64,
    /// Half the width of the confidence interval of `lower` and of `upper`: `t sd √(1/n + z² / (2 (n - 1)))`.
    pub limit_half_width: f64,
    /// Share of differences meant to lie between the limits.
    pub coverage: f64,
    /// Pairs.
    pub n: usize,
}

/// Bland and Altman's limits of agreement (Lancet 1986;1:307, Statistical Methods in Medical Research 1999;8:135)
/// for `coverage` of the differences, with confidence intervals of `level`.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length or have fewer than two entries, a value is not finite, or the
/// coverage or level is not inside `(0, 1)`.
///
/// ```
/// use mammo_readout::limits_of_agreement;
/// // Differences 1, 2, 3 and 4.
/// let limits = limits_of_agreement(&[1.0, 2.0, 3.0, 4.0], &[0.0; 4], 0.95, 0.95)?;
/// assert!((limits.bias - 2.5).abs() < 1e-12);
/// assert!((limits.upper - 5.0303).abs() < 1e-4);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn limits_of_agreement(
    a: &[f64],
    b: &[f64],
    coverage: f64,
    level: f64,
) -> Result<LimitsOfAgreement, ReadoutError> {
    check_lengths("the first list", a.len(), "the second", b.len())?;
    in_range("the coverage", coverage, coverage > 0.0 && coverage < 1.0, "inside (0, 1)")?;
    in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
    if a.len() < 2 {
        return Err(ReadoutError::TooFewOf { what: "pairs", found: a.len(), least: 2 });
    }
    for values in [a, b] {
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, r)| !r.is_finite()) {
            return Err(ReadoutError::NotFinite { index, value });
        }
    }
    let n = a.len() as f64;
    let bias = a.iter().zip(b).map(|(x, y)| x - y).sum::<f64>() / n;
    let sd = (a.iter().zip(b).map(|(x, y)| (x - y - bias).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let z = normal::quantile(f64::midpoint(1.0, coverage));
    let t = student_t::quantile(f64::midpoint(1.0, level), n - 1.0)?;
    let half = t * sd / n.sqrt();
    Ok(LimitsOfAgreement {
        bias,
        bias_ci: (bias - half, bias + half),
        sd,
        lower: bias - z * sd,
        upper: bias + z * sd,
        limit_half_width: t * sd * (1.0 / n + z * z / (2.0 * (n - 1.0))).sqrt(),
        coverage,
        n: a.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_agreement_is_one_and_no_variety_is_refused() {
        let same = [vec![1.0, 1.0], vec![3.0, 3.0], vec![2.0, 2.0]];
        let icc = intraclass_correlations(&same, 0.95).unwrap();
        assert_eq!([icc.one_way_single.value, icc.random_single.value, icc.fixed_mean.value], [1.0; 3]);
        assert!(intraclass_correlations(&[vec![2.0, 2.0], vec![2.0, 2.0]], 0.95).is_err());
        assert!(intraclass_correlations(&[vec![1.0, 2.0]], 0.95).is_err());
    }

    #[test]
    fn a_shift_of_one_reader_costs_agreement_but_not_consistency() {
        let shifted: Vec<Vec<f64>> = (0..6).map(|i| vec![f64::from(i), f64::from(i) + 2.0]).collect();
        let icc = intraclass_correlations(&shifted, 0.95).unwrap();
        assert!((icc.fixed_single.value - 1.0).abs() < 1e-12);
        assert!(icc.random_single.value < 0.7 && icc.random_single.ci_low < icc.random_single.value);
    }

    #[test]
    fn limits_of_four_differences_by_hand() {
        // Differences 1, 2, 3, 4: mean 2.5, standard deviation √(5/3).
        let found = limits_of_agreement(&[1.0, 2.0, 3.0, 4.0], &[0.0; 4], 0.95, 0.95).unwrap();
        let sd = (5.0f64 / 3.0).sqrt();
        assert!((found.bias - 2.5).abs() < 1e-12 && (found.sd - sd).abs() < 1e-12);
        assert!((found.upper - (2.5 + 1.959963985 * sd)).abs() < 1e-8);
        assert!((found.bias_ci.1 - (2.5 + 3.182446305 * sd / 2.0)).abs() < 1e-8);
        assert!(limits_of_agreement(&[1.0], &[1.0], 0.95, 0.95).is_err());
    }
}
