use serde::{Deserialize, Serialize};

/// Logistic regression with a ridge on standardised features, the classes weighed to equal shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    mean: Vec<f64>,
    scale: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
}

/// Newton steps at most; the loss is convex and the ridge makes it strictly so.
const STEPS: usize = 100;

impl Logistic {
    /// Fits `rows` of equal length, of which each class has at least one.
    pub(crate) fn fit(rows: &[&[f64]], positive: &[bool], ridge: f64) -> Self {
        let d = rows.first().map_or(0, |row| row.len());
        let n = rows.len() as f64;
        let mean: Vec<f64> = (0..d).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / n).collect();
        let scale: Vec<f64> = (0..d)
            .map(|i| {
                let variance = rows.iter().map(|r| (r[i] - mean[i]).powi(2)).sum::<f64>() / n;
                // A feature that never varies says nothing; its weight stays zero.
                if variance > 1e-24 { variance.sqrt() } else { 1.0 }
            })
            .collect();
        let mut fitted = Self { mean, scale, weights: vec![0.0; d], intercept: 0.0 };
        let design: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| std::iter::once(1.0).chain((0..d).map(|i| fitted.standard(row, i))).collect())
            .collect();
        let n_pos = positive.iter().filter(|p| **p).count().max(1) as f64;
        let shares = [n / 2.0 / (n - n_pos).max(1.0), n / 2.0 / n_pos];
        let mut beta = vec![0.0; d + 1];
        for _ in 0..STEPS {
            let mut gradient: Vec<f64> =
                (0..=d).map(|i| if i == 0 { 0.0 } else { ridge * beta[i] }).collect();
            let mut hessian = vec![0.0; (d + 1) * (d + 1)];
            for (x, &y) in design.iter().zip(positive) {
                let share = shares[usize::from(y)];
                let z: f64 = x.iter().zip(&beta).map(|(a, b)| a * b).sum();
                let p = 1.0 / (1.0 + (-z).exp());
                let (error, curve) =
                    (share * (p - f64::from(u8::from(y))), share * (p * (1.0 - p)).max(1e-10));
                for i in 0..=d {
                    gradient[i] += error * x[i];
                    for j in 0..=i {
                        hessian[i * (d + 1) + j] += curve * x[i] * x[j];
                    }
                }
            }
            for i in 0..=d {
                // The intercept gets a ridge too small to matter, so that the matrix is never singular.
                hessian[i * (d + 1) + i] += if i == 0 { 1e-9 } else { ridge };
            }
            let step = solve(&mut hessian, gradient, d + 1);
            let length = step.iter().map(|s| s.abs()).fold(0.0, f64::max);
            // Newton's step may be far too long where all is separated; a weight rarely moves by more than this.
            let damping = if length > 2.0 { 2.0 / length } else { 1.0 };
            beta.iter_mut().zip(&step).for_each(|(b, s)| *b -= damping * s);
            if length < 1e-9 {
                break;
            }
        }
        fitted.intercept = beta[0];
        fitted.weights = beta[1..].to_vec();
        fitted
    }

    fn standard(&self, row: &[f64], i: usize) -> f64 {
        (row[i] - self.mean[i]) / self.scale[i]
    }

    /// Whether it weighs so many features.
    pub(crate) fn weighs(&self, features: usize) -> bool {
        [&self.mean, &self.scale, &self.weights].iter().all(|v| v.len() == features)
    }

    /// Log odds.
    pub(crate) fn score(&self, row: &[f64]) -> f64 {
        self.intercept + (0..self.weights.len()).map(|i| self.weights[i] * self.standard(row, i)).sum::<f64>()
    }
}

/// Solves a positive definite system whose lower triangle is given, by Cholesky's factors in its place.
fn solve(a: &mut [f64], mut b: Vec<f64>, n: usize) -> Vec<f64> {
    for j in 0..n {
        for k in 0..j {
            let v = a[j * n + k];
            for i in j..n {
                a[i * n + j] -= v * a[i * n + k];
            }
        }
        let root = a[j * n + j].max(1e-300).sqrt();
        for i in j..n {
            a[i * n + j] /= root;
        }
    }
    for i in 0..n {
        for k in 0..i {
            b[i] -= a[i * n + k] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[k * n + i] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved() {
        // [[4, 2], [2, 3]] x = [2, 5].
        let x = solve(&mut [4.0, 0.0, 2.0, 3.0], vec![2.0, 5.0], 2);
        assert!((x[0] + 0.5).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
    }

    #[test]
    fn the_maximum_has_no_slope_and_classes_count_alike() {
        // One feature of two values: without a ridge the log odds are those of the counts, classes at equal shares.
        let rows: Vec<[f64; 1]> =
            [[0.0]; 8].into_iter().chain([[1.0]; 8]).chain([[0.0]; 2]).chain([[1.0]; 2]).collect();
        let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
        let positive: Vec<bool> = (0..20).map(|i| i % 8 < 2 || i == 18).collect();
        let fitted = Logistic::fit(&rows, &positive, 1e-9);
        let odds = |value: f64| {
            let count = |class| {
                rows.iter().zip(&positive).filter(|(r, p)| r[0] == value && **p == class).count() as f64
            };
            let total = |class| positive.iter().filter(|p| **p == class).count() as f64;
            (count(true) / total(true) / (count(false) / total(false))).ln()
        };
        for value in [0.0, 1.0] {
            assert!((fitted.score(&[value]) - odds(value)).abs() < 1e-5, "{}", fitted.score(&[value]));
        }
    }

    #[test]
    fn separated_classes_stay_finite() {
        let rows = [[0.0, 1.0], [0.1, 1.0], [0.9, 1.0], [1.0, 1.0]];
        let rows: Vec<&[f64]> = rows.iter().map(<[f64; 2]>::as_slice).collect();
        let fitted = Logistic::fit(&rows, &[false, false, true, true], 1.0);
        assert!(fitted.score(&[1.0, 1.0]) > 0.0 && fitted.score(&[1.0, 1.0]).is_finite());
        assert_eq!(fitted.weights[1], 0.0);
    }
}
