//! The standard normal distribution, in the two forms that the tests need.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::erf::erfc;

/// P(|Z| >= |z|).
pub(crate) fn two_sided_p(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// P(Z <= z).
pub(crate) fn below(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// The value that Z stays below with probability `p`, for `p` in (0, 1).
pub(crate) fn quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// The z value, with the sign of `sign`, whose two-sided p-value is `p`. Finite: below 1e-300 `p` is taken as that.
pub(crate) fn z_of_p(p: f64, sign: f64) -> f64 {
    // The lower tail keeps its precision where 1 - p / 2 would round to one.
    let z = -quantile((p / 2.0).clamp(1e-300, 0.5));
    if sign < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_and_quantiles_agree_with_tables() {
        assert!((quantile(0.975) - 1.959963984540054).abs() < 1e-9);
        assert!((two_sided_p(1.959963984540054) - 0.05).abs() < 1e-10);
        assert!((z_of_p(0.05, -1.0) + 1.959963984540054).abs() < 1e-9);
        assert!(z_of_p(0.0, 1.0).is_finite());
    }
}
