//! Arithmetic, logic and comparison instructions: which handler does what an opcode says.
//!
//! Approximate functions are computed as exactly as the host can, which is closer than hardware comes.

use super::float::{Directed, Round, flush};
use super::handlers::{binary, carrying, compare_full, compare_pair, general, quaternary, ternary, unary};
use super::types::{Half, Pair, Type};
use crate::exec::thread::Handler;
use half::{bf16, f16};

mod bits;

pub use bits::{bfi, dp4a, funnel, lop3, prmt};

use bits::extract;

/// The modifiers of an opcode that arithmetic cares about.
#[derive(Clone, Copy, Debug)]
pub struct Modifiers {
    pub round: Round,
    /// Whether a rounding mode was written.
    pub rounded: bool,
    pub ftz: bool,
    pub sat: bool,
    pub approx: bool,
    pub full: bool,
    pub nan: bool,
    pub relu: bool,
    pub carry_out: bool,
    pub hi: bool,
    pub lo: bool,
    pub wide: bool,
}

fn min32(a: f32, b: f32) -> f32 {
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { a } else { b };
    }
    a.min(b)
}

fn max32(a: f32, b: f32) -> f32 {
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    a.max(b)
}

fn min64(a: f64, b: f64) -> f64 {
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { a } else { b };
    }
    a.min(b)
}

fn max64(a: f64, b: f64) -> f64 {
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    a.max(b)
}

const NAN32: f32 = f32::from_bits(0x7FFF_FFFF);

fn nan_or(a: f32, b: f32, r: f32) -> f32 {
    if a.is_nan() || b.is_nan() { NAN32 } else { r }
}

fn sat32(x: f32) -> f32 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

fn sat64(x: f64) -> f64 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// A handler for `f32` and `f64` functions written once.
macro_rules! float_un {
    ($ty:expr, $m:expr, |$a:ident| $e:expr) => {
        match $ty {
            Type::F32 if $m.ftz => Some(unary(|$a: f32| {
                let $a = flush($a);
                flush($e)
            })),
            Type::F32 => Some(unary(|$a: f32| $e)),
            Type::F64 => Some(unary(|$a: f64| $e)),
            Type::F16 => Some(unary(|x: f16| {
                let $a = x.to32();
                f16::from32($e)
            })),
            Type::Bf16 => Some(unary(|x: bf16| {
                let $a = x.to32();
                bf16::from32($e)
            })),
            Type::F16x2 => Some(unary(|x: Pair<f16>| {
                let f = |x: f16| {
                    let $a = x.to32();
                    f16::from32($e)
                };
                Pair(f(x.0), f(x.1))
            })),
            Type::Bf16x2 => Some(unary(|x: Pair<bf16>| {
                let f = |x: bf16| {
                    let $a = x.to32();
                    bf16::from32($e)
                };
                Pair(f(x.0), f(x.1))
            })),
            _ => None,
        }
    };
}

macro_rules! half_bin {
    ($ty:expr, |$a:ident, $b:ident| $e:expr) => {
        match $ty {
            Type::F16 => Some(binary(|x: f16, y: f16| {
                let ($a, $b) = (x.to32(), y.to32());
                f16::from32($e)
            })),
            Type::Bf16 => Some(binary(|x: bf16, y: bf16| {
                let ($a, $b) = (x.to32(), y.to32());
                bf16::from32($e)
            })),
            Type::F16x2 => Some(binary(|x: Pair<f16>, y: Pair<f16>| {
                let f = |x: f16, y: f16| {
                    let ($a, $b) = (x.to32(), y.to32());
                    f16::from32($e)
                };
                Pair(f(x.0, y.0), f(x.1, y.1))
            })),
            Type::Bf16x2 => Some(binary(|x: Pair<bf16>, y: Pair<bf16>| {
                let f = |x: bf16, y: bf16| {
                    let ($a, $b) = (x.to32(), y.to32());
                    bf16::from32($e)
                };
                Pair(f(x.0, y.0), f(x.1, y.1))
            })),
            _ => None,
        }
    };
}

