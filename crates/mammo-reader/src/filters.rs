//! Smoothing inside the breast, by repeated box means that cost the same at every scale.

use mammo_core::{Mask, Plane};

/// One pass of a box mean of `2 r + 1` pixels a side, cut at the image's edges.
fn box_sum(data: &mut [f32], width: usize, height: usize, r: usize) {
    if r == 0 {
        return;
    }
    let mut out = vec![0.0f32; data.len()];
    for (row, line) in data.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mut sum: f64 = row.iter().take(r).map(|&v| f64::from(v)).sum();
        for x in 0..width {
            if x + r < width {
                sum += f64::from(row[x + r]);
            }
            if x > r {
                sum -= f64::from(row[x - r - 1]);
            }
            line[x] = sum as f32;
        }
    }
    let mut sums = vec![0.0f64; width];
    let add = |sums: &mut [f64], row: &[f32], sign: f64| {
        for (s, &v) in sums.iter_mut().zip(row) {
            *s += sign * f64::from(v);
        }
    };
    for row in out.chunks_exact(width).take(r) {
        add(&mut sums, row, 1.0);
    }
    let share = 1.0 / ((2 * r + 1) * (2 * r + 1)) as f64;
    for y in 0..height {
        if y + r < height {
            add(&mut sums, &out[(y + r) * width..(y + r + 1) * width], 1.0);
        }
        if y > r {
            add(&mut sums, &out[(y - r - 1) * width..(y - r) * width], -1.0);
        }
        for (v, s) in data[y * width..(y + 1) * width].iter_mut().zip(&sums) {
            *v = (s * share) as f32;
        }
    }
}

/// Three box means: close to a Gaussian of standard deviation `sqrt(r (r + 1))` for the nearest whole `r`.
fn smooth(mut data: Vec<f32>, width: usize, height: usize, sigma_px: f32) -> Vec<f32> {
    let r = ((1.0 + 4.0 * sigma_px * sigma_px).sqrt() / 2.0 - 0.5).round().max(0.0) as usize;
    for _ in 0..3 {
        box_sum(&mut data, width, height, r);
    }
    data
}

/// Smooths inside a region as if nothing existed outside, so that the region's border leaves no edge.
#[derive(Debug)]
pub(crate) struct Smoother<'a> {
    region: &'a Mask,
}

impl<'a> Smoother<'a> {
    pub(crate) fn new(region: &'a Mask) -> Self {
        Self { region }
    }

    /// Weighted means with `sigma_px`; zero outside the region.
    pub(crate) fn smooth(&self, values: &[f32], sigma_px: f32) -> Vec<f32> {
        let (width, height) = (self.region.width(), self.region.height());
        let inside = self.region.data();
        let masked = values.iter().zip(inside).map(|(&v, &m)| if m { v } else { 0.0 }).collect();
        let weight = inside.iter().map(|&m| f32::from(u8::from(m))).collect();
        let (sum, weight) =
            (smooth(masked, width, height, sigma_px), smooth(weight, width, height, sigma_px));
        sum.iter()
            .zip(&weight)
            .zip(inside)
            .map(|((s, w), &m)| if m { s / w.max(1e-6) } else { 0.0 })
            .collect()
    }
}

/// The breast, without its skin line: pixels brighter than 12 % of the image's 98th percentile once smoothed, less a
/// rim of 4 % of the width along the air (the chest wall, at the image's edge, stays). The pectoral muscle is not
/// removed. An image without such a region is taken whole.
pub(crate) fn breast(plane: &Plane) -> Mask {
    let (width, height) = (plane.width(), plane.height());
    let whole = Mask::from_fn(width, height, |_, _| true);
    let soft = Smoother::new(&whole).smooth(plane.data(), 0.012 * width as f32);
    let mut ranked = soft.clone();
    let at = ranked.len() * 98 / 100;
    let threshold = 0.12 * *ranked.select_nth_unstable_by(at, f32::total_cmp).1;
    let bright: Vec<f32> = soft.iter().map(|&v| f32::from(u8::from(v > threshold))).collect();
    let rim = Smoother::new(&whole).smooth(&bright, 0.02 * width as f32);
    let region = Mask::from_fn(width, height, |x, y| rim[y * width + x] > 0.999);
    // Too little to look for anything in.
    if region.count() * 50 < width * height { whole } else { region }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_constant_up_to_the_border_of_the_region() {
        let region = Mask::from_fn(20, 15, |x, y| x + y < 18);
        let out = Smoother::new(&region).smooth(&[0.7; 300], 3.0);
        for (v, &m) in out.iter().zip(region.data()) {
            assert!((v - if m { 0.7 } else { 0.0 }).abs() < 1e-4, "{v}");
        }
    }

    #[test]
    fn the_spread_is_that_of_the_gaussian() {
        let region = Mask::from_fn(61, 61, |_, _| true);
        let mut point = vec![0.0; 61 * 61];
        point[30 * 61 + 30] = 1.0;
        let out = smooth(point, 61, 61, 12f32.sqrt());
        let second: f32 = (0..61 * 61).map(|i| out[i] * ((i % 61) as f32 - 30.0).powi(2)).sum();
        assert!((second - 12.0).abs() < 0.01, "{second}");
        assert_eq!(region.count(), 61 * 61);
    }

    #[test]
    fn the_breast_has_no_air_and_no_skin_but_keeps_the_chest_wall() {
        let disc = |x: usize, y: usize| (x as f32).hypot(y as f32 - 64.0);
        let plane = Plane::from_fn(128, 128, |x, y| if disc(x, y) < 50.0 { 0.6 } else { 0.0 });
        let region = breast(&plane);
        assert!(region.get(0, 64) && region.get(20, 64));
        assert!(!region.get(49, 64) && !region.get(80, 64) && !region.get(0, 0));
    }
}
