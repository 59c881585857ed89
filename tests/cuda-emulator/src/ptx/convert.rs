//! `cvt`: conversions between all types.

use super::float::{BF16, F16, Format, Round, flush, narrow, round_integer, saturate};
use super::handlers::{general, unary};
use super::types::{Half, Pair, Reg, Type};
use crate::exec::thread::Handler;
use half::{bf16, f16};

/// The modifiers of a conversion.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    pub to: Type,
    pub from: Type,
    pub round: Round,
    /// Rounds to an integer, as `rni` and its like ask.
    pub to_integer: bool,
    pub ftz: bool,
    pub sat: bool,
    pub relu: bool,
}

const SAT: u32 = 0x100;
const INTEGER: u32 = 0x200;
const FTZ: u32 = 0x400;
const RELU: u32 = 0x800;

impl Conversion {
    /// The modifiers as an instruction's flags.
    pub fn flags(&self) -> u32 {
        let mut f = self.round.code();
        for (on, bit) in [(self.sat, SAT), (self.to_integer, INTEGER), (self.ftz, FTZ), (self.relu, RELU)] {
            f |= if on { bit } else { 0 };
        }
        f
    }
}

/// A value that can be converted: as a float, or exactly as an integer.
trait Source: Reg {
    fn float(self, ftz: bool) -> f64;
}

macro_rules! float_source {
    ($($t:ty => |$x:ident, $ftz:ident| $e:expr;)*) => {$(
        impl Source for $t {
            fn float(self, $ftz: bool) -> f64 { let $x = self; $e }
        }
    )*};
}
float_source! {
    f32 => |x, ftz| (if ftz { flush(x) } else { x }) as f64;
    f64 => |x, _ftz| x;
    f16 => |x, _ftz| x.to32() as f64;
    bf16 => |x, _ftz| x.to32() as f64;
}

/// A handler from a float type to an integer type; Rust's `as` saturates and maps NaN to 0, as PTX asks.
fn float_to_int<S: Source>(to: Type) -> Option<Handler> {
    macro_rules! to {
        ($d:ty) => {
            general(|f, _, a: S, _: u32, _: u32| {
                round_integer(a.float(f & FTZ != 0), Round::from_code(f & 0xFF)) as $d
            })
        };
    }
    Some(match to {
        Type::U8 | Type::B8 => to!(u8),
        Type::U16 | Type::B16 => to!(u16),
        Type::U32 | Type::B32 => to!(u32),
        Type::U64 | Type::B64 => to!(u64),
        Type::S8 => to!(i8),
        Type::S16 => to!(i16),
        Type::S32 => to!(i32),
        Type::S64 => to!(i64),
        _ => return None,
    })
}

fn adjust(x: f64, flags: u32) -> f64 {
    let x = if flags & INTEGER != 0 { round_integer(x, Round::from_code(flags & 0xFF)) } else { x };
    let x = if flags & RELU != 0 && !x.is_nan() { x.max(0.0) } else { x };
    if flags & SAT != 0 { saturate(x) } else { x }
}

fn narrow_with(x: f64, format: Format, flags: u32) -> u64 {
    let round = if flags & INTEGER != 0 { Round::Nearest } else { Round::from_code(flags & 0xFF) };
    narrow(adjust(x, flags), format, round)
}

fn to_f32(x: f64, flags: u32) -> f32 {
    let x = adjust(x, flags);
    let round = if flags & INTEGER != 0 { Round::Nearest } else { Round::from_code(flags & 0xFF) };
    let r = if matches!(round, Round::Nearest) {
        x as f32
    } else {
        f32::from_bits(narrow(x, super::float::F32, round) as u32)
    };
    if flags & FTZ != 0 { flush(r) } else { r }
}

fn float_to_float<S: Source>(to: Type) -> Option<Handler> {
    Some(match to {
        Type::F16 => general(|f, _, a: S, _: u32, _: u32| narrow_with(a.float(f & FTZ != 0), F16, f)),
        Type::Bf16 => general(|f, _, a: S, _: u32, _: u32| narrow_with(a.float(f & FTZ != 0), BF16, f)),
        Type::F32 => general(|f, _, a: S, _: u32, _: u32| to_f32(a.float(f & FTZ != 0), f)),
        Type::F64 => general(|f, _, a: S, _: u32, _: u32| adjust(a.float(f & FTZ != 0), f)),
        Type::Tf32 => general(|f, _, a: S, _: u32, _: u32| {
            let format = Format { exponent_bits: 8, mantissa_bits: 10 };
            narrow_with(a.float(false), format, f) << 13
        }),
        _ => return None,
    })
}

/// A 64-bit integer rounded to a float of 53 bits or fewer, by way of an exactly representable pair.
fn int_to_f64(x: i128, round: Round) -> f64 {
    let nearest = x as f64;
    let error = x - nearest as i128;
    if error == 0 || matches!(round, Round::Nearest | Round::NearestAway) {
        return nearest;
    }
    match round {
        Round::Down if error < 0 => nearest.next_down(),
        Round::Up if error > 0 => nearest.next_up(),
        Round::Zero if x > 0 && error < 0 => nearest.next_down(),
        Round::Zero if x < 0 && error > 0 => nearest.next_up(),
        _ => nearest,
    }
}

/// Odd rounding: keeps a trace of the lost bits, so that a second rounding cannot go wrong.
fn int_to_odd(x: i128) -> f64 {
    let down = int_to_f64(x, Round::Zero);
    if down as i128 != x && down.to_bits() & 1 == 0 { f64::from_bits(down.to_bits() | 1) } else { down }
}

