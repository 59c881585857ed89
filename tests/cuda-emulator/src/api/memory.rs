//! Allocation, copies and fills.

use super::devices::TOTAL_MEMORY;
use super::{in_context, store};
use crate::device::{Device, Outcome, code, report};
use crate::memory::Kind;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

/// Fails unless `[address, address + bytes)` lies in one live allocation.
pub(crate) fn check_live(d: &mut Device, address: u64, bytes: u64, what: &str) -> Outcome {
    if bytes == 0 || d.memory.find(address, bytes).is_some() {
        return Ok(());
    }
    let near = d.memory.live_map().describe_near(address);
    report(&format!("{what}: {bytes} bytes at {address:#x} are not live device memory; {near}"));
    Err(code::INVALID_VALUE)
}

fn is_pinned(d: &Device, host: usize, bytes: usize) -> bool {
    d.memory.find(host as u64, bytes as u64).is_some_and(|r| matches!(r.kind, Kind::Pinned | Kind::Managed))
}

fn copy(from: u64, to: u64, bytes: usize) {
    // SAFETY: both ranges have been checked, or belong to the caller.
    unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) }
}

fn to_device(d: &mut Device, to: u64, from: usize, bytes: usize, stream: usize) -> Outcome {
    check_live(d, to, bytes as u64, "copy to the device")?;
    copy_work(d, from as u64, to, bytes, stream, is_pinned(d, from, bytes), "copy from pageable host memory")
}

fn to_host(d: &mut Device, to: usize, from: u64, bytes: usize, stream: usize) -> Outcome {
    if d.capturing(stream)?.is_none() {
        check_live(d, from, bytes as u64, "copy from the device")?;
    }
    copy_work(d, from, to as u64, bytes, stream, is_pinned(d, to, bytes), "copy to pageable host memory")
}

fn copy_work(
    d: &mut Device,
    from: u64,
    to: u64,
    bytes: usize,
    stream: usize,
    recordable: bool,
    what: &str,
) -> Outcome {
    if !recordable {
        d.not_in_capture(stream, what)?;
        copy(from, to, bytes);
        return Ok(());
    }
    d.submit(
        stream,
        Arc::new(move |_| {
            copy(from, to, bytes);
            Ok(())
        }),
    )
}

fn within_device(d: &mut Device, to: u64, from: u64, bytes: usize, stream: usize) -> Outcome {
    d.submit(
        stream,
        Arc::new(move |d| {
            check_live(d, to, bytes as u64, "copy within the device")?;
            check_live(d, from, bytes as u64, "copy within the device")?;
            copy(from, to, bytes);
            Ok(())
        }),
    )
}

