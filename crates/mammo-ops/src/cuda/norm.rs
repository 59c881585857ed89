//! Instance normalisation: statistics of chunks of planes first, then what is made of them.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView};
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Shape};

use super::channel::CHUNK;
use super::launch::{Launch, Real, dispatch, finish, fresh, view};

/// What the kernels need to know of a normalisation.
#[derive(Clone, Copy)]
pub(crate) struct NormOperands<'a> {
    pub(crate) op: &'static str,
    pub(crate) x: (&'a CudaStorage, &'a Layout),
    pub(crate) epsilon: f64,
    /// Of the activation behind it.
    pub(crate) slope: f64,
}

/// Batch, channels, pixels of a plane, chunks of a plane.
struct Sizes {
    batch: usize,
    channels: usize,
    plane: usize,
    chunks: usize,
}

impl Sizes {
    fn of(layout: &Layout) -> Result<Self> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let plane = height * width;
        Ok(Self { batch, channels, plane, chunks: plane.div_ceil(CHUNK) })
    }

    fn grid(&self) -> (usize, usize) {
        (self.chunks, self.batch * self.channels)
    }

    /// Two numbers for every chunk.
    fn pairs(&self) -> usize {
        2 * self.batch * self.channels * self.chunks
    }
}

/// Mean and sum of squared deviations of every chunk.
fn moments<T: Real>(device: &CudaDevice, x: &CudaView<'_, T>, sizes: &Sizes) -> Result<CudaSlice<T>> {
    let moments = fresh::<T>(device, sizes.pairs())?;
    Launch::of::<T>(device, "norm_moments")
        .buffer(x)
        .buffer(&moments)
        .int(sizes.plane)?
        .int(CHUNK)?
        .blocks(sizes.grid())?;
    Ok(moments)
}

type Operand<'a> = (&'a CudaStorage, &'a Layout);

/// `activation(scale * normalised x + shift + residual)`.
pub(crate) fn norm(
    operands: NormOperands<'_>,
    affine: Option<(NormAffine<'_>, NormAffine<'_>)>,
    residual: Option<Operand<'_>>,
) -> Result<(CudaStorage, Shape)> {
    let NormOperands { op, x: (s, l), epsilon, slope } = operands;
    let device = s.device();
    let sizes = Sizes::of(l)?;
    dispatch!(s, op, T => {
        let x = view::<T>(s, l, op)?;
        let scale = affine.map(|(scale, _)| scale.view::<T>(op)).transpose()?;
        let shift = affine.map(|(_, shift)| shift.view::<T>(op)).transpose()?;
        let residual = residual.map(|(s, l)| view::<T>(s, l, op)).transpose()?;
        let moments = moments(device, &x, &sizes)?;
        let out = fresh::<T>(device, x.len())?;
        Launch::of::<T>(device, "norm")
            .buffer(&x)
            .buffer(&moments)
            .maybe(scale.as_ref())
            .maybe(shift.as_ref())
            .maybe(residual.as_ref())
            .buffer(&out)
            .int(sizes.channels)?
            .int(sizes.plane)?
            .int(CHUNK)?
            .real::<T>(epsilon)
            .real::<T>(slope)
            .blocks(sizes.grid())?;
        Ok(finish(out, s, l.shape()))
    })
}

/// Scale or shift: a part of a tensor from an offset on, as long as there are channels.
#[derive(Clone, Copy)]
pub(crate) struct NormAffine<'a> {
    storage: &'a CudaStorage,
    start: usize,
    len: usize,
}

impl<'a> NormAffine<'a> {
    /// Row `row` of a contiguous tensor of rows of `len`.
    pub(crate) fn row((storage, layout): Operand<'a>, row: usize, len: usize) -> Self {
        Self { storage, start: layout.start_offset() + row * len, len }
    }

    fn view<T: Real>(self, _op: &str) -> Result<CudaView<'a, T>> {
        Ok(self.storage.as_cuda_slice::<T>()?.slice(self.start..self.start + self.len))
    }
}

/// The sums of every chunk that the gradients are made of.
fn sums<T: Real>(
    operands: NormOperands<'_>,
    (x, result, grad): (&CudaView<'_, T>, &CudaView<'_, T>, &CudaView<'_, T>),
    moments: &CudaSlice<T>,
    sizes: &Sizes,
) -> Result<CudaSlice<T>> {
    let device = operands.x.0.device();
    let sums = fresh::<T>(device, sizes.pairs())?;
    Launch::of::<T>(device, "norm_sums")
        .buffer(x)
        .buffer(result)
        .buffer(grad)
        .buffer(moments)
        .buffer(&sums)
        .int(sizes.plane)?
        .int(CHUNK)?
        .real::<T>(operands.epsilon)
        .real::<T>(operands.slope)
        .blocks(sizes.grid())?;
    Ok(sums)
}

/// The gradient to x, from the result and the gradient to it.
pub(crate) fn norm_backward(
    operands: NormOperands<'_>,
    result: Operand<'_>,
    grad: Operand<'_>,
    scale: Option<NormAffine<'_>>,
) -> Result<(CudaStorage, Shape)> {
    let NormOperands { op, x: (s, l), epsilon, slope } = operands;
    let device = s.device();
    let sizes = Sizes::of(l)?;
    dispatch!(s, op, T => {
        let x = view::<T>(s, l, op)?;
        let (result, grad) = (view::<T>(result.0, result.1, op)?, view::<T>(grad.0, grad.1, op)?);
        let scale = scale.map(|scale| scale.view::<T>(op)).transpose()?;
        let moments = moments(device, &x, &sizes)?;
        let sums = sums(operands, (&x, &result, &grad), &moments, &sizes)?;
        let out = fresh::<T>(device, x.len())?;
        Launch::of::<T>(device, "norm_backward")
            .buffer(&x)
            .buffer(&result)
            .buffer(&grad)
            .buffer(&moments)
            .buffer(&sums)
            .maybe(scale.as_ref())
            .buffer(&out)
            .int(sizes.channels)?
            .int(sizes.plane)?
            .int(CHUNK)?
            .real::<T>(epsilon)
            .real::<T>(slope)
            .blocks(sizes.grid())?;
        Ok(finish(out, s, l.shape()))
    })
}

/// The gradients to scale and shift, 2 x C.
pub(crate) fn norm_affine_backward(
    operands: NormOperands<'_>,
    result: Operand<'_>,
    grad: Operand<'_>,
) -> Result<(CudaStorage, Shape)> {
    let NormOperands { op, x: (s, l), .. } = operands;
    let device = s.device();
    let sizes = Sizes::of(l)?;
    dispatch!(s, op, T => {
        let x = view::<T>(s, l, op)?;
        let (result, grad) = (view::<T>(result.0, result.1, op)?, view::<T>(grad.0, grad.1, op)?);
        let moments = moments(device, &x, &sizes)?;
        let sums = sums(operands, (&x, &result, &grad), &moments, &sizes)?;
        let out = fresh::<T>(device, 2 * sizes.channels)?;
        Launch::of::<T>(device, "norm_affine_backward")
            .buffer(&sums)
            .buffer(&out)
            .int(sizes.batch)?
            .int(sizes.channels)?
            .int(sizes.chunks)?
            .blocks((sizes.channels, 1))?;
        Ok(finish(out, s, (2, sizes.channels)))
    })
}
