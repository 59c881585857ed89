//! Products of numbers rounded to bfloat16, eight bits of mantissa, and summed in f32: where the CPU has the instructions for it
//! (AVX512-BF16: AMD since Zen 4, Intel since Cooper Lake), twice as many multiplications at a time as in f32 (Kalamkar et al., arXiv
//! 1905.12322, on training so).
//!
//! Operands are packed as pairs of bfloat16, two that follow each other in the sum, which is what the instruction multiplies: it
//! adds both products of sixteen pairs to sixteen f32. Sums of one entry run in the order of the depth, pair by pair.

// The instructions are called by functions that only a CPU that has them may enter, and vectors are made of arrays.
#![allow(unsafe_code)]

use crate::product::{LANES, Product, RowProduct};
use crate::scratch::scratch;
use half::bf16;
use serde::{Deserialize, Serialize};

/// How exact the multiplications of convolutions are. Sums, parameters and everything else stay in the element type of the
/// tensors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// As exact as the element type.
    #[default]
    #[serde(alias = "f32")]
    Full,
    /// On NVIDIA GPUs factors of f32 tensors are rounded to TF32 (relative error up to 2^-11), which their tensor cores multiply.
    /// On the CPU as [`Self::Full`].
    Tf32,
    /// Factors are rounded to bfloat16 (relative error up to 2^-9, range of f32) where the tensors are f32; those of f64 are
    /// not. Faster on CPUs with AVX512-BF16 and on GPUs, where results are rounded too; on other CPUs the rounding is the same and
    /// the speed that of f32.
    Bf16,
}

impl std::str::FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "f32" => Ok(Self::Full),
            "tf32" => Ok(Self::Tf32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision(text.to_owned())),
        }
    }
}

/// As it is written on command lines: of tensors in f32.
impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        })
    }
}

/// A text that names no [`Precision`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a precision; use f32, tf32 or bf16")]
pub struct UnknownPrecision(String);

/// [`Product::run`] with rounded factors.
pub(crate) fn product(product: Product<f32>) {
    #[cfg(target_arch = "x86_64")]
    if avx512::at_hand() {
        return avx512::product(product);
    }
    plain_product(product);
}

/// [`RowProduct::run`] with rounded factors.
pub(crate) fn row_product(product: RowProduct<f32>) {
    #[cfg(target_arch = "x86_64")]
    if avx512::at_hand() {
        return avx512::row_product(product);
    }
    plain_row_product(product);
}

/// [`product`] for any CPU.
fn plain_product(product: Product<f32>) {
    let Product { left, right, .. } = product;
    rounded(left, |left| rounded(right, |right| Product { left, right, ..product }.run()));
}

/// [`row_product`] for any CPU.
fn plain_row_product(product: RowProduct<f32>) {
    let RowProduct { left, right, .. } = product;
    rounded(left, |left| rounded(right, |right| RowProduct { left, right, ..product }.run()));
}

/// Calls `work` with the values rounded to bfloat16.
fn rounded<R>(values: &[f32], work: impl FnOnce(&[f32]) -> R) -> R {
    scratch(values.len(), |out: &mut [f32]| {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = bf16::from_f32(value).to_f32();
        }
        work(out)
    })
}

