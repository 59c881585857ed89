use rayon::prelude::*;

use super::lines::{self, LANES, store};
use super::{POINTS, SIDE, rows_by_channel};
use crate::element::{Element, vectorized};
use crate::product::padded;
use std::ops::Range;

/// Transforms those kernels (O, C, K, K) that make the output channels `part`, for a sum over the input channels; `out`
/// becomes point x input channel x padded output channel.
pub(super) fn over_inputs<T: Element>(
    weight: &[T],
    in_channels: usize,
    part: Range<usize>,
    kernel: usize,
    out: &mut [T],
) {
    let taps = kernel * kernel;
    let weight = &weight[part.start * in_channels * taps..];
    transform(out, in_channels, part.len(), kernel, |input, output, tap| {
        weight[(output * in_channels + input) * taps + tap]
    });
}

/// Transforms those kernels (O, C, K, K), turned by half a turn, that make gradients to the input channels `part`, for a sum
/// over the output channels; `out` becomes point x output channel x padded input channel.
pub(super) fn over_outputs<T: Element>(
    weight: &[T],
    channels: (usize, usize),
    part: Range<usize>,
    kernel: usize,
    out: &mut [T],
) {
    let (out_channels, in_channels) = channels;
    let taps = kernel * kernel;
    let weight = &weight[part.start * taps..];
    transform(out, out_channels, part.len(), kernel, |output, input, tap| {
        weight[(output * in_channels + input) * taps + taps - 1 - tap]
    });
}

/// Room for the transformed kernels.
pub(super) fn room(summed: usize, kept: usize) -> usize {
    POINTS * summed * padded(kept)
}

fn transform<T: Element>(
    out: &mut [T],
    summed: usize,
    kept: usize,
    kernel: usize,
    tap: impl Fn(usize, usize, usize) -> T + Sync,
) {
    rows_by_channel(out, summed, padded(kept)).into_par_iter().enumerate().for_each(|(channel, mut rows)| {
        let tap = |kept, at| tap(channel, kept, at);
        vectorized(
            #[inline(always)]
            || match kernel {
                3 => run::<T, 3>(kept, tap, &mut rows),
                _ => run::<T, 4>(kept, tap, &mut rows),
            },
        );
    });
}

#[inline(always)]
fn run<T: Element, const K: usize>(
    kept: usize,
    tap: impl Fn(usize, usize) -> T,
    rows: &mut [&mut [T]; POINTS],
) {
    for at in (0..padded(kept)).step_by(LANES) {
        let mut taps = [[[T::default(); LANES]; K]; K];
        for lane in 0..LANES.min(kept.saturating_sub(at)) {
            for y in 0..K {
                for x in 0..K {
                    taps[x][y][lane] = tap(at + lane, y * K + x);
                }
            }
        }
        let mut columns = [[[T::default(); LANES]; SIDE]; K];
        for (column, taps) in columns.iter_mut().zip(&taps) {
            *column = lines::each(taps, lines::filter::<T, K>);
        }
        for y in 0..SIDE {
            let mut line = [[T::default(); LANES]; K];
            for (x, line) in line.iter_mut().enumerate() {
                *line = columns[x][y];
            }
            for (x, lanes) in lines::each(&line, lines::filter::<T, K>).iter().enumerate() {
                store(lanes, &mut rows[y * SIDE + x][at..]);
            }
        }
    }
}
