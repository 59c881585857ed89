use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::adam::slice_mut;
use crate::element::{Element, PARALLEL_LEN, slice, vectorized};

/// A tensor, and what its moving average follows.
#[derive(Clone, Copy)]
pub struct Followed<'a> {
    /// The average, moved in place.
    pub average: &'a Tensor,
    /// What it follows, of the same shape.
    pub now: &'a Tensor,
}

/// Moves exponential averages a step, in place: `average = decay average + (1 - decay) now`. On a GPU one launch moves 64.
///
/// # Errors
/// When shapes differ, for non-contiguous tensors, and for element types other than f32 and f64.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mammo_ops::{Followed, follow};
/// let average = Tensor::new(&[1f32, 2.0], &Device::Cpu)?;
/// let now = Tensor::new(&[3f32, 2.0], &Device::Cpu)?;
/// follow(&[Followed { average: &average, now: &now }], 0.75)?;
/// assert_eq!(average.to_vec1::<f32>()?, [1.5, 2.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn follow(all: &[Followed<'_>], decay: f64) -> Result<()> {
    for Followed { average, now } in all {
        if average.dims() != now.dims() {
            bail!("an average of shape {:?} cannot follow {:?}", average.dims(), now.dims());
        }
    }
    #[cfg(feature = "cuda")]
    if let Some(candle_core::Device::Cuda(device)) = all.first().map(|first| first.average.device()) {
        return gpu::follow(device, all, decay);
    }
    for Followed { average, now } in all {
        average.inplace_op2(&now.detach(), &Follow(decay))?;
    }
    Ok(())
}

struct Follow(f64);

impl Follow {
    fn run<T: Element>(&self, average: &mut [T], now: &[T]) {
        let (kept, rest) = (T::from_f64(self.0), T::from_f64(1.0 - self.0));
        average.par_chunks_mut(PARALLEL_LEN).zip(now.par_chunks(PARALLEL_LEN)).for_each(|(average, now)| {
            vectorized(
                #[inline(always)]
                || {
                    for (a, &n) in average.iter_mut().zip(now) {
                        *a = *a * kept + n * rest;
                    }
                },
            );
        });
    }
}

impl InplaceOp2 for Follow {
    fn name(&self) -> &'static str {
        "follow"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        match s1 {
            CpuStorage::F32(values) => {
                self.run(slice_mut(values, l1, "follow")?, slice::<f32>(s2, l2, "follow")?);
            }
            CpuStorage::F64(values) => {
                self.run(slice_mut(values, l1, "follow")?, slice::<f64>(s2, l2, "follow")?);
            }
            _ => bail!("moving averages work in f32 and f64"),
        }
        Ok(())
    }
}

#[cfg(feature = "cuda")]
mod gpu {
    use candle_core::{CudaDevice, DType, Result, bail};

    use super::Followed;
    use crate::cuda::{Entry, address_of, follow as launch};

    pub(super) fn follow(device: &CudaDevice, all: &[Followed<'_>], decay: f64) -> Result<()> {
        let Some(first) = all.first() else { return Ok(()) };
        let dtype = first.average.dtype();
        let entries = all
            .iter()
            .map(|Followed { average, now }| {
                Ok(Entry {
                    parameter: address_of(average, dtype)?,
                    moments: 0,
                    gradient: address_of(now, dtype)?,
                    len: average.elem_count(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        match dtype {
            DType::F32 => launch::<f32>(device, &entries, decay),
            DType::F64 => launch::<f64>(device, &entries, decay),
            other => bail!("moving averages work in f32 and f64, not {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn misfits_are_errors() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let (average, now) = (zeros(&[3]), zeros(&[1, 3]));
        assert!(follow(&[Followed { average: &average, now: &now }], 0.5).is_err());
    }
}
