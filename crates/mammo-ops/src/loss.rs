use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

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

struct L1;
struct LeastSquares(f64);

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
}
