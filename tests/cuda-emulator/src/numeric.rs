//! Dense arithmetic on device memory for the library functions: element types, strided tensors, matrix products.

use crate::ptx::float::to_tf32;
use half::{bf16, f16};
use rayon::prelude::*;

/// An element type in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    pub fn bytes(self) -> usize {
        match self {
            Element::F16 | Element::Bf16 => 2,
            Element::F32 => 4,
            Element::F64 => 8,
        }
    }
}

/// The type sums are formed in: `f64` for `f64` data, `f32` for all other.
pub trait Real: Copy + Send + Sync + Default + 'static {
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn mul_add_to(sum: &mut [Self], a: [Self; 4], rows: [&[Self]; 4]);
    fn axpy(sum: &mut [Self], a: Self, row: &[Self]);
    fn is_zero(self) -> bool;
    fn plus(self, other: Self) -> Self;
    /// The neighbour above, for results of functions that do not promise the same bits every time.
    fn nudge(self) -> Self;
    /// # Safety
    /// `at` must be readable as `element`.
    unsafe fn load(at: *const u8, element: Element) -> Self;
    /// # Safety
    /// `at` must be writable as `element`.
    unsafe fn save(self, at: *mut u8, element: Element);
}

macro_rules! real {
    ($t:ty) => {
        impl Real for $t {
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn mul_add_to(sum: &mut [$t], a: [$t; 4], rows: [&[$t]; 4]) {
                let n = sum.len();
                let [r0, r1, r2, r3] = rows.map(|r| &r[..n]);
                for j in 0..n {
                    sum[j] = (((sum[j] + a[0] * r0[j]) + a[1] * r1[j]) + a[2] * r2[j]) + a[3] * r3[j];
                }
            }
            fn axpy(sum: &mut [$t], a: $t, row: &[$t]) {
                for (s, r) in sum.iter_mut().zip(row) {
                    *s += a * r;
                }
            }
            fn is_zero(self) -> bool {
                self == 0.0
            }
            fn plus(self, other: Self) -> Self {
                self + other
            }
            fn nudge(self) -> Self {
                if self == 0.0 { self } else { self.next_up() }
            }
            unsafe fn load(at: *const u8, element: Element) -> Self {
                unsafe {
                    match element {
                        Element::F32 => at.cast::<f32>().read_unaligned() as $t,
                        Element::F64 => at.cast::<f64>().read_unaligned() as $t,
                        Element::F16 => at.cast::<f16>().read_unaligned().to_f32() as $t,
                        Element::Bf16 => at.cast::<bf16>().read_unaligned().to_f32() as $t,
                    }
                }
            }
            unsafe fn save(self, at: *mut u8, element: Element) {
                unsafe {
                    match element {
                        Element::F32 => at.cast::<f32>().write_unaligned(self as f32),
                        Element::F64 => at.cast::<f64>().write_unaligned(self as f64),
                        Element::F16 => at.cast::<f16>().write_unaligned(f16::from_f32(self as f32)),
                        Element::Bf16 => at.cast::<bf16>().write_unaligned(bf16::from_f32(self as f32)),
                    }
                }
            }
        }
    };
}
real!(f32);
real!(f64);

/// Columns of a block of the product that stay in the cache together.
const COLUMNS: usize = 1024;

/// `c += a * b` for row-major matrices of `m * k` and `k * n` elements. The sums over `k` are formed in order.
pub fn gemm<T: Real>(m: usize, n: usize, k: usize, a: &[T], b: &[T], c: &mut [T]) {
    if m == 0 || n == 0 {
        return;
    }
    let one_row = |i: usize, row: &mut [T]| {
        for (block, part) in row.chunks_mut(COLUMNS).enumerate() {
            let (from, len) = (block * COLUMNS, part.len());
            let rows = |l: usize| &b[l * n + from..l * n + from + len];
            let mut l = 0;
            while l + 4 <= k {
                let f = &a[i * k + l..i * k + l + 4];
                let r = [rows(l), rows(l + 1), rows(l + 2), rows(l + 3)];
                T::mul_add_to(part, [f[0], f[1], f[2], f[3]], r);
                l += 4;
            }
            while l < k {
                let r = rows(l);
                T::axpy(part, a[i * k + l], r);
                l += 1;
            }
        }
    };
    if m * n * k < 1 << 16 {
        c.chunks_mut(n).enumerate().for_each(|(i, row)| one_row(i, row));
    } else {
        c.par_chunks_mut(n).enumerate().for_each(|(i, row)| one_row(i, row));
    }
}

