use statrs::function::gamma::ln_gamma;

/// Weights below this share of the largest cannot change a sum in its sixteenth digit.
const NEGLIGIBLE: f64 = 1e-18;

/// `Σ_j e^-λ λ^j / Γ(j + shift) f(j)` from the largest weight outwards, for `f` within `[0, 1]`. With `shift` 1 the
/// weights are Poisson's.
pub(super) fn poisson_mixture(lambda: f64, shift: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    if lambda == 0.0 {
        return (-ln_gamma(shift)).exp() * f(0.0);
    }
    let mode = lambda.floor();
    let at_mode = (mode * lambda.ln() - lambda - ln_gamma(mode + shift)).exp();
    let mut sum = at_mode * f(mode);
    let (mut weight, mut j) = (at_mode, mode);
    while weight > at_mode * NEGLIGIBLE {
        weight *= lambda / (j + shift);
        j += 1.0;
        sum += weight * f(j);
    }
    (weight, j) = (at_mode, mode);
    while j > 0.0 && weight > at_mode * NEGLIGIBLE {
        weight *= (j - 1.0 + shift) / lambda;
        j -= 1.0;
        sum += weight * f(j);
    }
    sum
}
