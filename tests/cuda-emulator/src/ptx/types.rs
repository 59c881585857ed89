//! The fundamental types of PTX and how their values lie in 64-bit register slots.

use half::{bf16, f16};

/// A fundamental type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Pred,
    B8,
    B16,
    B32,
    B64,
    B128,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    F16x2,
    Bf16,
    Bf16x2,
    Tf32,
    F32,
    F64,
}

impl Type {
    /// The type called `name`, without its dot.
    pub fn parse(name: &str) -> Option<Type> {
        Some(match name {
            "pred" => Type::Pred,
            "b8" => Type::B8,
            "b16" => Type::B16,
            "b32" => Type::B32,
            "b64" => Type::B64,
            "b128" => Type::B128,
            "u8" => Type::U8,
            "u16" => Type::U16,
            "u32" => Type::U32,
            "u64" => Type::U64,
            "s8" => Type::S8,
            "s16" => Type::S16,
            "s32" => Type::S32,
            "s64" => Type::S64,
            "f16" => Type::F16,
            "f16x2" => Type::F16x2,
            "bf16" => Type::Bf16,
            "bf16x2" => Type::Bf16x2,
            "tf32" => Type::Tf32,
            "f32" => Type::F32,
            "f64" => Type::F64,
            _ => return None,
        })
    }

    /// Size in bits; a predicate counts as 1.
    pub fn bits(self) -> u32 {
        match self {
            Type::Pred => 1,
            Type::B8 | Type::U8 | Type::S8 => 8,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 16,
            Type::B32 | Type::U32 | Type::S32 | Type::F32 | Type::F16x2 | Type::Bf16x2 | Type::Tf32 => 32,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 64,
            Type::B128 => 128,
        }
    }

    /// Size in memory.
    pub fn bytes(self) -> usize {
        (self.bits() as usize).div_ceil(8)
    }

    pub fn is_signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64)
    }

    pub fn is_float(self) -> bool {
        matches!(
            self,
            Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2 | Type::F32 | Type::F64 | Type::Tf32
        )
    }
}

/// The mask of the lowest `bits` bits.
pub fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// A value that lives in a register slot. Slots hold the value's bits, zero-extended.
pub trait Reg: Copy + 'static {
    fn get(slot: u64) -> Self;
    fn put(self) -> u64;
}

macro_rules! int_reg {
    ($($t:ty as $u:ty),*) => {$(
        impl Reg for $t {
            #[inline(always)]
            fn get(slot: u64) -> Self { slot as $t }
            #[inline(always)]
            fn put(self) -> u64 { self as $u as u64 }
        }
    )*};
}
int_reg!(u8 as u8, u16 as u16, u32 as u32, u64 as u64, i8 as u8, i16 as u16, i32 as u32, i64 as u64);

impl Reg for bool {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        slot & 1 != 0
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self as u64
    }
}

impl Reg for f32 {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        f32::from_bits(slot as u32)
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self.to_bits() as u64
    }
}

impl Reg for f64 {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        f64::from_bits(slot)
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self.to_bits()
    }
}

impl Reg for f16 {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        f16::from_bits(slot as u16)
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self.to_bits() as u64
    }
}

impl Reg for bf16 {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        bf16::from_bits(slot as u16)
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self.to_bits() as u64
    }
}

/// Two 16-bit floats in one 32-bit register; the first is the lower half.
#[derive(Clone, Copy)]
pub struct Pair<T>(pub T, pub T);

impl<T: Reg> Reg for Pair<T> {
    #[inline(always)]
    fn get(slot: u64) -> Self {
        Pair(T::get(slot & 0xFFFF), T::get(slot >> 16 & 0xFFFF))
    }
    #[inline(always)]
    fn put(self) -> u64 {
        self.0.put() | self.1.put() << 16
    }
}

/// A 16-bit float, whose arithmetic is that of `f32` followed by one rounding.
pub trait Half: Reg {
    fn to32(self) -> f32;
    fn from32(x: f32) -> Self;
    /// Rounds to nearest even, straight from `f64`.
    fn from64(x: f64) -> Self;
}

impl Half for f16 {
    fn to32(self) -> f32 {
        self.to_f32()
    }
    fn from32(x: f32) -> Self {
        f16::from_f32(x)
    }
    fn from64(x: f64) -> Self {
        f16::from_bits(super::float::narrow(x, super::float::F16, super::float::Round::Nearest) as u16)
    }
}

impl Half for bf16 {
    fn to32(self) -> f32 {
        self.to_f32()
    }
    fn from32(x: f32) -> Self {
        bf16::from_f32(x)
    }
    fn from64(x: f64) -> Self {
        bf16::from_bits(super::float::narrow(x, super::float::BF16, super::float::Round::Nearest) as u16)
    }
}
