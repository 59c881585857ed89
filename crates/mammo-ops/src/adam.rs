use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::element::{Element, PARALLEL_LEN, slice, vectorized};

/// Adam's constants (Kingma and Ba, arXiv 1412.6980, algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamConfig {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment; CycleGANs use 0.5.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// One Adam step in place: `parameter` and its `moments` (first, then second, in one tensor of twice the length)
/// move by `gradient`; `step` counts from 1.
///
/// # Shapes
/// `parameter` and `gradient`: any, equal; `moments`: `[2, number of elements]`.
///
/// # Errors
/// When shapes do not fit, for non-contiguous tensors, and for element types other than f32 and f64.
pub fn adam_update(
    parameter: &Tensor,
    moments: &Tensor,
    gradient: &Tensor,
    step: usize,
    config: AdamConfig,
) -> Result<()> {
    if parameter.dims() != gradient.dims() || moments.dims() != [2, parameter.elem_count()] {
        bail!(
            "Adam: parameter {:?}, gradient {:?} and moments {:?} do not fit",
            parameter.dims(),
            gradient.dims(),
            moments.dims()
        );
    }
    moments.inplace_op2(&gradient.detach().contiguous()?, &Moments(config))?;
    parameter.inplace_op2(moments, &Move { config, step })
}

struct Moments(AdamConfig);

struct Move {
    config: AdamConfig,
    step: usize,
}

fn slice_mut<'a, T: Element>(values: &'a mut [T], layout: &Layout, op: &str) -> Result<&'a mut [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&mut values[start..end]),
        None => bail!("{op} needs contiguous tensors"),
    }
}

impl Moments {
    fn run<T: Element>(&self, moments: &mut [T], gradient: &[T]) {
        let (b1, b2) = (T::from_f64(self.0.beta1), T::from_f64(self.0.beta2));
        let (r1, r2) = (T::from_f64(1.0 - self.0.beta1), T::from_f64(1.0 - self.0.beta2));
        let (first, second) = moments.split_at_mut(gradient.len());
        let moments = first.par_chunks_mut(PARALLEL_LEN).zip(second.par_chunks_mut(PARALLEL_LEN));
        moments.zip(gradient.par_chunks(PARALLEL_LEN)).for_each(|((m, v), g)| {
            vectorized(
                #[inline(always)]
                || {
                    for ((m, v), &g) in m.iter_mut().zip(v.iter_mut()).zip(g) {
                        *m = b1 * *m + r1 * g;
                        *v = b2 * *v + r2 * g * g;
                    }
                },
            );
        });
    }
}

impl Move {
    fn run<T: Element>(&self, parameter: &mut [T], moments: &[T]) {
        let c = &self.config;
        let power = i32::try_from(self.step).unwrap_or(i32::MAX);
        let rate = T::from_f64(c.learning_rate / (1.0 - c.beta1.powi(power)));
        let root = T::from_f64(1.0 / (1.0 - c.beta2.powi(power)).sqrt());
        let epsilon = T::from_f64(c.epsilon);
        let (first, second) = moments.split_at(parameter.len());
        let moments = first.par_chunks(PARALLEL_LEN).zip(second.par_chunks(PARALLEL_LEN));
        parameter.par_chunks_mut(PARALLEL_LEN).zip(moments).for_each(|(p, (m, v))| {
            vectorized(
                #[inline(always)]
                || {
                    for (p, (&m, &v)) in p.iter_mut().zip(m.iter().zip(v)) {
                        *p -= rate * m / (Element::sqrt(v) * root + epsilon);
                    }
                },
            );
        });
    }
}

macro_rules! in_place {
    ($op:ty, $name:literal) => {
        impl InplaceOp2 for $op {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
                match s1 {
                    CpuStorage::F32(values) => {
                        self.run(slice_mut(values, l1, $name)?, slice::<f32>(s2, l2, $name)?);
                    }
                    CpuStorage::F64(values) => {
                        self.run(slice_mut(values, l1, $name)?, slice::<f64>(s2, l2, $name)?);
                    }
                    _ => bail!("{} works in f32 and f64", $name),
                }
                Ok(())
            }
        }
    };
}
in_place!(Moments, "adam_moments");
in_place!(Move, "adam_move");

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_first_two_steps_are_those_of_the_algorithm() {
        // By hand for a constant gradient of 1: both bias-corrected moments are 1, so each step is the rate.
        let config = AdamConfig { learning_rate: 0.1, beta1: 0.5, beta2: 0.999, epsilon: 0.0 };
        let p = Var::from_tensor(&Tensor::new(&[[3.0f64, 4.0]], &Device::Cpu).unwrap()).unwrap();
        let moments = Tensor::zeros((2, 2), candle_core::DType::F64, &Device::Cpu).unwrap();
        let g = Tensor::ones((1, 2), candle_core::DType::F64, &Device::Cpu).unwrap();
        for step in 1..=2 {
            adam_update(&p, &moments, &g, step, config).unwrap();
        }
        let values: Vec<f64> = p.flatten_all().unwrap().to_vec1().unwrap();
        assert!((values[0] - 2.8).abs() < 1e-12 && (values[1] - 3.8).abs() < 1e-12, "{values:?}");
    }

    #[test]
    fn misfits_are_errors() {
        let config = AdamConfig { learning_rate: 0.1, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };
        let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(adam_update(&zeros(&[3]), &zeros(&[2, 2]), &zeros(&[3]), 1, config).is_err());
    }
}
