//! The one-dimensional transforms, for interpolation at 0, A, -A, B, -B and infinity. Signs and divisors follow the
//! Toom-Cook construction: tiles take the Lagrange polynomials, filters the powers of the points over the polynomials'
//! norms, outputs the powers of the points.

use super::SIDE;
use crate::element::Element;

const A: f64 = 0.5;
const B: f64 = 1.5;
const A2: f64 = A * A;
const B2: f64 = B * B;

/// As many numbers as are transformed at once: the width of the widest vector registers in f32.
pub(super) const LANES: usize = 16;

/// A vector of equal entries of `LANES` transforms.
pub(super) type Lanes<T> = [T; LANES];

#[inline(always)]
fn map<T: Element, const N: usize>(x: [Lanes<T>; N], f: impl Fn([T; N]) -> T) -> Lanes<T> {
    std::array::from_fn(|lane| f(x.map(|v| v[lane])))
}

/// Six pixels of a line to the six points.
#[inline(always)]
pub(super) fn tile<T: Element>(d: [Lanes<T>; SIDE]) -> [Lanes<T>; SIDE] {
    let [a, b, a2, b2] = [A, B, A2, B2].map(T::from_f64);
    let (sum, product) = (a2 + b2, a2 * b2);
    let [d0, d1, d2, d3, d4, d5] = d;
    let even_a = map([d4, d2], |[d4, d2]| d4 - b2 * d2);
    let odd_a = map([d3, d1], |[d3, d1]| a * (d3 - b2 * d1));
    let even_b = map([d4, d2], |[d4, d2]| d4 - a2 * d2);
    let odd_b = map([d3, d1], |[d3, d1]| b * (d3 - a2 * d1));
    [
        map([d4, d2, d0], |[d4, d2, d0]| d4 - sum * d2 + product * d0),
        map([even_a, odd_a], |[e, o]| e + o),
        map([even_a, odd_a], |[e, o]| e - o),
        map([even_b, odd_b], |[e, o]| e + o),
        map([even_b, odd_b], |[e, o]| e - o),
        map([d5, d3, d1], |[d5, d3, d1]| d5 - sum * d3 + product * d1),
    ]
}

/// `K` (three or four) taps of a line to the six points.
#[inline(always)]
pub(super) fn filter<T: Element, const K: usize>(g: [Lanes<T>; K]) -> [Lanes<T>; SIDE] {
    let [a, b, a2, b2] = [A, B, A2, B2].map(T::from_f64);
    let norm_0 = T::from_f64(1.0 / (A2 * B2));
    let norm_a = T::from_f64(1.0 / (2.0 * A2 * (A2 - B2)));
    let norm_b = T::from_f64(1.0 / (2.0 * B2 * (B2 - A2)));
    let even = |square: T, norm: T| map([g[0], g[2]], |[g0, g2]| (g0 + square * g2) * norm);
    let odd = |point: T, square: T, norm: T| match g.get(3) {
        Some(&g3) => map([g[1], g3], |[g1, g3]| (g1 + square * g3) * (point * norm)),
        None => map([g[1]], |[g1]| g1 * (point * norm)),
    };
    let (even_a, odd_a) = (even(a2, norm_a), odd(a, a2, norm_a));
    let (even_b, odd_b) = (even(b2, norm_b), odd(b, b2, norm_b));
    [
        map([g[0]], |[g0]| g0 * norm_0),
        map([even_a, odd_a], |[e, o]| e + o),
        map([even_a, odd_a], |[e, o]| e - o),
        map([even_b, odd_b], |[e, o]| e + o),
        map([even_b, odd_b], |[e, o]| e - o),
        g[K - 1],
    ]
}

/// The six points of a line to `M` (three or four) outputs.
#[inline(always)]
pub(super) fn output<T: Element, const M: usize>(t: [Lanes<T>; SIDE]) -> [Lanes<T>; M] {
    let [a, b, a2, b2] = [A, B, A2, B2].map(T::from_f64);
    let (a3, b3) = (a * a2, b * b2);
    let [t0, t1, t2, t3, t4, t5] = t;
    let plus = |x, y| map([x, y], |[x, y]| x + y);
    let minus = |x, y| map([x, y], |[x, y]| x - y);
    let (even_a, odd_a, even_b, odd_b) = (plus(t1, t2), minus(t1, t2), plus(t3, t4), minus(t3, t4));
    std::array::from_fn(|i| {
        let y = match i {
            0 => map([t0, even_a, even_b], |[t, x, y]| t + x + y),
            1 => map([odd_a, odd_b], |[x, y]| a * x + b * y),
            2 => map([even_a, even_b], |[x, y]| a2 * x + b2 * y),
            _ => map([odd_a, odd_b], |[x, y]| a3 * x + b3 * y),
        };
        if i + 1 == M { plus(y, t5) } else { y }
    })
}

/// `LANES` numbers from the start of `values`; zeros where it ends sooner.
#[inline(always)]
pub(super) fn load<T: Element>(values: &[T]) -> Lanes<T> {
    match values.first_chunk::<LANES>() {
        Some(lanes) => *lanes,
        None => {
            let mut lanes = [T::default(); LANES];
            lanes[..values.len()].copy_from_slice(values);
            lanes
        }
    }
}

/// Writes `LANES` numbers, or as many as there is room for.
#[inline(always)]
pub(super) fn store<T: Element>(lanes: &Lanes<T>, values: &mut [T]) {
    match values.first_chunk_mut::<LANES>() {
        Some(room) => *room = *lanes,
        None => {
            let room = values.len();
            values.copy_from_slice(&lanes[..room]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one<const N: usize>(x: [f64; N]) -> [Lanes<f64>; N] {
        x.map(|v| [v; LANES])
    }

    /// A line of six pixels under a filter of `K` taps, through the points and by definition.
    fn check<const K: usize, const M: usize>(d: [f64; SIDE], g: [f64; K]) {
        let (tile, filter) = (tile(one(d)), filter(one(g)));
        let product: [Lanes<f64>; SIDE] = std::array::from_fn(|i| [tile[i][0] * filter[i][0]; LANES]);
        let out: [Lanes<f64>; M] = output(product);
        for (i, y) in out.iter().enumerate() {
            let expected: f64 = g.iter().zip(&d[i..]).map(|(g, d)| g * d).sum();
            assert!((y[0] - expected).abs() < 1e-12, "{K} taps, output {i}: {} against {expected}", y[0]);
        }
    }

    proptest! {
        #[test]
        fn a_line_is_filtered(d in [-1.0..1.0f64, -1.0..1.0, -1.0..1.0, -1.0..1.0, -1.0..1.0, -1.0..1.0], g in [-1.0..1.0f64, -1.0..1.0, -1.0..1.0, -1.0..1.0]) {
            check::<3, 4>(d, [g[0], g[1], g[2]]);
            check::<4, 3>(d, g);
        }
    }
}
