//! Biases and their gradients.

use candle_core::backend::BackendStorage;
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Shape};

use super::launch::{Launch, Real, THREADS, dispatch, finish, fresh, view};

/// Values that a block of threads takes of a plane: enough for each thread to have several, and few enough for one
/// plane of a large image to be shared by many blocks.
pub(super) const CHUNK: usize = 16 * THREADS as usize;

/// Adds a bias to every channel, in place.
pub(super) fn add_bias<T: Real>(
    device: &CudaDevice,
    out: u64,
    bias: u64,
    (images, channels, plane): (usize, usize, usize),
) -> Result<()> {
    Launch::of::<T>(device, "add_bias")
        .address(out)
        .address(bias)
        .int(channels)?
        .int(plane)?
        .int(CHUNK)?
        .blocks((plane.div_ceil(CHUNK), images * channels))
}

/// The sum over all axes but the channels.
pub(crate) fn channel_sum((s, l): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
    let device = s.device();
    let (batch, channels, height, width) = l.shape().dims4()?;
    let plane = height * width;
    let chunks = plane.div_ceil(CHUNK);
    dispatch!(s, "channel_sum", T => {
        let x = view::<T>(s, l, "channel_sum")?;
        let sums = fresh::<T>(device, batch * channels * chunks)?;
        Launch::of::<T>(device, "chunk_sums")
            .buffer(&x)
            .buffer(&sums)
            .int(plane)?
            .int(CHUNK)?
            .blocks((chunks, batch * channels))?;
        let out = fresh::<T>(device, channels)?;
        Launch::of::<T>(device, "channel_sum")
            .buffer(&sums)
            .buffer(&out)
            .int(batch)?
            .int(channels)?
            .int(chunks)?
            .blocks((channels, 1))?;
        Ok(finish(out, s, channels))
    })
}
