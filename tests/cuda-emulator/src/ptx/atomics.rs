//! `atom` and `red`.
//!
//! A kernel that uses global atomics runs its blocks one after the other, and shared memory belongs to one block, so a
//! plain read, change and write is atomic here.

use super::handlers::conjure;
use super::memory_access::{
    Access, CallParam, Cell, Generic, Global, KernelParam, Local, Shared, Where, in_space, resolve,
};
use super::module::Space;
use super::types::{Half, Pair, Reg, Type};
use crate::exec::thread::{Handler, Inst, STOP_FAULT, Thread};
use half::{bf16, f16};

/// Operands: address as for loads, `b` and `d` the values, `dst` receives the old value.
unsafe fn atomic<S: Access, T: Reg, C: Cell, F: Fn(T, T, T) -> T + Copy>(
    t: &mut Thread,
    i: &Inst,
    pc: u32,
) -> u32 {
    unsafe {
        let Some((p, _)) = resolve::<S>(t, i, size_of::<C>() as u64, true) else { return STOP_FAULT };
        // SAFETY: a closure without captures, of which the caller of `make` had a value.
        let f = conjure::<F>();
        let old = std::ptr::read(p.cast::<C>()).load();
        let b = T::get(*t.regs.add(i.b as usize));
        let c = T::get(*t.regs.add(i.d as usize));
        std::ptr::write(p.cast::<C>(), C::store(f(T::get(old), b, c).put()));
        *t.regs.add(i.dst as usize) = old;
    }
    pc + 1
}

fn make<T: Reg, C: Cell, F: Fn(T, T, T) -> T + Copy + 'static>(place: Where, _: F) -> Handler {
    in_space!(place, S => atomic::<S, T, C, F>)
}

/// The handler of an atomic operation.
pub fn handler(op: &str, ty: Type, place: Where) -> Option<Handler> {
    macro_rules! ints {
        ($t:ty, $c:ty) => {
            match op {
                "add" => make::<$t, $c, _>(place, |a, b, _| a.wrapping_add(b)),
                "min" => make::<$t, $c, _>(place, |a, b, _| a.min(b)),
                "max" => make::<$t, $c, _>(place, |a, b, _| a.max(b)),
                "and" => make::<$t, $c, _>(place, |a, b, _| a & b),
                "or" => make::<$t, $c, _>(place, |a, b, _| a | b),
                "xor" => make::<$t, $c, _>(place, |a, b, _| a ^ b),
                "exch" => make::<$t, $c, _>(place, |_, b, _| b),
                "cas" => make::<$t, $c, _>(place, |a, b, c| if a == b { c } else { a }),
                "inc" => make::<$t, $c, _>(place, |a, b, _| if a >= b { 0 } else { a + 1 }),
                "dec" => make::<$t, $c, _>(place, |a, b, _| if a == 0 || a > b { b } else { a - 1 }),
                _ => return None,
            }
        };
    }
    Some(match (ty, op) {
        (Type::F32, "add") => make::<f32, u32, _>(place, |a, b, _| a + b),
        (Type::F64, "add") => make::<f64, u64, _>(place, |a, b, _| a + b),
        (Type::F16, "add") => make::<f16, u16, _>(place, |a, b, _| f16::from32(a.to32() + b.to32())),
        (Type::Bf16, "add") => make::<bf16, u16, _>(place, |a, b, _| bf16::from32(a.to32() + b.to32())),
        (Type::F16x2, "add") => make::<Pair<f16>, u32, _>(place, |a, b, _| {
            Pair(f16::from32(a.0.to32() + b.0.to32()), f16::from32(a.1.to32() + b.1.to32()))
        }),
        (Type::Bf16x2, "add") => make::<Pair<bf16>, u32, _>(place, |a, b, _| {
            Pair(bf16::from32(a.0.to32() + b.0.to32()), bf16::from32(a.1.to32() + b.1.to32()))
        }),
        (Type::B16 | Type::U16, _) => ints!(u16, u16),
        (Type::U32 | Type::B32, _) => ints!(u32, u32),
        (Type::S32, _) => ints!(i32, u32),
        (Type::U64 | Type::B64, _) => ints!(u64, u64),
        (Type::S64, _) => ints!(i64, u64),
        _ => return None,
    })
}
