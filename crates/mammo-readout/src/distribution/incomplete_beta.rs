use statrs::function::gamma::ln_gamma;

/// The regularised incomplete beta function `I_x(a, b)` with its complement, for `a`, `b` > 0 and `x` in `[0, 1]` given
/// with `y = 1 - x` so that neither tail loses digits.
///
/// Continued fraction of Abramowitz and Stegun 26.5.8 by the modified Lentz method, on the side of the mode where it
/// converges in about the square root of the larger parameter.
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    let front = (a * x.ln() + b * y.ln() - ln_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (front * fraction(a, b, x) / a).min(1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (front * fraction(b, a, y) / b).min(1.0);
        (1.0 - upper, upper)
    }
}

/// `ln B(a, b)`. Large parameters go through Stirling's remainder: the difference of three large logarithms of the
/// gamma function would cost digits.
fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large < 20.0 {
        return ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    }
    let sum = small + large;
    // ln Γ(large) - ln Γ(large + small) without cancellation of the leading terms.
    let ratio =
        -(large - 0.5) * (small / large).ln_1p() - small * sum.ln() + small + stirling_remainder(large)
            - stirling_remainder(sum);
    ln_gamma_accurate(small) + ratio
}

fn ln_gamma_accurate(a: f64) -> f64 {
    if a < 20.0 {
        ln_gamma(a)
    } else {
        (a - 0.5) * a.ln() - a + 0.5 * (2.0 * std::f64::consts::PI).ln() + stirling_remainder(a)
    }
}

/// `ln Γ(z) - ((z - 1/2) ln z - z + ln(2π) / 2)` for `z` of 20 or more.
fn stirling_remainder(z: f64) -> f64 {
    let w = 1.0 / (z * z);
    (1.0 / 12.0 - w * (1.0 / 360.0 - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w / 1188.0)))) / z
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..200_000 {
        let m = f64::from(step);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            value *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}
