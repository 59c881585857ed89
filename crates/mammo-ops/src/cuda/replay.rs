//! Recording what a piece of work launches (CUDA graphs), to launch all of it again at once.

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{CudaGraph, sys};
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail,
};

use super::launch::dispatch;

/// Launches that were recorded.
pub(crate) struct Recording(CudaGraph);

impl Recording {
    /// Launches them all, in their order.
    pub(crate) fn launch(&self) -> Result<()> {
        self.0.launch().w()
    }
}

/// Records what `work` launches, none of which runs. The outer error says why nothing could be recorded; `work` itself may
/// fail too, because some calls are not allowed while a recording goes on.
pub(crate) fn record(device: &CudaDevice, work: impl FnOnce() -> Result<()>) -> Result<Recording> {
    let stream = device.cuda_stream();
    stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).w()?;
    let done = work();
    // Ended in any case: a stream that is left recording is of no more use.
    let graph = stream
        .end_capture(sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH)
        .w();
    done?;
    match graph? {
        Some(graph) => Ok(Recording(graph)),
        None => bail!("nothing was recorded"),
    }
}

/// Copies the values of a tensor into another of the same shape, both contiguous.
pub(crate) fn overwrite(to: &Tensor, from: &Tensor) -> Result<()> {
    to.inplace_op2(from, &Overwrite)
}

struct Overwrite;

impl InplaceOp2 for Overwrite {
    fn name(&self) -> &'static str {
        "overwrite"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<()> {
        bail!("only tensors on a GPU are overwritten")
    }

    fn cuda_fwd(&self, s1: &mut CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<()> {
        let (Some((start, end)), Some((from, to))) = (l1.contiguous_offsets(), l2.contiguous_offsets())
        else {
            bail!("only contiguous tensors are overwritten");
        };
        let device = s1.device.clone();
        dispatch!(s2, self.name(), T => {
            let source = s2.as_cuda_slice::<T>()?.slice(from..to);
            let mut target = s1.as_cuda_slice_mut::<T>()?.slice_mut(start..end);
            device.memcpy_dtod(&source, &mut target)
        })
    }
}

/// Writes numbers of the host into a contiguous tensor of as many.
pub(crate) fn upload(to: &Tensor, values: &[f64]) -> Result<()> {
    to.inplace_op1(&Upload(values))
}

struct Upload<'a>(&'a [f64]);

impl InplaceOp1 for Upload<'_> {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        bail!("only tensors on a GPU are uploaded to")
    }

    fn cuda_fwd(&self, s: &mut CudaStorage, l: &Layout) -> Result<()> {
        let Some((start, end)) = l.contiguous_offsets() else {
            bail!("only contiguous tensors are uploaded to")
        };
        let stream = s.device.cuda_stream();
        dispatch!(&*s, self.name(), T => {
            let values: Vec<T> = self.0.iter().map(|&value| value as T).collect();
            let mut target = s.as_cuda_slice_mut::<T>()?.slice_mut(start..end);
            stream.memcpy_htod(&values, &mut target).w()
        })
    }
}
