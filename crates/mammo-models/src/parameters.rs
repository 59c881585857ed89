use candle_core::{Tensor, Var};
use std::collections::{BTreeMap, HashMap};

use crate::ModelError;

/// The learned numbers of a network by name, in the order of the names, which is the same in every run.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, Var>);

impl Parameters {
    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.0.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.0.get(name)
    }

    /// Number of learned numbers.
    pub fn count(&self) -> usize {
        self.0.values().map(|var| var.elem_count()).sum()
    }

    /// Copies every parameter out of `tensors`, which must hold exactly these names and shapes.
    ///
    /// # Errors
    /// [`ModelError::Parameters`] naming the first parameter that is missing, unknown or of another shape; then
    /// nothing has been changed.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        let misfit = |text: String| Err(ModelError::Parameters(text));
        for (name, var) in &self.0 {
            match tensors.get(name) {
                None => return misfit(format!("{name} is missing")),
                Some(t) if t.dims() != var.dims() => {
                    return misfit(format!("{name} has shape {:?} instead of {:?}", t.dims(), var.dims()));
                }
                Some(_) => {}
            }
        }
        let mut unknown: Vec<_> = tensors.keys().filter(|name| !self.0.contains_key(*name)).collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            return misfit(format!("{name} is not a parameter of it"));
        }
        for (name, var) in &self.0 {
            // A copy of its own: variables are updated in place and must not share the source's memory.
            let value = tensors[name].to_dtype(var.dtype())?.to_device(var.device())?.copy()?;
            var.set(&value)?;
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, name: String, var: Var) {
        self.0.insert(name, var);
    }
}
