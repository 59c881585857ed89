/// Rounds over all pairs after which an iteration that has not converged is left as it is; ten are plenty in practice.
const MAX_SWEEPS: usize = 60;

/// Eigenvalues of a symmetric matrix, row after row, and its eigenvectors as the columns of a second one, by cyclic Jacobi
/// rotations (Golub and Van Loan, Matrix Computations, chapter 8).
///
/// Slower than other methods for large matrices, but short, and small eigenvalues of covariances come out accurate. The
/// order is that of the diagonal.
pub(crate) fn eigen(matrix: &[f64], side: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; side * side];
    for i in 0..side {
        vectors[i * side + i] = 1.0;
    }
    let total: f64 = a.iter().map(|v| v * v).sum();
    for _ in 0..MAX_SWEEPS {
        let mut beside = 0.0;
        for i in 0..side {
            beside += a[i * side + i + 1..(i + 1) * side].iter().map(|v| v * v).sum::<f64>();
        }
        if beside <= 1e-30 * total {
            break;
        }
        for p in 0..side {
            for q in p + 1..side {
                let apq = a[p * side + q];
                if apq == 0.0 {
                    continue;
                }
                // The smaller of the two angles that make the pair vanish.
                let theta = (a[q * side + q] - a[p * side + p]) / (2.0 * apq);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for k in 0..side {
                    rotate(&mut a, (k * side + p, k * side + q), cosine, sine);
                    rotate(&mut vectors, (k * side + p, k * side + q), cosine, sine);
                }
                for k in 0..side {
                    rotate(&mut a, (p * side + k, q * side + k), cosine, sine);
                }
                // Rounding would keep it from vanishing, and the iteration from ending.
                (a[p * side + q], a[q * side + p]) = (0.0, 0.0);
            }
        }
    }
    ((0..side).map(|i| a[i * side + i]).collect(), vectors)
}

fn rotate(values: &mut [f64], (first, second): (usize, usize), cosine: f64, sine: f64) {
    let (x, y) = (values[first], values[second]);
    values[first] = cosine * x - sine * y;
    values[second] = sine * x + cosine * y;
}

/// The symmetric square root of a symmetric matrix without negative eigenvalues; those that rounding made negative count as
/// zero.
pub(crate) fn square_root(matrix: &[f64], side: usize) -> Vec<f64> {
    let (values, vectors) = eigen(matrix, side);
    let scaled: Vec<f64> =
        vectors.iter().enumerate().map(|(i, v)| v * values[i % side].max(0.0).sqrt()).collect();
    let mut root = Vec::with_capacity(side * side);
    for left in scaled.chunks_exact(side) {
        let dot = |right: &[f64]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>();
        root.extend(vectors.chunks_exact(side).map(dot));
    }
    root
}

/// The product of two square matrices.
pub(crate) fn product(a: &[f64], b: &[f64], side: usize) -> Vec<f64> {
    let mut out = vec![0.0; side * side];
    for (row, target) in a.chunks_exact(side).zip(out.chunks_exact_mut(side)) {
        for (weight, values) in row.iter().zip(b.chunks_exact(side)) {
            for (t, v) in target.iter_mut().zip(values) {
                *t += weight * v;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;
    use rand::Rng;

    /// `F F'` of a random matrix with `rank` columns.
    fn covariance(side: usize, rank: usize) -> Vec<f64> {
        let mut stream = Seed(5).stream_at("eigen", (side * 100 + rank) as u64);
        let f: Vec<f64> = (0..side * rank).map(|_| stream.random_range(-1.0..1.0)).collect();
        let entry = |i: usize, j: usize| (0..rank).map(|k| f[i * rank + k] * f[j * rank + k]).sum();
        (0..side * side).map(|i| entry(i / side, i % side)).collect()
    }

    fn far(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_two_by_two_matrix_has_its_known_eigenvalues() {
        let (mut values, _) = eigen(&[2.0, 1.0, 1.0, 2.0], 2);
        values.sort_by(f64::total_cmp);
        assert!(far(&values, &[1.0, 3.0]) < 1e-14, "{values:?}");
        assert_eq!(eigen(&[7.0], 1), (vec![7.0], vec![1.0]));
        assert_eq!(eigen(&[0.0; 9], 3).0, [0.0; 3]);
    }

    #[test]
    fn vectors_are_orthonormal_and_rebuild_the_matrix() {
        for (side, rank) in [(3, 3), (19, 30), (24, 7)] {
            let matrix = covariance(side, rank);
            let (values, vectors) = eigen(&matrix, side);
            let dot =
                |i: usize, j: usize| (0..side).map(|k| vectors[k * side + i] * vectors[k * side + j]).sum();
            let products: Vec<f64> = (0..side * side).map(|i| dot(i / side, i % side)).collect();
            let unit: Vec<f64> =
                (0..side * side).map(|i| if i / side == i % side { 1.0 } else { 0.0 }).collect();
            assert!(far(&products, &unit) < 1e-12);
            let entry = |i: usize, j: usize| {
                (0..side).map(|k| values[k] * vectors[i * side + k] * vectors[j * side + k]).sum()
            };
            let rebuilt: Vec<f64> = (0..side * side).map(|i| entry(i / side, i % side)).collect();
            assert!(far(&rebuilt, &matrix) < 1e-12);
        }
    }

    #[test]
    fn the_square_root_squares_to_the_matrix_also_where_it_is_singular() {
        for (side, rank) in [(2, 2), (16, 40), (20, 5)] {
            let matrix = covariance(side, rank);
            let root = square_root(&matrix, side);
            assert!(far(&product(&root, &root, side), &matrix) < 1e-12);
        }
    }
}
