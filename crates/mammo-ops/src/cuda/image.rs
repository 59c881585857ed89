//! Kernels that change the size of images, and of the kernels of a doubled convolution.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

use super::launch::{Launch, dispatch, finish, fresh, view};

/// What a kernel makes of a tensor.
pub(crate) struct Change {
    /// Its name without the element type.
    pub(crate) kernel: &'static str,
    /// The shape of the result.
    pub(crate) shape: (usize, usize, usize, usize),
    /// The two sizes that it asks for.
    pub(crate) sizes: (usize, usize),
}

pub(crate) fn change(change: &Change, (s, l): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
    let device = s.device();
    let shape = Shape::from(change.shape);
    dispatch!(s, change.kernel, T => {
        let x = view::<T>(s, l, change.kernel)?;
        let out = fresh::<T>(device, shape.elem_count())?;
        Launch::of::<T>(device, change.kernel)
            .buffer(&x)
            .buffer(&out)
            .size(shape.elem_count())
            .int(change.sizes.0)?
            .int(change.sizes.1)?
            .over(shape.elem_count())?;
        Ok(finish(out, s, shape))
    })
}
