//! The product of a transposed matrix with a matrix, for operands that are written in just the order in which it reads
//! them: a general matrix product copies its operands first, which for the small matrices of a convolution takes a fifth
//! of its time.

use pulp::{Arch, Simd, WithSimd};

/// Columns come in multiples of this many: the width of the widest vector registers in f32.
pub(crate) const LANES: usize = 16;

/// `len` rounded up to whole vectors, and never to a multiple of the distance (eight vectors) at which the rows of a narrow
/// panel would share a few lines of the cache.
pub(crate) fn padded(len: usize) -> usize {
    let vectors = len.div_ceil(LANES);
    LANES * if vectors > 0 && vectors.is_multiple_of(8) { vectors + 1 } else { vectors }
}

/// Vectors of a row that are worked on together when so many are left: three, but no single one at the end where it can be helped.
#[inline(always)]
pub(crate) fn vectors_together(left: usize) -> usize {
    match left {
        1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// Operands of `out = left^T right`.
pub(crate) struct Product<'a, T> {
    /// depth x `left_stride`, of which the first `rows` of each are used; `left_stride` is a multiple of [`LANES`].
    pub(crate) left: &'a [T],
    pub(crate) left_stride: usize,
    /// depth x `stride`; `stride` is a multiple of [`LANES`].
    pub(crate) right: &'a [T],
    /// rows x `stride`; overwritten but for columns beyond `columns`.
    pub(crate) out: &'a mut [T],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    /// Rounded up to whole vectors.
    pub(crate) columns: usize,
}

/// Operands of `out (+)= left right^T`, where both have the summed index in their rows.
pub(crate) struct RowProduct<'a, T> {
    /// rows x `stride`; `stride` is a multiple of [`LANES`].
    pub(crate) left: &'a [T],
    /// columns x `stride`.
    pub(crate) right: &'a [T],
    pub(crate) stride: usize,
    /// How far along the rows is summed, rounded up to whole vectors: behind their ends one of both holds zeros and the
    /// other numbers.
    pub(crate) depth: usize,
    /// rows x columns.
    pub(crate) out: &'a mut [T],
    /// Whether the product is added to what is there.
    pub(crate) accumulate: bool,
}

macro_rules! product {
    ($t:ty, $run:ident, $as_simd:ident, $as_mut_simd:ident, $splat:ident, $mul_add:ident) => {
        impl WithSimd for Product<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // Accumulators for eight rows by three vectors need 24 registers, for four rows 12.
                if S::REGISTER_COUNT >= 32 { self.$run::<S, 8>(simd) } else { self.$run::<S, 4>(simd) }
            }
        }

        impl Product<'_, $t> {
            #[inline(always)]
            fn $run<S: Simd, const R: usize>(mut self, simd: S) {
                let lanes = S::$as_simd(&[<$t>::default(); LANES]).0.len();
                let lanes = LANES / lanes.max(1);
                let vectors = self.columns.div_ceil(LANES) * (LANES / lanes);
                let mut at = 0;
                while at < vectors {
                    let many = vectors_together(vectors - at);
                    for row in (0..self.rows).step_by(R) {
                        match many {
                            1 => self.block::<S, R, 1>(simd, row, at * lanes),
                            2 => self.block::<S, R, 2>(simd, row, at * lanes),
                            _ => self.block::<S, R, 3>(simd, row, at * lanes),
                        }
                    }
                    at += many;
                }
            }

            /// `R` rows by `N` vectors of the result.
            #[inline(always)]
            fn block<S: Simd, const R: usize, const N: usize>(&mut self, simd: S, row: usize, column: usize) {
                let mut sums = [[simd.$splat(0.0); N]; R];
                let lines =
                    self.left.chunks_exact(self.left_stride).zip(self.right.chunks_exact(self.stride));
                for (left, right) in lines {
                    let (Some(left), Some(right)) =
                        (left[row..].first_chunk::<R>(), S::$as_simd(&right[column..]).0.first_chunk::<N>())
                    else {
                        return;
                    };
                    for r in 0..R {
                        let factor = simd.$splat(left[r]);
                        for n in 0..N {
                            sums[r][n] = simd.$mul_add(factor, right[n], sums[r][n]);
                        }
                    }
                }
                for r in 0..R {
                    if row + r < self.rows {
                        let out = &mut self.out[(row + r) * self.stride + column..];
                        if let Some(out) = S::$as_mut_simd(out).0.first_chunk_mut::<N>() {
                            *out = sums[r];
                        }
                    }
                }
            }
        }
    };
}

