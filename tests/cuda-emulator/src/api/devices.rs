//! Initialisation, the device, its attributes, and contexts.

use super::{CONTEXT, in_context, status, store};
use crate::device::{code, lock};
use crate::kernel::{SHARED_DEFAULT, SHARED_LIMIT};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// The handle of the primary context.
const PRIMARY: usize = 0xC0DE_0000;
/// The handle of the default memory pool.
const DEFAULT_POOL: usize = 0xC0DE_1000;
/// Memory the device pretends to have.
pub const TOTAL_MEMORY: usize = 80 << 30;
const NAME: &[u8] = b"Emulated GPU\0";
const CUDA_VERSION: c_int = 13000;

#[unsafe(no_mangle)]
pub extern "C" fn cuInit(_flags: c_uint) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDriverGetVersion(out: *mut c_int) -> u32 {
    status(unsafe { store(out, CUDA_VERSION) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetCount(out: *mut c_int) -> u32 {
    status(unsafe { store(out, 1) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGet(out: *mut c_int, ordinal: c_int) -> u32 {
    if ordinal != 0 {
        return code::INVALID_DEVICE;
    }
    status(unsafe { store(out, 0) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetName(out: *mut c_char, len: c_int, _device: c_int) -> u32 {
    let n = NAME.len().min(len.max(0) as usize);
    unsafe { std::ptr::copy_nonoverlapping(NAME.as_ptr().cast(), out, n) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetUuid_v2(out: *mut [u8; 16], _device: c_int) -> u32 {
    status(unsafe { store(out, *b"cuda-emulator-0\0") })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetUuid(out: *mut [u8; 16], device: c_int) -> u32 {
    unsafe { cuDeviceGetUuid_v2(out, device) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceTotalMem_v2(out: *mut usize, _device: c_int) -> u32 {
    status(unsafe { store(out, TOTAL_MEMORY) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceComputeCapability(
    major: *mut c_int,
    minor: *mut c_int,
    _device: c_int,
) -> u32 {
    status(unsafe { store(major, 9).and_then(|()| store(minor, 0)) })
}

/// Values of `CUdevice_attribute`; those of an H100 where they matter to programs, 0 for the rest.
fn attribute(which: c_int) -> c_int {
    match which {
        1..=3 => 1024,                // threads in a block, and its x and y dimensions
        4 => 64,                      // z dimension of a block
        5 => i32::MAX,                // x dimension of a grid
        6 | 7 => 65535,               // y and z dimensions of a grid
        8 => SHARED_DEFAULT as c_int, // shared memory of a block
        9 => 65536,                   // constant memory
        10 => 32,                     // warp size
        11 => i32::MAX,               // pitch
        12 | 82 => 65536,             // registers of a block, of a multiprocessor
        13 => 1_980_000,              // clock rate in kHz
        14 => 512,                    // texture alignment
        16 => 132,                    // multiprocessors
        19 | 31 | 41 | 78 | 79 | 80 | 83 | 89 | 90 | 95 | 115 => 1, // host mapping … memory pools
        36 => 2_619_000,              // memory clock
        37 => 5120,                   // memory bus width
        38 => 50 << 20,               // L2 cache
        39 => 2048,                   // threads of a multiprocessor
        40 => 3,                      // copy engines
        75 => 9,                      // compute capability
        76 => 0,
        81 => 228 << 10,             // shared memory of a multiprocessor
        97 => SHARED_LIMIT as c_int, // shared memory of a block on request
        106 => 32,                   // blocks of a multiprocessor
        111 => 1024,                 // reserved shared memory of a block
        _ => 0,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetAttribute(out: *mut c_int, which: c_int, device: c_int) -> u32 {
    if device != 0 {
        return code::INVALID_DEVICE;
    }
    status(unsafe { store(out, attribute(which)) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetDefaultMemPool(out: *mut usize, _device: c_int) -> u32 {
    status(unsafe { store(out, DEFAULT_POOL) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetMemPool(out: *mut usize, _device: c_int) -> u32 {
    status(unsafe { store(out, DEFAULT_POOL) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDeviceSetMemPool(_device: c_int, _pool: usize) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemPoolCreate(out: *mut usize, _properties: *const c_void) -> u32 {
    in_context(|d| unsafe { store(out, d.new_handle()) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemPoolDestroy(_pool: usize) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemPoolTrimTo(_pool: usize, _keep: usize) -> u32 {
    0
}

/// Pools keep nothing back; every attribute reads as 0 but the memory in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemPoolGetAttribute(_pool: usize, which: c_uint, out: *mut u64) -> u32 {
    // The first three attributes are 32 bits wide.
    if which <= 3 {
        return status(unsafe { store(out.cast::<c_int>(), 0) });
    }
    let used = lock().memory.used as u64;
    status(unsafe { store(out, used) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemPoolSetAttribute(_pool: usize, _which: c_uint, _value: *const c_void) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDeviceGraphMemTrim(_device: c_int) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRetain(out: *mut usize, device: c_int) -> u32 {
    if device != 0 {
        return code::INVALID_DEVICE;
    }
    status(unsafe { store(out, PRIMARY) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDevicePrimaryCtxRelease_v2(_device: c_int) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxGetState(
    _device: c_int,
    flags: *mut c_uint,
    active: *mut c_int,
) -> u32 {
    status(unsafe { store(flags, 0).and_then(|()| store(active, 1)) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDevicePrimaryCtxSetFlags_v2(_device: c_int, _flags: c_uint) -> u32 {
    0
}

/// There is one context; creating another gives it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxCreate_v4(
    out: *mut usize,
    _params: *const c_void,
    _flags: c_uint,
    _device: c_int,
) -> u32 {
    CONTEXT.set(PRIMARY);
    status(unsafe { store(out, PRIMARY) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxDestroy_v2(_context: usize) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetCurrent(context: usize) -> u32 {
    CONTEXT.set(context);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetCurrent(out: *mut usize) -> u32 {
    status(unsafe { store(out, CONTEXT.get()) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxPushCurrent_v2(context: usize) -> u32 {
    CONTEXT.set(context);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxPopCurrent_v2(out: *mut usize) -> u32 {
    if out.is_null() { 0 } else { status(unsafe { store(out, CONTEXT.get()) }) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetDevice(out: *mut c_int) -> u32 {
    in_context(|_| unsafe { store(out, 0) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetApiVersion(_context: usize, out: *mut c_uint) -> u32 {
    status(unsafe { store(out, CUDA_VERSION as c_uint) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSynchronize() -> u32 {
    in_context(|d| d.synchronize_all())
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetFlags(_flags: c_uint) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetFlags(out: *mut c_uint) -> u32 {
    status(unsafe { store(out, 0) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetLimit(out: *mut usize, _limit: c_uint) -> u32 {
    status(unsafe { store(out, 1024) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetLimit(_limit: c_uint, _value: usize) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetCacheConfig(out: *mut c_uint) -> u32 {
    status(unsafe { store(out, 0) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetCacheConfig(_config: c_uint) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) -> u32 {
    for (p, v) in [(least, 0), (greatest, -5)] {
        if !p.is_null() {
            unsafe { p.write(v) };
        }
    }
    0
}
