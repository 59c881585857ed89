//! Loaded modules and the launch of their kernels.

use crate::device::{Device, Outcome, code, enabled, report};
use crate::exec::fault::{Cause, Fault};
use crate::exec::launch::{Launch, Program};
use crate::memory::Kind;
use crate::ptx::compile::{compile, layout};
use crate::ptx::module::{Initial, Module, Space};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

/// Shared memory of a block without, and at most with, an attribute that asks for more.
pub const SHARED_DEFAULT: u32 = 48 << 10;
pub const SHARED_LIMIT: u32 = 227 << 10;

/// A module whose variables have memory.
pub struct Loaded {
    pub module: Module,
    pub addresses: HashMap<String, u64>,
}

/// A kernel of a loaded module.
pub struct Kernel {
    pub loaded: Arc<Loaded>,
    pub name: String,
    /// Offset and size of each parameter.
    pub params: Vec<(usize, usize)>,
    pub param_bytes: usize,
    pub max_threads: u32,
    program: OnceLock<Result<Arc<Program>, String>>,
    pub max_dynamic_shared: Mutex<u32>,
}

impl Loaded {
    /// Parses PTX and gives its variables memory.
    pub fn new(device: &mut Device, text: &str) -> Outcome<Loaded> {
        let module = Module::parse(text).map_err(|e| {
            report(&format!("the module cannot be loaded: {e}"));
            code::INVALID_PTX
        })?;
        let mut addresses = HashMap::new();
        for v in module.variables.values() {
            if matches!(v.space, Space::Global | Space::Const) {
                let a = device.memory.allocate(v.bytes.max(1), Kind::Module).ok_or(code::OUT_OF_MEMORY)?;
                addresses.insert(v.name.clone(), a);
            }
        }
        for v in module.variables.values() {
            let Some(&start) = addresses.get(&v.name) else { continue };
            // Variables without initial values are zero.
            crate::memory::fill(start, v.bytes, 0);
            let size = v.ty.bytes();
            for (k, value) in v.initial.iter().enumerate().take(v.bytes / size.max(1)) {
                let bits = match value {
                    Initial::Bits(b) => *b,
                    Initial::Address { symbol, offset } => {
                        addresses.get(symbol).map_or(0, |a| a.wrapping_add(*offset as u64))
                    }
                };
                // SAFETY: within the variable's allocation.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        bits.to_le_bytes().as_ptr(),
                        (start as usize + k * size) as *mut u8,
                        size.min(8),
                    )
                };
            }
        }
        Ok(Loaded { module, addresses })
    }

    /// Ends the life of the module's variables.
    pub fn unload(&self, device: &mut Device) {
        for &a in self.addresses.values() {
            device.memory.free(a, &[Kind::Module]);
        }
    }
}

impl Kernel {
    pub fn new(loaded: Arc<Loaded>, name: &str) -> Option<Kernel> {
        let f = loaded.module.functions.get(name).filter(|f| f.is_entry && f.body.is_some())?;
        let (offsets, end) = layout(&f.params, 0);
        let params = offsets.into_iter().zip(f.params.iter().map(|p| p.bytes)).collect();
        let max_threads = f.max_threads.unwrap_or(1024).min(1024);
        Some(Kernel {
            name: name.to_owned(),
            params,
            param_bytes: end,
            max_threads,
            loaded,
            program: OnceLock::new(),
            max_dynamic_shared: Mutex::new(0),
        })
    }

    /// The compiled kernel.
    pub fn program(&self) -> Outcome<Arc<Program>> {
        static CACHE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
        let _one_at_a_time = CACHE.lock();
        let p = self
            .program
            .get_or_init(|| compile(&self.loaded.module, &self.name, &self.loaded.addresses).map(Arc::new));
        p.clone().map_err(|e| {
            report(&format!("kernel {} cannot be compiled: {e}", self.name));
            code::NOT_SUPPORTED
        })
    }

    /// Checks a launch's dimensions.
    pub fn check(&self, grid: [u32; 3], block: [u32; 3], dynamic_shared: u32) -> Outcome<Arc<Program>> {
        let program = self.program()?;
        let refuse = |why: String| {
            report(&format!("launch of {} refused: {why}", self.name));
            Err(code::INVALID_VALUE)
        };
        if grid.contains(&0) || block.contains(&0) {
            return refuse(format!("an empty grid {grid:?} or block {block:?}"));
        }
        if grid[0] > i32::MAX as u32 || grid[1] > 65535 || grid[2] > 65535 {
            return refuse(format!("grid {grid:?} is too large"));
        }
        let threads = block.iter().map(|&b| u64::from(b)).product::<u64>();
        if threads > u64::from(self.max_threads) || block[2] > 64 {
            return refuse(format!("block {block:?} has more threads than {}", self.max_threads));
        }
        let asked = *self.max_dynamic_shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let limit = SHARED_DEFAULT.max(asked.saturating_add(program.static_shared)).min(SHARED_LIMIT);
        if program.static_shared.saturating_add(dynamic_shared) > limit {
            return refuse(format!(
                "{} static and {dynamic_shared} dynamic bytes of shared memory exceed {limit}",
                program.static_shared
            ));
        }
        Ok(program)
    }
}

/// Runs a kernel now.
pub fn run(
    device: &mut Device,
    program: &Arc<Program>,
    grid_dim: [u32; 3],
    block_dim: [u32; 3],
    dynamic_shared: u32,
    params: &[u8],
) -> Outcome {
    static RACES: LazyLock<bool> = LazyLock::new(|| enabled("CUDA_EMULATOR_RACES"));
    static PROFILE: LazyLock<bool> = LazyLock::new(|| enabled("CUDA_EMULATOR_PROFILE"));
    let launch = Launch {
        program: program.clone(),
        grid_dim,
        block_dim,
        dynamic_shared,
        params: params.to_vec(),
        live: device.memory.live_map(),
        detect_races: *RACES,
    };
    let start = std::time::Instant::now();
    match launch.run() {
        Ok(n) => {
            if *PROFILE {
                let s = start.elapsed().as_secs_f64();
                report(&format!(
                    "kernel {}, grid {grid_dim:?}, block {block_dim:?}: {n} instructions in {:.3} ms, {:.1} million a second",
                    program.kernel,
                    s * 1e3,
                    n as f64 / s / 1e6
                ));
            }
            Ok(())
        }
        Err(fault) => {
            report(&fault.describe(&program.kernel, &launch.live));
            Err(device.fail(error_code(&fault)))
        }
    }
}

fn error_code(fault: &Fault) -> u32 {
    match fault.cause {
        Cause::OutOfBounds { .. } | Cause::Misaligned { .. } => code::ILLEGAL_ADDRESS,
        Cause::Deadlock(_) => code::LAUNCH_TIMEOUT,
        Cause::Race(_) => code::LAUNCH_FAILED,
        Cause::Assertion(_) => code::ASSERT,
        Cause::Unsupported(_) => code::NOT_SUPPORTED,
    }
}
