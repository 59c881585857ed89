//! Finds the breast in a picture, so that what is not breast can be made black.

use mammo_core::{Mask, Plane};
use std::ops::Range;

/// Long side at which films are segmented; labels and the skin line are many pixels wide there.
const COARSE_PX: usize = 256;

/// A part of a picture as covered columns of each row, which a breast has few of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runs {
    width: usize,
    spans: Vec<Range<usize>>,
    /// Where the runs of each row begin; one more at the end.
    starts: Vec<usize>,
}

impl Runs {
    /// The pixels of a picture that `is_inside`.
    fn of<'a, T: Copy + 'a>(
        width: usize,
        rows: impl Iterator<Item = &'a [T]>,
        is_inside: impl Fn(T) -> bool,
    ) -> Self {
        /// So many pixels are looked at together; most are all inside or all outside.
        const TOGETHER: usize = 32;
        let mut all = Self { width, spans: Vec::new(), starts: vec![0] };
        for row in rows {
            let mut from = None;
            for (at, part) in (0..).step_by(TOGETHER).zip(row.chunks(TOGETHER)) {
                let inside = part.iter().map(|&v| u16::from(is_inside(v))).sum::<u16>();
                let as_before = if from.is_some() { part.len() } else { 0 };
                if usize::from(inside) == as_before {
                    continue;
                }
                for (x, &v) in (at..).zip(part) {
                    match (from, is_inside(v)) {
                        (None, true) => from = Some(x),
                        (Some(begin), false) => {
                            all.spans.push(begin..x);
                            from = None;
                        }
                        _ => {}
                    }
                }
            }
            all.spans.extend(from.map(|begin| begin..row.len()));
            all.starts.push(all.spans.len());
        }
        all
    }

    /// The runs of one row, from left to right.
    pub(crate) fn row(&self, y: usize) -> &[Range<usize>] {
        &self.spans[self.starts[y]..self.starts[y + 1]]
    }

    /// The columns from `left`, counted from there, at most `width` of them.
    pub(crate) fn cropped(&self, left: usize, width: usize) -> Self {
        let mut all = Self { width, spans: Vec::new(), starts: vec![0] };
        for y in 0..self.starts.len() - 1 {
            let clipped =
                |run: &Range<usize>| run.start.max(left) - left..run.end.clamp(left, left + width) - left;
            all.spans.extend(self.row(y).iter().map(clipped).filter(|run| !run.is_empty()));
            all.starts.push(all.spans.len());
        }
        all
    }

    /// The largest part that is connected through edges, the first one of equal ones; nothing of nothing.
    fn largest_part(&self) -> Self {
        // Each run belongs to the part of its parent; the first run of a part is its own parent.
        let mut parents: Vec<usize> = (0..self.spans.len()).collect();
        for y in 1..self.starts.len() - 1 {
            let (mut above, here) = (self.starts[y - 1], self.starts[y]);
            for run in here..self.starts[y + 1] {
                while above < here && self.spans[above].end <= self.spans[run].start {
                    above += 1;
                }
                let mut next = above;
                while next < here && self.spans[next].start < self.spans[run].end {
                    let (a, b) = (root(&mut parents, next), root(&mut parents, run));
                    parents[a.max(b)] = a.min(b);
                    next += 1;
                }
            }
        }
        let mut sizes = vec![0; self.spans.len()];
        for run in 0..self.spans.len() {
            parents[run] = root(&mut parents, run);
            sizes[parents[run]] += self.spans[run].len();
        }
        let largest = sizes.iter().copied().max().and_then(|size| sizes.iter().position(|&s| s == size));
        let mut all = Self { width: self.width, spans: Vec::new(), starts: vec![0] };
        for y in 0..self.starts.len() - 1 {
            let part = (self.starts[y]..self.starts[y + 1]).filter(|&run| Some(parents[run]) == largest);
            all.spans.extend(part.map(|run| self.spans[run].clone()));
            all.starts.push(all.spans.len());
        }
        all
    }
}

