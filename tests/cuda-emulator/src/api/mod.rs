//! The exported functions, one file a group. Names, argument lists and status codes are those of the libraries.

pub mod cublas;
pub mod cudart;
pub mod cudnn;
pub mod curand;
pub mod devices;
pub mod errors;
pub mod memory;
pub mod modules;
pub mod streams;

#[allow(non_snake_case, clippy::all)]
mod stubs {
    include!(concat!(env!("OUT_DIR"), "/stubs.rs"));
}

use crate::device::{Device, Outcome, code, enabled, lock, report};
use std::cell::Cell;

thread_local! {
    /// The current context; 0 for none.
    static CONTEXT: Cell<usize> = const { Cell::new(0) };
}

/// Called by the functions that are not implemented.
pub(crate) fn not_supported(name: &str, status: u32) -> u32 {
    if enabled("CUDA_EMULATOR_TRACE") {
        report(&format!("{name} is not implemented"));
    }
    status
}

fn status(r: Outcome) -> u32 {
    r.err().unwrap_or(0)
}

/// Runs `f` on the device; a context must be current.
fn in_context(f: impl FnOnce(&mut Device) -> Outcome) -> u32 {
    if CONTEXT.get() == 0 {
        return code::INVALID_CONTEXT;
    }
    status(f(&mut lock()))
}

/// Stores a result, refusing null.
///
/// # Safety
/// `to` must be null or writable.
unsafe fn store<T>(to: *mut T, value: T) -> Outcome {
    if to.is_null() {
        return Err(code::INVALID_VALUE);
    }
    unsafe { to.write(value) };
    Ok(())
}
