use crate::{
    ForensicsError, check_size,
    pyramid::{laplacian_pyramid, level_sizes},
};
use mammo_core::Plane;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Pixels that the shorter side of the coarsest level has at least.
const MIN_SIDE_PX: usize = 16;
/// Side of a patch, in pixels of its level.
const PATCH_SIDE_PX: usize = 7;
const PATCH_PX: usize = PATCH_SIDE_PX * PATCH_SIDE_PX;
/// Patches of each image and level, as many as Karras et al. take.
const PATCHES_PER_IMAGE: usize = 128;
/// Directions on which the patches are projected. Karras et al. take 512, of far larger sets; with a quarter of them two
/// sets of 32 images of 124 x 160 pixels take about 0.2 s on one core.
const PROJECTIONS: usize = 128;
/// A level whose deviation is below this share of the brightest pixel holds rounding and no detail.
const NO_DETAIL: f64 = 1e-6;

/// The sliced Wasserstein distance between patches of two sets of images, level by level of a Laplacian pyramid, the finest
/// first (Karras et al. 2018, arXiv 1710.10196, section 5): how far the smallest structures, larger ones, and at last
/// brightness and shape are from those of the reference (the real images). 0 for equal sets, rising without bound.
///
/// Each level has half the side of the one before, down to 16 pixels on the shorter side; the first ones hold detail alone,
/// the last what is left. From each image and level come 128 patches of 7 x 7 pixels at random places. Patches are
/// normalised by the mean and the deviation of all pixels in the patches of *the reference* at that level, and projected on
/// 128 random directions of length one. The value is the mean over the directions of the Wasserstein distance of the
/// projections: the mean absolute difference of the sorted ones, or of the quantiles where sets differ in size. It is in
/// deviations of the reference: a last level brighter by one deviation gives about 0.8 (the root of 2/pi), noise added to
/// detail less.
///
/// Two choices differ from Karras et al.: they normalise each set by itself, which hides differences of contrast and
/// brightness, and multiply by 1000. And the n-th images of both sets are cut at the same places, so that equal sets give
/// exactly 0. Patches from the air beside a breast count as all others do.
///
/// Sets of the same kind do not give 0 but a floor that falls with the numbers of images. Real images against other real
/// images show that floor; only figures with the same numbers of images compare. The same images and the same stream give
/// the same figures, on any number of threads.
///
/// # Errors
/// [`ForensicsError::TooFewImages`] without images in a set, [`ForensicsError::Size`] when sizes differ,
/// [`ForensicsError::TooSmall`] below 16 pixels a side, [`ForensicsError::NotFinite`], [`ForensicsError::NoDetail`] when a
/// level of the reference is constant, and [`ForensicsError::TooFar`] where a distance exceeds all numbers.
///
/// ```
/// use mammo_core::{Plane, Seed};
/// use mammo_forensics::sliced_wasserstein;
/// let textures = |grain: usize| -> Vec<Plane> {
///     (0..4).map(|i| Plane::from_fn(64, 48, |x, y| (((x / grain) * 7 + (y / grain) * (13 + i)) % 31) as f32 / 30.0)).collect()
/// };
/// let (fine, coarse) = (textures(1), textures(4));
/// let distances = sliced_wasserstein(&coarse, &fine, &mut Seed(1).stream("patches"))?;
/// assert_eq!(distances.len(), 2); // 64 x 48 and 32 x 24
/// assert!(distances.iter().all(|d| *d > 0.05));
/// assert_eq!(sliced_wasserstein(&fine, &fine, &mut Seed(1).stream("patches"))?, [0.0, 0.0]);
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn sliced_wasserstein(
    generated: &[Plane],
    reference: &[Plane],
    rng: &mut impl Rng,
) -> Result<Vec<f64>, ForensicsError> {
    let sizes = check(generated, reference)?;
    // For each image and level, the corners of its patches. All draws are made here and below, by one thread.
    let places: Vec<Vec<Vec<(usize, usize)>>> = (0..generated.len().max(reference.len()))
        .map(|_| sizes.iter().map(|&size| draw_corners(size, rng)).collect())
        .collect();
    let [of_generated, of_reference] = [generated, reference].map(|set| -> Vec<Vec<Vec<f32>>> {
        set.par_iter().zip(&places).map(|(plane, places)| patches(plane, places)).collect()
    });
    let brightest = reference.iter().flat_map(Plane::data).map(|v| f64::from(v.abs())).fold(0.0, f64::max);
    (0..sizes.len())
        .map(|level| {
            let of_level = |set: &[Vec<Vec<f32>>]| -> Vec<f32> {
                set.iter().flat_map(|image| image[level].iter().copied()).collect()
            };
            let (a, b) = (of_level(&of_generated), of_level(&of_reference));
            let (mean, sd) = mean_and_deviation(&b);
            if !sd.is_finite() {
                return Err(ForensicsError::TooFar);
            }
            if sd <= NO_DETAIL * brightest {
                return Err(ForensicsError::NoDetail { level });
            }
            let directions: Vec<[f32; PATCH_PX]> = (0..PROJECTIONS).map(|_| draw_direction(rng)).collect();
            let (a, b) = (normalised(&a, mean, sd), normalised(&b, mean, sd));
            // Collected in order and summed by one thread: the rounding does not depend on the number of threads.
            let distances: Vec<f64> = directions
                .par_iter()
                .map(|direction| wasserstein(&projected(&a, direction), &projected(&b, direction)))
                .collect();
            let distance = distances.iter().sum::<f64>() / PROJECTIONS as f64;
            if distance.is_finite() { Ok(distance) } else { Err(ForensicsError::TooFar) }
        })
        .collect()
}

