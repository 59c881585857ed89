//! Student's t distribution. Infinite degrees of freedom give the standard normal.

use super::{
    DistributionError, check_df, check_number, check_probability, incomplete_beta, quantile::invert,
};
use crate::normal;
use libm::erfc;

/// `P(T <= t)`.
///
/// # Errors
/// [`DistributionError`] for degrees of freedom that are not above 0, or NaN.
///
/// ```
/// use mammo_readout::distribution::student_t;
/// assert!((student_t::cdf(1.0, 1.0)? - 0.75).abs() < 1e-12);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(t: f64, df: f64) -> Result<f64, DistributionError> {
    let half = two_sided_p(t, df)? / 2.0;
    Ok(if t < 0.0 { half } else { 1.0 - half })
}

/// `P(|T| >= |t|)`, the two-sided p-value: `I_x(ν/2, 1/2)` at `x = ν / (ν + t²)`.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::student_t;
/// assert!((student_t::two_sided_p(-2.1109994536136734, 15.259674589141774)? - 0.0516656858192949).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn two_sided_p(t: f64, df: f64) -> Result<f64, DistributionError> {
    check_df(df)?;
    check_number("t", t)?;
    if t.is_infinite() {
        return Ok(0.0);
    }
    if df.is_infinite() {
        return Ok(erfc(t.abs() / std::f64::consts::SQRT_2));
    }
    let square = t * t;
    Ok(incomplete_beta(df / 2.0, 0.5, df / (df + square), square / (df + square)).0)
}

/// The value that T stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::student_t;
/// assert!((student_t::quantile(0.975, 10.0)? - 2.228138851964939).abs() < 1e-10);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn quantile(p: f64, df: f64) -> Result<f64, DistributionError> {
    check_df(df)?;
    check_probability(p)?;
    let z = normal::quantile(p);
    if p == 0.5 {
        return Ok(0.0);
    }
    // The upper tail keeps its digits where a probability near one would not.
    let tail = p.min(1.0 - p);
    let upper = invert(-tail, 0.0, z.abs(), |t| two_sided_p(t, df).map(|q| -q / 2.0))?;
    Ok(if p < 0.5 { -upper } else { upper })
}
