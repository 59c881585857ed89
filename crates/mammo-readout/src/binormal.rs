//! The conventional binormal model, fitted by maximum likelihood to ratings in categories.

use crate::{
    AucEstimate, Interval, ReadoutError, VarianceMethod,
    auc::{Placements, Truth, check_lengths},
    delong::at_least_two,
    linear::solve,
    normal,
    sorting::{Ascending, place},
};
use serde::{Deserialize, Serialize};

/// More categories than this are merged, neighbours first, so that each holds about as many images.
const MOST_CATEGORIES: usize = 60;

/// A variance of `a` or `b` beyond any that data with a maximum have shown.
const FLAT: f64 = 100.0;

/// A fit, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinormalFit {
    /// The likelihood has a maximum inside the model.
    Fitted(Binormal),
    /// It has none: the data allow no binormal curve. The empirical AUC is still good.
    Degenerate(Degeneracy),
}

/// Why the binormal likelihood has no maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degeneracy {
    /// Fewer than two operating points between the corners: `a` and `b` cannot both be found.
    TooFewCategories,
    /// The classes separate (empirical AUC 0 or 1): `a` grows without bound.
    Separated,
    /// The likelihood rises as `b` falls to zero or grows without bound, or as `a` does: the curve runs along the
    /// axes and through points exactly.
    NoMaximum,
}

/// A binormal curve: negatives follow N(0, 1), positives N(a / b, 1 / b²), so that
/// `TPR = Φ(a + b Φ⁻¹(FPR))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binormal {
    /// Intercept on normal deviates.
    pub a: f64,
    /// Slope on normal deviates.
    pub b: f64,
    /// Covariance of `a` and `b`: variance of `a`, covariance, variance of `b`, from the inverse information.
    pub covariance: [f64; 3],
    /// Cutoffs between the categories used, rising, in standard deviations of the negatives.
    pub cutoffs: Vec<f64>,
    /// Categories of the ratings that were used, after merging.
    pub categories: usize,
    /// Natural logarithm of the likelihood at its maximum, without the multinomial constants.
    pub log_likelihood: f64,
    /// `Φ(a / √(1 + b²))` with its standard error by the delta method.
    pub estimate: AucEstimate,
}

impl Binormal {
    /// True-positive rate at a false-positive rate in `[0, 1]`.
    pub fn true_positive_rate(&self, false_positive_rate: f64) -> f64 {
        match false_positive_rate {
            f if f <= 0.0 => 0.0,
            f if f >= 1.0 => 1.0,
            f => normal::below(self.a + self.b * normal::quantile(f)),
        }
    }

    /// The false-positive rate where the curve meets the chance line inside the unit square, `Φ(a / (1 - b))`: on one
    /// side of it the curve hooks below chance, which no sensible reader does. None for `b = 1`.
    pub fn hook_at(&self) -> Option<f64> {
        (self.b != 1.0).then(|| normal::below(self.a / (1.0 - self.b)))
    }
}

