use candle_core::{Error, Tensor};
use std::fmt::Display;

/// Work that is done again and again on tensors of the same shapes. On the CPU it is simply done. On a GPU what it launches is
/// recorded, once it has been done twice, and from then on launched all at once (CUDA graphs), because a training step is
/// thousands of small launches and preparing each takes longer than many of them run.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let mut replay = mammo_ops::Replay::default();
/// for step in 0..5 {
///     let x = Tensor::full(step as f32, 3, &Device::Cpu)?;
///     let made = replay.run(&[&x], |inputs| Ok::<_, candle_core::Error>(vec![inputs[0].sqr()?]))?;
///     assert_eq!(made[0].to_vec1::<f32>()?, [(step * step) as f32; 3]);
/// }
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Default)]
pub struct Replay {
    #[cfg(feature = "cuda")]
    state: gpu::State,
}

impl Replay {
    /// Does the work and returns what it makes.
    ///
    /// To be recorded, the work must launch the same each time: it may depend on its inputs' values and on what it changes in
    /// place, not on anything that the host decides; it must not read a value back; and what it makes beside its results must be
    /// gone when it returns. Where it cannot be recorded it is done as on the CPU, and [`Self::refusal`] tells why.
    ///
    /// # Errors
    /// Those of the work.
    pub fn run<E: From<Error> + Display>(
        &mut self,
        inputs: &[&Tensor],
        work: impl Fn(&[Tensor]) -> Result<Vec<Tensor>, E>,
    ) -> Result<Vec<Tensor>, E> {
        #[cfg(feature = "cuda")]
        if let Some(candle_core::Device::Cuda(device)) = inputs.first().map(|input| input.device().clone()) {
            return self.state.run(&device, inputs, work);
        }
        work(&inputs.iter().map(|&input| input.clone()).collect::<Vec<_>>())
    }

    /// Why the work could not be recorded, if so.
    pub fn refusal(&self) -> Option<&str> {
        #[cfg(feature = "cuda")]
        return self.state.refusal();
        #[cfg(not(feature = "cuda"))]
        None
    }
}

#[cfg(feature = "cuda")]
mod gpu {
    use candle_core::{CudaDevice, Error, Tensor};
    use std::fmt::Display;

    use crate::cuda::{Recording, overwrite, record, trim};

    /// Times that the work is done before it is recorded: what is chosen or uploaded at first use is there then.
    const TIMES_BEFORE: usize = 2;

    pub(super) enum State {
        /// Done so many times.
        Before(usize),
        /// From and to fixed places.
        Recorded {
            inputs: Vec<Tensor>,
            outputs: Vec<Tensor>,
            recording: Recording,
        },
        Refused(String),
    }

    impl Default for State {
        fn default() -> Self {
            Self::Before(0)
        }
    }

    fn copies(tensors: &[Tensor]) -> Result<Vec<Tensor>, Error> {
        tensors.iter().map(|tensor| tensor.detach().copy()).collect()
    }

    impl State {
        pub(super) fn refusal(&self) -> Option<&str> {
            match self {
                Self::Refused(reason) => Some(reason),
                _ => None,
            }
        }

        pub(super) fn run<E: From<Error> + Display>(
            &mut self,
            device: &CudaDevice,
            inputs: &[&Tensor],
            work: impl Fn(&[Tensor]) -> Result<Vec<Tensor>, E>,
        ) -> Result<Vec<Tensor>, E> {
            // Shapes and strides that kernels of candle ask for are uploaded once and then found again.
            let _uploaded_once = device.enable_cuda_graph_htod_cache();
            let inputs: Vec<Tensor> = inputs.iter().map(|&input| input.clone()).collect();
            if let Self::Before(times) = self {
                if *times < TIMES_BEFORE {
                    *times += 1;
                    return work(&inputs);
                }
                // Once more for its shapes: the outputs have fixed places from here on.
                let made = work(&inputs)?;
                *self = Self::recorded(device, &inputs, &made, work)?;
                return Ok(made);
            }
            match self {
                Self::Recorded { inputs: places, outputs, recording } => {
                    for (place, input) in places.iter().zip(&inputs) {
                        overwrite(place, input)?;
                    }
                    recording.launch()?;
                    // The places are written again by the next launch, and who asked may keep what they got.
                    Ok(copies(outputs)?)
                }
                _ => work(&inputs),
            }
        }

        fn recorded<E: From<Error> + Display>(
            device: &CudaDevice,
            inputs: &[Tensor],
            made: &[Tensor],
            work: impl Fn(&[Tensor]) -> Result<Vec<Tensor>, E>,
        ) -> Result<Self, E> {
            let (inputs, outputs) = (copies(inputs)?, copies(made)?);
            let mut failure = None;
            let recording = record(device, || {
                match work(&inputs) {
                    Ok(made) => {
                        for (place, made) in outputs.iter().zip(&made) {
                            overwrite(place, made)?;
                        }
                    }
                    Err(error) => failure = Some(error),
                }
                Ok(())
            });
            Ok(match recording {
                Ok(recording) => match failure {
                    None => {
                        // A recording brings memory of its own; what the work took until now would lie idle beside it. That
                        // it cannot be given back is no reason to stop.
                        let _ = trim(device);
                        Self::Recorded { inputs, outputs, recording }
                    }
                    Some(error) => Self::Refused(error.to_string()),
                },
                Err(error) => {
                    Self::Refused(failure.map_or_else(|| error.to_string(), |first| first.to_string()))
                }
            })
        }
    }
}