/// The kernels. A pair is two bfloat16 that follow each other in the sum, the first in the lower half.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{LANES, Product, RowProduct};
    use crate::product::{padded, vectors_together};
    use crate::scratch::scratch;
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_permutex2var_epi32,
        _mm512_permutexvar_epi16, _mm512_set1_epi32, _mm512_setzero_ps,
    };
    use std::mem::transmute;

    /// Whether this CPU has the instructions.
    pub(super) fn at_hand() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16")
    }

    /// A vector from memory.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn numbers(values: &[f32; LANES]) -> __m512 {
        // SAFETY: sixteen f32 and a vector of sixteen f32 are the same 64 bytes, and every value of these is one of both.
        unsafe { transmute(*values) }
    }

    /// A vector of pairs from memory.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn pairs(values: &[u32; LANES]) -> __m512bh {
        // SAFETY: as above; a bfloat16 is any sixteen bits.
        unsafe { transmute(*values) }
    }

    /// The same pair sixteen times.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(pair: u32) -> __m512bh {
        // SAFETY: as above.
        unsafe { transmute(_mm512_set1_epi32(pair.cast_signed())) }
    }

    /// A vector to memory.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn stored(vector: __m512) -> [f32; LANES] {
        // SAFETY: as above.
        unsafe { transmute(vector) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn integers(values: [u32; LANES]) -> __m512i {
        // SAFETY: as above.
        unsafe { transmute(values) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn words(vector: __m512i) -> [u32; LANES] {
        // SAFETY: as above.
        unsafe { transmute(vector) }
    }

    /// The numbers `first` and then `second`, rounded.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn one_behind_the_other(first: __m512, second: __m512) -> [u32; LANES] {
        // SAFETY: as above.
        unsafe { transmute(_mm512_cvtne2ps_pbh(second, first)) }
    }

    /// Pairs of a number of `first` and one of `second`, rounded.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn side_by_side(first: __m512, second: __m512) -> [u32; LANES] {
        const ORDER: [u16; 2 * LANES] = {
            let mut order = [0; 2 * LANES];
            let mut i = 0;
            while i < LANES {
                order[2 * i] = i as u16;
                order[2 * i + 1] = (LANES + i) as u16;
                i += 1;
            }
            order
        };
        // SAFETY: as above.
        let order: __m512i = unsafe { transmute(ORDER) };
        // SAFETY: as above.
        let both: __m512i = unsafe { transmute(_mm512_cvtne2ps_pbh(second, first)) };
        words(_mm512_permutexvar_epi16(order, both))
    }

    /// Packs a matrix of rows of `stride`: each row of `out` holds pairs of two rows one below the other, the last one of an
    /// odd number with zeros.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn pack_columns(matrix: &[f32], stride: usize, out: &mut [u32]) {
        for (rows, out) in matrix.chunks(2 * stride).zip(out.chunks_exact_mut(stride)) {
            let (first, second) = rows.split_at(stride);
            let second = second.as_chunks::<LANES>().0;
            for (i, (first, out)) in
                first.as_chunks::<LANES>().0.iter().zip(out.as_chunks_mut::<LANES>().0).enumerate()
            {
                let second = second.get(i).map_or(_mm512_setzero_ps(), |second| numbers(second));
                *out = side_by_side(numbers(first), second);
            }
        }
    }

    /// Packs the first `depth` numbers of rows of `stride`, rounded up to whole vectors, turned: each row of `out`, of
    /// `turned_stride`, holds the same pair of all rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn pack_rows(matrix: &[f32], stride: usize, depth: usize, out: &mut [u32], turned_stride: usize) {
        let depth = depth.next_multiple_of(LANES);
        for (block, rows) in matrix.chunks(LANES * stride).enumerate() {
            for at in (0..depth).step_by(2 * LANES) {
                let mut tile = [[0; LANES]; LANES];
                for (row, line) in rows.chunks_exact(stride).zip(&mut tile) {
                    let two = row[at..depth.min(at + 2 * LANES)].as_chunks::<LANES>().0;
                    let second = two.get(1).map_or(_mm512_setzero_ps(), |second| numbers(second));
                    *line = one_behind_the_other(numbers(&two[0]), second);
                }
                let out = &mut out[at / 2 * turned_stride + block * LANES..];
                for (line, out) in turned(tile).iter().zip(out.chunks_mut(turned_stride)) {
                    out[..LANES].copy_from_slice(line);
                }
            }
        }
    }

    /// The order that makes one of two rows, `apart` rows apart, of a matrix whose blocks of `apart` x `apart` are turned: the
    /// `upper` or the lower. Numbers from 16 on are those of the second row.
    const fn exchange(apart: usize, upper: bool) -> [u32; LANES] {
        let mut order = [0; LANES];
        let mut i = 0;
        while i < LANES {
            let second = i & apart != 0;
            order[i] = match (upper, second) {
                (true, false) => i,
                (true, true) => LANES + i - apart,
                (false, false) => i + apart,
                (false, true) => LANES + i,
            } as u32;
            i += 1;
        }
        order
    }

    /// A square matrix turned: blocks of one, two, four, eight exchanged in turn.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turned(mut tile: [[u32; LANES]; LANES]) -> [[u32; LANES]; LANES] {
        const ORDERS: [(usize, [u32; LANES], [u32; LANES]); 4] = [
            (1, exchange(1, true), exchange(1, false)),
            (2, exchange(2, true), exchange(2, false)),
            (4, exchange(4, true), exchange(4, false)),
            (8, exchange(8, true), exchange(8, false)),
        ];
        for (apart, upper, lower) in ORDERS {
            for i in 0..LANES {
                if i & apart == 0 {
                    let (a, b) = (integers(tile[i]), integers(tile[i + apart]));
                    tile[i] = words(_mm512_permutex2var_epi32(a, integers(upper), b));
                    tile[i + apart] = words(_mm512_permutex2var_epi32(a, integers(lower), b));
                }
            }
        }
        tile
    }

    /// Accumulators for eight rows by three vectors, the vectors and a factor are 28 of 32 registers.
    const ROWS: usize = 8;

    /// The product, on a CPU that has the instructions.
    pub(super) fn product(product: Product<f32>) {
        assert!(at_hand(), "a CPU with AVX512-BF16");
        product.check();
        let Product { left, left_stride, right, out, stride, rows, columns } = product;
        let pairs = (left.len() / left_stride.max(1)).div_ceil(2);
        scratch(pairs * left_stride, |packed_left: &mut [u32]| {
            scratch(pairs * stride, |packed_right: &mut [u32]| {
                // SAFETY: the CPU has the instructions.
                unsafe {
                    pack_columns(left, left_stride, packed_left);
                    pack_columns(right, stride, packed_right);
                    let size = (rows, columns.next_multiple_of(LANES));
                    multiply((packed_left, left_stride), (packed_right, stride), size, out, stride, false);
                }
            });
        });
    }

    /// The product of rows, on a CPU that has the instructions.
    pub(super) fn row_product(product: RowProduct<f32>) {
        assert!(at_hand(), "a CPU with AVX512-BF16");
        product.check();
        let RowProduct { left, right, stride, depth, out, accumulate } = product;
        let (rows, columns) = (left.len() / stride.max(1), right.len() / stride.max(1));
        let (left_stride, right_stride) = (padded(rows), padded(columns));
        // Whole tiles of pairs are turned.
        let pairs = (depth.next_multiple_of(LANES) / 2).next_multiple_of(LANES);
        scratch(pairs * left_stride, |packed_left: &mut [u32]| {
            scratch(pairs * right_stride, |packed_right: &mut [u32]| {
                // SAFETY: the CPU has the instructions.
                unsafe {
                    pack_rows(left, stride, depth, packed_left, left_stride);
                    pack_rows(right, stride, depth, packed_right, right_stride);
                    let factors = ((&*packed_left, left_stride), (&*packed_right, right_stride));
                    multiply(factors.0, factors.1, (rows, columns), out, columns, accumulate);
                }
            });
        });
    }

    /// The product of packed factors, each with its stride; `size` is that of the result, whose rows have `stride`.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn multiply(
        left: (&[u32], usize),
        right: (&[u32], usize),
        size: (usize, usize),
        out: &mut [f32],
        stride: usize,
        accumulate: bool,
    ) {
        let (rows, columns) = size;
        let vectors = columns.div_ceil(LANES);
        let mut at = 0;
        while at < vectors {
            let many = vectors_together(vectors - at);
            let columns = at * LANES..columns.min((at + many) * LANES);
            for row in (0..rows).step_by(ROWS) {
                let mut out: [&mut [f32]; ROWS] = {
                    let mut lines = out[row * stride..].chunks_mut(stride).take(rows - row);
                    std::array::from_fn(|_| {
                        lines.next().map_or(&mut [][..], |line| &mut line[columns.clone()])
                    })
                };
                let (left, right) = ((left.0, left.1, row), (right.0, right.1, at * LANES));
                match many {
                    1 => block::<1>(left, right, &mut out, accumulate),
                    2 => block::<2>(left, right, &mut out, accumulate),
                    _ => block::<3>(left, right, &mut out, accumulate),
                }
            }
            at += many;
        }
    }

    /// [`ROWS`] rows by `N` vectors of the result; rows and ends of rows that `out` has not are left out. Factors are packed
    /// values, their stride, and where in a row to begin.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn block<const N: usize>(
        left: (&[u32], usize, usize),
        right: (&[u32], usize, usize),
        out: &mut [&mut [f32]; ROWS],
        accumulate: bool,
    ) {
        let mut sums = [[_mm512_setzero_ps(); N]; ROWS];
        for (left_line, right_line) in left.0.chunks_exact(left.1).zip(right.0.chunks_exact(right.1)) {
            let (Some(factors), Some(vectors)) = (
                left_line[left.2..].first_chunk::<ROWS>(),
                right_line[right.2..].as_chunks::<LANES>().0.first_chunk::<N>(),
            ) else {
                return;
            };
            for r in 0..ROWS {
                let factor = splat(factors[r]);
                for n in 0..N {
                    sums[r][n] = _mm512_dpbf16_ps(sums[r][n], factor, pairs(&vectors[n]));
                }
            }
        }
        // First a loop so small that it is unrolled: with the one behind it the sums would stay in memory from their start.
        let mut done = [[[0.0; LANES]; N]; ROWS];
        for r in 0..ROWS {
            for n in 0..N {
                done[r][n] = stored(sums[r][n]);
            }
        }
        for (out, sums) in out.iter_mut().zip(&done) {
            for (out, &sum) in out.iter_mut().zip(sums.as_flattened()) {
                *out = if accumulate { *out + sum } else { sum };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::padded;
    use proptest::prelude::*;

    fn value(i: usize, seed: u32) -> f32 {
        (((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed)) >> 8) as f32 / 16_777_216.0 - 0.5
    }

    fn round(value: f32) -> f64 {
        bf16::from_f32(value).to_f64()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_is_the_product_of_rounded_factors(depth in 1usize..40, rows in 1usize..40, columns in 1usize..180, seed: u32) {
            let (left_stride, stride) = (padded(rows), padded(columns));
            let left: Vec<f32> = (0..depth * left_stride).map(|i| value(i, seed)).collect();
            let right: Vec<f32> = (0..depth * stride).map(|i| value(i + 77, seed)).collect();
            for product in [product, plain_product] {
                let mut out = vec![f32::NAN; rows * stride];
                product(Product { left: &left, left_stride, right: &right, out: &mut out, stride, rows, columns });
                for r in 0..rows {
                    for c in 0..columns {
                        let expected: f64 =
                            (0..depth).map(|k| round(left[k * left_stride + r]) * round(right[k * stride + c])).sum();
                        prop_assert!((f64::from(out[r * stride + c]) - expected).abs() < 1e-5);
                    }
                }
            }
        }

        #[test]
        fn it_is_the_product_of_rounded_rows(depth in 1usize..100, rows in 1usize..14, columns in 1usize..20, seed: u32) {
            let stride = padded(depth);
            let inside = |i: usize| if i % stride < depth { value(i, seed) } else { 0.0 };
            let left: Vec<f32> = (0..rows * stride).map(inside).collect();
            let right: Vec<f32> = (0..columns * stride).map(|i| value(i + 5, seed)).collect();
            for (row_product, accumulate) in
                [(row_product as fn(RowProduct<f32>), false), (row_product, true), (plain_row_product, false), (plain_row_product, true)]
            {
                let mut out = vec![1.0; rows * columns];
                row_product(RowProduct { left: &left, right: &right, stride, depth, out: &mut out, accumulate });
                for r in 0..rows {
                    for c in 0..columns {
                        let sum: f64 =
                            (0..depth).map(|k| round(left[r * stride + k]) * round(right[c * stride + k])).sum();
                        let expected = if accumulate { 1.0 + sum } else { sum };
                        prop_assert!((f64::from(out[r * columns + c]) - expected).abs() < 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for product in [product, plain_product] {
            not_a_number_stays_none(product);
        }
    }

    fn not_a_number_stays_none(product: fn(Product<f32>)) {
        let values = [f32::NAN, f32::INFINITY, 1.0, 0.0];
        let mut line = [0.0; LANES];
        line[..4].copy_from_slice(&values);
        let one = [1.0; LANES];
        let mut out = [0.0; LANES * 4];
        product(Product {
            left: &line,
            left_stride: LANES,
            right: &one,
            out: &mut out,
            stride: LANES,
            rows: 4,
            columns: LANES,
        });
        assert!(
            out[0].is_nan() && out[LANES].is_infinite() && out[2 * LANES] == 1.0 && out[3 * LANES] == 0.0
        );
    }
}
