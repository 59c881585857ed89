use rayon::prelude::*;

use super::lines::{self, LANES, load, store};
use super::{Images, POINTS, Padding, SIDE, Tiling};
use crate::element::{Element, vectorized};
use crate::matmul::Matrix;

/// Cuts an image into tiles of `taps` x `taps` pixels, `tiling.step` apart, and transforms them: as pixels of an image
/// where the tile is whole (`taps` is [`SIDE`]), else as the taps of a filter. `out` becomes channel x point x tile.
pub(super) fn transform<T: Element>(
    image: &[T],
    images: &Images<T>,
    padding: Padding,
    tiling: Tiling,
    taps: usize,
    out: &mut [T],
) {
    let count = tiling.count();
    out.par_chunks_mut(POINTS * count).zip(image.par_chunks(images.height * images.width)).for_each_init(
        Scratch::default,
        |scratch, (out, plane)| {
            vectorized(
                #[inline(always)]
                || {
                    let size = (images.height, images.width);
                    match (tiling.step, taps) {
                        (4, SIDE) => scratch.run::<4, SIDE>(plane, size, padding, tiling, out, lines::tile),
                        (3, SIDE) => scratch.run::<3, SIDE>(plane, size, padding, tiling, out, lines::tile),
                        (4, _) => {
                            scratch.run::<4, 4>(plane, size, padding, tiling, out, lines::filter::<T, 4>);
                        }
                        (_, _) => {
                            scratch.run::<3, 3>(plane, size, padding, tiling, out, lines::filter::<T, 3>);
                        }
                    }
                },
            );
        },
    );
}

/// The transformed tiles of one point: channels x tiles.
pub(super) fn matrix<T>(tiles: &[T], point: usize, channels: usize, count: usize) -> Matrix<'_, T> {
    Matrix {
        data: &tiles[point * count..],
        rows: channels,
        columns: count,
        row_stride: POINTS * count,
        column_stride: 1,
    }
}

/// Buffers of one thread, kept from channel to channel.
#[derive(Default)]
struct Scratch<T> {
    /// One line of pixels with its padding.
    line: Vec<T>,
    /// Tap x row x tile column: pixel `step * column + tap` of the row.
    taps: Vec<T>,
    /// Point x row x tile column: the rows transformed.
    rows: Vec<T>,
}

impl<T: Element> Scratch<T> {
    /// Transforms the tiles of one channel along the rows, which neighbouring tiles share, and then down the columns.
    #[inline(always)]
    fn run<const STEP: usize, const TAPS: usize>(
        &mut self,
        plane: &[T],
        size: (usize, usize),
        padding: Padding,
        tiling: Tiling,
        out: &mut [T],
        transform: impl Fn([T; TAPS]) -> [T; SIDE] + Copy,
    ) {
        let (height, width) = size;
        let columns = tiling.columns;
        let row_count = STEP * (tiling.rows - 1) + TAPS;
        // Whole vectors are read and written from the last tile of a line on; what lies behind it is ignored.
        let len = row_count * columns + LANES;
        self.line.resize(STEP * (columns + 1), T::default());
        self.taps.resize(TAPS * len, T::default());
        self.rows.resize(SIDE * len, T::default());

        for y in 0..row_count {
            padding.line(plane, (height, width), y, &mut self.line);
            let groups = self.line.as_chunks::<STEP>().0;
            for tap in 0..TAPS {
                let target = &mut self.taps[tap * len + y * columns..][..columns];
                for (t, group) in target.iter_mut().zip(&groups[tap / STEP..]) {
                    *t = group[tap % STEP];
                }
            }
        }
        for at in (0..row_count * columns).step_by(LANES) {
            let mut pixels = [[T::default(); LANES]; TAPS];
            for (tap, pixels) in pixels.iter_mut().enumerate() {
                *pixels = load(&self.taps[tap * len + at..]);
            }
            for (point, lanes) in lines::each(&pixels, transform).iter().enumerate() {
                store(lanes, &mut self.rows[point * len + at..][..LANES]);
            }
        }
        let count = tiling.count();
        for x in 0..SIDE {
            for row in 0..tiling.rows {
                for at in (0..columns).step_by(LANES) {
                    let first = x * len + STEP * row * columns + at;
                    let mut points = [[T::default(); LANES]; TAPS];
                    for (tap, points) in points.iter_mut().enumerate() {
                        *points = load(&self.rows[first + tap * columns..]);
                    }
                    let tile = row * columns + at;
                    for (y, lanes) in lines::each(&points, transform).iter().enumerate() {
                        store(lanes, &mut out[(y * SIDE + x) * count..][..count][tile..]);
                    }
                }
            }
        }
    }
}
