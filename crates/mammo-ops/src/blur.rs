#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use crate::cuda::Change;
use crate::element::{Element, dispatch, slice};
use crate::resize::{halved, planes};

/// Doubles both sides of an image and low-passes it by 1 3 3 1 each way, which is bilinear interpolation between the pixels'
/// centres; the edge is repeated outwards. With a convolution of stride 1 behind it, it is the anti-aliased way up (Zhang,
/// arXiv 1904.11486; Karras et al., arXiv 1912.04958), which neither paints a checkerboard nor repeats pixels.
///
/// # Shapes
/// N x C x H x W to N x C x 2H x 2W.
///
/// # Errors
/// For tensors of other than four dimensions, and element types other than f32 and f64.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[[1f32, 2.0]]]], &Device::Cpu)?;
/// let y = mammo_ops::blur_double(&x)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.25, 1.75, 2.0, 1.0, 1.25, 1.75, 2.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn blur_double(x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    x.contiguous()?.apply_op1(BlurDouble)
}

struct BlurDouble;

/// The gradient of [`BlurDouble`]: every pixel gathers what it was spread over.
struct BlurGather;

/// The two pixels that output `i` of an axis of `len` input pixels lies between: the nearer, of weight 3/4, and the other,
/// of weight 1/4.
fn neighbours(i: usize, len: usize) -> (usize, usize) {
    let near = i / 2;
    let far = if i.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(len - 1) };
    (near, far)
}

fn double<T: Element>(x: &[T], (planes, h, w): (usize, usize, usize)) -> Vec<T> {
    let mut out = vec![T::default(); 4 * planes * h * w];
    if out.is_empty() {
        return out;
    }
    let (much, little) = (T::from_f64(0.75), T::from_f64(0.25));
    out.par_chunks_mut(4 * h * w).zip(x.par_chunks(h * w)).for_each(|(out, plane)| {
        let mut row = vec![T::default(); w];
        for (y, out) in out.chunks_exact_mut(2 * w).enumerate() {
            let (near, far) = neighbours(y, h);
            let (near, far) = (&plane[near * w..][..w], &plane[far * w..][..w]);
            for (v, (&n, &f)) in row.iter_mut().zip(near.iter().zip(far)) {
                *v = n * much + f * little;
            }
            for (x, v) in out.iter_mut().enumerate() {
                let (near, far) = neighbours(x, w);
                *v = row[near] * much + row[far] * little;
            }
        }
    });
    out
}

fn gather<T: Element>(grad: &[T], (planes, h, w): (usize, usize, usize)) -> Vec<T> {
    let (h2, w2) = (h / 2, w / 2);
    let mut out = vec![T::default(); planes * h2 * w2];
    if out.is_empty() {
        return out;
    }
    let (much, little) = (T::from_f64(0.75), T::from_f64(0.25));
    out.par_chunks_mut(h2 * w2).zip(grad.par_chunks(h * w)).for_each(|(out, plane)| {
        let mut row = vec![T::default(); w2];
        for (y, grad) in plane.chunks_exact(w).enumerate() {
            row.fill(T::default());
            for (x, &g) in grad.iter().enumerate() {
                let (near, far) = neighbours(x, w2);
                row[near] += g * much;
                row[far] += g * little;
            }
            let (near, far) = neighbours(y, h2);
            for (row_of, weight) in [(near, much), (far, little)] {
                for (o, &v) in out[row_of * w2..][..w2].iter_mut().zip(&row) {
                    *o += v * weight;
                }
            }
        }
    });
    out
}

impl CustomOp1 for BlurDouble {
    fn name(&self) -> &'static str {
        "blur_double"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        dispatch!(s, self.name(), T => {
            let out = double(slice::<T>(s, l, self.name())?, planes(l.shape())?);
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), (n, c, 2 * h, 2 * w).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        let change = Change { kernel: self.name(), shape: (n, c, 2 * h, 2 * w), sizes: (h, w) };
        crate::cuda::change(&change, (s, l))
    }

    fn bwd(&self, _x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.contiguous()?.apply_op1(BlurGather)?))
    }
}

impl CustomOp1 for BlurGather {
    fn name(&self) -> &'static str {
        "blur_double_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = halved(l.shape())?;
        dispatch!(s, self.name(), T => {
            let out = gather(slice::<T>(s, l, self.name())?, planes(l.shape())?);
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), (n, c, h, w).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = halved(l.shape())?;
        let change = Change { kernel: self.name(), shape: (n, c, h, w), sizes: (h, w) };
        crate::cuda::change(&change, (s, l))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};
    use proptest::prelude::*;

    fn tensor(shape: (usize, usize, usize, usize), seed: usize) -> Tensor {
        let (n, c, h, w) = shape;
        let values: Vec<f64> =
            (0..n * c * h * w).map(|i| ((i * 37 + seed * 11) % 23) as f64 / 7.0 - 1.5).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn dot(a: &Tensor, b: &Tensor) -> f64 {
        (a * b).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
    }

    proptest! {
        /// <D x, y> = <x, D' y>, over all shapes down to one pixel.
        #[test]
        fn the_gradient_is_the_adjoint(n in 1usize..3, c in 1usize..4, h in 1usize..7, w in 1usize..7, seed in 0usize..99) {
            let x = Var::from_tensor(&tensor((n, c, h, w), seed)).unwrap();
            let y = tensor((n, c, 2 * h, 2 * w), seed + 1);
            let doubled = blur_double(&x).unwrap();
            let grads = (&doubled * &y).unwrap().sum_all().unwrap().backward().unwrap();
            prop_assert!((dot(&doubled, &y) - dot(&x, grads.get(&x).unwrap())).abs() < 1e-9);
        }
    }

    #[test]
    fn planes_stay_planes() {
        // Inside, interpolation gives back a tilted plane exactly.
        let x = Tensor::from_vec(
            (0..20).map(|i| f64::from(i / 5) * 2.0 + f64::from(i % 5)).collect(),
            (1, 1, 4, 5),
            &Device::Cpu,
        );
        let y = blur_double(&x.unwrap()).unwrap();
        for (row, values) in
            y.squeeze(0).unwrap().squeeze(0).unwrap().to_vec2::<f64>().unwrap().iter().enumerate()
        {
            for (column, value) in values.iter().enumerate() {
                let at = |i: usize, len: usize| ((i as f64 - 0.5) / 2.0).clamp(0.0, len as f64 - 1.0);
                assert!((value - 2.0 * at(row, 4) - at(column, 5)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(blur_double(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap()).is_err());
        assert!(blur_double(&Tensor::zeros((1, 1, 2, 2), DType::U8, &Device::Cpu).unwrap()).is_err());
    }
}
