//! The chi-square distribution with real degrees of freedom.

use super::{DistributionError, check, check_number};
use statrs::function::gamma::{gamma_lr, gamma_ur};

/// `P(X² <= x)`.
///
/// # Errors
/// [`DistributionError`] for degrees of freedom that are not finite and above 0, or NaN.
///
/// ```
/// use mammo_readout::distribution::chi_square;
/// let p = chi_square::cdf(5.991464547107979, 2.0)?;
/// assert!((p - 0.95).abs() < 1e-12);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(x: f64, df: f64) -> Result<f64, DistributionError> {
    guard(x, df)?;
    Ok(if x <= 0.0 {
        0.0
    } else if x.is_infinite() {
        1.0
    } else {
        gamma_lr(df / 2.0, x / 2.0)
    })
}

/// `P(X² > x)`, the p-value of a chi-square test.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::chi_square;
/// assert!((chi_square::survival(5.991464547107979, 2.0)? - 0.05).abs() < 1e-12);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn survival(x: f64, df: f64) -> Result<f64, DistributionError> {
    guard(x, df)?;
    Ok(if x <= 0.0 {
        1.0
    } else if x.is_infinite() {
        0.0
    } else {
        gamma_ur(df / 2.0, x / 2.0)
    })
}

fn guard(x: f64, df: f64) -> Result<(), DistributionError> {
    check(df > 0.0 && df.is_finite(), "the degrees of freedom", df, "finite and above 0")?;
    check_number("chi-square", x)
}
