use crate::bootstrap::quantile;
use crate::fourier::PowerSpectrum;
use crate::grid::{MIN_SIDE_PX, grid_of, high_pass};
use crate::spectrum::rings_of;
use crate::{ForensicsError, fit_power_law};
use mammo_core::Plane;

/// Numbers that [`radiomic_features`] gives.
pub const RADIOMIC_FEATURES: usize = 19;

/// What each number of [`radiomic_features`] is, in its order.
pub const RADIOMIC_NAMES: [&str; RADIOMIC_FEATURES] = [
    "mean",
    "deviation",
    "skewness",
    "excess_kurtosis",
    "percentile_10",
    "median",
    "percentile_90",
    "entropy_bits",
    "contrast_1px",
    "correlation_1px",
    "energy_1px",
    "homogeneity_1px",
    "contrast_4px",
    "correlation_4px",
    "energy_4px",
    "homogeneity_4px",
    "spectral_exponent",
    "grid_half_db",
    "grid_quarter_db",
];

/// Values below this are air: 8 of 256 levels, which the air around a translated breast stays under.
const AIR_BELOW: f32 = 8.0 / 255.0;
/// Pixels that a breast needs.
const MIN_BREAST_PX: usize = 256;
/// Grey levels of histogram and co-occurrence, over `[0, 1]`.
const LEVELS: usize = 32;
/// Distances of the co-occurrence in pixels: texture of the finest kind, and of the breadth of a strand of tissue.
const DISTANCES_PX: [isize; 2] = [1, 4];
/// The range of the power law, in cycles per pixel; that of [`crate::features`].
const FIT_CPP: (f64, f64) = (0.05, 0.3);

