//! One block of a launch.

use super::barrier::{self, Waiting};
use super::fault::{Cause, Fault};
use super::launch::Launch;
use super::races::Races;
use super::thread::{STOP_EXIT, STOP_FAULT, Thread};

/// What the threads of a block share.
pub struct Block {
    pub launch: *const Launch,
    pub ctaid: [u32; 3],
    pub index: u64,
    pub shared: Vec<u8>,
    /// Per access instruction: the start and end of the allocation it used last.
    pub cache: Vec<(u64, u64)>,
    pub races: Option<Races>,
    /// Arrivals without waiting, per barrier.
    pub arrivals: [usize; 16],
    /// Counts block-wide barriers.
    pub epoch: u32,
}

/// Runs blocks one after the other, reusing its buffers.
pub struct Worker<'a> {
    launch: &'a Launch,
    block: Box<Block>,
    threads: Vec<Thread>,
    registers: Vec<u64>,
}

impl<'a> Worker<'a> {
    pub fn new(launch: &'a Launch) -> Self {
        let program = &launch.program;
        let count = launch.block_dim.iter().product::<u32>() as usize;
        let mut block = Box::new(Block {
            launch,
            ctaid: [0; 3],
            index: 0,
            shared: vec![0xFF; (program.static_shared + launch.dynamic_shared) as usize],
            // An empty range that no access lies in.
            cache: vec![(u64::MAX, 0); program.cached_accesses],
            races: None,
            arrivals: [0; 16],
            epoch: 0,
        });
        if launch.detect_races {
            block.races = Some(Races::new(block.shared.len()));
        }
        let at_once = if program.synchronises { count } else { 1 };
        let pointer: *mut Block = &mut *block;
        Worker {
            launch,
            threads: (0..at_once).map(|_| Thread::new(pointer)).collect(),
            registers: vec![0; at_once * program.functions[0].slots()],
            block,
        }
    }

    /// Runs one block and returns the number of instructions.
    pub fn run_block(&mut self, index: u64) -> Result<u64, Box<Fault>> {
        let [gx, gy, _] = self.launch.grid_dim.map(u64::from);
        self.block.index = index;
        self.block.ctaid = [(index % gx) as u32, (index / gx % gy) as u32, (index / gx / gy) as u32];
        self.block.shared.fill(0xFF);
        self.block.epoch = 0;
        self.block.arrivals = [0; 16];
        if let Some(r) = &mut self.block.races {
            r.clear();
        }
        for t in &mut self.threads {
            t.instructions = 0;
        }
        if self.launch.program.synchronises {
            self.run_together()?
        } else {
            self.run_alone()?
        }
        Ok(self.threads.iter().map(|t| t.instructions).sum())
    }

    fn tid(&self, i: u32) -> [u32; 3] {
        let [x, y, _] = self.launch.block_dim;
        [i % x, i / x % y, i / x / y]
    }

    fn run_alone(&mut self) -> Result<(), Box<Fault>> {
        let count = self.launch.block_dim.iter().product::<u32>();
        for i in 0..count {
            let tid = self.tid(i);
            let t = &mut self.threads[0];
            // SAFETY: the registers and the block live as long as the worker.
            let stop = unsafe {
                t.reset(self.registers.as_mut_ptr(), i, tid);
                t.run()
            };
            if stop == STOP_FAULT {
                return Err(t.fault.take().expect("a stopped thread has its fault"));
            }
        }
        Ok(())
    }

    fn run_together(&mut self) -> Result<(), Box<Fault>> {
        let slots = self.launch.program.functions[0].slots();
        let count = self.threads.len();
        for i in 0..count {
            let tid = self.tid(i as u32);
            // SAFETY: each thread has its own part of the registers, which live as long as the worker.
            unsafe { self.threads[i].reset(self.registers.as_mut_ptr().add(i * slots), i as u32, tid) };
        }
        let mut states = vec![Waiting::Ready; count];
        let mut exited = 0;
        loop {
            for w in (0..count).step_by(32) {
                let lanes = w..(w + 32).min(count);
                loop {
                    for i in lanes.clone() {
                        if states[i] != Waiting::Ready {
                            continue;
                        }
                        let t = &mut self.threads[i];
                        // SAFETY: the thread has been reset above.
                        match unsafe { t.run() } {
                            STOP_EXIT => {
                                states[i] = Waiting::Exited;
                                exited += 1;
                            }
                            STOP_FAULT => {
                                return Err(t.fault.take().expect("a stopped thread has its fault"));
                            }
                            _ => states[i] = barrier::waiting(t),
                        }
                    }
                    if !barrier::resolve_warp(&mut self.threads[lanes.clone()], &mut states[lanes.clone()])? {
                        break;
                    }
                }
            }
            if exited == count {
                return Ok(());
            }
            if !barrier::resolve_block(&mut self.block, &mut self.threads, &mut states)? {
                let message = barrier::describe_deadlock(&self.threads, &states);
                let stuck = states.iter().position(|s| *s != Waiting::Exited).unwrap_or(0);
                let t = &mut self.threads[stuck];
                // SAFETY: the program counter of a waiting thread is that of its waiting instruction.
                let i = unsafe { (&(*t.code).insts)[t.pc as usize] };
                t.fault(&i, Cause::Deadlock(message));
                return Err(t.fault.take().expect("just set"));
            }
        }
    }
}
