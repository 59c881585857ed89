//! What a reader who looks for traces of a network sees: grids of period two and four, fine grain and its
//! evenness, and the background.

use crate::filters::{Smoother, breast};
use mammo_core::{Mask, Plane};

/// A kind of trace that a reader may pay attention to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Grids that transposed convolutions with stride two leave (Zhang, Karaman and Chang, WIFS 2019).
    Grids,
    /// How the power of fine structure falls off with size (Durall et al., CVPR 2020).
    Decay,
    /// How even the grain is from place to place.
    Evenness,
    /// What should be black air.
    Background,
}

const TILE_PX: usize = 16;

/// Grid frequencies in quarters of a cycle per pixel.
const GRIDS: [(usize, usize); 6] = [(2, 0), (0, 2), (2, 2), (1, 0), (0, 1), (1, 1)];

pub(crate) fn features(plane: &Plane, attention: &[Trace]) -> Vec<f64> {
    let region = breast(plane);
    let (width, height) = (plane.width(), plane.height());
    let whole = Mask::from_fn(width, height, |_, _| true);
    let everywhere = Smoother::new(&whole);
    // Residuals of three sizes; the finest carries the grids.
    let smooth = [1.0, 2.5, 5.0].map(|sigma| everywhere.smooth(plane.data(), sigma));
    let between = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    let fine = between(plane.data(), &smooth[0]);
    let tiles = tiles(&region);
    let log_power = |band: &[f32]| (mean_square(band, &region) + 1e-10).ln();
    let mut features = Vec::new();
    if attention.contains(&Trace::Grids) {
        let mut total = 1e-10;
        let mut grids = [1e-12; GRIDS.len()];
        for &(left, top) in &tiles {
            total += tile_power(&fine, width, left, top, (0, 0)).1;
            for (sum, &grid) in grids.iter_mut().zip(&GRIDS) {
                *sum += tile_power(&fine, width, left, top, grid).0;
            }
        }
        features.extend(grids.iter().map(|g| (g / total).ln()));
    }
    if attention.contains(&Trace::Decay) {
        let powers = [
            log_power(&fine),
            log_power(&between(&smooth[0], &smooth[1])),
            log_power(&between(&smooth[1], &smooth[2])),
        ];
        features.extend([powers[0], powers[0] - powers[1], powers[1] - powers[2]]);
    }
    if attention.contains(&Trace::Evenness) {
        let mut logs: Vec<f64> = tiles
            .iter()
            .map(|&(left, top)| (tile_power(&fine, width, left, top, (0, 0)).1 + 1e-10).ln())
            .collect();
        logs.sort_by(f64::total_cmp);
        let at = |share: f64| logs[((logs.len() - 1) as f64 * share) as usize];
        features.extend([at(0.5), at(0.9) - at(0.5), at(0.5) - at(0.1)]);
    }
    if attention.contains(&Trace::Background) {
        let air = air(&region);
        features.push((mean_square(&fine, &air) + 1e-8).ln());
        let mean = plane.data().iter().zip(air.data()).filter(|(_, a)| **a).map(|(v, _)| f64::from(*v));
        features.push(mean.sum::<f64>() / air.count().max(1) as f64);
    }
    features
}

/// What lies well outside the breast.
fn air(region: &Mask) -> Mask {
    let (width, height) = (region.width(), region.height());
    let whole = Mask::from_fn(width, height, |_, _| true);
    let inside: Vec<f32> = region.data().iter().map(|&m| f32::from(u8::from(m))).collect();
    let near = Smoother::new(&whole).smooth(&inside, width as f32 / 24.0);
    Mask::from_fn(width, height, |x, y| near[y * width + x] < 1e-3)
}

fn mean_square(values: &[f32], region: &Mask) -> f64 {
    let inside = values.iter().zip(region.data()).filter(|(_, m)| **m);
    inside.map(|(v, _)| f64::from(v * v)).sum::<f64>() / region.count().max(1) as f64
}

/// Left and top of the tiles that lie in the region; of all tiles (or one smaller than usual) where none does.
fn tiles(region: &Mask) -> Vec<(usize, usize)> {
    let (width, height) = (region.width(), region.height());
    let step = |side: usize| (0..(side / TILE_PX).max(1)).map(|i| i * TILE_PX);
    let all: Vec<_> = step(height).flat_map(|top| step(width).map(move |left| (left, top))).collect();
    let is_inside = |&(left, top): &(usize, usize)| {
        (top..(top + TILE_PX).min(height))
            .all(|y| (left..(left + TILE_PX).min(width)).all(|x| region.get(x, y)))
    };
    let inside: Vec<_> = all.iter().copied().filter(is_inside).collect();
    if inside.is_empty() { all } else { inside }
}

/// Power of a tile at a grid frequency, and its mean square.
fn tile_power(values: &[f32], width: usize, left: usize, top: usize, grid: (usize, usize)) -> (f64, f64) {
    const COS: [f64; 4] = [1.0, 0.0, -1.0, 0.0];
    let (mut re, mut im, mut total, mut n) = (0.0, 0.0, 0.0, 0.0);
    let rows = values.chunks_exact(width).enumerate().skip(top).take(TILE_PX);
    for (y, row) in rows {
        for (x, &value) in row.iter().enumerate().skip(left).take(TILE_PX) {
            let (v, turn) = (f64::from(value), (grid.0 * x + grid.1 * y) % 4);
            re += v * COS[turn];
            im += v * COS[(turn + 3) % 4];
            total += v * v;
            n += 1.0;
        }
    }
    ((re * re + im * im) / (n * n), total / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_shows_at_its_own_frequency() {
        let attention = &[Trace::Grids];
        // Weak noise with a grid of period two along x.
        let noise = |x: usize, y: usize| ((x * 7919 + y * 104729 + x * y * 31) % 97) as f32 / 970.0;
        let plain = features(&Plane::from_fn(64, 64, |x, y| 0.5 + noise(x, y)), attention);
        let grid =
            features(&Plane::from_fn(64, 64, |x, y| 0.5 + noise(x, y) + 0.05 * (x % 2) as f32), attention);
        assert!(grid[0] > plain[0] + 1.0, "{grid:?} {plain:?}");
        assert!(grid[1] < plain[1] + 0.5, "{grid:?} {plain:?}");
    }
}
