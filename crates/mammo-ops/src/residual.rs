#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::activation::{Activation, gradient_through, slope_at};
#[cfg(feature = "cuda")]
use crate::cuda::{NormAffine, NormOperands};
use crate::element::{Element, dispatch, slice, vectorized};
use crate::norm::{InstanceNorm, planes};

/// The end of a residual block: `activation(residual + norm(x))`, with the normalisation of
/// [`instance_norm`](crate::instance_norm). One operation instead of two, so that the normalised values are never held.
///
/// # Shapes
/// `x` and `residual`: N x C x H x W; scale and shift: C; result as `x`.
///
/// # Errors
/// When shapes do not fit each other, and for element types other than f32 and f64.
pub fn instance_norm_residual(
    x: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    epsilon: f64,
    residual: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    let (_, channels, _, _) = x.dims4()?;
    if x.dims() != residual.dims() {
        bail!("a residual of shape {:?} cannot be added to {:?}", residual.dims(), x.dims());
    }
    let (x, residual) = (x.contiguous()?, residual.contiguous()?);
    let op = NormResidual { norm: InstanceNorm { epsilon, activation: Activation::Identity }, activation };
    match affine {
        None => x.apply_op2(&residual, op),
        Some((scale, shift)) => {
            if scale.dims() != [channels] || shift.dims() != [channels] {
                bail!(
                    "scale and shift for {channels} channels have shape [{channels}], not {:?} and {:?}",
                    scale.dims(),
                    shift.dims()
                );
            }
            // candle's operations take three operands at most.
            x.apply_op3(&residual, &Tensor::stack(&[scale, shift], 0)?, op)
        }
    }
}

#[derive(Clone, Copy)]
struct NormResidual {
    norm: InstanceNorm,
    activation: Activation,
}

impl NormResidual {
    /// What the kernels on a GPU are told: the activation stands behind the sum.
    #[cfg(feature = "cuda")]
    fn operands<'a>(self, storage: &'a CudaStorage, layout: &'a Layout) -> NormOperands<'a> {
        let norm = InstanceNorm { activation: self.activation, ..self.norm };
        norm.operands("instance_norm_residual", storage, layout)
    }

    fn forward<T: Element>(
        self,
        x: &[T],
        residual: &[T],
        affine: Option<(&[T], &[T])>,
        channels: usize,
        plane: usize,
    ) -> Vec<T> {
        let mut out = self.norm.forward(x, affine, channels, plane);
        let slope = T::from_f64(self.activation.slope());
        out.par_chunks_mut(plane).zip(residual.par_chunks(plane)).for_each(|(out, residual)| {
            vectorized(
                #[inline(always)]
                || {
                    for (o, &v) in out.iter_mut().zip(residual) {
                        let y = *o + v;
                        *o = y * slope_at(y, slope);
                    }
                },
            );
        });
        out
    }
}

impl CustomOp2 for NormResidual {
    fn name(&self) -> &'static str {
        "instance_norm_residual"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let op = "instance_norm_residual";
        let (channels, plane) = planes(l1)?;
        dispatch!(s1, op, T => {
            let (x, residual) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let out = self.forward(x, residual, None, channels, plane);
            Ok((T::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        residual: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = gradient_through(self.activation, res, grad)?;
        let dx = x.track_op().then(|| self.norm.gradient_to_input(x, None, &grad)).transpose()?;
        Ok((dx, residual.track_op().then_some(grad)))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        crate::cuda::norm(self.operands(s1, l1), None, Some((s2, l2)))
    }
}

impl CustomOp3 for NormResidual {
    fn name(&self) -> &'static str {
        "instance_norm_residual"
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
        let op = "instance_norm_residual";
        let (channels, plane) = planes(l1)?;
        dispatch!(s1, op, T => {
            let (x, residual) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let affine = slice::<T>(s3, l3, op)?.split_at(channels);
            let out = self.forward(x, residual, Some(affine), channels, plane);
            Ok((T::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        residual: &Tensor,
        affine: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = gradient_through(self.activation, res, grad)?;
        let scale = affine.detach().get(0)?;
        let dx = x.track_op().then(|| self.norm.gradient_to_input(x, Some(&scale), &grad)).transpose()?;
        let da = affine.track_op().then(|| self.norm.gradient_to_affine(x, &grad)).transpose()?;
        Ok((dx, residual.track_op().then_some(grad), da))
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
        let channels = l3.shape().dims2()?.1;
        let affine = (NormAffine::row((s3, l3), 0, channels), NormAffine::row((s3, l3), 1, channels));
        crate::cuda::norm(self.operands(s1, l1), Some(affine), Some((s2, l2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{add_relu, instance_norm};
    use candle_core::{Device, Var};
    use rand::{Rng, SeedableRng};

    fn random(seed: u64, shape: &[usize]) -> Var {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn it_is_the_norm_and_the_sum() {
        let (x, residual) = (random(1, &[2, 3, 5, 7]), random(2, &[2, 3, 5, 7]));
        let (scale, shift) = (random(3, &[3]), random(4, &[3]));
        for (affine, activation) in [
            (Some((scale.as_tensor(), shift.as_tensor())), Activation::Relu),
            (Some((scale.as_tensor(), shift.as_tensor())), Activation::Identity),
            (None, Activation::Relu),
            (None, Activation::Identity),
        ] {
            let whole = instance_norm_residual(&x, affine, 1e-5, &residual, activation).unwrap();
            let normed = instance_norm(&x, affine, 1e-5, Activation::Identity).unwrap();
            let parts = match activation {
                Activation::Relu => add_relu(&residual, &normed).unwrap(),
                _ => (residual.as_tensor() + normed).unwrap(),
            };
            let direction = random(5, &[2, 3, 5, 7]);
            let run = |y: &Tensor| {
                let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let grads = (y * direction.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
                let mut all = flat(y);
                for var in [&x, &residual, &scale, &shift] {
                    all.extend(grads.get(var.as_tensor()).map(flat).unwrap_or_default());
                }
                all
            };
            let (whole, parts) = (run(&whole), run(&parts));
            assert_eq!(whole.len(), parts.len());
            for (a, b) in whole.iter().zip(&parts) {
                assert!((a - b).abs() < 1e-12, "{activation:?}: {a} against {b}");
            }
        }
    }

    #[test]
    fn misfits_are_errors() {
        let (x, other) = (random(1, &[1, 2, 4, 4]), random(2, &[1, 2, 4, 5]));
        assert!(instance_norm_residual(&x, None, 1e-5, &other, Activation::Relu).is_err());
        let scale = random(3, &[3]);
        let affine = Some((scale.as_tensor(), scale.as_tensor()));
        assert!(instance_norm_residual(&x, affine, 1e-5, &x, Activation::Relu).is_err());
    }
}
