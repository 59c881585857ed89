//! Runs PTX without the driver API, so that a fault in one test does not end another's context.
#![allow(dead_code)]

use cuda_emulator::device::Device;
use cuda_emulator::exec::fault::Fault;
use cuda_emulator::exec::launch::Launch;
use cuda_emulator::kernel::{Kernel, Loaded};
use cuda_emulator::memory::{Kind, Memory};
use std::sync::Arc;

/// An argument of a kernel.
pub enum Arg {
    U32(u32),
    U64(u64),
    F32(f32),
}

/// A device with memory and one module.
pub struct Machine {
    pub memory: Memory,
    loaded: Arc<Loaded>,
    pub detect_races: bool,
}

impl Machine {
    pub fn new(ptx: &str) -> Machine {
        let mut device = Device::isolated();
        let loaded = Arc::new(Loaded::new(&mut device, ptx).expect("the PTX parses"));
        Machine { memory: std::mem::take(&mut device.memory), loaded, detect_races: false }
    }

    /// Allocates and copies.
    pub fn upload<T: Copy>(&mut self, values: &[T]) -> u64 {
        let a = self.memory.allocate(size_of_val(values), Kind::Device).unwrap();
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), a as *mut T, values.len()) };
        a
    }

    pub fn download<T: Copy>(&self, address: u64, n: usize) -> Vec<T> {
        assert!(self.memory.find(address, (n * size_of::<T>()) as u64).is_some());
        unsafe { std::slice::from_raw_parts(address as *const T, n) }.to_vec()
    }

    pub fn run(
        &mut self,
        kernel: &str,
        grid: [u32; 3],
        block: [u32; 3],
        shared: u32,
        args: &[Arg],
    ) -> Result<u64, Box<Fault>> {
        let k = Kernel::new(self.loaded.clone(), kernel).expect("the kernel exists");
        let mut params = vec![0u8; k.param_bytes];
        assert_eq!(args.len(), k.params.len());
        for (&(offset, bytes), a) in k.params.iter().zip(args) {
            let v = match a {
                Arg::U32(v) => v.to_le_bytes().to_vec(),
                Arg::U64(v) => v.to_le_bytes().to_vec(),
                Arg::F32(v) => v.to_le_bytes().to_vec(),
            };
            assert_eq!(v.len(), bytes);
            params[offset..offset + bytes].copy_from_slice(&v);
        }
        let program = k.check(grid, block, shared).expect("the launch is valid");
        for f in &program.functions {
            assert!(f.messages.is_empty(), "{:?}", f.messages);
        }
        Launch {
            program,
            grid_dim: grid,
            block_dim: block,
            dynamic_shared: shared,
            params,
            live: self.memory.live_map(),
            detect_races: self.detect_races,
        }
        .run()
    }
}

/// A module of one kernel `k` with pointers `in` and `out`; thread `i` finds its index in `%i`, both addresses in `%in`
/// and `%out`.
pub fn kernel(declarations: &str, body: &str) -> String {
    format!(
        ".version 9.0\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 in, .param .u64 out)\n{{\n\
         .reg .pred %p<9>;\n.reg .b16 %h<9>;\n.reg .b32 %i, %r<20>;\n.reg .f32 %f<9>;\n.reg .b64 %in, %out, %d<20>;\n.reg .f64 %g<9>;\n\
         {declarations}\n\
         ld.param.u64 %in, [in];\nld.param.u64 %out, [out];\nmov.u32 %i, %tid.x;\n\
         {body}\nret;\n}}\n"
    )
}
