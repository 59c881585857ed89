//! Central and non-central t, F and chi-square distributions with real degrees of freedom.
//!
//! The non-central ones are Poisson mixtures of incomplete beta and gamma functions (Johnson, Kotz and Balakrishnan,
//! Continuous Univariate Distributions 2, 1995, chapters 29 to 31), summed outwards from the largest Poisson weight so
//! that no term is lost at large non-centrality. Degrees of freedom need not be whole: Satterthwaite's, and so
//! Hillis', are not. Infinite denominator degrees of freedom stand for a known variance.
//!
//! ```
//! use mammo_readout::distribution::{student_t, noncentral_f};
//!
//! // The two-sided p-value of t = -2.11 on 15.26 degrees of freedom.
//! assert!((student_t::two_sided_p(-2.11, 15.26)? - 0.0517).abs() < 1e-4);
//! // Power of an F test on 1 and 10 degrees of freedom with critical value 4.9646 and non-centrality 9.
//! assert!(noncentral_f::survival(4.9646, 1.0, 10.0, 9.0)? > 0.75);
//! # Ok::<(), mammo_readout::distribution::DistributionError>(())
//! ```

pub mod chi_square;
pub mod f;
mod incomplete_beta;
mod mixture;
pub mod noncentral_chi_square;
pub mod noncentral_f;
pub mod noncentral_t;
mod quantile;
pub mod student_t;

pub(crate) use incomplete_beta::incomplete_beta;

/// A parameter for which a distribution is not defined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} is {value}; it must be {range}")]
pub struct DistributionError {
    /// Which parameter.
    pub what: &'static str,
    /// Its value.
    pub value: f64,
    /// What it must be.
    pub range: &'static str,
}

pub(crate) fn check(
    ok: bool,
    what: &'static str,
    value: f64,
    range: &'static str,
) -> Result<(), DistributionError> {
    if ok { Ok(()) } else { Err(DistributionError { what, value, range }) }
}

/// Degrees of freedom that may be infinite.
pub(crate) fn check_df(df: f64) -> Result<(), DistributionError> {
    check(df > 0.0, "the degrees of freedom", df, "above 0")
}

pub(crate) fn check_probability(p: f64) -> Result<(), DistributionError> {
    check(p > 0.0 && p < 1.0, "the probability", p, "inside (0, 1)")
}

/// The argument or statistic: any number but NaN.
pub(crate) fn check_number(what: &'static str, x: f64) -> Result<(), DistributionError> {
    check(!x.is_nan(), what, x, "a number")
}

pub(crate) fn check_noncentrality(lambda: f64) -> Result<(), DistributionError> {
    check((0.0..=1e8).contains(&lambda), "the non-centrality", lambda, "in [0, 1e8]")
}

#[cfg(test)]
#[allow(clippy::excessive_precision)] // reference values keep the digits of their source
mod tests;
