//! Rounding: narrow formats, directed modes and the odd corners of PTX floating point.

/// A rounding mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    Nearest,
    NearestAway,
    Zero,
    Down,
    Up,
}

impl Round {
    /// `rn`, `rz`, … and `rni`, `rzi`, ….
    pub fn parse(name: &str) -> Option<Round> {
        Some(match name {
            "rn" | "rni" => Round::Nearest,
            "rna" => Round::NearestAway,
            "rz" | "rzi" => Round::Zero,
            "rm" | "rmi" => Round::Down,
            "rp" | "rpi" => Round::Up,
            _ => return None,
        })
    }

    pub fn from_code(code: u32) -> Round {
        [Round::Nearest, Round::NearestAway, Round::Zero, Round::Down, Round::Up][code as usize % 5]
    }

    pub fn code(self) -> u32 {
        self as u32
    }
}

/// An IEEE-like binary format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub exponent_bits: u32,
    pub mantissa_bits: u32,
}

pub const F16: Format = Format { exponent_bits: 5, mantissa_bits: 10 };
pub const BF16: Format = Format { exponent_bits: 8, mantissa_bits: 7 };
pub const F32: Format = Format { exponent_bits: 8, mantissa_bits: 23 };

/// The bits of `x` rounded once to `format`.
pub fn narrow(x: f64, format: Format, round: Round) -> u64 {
    let Format { exponent_bits: e, mantissa_bits: m } = format;
    let sign = (x.to_bits() >> 63) << (e + m);
    let infinity = ((1u64 << e) - 1) << m;
    if x.is_nan() {
        return sign | infinity | 1 << (m - 1);
    }
    let a = x.abs();
    if a == 0.0 {
        return sign;
    }
    if a.is_infinite() {
        return sign | infinity;
    }
    let bias = (1i32 << (e - 1)) - 1;
    // Exponents below that of the smallest normal number share its spacing.
    let exponent = ((a.to_bits() >> 52) as i32 - 1023).max(1 - bias);
    let scaled = scale(a, m as i32 - exponent);
    let whole = round_integer(if x < 0.0 { -scaled } else { scaled }, round).abs() as u64;
    // `whole` has an implicit leading bit when normal; a carry into the next exponent adds up by itself.
    let bits = if whole < 1 << m { whole } else { whole + (((exponent + bias - 1) as u64) << m) };
    if bits >= infinity {
        let largest = infinity - 1;
        let to_infinity = match round {
            Round::Nearest | Round::NearestAway => true,
            Round::Zero => false,
            Round::Down => x < 0.0,
            Round::Up => x > 0.0,
        };
        return sign | if to_infinity { infinity } else { largest };
    }
    sign | bits
}

/// `x * 2^by`, exact for the ranges used here.
fn scale(x: f64, by: i32) -> f64 {
    let half = by / 2;
    x * 2f64.powi(half) * 2f64.powi(by - half)
}

/// `x` rounded to an integer.
pub fn round_integer(x: f64, round: Round) -> f64 {
    match round {
        Round::Nearest => x.round_ties_even(),
        Round::NearestAway => x.round(),
        Round::Zero => x.trunc(),
        Round::Down => x.floor(),
        Round::Up => x.ceil(),
    }
}

/// Rounds a `f32` to the 10 mantissa bits of TF32, to nearest even.
#[inline]
pub fn to_tf32(x: f32) -> f32 {
    if !x.is_finite() {
        return x;
    }
    let b = x.to_bits();
    f32::from_bits(b.wrapping_add(0xFFF + (b >> 13 & 1)) & !0x1FFF)
}

/// Subnormal numbers become zero of the same sign.
#[inline(always)]
pub fn flush(x: f32) -> f32 {
    if x.is_subnormal() { 0f32.copysign(x) } else { x }
}

/// The value clamped to [0, 1], NaN becoming 0.
pub fn saturate(x: f64) -> f64 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// Moves the correctly rounded `nearest` by one step where `round` and the sign of the error (exact minus nearest) ask for it.
fn step(error: f64, negative: bool, round: Round) -> i32 {
    match round {
        Round::Nearest | Round::NearestAway => 0,
        Round::Zero if negative => i32::from(error > 0.0),
        Round::Zero | Round::Down => -i32::from(error < 0.0),
        Round::Up => i32::from(error > 0.0),
    }
}

fn directed32(high: f64, low: f64, round: Round) -> f32 {
    let nearest = high as f32;
    if !high.is_finite() {
        return nearest;
    }
    match step((high - nearest as f64) + low, nearest.is_sign_negative(), round) {
        1 => nearest.next_up(),
        -1 => nearest.next_down(),
        _ => nearest,
    }
}

