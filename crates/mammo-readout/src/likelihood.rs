//! The likelihood of ratings in categories under a curve of two parameters, and its maximum.

use crate::{linear::solve, normal};

/// A ROC curve of two parameters on normal deviates: at the cutoff `z`, below which a negative rating lies with probability
/// `Φ(z)`, a positive one lies below with probability `Φ(deviate(z))`.
pub(crate) trait Curve {
    /// Whether the curve exists for these parameters, and is not at the end of their range.
    fn exists(&self, parameters: [f64; 2]) -> bool;
    /// The positives' deviate.
    fn deviate(&self, parameters: [f64; 2], z: f64) -> f64;
    /// Its derivatives by both parameters and by `z`.
    fn derivatives(&self, parameters: [f64; 2], z: f64) -> [f64; 3];
    /// Variances of the parameters beyond any that data with a maximum have shown: the likelihood is flat.
    fn flat(&self) -> [f64; 2];
    /// Parameters to start from, near a conventional binormal curve.
    fn start(&self, a: f64, b: f64) -> [f64; 2];
}

/// The conventional binormal curve: `b z - a`.
pub(crate) struct Conventional;

impl Curve for Conventional {
    fn exists(&self, [a, b]: [f64; 2]) -> bool {
        (1e-3..1e3).contains(&b) && a.abs() <= 1e3
    }

    fn deviate(&self, [a, b]: [f64; 2], z: f64) -> f64 {
        b * z - a
    }

    fn derivatives(&self, [_, b]: [f64; 2], z: f64) -> [f64; 3] {
        [-1.0, z, b]
    }

    fn flat(&self) -> [f64; 2] {
        [100.0; 2]
    }

    fn start(&self, a: f64, b: f64) -> [f64; 2] {
        [a, b]
    }
}

/// The two parameters and the cutoffs, with what is known there.
pub(crate) struct Model {
    pub(crate) at: Vec<f64>,
    pub(crate) log_likelihood: f64,
    pub(crate) covariance: [f64; 3],
}

impl Model {
    pub(crate) fn maximise(curve: &impl Curve, table: &[[f64; 2]]) -> Option<Self> {
        let mut at = start(curve, table);
        let mut value = log_likelihood(curve, table, &at)?;
        for _ in 0..500 {
            let (score, information) = score_and_information(curve, table, &at);
            let step = solve(&information, &score)?;
            let gain: f64 = step.iter().zip(&score).map(|(s, g)| s * g).sum();
            let better = (0..30).find_map(|halvings| {
                let factor = 0.5f64.powi(halvings);
                let next: Vec<f64> = at.iter().zip(&step).map(|(x, s)| x + factor * s).collect();
                let v = log_likelihood(curve, table, &next)?;
                (v > value).then_some((next, v))
            });
            // `gain`, the Newton decrement, is twice the likelihood still to be had.
            let Some((next, v)) = better else {
                return if gain < 1e-10 * value.abs() { Self::at(curve, table, at, value) } else { None };
            };
            (at, value) = (next, v);
            if !curve.exists([at[0], at[1]]) || at[2..].iter().any(|c| c.abs() > 30.0) {
                return None;
            }
            if gain < 1e-22 * value.abs() {
                return Self::at(curve, table, at, value);
            }
        }
        None
    }

    fn at(curve: &impl Curve, table: &[[f64; 2]], at: Vec<f64>, log_likelihood: f64) -> Option<Self> {
        // A likelihood too flat to give both parameters still rises, too slowly to see.
        let covariance_by = |information: &[Vec<f64>]| {
            let unit =
                |i: usize| -> Vec<f64> { (0..at.len()).map(|j| if i == j { 1.0 } else { 0.0 }).collect() };
            let (to_a, to_b) = (solve(information, &unit(0))?, solve(information, &unit(1))?);
            let [flat_a, flat_b] = curve.flat();
            let sound = |variance: f64, flat: f64| variance > 0.0 && variance < flat;
            let definite = to_a[0] * to_b[1] > to_a[1] * to_a[1];
            (sound(to_a[0], flat_a) && sound(to_b[1], flat_b) && definite)
                .then_some([to_a[0], to_a[1], to_b[1]])
        };
        covariance_by(&score_and_information(curve, table, &at).1)?;
        let covariance = covariance_by(&observed_information(curve, table, &at))?;
        Some(Self { at, log_likelihood, covariance })
    }
}

