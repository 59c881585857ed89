use rayon::prelude::*;

use super::lines::{self, LANES, load, store};
use super::{Images, POINTS, Padding, SIDE, Tiling, rows_by_channel};
use crate::element::{Element, vectorized};

/// Cuts images into tiles of `taps` x `taps` pixels, `tiling.step` apart, and transforms them: as pixels of an image
/// where the tile is whole (`taps` is [`SIDE`]), else as the taps of a filter. `out` becomes point x channel x tile, the
/// tiles of all images one after the other.
pub(super) fn transform<T: Element>(
    images: &Images<T>,
    padding: Padding,
    tiling: Tiling,
    taps: usize,
    out: &mut [T],
) {
    let rows = rows_by_channel(out, images.channels, tiling.stride());
    rows.into_par_iter().enumerate().for_each_init(Scratch::default, |scratch, (channel, mut rows)| {
        vectorized(
            #[inline(always)]
            || {
                for image in 0..tiling.images {
                    let plane = images.plane(image, channel);
                    let size = (images.height, images.width);
                    let at = image * tiling.of_one();
                    let out = &mut rows;
                    match (tiling.step, taps) {
                        (4, SIDE) => {
                            scratch.run::<4, SIDE>(plane, size, padding, tiling, at, out, lines::tile);
                        }
                        (3, SIDE) => {
                            scratch.run::<3, SIDE>(plane, size, padding, tiling, at, out, lines::tile);
                        }
                        (4, _) => {
                            scratch.run::<4, 4>(plane, size, padding, tiling, at, out, lines::filter::<T, 4>);
                        }
                        (_, _) => {
                            scratch.run::<3, 3>(plane, size, padding, tiling, at, out, lines::filter::<T, 3>);
                        }
                    }
                }
                // What fills up the rows is multiplied too: it may be anything but a number that slows the work.
                for row in &mut rows {
                    row[tiling.count()..].fill(T::default());
                }
            },
        );
    });
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
    #[allow(clippy::too_many_arguments)] // one call, four times over
    /// Transforms the tiles of one channel of one image along the rows, which neighbouring tiles share, and then down the columns.
    #[inline(always)]
    fn run<const STEP: usize, const TAPS: usize>(
        &mut self,
        plane: &[T],
        size: (usize, usize),
        padding: Padding,
        tiling: Tiling,
        first_tile: usize,
        out: &mut [&mut [T]; POINTS],
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
        for x in 0..SIDE {
            for row in 0..tiling.rows {
                for at in (0..columns).step_by(LANES) {
                    let first = x * len + STEP * row * columns + at;
                    let mut points = [[T::default(); LANES]; TAPS];
                    for (tap, points) in points.iter_mut().enumerate() {
                        *points = load(&self.rows[first + tap * columns..]);
                    }
                    let tile = first_tile + row * columns + at;
                    for (y, lanes) in lines::each(&points, transform).iter().enumerate() {
                        store(lanes, &mut out[y * SIDE + x][tile..]);
                    }
                }
            }
        }
    }
}
