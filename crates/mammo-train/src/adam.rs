use candle_core::{Tensor, backprop::GradStore};
use mammo_models::Parameters;
use mammo_ops::{AdamConfig, adam_update};
use std::collections::BTreeMap;

use crate::TrainError;

/// Adam over the parameters of one network, with its state in the open so that it can be saved and restored.
pub struct Adam {
    parameters: Parameters,
    moments: BTreeMap<String, Tensor>,
    step: usize,
}

impl Adam {
    /// Moments of zero for every parameter.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn new(parameters: &Parameters) -> Result<Self, TrainError> {
        let moments = parameters
            .learned()
            .map(|(name, var)| {
                let zeros = Tensor::zeros((2, var.elem_count()), var.dtype(), var.device())?;
                Ok((name.to_owned(), zeros))
            })
            .collect::<Result<_, candle_core::Error>>()?;
        Ok(Self { parameters: parameters.clone(), moments, step: 0 })
    }

    /// Moves every parameter that has a gradient, by the sum of its gradients in the order given.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn update<'a>(
        &mut self,
        gradients: impl IntoIterator<Item = &'a GradStore, IntoIter: Clone>,
        config: AdamConfig,
    ) -> Result<(), TrainError> {
        self.step += 1;
        let gradients = gradients.into_iter();
        for (name, var) in self.parameters.learned() {
            let mut parts = gradients.clone().filter_map(|store| store.get(var.as_tensor()));
            let Some(first) = parts.next() else { continue };
            let gradient = parts.try_fold(first.clone(), |sum, part| sum + part)?;
            adam_update(var, &self.moments[name], &gradient, self.step, config)?;
        }
        Ok(())
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
            *tensor = stored.to_dtype(tensor.dtype())?.copy()?;
        }
        self.step = step;
        Ok(())
    }
}