/// The first run of a part; what is passed on the way is shortened.
fn root(parents: &mut [usize], mut run: usize) -> usize {
    while parents[run] != run {
        parents[run] = parents[parents[run]];
        run = parents[run];
    }
    run
}

/// The breast of a digital mammogram, whose air is exactly 0: the largest connected part above 0. Burned-in letters
/// are separate parts and fall away.
pub(crate) fn digital<'a, T>(width: usize, rows: impl Iterator<Item = &'a [T]>) -> Runs
where
    T: Copy + PartialOrd + Default + 'a,
{
    Runs::of(width, rows, |v| v > T::default()).largest_part()
}

/// The breast of a digitised film as runs, and the brightness of the film's own background.
pub(crate) fn film_runs(plane: &Plane) -> (Runs, f32) {
    let (mask, background) = film(plane);
    (Runs::of(mask.width(), mask.data().chunks_exact(mask.width()), |inside| inside), background)
}

/// The breast of a digitised film, and the brightness of the film's own background.
///
/// Film air is dark but not black, and there are labels, tape and bright strips. On a coarse copy: a threshold between
/// the background's brightness and the tissue's, an opening that cuts thin bridges to labels, the largest connected
/// part, grown back to the threshold's outline, its holes filled.
fn film(plane: &Plane) -> (Mask, f32) {
    let shrink = plane.width().max(plane.height()).div_ceil(COARSE_PX).max(1);
    let (w, h) = ((plane.width() / shrink).max(1), (plane.height() / shrink).max(1));
    let coarse = plane.resized(w, h);
    // Padding around the film is exactly 0 and would pull the background's brightness down.
    let film: Vec<f32> = coarse.data().iter().copied().filter(|&v| v > 0.0).collect();
    let split = otsu(&film);
    let dark: Vec<f32> = film.iter().copied().filter(|&v| v < split).collect();
    let background = percentile(dark, 0.5);
    let threshold = background + 0.3 * (split - background);

    let above = Mask::from_fn(w, h, |x, y| coarse.get(x, y) > threshold);
    let core = largest_part(&eroded(&above, 3));
    let grown = core.dilated(5);
    let part = Mask::from_fn(w, h, |x, y| grown.get(x, y) && above.get(x, y));
    let smooth = eroded(&part, 2).dilated(2);
    let breast = filled(&largest_part(&smooth));

    let soft = Plane::from_fn(w, h, |x, y| f32::from(u8::from(breast.get(x, y))));
    let (sx, sy) = (w as f32 / plane.width() as f32, h as f32 / plane.height() as f32);
    let mask = Mask::from_fn(plane.width(), plane.height(), |x, y| {
        // Half a coarse pixel inwards, so that the picture's border is not mixed with what lies beyond it.
        let cx = ((x as f32 + 0.5) * sx).clamp(0.5, w as f32 - 0.5);
        let cy = ((y as f32 + 0.5) * sy).clamp(0.5, h as f32 - 0.5);
        soft.sample(cx, cy, 0.0) >= 0.5 && plane.get(x, y) > 0.0
    });
    (mask, background)
}

/// Whether the chest wall is on the right: there the breast is taller than on its other side.
pub(crate) fn chest_wall_is_right(breast: &Runs) -> bool {
    let columns = column_counts(breast);
    let (Some(first), Some(last)) =
        (columns.iter().position(|&n| n > 0), columns.iter().rposition(|&n| n > 0))
    else {
        return false;
    };
    let strip = ((last - first) / 6).max(1);
    let left: usize = columns[first..=(first + strip).min(last)].iter().sum();
    let right: usize = columns[(last - strip.min(last))..=last].iter().sum();
    right > left
}

/// First and one past the last column that shows breast.
pub(crate) fn columns_of(breast: &Runs) -> Option<(usize, usize)> {
    let columns = column_counts(breast);
    Some((columns.iter().position(|&n| n > 0)?, columns.iter().rposition(|&n| n > 0)? + 1))
}

