use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// A forward pass whose graph was cut into pieces, so that its gradients can be taken piece by piece, last first, and the
/// activations of each forgotten before the next: what holds on to a graph holds on to all of it.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use mammo_models::{GeneratorConfig, ResnetGenerator};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let generator = ResnetGenerator::new(&GeneratorConfig::becker(4, 2), &mut rng, DType::F32, &Device::Cpu)?;
/// let x = Tensor::zeros((1, 1, 32, 32), DType::F32, &Device::Cpu)?;
/// let pass = generator.forward_in_pieces(&x)?;
/// let loss = pass.output().sqr()?.mean_all()?;
/// let gradients = pass.backward(loss)?;
/// let weight = generator.parameters().get("stem.conv.weight").expect("a stem");
/// assert!(gradients.iter().any(|part| part.get(weight).is_some()));
/// # Ok::<(), mammo_models::ModelError>(())
/// ```
pub struct Pieces {
    /// Where the graph was cut: the end of a piece and, with the same values, the start of the next.
    cuts: Vec<(Tensor, Var)>,
    output: Tensor,
}

impl Pieces {
    /// Runs `forward`, which hands every value at which the graph may be cut to the function that it is given and goes on
    /// with what that returns.
    pub(crate) fn of(
        forward: impl FnOnce(&mut dyn FnMut(Tensor) -> Result<Tensor>) -> Result<Tensor>,
    ) -> Result<Self> {
        let mut cuts = Vec::new();
        let output = forward(&mut |end| {
            let start = Var::from_tensor(&end.detach())?;
            let next = start.as_tensor().clone();
            cuts.push((end, start));
            Ok(next)
        })?;
        Ok(Self { cuts, output })
    }

    /// What the network made, as part of the graph.
    pub fn output(&self) -> &Tensor {
        &self.output
    }

    /// The gradients of a scalar `loss` that was formed from [`Self::output`], in parts that add up: a variable may have one
    /// in each. To free memory as it goes, nothing else may hold on to the output or the loss.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn backward(self, loss: Tensor) -> Result<Vec<GradStore>> {
        let first = loss.backward()?;
        drop((loss, self.output));
        backward_through(self.cuts, first)
    }

    /// As [`Self::backward`] of a loss whose `gradient` to the output is known.
    ///
    /// # Errors
    /// As [`Self::backward`], and when the gradient has another shape than the output.
    pub fn backward_from(self, gradient: &Tensor) -> Result<Vec<GradStore>> {
        let first = backward_from(self.output, gradient)?;
        backward_through(self.cuts, first)
    }
}

/// Goes on where `last`, the gradients of the last piece, ends.
fn backward_through(cuts: Vec<(Tensor, Var)>, last: GradStore) -> Result<Vec<GradStore>> {
    let mut parts = vec![last];
    for (end, start) in cuts.into_iter().rev() {
        let Some(gradient) = parts.last_mut().and_then(|part| part.remove(&start)) else { break };
        parts.push(backward_from(end, &gradient)?);
    }
    Ok(parts)
}

/// The gradients of everything that `end` was made from, given the gradient to it.
fn backward_from(end: Tensor, gradient: &Tensor) -> Result<GradStore> {
    let mut gradients = (end * gradient)?.sum_all()?.backward()?;
    // The product's other factor has a gradient as well, which holds on to the graph of `end`.
    gradients.remove(gradient);
    Ok(gradients)
}

/// A pass in one piece.
impl From<Tensor> for Pieces {
    fn from(output: Tensor) -> Self {
        Self { cuts: Vec::new(), output }
    }
}