fn int_to_float<S: Reg + Into<i128>>(to: Type, nearest: bool) -> Option<Handler> {
    Some(match to {
        Type::F64 => general(|f, _, a: S, _: u32, _: u32| int_to_f64(a.into(), Round::from_code(f & 0xFF))),
        Type::F32 if nearest => unary(|a: S| {
            let x: i128 = a.into();
            if let Ok(x) = i64::try_from(x) { x as f32 } else { x as f32 }
        }),
        Type::F32 => general(|f, _, a: S, _: u32, _: u32| to_f32(int_to_odd(a.into()), f)),
        Type::F16 => general(|f, _, a: S, _: u32, _: u32| narrow_with(int_to_odd(a.into()), F16, f)),
        Type::Bf16 => general(|f, _, a: S, _: u32, _: u32| narrow_with(int_to_odd(a.into()), BF16, f)),
        _ => return None,
    })
}

fn int_to_int<S: Reg + Into<i128>>(to: Type, sat: bool) -> Option<Handler> {
    macro_rules! to {
        ($d:ty) => {
            if sat {
                unary(|a: S| {
                    let x: i128 = a.into();
                    x.clamp(<$d>::MIN as i128, <$d>::MAX as i128) as $d
                })
            } else {
                unary(|a: S| {
                    let x: i128 = a.into();
                    x as $d
                })
            }
        };
    }
    Some(match to {
        Type::U8 | Type::B8 => to!(u8),
        Type::U16 | Type::B16 => to!(u16),
        Type::U32 | Type::B32 => to!(u32),
        Type::U64 | Type::B64 => to!(u64),
        Type::S8 => to!(i8),
        Type::S16 => to!(i16),
        Type::S32 => to!(i32),
        Type::S64 => to!(i64),
        _ => return None,
    })
}

/// The handler of a conversion of one operand; it reads [`Conversion::flags`].
pub fn convert(c: &Conversion) -> Option<Handler> {
    let plain = !c.ftz && !c.sat && !c.relu && !c.to_integer && c.round == Round::Nearest;
    match (c.to, c.from) {
        (Type::Bf16, Type::F32) if plain => return Some(unary(bf16::from_f32)),
        (Type::F16, Type::F32) if plain => return Some(unary(f16::from_f32)),
        (Type::F32, Type::Bf16) if plain => return Some(unary(bf16::to_f32)),
        (Type::F32, Type::F16) if plain => return Some(unary(f16::to_f32)),
        (Type::F32, Type::F64) if plain => return Some(unary(|a: f64| a as f32)),
        (Type::F64, Type::F32) if plain => return Some(unary(|a: f32| a as f64)),
        (Type::F32, Type::S32) if plain => return Some(unary(|a: i32| a as f32)),
        (Type::F32, Type::U32) if plain => return Some(unary(|a: u32| a as f32)),
        (Type::S32, Type::F32) if !c.ftz && c.round == Round::Zero => return Some(unary(|a: f32| a as i32)),
        _ => {}
    }
    let to_float = c.to.is_float();
    macro_rules! from_float {
        ($s:ty) => {
            if to_float { float_to_float::<$s>(c.to) } else { float_to_int::<$s>(c.to) }
        };
    }
    macro_rules! from_int {
        ($s:ty) => {
            if to_float { int_to_float::<$s>(c.to, plain) } else { int_to_int::<$s>(c.to, c.sat) }
        };
    }
    match c.from {
        Type::F16 => from_float!(f16),
        Type::Bf16 => from_float!(bf16),
        Type::F32 => from_float!(f32),
        Type::F64 => from_float!(f64),
        Type::U8 | Type::B8 => from_int!(u8),
        Type::U16 | Type::B16 => from_int!(u16),
        Type::U32 | Type::B32 => from_int!(u32),
        Type::U64 | Type::B64 => from_int!(u64),
        Type::S8 => from_int!(i8),
        Type::S16 => from_int!(i16),
        Type::S32 => from_int!(i32),
        Type::S64 => from_int!(i64),
        _ => None,
    }
}

/// `cvt.rn.f16x2.f32 d, a, b`: `a` goes to the upper half.
pub fn convert_pair(to: Type) -> Option<Handler> {
    Some(match to {
        Type::F16x2 => general(|f, _, a: f32, b: f32, _: u32| {
            Pair(
                f16::from_bits(narrow_with(b as f64, F16, f) as u16),
                f16::from_bits(narrow_with(a as f64, F16, f) as u16),
            )
        }),
        Type::Bf16x2 => general(|f, _, a: f32, b: f32, _: u32| {
            Pair(
                bf16::from_bits(narrow_with(b as f64, BF16, f) as u16),
                bf16::from_bits(narrow_with(a as f64, BF16, f) as u16),
            )
        }),
        _ => return None,
    })
}

/// Extends the sign of the lowest bits of a register in place, for results narrower than their register.
pub fn sign_extend(from: u32, to: u32) -> Option<Handler> {
    Some(match (from, to) {
        (8, 16) => unary(|a: i8| a as i16),
        (8, 32) => unary(|a: i8| a as i32),
        (8, 64) => unary(|a: i8| a as i64),
        (16, 32) => unary(|a: i16| a as i32),
        (16, 64) => unary(|a: i16| a as i64),
        (32, 64) => unary(|a: i32| a as i64),
        _ => return None,
    })
}