/// A short description of a mammogram with values in `[0, 1]` that needs no network and no downloaded weights, for
/// distances between sets ([`crate::frechet_distance`]). [`RADIOMIC_NAMES`] names the numbers:
///
/// | how many | what | range | source |
/// |---|---|---|---|
/// | 7 | mean, deviation, skewness, excess kurtosis, 10th percentile, median and 90th percentile of the grey values | as the values | intensity statistics of the Image Biomarker Standardisation Initiative (IBSI), arXiv 1612.07003 |
/// | 1 | entropy of a histogram of 32 levels, in bits | 0 to 5 | intensity histogram of the IBSI |
/// | 4 | contrast, correlation, energy (angular second moment) and homogeneity (inverse difference moment) of the grey-level co-occurrence at 1 pixel | 0 to 961, -1 to 1, 0 to 1, 0 to 1 | Haralick, Shanmugam and Dinstein 1973, doi:10.1109/TSMC.1973.4309314 |
/// | 4 | the same at 4 pixels | the same | the same |
/// | 1 | exponent of the power law of the radial spectrum between 0.05 and 0.3 cycles per pixel ([`crate::fit_power_law`]) | about 1 to 4 | Burgess, Jacobson and Judy 2001, doi:10.1118/1.1355308 |
/// | 2 | grid score at two and at four pixels, in decibels ([`crate::grid_score`]) | about 0 without a grid | Zhang, Karaman and Chang 2019, arXiv 1907.06515 |
///
/// Grey values and co-occurrence are those of the breast: pixels of at least 8/255, and pairs of which both are such. The
/// spectrum is that of the whole image with all else at 0, edge of the breast included. The 32 levels are fixed bins from 0
/// to 1 (values above 1 count to the last), not bins of each image's own range, so that contrast compares between images;
/// the four directions (and their opposites) of a distance are counted in one matrix. Pictures whose breast has one level
/// only have a correlation of 1.
///
/// These are texture and brightness, not anatomy: images can agree in all of them and be wrong.
///
/// # Errors
/// [`ForensicsError::TooSmall`] below 48 pixels a side, [`ForensicsError::NotFinite`], [`ForensicsError::NoBreast`] when
/// fewer than 256 pixels or no pairs of them are brighter than air, [`ForensicsError::Constant`] when all of those are
/// equal, and [`ForensicsError::FitRange`] when there is no spectrum for a power law.
///
/// ```
/// use mammo_core::Plane;
/// use mammo_forensics::{RADIOMIC_NAMES, radiomic_features};
/// let plane = Plane::from_fn(64, 80, |x, y| if x < 50 { 0.3 + ((x * 7 + y * 13) % 31) as f32 / 90.0 } else { 0.0 });
/// let found = radiomic_features(&plane)?;
/// for (name, value) in RADIOMIC_NAMES.iter().zip(&found) {
///     println!("{name}: {value:.3}");
/// }
/// assert!((found[0] - 0.47).abs() < 0.01, "the mean is that of the breast");
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn radiomic_features(plane: &Plane) -> Result<Vec<f64>, ForensicsError> {
    let (width, height) = (plane.width(), plane.height());
    if width.min(height) < MIN_SIDE_PX {
        return Err(ForensicsError::TooSmall { width, height, needed_px: MIN_SIDE_PX });
    }
    if plane.data().iter().any(|v| !v.is_finite()) {
        return Err(ForensicsError::NotFinite);
    }
    let mut breast: Vec<f64> =
        plane.data().iter().filter(|v| **v >= AIR_BELOW).map(|&v| f64::from(v)).collect();
    let no_breast = ForensicsError::NoBreast { found_px: breast.len(), needed_px: MIN_BREAST_PX };
    if breast.len() < MIN_BREAST_PX {
        return Err(no_breast);
    }
    breast.sort_by(f64::total_cmp);
    if breast[0] == breast[breast.len() - 1] {
        return Err(ForensicsError::Constant);
    }
    let levels: Vec<Option<usize>> =
        plane.data().iter().map(|&v| (v >= AIR_BELOW).then(|| level_of(v))).collect();
    let mut found = first_order(&breast, &levels);
    for d in DISTANCES_PX {
        let offsets = [(d, 0), (d, d), (0, d), (-d, d)];
        let counts = co_occurrence(&levels, (width, height), LEVELS, &offsets);
        found.extend(haralick(&counts, LEVELS).ok_or_else(|| no_breast.clone())?);
    }
    // Air that is nearly black in a translated image and black in an original is no difference between breasts.
    let tissue = plane.map(|v| if v < AIR_BELOW { 0.0 } else { v });
    let (of_image, of_residual) = PowerSpectrum::of_two(&tissue, &high_pass(&tissue));
    let grid = grid_of(&of_residual);
    found.push(fit_power_law(&rings_of(&of_image), FIT_CPP.0, FIT_CPP.1)?.beta);
    found.extend([grid.half_db(), grid.quarter_db()]);
    debug_assert_eq!(found.len(), RADIOMIC_FEATURES);
    Ok(found)
}

fn level_of(value: f32) -> usize {
    ((value.clamp(0.0, 1.0) * LEVELS as f32) as usize).min(LEVELS - 1)
}

/// Moments, percentiles and entropy of rising values, which are not all equal.
fn first_order(sorted: &[f64], levels: &[Option<usize>]) -> Vec<f64> {
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let moment = |order: i32| sorted.iter().map(|v| (v - mean).powi(order)).sum::<f64>() / n;
    let variance = moment(2);
    let mut counts = [0usize; LEVELS];
    for level in levels.iter().flatten() {
        counts[*level] += 1;
    }
    let shares = counts.iter().filter(|count| **count > 0).map(|&count| count as f64 / n);
    let entropy: f64 = shares.map(|share| -share * share.log2()).sum();
    vec![
        mean,
        variance.sqrt(),
        moment(3) / variance.powf(1.5),
        moment(4) / (variance * variance) - 3.0,
        quantile(sorted, 0.1),
        quantile(sorted, 0.5),
        quantile(sorted, 0.9),
        entropy,
    ]
}