fn column_counts(breast: &Runs) -> Vec<usize> {
    let mut changes = vec![0isize; breast.width + 1];
    for run in &breast.spans {
        changes[run.start] += 1;
        changes[run.end] -= 1;
    }
    let counts = changes.iter().scan(0isize, |count, change| {
        *count += change;
        Some(count.unsigned_abs())
    });
    counts.take(breast.width).collect()
}

/// The value that `share` of the values do not exceed (nearest rank); 0 of none.
pub(crate) fn percentile(mut values: Vec<f32>, share: f64) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1;
    *values.select_nth_unstable_by(rank, f32::total_cmp).1
}

/// Otsu's threshold (IEEE Trans SMC 1979;9:62) in 256 steps between the smallest and the largest value.
fn otsu(values: &[f32]) -> f32 {
    let (low, high) =
        values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    if low >= high {
        return 0.0;
    }
    let mut counts = [0f64; 256];
    for v in values {
        counts[(((v - low) / (high - low) * 255.0) as usize).min(255)] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let sum: f64 = counts.iter().enumerate().map(|(i, n)| i as f64 * n).sum();
    let (mut below, mut sum_below, mut best, mut at) = (0.0, 0.0, -1.0, 0);
    for (i, n) in counts.iter().enumerate() {
        below += n;
        sum_below += i as f64 * n;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let between = below * above * (sum_below / below - (sum - sum_below) / above).powi(2);
        if between > best {
            (best, at) = (between, i);
        }
    }
    low + (high - low) * (at as f32 + 1.0) / 256.0
}

/// Shrunk by a disc; what lies beyond the picture counts as inside, since breasts are cut by its border.
fn eroded(mask: &Mask, radius: usize) -> Mask {
    let outside = Mask::from_fn(mask.width(), mask.height(), |x, y| !mask.get(x, y)).dilated(radius);
    Mask::from_fn(mask.width(), mask.height(), |x, y| !outside.get(x, y))
}

/// With holes closed: what is not connected to the largest outside part counts as inside.
fn filled(mask: &Mask) -> Mask {
    let (w, h) = (mask.width(), mask.height());
    // A frame of one pixel joins all outside parts that touch the border.
    let framed =
        Mask::from_fn(w + 2, h + 2, |x, y| x == 0 || y == 0 || x > w || y > h || !mask.get(x - 1, y - 1));
    let outside = part_from(&framed, 0, &mut vec![false; (w + 2) * (h + 2)]);
    let mut inside = vec![true; (w + 2) * (h + 2)];
    for i in outside {
        inside[i] = false;
    }
    Mask::from_fn(w, h, |x, y| inside[(y + 1) * (w + 2) + x + 1])
}

/// The largest part that is connected through edges; nothing of nothing.
fn largest_part(mask: &Mask) -> Mask {
    let mut seen = vec![false; mask.data().len()];
    let mut best = Vec::new();
    for start in 0..seen.len() {
        if mask.data()[start] && !seen[start] {
            let part = part_from(mask, start, &mut seen);
            if part.len() > best.len() {
                best = part;
            }
        }
    }
    let mut inside = vec![false; seen.len()];
    for i in best {
        inside[i] = true;
    }
    Mask::from_fn(mask.width(), mask.height(), |x, y| inside[y * mask.width() + x])
}

/// Indices of the part that holds `start`.
fn part_from(mask: &Mask, start: usize, seen: &mut [bool]) -> Vec<usize> {
    let (w, h) = (mask.width(), mask.height());
    let mut part = vec![start];
    seen[start] = true;
    let mut next = 0;
    while let Some(&i) = part.get(next) {
        next += 1;
        let (x, y) = (i % w, i / w);
        let neighbours = [
            (x > 0).then(|| i - 1),
            (x + 1 < w).then(|| i + 1),
            (y > 0).then(|| i - w),
            (y + 1 < h).then(|| i + w),
        ];
        for n in neighbours.into_iter().flatten() {
            if mask.data()[n] && !seen[n] {
                seen[n] = true;
                part.push(n);
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A film: padding, dark noisy background, a breast at the right edge of the film, a label and a bright strip.
    fn example() -> Plane {
        Plane::from_fn(512, 512, |x, y| {
            let noise = ((x * 31 + y * 17) % 7) as f32;
            if !(60..452).contains(&x) {
                0.0
            } else if ((x as f32 - 452.0) / 250.0).hypot((y as f32 - 256.0) / 220.0) < 1.0 {
                120.0 + noise
            } else if (80..130).contains(&x) && (40..90).contains(&y) {
                250.0
            } else {
                8.0 + noise
            }
        })
    }

    fn of_plane(plane: &Plane) -> Runs {
        digital(plane.width(), plane.data().chunks_exact(plane.width()))
    }

    proptest! {
        /// The parts of runs are the parts of pixels.
        #[test]
        fn the_largest_part_of_runs_is_that_of_the_pixels(
            w in 1usize..90, h in 1usize..20, kind in 1usize..4, pixels in prop::collection::vec(0usize..4, 1800),
        ) {
            let plane = Plane::from_fn(w, h, |x, y| if pixels[y * w + x] < kind { 1.0 } else { 0.0 });
            let mask = largest_part(&Mask::from_fn(w, h, |x, y| plane.get(x, y) > 0.0));
            let breast = of_plane(&plane);
            let found = Mask::from_fn(w, h, |x, y| breast.row(y).iter().any(|run| run.contains(&x)));
            prop_assert_eq!(&found, &mask);
            let half = breast.cropped(w / 3, w / 2);
            for y in 0..h {
                for x in 0..w / 2 {
                    let inside = half.row(y).iter().any(|run| run.contains(&x));
                    prop_assert_eq!(inside, mask.get(x + w / 3, y));
                }
            }
        }
    }

    #[test]
    fn labels_fall_away_and_the_breast_stays() {
        let plane = example();
        let (mask, background) = film(&plane);
        assert!((8.0..15.0).contains(&background), "{background}");
        assert!(mask.get(440, 256) && mask.get(300, 256));
        assert!(!mask.get(100, 60), "the label");
        assert!(!mask.get(100, 300), "the film's background");
        let truth = plane.data().iter().filter(|&&v| (120.0..240.0).contains(&v)).count() as f64;
        assert!((mask.count() as f64 / truth - 1.0).abs() < 0.03, "{} of {truth}", mask.count());
        let breast = film_runs(&plane).0;
        assert!(chest_wall_is_right(&breast));
        assert_eq!(columns_of(&breast).unwrap().1, 452);
    }

    #[test]
    fn digital_air_is_exactly_zero_and_letters_are_dropped() {
        let plane = Plane::from_fn(20, 20, |x, y| if x < 9 || (x == 15 && y < 4) { 5.0 } else { 0.0 });
        let breast = of_plane(&plane);
        assert_eq!((breast.spans.len(), breast.row(7).first()), (20, Some(&(0..9))));
        let triangle = Plane::from_fn(20, 20, |x, y| if x < 9 && y + x < 18 { 1.0 } else { 0.0 });
        assert!(!chest_wall_is_right(&of_plane(&triangle)));
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let ring = Mask::from_fn(9, 9, |x, y| (1..8).contains(&x) && (1..8).contains(&y) && (x, y) != (4, 4));
        assert!(filled(&ring).get(4, 4));
        let bay = Mask::from_fn(9, 9, |x, y| !(x == 4 && y < 5));
        assert!(!filled(&bay).get(4, 2));
    }

    #[test]
    fn nothing_gives_nothing() {
        let black = Plane::filled(64, 64, 0.0);
        assert_eq!(film(&black).0.count(), 0);
        assert!(of_plane(&black).spans.is_empty());
        assert_eq!(columns_of(&of_plane(&black)), None);
    }

    #[test]
    fn percentiles_are_ranks() {
        let values = vec![5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(percentile(values.clone(), 0.5), 3.0);
        assert_eq!(percentile(values.clone(), 1.0), 5.0);
        assert_eq!(percentile(values, 0.0), 1.0);
    }
}
