//! Opening a GPU, with a reason and a remedy where it cannot be had.

use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError, result, sys};
use candle_core::{CudaDevice, Device};

use super::launch::KERNELS;
use crate::DeviceError;

/// The GPU with this number, its memory kept between uses, on a stream of its own, which work can be recorded from.
pub(crate) fn open(ordinal: usize) -> Result<Device, DeviceError> {
    let count = CudaContext::device_count().map_err(no_driver)?;
    if ordinal >= usize::try_from(count).unwrap_or(0) {
        return Err(DeviceError::NoSuchGpu { ordinal, count: usize::try_from(count).unwrap_or(0) });
    }
    let failed = |error: DriverError| DeviceError::Failed { ordinal, reason: format!("{error:?}") };
    let context = CudaContext::new(ordinal).map_err(failed)?;
    let (major, minor) = context.compute_capability().map_err(failed)?;
    let (has, (needs, exactly)) = (major * 10 + minor, built_for());
    if has < needs || (exactly && has != needs) {
        let name = context.name().unwrap_or_else(|_| "this GPU".to_owned());
        return Err(DeviceError::OtherArchitecture { name, has, needs, exactly });
    }
    keep_memory(&context).map_err(failed)?;
    let device = Device::new_cuda_with_stream(ordinal)
        .map_err(|error| DeviceError::Failed { ordinal, reason: error.to_string() })?;
    if let Device::Cuda(cuda) = &device {
        // SAFETY: all tensors of the device are made, used and given back on its one stream, in order.
        unsafe { cuda.disable_event_tracking() };
        kernels_load(cuda)?;
    }
    Ok(device)
}

fn no_driver(error: DriverError) -> DeviceError {
    let reason = match error.0 {
        sys::CUresult::CUDA_ERROR_NO_DEVICE => "the driver finds no GPU".to_owned(),
        sys::CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => {
            "the driver's library and its kernel module are of different versions; restart the machine"
                .to_owned()
        }
        other => format!("the driver does not start ({other:?})"),
    };
    DeviceError::NoDriver { reason }
}

/// The compute capability, times ten, that the kernels were compiled for, and whether it is that one alone: targets such as
/// `sm_90a` have instructions that no other GPU has.
fn built_for() -> (i32, bool) {
    let target = KERNELS.split_once(".target sm_").map_or("", |(_, rest)| rest);
    let digits: String = target.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(0), target[digits.len()..].starts_with('a'))
}

/// Memory that was given back stays with the process instead of going to the driver at every synchronisation.
fn keep_memory(context: &CudaContext) -> Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut everything = u64::MAX;
    // SAFETY: the device is the context's, and the attribute is a number of 64 bits.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, std::ptr::from_mut(&mut everything).cast())
    }
}

/// Loads the kernels now, so that a driver that cannot compile them is found out at the start.
fn kernels_load(device: &CudaDevice) -> Result<(), DeviceError> {
    match device.get_or_load_custom_func("tanh_f32", "mammo-ops", KERNELS) {
        Ok(_) => Ok(()),
        Err(error) => {
            let reason = error.to_string();
            Err(if reason.contains("UNSUPPORTED_PTX_VERSION") {
                DeviceError::OldDriver { reason }
            } else {
                DeviceError::Failed { ordinal: 0, reason }
            })
        }
    }
}

/// Free and total bytes of a GPU.
pub(crate) fn memory(device: &CudaDevice) -> Option<(usize, usize)> {
    device.cuda_stream().context().mem_get_info().ok()
}

/// Gives back to the driver what the pool of a GPU holds and nobody uses.
pub(crate) fn trim(device: &CudaDevice) -> Result<(), DriverError> {
    let stream = device.cuda_stream();
    stream.synchronize()?;
    // SAFETY: the device is that of the stream's context.
    unsafe {
        result::mem_pool::trim_to(result::device::get_default_mem_pool(stream.context().cu_device())?, 0)
    }
}
