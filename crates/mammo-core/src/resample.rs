use crate::{Plane, Point};
use serde::{Deserialize, Serialize};

impl Plane {
    /// Resizes by area averaging: each new pixel is the mean of the old area it covers, so that shrinking neither
    /// aliases nor blurs. Where the image grows it repeats pixels. Sides of zero are taken as one.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let columns = weights(self.width(), width);
        let rows = weights(self.height(), height);
        // Columns first: the intermediate image has the new width and the old height.
        let mut narrow = vec![0f32; width * self.height()];
        for y in 0..self.height() {
            let row = self.row(y);
            for (x, (first, ws)) in columns.iter().enumerate() {
                narrow[y * width + x] = ws.iter().zip(&row[*first..]).map(|(w, v)| w * v).sum();
            }
        }
        let mut out = Self::filled(width, height, 0.0);
        for (y, (first, ws)) in rows.iter().enumerate() {
            let target = &mut out.data_mut()[y * width..(y + 1) * width];
            for (i, w) in ws.iter().enumerate() {
                let source = &narrow[(first + i) * width..(first + i + 1) * width];
                for (t, s) in target.iter_mut().zip(source) {
                    *t += w * s;
                }
            }
        }
        out
    }
}

/// For each of `to` pixels: the first of `from` pixels it covers and the share of each, summing to one.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = from as f64 / to as f64;
    (0..to)
        .map(|i| {
            let (start, end) = (i as f64 * ratio, ((i + 1) as f64 * ratio).min(from as f64));
            let first = (start as usize).min(from - 1);
            let last = (end.ceil() as usize).clamp(first + 1, from);
            let shares = (first..last)
                .map(|p| (((p + 1) as f64).min(end) - (p as f64).max(start)).max(0.0))
                .collect::<Vec<_>>();
            let total: f64 = shares.iter().sum();
            (first, shares.iter().map(|s| (s / total) as f32).collect())
        })
        .collect()
}

/// How an image was brought to the size of a network: mirrored if it shows a right breast, scaled with its aspect
/// kept, and put against the left edge, centred from top to bottom on a black canvas.
///
/// The struct carries points between the two images, so regions of interest follow their picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Columns of the source.
    pub source_width_px: usize,
    /// Rows of the source.
    pub source_height_px: usize,
    /// Columns of the canvas.
    pub width_px: usize,
    /// Rows of the canvas.
    pub height_px: usize,
    /// Whether left and right were exchanged first.
    pub mirrored: bool,
    /// Canvas pixels per source pixel.
    pub scale: f32,
    /// Rows of black above the picture.
    pub top_px: usize,
}

impl Fit {
    /// Plans the largest copy of a `source` (columns, rows) that fits the `canvas` (columns, rows).
    /// Sides of zero are taken as one.
    pub fn plan(source: (usize, usize), canvas: (usize, usize), mirrored: bool) -> Self {
        let (sw, sh) = (source.0.max(1), source.1.max(1));
        let (w, h) = (canvas.0.max(1), canvas.1.max(1));
        let scale = (w as f64 / sw as f64).min(h as f64 / sh as f64);
        let rows = ((sh as f64 * scale).round() as usize).clamp(1, h);
        Self {
            source_width_px: sw,
            source_height_px: sh,
            width_px: w,
            height_px: h,
            mirrored,
            scale: scale as f32,
            top_px: (h - rows) / 2,
        }
    }

    /// Carries out the plan on an image of the source's size.
    ///
    /// # Panics
    /// When the image has another size than the plan.
    pub fn apply(&self, source: &Plane) -> Plane {
        assert_eq!(
            (source.width(), source.height()),
            (self.source_width_px, self.source_height_px),
            "the planned size"
        );
        let columns =
            ((self.source_width_px as f64 * f64::from(self.scale)).round() as usize).clamp(1, self.width_px);
        let rows = ((self.source_height_px as f64 * f64::from(self.scale)).round() as usize)
            .clamp(1, self.height_px - self.top_px);
        let small = source.resized(columns, rows);
        let small = if self.mirrored { small.mirrored() } else { small };
        let mut canvas = Plane::filled(self.width_px, self.height_px, 0.0);
        for y in 0..rows {
            let start = (y + self.top_px) * self.width_px;
            canvas.data_mut()[start..start + columns].copy_from_slice(small.row(y));
        }
        canvas
    }

    /// Where a point of the source lies on the canvas.
    pub fn to_canvas(&self, p: Point) -> Point {
        let x = if self.mirrored { self.source_width_px as f32 - p.x } else { p.x };
        Point { x: x * self.scale, y: p.y * self.scale + self.top_px as f32 }
    }

    /// Where a point of the canvas lies in the source.
    pub fn to_source(&self, p: Point) -> Point {
        let x = p.x / self.scale;
        Point {
            x: if self.mirrored { self.source_width_px as f32 - x } else { x },
            y: (p.y - self.top_px as f32) / self.scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halving_averages_blocks() {
        let plane = Plane::new(4, 2, vec![0.0, 2.0, 4.0, 4.0, 2.0, 4.0, 0.0, 8.0]).unwrap();
        assert_eq!(plane.resized(2, 1).data(), [2.0, 4.0]);
    }

    #[test]
    fn a_right_breast_lands_on_the_left() {
        // Bright column at the right edge, as a right breast's chest wall.
        let plane = Plane::from_fn(4, 8, |x, _| if x == 3 { 1.0 } else { 0.0 });
        let fit = Fit::plan((4, 8), (8, 8), true);
        let canvas = fit.apply(&plane);
        assert_eq!(canvas.get(0, 3), 1.0);
        assert_eq!(canvas.get(7, 3), 0.0);
        let p = fit.to_canvas(Point { x: 3.5, y: 2.5 });
        assert_eq!((p.x, p.y), (0.5, 2.5));
    }

    proptest! {
        #[test]
        fn resizing_keeps_the_mean(w in 1usize..40, h in 1usize..40, k in 1usize..5, l in 1usize..5) {
            let plane = Plane::from_fn(w * k, h * l, |x, y| ((x * 37 + y * 101) % 17) as f32);
            prop_assert!((plane.resized(w, h).mean() - plane.mean()).abs() < 1e-4);
        }

        #[test]
        fn points_come_back(w in 1usize..400, h in 1usize..400, x in 0f32..400.0, y in 0f32..400.0, m: bool) {
            let fit = Fit::plan((w, h), (128, 96), m);
            let back = fit.to_source(fit.to_canvas(Point { x, y }));
            prop_assert!((back.x - x).abs() < 0.05 && (back.y - y).abs() < 0.05);
        }
    }
}
