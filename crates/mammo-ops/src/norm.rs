use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, Storage};
use rayon::prelude::*;

use crate::activation::{Activation, slope_at};
#[cfg(feature = "cuda")]
use crate::cuda::{NormAffine, NormOperands};
use crate::element::{Element, dispatch, slice, sum, vectorized, zeros};

/// Instance normalisation of every channel of every image by its own mean and (biased) variance, with an activation
/// behind it: `activation(scale * (x - mean) / sqrt(variance + epsilon) + shift)`.
///
/// `affine` holds `scale` and `shift`. Statistics are always those of the image at hand, in training and in use
/// (PyTorch's `InstanceNorm2d` with `track_running_stats=False`).
///
/// # Shapes
/// `x`: N x C x H x W; scale and shift: C; result as `x`.
///
/// # Errors
/// When shapes do not fit each other, and for element types other than f32 and f64.
pub fn instance_norm(
    x: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    let (_, channels, _, _) = x.dims4()?;
    let x = x.contiguous()?;
    let op = InstanceNorm { epsilon, activation };
    match affine {
        None => x.apply_op1(op),
        Some((scale, shift)) => {
            if scale.dims() != [channels] || shift.dims() != [channels] {
                bail!(
                    "scale and shift for {channels} channels have shape [{channels}], not {:?} and {:?}",
                    scale.dims(),
                    shift.dims()
                );
            }
            x.apply_op3(&scale.contiguous()?, &shift.contiguous()?, op)
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct InstanceNorm {
    pub(crate) epsilon: f64,
    pub(crate) activation: Activation,
}

/// Gradient to the input, from (x, result, gradient of the result) with the scale inside, which is not an operand
/// because candle's operations take three at most.
struct BackwardInput {
    norm: InstanceNorm,
    scale: Option<Tensor>,
}

/// Gradients to scale and shift as the two rows of a 2 x C tensor.
struct BackwardAffine(InstanceNorm);

impl InstanceNorm {
    /// The gradient to the input of a norm without activation, from the gradient of its result.
    pub(crate) fn gradient_to_input(
        self,
        x: &Tensor,
        scale: Option<&Tensor>,
        grad: &Tensor,
    ) -> Result<Tensor> {
        // Without an activation the result, whose sign would choose its branch, is not looked at.
        x.apply_op3_no_bwd(grad, grad, &BackwardInput { norm: self, scale: scale.cloned() })
    }

    /// The gradients to scale and shift of a norm without activation as a 2 x C tensor.
    pub(crate) fn gradient_to_affine(self, x: &Tensor, grad: &Tensor) -> Result<Tensor> {
        x.apply_op3_no_bwd(grad, grad, &BackwardAffine(self))
    }

    /// What the kernels on a GPU are told.
    #[cfg(feature = "cuda")]
    pub(crate) fn operands<'a>(
        self,
        op: &'static str,
        storage: &'a CudaStorage,
        layout: &'a Layout,
    ) -> NormOperands<'a> {
        NormOperands { op, x: (storage, layout), epsilon: self.epsilon, slope: self.activation.slope() }
    }

    pub(crate) fn forward<T: Element>(
        self,
        x: &[T],
        affine: Option<(&[T], &[T])>,
        channels: usize,
        plane: usize,
    ) -> Vec<T> {
        let mut out = zeros(x.len());
        out.par_chunks_mut(plane).zip(x.par_chunks(plane)).enumerate().for_each(|(i, (out, x))| {
            vectorized(
                #[inline(always)]
                || {
                    let (mean, inverse_sd) = self.statistics(x);
                    let (scale, shift) = affine.map_or((T::from_f64(1.0), T::default()), |(a, b)| {
                        (a[i % channels], b[i % channels])
                    });
                    let factor = scale * inverse_sd;
                    let offset = shift - mean * factor;
                    let slope = T::from_f64(self.activation.slope());
                    for (o, &v) in out.iter_mut().zip(x) {
                        let y = v * factor + offset;
                        *o = y * slope_at(y, slope);
                    }
                },
            );
        });
        out
    }

    /// Mean and reciprocal standard deviation of one channel, in two passes for precision.
    #[inline(always)]
    fn statistics<T: Element>(self, x: &[T]) -> (T, T) {
        let n = T::from_f64(x.len() as f64);
        let mean = sum([x], |[v]| v) / n;
        let variance = sum([x], |[v]| (v - mean) * (v - mean)) / n;
        (mean, T::from_f64(1.0) / (variance + T::from_f64(self.epsilon)).sqrt())
    }

    /// Per channel: the sums of g and of g * normalised x, where g is the gradient before the activation. The
    /// activation's branch is read off the result, whose sign it keeps; at zero the slope is that of the negative
    /// side, as in PyTorch.
    #[inline(always)]
    fn sums<T: Element>(self, x: &[T], res: &[T], grad: &[T], mean: T, inverse_sd: T) -> (T, T) {
        let slope = T::from_f64(self.activation.slope());
        let g = |r: T, g: T| g * slope_at(r, slope);
        let total = sum([res, grad], |[r, d]| g(r, d));
        let with_x = sum([x, res, grad], |[v, r, d]| g(r, d) * (v - mean)) * inverse_sd;
        (total, with_x)
    }

    fn backward_input<T: Element>(
        self,
        x: &[T],
        res: &[T],
        grad: &[T],
        scale: Option<&[T]>,
        channels: usize,
        plane: usize,
    ) -> Vec<T> {
        let mut out = zeros(x.len());
        out.par_chunks_mut(plane).enumerate().for_each(|(i, out)| {
            let range = i * plane..(i + 1) * plane;
            let (x, res, grad) = (&x[range.clone()], &res[range.clone()], &grad[range]);
            vectorized(
                #[inline(always)]
                || {
                    let (mean, inverse_sd) = self.statistics(x);
                    let (total, with_x) = self.sums(x, res, grad, mean, inverse_sd);
                    let n = T::from_f64(plane as f64);
                    let factor = scale.map_or(T::from_f64(1.0), |s| s[i % channels]) * inverse_sd;
                    let slope = T::from_f64(self.activation.slope());
                    let (mean_g, slope_x) = (total / n, with_x / n * inverse_sd);
                    for ((o, &v), (&r, &d)) in out.iter_mut().zip(x).zip(res.iter().zip(grad)) {
                        let g = d * slope_at(r, slope);
                        *o = factor * (g - mean_g - (v - mean) * slope_x);
                    }
                },
            );
        });
        out
    }

    fn backward_affine<T: Element>(
        self,
        x: &[T],
        res: &[T],
        grad: &[T],
        channels: usize,
        plane: usize,
    ) -> Vec<T> {
        let sums: Vec<(T, T)> = (0..x.len() / plane)
            .into_par_iter()
            .map(|i| {
                let range = i * plane..(i + 1) * plane;
                let (x, res, grad) = (&x[range.clone()], &res[range.clone()], &grad[range]);
                vectorized(
                    #[inline(always)]
                    || {
                        let (mean, inverse_sd) = self.statistics(x);
                        self.sums(x, res, grad, mean, inverse_sd)
                    },
                )
            })
            .collect();
        let mut out = vec![T::default(); 2 * channels];
        for (i, (total, with_x)) in sums.into_iter().enumerate() {
            out[i % channels] += with_x;
            out[channels + i % channels] += total;
        }
        out
    }
}

/// Channels and pixels of a channel.
pub(crate) fn planes(layout: &Layout) -> Result<(usize, usize)> {
    let (_, channels, height, width) = layout.shape().dims4()?;
    Ok((channels, height * width))
}

impl CustomOp1 for InstanceNorm {
    fn name(&self) -> &'static str {
        "instance_norm"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (channels, plane) = planes(l)?;
        dispatch!(s, "instance_norm", T => {
            let x = slice::<T>(s, l, "instance_norm")?;
            let out = self.forward(x, None, channels, plane);
            Ok((T::to_cpu_storage_owned(out), l.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        if !x.track_op() {
            return Ok(None);
        }
        let op = BackwardInput { norm: *self, scale: None };
        x.apply_op3_no_bwd(res, &grad.contiguous()?, &op).map(Some)
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        crate::cuda::norm(self.operands("instance_norm", s, l), None, None)
    }
}

impl CustomOp3 for InstanceNorm {
    fn name(&self) -> &'static str {
        "instance_norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (channels, plane) = planes(l1)?;
        dispatch!(s1, "instance_norm", T => {
            let op = "instance_norm";
            let x = slice::<T>(s1, l1, op)?;
            let affine = (slice::<T>(s2, l2, op)?, slice::<T>(s3, l3, op)?);
            let out = self.forward(x, Some(affine), channels, plane);
            Ok((T::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let dx = if x.track_op() {
            let op = BackwardInput { norm: *self, scale: Some(scale.detach()) };
            Some(x.apply_op3_no_bwd(res, &grad, &op)?)
        } else {
            None
        };
        if !scale.track_op() && !shift.track_op() {
            return Ok((dx, None, None));
        }
        let affine = x.apply_op3_no_bwd(res, &grad, &BackwardAffine(*self))?;
        Ok((dx, Some(affine.get(0)?), Some(affine.get(1)?)))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let channels = l2.shape().elem_count();
        let affine = (NormAffine::row((s2, l2), 0, channels), NormAffine::row((s3, l3), 0, channels));
        crate::cuda::norm(self.operands("instance_norm", s1, l1), Some(affine), None)
    }
}

impl CustomOp3 for BackwardInput {
    fn name(&self) -> &'static str {
        "instance_norm_backward_input"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let op = "instance_norm_backward_input";
        let (channels, plane) = planes(l1)?;
        dispatch!(s1, op, T => {
            let (x, res) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let grad = slice::<T>(s3, l3, op)?;
            let scale = self.scale.as_ref().map(Tensor::to_vec1::<T>).transpose()?;
            let out = self.norm.backward_input(x, res, grad, scale.as_deref(), channels, plane);
            Ok((T::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let operands = self.norm.operands("instance_norm_backward_input", s1, l1);
        let scale = self.scale.as_ref().map(Tensor::storage_and_layout);
        let scale = match &scale {
            None => None,
            Some((storage, layout)) => match &**storage {
                Storage::Cuda(storage) => {
                    Some(NormAffine::row((storage, layout), 0, layout.shape().elem_count()))
                }
                _ => bail!("instance_norm: the scale is on another device than the image"),
            },
        };
        crate::cuda::norm_backward(operands, (s2, l2), (s3, l3), scale)
    }
}

impl CustomOp3 for BackwardAffine {
    fn name(&self) -> &'static str {
        "instance_norm_backward_affine"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let op = "instance_norm_backward_affine";
        let (channels, plane) = planes(l1)?;
        dispatch!(s1, op, T => {
            let (x, res) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let grad = slice::<T>(s3, l3, op)?;
            let out = self.0.backward_affine(x, res, grad, channels, plane);
            Ok((T::to_cpu_storage_owned(out), Shape::from((2, channels))))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let operands = self.0.operands("instance_norm_backward_affine", s1, l1);
        crate::cuda::norm_affine_backward(operands, (s2, l2), (s3, l3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use rand::{Rng, SeedableRng};

    fn random(seed: u64, shape: &[usize]) -> Tensor {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The same from candle's own differentiable operations.
    fn composed(x: &Tensor, scale: &Tensor, shift: &Tensor, activation: Activation) -> Tensor {
        let mean = x.mean_keepdim((2, 3)).unwrap();
        let centred = x.broadcast_sub(&mean).unwrap();
        let variance = centred.sqr().unwrap().mean_keepdim((2, 3)).unwrap();
        let unit = centred.broadcast_div(&(variance + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        let c = scale.elem_count();
        let y = unit.broadcast_mul(&scale.reshape((1, c, 1, 1)).unwrap()).unwrap();
        let y = y.broadcast_add(&shift.reshape((1, c, 1, 1)).unwrap()).unwrap();
        let negative = (y.minimum(0.0).unwrap() * activation.slope()).unwrap();
        (y.maximum(0.0).unwrap() + negative).unwrap()
    }

    #[test]
    fn value_and_gradients_are_those_of_the_composed_form() {
        for activation in [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2)] {
            let x = Var::from_tensor(&random(1, &[2, 3, 5, 7])).unwrap();
            let scale = Var::from_tensor(&random(2, &[3])).unwrap();
            let shift = Var::from_tensor(&random(3, &[3])).unwrap();
            let direction = random(4, &[2, 3, 5, 7]);
            let run = |y: Tensor| {
                let grads = (&y * &direction).unwrap().sum_all().unwrap().backward().unwrap();
                let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let gradient = |v: &Var| flat(grads.get(v.as_tensor()).unwrap());
                [flat(&y), gradient(&x), gradient(&scale), gradient(&shift)].concat()
            };
            let ours = run(instance_norm(&x, Some((&scale, &shift)), 1e-5, activation).unwrap());
            let theirs = run(composed(&x, &scale, &shift, activation));
            for (a, b) in ours.iter().zip(&theirs) {
                assert!((a - b).abs() < 1e-9, "{activation:?}: {a} against {b}");
            }
        }
    }

    #[test]
    fn a_flat_channel_stays_finite() {
        let x = Tensor::full(3.0f32, (1, 1, 4, 4), &Device::Cpu).unwrap();
        let y = instance_norm(&x, None, 1e-5, Activation::Identity).unwrap();
        assert_eq!(y.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
    }
}
