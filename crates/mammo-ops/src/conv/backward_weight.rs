use rayon::prelude::*;

use super::forward::window;
use super::geometry::Geometry;
use super::window::tiles;
use super::winograd;
use crate::element::{Element, vectorized};
use crate::product::{RowProduct, padded as padded_len};

/// Partial sums that are formed side by side. Fixed, so that the result does not depend on the number of threads.
const GROUPS: usize = 4;

/// The gradient of a convolution to its weight, from its input `x` (N, C, H, W) and the gradient of its output
/// (N, O, H', W'): (O, C, K, K), summed over the batch.
pub(super) fn backward_weight<T: Element>(g: &Geometry, x: &[T], grad: &[T]) -> Vec<T> {
    if winograd::fits(g) {
        return winograd::backward_weight(g, x, grad);
    }
    let padded: Vec<_> = x.par_chunks(g.input_len()).map(|image| g.pad(image)).collect();
    if g.out_channels == 1 {
        return one_channel(g, &padded, grad);
    }
    let tiles = tiles(g.out_height, g.out_width, g.depth());
    let work: Vec<_> = (0..g.batch).flat_map(|b| tiles.iter().map(move |rows| (b, rows))).collect();
    let groups: Vec<_> = (0..GROUPS)
        .map(|i| &work[work.len() * i / GROUPS..work.len() * (i + 1) / GROUPS])
        .filter(|group| !group.is_empty())
        .collect();
    let partial: Vec<Vec<T>> = groups
        .par_iter()
        .map(|group| {
            let mut sum = vec![T::default(); g.out_channels * g.depth()];
            let (mut columns, mut grads) = (Vec::new(), Vec::new());
            for (b, rows) in *group {
                let pixels = rows.len() * g.out_width;
                let stride = padded_len(pixels);
                window(g, &padded[*b]).gather(rows, stride, &mut columns);
                grads.clear();
                for plane in grad[b * g.output_len()..(b + 1) * g.output_len()]
                    .chunks_exact(g.out_height * g.out_width)
                {
                    grads.extend_from_slice(&plane[rows.start * g.out_width..][..pixels]);
                    grads.resize(grads.len().next_multiple_of(stride), T::default());
                }
                let (left, right, depth, out) = (&grads[..], &columns[..], pixels, &mut sum[..]);
                let product = RowProduct { left, right, stride, depth, out, accumulate: true };
                T::row_product(product, g.precision);
            }
            sum
        })
        .collect();
    let mut partial = partial.into_iter();
    let mut total = partial.next().unwrap_or_else(|| vec![T::default(); g.out_channels * g.depth()]);
    for sum in partial {
        for (t, s) in total.iter_mut().zip(sum) {
            *t += s;
        }
    }
    total
}

/// With one output channel the product is a set of dot products, which needs no columns.
fn one_channel<T: Element>(g: &Geometry, padded: &[impl AsRef<[T]> + Sync], grad: &[T]) -> Vec<T> {
    let taps = g.kernel * g.kernel;
    let mut total = vec![T::default(); g.in_channels * taps];
    total.par_chunks_mut(taps).enumerate().for_each(|(c, total)| {
        let mut sums = vec![T::default(); taps];
        for (image, grad) in padded.iter().zip(grad.chunks_exact(g.output_len())) {
            vectorized(
                #[inline(always)]
                || window(g, image.as_ref()).tap_sums(c, grad, &mut sums),
            );
            for (t, s) in total.iter_mut().zip(&sums) {
                *t += *s;
            }
        }
    });
    total
}