/// The sizes of the levels, if the images are fit for them.
fn check(generated: &[Plane], reference: &[Plane]) -> Result<Vec<(usize, usize)>, ForensicsError> {
    let too_few = |set| ForensicsError::TooFewImages { set, found: 0, needed: 1 };
    let first = reference.first().ok_or_else(|| too_few("reference"))?;
    generated.first().ok_or_else(|| too_few("generated"))?;
    let (width, height) = (first.width(), first.height());
    if width.min(height) < MIN_SIDE_PX {
        return Err(ForensicsError::TooSmall { width, height, needed_px: MIN_SIDE_PX });
    }
    for (what, set) in [("reference image", reference), ("generated image", generated)] {
        for plane in set {
            check_size(what, (plane.width(), plane.height()), (width, height))?;
            if plane.data().iter().any(|v| !v.is_finite()) {
                return Err(ForensicsError::NotFinite);
            }
        }
    }
    Ok(level_sizes(width, height, MIN_SIDE_PX))
}

fn draw_corners((width, height): (usize, usize), rng: &mut impl Rng) -> Vec<(usize, usize)> {
    (0..PATCHES_PER_IMAGE)
        .map(|_| (rng.random_range(0..=width - PATCH_SIDE_PX), rng.random_range(0..=height - PATCH_SIDE_PX)))
        .collect()
}

/// A direction of length one, all of them equally likely.
fn draw_direction(rng: &mut impl Rng) -> [f32; PATCH_PX] {
    let parts: [f32; PATCH_PX] = std::array::from_fn(|_| StandardNormal.sample(rng));
    let length = parts.iter().map(|v| v * v).sum::<f32>().sqrt();
    parts.map(|v| v / length)
}

/// The pixels of the patches of an image, patch after patch, for every level.
fn patches(plane: &Plane, places: &[Vec<(usize, usize)>]) -> Vec<Vec<f32>> {
    let levels = laplacian_pyramid(plane, MIN_SIDE_PX);
    let cut = |(level, corners): (&Plane, &Vec<(usize, usize)>)| {
        let mut pixels = Vec::with_capacity(corners.len() * PATCH_PX);
        for &(left, top) in corners {
            for y in top..top + PATCH_SIDE_PX {
                pixels.extend_from_slice(&level.row(y)[left..left + PATCH_SIDE_PX]);
            }
        }
        pixels
    };
    levels.iter().zip(places).map(cut).collect()
}

