//! The one-dimensional transforms, for interpolation at 0, A, -A, B, -B and infinity. Signs and divisors follow the
//! Toom-Cook construction: tiles take the Lagrange polynomials, filters the powers of the points over the polynomials'
//! norms, outputs the powers of the points.

use super::SIDE;
use crate::element::Element;

const A: f64 = 0.5;
const B: f64 = 1.5;
const A2: f64 = A * A;
const B2: f64 = B * B;

/// As many numbers as are transformed at once.
pub(super) use crate::product::LANES;

/// Equal entries of `LANES` lines.
pub(super) type Lanes<T> = [T; LANES];

/// Six pixels of a line to the six points.
#[inline(always)]
pub(super) fn tile<T: Element>(d: [T; SIDE]) -> [T; SIDE] {
    let [a, b, a2, b2] = [T::from_f64(A), T::from_f64(B), T::from_f64(A2), T::from_f64(B2)];
    let (sum, product) = (T::from_f64(A2 + B2), T::from_f64(A2 * B2));
    let (even_a, odd_a) = (d[4] - b2 * d[2], a * (d[3] - b2 * d[1]));
    let (even_b, odd_b) = (d[4] - a2 * d[2], b * (d[3] - a2 * d[1]));
    [
        d[4] - sum * d[2] + product * d[0],
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        d[5] - sum * d[3] + product * d[1],
    ]
}

/// `K` (three or four) taps of a line to the six points.
#[inline(always)]
pub(super) fn filter<T: Element, const K: usize>(g: [T; K]) -> [T; SIDE] {
    let fourth = if K > 3 { g[K - 1] } else { T::default() };
    let pair = |point: f64, other: f64| {
        let (square, norm) = (point * point, 1.0 / (2.0 * point * point * (point * point - other * other)));
        let even = (g[0] + T::from_f64(square) * g[2]) * T::from_f64(norm);
        let odd = (g[1] + T::from_f64(square) * fourth) * T::from_f64(point * norm);
        (even, odd)
    };
    let ((even_a, odd_a), (even_b, odd_b)) = (pair(A, B), pair(B, A));
    [
        g[0] * T::from_f64(1.0 / (A2 * B2)),
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        g[K - 1],
    ]
}

/// The six points of a line to `M` (three or four) outputs.
#[inline(always)]
pub(super) fn output<T: Element, const M: usize>(t: [T; SIDE]) -> [T; M] {
    let [a, b, a2, b2] = [T::from_f64(A), T::from_f64(B), T::from_f64(A2), T::from_f64(B2)];
    let (a3, b3) = (T::from_f64(A * A2), T::from_f64(B * B2));
    let (even_a, odd_a, even_b, odd_b) = (t[1] + t[2], t[1] - t[2], t[3] + t[4], t[3] - t[4]);
    let mut out = [T::default(); M];
    out[0] = t[0] + even_a + even_b;
    out[1] = a * odd_a + b * odd_b;
    out[2] = a2 * even_a + b2 * even_b;
    if M > 3 {
        out[M - 1] = a3 * odd_a + b3 * odd_b;
    }
    out[M - 1] += t[5];
    out
}

/// Applies a transform to many lines. Loops rather than `array::map`, which the compiler does not always inline, and
/// what it does not inline it compiles without the vector instructions that [`crate::element::vectorized`] turns on.
#[inline(always)]
pub(super) fn each<T: Element, const IN: usize, const OUT: usize>(
    lines: &[Lanes<T>; IN],
    transform: impl Fn([T; IN]) -> [T; OUT],
) -> [Lanes<T>; OUT] {
    let mut out = [[T::default(); LANES]; OUT];
    for lane in 0..LANES {
        let mut line = [T::default(); IN];
        for i in 0..IN {
            line[i] = lines[i][lane];
        }
        let points = transform(line);
        for i in 0..OUT {
            out[i][lane] = points[i];
        }
    }
    out
}

/// Transforms six lines of six points each both ways, to `M` x `M` outputs; `point(y, x)` loads one.
#[inline(always)]
pub(super) fn output_tile<T: Element, const M: usize>(
    point: impl Fn(usize, usize) -> Lanes<T>,
) -> [[Lanes<T>; M]; M] {
    let mut rows = [[[T::default(); LANES]; M]; SIDE];
    for (y, row) in rows.iter_mut().enumerate() {
        let mut line = [[T::default(); LANES]; SIDE];
        for (x, lanes) in line.iter_mut().enumerate() {
            *lanes = point(y, x);
        }
        *row = each(&line, output::<T, M>);
    }
    let mut out = [[[T::default(); LANES]; M]; M];
    for x in 0..M {
        let mut line = [[T::default(); LANES]; SIDE];
        for (y, lanes) in line.iter_mut().enumerate() {
            *lanes = rows[y][x];
        }
        let column = each(&line, output::<T, M>);
        for y in 0..M {
            out[y][x] = column[y];
        }
    }
    out
}

/// Half of `LANES`: copied as one where a row of tiles is that short, which rows of 32 pixels are.
const HALF: usize = LANES / 2;

/// `LANES` numbers from the start of `values`; zeros where it ends sooner.
#[inline(always)]
pub(super) fn load<T: Element>(values: &[T]) -> Lanes<T> {
    if let Some(lanes) = values.first_chunk::<LANES>() {
        return *lanes;
    }
    let mut lanes = [T::default(); LANES];
    for (lane, &value) in lanes.iter_mut().zip(values) {
        *lane = value;
    }
    lanes
}

/// Writes `LANES` numbers, or as many as there is room for.
#[inline(always)]
pub(super) fn store<T: Element>(lanes: &Lanes<T>, values: &mut [T]) {
    let whole = values.len() - values.len() % HALF;
    let (halves, rest) = values.split_at_mut(whole.min(LANES));
    for (room, lanes) in halves.as_chunks_mut::<HALF>().0.iter_mut().zip(lanes.as_chunks::<HALF>().0) {
        *room = *lanes;
    }
    for (value, &lane) in rest.iter_mut().zip(&lanes[halves.len()..]) {
        *value = lane;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A line of six pixels under a filter of `K` taps, through the points and by definition.
    fn check<const K: usize, const M: usize>(d: [f64; SIDE], g: [f64; K]) {
        let (tile, filter) = (tile(d), filter(g));
        let out: [f64; M] = output(std::array::from_fn(|i| tile[i] * filter[i]));
        for (i, y) in out.iter().enumerate() {
            let expected: f64 = g.iter().zip(&d[i..]).map(|(g, d)| g * d).sum();
            assert!((y - expected).abs() < 1e-12, "{K} taps, output {i}: {y} against {expected}");
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
