use rayon::prelude::*;

use super::lines::{self, LANES, load, store};
use super::{POINTS, SIDE};
use crate::element::{Element, vectorized};

/// Transforms kernels (O, C, K, K), turned by half a turn if asked; `out` becomes output channel x point x
/// input channel.
pub(super) fn transform<T: Element>(
    weight: &[T],
    in_channels: usize,
    kernel: usize,
    turned: bool,
    out: &mut [T],
) {
    out.par_chunks_mut(POINTS * in_channels)
        .zip(weight.par_chunks(in_channels * kernel * kernel))
        .for_each_init(Vec::new, |taps, (out, weight)| {
            vectorized(
                #[inline(always)]
                || match kernel {
                    3 => run::<T, 3, 9>(weight, turned, taps, out),
                    _ => run::<T, 4, 16>(weight, turned, taps, out),
                },
            );
        });
}

/// `AREA` is `K` squared, which the language cannot say itself.
#[inline(always)]
fn run<T: Element, const K: usize, const AREA: usize>(
    weight: &[T],
    turned: bool,
    taps: &mut Vec<T>,
    out: &mut [T],
) {
    let channels = weight.len() / AREA;
    let stride = channels.next_multiple_of(LANES);
    taps.resize(AREA * stride, T::default());
    for tap in 0..AREA {
        let source = if turned { AREA - 1 - tap } else { tap };
        let target = &mut taps[tap * stride..][..channels];
        for (t, kernel) in target.iter_mut().zip(weight.as_chunks::<AREA>().0) {
            *t = kernel[source];
        }
    }
    for at in (0..channels).step_by(LANES) {
        let mut columns = [[[T::default(); LANES]; SIDE]; K];
        for (x, column) in columns.iter_mut().enumerate() {
            let mut lines = [[T::default(); LANES]; K];
            for (y, line) in lines.iter_mut().enumerate() {
                *line = load(&taps[(y * K + x) * stride + at..]);
            }
            *column = lines::each(&lines, lines::filter::<T, K>);
        }
        for y in 0..SIDE {
            let mut lines = [[T::default(); LANES]; K];
            for (x, line) in lines.iter_mut().enumerate() {
                *line = columns[x][y];
            }
            for (x, lanes) in lines::each(&lines, lines::filter::<T, K>).iter().enumerate() {
                store(lanes, &mut out[(y * SIDE + x) * channels..][..channels][at..]);
            }
        }
    }
}
