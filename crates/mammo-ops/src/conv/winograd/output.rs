use rayon::prelude::*;

use super::lines::{self, LANES, load};
use super::{SIDE, Tiling};
use crate::element::{Element, vectorized};
use std::ops::Range;

/// Transforms the products of some channels (`part`; point x channel x tile) back to images of `channels` x `height` x `width`,
/// plus `bias`.
pub(super) fn transform<T: Element>(
    products: &[T],
    out: &mut [T],
    tiling: Tiling,
    part: Range<usize>,
    size: (usize, usize, usize),
    bias: Option<&[T]>,
) {
    let (channels, height, width) = size;
    let images = out.par_chunks_mut(channels * height * width).enumerate();
    let planes = images.flat_map(|(image, out)| {
        let planes = out.par_chunks_mut(height * width).skip(part.start).take(part.len());
        planes.enumerate().map(move |(channel, out)| (image, channel, out))
    });
    planes.for_each_init(Vec::new, |scratch, (image, channel, out)| {
        let bias = bias.map_or(T::default(), |bias| bias[part.start + channel]);
        let (stride, count) = (tiling.stride(), tiling.of_one());
        let point = |i: usize| &products[(i * part.len() + channel) * stride + image * count..][..count];
        vectorized(
            #[inline(always)]
            || match tiling.step {
                4 => run::<T, 4>(point, tiling, (height, width), bias, scratch, out),
                _ => run::<T, 3>(point, tiling, (height, width), bias, scratch, out),
            },
        );
    });
}

#[inline(always)]
fn run<'a, T: Element, const STEP: usize>(
    point: impl Fn(usize) -> &'a [T],
    tiling: Tiling,
    (height, width): (usize, usize),
    bias: T,
    scratch: &mut Vec<T>,
    out: &mut [T],
) {
    let count = tiling.of_one();
    // Output row x output column x tile.
    let stride = count.next_multiple_of(LANES);
    scratch.resize(STEP * STEP * stride, T::default());
    for at in (0..count).step_by(LANES) {
        let tile = lines::output_tile::<T, STEP>(|y, x| load(&point(y * SIDE + x)[at..]));
        for y in 0..STEP {
            for x in 0..STEP {
                let target = &mut scratch[(y * STEP + x) * stride + at..][..LANES];
                for (t, &v) in target.iter_mut().zip(&tile[y][x]) {
                    *t = v + bias;
                }
            }
        }
    }
    let whole = width / STEP;
    for (y, row) in out.chunks_exact_mut(width).enumerate().take(height) {
        let first = (y % STEP) * STEP * stride + (y / STEP) * tiling.columns;
        let column = |x: usize| &scratch[first + x * stride..][..tiling.columns];
        let (groups, rest) = row.as_chunks_mut::<STEP>();
        for x in 0..STEP {
            for (group, &v) in groups.iter_mut().zip(column(x)) {
                group[x] = v;
            }
        }
        for (x, pixel) in rest.iter_mut().enumerate() {
            *pixel = column(x)[whole];
        }
    }
}
