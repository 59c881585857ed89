use mammo_core::{Mask, Plane, Point, Roi};
use serde::{Deserialize, Serialize};

/// One drawn change of a picture: turn upside down, scale, rotate, then shift the contrast.
///
/// Geometry happens about the middle of the left edge, the chest wall, so that scaling never lifts the breast off
/// it. A rotation would open a black wedge there; the picture is therefore moved left by `tan(angle) * height / 2`,
/// just enough to close it, at the price of a strip of tissue at the chest wall (3.5 % of a square image's width at
/// 4 degrees). What comes from beyond the other edges is black.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// Rotation in degrees, clockwise as seen.
    pub rotation_deg: f32,
    /// Factor of the width.
    pub scale_x: f32,
    /// Factor of the height.
    pub scale_y: f32,
    /// Factor of the distance to the breast's mean.
    pub contrast: f32,
    /// Whether top and bottom are exchanged first.
    pub vertical_flip: bool,
}

impl Transform {
    /// Changes nothing.
    pub fn identity() -> Self {
        Self { rotation_deg: 0.0, scale_x: 1.0, scale_y: 1.0, contrast: 1.0, vertical_flip: false }
    }

    /// Changes a picture in `[0, 1]` whose background is exactly 0. The result has the same properties.
    ///
    /// The contrast is `mean + contrast * (value - mean)`, clamped to `[0, 1]`, with the mean over the pixels that
    /// are not background; background is left alone.
    #[must_use]
    pub fn apply(&self, plane: &Plane) -> Plane {
        let height = plane.height();
        let moved = Plane::from_fn(plane.width(), height, |x, y| {
            let p = self.to_input(Point { x: x as f32 + 0.5, y: y as f32 + 0.5 }, height);
            // The first column stands for what lies behind the chest wall; otherwise the interpolation would mix
            // black into the edge.
            plane.sample(p.x.max(0.5), p.y, 0.0)
        });
        let (sum, count) = moved
            .data()
            .iter()
            .filter(|&&v| v > 0.0)
            .fold((0f64, 0u64), |(sum, count), &v| (sum + f64::from(v), count + 1));
        let mean = (sum / count.max(1) as f64) as f32;
        // Written as a change of the value, so that a factor of 1 leaves every bit as it is.
        moved.map(|v| if v > 0.0 { (v + (self.contrast - 1.0) * (v - mean)).clamp(0.0, 1.0) } else { 0.0 })
    }

    /// Where a point of the input lies in the output. `height_px` is the number of rows of the picture.
    pub fn to_output(&self, p: Point, height_px: usize) -> Point {
        let (sin, cos, middle, shift) = self.rotation(height_px);
        let y = if self.vertical_flip { middle - p.y } else { p.y - middle };
        let (x, y) = (p.x * self.scale_x, y * self.scale_y);
        Point { x: x * cos - y * sin - shift, y: x * sin + y * cos + middle }
    }

    /// Where a point of the output lies in the input: the inverse of [`Self::to_output`].
    pub fn to_input(&self, p: Point, height_px: usize) -> Point {
        let (sin, cos, middle, shift) = self.rotation(height_px);
        let (x, y) = (p.x + shift, p.y - middle);
        let (x, y) = ((x * cos + y * sin) / self.scale_x, (y * cos - x * sin) / self.scale_y);
        Point { x, y: if self.vertical_flip { middle - y } else { y + middle } }
    }

    /// Regions of interest of the input, as they lie in the output. A disc stays a disc of the same area, although
    /// unequal factors would make it an ellipse.
    #[must_use]
    pub fn apply_to_rois(&self, rois: &[Roi], height_px: usize) -> Vec<Roi> {
        let scale = (self.scale_x * self.scale_y).sqrt();
        rois.iter()
            .map(|roi| Roi {
                shape: roi.shape.transformed(scale, |p| self.to_output(p, height_px)),
                ..roi.clone()
            })
            .collect()
    }

    /// A mask of the input, as it lies in the output: each pixel is what the nearest pixel of the input was.
    #[must_use]
    pub fn apply_to_mask(&self, mask: &Mask) -> Mask {
        let (width, height) = (mask.width(), mask.height());
        Mask::from_fn(width, height, |x, y| {
            let p = self.to_input(Point { x: x as f32 + 0.5, y: y as f32 + 0.5 }, height);
            let inside = (0.0..width as f32).contains(&p.x) && (0.0..height as f32).contains(&p.y);
            inside && mask.get(p.x as usize, p.y as usize)
        })
    }

