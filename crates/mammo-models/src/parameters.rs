use candle_core::{Device, Tensor, Var};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ModelError;

/// The numbers that make a network by name, in the order of the names, which is the same in every run: what it learns by
/// gradients, and the singular vectors of spectral norms, which follow the weights.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    all: BTreeMap<String, Var>,
    /// Names of what follows and is not learned.
    states: BTreeSet<String>,
}

impl Parameters {
    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.all.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// Those that gradients move.
    pub fn learned(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.iter().filter(|(name, _)| !self.states.contains(*name))
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.all.get(name)
    }

    /// Where they are; the CPU for a network without any.
    pub fn device(&self) -> &Device {
        self.all.values().next().map_or(&Device::Cpu, |var| var.device())
    }

    /// Number of learned numbers.
    pub fn count(&self) -> usize {
        self.learned().map(|(_, var)| var.elem_count()).sum()
    }

    /// Copies every parameter out of `tensors`, which must hold exactly these names and shapes.
    ///
    /// # Errors
    /// [`ModelError::Parameters`] naming the first parameter that is missing, unknown or of another shape; then
    /// nothing has been changed.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        let misfit = |text: String| Err(ModelError::Parameters(text));
        for (name, var) in &self.all {
            match tensors.get(name) {
                None => return misfit(format!("{name} is missing")),
                Some(t) if t.dims() != var.dims() => {
                    return misfit(format!("{name} has shape {:?} instead of {:?}", t.dims(), var.dims()));
                }
                Some(_) => {}
            }
        }
        let mut unknown: Vec<_> = tensors.keys().filter(|name| !self.all.contains_key(*name)).collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            return misfit(format!("{name} is not a parameter of it"));
        }
        for (name, var) in &self.all {
            // A copy of its own: variables are updated in place and must not share the source's memory.
            let value = tensors[name].to_dtype(var.dtype())?.to_device(var.device())?.copy()?;
            var.set(&value)?;
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, name: String, var: Var) {
        self.all.insert(name, var);
    }

    pub(crate) fn insert_state(&mut self, name: String, var: Var) {
        self.states.insert(name.clone());
        self.insert(name, var);
    }
}
