//! The proper (likelihood-ratio) binormal model, fitted by maximum likelihood to ratings in categories.

use crate::{
    AucEstimate, Degeneracy, Interval, ReadoutError, VarianceMethod,
    binormal::table,
    likelihood::{Curve, Model},
    normal,
};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, SQRT_2};

/// A proper fit, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProperFit {
    /// The likelihood has a maximum inside the model.
    Fitted(ProperBinormal),
    /// It has none. The empirical AUC is still good.
    Degenerate(Degeneracy),
}

/// A proper binormal curve: a reader who decides by the likelihood ratio of two normal distributions. It never crosses the
/// chance line and has no hook.
///
/// With `s = √(1 + c²)` and the cutoff `v`, the rates are (Metz and Pan, Journal of Mathematical Psychology 1999;43:1)
///
/// ```text
/// FPR = Φ(-(1 - c) v - d s / 2) + Φ(-(1 - c) v + d s / (2 c)) - [c > 0]
/// TPR = Φ(-(1 + c) v + d s / 2) + Φ(-(1 + c) v + d s / (2 c)) - [c > 0]
/// ```
///
/// in terms of the conventional parameters `d = √2 a / √(1 + b²)` and `c = (b - 1) / (b + 1)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProperBinormal {
    /// `d`, the distance of the classes in standard deviations; above 0.
    pub d_a: f64,
    /// `c`, in (-1, 1): the asymmetry; 0 where both classes have the same spread.
    pub c: f64,
    /// Variance of `d_a`, covariance, variance of `c`, from the inverse of the observed information.
    pub covariance: [f64; 3],
    /// Categories of the ratings that were used, after merging; see [`crate::binormal`].
    pub categories: usize,
    /// Natural logarithm of the likelihood at its maximum, without the multinomial constants.
    pub log_likelihood: f64,
    /// The area under the curve, `Φ(d / √2) + 2 F(-d / √2, 0; -(1 - c²) / (1 + c²))` with `F` the distribution of two
    /// correlated standard normal variables; its standard error by the delta method.
    pub estimate: AucEstimate,
}

impl ProperBinormal {
    /// True-positive rate at a false-positive rate in `[0, 1]`.
    ///
    /// ```
    /// use mammo_readout::{Interval, ProperFit, proper_binormal};
    /// let ratings = [1.0, 2.0, 2.0, 3.0, 4.0, 1.0, 3.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.0, 4.0];
    /// let positive: Vec<bool> = (0..14).map(|i| i >= 7).collect();
    /// let ProperFit::Fitted(fit) = proper_binormal(&ratings, &positive, Interval::default())? else { panic!() };
    /// assert!(fit.true_positive_rate(0.2) > 0.2);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn true_positive_rate(&self, false_positive_rate: f64) -> f64 {
        match false_positive_rate {
            f if f <= 0.0 => 0.0,
            f if f >= 1.0 => 1.0,
            f => rates(self.d_a, self.c, cutoff(self.d_a, self.c, f)).1,
        }
    }
}

/// Fits the proper binormal model by Fisher scoring, on the categories of [`crate::binormal`].
///
/// Where the conventional curve hooks below the chance line, or rises to an area of 1 through a single point, the proper
/// one often is sensible still; where it has no maximum either, the result says so.
///
/// ```
/// use mammo_readout::{Interval, ProperFit, proper_binormal};
/// // Ratings 1 to 5 of 109 images, Hanley and McNeil 1982.
/// let (mut ratings, mut positive) = (Vec::new(), Vec::new());
/// for (truth, counts) in [(false, [33, 6, 6, 11, 2]), (true, [3, 2, 2, 11, 33])] {
///     for (rating, count) in [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().zip(counts) {
///         ratings.extend(vec![rating; count]);
///         positive.extend(vec![truth; count]);
///     }
/// }
/// let ProperFit::Fitted(fit) = proper_binormal(&ratings, &positive, Interval::default())? else { panic!() };
/// assert!((fit.estimate.auc - 0.91).abs() < 0.01);
/// assert!((0..=20).map(|i| f64::from(i) / 20.0).all(|f| fit.true_positive_rate(f) >= f));
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
/// Data without a maximum are a result, [`ProperFit::Degenerate`], not an error.
pub fn proper_binormal(
    ratings: &[f64],
    positive: &[bool],
    interval: Interval,
) -> Result<ProperFit, ReadoutError> {
    let (table, m, n) = match table(ratings, positive)? {
        Ok(found) => found,
        Err(why) => return Ok(ProperFit::Degenerate(why)),
    };
    let Some(found) = Model::maximise(&Proper, &table) else {
        let share = |class: usize| table.iter().map(|c| c[class]).sum::<f64>();
        // The area of the categories themselves tells an inverted reading from one that is too good.
        let (mut below, mut area) = (0.0, 0.0);
        for counts in &table {
            area += counts[1] * (below + counts[0] / 2.0);
            below += counts[0];
        }
        let inverted = area / (share(0) * share(1)) <= 0.5;
        let why = if inverted { Degeneracy::NoBetterThanChance } else { Degeneracy::NoMaximum };
        return Ok(ProperFit::Degenerate(why));
    };
    let (d, c) = (found.at[0], found.at[1]);
    let step = 1e-5;
    let by_d = (area(d + step, c) - area(d - step, c)) / (2.0 * step);
    let by_c = (area(d, c + step) - area(d, c - step)) / (2.0 * step);
    let [dd, dc, cc] = found.covariance;
    let variance = by_d * by_d * dd + 2.0 * by_d * by_c * dc + by_c * by_c * cc;
    let se = variance.max(0.0).sqrt();
    let estimate = AucEstimate::new(area(d, c), se, (m, n), m.min(n), VarianceMethod::Binormal, interval)?;
    Ok(ProperFit::Fitted(ProperBinormal {
        d_a: d,
        c,
        covariance: found.covariance,
        categories: table.len(),
        log_likelihood: found.log_likelihood,
        estimate,
    }))
}

