//! The little linear algebra that the model observers need, in double precision.

/// Means and spreads of training features, by which features are made comparable.
#[derive(Debug, Clone)]
pub(crate) struct Standard {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Standard {
    /// Of at least one row; a feature that never varies gets spread 1.
    pub(crate) fn fit(rows: &[Vec<f64>]) -> Self {
        let (n, d) = (rows.len() as f64, rows[0].len());
        let mean: Vec<f64> = (0..d).map(|j| rows.iter().map(|r| r[j]).sum::<f64>() / n).collect();
        let sd = (0..d)
            .map(|j| {
                let variance = rows.iter().map(|r| (r[j] - mean[j]).powi(2)).sum::<f64>() / n;
                if variance > 1e-18 { variance.sqrt() } else { 1.0 }
            })
            .collect();
        Self { mean, sd }
    }

    pub(crate) fn apply(&self, row: &[f64]) -> Vec<f64> {
        row.iter().zip(&self.mean).zip(&self.sd).map(|((x, m), s)| (x - m) / s).collect()
    }
}

/// The lower triangle `L` of a symmetric positive definite matrix `L Lᵗ`.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    l: Vec<Vec<f64>>,
}

impl Cholesky {
    pub(crate) fn new(matrix: &[Vec<f64>]) -> Self {
        let d = matrix.len();
        let mut l = vec![vec![0.0; d]; d];
        for i in 0..d {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
                let rest = matrix[i][j] - dot;
                // The callers add a ridge; the floor guards against rounding only.
                l[i][j] = if i == j { rest.max(1e-12).sqrt() } else { rest / l[j][j] };
            }
        }
        Self { l }
    }

    /// Solves `L y = b`.
    pub(crate) fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut y: Vec<f64> = Vec::with_capacity(b.len());
        for (i, row) in self.l.iter().enumerate() {
            let dot: f64 = y.iter().zip(row).map(|(y, l)| y * l).sum();
            y.push((b[i] - dot) / row[i]);
        }
        y
    }

    /// Solves `L Lᵗ x = b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = self.forward(b);
        for i in (0..x.len()).rev() {
            let dot: f64 = (i + 1..x.len()).map(|k| self.l[k][i] * x[k]).sum();
            x[i] = (x[i] - dot) / self.l[i][i];
        }
        x
    }
}

/// Logistic regression with a ridge on the weights, both classes weighing the same.
#[derive(Debug, Clone)]
pub(crate) struct Logistic {
    /// Weights, the last being the constant.
    weights: Vec<f64>,
}

impl Logistic {
    /// Fits standardised `rows` by Newton's method. `ridge` is in units of images.
    pub(crate) fn fit(rows: &[Vec<f64>], positive: &[bool], ridge: f64) -> Self {
        let d = rows[0].len() + 1;
        let n_pos = positive.iter().filter(|p| **p).count() as f64;
        let half = rows.len() as f64 / 2.0;
        let (weight_pos, weight_neg) = (half / n_pos, half / (rows.len() as f64 - n_pos));
        let mut weights = vec![0.0; d];
        for _ in 0..20 {
            let mut gradient = vec![0.0; d];
            let mut hessian = vec![vec![0.0; d]; d];
            for j in 0..d {
                // The constant is left free but for a trace that keeps the matrix definite.
                let strength = if j + 1 == d { 1e-6 } else { ridge };
                gradient[j] = strength * weights[j];
                hessian[j][j] = strength;
            }
            for (row, &is_positive) in rows.iter().zip(positive) {
                let p = 1.0 / (1.0 + (-dot(&weights, row)).exp());
                let (weight, target) = if is_positive { (weight_pos, 1.0) } else { (weight_neg, 0.0) };
                let x = |j: usize| row.get(j).copied().unwrap_or(1.0);
                for i in 0..d {
                    gradient[i] += weight * (p - target) * x(i);
                    for (j, value) in hessian[i].iter_mut().enumerate().take(i + 1) {
                        *value += weight * p * (1.0 - p) * x(i) * x(j);
                    }
                }
            }
            let step = Cholesky::new(&hessian).solve(&gradient);
            for (w, s) in weights.iter_mut().zip(step) {
                *w -= s;
            }
        }
        Self { weights }
    }

    /// The log odds of the positive class.
    pub(crate) fn score(&self, row: &[f64]) -> f64 {
        dot(&self.weights, row)
    }
}

/// Weights times a row with a constant 1 behind it.
fn dot(weights: &[f64], row: &[f64]) -> f64 {
    weights.iter().zip(row.iter().chain([&1.0])).map(|(w, x)| w * x).sum()
}

/// Mahalanobis distance to the training rows, with their correlations shrunk towards none.
#[derive(Debug, Clone)]
pub(crate) struct Mahalanobis {
    factor: Cholesky,
}

impl Mahalanobis {
    /// Of standardised rows; `shrinkage` in `(0, 1]` is the share of the identity.
    pub(crate) fn fit(rows: &[Vec<f64>], shrinkage: f64) -> Self {
        let d = rows[0].len();
        let mut correlation = vec![vec![0.0; d]; d];
        for (i, line) in correlation.iter_mut().enumerate() {
            for (j, value) in line.iter_mut().enumerate() {
                let mean = rows.iter().map(|r| r[i] * r[j]).sum::<f64>() / rows.len() as f64;
                *value = (1.0 - shrinkage) * mean + if i == j { shrinkage } else { 0.0 };
            }
        }
        Self { factor: Cholesky::new(&correlation) }
    }

    pub(crate) fn distance(&self, row: &[f64]) -> f64 {
        self.factor.forward(row).iter().map(|y| y * y).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_solves() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let x = Cholesky::new(&matrix).solve(&[1.0, -2.0, 0.5]);
        for (row, b) in matrix.iter().zip([1.0, -2.0, 0.5]) {
            let back: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((back - b).abs() < 1e-12);
        }
    }

    #[test]
    fn logistic_gradient_vanishes_at_the_fit_even_for_separable_classes() {
        let rows: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i) - 9.5, f64::from(i % 3)]).collect();
        let positive: Vec<bool> = (0..20).map(|i| i >= 10).collect();
        let fit = Logistic::fit(&rows, &positive, 1.0);
        let gradient: f64 = rows
            .iter()
            .zip(&positive)
            .map(|(r, &p)| (1.0 / (1.0 + (-fit.score(r)).exp()) - f64::from(u8::from(p))) * r[0])
            .sum::<f64>()
            + fit.weights[0];
        assert!(gradient.abs() < 1e-6, "{gradient}");
        assert!(fit.score(&rows[19]) > fit.score(&rows[0]));
    }

    #[test]
    fn distance_counts_shared_deviations_once() {
        let rows: Vec<Vec<f64>> = (0..100).map(|i| vec![f64::from(i % 2) * 2.0 - 1.0; 2]).collect();
        let m = Mahalanobis::fit(&rows, 0.1);
        assert!(m.distance(&[1.0, 1.0]) < m.distance(&[1.0, -1.0]));
    }
}