fn fill(d: &mut Device, to: u64, value: u32, size: usize, count: usize, stream: usize) -> Outcome {
    if !to.is_multiple_of(size as u64) {
        return Err(code::INVALID_VALUE);
    }
    d.submit(
        stream,
        Arc::new(move |d| {
            check_live(d, to, (size * count) as u64, "memset")?;
            let bytes = value.to_le_bytes();
            if size == 1 {
                crate::memory::fill(to, count, bytes[0]);
            } else {
                for k in 0..count {
                    // SAFETY: within the range just checked.
                    unsafe {
                        std::ptr::copy_nonoverlapping(
                            bytes.as_ptr(),
                            (to as usize + k * size) as *mut u8,
                            size,
                        )
                    };
                }
            }
            Ok(())
        }),
    )
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> u32 {
    in_context(|d| unsafe {
        store(free, TOTAL_MEMORY.saturating_sub(d.memory.used))?;
        store(total, TOTAL_MEMORY)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAlloc_v2(out: *mut u64, bytes: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemAlloc")?;
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        let a = d.memory.allocate(bytes, Kind::Device).ok_or(code::OUT_OF_MEMORY)?;
        unsafe { store(out, a) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocManaged(out: *mut u64, bytes: usize, _flags: c_uint) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemAllocManaged")?;
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        let a = d.memory.allocate(bytes, Kind::Managed).ok_or(code::OUT_OF_MEMORY)?;
        unsafe { store(out, a) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemFree_v2(address: u64) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemFree")?;
        if address == 0 || d.memory.free(address, &[Kind::Device, Kind::Graph, Kind::Managed]) {
            return Ok(());
        }
        report(&format!("free of {address:#x}, which is not a live allocation"));
        Err(code::INVALID_VALUE)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocAsync(out: *mut u64, bytes: usize, stream: usize) -> u32 {
    in_context(|d| {
        let a = d.allocate_on(stream, bytes)?;
        unsafe { store(out, a) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocFromPoolAsync(
    out: *mut u64,
    bytes: usize,
    _pool: usize,
    stream: usize,
) -> u32 {
    unsafe { cuMemAllocAsync(out, bytes, stream) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemFreeAsync(address: u64, stream: usize) -> u32 {
    in_context(|d| d.free_on(stream, address))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemHostAlloc(out: *mut u64, bytes: usize, _flags: c_uint) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemHostAlloc")?;
        let a = d.memory.allocate(bytes.max(1), Kind::Pinned).ok_or(code::OUT_OF_MEMORY)?;
        unsafe { store(out, a) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocHost_v2(out: *mut u64, bytes: usize) -> u32 {
    unsafe { cuMemHostAlloc(out, bytes, 0) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemFreeHost(address: u64) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemFreeHost")?;
        if d.memory.free(address, &[Kind::Pinned]) { Ok(()) } else { Err(code::INVALID_VALUE) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemHostRegister_v2(address: u64, bytes: usize, _flags: c_uint) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemHostRegister")?;
        d.memory.register(address, bytes, Kind::Pinned);
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemHostUnregister(address: u64) -> u32 {
    cuMemFreeHost(address)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemHostGetDevicePointer_v2(out: *mut u64, host: u64, _flags: c_uint) -> u32 {
    in_context(|d| {
        check_live(d, host, 1, "device pointer of host memory")?;
        unsafe { store(out, host) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemGetAddressRange_v2(base: *mut u64, bytes: *mut usize, address: u64) -> u32 {
    in_context(|d| {
        let r = d.memory.find(address, 1).ok_or(code::NOT_FOUND)?;
        unsafe {
            if !base.is_null() {
                base.write(r.start);
            }
            if !bytes.is_null() {
                bytes.write((r.end - r.start) as usize);
            }
        }
        Ok(())
    })
}

/// Supports the memory type (2), the device pointer (3), the host pointer (4) and the device ordinal (9).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuPointerGetAttribute(out: *mut c_void, which: c_uint, address: u64) -> u32 {
    in_context(|d| {
        let r = d.memory.find(address, 1).ok_or(code::INVALID_VALUE)?;
        unsafe {
            match which {
                2 => store(out.cast::<c_uint>(), if r.kind == Kind::Pinned { 1 } else { 2 }),
                3 | 4 => store(out.cast::<u64>(), address),
                9 => store(out.cast::<c_int>(), 0),
                _ => Err(code::NOT_SUPPORTED),
            }
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemAdvise_v2() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemPrefetchAsync_v2() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyHtoD_v2(to: u64, from: usize, bytes: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemcpyHtoD")?;
        to_device(d, to, from, bytes, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyHtoDAsync_v2(to: u64, from: usize, bytes: usize, stream: usize) -> u32 {
    in_context(|d| {
        d.check()?;
        // A graph's own memory is not live before its launch.
        if d.capturing(stream)?.is_some() {
            let pinned = is_pinned(d, from, bytes);
            return copy_work(d, from as u64, to, bytes, stream, pinned, "copy from pageable host memory");
        }
        to_device(d, to, from, bytes, stream)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyDtoH_v2(to: usize, from: u64, bytes: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemcpyDtoH")?;
        to_host(d, to, from, bytes, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyDtoHAsync_v2(to: usize, from: u64, bytes: usize, stream: usize) -> u32 {
    in_context(|d| {
        d.check()?;
        to_host(d, to, from, bytes, stream)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemcpyDtoD")?;
        within_device(d, to, from, bytes, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: usize) -> u32 {
    in_context(|d| within_device(d, to, from, bytes, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyPeerAsync(
    to: u64,
    _to_context: usize,
    from: u64,
    _from_context: usize,
    bytes: usize,
    stream: usize,
) -> u32 {
    cuMemcpyDtoDAsync_v2(to, from, bytes, stream)
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD8_v2(to: u64, value: u8, count: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemsetD8")?;
        fill(d, to, u32::from(value), 1, count, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD16_v2(to: u64, value: u16, count: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemsetD16")?;
        fill(d, to, u32::from(value), 2, count, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD32_v2(to: u64, value: u32, count: usize) -> u32 {
    in_context(|d| {
        d.unsafe_call("cuMemsetD32")?;
        fill(d, to, value, 4, count, 0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD8Async(to: u64, value: u8, count: usize, stream: usize) -> u32 {
    in_context(|d| fill(d, to, u32::from(value), 1, count, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD16Async(to: u64, value: u16, count: usize, stream: usize) -> u32 {
    in_context(|d| fill(d, to, u32::from(value), 2, count, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD32Async(to: u64, value: u32, count: usize, stream: usize) -> u32 {
    in_context(|d| fill(d, to, value, 4, count, stream))
}
