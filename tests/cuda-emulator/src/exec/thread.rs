//! One emulated thread, and the instruction format it runs.

use super::block::Block;
use super::fault::{Cause, Fault};
use super::launch::Launch;

/// Runs one instruction and returns the index of the next, or one of the `STOP_…` codes.
pub type Handler = unsafe fn(&mut Thread, &Inst, u32) -> u32;

/// The thread has ended.
pub const STOP_EXIT: u32 = u32::MAX;
/// The thread waits for others; its program counter stays at the waiting instruction.
pub const STOP_WAIT: u32 = u32::MAX - 1;
/// The thread has faulted.
pub const STOP_FAULT: u32 = u32::MAX - 2;
/// A call or return has changed the function; `Thread::pc` is set.
pub const STOP_SWITCH: u32 = u32::MAX - 3;
const FIRST_STOP: u32 = STOP_SWITCH;

/// No guard predicate.
pub const NO_GUARD: u32 = u32::MAX;

/// Jumps backwards after which a thread is taken to loop forever.
const MAX_BACKWARD_JUMPS: u64 = 1 << 32;

/// Address windows of shared, local and parameter memory in the generic address space. No host pointer lies there.
pub const SHARED_WINDOW: u64 = 0x1000_0000_0000_0000;
pub const LOCAL_WINDOW: u64 = 0x2000_0000_0000_0000;
pub const PARAM_WINDOW: u64 = 0x3000_0000_0000_0000;
pub const WINDOW_MASK: u64 = 0xF000_0000_0000_0000;

/// A decoded instruction. Operands are indices of register slots, whose meaning depends on the handler.
#[derive(Clone, Copy)]
pub struct Inst {
    pub exec: Handler,
    /// `slot << 1 | negate`, or [`NO_GUARD`].
    pub guard: u32,
    pub dst: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub d: u32,
    pub flags: u32,
    pub imm: i64,
    pub line: u32,
    /// What a waiting instruction waits for, see [`super::barrier`].
    pub wait: u32,
}

/// A special register that a function reads, and the slot it is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    Tid(u8),
    Ntid(u8),
    Ctaid(u8),
    Nctaid(u8),
    LaneId,
    WarpId,
    WarpCount,
    LaneMaskEq,
    LaneMaskLt,
    LaneMaskLe,
    LaneMaskGt,
    LaneMaskGe,
    DynamicSharedSize,
    TotalSharedSize,
    Zero,
    WarpSize,
    SmCount,
}

/// Where the value of a call's argument or result lives on the caller's side.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Offset in the caller's parameter area.
    Area(u32),
    /// A register slot.
    Slot(u32),
}

/// One argument or result of a call: the caller's place, the offset in the callee's parameter area, the size.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub place: Place,
    pub callee_offset: u32,
    pub bytes: u32,
}

/// A call instruction's details.
#[derive(Clone, Debug)]
pub struct CallSite {
    pub callee: usize,
    pub arguments: Vec<Transfer>,
    pub results: Vec<Transfer>,
}

/// A compiled function.
pub struct Code {
    pub name: String,
    pub insts: Vec<Inst>,
    /// Register slots that start as zero; then come the specials, then the constants.
    pub registers: usize,
    pub specials: Vec<Special>,
    pub constants: Vec<u64>,
    /// `(slot, offset)` of addresses of local variables, which depend on the depth of the call.
    pub local_addresses: Vec<(u32, u64)>,
    pub local_bytes: u64,
    pub param_bytes: usize,
    pub calls: Vec<CallSite>,
    /// What `unsupported` instructions say.
    pub messages: Vec<String>,
    /// Lists of slots of vector operands and jump tables.
    pub lists: Vec<u32>,
}

impl Code {
    pub fn slots(&self) -> usize {
        self.registers + self.specials.len() + self.constants.len()
    }
}

struct Frame {
    regs: *mut u64,
    function: usize,
    return_pc: u32,
    params: Vec<u8>,
    local_base: u64,
    site: *const CallSite,
    _own: Vec<u64>,
}

