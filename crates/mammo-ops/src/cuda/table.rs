//! Operations on many parameters in one launch.

use candle_core::cuda_backend::cudarc::driver::DeviceRepr;
use candle_core::{CudaDevice, Result};

use super::launch::{Launch, Real};
use crate::AdamConfig;

/// Parameters that one launch moves; as in `kernels/kernel.cuh`.
const ENTRIES: usize = 64;

/// The argument of the kernels; as in `kernels/kernel.cuh`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Table {
    parameters: [u64; ENTRIES],
    moments: [u64; ENTRIES],
    gradients: [u64; ENTRIES],
    lengths: [u64; ENTRIES],
}

// SAFETY: plain numbers in C's layout.
unsafe impl DeviceRepr for Table {}

impl Table {
    /// Of up to [`ENTRIES`] entries.
    fn of(entries: &[Entry]) -> Box<Self> {
        let nothing = [0; ENTRIES];
        let mut table =
            Box::new(Self { parameters: nothing, moments: nothing, gradients: nothing, lengths: nothing });
        for (i, entry) in entries.iter().enumerate() {
            table.parameters[i] = entry.parameter;
            table.moments[i] = entry.moments;
            table.gradients[i] = entry.gradient;
            table.lengths[i] = entry.len as u64;
        }
        table
    }
}

/// Where a parameter, its two moments one behind the other and its gradient are, and how long it is. A moving average is a parameter
/// without moments, and what it follows its gradient.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) parameter: u64,
    pub(crate) moments: u64,
    pub(crate) gradient: u64,
    pub(crate) len: usize,
}

/// One step of Adam. `corrections` is the address of the two numbers that change from step to step.
pub(crate) fn adam<T: Real>(
    device: &CudaDevice,
    entries: &[Entry],
    corrections: u64,
    config: AdamConfig,
) -> Result<()> {
    for entries in entries.chunks(ENTRIES) {
        Launch::of::<T>(device, "adam")
            .table(Table::of(entries))
            .address(corrections)
            .real::<T>(config.beta1)
            .real::<T>(config.beta2)
            .real::<T>(1.0 - config.beta1)
            .real::<T>(1.0 - config.beta2)
            .real::<T>(config.epsilon)
            .blocks((BLOCKS_OF_ONE, entries.len()))?;
    }
    Ok(())
}

/// One step of moving averages.
pub(crate) fn follow<T: Real>(device: &CudaDevice, entries: &[Entry], decay: f64) -> Result<()> {
    for entries in entries.chunks(ENTRIES) {
        Launch::of::<T>(device, "follow")
            .table(Table::of(entries))
            .real::<T>(decay)
            .real::<T>(1.0 - decay)
            .blocks((BLOCKS_OF_ONE, entries.len()))?;
    }
    Ok(())
}

/// Blocks that share the largest parameters, some hundred thousand numbers; those of small ones have nothing to do.
const BLOCKS_OF_ONE: usize = 64;
