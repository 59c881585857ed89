//! A kernel launch: a compiled program, its grid and its arguments.

use super::block::Worker;
use super::fault::Fault;
use super::thread::Code;
use crate::memory::LiveMap;
use rayon::prelude::*;
use std::sync::Arc;

/// A kernel with everything it calls, ready to run.
pub struct Program {
    pub kernel: String,
    /// The kernel itself is the first.
    pub functions: Vec<Code>,
    pub static_shared: u32,
    pub kernel_param_bytes: usize,
    /// Number of instructions that access global memory; each has a cache of the allocation it used last.
    pub cached_accesses: usize,
    /// Whether threads of a block wait for each other.
    pub synchronises: bool,
    /// Whether blocks must run in order.
    pub sequential: bool,
    pub max_threads: u32,
}

// SAFETY: a program is only read once it is compiled.
unsafe impl Send for Program {}
unsafe impl Sync for Program {}

/// One launch.
pub struct Launch {
    pub program: Arc<Program>,
    pub grid_dim: [u32; 3],
    pub block_dim: [u32; 3],
    pub dynamic_shared: u32,
    pub params: Vec<u8>,
    pub live: Arc<LiveMap>,
    pub detect_races: bool,
}

impl Launch {
    /// Runs all blocks. Of several faults, that of the first block is returned. Also counts instructions.
    pub fn run(&self) -> Result<u64, Box<Fault>> {
        let blocks = self.grid_dim.iter().map(|&d| u64::from(d)).product::<u64>();
        if self.program.sequential || blocks == 1 {
            let mut worker = Worker::new(self);
            let mut count = 0;
            for b in 0..blocks {
                count += worker.run_block(b)?;
            }
            return Ok(count);
        }
        (0..blocks as usize)
            .into_par_iter()
            .with_min_len((blocks / 256).max(1) as usize)
            .map_init(|| Worker::new(self), |worker, b| worker.run_block(b as u64))
            .reduce(
                || Ok(0),
                |a, b| match (a, b) {
                    (Ok(x), Ok(y)) => Ok(x + y),
                    (Err(x), Err(y)) => Err(if x.block_index <= y.block_index { x } else { y }),
                    (Err(x), _) | (_, Err(x)) => Err(x),
                },
            )
    }
}