macro_rules! int_un {
    ($ty:expr, |$a:ident| $e:expr) => {
        match $ty {
            Type::S16 => Some(unary(|$a: i16| $e)),
            Type::S32 => Some(unary(|$a: i32| $e)),
            Type::S64 => Some(unary(|$a: i64| $e)),
            _ => None,
        }
    };
}

macro_rules! int_bin {
    ($ty:expr, |$a:ident, $b:ident| $e:expr) => {
        match $ty {
            Type::U16 | Type::B16 => Some(binary(|$a: u16, $b: u16| $e)),
            Type::U32 | Type::B32 => Some(binary(|$a: u32, $b: u32| $e)),
            Type::U64 | Type::B64 => Some(binary(|$a: u64, $b: u64| $e)),
            Type::S16 => Some(binary(|$a: i16, $b: i16| $e)),
            Type::S32 => Some(binary(|$a: i32, $b: i32| $e)),
            Type::S64 => Some(binary(|$a: i64, $b: i64| $e)),
            _ => None,
        }
    };
}

macro_rules! bits_bin {
    ($ty:expr, |$a:ident, $b:ident| $e:expr) => {
        match $ty.bits() {
            1 => Some(binary(|$a: u64, $b: u64| $e & 1)),
            16 => Some(binary(|$a: u16, $b: u16| $e)),
            32 => Some(binary(|$a: u32, $b: u32| $e)),
            64 => Some(binary(|$a: u64, $b: u64| $e)),
            _ => None,
        }
    };
}

/// `d = op(a)`
pub fn unary_op(op: &str, ty: Type, m: &Modifiers) -> Option<Handler> {
    if ty == Type::F32 && m.rounded && m.round != Round::Nearest {
        return match op {
            "rcp" => {
                Some(general(|f, _, a: f32, _: u32, _: u32| Directed::div(1f32, a, Round::from_code(f))))
            }
            "sqrt" => Some(general(|f, _, a: f32, _: u32, _: u32| Directed::sqrt(a, Round::from_code(f)))),
            _ => None,
        };
    }
    if ty == Type::F64 && m.rounded && m.round != Round::Nearest {
        return match op {
            "rcp" => {
                Some(general(|f, _, a: f64, _: u32, _: u32| Directed::div(1f64, a, Round::from_code(f))))
            }
            "sqrt" => Some(general(|f, _, a: f64, _: u32, _: u32| Directed::sqrt(a, Round::from_code(f)))),
            _ => None,
        };
    }
    match op {
        "abs" if ty.is_float() => float_un!(ty, m, |a| a.abs()),
        "neg" if ty.is_float() => float_un!(ty, m, |a| -a),
        "abs" => int_un!(ty, |a| a.wrapping_abs()),
        "neg" => int_un!(ty, |a| a.wrapping_neg()),
        "not" => match ty.bits() {
            1 => Some(unary(|a: bool| !a)),
            16 => Some(unary(|a: u16| !a)),
            32 => Some(unary(|a: u32| !a)),
            64 => Some(unary(|a: u64| !a)),
            _ => None,
        },
        "cnot" => match ty.bits() {
            16 => Some(unary(|a: u16| u16::from(a == 0))),
            32 => Some(unary(|a: u32| u32::from(a == 0))),
            64 => Some(unary(|a: u64| u64::from(a == 0))),
            _ => None,
        },
        "popc" => match ty.bits() {
            32 => Some(unary(|a: u32| a.count_ones())),
            64 => Some(unary(|a: u64| a.count_ones())),
            _ => None,
        },
        "clz" => match ty.bits() {
            32 => Some(unary(|a: u32| a.leading_zeros())),
            64 => Some(unary(|a: u64| a.leading_zeros())),
            _ => None,
        },
        "brev" => match ty.bits() {
            32 => Some(unary(|a: u32| a.reverse_bits())),
            64 => Some(unary(|a: u64| a.reverse_bits())),
            _ => None,
        },
        "bfind" => match ty {
            Type::U32 => Some(unary(|a: u32| 31u32.wrapping_sub(a.leading_zeros()))),
            Type::S32 => {
                Some(unary(|a: i32| 31u32.wrapping_sub((if a < 0 { !a } else { a }).leading_zeros())))
            }
            Type::U64 => Some(unary(|a: u64| 63u32.wrapping_sub(a.leading_zeros()))),
            Type::S64 => {
                Some(unary(|a: i64| 63u32.wrapping_sub((if a < 0 { !a } else { a }).leading_zeros())))
            }
            _ => None,
        },
        "rcp" => float_un!(ty, m, |a| 1.0 / a),
        "sqrt" => float_un!(ty, m, |a| a.sqrt()),
        "rsqrt" => match ty {
            Type::F32 if m.ftz => Some(unary(|a: f32| flush((1.0 / (flush(a) as f64).sqrt()) as f32))),
            Type::F32 => Some(unary(|a: f32| (1.0 / (a as f64).sqrt()) as f32)),
            Type::F64 => Some(unary(|a: f64| 1.0 / a.sqrt())),
            _ => None,
        },
        "sin" => float_un!(ty, m, |a| a.sin()),
        "cos" => float_un!(ty, m, |a| a.cos()),
        "tanh" => float_un!(ty, m, |a| a.tanh()),
        "ex2" => float_un!(ty, m, |a| a.exp2()),
        "lg2" => float_un!(ty, m, |a| a.log2()),
        _ => None,
    }
}

