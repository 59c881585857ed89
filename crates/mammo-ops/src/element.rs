use candle_core::{CpuStorage, Layout, Result, WithDType, bail};
use rayon::prelude::*;

use crate::bf16::{self, Precision};
use crate::product::{Product, RowProduct};
use crate::scratch::Buffers;

/// The element types that the kernels are compiled for: `f32` for work, `f64` for checking gradients.
pub(crate) trait Element: WithDType + std::ops::Neg<Output = Self> + Default + Buffers {
    fn tanh(self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn product(product: Product<Self>, precision: Precision);
    fn row_product(product: RowProduct<Self>, precision: Precision);
}

macro_rules! element {
    ($t:ty, $rounded:expr, $rounded_rows:expr) => {
        impl Element for $t {
            fn tanh(self) -> Self {
                self.tanh()
            }

            fn abs(self) -> Self {
                self.abs()
            }

            fn sqrt(self) -> Self {
                self.sqrt()
            }

            fn product(product: Product<Self>, precision: Precision) {
                match precision {
                    Precision::Full | Precision::Tf32 => product.run(),
                    Precision::Bf16 => $rounded(product),
                }
            }

            fn row_product(product: RowProduct<Self>, precision: Precision) {
                match precision {
                    Precision::Full | Precision::Tf32 => product.run(),
                    Precision::Bf16 => $rounded_rows(product),
                }
            }
        }
    };
}
element!(f32, bf16::product, bf16::row_product);
// What gradients are checked in is not rounded.
element!(f64, Product::run, RowProduct::run);

/// The values of a contiguous tensor.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout, op: &str) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("{op} needs contiguous tensors; call contiguous() first"),
    }
}

/// Runs `$body` with `$t` as the storage's element type.
macro_rules! dispatch {
    ($storage:expr, $op:expr, $t:ident => $body:expr) => {
        match $storage {
            candle_core::CpuStorage::F32(_) => {
                type $t = f32;
                $body
            }
            candle_core::CpuStorage::F64(_) => {
                type $t = f64;
                $body
            }
            other => candle_core::bail!(
                "{} works in f32 and f64, not {:?}",
                $op,
                candle_core::backend::BackendStorage::dtype(other)
            ),
        }
    };
}
pub(crate) use dispatch;

/// Runs a loop with the widest vector instructions that this CPU has, found at run time, so that a plain
/// `cargo build` is fast everywhere.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Running sums that are kept side by side, so that the compiler may use vector registers: a plain sum has one order
/// and stays scalar. Also more exact than one sum.
pub(crate) const LANES: usize = 32;

/// The sum of `f` over the elements of slices of one length.
#[inline(always)]
pub(crate) fn sum<T: Element, const N: usize>(slices: [&[T]; N], f: impl Fn([T; N]) -> T) -> T {
    let len = slices[0].len();
    // Fixed-size blocks carry their length in their type, which spares the bounds checks that prevent vectorising.
    let blocks = slices.map(|s| s.as_chunks::<LANES>().0);
    let mut sums = [T::default(); LANES];
    for i in 0..len / LANES {
        let block = blocks.map(|b| &b[i]);
        for lane in 0..LANES {
            sums[lane] += f(block.map(|b| b[lane]));
        }
    }
    let tail = (len / LANES * LANES..len).fold(T::default(), |acc, i| acc + f(slices.map(|s| s[i])));
    sums.iter().fold(tail, |acc, &s| acc + s)
}

/// So many zeros, for what a kernel then overwrites: of large results clearing is a part of the work that is worth sharing.
pub(crate) fn zeros<T: Element>(len: usize) -> Vec<T> {
    rayon::iter::repeat_n(T::default(), len).with_min_len(PARALLEL_LEN).collect()
}

/// The shortest slice that is worth handing to a second thread.
pub(crate) const PARALLEL_LEN: usize = 16 * 1024;
