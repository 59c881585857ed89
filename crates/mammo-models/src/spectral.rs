//! Spectral normalisation of a convolution's weight.

use candle_core::{Result, Tensor, Var};

/// Keeps the division by a length defined; PyTorch's.
const EPSILON: f64 = 1e-12;

/// Divides a weight by an estimate of its largest singular value, so that a layer stretches no direction by more than about
/// one (Miyato et al., arXiv 1802.05957, algorithm 1).
///
/// The weight is a matrix with a row for each output channel. The singular vectors are the state of the estimate: they are
/// moved by [`Self::iterate`] while the network trains and by nothing else, and no gradient passes through them.
#[derive(Clone)]
pub(crate) struct SpectralNorm {
    /// Left singular vector, of as many numbers as there are output channels.
    pub(crate) u: Var,
    /// Right singular vector.
    pub(crate) v: Var,
    /// The dimension of the weight that counts output channels: 0, but 1 for transposed convolutions.
    pub(crate) output_axis: usize,
}

impl SpectralNorm {
    fn matrix(&self, weight: &Tensor) -> Result<Tensor> {
        let rows = weight.dim(self.output_axis)?;
        weight.transpose(0, self.output_axis)?.contiguous()?.reshape((rows, ()))
    }

    /// The weight over its largest singular value.
    pub(crate) fn normalise(&self, weight: &Tensor) -> Result<Tensor> {
        let (u, v) = (self.u.as_detached_tensor(), self.v.as_detached_tensor());
        let sigma = u.unsqueeze(0)?.matmul(&self.matrix(weight)?)?.matmul(&v.unsqueeze(1)?)?;
        weight.broadcast_div(&sigma.reshape((1, 1, 1, 1))?)
    }

    /// One step of the power method.
    pub(crate) fn iterate(&self, weight: &Tensor) -> Result<()> {
        let matrix = self.matrix(&weight.detach())?;
        let v = unit(&matrix.t()?.matmul(&self.u.as_detached_tensor().unsqueeze(1)?)?.squeeze(1)?)?;
        let u = unit(&matrix.matmul(&v.unsqueeze(1)?)?.squeeze(1)?)?;
        self.v.set(&v)?;
        self.u.set(&u)
    }
}

/// The vector at length one.
pub(crate) fn unit(vector: &Tensor) -> Result<Tensor> {
    let length = vector.sqr()?.sum_all()?.sqrt()?.clamp(EPSILON, f64::MAX)?;
    vector.broadcast_div(&length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn vector(len: usize) -> Var {
        let values: Vec<f64> = (0..len).map(|i| ((i * 37 + 5) % 23) as f64 / 7.0 - 1.3).collect();
        Var::from_tensor(&unit(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()).unwrap()
    }

    fn weight(values: &[f64], shape: &[usize]) -> Tensor {
        Tensor::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_largest_singular_value_becomes_one() {
        // A diagonal matrix, whose singular values are its entries.
        let w = weight(&[3.0, 0.0, 0.0, -5.0], &[2, 2, 1, 1]);
        let norm = SpectralNorm { u: vector(2), v: vector(2), output_axis: 0 };
        for _ in 0..60 {
            norm.iterate(&w).unwrap();
        }
        let normalised: Vec<f64> = norm.normalise(&w).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert!((normalised[3] + 1.0).abs() < 1e-9 && (normalised[0] - 0.6).abs() < 1e-9, "{normalised:?}");
    }

    #[test]
    fn the_gradient_is_the_slope_for_both_kinds_of_convolution() {
        let shape = [3, 2, 2, 2];
        let values: Vec<f64> = (0..24).map(|i| f64::from(i * 29 % 17) / 5.0 - 1.1).collect();
        let mixer = weight(&(0..24).map(|i| f64::from(i * 13 % 11) / 3.0).collect::<Vec<_>>(), &shape);
        for output_axis in [0, 1] {
            let rows = shape[output_axis];
            let norm = SpectralNorm { u: vector(rows), v: vector(24 / rows), output_axis };
            let loss = |w: &Tensor| (norm.normalise(w).unwrap() * &mixer).unwrap().sum_all().unwrap();
            let var = Var::from_tensor(&weight(&values, &shape)).unwrap();
            let grads = loss(&var).backward().unwrap();
            let grad: Vec<f64> = grads.get(&var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            for (i, ours) in grad.iter().enumerate() {
                let moved = |by: f64| {
                    let mut values = values.clone();
                    values[i] += by;
                    loss(&weight(&values, &shape)).to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap()
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!(
                    (ours - slope).abs() < 1e-6 * slope.abs().max(1.0),
                    "{output_axis} {i}: {ours} {slope}"
                );
            }
        }
    }
}
