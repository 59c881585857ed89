//! Two-dimensional convolution and its gradients, by matrix products over patches.

use crate::numeric::{Real, gemm};
use rayon::prelude::*;

/// Elements of a matrix of patches that is built at a time.
const TILE: usize = 1 << 20;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub images: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub filters: usize,
    pub kernel: [usize; 2],
    pub out: [usize; 2],
    pub pad: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
}

impl Shape {
    fn patch(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    fn out_len(&self) -> usize {
        self.out[0] * self.out[1]
    }

    fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Rows of the output whose patches make up one tile.
    fn tile_rows(&self) -> usize {
        (TILE / (self.patch() * self.out[1]).max(1)).clamp(1, self.out[0].max(1))
    }

    /// Input position of an output position, if it is not padding.
    fn source(&self, axis: usize, out: usize, k: usize, size: usize) -> Option<usize> {
        let at = (out * self.stride[axis] + k * self.dilation[axis]).checked_sub(self.pad[axis])?;
        (at < size).then_some(at)
    }

    /// Calls `f` with `(row of the patch matrix, column, input index)` of every element that is not padding.
    fn each(&self, rows: std::ops::Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let [kh, kw] = self.kernel;
        for c in 0..self.channels {
            for r in 0..kh {
                for s in 0..kw {
                    let patch = (c * kh + r) * kw + s;
                    for (i, y) in rows.clone().enumerate() {
                        let Some(sy) = self.source(0, y, r, self.height) else { continue };
                        let line = (c * self.height + sy) * self.width;
                        for x in 0..self.out[1] {
                            if let Some(sx) = self.source(1, x, s, self.width) {
                                f(patch, i * self.out[1] + x, line + sx);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y` from `x` and the weights, all in order N, C, H, W.
pub fn forward<T: Real>(s: &Shape, x: &[T], w: &[T]) -> Vec<T> {
    let (p, o, k) = (s.patch(), s.out_len(), s.filters);
    let mut y = vec![T::default(); s.images * k * o];
    if y.is_empty() {
        return y;
    }
    y.par_chunks_mut(k * o).zip(x.par_chunks(s.image_len())).for_each(|(y, x)| {
        let step = s.tile_rows();
        for from in (0..s.out[0]).step_by(step) {
            let rows = from..(from + step).min(s.out[0]);
            let n = rows.len() * s.out[1];
            let mut columns = vec![T::default(); p * n];
            s.each(rows, |patch, at, source| columns[patch * n + at] = x[source]);
            let mut part = vec![T::default(); k * n];
            gemm(k, n, p, w, &columns, &mut part);
            for f in 0..k {
                y[f * o + from * s.out[1]..][..n].copy_from_slice(&part[f * n..][..n]);
            }
        }
    });
    y
}

/// The gradient of `x` from that of `y` and the weights.
pub fn backward_data<T: Real>(s: &Shape, dy: &[T], w: &[T]) -> Vec<T> {
    let (p, o, k) = (s.patch(), s.out_len(), s.filters);
    let mut dx = vec![T::default(); s.images * s.image_len()];
    if dx.is_empty() {
        return dx;
    }
    let mut transposed = vec![T::default(); p * k];
    for f in 0..k {
        for i in 0..p {
            transposed[i * k + f] = w[f * p + i];
        }
    }
    dx.par_chunks_mut(s.image_len()).zip(dy.par_chunks(k * o)).for_each(|(dx, dy)| {
        let step = s.tile_rows();
        for from in (0..s.out[0]).step_by(step) {
            let rows = from..(from + step).min(s.out[0]);
            let n = rows.len() * s.out[1];
            let mut part = vec![T::default(); k * n];
            for f in 0..k {
                part[f * n..][..n].copy_from_slice(&dy[f * o + from * s.out[1]..][..n]);
            }
            let mut columns = vec![T::default(); p * n];
            gemm(p, n, k, &transposed, &part, &mut columns);
            s.each(rows, |patch, at, target| dx[target] = dx[target].plus(columns[patch * n + at]));
        }
    });
    dx
}

/// The gradient of the weights from `x` and the gradient of `y`.
pub fn backward_filter<T: Real>(s: &Shape, x: &[T], dy: &[T]) -> Vec<T> {
    let (p, o, k) = (s.patch(), s.out_len(), s.filters);
    let mut dw = vec![T::default(); k * p];
    let step = s.tile_rows();
    for image in 0..s.images {
        let (x, dy) = (&x[image * s.image_len()..], &dy[image * k * o..]);
        for from in (0..s.out[0]).step_by(step) {
            let rows = from..(from + step).min(s.out[0]);
            let n = rows.len() * s.out[1];
            let mut patches = vec![T::default(); n * p];
            s.each(rows, |patch, at, source| patches[at * p + patch] = x[source]);
            let mut part = vec![T::default(); k * n];
            for f in 0..k {
                part[f * n..][..n].copy_from_slice(&dy[f * o + from * s.out[1]..][..n]);
            }
            gemm(k, p, n, &part, &patches, &mut dw);
        }
    }
    dw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        let (height, width, kernel, pad, stride, dilation) = (7, 9, [3, 2], [1, 2], [2, 1], [1, 2]);
        let out = [0, 1].map(|a| {
            let size = [height, width][a];
            (size + 2 * pad[a] - dilation[a] * (kernel[a] - 1) - 1) / stride[a] + 1
        });
        Shape { images: 2, channels: 3, height, width, filters: 4, kernel, out, pad, stride, dilation }
    }

    /// Visits every product of the definition: `(y index, x index, w index)`.
    fn definition(s: &Shape, mut f: impl FnMut(usize, usize, usize)) {
        for n in 0..s.images {
            for k in 0..s.filters {
                for y in 0..s.out[0] {
                    for x in 0..s.out[1] {
                        for c in 0..s.channels {
                            for r in 0..s.kernel[0] {
                                for q in 0..s.kernel[1] {
                                    let sy = (y * s.stride[0] + r * s.dilation[0]) as i64 - s.pad[0] as i64;
                                    let sx = (x * s.stride[1] + q * s.dilation[1]) as i64 - s.pad[1] as i64;
                                    if sy < 0 || sx < 0 || sy >= s.height as i64 || sx >= s.width as i64 {
                                        continue;
                                    }
                                    f(
                                        ((n * s.filters + k) * s.out[0] + y) * s.out[1] + x,
                                        ((n * s.channels + c) * s.height + sy as usize) * s.width
                                            + sx as usize,
                                        ((k * s.channels + c) * s.kernel[0] + r) * s.kernel[1] + q,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn all_three_passes_agree_with_the_definition() {
        let s = shape();
        let value = |i: usize| (i * 7919 % 23) as f64 - 11.0;
        let x: Vec<f64> = (0..s.images * s.image_len()).map(value).collect();
        let w: Vec<f64> = (0..s.filters * s.patch()).map(value).collect();
        let dy: Vec<f64> = (0..s.images * s.filters * s.out_len()).map(value).collect();
        let (mut ey, mut ex, mut ew) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        definition(&s, |iy, ix, iw| {
            ey[iy] += x[ix] * w[iw];
            ex[ix] += dy[iy] * w[iw];
            ew[iw] += dy[iy] * x[ix];
        });
        assert_eq!(forward(&s, &x, &w), ey);
        assert_eq!(backward_data(&s, &dy, &w), ex);
        assert_eq!(backward_filter(&s, &x, &dy), ew);
    }
}
