#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::element::{Element, PARALLEL_LEN, dispatch, slice, vectorized, zeros};

/// A piecewise linear activation. The derivative at zero is that of the negative side, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// None.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `x` for positive x, else `slope * x`; the slope is positive.
    LeakyRelu(f64),
}

impl Activation {
    /// The slope for negative values.
    pub(crate) fn slope(self) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => 0.0,
            Self::LeakyRelu(slope) => slope,
        }
    }
}

/// What a rectifier multiplies a value of this sign by, and the gradient through it. A choice between two numbers, which
/// becomes a vector instruction, where a choice between two results may become a branch that is taken by chance.
#[inline(always)]
pub(crate) fn slope_at<T: Element>(signed: T, slope: T) -> T {
    if signed > T::default() { T::from_f64(1.0) } else { slope }
}

/// `max(x, 0)` of every element; derivative 0 at 0.
///
/// # Errors
/// For element types other than f32 and f64.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Rectifier(0.0))
}

/// `x` for positive `x`, else `slope * x`; derivative `slope` at 0.
///
/// # Errors
/// For element types other than f32 and f64.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Rectifier(slope))
}

/// `max(a + b, 0)`: the end of Becker's residual blocks.
///
/// # Errors
/// When the shapes differ, and for element types other than f32 and f64.
pub fn add_relu(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    same_shape(a, b)?;
    a.contiguous()?.apply_op2(&b.contiguous()?, AddRelu)
}

/// Hyperbolic tangent of every element.
///
/// # Errors
/// For element types other than f32 and f64.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Tanh)
}

/// `tanh(a + b)`: the output of Becker's generator, whose last layer adds to the input image.
///
/// # Errors
/// When the shapes differ, and for element types other than f32 and f64.
pub fn tanh_sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    same_shape(a, b)?;
    a.contiguous()?.apply_op2(&b.contiguous()?, TanhSum)
}

/// The gradient before an activation, from its result and the gradient behind it.
pub(crate) fn gradient_through(activation: Activation, result: &Tensor, grad: &Tensor) -> Result<Tensor> {
    let grad = grad.contiguous()?;
    if activation == Activation::Identity {
        return Ok(grad);
    }
    result.apply_op2_no_bwd(&grad, &RectifierBackward(activation.slope()))
}

fn same_shape(a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dims() == b.dims() { Ok(()) } else { bail!("shapes {:?} and {:?} differ", a.dims(), b.dims()) }
}

struct Rectifier(f64);
struct AddRelu;
struct Tanh;
struct TanhSum;

/// Gradient through a rectifier, from (result, gradient): the result has the sign of its input.
struct RectifierBackward(f64);

/// Gradient through tanh, from (result, gradient).
struct TanhBackward;

fn map1<T: Element>(x: &[T], f: impl Fn(T) -> T + Sync) -> Vec<T> {
    let mut out = zeros(x.len());
    out.par_chunks_mut(PARALLEL_LEN).zip(x.par_chunks(PARALLEL_LEN)).for_each(|(out, x)| {
        vectorized(
            #[inline(always)]
            || out.iter_mut().zip(x).for_each(|(o, &v)| *o = f(v)),
        );
    });
    out
}

fn map2<T: Element>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
    let mut out = zeros(a.len());
    let operands = a.par_chunks(PARALLEL_LEN).zip(b.par_chunks(PARALLEL_LEN));
    out.par_chunks_mut(PARALLEL_LEN).zip(operands).for_each(|(out, (a, b))| {
        vectorized(
            #[inline(always)]
            || out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (&x, &y))| *o = f(x, y)),
        );
    });
    out
}

/// The kernels over one operand: on the CPU the body, a function of its value; on a GPU that of the name `$name`, with a
/// parameter if it has one.
macro_rules! map1 {
    ($name:expr, |$this:ident, $v:ident: $t:ident| $body:expr, $parameter:expr) => {
        fn name(&self) -> &'static str {
            $name
        }

        fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
            let $this = self;
            dispatch!(s, $name, $t => {
                let out = map1(
                    slice::<$t>(s, l, $name)?,
                    #[inline(always)]
                    |$v: $t| $body,
                );
                Ok(($t::to_cpu_storage_owned(out), l.shape().clone()))
            })
        }

        #[cfg(feature = "cuda")]
        fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
            let $this = self;
            crate::cuda::map1($name, $parameter, (s, l))
        }
    };
}