fn directed64(nearest: f64, error: f64, finite: bool, round: Round) -> f64 {
    if !finite || nearest.is_nan() {
        return nearest;
    }
    let error = if nearest == f64::INFINITY {
        -1.0
    } else if nearest == f64::NEG_INFINITY {
        1.0
    } else {
        error
    };
    match step(error, nearest.is_sign_negative(), round) {
        1 => nearest.next_up(),
        -1 => nearest.next_down(),
        _ => nearest,
    }
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// Arithmetic with a rounding mode other than to nearest.
pub trait Directed: Copy {
    fn add(a: Self, b: Self, round: Round) -> Self;
    fn mul(a: Self, b: Self, round: Round) -> Self;
    fn fma(a: Self, b: Self, c: Self, round: Round) -> Self;
    fn div(a: Self, b: Self, round: Round) -> Self;
    fn sqrt(a: Self, round: Round) -> Self;
}

impl Directed for f32 {
    fn add(a: f32, b: f32, round: Round) -> f32 {
        let (s, e) = two_sum(a as f64, b as f64);
        directed32(s, e, round)
    }
    fn mul(a: f32, b: f32, round: Round) -> f32 {
        directed32(a as f64 * b as f64, 0.0, round)
    }
    fn fma(a: f32, b: f32, c: f32, round: Round) -> f32 {
        let (s, e) = two_sum(a as f64 * b as f64, c as f64);
        directed32(s, e, round)
    }
    fn div(a: f32, b: f32, round: Round) -> f32 {
        let (a, b) = (a as f64, b as f64);
        let q = a / b;
        directed32(q, (-q).mul_add(b, a) / b, round)
    }
    fn sqrt(a: f32, round: Round) -> f32 {
        let r = (a as f64).sqrt();
        directed32(r, if r > 0.0 { (-r).mul_add(r, a as f64) / (2.0 * r) } else { 0.0 }, round)
    }
}

impl Directed for f64 {
    fn add(a: f64, b: f64, round: Round) -> f64 {
        let (s, e) = two_sum(a, b);
        directed64(s, e, a.is_finite() && b.is_finite(), round)
    }
    fn mul(a: f64, b: f64, round: Round) -> f64 {
        let p = a * b;
        directed64(p, a.mul_add(b, -p), a.is_finite() && b.is_finite(), round)
    }
    fn fma(a: f64, b: f64, c: f64, round: Round) -> f64 {
        let r = a.mul_add(b, c);
        let p = a * b;
        let pe = a.mul_add(b, -p);
        let (s, se) = two_sum(p, c);
        directed64(r, (s - r) + (se + pe), a.is_finite() && b.is_finite() && c.is_finite(), round)
    }
    fn div(a: f64, b: f64, round: Round) -> f64 {
        let q = a / b;
        directed64(q, (-q).mul_add(b, a) * b.signum(), a.is_finite() && b != 0.0, round)
    }
    fn sqrt(a: f64, round: Round) -> f64 {
        let r = a.sqrt();
        directed64(r, (-r).mul_add(r, a), a.is_finite(), round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_agrees_with_the_half_crate() {
        for i in 0..200_000u32 {
            let x = f32::from_bits(i.wrapping_mul(2_654_435_761));
            if x.is_nan() {
                continue;
            }
            assert_eq!(
                narrow(x as f64, F16, Round::Nearest) as u16,
                half::f16::from_f32(x).to_bits(),
                "{x:e}"
            );
            assert_eq!(
                narrow(x as f64, BF16, Round::Nearest) as u16,
                half::bf16::from_f32(x).to_bits(),
                "{x:e}"
            );
            assert_eq!(narrow(x as f64, F32, Round::Zero) as u32, x.to_bits());
        }
    }

    #[test]
    fn directed_modes_bracket_the_exact_value() {
        assert_eq!(<f32 as Directed>::add(1.0, 1e-10, Round::Zero), 1.0);
        assert_eq!(<f32 as Directed>::add(1.0, 1e-10, Round::Up), 1f32.next_up());
        assert_eq!(<f32 as Directed>::add(-1.0, 1e-10, Round::Zero), (-1f32).next_up());
        assert_eq!(<f64 as Directed>::div(1.0, 3.0, Round::Up), (1f64 / 3.0).next_up());
        assert_eq!(<f64 as Directed>::div(1.0, 3.0, Round::Down), 1f64 / 3.0);
        assert_eq!(<f32 as Directed>::fma(0.3, 252.0, 12_583_039.0, Round::Down), 12_583_114.0);
    }

    #[test]
    fn tf32_keeps_ten_bits() {
        assert_eq!(to_tf32(1.0 + 1.0 / 1024.0), 1.0 + 1.0 / 1024.0);
        assert_eq!(to_tf32(1.0 + 1.0 / 2048.0), 1.0);
        assert_eq!(to_tf32(1.0 + 3.0 / 2048.0), 1.0 + 2.0 / 1024.0);
    }
}
