//! The non-central chi-square distribution: the sum of squares of normal variables whose squared means add to the
//! non-centrality `λ`.

use super::{
    DistributionError, check_noncentrality, check_probability, chi_square, mixture::poisson_mixture,
};

/// `P(X² <= x) = Σ_j Poisson(j; λ/2) P(χ²_(ν + 2j) <= x)` (Johnson, Kotz and Balakrishnan, equation 29.2).
///
/// # Errors
/// [`DistributionError`] for degrees of freedom not above 0, a negative non-centrality, or NaN.
///
/// ```
/// use mammo_readout::distribution::noncentral_chi_square;
/// let p = noncentral_chi_square::cdf(3.84, 1.0, 7.85)?;
/// assert!((p - 0.199838906088593).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(x: f64, df: f64, lambda: f64) -> Result<f64, DistributionError> {
    chi_square::cdf(x, df)?;
    check_noncentrality(lambda)?;
    // The arguments of the inner terms were checked above.
    Ok(poisson_mixture(lambda / 2.0, 1.0, |j| chi_square::cdf(x, df + 2.0 * j).unwrap_or(f64::NAN)))
}

/// `P(X² > x)`.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_chi_square;
/// // Power of a chi-square test at 5 %.
/// assert!((noncentral_chi_square::survival(3.84, 1.0, 7.85)? - 0.800161093911407).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn survival(x: f64, df: f64, lambda: f64) -> Result<f64, DistributionError> {
    chi_square::cdf(x, df)?;
    check_noncentrality(lambda)?;
    Ok(poisson_mixture(lambda / 2.0, 1.0, |j| chi_square::survival(x, df + 2.0 * j).unwrap_or(f64::NAN)))
}

/// The value that X² stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_chi_square;
/// let x = noncentral_chi_square::quantile(0.2, 1.0, 7.85)?;
/// assert!((noncentral_chi_square::cdf(x, 1.0, 7.85)? - 0.2).abs() < 1e-10);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn quantile(p: f64, df: f64, lambda: f64) -> Result<f64, DistributionError> {
    check_probability(p)?;
    super::quantile::invert(p, 0.0, df + lambda, |x| cdf(x, df, lambda))
}
