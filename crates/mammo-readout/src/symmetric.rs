//! Small symmetric matrices: eigenvalues by Jacobi's rotations.

/// Eigenvalues and eigenvectors (`vectors[row][i]` belongs to `values[i]`) of a symmetric matrix.
pub(crate) fn eigen(matrix: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let k = matrix.len();
    let mut a = matrix.to_vec();
    let mut v: Vec<Vec<f64>> =
        (0..k).map(|i| (0..k).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..100 {
        let off: f64 = (0..k).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j].powi(2)).sum();
        let diagonal: f64 = (0..k).map(|i| a[i][i].powi(2)).sum();
        if off <= 1e-34 * diagonal {
            break;
        }
        for p in 0..k {
            for q in p + 1..k {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (upper, lower) = a.split_at_mut(q);
                for (x, y) in upper[p].iter_mut().zip(&mut lower[0]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
                for row in &mut v {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
            }
        }
    }
    ((0..k).map(|i| a[i][i]).collect(), v)
}

/// `d' S⁻ d` and the rank of the covariance `S`; none when `d` has a part outside the range of `S`.
pub(crate) fn inverse_form(covariance: &[Vec<f64>], d: &[f64]) -> Option<(f64, usize)> {
    let (values, vectors) = eigen(covariance);
    let largest = values.iter().fold(0.0f64, |most, v| most.max(*v));
    let (mut form, mut rank) = (0.0, 0);
    for (i, &value) in values.iter().enumerate() {
        let along: f64 = vectors.iter().zip(d).map(|(row, x)| row[i] * x).sum();
        if value > 1e-11 * largest && value > 1e-20 {
            form += along * along / value;
            rank += 1;
        } else if along.abs() > 1e-9 {
            return None;
        }
    }
    Some((form, rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_singular_matrix_has_the_rank_of_its_range() {
        // Third row and column are the sums of the first two.
        let s = vec![vec![2.0, 0.5, 2.5], vec![0.5, 1.0, 1.5], vec![2.5, 1.5, 4.0]];
        let (form, rank) = inverse_form(&s, &[1.0, 2.0, 3.0]).unwrap();
        // With the first two alone: (1, 2) [2 .5; .5 1]^-1 (1, 2)' = (1 - 2 + 8) / 1.75.
        assert_eq!(rank, 2);
        assert!((form - 7.0 / 1.75).abs() < 1e-12);
        assert!(inverse_form(&s, &[1.0, 2.0, 4.0]).is_none());
    }
}
