//! The F distribution. Infinite denominator degrees of freedom give chi-square over its degrees of freedom.

use super::{
    DistributionError, check_df, check_number, check_probability, chi_square, incomplete_beta,
    quantile::invert,
};

/// `P(F <= x)`.
///
/// # Errors
/// [`DistributionError`] for degrees of freedom that are not above 0, or NaN.
///
/// ```
/// use mammo_readout::distribution::f;
/// assert!((f::cdf(8.704, 1.0, 4.0)? - 0.9580412475053613).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(x: f64, df1: f64, df2: f64) -> Result<f64, DistributionError> {
    both(x, df1, df2).map(|tails| tails.0)
}

/// `P(F > x)`, the p-value of an F test.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::f;
/// assert!((f::survival(8.704, 1.0, 4.0)? - 0.0419587524946387).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn survival(x: f64, df1: f64, df2: f64) -> Result<f64, DistributionError> {
    both(x, df1, df2).map(|tails| tails.1)
}

fn both(x: f64, df1: f64, df2: f64) -> Result<(f64, f64), DistributionError> {
    check_df(df1)?;
    check_df(df2)?;
    check_number("F", x)?;
    if x <= 0.0 {
        return Ok((0.0, 1.0));
    }
    if x.is_infinite() {
        return Ok((1.0, 0.0));
    }
    if df2.is_infinite() {
        return Ok((chi_square::cdf(x * df1, df1)?, chi_square::survival(x * df1, df1)?));
    }
    let (u, v) = (df1 * x, df2);
    Ok(incomplete_beta(df1 / 2.0, df2 / 2.0, u / (u + v), v / (u + v)))
}

/// The value that F stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::f;
/// assert!((f::quantile(0.95, 3.0, 15.0)? - 3.287382105).abs() < 1e-8);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn quantile(p: f64, df1: f64, df2: f64) -> Result<f64, DistributionError> {
    check_probability(p)?;
    if p > 0.5 {
        return invert(p - 1.0, 0.0, 1.0, |x| survival(x, df1, df2).map(|q| -q));
    }
    invert(p, 0.0, 1.0, |x| cdf(x, df1, df2))
}
