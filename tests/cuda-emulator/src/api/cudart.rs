//! The part of the CUDA runtime that statically linked kernels need to be registered. They cannot be launched.

use super::{in_context, status, store};
use std::ffi::{c_char, c_int, c_void};

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFatBinary(_image: *const c_void) -> *const *const c_void {
    struct Handle([usize; 4]);
    static HANDLE: Handle = Handle([0; 4]);
    HANDLE.0.as_ptr().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFatBinaryEnd(_handle: *const c_void) {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaUnregisterFatBinary(_handle: *const c_void) {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFunction() {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterVar() {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterManagedVar() {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaInitModule(_handle: *const c_void) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudaGetDevice(out: *mut c_int) -> u32 {
    status(unsafe { store(out, 0) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaSetDevice(device: c_int) -> u32 {
    if device == 0 { 0 } else { 101 }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudaGetDeviceCount(out: *mut c_int) -> u32 {
    status(unsafe { store(out, 1) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetLastError() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaDeviceSynchronize() -> u32 {
    in_context(|d| d.synchronize_all())
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorName(_error: u32) -> *const c_char {
    c"cudaError".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorString(_error: u32) -> *const c_char {
    c"an error of the emulated CUDA runtime".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn nvrtcGetErrorString(_error: u32) -> *const c_char {
    c"the emulator does not compile CUDA C++".as_ptr()
}
