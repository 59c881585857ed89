//! Execution of compiled kernels on the CPU.
//!
//! Blocks are independent and run on several host threads (one after the other where a kernel touches global
//! memory atomically, so that results do not depend on timing). Within a block each emulated thread runs alone
//! until it reaches a barrier, a warp-wide instruction or its end.

pub mod barrier;
pub mod block;
pub mod fault;
pub mod launch;
pub mod races;
pub mod thread;
