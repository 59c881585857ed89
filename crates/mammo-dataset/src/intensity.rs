use crate::segment::percentile;
use mammo_core::{Mask, Plane};
use serde::{Deserialize, Serialize};

/// Share of the breast's pixels that lie below the upper end. It is this low so that neither a hot pixel nor a lesion, which
/// takes some three per cent of a breast, moves the map: a map that a bright lesion moves darkens the rest of the breast, and
/// networks then learn brightness instead of lesions.
const UPPER_SHARE: f64 = 0.90;
/// Where the upper end goes in `[0, 1]`; above it there is room for lesions and calcifications.
const UPPER_LEVEL: f32 = 0.70;

/// The linear map from display values to `[0, 1]`: `low` goes to 0 and `high` to 0.7; beyond 0 and 1 it is clamped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntensityMap {
    /// Display value that becomes 0: 0 for digital mammograms, the background's brightness for films.
    pub low: f32,
    /// Display value that becomes 0.7: the 90th percentile of the breast's pixels.
    pub high: f32,
}

impl IntensityMap {
    /// Takes `high` from the pixels of `plane` inside `breast`, at the size that the map will be used at.
    pub fn from_breast(plane: &Plane, breast: &Mask, low: f32) -> Self {
        let inside: Vec<f32> =
            plane.data().iter().zip(breast.data()).filter(|(_, inside)| **inside).map(|(&v, _)| v).collect();
        // An image without contrast must not divide by zero; any positive range will do.
        Self { low, high: percentile(inside, UPPER_SHARE).max(low + 1e-3) }
    }

    /// The map of display values that lie between 0 and 1 as they are to be shown.
    pub const AS_SHOWN: Self = Self { low: 0.0, high: UPPER_LEVEL };

    /// The display value in `[0, 1]`.
    pub fn to_unit(&self, display: f32) -> f32 {
        ((display - self.low) / (self.high - self.low) * UPPER_LEVEL).clamp(0.0, 1.0)
    }

    /// The display value of a number in `[0, 1]`: the inverse where nothing was clamped.
    pub fn to_display(&self, unit: f32) -> f32 {
        unit / UPPER_LEVEL * (self.high - self.low) + self.low
    }
}

/// `[0, 1]` to the `[-1, 1]` of the networks; black becomes -1.
#[must_use]
pub fn to_network(plane: &Plane) -> Plane {
    plane.map(|v| 2.0 * v - 1.0)
}

/// `[-1, 1]` of the networks to `[0, 1]`, clamped.
#[must_use]
pub fn from_network(plane: &Plane) -> Plane {
    plane.map(|v| f32::midpoint(v, 1.0).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breast() -> (Plane, Mask) {
        let plane = Plane::from_fn(40, 40, |x, y| if x < 20 { 1000.0 + (x * 40 + y) as f32 } else { 0.0 });
        let mask = Mask::from_fn(40, 40, |x, _| x < 20);
        (plane, mask)
    }

    #[test]
    fn one_hot_pixel_changes_nothing() {
        let (plane, mask) = breast();
        let before = IntensityMap::from_breast(&plane, &mask, 0.0);
        let mut hot = plane.clone();
        hot.set(3, 3, 16383.0);
        let after = IntensityMap::from_breast(&hot, &mask, 0.0);
        for v in [1.0, 500.0, 1500.0] {
            assert!((before.to_unit(v) - after.to_unit(v)).abs() < 1e-3);
        }
        assert_eq!(after.to_unit(16383.0), 1.0);
    }

    #[test]
    fn the_map_has_its_ends_where_the_docs_say() {
        let (plane, mask) = breast();
        let map = IntensityMap::from_breast(&plane, &mask, 100.0);
        assert_eq!(map.to_unit(50.0), 0.0);
        assert!((map.to_unit(map.high) - 0.70).abs() < 1e-6);
        assert!((map.to_display(map.to_unit(1234.0)) - 1234.0).abs() < 0.01);
    }

    #[test]
    fn black_is_minus_one_for_networks_and_comes_back() {
        let plane = Plane::from_fn(5, 1, |x, _| x as f32 / 4.0);
        assert_eq!(to_network(&plane).data(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(from_network(&to_network(&plane)), plane);
        assert_eq!(from_network(&Plane::filled(1, 1, 1.5)).get(0, 0), 1.0);
    }

    #[test]
    fn a_flat_image_does_not_divide_by_zero() {
        let black = Plane::filled(4, 4, 0.0);
        let map = IntensityMap::from_breast(&black, &Mask::from_fn(4, 4, |_, _| true), 0.0);
        assert_eq!(map.to_unit(0.0), 0.0);
    }
}
