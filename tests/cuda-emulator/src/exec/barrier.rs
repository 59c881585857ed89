//! Barriers, shuffles, votes: everything that needs several threads of a block at once.

use super::block::Block;
use super::fault::{Cause, Fault};
use super::thread::{Inst, Thread};

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    Ready,
    Exited,
    /// At a warp-wide instruction.
    Warp,
    /// At a block-wide barrier.
    Block,
}

/// Kinds of waiting instructions, in `Inst::wait`. Operands:
/// * shuffle: `dst`, `d` predicate, `a` value, `b` lane, `c` clamp and segments, `imm` slot of the mask, `flags` mode
/// * vote, match, redux, elect: `dst`, `d` predicate, `a` value, `imm` slot of the mask, `flags` operation
/// * warp barrier: `imm` slot of the mask
/// * active mask: `dst`
/// * barrier: `a` number, `b` slot of the thread count or `u32::MAX`, `c` predicate, `dst` result, `flags` reduction
pub mod kind {
    pub const SHUFFLE: u32 = 1;
    pub const VOTE: u32 = 2;
    pub const MATCH: u32 = 3;
    pub const REDUX: u32 = 4;
    pub const WARP_BARRIER: u32 = 5;
    pub const ACTIVE_MASK: u32 = 6;
    pub const ELECT: u32 = 7;
    /// Kinds from here on wait for the block.
    pub const BARRIER: u32 = 16;
}

pub mod shuffle {
    pub const UP: u32 = 0;
    pub const DOWN: u32 = 1;
    pub const BUTTERFLY: u32 = 2;
    pub const INDEX: u32 = 3;
}

pub mod vote {
    pub const ALL: u32 = 0;
    pub const ANY: u32 = 1;
    pub const UNIFORM: u32 = 2;
    pub const BALLOT: u32 = 3;
    pub const NEGATE: u32 = 8;
}

pub mod matching {
    pub const ANY: u32 = 0;
    pub const ALL: u32 = 1;
}

pub mod redux {
    pub const ADD: u32 = 0;
    pub const MIN_U: u32 = 1;
    pub const MAX_U: u32 = 2;
    pub const MIN_S: u32 = 3;
    pub const MAX_S: u32 = 4;
    pub const AND: u32 = 5;
    pub const OR: u32 = 6;
    pub const XOR: u32 = 7;
}

pub mod reduction {
    pub const NONE: u32 = 0;
    pub const POPC: u32 = 1;
    pub const AND: u32 = 2;
    pub const OR: u32 = 3;
    pub const NEGATE: u32 = 8;
}

fn inst(t: &Thread) -> &Inst {
    // SAFETY: a waiting thread's program counter is that of the waiting instruction of its current function.
    unsafe { &(&(*t.code).insts)[t.pc as usize] }
}

fn read(t: &Thread, slot: u32) -> u64 {
    // SAFETY: slots of decoded instructions are within the register file.
    unsafe { *t.regs.add(slot as usize) }
}

fn write(t: &mut Thread, slot: u32, value: u64) {
    // SAFETY: as for `read`.
    unsafe { *t.regs.add(slot as usize) = value }
}

/// The state of a thread that has just stopped to wait.
pub fn waiting(t: &Thread) -> Waiting {
    if inst(t).wait >= kind::BARRIER { Waiting::Block } else { Waiting::Warp }
}

fn fault(t: &mut Thread, cause: Cause) -> Box<Fault> {
    let i = *inst(t);
    t.fault(&i, cause);
    t.fault.take().expect("just set")
}

