use rayon::prelude::*;

use super::lines::{self, LANES, load};
use super::{Images, POINTS, SIDE, Tiling, groups, parts, tiles};
use crate::conv::geometry::{Geometry, Padding};
use crate::element::{Element, vectorized};
use crate::product::RowProduct;
use crate::scratch::scratch;

/// The gradient to the weight of a convolution, from its input `x` (N, C, H, W) and the gradient of its output
/// (N, O, H', W'): (O, C, K, K), summed over the batch. Every tile of the gradient is a filter over the tile of the
/// input that it came from, and K x K is what comes out.
pub(in crate::conv) fn backward_weight<T: Element>(g: &Geometry, x: &[T], grad: &[T]) -> Vec<T> {
    let mut out = vec![T::default(); g.out_channels * g.depth()];
    let widest = parts(g, g.out_channels).map(|part| part.len()).max().unwrap_or(0);
    scratch(POINTS * widest * g.in_channels, |products| {
        for (i, (images, range)) in groups(g).enumerate() {
            let inputs = Images {
                values: &x[range.start * g.input_len()..range.end * g.input_len()],
                channels: g.in_channels,
                height: g.height,
                width: g.width,
            };
            let grads = Images {
                values: &grad[range.start * g.output_len()..range.end * g.output_len()],
                channels: g.out_channels,
                height: g.out_height,
                width: g.out_width,
            };
            let tiling = Tiling::new(images, g.kernel, g.out_height, g.out_width);
            let stride = tiling.stride();
            let last = range.end == g.batch;
            scratch(POINTS * g.in_channels * stride, |tiles| {
                tiles::transform(&inputs, g.padding, tiling, SIDE, tiles);
                scratch(POINTS * g.out_channels * stride, |filters| {
                    tiles::transform(&grads, Padding::Zero(0), tiling, tiling.step, filters);
                    for part in parts(g, g.out_channels) {
                        let products = &mut products[..POINTS * part.len() * g.in_channels];
                        let each = products.par_chunks_mut(part.len() * g.in_channels).with_min_len(4);
                        let filters = filters.par_chunks(g.out_channels * stride);
                        let tiles = tiles.par_chunks(g.in_channels * stride);
                        each.zip(filters).zip(tiles).for_each(|((out, filters), right)| {
                            let left = &filters[part.start * stride..part.end * stride];
                            let (depth, accumulate) = (tiling.count(), i > 0);
                            let product = RowProduct { left, right, stride, depth, out, accumulate };
                            T::row_product(product, g.precision);
                        });
                        // Where there are more groups there is one part only, which holds their sum.
                        if last {
                            let out = &mut out[part.start * g.depth()..part.end * g.depth()];
                            kernels(g, products, part.len(), out);
                        }
                    }
                });
            });
        }
    });
    out
}

/// Transforms products (point x output channel x input channel) back to kernels.
fn kernels<T: Element>(g: &Geometry, products: &[T], channels: usize, out: &mut [T]) {
    out.par_chunks_mut(g.depth()).enumerate().for_each(|(channel, out)| {
        let point = |i: usize| &products[(i * channels + channel) * g.in_channels..][..g.in_channels];
        vectorized(
            #[inline(always)]
            || match g.kernel {
                3 => run::<T, 3, 9>(point, out),
                _ => run::<T, 4, 16>(point, out),
            },
        );
    });
}

#[inline(always)]
fn run<'a, T: Element, const K: usize, const AREA: usize>(point: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    for (block, kernels) in out.chunks_mut(LANES * AREA).enumerate() {
        let at = block * LANES;
        let tile = lines::output_tile::<T, K>(|y, x| load(&point(y * SIDE + x)[at..]));
        for y in 0..K {
            for x in 0..K {
                for (kernel, &v) in kernels.as_chunks_mut::<AREA>().0.iter_mut().zip(&tile[y][x]) {
                    kernel[y * K + x] = v;
                }
            }
        }
    }
}
