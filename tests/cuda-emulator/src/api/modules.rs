//! Modules, functions and launches.

use super::{in_context, store};
use crate::device::{Device, Outcome, code, report};
use crate::kernel::{self, Kernel, Loaded, SHARED_DEFAULT, SHARED_LIMIT};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

#[derive(Default)]
struct Registry {
    modules: HashMap<usize, Arc<Loaded>>,
    /// By handle.
    kernels: HashMap<usize, (usize, Arc<Kernel>)>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn find_kernel(function: usize) -> Outcome<Arc<Kernel>> {
    registry().kernels.get(&function).map(|k| k.1.clone()).ok_or(code::INVALID_HANDLE)
}

fn load(d: &mut Device, text: &[u8]) -> Outcome<usize> {
    d.unsafe_call("loading of a module")?;
    let Ok(text) = std::str::from_utf8(text) else {
        report("a module is not PTX text; binaries for a GPU cannot be run");
        return Err(code::NO_BINARY_FOR_GPU);
    };
    let loaded = Loaded::new(d, text)?;
    let h = d.new_handle();
    registry().modules.insert(h, Arc::new(loaded));
    Ok(h)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoadData(out: *mut usize, image: *const c_char) -> u32 {
    in_context(|d| {
        if image.is_null() {
            return Err(code::INVALID_VALUE);
        }
        // Binaries begin with magic numbers that no PTX text begins with.
        let start = unsafe { std::slice::from_raw_parts(image.cast::<u8>(), 4) };
        if start == b"\x7fELF" || start == [0x50, 0xED, 0x55, 0xBA] {
            report("a module is a binary for a GPU; only PTX text can be run");
            return Err(code::NO_BINARY_FOR_GPU);
        }
        let h = load(d, unsafe { CStr::from_ptr(image) }.to_bytes())?;
        unsafe { store(out, h) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoadDataEx(
    out: *mut usize,
    image: *const c_char,
    _count: c_uint,
    _options: *const c_uint,
    _values: *const *mut c_void,
) -> u32 {
    unsafe { cuModuleLoadData(out, image) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoadFatBinary(out: *mut usize, image: *const c_char) -> u32 {
    unsafe { cuModuleLoadData(out, image) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoad(out: *mut usize, path: *const c_char) -> u32 {
    in_context(|d| {
        let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
        let text = std::fs::read(&*path).map_err(|_| code::FILE_NOT_FOUND)?;
        let h = load(d, &text)?;
        unsafe { store(out, h) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuModuleUnload(module: usize) -> u32 {
    in_context(|d| {
        let mut r = registry();
        let loaded = r.modules.remove(&module).ok_or(code::INVALID_HANDLE)?;
        r.kernels.retain(|_, k| k.0 != module);
        loaded.unload(d);
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleGetFunction(out: *mut usize, module: usize, name: *const c_char) -> u32 {
    in_context(|d| {
        d.check()?;
        let name = unsafe { CStr::from_ptr(name) }.to_str().map_err(|_| code::NOT_FOUND)?;
        let mut r = registry();
        if let Some((&h, _)) = r.kernels.iter().find(|(_, k)| k.0 == module && k.1.name == name) {
            return unsafe { store(out, h) };
        }
        let loaded = r.modules.get(&module).ok_or(code::INVALID_HANDLE)?.clone();
        let kernel = Kernel::new(loaded, name).ok_or(code::NOT_FOUND)?;
        let h = d.new_handle();
        r.kernels.insert(h, (module, Arc::new(kernel)));
        unsafe { store(out, h) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleGetGlobal_v2(
    address: *mut u64,
    bytes: *mut usize,
    module: usize,
    name: *const c_char,
) -> u32 {
    in_context(|d| {
        d.check()?;
        let name = unsafe { CStr::from_ptr(name) }.to_str().map_err(|_| code::NOT_FOUND)?;
        let loaded = registry().modules.get(&module).ok_or(code::INVALID_HANDLE)?.clone();
        let &at = loaded.addresses.get(name).ok_or(code::NOT_FOUND)?;
        unsafe {
            if !address.is_null() {
                address.write(at);
            }
            if !bytes.is_null() {
                bytes.write(loaded.module.variables[name].bytes);
            }
        }
        Ok(())
    })
}

const MAX_THREADS_PER_BLOCK: c_uint = 0;
const SHARED_SIZE_BYTES: c_uint = 1;
const MAX_DYNAMIC_SHARED_SIZE_BYTES: c_uint = 8;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuFuncGetAttribute(out: *mut c_int, which: c_uint, function: usize) -> u32 {
    in_context(|_| {
        let k = find_kernel(function)?;
        let value = match which {
            MAX_THREADS_PER_BLOCK => k.max_threads,
            SHARED_SIZE_BYTES => k.program()?.static_shared,
            3 => k.program()?.functions[0].local_bytes as u32,
            4 => 32,
            5 | 6 => 90,
            MAX_DYNAMIC_SHARED_SIZE_BYTES => {
                let asked = *k.max_dynamic_shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                asked.max(SHARED_DEFAULT.saturating_sub(k.program()?.static_shared))
            }
            _ => 0,
        };
        unsafe { store(out, value as c_int) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuFuncSetAttribute(function: usize, which: c_uint, value: c_int) -> u32 {
    in_context(|_| {
        let k = find_kernel(function)?;
        if which == MAX_DYNAMIC_SHARED_SIZE_BYTES {
            if value < 0 || value as u32 + k.program()?.static_shared > SHARED_LIMIT {
                return Err(code::INVALID_VALUE);
            }
            *k.max_dynamic_shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = value as u32;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuFuncSetCacheConfig(function: usize, _config: c_uint) -> u32 {
    in_context(|_| find_kernel(function).map(|_| ()))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    out: *mut c_int,
    function: usize,
    block: c_int,
    dynamic_shared: usize,
) -> u32 {
    in_context(|_| {
        let k = find_kernel(function)?;
        let shared = k.program()?.static_shared as usize + dynamic_shared + 1024;
        let n = (2048 / block.max(1)).min(32).min((228 << 10) / shared as c_int);
        unsafe { store(out, n) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    out: *mut c_int,
    function: usize,
    block: c_int,
    dynamic_shared: usize,
    _flags: c_uint,
) -> u32 {
    unsafe { cuOccupancyMaxActiveBlocksPerMultiprocessor(out, function, block, dynamic_shared) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuOccupancyMaxPotentialBlockSize(
    min_grid: *mut c_int,
    block: *mut c_int,
    function: usize,
    _shared_of_block: *const c_void,
    _dynamic_shared: usize,
    limit: c_int,
) -> u32 {
    in_context(|_| {
        let k = find_kernel(function)?;
        let most = k.max_threads as c_int;
        unsafe {
            store(block, if limit > 0 { limit.min(most) } else { most })?;
            store(min_grid, 2 * 132)
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuOccupancyAvailableDynamicSMemPerBlock(
    out: *mut usize,
    function: usize,
    _blocks: c_int,
    _block: c_int,
) -> u32 {
    in_context(|_| {
        let k = find_kernel(function)?;
        let free = SHARED_DEFAULT.saturating_sub(k.program()?.static_shared);
        unsafe { store(out, free as usize) }
    })
}

/// Collects the arguments of a launch: an array of pointers, or a packed buffer in `extra`.
unsafe fn arguments(k: &Kernel, params: *const *const u8, extra: *const *const c_void) -> Outcome<Vec<u8>> {
    let mut out = vec![0u8; k.param_bytes];
    if k.params.is_empty() {
        return Ok(out);
    }
    if !params.is_null() {
        for (i, &(offset, bytes)) in k.params.iter().enumerate() {
            // SAFETY: the caller passes one pointer a parameter, each to a value of the parameter's type.
            unsafe {
                let p = *params.add(i);
                if p.is_null() {
                    return Err(code::INVALID_VALUE);
                }
                std::ptr::copy_nonoverlapping(p, out[offset..].as_mut_ptr(), bytes);
            }
        }
        return Ok(out);
    }
    if extra.is_null() {
        report(&format!("launch of {} without arguments", k.name));
        return Err(code::INVALID_VALUE);
    }
    let (mut buffer, mut len) = (std::ptr::null::<u8>(), 0usize);
    let mut i = 0;
    // SAFETY: a list of keys and values that ends with a key of 0.
    unsafe {
        loop {
            let (key, value) = (
                *extra.add(i) as usize,
                if (*extra.add(i)).is_null() { std::ptr::null() } else { *extra.add(i + 1) },
            );
            match key {
                0 => break,
                1 => buffer = value.cast(),
                2 => len = *value.cast::<usize>(),
                _ => return Err(code::INVALID_VALUE),
            }
            i += 2;
        }
        if buffer.is_null() || len < k.param_bytes {
            return Err(code::INVALID_VALUE);
        }
        std::ptr::copy_nonoverlapping(buffer, out.as_mut_ptr(), k.param_bytes);
    }
    Ok(out)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuLaunchKernel(
    function: usize,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared: c_uint,
    stream: usize,
    params: *const *const u8,
    extra: *const *const c_void,
) -> u32 {
    in_context(|d| {
        d.check()?;
        let k = find_kernel(function)?;
        let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
        let program = k.check(grid, block, shared)?;
        let arguments = unsafe { arguments(&k, params, extra)? };
        d.submit(stream, Arc::new(move |d| kernel::run(d, &program, grid, block, shared, &arguments)))
    })
}

#[repr(C)]
pub struct LaunchConfig {
    grid: [c_uint; 3],
    block: [c_uint; 3],
    shared: c_uint,
    stream: usize,
    attributes: *const c_void,
    attribute_count: c_uint,
}

/// Launch attributes are ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuLaunchKernelEx(
    config: *const LaunchConfig,
    function: usize,
    params: *const *const u8,
    extra: *const *const c_void,
) -> u32 {
    let LaunchConfig { grid: [gx, gy, gz], block: [bx, by, bz], shared, stream, .. } = unsafe { &*config };
    unsafe { cuLaunchKernel(function, *gx, *gy, *gz, *bx, *by, *bz, *shared, *stream, params, extra) }
}