macro_rules! row_product {
    ($t:ty, $vector:ident, $run:ident, $as_simd:ident, $splat:ident, $mul_add:ident, $reduce_sum:ident) => {
        impl WithSimd for RowProduct<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                if S::REGISTER_COUNT >= 32 { self.$run::<S, 4, 6>(simd) } else { self.$run::<S, 2, 4>(simd) }
            }
        }

        impl RowProduct<'_, $t> {
            #[inline(always)]
            fn $run<S: Simd, const R: usize, const C: usize>(mut self, simd: S) {
                let (rows, columns) = (self.left.len() / self.stride, self.right.len() / self.stride);
                for column in (0..columns).step_by(C) {
                    for row in (0..rows).step_by(R) {
                        if row + R <= rows && column + C <= columns {
                            self.block::<S, R, C>(simd, row, column, columns);
                        } else {
                            for row in row..rows.min(row + R) {
                                for column in column..columns.min(column + C) {
                                    self.block::<S, 1, 1>(simd, row, column, columns);
                                }
                            }
                        }
                    }
                }
            }

            #[inline(always)]
            fn block<S: Simd, const R: usize, const C: usize>(
                &mut self,
                simd: S,
                row: usize,
                column: usize,
                columns: usize,
            ) {
                let depth = self.depth.next_multiple_of(LANES);
                let mut left = [&[][..]; R];
                for (r, line) in left.iter_mut().enumerate() {
                    *line = S::$as_simd(&self.left[(row + r) * self.stride..][..depth]).0;
                }
                let mut right = [&[][..]; C];
                for (c, line) in right.iter_mut().enumerate() {
                    *line = S::$as_simd(&self.right[(column + c) * self.stride..][..depth]).0;
                }
                let mut sums = [[simd.$splat(0.0); C]; R];
                // Both loops in full, so that the sums stay in registers.
                for i in 0..left[0].len() {
                    let mut factors = [simd.$splat(0.0); R];
                    for r in 0..R {
                        factors[r] = left[r][i];
                    }
                    for c in 0..C {
                        let factor = right[c][i];
                        for r in 0..R {
                            sums[r][c] = simd.$mul_add(factors[r], factor, sums[r][c]);
                        }
                    }
                }
                // Written out: a loop over the rows would keep the sums in memory from their start.
                const { assert!(R <= 4) };
                let mut finish = |r: usize| self.finish(simd, sums[r], (row + r) * columns + column);
                finish(0);
                if R > 1 {
                    finish(1);
                }
                if R > 2 {
                    finish(2);
                }
                if R > 3 {
                    finish(3);
                }
            }

            #[inline(always)]
            fn finish<S: Simd, const C: usize>(&mut self, simd: S, sums: [S::$vector; C], at: usize) {
                for c in 0..C {
                    let out = &mut self.out[at + c];
                    let sum = simd.$reduce_sum(sums[c]);
                    *out = if self.accumulate { *out + sum } else { sum };
                }
            }
        }
    };
}
row_product!(f32, f32s, run_f32, as_simd_f32s, splat_f32s, mul_add_e_f32s, reduce_sum_f32s);
row_product!(f64, f64s, run_f64, as_simd_f64s, splat_f64s, mul_add_e_f64s, reduce_sum_f64s);

product!(f32, run_f32, as_simd_f32s, as_mut_simd_f32s, splat_f32s, mul_add_e_f32s);
product!(f64, run_f64, as_simd_f64s, as_mut_simd_f64s, splat_f64s, mul_add_e_f64s);

