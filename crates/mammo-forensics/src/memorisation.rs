use crate::{ForensicsError, bootstrap::quantile, check_size};
use mammo_core::Plane;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The longer side to which images are brought before they are compared.
const LONGER_SIDE_PX: usize = 32;
/// The share of held-out images that are nearer to a training image than what counts as suspiciously near.
const NEAR_SHARE: f64 = 0.05;
/// Held-out images that a percentile needs at the very least.
const MIN_HELD_OUT: usize = 2;

/// The training image that an image is nearest to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Its index among the training images; the first of several as near.
    pub training_index: usize,
    /// Root mean square difference of the two, brought to at most 32 pixels a side, in units of the plane.
    pub rms_difference: f64,
}

/// How near generated images come to those that the generator learned from, beside how near real ones come that it never
/// saw. [`memorisation`] measures it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memorisation {
    /// For each generated image, in the order given.
    pub generated: Vec<Nearest>,
    /// For each held-out image, in the order given.
    pub held_out: Vec<Nearest>,
    /// Median distance of the generated images over that of the held-out ones: about 1 or above where nothing was
    /// memorised, near 0 where most was.
    pub median_ratio: f64,
    /// The 5th percentile of the distances of the held-out images, in units of the plane: nearer counts as suspicious.
    pub near_rms_difference: f64,
    /// Generated images nearer than that.
    pub n_near: usize,
    /// Generated images.
    pub n_generated: usize,
}

impl Memorisation {
    /// The share of generated images that are suspiciously near, 0 to 1; about 0.05 is what real images give.
    pub fn near_share(&self) -> f64 {
        self.n_near as f64 / self.n_generated as f64
    }
}

/// Whether a generator gives its training images back: the distance of each generated image to the nearest training image of
/// its target domain, beside the same distance of real images of that domain that were held out.
///
/// The comparison of the three sets is that of Meehan, Chaudhuri and Dasgupta 2020 (arXiv 2004.05675); van den Burg and
/// Williams 2021 (arXiv 2106.03216) show that generators memorise without their losses telling. The distance is the root
/// mean square difference of images brought to at most 32 pixels on the longer side by area averaging, so that a shift by a
/// pixel or fine noise counts little.
///
/// What it shows: whole images that return, and sets that as a whole lie nearer to the training images than real ones do.
/// What it does not: lesions or other parts that return in another breast, copies that are mirrored, moved by much or of
/// other brightness and contrast, and anything about a single image, for one in twenty real images is "near" by
/// definition. A generator that makes other images than the domain holds is far from everything; a ratio above 1 is no
/// praise. With few held-out images the 5th percentile is itself uncertain, below 20 little more than the nearest one. And
/// the held-out images must come from other patients than the training images and be as many kinds of picture (view, side)
/// as the generated ones, or their distances mean nothing.
///
/// # Errors
/// [`ForensicsError::TooFewImages`] without generated or training images or below two held-out ones,
/// [`ForensicsError::Size`] when sizes differ, [`ForensicsError::NotFinite`], and [`ForensicsError::HeldOutCopies`] when at
/// least half of the held-out images are training images.
///
/// ```
/// use mammo_core::Plane;
/// use mammo_forensics::memorisation;
/// let image = |i: usize| Plane::from_fn(64, 48, |x, y| ((x / 8 * (7 + i) + y / 8 * (13 + 3 * i)) % 31) as f32 / 30.0);
/// let images = |range: std::ops::Range<usize>| -> Vec<Plane> { range.map(image).collect() };
/// let (training, held_out) = (images(0..6), images(6..12));
/// let found = memorisation(&[training[3].clone(), image(20)], &training, &held_out)?;
/// assert_eq!((found.generated[0].training_index, found.generated[0].rms_difference), (3, 0.0));
/// assert_eq!((found.n_near, found.near_share()), (1, 0.5));
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn memorisation(
    generated: &[Plane],
    training: &[Plane],
    held_out: &[Plane],
) -> Result<Memorisation, ForensicsError> {
    for (set, planes, needed) in
        [("training", training, 1), ("generated", generated, 1), ("held-out", held_out, MIN_HELD_OUT)]
    {
        if planes.len() < needed {
            return Err(ForensicsError::TooFewImages { set, found: planes.len(), needed });
        }
    }
    let size = (training[0].width(), training[0].height());
    let [training, generated, held_out] = [
        reduced("training image", training, size)?,
        reduced("generated image", generated, size)?,
        reduced("held-out image", held_out, size)?,
    ];
    let [generated, held_out] =
        [generated, held_out].map(|set| set.par_iter().map(|image| nearest(image, &training)).collect());
    summarised(generated, held_out)
}

fn summarised(generated: Vec<Nearest>, held_out: Vec<Nearest>) -> Result<Memorisation, ForensicsError> {
    let [of_generated, of_held_out] = [&generated, &held_out].map(|set| {
        let mut distances: Vec<f64> = set.iter().map(|near| near.rms_difference).collect();
        distances.sort_by(f64::total_cmp);
        distances
    });
    let usual = quantile(&of_held_out, 0.5);
    if usual == 0.0 {
        return Err(ForensicsError::HeldOutCopies);
    }
    let near_rms_difference = quantile(&of_held_out, NEAR_SHARE);
    Ok(Memorisation {
        median_ratio: quantile(&of_generated, 0.5) / usual,
        near_rms_difference,
        n_near: of_generated.iter().filter(|d| **d < near_rms_difference).count(),
        n_generated: generated.len(),
        generated,
        held_out,
    })
}

