use crate::{Plane, Point};
use serde::{Deserialize, Serialize};
use std::ops::Range;

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

/// The shares of [`weights`], one behind the other.
struct Shares {
    /// The first source pixel of each new one.
    first: Vec<usize>,
    /// Where the shares of each new pixel begin; one more at the end.
    starts: Vec<usize>,
    values: Vec<f32>,
    /// What the shares of each new pixel add up to, which rounding keeps from being one.
    totals: Vec<f32>,
    /// The first new pixel that each source pixel is part of.
    covered_by: Vec<usize>,
}

impl Shares {
    fn new(from: usize, to: usize) -> Self {
        let mut all = Self {
            first: Vec::with_capacity(to),
            starts: vec![0],
            values: Vec::new(),
            totals: Vec::with_capacity(to),
            covered_by: Vec::with_capacity(from),
        };
        for (x, (first, shares)) in weights(from, to).into_iter().enumerate() {
            all.covered_by.resize(all.covered_by.len().max(first + shares.len()), x);
            all.first.push(first);
            all.totals.push(shares.iter().sum());
            all.values.extend(shares);
            all.starts.push(all.values.len());
        }
        all
    }

    /// Adds the values of a run of source pixels, and the run itself, to the new pixels that they are part of.
    fn add<T: Copy + Into<f32>>(&self, row: &[T], run: Range<usize>, sums: &mut [f32], covered: &mut [f32]) {
        let Some(&from) = self.covered_by.get(run.start) else { return };
        for x in from..self.first.len() {
            let first = self.first[x];
            if first >= run.end {
                break;
            }
            let shares = &self.values[self.starts[x]..self.starts[x + 1]];
            let (begin, end) = (run.start.max(first), run.end.min(first + shares.len()));
            let inside = &shares[begin - first..end - first];
            sums[x] = inside.iter().zip(&row[begin..end]).fold(sums[x], |sum, (w, &v)| sum + w * v.into());
            covered[x] = if inside.len() == shares.len() {
                self.totals[x]
            } else {
                inside.iter().fold(covered[x], |sum, w| sum + w)
            };
        }
    }
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
        let (columns, rows) = self.picture();
        self.on_canvas(source.resized(columns, rows))
    }

    /// Carries out the plan on a part of an image, row by row, without a copy of it: the sum of what `runs` covers, as if
    /// all else were 0, and the share of each canvas pixel that is covered. Gives to the bit what [`Fit::apply`] gives for an
    /// image that is 0 outside of the runs, and for one that is 1 inside and 0 outside.
    ///
    /// `row` gives a row of the source, `runs` the covered columns of a row, in order and apart.
    ///
    /// # Panics
    /// When a row has another length than the plan, or a run reaches beyond it.
    pub fn apply_covered<'a, T: Copy + Into<f32> + 'a>(
        &self,
        row: impl Fn(usize) -> &'a [T],
        runs: impl Fn(usize) -> &'a [Range<usize>],
    ) -> (Plane, Plane) {
        let (columns, rows) = self.picture();
        let across = Shares::new(self.source_width_px, columns);
        let down = weights(self.source_height_px, rows);
        let (mut sum, mut covered) = (Plane::filled(columns, rows, 0.0), Plane::filled(columns, rows, 0.0));
        // One row of the source at a time, narrowed, then shared out to the rows that it reaches.
        let (mut narrow, mut narrow_covered) = (vec![0f32; columns], vec![0f32; columns]);
        let mut first_reached = 0;
        for y in 0..self.source_height_px {
            let values = row(y);
            assert_eq!(values.len(), self.source_width_px, "the planned width");
            while down.get(first_reached).is_some_and(|(first, shares)| first + shares.len() <= y) {
                first_reached += 1;
            }
            if runs(y).is_empty() {
                continue;
            }
            narrow.fill(0.0);
            narrow_covered.fill(0.0);
            for run in runs(y) {
                across.add(values, run.clone(), &mut narrow, &mut narrow_covered);
            }
            for (target, (first, shares)) in down.iter().enumerate().skip(first_reached) {
                let Some(share) = y.checked_sub(*first).and_then(|at| shares.get(at)) else { break };
                let reached = target * columns..(target + 1) * columns;
                for (plane, narrow) in [(&mut sum, &narrow), (&mut covered, &narrow_covered)] {
                    for (t, s) in plane.data_mut()[reached.clone()].iter_mut().zip(narrow) {
                        *t += share * s;
                    }
                }
            }
        }
        (self.on_canvas(sum), self.on_canvas(covered))
    }

    /// Columns and rows of the picture on the canvas.
    fn picture(&self) -> (usize, usize) {
        let scaled = |side: usize| (side as f64 * f64::from(self.scale)).round() as usize;
        (
            scaled(self.source_width_px).clamp(1, self.width_px),
            scaled(self.source_height_px).clamp(1, self.height_px - self.top_px),
        )
    }

    fn on_canvas(&self, small: Plane) -> Plane {
        let small = if self.mirrored { small.mirrored() } else { small };
        let mut canvas = Plane::filled(self.width_px, self.height_px, 0.0);
        for y in 0..small.height() {
            let start = (y + self.top_px) * self.width_px;
            canvas.data_mut()[start..start + small.width()].copy_from_slice(small.row(y));
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
        fn covered_parts_are_those_of_a_black_picture(
            w in 1usize..60, h in 1usize..50, cw in 1usize..40, ch in 1usize..40, mirrored: bool, seed in 0usize..99,
        ) {
            let values: Vec<u16> = (0..w * h).map(|i| ((i + seed) * 7919 % 4096) as u16).collect();
            let inside = |x: usize, y: usize| !((x + seed) * 13 + y * 7).is_multiple_of(5);
            let runs: Vec<Vec<Range<usize>>> = (0..h)
                .map(|y| {
                    let mut row: Vec<Range<usize>> = Vec::new();
                    for x in (0..w).filter(|&x| inside(x, y)) {
                        match row.last_mut() {
                            Some(last) if last.end == x => last.end += 1,
                            _ => row.push(x..x + 1),
                        }
                    }
                    row
                })
                .collect();
            let fit = Fit::plan((w, h), (cw, ch), mirrored);
            let (sum, share) = fit.apply_covered(|y| &values[y * w..(y + 1) * w], |y| &runs[y]);
            let black = Plane::from_fn(w, h, |x, y| if inside(x, y) { f32::from(values[y * w + x]) } else { 0.0 });
            prop_assert_eq!(sum, fit.apply(&black));
            let white = Plane::from_fn(w, h, |x, y| f32::from(u8::from(inside(x, y))));
            prop_assert_eq!(share, fit.apply(&white));
        }

        #[test]
        fn points_come_back(w in 1usize..400, h in 1usize..400, x in 0f32..400.0, y in 0f32..400.0, m: bool) {
            let fit = Fit::plan((w, h), (128, 96), m);
            let back = fit.to_source(fit.to_canvas(Point { x, y }));
            prop_assert!((back.x - x).abs() < 0.05 && (back.y - y).abs() < 0.05);
        }
    }
}
