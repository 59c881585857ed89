//! Losses, reduced on the device: the shares of blocks first, then their mean.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Shape};

use super::launch::{Launch, Real, THREADS, dispatch, finish, fresh, view};

type Operand<'a> = (&'a CudaStorage, &'a Layout);

/// A loss and what it compares.
#[derive(Clone, Copy)]
pub(crate) enum Loss<'a> {
    /// Two images.
    L1(Operand<'a>, Operand<'a>),
    /// Values and a target for all.
    LeastSquares(Operand<'a>, f64),
    /// Values and the sign that they should have.
    Hinge(Operand<'a>, f64),
    /// Logits, targets, weights.
    Logistic([Operand<'a>; 3]),
}

impl<'a> Loss<'a> {
    fn name(&self) -> &'static str {
        match self {
            Self::L1(..) => "l1",
            Self::LeastSquares(..) => "least_squares",
            Self::Hinge(..) => "hinge",
            Self::Logistic(..) => "logistic",
        }
    }

    fn first(&self) -> Operand<'a> {
        match self {
            Self::L1(x, _) | Self::LeastSquares(x, _) | Self::Hinge(x, _) | Self::Logistic([x, _, _]) => *x,
        }
    }

    /// The operands as arguments.
    fn operands<'d, T: Real>(&self, mut launch: Launch<'d>) -> Result<Launch<'d>> {
        let operands = match self {
            Self::L1(a, b) => vec![*a, *b],
            Self::LeastSquares(x, _) | Self::Hinge(x, _) => vec![*x],
            Self::Logistic(operands) => operands.to_vec(),
        };
        for (s, l) in operands {
            launch = launch.buffer(&view::<T>(s, l, self.name())?);
        }
        Ok(launch)
    }

    /// The parameter as the last argument.
    fn parameter<'d>(&self, launch: Launch<'d>) -> Launch<'d> {
        match self {
            Self::LeastSquares(_, value) | Self::Hinge(_, value) => launch.double(*value),
            Self::L1(..) | Self::Logistic(..) => launch,
        }
    }

    /// The shares of all blocks, and behind them of the weights where there are weights.
    fn shares<T: Real>(&self, device: &CudaDevice, len: usize, blocks: usize) -> Result<CudaSlice<f64>> {
        let kinds = if matches!(self, Self::Logistic(_)) { 2 } else { 1 };
        let shares = fresh::<f64>(device, kinds * blocks)?;
        let launch = Launch::of::<T>(device, &format!("{}_sums", self.name()));
        let launch = self.operands::<T>(launch)?.buffer(&shares).size(len);
        self.parameter(launch).blocks((blocks, 1))?;
        Ok(shares)
    }
}

/// Blocks that share a loss of so many values: eight values a thread, and no more blocks than one block then adds.
fn blocks(len: usize) -> usize {
    len.div_ceil(8 * THREADS as usize).clamp(1, THREADS as usize)
}

/// The loss, a scalar. A logistic loss whose weights are all 0 is not a number.
pub(crate) fn loss(loss: Loss<'_>) -> Result<(CudaStorage, Shape)> {
    let (s, l) = loss.first();
    let (device, len) = (s.device(), l.shape().elem_count());
    let blocks = blocks(len);
    dispatch!(s, loss.name(), T => {
        let shares = loss.shares::<T>(device, len, blocks)?;
        let out = fresh::<T>(device, 1)?;
        let divisor = if matches!(loss, Loss::Logistic(_)) { 0.0 } else { len as f64 };
        Launch::of::<T>(device, "mean")
            .buffer(&shares)
            .buffer(&out)
            .int(blocks)?
            .double(divisor)
            .blocks((1, 1))?;
        Ok(finish(out, s, ()))
    })
}

/// The gradient to the first operand, for an upstream gradient of 1.
pub(crate) fn loss_backward(loss: Loss<'_>) -> Result<(CudaStorage, Shape)> {
    let (s, l) = loss.first();
    let (device, len) = (s.device(), l.shape().elem_count());
    dispatch!(s, loss.name(), T => {
        let out = fresh::<T>(device, len)?;
        let launch = Launch::of::<T>(device, &format!("{}_backward", loss.name()));
        let launch = loss.operands::<T>(launch)?;
        if matches!(loss, Loss::Logistic(_)) {
            let shares = loss.shares::<T>(device, len, blocks(len))?;
            launch.buffer(&shares).buffer(&out).size(len).int(blocks(len))?.over(len)?;
        } else {
            loss.parameter(launch.buffer(&out).size(len)).over(len)?;
        }
        Ok(finish(out, s, l.shape()))
    })
}
