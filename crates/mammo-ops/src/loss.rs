#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use crate::cuda::{Loss, loss, loss_backward};
use crate::element::{Element, PARALLEL_LEN, dispatch, slice};

/// Mean absolute difference, a scalar. The derivative where the two are equal is 0, as in PyTorch, so that an exactly
/// reconstructed black background pulls nowhere.
///
/// # Errors
/// When the shapes differ, and for element types other than f32 and f64.
pub fn l1_loss(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dims() != b.dims() {
        bail!("an L1 loss compares equal shapes, not {:?} and {:?}", a.dims(), b.dims());
    }
    a.contiguous()?.apply_op2(&b.contiguous()?, L1)
}

/// Mean of `(x - target)^2`, a scalar: the least-squares GAN's loss of a discriminator's logits against 1 (real) or
/// 0 (fake) (Mao et al., arXiv 1611.04076, without the factor 1/2).
///
/// # Errors
/// For element types other than f32 and f64.
pub fn least_squares_loss(x: &Tensor, target: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op1(LeastSquares(target))
}

/// Weighted mean of the cross-entropy of logits `x` against targets in `[0, 1]`, a scalar:
/// `sum w (log(1 + exp(x)) - t x) / sum w`, exact for logits of any size. `target` and `weight` get no gradient; weights
/// are at least 0 and not all 0.
///
/// # Errors
/// When the shapes differ, when no weight is above 0, and for element types other than f32 and f64. On a GPU weights are not read
/// back to be looked at: if none is above 0 the loss is not a number.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let on = |values: &[f64]| Tensor::new(values, &Device::Cpu);
/// // The second place has no weight.
/// let loss = mammo_ops::logistic_loss(&on(&[0.0, 800.0])?, &on(&[1.0, 0.0])?, &on(&[1.0, 0.0])?)?;
/// assert_eq!(loss.to_scalar::<f64>()?, 2f64.ln());
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn logistic_loss(x: &Tensor, target: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if x.dims() != target.dims() || x.dims() != weight.dims() {
        bail!(
            "a logistic loss needs equal shapes, not {:?}, {:?} and {:?}",
            x.dims(),
            target.dims(),
            weight.dims()
        );
    }
    x.contiguous()?.apply_op3(&target.contiguous()?.detach(), &weight.contiguous()?.detach(), Logistic)
}

/// Mean of `max(0, 1 - sign x)`, a scalar: the hinge loss of a discriminator's logits of real images (`sign` 1) or of fakes
/// (`sign` -1) (Lim and Ye, arXiv 1705.02894). The derivative at the bend is 0, as in PyTorch.
///
/// # Errors
/// For element types other than f32 and f64.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let logits = Tensor::new(&[2.0, 0.5, -1.0], &Device::Cpu)?;
/// assert_eq!(mammo_ops::hinge_loss(&logits, 1.0)?.to_scalar::<f64>()?, (0.0 + 0.5 + 2.0) / 3.0);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn hinge_loss(x: &Tensor, sign: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Hinge(sign))
}

struct L1;
struct LeastSquares(f64);
struct Hinge(f64);
struct HingeBackward(f64);
struct Logistic;
struct LogisticBackward;

/// Sign of a - b over the number of elements: the gradient of [`L1`] to a for an upstream gradient of 1.
struct L1Backward;
struct LeastSquaresBackward(f64);

/// A mean over chunks of fixed length, summed in order and in double precision.
fn mean(len: usize, chunk_sum: impl Fn(std::ops::Range<usize>) -> f64 + Sync) -> f64 {
    let sums: Vec<f64> = (0..len.div_ceil(PARALLEL_LEN))
        .into_par_iter()
        .map(|i| chunk_sum(i * PARALLEL_LEN..((i + 1) * PARALLEL_LEN).min(len)))
        .collect();
    sums.iter().sum::<f64>() / len.max(1) as f64
}

fn scalar<T: Element>(value: f64) -> (CpuStorage, Shape) {
    (T::to_cpu_storage_owned(vec![T::from_f64(value)]), Shape::from(()))
}

impl CustomOp2 for L1 {
    fn name(&self) -> &'static str {
        "l1_loss"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        dispatch!(s1, "l1_loss", T => {
            let (a, b) = (slice::<T>(s1, l1, "l1_loss")?, slice::<T>(s2, l2, "l1_loss")?);
            let value = mean(a.len(), |r| {
                a[r.clone()].iter().zip(&b[r]).map(|(&x, &y)| WithDType::to_f64(Element::abs(x - y))).sum()
            });
            Ok(scalar::<T>(value))
        })
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let da = a.apply_op2_no_bwd(b, &L1Backward)?.broadcast_mul(grad)?;
        let db = b.track_op().then(|| da.neg()).transpose()?;
        Ok((a.track_op().then_some(da), db))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        loss(Loss::L1((s1, l1), (s2, l2)))
    }
}

