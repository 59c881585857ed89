use candle_core::{Tensor, backprop::GradStore};
use mammo_models::Parameters;
use mammo_ops::{AdamClock, AdamConfig, AdamEntry, adam_update};
use std::collections::BTreeMap;

use crate::TrainError;

/// Adam over the parameters of one network, with its state in the open so that it can be saved and restored.
pub struct Adam {
    parameters: Parameters,
    moments: BTreeMap<String, Tensor>,
    clock: AdamClock,
}

impl Adam {
    /// Moments of zero for every parameter.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn new(parameters: &Parameters) -> Result<Self, TrainError> {
        let moments: BTreeMap<String, Tensor> = parameters
            .learned()
            .map(|(name, var)| {
                let zeros = Tensor::zeros((2, var.elem_count()), var.dtype(), var.device())?;
                Ok((name.to_owned(), zeros))
            })
            .collect::<Result<_, candle_core::Error>>()?;
        let first = parameters.learned().next();
        let first = first
            .ok_or_else(|| TrainError::Config("a network without parameters cannot learn".to_owned()))?;
        let clock = AdamClock::new(first.1.dtype(), first.1.device())?;
        Ok(Self { parameters: parameters.clone(), moments, clock })
    }

    /// Begins the next update. What is decided on the host is decided here, so that [`Self::update`] can be recorded.
    ///
    /// # Errors
    /// Failures of the device.
    pub fn tick(&mut self, config: AdamConfig) -> Result<(), TrainError> {
        Ok(self.clock.tick(config)?)
    }

    /// Moves every parameter that has a gradient, by the sum of its gradients in the order given.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn update<'a>(
        &self,
        gradients: impl IntoIterator<Item = &'a GradStore, IntoIter: Clone>,
        config: AdamConfig,
    ) -> Result<(), TrainError> {
        let gradients = gradients.into_iter();
        let mut moved = Vec::new();
        for (name, var) in self.parameters.learned() {
            let mut parts = gradients.clone().filter_map(|store| store.get(var.as_tensor()));
            let Some(first) = parts.next() else { continue };
            moved.push((var, &self.moments[name], parts.try_fold(first.clone(), |sum, part| sum + part)?));
        }
        let entries: Vec<AdamEntry> = moved
            .iter()
            .map(|(var, moments, gradient)| AdamEntry { parameter: var.as_tensor(), moments, gradient })
            .collect();
        Ok(adam_update(&entries, &self.clock, config)?)
    }

    /// First and second moments by parameter, each `[2, number of elements]`.
    pub fn moments(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.moments.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Puts back what [`Self::moments`] gave after `step` updates; `moment` finds one by parameter name.
    ///
    /// # Errors
    /// What `moment` returns, and [`TrainError::Data`] for a tensor of another shape.
    pub fn restore(
        &mut self,
        step: usize,
        mut moment: impl FnMut(&str) -> Result<Tensor, TrainError>,
    ) -> Result<(), TrainError> {
        for (name, tensor) in &mut self.moments {
            let stored = moment(name)?;
            if stored.dims() != tensor.dims() {
                return Err(TrainError::Data(format!("the moments of {name} have another shape")));
            }
            *tensor = stored.to_dtype(tensor.dtype())?.to_device(tensor.device())?.copy()?;
        }
        self.clock.resume(step);
        Ok(())
    }
}
