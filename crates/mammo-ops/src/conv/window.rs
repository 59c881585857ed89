use std::ops::Range;

use crate::bf16::Precision;
use crate::element::{Element, LANES, vectorized};
use crate::product::{Product, padded, turned};

/// A kernel-sized window that slides over one padded image and is seen as columns: entry
/// ((d, ky, kx), (y, x)) is `source[d, origin_y + y * stride + ky, origin_x + x * stride + kx]`.
pub(super) struct Window<'a, T> {
    pub(super) source: &'a [T],
    pub(super) depth: usize,
    pub(super) source_height: usize,
    pub(super) source_width: usize,
    pub(super) kernel_y: usize,
    pub(super) kernel_x: usize,
    pub(super) stride: usize,
    pub(super) origin_y: usize,
    pub(super) origin_x: usize,
    /// Output columns.
    pub(super) width: usize,
    pub(super) precision: Precision,
}

/// The weights that a window is multiplied with, `channels` x `column_len`, in the order in which the product reads them.
pub(super) struct Weights<T> {
    channels: usize,
    values: Vec<T>,
}

impl<T: Element> Weights<T> {
    pub(super) fn new(weights: &[T], channels: usize) -> Self {
        let values = if channels == 1 { weights.to_vec() } else { turned(weights, channels) };
        Self { channels, values }
    }
}

/// Values of the column matrix of one tile: half a megabyte of f32, so that it stays in the second-level cache.
const TILE_VALUES: usize = 128 * 1024;

/// Cuts `rows` output rows of `width` pixels into tiles whose column matrix (`depth` rows) fits the cache. The
/// number of tiles is a multiple of four where there are rows enough, so that the usual numbers of threads share
/// them evenly, and depends on the shape alone.
pub(super) fn tiles(rows: usize, width: usize, depth: usize) -> Vec<Range<usize>> {
    let by_size = (rows * width * depth).div_ceil(TILE_VALUES).next_multiple_of(4);
    // A tile below some 64 pixels wastes the matrix product's own blocking.
    let by_pixels = (rows * width).div_ceil(64);
    let count = by_size.min(by_pixels).clamp(1, rows.max(1));
    (0..count).map(|i| rows * i / count..rows * (i + 1) / count).collect()
}

impl<T: Element> Window<'_, T> {
    /// Rows of the column matrix.
    pub(super) fn column_len(&self) -> usize {
        self.depth * self.kernel_y * self.kernel_x
    }

    fn source_row(&self, d: usize, y: usize, ky: usize) -> &[T] {
        let row = self.origin_y + y * self.stride + ky;
        &self.source[(d * self.source_height + row) * self.source_width..][..self.source_width]
    }

    /// The columns of the output rows `rows`, as a row-major matrix of `column_len` x (rows * width), each row filled up
    /// with zeros to `stride`.
    pub(super) fn gather(&self, rows: &Range<usize>, stride: usize, columns: &mut Vec<T>) {
        columns.clear();
        columns.reserve(self.column_len() * stride);
        for d in 0..self.depth {
            for ky in 0..self.kernel_y {
                for kx in 0..self.kernel_x {
                    for y in rows.clone() {
                        let row = &self.source_row(d, y, ky)[self.origin_x + kx..];
                        if self.stride == 1 {
                            columns.extend_from_slice(&row[..self.width]);
                        } else if self.stride == 2 {
                            let (pairs, last) = row.as_chunks::<2>();
                            columns.extend(pairs.iter().take(self.width).map(|pair| pair[0]));
                            columns.extend(last.iter().take(self.width.saturating_sub(pairs.len())));
                        } else {
                            columns.extend(row.chunks(self.stride).take(self.width).map(|pixels| pixels[0]));
                        }
                    }
                    columns.resize(columns.len().next_multiple_of(stride), T::default());
                }
            }
        }
    }

    /// `weights` times the columns of `rows`: a row of [`Self::product_stride`] numbers for every channel of the result.
    pub(super) fn multiply(&self, weights: &Weights<T>, rows: &Range<usize>, scratch: &mut Vec<T>) -> Vec<T> {
        let columns = rows.len() * self.width;
        let stride = self.product_stride(rows);
        let mut out = vec![T::default(); weights.channels * stride];
        if weights.channels == 1 {
            // A product with one row is bound by building its columns; sliding along the rows needs none.
            vectorized(
                #[inline(always)]
                || self.slide(&weights.values, rows, &mut out),
            );
        } else {
            self.gather(rows, stride, scratch);
            let (left, left_stride) = (&weights.values, padded(weights.channels));
            let (right, rows) = (&scratch[..], weights.channels);
            let product = Product { left, left_stride, right, out: &mut out, stride, rows, columns };
            T::product(product, self.precision);
        }
        out
    }

    /// Numbers in a row of a product over the output rows `rows`.
    pub(super) fn product_stride(&self, rows: &Range<usize>) -> usize {
        padded(rows.len() * self.width)
    }

    #[inline(always)]
    fn slide(&self, weights: &[T], rows: &Range<usize>, out: &mut [T]) {
        for (i, y) in rows.clone().enumerate() {
            let out_row = &mut out[i * self.width..][..self.width];
            for d in 0..self.depth {
                for ky in 0..self.kernel_y {
                    let row = self.source_row(d, y, ky);
                    for kx in 0..self.kernel_x {
                        let w = weights[(d * self.kernel_y + ky) * self.kernel_x + kx];
                        let row = &row[self.origin_x + kx..];
                        if self.stride == 1 {
                            for (o, &v) in out_row.iter_mut().zip(row) {
                                *o += w * v;
                            }
                        } else {
                            for (o, &v) in out_row.iter_mut().zip(row.iter().step_by(self.stride)) {
                                *o += w * v;
                            }
                        }
                    }
                }
            }
        }
    }

    /// For one source channel and one output plane `grad` (rows x width): the sum over all output pixels of grad
    /// times the source value that meets it under each tap of the kernel.
    #[inline(always)]
    pub(super) fn tap_sums(&self, d: usize, grad: &[T], sums: &mut [T]) {
        for ky in 0..self.kernel_y {
            for kx in 0..self.kernel_x {
                let mut running = [T::default(); LANES];
                let mut total = T::default();
                for (y, grad_row) in grad.chunks_exact(self.width).enumerate() {
                    let row = &self.source_row(d, y, ky)[self.origin_x + kx..];
                    total += if self.stride == 1 {
                        add_products(&mut running, grad_row, &row[..self.width])
                    } else {
                        grad_row
                            .iter()
                            .zip(row.iter().step_by(self.stride))
                            .fold(T::default(), |acc, (&g, &v)| acc + g * v)
                    };
                }
                total = running.iter().fold(total, |acc, &v| acc + v);
                sums[ky * self.kernel_x + kx] = total;
            }
        }
    }
}

/// Adds the products of two rows to running sums, which the compiler keeps in vector registers (a plain sum may not be
/// reordered and stays scalar), and returns the sum of what is left over at the end.
#[inline(always)]
fn add_products<T: Element>(running: &mut [T; LANES], a: &[T], b: &[T]) -> T {
    let ((a_blocks, a_tail), (b_blocks, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for i in 0..LANES {
            running[i] += x[i] * y[i];
        }
    }
    a_tail.iter().zip(b_tail).fold(T::default(), |acc, (&x, &y)| acc + x * y)
}