/// `d = op(a, b)`
pub fn binary_op(op: &str, ty: Type, m: &Modifiers) -> Option<Handler> {
    let directed = m.rounded && m.round != Round::Nearest;
    match op {
        "add" | "sub" | "mul" | "div" if matches!(ty, Type::F32 | Type::F64) && directed => {
            macro_rules! directed {
                ($t:ty) => {
                    match op {
                        "add" => {
                            general(|f, _, a: $t, b: $t, _: u32| Directed::add(a, b, Round::from_code(f)))
                        }
                        "sub" => {
                            general(|f, _, a: $t, b: $t, _: u32| Directed::add(a, -b, Round::from_code(f)))
                        }
                        "mul" => {
                            general(|f, _, a: $t, b: $t, _: u32| Directed::mul(a, b, Round::from_code(f)))
                        }
                        _ => general(|f, _, a: $t, b: $t, _: u32| Directed::div(a, b, Round::from_code(f))),
                    }
                };
            }
            Some(if ty == Type::F32 { directed!(f32) } else { directed!(f64) })
        }
        "add" | "sub" | "mul" | "div" if ty == Type::F32 => {
            macro_rules! f32_op {
                ($f:expr) => {
                    match (m.ftz, m.sat) {
                        (false, false) => binary(|a: f32, b: f32| $f(a, b)),
                        (true, false) => binary(|a: f32, b: f32| flush($f(flush(a), flush(b)))),
                        (false, true) => binary(|a: f32, b: f32| sat32($f(a, b))),
                        (true, true) => binary(|a: f32, b: f32| sat32(flush($f(flush(a), flush(b))))),
                    }
                };
            }
            Some(match op {
                "add" => f32_op!(|a: f32, b: f32| a + b),
                "sub" => f32_op!(|a: f32, b: f32| a - b),
                "mul" => f32_op!(|a: f32, b: f32| a * b),
                _ => f32_op!(|a: f32, b: f32| a / b),
            })
        }
        "add" if ty == Type::F64 => Some(binary(|a: f64, b: f64| a + b)),
        "sub" if ty == Type::F64 => Some(binary(|a: f64, b: f64| a - b)),
        "mul" if ty == Type::F64 => Some(binary(|a: f64, b: f64| a * b)),
        "div" if ty == Type::F64 => Some(binary(|a: f64, b: f64| a / b)),
        "add" if ty.is_float() && m.sat => half_bin!(ty, |a, b| sat32(a + b)),
        "sub" if ty.is_float() && m.sat => half_bin!(ty, |a, b| sat32(a - b)),
        "mul" if ty.is_float() && m.sat => half_bin!(ty, |a, b| sat32(a * b)),
        "add" if ty.is_float() => half_bin!(ty, |a, b| a + b),
        "sub" if ty.is_float() => half_bin!(ty, |a, b| a - b),
        "mul" if ty.is_float() => half_bin!(ty, |a, b| a * b),
        "min" | "max" if ty.is_float() => float_extremum(op == "min", ty, m),
        "add" if m.sat && ty == Type::S32 => Some(binary(|a: i32, b: i32| a.saturating_add(b))),
        "sub" if m.sat && ty == Type::S32 => Some(binary(|a: i32, b: i32| a.saturating_sub(b))),
        "add" => int_bin!(ty, |a, b| a.wrapping_add(b)),
        "sub" => int_bin!(ty, |a, b| a.wrapping_sub(b)),
        "min" => int_bin!(ty, |a, b| a.min(b)),
        "max" => int_bin!(ty, |a, b| a.max(b)),
        "mul" if m.wide => match ty {
            Type::U16 => Some(binary(|a: u16, b: u16| a as u32 * b as u32)),
            Type::S16 => Some(binary(|a: i16, b: i16| a as i32 * b as i32)),
            Type::U32 => Some(binary(|a: u32, b: u32| a as u64 * b as u64)),
            Type::S32 => Some(binary(|a: i32, b: i32| a as i64 * b as i64)),
            _ => None,
        },
        "mul" if m.hi => match ty {
            Type::U16 => Some(binary(|a: u16, b: u16| (a as u32 * b as u32 >> 16) as u16)),
            Type::S16 => Some(binary(|a: i16, b: i16| (a as i32 * b as i32 >> 16) as i16)),
            Type::U32 => Some(binary(|a: u32, b: u32| (a as u64 * b as u64 >> 32) as u32)),
            Type::S32 => Some(binary(|a: i32, b: i32| (a as i64 * b as i64 >> 32) as i32)),
            Type::U64 => Some(binary(|a: u64, b: u64| (a as u128 * b as u128 >> 64) as u64)),
            Type::S64 => Some(binary(|a: i64, b: i64| (a as i128 * b as i128 >> 64) as i64)),
            _ => None,
        },
        "mul" => int_bin!(ty, |a, b| a.wrapping_mul(b)),
        "mul24" => match ty {
            Type::U32 => Some(binary(|a: u32, b: u32| (a & 0xFF_FFFF).wrapping_mul(b & 0xFF_FFFF))),
            Type::S32 => Some(binary(|a: i32, b: i32| (a << 8 >> 8).wrapping_mul(b << 8 >> 8))),
            _ => None,
        },
        // Division by zero gives all ones on hardware, the remainder is then the dividend.
        "div" => int_bin!(ty, |a, b| if b == 0 { !0 } else { a.wrapping_div(b) }),
        "rem" => int_bin!(ty, |a, b| if b == 0 { a } else { a.wrapping_rem(b) }),
        "and" => bits_bin!(ty, |a, b| a & b),
        "or" => bits_bin!(ty, |a, b| a | b),
        "xor" => bits_bin!(ty, |a, b| a ^ b),
        "shl" => match ty.bits() {
            16 => Some(binary(|a: u16, b: u32| a.checked_shl(b).unwrap_or(0))),
            32 => Some(binary(|a: u32, b: u32| a.checked_shl(b).unwrap_or(0))),
            64 => Some(binary(|a: u64, b: u32| a.checked_shl(b).unwrap_or(0))),
            _ => None,
        },
        "shr" => match ty {
            Type::S16 => Some(binary(|a: i16, b: u32| a >> b.min(15))),
            Type::S32 => Some(binary(|a: i32, b: u32| a >> b.min(31))),
            Type::S64 => Some(binary(|a: i64, b: u32| a >> b.min(63))),
            _ => match ty.bits() {
                16 => Some(binary(|a: u16, b: u32| a.checked_shr(b).unwrap_or(0))),
                32 => Some(binary(|a: u32, b: u32| a.checked_shr(b).unwrap_or(0))),
                64 => Some(binary(|a: u64, b: u32| a.checked_shr(b).unwrap_or(0))),
                _ => None,
            },
        },
        // The sign is that of the first operand.
        "copysign" => match ty {
            Type::F32 => Some(binary(|a: f32, b: f32| b.copysign(a))),
            Type::F64 => Some(binary(|a: f64, b: f64| b.copysign(a))),
            _ => None,
        },
        _ => None,
    }
}

