//! The non-central t distribution: `(Z + δ) / sqrt(χ²_ν / ν)`.

use super::{
    DistributionError, check, check_df, check_number, check_probability, incomplete_beta,
    mixture::poisson_mixture,
};
use libm::erfc;

/// `P(T <= t)`. For `t >= 0`, with `x = t² / (ν + t²)` and `λ = δ² / 2`,
///
/// ```text
/// Φ(-δ) + 1/2 Σ_j e^-λ λ^j [ I_x(j + 1/2, ν/2) / j! + δ / (√2 Γ(j + 3/2)) I_x(j + 1, ν/2) ]
/// ```
///
/// and `1 - P(T <= -t)` at `-δ` for `t < 0` (Lenth, Applied Statistics 1989;38:185; Johnson, Kotz and Balakrishnan,
/// equation 31.16).
///
/// # Errors
/// [`DistributionError`] for degrees of freedom not above 0, a non-centrality beyond ±1000, or NaN.
///
/// ```
/// use mammo_readout::distribution::noncentral_t;
/// assert!((noncentral_t::cdf(2.0, 10.0, 2.5)? - 0.306961688689082).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn cdf(t: f64, df: f64, delta: f64) -> Result<f64, DistributionError> {
    check_df(df)?;
    check_number("t", t)?;
    check(delta.abs() <= 1000.0, "the non-centrality", delta, "in [-1000, 1000]")?;
    if df.is_infinite() {
        return Ok(normal_below(t - delta));
    }
    if t < 0.0 {
        return Ok((1.0 - from_zero(-t, df, -delta)).clamp(0.0, 1.0));
    }
    Ok(from_zero(t, df, delta).clamp(0.0, 1.0))
}

/// `P(T > t)`.
///
/// # Errors
/// As [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_t;
/// assert!((noncentral_t::survival(2.0, 10.0, 2.5)? - 0.693038311310918).abs() < 1e-11);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn survival(t: f64, df: f64, delta: f64) -> Result<f64, DistributionError> {
    // T turned round has the opposite non-centrality.
    cdf(-t, df, -delta)
}

fn normal_below(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

fn from_zero(t: f64, df: f64, delta: f64) -> f64 {
    let below_zero = normal_below(-delta);
    if t == 0.0 {
        return below_zero;
    }
    if t.is_infinite() {
        return 1.0;
    }
    let (x, y) = (t * t / (df + t * t), df / (df + t * t));
    let lambda = delta * delta / 2.0;
    let even = poisson_mixture(lambda, 1.0, |j| incomplete_beta(j + 0.5, df / 2.0, x, y).0);
    let odd = poisson_mixture(lambda, 1.5, |j| incomplete_beta(j + 1.0, df / 2.0, x, y).0);
    below_zero + 0.5 * (even + delta / std::f64::consts::SQRT_2 * odd)
}

/// The value that T stays below with probability `p`.
///
/// # Errors
/// [`DistributionError`] for `p` outside `(0, 1)`, or as [`cdf`].
///
/// ```
/// use mammo_readout::distribution::noncentral_t;
/// let t = noncentral_t::quantile(0.3, 10.0, 2.5)?;
/// assert!((noncentral_t::cdf(t, 10.0, 2.5)? - 0.3).abs() < 1e-10);
/// # Ok::<(), mammo_readout::distribution::DistributionError>(())
/// ```
pub fn quantile(p: f64, df: f64, delta: f64) -> Result<f64, DistributionError> {
    check_probability(p)?;
    super::quantile::invert(p, -1e300, delta, |t| cdf(t, df, delta))
}
