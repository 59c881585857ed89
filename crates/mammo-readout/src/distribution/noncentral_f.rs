//! The non-central F distribution, from which the power of an F test is read.

use super::{
    DistributionError, check_noncentrality, check_probability, f, incomplete_beta, mixture::poisson_mixture,
    noncentral_chi_square,
};

/// `P(F <= x) = Σ_j Poisson(j; λ/2) I_u(ν1/2 + j, ν2/2)` with `u = ν1 x / (ν1 x + ν2)` (Johnson, Kotz and Balakrishnan,
/// equation 30.10).
///
/// # Errors
/// [`DistributionError`] for degrees of freedom not above 0, a negative non-centrality, or NaN.
///
/// ```
/// use mammo_readout::distribution::noncentral_f;
/// assert!((noncentral_f::cdf(5.0, 1.0, 4.0, 7.0)? - 0.328243578850503).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(x: f64, df1: f64, df2: f64, lambda: f64) -> Result<f64, DistributionError> {
    tail(x, df1, df2, lambda, true)
}

/// `P(F > x)`: at the critical value of a test, its power.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_f;
/// assert!((noncentral_f::survival(5.0, 1.0, 4.0, 7.0)? - 0.671756421149497).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn survival(x: f64, df1: f64, df2: f64, lambda: f64) -> Result<f64, DistributionError> {
    tail(x, df1, df2, lambda, false)
}

fn tail(x: f64, df1: f64, df2: f64, lambda: f64, lower: bool) -> Result<f64, DistributionError> {
    f::cdf(x, df1, df2)?;
    check_noncentrality(lambda)?;
    if df2.is_infinite() {
        let tail = if lower { noncentral_chi_square::cdf } else { noncentral_chi_square::survival };
        return tail(x * df1, df1, lambda);
    }
    if x <= 0.0 || x.is_infinite() {
        return Ok(f64::from(u8::from((x <= 0.0) != lower)));
    }
    let (u, v) = (df1 * x, df2);
    let (u, v) = (u / (u + v), v / (u + v));
    Ok(poisson_mixture(lambda / 2.0, 1.0, |j| {
        let (below, above) = incomplete_beta(df1 / 2.0 + j, df2 / 2.0, u, v);
        if lower { below } else { above }
    }))
}

/// The value that F stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_f;
/// let x = noncentral_f::quantile(0.5, 1.0, 4.0, 7.0)?;
/// assert!((noncentral_f::cdf(x, 1.0, 4.0, 7.0)? - 0.5).abs() < 1e-10);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn quantile(p: f64, df1: f64, df2: f64, lambda: f64) -> Result<f64, DistributionError> {
    check_probability(p)?;
    super::quantile::invert(p, 0.0, 1.0 + lambda / df1, |x| cdf(x, df1, df2, lambda))
}

/// Power of the F test at level `alpha`: `P(F > F_crit)` under non-centrality `lambda`.
///
/// # Errors
/// [`DistributionError`] for `alpha` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_f;
/// // Without an effect the power is the level.
/// assert!((noncentral_f::power(0.05, 1.0, 10.0, 0.0)? - 0.05).abs() < 1e-10);
/// assert!(noncentral_f::power(0.05, 1.0, 10.0, 9.0)? > 0.75);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn power(alpha: f64, df1: f64, df2: f64, lambda: f64) -> Result<f64, DistributionError> {
    check_probability(alpha)?;
    survival(f::quantile(1.0 - alpha, df1, df2)?, df1, df2, lambda)
}