fn mean_and_deviation(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Normalised and turned: the first pixel of all patches, then the second of all, so that a projection adds long rows.
fn normalised(pixels: &[f32], mean: f64, sd: f64) -> Vec<f32> {
    let count = pixels.len() / PATCH_PX;
    let mut turned = vec![0.0; pixels.len()];
    for (i, patch) in pixels.chunks_exact(PATCH_PX).enumerate() {
        for (k, &v) in patch.iter().enumerate() {
            turned[k * count + i] = ((f64::from(v) - mean) / sd) as f32;
        }
    }
    turned
}

/// The projections of all patches on a direction, rising.
fn projected(turned: &[f32], direction: &[f32; PATCH_PX]) -> Vec<f32> {
    let count = turned.len() / PATCH_PX;
    let mut sums = vec![0f32; count];
    for (row, weight) in turned.chunks_exact(count).zip(direction) {
        for (sum, v) in sums.iter_mut().zip(row) {
            *sum += weight * v;
        }
    }
    sums.sort_unstable_by(f32::total_cmp);
    sums
}

/// The Wasserstein distance of two sets of rising numbers: the area between their quantile functions. Neither is empty.
fn wasserstein(a: &[f32], b: &[f32]) -> f64 {
    // Every number of `a` is as many parts as `b` has numbers, and the other way round: both have as many parts in all,
    // and whole ones.
    let (mut i, mut j, mut parts_a, mut parts_b) = (0, 0, b.len(), a.len());
    let mut area = 0.0;
    while i < a.len() && j < b.len() {
        let moved = parts_a.min(parts_b);
        area += moved as f64 * (f64::from(a[i]) - f64::from(b[j])).abs();
        parts_a -= moved;
        parts_b -= moved;
        if parts_a == 0 {
            i += 1;
            parts_a = b.len();
        }
        if parts_b == 0 {
            j += 1;
            parts_b = a.len();
        }
    }
    area / (a.len() as f64 * b.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::{power_law_noise, white_noise};
    use mammo_core::Seed;

    fn tissues(range: std::ops::Range<u64>) -> Vec<Plane> {
        range.map(|i| power_law_noise(64, 2.8, i).map(|v| 0.5 + 0.1 * v).cropped(0, 0, 64, 48)).collect()
    }

    fn of(a: &[Plane], b: &[Plane]) -> Vec<f64> {
        sliced_wasserstein(a, b, &mut Seed(4).stream("patches")).unwrap()
    }

    #[test]
    fn the_distance_of_numbers_is_that_of_their_quantiles() {
        assert_eq!(wasserstein(&[0.0, 1.0, 5.0], &[1.0, 2.0, 3.0]), 4.0 / 3.0);
        // Doubling every number changes no quantile.
        assert_eq!(wasserstein(&[0.0, 0.0, 1.0, 1.0, 5.0, 5.0], &[0.0, 1.0, 5.0]), 0.0);
        // 0 to 1 over the first half, 4 to 1 over the second.
        assert_eq!(wasserstein(&[0.0, 4.0], &[1.0]), 2.0);
        // Thirds against halves: one sixth of the way is 1.
        assert!((wasserstein(&[0.0, 1.0, 1.0], &[0.0, 1.0]) - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn equal_sets_are_not_apart() {
        let set = tissues(0..5);
        assert_eq!(of(&set, &set), [0.0, 0.0]);
        assert_eq!(of(&set[..1], &set[..1]), [0.0, 0.0]);
    }

    #[test]
    fn a_shift_of_brightness_has_its_known_distance_on_the_last_level_only() {
        let set = tissues(0..8);
        let last: Vec<f32> = set
            .iter()
            .flat_map(|plane| laplacian_pyramid(plane, MIN_SIDE_PX).pop().unwrap().into_data())
            .collect();
        let (_, sd) = mean_and_deviation(&last);
        let shifted: Vec<Plane> = set.iter().map(|plane| plane.map(|v| v + 2.0 * sd as f32)).collect();
        let found = of(&shifted, &set);
        assert!(found[0] < 1e-5, "{found:?}");
        // Two deviations in each of 49 pixels are 14 along the one direction that is the same in all pixels; a random
        // one in 49 dimensions has a mean share of about the root of 2 / (49 pi) in it.
        let expected = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
        assert!((found[1] / expected - 1.0).abs() < 0.25, "{found:?} {expected}");
    }

    #[test]
    fn more_noise_is_farther_and_mostly_on_the_finest_level() {
        let set = tissues(0..6);
        let noisy = |amount: f32| -> Vec<Plane> {
            set.iter()
                .zip(0..)
                .map(|(plane, i)| plane.zip(&white_noise(64, 48, i), |v, n| v + amount * n))
                .collect()
        };
        let found: Vec<Vec<f64>> = [0.005, 0.01, 0.02, 0.04].iter().map(|&s| of(&noisy(s), &set)).collect();
        assert!(found.iter().map(|d| d[0]).is_sorted(), "{found:?}");
        assert!(found[3][0] > 3.0 * found[0][0] && found[3][0] > 4.0 * found[3][1], "{found:?}");
    }

    #[test]
    fn contrast_counts() {
        let set = tissues(0..6);
        let flat: Vec<Plane> = set.iter().map(|plane| plane.map(|v| 0.5 + 0.5 * (v - 0.5))).collect();
        assert!(of(&flat, &set).iter().all(|d| *d > 0.1));
    }

    #[test]
    fn sets_of_one_kind_are_near_also_where_their_sizes_differ() {
        let near = of(&tissues(0..20), &tissues(20..50));
        let far = of(&tissues(0..20), &(0..30).map(|i| white_noise(64, 48, i)).collect::<Vec<_>>());
        assert!(near.iter().zip(&far).all(|(n, f)| 2.0 * n < *f), "{near:?} {far:?}");
        // Every image twice is the same set, but cut at twice as many places.
        let set = tissues(0..20);
        let twice = [&set[..], &set[..]].concat();
        assert!(of(&twice, &set)[0] < 0.05);
    }

    #[test]
    fn the_same_stream_gives_the_same_on_any_number_of_threads() {
        let (a, b) = (tissues(0..3), tissues(3..8));
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| of(&a, &b))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn mistakes_are_named() {
        let set = tissues(0..2);
        let of = |a: &[Plane], b: &[Plane]| sliced_wasserstein(a, b, &mut Seed(4).stream("patches"));
        assert!(matches!(of(&[], &set), Err(ForensicsError::TooFewImages { set: "generated", .. })));
        assert!(matches!(of(&set, &[]), Err(ForensicsError::TooFewImages { set: "reference", .. })));
        assert!(matches!(of(&[Plane::filled(48, 64, 0.1)], &set), Err(ForensicsError::Size { .. })));
        let small = [Plane::filled(15, 64, 0.1)];
        assert!(matches!(of(&small, &small), Err(ForensicsError::TooSmall { needed_px: 16, .. })));
        let flat = [Plane::filled(64, 48, 0.3)];
        assert_eq!(of(&set, &flat), Err(ForensicsError::NoDetail { level: 0 }));
        assert!(of(&flat, &set).unwrap()[0] > 0.0);
        let black = [Plane::filled(64, 48, 0.0)];
        assert_eq!(of(&black, &black), Err(ForensicsError::NoDetail { level: 0 }));
        let mut nan = set.clone();
        nan[1].set(3, 3, f32::NAN);
        assert_eq!(of(&set, &nan), Err(ForensicsError::NotFinite));
        let huge: Vec<Plane> =
            set.iter().map(|plane| plane.map(|v| if v > 0.5 { f32::MAX } else { -f32::MAX })).collect();
        assert_eq!(of(&huge, &set), Err(ForensicsError::TooFar));
        assert_eq!(of(&set, &huge), Err(ForensicsError::TooFar));
    }
}