/// One emulated thread.
pub struct Thread {
    pub regs: *mut u64,
    pub code: *const Code,
    pub pc: u32,
    pub block: *mut Block,
    /// Linear index in the block.
    pub index: u32,
    pub tid: [u32; 3],
    pub function: usize,
    frames: Vec<Frame>,
    callee_registers: Vec<u64>,
    /// The parameter area of the current function.
    pub params: Vec<u8>,
    pub local: Vec<u8>,
    pub local_base: u64,
    pub carry: u64,
    pub backward_jumps: u64,
    pub instructions: u64,
    pub fault: Option<Box<Fault>>,
    /// Counts the warp-wide synchronisations passed, for the detection of races.
    pub warp_epoch: u32,
    /// Counts reads of the clock.
    pub clock: u64,
}

impl Thread {
    pub fn new(block: *mut Block) -> Thread {
        Thread {
            regs: std::ptr::null_mut(),
            code: std::ptr::null(),
            pc: 0,
            block,
            index: 0,
            tid: [0; 3],
            function: 0,
            frames: Vec::new(),
            callee_registers: Vec::new(),
            params: Vec::new(),
            local: Vec::new(),
            local_base: 0,
            carry: 0,
            backward_jumps: 0,
            instructions: 0,
            fault: None,
            warp_epoch: 0,
            clock: 0,
        }
    }

    /// Prepares the thread to run function 0 from its start. `regs` has room for all slots of the function.
    ///
    /// # Safety
    /// `regs` and `self.block` must outlive the run.
    pub unsafe fn reset(&mut self, regs: *mut u64, index: u32, tid: [u32; 3]) {
        let block = unsafe { &*self.block };
        let launch: &Launch = unsafe { &*block.launch };
        let code = &launch.program.functions[0];
        self.regs = regs;
        self.code = code;
        self.pc = 0;
        self.index = index;
        self.tid = tid;
        self.function = 0;
        self.frames.clear();
        self.params.clear();
        self.params.resize(code.param_bytes, 0xFF);
        self.local.clear();
        self.local.resize(code.local_bytes as usize, 0xFF);
        self.local_base = 0;
        self.backward_jumps = 0;
        self.fault = None;
        self.warp_epoch = 0;
        self.clock = 0;
        unsafe { self.fill_slots(code) };
    }

    unsafe fn fill_slots(&mut self, code: &Code) {
        unsafe {
            std::ptr::write_bytes(self.regs, 0, code.registers);
            let specials = self.regs.add(code.registers);
            for (i, &s) in code.specials.iter().enumerate() {
                *specials.add(i) = self.special(s);
            }
            let constants = specials.add(code.specials.len());
            std::ptr::copy_nonoverlapping(code.constants.as_ptr(), constants, code.constants.len());
            for &(slot, offset) in &code.local_addresses {
                *self.regs.add(slot as usize) = self.local_base + offset;
            }
        }
    }

    fn special(&self, s: Special) -> u64 {
        let block = unsafe { &*self.block };
        let launch = unsafe { &*block.launch };
        let lane = self.index % 32;
        let threads = launch.block_dim.iter().product::<u32>();
        let dim = |v: [u32; 3], i: u8| v[i as usize];
        u64::from(match s {
            Special::Tid(i) => dim(self.tid, i),
            Special::Ntid(i) => dim(launch.block_dim, i),
            Special::Ctaid(i) => dim(block.ctaid, i),
            Special::Nctaid(i) => dim(launch.grid_dim, i),
            Special::LaneId => lane,
            Special::WarpId => self.index / 32,
            Special::WarpCount => threads.div_ceil(32),
            Special::LaneMaskEq => 1 << lane,
            Special::LaneMaskLt => (1u32 << lane) - 1,
            Special::LaneMaskLe => (1u32 << lane) - 1 | 1 << lane,
            Special::LaneMaskGt => !((1u32 << lane) - 1 | 1 << lane),
            Special::LaneMaskGe => !((1u32 << lane) - 1),
            Special::DynamicSharedSize => launch.dynamic_shared,
            Special::TotalSharedSize => launch.program.static_shared + launch.dynamic_shared,
            Special::Zero => 0,
            Special::WarpSize => 32,
            Special::SmCount => 132,
        })
    }

    /// Runs until the thread stops; returns the stop code.
    ///
    /// # Safety
    /// The thread must have been [`reset`](Self::reset), and its program must be well formed.
    pub unsafe fn run(&mut self) -> u32 {
        unsafe {
            loop {
                let insts = (*self.code).insts.as_ptr();
                let mut pc = self.pc;
                let mut count = 0u64;
                let stop = loop {
                    let i = &*insts.add(pc as usize);
                    count += 1;
                    if i.guard != NO_GUARD && *self.regs.add((i.guard >> 1) as usize) as u32 == i.guard & 1 {
                        pc += 1;
                        continue;
                    }
                    let next = (i.exec)(self, i, pc);
                    if next >= FIRST_STOP {
                        break next;
                    }
                    pc = next;
                };
                self.instructions += count;
                if stop != STOP_SWITCH {
                    self.pc = pc;
                    return stop;
                }
            }
        }
    }

