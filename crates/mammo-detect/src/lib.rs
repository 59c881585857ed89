//! Detectors of altered mammograms, and the attack that they are measured beside.
//!
//! A [`Detector`] is trained on original and altered images of patients and says of others how likely they were altered. It
//! is of one of two kinds ([`Method`]): a regression on measures of the whole image that need no training themselves, or a
//! small network that also shows where. Both can be trained under [`Handling`], so that they look for traces of
//! a generator and not for JPEG or a blur. [`GradientAttack`] is the classic attack on a classifier, for comparison.
//!
//! Detectors see images in 256 levels and without what is in the air around the breast ([`as_seen`]): originals have air at
//! exactly 0 and generators do not, and traces below a grey level of 8 bits do not survive the next encoder, so that finding
//! either would be no finding.
//!
//! ```
//! use mammo_core::{Plane, Seed};
//! use mammo_detect::{Detector, DetectorSettings, Method, Sample};
//! use rand::Rng;
//!
//! // Grainy pictures; altered ones are a little smoother.
//! let samples: Vec<Sample> = (0..20)
//!     .map(|i| {
//!         let mut random = Seed(1).stream_at("grain", i);
//!         let original = Plane::from_fn(48, 48, |_, _| 0.5 + random.random_range(-0.05..0.05));
//!         let modified = vec![original.map(|v| 0.5 + 0.6 * (v - 0.5))];
//!         Sample { patient: format!("patient {i}"), original, modified }
//!     })
//!     .collect();
//! let settings = DetectorSettings { method: Method::Measures { ridge: 1.0 }, handled_copies: 0, ..DetectorSettings::default() };
//! let detector = Detector::train(&samples, &settings, &mut |_, _| true)?.expect("nobody ended it");
//! assert!(detector.file().unseen_auc > 0.9);
//! assert!(detector.score(&samples[1].modified[0])?.probability > 0.5);
//! # Ok::<(), mammo_detect::DetectError>(())
//! ```

mod attack;
mod calibration;
mod detector;
mod handling;
mod logistic;
mod splice;

pub use attack::GradientAttack;
pub use calibration::Calibration;
pub use detector::{
    Detector, DetectorFile, DetectorScore, DetectorSettings, Method, Sample, StoredMethod, TrainedOn,
};
pub use handling::Handling;
pub use logistic::Logistic;
pub use splice::Spliced;

use mammo_core::Plane;
use mammo_forensics::ForensicsError;
use mammo_train::TrainError;

/// Levels of 256 below this are taken for air.
const AIR_LEVELS: f32 = 8.0;

/// The image as every detector sees it: in 256 levels, with whatever is darker than air can be at exactly 0.
///
/// ```
/// use mammo_core::Plane;
/// let plane = Plane::new(3, 1, vec![0.004, 0.2001, 0.0])?;
/// assert_eq!(mammo_detect::as_seen(&plane).data(), [0.0, 0.2, 0.0]);
/// # Ok::<(), mammo_core::PlaneError>(())
/// ```
pub fn as_seen(plane: &Plane) -> Plane {
    plane.map(|v| {
        let level = (v * 255.0).round();
        // Written so that what is no number stays what it is and is refused later.
        if level < AIR_LEVELS { 0.0 } else { level / 255.0 }
    })
}

/// Why a detector could not be trained, read or used.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The samples or settings make no detector.
    #[error("the detector cannot be trained: {0}")]
    Training(String),
    /// The image has another size than the detector's.
    #[error(
        "the image has {found_width} x {found_height} pixels where the detector knows {width} x {height}"
    )]
    Size {
        /// Columns it has.
        found_width: usize,
        /// Rows it has.
        found_height: usize,
        /// Columns that the detector knows.
        width: usize,
        /// Rows that the detector knows.
        height: usize,
    },
    /// The file of a detector is of another form or damaged.
    #[error("not a detector that can be used: {0}")]
    File(String),
    /// The detector weighs the image as a whole.
    #[error(
        "this detector weighs the image as a whole and cannot say where; train one with --method network"
    )]
    NoPlaces,
    /// An attack that does nothing.
    #[error(
        "an attack with reach {reach} in {steps} steps; the reach is above 0 and at most 1, the steps at least 1"
    )]
    Attack {
        /// Largest change.
        reach: f32,
        /// Steps.
        steps: usize,
    },
    /// A measure refused the image.
    #[error(transparent)]
    Measure(#[from] ForensicsError),
    /// The network failed or refused the image.
    #[error(transparent)]
    Network(#[from] TrainError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_once_looks_the_same_again() {
        let plane = Plane::from_fn(256, 40, |x, y| (x as f32 + y as f32 / 40.0) / 255.0 - 0.001);
        let once = as_seen(&plane);
        assert_eq!(as_seen(&once), once);
        assert_eq!(
            as_seen(&plane.map(|v| (v * 255.0).round() / 255.0)),
            once,
            "8 bits on the way change nothing"
        );
        assert!(as_seen(&Plane::filled(1, 1, f32::NAN)).get(0, 0).is_nan());
    }
}
