//! Instructions that move, pack or wait, and registers that are no registers.

use super::*;

pub(super) fn nothing(_: &mut Thread, _: &Inst, pc: u32) -> u32 {
    pc + 1
}

pub(super) fn wait(_: &mut Thread, _: &Inst, _: u32) -> u32 {
    STOP_WAIT
}

pub(super) fn exit(_: &mut Thread, _: &Inst, _: u32) -> u32 {
    STOP_EXIT
}

pub(super) fn trap(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    t.fault(i, Cause::Assertion("trap".into()))
}

pub(super) fn assertion(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    t.fault(i, Cause::Assertion("an assertion failed".into()))
}

/// `imm` is the index of the message among the function's.
pub(super) fn unsupported(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    let message = unsafe { (&(*t.code).messages)[i.imm as usize].clone() };
    t.fault(i, Cause::Unsupported(message))
}

pub(super) fn jump(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    t.jump(i, pc, i.imm as u32)
}

/// Jumps to entry `a` of the list at `imm`, which has `d` entries.
pub(super) fn jump_table(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    let index = unsafe { *t.regs.add(i.a as usize) } as u32;
    if index >= i.d {
        return t.fault(i, Cause::Unsupported(format!("jump table index {index} of {}", i.d)));
    }
    let to = unsafe { (&(*t.code).lists)[i.imm as usize + index as usize] };
    t.jump(i, pc, to)
}

pub(super) unsafe fn call(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe { t.call(i, pc) }
}

pub(super) unsafe fn ret(t: &mut Thread, _: &Inst, _: u32) -> u32 {
    unsafe { t.ret() }
}

/// Splits `a` into `d` registers of `flags` bits, listed at `imm`.
pub(super) fn unpack(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let v = *t.regs.add(i.a as usize);
        for k in 0..i.d {
            let to = (&(*t.code).lists)[(i.imm as u32 + k) as usize];
            *t.regs.add(to as usize) = v >> (k * i.flags) & mask(i.flags);
        }
    }
    pc + 1
}

/// The reverse of [`unpack`].
pub(super) fn pack(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let mut v = 0;
        for k in 0..i.d {
            let from = (&(*t.code).lists)[(i.imm as u32 + k) as usize];
            v |= (*t.regs.add(from as usize) & mask(i.flags)) << (k * i.flags);
        }
        *t.regs.add(i.dst as usize) = v;
    }
    pc + 1
}

pub(super) fn clock(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    t.clock += 1;
    unsafe { *t.regs.add(i.dst as usize) = t.clock };
    pc + 1
}

pub(super) fn arrive(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let number = *t.regs.add(i.a as usize) as usize & 15;
        (&mut *t.block).arrivals[number] += 1;
    }
    pc + 1
}

pub(super) fn special(name: &str) -> Option<Special> {
    let (base, axis) = match name.rsplit_once('.') {
        Some((b, "x")) => (b, 0),
        Some((b, "y")) => (b, 1),
        Some((b, "z")) => (b, 2),
        _ => (name, 3),
    };
    Some(match (base, axis) {
        ("%tid", 0..=2) => Special::Tid(axis),
        ("%ntid", 0..=2) => Special::Ntid(axis),
        ("%ctaid", 0..=2) => Special::Ctaid(axis),
        ("%nctaid", 0..=2) => Special::Nctaid(axis),
        ("%laneid", _) => Special::LaneId,
        ("%warpid", _) => Special::WarpId,
        ("%nwarpid", _) => Special::WarpCount,
        ("%lanemask_eq", _) => Special::LaneMaskEq,
        ("%lanemask_lt", _) => Special::LaneMaskLt,
        ("%lanemask_le", _) => Special::LaneMaskLe,
        ("%lanemask_gt", _) => Special::LaneMaskGt,
        ("%lanemask_ge", _) => Special::LaneMaskGe,
        ("%dynamic_smem_size", _) => Special::DynamicSharedSize,
        ("%total_smem_size", _) => Special::TotalSharedSize,
        ("%smid" | "%gridid" | "%cluster_ctarank", _) => Special::Zero,
        ("%nsmid", _) => Special::SmCount,
        ("WARP_SZ", _) => Special::WarpSize,
        _ => return None,
    })
}
