//! Small systems of linear equations.

/// Solves `matrix x = right` by elimination with row exchange; none when the matrix is singular.
pub(crate) fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let k = right.len();
    let mut rows: Vec<Vec<f64>> =
        matrix.iter().zip(right).map(|(row, &r)| row.iter().copied().chain([r]).collect()).collect();
    for column in 0..k {
        let pivot = (column..k).max_by(|&x, &y| rows[x][column].abs().total_cmp(&rows[y][column].abs()))?;
        if rows[pivot][column].abs() < 1e-280 || !rows[pivot][column].is_finite() {
            return None;
        }
        rows.swap(column, pivot);
        let (done, below) = rows.split_at_mut(column + 1);
        for row in below {
            let factor = row[column] / done[column][column];
            if factor != 0.0 {
                for (x, p) in row[column..].iter_mut().zip(&done[column][column..]) {
                    *x -= factor * p;
                }
            }
        }
    }
    let mut x = vec![0.0; k];
    for i in (0..k).rev() {
        let known: f64 = (i + 1..k).map(|j| rows[i][j] * x[j]).sum();
        x[i] = (rows[i][k] - known) / rows[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_singular_one_refused() {
        let x = solve(&[vec![0.0, 2.0], vec![1.0, 1.0]], &[4.0, 3.0]).unwrap();
        assert_eq!(x, [1.0, 2.0]);
        assert!(solve(&[vec![0.0, 2.0], vec![0.0, 1.0]], &[4.0, 3.0]).is_none());
    }
}
