//! Turns plain Rust functions of register values into instruction handlers.
//!
//! The functions are closures without captures; a handler is instantiated for each, so that the interpreter's loop
//! makes one indirect call an instruction and the operation itself is inlined.

use super::types::Reg;
use crate::exec::thread::{Handler, Inst, Thread};

/// The value of a type that has only one.
///
/// # Safety
/// A value of `F` must have been seen, so that it is known to exist.
#[inline(always)]
pub(super) unsafe fn conjure<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "handlers take closures without captures") };
    // SAFETY: reading a zero-sized type touches no memory, and the caller knows that it is inhabited.
    unsafe { std::ptr::NonNull::<F>::dangling().read() }
}

#[inline(always)]
pub unsafe fn get<T: Reg>(t: &Thread, slot: u32) -> T {
    // SAFETY: slots of decoded instructions are within the register file.
    T::get(unsafe { *t.regs.add(slot as usize) })
}

#[inline(always)]
pub unsafe fn set<T: Reg>(t: &mut Thread, slot: u32, value: T) {
    // SAFETY: as for `get`.
    unsafe { *t.regs.add(slot as usize) = value.put() }
}

/// `dst = f(a)`
pub fn unary<A: Reg, D: Reg, F: Fn(A) -> D + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, D: Reg, F: Fn(A) -> D + Copy>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let v = f(get(t, i.a));
            set(t, i.dst, v);
        }
        pc + 1
    }
    run::<A, D, F>
}

/// `dst = f(a, b)`
pub fn binary<A: Reg, B: Reg, D: Reg, F: Fn(A, B) -> D + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, B: Reg, D: Reg, F: Fn(A, B) -> D + Copy>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let v = f(get(t, i.a), get(t, i.b));
            set(t, i.dst, v);
        }
        pc + 1
    }
    run::<A, B, D, F>
}

/// `dst = f(a, b, c)`
pub fn ternary<A: Reg, B: Reg, C: Reg, D: Reg, F: Fn(A, B, C) -> D + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, B: Reg, C: Reg, D: Reg, F: Fn(A, B, C) -> D + Copy>(
        t: &mut Thread,
        i: &Inst,
        pc: u32,
    ) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let v = f(get(t, i.a), get(t, i.b), get(t, i.c));
            set(t, i.dst, v);
        }
        pc + 1
    }
    run::<A, B, C, D, F>
}

/// `dst = f(a, b, c, d)`
pub fn quaternary<A: Reg, B: Reg, C: Reg, E: Reg, D: Reg, F: Fn(A, B, C, E) -> D + Copy + 'static>(
    _: F,
) -> Handler {
    unsafe fn run<A: Reg, B: Reg, C: Reg, E: Reg, D: Reg, F: Fn(A, B, C, E) -> D + Copy>(
        t: &mut Thread,
        i: &Inst,
        pc: u32,
    ) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let v = f(get(t, i.a), get(t, i.b), get(t, i.c), get(t, i.d));
            set(t, i.dst, v);
        }
        pc + 1
    }
    run::<A, B, C, E, D, F>
}

/// `dst = f(flags, imm, a, b, c)`, for operations with modifiers that need no speed.
pub fn general<A: Reg, B: Reg, C: Reg, D: Reg, F: Fn(u32, i64, A, B, C) -> D + Copy + 'static>(
    _: F,
) -> Handler {
    unsafe fn run<A: Reg, B: Reg, C: Reg, D: Reg, F: Fn(u32, i64, A, B, C) -> D + Copy>(
        t: &mut Thread,
        i: &Inst,
        pc: u32,
    ) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let v = f(i.flags, i.imm, get(t, i.a), get(t, i.b), get(t, i.c));
            set(t, i.dst, v);
        }
        pc + 1
    }
    run::<A, B, C, D, F>
}

/// `dst = f(a, b, c, carry)`, where `f` also gives the new carry, kept only if `flags` is not 0.
pub fn carrying<A: Reg, D: Reg, F: Fn(A, A, A, u64) -> (D, u64) + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, D: Reg, F: Fn(A, A, A, u64) -> (D, u64) + Copy>(
        t: &mut Thread,
        i: &Inst,
        pc: u32,
    ) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let (v, carry) = f(get(t, i.a), get(t, i.b), get(t, i.c), t.carry);
            set(t, i.dst, v);
            if i.flags != 0 {
                t.carry = carry;
            }
        }
        pc + 1
    }
    run::<A, D, F>
}

/// Flags of [`compare_full`].
pub mod combine {
    pub const NONE: u32 = 0;
    pub const AND: u32 = 1;
    pub const OR: u32 = 2;
    pub const XOR: u32 = 3;
    pub const NEGATE_C: u32 = 8;
}

/// `dst = a ? b` and its complement in `d`, each combined with the predicate `c` as `flags` says.
pub fn compare_full<A: Reg, F: Fn(A, A) -> bool + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, F: Fn(A, A) -> bool + Copy>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let r = f(get(t, i.a), get(t, i.b));
            let c = get::<bool>(t, i.c) ^ (i.flags & combine::NEGATE_C != 0);
            let with = |r: bool| match i.flags & 7 {
                combine::AND => r & c,
                combine::OR => r | c,
                combine::XOR => r ^ c,
                _ => r,
            };
            set(t, i.dst, with(r));
            set(t, i.d, with(!r));
        }
        pc + 1
    }
    run::<A, F>
}

/// As [`compare_full`] for the two halves of a register: the lower's result in `dst`, the upper's in `d`.
pub fn compare_pair<A: Reg, F: Fn(A, A) -> (bool, bool) + Copy + 'static>(_: F) -> Handler {
    unsafe fn run<A: Reg, F: Fn(A, A) -> (bool, bool) + Copy>(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
        unsafe {
            let f = conjure::<F>();
            let (low, high) = f(get(t, i.a), get(t, i.b));
            let c = get::<bool>(t, i.c) ^ (i.flags & combine::NEGATE_C != 0);
            let with = |r: bool| match i.flags & 7 {
                combine::AND => r & c,
                combine::OR => r | c,
                combine::XOR => r ^ c,
                _ => r,
            };
            set(t, i.dst, with(low));
            set(t, i.d, with(high));
        }
        pc + 1
    }
    run::<A, F>
}