fn float_extremum(min: bool, ty: Type, m: &Modifiers) -> Option<Handler> {
    match (ty, min, m.nan) {
        (Type::F32, true, false) if m.ftz => Some(binary(|a: f32, b: f32| min32(flush(a), flush(b)))),
        (Type::F32, false, false) if m.ftz => Some(binary(|a: f32, b: f32| max32(flush(a), flush(b)))),
        (Type::F32, true, false) => Some(binary(min32)),
        (Type::F32, false, false) => Some(binary(max32)),
        (Type::F32, true, true) => Some(binary(|a: f32, b: f32| nan_or(a, b, min32(a, b)))),
        (Type::F32, false, true) => Some(binary(|a: f32, b: f32| nan_or(a, b, max32(a, b)))),
        (Type::F64, true, _) => Some(binary(min64)),
        (Type::F64, false, _) => Some(binary(max64)),
        (_, true, false) => half_bin!(ty, |a, b| min32(a, b)),
        (_, false, false) => half_bin!(ty, |a, b| max32(a, b)),
        (_, true, true) => half_bin!(ty, |a, b| nan_or(a, b, min32(a, b))),
        (_, false, true) => half_bin!(ty, |a, b| nan_or(a, b, max32(a, b))),
    }
}

macro_rules! half_fma {
    ($t:ty, $after:expr) => {
        ternary(|a: $t, b: $t, c: $t| {
            <$t>::from64($after((a.to32() as f64).mul_add(b.to32() as f64, c.to32() as f64)))
        })
    };
}