    /// Sine, cosine, middle row and the shift that closes the wedge.
    fn rotation(&self, height_px: usize) -> (f32, f32, f32, f32) {
        let (sin, cos) = self.rotation_deg.to_radians().sin_cos();
        let middle = height_px as f32 / 2.0;
        (sin, cos, middle, middle * (sin / cos).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Augmentation;
    use mammo_core::{Finding, Seed, Shape};
    use proptest::prelude::*;

    /// A textured half disc at the left edge, black elsewhere.
    fn breast(size: usize) -> Plane {
        let r = size as f32 * 0.45;
        Plane::from_fn(size, size, |x, y| {
            let d = (x as f32).hypot(y as f32 - size as f32 / 2.0);
            if d < r { 0.2 + 0.6 * ((x * 7 + y * 13) % 11) as f32 / 11.0 } else { 0.0 }
        })
    }

    fn drawn(seed: u64) -> Transform {
        Augmentation { vertical_flip: true, ..Augmentation::default() }
            .draw(&mut Seed(seed).stream("augment"))
    }

    #[test]
    fn the_identity_changes_no_bit() {
        for size in [32, 33] {
            let plane = breast(size);
            assert_eq!(Transform::identity().apply(&plane), plane);
        }
    }

    #[test]
    fn flipping_twice_changes_nothing() {
        let flip = Transform { vertical_flip: true, ..Transform::identity() };
        let plane = breast(32);
        assert_ne!(flip.apply(&plane), plane);
        assert_eq!(flip.apply(&flip.apply(&plane)), plane);
    }

    #[test]
    fn a_mask_moves_as_its_picture_does() {
        let spot = |x: usize, y: usize| (10..18).contains(&x) && (20..30).contains(&y);
        let mask = Mask::from_fn(48, 48, spot);
        let plane = Plane::from_fn(48, 48, |x, y| f32::from(u8::from(spot(x, y))));
        assert_eq!(Transform::identity().apply_to_mask(&mask), mask);
        for seed in 0..20 {
            let drawn = Transform { contrast: 1.0, ..drawn(seed) };
            let (moved, picture) = (drawn.apply_to_mask(&mask), drawn.apply(&plane));
            for (y, x) in (0..48).flat_map(|y| (0..48).map(move |x| (y, x))) {
                let value = picture.get(x, y);
                assert!(value <= 0.99 || moved.get(x, y), "inside at {x} {y}");
                assert!(value >= 0.01 || !moved.get(x, y), "outside at {x} {y}");
            }
        }
    }

    #[test]
    fn a_black_picture_stays_black() {
        let black = Plane::filled(16, 16, 0.0);
        assert_eq!(drawn(1).apply(&black), black);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn values_stay_in_range_and_air_stays_black(seed: u64) {
            let (plane, t) = (breast(48), drawn(seed));
            let out = t.apply(&plane);
            for y in 0..48 {
                for x in 0..48 {
                    let v = out.get(x, y);
                    prop_assert!((0.0..=1.0).contains(&v));
                    let p = t.to_input(Point { x: x as f32 + 0.5, y: y as f32 + 0.5 }, 48);
                    // More than a pixel outside of the breast there is nothing to interpolate.
                    if p.x.hypot(p.y - 24.5) > 48.0 * 0.45 + 2.0 {
                        prop_assert_eq!(v, 0.0);
                    }
                }
            }
        }

        #[test]
        fn the_breast_stays_at_the_left_edge(seed: u64) {
            let plane = Plane::from_fn(32, 32, |x, y| if x < 20 && (8..24).contains(&y) { 0.5 } else { 0.0 });
            let out = Transform { contrast: 1.0, ..drawn(seed) }.apply(&plane);
            for y in 12..20 {
                prop_assert!((out.get(0, y) - 0.5).abs() < 1e-4, "row {}: {}", y, out.get(0, y));
            }
        }

        #[test]
        fn contrast_spreads_about_the_mean_and_no_normalisation_cancels_it(factor in 0.5f32..1.5) {
            let plane = Plane::from_fn(8, 8, |x, y| if x > 5 { 0.0 } else { 0.4 + 0.02 * ((x + y) % 5) as f32 });
            let t = Transform { contrast: factor, ..Transform::identity() };
            let spread = |p: &Plane| {
                let (low, high) = p.data().iter().filter(|&&v| v > 0.0).fold((1f32, 0f32), |(l, h), &v| (l.min(v), h.max(v)));
                high - low
            };
            let out = t.apply(&plane);
            prop_assert!((spread(&out) - factor * spread(&plane)).abs() < 1e-5);
            let mean = |p: &Plane| p.mean();
            prop_assert!((mean(&out) - mean(&plane)).abs() < 1e-5);
        }

        #[test]
        fn points_come_back(seed: u64, x in 0f32..64.0, y in 0f32..64.0) {
            let t = drawn(seed);
            let back = t.to_input(t.to_output(Point { x, y }, 64), 64);
            prop_assert!((back.x - x).abs() < 1e-3 && (back.y - y).abs() < 1e-3);
        }

        #[test]
        fn regions_follow_their_picture(seed: u64) {
            let center = Point { x: 24.0, y: 20.0 };
            let disc = Shape::Circle { center, radius: 6.0 };
            let roi = Roi { finding: Finding::Mass, raw_name: "Mass".into(), shape: disc.clone() };
            let plane = Plane::from_fn(64, 64, |x, y| {
                if disc.contains(Point { x: x as f32 + 0.5, y: y as f32 + 0.5 }) { 0.5 } else { 0.0 }
            });
            let t = drawn(seed);
            let out = t.apply(&plane);
            let mass: f64 = out.data().iter().map(|&v| f64::from(v)).sum();
            let mut found = (0f64, 0f64);
            for y in 0..64 {
                for x in 0..64 {
                    let w = f64::from(out.get(x, y)) / mass;
                    found = (found.0 + w * (x as f64 + 0.5), found.1 + w * (y as f64 + 0.5));
                }
            }
            let Shape::Circle { center, .. } = t.apply_to_rois(&[roi], 64)[0].shape else { unreachable!() };
            prop_assert!((found.0 - f64::from(center.x)).abs() < 0.2 && (found.1 - f64::from(center.y)).abs() < 0.2);
        }
    }
}
