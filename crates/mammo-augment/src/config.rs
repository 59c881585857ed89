use crate::Transform;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Why an [`Augmentation`] cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AugmentError {
    /// A range whose ends are not numbers or are in the wrong order.
    #[error("{field} is ({low}, {high}); give two numbers, the smaller first")]
    Order {
        /// Name of the field.
        field: &'static str,
        /// First number.
        low: f64,
        /// Second number.
        high: f64,
    },
    /// A range that leaves what is sensible for a mammogram.
    #[error("{field} is ({low}, {high}); both must be from {min} to {max}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// First number.
        low: f64,
        /// Second number.
        high: f64,
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
}

/// From which ranges a random [`Transform`] is drawn, each uniformly.
///
/// The default has the published ranges, but for the contrast: the sources print 0.08 to 1.2, whose lower end would
/// leave a nearly uniform grey breast. It is taken as a typing error for 0.8, the mirror image of 1.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Rotation about the middle of the chest wall in degrees, clockwise as seen; within -45 to 45.
    pub rotation_deg: (f64, f64),
    /// Factor of width and of height, drawn for each on its own; within 0.5 to 2.
    pub scale: (f64, f64),
    /// Factor of the distance of a breast pixel to the breast's mean; within 0 to 4.
    pub contrast: (f64, f64),
    /// Whether half of the images are turned upside down. Off by default: with the breast at the left edge, an
    /// MLO view upside down has its pectoral muscle at the bottom, which no mammogram shows.
    pub vertical_flip: bool,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { rotation_deg: (-4.0, 4.0), scale: (0.98, 1.13), contrast: (0.8, 1.2), vertical_flip: false }
    }
}

impl Augmentation {
    /// Ranges of one point each, from which only the identity is drawn.
    pub fn none() -> Self {
        Self { rotation_deg: (0.0, 0.0), scale: (1.0, 1.0), contrast: (1.0, 1.0), vertical_flip: false }
    }

    /// Checks every range against the limits in its field's documentation.
    ///
    /// # Errors
    /// [`AugmentError`], naming the field.
    pub fn check(&self) -> Result<(), AugmentError> {
        for (field, (low, high), min, max) in [
            ("rotation_deg", self.rotation_deg, -45.0, 45.0),
            ("scale", self.scale, 0.5, 2.0),
            ("contrast", self.contrast, 0.0, 4.0),
        ] {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(AugmentError::Order { field, low, high });
            }
            if low < min || high > max {
                return Err(AugmentError::Range { field, low, high, min, max });
            }
        }
        Ok(())
    }

    /// Draws one transform. Every call takes the same amount from the stream, whatever the ranges are.
    pub fn draw(&self, rng: &mut impl Rng) -> Transform {
        let mut uniform = |(low, high): (f64, f64)| (low + (high - low) * rng.random::<f64>()) as f32;
        let rotation_deg = uniform(self.rotation_deg);
        let scale_x = uniform(self.scale);
        let scale_y = uniform(self.scale);
        let contrast = uniform(self.contrast);
        let flip = uniform((0.0, 1.0)) < 0.5;
        Transform { rotation_deg, scale_x, scale_y, contrast, vertical_flip: self.vertical_flip && flip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;
    use proptest::prelude::*;

    #[test]
    fn the_default_is_sound_and_bad_ranges_are_named() {
        Augmentation::default().check().unwrap();
        Augmentation::none().check().unwrap();
        let message = |a: Augmentation| a.check().unwrap_err().to_string();
        let bad = Augmentation { scale: (1.2, 0.9), ..Augmentation::default() };
        assert_eq!(message(bad), "scale is (1.2, 0.9); give two numbers, the smaller first");
        let bad = Augmentation { rotation_deg: (-90.0, 4.0), ..Augmentation::default() };
        assert!(message(bad).contains("rotation_deg"));
        let bad = Augmentation { contrast: (f64::NAN, 1.0), ..Augmentation::default() };
        assert!(message(bad).contains("contrast"));
    }

    proptest! {
        #[test]
        fn draws_stay_in_their_ranges(seed: u64) {
            let t = Augmentation::default().draw(&mut Seed(seed).stream("augment"));
            prop_assert!(t.rotation_deg.abs() <= 4.0);
            prop_assert!((0.98..=1.13).contains(&t.scale_x) && (0.98..=1.13).contains(&t.scale_y));
            prop_assert!((0.8..=1.2).contains(&t.contrast) && !t.vertical_flip);
            let none = Augmentation::none().draw(&mut Seed(seed).stream("augment"));
            prop_assert_eq!(none, Transform::identity());
        }
    }
}