macro_rules! pair_fma {
    ($t:ty, $after:expr) => {
        ternary(|a: Pair<$t>, b: Pair<$t>, c: Pair<$t>| {
            let f = |a: $t, b: $t, c: $t| {
                <$t>::from64($after((a.to32() as f64).mul_add(b.to32() as f64, c.to32() as f64)))
            };
            Pair(f(a.0, b.0, c.0), f(a.1, b.1, c.1))
        })
    };
}

fn relu(x: f64) -> f64 {
    if x.is_nan() { x } else { x.max(0.0) }
}

/// `d = op(a, b, c)`
pub fn ternary_op(op: &str, ty: Type, m: &Modifiers) -> Option<Handler> {
    let directed = m.rounded && m.round != Round::Nearest;
    match op {
        "fma" | "mad" if ty.is_float() => Some(match ty {
            Type::F32 if directed => {
                general(|f, _, a: f32, b: f32, c: f32| Directed::fma(a, b, c, Round::from_code(f)))
            }
            Type::F64 if directed => {
                general(|f, _, a: f64, b: f64, c: f64| Directed::fma(a, b, c, Round::from_code(f)))
            }
            Type::F32 if m.ftz && m.sat => {
                ternary(|a: f32, b: f32, c: f32| sat32(flush(flush(a).mul_add(flush(b), flush(c)))))
            }
            Type::F32 if m.ftz => {
                ternary(|a: f32, b: f32, c: f32| flush(flush(a).mul_add(flush(b), flush(c))))
            }
            Type::F32 if m.sat => ternary(|a: f32, b: f32, c: f32| sat32(a.mul_add(b, c))),
            Type::F32 => ternary(|a: f32, b: f32, c: f32| a.mul_add(b, c)),
            Type::F64 => ternary(|a: f64, b: f64, c: f64| a.mul_add(b, c)),
            Type::F16 if m.sat => half_fma!(f16, sat64),
            Type::F16 if m.relu => half_fma!(f16, relu),
            Type::F16 => half_fma!(f16, |x: f64| x),
            Type::Bf16 if m.relu => half_fma!(bf16, relu),
            Type::Bf16 => half_fma!(bf16, |x: f64| x),
            Type::F16x2 if m.sat => pair_fma!(f16, sat64),
            Type::F16x2 if m.relu => pair_fma!(f16, relu),
            Type::F16x2 => pair_fma!(f16, |x: f64| x),
            Type::Bf16x2 if m.relu => pair_fma!(bf16, relu),
            Type::Bf16x2 => pair_fma!(bf16, |x: f64| x),
            _ => return None,
        }),
        "mad" if m.wide => match ty {
            Type::U16 => Some(ternary(|a: u16, b: u16, c: u32| (a as u32 * b as u32).wrapping_add(c))),
            Type::S16 => Some(ternary(|a: i16, b: i16, c: i32| (a as i32 * b as i32).wrapping_add(c))),
            Type::U32 => Some(ternary(|a: u32, b: u32, c: u64| (a as u64 * b as u64).wrapping_add(c))),
            Type::S32 => Some(ternary(|a: i32, b: i32, c: i64| (a as i64 * b as i64).wrapping_add(c))),
            _ => None,
        },
        "mad" if m.hi => match ty {
            Type::U32 => {
                Some(ternary(|a: u32, b: u32, c: u32| ((a as u64 * b as u64 >> 32) as u32).wrapping_add(c)))
            }
            Type::S32 => {
                Some(ternary(|a: i32, b: i32, c: i32| ((a as i64 * b as i64 >> 32) as i32).wrapping_add(c)))
            }
            Type::U64 => {
                Some(ternary(|a: u64, b: u64, c: u64| ((a as u128 * b as u128 >> 64) as u64).wrapping_add(c)))
            }
            Type::S64 => {
                Some(ternary(|a: i64, b: i64, c: i64| ((a as i128 * b as i128 >> 64) as i64).wrapping_add(c)))
            }
            _ => None,
        },
        "mad" => match ty.bits() {
            16 => Some(ternary(|a: u16, b: u16, c: u16| a.wrapping_mul(b).wrapping_add(c))),
            32 => Some(ternary(|a: u32, b: u32, c: u32| a.wrapping_mul(b).wrapping_add(c))),
            64 => Some(ternary(|a: u64, b: u64, c: u64| a.wrapping_mul(b).wrapping_add(c))),
            _ => None,
        },
        "mad24" => match ty {
            Type::U32 => Some(ternary(|a: u32, b: u32, c: u32| {
                (a & 0xFF_FFFF).wrapping_mul(b & 0xFF_FFFF).wrapping_add(c)
            })),
            Type::S32 => Some(ternary(|a: i32, b: i32, c: i32| {
                (a << 8 >> 8).wrapping_mul(b << 8 >> 8).wrapping_add(c)
            })),
            _ => None,
        },
        "sad" => match ty {
            Type::U32 => Some(ternary(|a: u32, b: u32, c: u32| a.abs_diff(b).wrapping_add(c))),
            Type::S32 => Some(ternary(|a: i32, b: i32, c: u32| a.abs_diff(b).wrapping_add(c))),
            _ => None,
        },
        "selp" => Some(ternary(|a: u64, b: u64, c: bool| if c { a } else { b })),
        "bfe" => match ty {
            Type::U32 => Some(ternary(|a: u32, b: u32, c: u32| extract(a as u64, b, c, 32, false) as u32)),
            Type::S32 => Some(ternary(|a: u32, b: u32, c: u32| extract(a as u64, b, c, 32, true) as u32)),
            Type::U64 => Some(ternary(|a: u64, b: u32, c: u32| extract(a, b, c, 64, false))),
            Type::S64 => Some(ternary(|a: u64, b: u32, c: u32| extract(a, b, c, 64, true))),
            _ => None,
        },
        _ => None,
    }
}

