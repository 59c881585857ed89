//! Helpers of the tests across crates; the tests themselves are in `tests/tests`.

use candle_core::Device;

/// Runs the same check on the CPU and, with the feature `cuda`, on the first GPU; where there is none the reason is printed and
/// the GPU left out.
pub fn on_every_device(check: impl Fn(&Device)) {
    check(&Device::Cpu);
    on_the_gpu(check);
}

/// Runs a check on the first GPU, if there is one that can be used.
#[cfg(feature = "cuda")]
pub fn on_the_gpu(check: impl Fn(&Device)) {
    use std::sync::{Mutex, OnceLock, PoisonError};

    use mammo_ops::{DeviceChoice, DeviceError};

    static GPU: OnceLock<Result<Device, DeviceError>> = OnceLock::new();
    // All tests share one stream, and what one records must not be mixed with what another launches.
    static ALONE: Mutex<()> = Mutex::new(());
    match GPU.get_or_init(|| DeviceChoice::Cuda(0).open()) {
        Ok(device) => {
            let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            check(device);
        }
        // On a machine that is there for its GPU a skipped test is a failed one.
        Err(reason) if std::env::var_os("MAMMO_GPU_EXPECTED").is_some() => panic!("no GPU: {reason}"),
        Err(reason) => eprintln!("skipped on a GPU: {reason}"),
    }
}

/// Built without CUDA: there is nothing to run.
#[cfg(not(feature = "cuda"))]
pub fn on_the_gpu(_: impl Fn(&Device)) {}