/// Cutoffs from the negatives, `a` and `b` from a line through the points on normal deviates; half an image is added
/// to each count so that none is infinite.
fn start(curve: &impl Curve, table: &[[f64; 2]]) -> Vec<f64> {
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
    curve.start(b * x - y, b).into_iter().chain(points.iter().map(|p| p.0)).collect()
}

/// Probabilities of both classes in each category; none where cutoffs are out of order or there is no curve.
pub(crate) fn probabilities(curve: &impl Curve, at: &[f64]) -> Option<Vec<[f64; 2]>> {
    let (parameters, cutoffs) = ([at[0], at[1]], &at[2..]);
    if !curve.exists(parameters)
        || cutoffs.windows(2).any(|c| c[0] >= c[1])
        || at.iter().any(|v| !v.is_finite())
    {
        return None;
    }
    let mut below = vec![[f64::NEG_INFINITY; 2]];
    below.extend(cutoffs.iter().map(|&t| [t, curve.deviate(parameters, t)]));
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

fn log_likelihood(curve: &impl Curve, table: &[[f64; 2]], at: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for (counts, shares) in table.iter().zip(probabilities(curve, at)?) {
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
fn observed_information(curve: &impl Curve, table: &[[f64; 2]], at: &[f64]) -> Vec<Vec<f64>> {
    let gap = at[2..].windows(2).map(|c| c[1] - c[0]).fold(1.0, f64::min);
    let h = 1e-5 * gap;
    let columns: Vec<Vec<f64>> = (0..at.len())
        .map(|i| {
            let score_at = |step: f64| {
                let mut moved = at.to_vec();
                moved[i] += step;
                score_and_information(curve, table, &moved).0
            };
            score_at(-h).iter().zip(score_at(h)).map(|(low, high)| (low - high) / (2.0 * h)).collect()
        })
        .collect();
    let symmetric = |i: usize, j: usize| f64::midpoint(columns[i][j], columns[j][i]);
    (0..at.len()).map(|i| (0..at.len()).map(|j| symmetric(i, j)).collect()).collect()
}

/// First derivatives of the log-likelihood and the expected information.
fn score_and_information(curve: &impl Curve, table: &[[f64; 2]], at: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = at.len();
    let (parameters, cutoffs) = ([at[0], at[1]], &at[2..]);
    let shares = probabilities(curve, at).unwrap_or_default();
    let positives: Vec<(f64, [f64; 3])> =
        cutoffs.iter().map(|&t| (curve.deviate(parameters, t), curve.derivatives(parameters, t))).collect();
    let totals = [0, 1].map(|class| table.iter().map(|c| c[class]).sum::<f64>());
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mut score = vec![0.0; size];
    let mut information = vec![vec![0.0; size]; size];
    // Derivatives of one category's probability: at most the parameters and its two cutoffs.
    for (k, (counts, share)) in table.iter().zip(&shares).enumerate() {
        let upper = (k < cutoffs.len()).then_some(k);
        let lower = k.checked_sub(1);
        for class in 0..2 {
            let mut derivative: Vec<(usize, f64)> = Vec::with_capacity(4);
            let (mut by_a, mut by_b) = (0.0, 0.0);
            for (cutoff, sign) in [(upper, 1.0), (lower, -1.0)] {
                let Some(i) = cutoff else { continue };
                if class == 0 {
                    derivative.push((i + 2, sign * density(cutoffs[i])));
                } else {
                    let (deviate, [to_a, to_b, to_z]) = positives[i];
                    let d = sign * density(deviate);
                    derivative.push((i + 2, d * to_z));
                    by_a += d * to_a;
                    by_b += d * to_b;
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
