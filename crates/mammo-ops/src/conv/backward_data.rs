use rayon::prelude::*;

use super::geometry::{Geometry, Padding};
use super::window::{Weights, Window, tiles};
use super::winograd;
use crate::element::{Element, zeros};

/// The input pixels along one axis that share a phase: positions `stride * t + offset` of the padded axis for `t` in
/// `first..first + count`. Only every `stride`-th kernel tap reaches them, so that each phase is a convolution of
/// stride one with a smaller kernel, and together the phases do exactly the multiplications that are needed.
struct Phase {
    offset: usize,
    first: usize,
    count: usize,
    taps: usize,
}

/// The phases of the padded positions `from..to`.
fn phases(stride: usize, kernel: usize, from: usize, to: usize) -> Vec<Phase> {
    (0..stride)
        .map(|phase| {
            let first = from.saturating_sub(phase).div_ceil(stride);
            let end = to.saturating_sub(phase).div_ceil(stride);
            Phase {
                offset: phase,
                first,
                count: end.saturating_sub(first),
                taps: kernel.saturating_sub(phase).div_ceil(stride),
            }
        })
        .collect()
}

/// The gradient of a convolution to its input, which is also the transposed convolution of `grad` (N, O, H', W')
/// with `weight` (O, C, K, K): (N, C, H, W).
pub(super) fn backward_data<T: Element>(g: &Geometry, grad: &[T], weight: &[T]) -> Vec<T> {
    // Zero padding has no gradient; reflected padding passes its own back, so it is computed and folded.
    let out =
        if winograd::fits(g) { winograd::backward_data(g, grad, weight) } else { by_phases(g, grad, weight) };
    if g.padding.pixels() == 0 || matches!(g.padding, Padding::Zero(_)) {
        return out;
    }
    let mut folded = zeros(g.batch * g.input_len());
    folded
        .par_chunks_mut(g.input_len())
        .zip(out.par_chunks(g.in_channels * g.padded_height() * g.padded_width()))
        .for_each(|(target, source)| g.fold_reflection(source, target));
    folded
}

/// The gradient with its reflected padding still around it, one convolution for each phase.
fn by_phases<T: Element>(g: &Geometry, grad: &[T], weight: &[T]) -> Vec<T> {
    let (from, height, width) = match g.padding {
        Padding::Zero(p) => (p, g.height, g.width),
        Padding::Reflect(_) => (0, g.padded_height(), g.padded_width()),
    };
    // Kernel taps reach this far beyond the output on each side, measured in output pixels.
    let reach = g.kernel.div_ceil(g.stride) - 1;
    let grads: Vec<_> = grad.par_chunks(g.output_len()).map(|image| surround(g, image, reach)).collect();
    let (source_height, source_width) = surrounded_size(g, reach);

    let phases_y = phases(g.stride, g.kernel, from, from + height);
    let phases_x = phases(g.stride, g.kernel, from, from + width);
    let mut out = zeros(g.batch * g.in_channels * height * width);
    for py in &phases_y {
        for px in &phases_x {
            if py.taps * px.taps * py.count * px.count == 0 {
                continue;
            }
            let weights = Weights::new(&phase_weights(g, weight, py, px), g.in_channels);
            let tiles = tiles(py.count, px.count, g.out_channels * py.taps * px.taps);
            let work: Vec<_> = (0..g.batch).flat_map(|b| tiles.iter().map(move |rows| (b, rows))).collect();
            let products: Vec<Vec<T>> = work
                .par_iter()
                .map_init(Vec::new, |scratch, (b, rows)| {
                    let window = Window {
                        source: &grads[*b],
                        depth: g.out_channels,
                        source_height,
                        source_width,
                        kernel_y: py.taps,
                        kernel_x: px.taps,
                        stride: 1,
                        origin_y: py.first + reach + 1 - py.taps,
                        origin_x: px.first + reach + 1 - px.taps,
                        width: px.count,
                        precision: g.precision,
                    };
                    window.multiply(&weights, rows, scratch)
                })
                .collect();
            out.par_chunks_mut(height * width).enumerate().for_each(|(i, out)| {
                let (b, channel) = (i / g.in_channels, i % g.in_channels);
                for (rows, product) in tiles.iter().zip(&products[b * tiles.len()..]) {
                    let pixels = rows.len() * px.count;
                    let product = &product[channel * product.len() / g.in_channels..][..pixels];
                    for (y, row) in rows.clone().zip(product.chunks_exact(px.count)) {
                        let target_y = (py.first + y) * g.stride + py.offset - from;
                        let target_x = px.first * g.stride + px.offset - from;
                        let target = &mut out[target_y * width + target_x..(target_y + 1) * width];
                        if g.stride == 1 {
                            target[..px.count].copy_from_slice(row);
                        } else {
                            for (pixels, &v) in target.chunks_mut(g.stride).zip(row) {
                                pixels[0] = v;
                            }
                        }
                    }
                }
            });
        }
    }
    out
}

/// Height and width of an output image with room for every kernel tap around it.
fn surrounded_size(g: &Geometry, reach: usize) -> (usize, usize) {
    // The last padded position may lie behind the last output's kernel when the stride does not divide.
    let size = |padded: usize, out: usize| reach + out.max((padded - 1) / g.stride + 1);
    (size(g.padded_height(), g.out_height), size(g.padded_width(), g.out_width))
}

fn surround<T: Element>(g: &Geometry, image: &[T], reach: usize) -> Vec<T> {
    let (height, width) = surrounded_size(g, reach);
    let mut out = vec![T::default(); g.out_channels * height * width];
    for (plane, source) in
        out.chunks_exact_mut(height * width).zip(image.chunks_exact(g.out_height * g.out_width))
    {
        for (y, row) in source.chunks_exact(g.out_width).enumerate() {
            plane[(y + reach) * width + reach..][..g.out_width].copy_from_slice(row);
        }
    }
    out
}

/// The taps of one phase as a matrix: input channel x (output channel, reversed tap).
fn phase_weights<T: Element>(g: &Geometry, weight: &[T], py: &Phase, px: &Phase) -> Vec<T> {
    let k = g.kernel;
    let mut out = Vec::with_capacity(g.in_channels * g.out_channels * py.taps * px.taps);
    for c in 0..g.in_channels {
        for o in 0..g.out_channels {
            let taps = &weight[(o * g.in_channels + c) * k * k..][..k * k];
            for a in (0..py.taps).rev() {
                for b in (0..px.taps).rev() {
                    out.push(taps[(a * g.stride + py.offset) * k + b * g.stride + px.offset]);
                }
            }
        }
    }
    out
}