impl<T> Product<'_, T> {
    /// That the operands fit each other.
    pub(crate) fn check(&self) {
        let depth = self.left.len() / self.left_stride.max(1);
        assert!(
            self.left_stride.is_multiple_of(LANES) && self.stride.is_multiple_of(LANES),
            "rows in whole vectors"
        );
        assert!(
            self.left.len() == depth * self.left_stride && self.right.len() == depth * self.stride,
            "one depth"
        );
        assert!(
            self.out.len() == self.rows * self.stride && self.rows <= self.left_stride,
            "room for the rows"
        );
        assert!(self.columns <= self.stride, "columns inside the rows");
    }

    /// Computes it on this thread. Every entry is one sum in the order of the depth, on every CPU.
    pub(crate) fn run(self)
    where
        Self: WithSimd<Output = ()>,
    {
        self.check();
        Arch::new().dispatch(self);
    }
}

impl<T> RowProduct<'_, T> {
    /// That the operands fit each other.
    pub(crate) fn check(&self) {
        assert!(self.stride.is_multiple_of(LANES) && self.depth <= self.stride, "rows in whole vectors");
        let (rows, columns) = (self.left.len() / self.stride.max(1), self.right.len() / self.stride.max(1));
        assert!(
            self.left.len() == rows * self.stride && self.right.len() == columns * self.stride,
            "whole rows"
        );
        assert!(self.out.len() == rows * columns, "room for the product");
    }

    /// Computes it on this thread.
    pub(crate) fn run(self)
    where
        Self: WithSimd<Output = ()>,
    {
        self.check();
        Arch::new().dispatch(self);
    }
}

/// `matrix` (rows x columns) turned, each row filled up with zeros to a multiple of [`LANES`].
pub(crate) fn turned<T: Copy + Default>(matrix: &[T], rows: usize) -> Vec<T> {
    let (columns, stride) = (matrix.len() / rows.max(1), padded(rows));
    let mut out = vec![T::default(); columns * stride];
    for (r, row) in matrix.chunks_exact(columns.max(1)).enumerate() {
        for (c, &value) in row.iter().enumerate() {
            out[c * stride + r] = value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_is_the_product(depth in 1usize..20, rows in 1usize..40, columns in 1usize..180, seed in 0u32..1000) {
            let (left_stride, stride) = (padded(rows), padded(columns));
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f64 / 4096.0 - 0.5;
            let left: Vec<f64> = (0..depth * left_stride).map(value).collect();
            let right: Vec<f64> = (0..depth * stride).map(|i| value(i + 77)).collect();
            let mut out = vec![f64::NAN; rows * stride];
            Product { left: &left, left_stride, right: &right, out: &mut out, stride, rows, columns }.run();
            let single = |v: &[f64]| v.iter().map(|&v| v as f32).collect::<Vec<_>>();
            let mut out32 = vec![f32::NAN; rows * stride];
            Product { left: &single(&left), left_stride, right: &single(&right), out: &mut out32, stride, rows, columns }.run();
            for r in 0..rows {
                for c in 0..columns {
                    let expected: f64 = (0..depth).map(|k| left[k * left_stride + r] * right[k * stride + c]).sum();
                    prop_assert!((out[r * stride + c] - expected).abs() < 1e-12);
                    prop_assert!((f64::from(out32[r * stride + c]) - expected).abs() < 1e-4);
                }
            }
        }

        #[test]
        fn it_is_the_product_of_rows(depth in 1usize..100, rows in 1usize..14, columns in 1usize..20, seed in 0u32..1000) {
            let stride = padded(depth);
            let value = |i: usize| {
                if i % stride < depth { f64::from(((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed)) >> 20) / 4096.0 - 0.5 } else { 0.0 }
            };
            let left: Vec<f64> = (0..rows * stride).map(value).collect();
            let right: Vec<f64> = (0..columns * stride).map(|i| value(i) + 0.1).collect();
            for accumulate in [false, true] {
                let mut out = vec![1.0; rows * columns];
                RowProduct { left: &left, right: &right, stride, depth, out: &mut out, accumulate }.run();
                for r in 0..rows {
                    for c in 0..columns {
                        let sum: f64 = (0..depth).map(|k| left[r * stride + k] * right[c * stride + k]).sum();
                        let expected = if accumulate { 1.0 + sum } else { sum };
                        prop_assert!((out[r * columns + c] - expected).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