    /// Records a fault at instruction `i`.
    #[cold]
    #[inline(never)]
    pub fn fault(&mut self, i: &Inst, cause: Cause) -> u32 {
        let block = unsafe { &*self.block };
        self.fault = Some(Box::new(Fault {
            cause,
            line: i.line,
            function: unsafe { (*self.code).name.clone() },
            block: block.ctaid,
            thread: self.tid,
            block_index: block.index,
        }));
        STOP_FAULT
    }

    /// Counts a jump backwards; a kernel that makes too many is taken to hang.
    #[inline(always)]
    pub fn jump(&mut self, i: &Inst, from: u32, to: u32) -> u32 {
        if to <= from {
            self.backward_jumps += 1;
            if self.backward_jumps > MAX_BACKWARD_JUMPS {
                return self.fault(i, Cause::Deadlock("the thread seems to loop forever".into()));
            }
        }
        to
    }

    /// Enters the function of call site `i.imm`.
    ///
    /// # Safety
    /// `i` must be a call instruction of the current function.
    pub unsafe fn call(&mut self, i: &Inst, pc: u32) -> u32 {
        unsafe {
            let caller = &*self.code;
            let site = &caller.calls[i.imm as usize];
            let launch = &*(*self.block).launch;
            let callee = &launch.program.functions[site.callee];
            if self.frames.len() > 200 {
                return self.fault(i, Cause::Unsupported("more than 200 nested calls".into()));
            }
            let mut params = vec![0xFFu8; callee.param_bytes];
            for a in &site.arguments {
                let (at, n) = (a.callee_offset as usize, a.bytes as usize);
                match a.place {
                    Place::Area(o) => {
                        params[at..at + n].copy_from_slice(&self.params[o as usize..o as usize + n])
                    }
                    Place::Slot(s) => {
                        let v = (*self.regs.add(s as usize)).to_le_bytes();
                        params[at..at + n].copy_from_slice(&v[..n]);
                    }
                }
            }
            let mut own = vec![0u64; callee.slots()];
            let regs = own.as_mut_ptr();
            std::mem::swap(&mut own, &mut self.callee_registers);
            self.frames.push(Frame {
                regs: self.regs,
                function: self.function,
                return_pc: pc + 1,
                params: std::mem::replace(&mut self.params, params),
                local_base: self.local_base,
                site,
                _own: own,
            });
            self.local_base = (self.local.len() as u64).next_multiple_of(16);
            self.local.resize((self.local_base + callee.local_bytes) as usize, 0xFF);
            self.regs = regs;
            self.code = callee;
            self.function = site.callee;
            self.pc = 0;
            self.fill_slots(callee);
            STOP_SWITCH
        }
    }

    /// Returns to the caller, or ends the thread when there is none.
    ///
    /// # Safety
    /// The thread must be running.
    pub unsafe fn ret(&mut self) -> u32 {
        unsafe {
            let Some(frame) = self.frames.pop() else { return STOP_EXIT };
            let site = &*frame.site;
            let results = std::mem::replace(&mut self.params, frame.params);
            self.local.truncate(self.local_base as usize);
            self.local_base = frame.local_base;
            self.regs = frame.regs;
            self.callee_registers = frame._own;
            self.function = frame.function;
            let launch: &Launch = &*(*self.block).launch;
            self.code = &launch.program.functions[frame.function];
            self.pc = frame.return_pc;
            for r in &site.results {
                let (from, n) = (r.callee_offset as usize, r.bytes as usize);
                match r.place {
                    Place::Area(o) => {
                        self.params[o as usize..o as usize + n].copy_from_slice(&results[from..from + n])
                    }
                    Place::Slot(s) => {
                        let mut v = [0u8; 8];
                        v[..n].copy_from_slice(&results[from..from + n]);
                        *self.regs.add(s as usize) = u64::from_le_bytes(v);
                    }
                }
            }
            STOP_SWITCH
        }
    }
}
