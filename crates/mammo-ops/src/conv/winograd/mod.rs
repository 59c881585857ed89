//! Convolutions of stride one with fewer multiplications: Winograd's minimal filtering (Lavin and Gray, arXiv
//! 1509.09308) on tiles of 6 x 6, for kernels of 3 x 3 (4 x 4 outputs a tile) and 4 x 4 (3 x 3 outputs a tile).
//!
//! A tile, transformed, is 36 numbers; so is a kernel; their convolution is an entrywise product. Over all channels
//! these are 36 matrix products with a quarter of the multiplications of the plain convolution. The gradient to the
//! input is such a convolution itself, and the gradient to the weight one whose kernel is the gradient's tile.
//!
//! The transforms interpolate at 0, 1/2, -1/2, 3/2, -3/2 and infinity. Of the sets of points whose multiplications stay
//! cheap this one rounds best: about 8e-7 relative in f32, measured by `error_stays_near_rounding`, against 3e-7 of the
//! plain sum and 1.4e-6 of the usual points 0, 1, -1, 2, -2.

mod filter;
mod lines;
mod output;
mod tiles;
mod weight;

use super::geometry::{Geometry, Padding};
use crate::element::{Element, zeros};
use crate::product::{Product, padded};
use crate::scratch::scratch;
use rayon::prelude::*;
use std::ops::Range;

pub(super) use weight::backward_weight;

/// Side of a transformed tile.
const SIDE: usize = 6;
/// Numbers of a transformed tile.
const POINTS: usize = SIDE * SIDE;

/// Below so many channels on either side the transforms cost more than they save.
const FEWEST_CHANNELS: usize = 8;

/// Whether the convolution may go this way.
pub(super) fn fits(g: &Geometry) -> bool {
    g.stride == 1
        && matches!(g.kernel, 3 | 4)
        && g.padding.pixels() < g.kernel
        && g.in_channels >= FEWEST_CHANNELS
        && g.out_channels >= FEWEST_CHANNELS
}

/// The tiling of some images of one size: `rows` x `columns` tiles of `step` x `step` outputs each.
#[derive(Clone, Copy)]
struct Tiling {
    images: usize,
    step: usize,
    rows: usize,
    columns: usize,
}

impl Tiling {
    /// Tiles that cover `height` x `width` outputs of a square kernel.
    fn new(images: usize, kernel: usize, height: usize, width: usize) -> Self {
        let step = SIDE + 1 - kernel;
        Self { images, step, rows: height.div_ceil(step), columns: width.div_ceil(step) }
    }

    /// Tiles of one image.
    fn of_one(self) -> usize {
        self.rows * self.columns
    }

    fn count(self) -> usize {
        self.images * self.of_one()
    }

    /// Length of a row of tiles with what fills it up to whole vectors.
    fn stride(self) -> usize {
        padded(self.count())
    }
}

/// So many tiles make a product large enough; small images are put together up to this.
const TILES_TOGETHER: usize = 256;

/// The images of a batch that are worked on together: how many, and which.
fn groups(g: &Geometry) -> impl Iterator<Item = (usize, Range<usize>)> {
    let most = (TILES_TOGETHER / Tiling::new(1, g.kernel, g.out_height, g.out_width).count().max(1)).max(1);
    let batch = g.batch;
    (0..batch).step_by(most).map(move |first| {
        let end = batch.min(first + most);
        (end - first, first..end)
    })
}

/// Channels of a result whose transformed kernels are held at once. All those of a wide layer take tens of megabytes.
const CHANNELS_TOGETHER: usize = 256;

/// The `channels` of a result in parts. Where one group of images is all there is, its tiles are kept and the kernels pass
/// by; where there are more, transforming every kernel again for each would cost more than holding them all.
fn parts(g: &Geometry, channels: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let most = if groups(g).count() > 1 { channels } else { CHANNELS_TOGETHER };
    (0..channels).step_by(most.max(1)).map(move |first| first..channels.min(first + most))
}

/// The convolution of `x` (N, C, H, W) with `weight` (O, C, K, K), plus `bias` (O): (N, O, H', W').
pub(super) fn forward<T: Element>(g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    let images = Images { values: x, channels: g.in_channels, height: g.height, width: g.width };
    let size = (g.out_channels, g.out_height, g.out_width);
    let filters = |part: Range<usize>, filters: &mut [T]| {
        filter::over_inputs(weight, g.in_channels, part, g.kernel, filters);
    };
    correlate(g, &images, g.padding, filters, size, bias)
}

