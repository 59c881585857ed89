//! Kernels that make one value of one or two.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

use super::launch::{Launch, dispatch, finish, fresh, view};

/// Kernel `name` over the values of one tensor, with its parameter if it has one.
pub(crate) fn map1(
    name: &str,
    parameter: Option<f64>,
    (s, l): (&CudaStorage, &Layout),
) -> Result<(CudaStorage, Shape)> {
    let device = s.device();
    dispatch!(s, name, T => {
        let x = view::<T>(s, l, name)?;
        let out = fresh::<T>(device, x.len())?;
        let launch = Launch::of::<T>(device, name).buffer(&x).buffer(&out).size(x.len());
        let launch = parameter.into_iter().fold(launch, Launch::real::<T>);
        launch.over(x.len())?;
        Ok(finish(out, s, l.shape()))
    })
}

/// Kernel `name` over the values of two tensors of one shape.
pub(crate) fn map2(
    name: &str,
    parameter: Option<f64>,
    (s1, l1): (&CudaStorage, &Layout),
    (s2, l2): (&CudaStorage, &Layout),
) -> Result<(CudaStorage, Shape)> {
    let device = s1.device();
    dispatch!(s1, name, T => {
        let (a, b) = (view::<T>(s1, l1, name)?, view::<T>(s2, l2, name)?);
        let out = fresh::<T>(device, a.len())?;
        let launch = Launch::of::<T>(device, name).buffer(&a).buffer(&b).buffer(&out).size(a.len());
        let launch = parameter.into_iter().fold(launch, Launch::real::<T>);
        launch.over(a.len())?;
        Ok(finish(out, s1, l1.shape()))
    })
}