/// A tensor of four dimensions in memory; strides count elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor4 {
    pub element: Element,
    pub dims: [usize; 4],
    pub strides: [usize; 4],
}

impl Tensor4 {
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes from the first to the end of the last element.
    pub fn extent(&self) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let last: usize = self.dims.iter().zip(self.strides).map(|(d, s)| (d - 1) * s).sum();
        ((last + 1) * self.element.bytes()) as u64
    }

    fn offset(&self, i: [usize; 4]) -> usize {
        i.iter().zip(self.strides).map(|(i, s)| i * s).sum::<usize>() * self.element.bytes()
    }

    /// All elements, in the order of the dimensions, rounded to TF32 if asked.
    ///
    /// # Safety
    /// The tensor's extent at `at` must be live.
    pub unsafe fn gather<T: Real>(&self, at: u64, tf32: bool) -> Vec<T> {
        let [n, c, h, w] = self.dims;
        let mut out = vec![T::default(); self.len()];
        let step = self.strides[3] * self.element.bytes();
        if w > 0 {
            out.par_chunks_mut(w).enumerate().for_each(|(row, line)| {
                let start = at as usize + self.offset([row / (c * h), row / h % c, row % h, 0]);
                for (x, v) in line.iter_mut().enumerate() {
                    // SAFETY: within the extent.
                    let value = unsafe { T::load((start + x * step) as *const u8, self.element) };
                    *v = if tf32 { T::from_f64(f64::from(to_tf32(value.to_f64() as f32))) } else { value };
                }
            });
        }
        let _ = n;
        out
    }

    /// Stores `alpha * values + beta * old`. With `beta` 0 the old values are not read.
    ///
    /// # Safety
    /// The tensor's extent at `at` must be live, and no two indices may share an element.
    pub unsafe fn scatter<T: Real>(&self, at: u64, values: &[T], alpha: f64, beta: f64) {
        let [_, c, h, w] = self.dims;
        let step = self.strides[3] * self.element.bytes();
        values.par_chunks(w.max(1)).enumerate().for_each(|(row, line)| {
            let start = at as usize + self.offset([row / (c * h), row / h % c, row % h, 0]);
            for (x, &v) in line.iter().enumerate() {
                let p = (start + x * step) as *mut u8;
                // SAFETY: within the extent.
                unsafe {
                    let mut v = if alpha == 1.0 { v } else { T::from_f64(alpha * v.to_f64()) };
                    if beta != 0.0 {
                        v = T::from_f64(v.to_f64() + beta * T::load(p, self.element).to_f64());
                    }
                    v.save(p, self.element);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_the_definition() {
        let (m, n, k) = (5, 1030, 7);
        let a: Vec<f64> = (0..m * k).map(|i| (i % 11) as f64 - 5.0).collect();
        let b: Vec<f64> = (0..k * n).map(|i| (i % 13) as f64 - 6.0).collect();
        let mut c = vec![1.0; m * n];
        gemm(m, n, k, &a, &b, &mut c);
        for i in 0..m {
            for j in 0..n {
                let s: f64 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                assert_eq!(c[i * n + j], s + 1.0);
            }
        }
    }

    #[test]
    fn tensors_go_through_their_strides() {
        let t = Tensor4 { element: Element::Bf16, dims: [2, 3, 2, 2], strides: [12, 1, 6, 3] };
        let memory = [bf16::ZERO; 24];
        let at = memory.as_ptr() as u64;
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        unsafe {
            t.scatter(at, &values, 1.0, 0.0);
            assert_eq!(t.gather::<f32>(at, false), values);
            t.scatter(at, &values, 2.0, 1.0);
            assert_eq!(t.gather::<f32>(at, false), values.iter().map(|v| v * 3.0).collect::<Vec<_>>());
        }
        assert_eq!(t.extent(), 48);
    }
}