impl CustomOp2 for L1Backward {
    fn name(&self) -> &'static str {
        "l1_loss_backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        dispatch!(s1, "l1_loss_backward", T => {
            let (a, b) = (slice::<T>(s1, l1, "l1_loss")?, slice::<T>(s2, l2, "l1_loss")?);
            let step = 1.0 / a.len() as T;
            let out = a.iter().zip(b).map(|(&x, &y)| match x.partial_cmp(&y) {
                Some(std::cmp::Ordering::Greater) => step,
                Some(std::cmp::Ordering::Less) => -step,
                _ => 0.0,
            });
            Ok((T::to_cpu_storage_owned(out.collect()), l1.shape().clone()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        loss_backward(Loss::L1((s1, l1), (s2, l2)))
    }
}

impl CustomOp1 for LeastSquares {
    fn name(&self) -> &'static str {
        "least_squares_loss"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        dispatch!(s, "least_squares_loss", T => {
            let x = slice::<T>(s, l, "least_squares_loss")?;
            let value = mean(x.len(), |r| x[r].iter().map(|&v| (WithDType::to_f64(v) - self.0).powi(2)).sum());
            Ok(scalar::<T>(value))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        if !x.track_op() {
            return Ok(None);
        }
        x.apply_op1_no_bwd(&LeastSquaresBackward(self.0))?.broadcast_mul(grad).map(Some)
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        loss(Loss::LeastSquares((s, l), self.0))
    }
}

impl CustomOp1 for LeastSquaresBackward {
    fn name(&self) -> &'static str {
        "least_squares_loss_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        dispatch!(s, "least_squares_loss_backward", T => {
            let x = slice::<T>(s, l, "least_squares_loss_backward")?;
            let factor = 2.0 / x.len() as T;
            let out = x.iter().map(|&v| (v - self.0 as T) * factor).collect();
            Ok((T::to_cpu_storage_owned(out), l.shape().clone()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        loss_backward(Loss::LeastSquares((s, l), self.0))
    }
}

impl CustomOp1 for Hinge {
    fn name(&self) -> &'static str {
        "hinge_loss"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        dispatch!(s, self.name(), T => {
            let x = slice::<T>(s, l, self.name())?;
            let value = mean(x.len(), |r| x[r].iter().map(|&v| (1.0 - self.0 * WithDType::to_f64(v)).max(0.0)).sum());
            Ok(scalar::<T>(value))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        if !x.track_op() {
            return Ok(None);
        }
        x.apply_op1_no_bwd(&HingeBackward(self.0))?.broadcast_mul(grad).map(Some)
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        loss(Loss::Hinge((s, l), self.0))
    }
}

impl CustomOp1 for HingeBackward {
    fn name(&self) -> &'static str {
        "hinge_loss_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        dispatch!(s, self.name(), T => {
            let x = slice::<T>(s, l, self.name())?;
            let step = T::from_f64(-self.0 / x.len() as f64);
            let slope = |v: &T| if self.0 * WithDType::to_f64(*v) < 1.0 { step } else { T::default() };
            Ok((T::to_cpu_storage_owned(x.iter().map(slope).collect()), l.shape().clone()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        loss_backward(Loss::Hinge((s, l), self.0))
    }
}

/// Sum of the weights of a logistic loss.
fn total_weight<T: Element>(weight: &[T]) -> Result<f64> {
    let total: f64 = weight.iter().map(|&w| WithDType::to_f64(w)).sum();
    if total > 0.0 { Ok(total) } else { bail!("a logistic loss needs a weight above 0") }
}

impl CustomOp3 for Logistic {
    fn name(&self) -> &'static str {
        "logistic_loss"
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
        dispatch!(s1, self.name(), T => {
            let x = slice::<T>(s1, l1, self.name())?;
            let (target, weight) = (slice::<T>(s2, l2, self.name())?, slice::<T>(s3, l3, self.name())?);
            let at = |i: usize| {
                let (x, t, w) = (WithDType::to_f64(x[i]), WithDType::to_f64(target[i]), WithDType::to_f64(weight[i]));
                if w == 0.0 { 0.0 } else { w * (x.max(0.0) - t * x + (-x.abs()).exp().ln_1p()) }
            };
            let value = mean(x.len(), |range| range.map(at).sum()) * x.len() as f64 / total_weight(weight)?;
            Ok(scalar::<T>(value))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        target: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        if !x.track_op() {
            return Ok((None, None, None));
        }
        let dx = x.apply_op3_no_bwd(target, weight, &LogisticBackward)?.broadcast_mul(grad)?;
        Ok((Some(dx), None, None))
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
        loss(Loss::Logistic([(s1, l1), (s2, l2), (s3, l3)]))
    }
}

impl CustomOp3 for LogisticBackward {
    fn name(&self) -> &'static str {
        "logistic_loss_backward"
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
        dispatch!(s1, self.name(), T => {
            let x = slice::<T>(s1, l1, self.name())?;
            let (target, weight) = (slice::<T>(s2, l2, self.name())?, slice::<T>(s3, l3, self.name())?);
            let total = total_weight(weight)?;
            let at = |i: usize| {
                let p = 1.0 / (1.0 + (-WithDType::to_f64(x[i])).exp());
                T::from_f64(WithDType::to_f64(weight[i]) * (p - WithDType::to_f64(target[i])) / total)
            };
            Ok((T::to_cpu_storage_owned((0..x.len()).map(at).collect()), l1.shape().clone()))
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
        loss_backward(Loss::Logistic([(s1, l1), (s2, l2), (s3, l3)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn var(values: &[f64]) -> Var {
        Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn l1_has_no_gradient_where_both_are_equal() {
        let (a, b) = (var(&[1.0, 2.0, 5.0, -1.0]), var(&[1.0, 3.0, 2.0, -1.0]));
        let loss = l1_loss(&a, &b).unwrap();
        assert_eq!(loss.to_scalar::<f64>().unwrap(), 1.0);
        let grads = loss.affine(2.0, 0.0).unwrap().backward().unwrap();
        assert_eq!(grads.get(&a).unwrap().to_vec1::<f64>().unwrap(), [0.0, -0.5, 0.5, 0.0]);
        assert_eq!(grads.get(&b).unwrap().to_vec1::<f64>().unwrap(), [0.0, 0.5, -0.5, 0.0]);
    }

    #[test]
    fn least_squares_pulls_towards_its_target() {
        let x = var(&[0.0, 3.0]);
        let loss = least_squares_loss(&x, 1.0).unwrap();
        assert_eq!(loss.to_scalar::<f64>().unwrap(), 2.5);
        let grads = loss.backward().unwrap();
        assert_eq!(grads.get(&x).unwrap().to_vec1::<f64>().unwrap(), [-1.0, 2.0]);
    }

    #[test]
    fn the_hinge_pulls_until_the_margin_and_no_further() {
        let x = var(&[0.5, 1.0, 3.0, -2.0]);
        let real = hinge_loss(&x, 1.0).unwrap();
        assert_eq!(real.to_scalar::<f64>().unwrap(), 3.5 / 4.0);
        let grads = real.backward().unwrap();
        assert_eq!(grads.get(&x).unwrap().to_vec1::<f64>().unwrap(), [-0.25, 0.0, 0.0, -0.25]);
        let fake = hinge_loss(&x, -1.0).unwrap();
        assert_eq!(fake.to_scalar::<f64>().unwrap(), 7.5 / 4.0);
        let grads = fake.affine(2.0, 0.0).unwrap().backward().unwrap();
        assert_eq!(grads.get(&x).unwrap().to_vec1::<f64>().unwrap(), [0.5, 0.5, 0.5, 0.0]);
    }

    #[test]
    fn the_logistic_loss_is_weighted_exact_and_has_its_own_slope() {
        let on = |values: &[f64]| Tensor::new(values, &Device::Cpu).unwrap();
        let (x, t, w) = ([0.3, -2.0, 0.0, 1.5f64], [1.0, 0.0, 0.25, 0.5], [1.0, 2.0, 0.0, 0.5]);
        let loss = |x: &[f64]| logistic_loss(&on(x), &on(&t), &on(&w)).unwrap().to_scalar::<f64>().unwrap();
        let by_definition: f64 = (0..4)
            .map(|i| {
                let p = 1.0 / (1.0 + (-x[i]).exp());
                -w[i] * (t[i] * p.ln() + (1.0 - t[i]) * (1.0 - p).ln())
            })
            .sum::<f64>()
            / 3.5;
        assert!((loss(&x) - by_definition).abs() < 1e-12);
        let v = var(&x);
        let grads =
            logistic_loss(&v, &on(&t), &on(&w)).unwrap().affine(3.0, 0.0).unwrap().backward().unwrap();
        let slope = grads.get(&v).unwrap().to_vec1::<f64>().unwrap();
        for i in 0..4 {
            let moved = |by: f64| {
                let mut x = x;
                x[i] += by;
                loss(&x)
            };
            let finite = 3.0 * (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope[i] - finite).abs() < 1e-8, "{i}: {} {finite}", slope[i]);
        }
        // Logits so large that their exponentials are infinite.
        assert_eq!(loss(&[1000.0, -1000.0, 7.0, 0.0]), 0.5 * 2f64.ln() / 3.5);
        let refused = |t: &[f64], w: &[f64]| logistic_loss(&on(&x), &on(t), &on(w)).unwrap_err().to_string();
        assert!(refused(&t, &[0.0; 4]).contains("above 0"));
        assert!(refused(&[0.0; 3], &w).contains("equal shapes"));
    }
}