/// Completes the warp-wide instructions of one warp whose threads have all arrived. Says whether any has completed.
pub fn resolve_warp(threads: &mut [Thread], states: &mut [Waiting]) -> Result<bool, Box<Fault>> {
    let n = threads.len();
    let mut progress = false;
    let mut seen = 0u32;
    for lane in 0..n {
        if states[lane] != Waiting::Warp || seen >> lane & 1 != 0 {
            continue;
        }
        let i = *inst(&threads[lane]);
        if i.wait == kind::ACTIVE_MASK {
            continue;
        }
        let mask = read(&threads[lane], i.imm as u32) as u32;
        if mask >> lane & 1 == 0 {
            let m = format!(
                "warp instruction with mask {mask:#x}, in which the executing lane {lane} is missing"
            );
            return Err(fault(&mut threads[lane], Cause::Deadlock(m)));
        }
        let mut group = 0u32;
        let mut complete = true;
        for other in (0..n).filter(|&o| mask >> o & 1 != 0) {
            match states[other] {
                Waiting::Exited => {}
                Waiting::Warp => {
                    let j = inst(&threads[other]);
                    let same = j.wait == i.wait
                        && j.flags == i.flags
                        && read(&threads[other], j.imm as u32) as u32 == mask;
                    complete &= same;
                    group |= 1 << other;
                }
                Waiting::Ready | Waiting::Block => complete = false,
            }
        }
        if complete {
            execute(threads, group, mask);
            for other in (0..n).filter(|&o| group >> o & 1 != 0) {
                threads[other].pc += 1;
                states[other] = Waiting::Ready;
            }
            progress = true;
        }
        seen |= group;
    }
    if !progress {
        // Threads that ask for the active mask at the same place are taken to be converged.
        for lane in 0..n {
            if states[lane] != Waiting::Warp || inst(&threads[lane]).wait != kind::ACTIVE_MASK {
                continue;
            }
            let place = (threads[lane].code, threads[lane].pc);
            let together: Vec<usize> = (lane..n)
                .filter(|&o| states[o] == Waiting::Warp && (threads[o].code, threads[o].pc) == place)
                .collect();
            let mask = together.iter().fold(0u64, |m, &o| m | 1 << o);
            for o in together {
                let dst = inst(&threads[o]).dst;
                write(&mut threads[o], dst, mask);
                threads[o].pc += 1;
                states[o] = Waiting::Ready;
            }
            return Ok(true);
        }
    }
    Ok(progress)
}

/// Performs the instruction at which the threads of `group` wait.
fn execute(threads: &mut [Thread], group: u32, mask: u32) {
    let lanes: Vec<usize> = (0..threads.len()).filter(|&l| group >> l & 1 != 0).collect();
    let values: Vec<u64> = (0..threads.len())
        .map(|l| if group >> l & 1 != 0 { read(&threads[l], inst(&threads[l]).a) } else { 0xFFFF_FFFF })
        .collect();
    let first = *inst(&threads[lanes[0]]);
    match first.wait {
        kind::SHUFFLE => {
            for &l in &lanes {
                let i = *inst(&threads[l]);
                let b = read(&threads[l], i.b) as u32 & 31;
                let c = read(&threads[l], i.c) as u32;
                let (lane, segment, clamp) = (l as u32, c >> 8 & 31, c & 31);
                let last = lane & segment | clamp & !segment;
                let (source, valid) = match i.flags {
                    shuffle::UP => (lane.wrapping_sub(b), (lane as i32 - b as i32) >= last as i32),
                    shuffle::DOWN => (lane + b, lane + b <= last),
                    shuffle::BUTTERFLY => (lane ^ b, lane ^ b <= last),
                    _ => {
                        let j = lane & segment | b & !segment;
                        (j, j <= last)
                    }
                };
                let source = if valid { source } else { lane } as usize;
                let value = values.get(source).copied().unwrap_or(0xFFFF_FFFF);
                write(&mut threads[l], i.dst, value);
                write(&mut threads[l], i.d, u64::from(valid));
            }
        }
        kind::VOTE => {
            let flip = u64::from(first.flags & vote::NEGATE != 0);
            let ballot = lanes.iter().fold(0u64, |m, &l| m | ((values[l] & 1) ^ flip) << l);
            let all = ballot == u64::from(group);
            let result = match first.flags & 7 {
                vote::ALL => u64::from(all),
                vote::ANY => u64::from(ballot != 0),
                vote::UNIFORM => u64::from(all || ballot == 0),
                _ => ballot,
            };
            for &l in &lanes {
                let dst = inst(&threads[l]).dst;
                write(&mut threads[l], dst, result);
            }
        }
        kind::MATCH => {
            for &l in &lanes {
                let i = *inst(&threads[l]);
                let equal = lanes.iter().filter(|&&o| values[o] == values[l]).fold(0u64, |m, &o| m | 1 << o);
                if i.flags == matching::ANY {
                    write(&mut threads[l], i.dst, equal);
                } else {
                    let all = equal == u64::from(group);
                    write(&mut threads[l], i.dst, if all { u64::from(mask) } else { 0 });
                    write(&mut threads[l], i.d, u64::from(all));
                }
            }
        }
        kind::REDUX => {
            let combine = |x: u64, y: u64| -> u64 {
                let (x, y) = (x as u32, y as u32);
                u64::from(match first.flags {
                    redux::ADD => x.wrapping_add(y),
                    redux::MIN_U => x.min(y),
                    redux::MAX_U => x.max(y),
                    redux::MIN_S => (x as i32).min(y as i32) as u32,
                    redux::MAX_S => (x as i32).max(y as i32) as u32,
                    redux::AND => x & y,
                    redux::OR => x | y,
                    _ => x ^ y,
                })
            };
            let result = lanes.iter().map(|&l| values[l]).reduce(combine).unwrap_or(0);
            for &l in &lanes {
                let dst = inst(&threads[l]).dst;
                write(&mut threads[l], dst, result);
            }
        }
        kind::ELECT => {
            for &l in &lanes {
                let i = *inst(&threads[l]);
                write(&mut threads[l], i.dst, lanes[0] as u64);
                write(&mut threads[l], i.d, u64::from(l == lanes[0]));
            }
        }
        _ => {
            for &l in &lanes {
                threads[l].warp_epoch += 1;
            }
        }
    }
}