/// `add.cc`, `addc`, `sub.cc`, `subc`, `mad.cc`, `madc`. They read the carry if `op` ends in `c`.
pub fn carry_op(op: &str, ty: Type, m: &Modifiers) -> Option<Handler> {
    macro_rules! carries {
        ($t:ty, $wide:ty, $bits:expr) => {{
            match (op, m.hi) {
                ("add", _) => carrying(|a: $t, b: $t, _: $t, _| {
                    let (r, o) = a.overflowing_add(b);
                    (r, u64::from(o))
                }),
                ("addc", _) => carrying(|a: $t, b: $t, _: $t, carry| {
                    let r = a as $wide + b as $wide + carry as $wide;
                    (r as $t, (r >> $bits) as u64)
                }),
                ("sub", _) => carrying(|a: $t, b: $t, _: $t, _| {
                    let (r, o) = a.overflowing_sub(b);
                    (r, u64::from(o))
                }),
                ("subc", _) => carrying(|a: $t, b: $t, _: $t, carry| {
                    let r = (a as $wide).wrapping_sub(b as $wide).wrapping_sub(carry as $wide);
                    (r as $t, (r >> $bits) as u64 & 1)
                }),
                ("mad", false) => carrying(|a: $t, b: $t, c: $t, _| {
                    let r = (a.wrapping_mul(b)) as $wide + c as $wide;
                    (r as $t, (r >> $bits) as u64)
                }),
                ("mad", true) => carrying(|a: $t, b: $t, c: $t, _| {
                    let r = (a as $wide * b as $wide >> $bits) + c as $wide;
                    (r as $t, (r >> $bits) as u64)
                }),
                ("madc", false) => carrying(|a: $t, b: $t, c: $t, carry| {
                    let r = (a.wrapping_mul(b)) as $wide + c as $wide + carry as $wide;
                    (r as $t, (r >> $bits) as u64)
                }),
                ("madc", true) => carrying(|a: $t, b: $t, c: $t, carry| {
                    let r = (a as $wide * b as $wide >> $bits) + c as $wide + carry as $wide;
                    (r as $t, (r >> $bits) as u64)
                }),
                _ => return None,
            }
        }};
    }
    // `mad.hi` of signed values would need a signed product.
    if op.starts_with("mad") && m.hi && ty.is_signed() {
        return None;
    }
    Some(match ty.bits() {
        32 => carries!(u32, u64, 32),
        64 => carries!(u64, u128, 64),
        _ => return None,
    })
}