/// Fits the binormal model by Fisher scoring (Dorfman and Alf, Journal of Mathematical Psychology 1969;6:487).
///
/// Distinct ratings are categories. Neighbouring ratings that hold one class only, and the same, are merged as
/// long as the likelihood keeps its maximum (Metz, Herman and Shen, Statistics in Medicine 1998;17:1033), and beyond
/// 60 categories neighbours are merged so that each holds about as many images; [`Binormal::categories`] says how
/// many were left.
///
/// ```
/// use mammo_readout::{BinormalFit, Interval, binormal};
/// // Ratings 1 to 5 of 109 images, Hanley and McNeil 1982.
/// let (mut ratings, mut positive) = (Vec::new(), Vec::new());
/// for (truth, counts) in [(false, [33, 6, 6, 11, 2]), (true, [3, 2, 2, 11, 33])] {
///     for (rating, count) in [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().zip(counts) {
///         ratings.extend(vec![rating; count]);
///         positive.extend(vec![truth; count]);
///     }
/// }
/// let BinormalFit::Fitted(fit) = binormal(&ratings, &positive, Interval::default())? else { panic!() };
/// assert!((fit.estimate.auc - 0.911331).abs() < 1e-6);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
/// Data without a maximum are a result, [`BinormalFit::Degenerate`], not an error.
pub fn binormal(ratings: &[f64], positive: &[bool], interval: Interval) -> Result<BinormalFit, ReadoutError> {
    check_lengths("ratings", ratings.len(), "truths", positive.len())?;
    let classes = Truth::new(positive)?.split(ratings)?;
    let (m, n) = (classes.positive().len(), classes.negative().len());
    at_least_two(m, n)?;
    let empirical = Placements::new(&classes).auc;
    if empirical == 0.0 || empirical == 1.0 {
        return Ok(BinormalFit::Degenerate(Degeneracy::Separated));
    }
    let table = categories(ratings, positive);
    // Every operating point between the corners gives one equation for `a` and `b`.
    if table.len() < 3 {
        return Ok(BinormalFit::Degenerate(Degeneracy::TooFewCategories));
    }
    let Some(found) = Model::maximise(&table) else {
        return Ok(BinormalFit::Degenerate(Degeneracy::NoMaximum));
    };
    let (a, b) = (found.at[0], found.at[1]);
    let spread = 1.0 + b * b;
    let u = a / spread.sqrt();
    let density = (-u * u / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (by_a, by_b) = (density / spread.sqrt(), -density * a * b / spread.powf(1.5));
    let [aa, ab, bb] = found.covariance;
    let variance = by_a * by_a * aa + 2.0 * by_a * by_b * ab + by_b * by_b * bb;
    let estimate = AucEstimate::new(
        normal::below(u),
        variance.max(0.0).sqrt(),
        (m, n),
        m.min(n),
        VarianceMethod::Binormal,
        interval,
    )?;
    Ok(BinormalFit::Fitted(Binormal {
        a,
        b,
        covariance: found.covariance,
        cutoffs: found.at[2..].to_vec(),
        categories: table.len(),
        log_likelihood: found.log_likelihood,
        estimate,
    }))
}

/// Counts of negatives and positives in each category, ratings rising.
fn categories(ratings: &[f64], positive: &[bool]) -> Vec<[f64; 2]> {
    let mut table: Vec<[f64; 2]> = Vec::new();
    for tied in Ascending::new(ratings).groups() {
        let mut counts = [0.0; 2];
        for &entry in tied {
            counts[usize::from(positive[place(entry)])] += 1.0;
        }
        match table.last_mut() {
            // Cutoffs inside a run of one class would run together; the maximum is the same without them.
            Some(last) if (0..2).any(|c| counts[c] == 0.0 && last[c] == 0.0) => {
                (last[0], last[1]) = (last[0] + counts[0], last[1] + counts[1]);
            }
            _ => table.push(counts),
        }
    }
    if table.len() <= MOST_CATEGORIES {
        return table;
    }
    let target = ratings.len() as f64 / MOST_CATEGORIES as f64;
    let (mut merged, mut open): (Vec<[f64; 2]>, [f64; 2]) = (Vec::new(), [0.0; 2]);
    for counts in table {
        open = [open[0] + counts[0], open[1] + counts[1]];
        if open[0] + open[1] >= target {
            merged.push(std::mem::take(&mut open));
        }
    }
    if open[0] + open[1] > 0.0 {
        merged.push(open);
    }
    merged
}

/// Parameters `a`, `b` and the cutoffs, with what is known there.
struct Model {
    at: Vec<f64>,
    log_likelihood: f64,
    covariance: [f64; 3],
}

impl Model {
    fn maximise(table: &[[f64; 2]]) -> Option<Self> {
        let mut at = start(table);
        let mut value = log_likelihood(table, &at)?;
        for _ in 0..500 {
            let (score, information) = score_and_information(table, &at);
            let step = solve(&information, &score)?;
            let gain: f64 = step.iter().zip(&score).map(|(s, g)| s * g).sum();
            let better = (0..30).find_map(|halvings| {
                let factor = 0.5f64.powi(halvings);
                let next: Vec<f64> = at.iter().zip(&step).map(|(x, s)| x + factor * s).collect();
                let v = log_likelihood(table, &next)?;
                (v > value).then_some((next, v))
            });
            // `gain`, the Newton decrement, is twice the likelihood still to be had.
            let Some((next, v)) = better else {
                return if gain < 1e-10 * value.abs() { Self::at(table, at, value) } else { None };
            };
            (at, value) = (next, v);
            if !(1e-3..1e3).contains(&at[1]) || at[0].abs() > 1e3 || at[2..].iter().any(|c| c.abs() > 30.0) {
                return None;
            }
            if gain < 1e-22 * value.abs() {
                return Self::at(table, at, value);
            }
        }
        None
    }

    fn at(table: &[[f64; 2]], at: Vec<f64>, log_likelihood: f64) -> Option<Self> {
        let (_, information) = score_and_information(table, &at);
        let unit = |i: usize| -> Vec<f64> { (0..at.len()).map(|j| if i == j { 1.0 } else { 0.0 }).collect() };
        let (to_a, to_b) = (solve(&information, &unit(0))?, solve(&information, &unit(1))?);
        // A likelihood this flat still rises, too slowly to see.
        let covariance = [to_a[0], to_a[1], to_b[1]];
        (to_a[0] < FLAT && to_b[1] < FLAT).then_some(Self { at, log_likelihood, covariance })
    }
}

/// Cutoffs from the negatives, `a` and `b` from a line through the points on normal deviates; half an image is added
/// to each count so that none is infinite.
fn start(table: &[[f64; 2]]) -> Vec<f64> {
    let all = |class: usize| table.iter().map(|c| c[class] + 0.5).sum::<f64>();
    let (negatives, positives) = (all(0), all(1));
    let (mut below, mut points) = ([0.0; 2], Vec::new());
    for counts in &table[..table.len() - 1] {
        below = [below[0] + counts[0] + 0.5, below[1] + counts[1] + 0.5];
        points.push((normal::quantile(below[0] / negatives), normal::quantile(below[1] / positives)));
    }
    let k = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / k;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let b = (covariance / variance).clamp(0.2, 5.0);
    [b * x - y, b].into_iter().chain(points.iter().map(|p| p.0)).collect()
}

/// Probabilities of both classes in each category; none where cutoffs are out of order or `b` is not positive.
fn probabilities(at: &[f64]) -> Option<Vec<[f64; 2]>> {
    let (a, b, cutoffs) = (at[0], at[1], &at[2..]);
    if b <= 0.0 || cutoffs.windows(2).any(|c| c[0] >= c[1]) || at.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut below = vec![[f64::NEG_INFINITY; 2]];
    below.extend(cutoffs.iter().map(|t| [*t, b * t - a]));
    below.push([f64::INFINITY; 2]);
    Some(below.windows(2).map(|w| [0, 1].map(|class| between(w[0][class], w[1][class]))).collect())
}

/// Φ(high) - Φ(low), from the tail that keeps its digits.
fn between(low: f64, high: f64) -> f64 {
    if low > 0.0 {
        normal::below(-low) - normal::below(-high)
    } else {
        normal::below(high) - normal::below(low)
    }
}

fn log_likelihood(table: &[[f64; 2]], at: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for (counts, shares) in table.iter().zip(probabilities(at)?) {
        for class in 0..2 {
            if counts[class] > 0.0 {
                if shares[class] <= 0.0 {
                    return None;
                }
                sum += counts[class] * shares[class].ln();
            }
        }
    }
    Some(sum)
}

/// First derivatives of the log-likelihood and the expected information.
fn score_and_information(table: &[[f64; 2]], at: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = at.len();
    let (a, b, cutoffs) = (at[0], at[1], &at[2..]);
    let shares = probabilities(at).unwrap_or_default();
    let totals = [0, 1].map(|class| table.iter().map(|c| c[class]).sum::<f64>());
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mut score = vec![0.0; size];
    let mut information = vec![vec![0.0; size]; size];
    // Derivatives of one category's probability: at most `a`, `b` and its two cutoffs.
    for (k, (counts, share)) in table.iter().zip(&shares).enumerate() {
        let upper = cutoffs.get(k).copied();
        let lower = k.checked_sub(1).map(|i| cutoffs[i]);
        for class in 0..2 {
            let mut derivative: Vec<(usize, f64)> = Vec::with_capacity(4);
            let (mut by_a, mut by_b) = (0.0, 0.0);
            for (place, cutoff, sign) in [(k + 2, upper, 1.0), (k + 1, lower, -1.0)] {
                let Some(t) = cutoff else { continue };
                if class == 0 {
                    derivative.push((place, sign * density(t)));
                } else {
                    let d = sign * density(b * t - a);
                    derivative.push((place, b * d));
                    by_a -= d;
                    by_b += t * d;
                }
            }
            if class == 1 {
                derivative.extend([(0, by_a), (1, by_b)]);
            }
            let p = share[class].max(1e-300);
            for &(i, di) in &derivative {
                score[i] += counts[class] / p * di;
                for &(j, dj) in &derivative {
                    information[i][j] += totals[class] * di * dj / p;
                }
            }
        }
    }
    (score, information)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(negative: &[usize], positive: &[usize]) -> BinormalFit {
        let (mut ratings, mut truth) = (vec![], vec![]);
        for (counts, class) in [(negative, false), (positive, true)] {
            for (rating, &count) in counts.iter().enumerate() {
                ratings.extend(vec![rating as f64; count]);
                truth.extend(vec![class; count]);
            }
        }
        binormal(&ratings, &truth, Interval::default()).unwrap()
    }

    #[test]
    fn data_without_a_binormal_curve_say_so() {
        let degenerate = |d| BinormalFit::Degenerate(d);
        assert_eq!(fit(&[5, 5, 0, 0], &[0, 0, 5, 5]), degenerate(Degeneracy::Separated));
        assert_eq!(fit(&[6, 4], &[3, 7]), degenerate(Degeneracy::TooFewCategories));
        // All operating points on the axes.
        assert_eq!(fit(&[0, 10, 0], &[4, 0, 6]), degenerate(Degeneracy::NoMaximum));
        assert_eq!(fit(&[5, 5, 0, 0], &[0, 3, 3, 4]), degenerate(Degeneracy::NoMaximum));
    }

    #[test]
    fn exact_counts_of_a_binormal_curve_give_it_back() {
        let (a, b) = (1.5, 0.8);
        let at = [a, b, -0.8, 0.0, 0.7, 1.5];
        let shares = probabilities(&at).unwrap();
        let counts = |class: usize| -> Vec<usize> {
            shares.iter().map(|s| (s[class] * 1e6).round() as usize).collect()
        };
        let BinormalFit::Fitted(found) = fit(&counts(0), &counts(1)) else { panic!("degenerate") };
        assert!((found.a - a).abs() < 1e-4 && (found.b - b).abs() < 1e-4, "{found:?}");
        assert!((found.estimate.auc - normal::below(a / (1.0f64 + b * b).sqrt())).abs() < 1e-5);
        assert!((found.true_positive_rate(0.5) - normal::below(a)).abs() < 1e-4);
    }
}
