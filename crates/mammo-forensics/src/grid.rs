use crate::{ForensicsError, fourier::PowerSpectrum};
use mammo_core::Plane;
use serde::{Deserialize, Serialize};

/// Pixels that each side needs so that peaks and their neighbours do not overlap.
pub(crate) const MIN_SIDE_PX: usize = 48;
/// Half the width of a peak in bins: the Hann window spreads a wave over three bins.
const PEAK_BINS: isize = 1;
/// The neighbours that a peak is compared with, in bins from it.
const NEIGHBOUR_BINS: std::ops::RangeInclusive<isize> = 3..=10;
/// Power that counts as nothing: an amplitude of one millionth, far below a 16-bit grey level of `[0, 1]`.
const NO_POWER: f64 = 1e-12;

/// How far the frequencies of a pixel grid stand out from their neighbours. About 1 (0 dB, to within 1 dB on average) for
/// pictures without a grid.
///
/// A generator that doubles the size of its image twice, by transposed convolution or pixel repetition, leaves a pattern
/// that repeats every two and every four pixels (Zhang, Karaman and Chang, WIFS 2019): the "grid" that the study's
/// readers saw after long training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GridScore {
    /// Mean power ratio at the frequencies whose largest part is 1/2 cycles per pixel: period of two pixels.
    pub half_ratio: f64,
    /// Mean power ratio at the frequencies whose largest part is 1/4 cycles per pixel: period of four pixels.
    pub quarter_ratio: f64,
}

impl GridScore {
    /// The two-pixel ratio in decibels.
    pub fn half_db(&self) -> f64 {
        10.0 * self.half_ratio.log10()
    }

    /// The four-pixel ratio in decibels.
    pub fn quarter_db(&self) -> f64 {
        10.0 * self.quarter_ratio.log10()
    }
}

/// Measures the grid of a plane of values in `[0, 1]`.
///
/// The residual of a 3 x 3 binomial low-pass is windowed and transformed; at each multiple of 1/4 cycles per pixel on the
/// axes, the diagonals and between, the mean power of 3 x 3 bins is divided by that of the bins 3 to 10 away. A peak on an
/// axis is compared along its axis only, because any straight edge lights up a whole axis.
///
/// # Errors
/// [`ForensicsError::TooSmall`] below 48 pixels a side.
pub fn grid_score(plane: &Plane) -> Result<GridScore, ForensicsError> {
    let (width, height) = (plane.width(), plane.height());
    if width.min(height) < MIN_SIDE_PX {
        return Err(ForensicsError::TooSmall { width, height, needed_px: MIN_SIDE_PX });
    }
    Ok(grid_of(&PowerSpectrum::of(&high_pass(plane))))
}

/// The grid score of the spectrum of a residual.
pub(crate) fn grid_of(spectrum: &PowerSpectrum) -> GridScore {
    // In quarters of a cycle per pixel. The spectrum of a real image is symmetric, so these are all of them.
    let half = [(2, 0), (0, 2), (2, 2), (1, 2), (2, 1)];
    let quarter = [(1, 0), (0, 1), (1, 1), (1, -1)];
    let mean = |peaks: &[(isize, isize)]| {
        peaks.iter().map(|&peak| peak_ratio(spectrum, peak)).sum::<f64>() / peaks.len() as f64
    };
    GridScore { half_ratio: mean(&half), quarter_ratio: mean(&quarter) }
}

/// The plane minus its 3 x 3 binomial blur; the edge is repeated outwards.
pub(crate) fn high_pass(plane: &Plane) -> Plane {
    let (width, height) = (plane.width(), plane.height());
    let mut across = vec![0f32; width * height];
    for (blurred, y) in across.chunks_exact_mut(width).zip(0..) {
        let row = plane.row(y);
        for x in 0..width {
            blurred[x] = 0.25 * row[x.saturating_sub(1)] + 0.5 * row[x] + 0.25 * row[(x + 1).min(width - 1)];
        }
    }
    let row = |y: usize| &across[y * width..(y + 1) * width];
    let mut rest = Vec::with_capacity(width * height);
    for y in 0..height {
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        let low = above.iter().zip(here).zip(below).map(|((a, h), b)| 0.25 * a + 0.5 * h + 0.25 * b);
        rest.extend(plane.row(y).iter().zip(low).map(|(v, low)| v - low));
    }
    Plane::from_fn(width, height, |x, y| rest[y * width + x])
}

