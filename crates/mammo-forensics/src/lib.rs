//! Measures of artefacts and tampering on grey planes: radial power spectra, the grid score of up-sampling artefacts,
//! difference maps, structural similarity, lesion contrast, features for detectors, and the counterfactual score against a phantom's true twin.
//! Of sets of images: Frechet distance of features, sliced Wasserstein distance of patches, and what a generator memorised.
//!
//! Planes hold values in `[0, 1]` unless a function says otherwise; frequencies are in cycles per pixel.
//!
//! ```
//! use mammo_core::Plane;
//! use mammo_forensics::{difference, grid_score};
//!
//! let smooth = Plane::from_fn(64, 64, |x, y| 0.5 + 0.2 * ((x as f32) / 9.0).sin() * ((y as f32) / 7.0).cos());
//! let grid = smooth.map(|v| v); // the same picture ...
//! let grid = grid.zip(&Plane::from_fn(64, 64, |x, y| if (x + y) % 2 == 0 { 0.01 } else { -0.01 }), |a, b| a + b);
//!
//! // ... with a two-pixel checkerboard of one percent, which the eye hardly sees.
//! assert!(grid_score(&grid)?.half_db() > grid_score(&smooth)?.half_db() + 10.0);
//! assert!(difference(&smooth, &grid)?.min_max().1 > 0.009);
//! # Ok::<(), mammo_forensics::ForensicsError>(())
//! ```

mod bootstrap;
mod contrast;
mod counterfactual;
mod difference;
mod eigen;
mod features;
mod fourier;
mod frechet;
mod grid;
mod memorisation;
mod pyramid;
mod radiomics;
mod share;
mod similarity;
mod sliced_wasserstein;
mod spectrum;

pub use bootstrap::Estimate;
pub use contrast::{lesion_contrast, ring_width_px};
pub use counterfactual::{
    Counterfactual, CounterfactualCase, CounterfactualSummary, Direction, score_counterfactual, summarise,
};
pub use difference::{difference, magnitude_quantile, mean_abs_difference};
pub use features::{FEATURES, features};
pub use frechet::frechet_distance;
pub use grid::{GridScore, grid_score};
pub use memorisation::{Memorisation, Nearest, memorisation};
pub use radiomics::{RADIOMIC_FEATURES, RADIOMIC_NAMES, radiomic_features};
pub use share::{Share, share};
pub use similarity::structural_similarity;
pub use sliced_wasserstein::sliced_wasserstein;
pub use spectrum::{PowerLaw, RadialSpectrum, fit_power_law, mean_spectrum, radial_spectrum, tiles_inside};

/// Why a measure could not be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ForensicsError {
    /// Two images that belong together differ in size.
    #[error("the {what} has {found_width} x {found_height} pixels where {width} x {height} are needed")]
    Size {
        /// Which image or mask.
        what: &'static str,
        /// Columns it has.
        found_width: usize,
        /// Rows it has.
        found_height: usize,
        /// Columns it should have.
        width: usize,
        /// Rows it should have.
        height: usize,
    },
    /// The image is too small for the measure.
    #[error("{width} x {height} pixels are too few; each side needs at least {needed_px}")]
    TooSmall {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Pixels that each side needs.
        needed_px: usize,
    },
    /// A pixel is NaN or infinite.
    #[error("the image holds a value that is not a finite number")]
    NotFinite,
    /// All pixels are equal.
    #[error("the image is constant; there is nothing to measure")]
    Constant,
    /// There is nothing to average.
    #[error("a mean spectrum needs at least one image")]
    NoImages,
    /// The range of frequencies holds too few points for a line.
    #[error(
        "{found} spectrum values with power lie between {low_cpp} and {high_cpp} cycles per pixel; a fit needs at \
         least 3"
    )]
    FitRange {
        /// Lower end.
        low_cpp: f64,
        /// Upper end.
        high_cpp: f64,
        /// Values in the range.
        found: usize,
    },
    /// A set of images is too small for the measure.
    #[error("the {set} set holds {found} images; at least {needed} are needed")]
    TooFewImages {
        /// Which set.
        set: &'static str,
        /// Images in it.
        found: usize,
        /// Images that it needs.
        needed: usize,
    },
    /// The features of an image are not as many as those of the others.
    #[error("image {image} of the {set} set (counted from 0) has {found} features where {needed} are needed")]
    FeatureCount {
        /// Which set.
        set: &'static str,
        /// Index of the image in its set.
        image: usize,
        /// Features that it has.
        found: usize,
        /// Features that it should have.
        needed: usize,
    },
    /// A feature is NaN or infinite.
    #[error("image {image} of the {set} set (counted from 0) has a feature that is not a finite number")]
    FeatureNotFinite {
        /// Which set.
        set: &'static str,
        /// Index of the image in its set.
        image: usize,
    },
    /// No feature differs between the images that are the measure.
    #[error(
        "all images of the reference set have the same features; there is no spread to measure a distance in"
    )]
    ConstantFeatures,
    /// A level of the pyramid is constant in the images that are the measure.
    #[error(
        "the reference images are constant at level {level} of their pyramid (0 is the finest); there is no spread to \
         measure a distance in"
    )]
    NoDetail {
        /// The level; 0 is the finest.
        level: usize,
    },
    /// The distance is not a finite number.
    #[error(
        "the two sets lie too far apart for their distance to be a number; check that both have the same range of \
         values"
    )]
    TooFar,
    /// There is hardly anything but air.
    #[error(
        "the image has {found_px} pixels brighter than air; texture needs at least {needed_px} that lie together"
    )]
    NoBreast {
        /// Pixels brighter than air.
        found_px: usize,
        /// Pixels that are needed.
        needed_px: usize,
    },
    /// The images that should show how near unseen images come were seen.
    #[error(
        "at least half of the held-out images are also training images; hold out images of other patients"
    )]
    HeldOutCopies,
}

/// Checks that an image or mask has the size of another.
pub(crate) fn check_size(
    what: &'static str,
    (found_width, found_height): (usize, usize),
    (width, height): (usize, usize),
) -> Result<(), ForensicsError> {
    if (found_width, found_height) == (width, height) {
        Ok(())
    } else {
        Err(ForensicsError::Size { what, found_width, found_height, width, height })
    }
}
