#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use crate::cuda::Change;
use crate::element::{Element, dispatch, slice, zeros};

/// Doubles both sides of an image, each pixel becoming four (nearest neighbour). With a convolution of stride 1 behind it,
/// it is the way up of Becker's experiment 2, which leaves no checkerboard where a transposed convolution may
/// (Odena, Dumoulin and Olah, Distill 2016, doi:10.23915/distill.00003).
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
/// let y = mammo_ops::nearest_double(&x)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn nearest_double(x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    x.contiguous()?.apply_op1(Double)
}

/// One pixel to four.
struct Double;

/// Four pixels to their sum: the gradient of [`Double`].
struct FourSum;

/// The shape of the image whose doubling has a gradient of this shape.
pub(crate) fn halved(shape: &Shape) -> Result<(usize, usize, usize, usize)> {
    let (n, c, h, w) = shape.dims4()?;
    if h % 2 != 0 || w % 2 != 0 {
        bail!("a gradient of {h} x {w} pixels behind a doubling of both sides");
    }
    Ok((n, c, h / 2, w / 2))
}

/// Planes, height and width of a shape.
pub(crate) fn planes(shape: &Shape) -> Result<(usize, usize, usize)> {
    let (n, c, h, w) = shape.dims4()?;
    Ok((n * c, h, w))
}

fn double<T: Element>(x: &[T], (planes, h, w): (usize, usize, usize)) -> Vec<T> {
    let mut out = zeros(4 * planes * h * w);
    if out.is_empty() {
        return out;
    }
    out.par_chunks_mut(4 * h * w).zip(x.par_chunks(h * w)).for_each(|(out, plane)| {
        for (rows, row) in out.chunks_exact_mut(4 * w).zip(plane.chunks_exact(w)) {
            let (upper, lower) = rows.split_at_mut(2 * w);
            for (pair, &value) in upper.chunks_exact_mut(2).zip(row) {
                pair.fill(value);
            }
            lower.copy_from_slice(upper);
        }
    });
    out
}

fn four_sum<T: Element>(x: &[T], (planes, h, w): (usize, usize, usize)) -> Vec<T> {
    let (h2, w2) = (h / 2, w / 2);
    let mut out = zeros(planes * h2 * w2);
    if out.is_empty() {
        return out;
    }
    out.par_chunks_mut(h2 * w2).zip(x.par_chunks(h * w)).for_each(|(out, plane)| {
        for (row, rows) in out.chunks_exact_mut(w2).zip(plane.chunks_exact(2 * w)) {
            let (upper, lower) = rows.split_at(w);
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            for (sum, (u, l)) in row.iter_mut().zip(pairs) {
                *sum = (u[0] + u[1]) + (l[0] + l[1]);
            }
        }
    });
    out
}

impl CustomOp1 for Double {
    fn name(&self) -> &'static str {
        "nearest_double"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let size = planes(l.shape())?;
        let (n, c, h, w) = l.shape().dims4()?;
        dispatch!(s, "nearest_double", T => {
            let out = double(slice::<T>(s, l, "nearest_double")?, size);
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
        Ok(Some(grad.contiguous()?.apply_op1(FourSum)?))
    }
}

impl CustomOp1 for FourSum {
    fn name(&self) -> &'static str {
        "nearest_double_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let size = planes(l.shape())?;
        let (n, c, h, w) = halved(l.shape())?;
        dispatch!(s, "nearest_double_backward", T => {
            let out = four_sum(slice::<T>(s, l, "nearest_double_backward")?, size);
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
            let doubled = nearest_double(&x).unwrap();
            let loss = (&doubled * &y).unwrap().sum_all().unwrap();
            let grads = loss.backward().unwrap();
            let grad = grads.get(&x).unwrap();
            prop_assert!((dot(&doubled, &y) - dot(&x, grad)).abs() < 1e-9);
            // Every value is that of the pixel it came from.
            let twice = x.upsample_nearest2d(2 * h, 2 * w).unwrap();
            prop_assert_eq!(dot(&(twice - &doubled).unwrap(), &y), 0.0);
        }
    }

    #[test]
    fn an_input_used_twice_gets_both_gradients() {
        let x = Var::from_tensor(&tensor((1, 1, 2, 3), 5)).unwrap();
        let loss = (nearest_double(&x).unwrap().sum_all().unwrap()
            + nearest_double(&x).unwrap().sum_all().unwrap())
        .unwrap();
        let grads = loss.backward().unwrap();
        assert_eq!(grads.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap(), [8.0; 6]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(nearest_double(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap()).is_err());
        assert!(nearest_double(&Tensor::zeros((1, 1, 2, 2), DType::U8, &Device::Cpu).unwrap()).is_err());
    }
}