/// How often one level stands beside another at any of the offsets or their opposites; pairs with an empty pixel do not
/// count.
fn co_occurrence(
    pixels: &[Option<usize>],
    (width, height): (usize, usize),
    levels: usize,
    offsets: &[(isize, isize)],
) -> Vec<u64> {
    let mut counts = vec![0; levels * levels];
    for &(dx, dy) in offsets {
        for y in 0..height {
            let Some(there) = y.checked_add_signed(dy).filter(|y| *y < height) else { continue };
            let (here, there) = (&pixels[y * width..][..width], &pixels[there * width..][..width]);
            for (x, a) in here.iter().enumerate() {
                let b = x.checked_add_signed(dx).and_then(|x| there.get(x)).copied().flatten();
                if let (Some(a), Some(b)) = (*a, b) {
                    counts[a * levels + b] += 1;
                    counts[b * levels + a] += 1;
                }
            }
        }
    }
    counts
}

/// Contrast, correlation, energy and homogeneity of a symmetric co-occurrence; `None` without pairs.
fn haralick(counts: &[u64], levels: usize) -> Option<[f64; 4]> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let pairs = || {
        counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(k, &count)| ((k / levels) as f64, (k % levels) as f64, count as f64 / total as f64))
    };
    let mean: f64 = pairs().map(|(i, _, p)| i * p).sum();
    let variance: f64 = pairs().map(|(i, _, p)| (i - mean).powi(2) * p).sum();
    let covariance: f64 = pairs().map(|(i, j, p)| (i - mean) * (j - mean) * p).sum();
    // Where all pixels have one level each tells its neighbour.
    let one_level = pairs().count() == 1;
    Some([
        pairs().map(|(i, j, p)| (i - j).powi(2) * p).sum(),
        if one_level { 1.0 } else { covariance / variance },
        pairs().map(|(_, _, p)| p * p).sum(),
        pairs().map(|(i, j, p)| p / (1.0 + (i - j).powi(2))).sum(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::{power_law_noise, white_noise};

    fn at(found: &[f64], name: &str) -> f64 {
        found[RADIOMIC_NAMES.iter().position(|n| *n == name).unwrap()]
    }

    /// Tissue left of column 72, air right of it.
    fn breast(index: u64) -> Plane {
        let tissue = power_law_noise(96, 2.8, index);
        Plane::from_fn(
            96,
            96,
            |x, y| if x < 72 { (0.5 + 0.1 * tissue.get(x, y)).clamp(0.1, 0.9) } else { 0.0 },
        )
    }

    #[test]
    fn co_occurrence_is_that_of_haralicks_example() {
        // The worked example of Haralick et al. 1973: a picture of 4 x 4 pixels with four levels, and its four matrices.
        let picture = [0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3].map(Some);
        let matrix = |offset| co_occurrence(&picture, (4, 4), 4, &[offset]);
        assert_eq!(matrix((1, 0)), [4, 2, 1, 0, 2, 4, 0, 0, 1, 0, 6, 1, 0, 0, 1, 2]);
        assert_eq!(matrix((0, 1)), [6, 0, 2, 0, 0, 4, 2, 0, 2, 2, 2, 2, 0, 0, 2, 0]);
        assert_eq!(matrix((1, 1)), [2, 1, 3, 0, 1, 2, 1, 0, 3, 1, 0, 2, 0, 0, 2, 0]);
        assert_eq!(matrix((-1, 1)), [4, 1, 0, 0, 1, 2, 2, 0, 0, 2, 4, 1, 0, 0, 1, 0]);
    }

    #[test]
    fn a_checkerboard_has_its_known_texture() {
        // Across and down the levels always differ, on the diagonals never: half of the pairs each, but for the edge.
        let levels: Vec<_> =
            (0..4096).map(|i| Some(if (i / 64 + i % 64) % 2 == 0 { 10 } else { 13 })).collect();
        let of = |offset| haralick(&co_occurrence(&levels, (64, 64), LEVELS, &[offset]), LEVELS).unwrap();
        for (found, expected) in [(of((1, 0)), [9.0, -1.0, 0.5, 0.1]), (of((1, 1)), [0.0, 1.0, 0.5, 1.0])] {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?}");
        }
    }

    #[test]
    fn moments_and_entropy_are_those_of_the_values() {
        // Two values, equally often: a deviation of half their distance, no skew, the least kurtosis, one bit.
        let plane = Plane::from_fn(64, 64, |x, y| if (x / 4 + y / 4) % 2 == 0 { 0.25 } else { 0.75 });
        let found = radiomic_features(&plane).unwrap();
        let expected = [0.5, 0.25, 0.0, -2.0, 0.25, 0.5, 0.75, 1.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn air_does_not_count() {
        let clean = breast(1);
        let murky = clean.zip(&white_noise(96, 96, 2), |v, noise| {
            if v == 0.0 { (0.01 + 0.003 * noise).clamp(0.0, 0.03) } else { v }
        });
        assert_ne!(clean, murky);
        assert_eq!(radiomic_features(&clean).unwrap(), radiomic_features(&murky).unwrap());
    }

    #[test]
    fn changes_show_where_they_should() {
        let plain = breast(3);
        let before = radiomic_features(&plain).unwrap();
        let inside = |f: &dyn Fn(usize, usize) -> f32| {
            let pattern = Plane::from_fn(96, 96, f);
            radiomic_features(&plain.zip(&pattern, |v, p| if v > 0.0 { v + p } else { v })).unwrap()
        };
        let brighter = inside(&|_, _| 0.1);
        for name in ["mean", "median", "percentile_10", "percentile_90"] {
            assert!((at(&brighter, name) - at(&before, name) - 0.1).abs() < 1e-5, "{name}");
        }
        assert!((at(&brighter, "deviation") - at(&before, "deviation")).abs() < 1e-6);
        let noise = white_noise(96, 96, 4);
        let noisy = inside(&|x, y| 0.05 * noise.get(x, y));
        assert!(at(&noisy, "contrast_1px") > 2.0 * at(&before, "contrast_1px"));
        assert!(at(&noisy, "homogeneity_1px") < at(&before, "homogeneity_1px"));
        assert!(at(&noisy, "correlation_1px") < at(&before, "correlation_1px"));
        assert!(at(&noisy, "spectral_exponent") < at(&before, "spectral_exponent") - 0.5);
        let grid = inside(&|x, y| if (x + y) % 2 == 0 { 0.02 } else { -0.02 });
        assert!(at(&grid, "grid_half_db") > at(&before, "grid_half_db") + 10.0);
        // Smooth tissue resembles itself more at one pixel than at four.
        assert!(at(&before, "correlation_1px") > at(&before, "correlation_4px"));
    }

    #[test]
    fn pictures_without_texture_are_refused() {
        let of = |plane: &Plane| radiomic_features(plane);
        assert!(matches!(of(&Plane::filled(47, 64, 0.5)), Err(ForensicsError::TooSmall { .. })));
        assert_eq!(of(&Plane::filled(64, 64, 0.5)), Err(ForensicsError::Constant));
        let none = ForensicsError::NoBreast { found_px: 0, needed_px: MIN_BREAST_PX };
        assert_eq!(of(&Plane::filled(64, 64, 0.0)), Err(none));
        let mut nan = breast(5);
        nan.set(90, 90, f32::NAN);
        assert_eq!(of(&nan), Err(ForensicsError::NotFinite));
        // Bright pixels enough, but none within four of another in the four directions.
        let scattered =
            Plane::from_fn(
                96,
                96,
                |x, y| if x % 3 == 0 && y % 3 == 0 { 0.5 + 0.001 * x as f32 } else { 0.0 },
            );
        assert!(matches!(of(&scattered), Err(ForensicsError::NoBreast { .. })));
        // Extreme values give numbers or an error, not a panic.
        let extreme = Plane::from_fn(48, 48, |x, y| if (x + y) % 2 == 0 { f32::MAX } else { -f32::MAX });
        assert!(of(&extreme).is_err() || of(&extreme).unwrap().iter().all(|v| v.is_finite()));
        // One level of 32 only.
        let flat = Plane::from_fn(64, 64, |x, y| 0.51 + 0.001 * ((x * y) % 7) as f32);
        assert_eq!(at(&of(&flat).unwrap(), "correlation_1px"), 1.0);
    }
}
