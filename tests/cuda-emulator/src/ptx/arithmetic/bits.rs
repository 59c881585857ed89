//! Fields of bits.

use super::*;

/// `bfe`: `len` bits from `at`, those beyond the value being its sign if `signed`.
pub(super) fn extract(a: u64, at: u32, len: u32, width: u32, signed: bool) -> u64 {
    let (at, len) = (at & 0xFF, len & 0xFF);
    let sign_at = (at + len).saturating_sub(1).min(width - 1);
    let sign = signed && len > 0 && a >> sign_at & 1 != 0;
    let mut out = 0;
    for i in 0..width {
        let bit = if i < len && at + i < width { a >> (at + i) & 1 != 0 } else { sign };
        out |= u64::from(bit) << i;
    }
    out
}

pub(super) fn insert(a: u64, b: u64, at: u32, len: u32, width: u32) -> u64 {
    let (at, len) = (at & 0xFF, len & 0xFF);
    let mut out = b;
    for i in 0..len {
        if at + i >= width {
            break;
        }
        out = out & !(1 << (at + i)) | (a >> i & 1) << (at + i);
    }
    out
}

/// `d = op(a, b, c, d)`: `bfi`.
pub fn bfi(ty: Type) -> Option<Handler> {
    match ty.bits() {
        32 => Some(quaternary(|a: u32, b: u32, c: u32, d: u32| insert(a as u64, b as u64, c, d, 32) as u32)),
        64 => Some(quaternary(|a: u64, b: u64, c: u32, d: u32| insert(a, b, c, d, 64))),
        _ => None,
    }
}

/// `lop3`: any function of three bits, its truth table in `imm`.
pub fn lop3() -> Handler {
    general(|_, table, a: u32, b: u32, c: u32| {
        let mut out = 0;
        for k in 0..8 {
            if table >> k & 1 != 0 {
                let x = if k & 4 != 0 { a } else { !a };
                let y = if k & 2 != 0 { b } else { !b };
                let z = if k & 1 != 0 { c } else { !c };
                out |= x & y & z;
            }
        }
        out
    })
}

/// `shf`: the funnel shift. `left` and `wrap` select the form.
pub fn funnel(left: bool, wrap: bool) -> Handler {
    match (left, wrap) {
        (true, true) => {
            ternary(|a: u32, b: u32, c: u32| ((((b as u64) << 32 | a as u64) << (c & 31)) >> 32) as u32)
        }
        (true, false) => {
            ternary(|a: u32, b: u32, c: u32| ((((b as u64) << 32 | a as u64) << c.min(32)) >> 32) as u32)
        }
        (false, true) => ternary(|a: u32, b: u32, c: u32| (((b as u64) << 32 | a as u64) >> (c & 31)) as u32),
        (false, false) => {
            ternary(|a: u32, b: u32, c: u32| (((b as u64) << 32 | a as u64) >> c.min(32)) as u32)
        }
    }
}

/// `prmt` in its default mode.
pub fn prmt() -> Handler {
    ternary(|a: u32, b: u32, c: u32| {
        let bytes = (b as u64) << 32 | a as u64;
        (0..4).fold(0, |out, i| {
            let s = c >> (i * 4) & 15;
            let byte = (bytes >> ((s & 7) * 8)) as u8;
            let byte = if s & 8 != 0 { ((byte as i8) >> 7) as u8 } else { byte };
            out | (byte as u32) << (i * 8)
        })
    })
}

/// `dp4a`: the dot product of four bytes, added to `c`.
pub fn dp4a(a: Type, b: Type) -> Option<Handler> {
    macro_rules! dot {
        ($x:ty, $y:ty) => {
            ternary(|a: u32, b: u32, c: u32| {
                let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
                (0..4).fold(c, |s, i| s.wrapping_add((a[i] as $x as i32 * b[i] as $y as i32) as u32))
            })
        };
    }
    Some(match (a, b) {
        (Type::S32, Type::S32) => dot!(i8, i8),
        (Type::S32, Type::U32) => dot!(i8, u8),
        (Type::U32, Type::S32) => dot!(u8, i8),
        (Type::U32, Type::U32) => dot!(u8, u8),
        _ => return None,
    })
}