/// The images at the size at which they are compared.
fn reduced(
    what: &'static str,
    planes: &[Plane],
    (width, height): (usize, usize),
) -> Result<Vec<Plane>, ForensicsError> {
    let longer = width.max(height);
    // Small images stay as they are.
    let side = |px: usize| (px * LONGER_SIDE_PX.min(longer) + longer / 2) / longer;
    planes
        .par_iter()
        .map(|plane| {
            check_size(what, (plane.width(), plane.height()), (width, height))?;
            let small = plane.resized(side(width), side(height));
            // Every pixel has a part in one of these.
            if small.data().iter().all(|v| v.is_finite()) {
                Ok(small)
            } else {
                Err(ForensicsError::NotFinite)
            }
        })
        .collect()
}

fn nearest(image: &Plane, training: &[Plane]) -> Nearest {
    let mut found = Nearest { training_index: 0, rms_difference: f64::INFINITY };
    for (training_index, other) in training.iter().enumerate() {
        let pairs = image.data().iter().zip(other.data());
        let squares: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        let rms_difference = (squares / image.data().len() as f64).sqrt();
        if rms_difference < found.rms_difference {
            found = Nearest { training_index, rms_difference };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::{power_law_noise, white_noise};

    fn breasts(range: std::ops::Range<u64>) -> Vec<Plane> {
        range.map(|i| power_law_noise(96, 2.8, i).map(|v| 0.5 + 0.1 * v).cropped(0, 0, 72, 96)).collect()
    }

    #[test]
    fn copies_are_found_also_with_noise_and_moved_by_a_pixel() {
        let (training, held_out) = (breasts(0..20), breasts(20..40));
        let noisy = training[7].zip(&white_noise(72, 96, 1), |v, n| v + 0.02 * n);
        let moved = Plane::from_fn(72, 96, |x, y| training[11].get(x.saturating_sub(1), y));
        let found = memorisation(&[training[3].clone(), noisy, moved], &training, &held_out).unwrap();
        assert_eq!(found.generated.iter().map(|near| near.training_index).collect::<Vec<_>>(), [3, 7, 11]);
        assert_eq!(found.generated[0].rms_difference, 0.0);
        assert_eq!((found.n_near, found.near_share()), (3, 1.0));
        assert!(found.median_ratio < 0.5, "{}", found.median_ratio);
    }

    #[test]
    fn other_images_are_as_far_as_those_held_out() {
        let found = memorisation(&breasts(40..80), &breasts(0..30), &breasts(80..120)).unwrap();
        assert!((found.median_ratio - 1.0).abs() < 0.2, "{}", found.median_ratio);
        // 2 of 40 are expected, and the percentile of 40 is uncertain itself.
        assert!(found.n_near <= 10, "{}", found.n_near);
        assert_eq!((found.generated.len(), found.held_out.len(), found.n_generated), (40, 40, 40));
    }

    #[test]
    fn the_more_of_a_training_image_the_nearer() {
        let (training, held_out, other) = (breasts(0..10), breasts(10..20), breasts(20..21));
        let ratios: Vec<f64> = [0.0, 0.3, 0.6, 0.9, 1.0]
            .iter()
            .map(|&share| {
                let blend = training[4].zip(&other[0], |t, o| share * t + (1.0 - share) * o);
                memorisation(&[blend], &training, &held_out).unwrap().median_ratio
            })
            .collect();
        assert!(ratios.is_sorted_by(|a, b| a > b) && ratios[4] == 0.0, "{ratios:?}");
    }

    #[test]
    fn the_distance_is_a_root_mean_square_and_small_images_stay_as_they_are() {
        let training = [Plane::filled(8, 6, 0.5), Plane::filled(8, 6, 0.9)];
        let checks = Plane::from_fn(8, 6, |x, y| if (x + y) % 2 == 0 { 0.4 } else { 0.6 });
        let held_out = [Plane::filled(8, 6, 0.7), Plane::filled(8, 6, 0.3)];
        let found = memorisation(&[checks], &training, &held_out).unwrap();
        assert!((found.generated[0].rms_difference - 0.1).abs() < 1e-6);
        // 0.7 is as far from both, but for rounding.
        assert!((found.held_out[0].rms_difference - 0.2).abs() < 1e-6);
        assert!((found.median_ratio - 0.5).abs() < 1e-5);
        // A line of one pixel keeps one.
        let line = vec![Plane::from_fn(200, 1, |x, _| x as f32 / 200.0); 2];
        assert_eq!(memorisation(&line, &line, &line), Err(ForensicsError::HeldOutCopies));
    }

    #[test]
    fn mistakes_are_named() {
        let set = breasts(0..3);
        let too_few = |set, found, needed| Err(ForensicsError::TooFewImages { set, found, needed });
        assert_eq!(memorisation(&[], &set, &set), too_few("generated", 0, 1));
        assert_eq!(memorisation(&set, &[], &set), too_few("training", 0, 1));
        assert_eq!(memorisation(&set, &set, &set[..1]), too_few("held-out", 1, 2));
        assert_eq!(memorisation(&set, &set, &set), Err(ForensicsError::HeldOutCopies));
        let other = vec![Plane::filled(20, 20, 0.1); 2];
        assert!(matches!(memorisation(&set, &set, &other), Err(ForensicsError::Size { .. })));
        let mut nan = breasts(3..5);
        nan[1].set(71, 95, f32::INFINITY);
        assert_eq!(memorisation(&nan, &set, &breasts(5..8)), Err(ForensicsError::NotFinite));
        assert_eq!(memorisation(&set, &set, &nan), Err(ForensicsError::NotFinite));
    }
}