/// `testp`
pub fn testp(test: &str, ty: Type) -> Option<Handler> {
    macro_rules! tests {
        ($t:ty) => {
            match test {
                "finite" => unary(|a: $t| a.is_finite()),
                "infinite" => unary(|a: $t| a.is_infinite()),
                "number" => unary(|a: $t| !a.is_nan()),
                "notanumber" => unary(|a: $t| a.is_nan()),
                "normal" => unary(|a: $t| a.is_normal()),
                "subnormal" => unary(|a: $t| a.is_subnormal()),
                _ => return None,
            }
        };
    }
    Some(match ty {
        Type::F32 => tests!(f32),
        Type::F64 => tests!(f64),
        _ => return None,
    })
}

/// `slct`: `a` if `c` is not negative, else `b`.
pub fn slct(selector: Type) -> Option<Handler> {
    Some(match selector {
        Type::S32 => ternary(|a: u64, b: u64, c: i32| if c >= 0 { a } else { b }),
        Type::F32 => ternary(|a: u64, b: u64, c: f32| if c >= 0.0 { a } else { b }),
        _ => return None,
    })
}

/// How a comparison delivers its result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A single predicate.
    Predicate,
    /// Two predicates, or one combined with another.
    Full,
    /// A mask or a floating 1.0, by `set`.
    Value(Type),
}

