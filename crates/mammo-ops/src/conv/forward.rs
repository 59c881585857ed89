use rayon::prelude::*;

use super::geometry::Geometry;
use super::window::{Weights, Window, tiles};
use super::winograd;
use crate::element::{Element, zeros};

/// The convolution of `x` (N, C, H, W) with `weight` (O, C, K, K), plus `bias` (O): (N, O, H', W').
pub(super) fn forward<T: Element>(g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    if winograd::fits(g) {
        return winograd::forward(g, x, weight, bias);
    }
    let padded: Vec<_> = x.par_chunks(g.input_len()).map(|image| g.pad(image)).collect();
    let tiles = tiles(g.out_height, g.out_width, g.depth());
    let work: Vec<_> = (0..g.batch).flat_map(|b| tiles.iter().map(move |rows| (b, rows))).collect();
    let weights = Weights::new(weight, g.out_channels);
    let products: Vec<Vec<T>> = work
        .par_iter()
        .map_init(Vec::new, |scratch, (b, rows)| window(g, &padded[*b]).multiply(&weights, rows, scratch))
        .collect();
    let mut out = zeros(g.batch * g.output_len());
    let plane = g.out_height * g.out_width;
    out.par_chunks_mut(plane).enumerate().for_each(|(i, out)| {
        let (b, channel) = (i / g.out_channels, i % g.out_channels);
        for (rows, product) in tiles.iter().zip(&products[b * tiles.len()..]) {
            let pixels = rows.len() * g.out_width;
            let target = &mut out[rows.start * g.out_width..][..pixels];
            let source = &product[channel * product.len() / g.out_channels..][..pixels];
            match bias {
                None => target.copy_from_slice(source),
                Some(bias) => {
                    let bias = bias[channel];
                    for (t, &s) in target.iter_mut().zip(source) {
                        *t = s + bias;
                    }
                }
            }
        }
    });
    out
}

/// The kernel's window over one padded input image.
pub(super) fn window<'a, T: Element>(g: &Geometry, padded: &'a [T]) -> Window<'a, T> {
    Window {
        source: padded,
        depth: g.in_channels,
        source_height: g.padded_height(),
        source_width: g.padded_width(),
        kernel_y: g.kernel,
        kernel_x: g.kernel,
        stride: g.stride,
        origin_y: 0,
        origin_x: 0,
        width: g.out_width,
        precision: g.precision,
    }
}
