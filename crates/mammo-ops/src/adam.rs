use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Result, Tensor, bail};
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

/// Counts the steps of a training, and on a GPU holds there what changes with them, so that recorded launches
/// ([`Replay`](crate::Replay)) find the numbers of their step.
pub struct AdamClock {
    step: usize,
    /// The learning rate over `1 - beta1^step`, and `1 / sqrt(1 - beta2^step)`; none on the CPU.
    corrections: Option<Tensor>,
}

impl AdamClock {
    /// A clock for parameters of this type on this device, before the first step.
    ///
    /// # Errors
    /// Failures of the device.
    pub fn new(dtype: DType, device: &Device) -> Result<Self> {
        let corrections = device.is_cuda().then(|| Tensor::zeros(2, dtype, device)).transpose()?;
        Ok(Self { step: 0, corrections })
    }

    /// Steps begun.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Begins the next step.
    ///
    /// # Errors
    /// Failures of the device.
    pub fn tick(&mut self, config: AdamConfig) -> Result<()> {
        self.step += 1;
        match &self.corrections {
            None => Ok(()),
            #[cfg(feature = "cuda")]
            Some(corrections) => crate::cuda::upload(corrections, &config.corrections(self.step)),
            #[cfg(not(feature = "cuda"))]
            Some(_) => bail!("Adam on a GPU with {config:?}: built without CUDA"),
        }
    }

    /// Goes on behind `step`, as a training does that is taken up again.
    pub fn resume(&mut self, step: usize) {
        self.step = step;
    }
}

impl AdamConfig {
    /// What the step multiplies the first moment and the root of the second by.
    fn corrections(&self, step: usize) -> [f64; 2] {
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        [self.learning_rate / (1.0 - self.beta1.powi(power)), 1.0 / (1.0 - self.beta2.powi(power)).sqrt()]
    }
}

/// A parameter with what moves it.
///
/// # Shapes
/// `parameter` and `gradient`: any, equal; `moments` (first, then second, in one tensor): `[2, number of elements]`.
#[derive(Clone, Copy)]
pub struct AdamEntry<'a> {
    /// What is moved, in place.
    pub parameter: &'a Tensor,
    /// Its moments, moved in place.
    pub moments: &'a Tensor,
    /// The gradient of this step.
    pub gradient: &'a Tensor,
}

/// One Adam step of all entries, in place. On a GPU one launch moves 64 of them.
///
/// # Errors
/// When shapes do not fit, for non-contiguous tensors, and for element types other than f32 and f64.
pub fn adam_update(entries: &[AdamEntry<'_>], clock: &AdamClock, config: AdamConfig) -> Result<()> {
    for AdamEntry { parameter, moments, gradient } in entries {
        if parameter.dims() != gradient.dims() || moments.dims() != [2, parameter.elem_count()] {
            bail!(
                "Adam: parameter {:?}, gradient {:?} and moments {:?} do not fit",
                parameter.dims(),
                gradient.dims(),
                moments.dims()
            );
        }
    }
    #[cfg(feature = "cuda")]
    if let Some(corrections) = &clock.corrections {
        return gpu::update(entries, corrections, config);
    }
    for AdamEntry { parameter, moments, gradient } in entries {
        moments.inplace_op2(&gradient.detach().contiguous()?, &Moments(config))?;
        parameter.inplace_op2(moments, &Move { config, step: clock.step })?;
    }
    Ok(())
}

#[cfg(feature = "cuda")]
mod gpu {
    use candle_core::{DType, Device, Result, Tensor, bail};

    use super::{AdamConfig, AdamEntry};
    use crate::cuda::{Entry, adam, address_of};

    pub(super) fn update(entries: &[AdamEntry<'_>], corrections: &Tensor, config: AdamConfig) -> Result<()> {
        let Device::Cuda(device) = corrections.device() else {
            bail!("Adam: the corrections are not on a GPU")
        };
        // Held until the launches are queued.
        let gradients =
            entries.iter().map(|entry| entry.gradient.detach().contiguous()).collect::<Result<Vec<_>>>()?;
        let table = entries
            .iter()
            .zip(&gradients)
            .map(|(entry, gradient)| {
                Ok(Entry {
                    parameter: address_of(entry.parameter, corrections.dtype())?,
                    moments: address_of(entry.moments, corrections.dtype())?,
                    gradient: address_of(gradient, corrections.dtype())?,
                    len: gradient.elem_count(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let corrections_at = address_of(corrections, corrections.dtype())?;
        match corrections.dtype() {
            DType::F32 => adam::<f32>(device, &table, corrections_at, config),
            DType::F64 => adam::<f64>(device, &table, corrections_at, config),
            other => bail!("Adam works in f32 and f64, not {other:?}"),
        }
    }
}

struct Moments(AdamConfig);

struct Move {
    config: AdamConfig,
    step: usize,
}

pub(crate) fn slice_mut<'a, T: Element>(
    values: &'a mut [T],
    layout: &Layout,
    op: &str,
) -> Result<&'a mut [T]> {
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
        let [rate, root] = self.config.corrections(self.step).map(T::from_f64);
        let epsilon = T::from_f64(self.config.epsilon);
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
    use candle_core::Var;

    #[test]
    fn the_first_two_steps_are_those_of_the_algorithm() {
        // By hand for a constant gradient of 1: both bias-corrected moments are 1, so each step is the rate.
        let config = AdamConfig { learning_rate: 0.1, beta1: 0.5, beta2: 0.999, epsilon: 0.0 };
        let p = Var::from_tensor(&Tensor::new(&[[3.0f64, 4.0]], &Device::Cpu).unwrap()).unwrap();
        let moments = Tensor::zeros((2, 2), DType::F64, &Device::Cpu).unwrap();
        let gradient = Tensor::ones((1, 2), DType::F64, &Device::Cpu).unwrap();
        let mut clock = AdamClock::new(DType::F64, &Device::Cpu).unwrap();
        for _ in 0..2 {
            clock.tick(config).unwrap();
            let entry = AdamEntry { parameter: &p, moments: &moments, gradient: &gradient };
            adam_update(&[entry], &clock, config).unwrap();
        }
        let values: Vec<f64> = p.flatten_all().unwrap().to_vec1().unwrap();
        assert!((values[0] - 2.8).abs() < 1e-12 && (values[1] - 3.8).abs() < 1e-12, "{values:?}");
    }

    #[test]
    fn misfits_are_errors() {
        let config = AdamConfig { learning_rate: 0.1, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let clock = AdamClock::new(DType::F32, &Device::Cpu).unwrap();
        let (parameter, moments, gradient) = (zeros(&[3]), zeros(&[2, 2]), zeros(&[3]));
        let entry = AdamEntry { parameter: &parameter, moments: &moments, gradient: &gradient };
        assert!(adam_update(&[entry], &clock, config).is_err());
    }
}
