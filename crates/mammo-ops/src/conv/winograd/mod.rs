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
use crate::element::Element;
use crate::matmul::{Matrix, matmul};
use crate::scratch::scratch;
use rayon::prelude::*;

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

/// The tiling of one image: `rows` x `columns` tiles of `step` x `step` outputs.
#[derive(Clone, Copy)]
struct Tiling {
    step: usize,
    rows: usize,
    columns: usize,
}

impl Tiling {
    /// Tiles that cover `height` x `width` outputs of a square kernel.
    fn new(kernel: usize, height: usize, width: usize) -> Self {
        let step = SIDE + 1 - kernel;
        Self { step, rows: height.div_ceil(step), columns: width.div_ceil(step) }
    }

    fn count(self) -> usize {
        self.rows * self.columns
    }
}

/// The convolution of `x` (N, C, H, W) with `weight` (O, C, K, K), plus `bias` (O): (N, O, H', W').
pub(super) fn forward<T: Element>(g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    let images = Images { values: x, channels: g.in_channels, height: g.height, width: g.width };
    let size = (g.out_channels, g.out_height, g.out_width);
    scratch(g.out_channels * POINTS * g.in_channels, |filters| {
        filter::transform(weight, g.in_channels, g.kernel, false, filters);
        let filters = |point: usize| Matrix {
            data: &filters[point * g.in_channels..],
            rows: g.out_channels,
            columns: g.in_channels,
            row_stride: POINTS * g.in_channels,
            column_stride: 1,
        };
        correlate(&images, g.padding, g.kernel, filters, size, bias)
    })
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
    scratch(g.out_channels * POINTS * g.in_channels, |filters| {
        filter::transform(weight, g.in_channels, g.kernel, true, filters);
        let filters = |point: usize| Matrix {
            data: &filters[point * g.in_channels..],
            rows: g.in_channels,
            columns: g.out_channels,
            row_stride: 1,
            column_stride: POINTS * g.in_channels,
        };
        correlate(&grads, Padding::Zero(beyond), g.kernel, filters, (g.in_channels, height, width), None)
    })
}

/// A batch of images, (N, C, H, W).
struct Images<'a, T> {
    values: &'a [T],
    channels: usize,
    height: usize,
    width: usize,
}

/// Slides transformed filters over images: `filters(point)` is the matrix of output x input channels of one of the 36
/// points, `size` the channels, height and width of the result.
fn correlate<'a, T: Element>(
    images: &Images<T>,
    padding: Padding,
    kernel: usize,
    filters: impl Fn(usize) -> Matrix<'a, T> + Sync,
    size: (usize, usize, usize),
    bias: Option<&[T]>,
) -> Vec<T> {
    let (channels, height, width) = size;
    let tiling = Tiling::new(kernel, height, width);
    let count = tiling.count();
    let image_len = images.channels * images.height * images.width;
    let mut out = vec![T::default(); images.values.len() / image_len * channels * height * width];
    for (image, out) in images.values.chunks(image_len).zip(out.chunks_mut(channels * height * width)) {
        scratch(POINTS * channels * count, |products| {
            scratch(images.channels * POINTS * count, |tiles| {
                tiles::transform(image, images, padding, tiling, SIDE, tiles);
                let products = products.par_chunks_mut(channels * count).enumerate().with_min_len(4);
                products.for_each(|(point, product)| {
                    matmul(
                        product,
                        filters(point),
                        tiles::matrix(tiles, point, images.channels, count),
                        false,
                    );
                });
            });
            output::transform(products, out, tiling, (channels, height, width), bias);
        });
    }
    out
}
