use rayon::prelude::*;

use super::lines::{self, LANES, load};
use super::{Images, POINTS, SIDE, Tiling, groups, tiles};
use crate::conv::geometry::{Geometry, Padding};
use crate::element::{Element, vectorized};
use crate::product::RowProduct;
use crate::scratch::scratch;

/// The gradient to the weight of a convolution, from its input `x` (N, C, H, W) and the gradient of its output
/// (N, O, H', W'): (O, C, K, K), summed over the batch. Every tile of the gradient is a filter over the tile of the
/// input that it came from, and K x K is what comes out.
pub(in crate::conv) fn backward_weight<T: Element>(g: &Geometry, x: &[T], grad: &[T]) -> Vec<T> {
    let mut out = vec![T::default(); g.out_channels * g.depth()];
    scratch(POINTS * g.out_channels * g.in_channels, |products| {
        let mut first = true;
        for (images, range) in groups(g) {
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
            scratch(POINTS * g.in_channels * tiling.stride(), |tiles| {
                tiles::transform(&inputs, g.padding, tiling, SIDE, tiles);
                scratch(POINTS * g.out_channels * tiling.stride(), |filters| {
                    tiles::transform(&grads, Padding::Zero(0), tiling, tiling.step, filters);
                    let stride = tiling.stride();
                    let products = products.par_chunks_mut(g.out_channels * g.in_channels).with_min_len(4);
                    let filters = filters.par_chunks(g.out_channels * stride);
                    let tiles = tiles.par_chunks(g.in_channels * stride);
                    products.zip(filters).zip(tiles).for_each(|((out, left), right)| {
                        let (depth, accumulate) = (tiling.count(), !first);
                        let product = RowProduct { left, right, stride, depth, out, accumulate };
                        T::row_product(product, g.precision);
                    });
                });
            });
            first = false;
        }
        out.par_chunks_mut(g.depth()).enumerate().for_each(|(channel, out)| {
            let point =
                |i: usize| &products[(i * g.out_channels + channel) * g.in_channels..][..g.in_channels];
            vectorized(
                #[inline(always)]
                || match g.kernel {
                    3 => run::<T, 3, 9>(point, out),
                    _ => run::<T, 4, 16>(point, out),
                },
            );
        });
    });
    out
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