fn peak_ratio(spectrum: &PowerSpectrum, (qx, qy): (isize, isize)) -> f64 {
    let bin = |quarters: isize, n: usize| (quarters as f64 * n as f64 / 4.0).round() as isize;
    let (cx, cy) = (bin(qx, spectrum.width), bin(qy, spectrum.height));
    let reach = *NEIGHBOUR_BINS.end();
    let (mut peak, mut peak_bins, mut around, mut around_bins) = (0.0, 0u32, 0.0, 0u32);
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let distance = dx.abs().max(dy.abs());
            let on_strip = match (qx, qy) {
                (_, 0) => dy.abs() <= PEAK_BINS,
                (0, _) => dx.abs() <= PEAK_BINS,
                _ => true,
            };
            if distance <= PEAK_BINS {
                peak += spectrum.at(cx + dx, cy + dy);
                peak_bins += 1;
            } else if NEIGHBOUR_BINS.contains(&distance) && on_strip {
                around += spectrum.at(cx + dx, cy + dy);
                around_bins += 1;
            }
        }
    }
    (peak / f64::from(peak_bins) + NO_POWER) / (around / f64::from(around_bins) + NO_POWER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::{power_law_noise, white_noise};

    fn add(plane: &Plane, pattern: impl Fn(usize, usize) -> f32) -> Plane {
        plane.zip(&Plane::from_fn(plane.width(), plane.height(), pattern), |a, b| a + b)
    }

    #[test]
    fn pictures_without_a_grid_score_about_one() {
        let scores = |make: &dyn Fn(u64) -> Plane| {
            let scores = (0..32).map(|i| grid_score(&make(i)).unwrap()).collect::<Vec<_>>();
            let n = scores.len() as f64;
            (
                scores.iter().map(|s| s.half_ratio).sum::<f64>() / n,
                scores.iter().map(|s| s.quarter_ratio).sum::<f64>() / n,
            )
        };
        let white = scores(&|i| white_noise(64, 80, i));
        let tissue = scores(&|i| power_law_noise(64, 2.8, i));
        for ratio in [white.0, white.1, tissue.0, tissue.1] {
            assert!((ratio - 1.0).abs() < 0.25, "{white:?} {tissue:?}");
        }
        let flat = grid_score(&Plane::filled(48, 48, 0.3)).unwrap();
        assert_eq!((flat.half_db(), flat.quarter_db()), (0.0, 0.0));
    }

    #[test]
    fn a_checkerboard_raises_the_two_pixel_score_only() {
        let tissue = power_law_noise(64, 2.8, 3).map(|v| 0.5 + 0.1 * v);
        let before = grid_score(&tissue).unwrap();
        let after = grid_score(&add(&tissue, |x, y| if (x + y) % 2 == 0 { 0.01 } else { -0.01 })).unwrap();
        assert!(after.half_db() > before.half_db() + 10.0, "{before:?} {after:?}");
        assert!((after.quarter_db() - before.quarter_db()).abs() < 0.5, "{before:?} {after:?}");
    }

    #[test]
    fn four_pixel_stripes_raise_the_four_pixel_score() {
        let tissue = power_law_noise(96, 2.8, 4).map(|v| 0.5 + 0.1 * v);
        let before = grid_score(&tissue).unwrap();
        let after = grid_score(&add(&tissue, |x, _| if x % 4 < 2 { 0.01 } else { -0.01 })).unwrap();
        assert!(after.quarter_db() > before.quarter_db() + 3.0, "{before:?} {after:?}");
    }

    #[test]
    fn a_straight_edge_is_no_grid() {
        let edge =
            add(
                &white_noise(64, 64, 5).map(|v| 0.5 + 0.002 * v),
                |x, y| {
                    if x < 40 && y > 20 { 0.4 } else { 0.0 }
                },
            );
        let score = grid_score(&edge).unwrap();
        assert!(score.half_db() < 3.0 && score.quarter_db() < 3.0, "{score:?}");
    }

    #[test]
    fn odd_sizes_work_and_small_ones_are_refused() {
        let plane =
            add(
                &white_noise(67, 49, 0).map(|v| 0.01 * v),
                |x, y| {
                    if (x + y) % 2 == 0 { 0.05 } else { -0.05 }
                },
            );
        assert!(grid_score(&plane).unwrap().half_db() > 6.0);
        assert!(grid_score(&Plane::filled(47, 64, 0.0)).is_err());
    }
}