/// `setp` and `set`.
pub fn compare(cmp: &str, ty: Type, delivery: Delivery) -> Option<Handler> {
    macro_rules! deliver {
        ($t:ty, $f:expr) => {
            match delivery {
                Delivery::Predicate => binary(|a: $t, b: $t| -> bool { $f(a, b) }),
                Delivery::Full => compare_full(|a: $t, b: $t| $f(a, b)),
                Delivery::Value(Type::F32) => binary(|a: $t, b: $t| if $f(a, b) { 1f32 } else { 0.0 }),
                Delivery::Value(Type::F16) => {
                    binary(|a: $t, b: $t| if $f(a, b) { f16::ONE } else { f16::ZERO })
                }
                Delivery::Value(Type::Bf16) => {
                    binary(|a: $t, b: $t| if $f(a, b) { bf16::ONE } else { bf16::ZERO })
                }
                Delivery::Value(v) if v.bits() == 16 => {
                    binary(|a: $t, b: $t| if $f(a, b) { u16::MAX } else { 0 })
                }
                Delivery::Value(v) if v.bits() == 32 => {
                    binary(|a: $t, b: $t| if $f(a, b) { u32::MAX } else { 0 })
                }
                Delivery::Value(_) => return None,
            }
        };
    }
    macro_rules! by_order {
        ($t:ty) => {
            match cmp {
                "eq" => deliver!($t, |a: $t, b: $t| a == b),
                "ne" => deliver!($t, |a: $t, b: $t| a != b),
                "lt" | "lo" => deliver!($t, |a: $t, b: $t| a < b),
                "le" | "ls" => deliver!($t, |a: $t, b: $t| a <= b),
                "gt" | "hi" => deliver!($t, |a: $t, b: $t| a > b),
                "ge" | "hs" => deliver!($t, |a: $t, b: $t| a >= b),
                _ => return None,
            }
        };
    }
    macro_rules! by_float {
        ($t:ty, $d:ident) => {
            match cmp {
                "eq" => $d!($t, |a: $t, b: $t| a == b),
                // The ordered form; `neu` is the one that NaN satisfies.
                "ne" => $d!($t, |a: $t, b: $t| a < b || a > b),
                "lt" => $d!($t, |a: $t, b: $t| a < b),
                "le" => $d!($t, |a: $t, b: $t| a <= b),
                "gt" => $d!($t, |a: $t, b: $t| a > b),
                "ge" => $d!($t, |a: $t, b: $t| a >= b),
                "equ" => $d!($t, |a: $t, b: $t| !(a < b || a > b)),
                "neu" => $d!($t, |a: $t, b: $t| a != b),
                "ltu" => $d!($t, |a: $t, b: $t| !(a >= b)),
                "leu" => $d!($t, |a: $t, b: $t| !(a > b)),
                "gtu" => $d!($t, |a: $t, b: $t| !(a <= b)),
                "geu" => $d!($t, |a: $t, b: $t| !(a < b)),
                "num" => $d!($t, |a: $t, b: $t| a.partial_cmp(&b).is_some()),
                "nan" => $d!($t, |a: $t, b: $t| a.partial_cmp(&b).is_none()),
                _ => return None,
            }
        };
    }
    macro_rules! deliver_pair {
        ($t:ty, $f:expr) => {
            match delivery {
                Delivery::Predicate | Delivery::Full => {
                    compare_pair(|a: Pair<$t>, b: Pair<$t>| ($f(a.0, b.0), $f(a.1, b.1)))
                }
                Delivery::Value(v) if v.is_float() => binary(|a: Pair<$t>, b: Pair<$t>| {
                    let one = |r: bool| if r { <$t>::ONE } else { <$t>::ZERO };
                    Pair(one($f(a.0, b.0)), one($f(a.1, b.1)))
                }),
                Delivery::Value(_) => binary(|a: Pair<$t>, b: Pair<$t>| {
                    let all = |r: bool| if r { 0xFFFFu32 } else { 0 };
                    all($f(a.0, b.0)) | all($f(a.1, b.1)) << 16
                }),
            }
        };
    }
    Some(match ty {
        Type::B16 | Type::U16 => by_order!(u16),
        Type::B32 | Type::U32 => by_order!(u32),
        Type::B64 | Type::U64 => by_order!(u64),
        Type::S16 => by_order!(i16),
        Type::S32 => by_order!(i32),
        Type::S64 => by_order!(i64),
        Type::F32 => by_float!(f32, deliver),
        Type::F64 => by_float!(f64, deliver),
        Type::F16 => by_float!(f16, deliver),
        Type::Bf16 => by_float!(bf16, deliver),
        Type::F16x2 => by_float!(f16, deliver_pair),
        Type::Bf16x2 => by_float!(bf16, deliver_pair),
        _ => return None,
    })
}