/// The gradient to the input of a convolution from `grad` (N, O, H', W'): (N, C, H, W), or with the padding around it,
/// (N, C, H + 2p, W + 2p), where the padding reflects and its gradient is still to be folded back.
pub(super) fn backward_data<T: Element>(g: &Geometry, grad: &[T], weight: &[T]) -> Vec<T> {
    let grads = Images { values: grad, channels: g.out_channels, height: g.out_height, width: g.out_width };
    // The kernel turned by half a turn slides over the gradient; what lies beyond the gradient is zero.
    let (beyond, height, width) = match g.padding {
        Padding::Zero(pad) => (g.kernel - 1 - pad, g.height, g.width),
        Padding::Reflect(_) => (g.kernel - 1, g.padded_height(), g.padded_width()),
    };
    let filters = |part: Range<usize>, filters: &mut [T]| {
        filter::over_outputs(weight, (g.out_channels, g.in_channels), part, g.kernel, filters);
    };
    correlate(g, &grads, Padding::Zero(beyond), filters, (g.in_channels, height, width), None)
}

/// A batch of images, (N, C, H, W).
struct Images<'a, T> {
    values: &'a [T],
    channels: usize,
    height: usize,
    width: usize,
}

impl<T> Images<'_, T> {
    fn plane(&self, image: usize, channel: usize) -> &[T] {
        let area = self.height * self.width;
        &self.values[(image * self.channels + channel) * area..][..area]
    }
}

/// The rows of a point x channel x `stride` array, sorted by channel: what transforms one channel writes to all points.
fn rows_by_channel<T>(values: &mut [T], channels: usize, stride: usize) -> Vec<[&mut [T]; POINTS]> {
    let mut points: Vec<_> =
        values.chunks_exact_mut(channels * stride).map(|point| point.chunks_exact_mut(stride)).collect();
    (0..channels).map(|_| std::array::from_fn(|point| points[point].next().unwrap_or_default())).collect()
}

/// Slides filters over images. `transform` writes the transformed filters of some channels of the result (point x image
/// channel x padded result channel); `size` is the channels, height and width of the result.
fn correlate<T: Element>(
    g: &Geometry,
    images: &Images<T>,
    padding: Padding,
    transform: impl Fn(Range<usize>, &mut [T]),
    size: (usize, usize, usize),
    bias: Option<&[T]>,
) -> Vec<T> {
    let (channels, height, width) = size;
    let image_len = images.channels * images.height * images.width;
    let out_len = channels * height * width;
    let mut out = zeros(g.batch * out_len);
    let widest = parts(g, channels).map(|part| part.len()).max().unwrap_or(0);
    scratch(filter::room(images.channels, widest), |filters| {
        for (i, (count, range)) in groups(g).enumerate() {
            let images =
                Images { values: &images.values[range.start * image_len..range.end * image_len], ..*images };
            let out = &mut out[range.start * out_len..range.end * out_len];
            let tiling = Tiling::new(count, g.kernel, height, width);
            let stride = tiling.stride();
            scratch(POINTS * images.channels * stride, |tiles| {
                tiles::transform(&images, padding, tiling, SIDE, tiles);
                for part in parts(g, channels) {
                    let (rows, left_stride) = (part.len(), padded(part.len()));
                    let filters = &mut filters[..filter::room(images.channels, rows)];
                    // Where there are more groups there is one part only, whose kernels are still there.
                    if i == 0 {
                        transform(part.clone(), filters);
                    }
                    scratch(POINTS * rows * stride, |products| {
                        let each = products.par_chunks_mut(rows * stride).with_min_len(4);
                        let filters = filters.par_chunks(images.channels * left_stride);
                        let tiles = tiles.par_chunks(images.channels * stride);
                        each.zip(filters).zip(tiles).for_each(|((out, left), right)| {
                            let columns = tiling.count();
                            let product = Product { left, left_stride, right, out, stride, rows, columns };
                            T::product(product, g.precision);
                        });
                        output::transform(products, out, tiling, part, (channels, height, width), bias);
                    });
                }
            });
        }
    });
    out
}
