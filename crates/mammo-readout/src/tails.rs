//! Tails of Student's t and of chi-square.

use statrs::function::{beta::beta_reg, gamma::gamma_ur};

/// P(|T| >= |t|) for `df` > 0 degrees of freedom: `I_x(df / 2, 1 / 2)` at `x = df / (df + t²)`.
pub(crate) fn t_two_sided(t: f64, df: f64) -> f64 {
    beta_reg(df / 2.0, 0.5, df / (df + t * t))
}

/// The value that T stays below with probability `p`, for `p` in (0.5, 1).
pub(crate) fn t_quantile(p: f64, df: f64) -> f64 {
    let tail = 2.0 * (1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while t_two_sided(high, df) > tail && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if t_two_sided(middle, df) > tail { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The value that F with `df1` and `df2` degrees of freedom stays below with probability `p`, for `p` in (0, 1).
pub(crate) fn f_quantile(p: f64, df1: f64, df2: f64) -> f64 {
    let upper = |x: f64| beta_reg(df2 / 2.0, df1 / 2.0, df2 / (df2 + df1 * x));
    let tail = 1.0 - p;
    let (mut low, mut high) = (0.0, 1.0);
    while upper(high) > tail && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if upper(middle) > tail { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// P(X >= x) for `df` degrees of freedom; one for none.
pub(crate) fn chi_square_upper(x: f64, df: usize) -> f64 {
    if df == 0 || x <= 0.0 { 1.0 } else { gamma_ur(df as f64 / 2.0, x / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles as tables print them.
    #[test]
    fn tails_agree_with_tables() {
        assert!((t_quantile(0.975, 10.0) - 2.228138852).abs() < 1e-9);
        assert!((f_quantile(0.95, 3.0, 15.0) - 3.287382105).abs() < 1e-9);
        assert!((t_two_sided(12.70620474, 1.0) - 0.05).abs() < 1e-10);
        assert!((chi_square_upper(5.991464547, 2) - 0.05).abs() < 1e-10);
        assert_eq!(chi_square_upper(0.0, 3), 1.0);
    }
}