/// The area under the proper curve.
fn area(d: f64, c: f64) -> f64 {
    let h = -d / SQRT_2;
    // F(h, 0; ρ) = Φ(h) / 2 + T(h, ρ / √(1 - ρ²)) with Owen's T.
    if c == 0.0 {
        return normal::below(-h);
    }
    let angle = -((1.0 - c * c) / (2.0 * c.abs())).atan();
    let both = normal::below(h) / 2.0 + owen_t(h, angle);
    normal::below(-h) + 2.0 * both
}

/// Owen's T function of `h` and the tangent of `angle`: `∫_0^angle exp(-h² / (2 cos² θ)) dθ / 2π` by Simpson's rule; the
/// integrand and all its derivatives vanish where the cosine does.
fn owen_t(h: f64, angle: f64) -> f64 {
    const PANELS: u32 = 4000;
    let step = angle / f64::from(PANELS);
    let value = |theta: f64| {
        let cosine = theta.cos();
        if cosine.abs() < 1e-9 && h != 0.0 { 0.0 } else { (-h * h / (2.0 * cosine * cosine)).exp() }
    };
    let sum: f64 = (0..=PANELS)
        .map(|i| {
            let weight = if i == 0 || i == PANELS { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
            weight * value(f64::from(i) * step)
        })
        .sum();
    sum * step / 3.0 / (2.0 * PI)
}

/// False and true positive rate at the cutoff `v`.
fn rates(d: f64, c: f64, v: f64) -> (f64, f64) {
    let s = (1.0 + c * c).sqrt();
    // The second interval of decisions is empty for equal spreads.
    let second = |slope: f64| match c {
        0.0 => 0.0,
        c if c > 0.0 => -normal::below(-(-slope * v + d * s / (2.0 * c))),
        c => normal::below(-slope * v + d * s / (2.0 * c)),
    };
    let fpr = normal::below(-(1.0 - c) * v - d * s / 2.0) + second(1.0 - c);
    let tpr = normal::below(-(1.0 + c) * v + d * s / 2.0) + second(1.0 + c);
    (fpr.clamp(0.0, 1.0), tpr.clamp(0.0, 1.0))
}

/// The cutoff with a false positive rate inside (0, 1), by bisection: the rate falls as the cutoff rises.
fn cutoff(d: f64, c: f64, rate: f64) -> f64 {
    let end = d * (1.0 + c * c).sqrt() / (4.0 * c);
    let reach = 40.0 / (1.0 - c.abs());
    let (mut low, mut high) = match c {
        c if c > 0.0 => ((-reach).min(end - reach), end.min(reach)),
        c if c < 0.0 => (end.max(-reach), reach.max(end + reach)),
        _ => (-reach, reach),
    };
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if rates(d, c, middle).0 > rate { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The curve for the likelihood; its parameters are `d` and `c`.
struct Proper;

impl Curve for Proper {
    fn exists(&self, [d, c]: [f64; 2]) -> bool {
        d > 0.0 && d < 20.0 && c.abs() < 0.999
    }

    fn deviate(&self, [d, c]: [f64; 2], z: f64) -> f64 {
        let (_, tpr) = rates(d, c, cutoff(d, c, normal::below(-z).clamp(1e-300, 1.0 - 1e-16)));
        -normal::quantile(tpr.clamp(1e-300, 1.0 - 1e-16))
    }

    fn derivatives(&self, [d, c]: [f64; 2], z: f64) -> [f64; 3] {
        let step = 1e-5;
        let slope = |up: f64, down: f64| (up - down) / (2.0 * step);
        let at = |d: f64, c: f64, z: f64| self.deviate([d, c], z);
        [
            slope(at(d + step, c, z), at(d - step, c, z)),
            slope(at(d, c + step, z), at(d, c - step, z)),
            slope(at(d, c, z + step), at(d, c, z - step)),
        ]
    }

    fn flat(&self) -> [f64; 2] {
        [100.0, 1.0]
    }

    fn start(&self, a: f64, b: f64) -> [f64; 2] {
        let d = SQRT_2 * a / (1.0 + b * b).sqrt();
        [d.clamp(0.1, 5.0), ((b - 1.0) / (b + 1.0)).clamp(-0.6, 0.6)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rates of a reader who calls positive where the likelihood ratio of N(a/b, 1/b²) to N(0, 1) is high, from the roots
    /// of the quadratic log-likelihood ratio.
    fn direct(a: f64, b: f64, half_width: f64) -> (f64, f64) {
        let centre = -a * b / (1.0 - b * b);
        let (low, high) = (centre - half_width, centre + half_width);
        let negative = normal::below(high) - normal::below(low);
        let positive = normal::below(b * high - a) - normal::below(b * low - a);
        if b < 1.0 { (1.0 - negative, 1.0 - positive) } else { (negative, positive) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_curve_is_that_of_the_likelihood_ratio(a in 0.1f64..3.0, b in 0.3f64..2.5, width in 0.05f64..4.0) {
            prop_assume!((b - 1.0).abs() > 0.05);
            let (fpr, tpr) = direct(a, b, width);
            prop_assume!(fpr > 1e-6 && fpr < 1.0 - 1e-6);
            let (d, c) = (SQRT_2 * a / (1.0 + b * b).sqrt(), (b - 1.0) / (b + 1.0));
            let found = rates(d, c, cutoff(d, c, fpr));
            prop_assert!((found.0 - fpr).abs() < 1e-9 && (found.1 - tpr).abs() < 1e-7, "{found:?} {fpr} {tpr}");
        }

        #[test]
        fn the_area_is_that_under_the_curve(d in 0.05f64..4.0, c in -0.9f64..0.9) {
            // The midpoint rule on a scale that is fine at both ends.
            let steps = 4000;
            let total: f64 = (0..steps)
                .map(|i| {
                    let z = -8.0 + 16.0 * (f64::from(i) + 0.5) / f64::from(steps);
                    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
                    let fpr = normal::below(z);
                    density * rates(d, c, cutoff(d, c, fpr.clamp(1e-16, 1.0 - 1e-16))).1
                })
                .sum::<f64>() * 16.0 / f64::from(steps);
            prop_assert!((area(d, c) - total).abs() < 2e-6, "{} {total}", area(d, c));
        }
    }

    #[test]
    fn equal_spreads_give_the_conventional_area() {
        for d in [0.2, 1.0, 2.5] {
            assert!((area(d, 0.0) - normal::below(d / SQRT_2)).abs() < 1e-13);
            assert!((area(d, 1e-7) - normal::below(d / SQRT_2)).abs() < 1e-6);
        }
    }

    fn fit(negative: &[usize], positive: &[usize]) -> ProperFit {
        let (mut ratings, mut truth) = (vec![], vec![]);
        for (counts, class) in [(negative, false), (positive, true)] {
            for (rating, &count) in counts.iter().enumerate() {
                ratings.extend(vec![rating as f64; count]);
                truth.extend(vec![class; count]);
            }
        }
        proper_binormal(&ratings, &truth, Interval::default()).unwrap()
    }

    #[test]
    fn counts_of_a_proper_curve_give_it_back() {
        for (d, c) in [(1.5, -0.3), (0.8, 0.2), (2.0, 0.05)] {
            let cutoffs = [-0.9, -0.2, 0.5, 1.2];
            let at: Vec<f64> = [d, c].into_iter().chain(cutoffs).collect();
            let shares = crate::likelihood::probabilities(&Proper, &at).unwrap();
            let counts =
                |class: usize| shares.iter().map(|s| (s[class] * 1e5).round() as usize).collect::<Vec<_>>();
            let ProperFit::Fitted(found) = fit(&counts(0), &counts(1)) else { panic!("{d} {c}") };
            assert!((found.d_a - d).abs() < 1e-3 && (found.c - c).abs() < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn data_without_a_proper_curve_say_so() {
        let degenerate = ProperFit::Degenerate;
        assert_eq!(fit(&[5, 5, 0, 0], &[0, 0, 5, 5]), degenerate(Degeneracy::Separated));
        assert_eq!(fit(&[6, 4], &[3, 7]), degenerate(Degeneracy::TooFewCategories));
        assert_eq!(fit(&[2, 3, 9, 8], &[9, 8, 3, 2]), degenerate(Degeneracy::NoBetterThanChance));
    }
}
