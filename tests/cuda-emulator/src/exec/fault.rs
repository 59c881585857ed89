//! What can go wrong in a kernel, and how it is told.

use crate::memory::LiveMap;

/// Why a thread was stopped.
#[derive(Clone, Debug)]
pub enum Cause {
    /// An access outside live memory.
    OutOfBounds { space: &'static str, address: u64, bytes: u64, store: bool },
    /// An access at an address that is not a multiple of its size.
    Misaligned { space: &'static str, address: u64, bytes: u64, store: bool },
    /// A barrier or warp instruction that can never complete.
    Deadlock(String),
    /// Two threads used the same shared memory without a barrier between them.
    Race(String),
    /// `assert` or `trap` in the kernel.
    Assertion(String),
    /// The emulator cannot run this.
    Unsupported(String),
}

/// A stopped thread.
#[derive(Clone, Debug)]
pub struct Fault {
    pub cause: Cause,
    pub line: u32,
    pub function: String,
    pub block: [u32; 3],
    pub thread: [u32; 3],
    pub block_index: u64,
}

impl Fault {
    /// A message of one or more lines for people.
    pub fn describe(&self, kernel: &str, live: &LiveMap) -> String {
        let what = match &self.cause {
            Cause::OutOfBounds { space, address, bytes, store } => {
                let access = if *store { "store of" } else { "load of" };
                let near = if *space == "global" {
                    format!("; {}", live.describe_near(*address))
                } else {
                    String::new()
                };
                format!("{access} {bytes} bytes at {space} address {address:#x} is out of bounds{near}")
            }
            Cause::Misaligned { space, address, bytes, store } => {
                let access = if *store { "store of" } else { "load of" };
                format!("{access} {bytes} bytes at {space} address {address:#x} is misaligned")
            }
            Cause::Deadlock(s) | Cause::Race(s) | Cause::Assertion(s) | Cause::Unsupported(s) => s.clone(),
        };
        let inside = if self.function == kernel { String::new() } else { format!(" in {}", self.function) };
        format!(
            "kernel {kernel}, block ({}, {}, {}), thread ({}, {}, {}), PTX line {}{inside}: {what}",
            self.block[0],
            self.block[1],
            self.block[2],
            self.thread[0],
            self.thread[1],
            self.thread[2],
            self.line
        )
    }
}
