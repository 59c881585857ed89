//! The likelihood of ratings in categories under the binormal model, and its maximum.

use crate::{linear::solve, normal};

/// A variance of `a` or `b` beyond any that data with a maximum have shown.
const FLAT: f64 = 100.0;

/// Parameters `a`, `b` and the cutoffs, with what is known there.
pub(crate) struct Model {
    pub(crate) at: Vec<f64>,
    pub(crate) log_likelihood: f64,
    pub(crate) covariance: [f64; 3],
}

impl Model {
    pub(crate) fn maximise(table: &[[f64; 2]]) -> Option<Self> {
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
        // A likelihood too flat to give `a` and `b` still rises, too slowly to see.
        let covariance_by = |information: &[Vec<f64>]| {
            let unit =
                |i: usize| -> Vec<f64> { (0..at.len()).map(|j| if i == j { 1.0 } else { 0.0 }).collect() };
            let (to_a, to_b) = (solve(information, &unit(0))?, solve(information, &unit(1))?);
            let sound = |variance: f64| variance > 0.0 && variance < FLAT;
            let definite = to_a[0] * to_b[1] > to_a[1] * to_a[1];
            (sound(to_a[0]) && sound(to_b[1]) && definite).then_some([to_a[0], to_a[1], to_b[1]])
        };
        covariance_by(&score_and_information(table, &at).1)?;
        let covariance = covariance_by(&observed_information(table, &at))?;
        Some(Self { at, log_likelihood, covariance })
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
pub(crate) fn probabilities(at: &[f64]) -> Option<Vec<[f64; 2]>> {
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

/// Minus the second derivatives of the log-likelihood, by central differences of the first.
fn observed_information(table: &[[f64; 2]], at: &[f64]) -> Vec<Vec<f64>> {
    let gap = at[2..].windows(2).map(|c| c[1] - c[0]).fold(1.0, f64::min);
    let h = 1e-5 * gap;
    let columns: Vec<Vec<f64>> = (0..at.len())
        .map(|i| {
            let score_at = |step: f64| {
                let mut moved = at.to_vec();
                moved[i] += step;
                score_and_information(table, &moved).0
            };
            score_at(-h).iter().zip(score_at(h)).map(|(low, high)| (low - high) / (2.0 * h)).collect()
        })
        .collect();
    let symmetric = |i: usize, j: usize| f64::midpoint(columns[i][j], columns[j][i]);
    (0..at.len()).map(|i| (0..at.len()).map(|j| symmetric(i, j)).collect()).collect()
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