/// Completes the block-wide barriers at which enough threads have arrived. Says whether any has completed.
pub fn resolve_block(
    block: &mut Block,
    threads: &mut [Thread],
    states: &mut [Waiting],
) -> Result<bool, Box<Fault>> {
    let mut progress = false;
    let mut seen = 0u32;
    for t in 0..threads.len() {
        if states[t] != Waiting::Block {
            continue;
        }
        let i = *inst(&threads[t]);
        let number = read(&threads[t], i.a) as u32;
        if number > 15 {
            let m = format!("barrier number {number}; there are 16");
            return Err(fault(&mut threads[t], Cause::Unsupported(m)));
        }
        if seen >> number & 1 != 0 {
            continue;
        }
        seen |= 1 << number;
        let expected = if i.b == u32::MAX { threads.len() } else { read(&threads[t], i.b) as usize };
        let present: Vec<usize> = (0..threads.len())
            .filter(|&o| {
                states[o] == Waiting::Block && read(&threads[o], inst(&threads[o]).a) as u32 == number
            })
            .collect();
        if present.len() + block.arrivals[number as usize] < expected {
            continue;
        }
        block.arrivals[number as usize] = 0;
        block.epoch += 1;
        let flip = u64::from(i.flags & reduction::NEGATE != 0);
        let set =
            present.iter().filter(|&&o| (read(&threads[o], inst(&threads[o]).c) ^ flip) & 1 != 0).count();
        for &o in &present {
            let j = *inst(&threads[o]);
            match j.flags & 7 {
                reduction::NONE => {}
                reduction::POPC => write(&mut threads[o], j.dst, set as u64),
                reduction::AND => write(&mut threads[o], j.dst, u64::from(set == present.len())),
                _ => write(&mut threads[o], j.dst, u64::from(set > 0)),
            }
            threads[o].pc += 1;
            states[o] = Waiting::Ready;
        }
        progress = true;
    }
    Ok(progress)
}

/// Says who waits where in a block that cannot go on.
pub fn describe_deadlock(threads: &[Thread], states: &[Waiting]) -> String {
    let mut places: Vec<(u32, &'static str, u32, usize)> = Vec::new();
    let mut exited = 0;
    for (t, s) in threads.iter().zip(states) {
        let what = match s {
            Waiting::Exited => {
                exited += 1;
                continue;
            }
            Waiting::Block => "at a block barrier",
            _ => "at a warp instruction",
        };
        let line = inst(t).line;
        match places.iter_mut().find(|p| p.0 == line && p.1 == what) {
            Some(p) => p.3 += 1,
            None => places.push((line, what, t.index, 1)),
        }
    }
    let mut out = format!("the block cannot go on: {exited} of {} threads have ended", threads.len());
    for (line, what, first, n) in places {
        out += &format!(", {n} (the first is number {first}) wait {what} of PTX line {line}");
    }
    out
}
