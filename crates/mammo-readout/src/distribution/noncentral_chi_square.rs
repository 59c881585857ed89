//! The non-central chi-square distribution: the sum of squares of normal variables whose squared means add to the
//! non-centrality `λ`.

use super::{
    DistributionError, check_noncentrality, check_probability, chi_square, mixture::poisson_mixture,
};

/// `P(X² <= x) = Σ_j Poisson(j; λ/2) P(χ²_(ν + 2j) <= x)` (Johnson, Kotz and Balakrishnan, equation 29.2).
///
/// # Errors
/// [`DistributionError`] for degrees of freedom not above 0, a negative non-centrality, or NaN.
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
pub fn survival(x: f64, df: f64, lambda: f64) -> Result<f64, DistributionError> {
    chi_square::cdf(x, df)?;
    check_noncentrality(lambda)?;
    Ok(poisson_mixture(lambda / 2.0, 1.0, |j| chi_square::survival(x, df + 2.0 * j).unwrap_or(f64::NAN)))
}

/// The value that X² stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
pub fn quantile(p: f64, df: f64, lambda: f64) -> Result<f64, DistributionError> {
    check_probability(p)?;
    super::quantile::invert(p, 0.0, df + lambda, |x| cdf(x, df, lambda))
}