/// As `map1` over two operands of one shape.
macro_rules! map2 {
    ($name:expr, |$this:ident, $a:ident, $b:ident: $t:ident| $body:expr, $parameter:expr) => {
        fn name(&self) -> &'static str {
            $name
        }

        fn cpu_fwd(
            &self,
            s1: &CpuStorage,
            l1: &Layout,
            s2: &CpuStorage,
            l2: &Layout,
        ) -> Result<(CpuStorage, Shape)> {
            let $this = self;
            dispatch!(s1, $name, $t => {
                let (a, b) = (slice::<$t>(s1, l1, $name)?, slice::<$t>(s2, l2, $name)?);
                let out = map2(
                    a,
                    b,
                    #[inline(always)]
                    |$a: $t, $b: $t| $body,
                );
                Ok(($t::to_cpu_storage_owned(out), l1.shape().clone()))
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
            let $this = self;
            crate::cuda::map2($name, $parameter, (s1, l1), (s2, l2))
        }
    };
}

impl CustomOp1 for Rectifier {
    map1!("leaky_relu", |this, v: T| v * slope_at(v, this.0 as T), Some(this.0));

    fn bwd(&self, x: &Tensor, res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        if !x.track_op() {
            return Ok(None);
        }
        res.apply_op2_no_bwd(&grad.contiguous()?, &RectifierBackward(self.0)).map(Some)
    }
}

impl CustomOp2 for RectifierBackward {
    map2!("leaky_relu_backward", |this, r, g: T| g * slope_at(r, this.0 as T), Some(this.0));
}

impl CustomOp2 for AddRelu {
    map2!("add_relu", |_this, a, b: T| (a + b) * slope_at(a + b, 0.0), None);

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = res.apply_op2_no_bwd(&grad.contiguous()?, &RectifierBackward(0.0))?;
        Ok((a.track_op().then(|| g.clone()), b.track_op().then_some(g)))
    }
}

impl CustomOp1 for Tanh {
    map1!("tanh", |_this, v: T| Element::tanh(v), None);

    fn bwd(&self, _: &Tensor, res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        res.apply_op2_no_bwd(&grad.contiguous()?, &TanhBackward).map(Some)
    }
}

impl CustomOp2 for TanhSum {
    map2!("tanh_sum", |_this, a, b: T| Element::tanh(a + b), None);

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = res.apply_op2_no_bwd(&grad.contiguous()?, &TanhBackward)?;
        Ok((a.track_op().then(|| g.clone()), b.track_op().then_some(g)))
    }
}

impl CustomOp2 for TanhBackward {
    map2!("tanh_backward", |_this, r, g: T| g * (1.0 - r * r), None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn derivatives_at_zero_are_those_of_pytorch() {
        let x = Var::from_tensor(&Tensor::new(&[-2.0f64, 0.0, 3.0], &Device::Cpu).unwrap()).unwrap();
        let gradient = |f: &dyn Fn(&Tensor) -> Result<Tensor>| {
            let grads = f(&x).unwrap().sum_all().unwrap().backward().unwrap();
            grads.get(&x).unwrap().to_vec1::<f64>().unwrap()
        };
        assert_eq!(gradient(&relu), [0.0, 0.0, 1.0]);
        assert_eq!(gradient(&|x| leaky_relu(x, 0.2)), [0.2, 0.2, 1.0]);
        assert_eq!(gradient(&|x| add_relu(x, &x.detach())), [0.0, 0.0, 1.0]);
        let slope = |v: f64| 1.0 - v.tanh().powi(2);
        assert_eq!(gradient(&tanh), [slope(-2.0), 1.0, slope(3.0)]);
        assert_eq!(gradient(&|x| tanh_sum(x, &x.zeros_like()?)), [slope(-2.0), 1.0, slope(3.0)]);
    }

    #[test]
    fn both_sides_of_a_sum_get_their_gradient() {
        let x = Var::from_tensor(&Tensor::new(&[1.0f64], &Device::Cpu).unwrap()).unwrap();
        let grads = add_relu(&x, &x).unwrap().sum_all().unwrap().backward().unwrap();
        assert_eq!(grads.get(&x).unwrap().to_vec1::<f64>().unwrap(), [2.0]);
    }
}
